//! Brokers that are away or do not answer: whatever they miss meanwhile, they are sent the latest state of it, and no dump
//! again. A station beside them has everything at once.

use std::thread;

use tests::bmp::message::monitoring;
use tests::kafka::{Broker, Listener};
use tests::relay::example::simple;
use tests::relay::{Lab, Plan};
use tests::table::Table;

use super::{
    Fleet, TOPIC, TWO, lab, publisher_to, shown, topic, wait_counters, wait_shown, wait_state,
};
use crate::relay::global;

/// Routes of a dump that takes a while.
const ROUTES: u64 = 40_000;

#[test]
fn a_broker_that_is_killed_in_a_dump_and_in_churn_has_every_record_once() {
    let mut broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    // So little may be under way that the dump takes seconds.
    let slow = "kafka.window = 1048576\nkafka.linger = 200";
    let lab = lab(&broker, &[("edge1", "")], slow);
    let mut topic = topic(&broker);
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::of(65_001, ROUTES, 0).bytes()));
    wait_shown(&lab, "the first records", |shown| shown["acknowledged_records"] != 0);
    broker.kill();
    let left = shown(&lab)["routes_to_send"].as_u64().unwrap();
    assert!(left > 0, "the dump was over before the broker was killed");
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    broker.restart();
    let known = topic.wait_known("edge1", &router.summary());
    assert_eq!(known.generations.len(), 1);

    let changes: Vec<_> = (65_002..65_005)
        .map(|asn| monitoring(&global(1), Table::of(asn, ROUTES / 2, 0).bytes()))
        .collect();
    let before = shown(&lab)["acknowledged_records"].as_u64().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| changes.iter().for_each(|bytes| router.send(bytes)));
        wait_shown(&lab, "the first changes", |shown| {
            shown["acknowledged_records"].as_u64().unwrap() > before
        });
        broker.kill();
        wait_state(&lab, "stalled");
    });
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    broker.restart();
    let known = topic.wait_known("edge1", &router.summary());
    assert_eq!((known.generations.len(), known.follower.downs.len()), (1, 0));
    assert_eq!(known.follower.violations, Vec::<String>::new());
    assert_eq!(wait_counters(&lab), [1, 0, 0]);
    // What was sent twice was written once.
    let records: u64 = broker.end_offsets(TOPIC).iter().sum();
    assert_eq!(shown(&lab)["acknowledged_records"], records);
}

#[test]
fn a_broker_that_stops_for_longer_than_the_delivery_timeout_is_sent_the_rest_by_another_producer() {
    let mut broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "kafka.delivery-timeout = 10");
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    assert_eq!(wait_counters(&lab), [1, 0, 0]);

    broker.stop();
    fleet.change(200);
    wait_state(&lab, "stalled");
    fleet.wait_at_station();
    broker.go_on();
    fleet.wait_published_once(&mut topic);
    assert_eq!(wait_counters(&lab), [1, 0, 0]);

    broker.stop();
    fleet.change(200);
    let shown = wait_shown(&lab, "another producer", |shown| shown["producers"] == 2);
    assert_eq!(
        (&shown["last_error"]["reason"], &shown["rewinds"]),
        (&"timed-out".into(), &1.into())
    );
    fleet.change(100);
    fleet.wait_at_station();
    broker.go_on();
    fleet.wait_resumed(&mut topic);
    assert_eq!(wait_counters(&lab), [2, 0, 1]);
}

#[test]
fn a_network_that_is_cut_or_loses_everything_costs_no_dump() {
    let broker = Broker::start_proxied();
    broker.create_topic(TOPIC, 2, &[]);
    let more = publisher_to(&broker, Listener::Proxied, "kafka.delivery-timeout = 10");
    let lab = Plan { routers: TWO, more: &more, ..Plan::default() }.start();
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    assert_eq!(wait_counters(&lab), [1, 0, 0]);

    broker.proxy().cut();
    fleet.change(200);
    let shown = wait_state(&lab, "stalled");
    assert_eq!(shown["last_error"]["reason"], "broker-unreachable", "{shown}");
    fleet.wait_at_station();
    broker.proxy().restore();
    fleet.wait_published_once(&mut topic);
    assert_eq!(wait_counters(&lab), [1, 0, 0]);

    // The connection that exists never answers again; only another one does.
    broker.proxy().silence();
    fleet.change(200);
    wait_state(&lab, "stalled");
    broker.proxy().restore();
    fleet.wait_resumed(&mut topic);
    assert_eq!(wait_counters(&lab), [2, 0, 1]);
}

#[test]
fn a_broker_whose_disk_was_full_is_sent_the_rest() {
    let mut broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "");
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    wait_counters(&lab);
    // It writes a part of what comes, and ends with its first error.
    let log = broker.folder().join(format!("data/{TOPIC}-0/00000000000000000000.log"));
    broker.limit_files(log.metadata().unwrap().len() + 5_000);
    fleet.change(300);
    broker.wait_end();
    wait_state(&lab, "stalled");
    fleet.wait_at_station();
    broker.restart();
    fleet.wait_published_once(&mut topic);
    assert_eq!(wait_counters(&lab), [1, 0, 0]);
}

/// Has a router send its table, and then other attributes of all routes again and again; bmpd's peak memory, KiB.
/// `after_table` is called in between.
#[track_caller]
fn memory_of_churn(lab: &Lab, after_table: impl FnOnce()) -> u64 {
    let router = lab.connect("edge1");
    let leg = lab.early.wait_leg("edge1");
    router.send(simple(&global(1), Table::of(65_001, ROUTES, 0).bytes()));
    leg.wait_known(&router.summary());
    after_table();
    for round in 0..8 {
        router.send(monitoring(&global(1), Table::of(65_002 + round, ROUTES, 0).bytes()));
    }
    leg.wait_known(&router.summary());
    lab.daemon.peak_rss_kib()
}

#[test]
fn memory_stays_bounded_while_the_brokers_are_away() {
    let mut broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let with = lab(&broker, &[("edge1", "")], "kafka.window = 1048576");
    let during = memory_of_churn(&with, || {
        wait_counters(&with);
        broker.kill();
    });
    let alone = memory_of_churn(&Plan::default().start(), || {});
    // The window twice, as the client library has it too, and what that is made of. What changed meanwhile is ten times
    // as much in records.
    assert!(
        during < alone + 8 * 1024,
        "{during} KiB in the outage, {alone} KiB without a publisher"
    );
    println!("{during} KiB in the outage, {alone} KiB without a publisher");
}
