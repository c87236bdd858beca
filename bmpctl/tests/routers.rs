//! Routers and legs on bmpctl's side: what it asks, what it makes of the answers, and how it ends. The answers come
//! from a socket of the test.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use shared::event::{Event, EventKind};
use shared::frame::{self, Kind};
use shared::names::{LegId, RouterId, SessionId};
use shared::request::Request;
use shared::response::{
    Done, Failure, Progress, ProgressEnd, ReloadAction, ReloadItem, ReloadReport, ReloadSubject,
    ResetDone, ResetOutcome, Response, RouterReset, RouterState, SessionState,
};
use shared::time::Timestamp;

/// Runs a command whose request is answered with these, and compares the request.
#[track_caller]
fn run(line: &str, request: &str, answers: &[Response]) -> Output {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let name = format!("{}-{}.sock", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let socket = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let listener = UnixListener::bind(&socket).unwrap();
    let mut bmpctl = Command::new(env!("CARGO_BIN_EXE_bmpctl"));
    bmpctl.args(line.split(' ')).arg("--socket").arg(&socket);
    let (output, asked) = std::thread::scope(|scope| {
        let running = scope.spawn(move || bmpctl.output().unwrap());
        let (mut stream, _) = listener.accept().unwrap();
        let (kind, body) = frame::read(&mut stream).unwrap();
        for answer in answers {
            stream.write_all(&frame::encode(Kind::Response, answer).unwrap()).unwrap();
        }
        let output = running.join().unwrap();
        (output, frame::decode::<Request>(kind, &body).unwrap().to_string())
    });
    std::fs::remove_file(&socket).unwrap();
    assert_eq!(asked, request, "{line}");
    output
}

#[track_caller]
fn ended(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found = (output.status.code(), text(&output.stdout), text(&output.stderr));
    assert_eq!(found, (Some(code), stdout.to_owned(), stderr.to_owned()));
}

#[track_caller]
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn router(name: &str) -> RouterId {
    name.parse().unwrap()
}

fn leg(name: &str) -> LegId {
    let session =
        SessionId { vpn_instance: None, address: "10.1.1.1".parse().unwrap(), alias: None };
    LegId { session, router: router(name) }
}

fn was_reset(name: &str) -> ResetOutcome {
    let done = ResetDone {
        generation: 2,
        was_up: true,
        remote: "10.1.1.1:11019".parse().unwrap(),
        passive: false,
        changes: Vec::new(),
    };
    ResetOutcome { id: leg(name), result: Ok(Done::Reset(done)) }
}

fn has_ended(name: &str, end: ProgressEnd, routes: u64) -> Progress {
    let LegId { session: id, router } = leg(name);
    Progress {
        id,
        router,
        generation: 2,
        state: SessionState::Established,
        why: String::new(),
        routes_sent: routes,
        routes_to_send: 0,
        bytes_sent: 0,
        end: Some(end),
    }
}

#[test]
fn a_reset_of_routers_has_a_line_for_each_and_fails_if_one_does() {
    let reset = |name, result| RouterReset { id: router(name), result };
    let refused = "bmpd itself has no BMP connection".to_owned();
    let answer = [Response::RoutersReset(vec![
        reset("local", Err(refused)),
        reset("edge1", Ok(true)),
        reset("edge2", Ok(false)),
    ])];
    let done =
        "router edge1: reset, it sends everything anew\nrouter edge2: it was not connected\n";
    let failed = "bmpctl: router local: bmpd itself has no BMP connection\n";
    ended(&run("reset router all", "reset router all", &answer), 1, done, failed);
    ended(&run("reset router all -q", "reset router all", &answer), 1, "", failed);
    let printed = document(&run("reset router all --json", "reset router all", &answer));
    assert_eq!(
        printed,
        json!({ "kind": "routers-reset", "routers": [
            { "id": "local", "was_up": null, "error": "bmpd itself has no BMP connection" },
            { "id": "edge1", "was_up": true, "error": null },
            { "id": "edge2", "was_up": false, "error": null },
        ]})
    );
    let one = [Response::RoutersReset(vec![reset("edge1", Ok(true))])];
    ended(&run("reset router edge1 -q", "reset router edge1", &one), 0, "", "");
    let none = [Response::RoutersReset(Vec::new())];
    ended(&run("reset router all", "reset router all", &none), 0, "No router is configured.\n", "");
}

#[test]
fn a_wait_is_for_each_leg_and_a_router_that_is_not_connected_is_no_failure() {
    let outcomes = vec![was_reset("local"), was_reset("edge1"), was_reset("edge2")];
    let answers = [
        Response::Reset { outcomes, to_come: 0, skipped: Vec::new() },
        Response::Progress(vec![
            has_ended("edge2", ProgressEnd::NoRouter, 0),
            has_ended("local", ProgressEnd::Synchronised, 10),
            has_ended("edge1", ProgressEnd::Synchronised, 20),
        ]),
    ];
    let (line, request) = ("reset session 10.1.1.1 --wait", "reset session 10.1.1.1");
    let output = run(line, request, &answers);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for fact in [
        "session 10.1.1.1: reset, now connecting to 10.1.1.1:11019 (generation 2)\n",
        "session 10.1.1.1 router edge1: reset, now connecting to 10.1.1.1:11019 (generation 2)\n",
        "session 10.1.1.1 router edge2: nothing to send, as the router is not connected (generation 2)\n",
        "session 10.1.1.1: synchronised, 10 routes in ",
        "session 10.1.1.1 router edge1: synchronised, 20 routes in ",
    ] {
        assert!(text.contains(fact), "no {fact:?} in {text}");
    }
    let printed = document(&run(&format!("{line} --json"), request, &answers));
    let found = printed["sessions"].as_array().unwrap().iter();
    let found = found.map(|entry| {
        let progress = &entry["progress"];
        (entry["id"]["address"].clone(), entry["router"].clone(), progress["end"].clone())
    });
    let expected = [("local", "synchronised"), ("edge1", "synchronised"), ("edge2", "no-router")];
    assert!(found.eq(expected.map(|(name, end)| (json!("10.1.1.1"), json!(name), json!(end)))));

    // One that a reload has removed has failed, others or not.
    let removed = Response::Progress(vec![has_ended("edge1", ProgressEnd::Removed, 0)]);
    let reset =
        Response::Reset { outcomes: vec![was_reset("edge1")], to_come: 0, skipped: Vec::new() };
    let request = "reset session all --router edge1";
    let output = run(&format!("{request} --wait"), request, &[reset, removed]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_reset_without_a_leg_says_so() {
    let none = [Response::Reset { outcomes: Vec::new(), to_come: 0, skipped: Vec::new() }];
    for line in ["reset session all", "reset session all --wait"] {
        let output = run(line, "reset session all", &none);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with("nothing to reset: "), "{line}: {text}");
    }
    let quiet = run("reset session all --quiet", "reset session all", &none);
    ended(&quiet, 0, "", "");
}

#[test]
fn an_unknown_router_is_exit_code_3_with_those_there_are() {
    let existing = vec![router("local"), router("edge1")];
    let unknown = [Response::Failed(Failure::NoSuchRouter { router: router("edg1"), existing })];
    for line in ["show router edg1", "reset router edg1", "reset session all --router edg1"] {
        let text = "bmpctl: no router edg1; did you mean edge1? There are:\n  local\n  edge1\n";
        ended(&run(line, line, &unknown), 3, "", text);
    }
    let printed = document(&run("show router edg1 --json", "show router edg1", &unknown));
    assert_eq!(printed["reason"], "no-such-router");
    assert_eq!(printed["routers"], json!(["local", "edge1"]));
}

#[test]
fn events_and_reloads_name_routers() {
    let at = Timestamp(1_795_420_800_123);
    let LegId { session: id, router: edge1 } = leg("edge1");
    let events = [
        EventKind::Router {
            id: edge1.clone(),
            from: Some(RouterState::Opening),
            to: Some(RouterState::Established),
            why: "it has sent its Initiation".to_owned(),
        },
        EventKind::Session {
            id,
            router: edge1,
            generation: 2,
            from: None,
            to: Some(SessionState::Connecting),
            why: String::new(),
        },
        EventKind::Stopping,
    ];
    let events = events.map(|what| Event { sequence: 1, at, what }).to_vec();
    let output = run("monitor --json", "monitor", &[Response::Events { events, lost: 0 }]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> =
        lines.lines().take(2).map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["router"]), (&json!("router"), &json!("edge1")));
    assert_eq!((&lines[0]["from"], &lines[0]["to"]), (&json!("opening"), &json!("established")));
    assert_eq!((&lines[1]["event"], &lines[1]["router"]), (&json!("session"), &json!("edge1")));

    let item = |subject| ReloadItem { subject, action: ReloadAction::Start, changes: Vec::new() };
    let answer = [Response::Reloaded(ReloadReport {
        dry_run: false,
        file: "/f".to_owned(),
        items: vec![
            item(ReloadSubject::Router("edge1".to_owned())),
            item(ReloadSubject::RouterListener("192.0.2.1:11019".to_owned())),
        ],
        warnings: Vec::new(),
    })];
    let text = "router edge1: started\nlistening for BMP at 192.0.2.1:11019: started\n";
    ended(&run("reload", "reload", &answer), 0, text, "");
    let printed = document(&run("reload --json", "reload", &answer));
    let found = |rank: usize| {
        let item = &printed["items"][rank];
        (item["subject"].clone(), item["name"].clone())
    };
    assert_eq!(found(0), (json!("router"), json!("edge1")));
    assert_eq!(found(1), (json!("router-listener"), json!("192.0.2.1:11019")));
}
