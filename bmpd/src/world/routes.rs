//! The routes of the tables, for queries.
//!
//! ```text
//!   ShowRoutes ── select_routes ──> RouteReader: the routers that are to be read, the tables of one
//!                                     │ next: a part of one table under its lock, then decoded without it
//!                                     └──> some routes, or how many have what in common
//! ```
//!
//! A reader holds no table and no lock between two parts, so one that is slow, or never continues, costs its own memory
//! only: a part. A single prefix is looked up in the index of a table where the bytes of a route are known from it;
//! where labels, a distinguisher or a path identifier belong to them, and for all routes below a prefix, the table is
//! walked through.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use shared::names::{NeighborId, RouterId};
use shared::request::{
    CountBy, FAMILIES, PrefixMatch, ShowRoutes, VIEWS, WantedPrefix, WhichNeighbors,
};
use shared::response::{
    Aggregator, AsPathSegment, Failure, Nlri, OtherAttribute, PathAttributes, RouteCount,
    RoutePart, RouteSet, RoutesEnd, SegmentKind, TableOfRoutes,
};

use super::World;
use crate::routers::{Found, Gone, Peer, Router, Table, Walk, Walked};
use crate::wire::attributes::{Attributes, SegmentType, Value, next_hops};
use crate::wire::bmp;
use crate::wire::describe::{hex, route_distinguisher};
use crate::wire::nlri::Form;
use crate::wire::route::Words;

/// How many routes a part has at most, and how many bytes of attributes, but for those of one UPDATE.
const PART: usize = 512;
const PART_BYTES: usize = 64 * 1024;

/// How many different values are counted; the routes of further ones are counted together.
const VALUES_MAX: usize = 1 << 18;

/// The text of the routes that are counted together.
const FURTHER: &str = "further ones";

/// A table that is to be read.
struct Selected {
    table: Table,
    peer: NeighborId,
    router: Arc<Router>,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Routes {
    /// Some routes.
    Part(RoutePart),
    /// Nothing: others should have their turn.
    Nothing,
    /// That was all of them; with what was counted.
    End(RoutesEnd, Vec<RouteCount>),
}

/// Reads the selected routes, part by part.
pub(crate) struct RouteReader {
    show: ShowRoutes,
    /// Those that are still to be read.
    routers: VecDeque<Arc<Router>>,
    /// The tables of the router that is read now.
    tables: VecDeque<Selected>,
    current: Option<Current>,
    counts: HashMap<Counted, u64>,
    end: RoutesEnd,
}

/// What routes have in common.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Counted {
    OriginAs(Option<u32>),
    Text(String),
}

/// The table that is read now.
struct Current {
    of: Selected,
    how: How,
}

/// How it is read.
enum How {
    /// The first of these routes that is there.
    LookUp(Vec<Vec<u8>>),
    /// All of them, or those for the prefix.
    Walk(Walk, Filter),
    /// First for the length of the longest prefix that covers the one that is wanted.
    WalkForBest { walk: Walk, wanted: IpNet, best: Option<u8> },
}

/// Which routes are taken of a table that is walked through.
#[derive(Debug, Clone, Copy)]
enum Filter {
    All,
    /// This prefix and what it covers.
    Within(IpNet),
    /// This prefix.
    Exactly(IpNet),
}

impl Filter {
    fn takes(self, form: Form, route: &[u8]) -> bool {
        match self {
            Filter::All => true,
            Filter::Within(wanted) => {
                prefix(form, route).is_some_and(|prefix| wanted.contains(&prefix))
            }
            Filter::Exactly(wanted) => prefix(form, route) == Some(wanted),
        }
    }
}

/// The prefix of a route, whatever is in front of it.
fn prefix(form: Form, route: &[u8]) -> Option<IpNet> {
    let (_, bits, bytes) = form.prefix(route)?;
    let mut octets = [0; 16];
    octets.get_mut(..bytes.len())?.copy_from_slice(bytes);
    let [a, b, c, d, ..] = octets;
    let address: IpAddr = match form.family().afi {
        1 => [a, b, c, d].into(),
        _ => octets.into(),
    };
    IpNet::new(address, u8::try_from(bits).ok()?).ok()
}

/// A route and its attributes, copied under the lock.
struct Copied {
    attributes: Vec<u8>,
    time: bmp::Timestamp,
    routes: Vec<(Vec<u8>, bool)>,
}

impl World {
    /// Reads the selected routes, or fails if what they are to be of is not there.
    pub(crate) fn select_routes(&self, show: ShowRoutes) -> Result<RouteReader, Failure> {
        let ShowRoutes { peers, router, view, family, .. } = &show;
        for (what, name, names) in [("view", view, &VIEWS[..]), ("family", family, &FAMILIES[..])] {
            if let Some(name) = name.as_deref().filter(|name| !names.contains(name)) {
                let text = format!("there is no {what} {name}: it is one of {}", names.join(", "));
                return Err(Failure::Other(text));
            }
        }
        if let Some(router) = router {
            self.router_exists(router)?;
        }
        let wanted = |of: &&Arc<Router>| router.as_ref().is_none_or(|wanted| wanted == of.id());
        let routers: VecDeque<_> = self.routers.all().iter().filter(wanted).cloned().collect();
        // One that is configured and has never been up has no routes.
        let is_peer = |peer: &Arc<Peer>| peers.matches(peer.id());
        if *peers != WhichNeighbors::default()
            && !routers.iter().any(|router| router.peers().iter().any(is_peer))
        {
            self.select_neighbors(peers)?;
        }
        Ok(RouteReader {
            show,
            routers,
            tables: VecDeque::new(),
            current: None,
            counts: HashMap::new(),
            end: RoutesEnd::default(),
        })
    }
}

/// True if the table can have a route for the prefix.
fn is_for(prefix: Option<WantedPrefix>, form: Form) -> bool {
    prefix.is_none_or(|WantedPrefix { prefix, .. }| {
        let afi = if prefix.addr().is_ipv4() { 1 } else { 2 };
        form.has_prefixes() && form.family().afi == afi
    })
}

impl How {
    fn new(table: &Table, prefix: Option<WantedPrefix>) -> Self {
        let Some(WantedPrefix { prefix, how }) = prefix else {
            return How::Walk(table.walk(), Filter::All);
        };
        let prefix = prefix.trunc();
        let octets = match prefix.addr() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let route = |bits| table.form().route_of(bits, &octets);
        let looked_up = match how {
            PrefixMatch::Longer => None,
            PrefixMatch::Exact => route(prefix.prefix_len()).map(|route| vec![route]),
            PrefixMatch::Best => (0..=prefix.prefix_len()).rev().map(route).collect(),
        };
        match (looked_up, how) {
            (Some(routes), _) => How::LookUp(routes),
            (None, PrefixMatch::Longer) => How::Walk(table.walk(), Filter::Within(prefix)),
            (None, PrefixMatch::Exact) => How::Walk(table.walk(), Filter::Exactly(prefix)),
            (None, PrefixMatch::Best) => {
                How::WalkForBest { walk: table.walk(), wanted: prefix, best: None }
            }
        }
    }
}

impl RouteReader {
    /// The next routes. It works for a moment at most, and is to be called again until it has returned the end.
    pub(crate) fn next(&mut self) -> Routes {
        let Some(mut current) = self.current.take().or_else(|| self.begin()) else {
            let counts = self.counted();
            return Routes::End(self.end, counts);
        };
        let room = self.show.limit.map(|limit| limit.saturating_sub(self.end.routes));
        let read = match self.show.count_by {
            Some(by) => self.count(&mut current, by).map(|walked| (Vec::new(), walked)),
            None => copy(&mut current, room),
        };
        let Ok((mut copied, walked)) = read else {
            self.end.tables_lost += 1;
            return Routes::Nothing;
        };
        let is_limited = room.is_some_and(|room| limit(&mut copied, room));
        let part = self.described(&current.of, copied);
        if is_limited {
            self.end.limited = true;
            self.tables.clear();
            self.routers.clear();
        } else {
            self.go_on(current, walked);
        }
        part
    }

    /// Begins with the next table.
    fn begin(&mut self) -> Option<Current> {
        let of = loop {
            match self.tables.pop_front() {
                Some(of) => break of,
                None => {
                    let router = self.routers.pop_front()?;
                    self.tables = self.tables_of(&router);
                }
            }
        };
        self.end.tables += 1;
        let how = How::new(&of.table, self.show.prefix);
        Some(Current { of, how })
    }

    /// The selected tables of a router, as it is now.
    fn tables_of(&self, router: &Arc<Router>) -> VecDeque<Selected> {
        let ShowRoutes { prefix, peers, view, family, .. } = &self.show;
        let is_wanted = |table: &Table| {
            view.as_deref().is_none_or(|name| table.id().view.name() == name)
                && family.as_ref().is_none_or(|name| *name == table.id().family.to_string())
                && is_for(*prefix, table.form())
        };
        let mut tables = VecDeque::new();
        for peer in router.peers().iter().filter(|peer| peers.matches(peer.id())) {
            let Some(epoch) = peer.current() else { continue };
            tables.extend(Table::all(&epoch).into_iter().filter(is_wanted).map(|table| Selected {
                table,
                peer: peer.id().clone(),
                router: Arc::clone(router),
            }));
        }
        tables
    }

    /// Continues with the same table, if there is more to be read.
    fn go_on(&mut self, mut current: Current, walked: Walked) {
        match (walked, &current.how) {
            (Walked::Some, _) => self.current = Some(current),
            (Walked::All { .. }, How::WalkForBest { wanted, best, .. }) => {
                let prefix = best.and_then(|bits| IpNet::new(wanted.addr(), bits).ok());
                if let Some(prefix) = prefix {
                    let walk = current.of.table.walk();
                    current.how = How::Walk(walk, Filter::Exactly(prefix.trunc()));
                    self.current = Some(current);
                }
            }
            (Walked::All { changes }, How::LookUp(_) | How::Walk(..)) => {
                self.end.changes_missed += changes as u64;
            }
        }
    }

    fn described(&mut self, of: &Selected, copied: Vec<Copied>) -> Routes {
        if copied.is_empty() {
            return Routes::Nothing;
        }
        let (form, two_octet_as) = (of.table.form(), is_two_octet_as(of));
        let with_bytes = self.show.with_bytes;
        let set = |Copied { attributes, time, routes }: Copied| RouteSet {
            received: received(time),
            attributes: attributes_of(&attributes, two_octet_as, with_bytes),
            routes: routes
                .iter()
                .map(|(route, stale)| nlri(form, route, *stale, with_bytes))
                .collect(),
        };
        let sets: Vec<RouteSet> = copied.into_iter().map(set).collect();
        self.end.routes += sets.iter().map(|set| set.routes.len() as u64).sum::<u64>();
        Routes::Part(RoutePart { table: about(of), sets })
    }

    /// Counts some routes.
    fn count(&mut self, current: &mut Current, by: CountBy) -> Result<Walked, Gone> {
        let two_octet_as = is_two_octet_as(&current.of);
        let text = match by {
            CountBy::OriginAs => String::new(),
            CountBy::Family => current.of.table.id().family.to_string(),
            CountBy::Neighbor => named(&current.of),
        };
        let Self { counts, end, .. } = self;
        let mut last: Option<(_, Option<u32>, u64)> = None;
        let mut texts = 0;
        let mut add = |value: Counted, routes: u64| {
            let value = match counts.len() < VALUES_MAX || counts.contains_key(&value) {
                true => value,
                false => Counted::Text(FURTHER.to_owned()),
            };
            *counts.entry(value).or_default() += routes;
            end.routes += routes;
        };
        let visit = |found: Found<'_>| match by {
            CountBy::OriginAs => match &mut last {
                Some((set, _, routes)) if *set == found.set => *routes += 1,
                _ => {
                    let origin = origin_as(found.attributes, two_octet_as);
                    if let Some((_, before, routes)) = last.replace((found.set, origin, 1)) {
                        add(Counted::OriginAs(before), routes);
                    }
                }
            },
            CountBy::Neighbor | CountBy::Family => texts += 1,
        };
        let walked = read(current, visit, || true)?;
        if let Some((_, origin, routes)) = last {
            add(Counted::OriginAs(origin), routes);
        }
        if texts > 0 {
            add(Counted::Text(text), texts);
        }
        Ok(walked)
    }

    /// What was counted, the greatest first.
    fn counted(&mut self) -> Vec<RouteCount> {
        let counts = std::mem::take(&mut self.counts).into_iter();
        let mut counts: Vec<RouteCount> = counts
            .map(|(value, routes)| {
                let value = match value {
                    Counted::OriginAs(origin) => origin.map(|origin| origin.to_string()),
                    Counted::Text(text) => Some(text),
                };
                RouteCount { value, routes }
            })
            .collect();
        counts.sort_by(|a, b| (Reverse(a.routes), &a.value).cmp(&(Reverse(b.routes), &b.value)));
        if let Some(limit) = self.show.limit
            && counts.len() as u64 > limit
        {
            counts.truncate(limit as usize);
            self.end.limited = true;
        }
        counts
    }
}

/// Reads some of the selected routes of a table.
fn read(
    current: &mut Current,
    mut visit: impl FnMut(Found<'_>),
    has_room: impl FnMut() -> bool,
) -> Result<Walked, Gone> {
    let form = current.of.table.form();
    match &mut current.how {
        How::LookUp(routes) => {
            let is_done = current.of.table.look_up(routes, visit)?;
            Ok(if is_done { Walked::All { changes: 0 } } else { Walked::Some })
        }
        How::Walk(walk, filter) => walk.some(
            |found| {
                if filter.takes(form, found.route) {
                    visit(found);
                }
            },
            has_room,
        ),
        How::WalkForBest { walk, wanted, best } => walk.some(
            |found| {
                if let Some(prefix) = prefix(form, found.route)
                    && prefix.contains(&*wanted)
                {
                    *best = Some(
                        best.map_or(prefix.prefix_len(), |best| best.max(prefix.prefix_len())),
                    );
                }
            },
            has_room,
        ),
    }
}

/// Copies some of the selected routes of a table, at most one more than there is `room` for and the rest of an UPDATE.
fn copy(current: &mut Current, room: Option<u64>) -> Result<(Vec<Copied>, Walked), Gone> {
    let most = room.map_or(PART, |room| {
        usize::try_from(room).map_or(PART, |room| room.saturating_add(1).min(PART))
    });
    let mut copied: Vec<Copied> = Vec::new();
    let mut last = None;
    let size = std::cell::Cell::new((0, 0));
    let visit = |found: Found<'_>| {
        let (routes, bytes) = size.get();
        let route = (found.route.to_vec(), found.is_stale);
        let more =
            match copied.last_mut().filter(|one| last == Some(found.set) && one.time == found.time)
            {
                Some(one) => {
                    one.routes.push(route);
                    0
                }
                None => {
                    let attributes = found.attributes.to_vec();
                    let more = attributes.len();
                    copied.push(Copied { attributes, time: found.time, routes: vec![route] });
                    last = Some(found.set);
                    more
                }
            };
        size.set((routes + 1, bytes + more));
    };
    let walked = read(current, visit, || {
        let (routes, bytes) = size.get();
        routes < most && bytes < PART_BYTES
    })?;
    Ok((copied, walked))
}

/// Cuts routes off beyond `room`; true if there were some.
fn limit(copied: &mut Vec<Copied>, room: u64) -> bool {
    let mut room = usize::try_from(room).unwrap_or(usize::MAX);
    let mut is_cut = false;
    copied.retain_mut(|one| {
        is_cut |= one.routes.len() > room;
        one.routes.truncate(room);
        room -= one.routes.len();
        !one.routes.is_empty()
    });
    is_cut
}

fn is_two_octet_as(of: &Selected) -> bool {
    of.table.epoch().header().is_two_octet_as()
}

/// The table for those who read about its routes.
fn about(of: &Selected) -> TableOfRoutes {
    let header = of.table.epoch().header();
    let distinguisher = header.distinguisher();
    TableOfRoutes {
        router: of.router.id().clone(),
        peer: of.peer.address,
        peer_type: header.peer_type().name().to_owned(),
        peer_distinguisher: (distinguisher != [0; 8]).then(|| route_distinguisher(distinguisher)),
        peer_as: header.asn(),
        vpn_instance: of.peer.vpn_instance.clone(),
        view: of.table.id().view.name().to_owned(),
        family: of.table.id().family.to_string(),
    }
}

/// The peer, its router unless that is bmpd itself, and its view unless it is the usual one.
fn named(of: &Selected) -> String {
    let mut text = of.peer.to_string();
    if *of.router.id() != RouterId::Local {
        text = format!("{text} of {} {}", of.router.id(), of.table.id().view.name());
    }
    text
}

fn received(time: bmp::Timestamp) -> shared::time::Timestamp {
    shared::time::Timestamp(u64::from(time.seconds) * 1000 + u64::from(time.micros) / 1000)
}

fn nlri(form: Form, route: &[u8], stale: bool, with_bytes: bool) -> Nlri {
    let Words { prefix, path_id, distinguisher, labels } = Words::of(form, route);
    let bytes = with_bytes.then(|| hex(route, route.len()));
    Nlri { prefix, path_id, distinguisher, labels, stale, bytes }
}

/// The last AS number of a path that does not end with a set.
fn origin_as(stored: &[u8], two_octet_as: bool) -> Option<u32> {
    let attributes = Attributes::of_stored(stored);
    let two_octet_as = two_octet_as ^ attributes.flips_a;
    let path = attributes.iter().find_map(|one| match one.value(two_octet_as) {
        Some(Value::AsPath(path)) => Some(path),
        _ => None,
    });
    match path?.last()? {
        (SegmentType::Sequence | SegmentType::ConfedSequence, numbers) => numbers.last().copied(),
        (SegmentType::Set | SegmentType::ConfedSet, _) => None,
    }
}

fn attributes_of(stored: &[u8], two_octet_as: bool, with_bytes: bool) -> PathAttributes {
    let attributes = Attributes::of_stored(stored);
    let two_octet_as = two_octet_as ^ attributes.flips_a;
    let mut read = PathAttributes::default();
    let mut has_reach = false;
    if let Some(value) = attributes.next_hop {
        has_reach = true;
        match next_hops(value) {
            Some(hops) => read.next_hops = hops,
            // As it is in the attribute that was received.
            None => read.others.push(OtherAttribute {
                code: 14,
                name: Some("MP_REACH_NLRI (next hop)".to_owned()),
                flags: 0x80,
                value: hex(value, value.len()),
            }),
        }
    }
    for one in attributes.iter() {
        match one.value(two_octet_as) {
            Some(Value::Origin(origin)) => read.origin = Some(origin.to_owned()),
            Some(Value::AsPath(path)) => {
                read.as_path = path.into_iter().map(path_segment).collect()
            }
            // Beside MP_REACH_NLRI it says nothing of the route (RFC 4760 section 3).
            Some(Value::NextHop(hop)) if !has_reach => read.next_hops = vec![hop.into()],
            Some(Value::Med(med)) => read.med = Some(med),
            Some(Value::LocalPreference(preference)) => read.local_preference = Some(preference),
            Some(Value::AtomicAggregate) => read.atomic_aggregate = true,
            Some(Value::Aggregator(as_number, address)) => {
                read.aggregator = Some(Aggregator { as_number, address });
            }
            Some(Value::Communities(communities)) => read.communities = communities,
            Some(Value::ExtendedCommunities(communities)) => {
                read.extended_communities.extend(communities);
            }
            Some(Value::LargeCommunities(communities)) => read.large_communities = communities,
            Some(Value::OriginatorId(id)) => read.originator_id = Some(id),
            Some(Value::ClusterList(list)) => read.cluster_list = list,
            Some(Value::Aigp(metric)) => read.aigp = Some(metric),
            Some(Value::OnlyToCustomer(asn)) => read.only_to_customer = Some(asn),
            Some(Value::NextHop(_)) | None => read.others.push(OtherAttribute {
                code: one.code,
                name: one.name().map(str::to_owned),
                flags: one.flags,
                value: hex(one.value, one.value.len()),
            }),
        }
    }
    let [before, after] = attributes.bytes();
    read.bytes = with_bytes.then(|| hex(before, before.len()) + &hex(after, after.len()));
    read
}

fn path_segment((kind, as_numbers): (SegmentType, Vec<u32>)) -> AsPathSegment {
    let kind = match kind {
        SegmentType::Set => SegmentKind::Set,
        SegmentType::Sequence => SegmentKind::Sequence,
        SegmentType::ConfedSequence => SegmentKind::ConfedSequence,
        SegmentType::ConfedSet => SegmentKind::ConfedSet,
    };
    AsPathSegment { kind, as_numbers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bmp::View;
    use crate::wire::family::Family;

    #[test]
    fn the_names_of_views_and_families_are_those_of_the_tables() {
        assert_eq!(VIEWS, View::ALL.map(View::name));
        assert_eq!(FAMILIES.map(str::to_owned), Family::ALL.map(|family| family.to_string()));
    }

    #[test]
    fn routes_beyond_the_limit_are_cut_off() {
        let copied = |counts: &[usize]| -> Vec<Copied> {
            let of = |count: &usize| Copied {
                attributes: vec![],
                time: bmp::Timestamp::default(),
                routes: vec![(vec![8, 10], false); *count],
            };
            counts.iter().map(of).collect()
        };
        for (counts, room, left, is_cut) in [
            (&[2, 3][..], 5, &[2, 3][..], false),
            (&[2, 3], 4, &[2, 2], true),
            (&[2, 3], 2, &[2], true),
            (&[2, 3], 0, &[], true),
            (&[], 0, &[], false),
        ] {
            let mut all = copied(counts);
            assert_eq!(limit(&mut all, room), is_cut, "{counts:?} {room}");
            assert_eq!(all.iter().map(|one| one.routes.len()).collect::<Vec<_>>(), left);
        }
    }
}
