//! Stations that do with their connections what they should not.
//!
//! Those that stop reading, or vanish, are in `stalled` and `lost_stations`.

use tests::faults::stations::{Manner, Rogue};
use tests::faults::{Ground, Terms};
use tests::table::Table;
use tests::wait::wait_for;

use super::{LINES, SMALL, TIMEOUT};

/// The rogue has a session among the others; the table that the culprit announces goes to it, too.
#[track_caller]
fn endured(manner: Manner, lines: &str, connections: usize, reasons: &[&str], routes: u64) {
    let rogue = Rogue::start(manner);
    let ground = Ground::start(Terms { tables: &rogue.session(lines), ..Terms::default() });
    let neighbor = ground.connect();
    neighbor.send_all(&Table::of(65002, routes, routes / 5));
    tests::faults::neighbors::wait_routes(&ground, routes + routes / 5);
    ground.counter.latest().unwrap().wait_complete(ground.culprit, TIMEOUT);
    wait_for("the rogue's first connection", TIMEOUT, || match rogue.taken() {
        0 => Err(ground.session(rogue.ip()).to_string()),
        _ => Ok(()),
    });
    let generation = |ground: &Ground| ground.session(rogue.ip())["generation"].as_u64().unwrap();
    let before = ground.begin();
    let first = generation(&ground);
    wait_for("the rogue's connections", TIMEOUT, || {
        ground.flows();
        let now = generation(&ground);
        if now >= first + connections as u64 { Ok(()) } else { Err(format!("generation {now}")) }
    });
    ground.assert_undisturbed(&before);
    if !reasons.is_empty() {
        let shown = ground.session(rogue.ip());
        let shown = shown["last_down"]["reason"].as_str().unwrap_or_default();
        assert!(reasons.contains(&shown), "{shown}");
        ground.assert_logged(&rogue.ip().to_string(), LINES);
    }
    // A reset of all is done beside it.
    let reset = ground.daemon.bmpctl(&["reset", "session", "all"]);
    assert_eq!(reset.done().matches("generation").count(), 3, "{reset}");
    ground.witness.wait_connection(before.connections() + 1);
    ground.wait_witnessed();
}

#[test]
fn one_that_accepts_and_closes_disturbs_nobody() {
    endured(Manner::Close, "", 3, &["closed-by-station", "connection-reset"], 1000);
}

#[test]
fn one_that_never_reads_disturbs_nobody() {
    endured(Manner::NeverRead, "stall-timeout = 5", 1, &["stalled"], 100_000);
}

#[test]
fn one_that_reads_a_byte_a_second_disturbs_nobody() {
    endured(Manner::Trickle, "", 0, &[], 100_000);
}

#[test]
fn one_that_sends_without_end_disturbs_nobody() {
    endured(Manner::Talk, "", 0, &[], 1000);
}

#[test]
fn one_that_resets_in_the_middle_disturbs_nobody() {
    endured(Manner::ResetAfter(20_000), "", 3, &["connection-reset"], 10_000);
}

/// What comes and goes with a station that closes is given back.
#[test]
fn what_a_station_that_closes_takes_is_given_back() {
    let mut rogue = Some(Rogue::start(Manner::Close));
    let session = rogue.as_ref().unwrap().session("");
    let address = rogue.as_ref().unwrap().address();
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    // The measure is taken while nobody is there.
    rogue = None;
    wait_for("nobody to be there", TIMEOUT, || {
        let shown = ground.session(address.ip());
        let refused = shown["last_failure"]["reason"] == "refused";
        if refused && shown["state"] == "idle" { Ok(()) } else { Err(shown.to_string()) }
    });
    ground.thrice(SMALL, |ground| {
        rogue = Some(Rogue::start_at(address, Manner::Close));
        wait_for("two connections", TIMEOUT, || match rogue.as_ref().unwrap().taken() {
            0 | 1 => Err(ground.session(address.ip()).to_string()),
            _ => Ok(()),
        });
        rogue = None;
        wait_for("nobody to be there", TIMEOUT, || {
            let shown = ground.session(address.ip());
            if shown["state"] == "idle" { Ok(()) } else { Err(shown.to_string()) }
        });
    });
    ground.assert_logged(&address.ip().to_string(), LINES);
}
