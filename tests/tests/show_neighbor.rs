//! `bmpctl show neighbor` with an address or an instance, its page, and `show vpn-instance`.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::bmp::Mode;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::scratch::Scratch;
use tests::station::Station;
use tests::table::Table;
use tests::wait::wait_for;

const PATIENCE: Duration = Duration::from_secs(30);

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

    wait_for("the routes of both", PATIENCE, || {
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
    let told: Vec<_> = instances
        .iter()
        .map(|instance| (instance["name"].as_str(), instance["present"].as_bool().unwrap()))
        .collect();
    assert_eq!(
        told,
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
    wait_for("its session to be up", PATIENCE, || {
        let answer = json(&daemon, &["show", "vpn-instance", "late"]);
        let instance = &answer["vpn_instances"][0];
        let up = instance["sessions_up"] == 1 && instance["present"] == true;
        if up { Ok(()) } else { Err(instance.to_string()) }
    });
    let table = daemon.bmpctl(&["show", "vpn-instance"]);
    assert_eq!(table.done().lines().count(), 5, "{table}");
    assert!(table.stdout.contains("_public_  "), "{table}");
}
