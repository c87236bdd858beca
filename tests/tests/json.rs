//! What `--json` prints is what the schema in the repository says, for every command and for failures.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::daemon::{Daemon, Output};
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::table::Table;

const TIMEOUT: Duration = Duration::from_secs(30);

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bmpctl.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The kinds of documents that the schema knows.
fn kinds(schema: &Value) -> BTreeSet<String> {
    let kind =
        |document: &Value| document["properties"]["kind"]["const"].as_str().map(String::from);
    schema["oneOf"].as_array().unwrap().iter().map(|document| kind(document).unwrap()).collect()
}

/// The schema lets readers expect further fields. Here a field that it does not name is a fault.
fn closed(mut schema: Value) -> Value {
    fn close(schema: &mut Value) {
        match schema {
            Value::Object(object) => {
                let is_closed = object.contains_key("properties");
                if is_closed {
                    object.insert("unevaluatedProperties".to_owned(), json!(false));
                }
                object.values_mut().for_each(close);
                // Its alternatives are parts of it.
                if let Some(Value::Array(parts)) = object.get_mut("oneOf").filter(|_| is_closed) {
                    open(parts);
                }
            }
            Value::Array(list) => list.iter_mut().for_each(close),
            _ => {}
        }
    }
    fn open(parts: &mut [Value]) {
        for part in parts {
            if let Value::Object(part) = part {
                part.remove("unevaluatedProperties");
            }
        }
    }
    // Documents that are made of a definition are closed around it.
    let mut made_of = BTreeSet::new();
    for document in schema["oneOf"].as_array().unwrap() {
        if let Some(reference) = document["$ref"].as_str() {
            made_of.insert(reference.rsplit('/').next().unwrap().to_owned());
        }
    }
    close(&mut schema);
    for name in made_of {
        schema["$defs"][&name].as_object_mut().unwrap().remove("unevaluatedProperties");
    }
    schema
}

struct Checker {
    schema: jsonschema::Validator,
    seen: BTreeSet<String>,
}

impl Checker {
    fn new() -> Self {
        let schema = jsonschema::options().should_validate_formats(true).build(&closed(schema()));
        Self { schema: schema.unwrap(), seen: BTreeSet::new() }
    }

    /// Checks one document and returns it.
    #[track_caller]
    fn check(&mut self, text: &str) -> Value {
        let document: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let faults: Vec<String> = self
            .schema
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{text}\n{}", faults.join("\n"));
        self.seen.insert(document["kind"].as_str().unwrap().to_owned());
        document
    }

    /// Checks what a command answered: one document on standard output, nothing beside it.
    #[track_caller]
    fn answer(&mut self, output: &Output, kind: &str) -> Value {
        let document = self.check(&output.stdout);
        assert_eq!(output.stderr, "", "{output}");
        assert_eq!(document["kind"], kind, "{output}");
        if kind == "error" {
            assert_eq!(document["exit_code"], output.status, "{output}");
        } else {
            assert_eq!(output.status, 0, "{output}");
        }
        document
    }
}

#[test]
fn the_closed_schema_refuses_what_is_not_in_it() {
    let schema = jsonschema::options().build(&closed(schema())).unwrap();
    let version = json!({"kind": "version", "bmpctl": "1", "bmpd": "1", "protocol": 3});
    let error = json!({
        "kind": "error", "exit_code": 1, "reason": "failed", "message": "no",
        "sessions": [], "neighbors": [], "routers": [], "publishers": [], "vpn_instances": [],
    });
    for document in [version, error] {
        assert!(schema.is_valid(&document));
        for key in document.as_object().unwrap().keys() {
            let mut without = document.clone();
            without.as_object_mut().unwrap().remove(key);
            assert!(!schema.is_valid(&without), "without {key}");
        }
        let mut more = document.clone();
        more["more"] = json!(1);
        assert!(!schema.is_valid(&more), "with another field");
    }
}

#[test]
fn every_command_prints_a_document_of_the_schema() {
    let lab = Plan { aliases: &[None, Some("aa")], ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(30, 12));
    for alias in [None, Some("aa")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    let mut checker = Checker::new();
    let station = lab.station();
    let ask = |arguments: &[&str]| {
        let mut line = arguments.to_vec();
        line.push("--json");
        lab.daemon.bmpctl(&line)
    };

    // A stream, which sees what the others do.
    let mut monitor = lab
        .daemon
        .bmpctl_command(&["monitor", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(monitor.stdout.take().unwrap()).lines();
    tests::wait::wait_for("the monitor to be served", TIMEOUT, || {
        let status: Value = serde_json::from_str(ask(&["show", "status"]).done()).unwrap();
        if status["status"]["monitors"] == 1 { Ok(()) } else { Err(status.to_string()) }
    });

    let all: [(&[&str], &str); 37] = [
        (&["show", "session"], "sessions"),
        (&["show", "session", "-v"], "sessions"),
        (&["show", "session", &station, "--alias", "aa"], "sessions"),
        (&["display", "bmp", "session"], "sessions"),
        (&["--json", "display", "bmp", "session", &station, "alias", "aa", "verbose"], "sessions"),
        (&["show", "neighbor"], "neighbors"),
        (&["show", "router"], "routers"),
        (&["reset", "router", "all"], "routers-reset"),
        (&["show", "publisher"], "publishers"),
        (&["reset", "publisher", "all"], "publishers-reset"),
        (&["reset", "publisher", "all", "--dry-run"], "publishers-reset-plan"),
        (&["show", "vpn-instance"], "vpn-instances"),
        (&["show", "config"], "config"),
        (&["show", "config", "--pending"], "config"),
        (&["show", "statistics"], "statistics"),
        (&["show", "statistics", &station], "statistics"),
        (&["show", "status"], "status"),
        (&["show", "event"], "events"),
        (&["show", "event", "--session", "all", "--limit", "3"], "events"),
        (&["show", "version"], "version"),
        (&["reset", "session", "all", "--dry-run"], "reset-plan"),
        (&["reset", "session", &station], "reset"),
        (&["reset", "session", "all", "--stagger", "10ms"], "reset"),
        (&["reset", "session", "all", "--wait=30s"], "reset"),
        (&["reload", "--dry-run"], "reload"),
        (&["reload"], "reload"),
        (&["config", "check"], "config-checked"),
        (&["config", "explain", "session"], "config-keys"),
        (&["check", "session", &station, "--alias", "aa"], "checks"),
        (&["wait", "session", &station, "--alias", "aa"], "waited"),
        (&["clear", "statistics"], "statistics-cleared"),
        (&["log", "level"], "log"),
        (&["log", "level", "debug", "--for", "1m"], "log"),
        (&["reset", "session", "203.0.113.9"], "error"),
        (&["show", "neighbor", "203.0.113.9"], "error"),
        (&["show", "vpn-instance", "nowhere"], "error"),
        (&["reset", "session"], "error"),
    ];
    for (arguments, kind) in all {
        // The manual's grammar takes options only before its words.
        let output = match arguments.first() {
            Some(&"--json") => lab.daemon.bmpctl(arguments),
            _ if arguments.starts_with(&["display"]) => {
                lab.daemon.bmpctl(&[&["--json"], arguments].concat())
            }
            _ => ask(arguments),
        };
        checker.answer(&output, kind);
    }

    // Routes are a document a line, and the last one is the end.
    for (arguments, kind) in [
        (&["show", "route", "--bytes"][..], "route"),
        (&["show", "route", "--count-by", "origin-as"], "route-count"),
    ] {
        let output = ask(arguments);
        let kinds: Vec<Value> =
            output.done().lines().map(|line| checker.check(line)["kind"].clone()).collect();
        let (end, routes) = kinds.split_last().unwrap();
        assert!(end == "routes-end" && routes.iter().all(|one| one == kind), "{output}");
        assert!(!routes.is_empty(), "{output}");
    }

    // An error lists what there is.
    let unknown = checker.answer(&ask(&["show", "neighbor", "203.0.113.9"]), "error");
    let here = json!([{ "address": lab.peer.to_string(), "vpn_instance": null }]);
    assert_eq!((&unknown["neighbors"], &unknown["sessions"]), (&here, &json!([])), "{unknown}");

    // With all that can be in it: sessions that are down, pending parameters, reasons, a bad file.
    lab.stations[1].latest().unwrap().close();
    let changed = lab.config.replace("[bmp]\n", "[bmp]\nsystem-name = \"other\"\n");
    lab.daemon.rewrite_config(&changed);
    let reload = checker.answer(&ask(&["reload", "--dry-run"]), "reload");
    assert!(!reload["items"].as_array().unwrap().is_empty(), "{reload}");
    // What it is not about is null, not absent.
    assert_eq!(reload["items"][0].get("name"), Some(&Value::Null), "{reload}");
    checker.answer(&ask(&["reload"]), "reload");
    let pending = checker.answer(&ask(&["show", "config", "--pending"]), "config");
    assert!(!pending["sections"].as_array().unwrap().is_empty(), "{pending}");
    checker.answer(&ask(&["show", "session"]), "sessions");
    checker.answer(&ask(&["reset", "session", "all", "--dry-run"]), "reset-plan");
    lab.daemon.rewrite_config("no toml");
    let bad = checker.answer(&ask(&["reset", "session", "all"]), "error");
    assert_eq!(bad["reason"], "bad-configuration");
    let shut = lab.config.replace("tcp.connect-port", "shutdown = true\ntcp.connect-port");
    lab.daemon.rewrite_config(&shut);
    let output = ask(&["reset", "session", "all"]);
    assert_eq!(output.status, 1, "{output}");
    let shut = checker.check(&output.stdout);
    assert!(shut["sessions"][0]["error"].as_str().unwrap().contains("shut down"), "{shut}");

    // Session, neighbor, command and reload have been reported by now.
    neighbor.close();
    let mut received = BTreeSet::new();
    for event in events.by_ref() {
        let event = checker.check(&event.unwrap());
        received.extend(event["event"].as_str().map(str::to_owned));
        if ["session", "neighbor", "command", "reload"].iter().all(|kind| received.contains(*kind))
        {
            break;
        }
    }
    monitor.kill().unwrap();
    monitor.wait().unwrap();

    let mut missing = kinds(&schema());
    // That takes a reader that is too slow: tests/monitor.rs.
    missing.remove("events-lost");
    missing.retain(|kind| !checker.seen.contains(kind));
    assert!(missing.is_empty(), "no command has printed {missing:?}");
}

#[test]
fn a_bmpd_that_is_away_and_a_wrong_command_line_are_documents_too() {
    let mut checker = Checker::new();
    let scratch = Scratch::new();
    let nowhere = scratch.join("nowhere.sock").display().to_string();
    let bmpctl = |arguments: &[&str]| {
        let mut command = std::process::Command::new(tests::daemon::binary("bmpctl"));
        tests::daemon::run(command.args(arguments), TIMEOUT)
    };
    let cases: [(&[&str], &str, i32); 5] = [
        (&["--json", "--socket", &nowhere, "show", "session"], "not-reachable", 5),
        (&["rest", "session", "all", "--json"], "usage", 2),
        (&["reset", "session", "10.1.1.300", "--json"], "usage", 2),
        (&["reset", "session", "all", "--alias", "aa", "--json"], "usage", 2),
        (&["--json", "reset", "bmp", "session", "10.1.1.1", "alias"], "usage", 2),
    ];
    for (arguments, reason, code) in cases {
        let output = bmpctl(arguments);
        let document = checker.answer(&output, "error");
        assert_eq!((&document["reason"], output.status), (&json!(reason), code), "{output}");
        let message = document["message"].as_str().unwrap();
        assert!(!message.contains('\u{1b}') && !message.is_empty(), "{message:?}");
    }
    // After `--` it is a word like any other, and help is help.
    assert!(!bmpctl(&["reset", "session", "--", "--json"]).stderr.is_empty());
    assert!(bmpctl(&["--json", "--help"]).done().contains("Usage"));
}

#[test]
fn times_are_rfc_3339_and_lengths_of_time_are_seconds() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let status: Value =
        serde_json::from_str(daemon.bmpctl(&["show", "status", "--json"]).done()).unwrap();
    let started = status["status"]["started"].as_str().unwrap();
    assert!(started.ends_with('Z') && started.contains('T') && started.len() == 24, "{started}");
    let uptime = status["status"]["uptime"].as_f64().unwrap();
    assert!(uptime < 60.0, "{uptime}");
}
