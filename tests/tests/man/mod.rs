//! The manual pages in `docs/man`, `docs/configuration.md` and `docs/commands.md` are those of the command lines and of
//! `etc/bmpd.toml`, and groff and mandoc have nothing to say against the pages.
//!
//! After a change of help or of the example configuration: `BLESS=1 cargo test -p tests --test all man::`.

mod command;
mod config;
mod example;
mod page;
mod reference;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tests::daemon::run;
use tests::scratch::Scratch;

fn repository(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The pages by the names of their files.
fn pages() -> BTreeMap<String, String> {
    let mut pages = command::pages_of_bmpctl();
    pages.insert("bmpd.8".to_owned(), command::page_of_bmpd());
    let example = fs::read_to_string(repository("etc/bmpd.toml")).unwrap();
    pages.insert("bmpd.toml.5".to_owned(), config::page(&example));
    pages
}

#[test]
fn the_pages_in_the_repository_are_those_of_the_programs() {
    let folder = repository("docs/man");
    let pages = pages();
    let kept = || -> BTreeMap<String, PathBuf> {
        let files = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), path)).collect()
    };
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for path in kept().values() {
            fs::remove_file(path).unwrap();
        }
        for (name, text) in &pages {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let how = "BLESS=1 cargo test -p tests --test all man::";
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(names(kept().keys().collect()), names(pages.keys().collect()), "{how}");
    for (name, text) in &pages {
        let kept = fs::read_to_string(folder.join(name)).unwrap();
        assert!(kept == *text, "docs/man/{name} is out of date: {how}");
    }
}

#[test]
fn the_references_in_the_book_are_those_of_the_programs() {
    let how = "BLESS=1 cargo test -p tests --test all man::";
    let example = fs::read_to_string(repository("etc/bmpd.toml")).unwrap();
    let commands = repository("docs/commands.md");
    let kept = fs::read_to_string(&commands).unwrap_or_default();
    for (path, text) in [
        (repository("docs/configuration.md"), config::document(&example)),
        (commands, reference::document(&kept)),
    ] {
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == text, "{} is out of date: {how}", path.display());
    }
}

#[test]
fn the_examples_of_the_routers_manual_are_in_the_page_in_both_spellings() {
    let page = &pages()["bmpctl-reset-session.1"];
    for line in [
        "bmpctl reset session 10.1.1.1",
        "bmpctl reset session all",
        "bmpctl reset session 2001:DB8:1::1",
        "bmpctl reset session 10.1.1.1 \\-\\-alias aa",
        "bmpctl reset bmp session 10.1.1.1",
        "bmpctl reset bmp session all",
        "bmpctl reset bmp session 2001:DB8:1::1",
        "bmpctl reset bmp session 10.1.1.1 alias aa",
    ] {
        assert!(page.lines().any(|known| known == line), "{line}");
    }
}

#[test]
fn groff_man_and_mandoc_find_nothing_wrong_with_the_pages() {
    let scratch = Scratch::new();
    for (name, text) in pages() {
        let path = scratch.write(&name, text);
        let checks: [(&str, &[&str]); 3] = [
            ("man", &["--warnings", "--encoding=UTF-8", "-P", "cat", "-l"]),
            ("groff", &["-man", "-ww", "-Tutf8", "-z"]),
            ("mandoc", &["-T", "lint", "-W", "warning"]),
        ];
        for (program, arguments) in checks {
            let mut check = Command::new(program);
            check.args(arguments).arg(&path).env("LC_ALL", "C.UTF-8").env("MANWIDTH", "80");
            let said = run(&mut check, Duration::from_secs(60));
            let complaints = if program == "mandoc" { &said.stdout } else { &said.stderr };
            assert!(said.status == 0 && complaints.is_empty(), "{program} on {name}: {said}");
        }
    }
}

#[test]
fn a_page_is_found_by_its_name_and_by_what_it_is_for() {
    let scratch = Scratch::new();
    for (name, text) in pages() {
        let (stem, _) = name.rsplit_once('.').unwrap();
        let mut lexgrog = Command::new("lexgrog");
        let said = run(lexgrog.arg(scratch.write(&name, text)), Duration::from_secs(20));
        assert!(said.done().contains(&format!("\"{stem} - ")), "{name}: {said}");
    }
}
