//! A reload reads, checks all and applies as one: what is new begins, what is gone ends, what can
//! change at run time does, and a bad file changes nothing.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use socket2::{Domain, Socket, Type};
use tests::addresses::loopback;
use tests::bmp::{Kind, Mode};
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, bgp, bgp_listen, neighbor, session};
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::slow::SlowFile;
use tests::station::{Connection, Pace, Station};
use tests::table::{Attributes, Table};
use tests::wait::{holds_for, wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

fn with(block: String, lines: &str) -> String {
    block.trim_end().to_owned() + "\n" + lines + "\n\n"
}

fn wait_initiation(station: &Station, number: usize) -> Connection {
    let connection = station.wait_connection(number);
    connection.wait("the Initiation", TIMEOUT, |r| (r.count(Kind::Initiation) == 1).then_some(()));
    connection
}

#[test]
fn new_sessions_and_neighbors_begin_and_those_that_are_gone_end() {
    let scratch = Scratch::new();
    let (address, listen) = (loopback(), bgp_listen());
    let (stays, goes, comes) = (loopback(), loopback(), loopback());
    let [kept, removed, added] = [(); 3].map(|()| Station::listen(address, Mode::Keeping));
    let config = |second: (&Station, &str), peer: IpAddr| {
        [
            session(address, kept.port(), None),
            session(address, second.0.port(), Some(second.1)),
            bgp(listen),
            neighbor(stays, 65001),
            neighbor(peer, 65001),
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config((&removed, "old"), goes));
    let options = |peer| Options::new(peer, 65001);
    let speakers =
        [Neighbor::connect(&options(stays), listen), Neighbor::connect(&options(goes), listen)];
    for speaker in &speakers {
        speaker.send_all(&Table::full(100, 50));
    }
    for station in [&kept, &removed] {
        let connection = station.wait_connection(1);
        connection.wait_complete(stays, TIMEOUT);
        connection.wait_complete(goes, TIMEOUT);
    }

    daemon.rewrite_config(&config((&added, "new"), comes));
    let plan = daemon.bmpctl(&["reload", "--dry-run"]);
    for line in [
        format!("session {address} alias old: end"),
        format!("session {address} alias new: start"),
        format!("neighbor {goes}: end"),
        format!("neighbor {comes}: start"),
    ] {
        assert!(plan.done().contains(&line), "{line}\n{plan}");
    }
    assert!(!plan.stdout.contains(&format!("neighbor {stays}")), "{plan}");
    holds_for("a dry run does nothing", Duration::from_millis(200), || {
        let quiet = removed.latest().unwrap().end().is_none() && added.connections().is_empty();
        if quiet { Ok(()) } else { Err("something was done".to_owned()) }
    });

    let done = daemon.bmpctl(&["reload"]);
    assert!(done.done().contains(&format!("session {address} alias old: ended")), "{done}");
    let ended = removed.latest().unwrap();
    ended.wait_end(TIMEOUT);
    ended.look(|record| {
        assert_eq!(record.termination, Some(4), "permanently closed (RFC 7854 section 4.5)");
        assert!(record.peer_downs.is_empty(), "{:?}", record.peer_downs);
    });
    // The neighbor that is gone: no longer monitored (reason 5). The BGP session has its own word.
    let connection = kept.latest().unwrap();
    connection.wait("the Peer Down", TIMEOUT, |record| {
        let down = record.peer_downs.iter().find(|down| down.header.peer.address == goes)?;
        assert_eq!((down.reason, down.data.len()), (5, 0));
        Some(())
    });
    let received = speakers[1].wait_closed(TIMEOUT);
    assert_eq!(
        received.notification.as_ref().map(|(code, subcode, _)| [*code, *subcode]),
        Some([6, 3]),
        "peer de-configured"
    );
    let new = Neighbor::connect(&options(comes), listen);
    new.send_all(&Table::full(70, 30));
    connection.wait_routes(comes, &new.expected(), TIMEOUT);
    let first = added.wait_connection(1);
    first.wait_routes(comes, &new.expected(), TIMEOUT);
    first.wait_routes(stays, &speakers[0].expected(), TIMEOUT);
    first.look(|record| assert!(record.peer_ups.iter().all(|up| up.header.peer.address != goes)));
    assert_eq!((kept.connections().len(), removed.connections().len()), (1, 1));
    assert!(
        Neighbor::try_connect(&options(goes), listen).is_err(),
        "a neighbor that was removed is an unknown peer"
    );
    let shown = daemon.bmpctl(&["show", "session"]);
    assert!(shown.done().contains("new") && !shown.stdout.contains("old"), "{shown}");
    let again = daemon.bmpctl(&["reload"]);
    assert!(again.done().contains("what runs is what it says"), "{again}");
    for station in [&kept, &removed, &added] {
        station.assert_legal();
    }
}

#[test]
fn a_bad_file_changes_nothing_at_all() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let [kept, never] = [(); 2].map(|()| Station::listen(address, Mode::Keeping));
    let good = [session(address, kept.port(), None), bgp(listen), neighbor(peer, 65001)].concat();
    let daemon = Daemon::start(&scratch, &good);
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(100, 50));
    let connection = kept.wait_connection(1);
    connection.wait_complete(peer, TIMEOUT);
    let bytes = connection.look(|record| record.bytes);

    // Good things come before the bad one in the file: none of them is done.
    let taken = std::net::TcpListener::bind(SocketAddr::new(loopback(), 0)).unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    let bad = [
        (
            session(address, never.port(), Some("new"))
                + "[[session]]\naddress = \"10.1.1.1\"\ntcp.connect-port = 0\n",
            "connect-port",
        ),
        (session(address, never.port(), Some("new")) + &bgp(taken.1), "Address already in use"),
    ];
    for (file, word) in bad {
        daemon.rewrite_config(&file);
        for arguments in [&["reload", "--dry-run"][..], &["reload"]] {
            let refused = daemon.bmpctl(arguments);
            assert_eq!(refused.status, 1, "{refused}");
            assert!(
                refused.stderr.contains(word) && refused.stderr.contains("nothing was"),
                "{refused}"
            );
        }
        daemon.signal(Signal::HUP);
        wait_for("SIGHUP to be refused", TIMEOUT, || {
            let log = daemon.log();
            if log.contains("SIGHUP") && log.contains(word) { Ok(()) } else { Err(log) }
        });
    }
    holds_for("nothing changes", Duration::from_millis(300), || {
        let same = connection.end().is_none()
            && connection.look(|record| record.bytes) == bytes
            && never.connections().is_empty();
        if same { Ok(()) } else { Err(connection.summary()) }
    });
    let prefixes = ["203.0.113.0/24".parse().unwrap()];
    speaker.announce(&prefixes, &Attributes::sample(65001, &mut Random::new(7)));
    connection.wait_routes(peer, &speaker.expected(), TIMEOUT);
}

#[test]
fn sighup_does_what_reload_does() {
    let scratch = Scratch::new();
    let address = loopback();
    let [kept, added] = [(); 2].map(|()| Station::listen(address, Mode::Counting));
    let first = session(address, kept.port(), None);
    let daemon = Daemon::start(&scratch, &first);
    wait_initiation(&kept, 1);
    daemon.rewrite_config(&(first + &session(address, added.port(), Some("new"))));
    daemon.signal(Signal::HUP);
    wait_initiation(&added, 1);
    assert_eq!(kept.connections().len(), 1);
}

#[test]
fn signals_that_come_while_a_reload_is_under_way_are_one_more() {
    let scratch = Scratch::new();
    let (listen, peer) = (bgp_listen(), loopback());
    let daemon = Daemon::start(&scratch, &[bgp(listen), neighbor(peer, 65001)].concat());
    // It keeps its connection when it is removed, and the reload that ends it waiting.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    silent.bind(&SocketAddr::new(peer, 0).into()).unwrap();
    silent.connect(&listen.into()).unwrap();
    wait_for("the neighbor's connection", TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "neighbor"]);
        if page.done().contains("OpenSent") { Ok(()) } else { Err(page.to_string()) }
    });
    daemon.rewrite_config(&bgp(listen));
    for _ in 0..50 {
        daemon.signal(Signal::HUP);
        // Once it answers it has seen the signal: the system keeps no more than one of them.
        daemon.bmpctl(&["show", "session"]).done();
    }
    daemon.bmpctl(&["reload"]).done();
    let count = daemon.log().matches("SIGHUP: reload").count();
    assert!((1..20).contains(&count), "{count} reloads");
}

#[test]
fn what_can_change_while_a_session_runs_does() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let station = Station::listen(address, Mode::Keeping);
    let config = |bmp: &str, lines: &str| {
        [
            format!("[bmp]\n{bmp}\n"),
            with(session(address, station.port(), None), lines),
            bgp(listen),
            neighbor(peer, 65001),
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config("", ""));
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(40, 2));
    let connection = station.wait_connection(1);
    connection.wait_complete(peer, TIMEOUT);
    let pages = [
        ("statistics-timer = 60", "", "every 60 s"),
        ("statistics-timer = 60", "statistics-timer = 15", "every 15 s"),
        ("", "statistics-timer = 15\ndescription = \"in the cellar\"", "in the cellar"),
    ];
    for (bmp, lines, expected) in pages {
        daemon.rewrite_config(&config(bmp, lines));
        let reload = daemon.bmpctl(&["reload"]);
        assert!(reload.done().contains("without interruption"), "{reload}");
        let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
        assert!(page.done().contains(expected) && !page.stdout.contains("Pending"), "{page}");
    }
    // The timer was changed at run time: the report comes within its 15 s.
    let report =
        connection.wait("the report", TIMEOUT, |record| record.statistics.first().cloned());
    assert_eq!(report.value(7), Some(42));

    // Shut down: the station is sent a Termination, and nobody connects until the file says otherwise.
    daemon.rewrite_config(&config("", "shutdown = true"));
    let says = |arguments: &[&str], action: &str| {
        let output = daemon.bmpctl(arguments);
        let line = format!("session {address}: {action}\n");
        assert!(output.done().contains(&line), "{line}\n{output}");
        assert!(!output.stdout.contains("without interruption"), "{output}");
    };
    says(&["reload", "--dry-run"], "end");
    assert!(connection.end().is_none(), "a dry run does nothing");
    says(&["reload"], "ended");
    connection.wait_end(TIMEOUT);
    assert_eq!(connection.look(|record| record.termination), Some(0));
    daemon.wait_state(address, None, "Shutdown");
    let reset = daemon.bmpctl(&["reset", "session", &address.to_string()]);
    assert_eq!(reset.status, 1, "{reset}");
    assert!(reset.stderr.contains("shut down in the configuration"), "{reset}");
    holds_for("no connection", Duration::from_millis(1500), || match station.connections().len() {
        1 => Ok(()),
        n => Err(format!("{n} connections")),
    });
    daemon.rewrite_config(&config("", ""));
    says(&["reload", "--dry-run"], "start");
    says(&["reload"], "started");
    station.wait_connection(2).wait_complete(peer, TIMEOUT);
    station.assert_legal();
}

#[test]
fn a_neighbor_that_is_beyond_a_new_limit_is_said_to_end() {
    let scratch = Scratch::new();
    let (listen, peer) = (bgp_listen(), loopback());
    let config = |lines: &str| bgp(listen) + &with(neighbor(peer, 65001), lines);
    let daemon = Daemon::start(&scratch, &config(""));
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(100, 0));
    for (lines, action) in [
        ("maximum-routes.limit = 100", "change, without interruption"),
        ("maximum-routes = { limit = 10, action = \"warn\" }", "change, without interruption"),
        ("maximum-routes.limit = 10", "restart"),
        ("maximum-routes = { limit = 10, action = \"shutdown\" }", "end"),
    ] {
        daemon.rewrite_config(&config(lines));
        // Its routes may still be on their way.
        wait_for("the plan", TIMEOUT, || {
            let plan = daemon.bmpctl(&["reload", "--dry-run"]);
            let is_right = plan.done().contains(&format!("neighbor {peer}: {action}\n"));
            if is_right { Ok(()) } else { Err(format!("{lines}\n{plan}")) }
        });
    }
    let done = daemon.bmpctl(&["reload"]);
    assert!(done.done().contains(&format!("neighbor {peer}: ended\n")), "{done}");
    let closed = speaker.wait_closed(TIMEOUT);
    let cause = closed.notification.as_ref().map(|(code, subcode, _)| [*code, *subcode]);
    assert_eq!(cause, Some([6, 1]), "maximum number of prefixes reached");
}

#[test]
fn a_stall_timeout_that_was_changed_at_run_time_is_in_effect() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let place = SocketAddr::new(address, 0);
    let station = Station::listen_at(place, Mode::Counting, Some(8192));
    station.pace(Pace::Stalled);
    let config = |lines: &str| {
        let tcp = "tcp.user-timeout = 600\n";
        [
            with(session(address, station.port(), None), &(tcp.to_owned() + lines)),
            bgp(listen),
            neighbor(peer, 65001),
        ]
        .concat()
    };
    let daemon = Daemon::start(&scratch, &config("stall-timeout = 300"));
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(300_000, 0));
    daemon.wait_state(address, None, "Synchronising");
    daemon.rewrite_config(&config("stall-timeout = 5"));
    daemon.bmpctl(&["reload"]).done();
    wait_for("the stall", TIMEOUT, || {
        let page = daemon.bmpctl(&["show", "session", &address.to_string()]);
        if page.stdout.contains("[stalled]") { Ok(()) } else { Err(page.to_string()) }
    });
}

#[test]
fn the_initial_delay_holds_the_first_attempt_back_and_a_reset_does_not_wait_for_it() {
    let scratch = Scratch::new();
    let address = loopback();
    let [first, second] = [(); 2].map(|()| Station::listen(address, Mode::Counting));
    let begun = Instant::now();
    let config = [
        with(session(address, first.port(), None), "initial-delay = 2"),
        with(session(address, second.port(), Some("aa")), "initial-delay = 3600"),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let page = daemon.bmpctl(&["show", "session", &address.to_string(), "--alias", "aa"]);
    assert!(page.done().contains("Idle for") && page.stdout.contains("initial-delay"), "{page}");
    let connection = wait_initiation(&first, 1);
    assert!(connection.accepted.duration_since(begun) >= Duration::from_secs(2));
    assert_eq!(second.connections().len(), 0);
    daemon.bmpctl(&["reset", "session", &address.to_string(), "--alias", "aa"]).done();
    wait_initiation(&second, 1);
}

#[test]
fn a_session_that_is_down_takes_new_parameters_at_once() {
    let scratch = Scratch::new();
    let address = loopback();
    let station = Station::listen(address, Mode::Counting);
    let config = |port| {
        session(address, port, None).replace("= 1\n", "= 3600\n").replace("= 2\n", "= 3600\n")
    };
    let daemon = Daemon::start(&scratch, &config(1));
    daemon.wait_state(address, None, "Idle");
    daemon.rewrite_config(&config(station.port()));
    let reload = daemon.bmpctl(&["reload"]);
    assert!(
        !reload.done().contains("pending"),
        "there is no connection that could keep its own: {reload}"
    );
    wait_initiation(&station, 1);
}

#[test]
fn a_session_removed_from_the_file_is_not_reset_and_one_that_is_new_is_named() {
    let scratch = Scratch::new();
    let address = loopback();
    let [old, new] = [(); 2].map(|()| Station::listen(address, Mode::Counting));
    let daemon = Daemon::start(&scratch, &session(address, old.port(), Some("old")));
    wait_initiation(&old, 1);
    daemon.rewrite_config(&session(address, new.port(), Some("new")));
    let text = address.to_string();
    let gone = daemon.bmpctl(&["reset", "session", &text, "--alias", "old"]);
    assert_eq!(gone.status, 1, "{gone}");
    assert!(gone.stderr.contains("no longer in") && gone.stderr.contains("reload"), "{gone}");
    let not_yet = daemon.bmpctl(&["reset", "session", &text, "--alias", "new"]);
    assert_eq!(not_yet.status, 3, "{not_yet}");
    assert!(not_yet.stderr.contains("bmpctl reload"), "{not_yet}");
    assert_eq!((old.connections().len(), new.connections().len()), (1, 0));
    assert!(old.latest().unwrap().end().is_none());
}

/// Resets, reloads and their opposites from several callers at once, with the end in the midst of it:
/// all are answered, none hangs, and what is left is what the file says.
#[test]
fn resets_and_reloads_from_several_callers_at_once_all_end_well() {
    let scratch = Scratch::new();
    let (address, listen, peer) = (loopback(), bgp_listen(), loopback());
    let stations: Vec<Station> = (0..6).map(|_| Station::listen(address, Mode::Counting)).collect();
    let config = |count: usize| {
        let sessions = stations.iter().take(count).enumerate();
        let sessions =
            sessions.map(|(n, station)| session(address, station.port(), Some(&format!("s{n}"))));
        sessions.collect::<String>() + &bgp(listen) + &neighbor(peer, 65001)
    };
    let daemon = Daemon::start(&scratch, &config(3));
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(20_000, 2_000));
    std::thread::scope(|scope| {
        for caller in 0..4 {
            let daemon = &daemon;
            scope.spawn(move || {
                for round in 0..10 {
                    let command: &[&str] = match (caller + round) % 4 {
                        0 => &["reset", "session", "all"],
                        1 => &["reload"],
                        2 => &["reset", "session", "all", "--stagger", "5ms"],
                        _ => &["reload", "--dry-run"],
                    };
                    let output = daemon.bmpctl(command);
                    // A session that a reload removed in the middle is a failure of its own.
                    assert!(matches!(output.status, 0 | 1), "{output}");
                }
            });
        }
        let (daemon, config) = (&daemon, &config);
        scope.spawn(move || {
            for round in 0..20 {
                daemon.rewrite_config(&config(1 + round % 6));
                daemon.bmpctl(&["reload"]).done();
            }
        });
    });
    daemon.rewrite_config(&config(6));
    daemon.bmpctl(&["reload"]).done();
    daemon.bmpctl(&["reset", "session", "all"]).done();
    for n in 0..6 {
        daemon.wait_state(address, Some(&format!("s{n}")), "Established");
    }
    for station in &stations {
        let connection = station.latest().unwrap();
        connection.wait_complete(peer, TIMEOUT);
        assert_eq!(connection.look(|record| record.announced), 22_000);
        station.assert_legal();
    }
    // A reset while bmpd stops is answered or refused, and does not hold up the end.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let output = daemon.bmpctl(&["reset", "session", "all", "--stagger", "200ms"]);
                assert!(matches!(output.status, 0 | 1 | 5), "{output}");
            });
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(daemon.terminate().success());
    });
}

/// Two sessions, a and b, are reset with a stagger; after the first the file changes, and `meanwhile` is
/// asked of bmpd. Then b has connected this often; returns what the reset says, and the page of each.
fn staggered(meanwhile: &dyn Fn(&str) -> Vec<String>, connections: usize) -> (Output, [String; 2]) {
    let scratch = Scratch::new();
    let address = loopback();
    let stations = [(); 2].map(|()| Station::listen(address, Mode::Counting));
    let config = |words: &str| {
        let sessions = ["a", "b"].iter().zip(&stations);
        let words = format!("description = \"{words}\"");
        sessions
            .map(|(alias, station)| with(session(address, station.port(), Some(alias)), &words))
            .collect::<String>()
    };
    let daemon = Daemon::start(&scratch, &config("before"));
    for station in &stations {
        wait_initiation(station, 1);
    }
    let address = address.to_string();
    let output = std::thread::scope(|scope| {
        let reset = scope.spawn(|| daemon.bmpctl(&["reset", "session", "all", "--stagger", "2s"]));
        wait_initiation(&stations[0], 2);
        daemon.rewrite_config(&config("after"));
        let words = meanwhile(&address);
        daemon.bmpctl(&words.iter().map(String::as_str).collect::<Vec<_>>()).done();
        reset.join().unwrap()
    });
    wait_initiation(&stations[1], connections);
    let pages = ["a", "b"].map(|alias| {
        let page = daemon.bmpctl(&["show", "session", &address, "--alias", alias]);
        page.done().to_owned()
    });
    (output, pages)
}

#[test]
fn a_staggered_reset_does_not_take_back_what_was_reloaded_meanwhile() {
    let (output, pages) = staggered(&|_| vec!["reload".to_owned()], 2);
    output.done();
    for page in pages {
        assert!(page.contains("after") && !page.contains("before"), "{page}");
    }
}

#[test]
fn a_staggered_reset_does_not_take_back_what_somebody_else_has_reset_meanwhile() {
    let reset =
        |address: &str| ["reset", "session", address, "--alias", "b"].map(str::to_owned).to_vec();
    let (output, [_, page]) = staggered(&reset, 2);
    assert!(output.done().contains("alias b: superseded by the newer reset of "), "{output}");
    assert!(page.contains("after") && !page.contains("before"), "{page}");
}

#[test]
fn with_a_stagger_sessions_are_reset_in_their_order() {
    let scratch = Scratch::new();
    let address = loopback();
    let stations: Vec<Station> = (0..5).map(|_| Station::listen(address, Mode::Counting)).collect();
    let sessions = stations.iter().enumerate();
    let config: String = sessions
        .map(|(n, station)| session(address, station.port(), Some(&format!("s{n}"))))
        .collect();
    let daemon = Daemon::start(&scratch, &config);
    for station in &stations {
        wait_initiation(station, 1);
    }
    let output = daemon.bmpctl(&["reset", "session", "all", "--stagger", "10ms"]);
    let order: Vec<usize> =
        (0..5).map(|n| output.done().find(&format!("alias s{n}:")).unwrap()).collect();
    assert!(order.is_sorted(), "{output}");
    for station in &stations {
        wait_initiation(station, 2);
    }
}

/// A file on a server that has gone is read for ever: whoever asked gets an error, and nobody waits for that.
#[test]
fn a_file_that_is_not_read_in_time_is_named_and_holds_up_nobody_else() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Counting);
    let config = session(station.ip(), station.port(), None);
    let daemon = Daemon::start(&scratch, &config);
    wait_initiation(&station, 1);
    let file = SlowFile::instead_of_config(&daemon);
    let asked: [&[&str]; 3] = [
        &["reset", "session", "all"],
        &["reset", "session", "all", "--dry-run"],
        &["reload", "--dry-run"],
    ];
    std::thread::scope(|scope| {
        let waiting = asked.map(|args| scope.spawn(|| daemon.bmpctl(args)));
        daemon.signal(Signal::HUP);
        file.wait_read(&daemon);
        // The file is there again.
        daemon.rewrite_config(&config);
        for args in [&["reset", "session", "all"][..], &["reload"], &["show", "status"]] {
            daemon.bmpctl(args).done();
        }
        for output in waiting.map(|waiting| waiting.join().unwrap()) {
            // One that was late has read the file that is there again.
            if output.status != 0 {
                let says = format!("cannot read {}: ", daemon.config().display());
                assert!(output.status == 1 && output.stderr.contains(&says), "{output}");
                assert!(output.stderr.contains("nothing was changed"), "{output}");
            }
        }
    });
    drop(file);

    let _file = SlowFile::instead_of_config(&daemon);
    let before = station.connections().len();
    let output = daemon.bmpctl(&["reset", "session", "all"]);
    let says = format!("cannot read {}: ", daemon.config().display());
    assert!(output.status == 1 && output.stderr.contains(&says), "{output}");
    assert_eq!(station.connections().len(), before);
    // However many wait for it: a few read at a time.
    std::thread::scope(|scope| {
        let waiting: Vec<_> =
            (0..20).map(|_| scope.spawn(|| daemon.bmpctl(&["reload", "--dry-run"]))).collect();
        for output in waiting.into_iter().map(|waiting| waiting.join().unwrap()) {
            assert!(output.status == 1 && output.stderr.contains(&says), "{output}");
        }
    });
    daemon.bmpctl(&["show", "config"]).done();
    // Those who only look leave some to those who act.
    daemon.rewrite_config(&config);
    daemon.bmpctl(&["reload"]).done();
    let _again = SlowFile::instead_of_config(&daemon);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| daemon.bmpctl(&["reload"]));
        }
    });
    // With none left it is not the file that is to blame.
    daemon.rewrite_config(&config);
    let output = daemon.bmpctl(&["reset", "session", "all"]);
    let says = "8 earlier readings of it have not ended, as of a server that has gone; if the file is there \
                again, restart bmpd; nothing was changed";
    assert!(output.status == 1 && output.stderr.contains(says), "{output}");
    // The record says once that nothing was changed.
    daemon.bmpctl(&["reload"]);
    let log = daemon.log();
    assert!(log.lines().all(|line| line.matches("nothing was changed").count() < 2), "{log}");
    assert!(daemon.terminate().success());
}

#[test]
fn a_reading_that_was_overtaken_takes_back_nothing_of_the_newer_one() {
    for newer in [&["reload"][..], &["reset", "session", "all"]] {
        let scratch = Scratch::new();
        let station = Station::listen(loopback(), Mode::Counting);
        let config = |words: &str| {
            let words = format!("description = \"{words}\"");
            with(session(station.ip(), station.port(), None), &words)
        };
        let daemon = Daemon::start(&scratch, &config("before"));
        wait_initiation(&station, 1);
        let whole = std::fs::read_to_string(daemon.config()).unwrap();
        let monitor = Running::start(&mut daemon.bmpctl_command(&["monitor"]));
        wait_until("the monitor to be served", TIMEOUT, || {
            let page = daemon.bmpctl(&["show", "status", "--json"]);
            page.done().contains("\"monitors\": 1")
        });
        let mut file = SlowFile::instead_of_config(&daemon);
        daemon.signal(Signal::HUP);
        file.wait_read(&daemon);
        daemon.rewrite_config(&config("newer"));
        daemon.bmpctl(newer).done();
        file.finish(&whole.replace("before", "older"));
        let line = monitor.wait_line(&["by SIGHUP: reload: "]);
        assert!(!line.contains("refused or failed"), "{line}");
        let page = daemon.bmpctl(&["show", "session", &station.ip().to_string(), "--json"]);
        assert!(page.done().contains("\"newer\""), "after {newer:?}: {page}{}", monitor.stdout());
    }
}
