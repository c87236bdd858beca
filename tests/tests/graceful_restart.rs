//! A neighbor that restarts gracefully (RFC 4724): stations keep its routes, and end up with those
//! that it has afterwards.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tests::addresses::loopback;
use tests::bgp::{self, Family, HEADER, Prefix, kind};
use tests::daemon::{self, Daemon, bgp_listen};
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::station::{Connection, Mode, Setup, Station};
use tests::table::Attributes;
use tests::wait::{holds_for, wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);
const BOTH: [Family; 2] = [Family::IPV4, Family::IPV6];

/// One bmpd, one neighbor, one station that lets a second Peer Up through.
struct Lab {
    daemon: Daemon,
    station: Station,
    listen: SocketAddr,
    peer: IpAddr,
    _scratch: Scratch,
}

impl Lab {
    fn start(lines: &str) -> Self {
        let setup = Setup { second_peer_up: true, ..Setup::default() };
        let station = Station::listen_with((loopback(), 0).into(), Mode::Keeping, setup);
        let (listen, peer) = (bgp_listen(), loopback());
        let config = [
            daemon::session(station.ip(), station.port(), None),
            daemon::bgp(listen),
            daemon::neighbor(peer, 65001),
            lines.to_owned(),
        ];
        let scratch = Scratch::new();
        let daemon = Daemon::start(&scratch, &config.concat());
        Self { daemon, station, listen, peer, _scratch: scratch }
    }

    /// The neighbor, which asks for so many seconds.
    fn connect(&self, seconds: u16, families: &[Family]) -> Neighbor {
        let mut options = Options::new(self.peer, 65001);
        options.open = options.open.graceful_restart(true, seconds, families);
        Neighbor::connect(&options, self.listen)
    }

    /// The neighbor announces the prefixes and both End-of-RIBs, and the first connection receives them.
    #[track_caller]
    fn receives(&self, neighbor: &Neighbor, texts: &[&str], seed: u64) -> Connection {
        announce(neighbor, texts, seed);
        let connection = self.station.wait_connection(1);
        connection.wait_routes(self.peer, &neighbor.expected(), TIMEOUT);
        connection
    }

    fn shown(&self) -> String {
        self.daemon.bmpctl(&["show", "neighbor"]).done().to_owned()
    }

    /// Waits until a further connection is not taken for one of two that were made at once.
    fn wait_synchronized(&self) {
        holds_for("the session is up", Duration::from_millis(2_100), || {
            let shown = self.shown();
            if shown.contains("Established") { Ok(()) } else { Err(shown) }
        });
    }

    /// Waits until bmpd keeps the routes of a neighbor that has gone.
    fn wait_down(&self) {
        wait_until("bmpd to notice that the neighbor is gone", TIMEOUT, || {
            self.shown().contains("restarting: its routes are kept")
        });
    }
}

fn prefixes(texts: &[&str]) -> Vec<Prefix> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn attributes(seed: u64) -> Attributes {
    Attributes::sample(65001, &mut Random::new(seed))
}

fn counts(connection: &Connection) -> (usize, usize, u64) {
    connection.look(|record| (record.peer_ups.len(), record.peer_downs.len(), record.withdrawn))
}

/// Announces the prefixes and both End-of-RIBs.
fn announce(neighbor: &Neighbor, texts: &[&str], seed: u64) {
    neighbor.announce(&prefixes(texts), &attributes(seed));
    for family in BOTH {
        neighbor.end_of_rib(family);
    }
}

#[test]
fn a_neighbor_that_restarts_keeps_its_routes_and_loses_what_it_does_not_announce_anew() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    let connection = lab.receives(&first, &["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"], 1);
    let before = first.expected();
    first.close();
    lab.wait_down();
    holds_for("silence about the restart", Duration::from_millis(500), || {
        let seen = counts(&connection);
        if seen == (1, 0, 0) { Ok(()) } else { Err(format!("{seen:?}")) }
    });

    let second = lab.connect(60, &BOTH);
    second.announce(&prefixes(&["10.0.0.0/8"]), &attributes(2));
    connection
        .wait("the second Peer Up", TIMEOUT, |record| (record.peer_ups.len() == 2).then_some(()));
    connection.look(|record| {
        assert_eq!(record.peer_downs.len(), 0);
        assert_eq!(record.peer_ups[1].received_open, second.sent_open());
        assert_eq!(record.peer(lab.peer).unwrap().routes.len(), before.len(), "all are kept");
    });
    announce(&second, &["10.2.0.0/16"], 3);
    connection.wait_routes(lab.peer, &second.expected(), TIMEOUT);
    connection.wait_complete(lab.peer, TIMEOUT);
    assert_eq!(counts(&connection), (2, 0, 2), "two were not announced anew");
    lab.station.assert_legal();
}

#[test]
fn a_station_that_connects_during_a_restart_is_sent_what_the_others_have() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    announce(&first, &["10.0.0.0/8", "2001:db8::/32"], 1);
    let before = first.expected();
    let connection = lab.station.wait_connection(1);
    connection.wait_routes(lab.peer, &before, TIMEOUT);
    first.close();
    lab.wait_down();
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    let connection = lab.station.wait_connection(2);
    connection.wait_routes(lab.peer, &before, TIMEOUT);
    connection.wait_complete(lab.peer, TIMEOUT);

    let second = lab.connect(60, &BOTH);
    announce(&second, &["10.9.0.0/16"], 2);
    connection.wait_routes(lab.peer, &second.expected(), TIMEOUT);
    assert_eq!(counts(&connection), (2, 0, 2));
    lab.station.assert_legal();
}

#[test]
fn routes_of_a_family_that_was_not_preserved_go_when_the_neighbor_is_back() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    let connection = lab.receives(&first, &["10.0.0.0/8", "2001:db8::/32"], 1);
    first.close();
    lab.wait_down();
    let _second = lab.connect(60, &[Family::IPV4]);
    connection.wait("the IPv6 route to go", TIMEOUT, |record| {
        let routes = &record.peer(lab.peer)?.routes;
        (record.peer_ups.len() == 2 && routes.len() == 1).then_some(())
    });
    assert_eq!(counts(&connection), (2, 0, 1));
    lab.station.assert_legal();
}

#[test]
fn routes_of_a_family_for_which_the_neighbor_did_not_ask_go_with_its_session() {
    let lab = Lab::start("");
    let neighbor = lab.connect(60, &[Family::IPV6]);
    let connection = lab.receives(&neighbor, &["10.0.0.0/8", "2001:db8::/32"], 1);
    neighbor.close();
    connection.wait("the IPv4 route to go", TIMEOUT, |record| {
        (record.peer(lab.peer)?.routes.len() == 1).then_some(())
    });
    assert_eq!(counts(&connection), (1, 0, 1));
    lab.station.assert_legal();
}

#[test]
fn a_neighbor_that_is_not_back_in_its_time_is_down_for_the_reason_that_it_went() {
    let lab = Lab::start("");
    let neighbor = lab.connect(2, &BOTH);
    let connection = lab.receives(&neighbor, &["10.0.0.0/8"], 1);
    neighbor.close();
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!(down.reason, 4, "closed without a NOTIFICATION");
    lab.station.assert_legal();
}

#[test]
fn a_notification_and_another_session_are_no_restart() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    let connection = lab.station.wait_connection(1);
    connection.wait("the Peer Up", TIMEOUT, |record| record.peer(lab.peer).map(drop));
    // RFC 4724 section 4: a NOTIFICATION ends the session, and its routes go.
    first.notification(6, 2, b"\x04bye!");
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!(down.reason, 3);
    assert!(lab.shown().contains("Administrative Shutdown): \"bye!\""), "{}", lab.shown());

    // With another BGP Identifier it is another speaker: what was kept goes when it comes.
    let second = lab.connect(60, &BOTH);
    announce(&second, &["10.0.0.0/8"], 1);
    connection.wait_routes(lab.peer, &second.expected(), TIMEOUT);
    second.close();
    lab.wait_down();
    let mut options = Options::new(lab.peer, 65001);
    options.open.router_id = "192.0.2.77".parse().unwrap();
    options.open = options.open.graceful_restart(true, 60, &BOTH);
    let third = Neighbor::connect(&options, lab.listen);
    connection
        .wait("the third Peer Up", TIMEOUT, |record| (record.peer_ups.len() == 3).then_some(()));
    connection.look(|record| assert_eq!(record.peer_downs.len(), 2));
    announce(&third, &["10.3.0.0/16"], 1);
    connection.wait_routes(lab.peer, &third.expected(), TIMEOUT);
    lab.station.assert_legal();
}

/// RFC 4724 section 4.1: one that has restarted waits for the End-of-RIB of those that announced the
/// capability, before it announces anything. Others are sent nothing.
#[test]
fn a_neighbor_with_graceful_restart_is_sent_end_of_rib_and_another_nothing() {
    let lab = Lab::start("");
    let restarted = lab.connect(60, &BOTH);
    wait_until("both End-of-RIBs", TIMEOUT, || restarted.received().updates == 2);
    let unreach = [0, 0, 0, 7, 0x90, 15, 0, 3, 0, 2, 1];
    let message = |body: &[u8]| {
        let length = [0, 19 + body.len() as u8];
        [&[0xff; 16][..], &length, &[2], body].concat()
    };
    assert_eq!(restarted.received().messages, [message(&[0; 4]), message(&unreach)].concat());
    restarted.notification(6, 2, &[]);

    let other = Neighbor::connect(&Options::new(lab.peer, 65001), lab.listen);
    lab.receives(&other, &["10.0.0.0/8"], 1);
    assert_eq!(other.received().updates, 0);
}

/// RFC 4724 section 5: the loss of the old connection has just not been noticed.
#[test]
fn a_neighbor_that_connects_anew_while_its_session_is_up_has_restarted() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    let connection = lab.receives(&first, &["10.0.0.0/8", "10.1.0.0/16"], 1);
    lab.wait_synchronized();
    let second = lab.connect(60, &BOTH);
    assert_eq!(first.wait_closed(TIMEOUT).notification, None);
    announce(&second, &["10.1.0.0/16"], 2);
    connection.wait_routes(lab.peer, &second.expected(), TIMEOUT);
    assert_eq!(counts(&connection), (2, 0, 1));
    lab.station.assert_legal();
}

/// RFC 4724 section 5 would end the session as soon as TCP is up; see docs/conformance.md.
#[test]
fn a_connection_without_a_valid_open_is_no_restart() {
    let lab = Lab::start("");
    let first = lab.connect(60, &BOTH);
    let connection = lab.receives(&first, &["10.0.0.0/8"], 1);
    lab.wait_synchronized();
    let mut silent = [(); 2].map(|()| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(lab.peer, 0).into()).unwrap();
        socket.connect(&lab.listen.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let mut open = [0; HEADER];
        stream.read_exact(&mut open).unwrap();
        assert_eq!(open[HEADER - 1], kind::OPEN);
        stream
    });
    // The older one of both is rejected.
    let mut rest = Vec::new();
    silent[0].read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&bgp::message(kind::NOTIFICATION, &[6, 5])), "{rest:?}");
    let wrong = Options::new(lab.peer, 65099);
    assert!(Neighbor::try_connect(&wrong, lab.listen).is_err(), "it has the wrong AS");
    announce(&first, &["10.1.0.0/16"], 2);
    connection.wait_routes(lab.peer, &first.expected(), TIMEOUT);
    assert_eq!(first.received().closed, None);
    assert_eq!(counts(&connection), (1, 0, 0));

    let second = lab.connect(60, &BOTH);
    assert_eq!(first.wait_closed(TIMEOUT).notification, None);
    announce(&second, &["10.1.0.0/16"], 2);
    connection.wait_routes(lab.peer, &second.expected(), TIMEOUT);
    assert_eq!(counts(&connection), (2, 0, 1));
    lab.station.assert_legal();
}

/// Where both ends connect at once the second connection can come when the first is up already; its
/// neighbor is about to close it, and has not restarted.
#[test]
fn a_connection_that_comes_with_the_one_that_is_up_already_is_refused_as_a_collision() {
    let lab = Lab::start("");
    // bmpd takes it for a restart 2 s after the session is up: on a busy machine this may take several attempts.
    let first = wait_for("both connections to be made within 2 s", TIMEOUT, || {
        let begun = Instant::now();
        let first = lab.connect(60, &BOTH);
        wait_until("it to be up", TIMEOUT, || first.received().updates == 2);
        let second = Neighbor::try_connect(first.options(), lab.listen);
        let took = begun.elapsed();
        if took >= Duration::from_secs(2) {
            return Err(format!("it took {took:?}"));
        }
        assert!(second.is_err(), "it was accepted");
        assert_eq!(first.received().closed, None);
        Ok(first)
    });
    let connection = lab.receives(&first, &["10.0.0.0/8"], 1);
    let (ups, downs, withdrawn) = counts(&connection);
    assert_eq!((ups >= 1, downs, withdrawn), (true, 0, 0));
}

#[test]
fn a_neighbor_for_which_it_is_switched_off_goes_down_at_once() {
    let lab = Lab::start("graceful-restart = false\n");
    let neighbor = lab.connect(60, &BOTH);
    let connection = lab.station.wait_connection(1);
    connection.wait("the Peer Up", TIMEOUT, |record| record.peer(lab.peer).map(drop));
    neighbor.close();
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!(down.reason, 4);
    lab.station.assert_legal();
}
