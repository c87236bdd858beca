//! Every link of a document to another one, and to a heading in it, leads somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tests::documents::repository;

/// All documents in Markdown, but for what is built.
fn documents() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for folder in ["", "docs", "docs/performance"] {
        for entry in fs::read_dir(repository(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                all.push(path);
            }
        }
    }
    all
}

/// The text without blocks of code.
fn prose(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code && !line.starts_with("```")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What headings are known by.
fn anchors(path: &Path) -> BTreeSet<String> {
    let headings = prose(path);
    let headings = headings.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let kept = line.trim_start_matches('#').trim().chars();
            let kept = kept.filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut count = 0;
    for document in documents() {
        let text = prose(&document);
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            count += 1;
            let (file, anchor) = link.split_once('#').map_or((link, None), |(f, a)| (f, Some(a)));
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: {link}", document.display());
            if let Some(anchor) = anchor {
                let known = anchors(&target);
                assert!(known.contains(anchor), "{}: {link}: {known:?}", document.display());
            }
        }
    }
    assert!(count > 30, "{count}");
}

#[test]
fn every_page_is_in_the_book() {
    let summary = tests::documents::text("docs/SUMMARY.md");
    let listed: BTreeSet<&str> =
        summary.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    let folder = repository("docs").canonicalize().unwrap();
    let there: BTreeSet<String> = documents()
        .iter()
        .filter_map(|path| {
            let path = path.canonicalize().unwrap();
            Some(path.strip_prefix(&folder).ok()?.display().to_string())
        })
        .filter(|name| name != "SUMMARY.md")
        .collect();
    assert_eq!(listed.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), there);
}
