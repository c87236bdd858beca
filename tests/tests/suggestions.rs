//! What bmpctl says to something mistyped: the nearest of what there is.

use tests::daemon::Daemon;
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
        ("reset session all --wait 5s", 2, &["did you mean --wait=5s?"], &[]),
        ("show session --watch 5", 2, &["did you mean --watch=5?"], &[]),
        (
            "reset session 10.1.1.1 --alias west coast",
            2,
            &["needs quotation marks", "--alias \"west coast\"?"],
            &[],
        ),
        ("reset session 10.1.1.1 alias aa", 2, &["did you mean --alias?"], &[]),
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
fn without_bmpd_a_wrong_address_is_explained_all_the_same() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, CONFIG);
    daemon.terminate();
    let output = daemon.bmpctl(&["reset", "session", "10.1.1.l"]);
    assert_eq!(output.status, 2, "{output}");
    assert!(output.stderr.contains("not an IP address"), "{output}");
    assert!(!output.stderr.contains("did you mean"), "{output}");
}
