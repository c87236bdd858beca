//! What is configured of routers, and of the sessions with stations that are sent them.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tests::bgp::Family;
use tests::bmp::message::{header, loc_rib, peer as kind};
use tests::bmp::{PeerHeader, View};
use tests::random::Random;

use crate::plan::{FAMILIES, STATION_PORT, one_of};

/// Where bmpd listens for routers, and where it connects to those that it connects to.
pub const RELAY_PORT: u16 = 11_019;
/// See [`RELAY_PORT`].
pub const ROUTER_PORT: u16 = 11_200;

/// One router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Router {
    /// True if it is in the file.
    pub present: bool,
    /// True if bmpd connects to it.
    pub active: bool,
    /// s.
    pub hold: u64,
}

/// One session with a station that is sent routers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// True if it is in the file.
    pub present: bool,
    /// The routers that it is to be sent, `None` being all; see [`LOCAL`].
    pub routers: Option<Vec<usize>>,
    /// The views, if not all.
    pub views: Option<Vec<View>>,
    /// The families.
    pub families: Vec<Family>,
    /// True if a PROXY protocol header comes first.
    pub proxy: bool,
    /// s, the first and the longest wait between attempts.
    pub retry: (u64, u64),
    /// Incremented with each change that needs another connection; it is in the Initiation.
    pub version: u32,
}

/// The number that stands for bmpd itself.
pub const LOCAL: usize = usize::MAX;

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Router `i` is at [`router`] `(i, ..)`.
    pub routers: Vec<Router>,
    /// Station `i` is at [`station`] `(i)`.
    pub sessions: Vec<Session>,
}

/// The addresses of a router: it has two.
pub fn router(number: usize, which: usize) -> IpAddr {
    IpAddr::from([10, 5, which as u8, number as u8 + 1])
}

/// The address of a station.
pub fn station(number: usize) -> IpAddr {
    IpAddr::from([10, 4, 0, number as u8 + 1])
}

/// The name of a router in the configuration.
pub fn name(number: usize) -> String {
    format!("edge{number}")
}

impl Router {
    fn draw(random: &mut Random) -> Self {
        Self {
            present: random.chance(90),
            active: random.chance(20),
            hold: one_of(random, &[0, 4, 30, 90, 90]),
        }
    }
}

/// The header of one of the peers that every router has.
pub fn peer(number: usize) -> PeerHeader {
    const DISTINGUISHER: u64 = 65_000 << 32 | 7;
    let asn = 64_512 + number as u32;
    let v4 = |last: u8| Ipv4Addr::new(10, 9, 0, last).into();
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let (header, id) = match number {
        0 => (header(kind::GLOBAL, 0, v4(1), asn), 1),
        1 => (header(kind::GLOBAL, 0, v6, asn), 2),
        // The same address in another instance.
        2 => (header(kind::DISTINGUISHED, DISTINGUISHER, v4(1), asn), 3),
        3 => (loc_rib(0, asn, Ipv4Addr::UNSPECIFIED), 9),
        4 => (loc_rib(DISTINGUISHER, asn, Ipv4Addr::UNSPECIFIED), 9),
        _ => (header(kind::GLOBAL, 0, v4(99), asn), 99),
    };
    PeerHeader { router_id: Ipv4Addr::new(10, 9, 9, id), ..header }
}

impl Session {
    fn draw(random: &mut Random, routers: usize) -> Self {
        let views = random.chance(25).then(|| {
            let all = View::OF_PEER.into_iter().chain([View::Loc { filtered: false }]);
            let some: Vec<View> = all.filter(|_| random.chance(50)).collect();
            if some.is_empty() { vec![View::In { post: true }] } else { some }
        });
        Self {
            present: random.chance(90),
            routers: Self::draw_routers(random, routers),
            views,
            families: if random.chance(80) {
                FAMILIES.to_vec()
            } else {
                vec![one_of(random, &FAMILIES)]
            },
            proxy: random.chance(30),
            retry: one_of(random, &[(1, 1), (1, 8)]),
            version: 0,
        }
    }

    fn draw_routers(random: &mut Random, routers: usize) -> Option<Vec<usize>> {
        random
            .chance(40)
            .then(|| (0..routers).chain([LOCAL]).filter(|_| random.chance(60)).collect())
    }

    /// True if it is sent this view.
    pub fn wants_view(&self, view: View) -> bool {
        self.views.as_ref().is_none_or(|views| match view {
            View::Loc { .. } => views.contains(&View::Loc { filtered: false }),
            view => views.contains(&view),
        })
    }

    /// True if it is sent peers that are a Loc-RIB, or those that are not.
    pub fn wants_peer(&self, is_loc_rib: bool) -> bool {
        let is_of_it = |view: &View| matches!(view, View::Loc { .. }) == is_loc_rib;
        self.views.as_ref().is_none_or(|views| views.iter().any(is_of_it))
    }

    /// True if it is sent this router.
    pub fn wants(&self, router: usize) -> bool {
        self.routers.as_ref().is_none_or(|routers| routers.contains(&router))
    }

    /// Leaves out routers that are not in the file and so cannot be named.
    pub fn only(&mut self, routers: &[Router]) {
        if let Some(named) = &mut self.routers {
            named.retain(|number| *number == LOCAL || routers[*number].present);
            if named.is_empty() {
                named.push(LOCAL);
            }
        }
    }
}

impl Plan {
    /// The initial configuration of a run.
    pub fn draw(random: &mut Random) -> Self {
        let routers = 2 + random.below(2) as usize;
        let sessions = 1 + random.below(2);
        Self {
            routers: (0..routers).map(|_| Router::draw(random)).collect(),
            sessions: (0..sessions).map(|_| Session::draw(random, routers)).collect(),
        }
    }

    /// Changes something.
    pub fn change(&mut self, random: &mut Random) {
        let count = self.routers.len();
        if random.chance(50) {
            let router = &mut self.routers[random.below(count as u64) as usize];
            match random.below(3) {
                0 => router.present = !router.present,
                1 => router.active = !router.active,
                _ => router.hold = Router::draw(random).hold,
            }
            return;
        }
        let number = random.below(self.sessions.len() as u64) as usize;
        let session = &mut self.sessions[number];
        match random.below(3) {
            0 if session.present => session.present = false,
            0 => {
                let version = session.version + 1;
                *session = Session { present: true, version, ..Session::draw(random, count) };
            }
            _ => session.routers = Session::draw_routers(random, count),
        }
    }

    /// As it is in effect once the file is applied.
    pub fn effective(&self) -> Self {
        let mut plan = self.clone();
        plan.sessions.iter_mut().for_each(|session| session.only(&self.routers));
        plan
    }

    /// Its part of the file.
    pub fn write(&self, out: &mut String) -> std::fmt::Result {
        let quoted = |all: Vec<String>| {
            all.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")
        };
        let listen = SocketAddr::new([0, 0, 0, 0].into(), RELAY_PORT);
        writeln!(out, "[relay]\nlisten = [\"{listen}\"]")?;
        for (number, one) in self.routers.iter().enumerate().filter(|(_, one)| one.present) {
            let addresses = [0, 1].map(|which| router(number, which).to_string()).to_vec();
            writeln!(out, "[[router]]\nname = \"{}\"", name(number))?;
            writeln!(out, "addresses = [{}]\nhold-time = {}", quoted(addresses), one.hold)?;
            if one.active {
                writeln!(out, "mode = \"active\"\ntcp.connect-port = {ROUTER_PORT}")?;
                writeln!(out, "retry.initial = 1\nretry.maximum = 4")?;
            }
        }
        let effective = self.effective();
        for (number, one) in effective.sessions.iter().enumerate().filter(|(_, one)| one.present) {
            writeln!(out, "[[session]]\naddress = \"{}\"", station(number))?;
            writeln!(
                out,
                "tcp.connect-port = {STATION_PORT}\ninitiation-message = \"{}\"",
                one.version
            )?;
            writeln!(out, "retry.initial = {}\nretry.maximum = {}", one.retry.0, one.retry.1)?;
            let families = one.families.iter().map(ToString::to_string).collect();
            writeln!(out, "monitor.families = [{}]", quoted(families))?;
            if let Some(routers) = &one.routers {
                let named = routers.iter().map(|number| match *number {
                    LOCAL => "local".to_owned(),
                    number => name(number),
                });
                writeln!(out, "monitor.routers = [{}]", quoted(named.collect()))?;
            }
            if let Some(views) = &one.views {
                let named = views.iter().map(|view| view.name().to_owned()).collect();
                writeln!(out, "monitor.views = [{}]", quoted(named))?;
            }
            if one.proxy {
                writeln!(out, "identity = \"proxy-v2\"")?;
            }
        }
        Ok(())
    }
}
