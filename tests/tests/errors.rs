//! A bad configuration is refused with its place and its key, by `bmpd --check` and at the start.

use std::process::Command;
use std::time::Duration;

use tests::daemon::{Daemon, Output, binary, run};
use tests::scratch::Scratch;

const TIMEOUT: Duration = Duration::from_secs(20);

fn bmpd(args: &[&str]) -> Output {
    run(Command::new(binary("bmpd")).args(args), TIMEOUT)
}

const GOOD: &str = r#"
[bmp]
system-name = "edge1"
system-description = "a test"
statistics-timer = 15

[[session]]
address = "10.1.1.1"
tcp.connect-port = 11019
description = "the first"

[[session]]
address = "10.1.1.1"
alias = "aa"
tcp.connect-port = 11020
retry.initial = 1
retry.maximum = 2
stall-timeout = 5

[[vpn-instance]]
name = "mgmt"
device = "vrf-mgmt"

[[session]]
address = "2001:db8:1::1"
vpn-instance = "mgmt"
tcp.connect-port = 11019

[bgp]
as = 65000
router-id = "192.0.2.1"
listen = ["127.0.0.1:1179"]

[[bgp.neighbor]]
address = "127.0.0.2"
remote-as = 4200000001
passive = true
hold-time = 30
families = ["ipv4-unicast"]

[control]
socket = "/tmp/nowhere.sock"
"#;

#[test]
fn a_good_file_passes_the_check() {
    let scratch = Scratch::new();
    for text in [GOOD, "", "[bmp]\n", "[[session]]\naddress = \"10.1.1.1\"\ntcp.connect-port = 1\n"]
    {
        let path = scratch.write("bmpd.toml", text);
        let output = bmpd(&["--config", path.to_str().unwrap(), "--check"]);
        assert_eq!(output.status, 0, "{text}\n{output}");
    }
}

/// What is done to [`GOOD`]: this line becomes that; and the words that the error must have.
const BAD: &[(&str, &str, &[&str])] = &[
    ("statistics-timer = 15", "statistics-timer = 14", &["statistics-timer", "15", "65535"]),
    ("statistics-timer = 15", "statistics-timer = 65536", &["statistics-timer", "65535"]),
    ("statistics-timer = 15", "statistics-timer = \"15\"", &["statistics-timer"]),
    ("statistics-timer = 15", "statistic-timer = 15", &["statistic-timer"]),
    ("tcp.connect-port = 11020", "tcp.connect-port = 0", &["connect-port", "65535"]),
    ("tcp.connect-port = 11020", "tcp.connect-port = 65536", &["connect-port", "65535"]),
    ("tcp.connect-port = 11020", "tcp.connect-port = -1", &["connect-port"]),
    ("tcp.connect-port = 11020", "tcp.port = 1", &["port"]),
    ("alias = \"aa\"", "alias = \"\"", &["alias", "31"]),
    ("alias = \"aa\"", "alias = \"12345678901234567890123456789012\"", &["alias", "31"]),
    ("alias = \"aa\"", "alias = \"a\\tb\"", &["alias", "control character"]),
    ("address = \"2001:db8:1::1\"", "address = \"fe80::1\"", &["address", "link-local"]),
    ("address = \"2001:db8:1::1\"", "address = \"::ffff:10.1.1.1\"", &["address", "IPv4-mapped"]),
    ("address = \"2001:db8:1::1\"", "address = \"a.example\"", &["address", "host name"]),
    ("address = \"2001:db8:1::1\"", "address = \"224.0.0.1\"", &["address"]),
    ("vpn-instance = \"mgmt\"", "vpn-instance = \"other\"", &["vpn-instance", "other"]),
    ("vpn-instance = \"mgmt\"", "vpn-instance = \"_public_\"", &["vpn-instance", "_public_"]),
    ("name = \"mgmt\"", "name = \"_public_\"", &["name", "_public_"]),
    ("device = \"vrf-mgmt\"", "device = \"a-name-of-sixteen\"", &["device", "15"]),
    ("stall-timeout = 5", "stall-timeout = 0", &["stall-timeout"]),
    ("retry.initial = 1", "retry.initial = 0", &["initial"]),
    ("as = 65000", "as = 0", &["as"]),
    ("as = 65000", "as = 4294967296", &["as"]),
    ("router-id = \"192.0.2.1\"", "router-id = \"0.0.0.0\"", &["router-id"]),
    ("router-id = \"192.0.2.1\"", "router-id = \"::1\"", &["router-id"]),
    ("listen = [\"127.0.0.1:1179\"]", "listen = [\"127.0.0.1\"]", &["listen"]),
    ("remote-as = 4200000001", "remote-as = 23456", &["remote-as"]),
    ("hold-time = 30", "hold-time = 2", &["hold-time"]),
    (
        "families = [\"ipv4-unicast\"]",
        "families = [\"ipv5-unicast\"]",
        &["families", "ipv6-unicast"],
    ),
    ("families = [\"ipv4-unicast\"]", "families = []", &["families"]),
    ("passive = true", "passive = maybe", &[]),
    ("[control]", "[contrl]", &["contrl", "control"]),
    ("[control]", "[control", &[]),
];

#[test]
fn an_error_names_file_line_column_and_key() {
    let scratch = Scratch::new();
    for (from, to, words) in BAD {
        assert_eq!(GOOD.matches(from).count(), 1, "{from} must be in the good file once");
        let text = GOOD.replace(from, to);
        let line = 1 + text.lines().position(|line| line == *to).unwrap();
        let path = scratch.write("bad.toml", &text);
        let output = bmpd(&["--config", path.to_str().unwrap(), "--check"]);
        assert!(![-1, 0, 101].contains(&output.status), "{to}: {output}");
        let place = format!("{}:{line}:", path.display());
        let at =
            output.stderr.find(&place).unwrap_or_else(|| panic!("{to}: no {place} in {output}"));
        let column = output.stderr[at + place.len()..].chars().next();
        assert!(column.is_some_and(|c| c.is_ascii_digit()), "{to}: no column: {output}");
        for word in *words {
            assert!(output.stderr.contains(word), "{to}: no {word:?} in {output}");
        }
    }
}

#[test]
fn what_is_missing_or_there_twice_is_named() {
    let scratch = Scratch::new();
    let without = |line: &str| GOOD.replacen(line, "", 1);
    let session = "\n[[session]]\naddress = \"10.1.1.1\"\nalias = \"aa\"\ntcp.connect-port = 9\n";
    let neighbor = "\n[[bgp.neighbor]]\naddress = \"127.0.0.2\"\nremote-as = 1\n";
    let instance = "\n[[vpn-instance]]\nname = \"mgmt\"\ndevice = \"x\"\n";
    let cases = [
        (without("tcp.connect-port = 11019\n"), "connect-port"),
        (without("address = \"10.1.1.1\"\n"), "address"),
        (without("as = 65000\n"), "as"),
        (without("router-id = \"192.0.2.1\"\n"), "router-id"),
        (without("remote-as = 4200000001\n"), "remote-as"),
        (without("device = \"vrf-mgmt\"\n"), "device"),
        (format!("{GOOD}{session}"), "10.1.1.1"),
        (format!("{GOOD}{neighbor}"), "127.0.0.2"),
        (format!("{GOOD}{instance}"), "mgmt"),
    ];
    for (text, word) in cases {
        let path = scratch.write("bad.toml", &text);
        let output = bmpd(&["--config", path.to_str().unwrap(), "--check"]);
        assert!(![-1, 0, 101].contains(&output.status), "{word}: {output}");
        assert!(output.stderr.contains(&format!("{}:", path.display())), "{word}: {output}");
        assert!(output.stderr.contains(word), "no {word:?} in {output}");
    }
}

#[test]
fn without_check_the_same_is_said_and_bmpd_does_not_start() {
    let scratch = Scratch::new();
    let text = GOOD.replace("tcp.connect-port = 11020", "tcp.connect-port = 0");
    let path = scratch.write("bad.toml", &text);
    let checked = bmpd(&["--config", path.to_str().unwrap(), "--check"]);
    let started = bmpd(&["--config", path.to_str().unwrap()]);
    assert!(![-1, 0, 101].contains(&started.status), "{started}");
    let said = checked.stderr.lines().find(|line| line.contains("bad.toml:")).unwrap();
    assert!(started.stderr.contains(said.trim()), "{started}\nbut {checked}");
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_named() {
    let scratch = Scratch::new();
    let missing = scratch.join("missing.toml");
    let binary_file = scratch.write("binary.toml", [0xff, 0xfe, 0, 1]);
    for path in [missing, binary_file, scratch.path().to_owned()] {
        let path = path.to_str().unwrap();
        let output = bmpd(&["--config", path, "--check"]);
        assert!(![-1, 0, 101].contains(&output.status), "{output}");
        assert!(output.stderr.contains(path), "{output}");
    }
}

#[test]
fn the_check_of_a_running_bmpd_s_file_leaves_it_alone() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let output = bmpd(&["--config", daemon.config().to_str().unwrap(), "--check"]);
    assert_eq!(output.status, 0, "{output}");
    daemon.bmpctl(&["show", "session"]).done();
    assert_eq!(daemon.exited(), None);
}

#[test]
fn an_address_that_cannot_be_bound_is_an_error_that_names_it() {
    let scratch = Scratch::new();
    let config = "[bgp]\nas = 65000\nrouter-id = \"192.0.2.1\"\nlisten = [\"192.0.2.55:1179\"]\n";
    let daemon = Daemon::spawn(&scratch, "bmpd", config, "info");
    assert!(!daemon.wait_exit().success());
    assert!(daemon.log().contains("192.0.2.55:1179"), "{}", daemon.log());
    assert!(!daemon.socket().exists());
}
