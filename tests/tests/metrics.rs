//! What bmpd reports to Prometheus, and what Prometheus makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tests::addresses::{free_port, loopback};
use tests::bgp::{Family, Prefix};
use tests::daemon::{self, Daemon, run, session};
use tests::documents::{repository, text};
use tests::faults::stations::{Manner, Rogue};
use tests::lab::{Lab, Plan};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::{Attributes, Table};
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(60);

fn place() -> SocketAddr {
    let address = loopback();
    SocketAddr::new(address, free_port(address))
}

fn http(place: SocketAddr) -> String {
    format!("[http]\nlisten = [\"{place}\"]\n")
}

/// What is answered to these bytes, until the connection is closed.
fn ask(place: SocketAddr, request: &str) -> String {
    conversation(TcpStream::connect(place).unwrap(), request)
}

fn conversation(mut stream: TcpStream, request: &str) -> String {
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The metrics, after a look at the head of the answer.
fn metrics(place: SocketAddr) -> String {
    let answer = ask(place, "GET /metrics HTTP/1.1\r\nHost: bmpd\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    body.to_owned()
}

/// The same for who asks from another address.
fn metrics_from(source: IpAddr, place: SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
    socket.connect(&place.into()).unwrap();
    let answer = conversation(socket.into(), "GET /metrics HTTP/1.1\r\nHost: bmpd\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

/// Each series with its value.
fn series(text: &str) -> BTreeMap<String, f64> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap_or_else(|e| panic!("{line}: {e}")))
        })
        .collect()
}

/// The names of metrics, by the lines that say what they are.
fn names(text: &str) -> BTreeSet<String> {
    let kinds = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    kinds.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

fn a_lab(more: &str) -> Lab {
    Plan { aliases: &[None, Some("aa")], more, ..Plan::default() }.start()
}

#[test]
fn the_figures_are_those_of_bmpctl_and_promtool_finds_nothing_wrong() {
    let place = place();
    let lab = a_lab(&http(place));
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(500, 50));
    for station in &lab.stations {
        station.wait_connection(1).wait_complete_of(
            lab.peer,
            &[Family::IPV4, Family::IPV6],
            TIMEOUT,
        );
    }
    lab.daemon.bmpctl(&["reset", "session", "all", "--wait=30s"]).done();
    let address = lab.station();
    let of = |alias: &str, more: &str| {
        format!("{{address=\"{address}\",alias=\"{alias}\",vpn_instance=\"_public_\"{more}}}")
    };
    let statistics = || -> Value {
        let output = lab.daemon.bmpctl(&["show", "statistics", "--json"]);
        serde_json::from_str(output.done()).unwrap()
    };
    // What is counted while one looks is different a moment later.
    let (text, shown) = wait_for("two looks at the same figures", TIMEOUT, || {
        let (before, text, after) = (statistics(), metrics(place), statistics());
        let sent = |value: &Value| {
            value["sessions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| s["sent"].clone())
                .collect::<Vec<_>>()
        };
        if sent(&before) == sent(&after) { Ok((text, after)) } else { Err("they change".into()) }
    });
    let all = series(&text);
    let value = |name: &str| *all.get(name).unwrap_or_else(|| panic!("no {name} in\n{text}"));
    for (session, alias) in shown["sessions"].as_array().unwrap().iter().zip(["", "aa"]) {
        let figure = |name: &str| session["sent"][name].as_f64().unwrap();
        let counted = |name: &str| value(&format!("bmpd_session_{name}_total{}", of(alias, "")));
        assert_eq!(counted("sent_bytes"), figure("bytes"));
        assert_eq!(counted("announced_routes"), figure("routes_announced"));
        assert_eq!(counted("announced_routes"), 1100.0, "a table and a reset");
        assert_eq!(counted("end_of_ribs"), figure("end_of_rib"));
        for (kind, name) in [("route-monitoring", "route_monitoring"), ("peer-up", "peer_up")] {
            let kind = format!(",type=\"{kind}\"");
            let name_of = format!("bmpd_session_sent_messages_total{}", of(alias, &kind));
            assert_eq!(value(&name_of), figure(name));
        }
        assert_eq!(counted("connections"), 2.0);
        assert_eq!(counted("resets"), 1.0);
        let downs = format!("bmpd_session_downs_total{}", of(alias, ",reason=\"reset\""));
        assert_eq!(value(&downs), 1.0);
        let now = |name: &str| value(&format!("bmpd_session_{name}{}", of(alias, "")));
        assert_eq!((now("up"), now("synchronised"), now("generation")), (1.0, 1.0, 2.0));
        assert_eq!(now("routes_to_send"), 0.0);
        for (state, is) in [("established", 1.0), ("idle", 0.0)] {
            let state = format!(",state=\"{state}\"");
            assert_eq!(value(&format!("bmpd_session_state{}", of(alias, &state))), is);
        }
    }
    let of_peer =
        |more: &str| format!("{{address=\"{}\",vpn_instance=\"_public_\"{more}}}", lab.peer);
    assert_eq!(value(&format!("bmpd_neighbor_up{}", of_peer(""))), 1.0);
    let routes = |family: &str| {
        value(&format!("bmpd_neighbor_routes{}", of_peer(&format!(",family=\"{family}\""))))
    };
    assert_eq!((routes("ipv4-unicast"), routes("ipv6-unicast")), (500.0, 50.0));
    let started = value("process_start_time_seconds");
    assert!(started > 1.7e9 && value("bmpd_configuration_timestamp_seconds") >= started);
    assert!(value("process_resident_memory_bytes") > 1e6 && value("bmpd_table_memory_bytes") > 0.0);
    assert_eq!(value("bmpd_internal_errors_total"), 0.0);

    let mut promtool = Command::new("promtool");
    let mut promtool = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty() && said.stdout.is_empty(), "{said:?}");
}

#[test]
fn a_session_that_a_reload_has_ended_has_no_figures() {
    let scratch = Scratch::new();
    let place = place();
    let [one, two] = [(); 2].map(|()| Station::listen(loopback(), Mode::Keeping));
    let with = |stations: &[&Station]| {
        let sessions = stations.iter().map(|one| session(one.ip(), one.port(), None));
        sessions.collect::<String>() + &http(place)
    };
    let daemon = Daemon::start(&scratch, &with(&[&one, &two]));
    two.wait_connection(1);
    let is_there = |station: &Station| metrics(place).contains(&format!("\"{}\"", station.ip()));
    assert!(is_there(&one) && is_there(&two));
    daemon.rewrite_config(&with(&[&one]));
    daemon.bmpctl(&["reload"]).done();
    assert!(is_there(&one) && !is_there(&two));
}

#[test]
fn only_reading_is_possible() {
    let scratch = Scratch::new();
    let place = place();
    let _daemon = Daemon::start(&scratch, &http(place));
    let first = |request: &str| ask(place, request).lines().next().unwrap_or_default().to_owned();
    let of = |method: &str, path: &str| {
        first(&format!("{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"))
    };
    assert_eq!(of("GET", "/metrics"), "HTTP/1.1 200 OK");
    assert_eq!(of("GET", "/metrics?name=x"), "HTTP/1.1 200 OK");
    for path in ["/x", "/metrics/", "/../etc/passwd", "/%2e%2e/x"] {
        assert_eq!(of("GET", path), "HTTP/1.1 404 Not Found", "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "reset"] {
        assert_eq!(of(method, "/metrics"), "HTTP/1.1 405 Method Not Allowed", "{method}");
    }
    let head = ask(place, "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(first("nonsense\r\n\r\n"), "HTTP/1.1 400 Bad Request");
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let mut stream = TcpStream::connect(place).unwrap();
    let _ = stream.write_all(long.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    // One request a connection, however many are sent.
    let two = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(2);
    assert_eq!(ask(place, &two).matches("HTTP/1.1 200 OK").count(), 1);
}

#[test]
fn a_table_that_changes_is_compacted_which_is_counted() {
    let place = place();
    let lab = Plan { more: &http(place), ..Plan::default() }.start();
    let counted = || series(&metrics(place))["bmpd_table_compactions_total"];
    assert_eq!(counted(), 0.0);
    let neighbor = lab.connect();
    let prefixes: Vec<Prefix> =
        (0..250).map(|n| format!("203.0.{n}.0/24").parse().unwrap()).collect();
    // The same routes with other attributes: what was said before is of no use any more.
    let mut random = Random::new(1);
    for n in 0..100 {
        neighbor.announce(&prefixes, &Attributes::sample(n, &mut random));
    }
    lab.stations[0].wait_connection(1).wait_routes(lab.peer, &neighbor.expected(), TIMEOUT);
    // It is seen when the neighbor pauses.
    wait_for("a compaction", TIMEOUT, || match counted() {
        count if count > 0.0 => Ok(()),
        count => Err(format!("{count}")),
    });
}

#[test]
fn slow_and_many_connections_cost_nothing() {
    let scratch = Scratch::new();
    let place = place();
    let config = http(place) + "maximum-connections = 16\n";
    let daemon = Daemon::start(&scratch, &config);
    metrics(place);
    let before = daemon.rss_kib();
    // Half of a request each; all but a quarter of the places are closed at once, and the four when their time is
    // over.
    let mut half: Vec<TcpStream> =
        (0..300).filter_map(|_| TcpStream::connect(place).ok()).collect();
    for stream in &mut half {
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost:");
    }
    let closed = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        match stream.peek(&mut [0; 1]) {
            Ok(_) => true,
            Err(error) => !matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            ),
        }
    };
    wait_until("four are left", TIMEOUT, || {
        half.retain_mut(|stream| !closed(stream));
        half.len() <= 4
    });
    daemon.bmpctl(&["show", "status"]).done();
    // Whoever asks from another address has an answer meanwhile.
    let others = loopback();
    metrics_from(others, place);
    assert!(!half.iter_mut().any(closed), "it took too long to say anything");
    wait_until("the places are free again", TIMEOUT, || {
        half.retain_mut(|stream| !closed(stream));
        half.is_empty()
    });
    metrics(place);
    let after = daemon.rss_kib();
    assert!(after < before + 4096, "from {before} to {after} KiB");
}

#[test]
fn what_is_configured_is_checked_shown_and_needs_a_restart() {
    let scratch = Scratch::new();
    let [one, two] = [place(), place()];
    let daemon = Daemon::start(&scratch, &http(one));
    daemon.rewrite_config(&http(two));
    let output = daemon.bmpctl(&["reload"]);
    assert!(output.done().contains(&format!("http.listen {one} -> {two}")), "{output}");
    let pending = daemon.bmpctl(&["show", "config", "--pending"]);
    assert!(
        pending.done().contains(&format!("listen = [\"{one}\"]  # pending: [\"{two}\"]")),
        "{pending}"
    );
    metrics(one);
    assert!(TcpStream::connect(two).is_err());
    // Another bmpd has it.
    let other = Daemon::check(&scratch, &http("0.0.0.0:11080".parse().unwrap()));
    assert!(other.text().contains("who reaches 0.0.0.0:11080 reads the metrics"), "{other}");
    let taken = Scratch::new();
    let config = taken.write(
        "bmpd.toml",
        format!("{}[control]\nsocket = \"{}\"\n", http(one), taken.join("s").display()),
    );
    let output = run(Command::new(daemon::binary("bmpd")).arg("--config").arg(config), TIMEOUT);
    let expected = format!("cannot listen at {one} for HTTP: Address already in use");
    assert!(output.status == 1 && output.text().contains(&expected), "{output}");
}

/// The names of metrics in expressions of PromQL.
fn used(expression: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    expression
        .split(|c| !is_name(c))
        .filter(|word| word.starts_with("bmpd_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn documents_rules_and_dashboard_name_what_there_is() {
    let place = place();
    let lab = a_lab(&http(place));
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(5, 5));
    lab.stations[0].wait_connection(1).wait_complete_of(
        lab.peer,
        &[Family::IPV4, Family::IPV6],
        TIMEOUT,
    );
    lab.daemon.bmpctl(&["reset", "session", "all", "--wait=30s"]).done();
    let config = fs_text(lab.daemon.config());
    lab.daemon.rewrite_config(&config.replace("[bgp]\n", "[bgp]\nmemory-limit = 4096\n"));
    lab.daemon.bmpctl(&["reload"]).done();
    let there = names(&metrics(place));
    let document = text("docs/metrics.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
    assert_eq!(rows, there, "docs/metrics.md has a row for each");

    let rules = text("etc/prometheus/bmpd.rules.yml");
    let of_rules: BTreeSet<String> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "))
        .flat_map(used)
        .collect();
    assert!(of_rules.len() >= 9, "{of_rules:?}");
    let dashboard: Value = serde_json::from_str(&text("etc/grafana/bmpd.json")).unwrap();
    let mut of_dashboard = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(panel["title"].is_string() && panel["gridPos"]["w"].is_u64(), "{panel}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{panel}");
        of_dashboard.extend(targets.iter().flat_map(|t| used(t["expr"].as_str().unwrap())));
    }
    let unknown = |used: &BTreeSet<String>| used.difference(&there).cloned().collect::<Vec<_>>();
    assert_eq!((unknown(&of_rules), unknown(&of_dashboard)), (vec![], vec![]));
}

fn fs_text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// A Prometheus that asks every second, and evaluates the rules of the repository, a minute of which is a second.
struct Prometheus {
    process: Child,
    place: SocketAddr,
}

impl Prometheus {
    fn start(scratch: &Scratch, bmpd: SocketAddr) -> Self {
        let rules = text("etc/prometheus/bmpd.rules.yml")
            .replace("for: 1m", "for: 1s")
            .replace("for: 5m", "for: 5s")
            .replace("for: 10m", "for: 10s")
            .replace("bmpd_session_blocked_seconds > 60", "bmpd_session_blocked_seconds > 1");
        scratch.write("bmpd.rules.yml", rules);
        let config = scratch.write(
            "prometheus.yml",
            format!(
                "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
                 rule_files: [bmpd.rules.yml]\n\
                 scrape_configs:\n  - job_name: bmpd\n    static_configs: [{{ targets: ['{bmpd}'] }}]\n"
            ),
        );
        let address = loopback();
        let place = SocketAddr::new(address, free_port(address));
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", scratch.join("data").display()))
            .arg(format!("--web.listen-address={place}"))
            .arg("--log.level=error")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, place }
    }

    /// What fires: the name of the alert and the address in question, with what it says.
    fn firing(&self) -> BTreeMap<(String, String), String> {
        let request = "GET /api/v1/alerts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let Ok(mut stream) = TcpStream::connect(self.place) else { return BTreeMap::new() };
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        // The answer may come in chunks; the document is between the first and the last brace.
        let (Some(from), Some(to)) = (answer.find('{'), answer.rfind('}')) else {
            return BTreeMap::new();
        };
        let chunked: String = answer[from..=to]
            .split("\r\n")
            .filter(|line| !line.bytes().all(|b| b.is_ascii_hexdigit()))
            .collect();
        let answer: Value = serde_json::from_str(&chunked).unwrap_or(Value::Null);
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let fires = |alert: &&Value| alert["state"] == "firing";
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        alerts
            .iter()
            .filter(fires)
            .map(|alert| {
                let labels = &alert["labels"];
                let summary = text(&alert["annotations"]["summary"]);
                ((text(&labels["alertname"]), text(&labels["address"])), summary)
            })
            .collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_alerts_fire_for_an_unreachable_and_a_stalled_station_and_for_nobody_else() {
    let rules = repository("etc/prometheus/bmpd.rules.yml");
    run(Command::new("promtool").args(["check", "rules"]).arg(rules), TIMEOUT).done();

    let scratch = Scratch::new();
    let place = place();
    let unreachable = SocketAddr::new(loopback(), 9);
    let stalled = Rogue::start(Manner::NeverRead);
    let at = stalled.address();
    let more = http(place)
        + &session(unreachable.ip(), unreachable.port(), None)
        + &session(at.ip(), at.port(), None);
    let lab = Plan { more: &more, ..Plan::default() }.start();
    let neighbor = lab.connect();
    // More than the buffers of a socket hold.
    neighbor.send_all(&Table::full(300_000, 0));
    let prometheus = Prometheus::start(&scratch, place);
    let key = |alert: &str, address: IpAddr| (alert.to_owned(), address.to_string());
    let expected = [
        key("BmpSessionDown", unreachable.ip()),
        key("BmpSessionStalled", at.ip()),
        key("BmpSessionNotSynchronised", at.ip()),
    ];
    let firing = wait_for("the alerts", TIMEOUT, || {
        let firing = prometheus.firing();
        match expected.iter().all(|key| firing.contains_key(key)) {
            true => Ok(firing),
            false => Err(format!("{firing:?}")),
        }
    });
    let summary = &firing[&expected[1]];
    assert!(summary.contains("has read nothing for a minute"), "{summary}");
    let others: Vec<_> = firing.keys().filter(|key| !expected.contains(key)).collect();
    assert!(others.is_empty(), "{others:?}");
    // What is over ends; what is gone is noticed.
    drop(neighbor);
    wait_until("the alert of the neighbor", TIMEOUT, || {
        prometheus.firing().contains_key(&key("BmpdNeighborDown", lab.peer))
    });
    lab.daemon.stop();
    wait_until("the alert of bmpd", TIMEOUT, || {
        prometheus.firing().contains_key(&("BmpdAway".to_owned(), String::new()))
    });
}
