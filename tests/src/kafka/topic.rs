//! What somebody who reads a topic knows of the routers in it.
//!
//! Two kinds of readers are played at once. The *follower* reads from its first record on and believes Peer Up and Peer
//! Down only: it sees no connection end. The *newcomer* begins with the last Initiation. Both must know the same in the
//! end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{OpenBmp, Reader, Record};
use crate::bmp::message::kind;
use crate::relay::Summary;
use crate::wait::wait_for;

/// What is known of one router.
#[derive(Debug, Clone, Default)]
pub struct Published {
    /// What the follower knows.
    pub follower: Summary,
    /// What the newcomer knows.
    pub newcomer: Summary,
    /// The generations, in their order, each with the number of its records by phase: dump, live.
    pub generations: Vec<(String, [u64; 2])>,
    /// The partition.
    pub partition: i32,
    /// The router's address of the header, with the admin ID and the group.
    pub about: (String, String, String),
    /// How many records there are.
    pub records: u64,
    /// The generation whose Initiation has come last.
    begun: String,
}

/// The readers of a topic.
#[derive(Debug)]
pub struct Topic {
    reader: Reader,
    seen: usize,
    routers: BTreeMap<Vec<u8>, Published>,
}

impl Topic {
    /// Reads with this reader.
    pub fn of(reader: Reader) -> Self {
        Self { reader, seen: 0, routers: BTreeMap::new() }
    }

    /// The reader.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Takes in what has come.
    ///
    /// # Panics
    /// When a record is not as it must be.
    #[track_caller]
    pub fn refresh(&mut self) -> &BTreeMap<Vec<u8>, Published> {
        let new = self.reader.with(|records| records[self.seen..].to_vec());
        self.seen += new.len();
        for record in new {
            let at = (record.partition, record.offset);
            if let Err(error) = self.take(&record) {
                panic!("record {at:?}: {error}");
            }
        }
        &self.routers
    }

    fn take(&mut self, record: &Record) -> Result<(), String> {
        let header = OpenBmp::parse(&record.value)?;
        if record.key != header.router_hash {
            return Err("its key is not the router hash".to_owned());
        }
        let [(name, generation), (phase, word)] = &record.headers[..] else {
            return Err(format!("headers {:?}", record.headers));
        };
        if (name.as_str(), phase.as_str()) != ("bmpd-generation", "bmpd-phase") {
            return Err(format!("headers {:?}", record.headers));
        }
        let phase = match word.as_str() {
            "dump" => 0,
            "live" => 1,
            other => return Err(format!("phase {other}")),
        };
        let known = self.routers.entry(record.key.clone()).or_default();
        if known.records == 0 {
            known.partition = record.partition;
        } else if known.partition != record.partition {
            return Err(format!("its router was in partition {} before", known.partition));
        }
        known.records += 1;
        known.about =
            (header.router.to_string(), header.admin_id.to_owned(), header.group.to_owned());
        match known.generations.last_mut() {
            Some((last, counts)) if last == generation => {
                if phase == 0 && counts[1] > 0 {
                    return Err("a dump after what was live".to_owned());
                }
                counts[phase] += 1;
            }
            last => {
                if last.is_some_and(|(last, _)| number(last) >= number(generation)) {
                    return Err(format!("generation {generation} after a later one"));
                }
                let mut counts = [0, 0];
                counts[phase] = 1;
                known.generations.push((generation.clone(), counts));
            }
        }
        // A router may send others in the middle.
        if header.message[5] == kind::INITIATION && known.begun != *generation {
            known.begun.clone_from(generation);
            known.newcomer = Summary::default();
            known.follower.termination = None;
        }
        known.follower.take(header.message);
        // What comes before the Initiation of a generation is for those who have read the one before.
        if known.begun == *generation {
            known.newcomer.take(header.message);
        }
        Ok(())
    }

    /// What is known of the router with this sysName.
    ///
    /// # Panics
    /// When a record is not as it must be.
    #[track_caller]
    pub fn router(&mut self, name: &str) -> Option<Published> {
        let routers = self.refresh().values();
        let mut named =
            routers.filter(|known| known.newcomer.system_name().as_deref() == Some(name));
        named.next().cloned()
    }

    /// Waits until both readers know exactly this of the router with this sysName.
    ///
    /// # Panics
    /// When they do not within 60 s; with the difference.
    #[track_caller]
    pub fn wait_known(&mut self, name: &str, expected: &Summary) -> Published {
        self.wait_known_as(name, expected, Summary::clone)
    }

    /// The same without what `leave_out` removes on both sides.
    ///
    /// # Panics
    /// When they do not within 60 s; with the difference.
    #[track_caller]
    pub fn wait_known_as(
        &mut self,
        name: &str,
        expected: &Summary,
        leave_out: impl Fn(&Summary) -> Summary,
    ) -> Published {
        let expected = leave_out(expected);
        wait_for(&format!("the topic to have router {name}"), Duration::from_secs(60), || {
            let Some(known) = self.router(name) else {
                return Err(format!("{} routers", self.routers.len()));
            };
            for (who, found) in [("newcomer", &known.newcomer), ("follower", &known.follower)] {
                if let Some(text) = expected.difference(&leave_out(found)) {
                    return Err(format!("{who}: {text} {:?}", known.generations));
                }
            }
            Ok(known)
        })
    }
}

/// A generation as numbers: when bmpd was started, and which one it is since then.
fn number(generation: &str) -> (u64, u64) {
    let (start, number) = generation.split_once('.').unwrap_or_default();
    (start.parse().unwrap_or(0), number.parse().unwrap_or(0))
}
