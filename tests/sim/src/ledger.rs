//! The model: what neighbors have announced, connection by connection.
//!
//! It is independent of how bmpd keeps routes. A connection's entry records what is in an UPDATE once bmpd has
//! read it in full, and keeps for ever what was announced on it at any time, so that a station's route can
//! be distinguished from one that never was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tests::bgp::Family;

use crate::route::{Key, Said};

/// How long a neighbor must have been idle before bmpd may consider its routes complete.
pub const QUIET: Duration = Duration::from_secs(4);

/// Names a connection of a neighbor; it is in the neighbor's OPEN.
pub type Serial = u32;

/// One connection of a neighbor.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The number of its neighbor.
    pub neighbor: usize,
    /// The OPENs, as messages.
    pub sent_open: Vec<u8>,
    /// The OPEN of bmpd; empty until it was received.
    pub received_open: Vec<u8>,
    /// What the OPENs agree on.
    pub families: Vec<Family>,
    /// The families whose routes have path identifiers.
    pub add_path: Vec<Family>,
    /// How long bmpd keeps its routes while it restarts, s; `None` without the capability.
    pub graceful: Option<u16>,
    /// When bmpd had read all that makes the session come up.
    pub up_at: Option<Duration>,
    /// Its routes with their marks.
    pub routes: BTreeMap<Key, u32>,
    /// All that it has ever announced.
    pub ever: BTreeMap<Key, BTreeSet<u32>>,
    /// Those that were there at its End-of-RIB, and have not changed since.
    pub complete: BTreeMap<Family, BTreeMap<Key, u32>>,
    /// UPDATE messages.
    pub updates: u64,
    /// Withdrawals of routes that were not there.
    pub duplicates: u32,
    /// UPDATE messages that counted as withdrawals, and routes in them.
    pub faulty: (u32, u32),
}

impl Entry {
    /// A connection that has just begun.
    pub fn new(neighbor: usize, sent_open: Vec<u8>, graceful: Option<u16>) -> Self {
        Self {
            neighbor,
            sent_open,
            received_open: Vec::new(),
            families: Vec::new(),
            add_path: Vec::new(),
            graceful,
            up_at: None,
            routes: BTreeMap::new(),
            ever: BTreeMap::new(),
            complete: BTreeMap::new(),
            updates: 0,
            duplicates: 0,
            faulty: (0, 0),
        }
    }

    /// Records an UPDATE that was sent: stations may be sent it from now on.
    pub fn announce(&mut self, said: &Said) {
        if !said.faulty {
            for key in &said.announced {
                self.ever.entry(key.clone()).or_default().insert(said.mark);
            }
        }
    }

    /// Applies an UPDATE that bmpd has read.
    pub fn take(&mut self, said: &Said) {
        self.updates += 1;
        for key in &said.withdrawn {
            self.untouched(key);
            self.duplicates += u32::from(self.routes.remove(key).is_none());
        }
        if said.faulty {
            self.faulty.0 += 1;
            self.faulty.1 += said.announced.len() as u32;
        }
        for key in &said.announced {
            self.untouched(key);
            if said.faulty {
                self.routes.remove(key);
            } else {
                self.routes.insert(key.clone(), said.mark);
            }
        }
    }

    /// Applies an End-of-RIB that bmpd has read. Only the first one counts, and bmpd may have assumed
    /// one before because the neighbor was idle: then nothing is certain.
    pub fn take_end_of_rib(&mut self, family: Family, now: Duration) {
        self.updates += 1;
        let certain = self.up_at.is_some_and(|up_at| now < up_at + QUIET);
        let of_it = self.routes.iter().filter(|(key, _)| certain && key.family == family);
        let there = of_it.map(|(key, mark)| (key.clone(), *mark)).collect();
        self.complete.entry(family).or_insert(there);
    }

    /// A route that has changed since is not compared at the End-of-RIB.
    fn untouched(&mut self, key: &Key) {
        if let Some(complete) = self.complete.get_mut(&key.family) {
            complete.remove(key);
        }
    }

    /// Its routes of one family.
    pub fn of_family(&self, family: Family) -> BTreeMap<&Key, u32> {
        let routes = self.routes.iter().filter(|(key, _)| key.family == family);
        routes.map(|(key, mark)| (key, *mark)).collect()
    }
}

/// Every connection of a run.
pub type Ledger = BTreeMap<Serial, Entry>;
