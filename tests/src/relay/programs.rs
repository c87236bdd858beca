//! FRR, BIRD and GoBGP as monitored routers: each sends BMP to bmpd, and the same to a station of its own.
//!
//! They are the programs of the race, from the folder that `tests/peers-root` made: `target/peers`, or what
//! `BMPD_PEERS` names. A program that is not there is taken from this machine, where it can do less.

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::message::peer;
use super::{Lab, Plan, Summary, Up, View};
use crate::addresses::loopback;
use crate::bgp::{Family, Open};
use crate::neighbor::{Neighbor, Options};
use crate::race::Program;
use crate::race::program::{self, Places, Sender, Setting};
use crate::station::{Connection, Mode, Setup, Station};
use crate::table::Table;
use crate::wait::wait_for;

/// How long a program may take to send its tables or a change of them, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(90);

/// A program with its neighbors, a station of its own, and bmpd. Ends in this order.
#[derive(Debug)]
pub struct Scene {
    /// The neighbors of the program, by number from 0.
    pub speakers: Vec<Neighbor>,
    sender: Sender,
    /// The station that the program feeds itself.
    pub direct: Station,
    /// bmpd and its stations; the router is `edge1`.
    pub lab: Lab,
    neighbors: Vec<(IpAddr, u32)>,
}

/// The folder with the programs.
fn peers() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
    env::var_os("BMPD_PEERS").map_or_else(default, PathBuf::from)
}

impl Scene {
    /// Starts all of them with two neighbors that have announced nothing yet; `router` is the place of the router in bmpd's
    /// configuration. `None` if the program cannot send BMP here: the reason is printed.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start(program: Program, router: &str) -> Option<Self> {
        let places = Places::of(program, &peers());
        let version = match places.version(program) {
            Ok(version) => version,
            Err(reason) => {
                eprintln!("not tested: {} {reason}", program.title());
                return None;
            }
        };
        let number = |part: usize| version.split('.').nth(part)?.parse::<u32>().ok();
        // Before, they cannot send BMP, or not all of it, or do not have the options of the newer ones.
        let oldest = match program {
            Program::Frr => (10, 0),
            Program::Bird2 => (2, 14),
            Program::Bird3 | Program::Gobgp => (3, 0),
            Program::Bmpd => (0, 0),
        };
        if (number(0).unwrap_or(0), number(1).unwrap_or(0)) < oldest {
            let program = program.title();
            eprintln!("not tested: {program} {version} is too old, tests/peers-root has a newer");
            return None;
        }
        use program::View::{LocRib, PostPolicy, PrePolicy};
        let views = match program {
            Program::Bird2 | Program::Bird3 => vec![PrePolicy, PostPolicy],
            Program::Frr | Program::Gobgp | Program::Bmpd => vec![PrePolicy, PostPolicy, LocRib],
        };
        let lab = Plan { routers: &[("edge1", router)], ..Plan::default() }.start();
        let place = SocketAddr::new(loopback(), 0);
        let direct = Station::listen_with(place, Mode::Keeping, Setup::of_routers());
        let neighbors = vec![(loopback(), 65_001), (loopback(), 65_002)];
        let setting = Setting {
            address: loopback(),
            neighbors: neighbors.clone(),
            stations: vec![SocketAddr::new(direct.ip(), direct.port()), lab.listen],
            views,
        };
        let sender = Sender::start(program, &places, &setting);
        let sender = sender.unwrap_or_else(|e| panic!("{}: {e:#}", program.title()));
        let mut scene = Self { speakers: vec![], sender, direct, lab, neighbors };
        for n in 0..scene.neighbors.len() {
            scene.speakers.push(scene.connect(n));
        }
        Some(scene)
    }

    /// Connects a neighbor of the program.
    ///
    /// # Panics
    /// When the session does not come up.
    #[track_caller]
    pub fn connect(&self, n: usize) -> Neighbor {
        let (address, asn) = self.neighbors[n];
        let mut options = Options::new(address, asn);
        // Some FRR stops in a burst of updates until it receives more, if only a KEEPALIVE.
        options.open = Open { hold_time: 9, ..options.open };
        Neighbor::connect(&options, self.sender.bgp())
    }

    /// Has a neighbor announce a table, and both End-of-RIBs.
    ///
    /// # Panics
    /// When its session is down.
    #[track_caller]
    pub fn announce(&self, n: usize, ipv4: u64, ipv6: u64) {
        self.speakers[n].send_all(&Table::of(self.neighbors[n].1, ipv4, ipv6));
    }

    /// What the program calls itself.
    ///
    /// # Panics
    /// When it does not say in time.
    #[track_caller]
    pub fn name(&self) -> String {
        let connection = self.direct.wait_connection(1);
        connection.wait_router("the program's Initiation", Summary::system_name)
    }

    /// What the station knows that the program feeds itself.
    ///
    /// # Panics
    /// When the program does not connect to it.
    #[track_caller]
    pub fn direct(&self) -> Summary {
        self.direct.wait_connection(1);
        self.direct.latest().expect("a connection").known()
    }

    /// Waits until the program has sent the tables that its neighbors have announced, and a station of bmpd knows the
    /// same as the program's own. Times do not count, which programs make for each station; nor do End-of-RIBs, which
    /// bmpd has to assume, and statistics, which are made at any time.
    ///
    /// # Panics
    /// When that does not happen in time; with the difference.
    #[track_caller]
    pub fn wait_equal(&self, connection: &Connection) {
        let comparable =
            |summary: Summary| summary.without_times().without_end_of_ribs().without_statistics();
        wait_for("a station of bmpd to know what the program's own knows", TIMEOUT, || {
            self.sender.alive().map_err(|e| format!("{e:#}"))?;
            let direct = self.direct();
            for speaker in &self.speakers {
                let (expected, up) = (speaker.expected().len(), of_neighbor(&direct, speaker.ip()));
                let found = up.map_or(0, pre_policy);
                if found != expected {
                    let brief = direct.brief();
                    return Err(format!("{found} of {expected} from the program; {brief}"));
                }
            }
            let (direct, found) = (comparable(direct), comparable(connection.known()));
            let difference = direct.difference(&found);
            difference.map_or(Ok(()), |text| Err(format!("{text}{}", found.brief())))
        });
    }

    /// Waits until two stations of bmpd know exactly the same, statistics included.
    ///
    /// # Panics
    /// When they do not in time; with the difference.
    #[track_caller]
    pub fn wait_alike(&self, one: &Connection, other: &Connection) {
        wait_for("two stations of bmpd to know the same", TIMEOUT, || {
            let difference = one.known().difference(&other.known());
            difference.map_or(Ok(()), Err)
        });
    }
}

/// A neighbor of the program.
fn of_neighbor(summary: &Summary, address: IpAddr) -> Option<&Up> {
    let IpAddr::V4(v4) = address else { return None };
    let is_it =
        |who: &super::Identity| who.kind == peer::GLOBAL && who.address[12..] == v4.octets();
    summary.peers.iter().find(|(who, _)| is_it(who)).map(|(_, up)| up)
}

/// The number of its routes before policy.
fn pre_policy(up: &Up) -> usize {
    let tables = [Family::IPV4, Family::IPV6].map(|family| up.tables.get(&(View(0), family)));
    tables.into_iter().flatten().map(|table| table.routes.len()).sum()
}
