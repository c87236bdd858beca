//! Publishers on bmpctl's side: what it asks, what it makes of the answers, and how it ends. The answers come from a
//! socket of the test.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use shared::event::{Event, EventKind};
use shared::frame::{self, Kind};
use shared::names::PublisherName;
use shared::request::Request;
use shared::response::{
    Failure, PlannedPublisherReset, PublishedRouter, PublisherPlan, PublisherReport,
    PublisherReset, PublisherResetDone, PublisherState, ReloadAction, ReloadItem, ReloadReport,
    ReloadSubject, Response, RouterGeneration, Sent,
};
use shared::time::{Span, Timestamp};

/// A bmpd that answers each request once, in this order.
struct Bmpd {
    socket: PathBuf,
    listener: UnixListener,
}

impl Bmpd {
    fn new() -> Self {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "publishers-{}-{}.sock",
            std::process::id(),
            RUNS.fetch_add(1, Ordering::Relaxed)
        );
        let socket = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let listener = UnixListener::bind(&socket).unwrap();
        Self { socket, listener }
    }

    fn start(&self, line: &str) -> Child {
        let mut bmpctl = Command::new(env!("CARGO_BIN_EXE_bmpctl"));
        bmpctl.args(line.split(' ')).arg("--socket").arg(&self.socket);
        bmpctl.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Answers the next request; `None` closes the connection without one.
    fn answer(&self, answer: Option<&Response>) -> String {
        let (mut stream, _) = self.listener.accept().unwrap();
        let (kind, body) = frame::read(&mut stream).unwrap();
        if let Some(answer) = answer {
            stream.write_all(&frame::encode(Kind::Response, answer).unwrap()).unwrap();
        }
        frame::decode::<Request>(kind, &body).unwrap().to_string()
    }
}

impl Drop for Bmpd {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Runs a command that sends these requests, which are answered with these.
#[track_caller]
fn run(line: &str, answers: &[(&str, Response)]) -> Output {
    let bmpd = Bmpd::new();
    let running = bmpd.start(line);
    for (request, answer) in answers {
        assert_eq!(bmpd.answer(Some(answer)), *request, "{line}");
    }
    running.wait_with_output().unwrap()
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

fn name(name: &str) -> PublisherName {
    name.parse().unwrap()
}

fn was_reset(publisher: &str, routers: &[&str]) -> PublisherReset {
    let generations = routers
        .iter()
        .map(|router| RouterGeneration { router: router.parse().unwrap(), generation: 2 });
    let generations = generations.collect();
    let done = PublisherResetDone { new_producer: true, generations, changes: Vec::new() };
    PublisherReset { id: name(publisher), result: Ok(done) }
}

fn refused(publisher: &str) -> PublisherReset {
    PublisherReset { id: name(publisher), result: Err("it is shut down".to_owned()) }
}

fn reset(publishers: &[PublisherReset], skipped: &[&str]) -> Response {
    let skipped = skipped.iter().map(|skipped| name(skipped)).collect();
    Response::PublishersReset { publishers: publishers.to_vec(), skipped }
}

fn plans(publishers: &[&str], skipped: &[&str]) -> Response {
    let plan = |publisher: &&str| PublisherPlan {
        id: name(publisher),
        result: Ok(PlannedPublisherReset {
            routers: vec!["edge1".parse().unwrap()],
            routes: 12,
            changes: Vec::new(),
        }),
    };
    let skipped = skipped.iter().map(|skipped| name(skipped)).collect();
    Response::PublisherPlans { plans: publishers.iter().map(plan).collect(), skipped }
}

/// What `show publisher` reports, each router with the generation that is synchronised.
fn report(publisher: &str, state: PublisherState, routers: &[(&str, u64)]) -> PublisherReport {
    let routers = routers.iter().map(|(router, synchronised)| PublishedRouter {
        router: router.parse().unwrap(),
        topic: "bmp.raw".to_owned(),
        partition: Some(0),
        router_hash: "00".repeat(16),
        generation: 2,
        why: "reset".to_owned(),
        since: Timestamp(0),
        age: Span(0),
        synchronised_generation: *synchronised,
        sent: Sent::default(),
        acknowledged: 0,
        offset: None,
        routes_to_send: 5,
    });
    PublisherReport {
        id: name(publisher),
        description: None,
        state,
        why: "why".to_owned(),
        since: Timestamp(0),
        age: Span(0),
        bootstrap_servers: vec!["192.0.2.1:9092".to_owned()],
        topic: "bmp.raw".to_owned(),
        window: 16 << 20,
        in_flight_records: 0,
        in_flight_bytes: 0,
        unacknowledged_for: None,
        blocked_times: 0,
        blocked_for: Span(0),
        acknowledged_records: 0,
        acknowledged_bytes: 0,
        latency: None,
        producers: 1,
        doubts: 0,
        rewinds: 0,
        warnings: Vec::new(),
        last_error: None,
        pending: Vec::new(),
        last_reset: None,
        next_snapshot: None,
        routers_there: 0,
        routers_synchronised: 0,
        sent: Sent::default(),
        routes_to_send: 0,
        routers: routers.collect(),
    }
}

fn synchronising(publisher: &str, routers: &[(&str, u64)]) -> Response {
    Response::Publishers(vec![report(publisher, PublisherState::Synchronising, routers)])
}

fn no_such(publisher: &str) -> Response {
    Response::Failed(Failure::NoSuchPublisher {
        publisher: name(publisher),
        existing: vec![name("lake"), name("data bus")],
        configured_in: None,
    })
}

const SENDING: &str = "reset, new producer, sending router edge1 again (generation 2)\n";

#[test]
fn a_reset_has_a_line_for_each_publisher_and_fails_if_one_does() {
    let all = "reset publisher all";
    let answer = || reset(&[was_reset("lake", &["edge1"]), refused("lab")], &["old"]);
    let skipped = "publisher old: skipped, as it is shut down in the configuration\n";
    let done = format!("{skipped}publisher lake: {SENDING}");
    let failed = "bmpctl: publisher lab: it is shut down\n";
    ended(&run(all, &[(all, answer())]), 1, &done, failed);
    ended(&run(&format!("{all} -q"), &[(all, answer())]), 1, "", failed);
    let printed = document(&run(&format!("{all} --json"), &[(all, answer())]));
    let generations = json!([{ "router": "edge1", "generation": 2 }]);
    assert_eq!(
        printed,
        json!({ "kind": "publishers-reset", "to_come": 0, "skipped": ["old"], "error": null, "publishers": [
            {
                "id": "lake",
                "done": { "new_producer": true, "generations": generations, "changes": [] },
                "error": null,
                "progress": null
            },
            { "id": "lab", "done": null, "error": "it is shut down", "progress": null },
        ]})
    );
    let one = "reset publisher lake --router edge1";
    ended(&run(&format!("{one} -q"), &[(one, reset(&[was_reset("lake", &[])], &[]))]), 0, "", "");
    ended(&run(all, &[(all, reset(&[], &[]))]), 0, "No publisher is configured.\n", "");
}

#[test]
fn a_dry_run_says_what_would_be_sent_and_how_far_apart() {
    let request = "reset publisher all --dry-run";
    let would = "would send router edge1 again, 12 routes\n";
    let output = run(
        "reset publisher all --dry-run --stagger 2s",
        &[(request, plans(&["lab", "lake"], &["old"]))],
    );
    let text = format!(
        "publisher old: skipped, as it is shut down in the configuration\n\
         publisher lab: {would}publisher lake: {would}\
         2 publishers, 2s between two of them: the last one 2s after the first\n"
    );
    ended(&output, 0, &text, "");
    let printed = document(&run(&format!("{request} --json"), &[(request, plans(&["lake"], &[]))]));
    assert_eq!(
        printed,
        json!({ "kind": "publishers-reset-plan", "skipped": [], "stagger": null, "publishers": [
            { "id": "lake", "plan": { "routers": ["edge1"], "routes": 12, "changes": [] }, "error": null },
        ]})
    );
}

#[test]
fn a_stagger_sends_one_reset_after_another_and_goes_on_after_one_that_is_gone() {
    let (first, second, third) =
        ("reset publisher a", "reset publisher \"data bus\"", "reset publisher c");
    let (begun, stagger) = (Instant::now(), 300);
    let output = run(
        &format!("reset publisher all --stagger {stagger}ms"),
        &[
            ("reset publisher all --dry-run", plans(&["a", "data bus", "c"], &["old"])),
            (first, reset(&[was_reset("a", &["edge1"])], &[])),
            (second, no_such("data bus")),
            (third, reset(&[was_reset("c", &["edge1"])], &[])),
        ],
    );
    assert!(begun.elapsed().as_millis() >= 2 * stagger);
    let text = format!(
        "publisher old: skipped, as it is shut down in the configuration\n\
         publisher a: {SENDING}publisher c: {SENDING}"
    );
    ended(&output, 1, &text, "bmpctl: publisher \"data bus\": it was removed meanwhile\n");

    // A failure that is not of one publisher ends it.
    let output = run(
        "reset publisher all --stagger 1ms --json",
        &[
            ("reset publisher all --dry-run", plans(&["a", "b", "c"], &[])),
            (first, reset(&[was_reset("a", &["edge1"])], &[])),
            ("reset publisher b", Response::Failed(Failure::Stopping)),
        ],
    );
    assert_eq!(output.status.code(), Some(1));
    let printed = document(&output);
    assert_eq!((&printed["to_come"], &printed["error"]["reason"]), (&json!(2), &json!("stopping")));
}

#[test]
fn what_was_not_sent_when_the_command_is_interrupted_is_not_reset() {
    let bmpd = Bmpd::new();
    let mut running = bmpd.start("reset publisher all --stagger 1m");
    bmpd.answer(Some(&plans(&["a", "b", "c"], &[])));
    bmpd.answer(Some(&reset(&[was_reset("a", &["edge1"])], &[])));
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, format!("publisher a: {SENDING}"));
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    let output = running.wait_with_output().unwrap();
    ended(&output, 130, "", "bmpctl: interrupted: 2 publishers were not reset\n");
}

#[test]
fn a_wait_is_for_every_generation_of_the_reset() {
    let (request, show) = ("reset publisher lake", "show publisher lake");
    let answers = |last: Response| {
        [
            (request, reset(&[was_reset("lake", &["a", "b"])], &[])),
            (show, synchronising("lake", &[("a", 1), ("b", 1)])),
            (show, synchronising("lake", &[("a", 2), ("b", 1)])),
            (show, last),
        ]
    };
    let output =
        run(&format!("{request} --wait"), &answers(synchronising("lake", &[("a", 2), ("b", 3)])));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    let begun = "\
publisher lake: reset, new producer, sending 2 routers again
publisher lake: 0 of 2 routers synchronised, 10 routes to send
publisher lake: 1 of 2 routers synchronised, 5 routes to send
publisher lake: synchronised, 2 routers in ";
    assert!(text.starts_with(begun), "{text}");

    // A router that has left is not waited for.
    let output = run(&format!("{request} --wait"), &answers(synchronising("lake", &[("a", 2)])));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("; router b has left meanwhile\n"), "{text}");

    // Nor is a publisher that has been removed.
    let output = run(&format!("{request} --wait --json"), &answers(no_such("lake")));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let progress = &document(&output)["publishers"][0]["progress"];
    assert_eq!((&progress["end"], &progress["state"]), (&json!("removed"), &Value::Null));

    let shut_down = report("lake", PublisherState::Shutdown, &[("a", 2), ("b", 1)]);
    let output = run(&format!("{request} --wait"), &answers(Response::Publishers(vec![shut_down])));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("shut down in the configuration meanwhile"), "{text}");
}

#[test]
fn a_wait_that_is_over_says_what_was_reached() {
    let (request, show) = ("reset publisher all", "show publisher lake");
    let answers = || {
        let both = [was_reset("lab", &[]), was_reset("lake", &["a", "b"])];
        let answer = synchronising("lake", &[("a", 2), ("b", 1)]);
        [(request, reset(&both, &[])), (show, answer)]
    };
    let reached = "publisher lake: 1 of 2 routers synchronised, 5 routes to send";
    let output = run(&format!("{request} --wait=100ms"), &answers());
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        text,
        format!(
            "bmpctl: 1 of 2 publishers is not synchronised after 100ms; bmpd continues:\n  {reached}\n"
        )
    );
    let output = run(&format!("{request} --wait=100ms -q"), &answers());
    let text = format!("bmpctl: {reached}, not synchronised after 100ms; bmpd continues\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), text);
    let output = run(&format!("{request} --wait=100ms --json"), &answers());
    assert_eq!(output.status.code(), Some(6), "{output:?}");
    let progress = &document(&output)["publishers"][1]["progress"];
    assert_eq!((&progress["routers"], &progress["end"]), (&json!(2), &Value::Null));
    let code = {
        let bmpd = Bmpd::new();
        let running = bmpd.start(&format!("{request} --wait"));
        bmpd.answer(Some(&answers()[0].1));
        bmpd.answer(None);
        running.wait_with_output().unwrap().status.code()
    };
    assert_eq!(code, Some(5), "the connection has ended without an answer");
}

#[test]
fn an_unknown_publisher_is_exit_code_3_with_those_there_are() {
    for line in ["show publisher lak", "reset publisher lak"] {
        let text =
            "bmpctl: no publisher lak; did you mean lake? There are:\n  lake\n  \"data bus\"\n";
        ended(&run(line, &[(line, no_such("lak"))]), 3, "", text);
    }
    let line = "show publisher lak";
    let printed = document(&run(&format!("{line} --json"), &[(line, no_such("lak"))]));
    assert_eq!(printed["reason"], "no-such-publisher");
    assert_eq!(printed["publishers"], json!(["lake", "data bus"]));
}

#[test]
fn a_report_is_a_table_a_page_or_a_document() {
    let answer = || synchronising("lake", &[("edge1", 2)]);
    let table = run("show publisher", &[("show publisher", answer())]);
    let text = String::from_utf8_lossy(&table.stdout);
    assert!(
        text.starts_with("Publisher  State ") && text.ends_with("\n1 publisher, 1 up\n"),
        "{text}"
    );
    let page = run("show publisher lake", &[("show publisher lake", answer())]);
    assert!(page.stdout.starts_with(b"Publisher lake\n  State:  "), "{page:?}");
    let printed = document(&run("show publisher --json", &[("show publisher", answer())]));
    assert_eq!(printed["kind"], "publishers");
    let Response::Publishers(reports) = answer() else { unreachable!() };
    assert_eq!(printed["publishers"], serde_json::to_value(reports).unwrap());
}

#[test]
fn events_and_reloads_name_publishers() {
    let event = EventKind::Publisher {
        id: name("lake"),
        from: Some(PublisherState::Established),
        to: Some(PublisherState::Stalled),
        why: "no broker answers".to_owned(),
    };
    let at = Timestamp(1_795_420_800_123);
    let events = [event, EventKind::Stopping].map(|what| Event { sequence: 1, at, what }).to_vec();
    let output = run("monitor --json", &[("monitor", Response::Events { events, lost: 0 })]);
    let lines = String::from_utf8(output.stdout).unwrap();
    let event: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!((&event["event"], &event["publisher"]), (&json!("publisher"), &json!("lake")));
    assert_eq!((&event["from"], &event["to"]), (&json!("established"), &json!("stalled")));

    let answer = || {
        Response::Reloaded(ReloadReport {
            dry_run: false,
            file: "/f".to_owned(),
            items: vec![ReloadItem {
                subject: ReloadSubject::Publisher(name("data bus")),
                action: ReloadAction::Pending,
                changes: Vec::new(),
            }],
            warnings: Vec::new(),
        })
    };
    let text = "publisher data bus: pending until: bmpctl reset publisher \"data bus\"\n";
    ended(&run("reload", &[("reload", answer())]), 0, text, "");
    let printed = document(&run("reload --json", &[("reload", answer())]));
    let item = &printed["items"][0];
    assert_eq!((&item["subject"], &item["name"]), (&json!("publisher"), &json!("data bus")));
}
