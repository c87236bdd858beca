//! The model: what neighbors have announced, connection by connection.
//!
//! It knows nothing of how bmpd keeps routes. A connection's entry takes what an UPDATE says once bmpd has
//! read it in full, and keeps for ever what was announced on it at any time, so that a station's route can
//! be told from one that never was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tests::bgp::Family;

use crate::route::{Key, Said};

/// How long a neighbor must have been quiet before bmpd may say by itself that its routes are complete.
pub const QUIET: Duration = Duration::from_secs(4);

/// Names a connection of a neighbor; it is in the neighbor's OPEN.
pub type Serial = u32;

/// One connection of a neighbor.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose it is.
    pub neighbor: usize,
    /// The OPENs, as messages.
    pub sent_open: Vec<u8>,
    /// What bmpd has sent; empty until it has come.
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
    /// Those that were there when its End-of-RIB came, and were not touched since.
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

    /// Notes what an UPDATE says that was sent: it may be told from now on.
    pub fn announce(&mut self, said: &Said) {
        if !said.faulty {
            for key in &said.announced {
                self.ever.entry(key.clone()).or_default().insert(said.mark);
            }
        }
    }

    /// Takes what an UPDATE says that was read.
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

    /// Takes an End-of-RIB that was read. Only the first one counts, and bmpd may have taken the neighbor's
    /// silence for one before: then nothing is certain.
    pub fn take_end_of_rib(&mut self, family: Family, now: Duration) {
        self.updates += 1;
        let certain = self.up_at.is_some_and(|up_at| now < up_at + QUIET);
        let of_it = self.routes.iter().filter(|(key, _)| certain && key.family == family);
        let there = of_it.map(|(key, mark)| (key.clone(), *mark)).collect();
        self.complete.entry(family).or_insert(there);
    }

    /// Routes that were touched since say nothing about the End-of-RIB.
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
