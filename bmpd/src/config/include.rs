//! `include`: further files that belong to a configuration.
//!
//! ```text
//! include = ["bmpd.d/*.toml"]     beside the file that has it
//! ```
//!
//! An entry names a file, or the files of a folder by a pattern; in a folder they are taken in the order of their names. A
//! pattern ends in `.toml`, and hidden files do not match, so that what editors and packages leave in a folder is not
//! read. An included file cannot include others. Number and size are limited: whoever may write into the folder must not be able to
//! keep bmpd busy.
//!
//! Tables that can be there several times (`[[session]]`) are appended; one that can be there once is in one of the files.

use std::io;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::diagnostic::Finding;
use super::source::{Source, clean};
use super::{FILE_MAX, reading};

/// The most entries of `include`.
const ENTRIES_MAX: usize = 64;

/// The most files that can be included.
pub(crate) const FILES_MAX: usize = 1000;

/// The most names in a folder, those that do not match counted.
const NAMES_MAX: usize = 10_000;

/// How many characters of an entry and of a path are repeated in an error.
const SHOWN_MAX: usize = 200;

/// The key.
pub(super) const KEY: &str = "include";

/// An included file.
#[derive(Debug)]
pub(super) struct Included {
    pub(super) path: PathBuf,
    pub(super) text: Zeroizing<String>,
}

/// What `include` led to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// In their order, each once.
    pub(super) files: Vec<Included>,
    /// The folders of patterns, in which a file can appear.
    pub(super) folders: Vec<PathBuf>,
    /// What is wrong with an entry or with a file, at the entry.
    pub(super) findings: Vec<Finding>,
}

/// Reads what a file includes. Entries of another type than text are left to the check of types.
pub(super) fn read(main: &Path, table: &DeTable<'_>) -> Found {
    let mut found = Found::default();
    let Some(list) = table.get(KEY).and_then(|value| value.get_ref().as_array()) else {
        return found;
    };
    let folder = main.parent().unwrap_or(Path::new(""));
    // All files together have at most the size of one.
    let mut left = FILE_MAX;
    for (index, entry) in list.iter().enumerate() {
        let Some(text) = entry.get_ref().as_str() else { continue };
        let mut refuse = |text: String| {
            let key = Some(format!("{KEY}[{index}]"));
            found.findings.push(Finding { span: entry.span(), key, text });
        };
        if index == ENTRIES_MAX {
            refuse(format!("there are {} entries; at most {ENTRIES_MAX} are allowed", list.len()));
            break;
        }
        let (paths, pattern_folder) = match paths(text, folder, main) {
            Ok(paths) => paths,
            Err(text) => {
                refuse(text);
                continue;
            }
        };
        found.folders.extend(pattern_folder);
        for path in paths {
            if found.files.iter().any(|file| file.path == path) {
                continue;
            }
            if found.files.len() == FILES_MAX {
                refuse(format!(
                    "more than {FILES_MAX} files are included; at most as many are allowed"
                ));
                return found;
            }
            match read_one(&path, left) {
                Ok(text) => {
                    left -= text.len();
                    found.files.push(Included { path, text });
                }
                Err(wrong) => refuse(format!("{} {wrong}", shown(&path))),
            }
        }
    }
    found
}

/// The paths that an entry names, and the folder of a pattern.
fn paths(
    entry: &str,
    folder: &Path,
    main: &Path,
) -> Result<(Vec<PathBuf>, Option<PathBuf>), String> {
    let path = folder.join(entry);
    let Some(name) =
        path.file_name().and_then(|name| name.to_str()).filter(|_| !entry.ends_with('/'))
    else {
        return Err(format!(
            "\"{}\" is no file; write \"FILE.toml\", or \"FOLDER/*.toml\" for those of a folder",
            clean(entry, SHOWN_MAX)
        ));
    };
    if !name.ends_with(".toml") {
        return Err(format!(
            "\"{}\" does not end in .toml; write \"FILE.toml\", or \"FOLDER/*.toml\" for the files of a folder, so that \
             what editors leave there is not read",
            clean(entry, SHOWN_MAX)
        ));
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let is_pattern = |text: &str| text.contains(['*', '?', '[', ']', '{', '}']);
    if parent.to_str().is_some_and(is_pattern) || is_pattern(&name.replace('*', "")) {
        return Err(format!(
            "\"{}\" is no pattern that is known; only * is, in the name of the file",
            clean(entry, SHOWN_MAX)
        ));
    }
    if !name.contains('*') {
        return if is_same(&path, main) { Err(itself(entry)) } else { Ok((vec![path], None)) };
    }
    let mut names = matching(parent, name).map_err(|wrong| format!("{} {wrong}", shown(parent)))?;
    names.sort_unstable();
    let paths: Vec<PathBuf> = names.into_iter().map(|name| parent.join(name)).collect();
    if paths.iter().any(|path| is_same(path, main)) {
        return Err(itself(entry));
    }
    Ok((paths, Some(parent.to_owned())))
}

fn itself(entry: &str) -> String {
    format!(
        "\"{}\" matches the file that includes it; put the others into a folder, such as \"bmpd.d/*.toml\"",
        clean(entry, SHOWN_MAX)
    )
}

/// True if both paths lead to one file that exists.
fn is_same(path: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let id = |path| std::fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    id(path).is_some_and(|found| id(other) == Some(found))
}

/// The names in a folder that match, in no order.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<std::ffi::OsString>, String> {
    // The folder of a relative path can be the current one.
    let opened = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "does not exist; create the folder, or remove this".to_owned(),
        io::ErrorKind::NotADirectory => "is no folder; write the folder of the files".to_owned(),
        _ => format!(
            "cannot be read: {}; let bmpd's user read the folder",
            crate::net::describe(&error)
        ),
    };
    let mut names = Vec::new();
    for (count, entry) in std::fs::read_dir(opened).map_err(unreadable)?.enumerate() {
        if count == NAMES_MAX {
            return Err(format!("has more than {NAMES_MAX} files; use a folder with fewer"));
        }
        let name = entry.map_err(unreadable)?.file_name();
        if name.to_str().is_some_and(|name| matches(pattern, name)) {
            names.push(name);
        }
    }
    Ok(names)
}

/// True if a name matches a pattern, in which `*` stands for any characters. A hidden file only matches a pattern that
/// begins with a dot.
fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // The first place of each part leaves most for those behind it.
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// Reads an included file that is at most this long.
fn read_one(path: &Path, left: usize) -> Result<Zeroizing<String>, String> {
    let read = || match std::fs::metadata(path)?.is_file() {
        // A device might never end.
        false => Err(io::Error::other("it is no regular file")),
        true => reading::read(path, left),
    };
    let bytes = read().map_err(|error| {
        let what_to_do = match error.kind() {
            io::ErrorKind::NotFound => "write it, or remove this",
            io::ErrorKind::PermissionDenied => "let bmpd's user read it",
            _ => "remove it, or name others",
        };
        format!("cannot be read: {}; {what_to_do}", crate::net::describe(&error))
    })?;
    if bytes.len() > left {
        return Err(format!(
            "makes it more than {FILE_MAX} bytes, the most that all included files can have together"
        ));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(super::without_mark(text).to_owned())),
        Err(error) => {
            let line =
                bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(format!("is not UTF-8 on line {line}; save it in this encoding"))
        }
    }
}

fn shown(path: &Path) -> String {
    clean(&path.to_string_lossy(), SHOWN_MAX)
}

/// Adds the tables of an included file to those there are.
pub(super) fn merge<'i>(
    into: &mut DeTable<'i>,
    from: DeTable<'i>,
    source: &Source<'_>,
    findings: &mut Vec<Finding>,
) {
    merge_at("", into, from, source, findings);
}

fn merge_at<'i>(
    at: &str,
    into: &mut DeTable<'i>,
    from: DeTable<'i>,
    source: &Source<'_>,
    findings: &mut Vec<Finding>,
) {
    for (key, value) in from {
        let name = key.get_ref().to_string();
        let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        if path == KEY {
            let text = "an included file cannot include others; name them in the file that bmpd is started with";
            let key = Some(KEY.to_owned());
            findings.push(Finding { span: value.span(), key, text: text.to_owned() });
            continue;
        }
        let Some((first_key, _)) = into.get_key_value(name.as_str()) else {
            into.insert(key, value);
            continue;
        };
        let first = source.place(first_key.span().start);
        let Some(there) = into.get_mut(name.as_str()) else { continue };
        let span = value.span();
        // A list of tables is a list that begins with a table.
        match (there.get_mut(), value.into_inner()) {
            (DeValue::Array(there), DeValue::Array(more)) if is_list_of_tables(&more) => {
                for table in more {
                    there.push(table);
                }
            }
            (DeValue::Table(there), DeValue::Table(more))
                if has_lists_only(there) || has_lists_only(&more) =>
            {
                merge_at(&path, there, more, source, findings);
            }
            (DeValue::Table(_), DeValue::Table(_)) => {
                let text = format!(
                    "[{path}] is on {first} already; a table that is no list can be in one file: move its keys there"
                );
                findings.push(Finding { span, key: Some(path), text });
            }
            _ => {
                let text = format!("it is on {first} already; remove one of them");
                findings.push(Finding { span, key: Some(path), text });
            }
        }
    }
}

fn is_list_of_tables(list: &[Spanned<DeValue<'_>>]) -> bool {
    list.first().is_some_and(|first| first.get_ref().is_table())
}

/// True if a table has nothing but lists of tables: what `[[bgp.neighbor]]` alone makes of `bgp`.
fn has_lists_only(table: &DeTable<'_>) -> bool {
    table
        .values()
        .all(|value| value.get_ref().as_array().is_some_and(|list| is_list_of_tables(list)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_visible_files_match_a_pattern() {
        for (pattern, name, expected) in [
            ("*.toml", "a.toml", true),
            ("*.toml", "a.b.toml", true),
            ("*.toml", ".toml", false),
            ("*.toml", ".a.toml.swp", false),
            ("*.toml", ".#a.toml", false),
            ("*.toml", "a.toml~", false),
            ("*.toml", "#a.toml#", false),
            ("*.toml", "a.toml.dpkg-new", false),
            ("*.toml", "atoml", false),
            ("10-*.toml", "10-a.toml", true),
            ("10-*.toml", "20-a.toml", false),
            ("*-s*s.toml", "a-sss.toml", true),
            ("*-s*s.toml", "a-s.toml", false),
            ("a*a.toml", "a.toml", false),
            ("*", "a", true),
            ("a.toml", "a.toml", true),
            ("a.toml", "a.tomlx", false),
            (".*.toml", ".a.toml", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
