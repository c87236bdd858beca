//! What a person does with a publisher while it runs: resets, and another configuration.

use std::time::Duration;

use tests::ctl::Running;
use tests::kafka::{Broker, Reader, Topic};
use tests::relay::Lab;
use tests::wait::{holds_for, wait_until};

use super::{
    Fleet, TIMEOUT, TOPIC, TWO, lab, publisher, shown, topic, wait_counters, wait_shown, wait_state,
};

/// The configuration with another text for a part of it, which is then reloaded; what bmpctl prints.
#[track_caller]
fn reload(lab: &Lab, from: &str, to: &str) -> String {
    assert!(lab.config.contains(from), "{}", lab.config);
    lab.daemon.rewrite_config(&lab.config.replace(from, to));
    lab.daemon.bmpctl(&["reload"]).done().to_owned()
}

/// Waits until the topic has the end of a router: a Peer Down for each peer, and a Termination.
#[track_caller]
fn wait_ended(topic: &mut Topic, name: &str) {
    wait_until(&format!("the end of {name} in the topic"), TIMEOUT, || {
        let known = topic.router(name).unwrap();
        known.follower.termination.is_some() && known.follower.peers.is_empty()
    });
    assert_eq!(topic.router(name).unwrap().follower.violations, Vec::<String>::new());
}

#[test]
fn a_reset_is_waited_for_until_the_last_end_of_rib_is_acknowledged() {
    let mut broker = Broker::start();
    broker.create_topic(TOPIC, 1, &[]);
    let lab = lab(&broker, TWO, "");
    let mut topic = topic(&broker);
    let fleet = Fleet::connect(&lab);
    fleet.wait_published_once(&mut topic);
    broker.stop();
    let mut reset =
        Running::start(&mut lab.daemon.bmpctl_command(&["reset", "publisher", "bus", "--wait"]));
    // The next producer has nothing to send before a broker has answered.
    wait_shown(&lab, "the next producer", |shown| shown["producers"] == 2);
    wait_state(&lab, "stalled");
    holds_for("the reset to wait", Duration::from_secs(1), || {
        let shown = shown(&lab);
        let generations = shown["routers"].as_array().unwrap().iter();
        let is_done = generations.clone().any(|router| router["synchronised_generation"] == 2);
        if is_done || reset.has_ended() {
            Err(format!("{} {shown}", reset.stdout()))
        } else {
            Ok(())
        }
    });
    broker.go_on();
    let (code, stdout, stderr) = reset.wait_exit();
    assert_eq!(code, 0, "{stdout}{stderr}");
    // It is all there when the command returns, with its last End-of-RIB.
    let end = broker.end_offsets(TOPIC)[0];
    for known in fleet.wait_published(&mut topic) {
        assert_eq!(known.generations.len(), 2);
    }
    let dump_end = topic.reader().with(|records| {
        let dump = records.iter().filter(|record| record.headers[1].1 == "dump");
        dump.map(|record| record.offset).max().unwrap()
    });
    assert!(dump_end.cast_unsigned() < end, "{dump_end} {end}");
    assert_eq!(wait_counters(&lab), [2, 0, 0]);
}

#[test]
fn a_topic_and_a_compression_that_are_reloaded_take_effect_with_a_reset() {
    let broker = Broker::start();
    for name in [TOPIC, "other"] {
        broker.create_topic(name, 1, &[]);
    }
    let lines = "kafka.compression = \"none\"";
    let lab = lab(&broker, TWO, lines);
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    fleet.wait_published_once(&mut topic);
    let new = publisher(&broker, "kafka.compression = \"zstd\"").replace(TOPIC, "other");
    let output = reload(&lab, &publisher(&broker, lines), &new);
    assert!(output.contains("pending until: bmpctl reset publisher bus"), "{output}");
    let pending = shown(&lab)["pending"].to_string();
    for part in ["kafka.compression", "zstd", "topic", "other"] {
        assert!(pending.contains(part), "{part} {pending}");
    }
    fleet.change(50);
    fleet.wait_published_once(&mut topic);
    assert_eq!(broker.end_offsets("other"), [0]);

    let records = broker.end_offsets(TOPIC);
    lab.daemon.bmpctl(&["reset", "publisher", "bus", "--wait"]).done();
    let mut other = Topic::of(Reader::start(&broker, "other"));
    let known = fleet.wait_published_anew(&mut other);
    assert!(known.iter().all(|known| known.generations.len() == 1), "{known:?}");
    assert_eq!(broker.end_offsets(TOPIC), records, "the topic before has what it had");
    assert_eq!(
        (&shown(&lab)["pending"], wait_counters(&lab)),
        (&Vec::<i32>::new().into(), [2, 0, 0])
    );
    // What is in the file is smaller than what was sent.
    let size = |topic: &str| {
        let path = format!("data/{topic}-0/00000000000000000000.log");
        broker.folder().join(path).metadata().unwrap().len()
    };
    let value_bytes = |topic: &Topic| {
        topic.reader().with(|records| records.iter().map(|r| r.value.len() as u64).sum::<u64>())
    };
    assert!(size(TOPIC) > value_bytes(&topic));
    assert!(2 * size("other") < value_bytes(&other));
}

#[test]
fn publishers_and_routers_come_and_go_with_a_reload() {
    let broker = Broker::start();
    for name in [TOPIC, "second"] {
        broker.create_topic(name, 1, &[]);
    }
    let lab = lab(&broker, TWO, "");
    let mut topic = topic(&broker);
    let mut fleet = Fleet::connect(&lab);
    fleet.wait_published_once(&mut topic);
    let own = publisher(&broker, "");

    // One router only; then both.
    let output = reload(&lab, &own, &publisher(&broker, "monitor.routers = [\"edge1\"]"));
    assert!(output.contains("without interruption"), "{output}");
    wait_ended(&mut topic, "edge2");
    fleet.change(30);
    topic.wait_known("edge1", &fleet.routers[0].1.summary());
    reload(&lab, &own, &own);
    let known = fleet.wait_published(&mut topic);
    assert_eq!(known[0].generations.len(), 1);
    assert_eq!((known[1].generations.len(), wait_counters(&lab)), (2, [1, 0, 0]));

    // Shut down, and no longer.
    let output = reload(&lab, &own, &publisher(&broker, "shutdown = true"));
    assert!(output.contains("publisher bus: ended"), "{output}");
    wait_ended(&mut topic, "edge1");
    wait_ended(&mut topic, "edge2");
    wait_state(&lab, "shutdown");
    fleet.change(30);
    fleet.wait_at_station();
    let output = reload(&lab, &own, &own);
    assert!(output.contains("publisher bus: started"), "{output}");
    let known = fleet.wait_published(&mut topic);
    assert_eq!((known[0].generations.len(), known[1].generations.len()), (2, 3));

    // A second publisher, and none.
    let second = own.replace("\"bus\"", "\"second\"").replace(TOPIC, "second");
    reload(&lab, &own, &(own.clone() + &second));
    let mut other = Topic::of(Reader::start(&broker, "second"));
    fleet.change(30);
    fleet.wait_published_once(&mut other);
    reload(&lab, &own, &second);
    for name in ["edge1", "edge2"] {
        wait_ended(&mut topic, name);
    }
    let gone = lab.daemon.bmpctl(&["show", "publisher", "bus"]);
    assert_ne!(gone.status, 0, "{gone}");
    fleet.change(30);
    fleet.wait_published_once(&mut other);
}
