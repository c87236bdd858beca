//! `bmpctl show neighbor` with an address or an instance, its page, and `show vpn-instance`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::bgp::{self as wire, Open, hex, kind};
use tests::bmp::Mode;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::lab::{Lab, Plan};
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::scratch::Scratch;
use tests::station::Station;
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

fn json(daemon: &Daemon, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(daemon.bmpctl(&arguments).done()).unwrap()
}

fn within(vpn: &str, table: String) -> String {
    table.trim_end().to_owned() + &format!("\nvpn-instance = \"{vpn}\"\n\n")
}

#[test]
fn neighbors_are_selected_and_instances_count_what_is_in_them() {
    let scratch = Scratch::new();
    let red = Netns::new();
    let (address, peer, listen) = (loopback(), loopback(), bgp_listen());
    let public = Station::listen(address, Mode::Counting);
    let in_red = Station::listen_in(&red, SocketAddr::new(address, 0), Mode::Counting);
    let config = [
        format!(
            "[[vpn-instance]]\nname = \"red\"\nnetns = \"{}\"\nlisten = [\"{listen}\"]\n\
             route-distinguisher = \"65000:7\"\n\n[[vpn-instance]]\nname = \"gone net\"\n\
             device = \"nosuchdevice0\"\n\n",
            red.name()
        ),
        session(address, public.port(), None),
        within("red", session(address, in_red.port(), None)),
        within("gone net", session(address, 11019, None)),
        bgp(listen),
        neighbor(peer, 65001),
        within(
            "red",
            neighbor(peer, 65002).replace("passive", "description = \"inside\"\npassive"),
        ),
        within("red", neighbor(loopback(), 65003)),
        "[[bgp.neighbor]]\nprefix = \"198.51.100.0/24\"\n\n".to_owned(),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let outside = Neighbor::connect(&Options::new(peer, 65001), listen);
    let inside = Neighbor::connect_in(&red, &Options::new(peer, 65002), listen);
    outside.send_all(&Table::full(10, 1));
    inside.send_all(&Table::full(200, 20));

    let of = |arguments: &[&str]| {
        let answer = json(&daemon, &[&["show", "neighbor"], arguments].concat());
        let neighbors = answer["neighbors"].as_array().unwrap();
        let list = neighbors.iter().map(|n| n["remote_as"].as_u64().unwrap()).collect::<Vec<_>>();
        (list, answer["prefixes"].as_array().unwrap().len())
    };
    let text = peer.to_string();
    assert_eq!(of(&[]), (vec![65001, 65002, 65003], 1));
    assert_eq!(of(&[&text]), (vec![65001, 65002], 0));
    assert_eq!(of(&["--vpn-instance", "red"]), (vec![65002, 65003], 0));
    assert_eq!(of(&[&text, "--vpn-instance", "red"]), (vec![65002], 0));
    assert_eq!(of(&["--vpn-instance", "gone net"]), (vec![], 0));

    wait_for("the routes of both", TIMEOUT, || {
        let instances = json(&daemon, &["show", "vpn-instance"]);
        let instances = instances["vpn_instances"].as_array().unwrap();
        let routes: Vec<u64> = instances.iter().map(|i| i["routes"].as_u64().unwrap()).collect();
        if routes == [11, 220, 0] { Ok(()) } else { Err(format!("{routes:?}")) }
    });
    let page = daemon.bmpctl(&["show", "neighbor", &text, "--vpn-instance", "red"]);
    for fact in [
        format!("BGP neighbor {peer}\n"),
        "Established\n".to_owned(),
        "inside\n".to_owned(),
        "65002\n".to_owned(),
        "red\n".to_owned(),
        "once since bmpd started\n".to_owned(),
        "ipv4-unicast: 200 routes, End-of-RIB: yes\n".to_owned(),
        "ipv6-unicast: 20 routes, End-of-RIB: yes\n".to_owned(),
    ] {
        assert!(page.done().contains(&fact), "{fact:?}: {page}");
    }
    let all = daemon.bmpctl(&["show", "neighbor", "--verbose"]);
    assert_eq!(all.done().matches("BGP neighbor ").count(), 3, "{all}");

    let unknown = daemon.bmpctl(&["show", "neighbor", &text, "--vpn-instance", "gone net"]);
    assert_eq!(unknown.status, 3, "{unknown}");
    assert!(unknown.stderr.contains(&format!("{peer} vpn-instance red")), "{unknown}");
    let unknown = daemon.bmpctl(&["show", "neighbor", "192.0.2.77", "--json"]);
    assert_eq!(unknown.status, 3, "{unknown}");
    assert!(unknown.stdout.contains("\"no-such-neighbor\""), "{unknown}");
    for arguments in [
        ["show", "vpn-instance", "blue"].as_slice(),
        &["show", "neighbor", "--vpn-instance", "blue"],
    ] {
        let unknown = daemon.bmpctl(arguments);
        assert_eq!(unknown.status, 3, "{unknown}");
        assert!(
            unknown.stderr.contains("no VPN instance blue")
                && unknown.stderr.contains("\"gone net\"")
        );
        let unknown = daemon.bmpctl(&[arguments, &["--json"]].concat());
        let document: Value = serde_json::from_str(&unknown.stdout).unwrap();
        let instances = document["vpn_instances"].as_array().unwrap();
        assert!(instances.iter().any(|name| name == "gone net"), "{document}");
    }
}

#[test]
fn an_instance_says_what_it_stands_for_and_whether_that_is_there() {
    let scratch = Scratch::new();
    let address = loopback();
    let name = format!("bmpd-shown-{}", std::process::id());
    let config = [
        format!(
            "[[vpn-instance]]\nname = \"late\"\nnetns = \"{name}\"\n\
             route-distinguisher = \"4200000000:9\"\n\n[[vpn-instance]]\nname = \"gone\"\n\
             device = \"nosuchdevice0\"\n\n[[vpn-instance]]\nname = \"here\"\ndevice = \"lo\"\n\n"
        ),
        within("late", session(address, 11019, None)),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let answer = json(&daemon, &["show", "vpn-instance"]);
    let instances = answer["vpn_instances"].as_array().unwrap();
    let shown: Vec<_> = instances
        .iter()
        .map(|instance| (instance["name"].as_str(), instance["present"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [(None, true), (Some("late"), false), (Some("gone"), false), (Some("here"), true)]
    );
    assert_eq!(instances[1]["route_distinguisher"], "4200000000:9");
    assert_eq!(instances[1]["table_name"], "late");
    assert_eq!(instances[1]["place"], format!("the network namespace /run/netns/{name}"));
    assert_eq!((&instances[1]["sessions"], &instances[1]["sessions_up"]), (&1.into(), &0.into()));
    // Without neighbors in it nobody can connect.
    assert_eq!(instances[3]["listen"], Value::Array(vec![]));

    let late = Netns::named(&name);
    let page = daemon.bmpctl(&["show", "vpn-instance", "late"]);
    assert!(!page.done().contains("not there"), "{page}");
    let _station = Station::listen_in(&late, SocketAddr::new(address, 11019), Mode::Counting);
    wait_for("its session to be up", TIMEOUT, || {
        let answer = json(&daemon, &["show", "vpn-instance", "late"]);
        let instance = &answer["vpn_instances"][0];
        let up = instance["sessions_up"] == 1 && instance["present"] == true;
        if up { Ok(()) } else { Err(instance.to_string()) }
    });
    let table = daemon.bmpctl(&["show", "vpn-instance"]);
    assert_eq!(table.done().lines().count(), 5, "{table}");
    assert!(table.stdout.contains("_public_  "), "{table}");
}

/// What `show neighbor` says of the neighbor of a lab, once this is true of it.
#[track_caller]
fn shown(lab: &Lab, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, TIMEOUT, || {
        let mut answer = json(&lab.daemon, &["show", "neighbor", &lab.peer.to_string()]);
        let neighbor = answer["neighbors"][0].take();
        if is_so(&neighbor) { Ok(neighbor) } else { Err(neighbor.to_string()) }
    })
}

/// An UPDATE of AS 65001 with ORIGIN, AS_PATH, NEXT_HOP and this.
fn update(more: &[u8], nlri: &[u8]) -> Vec<u8> {
    let attributes = [
        &[0x40, 1, 1, 0][..],
        &[0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9],
        &[0x40, 3, 4, 192, 0, 2, 1],
        more,
    ]
    .concat();
    let length = (attributes.len() as u16).to_be_bytes();
    wire::message(kind::UPDATE, &[&[0, 0], &length[..], &attributes, nlri].concat())
}

const ROUTE: &[u8] = &[24, 192, 0, 2];

#[test]
fn a_malformed_update_is_logged_and_shown_with_its_routes_and_bytes() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    let malformed = update(&[0xc0, 8, 3, 0, 1, 2], ROUTE);
    neighbor.send_raw(&malformed);
    let is_there = |neighbor: &Value| !neighbor["last_malformed_update"].is_null();
    let report = shown(&lab, "the malformed UPDATE", is_there);
    let update_shown = &report["last_malformed_update"];
    assert_eq!(update_shown["action"], "treated-as-withdraw", "{report}");
    assert_eq!(report["routes_treated_as_withdraw"], 1, "{report}");
    assert_eq!(update_shown["routes"], serde_json::json!(["192.0.2.0/24"]));
    assert_eq!(update_shown["message"], hex(&malformed));
    let text = update_shown["text"].as_str().unwrap();
    assert!(text.contains("attribute 8 is malformed"), "{report}");
    let page = lab.daemon.bmpctl(&["show", "neighbor", "--verbose"]);
    let bytes = update_shown["message"].as_str().unwrap();
    for fact in ["routes: 192.0.2.0/24\n", &format!("message (53 bytes): {bytes}\n")] {
        assert!(page.done().contains(fact), "{fact:?}: {page}");
    }
    let line = format!("malformed; routes: 192.0.2.0/24; message (53 bytes): {bytes}");
    assert!(lab.daemon.log().contains(&line), "{}", lab.daemon.log());

    // One that ends the session is still there when the session is not: its prefix length is 33.
    neighbor.send_raw(&update(&[], &[ROUTE, &[33, 0, 0, 0, 0, 0]].concat()));
    let report = shown(&lab, "the session to be down", |report| report["state"] == "active");
    let ended = &report["last_malformed_update"];
    assert_eq!(ended["action"], "session-ended", "{report}");
    assert_eq!(ended["routes"], serde_json::json!(["192.0.2.0/24"]));
    let text = ended["text"].as_str().unwrap();
    assert!(text.contains("NOTIFICATION 3/10"), "{report}");
    let line = format!("{text}; routes: 192.0.2.0/24; message (");
    assert!(lab.daemon.log().contains(&line), "{}", lab.daemon.log());

    // So is one whose attributes do not fit, and nothing of which can be read.
    drop(neighbor);
    let neighbor = lab.connect();
    neighbor.send_raw(&wire::message(kind::UPDATE, &[0, 0, 0, 4, 0x40, 1, 9, 0]));
    shown(&lab, "the other one", |report| {
        let update = &report["last_malformed_update"];
        update["text"].as_str().is_some_and(|text| text.contains("NOTIFICATION 3/1 "))
            && update["routes"] == serde_json::json!([])
    });
}

#[test]
fn discarded_attributes_are_counted_and_logged_at_debug() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.send_raw(&update(&[0xc0, 7, 3, 0, 1, 2], ROUTE));
    let report = shown(&lab, "the attribute", |report| report["attributes_discarded"] == 1);
    assert_eq!(report["updates_treated_as_withdraw"], 0, "{report}");
    assert_eq!(report["routes_announced"], 1, "{report}");
    assert!(report["last_malformed_update"].is_null(), "{report}");
    assert_eq!(report["families"][0]["routes"], 1, "{report}");
    let page = lab.daemon.bmpctl(&["show", "neighbor", "--verbose"]);
    assert!(page.done().contains("1 path attributes"), "{page}");
    let line =
        "attributes of an UPDATE were discarded: attribute 7; routes: 192.0.2.0/24; message (";
    let log = lab.daemon.log();
    let line = log.lines().find(|logged| logged.contains(line));
    assert!(line.is_some_and(|line| line.contains("DEBUG")), "{log}");
    drop(neighbor);
}

#[test]
fn the_reason_inside_a_hard_reset_is_shown_and_logged() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    neighbor.notification(6, 9, b"\x06\x02\x0bmaintenance");
    let report = shown(&lab, "the end", |report| !report["last_down"].is_null());
    let reason = "received NOTIFICATION 6/9 (Cease, Hard Reset): NOTIFICATION 6/2 (Cease, \
                  Administrative Shutdown): \"maintenance\"";
    assert_eq!(report["last_down"]["text"], reason);
    assert!(lab.daemon.log().contains(reason), "{}", lab.daemon.log());
}

#[test]
fn a_neighbor_that_refuses_connections_does_not_hide_why_it_was_rejected() {
    let scratch = Scratch::new();
    let peer = loopback();
    let listener = TcpListener::bind((peer, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = [
        bgp(bgp_listen()),
        format!("[[bgp.neighbor]]\naddress = \"{peer}\"\nremote-as = 65001\nport = {port}\n\n"),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(&Open::of(65002).encode()).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    // bmpd's OPEN, its NOTIFICATION, and the end.
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    drop((stream, listener));
    let reason = "sent NOTIFICATION 2/2 (OPEN Message Error, Bad Peer AS)";
    wait_for("a refused connection", TIMEOUT, || {
        let report = json(&daemon, &["show", "neighbor"])["neighbors"][0].clone();
        let text = |error: &str| report[error]["text"].as_str().unwrap_or_default().to_owned();
        let is_so =
            text("last_error").contains("Connection refused") && text("earlier_error") == reason;
        if is_so { Ok(()) } else { Err(report.to_string()) }
    });
    let page = daemon.bmpctl(&["show", "neighbor", "--verbose"]);
    assert!(page.done().contains(&format!("  Earlier error:     {reason}, ")), "{page}");
    let table = daemon.bmpctl(&["show", "neighbor"]);
    assert!(table.done().contains("2/2"), "{table}");
}
