//! FRR, BIRD and GoBGP as monitored routers: what each sends to bmpd a station gets as well.
//!
//! ```text
//!   program ── BMP ──> tee ──> bmpd ──> its stations
//!                       └────> `direct`, a station without bmpd
//! ```
//!
//! A program has a queue for each of its stations, and two of them need not be sent the same: FRR leaves out more or
//! less of what changes quickly.
//!
//! They are the programs of the race, from the folder that `tests/peers-root` made: `target/peers`, or what
//! `BMPD_PEERS` names. The packages of Debian 12 cannot send BMP, or not all of it.

use std::env;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::{Lab, Plan, Summary, Up};
use crate::addresses::loopback;
use crate::bgp::{Family, Open};
use crate::bmp::message::peer;
use crate::bmp::{Identity, View};
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
    /// The station that gets what bmpd gets.
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
    /// configuration.
    ///
    /// # Panics
    /// When one of them does not come up, or the program is not there.
    #[track_caller]
    pub fn start(program: Program, router: &str) -> Self {
        Self::start_with(program, router, "")
    }

    /// The same with further tables in bmpd's configuration.
    ///
    /// # Panics
    /// When one of them does not come up.
    #[track_caller]
    pub fn start_with(program: Program, router: &str, more: &str) -> Self {
        let places = Places::of(program, &peers());
        let version = places.version(program).unwrap_or_else(|reason| {
            panic!("{}: {reason}; tests/peers-root makes it", program.title())
        });
        let number = |part: usize| version.split('.').nth(part)?.parse::<u32>().ok();
        // Before, they cannot send BMP, or not all of it, or do not have the options of the newer ones.
        let oldest = match program {
            Program::Frr => (10, 0),
            Program::Bird2 => (2, 14),
            Program::Bird3 | Program::Gobgp => (3, 0),
            Program::Bmpd => (0, 0),
        };
        assert!(
            (number(0).unwrap_or(0), number(1).unwrap_or(0)) >= oldest,
            "{} {version} is too old, tests/peers-root has a newer",
            program.title()
        );
        use program::View::{LocRib, PostPolicy, PrePolicy};
        let views = match program {
            Program::Bird2 | Program::Bird3 => vec![PrePolicy, PostPolicy],
            Program::Frr | Program::Gobgp | Program::Bmpd => vec![PrePolicy, PostPolicy, LocRib],
        };
        let lab = Plan { routers: &[("edge1", router)], more, ..Plan::default() }.start();
        let place = SocketAddr::new(loopback(), 0);
        let direct = Station::listen_with(place, Mode::Keeping, Setup::of_routers());
        let neighbors = vec![(loopback(), 65_001), (loopback(), 65_002)];
        let setting = Setting {
            address: loopback(),
            neighbors: neighbors.clone(),
            stations: vec![tee([lab.listen, SocketAddr::new(direct.ip(), direct.port())])],
            views,
        };
        let sender = Sender::start(program, &places, &setting);
        let sender = sender.unwrap_or_else(|e| panic!("{}: {e:#}", program.title()));
        let mut scene = Self { speakers: vec![], sender, direct, lab, neighbors };
        for n in 0..scene.neighbors.len() {
            scene.speakers.push(scene.connect(n));
        }
        scene
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

    /// What the station knows that gets what bmpd gets.
    ///
    /// # Panics
    /// When the program does not connect.
    #[track_caller]
    pub fn direct(&self) -> Summary {
        self.direct.wait_connection(1);
        self.direct.latest().expect("a connection").known()
    }

    /// Waits until the program has sent the tables that its neighbors have announced, and a station of bmpd knows the
    /// same as the one without bmpd. End-of-RIBs do not count, which bmpd has to assume.
    ///
    /// # Panics
    /// When that does not happen in time; with the difference.
    #[track_caller]
    pub fn wait_equal(&self, connection: &Connection) {
        let comparable = Summary::without_end_of_ribs;
        wait_for("a station of bmpd to know what the one without bmpd knows", TIMEOUT, || {
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

/// Listens for the program, and passes on to both what it sends. A connection ends with that of the program.
fn tee(to: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let at = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        while let Ok((mut from, _)) = listener.accept() {
            let both = to.map(TcpStream::connect);
            thread::spawn(move || {
                let mut both: Vec<TcpStream> = both.into_iter().flatten().collect();
                let mut buffer = vec![0; 64 * 1024];
                while let Ok(n @ 1..) = from.read(&mut buffer) {
                    if both.iter_mut().any(|stream| stream.write_all(&buffer[..n]).is_err()) {
                        break;
                    }
                }
            });
        }
    });
    at
}

/// A neighbor of the program.
fn of_neighbor(summary: &Summary, address: IpAddr) -> Option<&Up> {
    let is_it = |who: &Identity| who.kind == peer::GLOBAL && who.address == address;
    summary.peers.iter().find(|(who, _)| is_it(who)).map(|(_, up)| up)
}

/// The number of its routes before policy.
fn pre_policy(up: &Up) -> usize {
    let view = View::In { post: false };
    let tables = [Family::IPV4, Family::IPV6].map(|family| up.tables.get(&(view, family)));
    tables.into_iter().flatten().map(|table| table.routes.len()).sum()
}
