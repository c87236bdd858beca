//! `bmpctl show status` and `show version`: bmpd itself, in numbers that the system confirms.

use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::daemon::{Daemon, session};
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::slow::SlowFile;
use tests::table::Table;
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(30);

fn status(daemon: &Daemon) -> Value {
    let answer: Value =
        serde_json::from_str(daemon.bmpctl(&["show", "status", "--json"]).done()).unwrap();
    answer["status"].clone()
}

#[test]
fn the_status_counts_routes_sessions_and_neighbors() {
    let aliases = &[None, Some("aa")];
    let lab = Plan { aliases, bmp: "system-name = \"edge1\"", ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(700, 77));
    for alias in aliases {
        lab.daemon.wait_state(lab.address, *alias, "Established");
    }
    let found = status(&lab.daemon);
    assert_eq!(found["routes"], 777, "{found}");
    assert_eq!(found["system_name"], "edge1");
    assert_eq!(found["pid"], lab.daemon.pid());
    assert_eq!(found["file"], lab.daemon.config().display().to_string());
    assert_eq!(found["sessions"], serde_json::json!([{ "state": "established", "count": 2 }]));
    assert_eq!(found["neighbors"], serde_json::json!([{ "state": "established", "count": 1 }]));
    assert_eq!(found["monitors"], 0);
    let page = lab.daemon.bmpctl(&["show", "status"]);
    for fact in ["2: 2 Established", "Routes:            777", "MiB", "edge1"] {
        assert!(page.done().contains(fact), "{fact}: {page}");
    }

    neighbor.close();
    lab.stations[1].latest().unwrap().close();
    let shut = lab.config.replacen("[[session]]", "[[session]]\nshutdown = true", 1);
    lab.daemon.rewrite_config(&shut);
    lab.daemon.bmpctl(&["reload"]).done();
    wait_for("the states to be others", TIMEOUT, || {
        let found = status(&lab.daemon);
        let states = found["sessions"].as_array().unwrap();
        let shut = states.iter().any(|s| s["state"] == "shutdown" && s["count"] == 1);
        let down =
            found["neighbors"].as_array().unwrap().iter().all(|n| n["state"] != "established");
        if shut && down && found["routes"] == 0 { Ok(()) } else { Err(found.to_string()) }
    });
}

#[test]
fn memory_descriptors_and_times_are_those_of_the_process() {
    let scratch = Scratch::new();
    let config = session(loopback(), 11019, None);
    let daemon = Daemon::start(&scratch, &config);
    let found = status(&daemon);
    let memory = found["memory"].as_u64().unwrap();
    // Both are read at other times than this.
    assert!(memory <= daemon.peak_rss_kib() * 1024 && memory > 1 << 20, "{found}");
    assert!(found["memory_peak"].as_u64().unwrap() >= memory, "{found}");
    let open = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).unwrap().count() as u64;
    let shown = found["descriptors"].as_u64().unwrap();
    assert!(shown.abs_diff(open) <= 4, "{open} are open: {found}");
    assert!(shown <= found["descriptors_maximum"].as_u64().unwrap_or(u64::MAX), "{found}");
    assert!(found["tasks"].as_u64().unwrap() >= 1, "{found}");
    assert!(found["processor_time"].as_f64().unwrap() >= 0.0, "{found}");
    assert!(found["uptime"].as_f64().unwrap() >= 0.0, "{found}");
    assert_eq!(found["caller"]["level"], "management", "{found}");
    assert!(found["caller"]["name"].as_str().unwrap().contains("(pid "), "{found}");

    // A reload that fails is none.
    let at = |status: &Value| status["configured_at"].as_str().unwrap().to_owned();
    daemon.rewrite_config("nonsense = 1\n");
    assert_eq!(daemon.bmpctl(&["reload"]).status, 1);
    assert_eq!(at(&status(&daemon)), at(&found));
    daemon.rewrite_config(&config);
    daemon.bmpctl(&["reload", "--dry-run"]).done();
    assert_eq!(at(&status(&daemon)), at(&found));
    daemon.bmpctl(&["reload"]).done();
    let later = status(&daemon);
    assert!(at(&later) > at(&found), "{later}");
    assert_eq!(later["started"], found["started"]);
}

#[test]
fn a_refused_reload_is_shown_until_another_one_succeeds() {
    let scratch = Scratch::new();
    let config = session(loopback(), 11019, None);
    let daemon = Daemon::start(&scratch, &config);
    let found = status(&daemon);
    assert_eq!((&found["refused_reload"], &found["file_differs"]), (&Value::Null, &false.into()));
    let pending = || daemon.bmpctl(&["show", "config", "--pending"]).done().to_owned();
    assert_eq!(pending(), "nothing is pending\n");

    daemon.rewrite_config("nonsense = 1\n");
    assert_eq!(status(&daemon)["file_differs"], true);
    daemon.signal(rustix::process::Signal::HUP);
    let found = wait_for("the refused reload", TIMEOUT, || {
        let found = status(&daemon);
        if found["refused_reload"].is_null() { Err(found.to_string()) } else { Ok(found) }
    });
    let refused = &found["refused_reload"];
    assert_eq!((&refused["by"], &found["file_differs"]), (&"SIGHUP".into(), &true.into()));
    let reason = refused["reason"].as_str().unwrap();
    assert!(reason.contains(&daemon.config().display().to_string()), "{refused}");
    let page = daemon.bmpctl(&["show", "status"]);
    for fact in ["  Last reload:       refused, ", ", by SIGHUP: ", reason, "changed since"] {
        assert!(page.done().contains(fact), "{fact}: {page}");
    }
    for fact in ["# last reload: refused, ", reason, "changed since", "nothing is pending"] {
        assert!(pending().contains(fact), "{fact}: {}", pending());
    }
    let shown = daemon.bmpctl(&["show", "config", "--pending", "--json"]);
    let shown: Value = serde_json::from_str(shown.done()).unwrap();
    assert_eq!(shown["refused_reload"]["reason"], reason);
    assert_eq!(shown["file_differs"], true);

    // Somebody who only looks changes nothing of that, and a caller is named.
    assert_eq!(daemon.bmpctl(&["reload", "--dry-run"]).status, 1);
    assert_eq!(status(&daemon)["refused_reload"]["by"], "SIGHUP");
    assert_eq!(daemon.bmpctl(&["reload"]).status, 1);
    let by = status(&daemon)["refused_reload"]["by"].as_str().unwrap().to_owned();
    assert!(by.contains("(pid "), "{by}");

    // The text that is in effect again needs no reload, but the last one was refused all the same.
    daemon.rewrite_config(&config);
    let found = status(&daemon);
    assert_eq!(found["file_differs"], false, "{found}");
    assert!(!found["refused_reload"].is_null(), "{found}");
    daemon.bmpctl(&["reload"]).done();
    assert!(status(&daemon)["refused_reload"].is_null());
    assert_eq!(pending(), "nothing is pending\n");
    std::fs::remove_file(daemon.config()).unwrap();
    assert!(status(&daemon)["file_differs"].is_null());
}

#[test]
fn the_versions_of_both_programs_are_shown() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let own = daemon.bmpctl(&["--version"]);
    let version = own.done().trim().strip_prefix("bmpctl ").unwrap();
    let text = daemon.bmpctl(&["show", "version"]);
    assert!(text.done().starts_with(&format!("bmpctl {version}\nbmpd {version} (")), "{text}");
    let answer: Value =
        serde_json::from_str(daemon.bmpctl(&["show", "version", "--json"]).done()).unwrap();
    assert_eq!((&answer["bmpctl"], &answer["bmpd"]), (&version.into(), &version.into()));
    assert_eq!(answer["protocol"], shared::frame::PROTOCOL_VERSION);
}

#[test]
fn a_reload_that_waits_for_its_file_holds_up_nobody_who_looks() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, "");
    let file = SlowFile::instead_of_config(&daemon);
    daemon.signal(rustix::process::Signal::HUP);
    file.wait_read(&daemon);
    for what in ["status", "config", "vpn-instance", "session", "neighbor", "statistics"] {
        for _ in 0..3 {
            daemon.bmpctl(&["show", what, "--timeout", "10s"]).done();
        }
    }
}
