//! Configured, running and pending: a parameter of the connection that has changed in the file is
//! shown as pending after a reload, does nothing to the connection, and is in effect after a reset.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{SockRef, Socket};
use tests::addresses::{free_port, loopback};
use tests::bgp::Family;
use tests::bmp::{Kind, Mode};
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor};
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::programs::tshark::Capture;
use tests::scratch::Scratch;
use tests::sockets;
use tests::station::{Connection, Setup, Station};
use tests::table::Table;
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Long enough for something that should not happen to happen.
const A_WHILE: Duration = Duration::from_millis(300);

/// What is looked at to see whether a parameter is in effect.
struct Scene<'a> {
    daemon: &'a Daemon,
    connection: &'a Connection,
    station: SocketAddr,
}

impl Scene<'_> {
    fn socket(&self) -> Socket {
        wait_for("bmpd's socket", TIMEOUT, || {
            sockets::connected(self.daemon.pid(), self.station).ok_or_else(|| "none".to_owned())
        })
    }

    fn messages(&self, kind: u16) -> Vec<String> {
        self.connection.look(|record| {
            let tlvs = record.initiation.iter().filter(|(found, _)| *found == kind);
            tlvs.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
        })
    }
}

/// A parameter that needs a connection.
struct Case {
    /// Lines of the file: of `[bmp]`, and of the session.
    bmp: &'static str,
    session: &'static str,
    /// As it is shown.
    change: &'static str,
    /// What it is on the wire or on the socket, in words.
    observe: fn(&Scene) -> String,
    /// What that was before, and what it is when the parameter is in effect.
    before: &'static str,
    after: &'static str,
}

/// Where the session comes from when the file says so.
const SOURCE: &str = "127.9.8.7";

const CASES: [Case; 13] = [
    Case {
        bmp: "",
        session: "tcp.source-address = \"127.9.8.7\"",
        change: "tcp.source-address none -> 127.9.8.7",
        observe: |scene| (scene.connection.remote.ip().to_string() == SOURCE).to_string(),
        before: "false",
        after: "true",
    },
    Case {
        bmp: "",
        session: "tcp.source-interface = \"lo\"",
        change: "tcp.source-interface none -> lo",
        observe: |scene| {
            let device = scene.socket().device().unwrap().unwrap_or_default();
            String::from_utf8_lossy(&device).trim_end_matches('\0').to_owned()
        },
        before: "",
        after: "lo",
    },
    Case {
        bmp: "",
        session: "tcp.mss = 500",
        change: "tcp.mss none -> 500",
        observe: |scene| (scene.socket().tcp_mss().unwrap() <= 500).to_string(),
        before: "false",
        after: "true",
    },
    Case {
        bmp: "",
        session: "tcp.dscp = 48",
        change: "tcp.dscp none -> 48",
        observe: |scene| (SockRef::from(&scene.socket()).tos_v4().unwrap() >> 2).to_string(),
        before: "0",
        after: "48",
    },
    Case {
        bmp: "",
        session: "tcp.keepalive.idle = 7",
        change: "tcp.keepalive.idle 60 s -> 7 s",
        observe: |scene| scene.socket().tcp_keepalive_time().unwrap().as_secs().to_string(),
        before: "60",
        after: "7",
    },
    Case {
        bmp: "",
        session: "tcp.keepalive.interval = 3",
        change: "tcp.keepalive.interval 10 s -> 3 s",
        observe: |scene| scene.socket().tcp_keepalive_interval().unwrap().as_secs().to_string(),
        before: "10",
        after: "3",
    },
    Case {
        bmp: "",
        session: "tcp.keepalive.count = 2",
        change: "tcp.keepalive.count 6 -> 2",
        observe: |scene| scene.socket().tcp_keepalive_retries().unwrap().to_string(),
        before: "6",
        after: "2",
    },
    Case {
        bmp: "",
        session: "tcp.user-timeout = 33",
        change: "tcp.user-timeout 310 s -> 33 s",
        observe: |scene| {
            scene.socket().tcp_user_timeout().unwrap().map_or(0, |t| t.as_secs()).to_string()
        },
        before: "310",
        after: "33",
    },
    Case {
        bmp: "",
        session: "initiation-message = [\"rack 12\", \"row 3\"]",
        change: "initiation-message none -> [\"rack 12\", \"row 3\"]",
        observe: |scene| scene.messages(0).join(";"),
        before: "",
        after: "rack 12;row 3",
    },
    Case {
        bmp: "system-name = \"edge9\"",
        session: "",
        change: "bmp.system-name edge1 -> edge9",
        observe: |scene| scene.messages(2).join(";"),
        before: "edge1",
        after: "edge9",
    },
    Case {
        bmp: "system-description = \"another\"",
        session: "",
        change: "bmp.system-description one -> another",
        observe: |scene| scene.messages(1).join(";"),
        before: "one",
        after: "another",
    },
    Case {
        bmp: "",
        session: "monitor.families = [\"ipv4-unicast\"]",
        change: "monitor.families all -> ipv4-unicast",
        observe: |scene| {
            scene.connection.look(|record| {
                let peers = record.peers.values();
                let routes = peers.flat_map(|peer| peer.routes.keys());
                routes.filter(|prefix| prefix.family() == Family::IPV6).count().to_string()
            })
        },
        before: "100",
        after: "0",
    },
    // The port is the last: after it the station is another one.
    Case {
        bmp: "",
        session: "tcp.connect-port = OTHER",
        change: "tcp.connect-port FIRST -> OTHER",
        observe: |scene| scene.station.port().to_string(),
        before: "FIRST",
        after: "OTHER",
    },
];

/// The file: the lines of the case take the place of those that say the same.
fn file(
    case: Option<&Case>,
    address: IpAddr,
    first: u16,
    peer: IpAddr,
    listen: SocketAddr,
) -> String {
    let (bmp, session) = case.map_or(("", ""), |case| (case.bmp, case.session));
    let mut text = "[bmp]\n".to_owned();
    for line in ["system-name = \"edge1\"", "system-description = \"one\""] {
        let (key, _) = line.split_once('=').unwrap();
        text += if bmp.starts_with(key) { bmp } else { line };
        text += "\n";
    }
    text += &format!("[[session]]\naddress = \"{address}\"\nretry.initial = 1\n");
    if !session.contains("connect-port") {
        text += &format!("tcp.connect-port = {first}\n");
    }
    text += session;
    text += "\n";
    text + &bgp(listen) + &neighbor(peer, 65001)
}

#[test]
fn a_parameter_of_the_connection_is_pending_until_a_reset_and_then_in_effect() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let station = Station::listen(address, Mode::Keeping);
    let other = Station::listen(address, Mode::Keeping);
    let ports = |text: &str| {
        text.replace("OTHER", &other.port().to_string())
            .replace("FIRST", &station.port().to_string())
    };
    let write = |case: Option<&Case>| ports(&file(case, address, station.port(), peer, listen));
    let capture = Capture::start(&scratch, SocketAddr::new(address, station.port()));
    let daemon = Daemon::start(&scratch, &write(None));
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(200, 100));
    let session = address.to_string();

    let mut number = 1;
    for case in &CASES {
        let change = ports(case.change);
        let connection = station.wait_connection(number);
        connection.wait_complete(peer, TIMEOUT);
        daemon.wait_state(address, None, "Established");
        let at = |connection: &Connection, station: &Station| {
            let station = SocketAddr::new(address, station.port());
            let scene = Scene { daemon: &daemon, connection, station };
            (case.observe)(&scene)
        };
        assert_eq!(at(&connection, &station), ports(case.before), "{change}: before");

        // The file changes, and nothing else does before the reload.
        daemon.rewrite_config(&write(Some(case)));
        let dry = daemon.bmpctl(&["reload", "--dry-run"]);
        assert!(dry.done().contains(&change), "{dry}");
        let page = daemon.bmpctl(&["show", "session", &session]);
        assert!(!page.done().contains(&change), "a dry run made it pending: {page}");

        let bytes = connection.look(|record| record.bytes);
        let reload = daemon.bmpctl(&["reload"]);
        assert!(reload.done().contains(&change) && reload.done().contains("pending"), "{reload}");
        let again = daemon.bmpctl(&["reload"]);
        assert!(again.done().contains("pending"), "it still is: {again}");
        let row = daemon.session(address, None);
        let (key, _) = change.split_once(' ').unwrap();
        assert!(row.cell("Note").starts_with(&format!("pending: {key}")), "{row:?}");
        let page = daemon.bmpctl(&["show", "session", &session, "--verbose"]);
        assert!(page.done().contains(&change), "{page}");

        // No effect: the same connection, not a byte, the same options.
        holds_for("nothing happens to the session", A_WHILE, || {
            let numbers = (station.connections().len(), other.connections().len());
            let now = connection.look(|record| record.bytes);
            if numbers == (number, 0) && connection.end().is_none() && now == bytes {
                Ok(())
            } else {
                Err(format!("{numbers:?} connections, {now} bytes instead of {bytes}"))
            }
        });
        assert_eq!(at(&connection, &station), ports(case.before), "{change}: in effect too early");

        let reset = daemon.bmpctl(&["reset", "session", &session]);
        assert!(reset.done().contains(&change), "{reset}");
        let target = if change.contains("connect-port") { &other } else { &station };
        let new =
            target.wait_connection(if change.contains("connect-port") { 1 } else { number + 1 });
        new.wait("the End-of-RIB", TIMEOUT, |record| {
            record.peer(peer).filter(|p| !p.end_of_rib.is_empty()).map(|_| ())
        });
        daemon.wait_state(address, None, "Established");
        assert_eq!(at(&new, target), ports(case.after), "{change}: not in effect");
        let page = daemon.bmpctl(&["show", "session", &session, "--verbose"]);
        assert!(!page.done().contains("Pending"), "{page}");

        // And back, for the next case.
        daemon.rewrite_config(&write(None));
        daemon.bmpctl(&["reset", "session", &session]).done();
        number += if change.contains("connect-port") { 1 } else { 2 };
    }
    station.assert_legal();
    other.assert_legal();

    // On the wire: one SYN for each connection of the station and no other, with what belongs to it.
    let captured = capture.stop();
    let syns = captured.dissect(
        "tcp.flags.syn == 1 && tcp.flags.ack == 0",
        &["ip.src", "tcp.options.mss_val", "ip.dsfield.dscp"],
    );
    assert_eq!(syns.len(), station.connections().len(), "{syns:#?}");
    let special = |find: &dyn Fn(&[&str]) -> bool| -> Vec<usize> {
        let found = syns.iter().enumerate();
        found
            .filter(|(_, line)| find(&line.split('\t').collect::<Vec<_>>()))
            .map(|(n, _)| n)
            .collect()
    };
    // Each case has its connection at an odd place: 1, 3, 5 ...
    assert_eq!(special(&|syn| syn[0] == SOURCE), [1], "{syns:#?}");
    assert_eq!(special(&|syn| syn[1] == "500"), [5], "{syns:#?}");
    assert_eq!(special(&|syn| syn[2] == "48"), [7], "{syns:#?}");
}

/// The file with one session, which the lines say more of.
fn one_session(address: IpAddr, lines: &str) -> String {
    format!("[[session]]\naddress = \"{address}\"\nretry.initial = 1\nretry.maximum = 1\n{lines}\n")
}

/// Reloads, and sees that all of this is pending and the connection stays.
#[track_caller]
fn reload_is_pending(
    daemon: &Daemon,
    connection: &Connection,
    address: &[&str],
    changes: &[String],
) {
    let reload = daemon.bmpctl(&["reload"]);
    let page = daemon.bmpctl(&[&["show", "session", "--verbose"], address].concat());
    for change in changes {
        assert!(reload.done().contains(change), "{change}\n{reload}");
        assert!(page.done().contains(change), "{change}\n{page}");
    }
    holds_for("the connection stays", A_WHILE, || match connection.end() {
        None => Ok(()),
        Some(end) => Err(format!("{end:?}")),
    });
}

fn initiated(connection: &Connection) {
    connection.wait("the Initiation", TIMEOUT, |record| {
        (record.count(Kind::Initiation) == 1).then_some(())
    });
}

#[test]
fn who_connects_and_where_the_station_is_let_in_wait_for_a_reset() {
    let scratch = Scratch::new();
    let (address, ours) = (loopback(), loopback());
    let ports = [free_port(ours), free_port(ours)];
    let active = Station::listen(address, Mode::Keeping);
    let passive = Station::passive(address, Mode::Keeping, Setup::default());
    let listening = |port| {
        let lines = format!(
            "mode = \"passive\"\ntcp.listen-port = {port}\ntcp.source-address = \"{ours}\""
        );
        one_session(address, &lines)
    };
    let connecting = format!("tcp.connect-port = {}", active.port());
    let daemon = Daemon::start(&scratch, &one_session(address, &connecting));
    let connection = active.wait_connection(1);
    initiated(&connection);
    let name = address.to_string();
    let reset = || daemon.bmpctl(&["reset", "session", &name]).done().to_owned();
    let open = |port| TcpStream::connect(SocketAddr::new(ours, port)).is_ok();

    daemon.rewrite_config(&listening(ports[0]));
    let changes = [
        "mode active -> passive".to_owned(),
        format!("tcp.connect-port {} -> none", active.port()),
        format!("tcp.listen-port none -> {}", ports[0]),
    ];
    reload_is_pending(&daemon, &connection, &[&name], &changes);
    assert!(!open(ports[0]), "it listens too early");
    assert!(reset().contains("mode active -> passive"));
    connection.wait_end(TIMEOUT);
    let first = passive.dial_until_taken(SocketAddr::new(ours, ports[0]));
    initiated(&first);

    daemon.rewrite_config(&listening(ports[1]));
    let change = format!("tcp.listen-port {} -> {}", ports[0], ports[1]);
    reload_is_pending(&daemon, &first, &[&name], &[change]);
    assert!(open(ports[0]) && !open(ports[1]), "it moved too early");
    reset();
    let second = passive.dial_until_taken(SocketAddr::new(ours, ports[1]));
    initiated(&second);
    wait_for("the old port to be closed", TIMEOUT, || {
        if open(ports[0]) { Err("it is open".to_owned()) } else { Ok(()) }
    });

    daemon.rewrite_config(&one_session(address, &connecting));
    reload_is_pending(&daemon, &second, &[&name], &["mode passive -> active".to_owned()]);
    assert_eq!(active.connections().len(), 1, "it connects too early");
    reset();
    initiated(&active.wait_connection(2));
    wait_for("the port to be closed", TIMEOUT, || {
        if open(ports[1]) { Err("it is open".to_owned()) } else { Ok(()) }
    });
}

#[test]
fn what_a_vpn_instance_stands_for_waits_for_a_reset() {
    let scratch = Scratch::new();
    let address = loopback();
    let [one, other] = [(); 2].map(|()| Netns::new());
    let port = 11019;
    let [here, there] = [&one, &other]
        .map(|netns| Station::listen_in(netns, SocketAddr::new(address, port), Mode::Keeping));
    let config = |netns: &Netns| {
        let instance = format!("[[vpn-instance]]\nname = \"red\"\nnetns = \"{}\"\n", netns.name());
        instance
            + &one_session(address, &format!("vpn-instance = \"red\"\ntcp.connect-port = {port}"))
    };
    let daemon = Daemon::start(&scratch, &config(&one));
    let connection = here.wait_connection(1);
    initiated(&connection);
    daemon.rewrite_config(&config(&other));
    let path = |netns: &Netns| format!("the network namespace /run/netns/{}", netns.name());
    let change = format!("vpn-instance {} -> {}", path(&one), path(&other));
    let name = ["--vpn-instance", "red", &address.to_string()].map(str::to_owned);
    let name: Vec<&str> = name.iter().map(String::as_str).collect();
    reload_is_pending(&daemon, &connection, &name, &[change]);
    assert_eq!(there.connections().len(), 0);
    daemon.bmpctl(&[&["reset", "session"], &name[..]].concat()).done();
    initiated(&there.wait_connection(1));
    connection.wait_end(TIMEOUT);
    assert_eq!(here.connections().len(), 1);
}
