//! `bmpd --import`: the BMP and neighbor parts of another daemon's configuration, as ours.
//!
//! ```text
//!   file ── frr, bird, gobgp ──> Found: neighbors, stations, notes ── write ──> bmpd.toml
//! ```
//!
//! Each reader supports a part of its language. Every statement that it meets is taken over, noted with its line and
//! the reason, or listed as passed over ([`statement::Fate`]): none is dropped without a trace. The configuration's own
//! check validates what is written, table by table; a table that it refuses is written as a comment with the reason.
//!
//! The time is linear in the length of the file, and input and output have a limit.
#![forbid(unsafe_code)]

mod bird;
mod frr;
mod gobgp;
mod statement;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use clap::ValueEnum;

use crate::config::{self, MaximumRoutes, MaximumRoutesAction};

/// The longest file that is read, in bytes.
pub const FILE_MAX: usize = 16 << 20;

/// The longest text that is written, in bytes: bmpd reads no longer configuration.
const WRITTEN_MAX: usize = config::FILE_MAX;

/// Whose configuration it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// FRR: `router bgp`, `bmp targets`
    Frr,
    /// BIRD 2 and 3: `protocol bgp`, `protocol bmp`
    Bird,
    /// GoBGP: the file in TOML
    Gobgp,
}

/// Why there is nothing to print.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// Larger than [`FILE_MAX`].
    #[error("the file is larger than {} MiB: is it a configuration?", FILE_MAX >> 20)]
    TooLarge,
    /// Not UTF-8.
    #[error("line {line}: this is no text in UTF-8: is it a configuration?")]
    NotText {
        /// Where that begins.
        line: usize,
    },
    /// The language's own rules are broken.
    #[error("line {line}: {text}")]
    Syntax {
        /// Where.
        line: usize,
        /// What is wrong, and what to do.
        text: String,
    },
    /// More than [`WRITTEN_MAX`] would be written.
    #[error(
        "more than {} MiB would be written, and bmpd reads no longer file: import it in parts",
        WRITTEN_MAX >> 20
    )]
    TooMuch,
    /// There is nothing that concerns bmpd.
    #[error(
        "there is no BGP neighbor and no BMP station in it: is it the right file, and the right kind?"
    )]
    Nothing,
}

/// Reads a configuration and returns ours.
///
/// # Errors
///
/// See [`ImportError`].
pub fn import(dialect: Dialect, bytes: &[u8]) -> Result<String, ImportError> {
    if bytes.len() > FILE_MAX {
        return Err(ImportError::TooLarge);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        ImportError::NotText { line: 1 + before.iter().filter(|byte| **byte == b'\n').count() }
    })?;
    let found = match dialect {
        Dialect::Frr => frr::read(text),
        Dialect::Bird => bird::read(text)?,
        Dialect::Gobgp => gobgp::read(text)?,
    };
    if !found.has_any {
        return Err(ImportError::Nothing);
    }
    write::write(&found)
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    /// True if there is a neighbor or a station, be it one that cannot be taken over.
    has_any: bool,
    asn: Option<u32>,
    router_id: Option<String>,
    /// Where the other daemon listens, if configured; empty for nowhere.
    listen: Option<Vec<String>>,
    neighbors: Vec<Neighbor>,
    stations: Vec<Station>,
    notes: Vec<Note>,
    /// What has no counterpart: lines by the name of the statement, in their order.
    passed_over: BTreeMap<String, Vec<usize>>,
}

/// Something that has to be checked by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    line: usize,
    text: String,
}

impl Found {
    fn note(&mut self, line: usize, text: impl Into<String>) {
        self.notes.push(Note { line, text: text.into() });
    }

    fn pass_over(&mut self, line: usize, name: &str) {
        match self.passed_over.get_mut(name) {
            Some(lines) => lines.push(line),
            None => {
                self.passed_over.insert(name.to_owned(), vec![line]);
            }
        }
    }

    fn add_neighbor(&mut self, neighbor: Neighbor) {
        self.has_any = true;
        self.neighbors.push(neighbor);
    }

    fn add_station(&mut self, station: Station) {
        self.has_any = true;
        self.stations.push(station);
    }

    /// Notes a neighbor or a station that cannot be taken over at all.
    fn unsupported(&mut self, line: usize, text: impl Into<String>) {
        self.has_any = true;
        self.note(line, text);
    }

    /// Our AS; bmpd has one.
    fn own_as(&mut self, line: usize, asn: u32) {
        match self.asn {
            Some(other) if other != asn => {
                self.note(line, format!("AS {asn} here, and bmpd has one for all: {other}"));
            }
            _ => self.asn = Some(asn),
        }
    }

    /// Our router ID; bmpd has one.
    fn own_router_id(&mut self, line: usize, id: &str) {
        match &self.router_id {
            Some(other) if other != id => {
                let text = format!("router ID {id} here, and bmpd has one for all: {other}");
                self.note(line, text);
            }
            _ => self.router_id = Some(id.to_owned()),
        }
    }
}

/// Where a neighbor is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At {
    Address(IpAddr),
    Prefix(IpAddr, u8),
}

/// A prefix as people write it; bits beyond its length do not count.
fn prefix(text: &str) -> Option<At> {
    let (address, length) = text.split_once('/')?;
    let (address, length): (IpAddr, u8) = (address.parse().ok()?, length.parse().ok()?);
    let network = match address {
        IpAddr::V4(address) => {
            let beyond = 32u8.checked_sub(length)?;
            let mask = u32::MAX.checked_shl(beyond.into()).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let beyond = 128u8.checked_sub(length)?;
            let mask = u128::MAX.checked_shl(beyond.into()).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    };
    Some(At::Prefix(network, length))
}

/// The AS of a neighbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RemoteAs {
    Number(u32),
    Internal,
    /// Any but ours.
    External,
    /// Any.
    Auto,
}

/// The parameters of a neighbor, or of a group or template.
#[derive(Debug, Clone, Default)]
struct Traits {
    /// True if the other daemon keeps the session down.
    is_shut: Option<bool>,
    remote_as: Option<RemoteAs>,
    /// Our AS towards this neighbor.
    local_as: Option<u32>,
    password: Option<String>,
    port: Option<u16>,
    hold_time: Option<u32>,
    passive: Option<bool>,
    multihop: Option<u32>,
    ttl_security: Option<u32>,
    source: Option<String>,
    description: Option<String>,
    /// Our names of families, and whether they are wanted; in their order.
    families: BTreeMap<&'static str, bool>,
    /// Those in which several paths are received.
    add_path: BTreeMap<&'static str, bool>,
    /// How many routes of each there may be.
    limits: BTreeMap<&'static str, MaximumRoutes>,
}

impl Traits {
    /// bmpd has one limit for each family alike: the largest if every family that is wanted has one. Otherwise none, as
    /// it would apply to a family that had none. And a note about that.
    fn maximum_routes(&self) -> (Option<MaximumRoutes>, Option<String>) {
        let is_wanted = |name: &str| self.families.get(name).copied().unwrap_or(false);
        let limits = || self.limits.iter().filter(|(name, _)| is_wanted(name));
        let Some((_, largest)) = limits().max_by_key(|(_, maximum)| maximum.limit) else {
            return (None, None);
        };
        let wanted = self.families.iter().filter(|(_, wanted)| **wanted);
        let without = wanted.map(|(name, _)| *name).find(|name| !self.limits.contains_key(name));
        if let Some(without) = without {
            let text = format!(
                "bmpd has one maximum-routes for all families, and {without} had none: left out, {} elsewhere",
                largest.limit
            );
            return (None, Some(text));
        }
        let other = limits().find(|(_, maximum)| *maximum != largest);
        let said = other.map(|(name, maximum)| {
            format!(
                "bmpd has one maximum-routes for all families, {} here: {name} had {}, or another action",
                largest.limit, maximum.limit
            )
        });
        (Some(*largest), said)
    }

    /// Missing values are taken from the other.
    fn or(mut self, other: &Traits) -> Traits {
        let Traits { families, add_path, limits, .. } = other;
        for (name, wanted) in families {
            self.families.entry(name).or_insert(*wanted);
        }
        for (name, wanted) in add_path {
            self.add_path.entry(name).or_insert(*wanted);
        }
        for (name, maximum) in limits {
            self.limits.entry(name).or_insert(*maximum);
        }
        Traits {
            is_shut: self.is_shut.or(other.is_shut),
            remote_as: self.remote_as.or(other.remote_as),
            local_as: self.local_as.or(other.local_as),
            password: self.password.or_else(|| other.password.clone()),
            port: self.port.or(other.port),
            hold_time: self.hold_time.or(other.hold_time),
            passive: self.passive.or(other.passive),
            multihop: self.multihop.or(other.multihop),
            ttl_security: self.ttl_security.or(other.ttl_security),
            source: self.source.or_else(|| other.source.clone()),
            description: self.description.or_else(|| other.description.clone()),
            families: self.families,
            add_path: self.add_path,
            limits: self.limits,
        }
    }
}

/// What a limit of routes of another daemon does not count.
const BEFORE_POLICY: &str =
    "bmpd counts all routes, those that policy dropped here too: is the limit still right?";

/// The session is tried again after this many seconds.
fn restart_after(seconds: u64) -> MaximumRoutesAction {
    MaximumRoutesAction::Restart(Duration::from_secs(seconds.clamp(1, 86_400)))
}

/// A BGP neighbor.
#[derive(Debug, Clone)]
struct Neighbor {
    line: usize,
    at: At,
    /// The VRF that it is in.
    vrf: Option<String>,
    /// Our AS in the part of the file that it is in, if parts differ.
    own_as: Option<u32>,
    traits: Traits,
}

/// A BMP station.
#[derive(Debug, Clone)]
struct Station {
    line: usize,
    /// Its address, or a host name, which bmpd does not look up.
    host: String,
    port: u16,
    /// What the other daemon calls it, if it has a name.
    name: Option<String>,
    vrf: Option<String>,
    is_shut: bool,
    /// Milliseconds, the first and the longest.
    retry: Option<(u64, u64)>,
    /// Milliseconds.
    statistics: Option<u64>,
    source_interface: Option<String>,
    /// The families that it is sent; all if none is named.
    families: BTreeMap<&'static str, bool>,
}

/// Our name of a family by the words that others have for it, such as `ipv4 unicast` or `l3vpn-ipv4-unicast`.
fn family(words: &str) -> Option<&'static str> {
    Some(match words {
        "ipv4 unicast" | "ipv4" | "ipv4-unicast" => "ipv4-unicast",
        "ipv6 unicast" | "ipv6" | "ipv6-unicast" => "ipv6-unicast",
        "ipv4 multicast" | "ipv4-multicast" => "ipv4-multicast",
        "ipv6 multicast" | "ipv6-multicast" => "ipv6-multicast",
        "ipv4 labeled-unicast" | "ipv4-labeled-unicast" | "ipv4 mpls" | "ipv4-labelled-unicast" => {
            "ipv4-labeled-unicast"
        }
        "ipv6 labeled-unicast" | "ipv6-labeled-unicast" | "ipv6 mpls" | "ipv6-labelled-unicast" => {
            "ipv6-labeled-unicast"
        }
        "ipv4 vpn" | "ipv4-vpn" | "vpnv4" | "vpnv4 unicast" | "vpn4 mpls" | "vpn4"
        | "l3vpn-ipv4-unicast" => "vpnv4-unicast",
        "ipv6 vpn" | "ipv6-vpn" | "vpnv6" | "vpnv6 unicast" | "vpn6 mpls" | "vpn6"
        | "l3vpn-ipv6-unicast" => "vpnv6-unicast",
        "l2vpn evpn" | "evpn" | "l2vpn-evpn" => "l2vpn-evpn",
        "ipv4 flowspec" | "flow4" | "ipv4-flowspec" => "ipv4-flowspec",
        "ipv6 flowspec" | "flow6" | "ipv6-flowspec" => "ipv6-flowspec",
        "l3vpn-ipv4-flowspec" => "vpnv4-flowspec",
        "l3vpn-ipv6-flowspec" => "vpnv6-flowspec",
        "ls" | "link-state" | "link-state link-state" => "link-state",
        _ => return None,
    })
}
