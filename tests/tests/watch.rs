//! What people see who look again and again, and who look through a narrow window.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::ctl::Running;
use tests::daemon::{Daemon, binary};
use tests::lab::{Lab, Plan};
use tests::scratch::Scratch;
use tests::table::Table;
use tests::terminal::{PLAIN_SHELL, Terminal};
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);

fn lab() -> Lab {
    let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
    for alias in [None, Some("aa")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    lab
}

fn desk(scratch: &Scratch, daemon: &Daemon, size: [u32; 2]) -> Terminal {
    let bmpctl = binary("bmpctl");
    let variables = [
        ("BMPD_SOCKET", daemon.socket().as_os_str()),
        ("C", bmpctl.as_os_str()),
        ("HOME", scratch.path().as_os_str()),
    ];
    let terminal = Terminal::open(scratch, size, PLAIN_SHELL, variables);
    terminal.wait_screen("the shell", |screen| screen == "$");
    terminal
}

#[test]
fn a_watch_redraws_in_place_follows_the_size_and_leaves_the_screen_as_it_was() {
    let lab = lab();
    let terminal = desk(&lab.scratch, &lab.daemon, [120, 20]);
    terminal.enter("echo before");
    terminal.enter("$C show session --watch=100ms");
    let screen =
        terminal.wait_screen("the first look", |screen| screen.contains("2 sessions, 2 up"));
    assert!(terminal.is_alternate() && !terminal.has_cursor(), "{screen}");
    assert!(screen.contains("Ctrl-C ends") && !screen.contains("before"), "{screen}");

    // What happens is seen, in the same place.
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(300, 100));
    let screen = terminal.wait_screen("the routes", |screen| screen.matches(" 400 ").count() == 2);
    assert_eq!(screen.matches("2 sessions, 2 up").count(), 1, "{screen}");

    // A smaller window: everything that is left fits, and what does not is said to be missing.
    terminal.resize([60, 4]);
    let screen = terminal.wait_screen("the smaller look", |screen| screen.contains("more lines"));
    assert!(screen.lines().count() <= 4, "{screen}");
    terminal.resize([120, 20]);
    terminal.wait_screen("the larger look", |screen| {
        screen.contains("2 sessions, 2 up") && !screen.contains("more lines")
    });

    // bmpd is away and comes back.
    terminal.press(&["C-c"]);
    terminal.wait_screen("the shell again", |screen| {
        screen.contains("before") && screen.ends_with('$') && !screen.contains("Established")
    });
    assert!(terminal.has_cursor() && !terminal.is_alternate());
    terminal.enter("echo code=$?");
    terminal.wait_screen("the exit code", |screen| screen.contains("code=0"));
}

#[test]
fn a_watch_goes_on_while_bmpd_is_away_and_ends_at_once_even_if_it_does_not_answer() {
    let lab = lab();
    let terminal = desk(&lab.scratch, &lab.daemon, [120, 20]);
    terminal.enter("$C show status --watch=100ms");
    terminal.wait_screen("the first look", |screen| screen.contains("Ctrl-C ends"));
    lab.daemon.terminate();
    terminal.wait_screen("that bmpd is away", |screen| screen.contains("no bmpd at"));
    // Somebody listens there and never answers.
    let listener = std::os::unix::net::UnixListener::bind(lab.daemon.socket()).unwrap();
    let (silent, _) = listener.accept().unwrap();
    terminal.press(&["C-c"]);
    terminal.wait_screen("the shell again", |screen| {
        screen.ends_with('$') && !screen.contains("Ctrl-C ends")
    });
    drop(silent);
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_goes_on() {
    let lab = lab();
    let terminal = desk(&lab.scratch, &lab.daemon, [120, 20]);
    // Only resizes draw within an hour.
    for interval in ["100ms", "60m"] {
        // The shell of a script has no job control without it.
        terminal.enter("clear; set -m; echo before");
        terminal.enter(&format!("$C show session --watch={interval}"));
        terminal.wait_screen("the first look", |screen| screen.contains("2 sessions, 2 up"));
        terminal.press(&["C-z"]);
        terminal.wait_screen("the shell again", |screen| {
            screen.contains("before") && screen.ends_with('$')
        });
        assert!(terminal.has_cursor() && !terminal.is_alternate());
        terminal.enter("fg");
        terminal.wait_screen("a look again", |screen| screen.contains("2 sessions, 2 up"));
        assert!(terminal.is_alternate() && !terminal.has_cursor());
        terminal.press(&["C-c"]);
        terminal.wait_screen("the shell again", |screen| {
            screen.contains("before") && screen.ends_with('$')
        });
        assert!(terminal.has_cursor() && !terminal.is_alternate());
    }
}

#[test]
fn a_quiet_watch_writes_nothing_and_ends_with_its_reader() {
    let lab = lab();
    let arguments = ["show", "session", "--quiet", "--watch=100ms"];
    let mut running = Running::start(&mut lab.daemon.bmpctl_command(&arguments));
    holds_for("it writes nothing", Duration::from_millis(500), || {
        let out = running.stdout() + &running.stderr();
        if out.is_empty() { Ok(()) } else { Err(out) }
    });
    running.signal(Signal::TERM);
    assert_eq!(running.wait_exit(), (0, String::new(), String::new()));
    let mut command = lab.daemon.bmpctl_command(&arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let code = wait_for("the watch to end", TIMEOUT, || {
        child.try_wait().unwrap().ok_or("it runs".to_owned())
    });
    assert_eq!(code.code(), Some(0));
}

#[test]
fn a_watch_through_a_pipe_is_one_look_after_the_other() {
    let lab = lab();
    let watch = |arguments: &[&str]| {
        let mut command = lab.daemon.bmpctl_command(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut child = watch(&["show", "session", "--watch=100ms"]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let lines: Vec<String> = lines.take(20).collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("Session ")).count(), 4, "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    // The reader has gone away: that is the end.
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let mut child = watch(&["show", "session", "--json", "--watch=100ms"]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.take(3) {
        let document: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(document["kind"], "sessions");
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));

    // Nothing is watched that is not there at the first look.
    let missing = lab.daemon.bmpctl(&["show", "session", "203.0.113.9", "--watch"]);
    assert_eq!(missing.status, 3, "{missing}");
}

#[test]
fn tables_fit_the_terminal_and_lose_no_note() {
    let lab =
        Plan { aliases: &[None, Some("a long alias of thirty chars")], ..Plan::default() }.start();
    lab.stations.iter().for_each(|station| {
        station.wait_connection(1).close();
    });
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for columns in [200, 120, 100, 80, 60] {
        let terminal = desk(&lab.scratch, &lab.daemon, [columns, 120]);
        terminal.enter("clear; $C show session; $C show neighbor; $C show session -v; echo end");
        let screen = wait_for("both tables", TIMEOUT, || {
            let screen = terminal.screen();
            if screen.ends_with("end\n$") { Ok(screen) } else { Err(screen) }
        });
        // Those that the terminal has wrapped are whole there.
        let lines = terminal.lines();
        let longest = lines.iter().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= columns as usize, "{screen}");
        let said = words(&screen).join(" ");
        for word in
            ["Session", "State", "long alias", "Neighbor", "the station closed the connection"]
        {
            assert!(said.contains(word), "{columns}: no {word:?} in\n{screen}");
        }
    }
}

#[test]
fn colours_are_for_terminals_and_for_those_who_want_them() {
    let lab = lab();
    let terminal = desk(&lab.scratch, &lab.daemon, [120, 40]);
    let shows = |line: &str| {
        terminal.enter(&format!("clear; {line}; echo end"));
        wait_for(line, TIMEOUT, || {
            let screen = terminal.screen();
            let done = screen.ends_with("end\n$") && screen.contains("2 sessions");
            if done { Ok(terminal.coloured_screen()) } else { Err(screen) }
        })
    };
    let green = "\u{1b}[32mEstablished";
    assert!(shows("$C show session").contains(green));
    for line in [
        "NO_COLOR=1 $C show session",
        "TERM=dumb $C show session",
        "$C show session | cat",
        "$C show session > $HOME/file; cat $HOME/file",
    ] {
        let screen = shows(line);
        assert!(!screen.contains('\u{1b}'), "{line}: {screen:?}");
    }
    assert!(shows("NO_COLOR= $C show session").contains(green), "empty is not set");
}
