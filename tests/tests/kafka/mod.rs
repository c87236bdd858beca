//! Publishers, with a real broker.

mod bgpkit;
mod control;
mod fixture;
mod outages;
mod programs;
mod publish;
mod security;
mod topics;

use std::time::Duration;

use serde_json::Value;
use tests::faults::json;
use tests::kafka::{Broker, Listener, Published, Reader, Topic};
use tests::relay::example::Example;
use tests::relay::{Lab, Plan, Router};
use tests::wait::wait_for;

/// Longer than any of it takes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the topic.
const TOPIC: &str = "openbmp.bmp_raw";

/// Two routers.
const TWO: &[(&str, &str)] = &[("edge1", ""), ("edge2", "")];

/// A publisher to this broker; the lines are further ones of its table.
fn publisher(broker: &Broker, lines: &str) -> String {
    publisher_to(broker, Listener::Plaintext, lines)
}

/// The same with another of the broker's listeners.
fn publisher_to(broker: &Broker, listener: Listener, lines: &str) -> String {
    format!(
        "[[publisher]]\nname = \"bus\"\ntopic = \"{TOPIC}\"\n\
         kafka.bootstrap-servers = [\"{}\"]\n{lines}\n",
        broker.bootstrap_of(listener)
    )
}

/// A bmpd with these routers and a publisher.
fn lab(broker: &Broker, routers: &[(&str, &str)], lines: &str) -> Lab {
    let more = publisher(broker, lines);
    Plan { routers, more: &more, ..Plan::default() }.start()
}

fn topic(broker: &Broker) -> Topic {
    Topic::of(Reader::start(broker, TOPIC))
}

/// What `show publisher bus` reports.
fn shown(lab: &Lab) -> Value {
    json(&lab.daemon, &["show", "publisher", "bus"])["publishers"][0].clone()
}

/// Waits until `show publisher bus` is such.
#[track_caller]
fn wait_shown(lab: &Lab, what: &str, is_met: impl Fn(&Value) -> bool) -> Value {
    wait_for(what, TIMEOUT, || {
        let shown = shown(lab);
        if is_met(&shown) { Ok(shown) } else { Err(shown.to_string()) }
    })
}

fn wait_state(lab: &Lab, state: &str) -> Value {
    wait_shown(lab, &format!("the publisher to be {state}"), |shown| shown["state"] == state)
}

/// The routers of a lab, and what they send: that of [`Example`].
struct Fleet<'a> {
    lab: &'a Lab,
    routers: Vec<(&'static str, Router, Example)>,
}

impl<'a> Fleet<'a> {
    /// Connects the routers of [`TWO`], which send their tables.
    #[track_caller]
    fn connect(lab: &'a Lab) -> Self {
        let routers = [("edge1", 1), ("edge2", 2)].map(|(name, seed)| {
            let (router, mut example) = (lab.dial(name), Example::new(name, seed));
            router.send(example.dump());
            (name, router, example)
        });
        Self { lab, routers: routers.into() }
    }

    /// Each router sends so many changes.
    fn change(&mut self, count: usize) {
        for _ in 0..count {
            for (_, router, example) in &mut self.routers {
                router.send(example.change());
            }
        }
    }

    /// Waits until the readers of the topic know what the routers have sent. None of them was sent anything illegal.
    #[track_caller]
    fn wait_published(&self, topic: &mut Topic) -> Vec<Published> {
        let all = self.wait_published_anew(topic);
        for known in &all {
            assert_eq!(known.follower.violations, Vec::<String>::new());
        }
        all
    }

    /// The same of a topic that did not have the generations before this one: there are Peer Downs of peers that were up
    /// elsewhere, and changes that were under way.
    #[track_caller]
    fn wait_published_anew(&self, topic: &mut Topic) -> Vec<Published> {
        let all = self.wait_known(topic);
        for known in &all {
            assert_eq!(known.newcomer.violations, Vec::<String>::new());
        }
        all
    }

    /// The same where records may be there twice, in the order in which they were sent each time: those that one producer
    /// has sent, and the next one again.
    #[track_caller]
    fn wait_known(&self, topic: &mut Topic) -> Vec<Published> {
        let routers = self.routers.iter();
        routers.map(|(name, router, _)| topic.wait_known(name, &router.summary())).collect()
    }

    /// The same of a topic with one generation.
    #[track_caller]
    fn wait_published_once(&self, topic: &mut Topic) {
        for known in self.wait_published(topic) {
            assert_eq!(known.generations.len(), 1, "{:?}", known.generations);
        }
    }

    /// The same after another producer has gone on from what was acknowledged: Peer Downs may be there twice.
    #[track_caller]
    fn wait_resumed(&self, topic: &mut Topic) {
        for known in self.wait_known(topic) {
            assert_eq!(known.generations.len(), 1, "{:?}", known.generations);
            let mut violations = known.follower.violations.iter();
            assert!(
                violations
                    .all(|text| text.starts_with("message type 2") && text.ends_with("is not up"))
            );
        }
    }

    /// Waits until the station beside the publisher knows what the routers have sent.
    #[track_caller]
    fn wait_at_station(&self) {
        for (name, router, _) in &self.routers {
            self.lab.early.wait_leg(name).wait_known(&router.summary());
        }
    }
}

/// Waits until everything is acknowledged; the counters: producers, doubts, rewinds.
#[track_caller]
fn wait_counters(lab: &Lab) -> [u64; 3] {
    let shown = wait_shown(lab, "everything to be acknowledged", |shown| {
        let routers = shown["routers"].as_array().unwrap().len();
        shown["state"] == "established"
            && shown["routers_synchronised"] == routers
            && shown["in_flight_records"] == 0
    });
    ["producers", "doubts", "rewinds"].map(|key| shown[key].as_u64().unwrap())
}
