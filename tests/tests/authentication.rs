//! Keys and certificates: what fits comes up, what does not has its reason, a change is pending until
//! a reset, and no key is ever shown.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tests::addresses::loopback;
use tests::bmp::{Kind, Mode};
use tests::chain::{Chain, Demands, SERVER_NAME};
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{Setup, Station};
use tests::table::Table;
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

const RIGHT: &str = "rosebud-right";
const OTHER: &str = "rosebud-other";

fn session(station: &Station, more: &str) -> String {
    format!(
        "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\ntcp.connect-timeout = 1\n\
         retry.initial = 1\nretry.maximum = 1\n{more}\n\n",
        station.ip(),
        station.port()
    )
}

fn md5_station(key: Option<&str>, from: IpAddr) -> Station {
    let md5 = key.map(|key| (from, key.to_owned())).into_iter().collect();
    let place = SocketAddr::new(loopback(), 0);
    Station::listen_with(place, Mode::Keeping, Setup { md5, ..Setup::default() })
}

fn wait_initiation(station: &Station, number: usize) {
    station
        .wait_connection(number)
        .wait("the Initiation", TIMEOUT, |r| (r.count(Kind::Initiation) == 1).then_some(()));
}

/// Waits until the page of the session says all of this.
#[track_caller]
fn wait_page(daemon: &Daemon, station: &Station, words: &[&str]) {
    wait_for(&format!("{words:?}"), TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "session", &station.ip().to_string(), "--verbose"]);
        if words.iter().all(|word| page.stdout.contains(word)) {
            Ok(())
        } else {
            Err(page.to_string())
        }
    });
}

#[test]
fn md5_the_right_key_is_up_others_are_down_with_a_reason_and_a_new_key_waits_for_a_reset() {
    let scratch = Scratch::new();
    let from = loopback();
    let right = md5_station(Some(RIGHT), from);
    let wrong = md5_station(Some(OTHER), from);
    let missing = md5_station(None, from);
    let unasked = md5_station(Some(RIGHT), from);
    let source = format!("tcp.source-address = \"{from}\"");
    let key_file = scratch.path().join("session.key");
    fs::write(&key_file, format!("{RIGHT}\n")).unwrap();
    let config = |first: &str| {
        [
            session(&right, &format!("{source}\n{first}")),
            session(&wrong, &format!("{source}\ntcp.md5.key = \"{RIGHT}\"")),
            session(&missing, &format!("{source}\ntcp.md5.key = \"{RIGHT}\"")),
            session(&unasked, &source),
        ]
        .concat()
    };
    let daemon =
        Daemon::start_as(&scratch, "bmpd", &config("tcp.md5.key-file = \"session.key\""), "trace");
    wait_initiation(&right, 1);
    for station in [&wrong, &missing] {
        wait_page(&daemon, station, &["[timed-out]", "no answer within 1 s", "tcp.md5", "key"]);
    }
    wait_page(
        &daemon,
        &unasked,
        &["[timed-out]", "no answer within 1 s", "no key is configured here"],
    );
    assert_eq!(wrong.connections().len() + missing.connections().len(), 0);

    // The key changes in its file: pending, and nothing happens to the connection.
    fs::write(&key_file, OTHER).unwrap();
    let reload = daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("tcp.md5 *** -> *** (changed)"), "{reload}");
    wait_page(&daemon, &right, &["Pending until a reset:", "tcp.md5 *** -> *** (changed)"]);
    holds_for("the session stays up", Duration::from_millis(300), || {
        let connection = right.latest().unwrap();
        if right.connections().len() == 1 && connection.end().is_none() {
            Ok(())
        } else {
            Err(connection.summary())
        }
    });
    // The reset makes it effective: the station has the old key, so the session cannot come up.
    let reset = daemon.bmpctl(&["reset", "session", &right.ip().to_string()]);
    assert!(reset.done().contains("tcp.md5 *** -> *** (changed)"), "{reset}");
    wait_page(&daemon, &right, &["[timed-out]"]);
    assert_eq!(right.connections().len(), 1);
    // And the right one again.
    fs::write(&key_file, RIGHT).unwrap();
    daemon.bmpctl(&["reset", "session", &right.ip().to_string()]).done();
    wait_initiation(&right, 2);

    // A key that is no good must not be shown either.
    daemon.rewrite_config(&config(&format!("tcp.md5.key = \"{RIGHT}\"\ntcp.dscp = 99")));
    let bad = daemon.bmpctl(&["reload"]);
    assert_eq!(bad.status, 1, "{bad}");
    daemon.rewrite_config(&config(&format!("tcp = {{ connect-port = 0, md5.key = \"{RIGHT}\" }}")));
    let worse = daemon.bmpctl(&["reset", "session", "all"]);
    assert_eq!(worse.status, 1, "{worse}");
    let everything = [
        daemon.log(),
        bad.to_string(),
        worse.to_string(),
        reload.to_string(),
        reset.to_string(),
        daemon.bmpctl(&["show", "session", "--verbose"]).to_string(),
        daemon.bmpctl(&["show", "neighbor"]).to_string(),
    ];
    for text in everything {
        assert!(!text.contains("rosebud"), "a key is shown: {text}");
    }
}

#[test]
fn no_answer_of_the_control_socket_holds_a_key() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use shared::frame::{self, Kind};
    use shared::names::Selector;
    use shared::request::{
        Operation, Query, Request, ResetSession, WhichInstances, WhichNeighbors,
    };
    let scratch = Scratch::new();
    let station = md5_station(Some(RIGHT), loopback());
    let (peer, listen) = (loopback(), bgp_listen());
    let config = |key: &str| {
        let ao = format!(
            "alias = \"ao\"\nshutdown = true\n\
             tcp.ao = [{{ send-id = 1, receive-id = 1, key = \"{key}\" }}]"
        );
        [
            session(&station, &format!("tcp.md5.key = \"{key}\"")),
            session(&station, &ao),
            bgp(listen),
            neighbor(peer, 65001).trim_end().to_owned() + &format!("\nmd5.key = \"{key}\"\n\n"),
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config(RIGHT));
    daemon.rewrite_config(&config(OTHER));
    let all = || Selector::All { vpn_instance: None };
    for request in [
        Request::Query(Query::Session(all().into())),
        Request::Query(Query::ReloadPlan),
        Request::Query(Query::ConfigCheck),
        Request::Operation(Operation::Reload),
        Request::Query(Query::Session(all().into())),
        Request::Query(Query::Config),
        Request::Operation(Operation::ResetSession(ResetSession {
            legs: all().into(),
            stagger: 0,
            follow: false,
        })),
        Request::Query(Query::Neighbor(WhichNeighbors { address: None, vpn_instance: None })),
        Request::Query(Query::Neighbor(WhichNeighbors { address: Some(peer), vpn_instance: None })),
        Request::Query(Query::VpnInstance(WhichInstances(None))),
        Request::Query(Query::Config),
        Request::Query(Query::Statistics(all().into())),
        Request::Operation(Operation::ClearStatistics(all().into())),
        Request::Query(Query::Log),
        Request::Query(Query::Status),
        Request::Query(Query::Directory),
    ] {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream.write_all(&frame::encode(Kind::Request, &request).unwrap()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.len() > frame::HEADER_LEN, "{request}");
        let found = answer.windows(7).any(|window| window == b"rosebud");
        assert!(!found, "a key in the answer to {request}");
    }
}

#[test]
fn a_neighbor_with_md5_comes_up_with_the_right_key_only() {
    let scratch = Scratch::new();
    let (listen, right, wrong) = (bgp_listen(), loopback(), loopback());
    let place = SocketAddr::new(loopback(), 0);
    let station = Station::listen_at(place, Mode::Keeping, None);
    let with_key = |peer| {
        neighbor(peer, 65001).trim_end().to_owned() + &format!("\nmd5.key = \"{RIGHT}\"\n\n")
    };
    let config = [session(&station, ""), bgp(listen), with_key(right), with_key(wrong)].concat();
    let daemon = Daemon::start(&scratch, &config);
    let options =
        |peer, key: &str| Options { md5: Some(key.to_owned()), ..Options::new(peer, 65001) };
    let speaker = Neighbor::connect(&options(right, RIGHT), listen);
    speaker.send_all(&Table::full(100, 10));
    station.wait_connection(1).wait_routes(right, &speaker.expected(), TIMEOUT);
    assert!(Neighbor::try_connect(&options(wrong, OTHER), listen).is_err());
    assert!(Neighbor::try_connect(&Options::new(wrong, 65001), listen).is_err());
    assert!(!daemon.bmpctl(&["show", "neighbor"]).to_string().contains("rosebud"));
    // A key that changes restarts the neighbor, which then has to have the new one.
    daemon.rewrite_config(&config.replace(RIGHT, OTHER));
    let reload = daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("md5 *** -> *** (changed)"), "{reload}");
    assert!(!reload.to_string().contains("rosebud"), "{reload}");
    wait_for("the neighbor with its new key", TIMEOUT, || {
        Neighbor::try_connect(&options(right, OTHER), listen).map(drop)
    });
}

/// A station with TLS and a session with it.
struct Tls {
    scratch: Scratch,
    chain: Chain,
    address: IpAddr,
}

impl Tls {
    fn new() -> Self {
        let scratch = Scratch::new();
        let address = loopback();
        let chain = Chain::new(&scratch, address);
        Self { scratch, chain, address }
    }

    fn station(&self, config: std::sync::Arc<rustls::ServerConfig>) -> Station {
        let setup = Setup { tls: Some(config), ..Setup::default() };
        Station::listen_with(SocketAddr::new(self.address, 0), Mode::Keeping, setup)
    }

    fn ca(&self) -> String {
        format!("tls.ca = \"{}\"", self.chain.root.display())
    }
}

#[test]
fn tls_carries_a_session_and_a_reset_of_it() {
    let tls = Tls::new();
    let station = tls.station(tls.chain.station(&tls.chain.server, Demands::Nothing));
    let (listen, peer) = (bgp_listen(), loopback());
    let config = [session(&station, &tls.ca()), bgp(listen), neighbor(peer, 65001)].concat();
    let daemon = Daemon::start(&tls.scratch, &config);
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(20_000, 3_000));
    for number in 1..=3 {
        let connection = station.wait_connection(number);
        connection.wait_routes(peer, &speaker.expected(), TIMEOUT);
        connection.wait_complete(peer, TIMEOUT);
        daemon.wait_state(tls.address, None, "Established");
        daemon.bmpctl(&["reset", "session", "all"]).done();
        connection.wait_end(TIMEOUT);
        assert_eq!(connection.look(|record| record.termination), Some(0));
    }
    station.wait_connection(4).wait_complete(peer, TIMEOUT);
    station.assert_legal();
}

#[test]
fn a_station_that_refuses_connections_does_not_hide_why_tls_failed() {
    let tls = Tls::new();
    let station = tls.station(tls.chain.station(&tls.chain.wrong_name, Demands::Nothing));
    let daemon = Daemon::start(&tls.scratch, &session(&station, &tls.ca()));
    let wait = |what: &str, is_so: fn(&serde_json::Value) -> bool| {
        wait_for(what, TIMEOUT, || {
            let answer = daemon.bmpctl(&["show", "session", "--json"]);
            let answer: serde_json::Value = serde_json::from_str(answer.done()).unwrap();
            let session = &answer["sessions"][0];
            if is_so(session) { Ok(()) } else { Err(session.to_string()) }
        });
    };
    wait("TLS to fail", |session| {
        session["last_failure"]["reason"] == "tls-failed" && session["earlier_failure"].is_null()
    });
    drop(station);
    wait("a refused connection", |session| {
        session["last_failure"]["reason"] == "refused"
            && session["earlier_failure"]["reason"] == "tls-failed"
    });
    let page = daemon.bmpctl(&["show", "session", &tls.address.to_string()]);
    assert!(page.done().contains("Earlier failure:   TLS failed: "), "{page}");
}

#[test]
fn tls_that_does_not_fit_is_down_with_the_cause() {
    let tls = Tls::new();
    let chain = &tls.chain;
    let good = || chain.station(&chain.server, Demands::Nothing);
    let demanding = || chain.station(&chain.server, Demands::Client);
    let client = |identity: &tests::chain::Identity| {
        format!(
            "tls.certificate = \"{}\"\ntls.private-key = \"{}\"",
            identity.certificate.display(),
            identity.key.display()
        )
    };
    let other_ca = format!("tls.ca = \"{}\"", chain.other_root.display());
    let cases: [(&str, std::sync::Arc<rustls::ServerConfig>, String, &str); 6] = [
        ("a wrong CA", good(), other_ca, "authority"),
        (
            "an expired certificate",
            chain.station(&chain.expired, Demands::Nothing),
            tls.ca(),
            "expired",
        ),
        ("a wrong name", chain.station(&chain.wrong_name, Demands::Nothing), tls.ca(), "name"),
        (
            "a name that is not its",
            good(),
            format!("{}\ntls.server-name = \"elsewhere.example\"", tls.ca()),
            "elsewhere.example",
        ),
        ("no client certificate", demanding(), tls.ca(), "certificate"),
        (
            "a strange client certificate",
            demanding(),
            format!("{}\n{}", tls.ca(), client(&chain.strange_client)),
            "certificate",
        ),
    ];
    for (what, server, lines, word) in cases {
        let station = tls.station(server);
        let scratch = Scratch::new();
        let daemon = Daemon::start(&scratch, &session(&station, &lines));
        wait_page(&daemon, &station, &["[tls-failed]", "TLS", word]);
        assert_eq!(
            station
                .connections()
                .iter()
                .map(|c| c.look(|r| r.count(Kind::Initiation)))
                .sum::<u64>(),
            0,
            "{what}: the station was sent something"
        );
    }
    // And what fits: by address, by name, with a client certificate.
    for (server, lines) in [
        (good(), tls.ca()),
        (
            good(),
            format!(
                "{}\ntls.server-name = \"{SERVER_NAME}\"\ntls.minimum-version = \"1.3\"",
                tls.ca()
            ),
        ),
        (demanding(), format!("{}\n{}", tls.ca(), client(&chain.client))),
    ] {
        let station = tls.station(server);
        let scratch = Scratch::new();
        let _daemon = Daemon::start(&scratch, &session(&station, &lines));
        wait_initiation(&station, 1);
    }
}

#[test]
fn a_station_without_tls_is_no_station_with_tls() {
    let tls = Tls::new();
    let station = Station::listen(tls.address, Mode::Keeping);
    let daemon = Daemon::start(&tls.scratch, &session(&station, &tls.ca()));
    wait_page(&daemon, &station, &["[tls-failed]"]);
}

#[test]
fn tls_parameters_are_pending_until_a_reset() {
    let tls = Tls::new();
    let station = tls.station(tls.chain.station(&tls.chain.server, Demands::Nothing));
    let daemon = Daemon::start(&tls.scratch, &session(&station, &tls.ca()));
    wait_initiation(&station, 1);
    daemon.rewrite_config(&session(
        &station,
        &format!("tls.ca = \"{}\"\ntls.minimum-version = \"1.3\"", tls.chain.other_root.display()),
    ));
    let reload = daemon.bmpctl(&["reload"]);
    assert!(reload.done().contains("tls.minimum-version 1.2 -> 1.3"), "{reload}");
    wait_page(&daemon, &station, &["Pending until a reset:", "tls.ca "]);
    holds_for("the session stays up", Duration::from_millis(300), || {
        let connection = station.latest().unwrap();
        if station.connections().len() == 1 && connection.end().is_none() {
            Ok(())
        } else {
            Err(connection.summary())
        }
    });
    daemon.bmpctl(&["reset", "session", "all"]).done();
    wait_page(&daemon, &station, &["[tls-failed]", "authority"]);
}

/// Where the kernel has no TCP-AO the check and the session say so; where it has, the session comes up
/// or times out like one with TCP MD5, and that is for the kernel to do.
#[test]
fn tcp_ao_on_a_kernel_without_it_is_said_plainly() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Counting);
    let lines = "tcp.ao = [{ send-id = 1, receive-id = 1, key = \"rosebud\" }]";
    let config = session(&station, lines);
    let check = Daemon::check(&scratch, &config);
    assert!(check.stdout.contains("good"), "{check}");
    assert!(!check.to_string().contains("rosebud"), "{check}");
    let has_it = tests::md5::kernel_has_tcp_ao();
    let daemon = Daemon::start(&scratch, &config);
    if has_it {
        wait_page(&daemon, &station, &["[timed-out]", "tcp.ao"]);
        assert!(!check.stderr.contains("TCP-AO"), "{check}");
    } else {
        assert!(check.stderr.contains("this kernel has no TCP-AO"), "{check}");
        wait_page(&daemon, &station, &["[unsupported]", "this kernel has no TCP-AO"]);
    }
}
