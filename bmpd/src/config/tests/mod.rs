//! The rules of the file, from its text to the model or to the first line of the error.

mod hostile;
mod include;
mod publisher;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shared::names::SessionId;

use super::*;
use crate::wire::family::Family;

/// A file with some of everything.
const EXAMPLE: &str = r#"[bmp]
system-name = "edge1"            # default: the host's name
statistics-timer = 3600          # seconds, 15..65535

[[session]]                      # 10.1.1.1, the public instance, no alias
address = "10.1.1.1"
tcp.connect-port = 11019         # required

[[session]]                      # the same server, another port: distinguished by the alias
address = "10.1.1.1"
alias = "aa"
tcp.connect-port = 11020

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
listen = ["127.0.0.1:1179"]      # default: [::]:179 and 0.0.0.0:179

[[bgp.neighbor]]
address = "127.0.0.2"
remote-as = 65001
passive = true                   # it connects to us; otherwise we connect to its port

[control]
socket = "/run/bmpd/bmpd.sock"
"#;

fn parsed(text: &str) -> Result<Config, ConfigError> {
    parse(text, Path::new("f"))
}

fn session(address: &str, alias: Option<&str>, vpn: Option<&str>, port: u16) -> Session {
    Session {
        id: SessionId {
            vpn_instance: vpn.map(|name| name.parse().unwrap()),
            address: address.parse().unwrap(),
            alias: alias.map(|name| name.parse().unwrap()),
        },
        place: vpn.map_or(Place::Public, |name| Place::Device(format!("vrf-{name}"))),
        mode: Mode::Active(port.try_into().unwrap()),
        tcp: Tcp {
            source: None,
            mss: None,
            dscp: None,
            keepalive: Keepalive::default(),
            user_timeout: Duration::from_secs(310),
            connect_timeout: Duration::from_secs(15),
            authentication: None,
        },
        tls: None,
        initial_delay: Duration::ZERO,
        statistics_timer: Duration::from_secs(3600),
        shutdown: false,
        initiation_messages: Vec::new(),
        identity: Identity::Plain,
        monitor: Monitor::default(),
        description: None,
        retry: Retry { initial: Duration::from_secs(30), maximum: Duration::from_secs(720) },
        stall_timeout: Duration::from_secs(300),
    }
}

#[test]
fn the_example_of_the_design_gives_this_model() {
    let config = parsed(EXAMPLE).unwrap();
    let expected = Config {
        bmp: Bmp {
            system_name: "edge1".to_owned(),
            system_description: defaults::system_description(),
            statistics_timer: Duration::from_secs(3600),
        },
        sessions: vec![
            session("10.1.1.1", None, None, 11019),
            session("10.1.1.1", Some("aa"), None, 11020),
            session("2001:db8:1::1", None, Some("mgmt"), 11019),
        ],
        vpn_instances: vec![VpnInstance {
            name: "mgmt".parse().unwrap(),
            place: Place::Device("vrf-mgmt".to_owned()),
            route_distinguisher: None,
            listen: defaults::listen(),
        }],
        bgp: Some(Bgp {
            asn: 65000,
            router_id: Ipv4Addr::new(192, 0, 2, 1),
            listen: vec!["127.0.0.1:1179".parse().unwrap()],
            memory_limit: None,
            pending: PendingLimits { maximum: 500, timeout: Duration::from_secs(240) },
            neighbors: vec![Neighbor {
                peers: Peers::One("127.0.0.2".parse().unwrap()),
                vpn_instance: None,
                place: Place::Public,
                route_distinguisher: None,
                remote_as: Some(65001),
                port: 179.try_into().unwrap(),
                passive: true,
                hold_time: 90,
                families: vec![Family::IPV4_UNICAST, Family::IPV6_UNICAST],
                add_path: vec![],
                md5: None,
                source_address: None,
                multihop: None,
                ttl_security: None,
                mss: None,
                maximum_routes: None,
                maximum_memory: 2048,
                graceful_restart: true,
                description: None,
            }],
        }),
        relay: None,
        routers: Vec::new(),
        publishers: Vec::new(),
        control: Control {
            socket: PathBuf::from("/run/bmpd/bmpd.sock"),
            group: None,
            levels: Levels::default(),
            clients: Clients { all: 192, per_user: 64, monitors: 64, monitors_per_user: 16 },
        },
        process: Process::default(),
        http: Http { listen: Vec::new(), connections: 64 },
        warnings: vec![],
        included: vec![],
        digest: 0,
    };
    assert_eq!(config, expected);
}

#[test]
fn an_empty_file_is_valid_and_everything_has_its_default() {
    let config = parsed("").unwrap();
    assert!(!config.bmp.system_name.is_empty());
    let description = &config.bmp.system_description;
    assert!(
        description.starts_with("bmpd ") && description.contains(" on Linux "),
        "{description}"
    );
    assert_eq!(config.bmp.statistics_timer, Duration::from_secs(3600));
    assert_eq!((config.sessions, config.vpn_instances, config.bgp), (vec![], vec![], None));
    assert_eq!(config.control.socket, shared::socket::default_path());
}

#[test]
fn the_smallest_useful_file_has_one_neighbor_and_one_session() {
    let text = "
        session = [{ address = '10.1.1.1', tcp.connect-port = 1 }]
        [bgp]
        as = 4294967295
        router-id = '192.0.2.1'
        neighbor = [{ address = '10.1.1.2', remote-as = 1 }]
        ";
    let config = parsed(text).unwrap();
    assert_eq!(config.sessions, [session("10.1.1.1", None, None, 1)]);
    let bgp = config.bgp.unwrap();
    assert_eq!(bgp.listen, defaults::listen());
    assert_eq!(bgp.neighbors.len(), 1);
    assert!(!bgp.neighbors[0].passive);
}

#[test]
fn every_key_can_be_set() {
    let text = "
        [bmp]
        system-description = 'd'
        statistics-timer = 15
        [[session]]
        address = '10.1.1.1'
        description = 'collector'
        stall-timeout = 5
        retry = { initial = 1, maximum = 1 }
        tcp.connect-port = 65535
        [bgp]
        as = 1
        router-id = '1.1.1.1'
        listen = []
        [[bgp.neighbor]]
        address = '2001:DB8::1'
        remote-as = 1
        port = 1790
        hold-time = 0
        families = ['ipv6-unicast']
        description = 'peer'
        ";
    let config = parsed(text).unwrap();
    assert_eq!(config.bmp.system_description, "d");
    assert_eq!(config.bmp.statistics_timer, Duration::from_secs(15));
    let session = &config.sessions[0];
    assert_eq!(session.description.as_deref(), Some("collector"));
    assert_eq!(session.stall_timeout, Duration::from_secs(5));
    assert_eq!(session.retry.maximum, Duration::from_secs(1));
    let bgp = config.bgp.unwrap();
    assert!(bgp.listen.is_empty());
    let neighbor = &bgp.neighbors[0];
    assert_eq!((neighbor.port.get(), neighbor.hold_time), (1790, 0));
    assert_eq!(neighbor.families, [Family::IPV6_UNICAST]);
    assert_eq!(neighbor.description.as_deref(), Some("peer"));
}

#[test]
fn a_router_with_tls_has_an_authority_and_bmpd_a_certificate() {
    let text = "[relay]\n[[router]]\nname = 'a'\naddress = '192.0.2.1'\ntls.client-name = 'a b'";
    let error = parsed(text).unwrap_err().to_string();
    for expected in [
        "router[0].tls.ca: is missing; write ca = \"FILE\", the certificates that vouch for the router's (PEM)",
        "router[0].tls.client-name: \"a b\" is neither a DNS name nor an IP address",
        "router[0].tls.certificate: is missing; bmpd is the TLS server of a router",
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

/// Checks each case of a file in this folder, and returns how many there are.
#[track_caller]
fn check_rules(name: &str, rules: &str) -> usize {
    let mut said = rules.to_owned();
    let mut count = 0;
    for case in rules.split("\n\n") {
        let lines = case.split_inclusive('\n').filter(|line| !line.starts_with("## "));
        let case: String = lines.collect();
        let Some((text, expected)) = case.split_once("-> ") else {
            assert!(case.trim().is_empty(), "no arrow in {case}");
            continue;
        };
        match parsed(text) {
            Ok(config) => panic!("{text}\nis taken: {config:?}"),
            Err(error) => {
                let shown = error.to_string();
                let first = shown.lines().next().unwrap();
                assert_eq!(error.problems().len(), 1, "{text}\n{error}");
                assert!(!shown.contains("kkkk") && !shown.contains("87654321"), "a key: {shown}");
                let expected = expected.lines().next().unwrap();
                if std::env::var_os("BLESS").is_none() {
                    assert_eq!(first, expected, "{text}");
                }
                said =
                    said.replacen(&format!("{text}-> {expected}"), &format!("{text}-> {first}"), 1);
            }
        }
        count += 1;
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(format!("src/config/tests/{name}"), said).unwrap();
    }
    count
}

/// After a change of the texts: `BLESS=1 cargo test -p bmpd rule`, and read what has changed.
#[test]
fn every_rule_has_its_error_with_place_key_and_what_is_allowed() {
    let count = check_rules("rules.txt", include_str!("rules.txt"));
    assert!(count > 160, "only {count} cases");
}

#[test]
fn a_mistake_that_people_make_gets_an_answer_that_says_what_to_write() {
    let count = check_rules("mistakes.txt", include_str!("mistakes.txt"));
    assert!(count > 30, "only {count} cases");
}

#[test]
fn what_is_written_under_another_name_is_not_missing_as_well() {
    let error = parsed("[[session]]\nadress = '10.1.1.1'\ntcp.port = 1\n").unwrap_err();
    let keys: Vec<_> = error.problems().iter().filter_map(Problem::key).collect();
    assert_eq!(keys, ["session[0].adress", "session[0].tcp.port"]);
    // What others refer to is not looked at while a part of it is missing.
    let error = parsed(
        "[[session]]\naddress = '10.1.1.1'\nvpn-instance = 'red'\ntcp.connect-port = 0\n[[vpn-instance]]\nnmae = 'red'\n",
    );
    let keys: Vec<_> = error
        .unwrap_err()
        .problems()
        .iter()
        .map(|problem| problem.key().unwrap().to_owned())
        .collect();
    assert_eq!(keys, ["vpn-instance[0].nmae"]);
}

#[test]
fn a_key_that_is_in_the_wrong_place_is_not_shown() {
    for line in [
        "tcp.md5 = 's3cret'",
        "tcp.md5 = ['s3cret']",
        "tcp.md5 = 753753753753753753753",
        "tcp.md5.password = 's3cret'",
        "tcp.md5-key = 's3cret'",
        "password = 's3cret'",
        "tcp.md5.key = \"\"\"\ns3cret\\q\"\"\"",
        "tcp.ao = 's3cret'",
        "tcp.ao = [\n's3cret' ]",
        "tls = { ca = '/dev/null', certificate = 'f', private-key = '-----BEGIN PRIVATE KEY-----s3cret' }",
    ] {
        let text = format!("[[session]]\naddress = '10.1.1.1'\ntcp.connect-port = 1\n{line}\n");
        let shown = parsed(&text).unwrap_err().to_string();
        assert!(!shown.contains("s3cret") && !shown.contains("753753"), "{shown}");
    }
}

#[test]
fn a_free_text_has_at_most_4096_bytes() {
    let file = |bytes| {
        let text = "x".repeat(bytes);
        format!(
            "bmp = {{ system-name = '{text}', system-description = '{text}' }}\n\
             [[session]]\naddress = '10.1.1.1'\ntcp.connect-port = 1\ndescription = '{text}'\n"
        )
    };
    assert!(parsed(&file(4096)).is_ok());
    let error = parsed(&file(4097)).unwrap_err();
    let keys: Vec<_> = error.problems().iter().filter_map(Problem::key).collect();
    assert_eq!(keys, ["bmp.system-name", "bmp.system-description", "session[0].description"]);
    let expected = "the text has 4097 bytes; at most 4096 are allowed";
    assert!(error.problems().iter().all(|problem| problem.text() == expected), "{error}");
}

#[test]
fn an_error_shows_every_problem_in_the_order_of_the_file() {
    let text = "[[session]]\nvpn-instance = 'x'\n\n[[vpn-instance]]\nname = ''\ndevice = 'd'\n";
    let error = parse(text, Path::new("/etc/bmpd/bmpd.toml")).unwrap_err();
    let expected = r#"/etc/bmpd/bmpd.toml:1:1: session[0].address: is missing; write address = "ADDRESS", the IPv4 or IPv6 address of the station
  |
1 | [[session]]
  | ^^^^^^^^^^^

/etc/bmpd/bmpd.toml:1:1: session[0].tcp.connect-port: is missing; write tcp.connect-port = PORT, 1 to 65535: BMP has no port of its own
  |
1 | [[session]]
  | ^^^^^^^^^^^

/etc/bmpd/bmpd.toml:2:16: session[0].vpn-instance: there is no VPN instance "x"; there are none, so write a [[vpn-instance]] with this name, or leave it out for the public instance
  |
2 | vpn-instance = 'x'
  |                ^^^

/etc/bmpd/bmpd.toml:5:8: vpn-instance[0].name: "" is empty: 1 to 31 characters are allowed
  |
5 | name = ''
  |        ^^"#;
    assert_eq!(error.to_string(), expected);
    assert_eq!(
        (error.line(), error.column(), error.key()),
        (Some(1), Some(1), Some("session[0].address"))
    );
    assert_eq!(error.file(), Path::new("/etc/bmpd/bmpd.toml"));
}

#[test]
fn more_problems_than_a_person_reads_are_counted() {
    let error = parsed(&"[[session]]\n".repeat(500)).unwrap_err();
    assert_eq!(error.problems().len(), diagnostic::PROBLEMS_MAX);
    assert!(error.to_string().ends_with("\n\nf: 980 more problems are not shown"));
}

#[test]
fn sessions_with_one_station_differ_in_alias_or_instance() {
    let text = "
        [[vpn-instance]]
        name = 'red'
        device = 'red'
        [[session]]
        address = '2001:db8::1'
        tcp.connect-port = 1
        [[session]]
        address = '2001:db8::1'
        alias = 'a'
        tcp.connect-port = 1
        [[session]]
        address = '2001:db8::1'
        alias = 'A'
        tcp.connect-port = 1
        [[session]]
        address = '2001:db8::1'
        alias = 'a'
        vpn-instance = 'red'
        tcp.connect-port = 1
        ";
    assert_eq!(parsed(text).unwrap().sessions.len(), 4);
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bmpd.toml");
    let error = load(&file).unwrap_err();
    assert_eq!((error.file(), error.line(), error.key()), (&*file, None, None));
    assert!(error.to_string().contains("cannot be read: No such file"), "{error}");
    assert!(error.to_string().contains("--config"), "{error}");

    let error = load(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("name a file in it with --config"), "{error}");

    std::fs::write(&file, vec![b'#'; FILE_MAX]).unwrap();
    assert!(load(&file).is_ok());
    std::fs::write(&file, vec![b'#'; FILE_MAX + 1]).unwrap();
    assert!(load(&file).unwrap_err().to_string().contains("more than 4194304 bytes"));

    std::fs::write(&file, b"[bmp]\n# \xff\xff\n").unwrap();
    let error = load(&file).unwrap_err();
    assert_eq!((error.line(), error.column(), error.key()), (Some(2), Some(3), None));
    assert!(error.to_string().contains("not UTF-8"), "{error}");

    std::fs::write(&file, format!("\u{feff}{EXAMPLE}").replace('\n', "\r\n")).unwrap();
    let loaded = load(&file).unwrap();
    let expected = Config { digest: loaded.digest, ..parsed(EXAMPLE).unwrap() };
    assert_eq!(loaded, expected, "as a Windows editor saves it");
    assert_eq!(digest_of(&file), Some(loaded.digest));
    std::fs::write(&file, EXAMPLE).unwrap();
    assert_ne!(digest_of(&file), Some(loaded.digest));
    assert_eq!(digest_of(Path::new("/dev/null")), None, "no regular file");
}

/// The keys that a table can have, as the error about one that it cannot have lists them.
fn keys(file: &str) -> Vec<String> {
    let error = parsed(file).unwrap_err();
    let text = error.problems()[0].text().to_owned();
    let (_, keys) = text.split_once(" allowed here: ").unwrap();
    keys.split(", ").map(str::to_owned).collect()
}

#[test]
fn the_example_in_the_repository_names_every_key_and_no_other() {
    let example = include_str!("../../../../etc/bmpd.toml");
    let has =
        |key: &str| example.contains(&format!("{key} = ")) || example.contains(&format!("{key}."));
    let session = "[[session]]\n";
    let neighbor = "[bgp]\n[[bgp.neighbor]]\n";
    for (table, prefix) in [
        ("[bmp]\n", ""),
        (session, ""),
        (session, "tcp"),
        (session, "tcp.keepalive"),
        (session, "tcp.md5"),
        (session, "retry"),
        (session, "tls"),
        (session, "monitor"),
        ("[[vpn-instance]]\n", ""),
        ("[bgp]\n", ""),
        (neighbor, ""),
        (neighbor, "md5"),
        (neighbor, "maximum-routes"),
        ("[control]\n", ""),
    ] {
        let dot = if prefix.is_empty() { "" } else { "." };
        for key in keys(&format!("{table}{prefix}{dot}unheard-of = 1\n")) {
            let full = format!("{prefix}{dot}{key}");
            let table_of_its_own = table == "[bgp]\n" && key == "neighbor";
            assert!(has(&full) || table_of_its_own, "{full} is not in the example");
        }
    }
    // What follows a # is a key, too; those of a table behind a # are in `publisher`.
    let mut is_in_a_comment = false;
    for (number, line) in example.lines().enumerate() {
        is_in_a_comment &= !line.is_empty();
        is_in_a_comment |= line == "# [[publisher]]";
        let Some(key) = line.strip_prefix("# ").filter(|_| !is_in_a_comment).filter(|rest| {
            rest.split_once(" = ").is_some_and(|(key, _)| {
                key.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c))
            })
        }) else {
            continue;
        };
        let mut lines: Vec<&str> = example.lines().collect();
        lines[number] = key;
        if let Err(error) = parsed(&lines.join("\n")) {
            let text = error.to_string();
            assert!(!text.contains("no such key") && !text.contains("not TOML"), "{key}: {text}");
        }
    }
}

#[test]
fn the_example_in_the_repository_is_good() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../etc/bmpd.toml");
    let config = load(&path).unwrap();
    assert_eq!((config.sessions.len(), config.vpn_instances.len()), (5, 2));
}
