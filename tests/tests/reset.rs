//! `bmpctl reset session`: what it selects, what it does, what it says, and what it leaves alone.

use std::fs::{self, Permissions};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tests::addresses::{free_port, loopback};
use tests::bmp::Kind;
use tests::daemon::{Daemon, binary, run, session};
use tests::lab::{Lab, Plan};
use tests::scratch::Scratch;
use tests::station::{Connection, End, Mode, Pace, Station};
use tests::table::Table;
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection as it was, to be compared with what became of it.
struct Untouched {
    connection: Connection,
    bytes: u64,
}

impl Untouched {
    fn note(station: &Station) -> Self {
        let connection = station.latest().unwrap();
        let bytes = connection.look(|record| record.bytes);
        Self { connection, bytes }
    }

    #[track_caller]
    fn check(&self, station: &Station) {
        assert_eq!(station.connections().len(), self.connection.number, "it connected again");
        assert_eq!(self.connection.end(), None, "its connection ended");
        assert_eq!(self.connection.look(|record| record.bytes), self.bytes, "it was sent more");
    }
}

/// Starts sessions for `aliases` with a neighbor whose table every station has.
fn synchronised(aliases: &[Option<&str>]) -> (Lab, tests::neighbor::Neighbor) {
    let lab = Plan { aliases, ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(2_000, 500));
    for (station, alias) in lab.stations.iter().zip(aliases) {
        let connection = station.wait_connection(1);
        connection.wait_complete(lab.peer, TIMEOUT);
        connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
        lab.daemon.wait_state(lab.address, *alias, "Established");
    }
    (lab, neighbor)
}

#[track_caller]
fn complete_again(lab: &Lab, station: &Station, number: usize, expected: &tests::bgp::Routes) {
    let connection = station.wait_connection(number);
    connection.wait_complete(lab.peer, TIMEOUT);
    connection.wait_routes(lab.peer, expected, TIMEOUT);
    let before = &station.connections()[number - 2];
    assert_eq!(before.wait_end(TIMEOUT).1, End::Closed);
    assert_eq!(before.look(|record| record.termination), Some(0), "{}", before.summary());
}

#[test]
fn an_address_resets_the_session_without_alias_and_no_other() {
    let (lab, neighbor) = synchronised(&[None, Some("aa"), Some("bb")]);
    let others = [1, 2].map(|n| Untouched::note(&lab.stations[n]));
    let output = lab.daemon.bmpctl(&["reset", "session", &lab.station()]);
    assert!(output.done().contains(&lab.station()), "{output}");
    complete_again(&lab, &lab.stations[0], 2, &neighbor.expected());
    lab.daemon.wait_state(lab.address, None, "Established");
    for (untouched, station) in others.iter().zip(&lab.stations[1..]) {
        untouched.check(station);
    }
    let generation = |alias| lab.daemon.session(lab.address, alias).number("gen");
    assert_eq!([None, Some("aa"), Some("bb")].map(generation), [2, 1, 1]);
    lab.assert_legal();
}

#[test]
fn an_alias_resets_its_session_and_no_other() {
    let (lab, neighbor) = synchronised(&[None, Some("aa"), Some("AA")]);
    let address = lab.station();
    let forms: [&[&str]; 4] = [
        &["reset", "session", &address, "--alias", "aa"],
        &["reset", "session", "--alias=aa", &address],
        &["reset", "bmp", "session", &address, "alias", "aa"],
        &["reset", "bmp", "session", &address, "alias", "\"aa\""],
    ];
    let others = [0, 2].map(|n| (n, Untouched::note(&lab.stations[n])));
    for (n, form) in forms.iter().enumerate() {
        lab.daemon.bmpctl(form).done();
        complete_again(&lab, &lab.stations[1], n + 2, &neighbor.expected());
        assert_eq!(lab.daemon.session(lab.address, Some("aa")).number("gen"), n as u64 + 2);
    }
    for (n, untouched) in &others {
        untouched.check(&lab.stations[*n]);
    }
    lab.assert_legal();
}

#[test]
fn an_alias_with_a_space_is_reset_however_it_is_quoted() {
    let (lab, neighbor) = synchronised(&[Some("two words")]);
    let address = lab.station();
    let forms: [&[&str]; 3] = [
        &["reset", "session", &address, "--alias", "two words"],
        &["reset", "session", &address, "--alias", "\"two words\""],
        &["reset", "bmp", "session", &address, "alias", "\"two words\""],
    ];
    for (n, form) in forms.iter().enumerate() {
        lab.daemon.bmpctl(form).done();
        complete_again(&lab, &lab.stations[0], n + 2, &neighbor.expected());
    }
}

#[test]
fn all_resets_every_session() {
    let (lab, neighbor) = synchronised(&[None, Some("aa"), Some("two words")]);
    for (n, form) in [["reset", "session", "all"].as_slice(), &["reset", "bmp", "session", "all"]]
        .iter()
        .enumerate()
    {
        let output = lab.daemon.bmpctl(form);
        for name in ["aa", "two words"] {
            assert!(output.done().contains(name), "{output}");
        }
        for station in &lab.stations {
            complete_again(&lab, station, n + 2, &neighbor.expected());
        }
    }
    lab.assert_legal();
}

#[test]
fn a_vpn_instance_selects_its_own_sessions() {
    let scratch = Scratch::new();
    let address = loopback();
    let [public, vpn, aliased] = [(); 3].map(|()| Station::listen(address, Mode::Counting));
    let in_vpn = |station: &Station, alias| {
        session(address, station.port(), alias).trim_end().to_owned()
            + "\nvpn-instance = \"mgmt\"\n\n"
    };
    let config = [
        "[[vpn-instance]]\nname = \"mgmt\"\ndevice = \"lo\"\n\n".to_owned(),
        session(address, public.port(), None),
        in_vpn(&vpn, None),
        in_vpn(&aliased, Some("aa")),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let stations = [&public, &vpn, &aliased];
    let address = address.to_string();
    let reset: [(&[&str], [usize; 3]); 7] = [
        (&[&address], [2, 1, 1]),
        (&["--vpn-instance", "mgmt", &address], [2, 2, 1]),
        (&["--vpn-instance", "mgmt", &address, "--alias", "aa"], [2, 2, 2]),
        (&["--vpn-instance", "mgmt", "all"], [2, 3, 3]),
        (&["vpn-instance", "mgmt", &address], [2, 4, 3]),
        (&["vpn-instance", "\"mgmt\"", &address, "alias", "aa"], [2, 4, 4]),
        (&["all"], [3, 5, 5]),
    ];
    for station in stations {
        let connection = station.wait_connection(1);
        connection
            .wait("the Initiation", TIMEOUT, |r| (r.count(Kind::Initiation) == 1).then_some(()));
    }
    for (selector, expected) in reset {
        let verb: &[&str] = match selector[0] {
            "vpn-instance" => &["reset", "bmp", "session"],
            _ => &["reset", "session"],
        };
        daemon.bmpctl(&[verb, selector].concat()).done();
        for (station, number) in stations.iter().zip(expected) {
            let connection = station.wait_connection(number);
            connection.wait("the Initiation", TIMEOUT, |r| {
                (r.count(Kind::Initiation) == 1).then_some(())
            });
        }
        let numbers = stations.map(|s| s.connections().len());
        assert_eq!(numbers, expected, "after reset {selector:?}");
    }
    for station in stations {
        station.assert_legal();
    }
}

#[test]
fn the_examples_of_the_manual_page_work_as_they_stand() {
    let scratch = Scratch::new();
    // Nobody is at these addresses: a reset of a session that is down connects now, and is done.
    let config = "\
        [[session]]\naddress = \"10.1.1.1\"\ntcp.connect-port = 11019\n\n\
        [[session]]\naddress = \"10.1.1.1\"\nalias = \"aa\"\ntcp.connect-port = 11020\n\n\
        [[session]]\naddress = \"2001:db8:1::1\"\ntcp.connect-port = 11019\n";
    let daemon = Daemon::start(&scratch, config);
    for (example, shown) in [
        ("reset bmp session 10.1.1.1", "10.1.1.1"),
        ("reset bmp session all", "2001:db8:1::1"),
        ("reset bmp session 2001:DB8:1::1", "2001:db8:1::1"),
        ("reset bmp session 10.1.1.1 alias aa", "aa"),
        ("reset session 10.1.1.1", "10.1.1.1"),
        ("reset session all", "aa"),
        ("reset session 2001:0DB8:0001:0000:0000:0000:0000:0001", "2001:db8:1::1"),
        ("reset session 10.1.1.1 --alias aa", "aa"),
    ] {
        let output = daemon.bmpctl(&example.split(' ').collect::<Vec<_>>());
        assert!(output.done().contains(shown), "{example}: {output}");
    }
}

#[test]
fn what_is_wrong_with_a_command_line_is_said_and_nothing_is_reset() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")]);
    let untouched = [0, 1].map(|n| Untouched::note(&lab.stations[n]));
    let address = lab.station();
    let long = "x".repeat(32);
    let cases: [(&[&str], &str); 18] = [
        (&["reset", "session"], "Usage"),
        (&["reset", "session", "all", "--alias", "aa"], "alias"),
        (&["reset", "bmp", "session", "all", "alias", "aa"], "alias"),
        (&["reset", "session", "collector.example.net"], "host name"),
        (&["reset", "session", "10.1.1"], "10.1.1"),
        (&["reset", "session", "::ffff:10.1.1.1"], "IPv4-mapped"),
        (&["reset", "session", "fe80::1%eth0"], "zone"),
        (&["reset", "session", "fe80::1"], "link-local"),
        (&["reset", "session", &address, "--alias", ""], "empty"),
        (&["reset", "session", &address, "--alias", &long], "31"),
        (&["reset", "session", &address, "--alias", "a\tb"], "control character"),
        (&["reset", "session", "--vpn-instance", "_public_", &address], "_public_"),
        (&["reset", "bmp", "session", "vpn-instance", "_public_", "all"], "_public_"),
        (&["reset", "bmp", "session", &address, "alias"], "alias"),
        (&["reset", "bmp", "session", &address, "alias", "two", "words"], "words"),
        (&["reset", "bmp", "session", &address, "--alias", "aa"], "--alias"),
        (&["reset", "session", &address, "all"], "`all` is every session"),
        (&["reset", "bmp", &address], "Usage"),
    ];
    for (args, said) in cases {
        let output = lab.daemon.bmpctl(args);
        assert_eq!(output.status, 2, "{args:?}: {output}");
        assert!(output.stderr.contains(said), "{args:?} should say {said:?}: {output}");
        assert_eq!(output.stdout, "", "{args:?}");
    }
    for (untouched, station) in untouched.iter().zip(&lab.stations) {
        untouched.check(station);
    }
}

#[test]
fn a_session_that_does_not_exist_is_exit_code_3_and_those_that_do_are_listed() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")]);
    let untouched = [0, 1].map(|n| Untouched::note(&lab.stations[n]));
    let address = lab.station();
    let cases: [&[&str]; 6] = [
        &["reset", "session", "192.0.2.77"],
        &["reset", "session", &address, "--alias", "AA"],
        &["reset", "session", "--vpn-instance", "nowhere", &address],
        &["reset", "session", "--vpn-instance", "nowhere", "all"],
        &["reset", "bmp", "session", "192.0.2.77"],
        &["reset", "bmp", "session", &address, "alias", "zz"],
    ];
    for args in cases {
        let output = lab.daemon.bmpctl(args);
        assert_eq!(output.status, 3, "{args:?}: {output}");
        assert!(output.stderr.contains(&address), "{args:?} should list the sessions: {output}");
        assert_eq!(output.stdout, "", "{args:?}");
    }
    for (untouched, station) in untouched.iter().zip(&lab.stations) {
        untouched.check(station);
    }
}

#[test]
fn an_address_with_aliased_sessions_only_is_exit_code_3_and_lists_them() {
    let (lab, _neighbor) = synchronised(&[Some("aa"), Some("two words")]);
    let untouched = [0, 1].map(|n| Untouched::note(&lab.stations[n]));
    for command in [["reset", "session"].as_slice(), &["reset", "bmp", "session"]] {
        let output = lab.daemon.bmpctl(&[command, &[&lab.station()]].concat());
        assert_eq!(output.status, 3, "{output}");
        for name in ["aa", "two words"] {
            assert!(output.stderr.contains(name), "{name:?} should be listed: {output}");
        }
    }
    for (untouched, station) in untouched.iter().zip(&lab.stations) {
        untouched.check(station);
    }
}

#[test]
fn a_daemon_that_is_not_there_is_exit_code_5() {
    let scratch = Scratch::new();
    let missing = scratch.join("missing.sock");
    // What a daemon leaves that was killed: a file that nobody listens at.
    let stale = scratch.join("stale.sock");
    drop(std::os::unix::net::UnixListener::bind(&stale).unwrap());
    for socket in [missing, stale] {
        let mut command = Command::new(binary("bmpctl"));
        command.arg("--socket").arg(&socket).args(["reset", "session", "10.1.1.1"]);
        let output = run(&mut command, TIMEOUT);
        assert_eq!(output.status, 5, "{output}");
        assert!(output.stderr.contains(socket.to_str().unwrap()), "{output}");
    }
}

#[test]
fn a_caller_who_may_not_is_exit_code_4_and_nothing_is_reset() {
    let (lab, _neighbor) = synchronised(&[None]);
    let untouched = Untouched::note(&lab.stations[0]);
    let address = lab.station();
    let mut command = lab.daemon.bmpctl_command(&["reset", "session", &address]);
    if rustix::process::geteuid().is_root() {
        // As somebody else, who can reach the folder but is not in the socket's group.
        fs::set_permissions(lab.scratch.path(), Permissions::from_mode(0o755)).unwrap();
        let bmpctl = lab.scratch.join("bmpctl");
        fs::copy(binary("bmpctl"), &bmpctl).unwrap();
        command = Command::new(bmpctl);
        command.env("BMPD_SOCKET", lab.daemon.socket()).args(["reset", "session", &address]);
        command.uid(65534).gid(65534);
    } else {
        fs::set_permissions(lab.daemon.socket(), Permissions::from_mode(0o000)).unwrap();
    }
    let output = run(&mut command, TIMEOUT);
    assert_eq!(output.status, 4, "{output}");
    untouched.check(&lab.stations[0]);
}

#[test]
fn a_reset_while_backing_off_connects_at_once() {
    let mut lab = Plan { retry: [600, 600], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 100));
    lab.stations[0].wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    lab.stations[0].kill();
    // A quick attempt may be made after the loss; then the backoff of ten minutes begins.
    let mut since = Instant::now();
    wait_for("the backoff of ten minutes", TIMEOUT, || {
        if lab.daemon.session(lab.address, None).cell("state") != "Idle" {
            since = Instant::now();
        }
        if since.elapsed() > Duration::from_millis(1500) { Ok(()) } else { Err("busy".to_owned()) }
    });
    lab.stations[0].revive();
    let begun = Instant::now();
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let connection = lab.stations[0].wait_connection(2);
    assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
    connection.wait_complete(lab.peer, TIMEOUT);
    connection.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    lab.assert_legal();
}

/// A place that answers no SYN: its queue of connections is full and stays full.
struct Silent {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
    address: SocketAddr,
}

impl Silent {
    fn new(ip: IpAddr) -> Self {
        let socket = Socket::new(Domain::for_address((ip, 0).into()), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
        socket.listen(0).unwrap();
        let listener: TcpListener = socket.into();
        let address = listener.local_addr().unwrap();
        let mut queue = vec![];
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
            assert!(queue.len() < 10, "the queue does not fill");
        }
        Self { _listener: listener, _queue: queue, address }
    }
}

#[test]
fn a_reset_while_connecting_gives_the_attempt_up_and_takes_the_new_parameters() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Counting);
    let silent = Silent::new(station.ip());
    let daemon = Daemon::start(&scratch, &session(station.ip(), silent.address.port(), None));
    daemon.wait_state(station.ip(), None, "Connecting");
    daemon.rewrite_config(&session(station.ip(), station.port(), None));
    let begun = Instant::now();
    daemon.bmpctl(&["reset", "session", &station.ip().to_string()]).done();
    station.wait_connection(1);
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
    daemon.wait_state(station.ip(), None, "Established");
}

#[test]
fn a_reset_of_a_session_that_cannot_connect_is_done_and_shows_the_state() {
    let scratch = Scratch::new();
    let address = loopback();
    let daemon = Daemon::start(&scratch, &session(address, free_port(address), None));
    daemon.bmpctl(&["reset", "session", &address.to_string()]).done();
    daemon.wait_state(address, None, "Idle");
}

#[test]
fn a_reset_in_the_middle_of_the_dump_is_complete_afterwards() {
    let plan = Plan { receive_buffer: Some(64 * 1024), ..Plan::default() };
    let lab = plan.start();
    let station = &lab.stations[0];
    station.pace(Pace::Slow(400_000));
    let neighbor = lab.connect();
    // More than the system takes at once, so that bmpd itself stands in the middle of it.
    let table = Table::full(300_000, 60_000);
    neighbor.send_all(&table);
    for number in 1..=3 {
        let connection = station.wait_connection(number);
        connection.wait("the dump to be under way", TIMEOUT, |record| {
            (record.announced > 5_000).then_some(())
        });
        assert_eq!(connection.look(|record| record.complete_at(lab.peer)), None, "too quick");
        lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    }
    let last = station.wait_connection(4);
    station.pace(Pace::Full);
    last.wait_complete(lab.peer, TIMEOUT);
    last.wait_routes(lab.peer, &table.expected(), TIMEOUT);
    assert_eq!(last.look(|record| record.announced), table.routes(), "each route once");
    lab.assert_legal();
}

#[test]
fn a_reset_in_the_middle_of_a_quick_dump_ends_it_behind_a_whole_message() {
    let lab = Plan { receive_buffer: Some(256 * 1024), ..Plan::default() }.start();
    let station = &lab.stations[0];
    let neighbor = lab.connect();
    let table = Table::full(300_000, 60_000);
    neighbor.send_all(&table);
    station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let mut cut = 0;
    for number in 2..=9 {
        let connection = station.wait_connection(number);
        connection.wait("the dump to be under way", TIMEOUT, |record| {
            (record.announced > 0).then_some(())
        });
        lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
        assert_eq!(connection.wait_end(TIMEOUT).1, End::Closed, "{}", connection.summary());
        assert_eq!(
            connection.look(|record| record.termination),
            Some(0),
            "{}",
            connection.summary()
        );
        assert_eq!(connection.left_over(), 0);
        cut += usize::from(connection.look(|record| record.announced) < table.routes());
    }
    assert!(cut > 0, "no reset met a dump that was under way");
    let last = station.wait_connection(10);
    last.wait_complete(lab.peer, TIMEOUT);
    last.wait_routes(lab.peer, &table.expected(), TIMEOUT);
    lab.assert_legal();
}

#[test]
fn eight_stations_reset_at_once_are_all_complete() {
    let names: Vec<String> = (1..=8).map(|n| format!("station {n}")).collect();
    let aliases: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let lab = Plan { aliases: &aliases, mode: Mode::Counting, ..Plan::default() }.start();
    let neighbor = lab.connect();
    let table = Table::full(60_000, 20_000);
    neighbor.send_all(&table);
    for number in 1..=4 {
        for station in &lab.stations {
            let connection = station.wait_connection(number);
            connection.wait_complete(lab.peer, TIMEOUT);
            let counted = connection.look(|record| {
                let peer = record.peer(lab.peer).unwrap();
                (peer.announced, peer.fingerprint)
            });
            assert_eq!(counted, (table.routes(), table.fingerprint), "{}", connection.summary());
        }
        lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    }
    lab.assert_legal();
}

#[test]
fn resets_one_upon_another_and_side_by_side_all_take_effect() {
    let (lab, neighbor) = synchronised(&[None, Some("aa")]);
    let address = lab.station();
    for _ in 0..20 {
        lab.daemon.bmpctl(&["reset", "session", &address]).done();
    }
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| lab.daemon.bmpctl(&["reset", "session", "all"]).done().len());
        }
    });
    for alias in [None, Some("aa")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    // A reset that meets an attempt to connect starts that one anew and begins no generation.
    let generation = |alias| lab.daemon.session(lab.address, alias).number("gen");
    let [plain, aliased] = [None, Some("aa")].map(generation);
    assert!((22..=29).contains(&plain) && (2..=9).contains(&aliased), "{plain} {aliased}");
    for station in &lab.stations {
        let last = station.latest().unwrap();
        last.wait_complete(lab.peer, TIMEOUT);
        last.wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
        // A connection that was accepted and reset before its first byte is no harm; two that are
        // open at once would be.
        let open = station.connections().iter().filter(|c| c.end().is_none()).count();
        assert_eq!(open, 1);
    }
    lab.assert_legal();
}

#[test]
fn a_reset_says_who_did_it() {
    let (lab, _neighbor) = synchronised(&[None]);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    let page = lab.daemon.bmpctl(&["show", "session", &lab.station(), "--verbose"]);
    let uid = rustix::process::getuid();
    let named = if uid.is_root() { "root".to_owned() } else { uid.as_raw().to_string() };
    let says = |text: &str| text.contains(&named) || text.contains(&uid.as_raw().to_string());
    assert!(says(page.done()), "{page}");
    assert!(lab.daemon.log().lines().any(|line| line.contains("reset") && says(line)));
}

#[test]
fn nothing_reaches_a_session_that_was_not_reset_for_a_while_after() {
    let (lab, _neighbor) = synchronised(&[None, Some("aa")]);
    let untouched = Untouched::note(&lab.stations[0]);
    lab.daemon.bmpctl(&["reset", "session", &lab.station(), "--alias", "aa"]).done();
    lab.stations[1].wait_connection(2).wait_complete(lab.peer, TIMEOUT);
    holds_for("silence on the other session", Duration::from_secs(2), || {
        untouched.check(&lab.stations[0]);
        Ok(())
    });
}

#[test]
fn the_slower_of_two_stations_that_are_reset_together_gets_every_family_too() {
    let plan = Plan {
        aliases: &[Some("quick"), Some("slow")],
        receive_buffer: Some(64 * 1024),
        log: "info",
        ..Plan::default()
    };
    let lab = plan.start();
    let [quick, slow] = &lab.stations[..] else { panic!("two stations") };
    let neighbor = lab.connect();
    // More than the system takes at once, of each family.
    let table = Table::full(200_000, 200_000);
    neighbor.send_all(&table);
    let expected = table.expected();
    for station in [quick, slow] {
        station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    }
    for number in 2..=3 {
        slow.pace(Pace::Slow(1_000_000));
        lab.daemon.bmpctl(&["reset", "session", "all"]).done();
        let [first, last] = [quick, slow].map(|station| station.wait_connection(number));
        first.wait_complete(lab.peer, TIMEOUT);
        assert_eq!(last.look(|record| record.complete_at(lab.peer)), None, "it is not slower");
        slow.pace(Pace::Full);
        last.wait_complete(lab.peer, TIMEOUT);
        for connection in [first, last] {
            connection.wait_routes(lab.peer, &expected, TIMEOUT);
            assert_eq!(connection.look(|record| record.announced), table.routes());
        }
    }
    lab.assert_legal();
}

#[test]
fn eight_stations_that_do_not_read_are_reset_at_once_and_need_no_second_table() {
    let names: Vec<String> = (1..=8).map(|n| format!("station {n}")).collect();
    let aliases: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let plan = Plan {
        aliases: &aliases,
        mode: Mode::Counting,
        receive_buffer: Some(64 * 1024),
        log: "info",
        ..Plan::default()
    };
    let lab = plan.start();
    let neighbor = lab.connect();
    let table = Table::full(300_000, 60_000);
    neighbor.send_all(&table);
    for station in &lab.stations {
        station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
        station.pace(Pace::Stalled);
    }
    let before = lab.daemon.peak_rss_kib();
    for number in 2..=4 {
        let begun = Instant::now();
        lab.daemon.bmpctl(&["reset", "session", "all"]).done();
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(3), "the command took {took:?}");
        for station in &lab.stations {
            station.wait_connection(number);
        }
        // Each is sent what the system takes, and stands.
        wait_for("bytes to wait for all eight", TIMEOUT, || {
            let pages = lab.daemon.bmpctl(&["show", "session", "--verbose"]);
            let waiting = pages.done().lines().filter(|line| line.contains("Waiting:"));
            let count = waiting.filter(|line| !line.contains(" 0 bytes here")).count();
            if count == 8 { Ok(()) } else { Err(pages.to_string()) }
        });
    }
    // A table is some 12 MB as messages, so that eight of them would be 100 MB.
    let grown = lab.daemon.peak_rss_kib() - before;
    assert!(grown < 16 * 1024, "{grown} KiB more than {before} KiB");
    for station in &lab.stations {
        station.pace(Pace::Full);
        let connection = station.wait_connection(4);
        connection.wait_complete(lab.peer, TIMEOUT);
        let counted = connection.look(|record| {
            let peer = record.peer(lab.peer).unwrap();
            (peer.announced, peer.fingerprint)
        });
        assert_eq!(counted, (table.routes(), table.fingerprint), "{}", connection.summary());
    }
    lab.assert_legal();
}

#[test]
fn a_link_local_station_is_refused() {
    let (lab, _neighbor) = synchronised(&[None]);
    let untouched = Untouched::note(&lab.stations[0]);
    for address in ["fe80::1", "fe80::1%lo", "169.254.1.1"] {
        let config = format!("[[session]]\naddress = \"{address}\"\ntcp.connect-port = 11019\n");
        let check = Daemon::check(&lab.scratch, &config);
        assert_ne!(check.status, 0, "{check}");
        assert!(check.stderr.contains("link-local"), "{check}");
        let reset = lab.daemon.bmpctl(&["reset", "session", address]);
        assert_eq!(reset.status, 2, "{reset}");
        assert!(reset.stderr.contains("link-local"), "{reset}");
    }
    untouched.check(&lab.stations[0]);
}

#[test]
fn all_skips_what_is_shut_down_and_says_so_and_a_reset_by_name_fails() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let (up, off) = (station.ip(), loopback());
    let shut = session(off, free_port(off), None).trim_end().to_owned() + "\nshutdown = true\n";
    let daemon = Daemon::start(&scratch, &(session(up, station.port(), None) + &shut));
    daemon.wait_state(up, None, "Established");
    daemon.wait_state(off, None, "Shutdown");
    let skipped = format!("session {off}: skipped, as it is shut down in the configuration");
    for (generation, arguments) in
        [&["reset", "session", "all"][..], &["reset", "bmp", "session", "all"]].iter().enumerate()
    {
        let reset = daemon.bmpctl(arguments);
        let lines: Vec<_> = reset.done().lines().collect();
        assert_eq!(lines.len(), 2, "{reset}");
        assert_eq!(lines[0], skipped, "{reset}");
        assert!(lines[1].contains(&up.to_string()) && reset.stderr.is_empty(), "{reset}");
        station.wait_connection(generation + 2);
    }
    let all = ["reset", "session", "all"];
    let outcome = "1 session; 1 session in Shutdown skipped caller=";
    assert!(daemon.log().contains(outcome), "{}", daemon.log());
    for option in ["--wait=30s", "--dry-run"] {
        let shown = daemon.bmpctl(&[&all[..], &[option]].concat());
        assert_eq!(shown.done().lines().filter(|line| *line == skipped).count(), 1, "{shown}");
        let json = daemon.bmpctl(&[&all[..], &[option, "--json"]].concat());
        let json: serde_json::Value = serde_json::from_str(json.done()).unwrap();
        assert_eq!(json["skipped"][0]["address"], off.to_string(), "{json}");
        assert_eq!(json["sessions"].as_array().unwrap().len(), 1, "{json}");
        let quiet = daemon.bmpctl(&[&all[..], &[option, "--quiet"]].concat());
        assert_eq!(quiet.done(), "", "{quiet}");
    }

    let reset = daemon.bmpctl(&["reset", "session", &off.to_string()]);
    assert_eq!(reset.status, 1, "{reset}");
    assert!(reset.stderr.contains("shut down in the configuration"), "{reset}");
    // It was not reset, so nothing says that it was.
    let page = daemon.bmpctl(&["show", "session", &off.to_string()]);
    let last_reset = page.done().lines().find(|line| line.contains("Last reset:"));
    assert!(last_reset.is_some_and(|line| line.ends_with(" never")), "{page}");
}
