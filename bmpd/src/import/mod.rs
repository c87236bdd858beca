//! `bmpd --import`: the BMP and neighbor parts of another daemon's configuration, as ours.
//!
//! ```text
//!   file ── frr, bird, gobgp ──> Found: neighbors, stations, notes ── write ──> bmpd.toml
//! ```
//!
//! Each reader knows a part of its language and passes over the rest. What concerns BMP or a neighbor and has no
//! counterpart is not lost in silence: it becomes a note with its line. What is written is judged by the
//! configuration's own check, table by table; one that is refused comes out as a comment with the reason.
#![forbid(unsafe_code)]

mod bird;
mod frr;
mod gobgp;
#[cfg(test)]
mod tests;
mod write;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use clap::ValueEnum;

use crate::config::{MaximumRoutes, MaximumRoutesAction};

/// The longest file that is read, in bytes: a hundred thousand neighbors have room in it.
pub const FILE_MAX: usize = 16 << 20;

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
    if found.neighbors.is_empty() && found.stations.is_empty() {
        return Err(ImportError::Nothing);
    }
    Ok(write::write(&found))
}

/// What was found.
#[derive(Debug, Default)]
struct Found {
    asn: Option<u32>,
    router_id: Option<String>,
    /// Where the other daemon listens.
    port: Option<u16>,
    neighbors: Vec<Neighbor>,
    stations: Vec<Station>,
    notes: Vec<Note>,
}

/// Something that a person has to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Note {
    line: usize,
    text: String,
}

impl Found {
    fn note(&mut self, line: usize, text: impl Into<String>) {
        self.notes.push(Note { line, text: text.into() });
    }
}

/// Where a neighbor is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum At {
    Address(IpAddr),
    Prefix(String),
}

/// The AS of a neighbor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RemoteAs {
    Number(u32),
    Internal,
    External,
}

/// What is said of a neighbor, or of a group or template.
#[derive(Debug, Clone, Default)]
struct Traits {
    remote_as: Option<RemoteAs>,
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
    /// bmpd has one limit for each family alike: the largest if every family that is wanted has one. Otherwise none,
    /// as it would fall on a family that had none. And what is to be said of it.
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

    /// What is not said here is as it is there.
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
            remote_as: self.remote_as.or(other.remote_as),
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
    traits: Traits,
}

/// A BMP station.
#[derive(Debug, Clone)]
struct Station {
    line: usize,
    address: IpAddr,
    port: u16,
    /// What the other daemon calls it, if it has a name.
    name: Option<String>,
    vrf: Option<String>,
    /// Seconds, the first and the longest.
    retry: Option<(u64, u64)>,
    /// Seconds.
    statistics: Option<u64>,
    source_interface: Option<String>,
}

/// Our name of a family by the words that others have for it, such as `ipv4 unicast` or `l3vpn-ipv4-unicast`.
fn family(words: &str) -> Option<&'static str> {
    Some(match words {
        "ipv4 unicast" | "ipv4" | "ipv4-unicast" => "ipv4-unicast",
        "ipv6 unicast" | "ipv6" | "ipv6-unicast" => "ipv6-unicast",
        "ipv4 multicast" | "ipv4-multicast" => "ipv4-multicast",
        "ipv6 multicast" | "ipv6-multicast" => "ipv6-multicast",
        "ipv4 labeled-unicast" | "ipv4 mpls" | "ipv4-labelled-unicast" => "ipv4-labeled-unicast",
        "ipv6 labeled-unicast" | "ipv6 mpls" | "ipv6-labelled-unicast" => "ipv6-labeled-unicast",
        "ipv4 vpn" | "vpn4 mpls" | "vpn4" | "l3vpn-ipv4-unicast" => "vpnv4-unicast",
        "ipv6 vpn" | "vpn6 mpls" | "vpn6" | "l3vpn-ipv6-unicast" => "vpnv6-unicast",
        "l2vpn evpn" | "evpn" | "l2vpn-evpn" => "l2vpn-evpn",
        "ipv4 flowspec" | "flow4" | "ipv4-flowspec" => "ipv4-flowspec",
        "ipv6 flowspec" | "flow6" | "ipv6-flowspec" => "ipv6-flowspec",
        "ls" | "link-state link-state" => "link-state",
        _ => return None,
    })
}
