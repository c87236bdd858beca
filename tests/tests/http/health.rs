//! `/health`: it answers whatever bmpd has to do, and says when that is over.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use tests::addresses::loopback;
use tests::daemon::session;
use tests::faults::stations::{Manner, Rogue};
use tests::lab::Plan;
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

use super::{connect, get, http, place, try_ask};

const REQUEST: &str = "GET /health HTTP/1.1\r\nHost: bmpd.example.net\r\n\r\n";

#[test]
fn it_answers_many_while_tables_are_loaded_and_says_when_bmpd_stops() {
    let place = place();
    // It takes nothing, so that bmpd has to wait for it when it stops.
    let stalled = Rogue::start(Manner::NeverRead);
    let at = stalled.address();
    let more = http(place) + &session(at.ip(), at.port(), Some("slow"));
    let lab = Plan { more: &more, ..Plan::default() }.start();
    let neighbor = lab.connect();
    let is_loaded = AtomicBool::new(false);
    let answers: usize = std::thread::scope(|scope| {
        let ask_all_the_time = || {
            let (from, mut answers) = (loopback(), 0);
            while !is_loaded.load(Ordering::Relaxed) || answers < 10 {
                let answer = try_ask(connect(from, place), REQUEST).expect("an answer");
                assert_eq!((answer.status, &answer.json()["status"]), (200, &"ok".into()));
                answers += 1;
            }
            answers
        };
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask_all_the_time)).collect();
        neighbor.send_all(&Table::full(200_000, 50_000));
        lab.daemon.wait_state(lab.address, None, "Established");
        is_loaded.store(true, Ordering::Relaxed);
        asking.into_iter().map(|one| one.join().unwrap()).sum()
    });
    println!("{answers} answers");
    assert_eq!(get(place, "/health/ready").status, 503, "one station takes nothing");
    wait_until("something to be unread by it", super::TIMEOUT, || {
        lab.daemon.session(at.ip(), Some("slow")).cell("state") == "Synchronising"
    });
    lab.daemon.signal(Signal::TERM);
    wait_for("the answer of a bmpd that stops", super::TIMEOUT, || {
        let answer = try_ask(connect(loopback(), place), REQUEST).expect("it is gone already");
        match (answer.status, answer.json()["status"].as_str()) {
            (503, Some("stopping")) => Ok(()),
            _ => Err(format!("{answer:?}")),
        }
    });
    let stopping = get(place, "/api/v1/sessions");
    assert_eq!((stopping.status, stopping.field("retry-after")), (503, Some("10")));
    assert!(lab.daemon.wait_exit().success());
}
