//! A station that is gone is noticed, however it went, and sent everything again when it is back.

use std::io::Read;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use tests::addresses::loopback;
use tests::bgp::Prefix;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::random::Random;
use tests::scratch::Scratch;
use tests::station::{Mode, Setup, Station};
use tests::table::{Attributes, Table};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Waits until the session's page says that its last connection ended for one of these reasons, and
/// that it is down or up anew.
#[track_caller]
fn wait_last_down(daemon: &Daemon, station: IpAddr, reasons: &[&str], deadline: Duration) {
    wait_for(&format!("the end of the connection, {reasons:?}"), deadline, || {
        let page = daemon.bmpctl(&["show", "session", &station.to_string()]);
        let line = page.done().lines().find(|line| line.contains("Last down:"));
        let found = line
            .is_some_and(|line| reasons.iter().any(|reason| line.contains(&format!("[{reason}]"))));
        if found { Ok(()) } else { Err(page.to_string()) }
    });
}

#[track_caller]
fn wait_equal(station: &Station, neighbor: &Neighbor) {
    wait_for("a connection with all routes", TIMEOUT, || {
        let latest = station.latest().ok_or("no connection")?;
        let complete = latest.look(|record| record.complete_at(neighbor.ip()));
        let stays = complete.filter(|_| latest.end().is_none());
        stays.map(|_| ()).ok_or_else(|| latest.summary())
    });
    station.latest().unwrap().wait_routes(neighbor.ip(), &neighbor.expected(), TIMEOUT);
}

#[test]
fn a_station_that_closes_is_noticed_at_once_though_nothing_is_to_be_sent() {
    let mut lab = Plan { retry: [1, 1], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(200, 50));
    lab.stations[0].wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    lab.daemon.wait_state(lab.address, None, "Established");
    lab.stations[0].kill();
    let reasons = ["closed-by-station", "connection-reset"];
    wait_last_down(&lab.daemon, lab.address, &reasons, Duration::from_secs(2));
    lab.stations[0].revive();
    wait_equal(&lab.stations[0], &neighbor);
    lab.assert_legal();
}

/// A station by hand: it listens with a small buffer, so that it can stop in the middle.
fn listen(address: IpAddr) -> TcpListener {
    let socket = Socket::new(Domain::for_address((address, 0).into()), Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    socket.bind(&SocketAddr::new(address, 0).into()).unwrap();
    socket.listen(8).unwrap();
    socket.into()
}

/// Ends a connection with an RST.
fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// `bytes` are read of the first connection, then it is reset; a real station follows at the place.
#[track_caller]
fn reset_after(bytes: usize, table: &Table) {
    let scratch = Scratch::new();
    let (address, at, peer) = (loopback(), bgp_listen(), loopback());
    let listener = listen(address);
    let place = listener.local_addr().unwrap();
    let config = [session(address, place.port(), None), bgp(at), neighbor(peer, 65001)].concat();
    let daemon = Daemon::start(&scratch, &config);
    let (mut stream, _) = listener.accept().unwrap();
    let neighbor = Neighbor::connect(&Options::new(peer, 65001), at);
    neighbor.send_all(table);
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.read_exact(&mut vec![0; bytes]).unwrap();
    drop(listener);
    let begun = Instant::now();
    reset(stream);
    wait_last_down(&daemon, address, &["connection-reset"], Duration::from_secs(2));
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
    let station = Station::listen_with(place, Mode::Keeping, Setup::default());
    wait_equal(&station, &neighbor);
    station.assert_legal();
}

#[test]
fn a_connection_that_the_station_resets_is_noticed_at_once_though_nothing_is_to_be_sent() {
    // Initiation and Peer Up come first in any case; the routes may not all have come.
    reset_after(200, &Table::full(1, 1));
}

#[test]
fn a_connection_that_the_station_resets_in_the_middle_of_the_dump_is_made_again_and_complete() {
    reset_after(100_000, &Table::full(200_000, 20_000));
}

/// bmpd here, a station behind a cable that can be pulled.
struct Cable {
    daemon: Daemon,
    station: Station,
    neighbor: Neighbor,
    far: Netns,
    device: String,
    _scratch: Scratch,
}

impl Cable {
    fn with(tcp: &str) -> Self {
        let scratch = Scratch::new();
        let far = Netns::new();
        let [_, address] = far.veth_to_host();
        // The only device beside the loopback one.
        let device = far.run(|| {
            let names = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
            let names = names.lines().filter_map(|line| line.split_once(':'));
            let found = names.map(|(name, _)| name.trim()).find(|name| name.starts_with("bm"));
            found.unwrap().to_owned()
        });
        let station = Station::listen_in(&far, SocketAddr::new(address, 0), Mode::Keeping);
        let (listen, peer) = (bgp_listen(), loopback());
        let session = session(address, station.port(), None);
        let session = format!("{}\ntcp.connect-timeout = 1\n{tcp}\n\n", session.trim_end());
        let config = [session, bgp(listen), neighbor(peer, 65001)].concat();
        let daemon = Daemon::start(&scratch, &config);
        let neighbor = Neighbor::connect(&Options::new(peer, 65001), listen);
        neighbor.send_all(&Table::full(200, 50));
        wait_equal(&station, &neighbor);
        daemon.wait_state(address, None, "Established");
        Self { daemon, station, neighbor, far, device, _scratch: scratch }
    }

    fn pull(&self) {
        self.far.ip(&format!("link set {} down", self.device));
    }

    fn plug_in(&self) {
        self.far.ip(&format!("link set {} up", self.device));
    }

    #[track_caller]
    fn down_and_back(&self) {
        let reasons = ["timed-out", "unreachable"];
        wait_last_down(&self.daemon, self.station.ip(), &reasons, Duration::from_secs(15));
        assert_eq!(self.station.connections().len(), 1);
        self.plug_in();
        self.station.wait_connection(2);
        wait_equal(&self.station, &self.neighbor);
        self.station.assert_legal();
    }
}

#[test]
fn a_station_that_vanishes_while_nothing_is_to_be_sent_is_noticed_by_keepalive() {
    let cable =
        Cable::with("tcp.keepalive = { idle = 1, interval = 1, count = 2 }\ntcp.user-timeout = 2");
    cable.pull();
    cable.down_and_back();
}

#[test]
fn a_station_that_vanishes_while_routes_are_sent_is_noticed_by_the_user_timeout() {
    // Neither the keepalive nor the stall timer would notice within an hour.
    let cable =
        Cable::with("tcp.keepalive.idle = 7200\ntcp.user-timeout = 3\nstall-timeout = 3600");
    cable.pull();
    let prefix: Prefix = "198.51.100.0/24".parse().unwrap();
    cable.neighbor.announce(&[prefix], &Attributes::sample(65001, &mut Random::new(1)));
    cable.down_and_back();
}
