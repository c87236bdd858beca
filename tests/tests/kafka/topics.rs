//! Topics that are deleted, made anew, given more partitions, or take small records only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::bmp::message::monitoring;
use tests::kafka::Broker;
use tests::relay::example::simple;
use tests::table::Table;

use super::{Fleet, TOPIC, TWO, lab, shown, topic, wait_counters, wait_shown};
use crate::relay::{announcement, global};

#[test]
fn a_topic_that_is_made_anew_is_sent_every_router_again() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "");
    let mut fleet = Fleet::connect(&lab);
    wait_counters(&lab);

    // By hand: it is away for a while.
    broker.delete_topic(TOPIC);
    fleet.change(20);
    let shown = wait_shown(&lab, "the topic to be missed", |shown| {
        shown["state"] == "stalled" && shown["last_error"]["reason"] == "topic-missing"
    });
    assert!(shown["last_error"]["text"].as_str().unwrap().contains(TOPIC), "{shown}");
    fleet.wait_at_station();
    broker.create_topic(TOPIC, 1, &[]);
    for known in fleet.wait_published_anew(&mut topic(&broker)) {
        let newest = known.generations.last().map(|(generation, _)| generation.as_str());
        assert!(newest.is_some_and(|newest| !newest.ends_with(".1")), "{:?}", known.generations);
    }
    let [producers, doubts, rewinds] = wait_counters(&lab);
    assert_eq!((producers, rewinds), (1, 0));
    assert!(doubts >= 2, "each router began anew: {doubts}");

    // At once, while changes of one router flow. The other one has nothing to send.
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let (_, router, example) = &mut fleet.routers[0];
        let over = &over;
        scope.spawn(move || {
            while !over.load(Ordering::Relaxed) {
                router.send(example.change());
                thread::sleep(Duration::from_millis(2));
            }
        });
        broker.delete_topic(TOPIC);
        broker.create_topic(TOPIC, 1, &[]);
        wait_shown(&lab, "the new topic to be noticed", |shown| {
            let generations = shown["routers"].as_array().unwrap().iter();
            generations.clone().all(|router| router["generation"].as_u64() >= Some(3))
        });
        over.store(true, Ordering::Relaxed);
    });
    fleet.wait_published_anew(&mut topic(&broker));
    let [producers, _, rewinds] = wait_counters(&lab);
    assert_eq!((producers, rewinds), (1, 0));
}

#[test]
fn a_topic_with_more_partitions_has_each_router_where_it_was() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "");
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    fleet.wait_published_once(&mut topic);
    broker.add_partitions(TOPIC, 7);
    topic.reader().refresh();
    fleet.change(100);
    fleet.wait_published_once(&mut topic);
    lab.daemon.bmpctl(&["reset", "publisher", "bus", "--wait"]).done();
    fleet.change(100);
    // The reader does not accept a router in two partitions.
    for known in fleet.wait_published(&mut topic) {
        assert_eq!((known.partition, known.generations.len()), (0, 2));
    }
    assert_eq!(wait_counters(&lab), [2, 0, 0]);
    // Where they are is found out by who starts now: a bmpd that begins places them among all.
    let hashes = shown(&lab)["routers"].as_array().unwrap().clone();
    let places = hashes.iter().map(|router| {
        let hash = router["router_hash"].as_str().unwrap();
        u32::from_str_radix(&hash[..8], 16).unwrap() % 7
    });
    assert!(places.max() > Some(0), "the names would be in partition 0 with seven, too");
}

#[test]
fn a_topic_that_takes_small_batches_only_is_sent_small_ones() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[("max.message.bytes", "6000")]);
    let lab = lab(&broker, &[("edge1", "")], "");
    let mut topic = topic(&broker);
    let router = lab.connect("edge1");
    // Each record fits, all at once do not.
    router.send(simple(&global(1), Table::of(65_001, 1_000, 0).bytes()));
    topic.wait_known("edge1", &router.summary());
    let [producers, doubts, rewinds] = wait_counters(&lab);
    assert!((2..=3).contains(&producers) && doubts < producers, "{producers} {doubts}");
    assert_eq!(rewinds, 0);
    assert_eq!(shown(&lab)["last_error"]["reason"], "record-too-large");
    // It stays so.
    router.send(monitoring(&global(1), Table::of(65_002, 1_000, 0).bytes()));
    topic.wait_known("edge1", &router.summary());
    assert_eq!(wait_counters(&lab), [producers, doubts, 0]);
}

#[test]
fn a_record_that_its_topic_does_not_take_is_tried_seldom_until_it_is_taken() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[("max.message.bytes", "600")]);
    let lab = lab(&broker, &[("edge1", "")], "");
    let mut topic = topic(&broker);
    let router = lab.connect("edge1");
    let prefixes: Vec<String> = (0..200).map(|n| format!("198.51.{n}.0/24")).collect();
    let prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    router.send(simple(&global(1), &announcement(&prefixes, 1)));
    let begun = Instant::now();
    wait_shown(&lab, "every size of batches to be tried", |shown| {
        shown["producers"] == 3
            && shown["doubts"].as_u64() >= Some(3)
            && shown["last_error"]["reason"] == "record-too-large"
    });
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    broker.set_topic(TOPIC, "max.message.bytes", "100000");
    topic.wait_known("edge1", &router.summary());
    // The pauses are a second, two, four, ..., so many generations at most.
    let most = 3 + u64::from((begun.elapsed().as_secs() + 2).ilog2());
    let [producers, doubts, rewinds] = wait_counters(&lab);
    assert_eq!((producers, rewinds), (3, 0));
    assert!(doubts <= most, "{doubts} generations in {:?}", begun.elapsed());
}
