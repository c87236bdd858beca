//! The documents of the repository, for the tests that run what is in them.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the repository.
pub fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The text of a file of the repository.
///
/// # Panics
/// When it cannot be read.
#[track_caller]
pub fn text(name: &str) -> String {
    let path = repository(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// All sources in Rust below a folder of the repository, as one text.
///
/// # Panics
/// When one cannot be read.
pub fn sources(folder: &str) -> String {
    fn add(folder: &Path, all: &mut String) {
        let unreadable = |e| -> ! { panic!("{}: {e}", folder.display()) };
        for entry in fs::read_dir(folder).unwrap_or_else(|e| unreadable(e)) {
            let path = entry.unwrap_or_else(|e| unreadable(e)).path();
            if path.is_dir() {
                add(&path, all);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&fs::read_to_string(&path).unwrap_or_else(|e| unreadable(e)));
            }
        }
    }
    let mut all = String::new();
    add(&repository(folder), &mut all);
    all
}

/// The documents in Markdown for users: the README and all in `docs`.
///
/// # Panics
/// When the folder cannot be read.
pub fn documents() -> Vec<String> {
    let mut names = vec!["README.md".to_owned()];
    let entries = fs::read_dir(repository("docs")).unwrap_or_else(|e| panic!("docs: {e}"));
    let files = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.extend(files.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")));
    names.sort();
    names
}

/// A block of code in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What stands behind the first fence, such as `sh`.
    pub language: String,
    /// What is between the fences.
    pub text: String,
    /// The line of the first fence, from 1.
    pub line: usize,
}

/// The blocks of code in a document.
///
/// # Panics
/// When one does not end.
#[track_caller]
pub fn blocks(markdown: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut is_open = false;
    for (number, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), found.last_mut()) {
            (Some(_), _) if is_open => is_open = false,
            (Some(language), _) => {
                is_open = true;
                let language = language.trim().to_owned();
                found.push(Block { language, text: String::new(), line: number + 1 });
            }
            (None, Some(block)) if is_open => block.text.push_str(&format!("{line}\n")),
            (None, _) => {}
        }
    }
    assert!(!is_open, "a block of code does not end: {:?}", found.last());
    found
}

/// The block of this language, of which the document has one.
///
/// # Panics
/// When it has none or more.
#[track_caller]
pub fn block(document: &str, language: &str) -> String {
    let mut found = blocks(&text(document));
    found.retain(|block| block.language == language);
    assert_eq!(found.len(), 1, "{document}: blocks of {language}");
    found.remove(0).text
}

#[cfg(test)]
mod tests {
    //! A block that is not found is not tested.

    use super::*;

    #[test]
    fn blocks_are_found_with_language_and_line() {
        let found = blocks("one\n```sh\na\n\nb\n```\ntwo\n```\nc\n```\n");
        let block = |language: &str, text: &str, line| Block {
            language: language.to_owned(),
            text: text.to_owned(),
            line,
        };
        assert_eq!(found, [block("sh", "a\n\nb\n", 2), block("", "c\n", 8)]);
    }
}
