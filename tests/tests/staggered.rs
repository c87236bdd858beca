//! `bmpctl reset session all --stagger` that goes on: it is listed, and a newer reset takes over from it.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use tests::ctl::Running;
use tests::lab::{Lab, Plan};
use tests::slow::SlowFile;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

const ALIASES: [Option<&str>; 3] = [None, Some("aa"), Some("bb")];

fn lab() -> Lab {
    let lab = Plan { aliases: &ALIASES, ..Plan::default() }.start();
    for alias in ALIASES {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    lab
}

/// Begins one that has reset one session, and the next is not to come in this test.
fn begin(lab: &Lab, args: &[&str]) -> Running {
    let sum = || generations(lab).iter().sum::<u64>();
    let before = sum();
    let all = [&["reset", "session", "all", "--stagger", "60m"], args].concat();
    let running = Running::start(&mut lab.daemon.bmpctl_command(&all));
    wait_for("the first reset", TIMEOUT, || {
        if sum() > before { Ok(()) } else { Err(running.stderr()) }
    });
    running
}

fn generations(lab: &Lab) -> Vec<u64> {
    let generation = |alias| lab.daemon.session(lab.address, alias).number("gen");
    ALIASES.map(generation).to_vec()
}

fn listed(lab: &Lab) -> Vec<Value> {
    let document = lab.daemon.bmpctl(&["show", "status", "--json"]);
    let document: Value = serde_json::from_str(document.done()).unwrap();
    document["status"]["staggered_resets"].as_array().unwrap().clone()
}

/// Of how many sessions each is, and how many it has still to come.
#[track_caller]
fn wait_listed(lab: &Lab, expected: &[[u64; 2]]) {
    wait_for("the resets that go on", TIMEOUT, || {
        let listed = listed(lab);
        let counts: Vec<[u64; 2]> = listed
            .iter()
            .map(|reset| ["selected", "to_come"].map(|key| reset[key].as_u64().unwrap()))
            .collect();
        if counts == expected { Ok(()) } else { Err(format!("{listed:?}")) }
    });
}

#[test]
fn a_dry_run_says_how_far_apart_the_sessions_would_be() {
    let lab = lab();
    let plan = ["reset", "session", "all", "--stagger", "2m", "--dry-run"];
    let shown = lab.daemon.bmpctl(&plan);
    let last = shown.done().lines().last();
    let says = "3 sessions, 2m between two of them: the last one 4m after the first";
    assert_eq!(last, Some(says), "{shown}");
    let json = |args: &[&str]| -> Value {
        let answer = lab.daemon.bmpctl(&[args, &["--json"]].concat());
        serde_json::from_str(answer.done()).unwrap()
    };
    assert_eq!(json(&plan)["stagger"], 120.0);
    assert_eq!(json(&["reset", "session", "all", "--dry-run"])["stagger"], Value::Null);
    assert_eq!(listed(&lab), Vec::<Value>::new());
    assert_eq!(generations(&lab), [1, 1, 1]);
}

#[test]
fn ctrl_c_ends_the_command_which_says_that_the_reset_goes_on_and_it_is_listed() {
    let lab = lab();
    let none = lab.daemon.bmpctl(&["show", "status"]);
    assert!(none.done().contains("Staggered resets:  none\n"), "{none}");
    let mut running = begin(&lab, &[]);
    running.signal(Signal::INT);
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!(code, 130, "{stdout}{stderr}");
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    let says = "bmpctl: interrupted: the reset continues in bmpd; bmpctl show status says how far it is:\n  \
                2 sessions are still to be reset\n";
    assert_eq!(stderr, says);

    wait_listed(&lab, &[[3, 2]]);
    let listed = listed(&lab);
    assert_eq!(listed[0]["stagger"], 3600.0, "{listed:?}");
    assert!(listed[0]["by"].as_str().unwrap().contains(&format!("(pid {})", running.pid())));
    let page = lab.daemon.bmpctl(&["show", "status"]);
    let line = page.done().lines().find(|line| line.contains(" sessions to come")).unwrap();
    for says in [" by ", ": 2 of 3 sessions to come, every 1h, since ", " ago)"] {
        assert!(line.contains(says), "{says}: {page}");
    }

    // One more, which says it to a machine; it has taken over from the first.
    let mut running = begin(&lab, &["--json"]);
    wait_listed(&lab, &[[3, 2]]);
    running.signal(Signal::TERM);
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!((code, &*stderr), (130, ""), "{stdout}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((&document["to_come"], &document["error"]), (&json!(2), &Value::Null), "{stdout}");
    assert_eq!(document["sessions"].as_array().unwrap().len(), 1, "{stdout}");
}

#[test]
fn a_newer_reset_takes_over_what_an_older_one_has_still_to_come() {
    let lab = lab();
    let mut oldest = begin(&lab, &["--json"]);
    let one = ["reset", "session", &lab.station(), "--alias", "aa"];
    lab.daemon.bmpctl(&one).done();
    wait_listed(&lab, &[[3, 1]]);
    assert_eq!(generations(&lab), [2, 2, 1]);

    let mut older = begin(&lab, &["--wait=10m"]);
    let (code, stdout, stderr) = oldest.wait_exit();
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    let document: Value = serde_json::from_str(&stdout).unwrap();
    let sessions = document["sessions"].as_array().unwrap();
    let left =
        |session: &Value| session["superseded_by"].as_str().is_some_and(|by| by.contains("(pid "));
    assert_eq!(sessions.iter().map(left).collect::<Vec<_>>(), [false, true, true], "{stdout}");
    assert_eq!((&sessions[1]["done"], &sessions[1]["error"]), (&Value::Null, &Value::Null));
    wait_listed(&lab, &[[3, 2]]);
    // It has begun with what it has taken over.
    assert_eq!(generations(&lab), [2, 2, 2]);

    // All at once: nothing is left of it.
    lab.daemon.bmpctl(&["reset", "session", "all"]).done();
    let (code, stdout, stderr) = older.wait_exit();
    assert_eq!((code, &*stderr), (0, ""), "{stdout}");
    assert_eq!(stdout.matches(": superseded by the newer reset of ").count(), 2, "{stdout}");
    wait_listed(&lab, &[]);
    assert_eq!(generations(&lab), [3, 3, 3]);
    let log = lab.daemon.log();
    assert!(log.contains("3 sessions, 2 of them superseded by a newer reset"), "{log}");
}

#[test]
fn ctrl_c_in_few_words_says_where_the_reset_is_listed() {
    let lab = lab();
    let mut running = begin(&lab, &["--wait=10m", "--quiet"]);
    wait_listed(&lab, &[[3, 2]]);
    running.signal(Signal::INT);
    let (code, stdout, stderr) = running.wait_exit();
    assert_eq!((code, &*stdout), (130, ""), "{stderr}");
    let says =
        "bmpctl: interrupted: the reset continues in bmpd; bmpctl show status says how far it is\n";
    assert_eq!(stderr, says);
}

#[test]
fn ctrl_c_before_the_first_answer_is_an_error_with_a_reason() {
    let lab = lab();
    for option in ["--stagger=1s", "--wait=10m"] {
        let file = SlowFile::instead_of_config(&lab.daemon);
        let args = ["reset", "session", "all", "--json", option];
        let mut running = Running::start(&mut lab.daemon.bmpctl_command(&args));
        file.wait_read(&lab.daemon);
        running.signal(Signal::INT);
        let (code, stdout, stderr) = running.wait_exit();
        assert_eq!((code, &*stderr), (130, ""), "{stdout}");
        let document: Value = serde_json::from_str(&stdout).unwrap();
        let word = |key: &str| document[key].as_str().unwrap();
        assert_eq!((word("kind"), word("reason")), ("error", "interrupted"), "{stdout}");
    }
}

#[test]
fn a_reset_that_is_refused_takes_nothing_over() {
    let lab = lab();
    let _running = begin(&lab, &[]);
    lab.daemon.rewrite_config("nonsense");
    assert_eq!(lab.daemon.bmpctl(&["reset", "session", "all"]).status, 1);
    lab.daemon.rewrite_config(&lab.config);
    assert_eq!(lab.daemon.bmpctl(&["reset", "session", "10.99.99.99"]).status, 3);
    wait_listed(&lab, &[[3, 2]]);
}
