//! Every part is killed and started again, in a loop. Neighbors that are killed are in `bird_restarts` and
//! `neighbors_restarting`.

use std::path::Path;

use tests::addresses::loopback;
use tests::ctl::Running;
use tests::daemon;
use tests::faults::{Footprint, Ground, Terms};
use tests::programs::pmbmpd::Pmbmpd;
use tests::scratch::Scratch;
use tests::wait::wait_for;

use super::{LINES, SMALL, TIMEOUT};

#[test]
fn bmpd_that_is_killed_takes_over_its_socket_and_everybody_comes_back() {
    let mut ground = Ground::start(Terms::default());
    for round in 2..=4 {
        ground.kill_and_start();
        assert_eq!(ground.witness.wait_connection(round).number, round);
        ground.flows();
        ground.wait_witnessed();
        let counter = ground.counter.wait_connection(round);
        counter.wait_complete(ground.bystander.ip(), TIMEOUT);
    }
    ground.witness.assert_legal();
    ground.counter.assert_legal();
    let socket = ground.daemon.socket().to_owned();
    ground.daemon.terminate();
    assert!(!Path::new(&socket).exists());
}

#[test]
fn pmbmpd_that_is_killed_is_sent_everything_again_each_time() {
    let scratch = Scratch::new();
    let mut pmbmpd = Pmbmpd::start(&scratch, loopback());
    let (ip, port) = (pmbmpd.address().ip(), pmbmpd.address().port());
    let session = daemon::session(ip, port, None);
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    let initiations = |pmbmpd: &Pmbmpd| {
        let is_initiation = |line: &String| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["bmp_msg_type"] == "init"
        };
        pmbmpd.log().iter().filter(|line| is_initiation(line)).count()
    };
    ground.daemon.wait_state(ip, None, "Established");
    ground.thrice(SMALL, |ground| {
        let generation = ground.session(ip)["generation"].as_u64().unwrap();
        let before = initiations(&pmbmpd);
        pmbmpd.kill();
        wait_for("the reason", TIMEOUT, || {
            let shown = ground.session(ip);
            let reason = shown["last_down"]["reason"].as_str().unwrap_or_default();
            let known = ["closed-by-station", "connection-reset"].contains(&reason);
            if known { Ok(()) } else { Err(shown.to_string()) }
        });
        pmbmpd.start_again();
        wait_for("the next Initiation", TIMEOUT, || match initiations(&pmbmpd) {
            now if now > before => Ok(()),
            now => Err(format!("{now}: {:?}", pmbmpd.log().last())),
        });
        ground.daemon.wait_state(ip, None, "Established");
        assert!(ground.session(ip)["generation"].as_u64().unwrap() > generation);
    });
    ground.assert_logged(&format!("session={ip}"), LINES);
}

#[test]
fn bmpctl_that_is_killed_in_the_middle_leaves_nothing_behind() {
    let nobody = loopback();
    let session = daemon::session(nobody, 1, None);
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    let nobody = nobody.to_string();
    let wait = ["reset", "session", nobody.as_str(), "--wait"];
    let stagger = ["reset", "session", nobody.as_str(), "--stagger", "1h"];
    ground.thrice(SMALL, |ground| {
        let start =
            |arguments: &[&str]| Running::start(&mut ground.daemon.bmpctl_command(arguments));
        let running: Vec<Running> =
            (0..5).flat_map(|_| [start(&["monitor"]), start(&wait), start(&stagger)]).collect();
        wait_for("the monitors to be served", TIMEOUT, || {
            let status = tests::faults::json(&ground.daemon, &["show", "status"]);
            if status["status"]["monitors"] == 5 { Ok(()) } else { Err(status.to_string()) }
        });
        // SIGKILL.
        drop(running);
        wait_for("nobody to watch", TIMEOUT, || {
            let status = tests::faults::json(&ground.daemon, &["show", "status"]);
            if status["status"]["monitors"] == 0 { Ok(()) } else { Err(status.to_string()) }
        });
    });
    Footprint::of(&ground.daemon);
}
