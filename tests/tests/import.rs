//! `bmpd --import`: what it prints is what the page about it shows, and a good configuration.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use tests::daemon::{binary, run};
use tests::documents::{blocks, repository, text};
use tests::scratch::Scratch;

const PATIENCE: Duration = Duration::from_secs(30);

/// The two texts of the page: what is read, and what comes of it.
fn page() -> (String, String) {
    let page = text("docs/migration.md");
    let mut texts = blocks(&page).into_iter().filter(|block| block.language == "text");
    (texts.next().unwrap().text, texts.next().unwrap().text)
}

#[test]
fn the_page_shows_what_comes_out_and_our_check_takes_it() {
    let scratch = Scratch::new();
    let (frr, shown) = page();
    let file = scratch.write("frr.conf", &frr);
    let mut import = Command::new(binary("bmpd"));
    let output = run(import.args(["--import", "frr"]).arg(&file), PATIENCE);
    if std::env::var_os("BLESS").is_some() {
        let page = text("docs/migration.md").replace(&shown, output.done());
        fs::write(repository("docs/migration.md"), page).unwrap();
        return;
    }
    assert_eq!(output.done(), shown, "BLESS=1 cargo test -p tests --test all import::");
    let ours = scratch.write("bmpd.toml", output.done());
    let mut check = Command::new(binary("bmpd"));
    assert!(run(check.arg("--check").arg("--config").arg(ours), PATIENCE).done().contains("good"));
}

#[test]
fn standard_input_is_read_and_what_is_wrong_is_said() {
    let (frr, shown) = page();
    let mut import = Command::new(binary("bmpd"))
        .args(["--import", "frr", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(frr.as_bytes()).unwrap();
    let output = import.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), shown));

    let scratch = Scratch::new();
    let file = |name: &str, text: &str| scratch.write(name, text).display().to_string();
    for (kind, file, code, expected) in [
        ("frr", scratch.join("none").display().to_string(), 1, "No such file or directory"),
        ("frr", file("empty", ""), 1, "is it the right file, and the right kind?"),
        ("bird", file("bird", "\nprotocol bgp {"), 1, "line 2: this block has no end"),
        ("gobgp", file("yaml", "global:\n  as: 1\n"), 1, "line 1: this is no TOML"),
        ("cisco", file("cisco", ""), 2, "there are frr, bird and gobgp"),
    ] {
        let output = run(Command::new(binary("bmpd")).args(["--import", kind, &file]), PATIENCE);
        assert!(output.status == code && output.stderr.contains(expected), "{kind}: {output}");
        assert_eq!(output.stdout, "", "{kind}");
    }
}
