//! Passive sessions: the station connects, nobody else is accepted.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tests::addresses::{free_port, loopback};
use tests::bmp::{Kind, Mode, Record};
use tests::chain::{Chain, Demands};
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::{End, Setup, Station};
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

fn passive(station: IpAddr, at: SocketAddr, more: &str) -> String {
    format!(
        "[[session]]\naddress = \"{station}\"\nmode = \"passive\"\ntcp.listen-port = {}\n\
         tcp.source-address = \"{}\"\n{more}\n\n",
        at.port(),
        at.ip()
    )
}

/// Connects from an address and returns how that went: the first read's result.
fn connect_from(from: IpAddr, at: SocketAddr) -> std::io::Result<usize> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&at.into())?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.read(&mut [0; 64])
}

#[test]
fn a_station_that_connects_is_accepted_and_an_unknown_peer_is_refused_and_counted() {
    let scratch = Scratch::new();
    let (address, unknown, listen, peer) = (loopback(), loopback(), bgp_listen(), loopback());
    let ours = loopback();
    let at = SocketAddr::new(ours, free_port(ours));
    let config = [passive(address, at, ""), bgp(listen), neighbor(peer, 65001)].concat();
    let daemon = Daemon::start(&scratch, &config);
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(500, 100));
    daemon.wait_state(address, None, "Listening");

    let refused = connect_from(unknown, at);
    assert!(refused.is_err(), "an unknown peer was accepted: {refused:?}");
    let station = Station::passive(address, Mode::Keeping, Setup::default());
    let connection = station.dial_until_taken(at);
    connection.wait_routes(peer, &speaker.expected(), TIMEOUT);
    connection.wait_complete(peer, TIMEOUT);
    daemon.wait_state(address, None, "Established");
    assert!(connect_from(unknown, at).is_err());
    let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
    assert!(page.done().contains("Unknown refused:   2 "), "{page}");
    assert!(connection.end().is_none(), "the unknown peer disturbed the station");

    // A reset ends it properly; the station comes back by itself.
    let reset = daemon.bmpctl(&["reset", "session", &address.to_string()]);
    assert!(reset.done().contains("waiting for it at port"), "{reset}");
    connection.wait_end(TIMEOUT);
    assert_eq!(connection.look(|record| record.termination), Some(0));
    let second = station.dial_until_taken(at);
    second.wait_routes(peer, &speaker.expected(), TIMEOUT);
    second.wait_complete(peer, TIMEOUT);

    // A station that was restarted connects while the old connection seems to be up: the new one counts.
    let third = station.dial_until_taken(at);
    third.wait_complete(peer, TIMEOUT);
    second.wait_end(TIMEOUT);
    assert_eq!(second.look(|record| record.termination), Some(3), "redundant connection");
    // And after one has closed the next is accepted at once.
    third.close();
    let fourth = station.dial_until_taken(at);
    fourth.wait_routes(peer, &speaker.expected(), TIMEOUT);
    daemon.wait_state(address, None, "Established");
    station.assert_legal();
}

#[test]
fn stations_share_a_port_each_with_its_own_key_and_it_is_closed_with_its_last_session() {
    let scratch = Scratch::new();
    let (first, second, ours) = (loopback(), loopback(), loopback());
    let at = SocketAddr::new(ours, free_port(ours));
    let md5 = "tcp.md5.key = \"of the second\"";
    let config = |sessions: &[String]| sessions.concat();
    let daemon =
        Daemon::start(&scratch, &config(&[passive(first, at, ""), passive(second, at, md5)]));
    daemon.wait_state(first, None, "Listening");
    daemon.wait_state(second, None, "Listening");
    let initiated = |station: &Station| {
        let connection = station.dial_until_taken(at);
        connection
            .wait("the Initiation", TIMEOUT, |r| (r.count(Kind::Initiation) == 1).then_some(()));
        connection
    };
    let plain = Station::passive(first, Mode::Counting, Setup::default());
    let kept = initiated(&plain);
    let without = Station::passive(second, Mode::Counting, Setup::default());
    assert!(without.dial(at).is_err(), "accepted without its key");
    let key = vec![(ours, "of the second".to_owned())];
    let with = Station::passive(second, Mode::Counting, Setup { md5: key, ..Setup::default() });
    initiated(&with);

    // One of them is removed: its station is an unknown peer now, the other one is not disturbed.
    daemon.rewrite_config(&config(&[passive(first, at, "")]));
    daemon.bmpctl(&["reload"]).done();
    let gone = with.latest().unwrap();
    gone.wait_end(TIMEOUT);
    assert_eq!(gone.look(|record| record.termination), Some(4));
    assert!(kept.end().is_none());
    // Both gone: nobody listens.
    daemon.rewrite_config("");
    daemon.bmpctl(&["reload"]).done();
    wait_for("the port to be closed", TIMEOUT, || match TcpStream::connect(at) {
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let (_, end) = kept.wait_end(TIMEOUT);
    assert_eq!(end, End::Closed);
    // And back.
    daemon.rewrite_config(&config(&[passive(first, at, "")]));
    daemon.bmpctl(&["reload"]).done();
    initiated(&plain);
}

#[test]
fn a_port_that_another_program_has_is_a_reason_and_is_retried() {
    let scratch = Scratch::new();
    let (address, ours) = (loopback(), loopback());
    let taken = std::net::TcpListener::bind(SocketAddr::new(ours, 0)).unwrap();
    let at = taken.local_addr().unwrap();
    let config = passive(address, at, "retry.initial = 1\nretry.maximum = 1");
    let daemon = Daemon::start(&scratch, &config);
    wait_for("the reason", TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
        let found = page.stdout.contains("cannot listen: Address already in use");
        if found { Ok(()) } else { Err(page.to_string()) }
    });
    drop(taken);
    daemon.wait_state(address, None, "Listening");
}

/// What `show session` says of the session, once it has one of these texts.
fn wait_shown(daemon: &Daemon, station: IpAddr, text: &str) {
    wait_for(text, TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "session", &station.to_string()]);
        if page.stdout.contains(text) { Ok(()) } else { Err(page.to_string()) }
    });
}

#[test]
fn a_session_moves_from_every_address_to_one_of_them_at_the_same_port() {
    let scratch = Scratch::new();
    let (address, ours) = (loopback(), loopback());
    let at = SocketAddr::new(ours, free_port(ours));
    let one = passive(address, at, "");
    let every: String = one
        .lines()
        .filter(|line| !line.contains("source-address"))
        .map(|l| format!("{l}\n"))
        .collect();
    let daemon = Daemon::start(&scratch, &every);
    let station = Station::passive(address, Mode::Counting, Setup::default());
    for config in [&one, &every] {
        let connection = station.dial_until_taken(at);
        daemon.wait_state(address, None, "Established");
        daemon.rewrite_config(config);
        daemon.bmpctl(&["reset", "session", "all"]).done();
        connection.wait_end(TIMEOUT);
        // The socket that it had is not in the way of the new one.
        daemon.wait_state(address, None, "Listening");
        wait_shown(&daemon, address, "Listening");
    }
    station.dial_until_taken(at);
    daemon.wait_state(address, None, "Established");
}

#[test]
fn a_station_that_connects_anew_finds_what_was_pending_in_effect() {
    let scratch = Scratch::new();
    let (address, ours) = (loopback(), loopback());
    let old = SocketAddr::new(ours, free_port(ours));
    let new = SocketAddr::new(ours, free_port(ours));
    let daemon = Daemon::start(&scratch, &passive(address, old, ""));
    let station = Station::passive(address, Mode::Counting, Setup::default());
    let first = station.dial_until_taken(old);
    daemon.wait_state(address, None, "Established");
    daemon.rewrite_config(&passive(address, new, ""));
    daemon.bmpctl(&["reload"]).done();
    assert!(first.end().is_none(), "pending parameters did something");

    // The port that it connects to is no longer its own.
    let second = connect_from(address, old);
    assert!(!matches!(second, Ok(1..)), "accepted at the old port");
    first.wait_end(TIMEOUT);
    let third = station.dial_until_taken(new);
    daemon.wait_state(address, None, "Established");
    assert!(third.end().is_none());
    assert!(connect_from(address, old).is_err(), "the old port is still open");
}

#[test]
fn a_reset_gives_a_listening_session_its_new_segment_size() {
    let scratch = Scratch::new();
    let (address, other, ours) = (loopback(), loopback(), loopback());
    let at = SocketAddr::new(ours, free_port(ours));
    let shared = passive(other, at, "");
    let config = |mss: &str| [passive(address, at, mss), shared.clone()].concat();
    let daemon = Daemon::start(&scratch, &config("tcp.mss = 1000"));
    daemon.wait_state(other, None, "Listening");
    daemon.wait_state(address, None, "Listening");
    for (mss, expected) in
        [("tcp.mss = 1000", 988..=1000), ("tcp.mss = 500", 488..=500), ("", 5000..=65535)]
    {
        daemon.rewrite_config(&config(mss));
        daemon.bmpctl(&["reset", "session", &address.to_string()]).done();
        wait_for("the segment size", TIMEOUT, || {
            let socket =
                Socket::new(Domain::IPV4, Type::STREAM, None).map_err(|e| e.to_string())?;
            socket.bind(&SocketAddr::new(address, 0).into()).map_err(|e| e.to_string())?;
            socket.connect(&at.into()).map_err(|e| e.to_string())?;
            let found = socket.tcp_mss().map_err(|e| e.to_string())?;
            if expected.contains(&found) { Ok(()) } else { Err(format!("{mss}: {found}")) }
        });
    }
}

#[test]
fn with_tls_only_the_station_itself_takes_the_place_of_a_connection() {
    let scratch = Scratch::new();
    let (address, ours) = (loopback(), loopback());
    let at = SocketAddr::new(ours, free_port(ours));
    let chain = Chain::new(&scratch, address);
    let tls = format!("tls.ca = \"{}\"\ntcp.connect-timeout = 1", chain.root.display());
    let daemon = Daemon::start(&scratch, &passive(address, at, &tls));
    daemon.wait_state(address, None, "Listening");
    let setup = |identity| {
        let tls = Some(chain.station(identity, Demands::Nothing));
        Setup { tls, ..Setup::default() }
    };
    // A handshake that fails has its reason, and the next one is waited for at once.
    let expired = Station::passive(address, Mode::Keeping, setup(&chain.expired));
    expired.dial_until_taken(at);
    wait_for("the reason", TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
        let found = page.stdout.contains("[tls-failed]") && page.stdout.contains("Listening");
        if found { Ok(()) } else { Err(page.to_string()) }
    });
    let initiated = |station: &Station| {
        let connection = station.dial_until_taken(at);
        let look = |r: &Record| (r.count(Kind::Initiation) == 1).then_some(());
        connection.wait("the Initiation", TIMEOUT, look);
        connection
    };
    let station = Station::passive(address, Mode::Keeping, setup(&chain.server));
    let first = initiated(&station);
    daemon.wait_state(address, None, "Established");

    // Somebody at the station's address who says nothing, or shows another certificate.
    let silent = TcpStream::from({
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
        socket.connect(&at.into()).unwrap();
        socket
    });
    expired.dial_until_taken(at);
    wait_for("the others to be refused", TIMEOUT, || {
        let log = daemon.log();
        if log.contains("another connection was refused: TLS failed") { Ok(()) } else { Err(log) }
    });
    assert!(first.end().is_none(), "{}", first.summary());
    drop(silent);
    // The station itself, after a restart say.
    let second = initiated(&station);
    first.wait_end(TIMEOUT);
    daemon.wait_state(address, None, "Established");
    assert!(second.end().is_none());
}
