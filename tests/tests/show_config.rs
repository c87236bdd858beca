//! `bmpctl show config`: every key with what is in effect, in a shape that can be used as a file again, and
//! what was configured and waits.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::bmp::Mode;
use tests::chain::Chain;
use tests::daemon::{Daemon, bgp_listen, session};
use tests::scratch::Scratch;
use tests::station::Station;
use tests::wait::holds_for;

/// A configuration that has every key, in as many tables as that takes.
fn everything(scratch: &Scratch, address: IpAddr) -> String {
    let chain = Chain::new(scratch, address);
    fs::write(scratch.join("session.key"), "rosebud-file\n").unwrap();
    let (root, client) = (chain.root.display(), &chain.client);
    let (certificate, key) = (client.certificate.display(), client.key.display());
    let (server_certificate, server_key) =
        (chain.server.certificate.display(), chain.server.key.display());
    let [port, listen_port] = [(); 2].map(|()| free_port(address));
    let (listen, vpn_listen) = (bgp_listen(), bgp_listen());
    let http = SocketAddr::new(address, free_port(address));
    let relay_listen = SocketAddr::new(address, free_port(address));
    let socket = scratch.join("bmpd.sock").display().to_string();
    format!(
        r#"
[bmp]
system-name = "edge 1"
system-description = "a \"quoted\" \\ description"
statistics-timer = 1000

[[session]]
address = "{address}"
tcp.connect-port = {port}
tcp.source-address = "{address}"
tcp.mss = 1400
tcp.dscp = 48
tcp.keepalive = {{ idle = 61, interval = 11, count = 7 }}
tcp.user-timeout = 311
tcp.connect-timeout = 2
tcp.md5.key = "rosebud-inline"
description = "the first"
retry = {{ initial = 5, maximum = 50 }}
stall-timeout = 301
initial-delay = 1
statistics-timer = 2000
shutdown = false
initiation-message = ["rack 12", "row 3"]
monitor.public = true
monitor.vpn-instances = ["red"]
monitor.all-vpn-instances = false
monitor.neighbors = [{{ address = "192.0.2.2" }}, {{ address = "198.51.100.9", vpn-instance = "red" }}]
monitor.families = ["ipv4-unicast", "vpnv4-unicast"]
monitor.routers = ["local", "edge1"]
monitor.views = ["adj-rib-in-pre-policy", "loc-rib"]

[[session]]
address = "{address}"
alias = "two words"
tcp.connect-port = {port}
tcp.source-interface = "lo"
tcp.md5.key-file = "session.key"
tls.ca = "{root}"
tls.certificate = "{certificate}"
tls.private-key = "{key}"
tls.server-name = "bmp.example"
tls.minimum-version = "1.3"

[[session]]
address = "{address}"
alias = "addresses"
tcp.connect-port = {port}
shutdown = true
identity = "source-address"
source-addresses = ["127.0.0.0/8", "2001:db8::1"]

[[session]]
address = "{address}"
alias = "ports"
tcp.connect-port = {port}
shutdown = true
identity = "port"
ports = {{ edge1 = 11031, "edge two" = 11032 }}

[[session]]
address = "{address}"
alias = "passive"
mode = "passive"
tcp.listen-port = {listen_port}
monitor.public = false

[[session]]
address = "{address}"
vpn-instance = "red"
shutdown = true
tcp.connect-port = {port}
tcp.ao = [
    {{ send-id = 1, receive-id = 2, key = "rosebud-ao" }},
    {{ send-id = 3, receive-id = 4, algorithm = "aes-128-cmac-96", key-file = "session.key" }},
]

[[vpn-instance]]
name = "red"
device = "lo"
route-distinguisher = "192.0.2.1:7"
listen = ["{vpn_listen}"]

[[vpn-instance]]
name = "blue net"
netns = "bmpd-nosuch"

[bgp]
as = 4200000000
router-id = "192.0.2.254"
listen = ["{listen}"]
memory-limit = 512
open-timeout = 100
maximum-pending = 600

[[bgp.neighbor]]
address = "192.0.2.2"
remote-as = 65001
port = 1179
passive = true
hold-time = 30
families = ["ipv4-unicast", "ipv6-unicast", "l2vpn-evpn"]
add-path = ["ipv4-unicast"]
md5.key = "rosebud-neighbor"
source-address = "192.0.2.1"
multihop = 64
mss = 1300
maximum-routes = {{ limit = 5, action = "restart", restart-after = 10 }}
maximum-memory = 100
graceful-restart = false
description = "the neighbor"

[[bgp.neighbor]]
prefix = "198.51.100.0/24"
maximum-neighbors = 7
vpn-instance = "red"
ttl-security = 1
md5.key-file = "session.key"
maximum-routes = {{ limit = 9, action = "warn" }}

[relay]
listen = ["{relay_listen}"]
memory-limit = 700
maximum-pending = 50
initiation-timeout = 20
proxies = ["127.0.0.99", "2001:db8:5::/48"]

[[router]]
name = "edge1"
address = "192.0.2.70"
description = "edge in Frankfurt"
hold-time = 60
maximum-peers = 300
maximum-routes = 1000
maximum-memory = 64
maximum-message = 8192
shutdown = true
tcp.md5.key = "rosebud-router"
tcp.mss = 1300
tcp.dscp = 16
tcp.keepalive.idle = 50
tcp.keepalive.interval = 9
tcp.keepalive.count = 5
tcp.user-timeout = 110

[[router]]
name = "edge2"
addresses = ["192.0.2.80", "2001:db8::80"]
vpn-instance = "red"
tcp.md5.key-file = "session.key"
tls.ca = "{root}"
tls.certificate = "{server_certificate}"
tls.private-key = "{server_key}"
tls.client-name = "edge2.example"
tls.minimum-version = "1.3"

[[router]]
name = "edge3"
address = "192.0.2.90"
mode = "active"
shutdown = true
tcp.connect-port = 11019
tcp.source-address = "192.0.2.1"
tcp.connect-timeout = 14
retry.initial = 20
retry.maximum = 700

[[router]]
name = "edge4"
address = "192.0.2.91"
mode = "active"
shutdown = true
tcp.connect-port = 11019
tcp.source-interface = "lo"
tcp.ao = [{{ send-id = 1, receive-id = 1, key-file = "session.key" }}]

[[router]]
prefix = "203.0.113.0/24"
maximum-routers = 90

[[publisher]]
name = "data lake"
description = "in Bern"
topic = "bmp.{{group}}.{{router}}"
admin-id = "col1"
group = "emea"
router-hash = "address"
snapshot-interval = 86400
statistics-timer = 3000
shutdown = true
kafka.bootstrap-servers = ["{address}:{port}", "[2001:db8::20]:9092"]
kafka.compression = "zstd"
kafka.window = 2097152
kafka.linger = 6
kafka.delivery-timeout = 301
kafka.tls.ca = "{root}"
kafka.tls.certificate = "{certificate}"
kafka.tls.private-key = "{key}"
kafka.sasl.mechanism = "scram-sha-512"
kafka.sasl.user = "bmpd"
kafka.sasl.password = "rosebud-kafka"
monitor.routers = ["local", "edge1"]
monitor.public = true
monitor.vpn-instances = ["red"]
monitor.all-vpn-instances = false
monitor.neighbors = [{{ address = "192.0.2.2" }}]
monitor.families = ["ipv4-unicast"]
monitor.views = ["loc-rib"]

[[publisher]]
name = "lab"
topic = "bmp"
kafka.bootstrap-servers = ["{address}:{port}"]
kafka.sasl = {{ mechanism = "scram-sha-256", user = "bmpd", password-file = "session.key" }}

[control]
socket = "{socket}"
group = "games"
users = {{ daemon = 2, "1001" = 1, "DOMAIN\\bob" = 1 }}
groups = {{ nogroup = 1 }}
others = 0
maximum-clients = 200
maximum-clients-per-user = 65
maximum-monitors = 66
maximum-monitors-per-user = 17

[process]
user = "root"

[http]
listen = ["{http}"]
maximum-connections = 9
"#
    )
}

/// The keys that the example file shows, each with the heading of its table.
fn keys_of_the_example() -> BTreeSet<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../etc/bmpd.toml");
    let text = fs::read_to_string(path).unwrap();
    let is_key = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|b| b.is_ascii_lowercase() || b"-.0123456789".contains(&b))
    };
    let (mut heading, mut keys) = (String::new(), BTreeSet::new());
    // What it includes is shown as what it is.
    for line in text.lines().skip_while(|line| !line.starts_with('[')) {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            heading = line.trim_matches(['[', ']']).to_owned();
        }
        // A line can show another way in its comment: `or key-file = ...`.
        for part in line.split("# or ") {
            if let Some((key, _)) = part.split_once(" = ").filter(|(key, _)| is_key(key)) {
                keys.insert((heading.clone(), key.to_owned()));
            }
        }
    }
    keys
}

fn json(daemon: &Daemon, arguments: &[&str]) -> Value {
    serde_json::from_str(daemon.bmpctl(arguments).done()).unwrap()
}

#[test]
fn every_key_of_the_example_comes_out() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &everything(&scratch, loopback()));
    let config = json(&daemon, &["show", "config", "--json"]);
    let mut shown = BTreeSet::new();
    for section in config["sections"].as_array().unwrap() {
        for setting in section["settings"].as_array().unwrap() {
            assert_eq!(setting["is_pending"], false, "{setting}");
            if !setting["value"].is_null() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                shown.insert((text(&section["name"]), text(&setting["key"])));
            }
        }
    }
    let expected = keys_of_the_example();
    assert!(expected.len() > 60, "{expected:?}");
    let missing: Vec<_> = expected.difference(&shown).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let text = daemon.bmpctl(&["show", "config"]);
    assert!(!text.done().contains("rosebud") && !config.to_string().contains("rosebud"), "{text}");
    assert!(text.stdout.contains("tcp.md5.key = \"***\"\n"), "{text}");
    let file = scratch.join("session.key");
    assert!(
        text.stdout.contains(&format!("tcp.md5.key-file = \"{}\"\n", file.display())),
        "{text}"
    );
    assert!(text.stdout.contains("receive-id = 2, algorithm = \"hmac-sha-1-96\", key = \"***\" }"));
}

#[test]
fn what_is_shown_is_a_file_that_means_the_same() {
    let scratch = Scratch::new();
    let first = Daemon::start(&scratch, &everything(&scratch, loopback()));
    let shown = first.bmpctl(&["show", "config"]).done().to_owned();
    let of_first = json(&first, &["show", "config", "--json"]);
    assert!(first.terminate().success());
    let socket = scratch.join("again.sock");
    let text = shown.replace(&first.socket().display().to_string(), &socket.display().to_string());
    assert!(text.contains(&format!("socket = \"{}\"", socket.display())), "{text}");
    let check = Daemon::check(&scratch, &text);
    assert!(check.done().contains("good"), "{check}");
    let again = Daemon::start_as(&scratch, "again", &text, "debug");
    let of_again = json(&again, &["show", "config", "--json"]);
    let sections = |config: &Value, daemon: &Daemon| {
        let text = config["sections"].to_string();
        text.replace(&daemon.socket().display().to_string(), "SOCKET")
    };
    assert_eq!(sections(&of_again, &again), sections(&of_first, &first));
}

#[test]
fn an_empty_file_has_its_defaults() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let shown = daemon.bmpctl(&["show", "config"]);
    assert!(shown.done().contains("[bmp]\nsystem-name = \""), "{shown}");
    assert!(shown.stdout.contains("statistics-timer = 3600\n"), "{shown}");
    assert!(!shown.stdout.contains("[bgp]") && !shown.stdout.contains("***"), "{shown}");
    assert_eq!(daemon.bmpctl(&["show", "config", "--pending"]).done(), "nothing is pending\n");
}

#[test]
fn what_waits_is_shown_with_old_and_new_until_what_it_waits_for_has_happened() {
    let scratch = Scratch::new();
    let address = loopback();
    let [one, other] = [(); 2].map(|()| Station::listen(address, Mode::Counting));
    let port = one.port();
    let config = |bmp: &str, more: &str, socket: &str| {
        format!(
            "[bmp]\n{bmp}\n{}{}\n{}\n[control]\nsocket = \"{socket}\"\n",
            session(address, port, None).trim_end(),
            more,
            session(address, other.port(), Some("aa")),
        )
    };
    let socket = scratch.join("bmpd.sock").display().to_string();
    let daemon =
        Daemon::start(&scratch, &config("system-name = \"a\"", "\ntcp.dscp = 8\n", &socket));
    for alias in [None, Some("aa")] {
        daemon.wait_state(address, alias, "Established");
    }
    let pending = || daemon.bmpctl(&["show", "config", "--pending"]).done().to_owned();
    assert_eq!(pending(), "nothing is pending\n");

    let elsewhere = format!("{socket}2");
    let more = "\ntcp.mss = 500\ndescription = \"new\"\n";
    daemon.rewrite_config(&config("system-name = \"b\"", more, &elsewhere));
    // bmpd has not read the file.
    let changed =
        "# the file was changed since: `bmpctl reload --dry-run` says what a reload would do\n";
    assert_eq!(pending(), format!("{changed}nothing is pending\n"));
    daemon.bmpctl(&["reload"]).done();
    let names =
        "# pending until: bmpctl reset session all\n[bmp]\nsystem-name = \"a\"  # pending: \"b\"\n";
    let session = format!(
        "# pending until: bmpctl reset session {address}\n[[session]]\naddress = \"{address}\"\n\
         # tcp.mss: none, pending: 500\ntcp.dscp = 8  # pending: none\n"
    );
    let control = format!(
        "# pending until: a restart of bmpd\n[control]\nsocket = \"{socket}\"  # pending: \
         \"{elsewhere}\"\n"
    );
    assert_eq!(pending(), format!("{names}\n{session}\n{control}"));
    let whole = daemon.bmpctl(&["show", "config"]);
    // What can take effect at once has.
    assert!(whole.done().contains("description = \"new\"\n"), "{whole}");
    assert!(whole.stdout.contains("tcp.dscp = 8  # pending: none\n"), "{whole}");
    let document = json(&daemon, &["show", "config", "--pending", "--json"]);
    let of_session = &document["sections"][1];
    assert_eq!(of_session["settings"][0]["value"], address.to_string());
    let mss = of_session["settings"].as_array().unwrap().iter().find(|s| s["key"] == "tcp.mss");
    let mss = mss.unwrap();
    assert_eq!((&mss["value"], &mss["pending"]), (&Value::Null, &Value::from(500)));
    assert_eq!(mss["pending_until"], format!("bmpctl reset session {address}"));
    holds_for("showing touches no session", Duration::from_millis(100), || {
        let connections = one.connections().len() + other.connections().len();
        if connections == 2 { Ok(()) } else { Err(connections.to_string()) }
    });

    daemon.bmpctl(&["reset", "session", &address.to_string()]).done();
    daemon.wait_state(address, None, "Established");
    // The other session still sends its station the old name.
    let names = names.replace("session all", &format!("session {address} --alias aa"));
    assert_eq!(pending(), format!("{names}\n{control}"));
    daemon.bmpctl(&["reset", "session", "all"]).done();
    assert_eq!(pending(), control);
}

#[test]
fn what_an_instance_stands_for_waits_for_the_sessions_in_it() {
    let scratch = Scratch::new();
    let address = loopback();
    let station = Station::listen(address, Mode::Counting);
    let config = |place: &str| {
        let session = session(address, station.port(), None);
        let session = session.trim_end();
        format!("[[vpn-instance]]\nname = \"red\"\n{place}\n{session}\nvpn-instance = \"red\"\n")
    };
    let daemon = Daemon::start(&scratch, &config("device = \"lo\""));
    station.wait_connection(1);
    daemon.wait_state(address, None, "Established");
    daemon.rewrite_config(&config("netns = \"bmpd-nosuch\""));
    daemon.bmpctl(&["reload"]).done();
    let pending = daemon.bmpctl(&["show", "config", "--pending"]);
    let command = format!("# pending until: bmpctl reset session {address} --vpn-instance red\n");
    assert!(pending.done().contains(&format!("{command}[[session]]\n")), "{pending}");
    assert!(
        pending.stdout.contains(&format!(
            "{command}[[vpn-instance]]\nname = \"red\"\ndevice = \"lo\"  # pending: none\n\
             # netns: none, pending: \"/run/netns/bmpd-nosuch\"\n"
        )),
        "{pending}"
    );
    daemon.bmpctl(&["reset", "session", "all"]).done();
    assert_eq!(daemon.bmpctl(&["show", "config", "--pending"]).done(), "nothing is pending\n");
}
