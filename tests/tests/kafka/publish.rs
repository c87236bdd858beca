//! What readers of a topic know of the routers in it.

use std::time::Duration;

use tests::bmp::message::{self, initiation_of};
use tests::kafka::{Broker, OpenBmp, Reader};
use tests::relay::example::{Example, simple};
use tests::relay::{Router, Summary};
use tests::table::Table;
use tests::wait::wait_until;

use super::{TIMEOUT, TOPIC, TWO, lab, shown, topic, wait_shown, wait_state};
use crate::relay::{announcement, global};

#[test]
fn readers_of_a_topic_know_each_router_as_a_station_does() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 3, &[]);
    let lab = lab(&broker, TWO, "admin-id = \"col1\"\ngroup = \"lab\"\n");
    let mut topic = topic(&broker);
    let mut examples = [("edge1", 1), ("edge2", 2)].map(|(name, seed)| Example::new(name, seed));
    let routers = ["edge1", "edge2"].map(|name| lab.dial(name));
    for (router, example) in routers.iter().zip(&mut examples) {
        router.send(example.dump());
    }
    for (name, router) in ["edge1", "edge2"].iter().zip(&routers) {
        topic.wait_known(name, &router.summary());
    }
    wait_state(&lab, "established");
    for _ in 0..300 {
        for (router, example) in routers.iter().zip(&mut examples) {
            router.send(example.change());
        }
    }
    for (name, router) in ["edge1", "edge2"].iter().zip(&routers) {
        let known = topic.wait_known(name, &router.summary());
        assert_eq!(known.about, (lab.address(name).to_string(), "col1".into(), "lab".into()));
        assert_eq!(known.generations.len(), 1);
        assert!(known.generations[0].1[1] > 0, "what came after the dump is live");
        for reader in [&known.newcomer, &known.follower] {
            assert_eq!(reader.violations, Vec::<String>::new());
        }
        lab.early.wait_leg(name).wait_known(&router.summary());
    }
    let shown = wait_shown(&lab, "all to be acknowledged", |shown| shown["in_flight_records"] == 0);
    assert_eq!((&shown["doubts"], &shown["producers"]), (&0.into(), &1.into()));
    let records: u64 = broker.end_offsets(TOPIC).iter().sum();
    assert_eq!(shown["acknowledged_records"], records);
}

#[test]
fn a_table_of_1_200_000_routes_is_in_the_topic_as_the_router_has_sent_it() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 3, &[]);
    let lab = lab(&broker, &[("edge1", "")], "monitor.routers = [\"edge1\"]");
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::full(1_000_000, 200_000).bytes()));
    wait_shown(&lab, "all to be acknowledged", |shown| {
        shown["routers"][0]["sent"]["routes_announced"] == 1_200_000
            && shown["state"] == "established"
            && shown["in_flight_records"] == 0
    });
    let mut found = Summary::default();
    for record in Reader::read_all(&broker, TOPIC) {
        found.take(OpenBmp::parse(&record.value).unwrap().message);
    }
    let expected = router.summary();
    assert_eq!((expected.routes_held(), &found.violations), (1_200_000, &Vec::new()));
    assert_eq!(expected.difference(&found), None);
}

#[test]
fn a_reset_begins_a_generation_that_every_reader_understands() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "");
    let mut topic = topic(&broker);
    let routers = [("edge1", 1), ("edge2", 2)].map(|(name, seed)| {
        let router = lab.dial(name);
        router.send(Example::new(name, seed).dump());
        (name, router)
    });
    for (name, router) in &routers {
        topic.wait_known(name, &router.summary());
    }
    let output = lab.daemon.bmpctl(&["reset", "publisher", "bus", "--router", "edge1", "--wait"]);
    output.done();
    let counts = routers.each_ref().map(|(name, router)| {
        let known = topic.wait_known(name, &router.summary());
        assert_eq!(known.follower.violations, Vec::<String>::new());
        let downs = known.follower.downs.len();
        (known.generations.len(), downs, known.newcomer.peers.len())
    });
    // Whoever reads on from before is sent that each peer is down.
    assert!(counts[0].0 == 2 && counts[0].1 == counts[0].2 && counts[0].2 > 3, "{counts:?}");
    assert_eq!((counts[1].0, counts[1].1), (1, 0));
    lab.daemon.bmpctl(&["reset", "publisher", "all", "--wait"]).done();
    for (name, router) in &routers {
        let known = topic.wait_known(name, &router.summary());
        assert_eq!(known.generations.len(), if *name == "edge1" { 3 } else { 2 });
        assert_eq!(known.follower.violations, Vec::<String>::new());
    }
    assert_eq!((&shown(&lab)["producers"], &shown(&lab)["doubts"]), (&2.into(), &0.into()));
}

#[test]
fn a_router_that_leaves_and_comes_back_begins_anew() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, &[("edge1", "hold-time = 0")], "");
    let mut topic = topic(&broker);
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    topic.wait_known("edge1", &router.summary());
    router.close();
    wait_until("its end in the topic", TIMEOUT, || {
        let known = topic.router("edge1").unwrap();
        known.follower.termination.is_some() && known.follower.peers.is_empty()
    });
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    let known = topic.wait_known("edge1", &router.summary());
    assert_eq!(known.generations.len(), 2);
    // With a Termination of its own it is that.
    router.send(message::termination(&[message::text(0, "bye")]));
    wait_until("its Termination in the topic", TIMEOUT, || {
        let known = topic.router("edge1").unwrap();
        known.follower.termination.is_some_and(|bytes| bytes.ends_with(b"bye"))
    });
}

#[test]
fn a_snapshot_is_for_late_readers_and_withdraws_nothing() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, &[("edge1", "")], "snapshot-interval = 60");
    let mut topic = topic(&broker);
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24", "203.0.113.0/24"], 1)));
    topic.wait_known("edge1", &router.summary());
    wait_until("a snapshot", Duration::from_secs(90), || {
        topic.router("edge1").unwrap().generations.len() == 2
    });
    let known = topic.wait_known("edge1", &router.summary());
    assert_eq!((known.follower.downs.len(), known.follower.moved[1]), (0, 0));
    assert_eq!(known.follower.violations, Vec::<String>::new());
    assert_eq!(known.newcomer.peers.len(), 1);
}

#[test]
fn a_stop_of_bmpd_ends_every_router_and_a_start_begins_anew() {
    let broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let one = lab(&broker, &[("edge1", "")], "");
    let mut topic = topic(&broker);
    let router = one.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    topic.wait_known("edge1", &router.summary());
    one.daemon.terminate();
    wait_until("its end in the topic", TIMEOUT, || {
        let known = topic.router("edge1").unwrap();
        known.follower.termination.is_some() && known.follower.peers.is_empty()
    });
    drop(one);
    let other = lab(&broker, &[("edge1", "")], "");
    let router = Router::connect(other.address("edge1"), other.listen);
    router.send(initiation_of("edge1"));
    router.send(simple(&global(2), &announcement(&["203.0.113.0/24"], 1)));
    let known = topic.wait_known("edge1", &router.summary());
    assert_eq!(known.generations.len(), 2);
}
