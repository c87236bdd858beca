//! What is measured, case by case.
//!
//! A case has rows; a run of it by a program gives a value for each row, or a reason why not. The [`Lab`]
//! keeps what all runs of a case share: addresses, tables, and what must come out.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::counter::{self, Connection, Counter, Keep, Routes};
use super::floor;
use super::program::{Places, Program, Sender, Setting, View};
use super::report::{Beside, Row, Run, Target, Unit, Who};
use super::speaker::{Churn, Speaker};
use crate::addresses::loopback;
use crate::table::Table;

/// What is measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, clap::ValueEnum)]
pub enum Case {
    /// One neighbor with a full table, one station.
    OneStation,
    /// The same with eight stations.
    EightStations,
    /// Four neighbors with half a table each, one station.
    FourNeighbors,
    /// Many updates a second to eight stations.
    Churn,
    /// One of four stations reads nothing while there are updates.
    Stalled,
    /// bmpd alone: the updates of an hour, as fast as it takes them.
    Hour,
    /// bmpd alone: more and more routes, more and more neighbors.
    Growth,
}

/// How big everything is.
#[derive(Debug, Clone)]
pub struct Size {
    /// IPv4 and IPv6 routes of the full table.
    pub table: [u64; 2],
    /// The same of each of the four neighbors.
    pub half: [u64; 2],
    /// Updates a second of the churn, for how many seconds.
    pub churn: [usize; 2],
    /// The same while a station is stalled.
    pub stalled: [usize; 2],
    /// The same in each minute of the hour.
    pub minute: [usize; 2],
    /// Routes of one neighbor, from few to many.
    pub routes: Vec<u64>,
    /// Neighbors, from few to many, and the routes of each.
    pub neighbors: (Vec<usize>, u64),
    /// How often the status is requested while the program is idle.
    pub asks: usize,
}

impl Size {
    /// That of the race.
    pub fn full() -> Self {
        Self {
            table: [1_000_000, 200_000],
            half: [400_000, 100_000],
            churn: [50_000, 60],
            stalled: [5_000, 60],
            minute: [5_000, 60],
            routes: vec![100_000, 500_000, 1_000_000, 2_000_000, 5_000_000],
            neighbors: (vec![1, 10, 100], 10_000),
            asks: 20,
        }
    }

    /// A small one, that shows no more than that everything works.
    pub fn quick() -> Self {
        Self {
            table: [20_000, 4_000],
            half: [4_000, 1_000],
            churn: [2_000, 2],
            stalled: [2_000, 2],
            minute: [2_000, 1],
            routes: vec![10_000, 20_000],
            neighbors: (vec![1, 5], 1_000),
            asks: 3,
        }
    }
}

impl Case {
    /// All of them.
    pub const ALL: [Case; 7] = [
        Case::OneStation,
        Case::EightStations,
        Case::FourNeighbors,
        Case::Churn,
        Case::Stalled,
        Case::Hour,
        Case::Growth,
    ];

    /// Its name in options and files.
    pub fn name(self) -> &'static str {
        match self {
            Case::OneStation => "one-station",
            Case::EightStations => "eight-stations",
            Case::FourNeighbors => "four-neighbors",
            Case::Churn => "churn",
            Case::Stalled => "stalled",
            Case::Hour => "hour",
            Case::Growth => "growth",
        }
    }

    /// Its stations.
    fn stations(self) -> usize {
        match self {
            Case::OneStation | Case::FourNeighbors | Case::Hour | Case::Growth => 1,
            Case::Stalled => 4,
            Case::EightStations | Case::Churn => 8,
        }
    }

    /// What it is, for people.
    pub(super) fn title(self, size: &Size) -> String {
        let thousands = |[ipv4, ipv6]: [u64; 2]| {
            format!("{} IPv4 and {} IPv6 routes", grouped(ipv4), grouped(ipv6))
        };
        match self {
            Case::OneStation => format!("One neighbor, {}; one station", thousands(size.table)),
            Case::EightStations => "The same neighbor; eight stations".to_owned(),
            Case::FourNeighbors => {
                format!("Four neighbors, {} each; one station", thousands(size.half))
            }
            Case::Churn => format!(
                "{} updates a second for {} s; eight stations",
                grouped(size.churn[0] as u64),
                size.churn[1]
            ),
            Case::Stalled => format!(
                "One of four stations reads nothing for {} s of {} updates a second",
                size.stalled[1],
                grouped(size.stalled[0] as u64)
            ),
            Case::Hour => format!(
                "bmpd alone: {MINUTES} times {} updates of the same routes, as fast as it takes them; one station",
                grouped((size.minute[0] * size.minute[1]) as u64)
            ),
            Case::Growth => "bmpd alone: more routes, more neighbors".to_owned(),
        }
    }

    /// Who takes part in it.
    pub(super) fn is_for(self, who: Who) -> bool {
        match self {
            Case::OneStation | Case::EightStations | Case::FourNeighbors => true,
            Case::Stalled => who != Who::Memory,
            Case::Churn => matches!(who, Who::Program(_)),
            Case::Hour | Case::Growth => who == Who::Program(Program::Bmpd),
        }
    }

    /// Its rows, in order.
    pub(super) fn rows(self, size: &Size) -> Vec<Row> {
        let row = |measure: &str, title: &str, unit, target| Row {
            measure: measure.to_owned(),
            title: title.to_owned(),
            unit,
            target,
        };
        let none = Target::default();
        let within = |peer: f64, floor: f64| Target {
            peer: Some(peer),
            floor: Some(floor),
            ..Target::default()
        };
        let lean = Target { peer: Some(7.0), ..Target::default() };
        let (ms, mib) = (Unit::Milliseconds, Unit::Mib);
        match self {
            Case::OneStation => vec![
                row("load", "load", ms, within(7.0, 2.0)),
                row("reset", "reset", ms, within(20.0, 3.0)),
                row("command", "reset: the command alone", ms, none.clone()),
                row("memory-load", "peak memory, load", mib, lean.clone()),
                row("memory-reset", "peak memory, reset", mib, lean),
                row("status-idle", "status command, idle", ms, none.clone()),
                row("status-busy", "status command, worst during a reset", ms, none),
            ],
            Case::EightStations => {
                let more = |measure: &str| Target {
                    beside: Some(Beside {
                        row: format!("{}.{measure}", Case::OneStation.name()),
                        times: 1.0,
                        plus: 8.0,
                        name: "8 MiB more than with one station".to_owned(),
                    }),
                    ..lean.clone()
                };
                vec![
                    row("load", "load", ms, within(7.0, 2.0)),
                    row("reset", "reset of all eight at once", ms, within(10.0, 2.0)),
                    row("command", "reset: the command alone", ms, none),
                    row("memory-load", "peak memory, load", mib, more("memory-load")),
                    row("memory-reset", "peak memory, reset", mib, more("memory-reset")),
                ]
            }
            Case::FourNeighbors => vec![
                row("load", "load", ms, within(7.0, 2.0)),
                row("reset", "reset", ms, within(20.0, 3.0)),
                row("memory-load", "peak memory, load", mib, lean.clone()),
                row("memory-reset", "peak memory, reset", mib, lean),
            ],
            Case::Churn => vec![
                row("rate", "updates taken a second", Unit::PerSecond, none.clone()),
                row("lag-median", "lag, median", ms, none.clone()),
                row("lag-99", "lag, 99 of 100", ms, batch()),
                row("lag-worst", "lag, worst", ms, none.clone()),
                row("cpu", "processor time", Unit::Seconds, none.clone()),
                row("memory", "peak memory", mib, none),
            ],
            Case::Stalled => vec![
                row("lag-median", "lag of the other three, median", ms, none.clone()),
                row("lag-99", "lag of the other three, 99 of 100", ms, batch()),
                row("lag-worst", "lag of the other three, worst", ms, none.clone()),
                row(
                    "memory",
                    "memory grown (floor: what changed)",
                    mib,
                    Target { floor: Some(1.0), ..Target::default() },
                ),
                row("caught-up", "reads again -> has the last update", ms, none),
            ],
            Case::Hour => vec![
                row("memory-minute", "peak memory, the first of them", mib, none.clone()),
                row(
                    "memory-hour",
                    "peak memory, all the others",
                    mib,
                    Target {
                        beside: Some(Beside {
                            row: format!("{}.memory-minute", Case::Hour.name()),
                            times: 1.05,
                            plus: 0.0,
                            name: "5 % more than in the first".to_owned(),
                        }),
                        ..Target::default()
                    },
                ),
                row("rate", "updates taken a second", Unit::PerSecond, none.clone()),
                row("cpu", "processor time", Unit::Seconds, none),
            ],
            Case::Growth => growth_rows(size),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many minutes the hour has.
const MINUTES: usize = 60;

/// A batch of bmpd is 256 KiB; with 50,000 updates a second so much comes together in some 50 ms.
fn batch() -> Target {
    Target { absolute: Some(50.0), ..Target::default() }
}

/// How much there is at one point of the growth.
struct Point {
    name: String,
    title: String,
    /// How much more it is than at the first point.
    times: f64,
    neighbors: usize,
    /// Of each neighbor.
    routes: u64,
}

fn growth_points(size: &Size) -> Vec<Point> {
    let of_routes = size.routes.iter().map(|routes| Point {
        name: format!("routes-{routes}"),
        title: format!("{} routes", grouped(*routes)),
        times: *routes as f64 / size.routes[0] as f64,
        neighbors: 1,
        routes: *routes,
    });
    let (counts, routes) = &size.neighbors;
    let of_neighbors = counts.iter().map(|count| Point {
        name: format!("neighbors-{count}"),
        title: format!("{count} x {} routes", grouped(*routes)),
        times: *count as f64 / counts[0] as f64,
        neighbors: *count,
        routes: *routes,
    });
    of_routes.chain(of_neighbors).collect()
}

/// How much more than in proportion something may grow and still count as linear.
const LINEAR: f64 = 1.5;

fn growth_rows(size: &Size) -> Vec<Row> {
    let points = growth_points(size);
    let mut rows = vec![];
    for (measure, title, unit) in [
        ("load", "load", Unit::Milliseconds),
        ("reset", "reset", Unit::Milliseconds),
        ("memory", "peak memory", Unit::Mib),
    ] {
        let mut first = String::new();
        for Point { name, title: what, times, .. } in &points {
            let target = if *times == 1.0 {
                first = format!("{}.{measure}-{name}", Case::Growth.name());
                Target::default()
            } else {
                Target {
                    beside: Some(Beside {
                        row: first.clone(),
                        times: times * LINEAR,
                        plus: 0.0,
                        name: format!("{LINEAR} x {times} x the first"),
                    }),
                    ..Target::default()
                }
            };
            rows.push(Row {
                measure: format!("{measure}-{name}"),
                title: format!("{title}, {what}"),
                unit,
                target,
            });
        }
    }
    rows
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// After this long without a message, nothing more is on its way.
const QUIET: Duration = Duration::from_millis(500);

/// How long a stalled station may take to catch up, and the last update to come at the end.
const CATCH_UP: Duration = Duration::from_secs(60);

/// What the runs of a case share.
#[derive(Debug)]
pub(super) struct Lab {
    places: Places,
    size: Size,
    limit: Duration,
    /// Where the programs are, where the stations are, and the neighbors.
    program: IpAddr,
    station: IpAddr,
    neighbors: Vec<(IpAddr, u32)>,
    case: Case,
    tables: Vec<Arc<Table>>,
    churn: Option<Churn>,
    /// What a station must hold of each neighbor at the end.
    expected: Vec<Routes>,
    /// A dump of bmpd to one station, from its first message to the last route.
    dump: Option<Arc<Vec<u8>>>,
}

impl Lab {
    pub(super) fn new(places: Places, size: Size, limit: Duration) -> Self {
        let most = size.neighbors.0.iter().copied().max().unwrap_or(0).max(4) as u32;
        Self {
            places,
            limit,
            program: loopback(),
            station: loopback(),
            neighbors: (0..most).map(|n| (loopback(), 65001 + n)).collect(),
            case: Case::OneStation,
            tables: vec![],
            churn: None,
            expected: vec![],
            dump: None,
            size,
        }
    }

    /// Makes ready for the runs of a case.
    pub(super) fn enter(&mut self, case: Case) -> anyhow::Result<()> {
        self.case = case;
        self.dump = None;
        let ([ipv4, ipv6], count) = match case {
            Case::FourNeighbors => (self.size.half, 4),
            // It has tables of its own, one after the other.
            Case::Growth => ([0, 0], 0),
            _ => (self.size.table, 1),
        };
        let neighbors = self.neighbors.iter().take(count);
        self.tables = neighbors.map(|(_, asn)| Arc::new(Table::of(*asn, ipv4, ipv6))).collect();
        self.expected =
            self.tables.iter().map(|t| counter::routes_of(t)).collect::<anyhow::Result<_>>()?;
        let churn = match case {
            Case::Churn => Some(self.size.churn),
            Case::Stalled => Some(self.size.stalled),
            Case::Hour => Some(self.size.minute),
            _ => None,
        };
        self.churn = churn.map(|[rate, seconds]| Churn::new(&self.tables[0], rate, seconds));
        if let Some(churn) = &self.churn {
            churn.apply(&mut self.expected[0])?;
        }
        Ok(())
    }

    /// One run of the case; `check` for the one in which what the stations hold is checked, too.
    pub(super) fn run(&mut self, who: Who, check: bool) -> Run {
        let mut run = Run::default();
        let done = match (self.case, who) {
            (Case::Growth, Who::Program(program)) => self.growth(program, &mut run),
            (Case::Hour, Who::Program(program)) => self.hour(program, &mut run),
            (Case::Churn, Who::Program(program)) => self.churned(program, None, &mut run),
            (Case::Stalled, Who::Program(program)) => self.churned(program, Some(3), &mut run),
            (_, Who::Program(program)) => self.dump(program, check, &mut run),
            (_, Who::Floor) => self.floor(&mut run),
            (_, Who::Memory) => self.replayed(&mut run),
        };
        run.failure = done.err().map(|e| format!("{e:#}"));
        run
    }

    /// Load and reset, and what they cost.
    fn dump(&mut self, program: Program, check: bool, run: &mut Run) -> anyhow::Result<()> {
        let scene = self.start(program, &self.tables, None)?;
        let begun = Instant::now();
        run.put("load", millis(scene.load(&self.tables)?));
        run.remark("load", scene.surplus(begun));
        run.put("memory-load", scene.sender.peak()?);
        let one_station = self.case == Case::OneStation;
        if one_station {
            let mut times = (0..self.size.asks)
                .map(|_| scene.sender.status_time(self.limit))
                .collect::<anyhow::Result<Vec<_>>>()?;
            times.sort_unstable();
            run.put("status-idle", millis(times[times.len() / 2]));
        }
        scene.sender.forget_peak()?;
        let begun = Instant::now();
        let (command, reset) = scene.reset()?;
        run.put("command", millis(command));
        run.put("reset", millis(reset));
        run.remark("reset", scene.surplus(begun));
        run.put("memory-reset", scene.sender.peak()?);
        if one_station {
            run.put("status-busy", millis(scene.worst_status()?));
        }
        if check {
            let held = match scene.check(&self.expected) {
                Ok(()) => "every route and attribute of the neighbors at every station".to_owned(),
                Err(e) => format!("{e:#}"),
            };
            run.remark("held", Some(held));
        }
        if program == Program::Bmpd && self.dump.is_none() {
            scene.stations[0].keep(Keep::Bytes);
            scene.reset()?;
            self.dump = scene.stations[0].newest(|c| Arc::new(std::mem::take(&mut c.whole)));
        }
        Ok(())
    }

    /// Updates to all stations, one of which is perhaps stalled.
    fn churned(
        &self,
        program: Program,
        stalled: Option<usize>,
        run: &mut Run,
    ) -> anyhow::Result<()> {
        let churn = self.churn.as_ref().context("there are no updates")?;
        let looked_at = stalled.unwrap_or(0);
        let scene = self.start(program, &self.tables, Some(looked_at))?;
        scene.load(&self.tables)?;
        if let Some(stalled) = stalled {
            scene.stations[stalled].stall(true);
        }
        let (resident, cpu) = (scene.sender.resident()?, scene.sender.cpu()?);
        scene.sender.forget_peak()?;
        let (begun, took) = scene.speakers[0].churn(churn, self.limit)?;
        let reading = || {
            let stations = scene.stations.iter().enumerate();
            stations.filter(|(n, _)| Some(*n) != stalled).map(|(_, station)| station)
        };
        let last = churn.markers() - 1;
        let mut arrived = Ok(());
        for station in reading() {
            let here = scene.wait_marker(station, last).map(drop);
            arrived = arrived.and(here);
        }
        let lags = lags(reading(), begun, churn.markers());
        run.put("rate", churn.updates as f64 / took.as_secs_f64());
        run.put("cpu", scene.sender.cpu()? - cpu);
        let memory = scene.sender.peak()?;
        run.put("memory", if stalled.is_some() { memory - resident } else { memory });
        arrived.context("the last update")?;
        let lags = lags?;
        run.put("lag-median", millis(lags[lags.len() / 2]));
        run.put("lag-99", millis(lags[lags.len() * 99 / 100]));
        run.put("lag-worst", millis(lags[lags.len() - 1]));
        if let Some(stalled) = stalled {
            let begun = Instant::now();
            scene.stations[stalled].stall(false);
            let at = scene.wait_marker(&scene.stations[stalled], last)?;
            run.put("caught-up", millis(at - begun));
        }
        thread::sleep(QUIET);
        self.hold(&scene, looked_at, run)
    }

    /// The updates of a minute, and then those of the rest of an hour.
    fn hour(&self, program: Program, run: &mut Run) -> anyhow::Result<()> {
        let churn = self.churn.as_ref().context("there are no updates")?;
        let scene = self.start(program, &self.tables, Some(0))?;
        scene.load(&self.tables)?;
        let cpu = scene.sender.cpu()?;
        let mut took = Duration::ZERO;
        for (measure, minutes) in [("memory-minute", 1), ("memory-hour", MINUTES - 1)] {
            scene.sender.forget_peak()?;
            took += scene.speakers[0].repeat(churn, minutes, self.limit)?;
            thread::sleep(QUIET);
            run.put(measure, scene.sender.peak()?);
        }
        run.put("rate", (churn.updates * MINUTES) as f64 / took.as_secs_f64());
        run.put("cpu", scene.sender.cpu()? - cpu);
        self.hold(&scene, 0, run)
    }

    /// Checks that the station that keeps the routes has the latest state of all of them.
    fn hold(&self, scene: &Scene, looked_at: usize, run: &mut Run) -> anyhow::Result<()> {
        let held = scene.stations[looked_at].newest(Connection::take_routes);
        let held = held.context("no connection")?;
        let held = match counter::compare(&self.expected[0], &held[0]) {
            Ok(()) => format!("every route in its last state at station {}", looked_at + 1),
            Err(e) => format!("station {}: {e}", looked_at + 1),
        };
        run.remark("held", Some(held));
        Ok(())
    }

    fn growth(&self, program: Program, run: &mut Run) -> anyhow::Result<()> {
        for Point { name, neighbors: count, routes, .. } in growth_points(&self.size) {
            // As many IPv6 routes as the full table has: one in six.
            let (ipv4, ipv6) = (routes - routes / 6, routes / 6);
            let neighbors = self.neighbors.iter().take(count);
            let tables: Vec<Arc<Table>> =
                neighbors.map(|(_, asn)| Arc::new(Table::of(*asn, ipv4, ipv6))).collect();
            let scene = self.start(program, &tables, None)?;
            run.put(&format!("load-{name}"), millis(scene.load(&tables)?));
            run.put(&format!("reset-{name}"), millis(scene.reset()?.1));
            run.put(&format!("memory-{name}"), scene.sender.peak()?);
        }
        Ok(())
    }

    /// What the machine needs for the same.
    fn floor(&self, run: &mut Run) -> anyhow::Result<()> {
        if let Some(churn) = &self.churn {
            run.put("memory", churn.changed_bytes as f64 / f64::from(1 << 20));
            return Ok(());
        }
        let load = floor::read_neighbors(self.program, &self.neighbors, &self.tables, self.limit)?;
        run.put("load", millis(load));
        let bytes = self.dumped()?.len() as u64;
        run.put("reset", millis(floor::move_bytes(bytes, self.case.stations())?));
        Ok(())
    }

    fn dumped(&self) -> anyhow::Result<&Arc<Vec<u8>>> {
        self.dump.as_ref().context("bmpd has sent no dump")
    }

    /// The same without a program in between: the neighbors' routes are only counted, and the stations are sent
    /// what bmpd had sent, from memory.
    fn replayed(&self, run: &mut Run) -> anyhow::Result<()> {
        let dump = self.dumped()?;
        let stations = self.stations(&self.tables, None)?;
        let load = thread::scope(|scope| {
            let (begun, limit) = (Instant::now(), self.limit);
            let received = scope.spawn(move || {
                floor::read_neighbors(self.program, &self.neighbors, &self.tables, limit)
            });
            let sent = floor::replay(dump, &stations, begun, limit)?;
            let received = received.join().map_err(|_| anyhow!("a thread panicked"))??;
            anyhow::Ok(sent.max(received))
        })?;
        run.put("load", millis(load));
        run.put("reset", millis(floor::replay(dump, &stations, Instant::now(), self.limit)?));
        Ok(())
    }

    /// The stations of the case.
    ///
    /// The station `looked_at` keeps the routes; all others count. The one that shall be stalled takes
    /// less into the system's buffers than others, so that the sender blocks soon.
    fn stations(
        &self,
        tables: &[Arc<Table>],
        looked_at: Option<usize>,
    ) -> anyhow::Result<Vec<Counter>> {
        let routes: Vec<(IpAddr, u64)> =
            self.neighbors.iter().zip(tables).map(|((a, _), t)| (*a, t.routes())).collect();
        let mut stations = vec![];
        for n in 0..self.case.stations() {
            let is_special = looked_at == Some(n);
            let buffer = (is_special && self.case == Case::Stalled).then_some(64 * 1024);
            let station = Counter::listen(self.station, &routes, buffer)?;
            if is_special {
                station.keep(Keep::Routes);
            }
            stations.push(station);
        }
        Ok(stations)
    }

    /// Starts the stations, the program, and the neighbors, until all are connected.
    fn start(
        &self,
        program: Program,
        tables: &[Arc<Table>],
        looked_at: Option<usize>,
    ) -> anyhow::Result<Scene> {
        let neighbors = &self.neighbors[..tables.len()];
        let stations = self.stations(tables, looked_at)?;
        let setting = Setting {
            address: self.program,
            neighbors: neighbors.to_vec(),
            stations: stations.iter().map(Counter::address).collect(),
            views: vec![View::PrePolicy],
        };
        let sender = Sender::start(program, &self.places, &setting)?;
        let mut scene = Scene { sender, speakers: vec![], stations, limit: self.limit };
        for station in &scene.stations {
            let connected = |_: &Connection| Some(());
            station.wait(0, self.limit, || scene.sender.alive(), connected)?;
        }
        for (address, asn) in neighbors {
            scene.speakers.push(Speaker::connect(*address, *asn, scene.sender.bgp())?);
        }
        Ok(scene)
    }
}

/// One program with its neighbors and its stations. Ends in this order.
#[derive(Debug)]
struct Scene {
    sender: Sender,
    speakers: Vec<Speaker>,
    stations: Vec<Counter>,
    limit: Duration,
}

impl Scene {
    /// Has the neighbors announce their tables; returns how long it took until every station had them.
    fn load(&self, tables: &[Arc<Table>]) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        for (speaker, table) in self.speakers.iter().zip(tables) {
            speaker.announce(table);
        }
        let at = self.complete(&vec![0; self.stations.len()], begun)?;
        thread::sleep(QUIET);
        Ok(at - begun)
    }

    /// Resets all stations; returns how long the command took, and how long it took until all of them
    /// had everything again.
    fn reset(&self) -> anyhow::Result<(Duration, Duration)> {
        let before: Vec<usize> = self.stations.iter().map(Counter::connections).collect();
        let begun = Instant::now();
        let command = self.sender.reset(self.limit)?;
        let at = self.complete(&before, begun)?;
        thread::sleep(QUIET);
        Ok((command, at - begun))
    }

    /// Waits until every station is complete on a connection behind those `before`; returns when that was.
    fn complete(&self, before: &[usize], begun: Instant) -> anyhow::Result<Instant> {
        let mut last = begun;
        for (n, (station, before)) in self.stations.iter().zip(before).enumerate() {
            let left = self.limit.saturating_sub(begun.elapsed());
            let at = station
                .wait(*before, left, || self.sender.alive(), |connection| connection.complete)
                .with_context(|| format!("station {}", n + 1))?;
            last = last.max(at);
        }
        Ok(last)
    }

    /// Reports a count that is unreliable because routes were announced more than once.
    fn surplus(&self, begun: Instant) -> Option<String> {
        let of = |station: &Counter| station.newest(|c| (c.surplus(), c.last_at));
        let all: Vec<(u64, Option<Instant>)> = self.stations.iter().filter_map(of).collect();
        let surplus: u64 = all.iter().map(|(surplus, _)| surplus).sum();
        let last = all.iter().filter_map(|(_, at)| *at).max()?;
        (surplus > 0).then(|| {
            format!(
                "{} routes announced more than once, the last after {}: the time is one in its favour",
                grouped(surplus),
                Unit::Milliseconds.show(millis(last - begun))
            )
        })
    }

    fn wait_marker(&self, station: &Counter, number: usize) -> anyhow::Result<Instant> {
        let come = |c: &Connection| c.markers.get(number).copied().flatten();
        station.wait(0, CATCH_UP, || self.sender.alive(), come)
    }

    /// Requests the status again and again while everything is sent again; returns the longest time.
    fn worst_status(&self) -> anyhow::Result<Duration> {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let asking = scope.spawn(|| {
                let mut worst = Duration::ZERO;
                while !done.load(Ordering::Relaxed) {
                    worst = worst.max(self.sender.status_time(self.limit)?);
                }
                anyhow::Ok(worst)
            });
            let reset = self.reset();
            done.store(true, Ordering::Relaxed);
            let worst = asking.join().map_err(|_| anyhow!("a thread panicked"))?;
            reset.and(worst)
        })
    }

    /// One reset more, in which the stations keep everything.
    fn check(&self, expected: &[Routes]) -> anyhow::Result<()> {
        for station in &self.stations {
            station.keep(Keep::Routes);
        }
        self.reset()?;
        for (n, station) in self.stations.iter().enumerate() {
            let held = station.newest(Connection::take_routes).context("no connection")?;
            for (expected, held) in expected.iter().zip(&held) {
                counter::compare(expected, held).map_err(|e| anyhow!("station {}: {e}", n + 1))?;
            }
        }
        Ok(())
    }
}

/// How long after it was due each marker reached each station, the shortest first.
fn lags<'a>(
    stations: impl Iterator<Item = &'a Counter>,
    begun: Instant,
    markers: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut lags = vec![];
    for station in stations {
        let came = station.newest(|connection| connection.markers.clone()).unwrap_or_default();
        for number in 0..markers {
            let at = came.get(number).copied().flatten();
            let at = at.with_context(|| format!("marker {number} never came"))?;
            lags.push(at.saturating_duration_since(begun + Churn::due(number)));
        }
    }
    lags.sort_unstable();
    Ok(lags)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
