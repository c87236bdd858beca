//! The API: its answers are those of bmpctl, and what its description says.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::addresses::loopback;
use tests::daemon::Daemon;
use tests::documents::repository;
use tests::lab::{Lab, Plan};
use tests::scratch::Scratch;
use tests::table::Table;
use tests::wait::wait_for;

use super::{TIMEOUT, ask, get, http, place};

const SECRET: &str = "never to be shown";

/// Sessions, a neighbor with routes, a router that has not come, a publisher without a broker; some with secrets.
fn a_lab(place: std::net::SocketAddr) -> Lab {
    let more = format!(
        "{}[relay]\nlisten = [\"{}:11019\"]\n\n\
         [[router]]\nname = \"edge 1\"\naddress = \"192.0.2.9\"\ntcp.md5.key = \"{SECRET}\"\n\n\
         [[publisher]]\nname = \"lake\"\nkafka.bootstrap-servers = [\"{}:9\"]\ntopic = \"raw\"\n",
        http(place),
        loopback(),
        loopback(),
    );
    Plan { aliases: &[None, Some("a b")], more: &more, ..Plan::default() }.start()
}

/// Validates by programs of others; `lines` has a JSON object a line.
fn validate(lines: &str) {
    let python = repository("target/openapi/bin/python");
    assert!(python.exists(), "tests/openapi fetches what this test needs");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/validate.py");
    let mut child = Command::new(python)
        .arg(script)
        .args([repository("docs/openapi.json"), repository("docs/bmpctl.schema.json")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn every_path_answers_as_bmpctl_does_and_as_the_description_says() {
    let place = place();
    let lab = a_lab(place);
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(300, 100));
    for alias in [None, Some("a b")] {
        lab.daemon.wait_state(lab.address, alias, "Established");
    }
    let (station, peer) = (lab.station(), lab.peer);
    let mut lines = String::new();
    let mut answered = |path: &str, target: &str, status: u16| {
        let answer = get(place, target);
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{answer:?}");
        assert!(!answer.body.contains(SECRET), "{target}");
        let kind = answer.field("content-type").unwrap();
        let line = json!({ "path": path, "status": status, "type": kind, "body": answer.body });
        writeln!(lines, "{line}").unwrap();
        answer.json()
    };
    // The same names, states and fields; figures of time are others a moment later.
    fn shape(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                object.iter().map(|(key, value)| (key.clone(), shape(value))).collect()
            }
            Value::Array(list) => list.iter().map(shape).collect(),
            Value::Number(_) => json!("a number"),
            Value::String(text) if text.ends_with('Z') => json!("a time"),
            value => value.clone(),
        }
    }
    let session = format!("/api/v1/sessions/{station}");
    let lists: [(&str, &str, &[&str]); 10] = [
        ("/api/v1/sessions", "", &["show", "session"]),
        ("/api/v1/sessions/{address}", &station, &["show", "session", &station]),
        (
            "/api/v1/sessions/{address}",
            &format!("{station}?alias=a%20b"),
            &["show", "session", &station, "--alias", "a b"],
        ),
        ("/api/v1/neighbors", "", &["show", "neighbor"]),
        (
            "/api/v1/neighbors/{address}",
            &peer.to_string(),
            &["show", "neighbor", &peer.to_string()],
        ),
        ("/api/v1/routers", "", &["show", "router"]),
        ("/api/v1/routers/{name}", "edge%201", &["show", "router", "edge 1"]),
        ("/api/v1/routers/{name}", "local", &["show", "router", "local"]),
        ("/api/v1/publishers", "", &["show", "publisher"]),
        ("/api/v1/publishers/{name}", "lake", &["show", "publisher", "lake"]),
    ];
    for (path, name, command) in lists {
        let target = path.split("/{").next().unwrap();
        let target = if name.is_empty() { target.to_owned() } else { format!("{target}/{name}") };
        // What happens meanwhile is in one of them only.
        wait_for(&target, TIMEOUT, || {
            let shown = lab.daemon.bmpctl(&[command, &["--json"]].concat());
            let shown: Value = serde_json::from_str(shown.done()).unwrap();
            let answer = answered(path, &target, 200);
            match shape(&answer) == shape(&shown) {
                true => Ok(()),
                false => Err(format!("{answer}\n{shown}")),
            }
        });
    }
    let status = answered("/api/v1/status", "/api/v1/status", 200);
    assert_eq!(status["status"]["caller"]["level"], "monitoring", "{status}");
    let shown = lab.daemon.bmpctl(&["show", "event", "--json"]);
    let shown: Value = serde_json::from_str(shown.done()).unwrap();
    let events = answered("/api/v1/events", "/api/v1/events?since=1h", 200);
    let count = shown["events"].as_array().unwrap().len();
    assert!(count > 5, "{shown}");
    assert_eq!(
        events["events"].as_array().unwrap()[..count],
        shown["events"].as_array().unwrap()[..]
    );
    assert_eq!(events["events"][0]["event"], "started", "{events}");
    let newest = answered("/api/v1/events", "/api/v1/events?limit=1&publisher=lake", 200);
    let newest = newest["events"].as_array().unwrap();
    assert_eq!((newest.len(), &newest[0]["publisher"]), (1, &json!("lake")));
    let last = events["last"].as_u64().unwrap();
    let none =
        answered("/api/v1/events", &format!("/api/v1/events?after={last}&router=edge%201"), 200);
    assert_eq!(none["events"], json!([]), "{none}");
    let description = answered("/api/v1/openapi.json", "/api/v1/openapi.json", 200);
    let kept = std::fs::read_to_string(repository("docs/openapi.json")).unwrap();
    assert_eq!(description, serde_json::from_str::<Value>(&kept).unwrap());
    answered("/health", "/health", 200);
    let publisher_is_away = answered("/health/ready", "/health/ready", 503);
    assert_eq!(publisher_is_away["status"], "not-synchronised", "{publisher_is_away}");
    for (path, target, status) in [
        ("/api/v1/sessions/{address}", &*format!("{session}?alias=x"), 404),
        ("/api/v1/sessions/{address}", "/api/v1/sessions/10.1.1", 400),
        ("/api/v1/neighbors", "/api/v1/neighbors?vpn_instance=x", 404),
        ("/api/v1/routers/{name}", "/api/v1/routers/edge%2", 400),
        ("/api/v1/publishers/{name}", "/api/v1/publishers/x", 404),
        ("/api/v1/events", "/api/v1/events?neighbor=192.0.2.77", 404),
        ("/api/v1/events", "/api/v1/events?since=x", 400),
    ] {
        let problem = answered(path, target, status);
        assert_eq!(problem["status"], status, "{problem}");
    }
    lab.daemon
        .rewrite_config(&lab.config.replace("kafka.bootstrap", "shutdown = true\nkafka.bootstrap"));
    lab.daemon.bmpctl(&["reload"]).done();
    lab.daemon.bmpctl(&["reset", "publisher", "lake"]);
    wait_for("it to be ready", TIMEOUT, || match get(place, "/health/ready") {
        ready if ready.status == 200 => Ok(()),
        ready => Err(format!("{ready:?}")),
    });
    answered("/health/ready", "/health/ready", 200);
    for command in [
        &["show", "session", "-v"][..],
        &["show", "config"],
        &["show", "statistics"],
        &["show", "event"],
        &["show", "status"],
        &["reset", "session", "all", "--dry-run"],
        &["show", "session", "203.0.113.9"],
    ] {
        let output = lab.daemon.bmpctl(&[command, &["--json"]].concat());
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        writeln!(lines, "{}", json!({ "document": document })).unwrap();
    }
    validate(&lines);
}

#[test]
fn requests_that_are_not_for_it_are_refused_with_what_to_do() {
    let scratch = Scratch::new();
    let place = place();
    let _daemon = Daemon::start(&scratch, &http(place));
    for (method, target, fields, status) in [
        ("POST", "/api/v1/sessions", "Content-Length: 0\n", 405),
        ("DELETE", "/api/v1/sessions/10.1.1.1", "", 405),
        ("OPTIONS", "/api/v1/events", "Origin: http://evil.example\n", 405),
        ("GET", "/api/v1/sessions", "Host: evil.example\n", 421),
        ("GET", "/api/v1/nothing", "", 404),
        ("GET", "/api/v1/events", "Accept: text/event-stream\nLast-Event-ID: 1e9\n", 400),
        ("GET", "/api/v1/events?limit=1", "Accept: text/event-stream\n", 400),
        ("GET", "/api/v1/events?session=203.0.113.9", "Accept: text/event-stream\n", 404),
    ] {
        let answer = ask(place, method, target, fields);
        assert_eq!(answer.status, status, "{method} {target}: {answer:?}");
        assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{answer:?}");
        assert_eq!(answer.json()["status"], status, "{answer:?}");
        assert_eq!(answer.field("allow").is_some(), status == 405, "{answer:?}");
        assert!(!answer.head.contains("access-control"), "{answer:?}");
    }
    // Too long for a head; nothing of it is kept.
    let long = format!("/api/v1/routers/{}", "x".repeat(64 << 10));
    let stream = std::net::TcpStream::connect(place).unwrap();
    let answer = super::try_ask(stream, &format!("GET {long} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(answer.is_none_or(|answer| [414, 431].contains(&answer.status)));
    for target in ["/api/v1/sessions", "/health"] {
        let [head, whole] = ["HEAD", "GET"].map(|method| ask(place, method, target, ""));
        assert_eq!((head.status, &*head.body), (200, ""), "{head:?}");
        assert_eq!(head.field("content-length"), whole.field("content-length"), "{head:?}");
    }
    let stream = ask(place, "HEAD", "/api/v1/events", "Accept: text/event-stream\n");
    assert_eq!((stream.status, stream.field("content-type")), (200, Some("text/event-stream")));
}
