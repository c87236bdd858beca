//! What bmpd must know of a router: the model, which follows what the router has sent as bmpd reads it.
//!
//! It is maps, and nothing of bmpd's. Where the moment matters at which bmpd notices something (that a router has been
//! silent for a while, that its hold-time is over), there is a time before which it has not, and one after which it has:
//! between the two both are accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tests::bgp::Family;
use tests::bmp::{Identity, PeerHeader, View};

use crate::route::{Key, Said};

/// Not earlier than this after the last message is a peer complete, or an unconfirmed one gone; and not later.
pub const QUIET_MIN: Duration = Duration::from_secs(4);
/// See [`QUIET_MIN`].
pub const QUIET_MAX: Duration = Duration::from_secs(8);

/// A peer that changes without pause may be complete after this long.
const QUIET_LATEST: Duration = Duration::from_secs(170);

/// How much earlier than the simulator bmpd may have noticed the end of a connection.
const SLACK: Duration = Duration::from_millis(1200);

/// What is announced of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The mark of its attributes.
    pub mark: u32,
    /// When the router has received it.
    pub time: Duration,
    /// The A flag.
    pub two_octet_as: bool,
}

impl Route {
    /// Of a route that is announced behind this header.
    pub fn of(header: &PeerHeader, mark: u32) -> Self {
        Self { mark, time: header.time, two_octet_as: header.has_two_octet_as() }
    }
}

/// What follows from both OPENs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The families.
    pub families: Vec<Family>,
    /// Those whose routes have path identifiers: in Adj-RIB-In, in Adj-RIB-Out, in a Loc-RIB.
    pub add_path: [Vec<Family>; 3],
}

impl Shape {
    /// True if routes there have path identifiers.
    pub fn add_path(&self, view: View, family: Family) -> bool {
        let [of_in, of_out, of_loc] = &self.add_path;
        let families = match view {
            View::In { .. } => of_in,
            View::Out { .. } => of_out,
            View::Loc { .. } => of_loc,
        };
        families.contains(&family)
    }
}

/// A Peer Up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// Its header.
    pub peer: PeerHeader,
    /// What follows it.
    pub body: Vec<u8>,
    /// What follows from it.
    pub shape: Shape,
}

/// What a message does.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Its TLVs.
    Initiation(Vec<u8>),
    /// A peer is up.
    Up(Up),
    /// A peer is down.
    Down(Identity),
    /// Routes.
    Routes(PeerHeader, Said),
    /// All routes of a table were sent.
    EndOfRib(PeerHeader, Family),
    /// A whole Statistics Report.
    Report(Identity, Vec<u8>),
    /// Its TLVs.
    Termination(Vec<u8>),
    /// Nothing that lasts.
    Nothing,
}

/// A table of a peer.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Its routes.
    pub routes: BTreeMap<Key, Route>,
    /// Those that were not announced again since the connection was lost, or the session came up anew.
    pub stale: BTreeSet<Key>,
    /// Those of which nothing is sent if they are announced again as they were: the connection was lost, and is back.
    held: BTreeSet<Key>,
    /// True from another Peer Up until nothing is stale: stations are owed all routes.
    is_owed: bool,
    /// True once they may be as all others are.
    may_be_swept: bool,
    /// Of those that were announced again as they were when that was so, the time that they had.
    pub other_times: BTreeMap<Key, Duration>,
    /// Those that were stale when its peer may have been quiet for long enough.
    pub perhaps_gone: BTreeSet<Key>,
    /// True once its End-of-RIB came, or was assumed.
    pub ended: bool,
    /// True once it may have been assumed.
    pub may_have_ended: bool,
    /// The routes that were there at the End-of-RIB and have not changed since.
    pub complete: BTreeMap<Key, Route>,
}

impl Table {
    fn drop_stale(&mut self) {
        for key in std::mem::take(&mut self.stale) {
            self.touch(&key);
            self.routes.remove(&key);
        }
        self.held.clear();
        self.is_owed = false;
    }

    fn touch(&mut self, key: &Key) {
        self.stale.remove(key);
        self.perhaps_gone.remove(key);
        self.complete.remove(key);
        self.other_times.remove(key);
    }

    fn announce(&mut self, key: &Key, route: Route) {
        let before = self.routes.get(key).filter(|_| self.held.contains(key)).copied();
        let is_as_it_was = |before: &Route| Route { time: route.time, ..*before } == route;
        self.touch(key);
        let kept = match before.filter(is_as_it_was) {
            None => {
                self.held.remove(key);
                route
            }
            Some(before) if self.may_be_swept => {
                self.other_times.insert(key.clone(), before.time);
                route
            }
            Some(before) => before,
        };
        self.routes.insert(key.clone(), kept);
    }

    fn make_stale(&mut self) {
        self.stale = self.routes.keys().cloned().collect();
    }
}

/// A peer that is up, or held.
#[derive(Debug, Clone)]
pub struct KnownPeer {
    /// Its last Peer Up.
    pub up: Up,
    /// False until the router has sent its Peer Up on this connection.
    pub is_confirmed: bool,
    /// Its tables.
    pub tables: BTreeMap<(View, Family), Table>,
    /// The last Statistics Report.
    pub report: Option<Vec<u8>>,
    /// False if it may be that bmpd does not have it.
    pub is_report_certain: bool,
    active: Duration,
    begun: Duration,
}

impl KnownPeer {
    /// It has sent something.
    fn is_active(&mut self, now: Duration) {
        self.note_quiet(now);
        self.active = now;
    }

    /// It was uncertain whether bmpd has what was sent before this connection.
    fn forget_what_was(&mut self) {
        self.is_report_certain = false;
        for table in self.tables.values_mut().filter(|table| table.routes.is_empty()) {
            (table.ended, table.may_have_ended) = (false, true);
        }
    }

    /// It may have been quiet for long enough until now.
    fn note_quiet(&mut self, now: Duration) {
        if self.may_be_quiet(now) {
            for table in self.tables.values_mut() {
                (table.may_have_ended, table.may_be_swept) = (true, true);
                table.perhaps_gone.extend(table.stale.iter().cloned());
            }
        }
    }

    /// True if bmpd may have taken it to be complete by now.
    pub fn may_be_quiet(&self, now: Duration) -> bool {
        self.is_confirmed && (now >= self.active + QUIET_MIN || now >= self.begun + QUIET_LATEST)
    }
}

/// What bmpd knows.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// True from the Initiation on until the router leaves.
    pub is_present: bool,
    /// How often it has appeared.
    pub presence: u64,
    /// When it appeared last.
    pub appeared_at: Duration,
    /// The TLVs of the last Initiation.
    pub initiation: Vec<u8>,
    /// Its peers.
    pub peers: BTreeMap<Identity, KnownPeer>,
    /// Until when its tables are kept.
    pub held_until: Option<Duration>,
    /// How often it came back so late that it may have left just before.
    pub late_returns: u64,
    /// True while it is not certain what bmpd has taken of a connection that it has ended.
    pub is_uncertain: bool,
    /// True while the router has a connection whose Initiation bmpd has read.
    is_up: bool,
    active: Duration,
    begun: Duration,
}

impl Known {
    /// bmpd has taken a message.
    pub fn take(&mut self, effect: &Effect, now: Duration) {
        let is_unconfirmed = self.peers.values().any(|known| !known.is_confirmed);
        self.is_uncertain |= is_unconfirmed && self.is_up && self.may_end_unconfirmed(now);
        self.active = now;
        match effect {
            Effect::Initiation(tlvs) => {
                // It may have left just before.
                if self.is_hold_almost_over(now) {
                    self.is_uncertain = true;
                    self.late_returns += 1;
                }
                if !self.is_present {
                    self.presence += 1;
                    self.appeared_at = now;
                }
                (self.is_present, self.is_up) = (true, true);
                self.held_until = None;
                self.initiation.clone_from(tlvs);
                self.begun = now;
            }
            Effect::Up(up) => self.up(up, now),
            Effect::Down(identity) => {
                self.peers.remove(identity);
            }
            Effect::Routes(peer, said) => self.routes(peer, said, now),
            Effect::EndOfRib(peer, family) => {
                let Some(known) = self.peers.get_mut(&peer.identity()) else { return };
                known.is_active(now);
                let table = known.tables.entry((peer.view(), *family)).or_default();
                table.drop_stale();
                if !std::mem::replace(&mut table.ended, true) && !table.may_have_ended {
                    table.complete.clone_from(&table.routes);
                }
            }
            Effect::Report(identity, whole) => {
                if let Some(known) = self.peers.get_mut(identity) {
                    known.report = Some(whole.clone());
                    known.is_report_certain = true;
                }
            }
            Effect::Termination(_) => self.leave(),
            Effect::Nothing => {}
        }
    }

    fn up(&mut self, up: &Up, now: Duration) {
        let new = || KnownPeer {
            up: up.clone(),
            is_confirmed: true,
            tables: BTreeMap::new(),
            report: None,
            is_report_certain: true,
            active: now,
            begun: now,
        };
        let Some(known) = self.peers.get_mut(&up.peer.identity()) else {
            self.peers.insert(up.peer.identity(), new());
            return;
        };
        let (old, peer) = (&known.up, &up.peer);
        let fits = old.peer == peer.at(old.peer.time) && old.shape == up.shape;
        if !fits {
            *known = new();
            return;
        }
        known.is_active(now);
        known.begun = now;
        let is_the_same = known.up == *up;
        if is_the_same && !known.is_confirmed {
            known.is_confirmed = true;
            return;
        }
        known.is_confirmed = true;
        known.up = up.clone();
        for table in known.tables.values_mut() {
            table.make_stale();
            table.held.clear();
            table.is_owed = true;
            (table.ended, table.may_have_ended) = (false, false);
            table.complete.clear();
        }
    }

    fn routes(&mut self, peer: &PeerHeader, said: &Said, now: Duration) {
        let Some(known) = self.peers.get_mut(&peer.identity()) else { return };
        known.is_active(now);
        let table = known.tables.entry((peer.view(), said.family)).or_default();
        for key in &said.withdrawn {
            table.touch(key);
            table.held.remove(key);
            table.routes.remove(key);
        }
        for key in &said.announced {
            table.announce(key, Route::of(peer, said.mark));
        }
    }

    /// The connection is lost, whose Initiation bmpd has read.
    pub fn lose(&mut self, hold: Duration, now: Duration) {
        if hold.is_zero() {
            return self.leave();
        }
        let is_unconfirmed = self.peers.values().any(|known| !known.is_confirmed);
        self.is_uncertain |= is_unconfirmed && self.is_up && self.may_end_unconfirmed(now);
        self.held_until = Some(now + hold);
        self.is_up = false;
        for known in self.peers.values_mut() {
            known.note_quiet(now);
            known.is_confirmed = false;
            for table in known.tables.values_mut() {
                table.make_stale();
                table.held.clone_from(&table.stale);
                // What is owed may have been swept before.
                let is_certain = !table.is_owed || !table.may_be_swept;
                if table.is_owed && is_certain {
                    table.held.clear();
                }
                table.may_be_swept = !is_certain;
            }
        }
    }

    /// The router leaves.
    pub fn leave(&mut self) {
        (self.is_present, self.is_up) = (false, false);
        self.held_until = None;
        self.peers.clear();
    }

    /// Time has passed.
    pub fn go_on(&mut self, now: Duration) {
        if self.held_until.is_some_and(|until| now >= until + Duration::from_millis(100)) {
            self.leave();
        }
        if !self.is_up {
            return;
        }
        if now >= self.active + QUIET_MAX {
            self.peers.retain(|_, known| known.is_confirmed);
            if std::mem::take(&mut self.is_uncertain) {
                self.peers.values_mut().for_each(KnownPeer::forget_what_was);
            }
        }
        for known in self.peers.values_mut() {
            if known.is_confirmed && now >= known.active + QUIET_MAX {
                for table in known.tables.values_mut() {
                    table.drop_stale();
                    table.ended |= !table.routes.is_empty() || !table.may_have_ended;
                }
            }
        }
    }

    /// True if bmpd may have ended peers by now that have not come up again.
    pub fn may_end_unconfirmed(&self, now: Duration) -> bool {
        now >= self.active + QUIET_MIN || now >= self.begun + QUIET_LATEST
    }

    /// True if its hold-time may be over, or not.
    pub fn is_hold_almost_over(&self, now: Duration) -> bool {
        self.held_until.is_some_and(|until| now + SLACK >= until)
    }
}
