//! What a receiver of one router's BMP knows in the end, as a value that can be compared.
//!
//! A station that comes late must know the same as one that was there from the start, and as one that the router itself
//! feeds: the [`Summary`] of each is the same. It does not depend on how routes share messages, on the order of
//! peers, or on states in between. What has no state (mirrored messages, unknown types, unreadable UPDATEs) is
//! listed in [`Summary::live`], which only those who were there have.
//!
//! An UPDATE's attributes are not validated: RFC 7606 is between the router and its neighbors.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::bgp::{Family, Open, Update, hex};
use crate::bmp::message::{self, Message, Tlv, UpBody, kind, peer};
use crate::bmp::{COMMON_HEADER, Identity, PEER_HEADER, PeerHeader, View};
use crate::nlri::{self, AddPaths, Key};

/// A route as it was announced last.
#[derive(Clone, PartialEq, Eq)]
pub struct Route {
    /// The NLRI as on the wire, with its path identifier and its labels.
    pub nlri: Box<[u8]>,
    /// The path attributes without the multiprotocol ones.
    pub path: Arc<[u8]>,
    /// The next hop from MP_REACH_NLRI; empty where it is among the path attributes.
    pub next_hop: Box<[u8]>,
    /// The time in the per-peer header.
    pub time: Duration,
    /// The A flag.
    pub has_two_octet_as: bool,
    /// The peer's AS number and BGP identifier in the per-peer header.
    pub speaker: (u32, Ipv4Addr),
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [nlri, path, hop] = [&self.nlri[..], &self.path, &self.next_hop].map(hex);
        let (asn, router_id) = self.speaker;
        write!(
            f,
            "NLRI {nlri} path {path} next hop {hop} time {:?} A {} of AS {asn} {router_id}",
            self.time, self.has_two_octet_as
        )
    }
}

/// The routes of one peer, view and family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Its routes.
    pub routes: BTreeMap<Key, Route>,
    /// Whether its End-of-RIB came.
    pub has_ended: bool,
}

/// A peer that is up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Up {
    /// Its Peer Up, whole; those of a Loc-RIB by their families (RFC 9069 section 6.1.1).
    pub messages: BTreeMap<BTreeSet<Family>, Vec<u8>>,
    /// Its tables.
    pub tables: BTreeMap<(View, Family), Table>,
    /// Its last Statistics Report, whole.
    pub statistics: Option<Vec<u8>>,
}

impl Up {
    /// The number of routes in all tables.
    pub fn routes(&self) -> usize {
        self.tables.values().map(|table| table.routes.len()).sum()
    }
}

/// What the receiver of one router's messages knows.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// The TLVs of the newest Initiation.
    pub initiation: Vec<Tlv>,
    /// The peers that are up.
    pub peers: BTreeMap<Identity, Up>,
    /// Messages without state, whole, in their order.
    pub live: Vec<Vec<u8>>,
    /// All Peer Ups, whole, in their order.
    pub ups: Vec<Vec<u8>>,
    /// All Peer Downs, whole, in their order.
    pub downs: Vec<Vec<u8>>,
    /// All Statistics Reports, whole, in their order.
    pub reports: Vec<Vec<u8>>,
    /// The Termination, whole.
    pub termination: Option<Vec<u8>>,
    /// How many routes were announced, and how many withdrawn.
    pub moved: [u64; 2],
    /// How many of those withdrawn were not there.
    pub idle_withdrawals: u64,
    /// How many routes were announced behind the End-of-RIB of their table.
    pub announced_late: u64,
    /// What must not be sent to a station, as sentences; the first twenty.
    pub violations: Vec<String>,
    /// Routes that are still to be announced again after another Peer Up.
    stale: BTreeSet<(Identity, View, Key)>,
    is_begun: bool,
}

impl Summary {
    /// Of whole messages, one after the other.
    ///
    /// # Panics
    /// When they are no whole messages.
    pub fn of(mut bytes: &[u8]) -> Self {
        let mut summary = Self::default();
        while !bytes.is_empty() {
            let message = message::split_message_within(&mut bytes, usize::MAX);
            summary.take(message.expect("BMP").expect("whole messages").whole);
        }
        summary
    }

    /// Takes one message, whole.
    pub fn take(&mut self, bytes: &[u8]) {
        if let Err(breach) = self.try_take(bytes)
            && self.violations.len() < 20
        {
            self.violations.push(format!("message type {}: {breach}", bytes[5]));
        }
    }

    fn try_take(&mut self, bytes: &[u8]) -> Result<(), String> {
        let message = Message { kind: bytes[5], whole: bytes };
        let (code, body) = (message.kind, message.body());
        if self.termination.is_some() {
            return Err("after the Termination".to_owned());
        }
        if !std::mem::replace(&mut self.is_begun, true) && code != kind::INITIATION {
            return Err("before the Initiation".to_owned());
        }
        match code {
            kind::INITIATION => {
                self.initiation = message::read_tlvs(body)?;
                return Ok(());
            }
            kind::TERMINATION => {
                self.termination = Some(bytes.to_vec());
                return Ok(());
            }
            kind::ROUTE_MONITORING
            | kind::STATISTICS
            | kind::PEER_DOWN
            | kind::PEER_UP
            | kind::ROUTE_MIRRORING => {}
            _ => {
                self.live.push(bytes.to_vec());
                return Ok(());
            }
        }
        let kind_of_peer = body.first().ok_or("shorter than its header")?;
        if *kind_of_peer > peer::LOC_RIB || code == kind::ROUTE_MIRRORING {
            self.live.push(bytes.to_vec());
            return Ok(());
        }
        let (header, body) = message.peer()?;
        let who = header.identity();
        let not_up = || format!("{who} is not up");
        match code {
            kind::PEER_UP => self.peer_up(who, bytes, body),
            kind::PEER_DOWN => {
                self.peers.remove(&who).ok_or_else(not_up)?;
                self.stale.retain(|(other, _, _)| *other != who);
                self.downs.push(bytes.to_vec());
                Ok(())
            }
            kind::STATISTICS => {
                self.reports.push(bytes.to_vec());
                let up = self.peers.get_mut(&who).ok_or_else(not_up)?;
                up.statistics = Some(bytes.to_vec());
                Ok(())
            }
            _ if !self.peers.contains_key(&who) => Err(not_up()),
            _ => {
                if !self.routes(&header, body) {
                    self.live.push(bytes.to_vec());
                }
                Ok(())
            }
        }
    }

    fn peer_up(&mut self, who: Identity, bytes: &[u8], body: &[u8]) -> Result<(), String> {
        self.ups.push(bytes.to_vec());
        let families = match opens(&message::read_peer_up(body)?) {
            Some([sent, received]) => nlri::families(&sent, &received),
            None => BTreeSet::new(),
        };
        let up = self.peers.entry(who).or_default();
        let is_loc_rib = who.kind == peer::LOC_RIB;
        // Another Peer Up of a Loc-RIB for other families is another part of it.
        up.messages.retain(|others, _| is_loc_rib && others.is_disjoint(&families));
        up.messages.insert(families.clone(), bytes.to_vec());
        // The routes stay until they are announced again or their End-of-RIB comes.
        let again = up.tables.iter_mut();
        for ((view, _), table) in again.filter(|((_, f), _)| !is_loc_rib || families.contains(f)) {
            table.has_ended = false;
            self.stale.extend(table.routes.keys().map(|key| (who, *view, key.clone())));
        }
        Ok(())
    }

    /// Takes a BGP message into a table; false if it has no state: it cannot be read, or its family is unknown.
    fn routes(&mut self, header: &PeerHeader, body: &[u8]) -> bool {
        let Ok(update) = message::read_monitoring(body).and_then(Update::parse) else {
            return false;
        };
        let named = update.announced().map(|reach| reach.family);
        let named = named.chain(update.withdrawn().map(|gone| gone.family));
        let is_known = |family: &Family| Family::NAMES.iter().any(|(known, _)| known == family);
        if !named.chain(update.end_of_rib).all(|family| is_known(&family)) {
            return false;
        }
        let (who, view) = (header.identity(), header.view());
        let up = self.peers.get_mut(&who).expect("it is up");
        let add_paths = add_paths(view, up);
        let mut changes = nlri::Rib::new();
        if nlri::apply(&update, &add_paths, |_| true, &mut changes).is_err() {
            return false;
        }
        if let Some(family) = update.end_of_rib {
            let table = up.tables.entry((view, family)).or_default();
            table.has_ended = true;
            let stale = |key: &Key| self.stale.contains(&(who, view, key.clone()));
            table.routes.retain(|key, _| !stale(key));
            self.stale.retain(|(other, v, key)| (*other, *v, key.family) != (who, view, family));
            return true;
        }
        for gone in update.withdrawn() {
            let with_path = add_paths.contains(&gone.family);
            let table = up.tables.entry((view, gone.family)).or_default();
            for nlri in nlri::split(gone.family, with_path, gone.nlri).expect("it was read") {
                let key = nlri.key(gone.family, nlri::Sense::Withdrawn).expect("it was read");
                self.moved[1] += 1;
                self.idle_withdrawals += u64::from(table.routes.remove(&key).is_none());
                self.stale.remove(&(who, view, key));
            }
        }
        for (key, entry) in changes {
            let table = up.tables.entry((view, key.family)).or_default();
            self.moved[0] += 1;
            self.announced_late += u64::from(table.has_ended);
            self.stale.remove(&(who, view, key.clone()));
            let nlri::Entry { nlri, path, next_hop } = entry;
            let (time, speaker) = (header.time, (header.asn, header.router_id));
            let has_two_octet_as = header.has_two_octet_as();
            let route = Route { nlri, path, next_hop, time, has_two_octet_as, speaker };
            table.routes.insert(key, route);
        }
        true
    }

    /// The sysName of the Initiation.
    pub fn system_name(&self) -> Option<String> {
        let mut named = self.initiation.iter().filter(|(kind, _)| *kind == 2);
        named.next().map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    /// The peer with this header, if it is up.
    pub fn peer(&self, header: &PeerHeader) -> Option<&Up> {
        self.peers.get(&header.identity())
    }

    /// The number of routes in all tables of all peers.
    pub fn routes_held(&self) -> usize {
        self.peers.values().map(Up::routes).sum()
    }

    /// The same without all times, which a router may not give to all its stations alike.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        let blank = |message: &mut Vec<u8>| {
            message[COMMON_HEADER + PEER_HEADER - 8..COMMON_HEADER + PEER_HEADER].fill(0);
        };
        for up in self.peers.values_mut() {
            up.messages.values_mut().for_each(blank);
            up.statistics.iter_mut().for_each(blank);
            let routes = up.tables.values_mut().flat_map(|table| table.routes.values_mut());
            routes.for_each(|route| route.time = Duration::ZERO);
        }
        self
    }

    /// The same without the End-of-RIBs: of a router that sends none, bmpd assumes them.
    #[must_use]
    pub fn without_end_of_ribs(mut self) -> Self {
        let tables = self.peers.values_mut().flat_map(|up| up.tables.values_mut());
        tables.for_each(|table| table.has_ended = false);
        self
    }

    /// The same without Statistics Reports.
    #[must_use]
    pub fn without_statistics(mut self) -> Self {
        self.peers.values_mut().for_each(|up| up.statistics = None);
        self
    }

    /// Describes how two receivers differ in what they know; `None` if they do not. [`Summary::live`] and all
    /// that is history does not count.
    pub fn difference(&self, found: &Self) -> Option<String> {
        let mut text = String::new();
        if self.initiation != found.initiation {
            text += &format!("Initiation: {:?}, not {:?}\n", found.initiation, self.initiation);
        }
        for who in self.peers.keys().filter(|who| !found.peers.contains_key(who)) {
            text += &format!("{who} is missing\n");
        }
        for (who, up) in &found.peers {
            match self.peers.get(who) {
                None => text += &format!("{who} is too many\n"),
                Some(expected) => expected.describe(up, &who.to_string(), &mut text),
            }
        }
        (!text.is_empty()).then_some(text)
    }

    /// In short, for people.
    pub fn brief(&self) -> String {
        let mut text = format!(
            "{:?}: {} up, {} Peer Ups, {} Peer Downs, {} live, {:?} moved",
            self.system_name(),
            self.peers.len(),
            self.ups.len(),
            self.downs.len(),
            self.live.len(),
            self.moved
        );
        for (who, up) in &self.peers {
            let tables = up.tables.iter().map(|((view, family), table)| {
                let mark = if table.has_ended { "ended" } else { "open" };
                format!("{view:?} {family} {} {mark}", table.routes.len())
            });
            text += &format!("\n  {who}: {}", tables.collect::<Vec<_>>().join(", "));
        }
        if !self.violations.is_empty() {
            text += &format!("\n  violations: {:?}", self.violations);
        }
        text
    }
}

impl Up {
    fn describe(&self, found: &Self, who: &str, text: &mut String) {
        if self.messages != found.messages {
            let hex = |up: &Self| up.messages.values().map(|m| hex(m)).collect::<Vec<_>>();
            *text += &format!("{who}: Peer Up {:?}\n  not {:?}\n", hex(found), hex(self));
        }
        if self.statistics != found.statistics {
            let hex = |up: &Self| up.statistics.as_ref().map(|s| hex(s));
            *text += &format!("{who}: statistics {:?}\n  not {:?}\n", hex(found), hex(self));
        }
        let none = Table::default();
        let names: BTreeSet<_> = self.tables.keys().chain(found.tables.keys()).collect();
        for name in names {
            let of = |up: &Self| up.tables.get(name).cloned().unwrap_or_else(|| none.clone());
            let (wanted, got) = (of(self), of(found));
            if wanted == got {
                continue;
            }
            let (view, family) = name;
            *text += &format!(
                "{who}, {view:?}, {family}: {} routes, ended {}; expected {}, {}\n",
                got.routes.len(),
                got.has_ended,
                wanted.routes.len(),
                wanted.has_ended
            );
            let missing = wanted.routes.iter().filter(|(key, _)| !got.routes.contains_key(key));
            for (_, route) in missing.take(2) {
                *text += &format!("  missing  {route:?}\n");
            }
            let extra = got.routes.iter().filter(|(key, _)| !wanted.routes.contains_key(key));
            for (_, route) in extra.take(2) {
                *text += &format!("  too many {route:?}\n");
            }
            let other = wanted.routes.iter().filter_map(|(key, route)| {
                got.routes.get(key).filter(|found| *found != route).map(|found| (route, found))
            });
            for (wanted, got) in other.take(2) {
                *text += &format!("  wanted   {wanted:?}\n  found    {got:?}\n");
            }
        }
    }
}

/// What both OPENs of a Peer Up say, if they can be read.
fn opens(up: &UpBody<'_>) -> Option<[Open; 2]> {
    Some([Open::parse(up.sent_open.body).ok()?, Open::parse(up.received_open.body).ok()?])
}

/// The families with path identifiers: in an Adj-RIB-In those that the peer sends, in an Adj-RIB-Out those that the
/// router sends (RFC 8671 section 5), in a Loc-RIB those of the capability (RFC 9069 section 5.2).
fn add_paths(view: View, up: &Up) -> AddPaths {
    let mut found = AddPaths::new();
    for message in up.messages.values() {
        let body = message::read_peer_up(&message[COMMON_HEADER + PEER_HEADER..]);
        let Some([sent, received]) = body.ok().and_then(|body| opens(&body)) else { continue };
        found.extend(match view {
            View::Loc { .. } => sent.add_path.iter().map(|(family, _)| *family).collect(),
            View::In { .. } => nlri::add_paths(&sent, &received),
            View::Out { .. } => nlri::add_paths(&received, &sent),
        });
    }
    found
}
