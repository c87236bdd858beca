//! Checks that the modules of a crate form layers.
//!
//! A list of layers starts with the lowest one. A module may import from lower layers only, neither from higher ones nor
//! from other modules of its own layer, so modules cannot import one another in a circle. An entry such as `wire` or
//! `render::json` stands for a module with all of its submodules. If a submodule has an entry of its own, all of its
//! siblings need one, and the entry of the parent stands for the parent's own file. The crate root, `crate`, is above all
//! layers unless it is listed.
//!
//! The check reads the source text: `use` declarations, and other paths that start with `crate`, `self`, `super` or the
//! name of a submodule. A re-exported name counts as imported from the module that the path names. The check skips
//! comments, literals, items that are compiled for tests only, files and folders named `tests`, and the programs in
//! `bin`. It does not see paths that a macro builds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Returns what violates the layers: imports that do not lead to a lower layer, as `from -> to (file:line)` with the
/// file's path in `src`; modules that are in no layer; and entries of the list without a module.
///
/// # Panics
/// When a folder or a file cannot be read.
pub fn violations(src: &Path, layers: &[&[&str]]) -> Vec<String> {
    let files = files(src);
    let layers = Layers(layers);
    let modules: BTreeSet<&str> = files.iter().map(|file| file.module.as_str()).collect();
    let mut found = Vec::new();
    let mut listed = BTreeSet::new();
    for entry in layers.entries() {
        if !listed.insert(entry) {
            found.push(format!("{entry} is listed twice"));
        } else if entry != ROOT && !modules.contains(entry) {
            found.push(format!("{entry} is listed, and there is no such module"));
        }
    }
    for file in &files {
        if layers.place(&file.module).is_none() {
            found.push(format!("{} is in no layer ({})", file.module, file.name));
        }
    }
    for file in &files {
        let Some((here, own)) = layers.place(&file.module) else { continue };
        for (to, line) in imports(file, &modules) {
            if layers.place(&to).is_some_and(|(there, other)| own != other && there >= here) {
                found.push(format!("{} -> {to} ({}:{line})", file.module, file.name));
            }
        }
    }
    found
}

/// Returns the places where a condition on `name` is before something other than `mod` or `use`, as `file: line`, and how
/// many there are before those. A condition with `test` as an alternative does not count: unit tests need it as well.
///
/// # Panics
/// When a folder or a file cannot be read.
pub fn conditions(src: &Path, name: &str) -> (usize, Vec<String>) {
    let mut texts = BTreeMap::new();
    collect(src, "", &mut texts);
    let (mut modules, mut others) = (0, Vec::new());
    for (file, text) in texts {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        while let Some(line) = lines.next() {
            let (attribute, is_condition) = (line.starts_with("#[cfg"), line.contains("cfg"));
            if !is_condition
                || !line.contains(name)
                || line.contains("any(test, ")
                || line.starts_with("#![")
            {
                continue;
            }
            let item = lines.find(|line| !line.starts_with("#[")).unwrap_or_default();
            let item = item.trim_start_matches("pub").trim_start_matches("(crate)").trim_start();
            if attribute && (item.starts_with("mod ") || item.starts_with("use ")) {
                modules += 1;
            } else {
                others.push(format!("{file}: {line}"));
            }
        }
    }
    (modules, others)
}

/// The root of a crate as paths and lists name it.
const ROOT: &str = "crate";

struct Layers<'a>(&'a [&'a [&'a str]]);

impl<'a> Layers<'a> {
    fn entries(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().flat_map(|layer| layer.iter().copied())
    }

    /// The rank of a module's layer, and the entry of the list that stands for it; `None` if none does.
    fn place(&self, module: &str) -> Option<(usize, &'a str)> {
        let ranked = self.0.iter().enumerate();
        let ranked = ranked.flat_map(|(rank, layer)| layer.iter().map(move |entry| (rank, *entry)));
        let nearest = ranked.filter(|(_, entry)| contains(entry, module));
        match nearest.max_by_key(|(_, entry)| entry.len()) {
            None if module == ROOT => Some((self.0.len(), ROOT)),
            // Its siblings are listed one by one.
            Some((_, entry)) if entry != module && self.has_listed_modules(entry) => None,
            place => place,
        }
    }

    fn has_listed_modules(&self, module: &str) -> bool {
        self.entries().any(|entry| entry != module && contains(module, entry))
    }
}

/// True if the second module is the first one, or in it.
fn contains(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// A module's file.
struct File {
    module: String,
    /// The path in the folder of the sources.
    name: String,
    tokens: Vec<Token>,
}

/// The files of all modules, in the order of their paths, without modules that are compiled for tests only.
fn files(src: &Path) -> Vec<File> {
    let mut texts = BTreeMap::new();
    collect(src, "", &mut texts);
    let mut only_tests = Vec::new();
    let mut files = Vec::new();
    for (name, text) in texts {
        let module = module_of(&name);
        let (tokens, of_tests) = without_tests(&tokens(&text));
        only_tests.extend(of_tests.iter().map(|inner| join(&module, inner)));
        files.push(File { module, name, tokens });
    }
    files.retain(|file| !only_tests.iter().any(|tests| contains(tests, &file.module)));
    files
}

fn collect(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    let unreadable = |e| -> ! { panic!("{}: {e}", folder.display()) };
    for entry in fs::read_dir(folder).unwrap_or_else(|e| unreadable(e)) {
        let path = entry.unwrap_or_else(|e| unreadable(e)).path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if matches!(name.as_str(), "tests" | "tests.rs") || (prefix.is_empty() && name == "bin") {
            continue;
        }
        let inner = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{inner}/"), texts);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path);
            texts.insert(inner, text.unwrap_or_else(|e| panic!("{}: {e}", path.display())));
        }
    }
}

/// The module of a file: `render/json.rs` is `render::json`, `render/mod.rs` is `render`.
fn module_of(name: &str) -> String {
    let path = name.trim_end_matches(".rs");
    match path {
        "lib" | "main" => ROOT.to_owned(),
        _ => path.strip_suffix("/mod").unwrap_or(path).replace('/', "::"),
    }
}

fn join(module: &str, inner: &str) -> String {
    if module == ROOT { inner.to_owned() } else { format!("{module}::{inner}") }
}

/// The parent of a module; the crate root is its own.
fn parent(module: &str) -> &str {
    module.rsplit_once("::").map_or(ROOT, |(outer, _)| outer)
}

/// An identifier, a number or a punctuation mark.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// The tokens of Rust source text, with `::` as one token; comments, lifetimes and literals are left out.
fn tokens(text: &str) -> Vec<Token> {
    let text: Vec<char> = text.chars().collect();
    let at = |index: usize| text.get(index).copied().unwrap_or('\0');
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut tokens, mut index, mut line) = (Vec::new(), 0, 1);
    while index < text.len() {
        let begin = index;
        let mut end = index + 1;
        let mut shown = String::new();
        match (at(index), at(index + 1)) {
            ('/', '/') => {
                while end < text.len() && at(end) != '\n' {
                    end += 1;
                }
            }
            ('/', '*') => {
                let mut depth = 1;
                end = index + 2;
                while end < text.len() && depth > 0 {
                    match (at(end), at(end + 1)) {
                        ('/', '*') => (depth, end) = (depth + 1, end + 2),
                        ('*', '/') => (depth, end) = (depth - 1, end + 2),
                        _ => end += 1,
                    }
                }
            }
            ('"', _) => end = end_of_literal(&text, index),
            ('\'', '\\') => end = end_of_literal(&text, index),
            ('\'', _) if at(index + 2) == '\'' => end = index + 3,
            ('\'', _) => {
                while is_part(at(end)) {
                    end += 1;
                }
            }
            (':', ':') => (end, shown) = (index + 2, "::".to_owned()),
            (first, _) if is_part(first) => {
                while is_part(at(end)) {
                    end += 1;
                }
                shown = text[index..end].iter().collect();
                if let "r" | "br" | "cr" = shown.as_str() {
                    let signs = text[end..].iter().take_while(|c| **c == '#').count();
                    if at(end + signs) == '"' {
                        shown.clear();
                        end = end_of_raw(&text, end + signs + 1, signs);
                    } else if signs == 1 {
                        // The word behind it is the identifier.
                        shown.clear();
                        end += 1;
                    }
                }
            }
            (sign, _) if !sign.is_whitespace() => shown.push(sign),
            _ => {}
        }
        if !shown.is_empty() {
            tokens.push(Token { text: shown, line });
        }
        line += text[begin..end.min(text.len())].iter().filter(|c| **c == '\n').count();
        index = end;
    }
    tokens
}

/// The index behind the literal with escapes that starts at `begin`.
fn end_of_literal(text: &[char], begin: usize) -> usize {
    let mut index = begin + 1;
    while index < text.len() && text[index] != text[begin] {
        index += if text[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// The index behind the raw literal whose text starts at `begin` and ends with a quote and `signs` number signs.
fn end_of_raw(text: &[char], begin: usize, signs: usize) -> usize {
    let mut index = begin;
    while index < text.len() {
        index += 1;
        let behind = text[index..].iter().take(signs);
        if text[index - 1] == '"' && behind.filter(|c| **c == '#').count() == signs {
            return index + signs;
        }
    }
    index
}

/// The text of a token; empty behind the last one.
fn text_at(tokens: &[Token], index: usize) -> &str {
    tokens.get(index).map_or("", |token| token.text.as_str())
}

/// The index of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// The tokens without items that are compiled for tests only, and the names of such modules that have files.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut modules, mut index) = (Vec::new(), Vec::new(), 0);
    while index < tokens.len() {
        if !is_only_for_tests(tokens, index) {
            kept.push(tokens[index].clone());
            index += 1;
            continue;
        }
        while text_at(tokens, index) == "#" {
            index = closing(tokens, index + 1) + 1;
        }
        if text_at(tokens, index) == "pub" {
            index += 1;
            if text_at(tokens, index) == "(" {
                index = closing(tokens, index) + 1;
            }
        }
        if text_at(tokens, index) == "mod" && text_at(tokens, index + 2) == ";" {
            modules.push(text_at(tokens, index + 1).to_owned());
        }
        index = end_of_item(tokens, index);
    }
    (kept, modules)
}

/// True if `#[cfg(test)]` or `#[cfg(all(test, ...))]` starts at `index`.
fn is_only_for_tests(tokens: &[Token], index: usize) -> bool {
    let begins = ["#", "[", "cfg", "("];
    if !begins.iter().enumerate().all(|(rank, text)| text_at(tokens, index + rank) == *text) {
        return false;
    }
    let mut index = index + begins.len();
    if text_at(tokens, index) == "all" {
        index += 2;
    }
    // The conditions that must all hold, one by one.
    loop {
        match (text_at(tokens, index), text_at(tokens, index + 1)) {
            ("test", "," | ")") => return true,
            (")" | "", _) => return false,
            (_, "(") => index = closing(tokens, index + 1) + 1,
            _ => index += 1,
        }
    }
}

/// The index behind the item, statement, field or match arm that starts at `begin`.
fn end_of_item(tokens: &[Token], begin: usize) -> usize {
    let (first, second) = (text_at(tokens, begin), text_at(tokens, begin + 1));
    let ends_with_semicolon = match first {
        "use" | "let" | "static" | "type" => true,
        "const" => !matches!(second, "fn" | "unsafe" | "async" | "extern"),
        _ => false,
    };
    let is_item = ends_with_semicolon
        || matches!(
            first,
            "async" | "const" | "enum" | "extern" | "fn" | "impl" | "macro_rules" | "mod"
        )
        || matches!(first, "struct" | "trait" | "union" | "unsafe");
    let mut index = begin;
    while index < tokens.len() {
        match text_at(tokens, index) {
            ";" => return index + 1,
            "," if !is_item => return index + 1,
            ")" | "]" | "}" => return index,
            "(" | "[" => index = closing(tokens, index) + 1,
            "{" => {
                index = closing(tokens, index) + 1;
                if !ends_with_semicolon {
                    return index;
                }
            }
            _ => index += 1,
        }
    }
    index
}

/// A path as it is written.
struct Written {
    segments: Vec<String>,
    line: usize,
}

/// The modules that the paths of a file lead to, and the lines of the paths.
fn imports(file: &File, modules: &BTreeSet<&str>) -> Vec<(String, usize)> {
    let tokens = &file.tokens;
    let mut imports = Vec::new();
    // The current module, and at which depth of braces each inline module around the current token was opened.
    let mut from = file.module.clone();
    let (mut open, mut depth) = (Vec::new(), 0usize);
    let mut index = 0;
    while index < tokens.len() {
        let before = index.checked_sub(1).map_or("", |before| text_at(tokens, before));
        let (word, next) = (text_at(tokens, index), text_at(tokens, index + 1));
        let mut written = Vec::new();
        match word {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if open.pop_if(|around| *around == depth).is_some() {
                    from = parent(&from).to_owned();
                }
            }
            "mod" if text_at(tokens, index + 2) == "{" => {
                from = join(&from, next);
                open.push(depth);
                index += 1;
            }
            // `use<'a>` in an `impl Trait` is no declaration.
            "use" if next != "<" => {
                index = read_use(tokens, index + 1, &[], &mut written);
            }
            // `pub(in crate::rib)` is a visibility, and an identifier after a dot is a method.
            _ if is_word(word) && next == "::" && !matches!(before, "::" | "." | "in") => {
                let mut segments = vec![word.to_owned()];
                let line = tokens[index].line;
                while text_at(tokens, index + 1) == "::" && is_word(text_at(tokens, index + 2)) {
                    segments.push(text_at(tokens, index + 2).to_owned());
                    index += 2;
                }
                written.push(Written { segments, line });
            }
            _ => {}
        }
        index += 1;
        for Written { segments, line } in written {
            imports.extend(resolve(&from, &segments, modules).map(|to| (to, line)));
        }
    }
    // Several names from one module, on one line.
    imports.dedup();
    imports
}

/// Reads a use tree, and returns the index of the semicolon, comma or brace behind it.
fn read_use(tokens: &[Token], begin: usize, prefix: &[String], read: &mut Vec<Written>) -> usize {
    let mut segments = prefix.to_vec();
    let mut index = begin;
    loop {
        let token = text_at(tokens, index);
        let line = tokens.get(index).map_or(0, |token| token.line);
        match token {
            // `::name` is another crate.
            "::" if index == begin => segments.push(String::new()),
            "::" => {}
            "{" => {
                while !matches!(text_at(tokens, index), "}" | "") {
                    index += 1;
                    if !matches!(text_at(tokens, index), "," | "}") {
                        index = read_use(tokens, index, &segments, read);
                    }
                }
                return index + 1;
            }
            _ if is_word(token) || token == "*" => {
                segments.push(token.to_owned());
                if text_at(tokens, index + 1) != "::" {
                    read.push(Written { segments, line });
                    let renamed = text_at(tokens, index + 1) == "as";
                    return index + if renamed { 3 } else { 1 };
                }
            }
            _ => return index,
        }
        index += 1;
    }
}

/// The module that a path leads to; `None` if the path starts with another crate or with an item.
fn resolve(from: &str, segments: &[String], modules: &BTreeSet<&str>) -> Option<String> {
    let mut rest = segments.iter().map(String::as_str).peekable();
    let mut to = match *rest.peek()? {
        ROOT => {
            rest.next();
            ROOT.to_owned()
        }
        "self" | "super" => from.to_owned(),
        inner if modules.contains(join(from, inner).as_str()) => from.to_owned(),
        _ => return None,
    };
    while let Some(step) = rest.next_if(|step| matches!(*step, "self" | "super")) {
        if step == "super" {
            to = parent(&to).to_owned();
        }
    }
    for name in rest {
        let inner = join(&to, name);
        if !modules.contains(inner.as_str()) {
            break;
        }
        to = inner;
    }
    Some(to)
}

#[cfg(test)]
mod tests {
    //! An import that is not read is not checked.

    use super::*;

    fn found(files: &[(&str, &str)], layers: &[&[&str]]) -> Vec<String> {
        let src = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = src.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        violations(src.path(), layers)
    }

    /// What a file of the module `high::inner` imports, where `low`, `low::deep` and `mid` are the others.
    fn read(text: &str) -> Vec<String> {
        let files = [
            ("lib.rs", ""),
            ("low/mod.rs", ""),
            ("low/deep.rs", ""),
            ("mid.rs", ""),
            ("high.rs", ""),
            ("high/inner.rs", text),
        ];
        let layers: &[&[&str]] = &[&["high"], &["mid"], &["low::deep"], &["low"], &["crate"]];
        let strip = |line: String| {
            let (to, place) =
                line.strip_prefix("high::inner -> ").unwrap().split_once(" (").unwrap();
            format!("{to} {}", place.strip_prefix("high/inner.rs:").unwrap().trim_end_matches(')'))
        };
        found(&files, layers).into_iter().map(strip).collect()
    }

    #[test]
    fn an_import_that_runs_up_or_sideways_is_found() {
        let files = [
            ("lib.rs", "mod a; mod b; mod c;\npub use self::c::C;"),
            ("a.rs", "use std::fmt;\nuse crate::b::B;\n"),
            ("b.rs", "use crate::a::A;\n"),
            ("c.rs", "use crate::{a, b};\n"),
        ];
        assert_eq!(found(&files, &[&["a"], &["b"], &["c"]]), ["a -> b (a.rs:2)"]);
        assert_eq!(found(&files, &[&["b"], &["a"], &["c"]]), ["b -> a (b.rs:1)"]);
        assert_eq!(found(&files, &[&["a", "b"], &["c"]]), ["a -> b (a.rs:2)", "b -> a (b.rs:1)"]);
    }

    #[test]
    fn an_import_from_the_root_runs_up_unless_the_root_is_listed_below() {
        let files = [("lib.rs", "pub struct Error;"), ("a.rs", "use crate::Error;")];
        assert_eq!(found(&files, &[&["a"]]), ["a -> crate (a.rs:1)"]);
        assert_eq!(found(&files, &[&["crate"], &["a"]]), [""; 0]);
    }

    #[test]
    fn a_list_that_does_not_fit_the_modules_is_reported() {
        let files = [("lib.rs", ""), ("a.rs", ""), ("b/mod.rs", ""), ("b/c.rs", "")];
        assert_eq!(found(&files, &[&["a"], &["b"]]), [""; 0]);
        assert_eq!(
            found(&files, &[&["a"], &["a", "d"]]),
            [
                "a is listed twice",
                "d is listed, and there is no such module",
                "b::c is in no layer (b/c.rs)",
                "b is in no layer (b/mod.rs)",
            ]
        );
        let with_another = [&files[..], &[("b/d.rs", "")]].concat();
        assert_eq!(
            found(&with_another, &[&["a"], &["b::c"], &["b"]]),
            ["b::d is in no layer (b/d.rs)"]
        );
    }

    #[test]
    fn modules_in_a_module_can_form_layers_of_their_own() {
        let files = [
            ("lib.rs", ""),
            ("a/mod.rs", "mod low; mod high;\npub use self::high::H;\nuse low::L;"),
            ("a/low.rs", "use super::high;\nuse super::Shared;"),
            ("a/high.rs", "use super::low::L;"),
        ];
        assert_eq!(found(&files, &[&["a"]]), [""; 0], "a module as a whole");
        assert_eq!(
            found(&files, &[&["a::low"], &["a::high"], &["a"]]),
            ["a::low -> a::high (a/low.rs:1)", "a::low -> a (a/low.rs:2)"]
        );
        assert_eq!(
            found(&files, &[&["a"], &["a::low"], &["a::high"]]),
            [
                "a::low -> a::high (a/low.rs:1)",
                "a -> a::high (a/mod.rs:2)",
                "a -> a::low (a/mod.rs:3)"
            ]
        );
    }

    #[test]
    fn every_form_of_a_use_is_read() {
        assert_eq!(read("pub(crate) use crate::mid::*;"), ["mid 1"]);
        assert_eq!(read("use crate::mid as other; use crate::low as _;"), ["mid 1", "low 1"]);
        assert_eq!(read("use {crate::mid::M, std::fmt};"), ["mid 1"]);
        assert_eq!(
            read(
                "use crate::{\n    low::{self, deep::{D, E as F}},\n    mid,\n};\nuse crate::low;"
            ),
            ["low 2", "low::deep 2", "mid 3", "low 5"]
        );
        assert_eq!(
            read("use super::super::mid;\nuse super::super::{low::deep};"),
            ["mid 1", "low::deep 2"]
        );
        assert_eq!(read("use mid::M; use ::low::L; use std::mid; use super::low;"), [""; 0]);
    }

    #[test]
    fn paths_are_read_wherever_they_stand() {
        assert_eq!(
            read(
                "fn f(x: crate::mid::M) -> Vec<crate::low::deep::D> {\n    crate::low::new::<u8>()\n}"
            ),
            ["mid 1", "low::deep 1", "low 2"]
        );
        assert_eq!(read("macro_rules! m { () => { $crate::mid::f() } }"), ["mid 1"]);
        assert_eq!(read("#[serde(with = \"x\")]\nfn f() { super::super::mid::f() }"), ["mid 2"]);
        assert_eq!(
            read("mod own { use super::super::super::mid; use super::X; }\nuse super::X;"),
            ["mid 1"]
        );
        assert_eq!(
            read("pub(in crate::mid) fn f() -> impl Sized + use<'_> { x.low::<u8>() }"),
            [""; 0]
        );
    }

    #[test]
    fn comments_and_literals_are_not_read() {
        let text = r####"
            //! See [`crate::mid`].
            /* use crate::mid; /* crate::mid::m */ crate::mid::m */
            const A: &str = "use crate::mid; \" crate::mid::m";
            const B: &str = r#"crate::mid::m " crate::mid::m"#;
            const C: (char, char, u8) = ('"', '\'', b'"');
            fn f<'a>(a: &'a str, r#use: u8) { crate::low::f() }
        "####;
        assert_eq!(read(text), ["low 7"]);
    }

    #[test]
    fn what_is_only_for_tests_is_not_read() {
        assert_eq!(
            read("#[cfg(test)]\nmod tests {\n    use crate::mid;\n}\nuse crate::low;"),
            ["low 5"]
        );
        assert_eq!(
            read("#[cfg(test)]\n#[allow(x)]\npub(crate) use crate::{mid};\nuse crate::low;"),
            ["low 4"]
        );
        assert_eq!(
            read("#[cfg(all(unix, test))]\nconst fn f() { crate::mid::f() }\nuse crate::low;"),
            ["low 3"]
        );
        assert_eq!(
            read("struct S {\n    #[cfg(test)]\n    a: crate::mid::A,\n    b: crate::low::B,\n}"),
            ["low 4"]
        );
        assert_eq!(read("#[cfg(not(test))]\nuse crate::mid;"), ["mid 2"]);
        assert_eq!(read("#[cfg(any(test, unix))]\nuse crate::mid;"), ["mid 2"]);
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "#[cfg(test)]\nmod model;\n#[cfg(test)]\nmod tests;"),
            ("a/model.rs", "use crate::b;"),
            ("a/tests/mod.rs", "use crate::b;"),
            ("b.rs", ""),
            ("bin/other.rs", "use crate::b;"),
        ];
        assert_eq!(found(&files, &[&["a"], &["b"]]), [""; 0]);
    }
}
