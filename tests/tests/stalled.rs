//! A station that stops reading costs a bounded amount of memory, disturbs nobody, can be reset, and
//! is right again as soon as it reads.

use std::time::{Duration, Instant};

use tests::bgp::Prefix;
use tests::lab::{Lab, Plan};
use tests::neighbor::Neighbor;
use tests::random::Random;
use tests::station::{End, Pace};
use tests::table::{Attributes, Table};
use tests::wait::{holds_for, wait_for};

const TIMEOUT: Duration = Duration::from_secs(30);
const STALLED: usize = 0;
const LIVE: usize = 1;

fn lab(session: &str) -> Lab {
    let aliases = [Some("stalled"), Some("live")];
    // Small buffers, so that the stall is felt soon.
    Plan {
        aliases: &aliases,
        receive_buffer: Some(64 * 1024),
        session,
        log: "info",
        ..Plan::default()
    }
    .start()
}

/// Announces the table again and again with other attributes, and after each round a marker. The
/// live station must have the marker soon. Returns bmpd's memory in KiB after each round.
fn churn(lab: &Lab, neighbor: &Neighbor, rounds: u32, routes: u64) -> Vec<u64> {
    let mut memory = vec![];
    for round in 0..rounds {
        neighbor.send_table(&Table::of(70_000 + round, routes, routes / 5));
        let marker: Prefix = format!("203.0.{}.0/24", round % 256).parse().unwrap();
        let attributes = Attributes::sample(70_000 + round, &mut Random::new(round.into()));
        neighbor.announce(&[marker], &attributes);
        lab.stations[LIVE].latest().unwrap().wait(
            &format!("the marker of round {round}"),
            Duration::from_secs(5),
            |record| record.peer(lab.peer)?.routes.get(&marker).map(|_| ()),
        );
        memory.push(lab.daemon.rss_kib());
    }
    memory
}

#[test]
fn a_stalled_station_costs_bounded_memory_delays_nobody_and_a_reset_takes_effect() {
    let lab = lab("");
    let neighbor = lab.connect();
    lab.stations[STALLED].wait_connection(1);
    lab.stations[STALLED].pace(Pace::Stalled);
    let routes = 40_000;
    neighbor.send_all(&Table::full(routes, routes / 5));
    lab.stations[LIVE].wait_connection(1).wait_complete(lab.peer, TIMEOUT);

    // 40 rounds of about 1.3 MB: what a queue would hold is 50 MB by the end.
    let memory = churn(&lab, &neighbor, 40, routes);
    let (early, late) = (memory[9], memory[39]);
    assert!(late < early + early / 4 + 4096, "memory grows with the churn, KiB: {memory:?}");

    let begun = Instant::now();
    let alias = ["reset", "session", &lab.station(), "--alias", "stalled"].map(str::to_owned);
    let alias: Vec<&str> = alias.iter().map(String::as_str).collect();
    lab.daemon.bmpctl(&alias).done();
    let second = lab.stations[STALLED].wait_connection(2);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "the reset of the stalled session took {took:?}");

    lab.stations[STALLED].pace(Pace::Full);
    second.wait_complete(lab.peer, TIMEOUT);
    let expected = neighbor.expected();
    second.wait_routes(lab.peer, &expected, TIMEOUT);
    lab.stations[LIVE].latest().unwrap().wait_routes(lab.peer, &expected, TIMEOUT);
    assert_eq!(lab.stations[LIVE].connections().len(), 1, "the live session lost its connection");
    lab.assert_legal();
}

#[test]
fn a_station_that_reads_again_converges_and_is_not_sent_every_intermediate_state() {
    let lab = lab("");
    let neighbor = lab.connect();
    lab.stations[STALLED].wait_connection(1);
    lab.stations[STALLED].pace(Pace::Stalled);
    let routes = 40_000;
    neighbor.send_all(&Table::full(routes, routes / 5));
    churn(&lab, &neighbor, 20, routes);
    // Half of it goes while the station does not look.
    let gone: Vec<Prefix> = neighbor.expected().keys().copied().step_by(2).collect();
    neighbor.withdraw(&gone);
    let expected = neighbor.expected();
    lab.stations[LIVE].latest().unwrap().wait_routes(lab.peer, &expected, TIMEOUT);

    lab.stations[STALLED].pace(Pace::Full);
    let connection = lab.stations[STALLED].latest().unwrap();
    connection.wait_complete(lab.peer, TIMEOUT);
    connection.wait_routes(lab.peer, &expected, TIMEOUT);
    let (late, live) = (
        connection.look(|record| record.announced),
        lab.stations[LIVE].latest().unwrap().look(|record| record.announced),
    );
    assert!(late < live / 2, "{late} routes announced to the late reader, {live} to the live one");
    assert_eq!(lab.stations[STALLED].connections().len(), 1);
    lab.assert_legal();
}

/// A station reads some 9 MB at this pace, and after `meanwhile` it must have them all, on its first
/// connection. The system takes 4 MB at once; the rest takes longer than the stall timeout.
fn read_slowly(bytes_per_second: usize, meanwhile: impl FnOnce(&Lab)) {
    let lab = lab("stall-timeout = 5");
    lab.stations[STALLED].pace(Pace::Slow(bytes_per_second));
    let neighbor = lab.connect();
    let table = Table::full(300_000, 60_000);
    neighbor.send_all(&table);
    let connection = lab.stations[STALLED].wait_connection(1);
    meanwhile(&lab);
    connection.wait_complete(lab.peer, TIMEOUT);
    assert!(connection.accepted.elapsed() > Duration::from_secs(6), "not slow enough to matter");
    connection.wait_routes(lab.peer, &table.expected(), TIMEOUT);
    assert_eq!(lab.stations[STALLED].connections().len(), 1);
    lab.assert_legal();
}

#[test]
fn a_slow_station_is_not_taken_for_a_stalled_one() {
    read_slowly(700_000, |_| {});
}

/// The system asks for more only when about a third of its buffer is free: at this pace that takes
/// longer than the stall timeout, though the station takes something all the time.
#[test]
fn a_station_that_reads_a_trickle_is_not_taken_for_a_stalled_one() {
    read_slowly(100_000, |lab| {
        holds_for("the first connection stays", Duration::from_secs(15), || {
            match lab.stations[STALLED].connections().len() {
                1 => Ok(()),
                n => Err(format!("{n} connections")),
            }
        });
        lab.stations[STALLED].pace(Pace::Full);
    });
}

#[test]
fn a_session_whose_station_takes_nothing_for_the_stall_timeout_is_ended_with_that_reason() {
    let lab = lab("stall-timeout = 5");
    lab.stations[STALLED].wait_connection(1);
    lab.stations[STALLED].pace(Pace::Stalled);
    let neighbor = lab.connect();
    let begun = Instant::now();
    let table = Table::full(200_000, 20_000);
    neighbor.send_all(&table);
    let second = lab.stations[STALLED].wait_connection(2);
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(4), "given up after {took:?}");
    let page =
        lab.daemon.bmpctl(&["show", "session", &lab.station(), "--alias", "stalled", "--verbose"]);
    assert!(page.done().to_lowercase().contains("stall"), "the reason is not shown: {page}");

    lab.stations[STALLED].pace(Pace::Full);
    let first = &lab.stations[STALLED].connections()[0];
    assert_ne!(first.wait_end(TIMEOUT).1, End::Ours);
    let last = wait_for("a connection that stays and is complete", TIMEOUT, || {
        let last = lab.stations[STALLED].latest().unwrap();
        let complete = last.look(|record| record.complete_at(lab.peer));
        complete.map(|_| last.clone()).ok_or_else(|| last.summary())
    });
    assert!(last.number >= second.number);
    last.wait_routes(lab.peer, &table.expected(), TIMEOUT);
    assert_eq!(lab.stations[LIVE].connections().len(), 1);
    lab.assert_legal();
}
