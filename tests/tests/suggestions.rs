//! What bmpctl says to something mistyped: the nearest of what there is.
//!
//! `mistakes.txt` has command lines of people who know other programs, each with its whole answer. After a change, or
//! for another line that begins with `$`: `BLESS=1 cargo test -p tests --test all suggestions::`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::daemon::{Daemon, binary, run};
use tests::documents::repository;
use tests::scratch::Scratch;

const CONFIG: &str = r#"
[[vpn-instance]]
name = "red"
device = "lo"

[[vpn-instance]]
name = "blue net"
device = "lo"

[[session]]
address = "10.1.1.1"
tcp.connect-port = 9
shutdown = true

[[session]]
address = "10.1.1.1"
alias = "aa"
tcp.connect-port = 10
shutdown = true

[[session]]
address = "2001:db8::1"
tcp.connect-port = 9
shutdown = true

[[session]]
address = "10.9.9.1"
vpn-instance = "red"
tcp.connect-port = 9
shutdown = true

[[session]]
address = "10.8.8.1"
vpn-instance = "blue net"
tcp.connect-port = 9
shutdown = true
"#;

#[test]
fn what_is_mistyped_gets_the_nearest_of_what_there_is() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, CONFIG);
    // The command line, its exit code, what is said, and what is not.
    let cases: &[(&str, i32, &[&str], &[&str])] = &[
        ("rest session all", 2, &["'reset'"], &[]),
        ("reset sesion all", 2, &["'session'"], &[]),
        ("show neighbour", 2, &["'neighbor'"], &[]),
        ("reset session 10.1.1.1 --alais aa", 2, &["'--alias'"], &[]),
        ("reset session al", 2, &["did you mean all?"], &[]),
        ("reset session 10.1.1.l", 2, &["not an IP address", "did you mean 10.1.1.1?"], &["all?"]),
        ("show session 2001:db8::g", 2, &["did you mean 2001:db8::1?"], &[]),
        ("reset session 10.9.9.l --vpn-instance red", 2, &["did you mean 10.9.9.1?"], &[]),
        ("reset session collector", 2, &["host names are not looked up"], &["did you mean"]),
        ("reset session ::ffff:10.1.1.1", 2, &["10.1.1.1 itself"], &["did you mean"]),
        ("reset session 10.1.1.9 --wait 5s", 3, &["no session 10.1.1.9"], &[]),
        ("reset session --wait 5 10.1.1.9", 3, &["no session 10.1.1.9"], &[]),
        ("show session 10.1.1.9 --watch 5", 3, &["no session 10.1.1.9"], &[]),
        (
            "reset session 10.1.1.1 --alias west coast",
            2,
            &["needs quotation marks", "--alias \"west coast\"?"],
            &[],
        ),
        ("reset session 10.1.1.1 alias aa", 2, &["did you mean --alias aa?"], &[]),
        ("reset bmp session 10.1.1.1 alias aa alias bb", 2, &["or twice"], &["did you mean"]),
        ("reset bmp session 10.1.1.1 west", 2, &["written `alias west`"], &[]),
        ("reset session 10.1.1.1 --alias a", 3, &["did you mean 10.1.1.1 --alias aa?"], &[]),
        ("show neighbor 192.0.2", 2, &["host names are not looked up"], &[]),
        ("reset bmp session 10.1.1.l", 2, &["did you mean 10.1.1.1?"], &[]),
        ("reset bmp session vpn-instace red all", 2, &["did you mean vpn-instance?"], &[]),
        ("reset bmp session 10.1.1.1 alais aa", 2, &["did you mean alias?"], &[]),
        ("display bmp session verbos", 2, &["did you mean verbose?"], &[]),
        (
            "reset session 10.1.1.2",
            3,
            &["no session 10.1.1.2", "did you mean 10.1.1.1?", "\n  10.9.9.1 --vpn-instance red"],
            &[],
        ),
        ("show session 10.1.1.1 --alias AA", 3, &["did you mean 10.1.1.1 --alias aa?"], &[]),
        ("show session 10.9.9.1", 3, &["did you mean 10.9.9.1 --vpn-instance red?"], &[]),
        (
            "reset bmp session vpn-instance Red all",
            3,
            &["did you mean red?", "\n  red", "\n  \"blue net\""],
            &["10.1.1.1", "10.9.9.1"],
        ),
        ("reset session 192.168.77.99", 3, &["there are:", "\n  10.1.1.1\n"], &["did you mean"]),
    ];
    for (line, code, said, unsaid) in cases {
        let words: Vec<&str> = line.split(' ').collect();
        let output = daemon.bmpctl(&words);
        assert_eq!(output.status, *code, "{line}: {output}");
        for text in *said {
            assert!(output.stderr.contains(text), "{line}: no {text:?} in {output}");
        }
        for text in *unsaid {
            assert!(!output.stderr.contains(text), "{line}: {text:?} in {output}");
        }
    }
    let output = daemon.bmpctl(&["reset", "session", "10.1.1.l", "--json"]);
    assert!(output.stdout.contains("did you mean 10.1.1.1?"), "{output}");
}

#[test]
fn a_command_of_another_program_gets_an_answer_that_says_what_to_do() {
    let scratch = Scratch::new();
    let (address, router) = (loopback(), "name = \"edge1\"\naddress = \"192.0.2.9\"");
    let listen = format!("{address}:{}", free_port(address));
    let others = format!("\n[relay]\nlisten = [\"{listen}\"]\n\n[[router]]\n{router}\n");
    let config = CONFIG.replace("alias = \"aa\"", "alias = \"collector1\"") + &others;
    let daemon = Daemon::start(&scratch, &config);
    let folder = scratch.join("folder");
    fs::create_dir(&folder).unwrap();
    for name in ["bmpd.toml", "notes"] {
        fs::write(folder.join(name), "").unwrap();
    }
    let mut path = binary("bmpctl").parent().unwrap().as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    let place = repository("tests/tests/mistakes.txt");
    let kept = fs::read_to_string(&place).unwrap();
    let mut made = String::new();
    for line in kept.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(&folder).env("PATH", &path);
        command.env("BMPD_SOCKET", daemon.socket()).env("LC_ALL", "C");
        let output = run(&mut command, Duration::from_secs(60));
        assert!(output.stdout.is_empty() && matches!(output.status, 2 | 3), "{line}: {output}");
        // Of every usage error.
        let answer = output.stderr.replace("\nFor more information, try '--help'.\n", "");
        made += &format!("$ {line}\n{}\n\n", answer.trim_end());
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(&place, &made).unwrap();
        return;
    }
    for (answer, expected) in made.split("\n$ ").zip(kept.split("\n$ ")) {
        assert_eq!(answer.trim_end(), expected.trim_end());
    }
    assert!(made.matches("$ ").count() >= 50, "{made}");
}

#[test]
fn without_bmpd_a_wrong_address_is_explained_all_the_same() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, CONFIG);
    daemon.terminate();
    let output = daemon.bmpctl(&["reset", "session", "10.1.1.l"]);
    assert_eq!(output.status, 2, "{output}");
    assert!(output.stderr.contains("not an IP address"), "{output}");
    assert!(!output.stderr.contains("did you mean"), "{output}");
}
