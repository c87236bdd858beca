//! A consumer of a topic: it believes Peer Up, Peer Down, routes and End-of-RIBs, and checks what it can.
//!
//! It may begin anywhere, and records may be missing before it begins: what is about a peer whose Peer Up it has not read
//! it ignores. Whether it has everything is compared once all is idle ([`super::quiet`]).

use std::collections::{BTreeMap, BTreeSet};

use simulated::simulation::bus::Record;
use tests::bmp::Identity;
use tests::bmp::message::{self, kind};
use tests::kafka::openbmp::{OpenBmp, md5};

use crate::bmp;
use crate::ledger::Ledger;
use crate::relay::known::Route;
use crate::relay::plan::{LOCAL, name};
use crate::relay::router::Router;
use crate::relay::station::{LegPeer, own_peer};
use crate::route::{self, Content};
use crate::station::{self, View};

/// The number of a generation: when its bmpd was started, and which it is of its router since then.
pub type Generation = (u64, u64);

/// What a reader believes of one router.
#[derive(Debug, Default)]
pub struct Believed {
    /// The generation of the last record.
    pub generation: Generation,
    first: Option<Generation>,
    /// True once an Initiation was read of a later generation than the first record: routers send others.
    pub is_initiated: bool,
    /// True if the last record was a Termination.
    pub is_terminated: bool,
    /// The neighbors of bmpd, by their numbers.
    pub neighbors: BTreeMap<usize, View>,
    /// The peers of a router.
    pub peers: BTreeMap<Identity, LegPeer>,
}

/// What a reader needs for its checks.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// What neighbors have announced.
    pub ledger: &'a Ledger,
    /// The routers.
    pub routers: &'a [Router],
    /// True if nothing was lost: what is wrong is an error.
    pub is_strict: bool,
}

/// The key of a router's records.
pub fn key(router: usize) -> Vec<u8> {
    let name = if router == LOCAL { crate::plan::NAME.to_owned() } else { name(router) };
    md5(name.as_bytes()).to_vec()
}

/// The generation of a record.
pub fn generation(record: &Record) -> Result<Generation, String> {
    let [(first, generation), (second, phase)] = &record.headers[..] else {
        return Err(format!("a record with the headers {:?}", record.headers));
    };
    if first != "bmpd-generation" || second != "bmpd-phase" {
        return Err(format!("a record with the headers {:?}", record.headers));
    }
    if !["dump", "live"].contains(&phase.as_str()) {
        return Err(format!("the phase {phase}"));
    }
    let parts = generation.split_once('.');
    let parts = parts.and_then(|(start, number)| Some((start.parse().ok()?, number.parse().ok()?)));
    parts.ok_or_else(|| format!("the generation {generation}"))
}

/// The BMP message of a record, which is behind OpenBMP's header.
pub fn message(record: &Record) -> Result<&[u8], String> {
    let read = OpenBmp::parse(&record.value)?;
    match read.router_hash == record.key[..] {
        true => Ok(read.message),
        false => Err("a record of another router than its key".to_owned()),
    }
}

/// The type of a BMP message.
pub fn kind_of(message: &[u8]) -> Option<u8> {
    message.get(5).copied()
}

/// The message that is all there is of these bytes.
fn one_message(bytes: &[u8]) -> Result<message::Message<'_>, String> {
    match message::split_messages(bytes)?[..] {
        [message] => Ok(message),
        ref others => Err(format!("a record with {} messages", others.len())),
    }
}

impl Believed {
    /// Reads a record.
    pub fn read(&mut self, router: usize, record: &Record, model: Model<'_>) -> Result<(), String> {
        let (generation, bytes) = (generation(record)?, message(record)?);
        if generation < self.generation {
            return Err(format!("generation {generation:?} after {:?}", self.generation));
        }
        let begins = generation > *self.first.get_or_insert(generation);
        self.generation = generation;
        let kind = kind_of(bytes);
        self.is_terminated = kind == Some(kind::TERMINATION);
        self.is_initiated |= begins && kind == Some(kind::INITIATION);
        let outcome = match model.routers.get(router) {
            None => self.of_bmpd(bytes, model),
            Some(router) => self.of_router(bytes, router),
        };
        match outcome {
            Err(why) if model.is_strict => Err(why),
            // What went before was lost: what is compared in the end says whether it matters.
            _ => Ok(()),
        }
    }

    fn of_bmpd(&mut self, bytes: &[u8], model: Model<'_>) -> Result<(), String> {
        match bmp::read(&one_message(bytes)?)? {
            bmp::Message::PeerUp(peer, _, received) => {
                let found = model.ledger.iter().find(|(_, entry)| entry.sent_open == received);
                let (serial, entry) = found.ok_or("a Peer Up with an OPEN that nobody has sent")?;
                let view = self.neighbors.entry(entry.neighbor);
                let view = view.or_insert_with(|| View::new(&peer));
                if view.serials.last() != Some(serial) {
                    view.serials.push(*serial);
                }
                view.ends.clear();
            }
            bmp::Message::PeerDown(peer, _) => {
                self.neighbors.remove(&station::neighbor(&peer));
            }
            bmp::Message::Routes(peer, body) => {
                let Some(view) = self.neighbors.get_mut(&station::neighbor(&peer)) else {
                    return Ok(());
                };
                let entry = &model.ledger[&view.serial()];
                match route::read(body, |family| entry.add_path.contains(&family))? {
                    Content::Announced(_, mark, keys) => {
                        view.routes.extend(keys.into_iter().map(|key| (key, mark)));
                    }
                    Content::Withdrawn(_, keys) => {
                        view.routes.retain(|key, _| !keys.contains(key));
                    }
                    Content::EndOfRib(family) => view.ends.extend([family]),
                }
            }
            bmp::Message::Initiation(_)
            | bmp::Message::Termination(_)
            | bmp::Message::Statistics(..) => {}
        }
        Ok(())
    }

    fn of_router(&mut self, bytes: &[u8], router: &Router) -> Result<(), String> {
        let message = one_message(bytes)?;
        let said = &router.said;
        if said.passed_on.contains_key(message.whole) {
            return Ok(());
        }
        match message.kind {
            kind::INITIATION if !said.initiations.contains(message.body()) => {
                return Err("an Initiation that the router has not sent".to_owned());
            }
            kind::PEER_UP => {
                let (peer, body) = own_peer(&message)?;
                let up = (peer, body.to_vec());
                let shape = said.ups.get(&up).ok_or("a Peer Up that the router has not sent")?;
                let known = self.peers.entry(peer.identity());
                let known = known.or_insert_with(|| LegPeer {
                    up: up.clone(),
                    shape: shape.clone(),
                    routes: BTreeMap::new(),
                    ends: BTreeSet::new(),
                    report: None,
                });
                (known.up, known.shape) = (up, shape.clone());
                known.ends.clear();
            }
            kind::PEER_DOWN => {
                let (peer, _) = own_peer(&message)?;
                self.peers.remove(&peer.identity());
            }
            kind::ROUTE_MONITORING => {
                let (peer, body) = own_peer(&message)?;
                let Some(known) = self.peers.get_mut(&peer.identity()) else { return Ok(()) };
                let (shape, view) = (&known.shape, peer.view());
                let add_path = |family| shape.add_path(view, family);
                match route::read(message::read_monitoring(body)?, add_path)? {
                    Content::Announced(_, mark, keys) => {
                        let route = Route::of(&peer, mark);
                        known.routes.extend(keys.into_iter().map(|key| ((view, key), route)));
                    }
                    Content::Withdrawn(_, keys) => {
                        for key in keys {
                            known.routes.remove(&(view, key));
                        }
                    }
                    Content::EndOfRib(family) => known.ends.extend([(view, family)]),
                }
            }
            _ => {}
        }
        Ok(())
    }
}
