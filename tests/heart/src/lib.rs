//! The life of a route through bmpd, step by step: what the benchmarks do, and what must be there before.
//!
//! `benches/time.rs` measures how long the steps take, `benches/instructions.rs` counts what they execute.
//! A step is a function that takes what its set-up has made. UPDATEs that go into tables were parsed
//! before, so that each cost is seen in one step only.

use std::hint::black_box;

use bmpd::heart::{Interner, Neighbor, Station};
use bmpd::wire::update::{Context, Update};
use tests::bgp;
use tests::table::Table;

const CONTEXT: Context = Context { four_octet_as: true, external: true };

/// What a session encodes at a time, in bytes.
const BATCH: usize = 256 * 1024;

/// The body of an UPDATE. It is never freed, so that what was parsed of it can be kept.
pub type Body = &'static [u8];

/// An UPDATE that was parsed.
pub type Parsed = Update<'static>;

/// How many routes a [`Stream`] has: those of IPv4, and a fifth as many of IPv6.
pub const fn routes(ipv4: u64) -> u64 {
    ipv4 + ipv4 / 5
}

/// What a neighbor sends, three times over: each time the same routes in the same order.
pub struct Stream {
    /// Announces them.
    pub announcements: Vec<Body>,
    /// Announces them with other attributes and in other groups.
    pub others: Vec<Body>,
    /// Withdraws them, in the groups in which they were announced.
    pub withdrawals: Vec<Body>,
}

impl Stream {
    /// The table has this many IPv4 routes, and the IPv6 routes that [`routes`] adds.
    pub fn new(ipv4: u64) -> Self {
        let table = Table::of(65001, ipv4, ipv4 / 5);
        let announcements = bodies(table.bytes().to_vec());
        let withdrawals = announcements.iter().flat_map(|body| bodies(withdrawal(body))).collect();
        let others = bodies(Table::of(65002, ipv4, ipv4 / 5).bytes().to_vec());
        Self { announcements, others, withdrawals }
    }
}

/// Splits consecutive messages.
fn bodies(messages: Vec<u8>) -> Vec<Body> {
    let mut rest: &'static [u8] = messages.leak();
    let mut bodies = Vec::new();
    while !rest.is_empty() {
        bodies.push(bgp::split_message(&mut rest).expect("our own message").body);
    }
    bodies
}

/// Withdraws what an UPDATE announces.
fn withdrawal(body: &[u8]) -> Vec<u8> {
    let update = bgp::Update::parse(body).expect("our own update");
    let prefixes: Vec<_> = update
        .announced()
        .flat_map(|reach| bgp::prefixes(reach.family, reach.nlri).expect("our own prefixes"))
        .collect();
    bgp::withdrawals(&prefixes)
}

/// Parses what goes into tables later.
pub fn parsed(bodies: &[Body]) -> Vec<Parsed> {
    let one = |body: &Body| {
        Update::parse(body, CONTEXT, Box::leak(Box::default())).expect("a good update")
    };
    bodies.iter().map(one).collect()
}

/// The attributes of each UPDATE in the form in which tables keep them.
pub fn attributes(updates: &[Parsed]) -> Vec<Vec<u8>> {
    let stored = |update: &Parsed| {
        let mut stored = Vec::new();
        match &update.reach {
            Some(reach) => update.store_reach(reach, false, &mut stored),
            None => update.store_plain(false, &mut stored),
        }
        stored
    };
    updates.iter().map(stored).collect()
}

/// A neighbor that is sending its table and has announced all this.
pub fn loading(updates: &[Parsed]) -> Neighbor {
    let neighbor = Neighbor::up();
    take(&neighbor, updates);
    neighbor
}

/// A neighbor whose whole table this is.
pub fn announced(updates: &[Parsed]) -> Neighbor {
    let neighbor = loading(updates);
    index(&neighbor);
    neighbor
}

/// A neighbor that has announced all this, and a station that was sent it.
pub fn reported(updates: &[Parsed]) -> (Neighbor, Station) {
    let neighbor = announced(updates);
    let mut station = neighbor.station();
    dump(&mut station);
    (neighbor, station)
}

/// An interner that holds these attributes.
pub fn held(attributes: &[Vec<u8>]) -> Interner {
    let mut interner = Interner::default();
    hold(&mut interner, attributes);
    interner
}

/// A neighbor whose tables are more than half superseded, but for a station that is stalled: of five
/// records, three withdraw what another station was sent and two announce something new.
pub fn stalled(updates: &[Parsed], withdrawals: &[Parsed]) -> (Neighbor, Station) {
    let old = updates.len() * 3 / 5;
    let (neighbor, _reported) = reported(&updates[..old]);
    let mut stalled = neighbor.station();
    stalled.fill(&mut Vec::with_capacity(BATCH), 1);
    for (withdrawn, new) in withdrawals[..old].chunks(3).zip(updates[old..].chunks(2)) {
        take(&neighbor, withdrawn);
        take(&neighbor, new);
    }
    neighbor.work_off();
    (neighbor, stalled)
}

/// Step: UPDATEs are parsed. Returns how many were good.
pub fn parse(bodies: &[Body]) -> usize {
    let mut kept = Vec::new();
    let good = |body: &&Body| {
        let update = Update::parse(black_box(body), CONTEXT, &mut kept);
        black_box(update).is_ok_and(|update| update.fault.is_none())
    };
    bodies.iter().filter(good).count()
}

/// Step: attributes are interned.
pub fn hold(interner: &mut Interner, attributes: &[Vec<u8>]) {
    for stored in attributes {
        black_box(interner.hold(black_box(stored)));
    }
}

/// Step: UPDATEs go into the tables. The cost depends on their contents.
pub fn take(neighbor: &Neighbor, updates: &[Parsed]) {
    neighbor.take(updates).expect("a good update");
}

/// Step: the backlog of a table that was sent is indexed, route by route.
pub fn index(neighbor: &Neighbor) {
    neighbor.index().expect("room for each");
}

/// Step: a stalled station is removed, and what was kept for it alone is compacted away.
pub fn leave((neighbor, station): (Neighbor, Station)) -> Neighbor {
    drop(station);
    neighbor.work_off();
    neighbor
}

/// Step: all that a station has still to be sent is encoded. Returns how many routes that was.
pub fn dump(station: &mut Station) -> u64 {
    let mut out = Vec::with_capacity(BATCH);
    let mut routes = 0;
    loop {
        out.clear();
        routes += station.fill(&mut out, BATCH);
        if black_box(&out).is_empty() {
            return routes;
        }
    }
}

/// Step: UPDATEs are received one at a time, and each is sent to a station before the next one. Returns
/// how many routes were sent.
pub fn relay(neighbor: &Neighbor, station: &mut Station, updates: &[Parsed]) -> u64 {
    let mut out = Vec::with_capacity(BATCH);
    let mut routes = 0;
    for update in updates {
        out.clear();
        neighbor.take([update]).expect("a good update");
        routes += station.fill(&mut out, BATCH);
        black_box(&out);
    }
    routes
}
