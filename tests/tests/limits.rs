//! What an outsider can have of bmpd: docs/limits.md, limit by limit, on the real program.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use shared::frame::{self, HEADER_LEN, Kind, PROTOCOL_VERSION};
use shared::names::Selector;
use shared::request::{
    Operation, Query, Request, ResetSession, SetLog, WhichInstances, WhichNeighbors,
};
use shared::response::{Failure, Response};
use socket2::{Domain, Socket, Type};
use tests::addresses::loopback;
use tests::bgp::{self, Family};
use tests::daemon::{self, Daemon, bgp_listen};
use tests::lab::Plan;
use tests::neighbor::{Neighbor, Options};
use tests::person::{Person, public};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

const OTHER: Person = Person { uid: 54_200, gid: 54_200, groups: &[] };
const WATCHER: Person = Person { uid: 54_201, gid: 54_201, groups: &[] };

/// A socket that is open to all, as one of them has a level, and further lines.
fn control(scratch: &Scratch, lines: &str) -> String {
    let socket = scratch.join("bmpd.sock");
    let users = format!("{{ \"{}\" = 1 }}", WATCHER.uid);
    format!("[control]\nsocket = \"{}\"\nusers = {users}\n{lines}", socket.display())
}

/// The header of a request whose body has so many bytes.
fn header(length: u32) -> Vec<u8> {
    let mut bytes = b"BMPC".to_vec();
    bytes.extend_from_slice(&PROTOCOL_VERSION.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes
}

/// What is answered until the end.
fn answer(stream: &mut UnixStream) -> Vec<u8> {
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        // bmpd has not read all of it.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("bmpd neither answers nor closes: {error}"),
    }
    answer
}

#[test]
fn no_frame_makes_bmpd_take_more_than_it_brings() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    daemon.bmpctl(&["show", "status"]).done();
    let before = daemon.peak_rss_kib();
    for length in [u32::MAX, 1 << 31, 65_537] {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream.write_all(&header(length)).unwrap();
        let answer = answer(&mut stream);
        let text = String::from_utf8_lossy(&answer[HEADER_LEN..]).into_owned();
        assert!(text.contains(&format!("{length} bytes is too long")), "{text}");
    }
    // A thousand that promise the longest request and bring nothing of it: a quarter of them is served at
    // once, 16 MiB if bmpd believed them.
    let mut half: Vec<UnixStream> = (0..1000)
        .map_while(|_| {
            let mut stream = UnixStream::connect(daemon.socket()).ok()?;
            stream.write_all(&[header(65_536), vec![0; 100]].concat()).ok()?;
            Some(stream)
        })
        .collect();
    assert!(half.len() > 300, "{}", half.len());
    // Each has its time, and is closed without a word.
    for stream in half.iter_mut().take(300) {
        assert_eq!(answer(stream), b"");
    }
    drop(half);
    wait_for("an answer behind them", TIMEOUT, || {
        let output = daemon.bmpctl(&["show", "status"]);
        if output.status == 0 { Ok(()) } else { Err(output.to_string()) }
    });
    let after = daemon.peak_rss_kib();
    assert!(after < before + 6 * 1024, "from {before} to {after} KiB");
}

#[test]
fn whoever_has_no_level_gets_refusals_and_nothing_else() {
    let scratch = Scratch::new();
    public(&scratch);
    let daemon = Daemon::start(&scratch, &control(&scratch, ""));
    let all = Selector::All { vpn_instance: None };
    let reset = |follow| {
        Request::Operation(Operation::ResetSession(ResetSession {
            legs: all.clone().into(),
            stagger: 0,
            follow,
        }))
    };
    let requests = [
        reset(false),
        reset(true),
        Request::Query(Query::ResetPlan(all.clone().into())),
        Request::Operation(Operation::Reload),
        Request::Query(Query::ReloadPlan),
        Request::Query(Query::ConfigCheck),
        Request::Operation(Operation::ClearStatistics(all.clone().into())),
        Request::Operation(Operation::SetLog(SetLog { level: None, lasts: None })),
        Request::Query(Query::Log),
        Request::Query(Query::Session(all.clone().into())),
        Request::Query(Query::Neighbor(WhichNeighbors { address: None, vpn_instance: None })),
        Request::Query(Query::VpnInstance(WhichInstances(None))),
        Request::Query(Query::Config),
        Request::Query(Query::Statistics(all.clone().into())),
        Request::Query(Query::Status),
        Request::Query(Query::Directory),
        Request::Monitor(Default::default()),
    ];
    let refused = |bytes: &[u8]| {
        let mut stream = OTHER.act(|| UnixStream::connect(daemon.socket())).unwrap();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = answer(&mut stream);
        let Some((kind, body)) = frame::take(&mut answer).unwrap() else {
            assert_eq!(answer, b"", "half a frame");
            return;
        };
        assert_eq!(answer, b"", "more than one answer");
        match kind {
            Kind::Response => match frame::decode(kind, &body).unwrap() {
                Response::Failed(Failure::NotPermitted { .. } | Failure::Busy(_)) => {}
                other => panic!("{bytes:02x?}: {other:?}"),
            },
            Kind::Refusal => {
                let text = String::from_utf8(body).unwrap();
                assert!(text.contains("protocol version"), "{text}");
            }
            Kind::Request | Kind::Part => panic!("{kind:?}"),
        }
    };
    let mut random = Random::new(3);
    for request in requests {
        let bytes = frame::encode(Kind::Request, &request).unwrap();
        refused(&bytes);
        for _ in 0..40 {
            let mut bytes = bytes.clone();
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] = random.draw() as u8;
            refused(&bytes);
        }
    }
    let log = daemon.log();
    let lines = log.lines().filter(|line| line.contains("refused")).count();
    assert!((1..=12).contains(&lines), "{lines} lines about refusals");
}

#[test]
fn a_user_has_as_many_clients_and_monitors_as_the_configuration_says() {
    let scratch = Scratch::new();
    public(&scratch);
    let limits = "maximum-clients-per-user = 5\nmaximum-monitors-per-user = 2\n";
    let daemon = Daemon::start(&scratch, &control(&scratch, limits));
    let monitor = frame::encode(Kind::Request, &Request::Monitor(Default::default())).unwrap();
    let connect = || {
        let mut stream = WATCHER.act(|| UnixStream::connect(daemon.socket())).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let _ = stream.write_all(&monitor);
        stream
    };
    let first = |stream: &mut UnixStream| {
        let (kind, body) = frame::read(stream).unwrap();
        frame::decode::<Response>(kind, &body).unwrap()
    };
    let busy = |stream: &mut UnixStream| match first(stream) {
        Response::Failed(Failure::Busy(text)) => text,
        other => panic!("{other:?}"),
    };
    let mut watching: Vec<UnixStream> = (0..2).map(|_| connect()).collect();
    for stream in &mut watching {
        assert!(matches!(first(stream), Response::Events { .. }));
    }
    let text = busy(&mut connect());
    assert!(text.contains("2 monitors of one user"), "{text}");
    // Three that say nothing have the other places.
    let quiet: Vec<UnixStream> =
        (0..3).map(|_| WATCHER.act(|| UnixStream::connect(daemon.socket())).unwrap()).collect();
    let text = busy(&mut connect());
    assert!(text.contains("5 connections of one user"), "{text}");
    // Root has its own.
    daemon.bmpctl(&["show", "status"]).done();
    drop((watching, quiet));
    wait_for("a place that was given back", TIMEOUT, || match first(&mut connect()) {
        Response::Events { .. } => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

fn connect(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// The next message of bmpd: its type and its body; `None` if there is none.
fn receive(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let message = bgp::read_message(stream).ok()?;
    Some((message[bgp::HEADER - 1], message[bgp::HEADER..].to_vec()))
}

/// The code and subcode with which bmpd ends a connection.
fn ended(stream: &mut TcpStream) -> Option<(u8, u8)> {
    while let Some((kind, body)) = receive(stream) {
        if kind == bgp::kind::NOTIFICATION {
            return Some((body[0], body[1]));
        }
    }
    None
}

/// Connects, and reads bmpd's OPEN: the connection was accepted.
fn silent(from: IpAddr, to: SocketAddr) -> TcpStream {
    let mut stream = connect(from, to);
    assert_eq!(receive(&mut stream).map(|(kind, _)| kind), Some(bgp::kind::OPEN), "{from}");
    stream
}

/// True if the connection is there and nothing comes on it.
fn is_open(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let read = stream.read(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    matches!(read, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn connections_that_send_no_open_are_few_and_do_not_last() {
    let listen = bgp_listen();
    let [one, two, three, four] = [(); 4].map(|()| loopback());
    let own = loopback();
    let IpAddr::V4(v4) = one else { panic!("{one}") };
    let [a, b, ..] = v4.octets();
    let config = format!(
        "{}maximum-pending = 2\n[[bgp.neighbor]]\nprefix = \"{a}.{b}.0.0/16\"\n{}",
        daemon::bgp(listen),
        daemon::neighbor(own, 65002),
    );
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config);
    let [mut first, mut second, mut third] = [one, two, three].map(|from| silent(from, listen));
    assert_eq!(ended(&mut first), None, "the oldest is reset");
    wait_until("the line about it", TIMEOUT, || daemon.log().contains("as maximum-pending allows"));
    // A reload lets more in, and another time counts for them.
    let other = config.replace("maximum-pending = 2", "maximum-pending = 3\nopen-timeout = 3");
    daemon.rewrite_config(&other);
    let reloaded = daemon.bmpctl(&["reload"]);
    assert!(reloaded.done().contains("bgp.maximum-pending 2 -> 3"), "{reloaded}");
    let mut fourth = silent(four, listen);
    // Who has an address in the configuration needs no place.
    let mut known = silent(own, listen);
    assert!(is_open(&mut second) && is_open(&mut third));
    // Hold Timer Expired.
    assert_eq!((ended(&mut fourth), ended(&mut known)), (Some((4, 0)), Some((4, 0))));
}

/// Who can connect from many addresses of a prefix, and sends nothing, keeps no router out.
#[test]
fn a_router_gets_a_place_of_a_prefix_that_is_full_of_connections_without_an_open() {
    let listen = bgp_listen();
    let [one, two, router, another, late] = [(); 5].map(|()| loopback());
    let IpAddr::V4(v4) = one else { panic!("{one}") };
    let [a, b, ..] = v4.octets();
    let config = format!(
        "{}[[bgp.neighbor]]\nprefix = \"{a}.{b}.0.0/16\"\nmaximum-neighbors = 2\n",
        daemon::bgp(listen)
    );
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config);
    let [mut first, mut second] = [one, two].map(|from| silent(from, listen));
    let session = |from| Neighbor::try_connect(&Options::new(from, 65001), listen);
    let _router = session(router).unwrap();
    assert_eq!(ended(&mut first), None, "the oldest is closed");
    assert!(is_open(&mut second));
    let _another = session(another).unwrap();
    assert_eq!(ended(&mut second), None);
    assert!(session(late).is_err(), "both places belong to neighbors with a session");
    let log = daemon.log();
    for line in ["its place goes to another neighbor", "has as many neighbors as"] {
        assert!(log.contains(line), "no {line:?} in\n{log}");
    }
}

/// Connections that lose their place are closed without a word, however many there are.
#[test]
fn a_connection_without_an_open_that_loses_its_place_gets_no_notification() {
    let listen = bgp_listen();
    let IpAddr::V4(v4) = loopback() else { panic!() };
    let [a, b, ..] = v4.octets();
    let config = format!(
        "{}[[bgp.neighbor]]\nprefix = \"{a}.{b}.0.0/16\"\nmaximum-neighbors = 1\n",
        daemon::bgp(listen)
    );
    let scratch = Scratch::new();
    let _daemon = Daemon::start(&scratch, &config);
    // At once, so that bmpd's threads have something to do.
    let mut streams: Vec<TcpStream> = std::thread::scope(|scope| {
        let run = |corner: u8| {
            let addresses = (1..=200).map(|last| IpAddr::from([a, b, corner, last]));
            addresses.map(|from| connect(from, listen)).collect::<Vec<_>>()
        };
        let threads = [200, 201, 202, 203].map(|corner| scope.spawn(move || run(corner)));
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let _router = Neighbor::connect(&Options::new([a, b, 204, 1].into(), 65001), listen);
    let notified = streams.iter_mut().filter_map(ended).count();
    assert_eq!(notified, 0);
}

#[test]
fn a_neighbor_whose_tables_take_too_much_memory_is_kept_out() {
    let lines = "passive = true\nmaximum-memory = 16";
    let lab = Plan { neighbor: lines, log: "info", ..Plan::default() }.start();
    let neighbor = lab.connect();
    lab.stations[0].wait_connection(1);
    let before = lab.daemon.peak_rss_kib();
    // Few routes, each with attributes of its own that fill a message.
    for number in 0u32..20_000 {
        let mut path = vec![0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 192, 0, 2, 2];
        path.extend_from_slice(&[0xd0, 200, 0x0f, 0x80]);
        path.extend_from_slice(&number.to_be_bytes());
        path.resize(path.len() + 0x0f80 - 4, 7);
        let [a, b, c, d] = number.to_be_bytes();
        let nlri = [32, 10 + a, b, c, d];
        let body = [&[0, 0][..], &(path.len() as u16).to_be_bytes(), &path, &nlri].concat();
        if neighbor.try_send(&bgp::message(bgp::kind::UPDATE, &body)).is_err() {
            break;
        }
    }
    let received = neighbor.wait_closed(TIMEOUT);
    assert_eq!(received.notification, Some((6, 8, vec![])), "Out of Resources");
    // Connection Rejected.
    let mut again = connect(lab.peer, lab.listen);
    assert_eq!(ended(&mut again), Some((6, 5)));
    let why = "and maximum-memory is 16 MiB";
    let shown = lab.daemon.bmpctl(&["show", "neighbor", &lab.peer.to_string()]);
    assert!(shown.done().contains(why), "{shown}");
    let log = lab.daemon.log();
    assert!(log.contains(why), "{log}");
    let after = lab.daemon.peak_rss_kib();
    assert!(after < before + 40 * 1024, "from {before} to {after} KiB");
}

#[test]
fn a_neighbor_that_comes_and_goes_does_not_fill_the_log() {
    let lab = Plan { log: "info", ..Plan::default() }.start();
    let mut random = Random::new(5);
    for number in 0u32..120 {
        let mut stream = connect(lab.peer, lab.listen);
        // Each time another text, so that no line is like the one before.
        let text = format!("{number} {}", random.draw());
        let mut body = vec![6, 2, text.len() as u8];
        body.extend_from_slice(text.as_bytes());
        stream.write_all(&bgp::message(bgp::kind::NOTIFICATION, &body)).unwrap();
        while receive(&mut stream).is_some() {}
    }
    let log = lab.daemon.log();
    let lines = log.lines().filter(|line| line.contains("received NOTIFICATION")).count();
    assert!((1..=30).contains(&lines), "{lines} lines: {log}");
}

#[test]
fn a_message_is_never_longer_than_was_agreed() {
    let lab = Plan::default().start();
    let neighbor = lab.connect();
    let mut long = bgp::message(bgp::kind::UPDATE, &[0; 4]);
    long[16..18].copy_from_slice(&4097u16.to_be_bytes());
    neighbor.send_raw(&long);
    let received = neighbor.wait_closed(TIMEOUT);
    assert_eq!(received.notification, Some((1, 2, vec![0x10, 1])), "Bad Message Length");
    let mut options = lab.options();
    options.open.extended_message = true;
    let neighbor = Neighbor::connect(&options, lab.listen);
    let given = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0xd0, 200, 0x40, 0];
    let path = [&given[..], &[7; 0x4000]].concat();
    neighbor.announce_nlri(Family::IPV4, &[192, 0, 2, 2], &[8, 10], &path);
    let connection = lab.stations[0].wait_connection(1);
    connection.wait_rib(lab.peer, &neighbor.expected_rib(), TIMEOUT);
    lab.assert_legal();
}
