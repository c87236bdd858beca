//! bmpd between a neighbor from a package and a station of the tests, and what every neighbor must
//! be able to do there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use rustix::process::Signal;

use super::bird::Bird;
use super::{Announced, Connects, Link, Speaker, bmpd_listens, bmpd_listens_v6, sample};
use crate::addresses::loopback;
use crate::bgp::{self, Family, Open, Prefix, difference};
use crate::bmp::{Mode, Record};
use crate::daemon::{self, Daemon, session};
use crate::scratch::Scratch;
use crate::sockets;
use crate::station::{Connection, End, Setup, Station};
use crate::wait::{holds_for, wait_for, wait_until};

/// How long routes may take from the neighbor's configuration to the station. Most of it is the
/// neighbors' own: see their modules.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The three of them.
#[derive(Debug)]
pub struct Scene<S> {
    /// The neighbor.
    pub speaker: S,
    /// bmpd.
    pub daemon: Daemon,
    /// The station; it keeps every byte.
    pub station: Station,
    /// The folder of all of them; removed last.
    pub scratch: Scratch,
}

impl<S: Speaker> Scene<S> {
    /// Starts them: the station, bmpd, the neighbor.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start(
        start: impl FnOnce(&Scratch, Link, Announced) -> S,
        connects: Connects,
        announced: Announced,
    ) -> Self {
        Self::start_at(bmpd_listens(), start, connects, announced)
    }

    /// The same with a bmpd that listens for neighbors at `bmpd`.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start_at(
        bmpd: SocketAddr,
        start: impl FnOnce(&Scratch, Link, Announced) -> S,
        connects: Connects,
        announced: Announced,
    ) -> Self {
        let asn = announced.values().next().map_or(65001, |attributes| attributes.as_path[0]);
        Self::start_with(Link::new(bmpd, asn, connects), "", false, start, announced)
    }

    /// The same with a link and further lines of bmpd's `[[bgp.neighbor]]`. With `restarts` the station
    /// accepts a second Peer Up: that of a neighbor that has restarted gracefully.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start_with(
        link: Link,
        lines: &str,
        restarts: bool,
        start: impl FnOnce(&Scratch, Link, Announced) -> S,
        announced: Announced,
    ) -> Self {
        let (scratch, station, daemon) = begin(&link, lines, restarts);
        let speaker = start(&scratch, link, announced);
        Self { speaker, daemon, station, scratch }
    }

    /// The same with a neighbor to which both ends connect, and which is frozen before a session is up: bmpd does not
    /// run until it is. When this returns bmpd has connected to it, and its own connection is made or is due, so that
    /// both collide once it goes on.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start_frozen(
        link: Link,
        restarts: bool,
        start: impl FnOnce(&Scratch, Link, Announced) -> S,
        announced: Announced,
    ) -> Self {
        let (scratch, station, daemon) = begin(&link, "", restarts);
        daemon.signal(Signal::STOP);
        let mut speaker = start(&scratch, link, announced);
        speaker.freeze();
        daemon.signal(Signal::CONT);
        let scene = Self { speaker, daemon, station, scratch };
        scene.wait_connected();
        scene
    }

    /// Starts the neighbor again, which has ended; the rest is as with [`Scene::start_frozen`].
    ///
    /// # Panics
    /// When it does not come up, or bmpd does not connect to it.
    #[track_caller]
    pub fn start_again_frozen(&mut self) {
        self.daemon.signal(Signal::STOP);
        self.speaker.start_again();
        self.speaker.freeze();
        self.daemon.signal(Signal::CONT);
        self.wait_connected();
    }

    #[track_caller]
    fn wait_connected(&self) {
        let to = self.speaker.link().program;
        wait_until("bmpd to connect to the frozen neighbor", TIMEOUT, || {
            sockets::connected(self.daemon.pid(), to).is_some()
        });
    }

    /// Waits until the station's newest connection holds exactly what the neighbor announces.
    ///
    /// # Panics
    /// When it does not in time; with the difference.
    #[track_caller]
    pub fn wait_routes(&self) {
        let (address, expected) = (self.speaker.ip(), self.speaker.expected());
        wait_for("the station's newest connection to hold the routes", TIMEOUT, || {
            let connection = self.station.latest().ok_or("no connection yet")?;
            if connection.end().is_some() {
                return Err(format!("connection {} has ended", connection.number));
            }
            let found = connection.look(|r| r.peer(address).map(|peer| peer.routes.clone()));
            let found = found.ok_or_else(|| format!("not up: {}", connection.summary()))?;
            difference(&expected, &found).map_or(Ok(()), Err)
        });
    }

    /// The output of `bmpctl show neighbor`.
    ///
    /// # Panics
    /// When bmpctl fails.
    #[track_caller]
    pub fn shown(&self) -> String {
        self.daemon.bmpctl(&["show", "neighbor"]).done().to_owned()
    }

    /// Waits until `bmpctl show neighbor` shows all of this.
    ///
    /// # Panics
    /// When it does not in time.
    #[track_caller]
    pub fn wait_shown(&self, words: &[&str]) {
        wait_for(&format!("bmpctl to show {words:?}"), TIMEOUT, || {
            let shown = self.shown();
            let missing = words.iter().find(|word| !shown.contains(**word));
            missing.map_or(Ok(()), |word| Err(format!("no {word:?} in\n{shown}")))
        });
    }

    /// Waits until the neighbor is down for the station.
    ///
    /// # Panics
    /// When it does not in time.
    #[track_caller]
    pub fn wait_down(&self, connection: &Connection) {
        let address = self.speaker.ip();
        connection.wait("the neighbor's Peer Down", TIMEOUT, |record| {
            record.peer(address).is_none().then_some(())
        });
    }
}

/// The station, and bmpd.
#[track_caller]
fn begin(link: &Link, lines: &str, restarts: bool) -> (Scratch, Station, Daemon) {
    let scratch = Scratch::new();
    let setup = Setup { second_peer_up: restarts, ..Setup::default() };
    let station = Station::listen_with((loopback(), 0).into(), Mode::Keeping, setup);
    let sessions = session(station.ip(), station.port(), None);
    let bgp = daemon::bgp(link.bmpd) + &link.neighbor_with(lines);
    let daemon = Daemon::start(&scratch, &(sessions + &bgp));
    (scratch, station, daemon)
}

/// A neighbor's table, its changes, its crash and its end reach the station, exactly.
///
/// `farewell` is the code and subcode of the NOTIFICATION that the program sends when it is made to
/// end, if it does.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn receives_all_routes<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Announced) -> S,
    connects: Connects,
    size: usize,
    farewell: Option<[u8; 2]>,
) {
    let asn = 4_200_000_001;
    let mut scene = Scene::start(start, connects, sample(asn, size, size / 2, 1));
    let address = scene.speaker.ip();
    let connection = scene.station.wait_connection(1);
    scene.wait_routes();
    connection.wait_complete(address, TIMEOUT);
    connection.look(|record| {
        check_peer_up(record, scene.speaker.link(), 1);
        assert_eq!(record.announced, scene.speaker.announced().len() as u64, "each route once");
        assert_eq!(record.withdrawn, 0, "{}", record.summary());
    });

    // Some go, some come, some get other attributes; an IPv4 and an IPv6 route come back.
    let gone: Vec<Prefix> = scene.speaker.announced().keys().copied().step_by(3).collect();
    scene.speaker.withdraw(&gone);
    scene.wait_routes();
    scene.speaker.announce(sample(asn, size / 3, size / 3, 2));
    let others = sample(asn, size, size / 2, 3).into_values();
    let prefixes = scene.speaker.announced().keys().copied();
    let changed: Announced = prefixes.step_by(2).zip(others).collect();
    scene.speaker.announce(changed);
    scene.wait_routes();
    connection.look(|record| assert_eq!(record.peer_downs.len(), 0, "{}", record.summary()));

    // It crashes, restarts with what it had, is ended, and restarts with something else.
    scene.speaker.kill();
    scene.wait_down(&connection);
    scene.speaker.start_again();
    scene.wait_routes();
    scene.speaker.stop();
    scene.wait_down(&connection);
    scene.speaker.change(sample(asn, size / 2, size, 4));
    scene.speaker.start_again();
    scene.wait_routes();
    connection.wait_complete(address, TIMEOUT);

    connection.look(|record| {
        check_peer_up(record, scene.speaker.link(), 3);
        let [killed, ended] = &record.peer_downs[..] else {
            panic!("not two Peer Downs: {:?}", record.peer_downs);
        };
        assert_eq!((killed.reason, killed.data.len()), (4, 0), "{killed:?}");
        match farewell {
            None => assert_eq!((ended.reason, ended.data.len()), (4, 0), "{ended:?}"),
            Some([code, subcode]) => {
                assert_eq!(ended.reason, 3, "{ended:?}");
                let message = bgp::split_message(&mut &ended.data[..]).expect("a NOTIFICATION");
                assert_eq!(message.kind, bgp::kind::NOTIFICATION);
                assert_eq!(message.body[..2], [code, subcode]);
            }
        }
    });
    assert_eq!(scene.station.connections().len(), 1, "the station was connected to once");
    scene.station.assert_legal();
}

/// There were `count` Peer Ups, all with what is known of both ends.
#[track_caller]
fn check_peer_up(record: &Record, link: &Link, count: usize) {
    assert_eq!(record.peer_ups.len(), count, "{}", record.summary());
    for up in &record.peer_ups {
        assert_eq!((up.header.peer.address, up.header.asn), (link.program.ip(), link.asn));
        assert_eq!(up.header.peer.kind, 0);
        assert_eq!(up.local.0, link.bmpd.ip());
        match link.connects {
            Connects::Program => assert_eq!(up.local.1, link.bmpd.port()),
            Connects::Bmpd => assert_eq!(up.remote_port, link.program.port()),
            Connects::Both => assert_ne!(
                up.local.1 == link.bmpd.port(),
                up.remote_port == link.program.port(),
                "one of the two connections: {up:?}"
            ),
        }
        let open = |bytes: &[u8]| Open::parse(&bytes[bgp::HEADER..]).expect("an OPEN");
        let (sent, received) = (open(&up.sent_open), open(&up.received_open));
        assert_eq!(sent.asn, super::BMPD_AS);
        assert_eq!(received.asn, link.asn);
        assert_eq!(received.router_id, link.router_id);
        for open in [&sent, &received] {
            assert!(open.families.contains(&Family::IPV4), "{open:?}");
            assert!(open.families.contains(&Family::IPV6), "{open:?}");
        }
    }
}

/// A neighbor to which both ends connect comes up once, each time, and stays.
///
/// The collision is made ([`Scene::start_frozen`]). `router_id` determines whose connection should survive: bmpd's
/// identifier is 192.0.2.254. `ups` is how many Peer Ups a collision
/// may lead to at most: more than 1 only for a neighbor that also closes the connection it keeps.
///
/// # Panics
/// When it does not.
#[track_caller]
pub fn survives_collisions<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Announced) -> S,
    router_id: Ipv4Addr,
    ups: usize,
) {
    // bmpd waits twice as long before each further attempt: three rounds would take a minute.
    let rounds = 2;
    let link = Link { router_id, ..Link::new(bmpd_listens(), 65001, Connects::Both) };
    let mut scene = Scene::start_frozen(link, false, start, sample(65001, 20, 10, 1));
    let address = scene.speaker.ip();
    let connection = scene.station.wait_connection(1);
    for round in 1..=rounds {
        let before = connection.look(|r| (r.peer_ups.len(), r.peer_downs.len()));
        scene.speaker.thaw();

        scene.wait_routes();
        connection.wait_complete(address, TIMEOUT);
        let count = || connection.look(|record| (record.peer_ups.len(), record.peer_downs.len()));
        let now = count();
        assert!(now.0 == now.1 + 1 && now.0 <= before.0 + ups, "{before:?} {now:?}");
        // Longer than any neighbor takes to try to connect again.
        holds_for("one session", Duration::from_secs(3), || {
            if count() == now { Ok(()) } else { Err(format!("{now:?} {:?}", count())) }
        });
        if round < rounds {
            scene.speaker.kill();
            scene.wait_down(&connection);
            scene.start_again_frozen();
        }
    }
    connection.look(|record| {
        check_peer_up(record, scene.speaker.link(), record.peer_ups.len());
    });
    scene.station.assert_legal();
}

/// All that bmpd ever sends, on one connection: the tables of an IPv4 and an IPv6 neighbor, changes,
/// a Statistics Report, Peer Downs with and without a NOTIFICATION, and the Termination.
///
/// Takes some 20 seconds, because no Statistics Report comes sooner than 15 seconds.
///
/// # Panics
/// When any of it does not come.
#[track_caller]
pub fn whole_session(scratch: &Scratch, station: &Station) -> Connection {
    let (v4, v6) = (bmpd_listens(), bmpd_listens_v6());
    let (one, two) =
        (Link::new(v4, 65001, Connects::Program), Link::new(v6, 4_200_000_001, Connects::Bmpd));
    let mut first = Bird::start(scratch, one, sample(65001, 2000, 1000, 1));
    let mut second = Bird::start(scratch, two, sample(4_200_000_001, 100, 100, 2));
    let configuration = format!(
        "[bmp]\nsystem-name = \"edge1\"\nstatistics-timer = 15\n\n{}\
         [bgp]\nas = 65000\nrouter-id = \"192.0.2.254\"\nlisten = [\"{v4}\", \"{v6}\"]\n\n{}{}",
        session(station.ip(), station.port(), None),
        one.neighbor(),
        two.neighbor(),
    );
    let daemon = Daemon::start(scratch, &configuration);
    let connection = station.wait_connection(1);
    for bird in [&first, &second] {
        connection.wait_routes(bird.ip(), &bird.expected(), TIMEOUT);
        connection.wait_complete(bird.ip(), TIMEOUT);
    }

    let gone: Vec<Prefix> = first.announced().keys().copied().step_by(7).collect();
    first.withdraw(&gone);
    first.announce(sample(65001, 300, 300, 3));
    second.withdraw(&[*second.announced().keys().next().expect("a route")]);
    for bird in [&first, &second] {
        connection.wait_routes(bird.ip(), &bird.expected(), TIMEOUT);
    }
    for bird in [&first, &second] {
        connection.wait("a Statistics Report of each", TIMEOUT, |record| {
            record.statistics.iter().find(|s| s.header.peer.address == bird.ip()).map(|_| ())
        });
    }

    let down = |bird: &Bird| {
        connection.wait("the Peer Down", TIMEOUT, |record| {
            record.peer(bird.ip()).is_none().then_some(())
        });
    };
    first.disable();
    down(&first);
    first.enable();
    connection.wait_routes(first.ip(), &first.expected(), TIMEOUT);
    second.kill();
    down(&second);
    second.start_again();
    connection.wait_routes(second.ip(), &second.expected(), TIMEOUT);

    assert_eq!(daemon.terminate().code(), Some(0));
    assert_eq!(connection.wait_end(TIMEOUT).1, End::Closed);
    connection.assert_legal();
    connection.look(|record| {
        assert_eq!(record.termination, Some(0));
        let mut reasons: Vec<u8> = record.peer_downs.iter().map(|d| d.reason).collect();
        reasons.truncate(2);
        assert_eq!(reasons, [3, 4], "{:?}", record.peer_downs);
    });
    connection
}
