//! BIRD's routes reach two pmbmpd, which differ in port and alias on one address; one is
//! reset by a command of the manual and is sent everything again, the other is not affected.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::Value;
use tests::bgp::{Family, Prefix, count_nlri};
use tests::bmp::Kind;
use tests::daemon::{Daemon, session};
use tests::programs::bird::Bird;
use tests::programs::pmbmpd::Pmbmpd;
use tests::programs::tshark::Capture;
use tests::programs::{Announced, Connects, Link, Speaker, bmpd_listens, sample};
use tests::scratch::Scratch;
use tests::wait::{holds_for, wait_for};

const STATION: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const TIMEOUT: Duration = Duration::from_secs(60);

/// A route in the words of pmbmpd.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Logged {
    next_hop: String,
    as_path: String,
    origin: String,
    med: Option<u64>,
    communities: String,
    large_communities: String,
}

/// One connection as pmbmpd logged it.
#[derive(Debug, Default)]
struct ConnectionLog {
    /// The port it came from.
    port: u64,
    /// The kinds of its messages in order; routes that follow each other count once.
    kinds: Vec<String>,
    system_names: Vec<String>,
    peer_ups: Vec<Value>,
    routes: BTreeMap<String, Logged>,
    updates: usize,
    withdrawals: usize,
    /// The reason of the Termination.
    terminated: Vec<String>,
    closed: bool,
}

fn word(object: &Value, key: &str) -> String {
    object[key].as_str().unwrap_or_default().to_owned()
}

/// The connections in the log, in the order in which they were accepted.
fn connections(log: &[String]) -> Vec<ConnectionLog> {
    let mut found: Vec<ConnectionLog> = vec![];
    for line in log {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let port = object["bmp_router_port"].as_u64().expect("a port");
        assert_eq!(object["bmp_router"], "127.0.0.1", "{line}");
        if object["event_type"] == "log_init" {
            found.push(ConnectionLog { port, ..ConnectionLog::default() });
            continue;
        }
        let of_port = found.iter_mut().rev().find(|one| one.port == port && !one.closed);
        let logged = of_port.unwrap_or_else(|| panic!("no connection from there: {line}"));
        if object["event_type"] == "log_close" {
            logged.closed = true;
            continue;
        }
        let kind = word(&object, "bmp_msg_type");
        match &kind[..] {
            "init" => logged.system_names.push(word(&object, "bmp_init_info_sysname")),
            "peer_up" => logged.peer_ups.push(object.clone()),
            "route_monitor" => logged.route(&object),
            "term" => logged.terminated.push(word(&object, "bmp_term_info_reason")),
            other => panic!("{other}: {line}"),
        }
        if logged.kinds.last() != Some(&kind) {
            logged.kinds.push(kind);
        }
    }
    found
}

impl ConnectionLog {
    fn route(&mut self, object: &Value) {
        let prefix = word(object, "ip_prefix");
        if object["log_type"] == "withdraw" {
            self.withdrawals += 1;
            self.routes.remove(&prefix);
            return;
        }
        assert_eq!(object["log_type"], "update", "{object}");
        assert_eq!(object["is_post"], 0, "{object}");
        self.updates += 1;
        let logged = Logged {
            next_hop: word(object, "bgp_nexthop"),
            as_path: word(object, "as_path"),
            origin: word(object, "origin"),
            med: object["med"].as_u64(),
            communities: word(object, "comms"),
            large_communities: word(object, "lcomms"),
        };
        self.routes.insert(prefix, logged);
    }

    /// Says how its routes differ from those that were announced.
    fn compare(&self, expected: &BTreeMap<String, Logged>) -> Result<(), String> {
        for (prefix, route) in expected {
            match self.routes.get(prefix) {
                None => return Err(format!("{prefix} is missing, and maybe others")),
                Some(found) if found != route => {
                    return Err(format!("{prefix}\nwanted {route:?}\nfound  {found:?}"));
                }
                Some(_) => {}
            }
        }
        match self.routes.keys().find(|prefix| !expected.contains_key(*prefix)) {
            Some(prefix) => Err(format!("{prefix} is too many, and maybe others")),
            None => Ok(()),
        }
    }
}

/// What was announced, in the words of pmbmpd.
fn expected(announced: &Announced) -> BTreeMap<String, Logged> {
    fn join<T: ToString>(items: impl IntoIterator<Item = T>, separator: &str) -> String {
        items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(separator)
    }
    let logged = announced.iter().map(|(prefix, attributes)| {
        let next_hop = match prefix.family() {
            Family::IPV4 => attributes.next_hop.to_string(),
            _ => attributes.next_hop_v6.to_string(),
        };
        let logged = Logged {
            next_hop,
            as_path: join(&attributes.as_path, " "),
            origin: ["i", "e", "u"][usize::from(attributes.origin)].to_owned(),
            med: attributes.med.map(u64::from),
            communities: join(attributes.communities.iter().map(|c| join(c, ":")), " "),
            large_communities: join(attributes.large_communities.iter().map(|c| join(c, ":")), " "),
        };
        (prefix.to_string(), logged)
    });
    logged.collect()
}

/// Waits until connection `number` (from 1) of a pmbmpd has exactly these routes.
#[track_caller]
fn wait_routes(pmbmpd: &Pmbmpd, number: usize, announced: &Announced) {
    let expected = expected(announced);
    wait_for("the routes in pmbmpd's log", TIMEOUT, || {
        let connections = connections(&pmbmpd.log());
        let logged = connections
            .get(number - 1)
            .ok_or_else(|| format!("{} connections so far", connections.len()))?;
        logged.compare(&expected)
    });
}

#[test]
fn a_reset_by_alias_sends_pmbmpd_everything_again_and_does_not_affect_the_other() {
    let scratch = Scratch::new();
    let (plain, aliased) = (Pmbmpd::start(&scratch, STATION), Pmbmpd::start(&scratch, STATION));
    let captures = [&plain, &aliased].map(|pmbmpd| Capture::start(&scratch, pmbmpd.address()));
    let link = Link::new(bmpd_listens(), 4_200_000_001, Connects::Program);
    let configuration = "[bmp]\nsystem-name = \"edge1\"\n\n".to_owned()
        + &session(STATION, plain.address().port(), None)
        + &session(STATION, aliased.address().port(), Some("aa"))
        + &link.bgp();
    let daemon = Daemon::start(&scratch, &configuration);
    let mut bird = Bird::start(&scratch, link, sample(link.asn, 400, 200, 1));
    for pmbmpd in [&plain, &aliased] {
        wait_routes(pmbmpd, 1, bird.announced());
    }
    // The session without alias is listed without one: its row is that which does not have "aa".
    daemon.wait_state(STATION, Some("aa"), "Established");

    let log_before = plain.log();
    let reset = daemon.bmpctl(&["reset", "bmp", "session", "127.0.0.1", "alias", "aa"]);
    reset.done();
    wait_routes(&aliased, 2, bird.announced());
    daemon.wait_state(STATION, Some("aa"), "Established");

    // The old connection was ended as it should be; the new one received all, once, in order.
    let logged = connections(&aliased.log());
    let [old, new] = &logged[..] else { panic!("{} connections", logged.len()) };
    assert!(old.closed, "{old:?}");
    assert_eq!(old.terminated, ["Session administratively closed"]);
    assert_eq!(new.kinds, ["init", "peer_up", "route_monitor"]);
    assert_eq!(new.system_names, ["edge1"]);
    assert_eq!(new.peer_ups.len(), 1);
    let up = &new.peer_ups[0];
    assert_eq!(up["peer_ip"], bird.ip().to_string());
    assert_eq!(up["peer_asn"], link.asn);
    assert_eq!(up["bgp_id"], bird.ip().to_string());
    assert_eq!(up["local_ip"], link.bmpd.ip().to_string());
    assert_eq!(up["local_port"], link.bmpd.port());
    assert_eq!((new.updates, new.withdrawals), (600, 0), "each route was sent once");
    assert!(!new.closed);

    // The other one has received nothing at all meanwhile and keeps its connection.
    holds_for("silence at the other session", Duration::from_secs(1), || {
        let log = plain.log();
        if log == log_before { Ok(()) } else { Err(log[log_before.len()..].join("\n")) }
    });

    // Both are still sent what changes, the old connection and the new one.
    let gone: Vec<Prefix> = bird.announced().keys().copied().step_by(3).collect();
    bird.withdraw(&gone);
    bird.announce(sample(link.asn, 50, 50, 2));
    wait_routes(&plain, 1, bird.announced());
    wait_routes(&aliased, 2, bird.announced());

    assert_eq!(daemon.terminate().code(), Some(0));
    for (pmbmpd, count) in [(&plain, 1), (&aliased, 2)] {
        wait_for("the end of all connections", TIMEOUT, || {
            let logged = connections(&pmbmpd.log());
            if logged.iter().all(|c| c.closed) { Ok(()) } else { Err(format!("{logged:?}")) }
        });
        let logged = connections(&pmbmpd.log());
        assert_eq!(logged.len(), count);
        for connection in &logged {
            assert_eq!(connection.terminated, ["Session administratively closed"]);
        }
    }

    // pmbmpd does not log End-of-RIBs: they are on the wire.
    let [on_plain, on_aliased] = captures.map(Capture::stop);
    for (captured, pmbmpd) in [(&on_plain, &plain), (&on_aliased, &aliased)] {
        assert_eq!(captured.faults(), [""; 0]);
        let carried = captured.connections();
        let ports: Vec<u64> = carried.iter().map(|(port, _)| u64::from(*port)).collect();
        let logged: Vec<u64> = connections(&pmbmpd.log()).iter().map(|c| c.port).collect();
        assert_eq!(ports, logged);
        for (_, record) in &carried {
            assert_eq!(record.violations, [""; 0]);
            assert_eq!(record.termination, Some(0));
        }
    }
    let carried = on_aliased.connections();
    let (_, record) = &carried[1];
    let kinds: Vec<Kind> = record.sequence.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds[..2], [Kind::Initiation, Kind::PeerUp]);
    // How many routes of its family came before each End-of-RIB.
    let (mut announced, mut ends) = (BTreeMap::new(), BTreeMap::new());
    for (_, update) in record.updates() {
        if let Some(family) = update.end_of_rib {
            ends.insert(family, announced.get(&family).copied().unwrap_or(0));
        }
        for reach in update.announced() {
            let count = count_nlri(reach.family, reach.nlri).expect("NLRI");
            *announced.entry(reach.family).or_insert(0) += count;
        }
    }
    assert_eq!(ends, [(Family::IPV4, 400), (Family::IPV6, 200)].into());
}
