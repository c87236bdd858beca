//! What is configured: the file, and how a run changes it over time.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tests::bgp::Family;
use tests::random::Random;

use crate::{kafka, relay};

/// sysName and sysDescr.
pub const NAME: &str = "sim";
/// See [`NAME`].
pub const DESCRIPTION: &str = "bmpd, simulated";

/// Our AS number and BGP Identifier.
pub const ASN: u32 = 65_000;
const ROUTER_ID: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Where stations listen, where bmpd listens for them and for neighbors, where neighbors listen.
pub const STATION_PORT: u16 = 11_019;
/// See [`STATION_PORT`].
pub const PASSIVE_PORT: u16 = 11_100;
/// See [`STATION_PORT`].
pub const BGP_PORT: u16 = 179;

/// The families that there are.
pub const FAMILIES: [Family; 2] = [Family::IPV4, Family::IPV6];

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// True if it is in the file.
    pub present: bool,
    /// True if the station connects.
    pub passive: bool,
    /// True if it is to have no connection.
    pub shutdown: bool,
    /// s.
    pub stall: u64,
    /// s.
    pub statistics: u64,
    /// s, the first and the longest.
    pub retry: (u64, u64),
    /// The neighbors that it monitors, by their numbers; all by default.
    pub monitor: Option<Vec<usize>>,
    /// The families that it monitors.
    pub families: Vec<Family>,
    /// Goes up with every change that needs another connection; it is in the Initiation.
    pub version: u32,
}

/// One neighbor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbor {
    /// True if it is in the file.
    pub present: bool,
    /// True if it connects and bmpd does not.
    pub passive: bool,
    /// s.
    pub hold: u64,
    /// The families that bmpd is to negotiate with it.
    pub families: Vec<Family>,
    /// Those with ADD-PATH.
    pub add_path: Vec<Family>,
    /// True if its routes are kept while it restarts.
    pub graceful: bool,
}

/// All of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Station `i` is at [`station`] `(i)`.
    pub sessions: Vec<Session>,
    /// Neighbor `i` is at [`neighbor`] `(i)`.
    pub neighbors: Vec<Neighbor>,
    /// Routers, and the stations that are sent them, if there are any.
    pub relay: Option<relay::plan::Plan>,
    /// Publishers, if there are any.
    pub kafka: Option<kafka::plan::Plan>,
}

/// The address of a station.
pub fn station(number: usize) -> IpAddr {
    IpAddr::from([10, 1, 0, number as u8 + 1])
}

/// The address of a neighbor.
pub fn neighbor(number: usize) -> IpAddr {
    IpAddr::from([10, 2, 0, number as u8 + 1])
}

/// The AS number of a neighbor; that of the first is ours.
pub fn asn(number: usize) -> u32 {
    ASN + number as u32
}

/// One of several.
pub fn one_of<T: Clone>(random: &mut Random, of: &[T]) -> T {
    of[random.below(of.len() as u64) as usize].clone()
}

fn families(random: &mut Random) -> Vec<Family> {
    let choices = [vec![Family::IPV4, Family::IPV6], vec![Family::IPV4], vec![Family::IPV6]];
    if random.chance(60) { choices[0].clone() } else { one_of(random, &choices) }
}

impl Session {
    fn draw(random: &mut Random) -> Self {
        Self {
            present: random.chance(90),
            passive: random.chance(30),
            shutdown: random.chance(5),
            stall: one_of(random, &[5, 20, 300]),
            statistics: one_of(random, &[15, 30, 60]),
            retry: one_of(random, &[(1, 1), (1, 8), (5, 60)]),
            monitor: None,
            families: FAMILIES.to_vec(),
            version: 0,
        }
    }
}

impl Neighbor {
    fn draw(random: &mut Random) -> Self {
        Self {
            present: random.chance(90),
            passive: random.chance(60),
            hold: one_of(random, &[0, 3, 30, 90]),
            families: families(random),
            add_path: if random.chance(30) { families(random) } else { Vec::new() },
            graceful: random.chance(80),
        }
        .sound()
    }

    /// ADD-PATH is possible only in a configured family.
    fn sound(mut self) -> Self {
        self.add_path.retain(|family| self.families.contains(family));
        self
    }
}

impl Plan {
    /// The initial configuration of a run.
    pub fn draw(random: &mut Random) -> Self {
        let neighbors = 1 + random.below(4);
        let sessions = 1 + random.below(4);
        let mut plan = Self {
            neighbors: (0..neighbors).map(|_| Neighbor::draw(random)).collect(),
            sessions: (0..sessions).map(|_| Session::draw(random)).collect(),
            relay: None,
            kafka: None,
        };
        for number in 0..plan.sessions.len() {
            if random.chance(40) {
                plan.sessions[number].families = families(random);
                plan.draw_monitor(random, number);
            }
        }
        plan
    }

    fn draw_monitor(&mut self, random: &mut Random, number: usize) {
        let all = 0..self.neighbors.len();
        let some = all.filter(|_| random.chance(60)).collect();
        self.sessions[number].monitor = random.chance(70).then_some(some);
    }

    /// Changes something.
    pub fn change(&mut self, random: &mut Random) {
        if random.chance(35) {
            let number = random.below(self.neighbors.len() as u64) as usize;
            let neighbor = &mut self.neighbors[number];
            match random.below(10) {
                0..=3 => neighbor.present = !neighbor.present,
                4 | 5 => neighbor.graceful = !neighbor.graceful,
                _ => *neighbor = Neighbor { present: neighbor.present, ..Neighbor::draw(random) },
            }
            return;
        }
        let number = random.below(self.sessions.len() as u64) as usize;
        match random.below(12) {
            0 | 1 => self.sessions[number].present ^= true,
            2 => self.sessions[number].shutdown ^= true,
            3..=6 => self.draw_monitor(random, number),
            7 => {
                let session = &mut self.sessions[number];
                let other = Session::draw(random);
                (session.stall, session.statistics, session.retry) =
                    (other.stall, other.statistics, other.retry);
            }
            8 | 9 => {
                self.sessions[number].families = families(random);
                self.sessions[number].version += 1;
            }
            10 => {
                self.sessions[number].passive ^= true;
                self.sessions[number].version += 1;
            }
            _ => self.sessions[number].version += 1,
        }
    }

    /// True if a session is to monitor a neighbor.
    pub fn wants(&self, session: usize, neighbor: usize) -> bool {
        let monitor = &self.sessions[session].monitor;
        self.neighbors[neighbor].present
            && monitor.as_ref().is_none_or(|monitor| monitor.contains(&neighbor))
    }

    /// The file.
    pub fn file(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let quoted = |families: &[Family]| {
            families.iter().map(|family| format!("\"{family}\"")).collect::<Vec<_>>().join(", ")
        };
        writeln!(out, "[bmp]\nsystem-name = \"{NAME}\"\nsystem-description = \"{DESCRIPTION}\"")?;
        writeln!(out, "[bgp]\nas = {ASN}\nrouter-id = \"{ROUTER_ID}\"")?;
        writeln!(out, "listen = [\"{}\"]", SocketAddr::new([0, 0, 0, 0].into(), BGP_PORT))?;
        let neighbors = self.neighbors.iter().enumerate();
        for (number, one) in neighbors.filter(|(_, one)| one.present) {
            writeln!(out, "[[bgp.neighbor]]\naddress = \"{}\"", neighbor(number))?;
            writeln!(out, "remote-as = {}\npassive = {}", asn(number), one.passive)?;
            writeln!(out, "hold-time = {}\ngraceful-restart = {}", one.hold, one.graceful)?;
            writeln!(out, "families = [{}]", quoted(&one.families))?;
            writeln!(out, "add-path = [{}]", quoted(&one.add_path))?;
        }
        let sessions = self.sessions.iter().enumerate();
        for (number, one) in sessions.filter(|(_, one)| one.present) {
            writeln!(out, "[[session]]\naddress = \"{}\"", station(number))?;
            match one.passive {
                true => writeln!(out, "mode = \"passive\"\ntcp.listen-port = {PASSIVE_PORT}")?,
                false => writeln!(out, "tcp.connect-port = {STATION_PORT}")?,
            }
            writeln!(out, "initiation-message = \"{}\"", one.version)?;
            writeln!(out, "shutdown = {}\nstall-timeout = {}", one.shutdown, one.stall)?;
            writeln!(out, "statistics-timer = {}", one.statistics)?;
            writeln!(out, "retry.initial = {}\nretry.maximum = {}", one.retry.0, one.retry.1)?;
            writeln!(out, "monitor.families = [{}]", quoted(&one.families))?;
            if let Some(monitor) = &one.monitor {
                let there = monitor.iter().filter(|number| self.neighbors[**number].present);
                let named =
                    there.map(|number| format!("{{ address = \"{}\" }}", neighbor(*number)));
                let named: Vec<String> = named.collect();
                writeln!(out, "monitor.neighbors = [{}]", named.join(", "))?;
            }
            if self.relay.is_some() {
                writeln!(out, "monitor.routers = [\"local\"]")?;
            }
        }
        if let Some(relay) = &self.relay {
            relay.write(out)?;
        }
        match &self.kafka {
            Some(kafka) => kafka.write(self.routers(), out),
            None => Ok(()),
        }
    }

    /// The routers, if there are any.
    pub fn routers(&self) -> &[relay::plan::Router] {
        self.relay.as_ref().map(|relay| &relay.routers[..]).unwrap_or_default()
    }
}
