//! A soak: faults at random, one after the other, on one bmpd with several neighbors and stations.
//!
//! ```text
//!   start ─> faults ─> calm: first footprint ─> faults … a line a minute ─> calm: last footprint
//! ```
//!
//! After each fault the bystander's routes must reach the witness. When all is calm, exactly the expected
//! neighbors are up, with known tables: the resources that bmpd uses then must not have grown
//! between the first time and the last, and every station must hold what the neighbors announce.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::addresses::loopback;
use crate::bmp::Mode;
use crate::ctl::Running;
use crate::daemon;
use crate::faults::neighbors as bad_neighbors;
use crate::faults::stations::{Manner, Rogue};
use crate::faults::{Footprint, Ground, Terms, control, json};
use crate::neighbor::{Neighbor, Options};
use crate::random::Random;
use crate::station::Station;
use crate::table::Table;
use crate::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(60);

/// The AS of the first of the neighbors that come and go.
const FIRST_AS: u32 = 65100;

/// How much more memory an idle bmpd may use at the end than at first, KiB: what the allocator keeps differs with
/// what happened last.
const MORE_MEMORY_KIB: u64 = 8 * 1024;

/// How long, from when on, and which faults.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How long faults happen.
    pub time: Duration,
    /// After how long the first footprint is taken.
    pub first: Duration,
    /// All random choices follow from it.
    pub seed: u64,
}

/// The result.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Faults that have happened.
    pub faults: u64,
    /// The resources of bmpd after the first time.
    pub first: Footprint,
    /// Its resources at the end.
    pub last: Footprint,
}

impl Outcome {
    /// What has grown, if anything has; a sentence.
    pub fn grown(&self) -> Option<String> {
        let Self { first, last, .. } = self;
        let mut grown = vec![];
        for (what, before, after, allowed) in [
            ("descriptors", first.descriptors, last.descriptors, 0),
            ("tasks", first.tasks, last.tasks, 0),
            ("threads", first.threads, last.threads, Footprint::SPARE_THREADS),
            ("routes", first.routes, last.routes, 0),
            ("KiB of memory", first.memory_kib, last.memory_kib, MORE_MEMORY_KIB),
        ] {
            if after > before + allowed {
                grown.push(format!("{before} {what} are {after} now"));
            }
        }
        (!grown.is_empty()).then(|| grown.join(", "))
    }
}

/// A neighbor that connects and disconnects, with one table or another.
struct Flapping {
    options: Options,
    connection: Option<Neighbor>,
}

struct Soak {
    ground: Ground,
    random: Random,
    flapping: Vec<Flapping>,
    stations: Vec<Station>,
    /// The address of the rogue while it runs.
    rogue_at: SocketAddr,
    rogue: Option<Rogue>,
    faults: u64,
}

/// Runs it, and reports progress once a minute through `say`.
///
/// # Panics
/// When something is not as it must be; with bmpd's log.
#[track_caller]
pub fn run(plan: Plan, mut say: impl FnMut(&str)) -> Outcome {
    let mut soak = Soak::start(plan.seed);
    soak.calm();
    let (begun, mut minutes) = (Instant::now(), 0);
    let mut first = None;
    while begun.elapsed() < plan.time {
        soak.fault();
        if first.is_none() && begun.elapsed() >= plan.first {
            soak.calm();
            first = Some(soak.footprint());
            say(&format!("first footprint: {}", soak.line()));
        }
        let now = begun.elapsed().as_secs() / 60;
        if now > minutes {
            minutes = now;
            say(&format!("minute {minutes}: {}", soak.line()));
        }
    }
    soak.calm();
    let last = soak.footprint();
    say(&format!("last footprint: {}", soak.line()));
    soak.compare();
    Outcome { faults: soak.faults, first: first.unwrap_or(last), last }
}

impl Soak {
    #[track_caller]
    fn start(seed: u64) -> Self {
        let rogue = Rogue::start(Manner::Talk);
        let stations: Vec<Station> =
            (0..3).map(|_| Station::listen(loopback(), Mode::Keeping)).collect();
        let flapping: Vec<Flapping> = (FIRST_AS..FIRST_AS + 3)
            .map(|asn| Flapping { options: Options::new(loopback(), asn), connection: None })
            .collect();
        let mut tables = rogue.session("stall-timeout = 5");
        for station in &stations {
            tables += &daemon::session(station.ip(), station.port(), None);
        }
        for Flapping { options, .. } in &flapping {
            tables += &daemon::neighbor(options.address, options.open.asn);
        }
        let ground = Ground::start(Terms { tables: &tables, ..Terms::default() });
        let rogue_at = rogue.address();
        let random = Random::new(seed);
        Self { ground, random, flapping, stations, rogue_at, rogue: Some(rogue), faults: 0 }
    }

    /// One fault, after which routes must still flow.
    #[track_caller]
    fn fault(&mut self) {
        let ground = &self.ground;
        match self.random.below(16) {
            0 => bad_neighbors::garbage(ground, &mut self.random),
            1 => drop(bad_neighbors::garbage_when_up(ground, &mut self.random)),
            2 => bad_neighbors::half_messages(ground, 11),
            3 => bad_neighbors::silent_connections(ground, 50),
            4 => bad_neighbors::flaps(&ground.connect(), 20_000),
            5 => ground.connect().send_raw(&bad_neighbors::attribute_sets(20_000)),
            6 => self.neighbor_closes(),
            7 => self.neighbor_connects(),
            8 => self.station_dies(),
            9 => self.rogue_changes(),
            10 => drop(ground.daemon.bmpctl(&["reload"]).done().len()),
            11 => drop(control::silent(ground, 100)),
            12 => control::nonsense(ground, &mut self.random),
            13 => drop(Running::start(&mut ground.daemon.bmpctl_command(&["monitor"]))),
            14 => self.reset(),
            _ => self.too_many_routes_go(),
        }
        self.faults += 1;
        self.ground.flows();
    }

    fn neighbor_closes(&mut self) {
        let index = self.random.below(self.flapping.len() as u64) as usize;
        self.flapping[index].connection = None;
    }

    #[track_caller]
    fn neighbor_connects(&mut self) {
        let index = self.random.below(self.flapping.len() as u64) as usize;
        self.connect(index);
    }

    /// A neighbor that is down connects with its table.
    #[track_caller]
    fn connect(&mut self, index: usize) {
        let listen = self.ground.listen;
        let Flapping { options, connection } = &mut self.flapping[index];
        if connection.is_none() {
            let neighbor = Neighbor::connect(options, listen);
            neighbor.send_all(&Table::of(options.open.asn, 3000, 600));
            *connection = Some(neighbor);
        }
    }

    #[track_caller]
    fn station_dies(&mut self) {
        let station = self.random.below(self.stations.len() as u64) as usize;
        let station = &mut self.stations[station];
        station.kill();
        station.forget();
        station.revive();
    }

    #[track_caller]
    fn rogue_changes(&mut self) {
        self.rogue = None;
        let manner = match self.random.below(6) {
            0 => return,
            1 => Manner::Close,
            2 => Manner::NeverRead,
            3 => Manner::Trickle,
            4 => Manner::Talk,
            _ => Manner::ResetAfter(self.random.below(100_000) as usize),
        };
        self.rogue = Some(Rogue::start_at(self.rogue_at, manner));
    }

    /// One session, with any peer; never that of the witness, which is to stay as it is.
    #[track_caller]
    fn reset(&mut self) {
        let all: Vec<IpAddr> = self
            .stations
            .iter()
            .map(Station::ip)
            .chain([self.rogue_at.ip(), self.ground.counter.ip()])
            .collect();
        let one = all[self.random.below(all.len() as u64) as usize].to_string();
        self.ground.daemon.bmpctl(&["reset", "session", &one]).done();
        self.stations.iter().for_each(Station::forget);
    }

    /// A neighbor withdraws all that it has at once, and disconnects.
    fn too_many_routes_go(&mut self) {
        let index = self.random.below(self.flapping.len() as u64) as usize;
        if let Some(neighbor) = self.flapping[index].connection.take() {
            let all: Vec<_> = neighbor.expected().into_keys().collect();
            neighbor.withdraw(&all);
        }
    }

    /// All expected neighbors are up with their tables, the rogue and the culprit are not, and every
    /// station has been sent everything.
    #[track_caller]
    fn calm(&mut self) {
        self.rogue = None;
        (0..self.flapping.len()).for_each(|index| self.connect(index));
        let ground = &self.ground;
        let rogue = self.rogue_at.ip();
        wait_for("the rogue to be given up", TIMEOUT, || {
            let shown = ground.session(rogue);
            let given_up = shown["state"] == "idle" && shown["last_failure"]["reason"] == "refused";
            if given_up { Ok(()) } else { Err(shown.to_string()) }
        });
        for station in self.stations.iter().chain([&ground.counter]) {
            wait_for("a station to be up", TIMEOUT, || {
                let shown = ground.session(station.ip());
                if shown["state"] == "established" { Ok(()) } else { Err(shown.to_string()) }
            });
            station.forget();
        }
        ground.flows();
    }

    #[track_caller]
    fn footprint(&self) -> Footprint {
        Footprint::of(&self.ground.daemon)
    }

    /// The progress, in a line.
    fn line(&self) -> String {
        let status = json(&self.ground.daemon, &["show", "status"])["status"].clone();
        let sessions = status["sessions"].as_array().cloned().unwrap_or_default();
        let count = |wanted: Option<&str>| -> u64 {
            let found = sessions.iter().filter(|s| wanted.is_none_or(|state| s["state"] == state));
            found.filter_map(|s| s["count"].as_u64()).sum()
        };
        match Footprint::take(&self.ground.daemon) {
            Ok(now) => format!(
                "{} faults; {:.1} MiB resident, {:.1} MiB of tables; {} descriptors, {} threads, \
                 {} tasks; {} routes; {} of {} sessions synchronised",
                self.faults,
                now.memory_kib as f64 / 1024.0,
                now.tables_kib as f64 / 1024.0,
                now.descriptors,
                now.threads,
                now.tasks,
                now.routes,
                count(Some("established")),
                count(None)
            ),
            Err(error) => error,
        }
    }

    /// Every station holds what the neighbors announce, and was sent no violation of the protocol.
    #[track_caller]
    fn compare(&self) {
        self.ground.wait_witnessed();
        self.ground.witness.assert_legal();
        for station in &self.stations {
            let connection = station.latest().unwrap_or_else(|| panic!("no connection"));
            let flapping = self.flapping.iter().filter_map(|neighbor| neighbor.connection.as_ref());
            for neighbor in flapping.chain([&self.ground.bystander]) {
                connection.wait_routes(neighbor.ip(), &neighbor.expected(), TIMEOUT);
            }
            station.assert_legal();
        }
    }
}
