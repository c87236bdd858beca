//! One run: a seed, and so many steps.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use shared::names::{RouterId, Selector, SessionId};
use shared::response::{Done, Failure, ReloadReport, Response};
use simulated::simulation::network::{self, Answer};
use simulated::simulation::{self, bus, clock};
use simulated::{Bmpd, Sizes};
use tests::bgp::Family;
use tests::random::Random;
use tokio::task::JoinHandle;

use crate::action::{Action, Pause};
use crate::count::Count;
use crate::kafka::Kafka;
use crate::ledger::Ledger;
use crate::plan::{self, Plan};
use crate::relay::{self, Relay};
use crate::route::{Key, Said};
use crate::speaker::Speaker;
use crate::station::{Context, Station};
use crate::trace::Trace;

/// How long a slice of waiting is: neighbors and stations have their turn after each.
const SLICE: Duration = Duration::from_secs(1);

/// The result of a run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The steps that were done.
    pub steps: u64,
    /// A hash of all that happened.
    pub hash: u64,
    /// What was done.
    pub count: Count,
    /// What was wrong.
    pub divergence: Option<String>,
}

thread_local! {
    /// The message of a panic in a task of bmpd.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Records panics of this process for the run that they are in, too. To be called once.
pub fn note_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANIC.set(Some(info.to_string()));
        before(info);
    }));
}

/// Does a run. The same arguments give the same outcome.
pub fn run(seed: u64, steps: u64, verbose: bool) -> Outcome {
    PANIC.take();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let mut outcome =
        Outcome { seed, steps: 0, hash: 0, count: Count::default(), divergence: None };
    match runtime {
        Ok(runtime) => runtime.block_on(drive(&mut outcome, steps, verbose)),
        Err(error) => outcome.divergence = Some(format!("no runtime: {error}")),
    }
    outcome
}

async fn drive(outcome: &mut Outcome, steps: u64, verbose: bool) {
    let mut run = match Run::begin(outcome.seed, verbose).await {
        Ok(run) => run,
        Err(error) => {
            outcome.divergence = Some(error);
            return;
        }
    };
    let mut result = Ok(());
    while result.is_ok() && outcome.steps < steps {
        outcome.steps += 1;
        result = run.step(outcome.steps).await;
    }
    if result.is_ok() {
        result = run.finish().await;
    }
    run.count.add("BMP messages checked", run.trace.messages);
    run.count.add("simulated seconds", clock::passed().as_secs());
    outcome.hash = run.trace.hash();
    outcome.count = run.count;
    outcome.divergence = result.err();
}

/// Everything of a run.
pub struct Run {
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) count: Count,
    pub(crate) bmpd: Bmpd,
    /// The contents of the file.
    pub(crate) file: Plan,
    /// What is in effect: of every session and neighbor what was last applied to it.
    pub(crate) plan: Plan,
    /// The families of each version of a session.
    versions: BTreeMap<(usize, u32), Vec<Family>>,
    /// The lowest version that a connection may have, by session: a reset is over.
    pub(crate) least: Vec<u32>,
    /// Resets since the session began.
    pub(crate) resets: Vec<u64>,
    pub(crate) ledger: Ledger,
    pub(crate) speakers: Vec<Speaker>,
    pub(crate) stations: Vec<Station>,
    pub(crate) next_mark: u32,
    /// How many more withdrawals than routes are kept for slow stations.
    pub(crate) spare_withdrawals: usize,
    /// The bytes of a segment of a log.
    pub(crate) segment: usize,
    commands: Vec<JoinHandle<Outcomes>>,
    pub(crate) relay: Option<Relay>,
    pub(crate) kafka: Option<Kafka>,
}

/// The response to a command.
enum Outcomes {
    Reset(Vec<Response>),
    Reload(Result<ReloadReport, Failure>),
}

impl Run {
    async fn begin(seed: u64, verbose: bool) -> Result<Self, String> {
        let mut random = Random::new(seed);
        let mut relay = Relay::draw(seed);
        let sizes = Sizes {
            segment: plan::one_of(&mut random, &[256, 600, 4096, 1 << 18]),
            part: plan::one_of(&mut random, &[1, 5, 14 * 1024]),
            chunk: plan::one_of(&mut random, &[150, 400, 2000, 1 << 18]),
            spare_withdrawals: plan::one_of(&mut random, &[3, 40, 500_000]),
            late: plan::one_of(&mut random, &[0, 10, 100, 6_000_000]),
            live: relay.as_ref().map_or(1 << 20, |(relay, _)| relay.live()),
            batch: plan::one_of(&mut random, &[2048, 4096, 1 << 18]),
            // So little that small tables take several turns.
            written: 4096,
            turn: 64,
            little: 4,
            turns: 3,
            maintenance: 10,
        };
        simulation::begin(random.draw());
        let mut plan = Plan::draw(&mut random);
        plan.relay = relay.as_mut().map(|(_, plan)| plan.clone());
        let mut kafka = Kafka::draw(seed, plan.routers().len());
        plan.kafka = kafka.as_ref().map(|(_, plan)| plan.clone());
        kafka.iter_mut().for_each(|(kafka, plan)| kafka.begin(plan));
        let speakers = (0..plan.neighbors.len()).map(Speaker::new).collect();
        let stations = (0..plan.sessions.len()).map(Station::new).collect();
        simulation::write_file(&plan.file());
        let mut trace = Trace::new(verbose);
        trace.line(format_args!("seed {seed}: {sizes:?}\n{}", plan.file()));
        let sessions = plan.sessions.len();
        let mut run = Self {
            random,
            trace,
            count: Count::default(),
            bmpd: Bmpd::start(sizes).await?,
            file: plan.clone(),
            plan,
            versions: BTreeMap::new(),
            least: vec![0; sessions],
            resets: vec![0; sessions],
            ledger: Ledger::new(),
            speakers,
            stations,
            next_mark: 1,
            spare_withdrawals: sizes.spare_withdrawals,
            segment: sizes.segment,
            commands: Vec::new(),
            relay: relay.map(|(relay, _)| relay),
            kafka: kafka.map(|(kafka, _)| kafka),
        };
        run.plan = run.effective();
        run.note_versions();
        Ok(run)
    }

    fn note_versions(&mut self) {
        for (number, session) in self.file.sessions.iter().enumerate() {
            self.versions.insert((number, session.version), session.families.clone());
        }
    }

    async fn step(&mut self, step: u64) -> Result<(), String> {
        if let Some(action) = self.relay.as_mut().and_then(Relay::draw_action) {
            let pause = self.relay.as_mut().map(|relay| Pause::draw(&mut relay.random));
            let pause = pause.unwrap_or(Pause::None);
            self.trace
                .line(format_args!("{step} at {:?}: {action:?}, then {pause:?}", clock::passed()));
            self.perform_relay(action).await?;
            return self.pause(pause).await;
        }
        if let (Some(kafka), Some(plan)) = (&mut self.kafka, &self.plan.kafka)
            && let Some(action) = kafka.draw_action(plan)
        {
            let pause = Pause::draw(&mut kafka.random);
            self.trace
                .line(format_args!("{step} at {:?}: {action:?}, then {pause:?}", clock::passed()));
            self.perform_kafka(action).await?;
            return self.pause(pause).await;
        }
        let action = Action::draw(&mut self.random, self.speakers.len(), self.stations.len());
        let pause = Pause::draw(&mut self.random);
        self.trace
            .line(format_args!("{step} at {:?}: {action:?}, then {pause:?}", clock::passed()));
        self.perform(action).await?;
        self.pause(pause).await
    }

    async fn pause(&mut self, pause: Pause) -> Result<(), String> {
        match pause {
            Pause::None => {}
            Pause::Turns(turns) => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            Pause::UntilIdle => run_until_idle().await,
            Pause::Time(time) => self.wait(time).await?,
        }
        self.turn().await.map(drop)
    }

    async fn perform(&mut self, action: Action) -> Result<(), String> {
        let now = clock::passed();
        match action {
            Action::Update(neighbor, times) => {
                for _ in 0..times {
                    let said = self.draw_update(neighbor);
                    self.say(neighbor, said);
                }
            }
            Action::Faulty(neighbor) => {
                let said = self.draw_update(neighbor).map(Said::faulty);
                self.say(neighbor, said);
            }
            Action::EndOfRib(neighbor) => {
                if let Some(family) = self.draw_family(neighbor) {
                    self.speakers[neighbor].end_of_rib(family);
                    self.count.add("End-of-RIBs of neighbors", 1);
                }
            }
            Action::RouteRefresh(neighbor) => {
                if let Some(family) = self.draw_family(neighbor) {
                    self.speakers[neighbor].ask_for_routes(family);
                    self.count.add("route refreshes of neighbors", 1);
                }
            }
            Action::Flood(neighbor, flood) => self.flood(neighbor, flood).await?,
            Action::Connect(neighbor) => {
                let Self { random, ledger, speakers, .. } = self;
                if speakers[neighbor].connect(random, ledger, now) {
                    self.count.add("connections by neighbors", 1);
                }
            }
            Action::End(neighbor, ending) => {
                let next =
                    self.draw_update(neighbor).unwrap_or_else(|| Said::any(&mut self.random));
                self.speakers[neighbor].end(ending, &self.ledger, &next);
                self.count.add(ending.name(), 1);
            }
            Action::Willing(neighbor) => {
                let willing = !self.speakers[neighbor].willing;
                self.speakers[neighbor].set_willing(willing);
            }
            Action::Read(station, bytes) => {
                self.read(station, bytes)?;
            }
            Action::Stall(station) => {
                self.stations[station].reads ^= true;
                self.count.add("stations begin or cease to stall", 1);
            }
            Action::Leave(station, ending) => {
                if self.stations[station].connection.is_some() {
                    self.stations[station].end(ending);
                    self.count.add(ending.name(), 1);
                }
            }
            Action::Send(station, bytes) => {
                self.stations[station].send(bytes);
                self.count.add("bytes sent by stations", bytes as u64);
            }
            Action::Answer(station) => {
                let room = plan::one_of(&mut self.random, &[1, 100, 3000, 1 << 16]);
                let answer = match self.random.below(5) {
                    0 => Answer::Refuse,
                    1 => Answer::Silence,
                    _ => Answer::Accept { room },
                };
                self.stations[station].set_answer(answer);
            }
            Action::Arrive(station) => {
                let room = plan::one_of(&mut self.random, &[1, 100, 3000, 1 << 16]);
                let passive = self.plan.sessions[station].passive;
                if passive && self.stations[station].connect(room) {
                    self.count.add("connections by stations", 1);
                }
            }
            Action::UnknownPeer => {
                if network::connect_to_bmpd([10, 3, 0, 1].into(), plan::PASSIVE_PORT, 1 << 16)
                    .is_some()
                {
                    self.count.add("connections of unknown peers", 1);
                }
            }
            Action::Reset(station, stagger) => {
                let selector = match station {
                    Some(number) => Selector::One(session(number)?),
                    None => Selector::All { vpn_instance: None },
                };
                self.reset(selector, None, stagger);
            }
            Action::Edit => {
                // Commands that have read the file before do not have its new contents.
                self.finish_commands().await?;
                self.file.change(&mut self.random);
                self.note_versions();
                simulation::write_file(&self.file.file());
                self.count.add("edits of the file", 1);
            }
            Action::BadFile => {
                self.finish_commands().await?;
                simulation::write_file("[bmp]\nsystem = 1\n");
                let reload = self.bmpd.reload().await;
                simulation::write_file(&self.file.file());
                if reload.is_ok() {
                    return Err("a bad file was taken".to_owned());
                }
                self.count.add("reloads of a bad file", 1);
            }
            Action::Reload => self.reload(),
            Action::Clock(seconds) => {
                clock::jump(seconds);
                self.count.add("jumps of the clock", 1);
            }
            Action::Wait(time) => self.wait(time).await?,
            Action::Quiet => self.quiet().await?,
        }
        Ok(())
    }

    pub(crate) fn reset(&mut self, selector: Selector, router: Option<RouterId>, stagger: u64) {
        let bmpd = self.bmpd.clone();
        self.commands.push(tokio::spawn(async move {
            Outcomes::Reset(bmpd.reset(selector, router, stagger).await)
        }));
    }

    /// What is in effect once the file is applied.
    fn effective(&self) -> Plan {
        let relay = self.file.relay.as_ref().map(relay::plan::Plan::effective);
        let kafka = self.file.kafka.as_ref().map(|kafka| kafka.effective(self.file.routers()));
        Plan { relay, kafka, ..self.file.clone() }
    }

    pub(crate) fn reload(&mut self) {
        self.relay.iter_mut().for_each(Relay::commanded);
        self.routers_end();
        let bmpd = self.bmpd.clone();
        self.commands.push(tokio::spawn(async move { Outcomes::Reload(bmpd.reload().await) }));
    }

    /// A reload begins or ends, after which routers may be published no longer.
    fn routers_end(&mut self) {
        if let (Some(kafka), Some(before), Some(after)) =
            (&mut self.kafka, &self.plan.kafka, &self.file.kafka)
        {
            let (routers, later) = (self.plan.routers(), self.file.routers());
            let (before, after) = (before.effective(routers), after.effective(later));
            let ends = (0..routers.len()).chain([relay::plan::LOCAL]).any(|router| {
                let is_there = |routers: &[relay::plan::Router]| {
                    routers.get(router).is_none_or(|router| router.present)
                };
                let publishers = before.publishers.iter().zip(&after.publishers);
                publishers.into_iter().any(|(before, after)| {
                    before.wants(router)
                        && is_there(routers)
                        && !(after.wants(router) && is_there(later))
                })
            });
            if ends {
                kafka.routers_end(before.publishers.len());
            }
        }
    }

    pub(crate) fn draw_family(&mut self, neighbor: usize) -> Option<Family> {
        let entry = &self.ledger[&self.speakers[neighbor].serial()?];
        (!entry.families.is_empty()).then(|| plan::one_of(&mut self.random, &entry.families))
    }

    /// An UPDATE for the connection that is up.
    pub(crate) fn draw_update(&mut self, neighbor: usize) -> Option<Said> {
        let family = self.draw_family(neighbor)?;
        let speaker = &mut self.speakers[neighbor];
        let add_path = speaker.serial().is_some_and(|s| self.ledger[&s].add_path.contains(&family));
        let mut keys = std::collections::BTreeSet::new();
        for _ in 0..1 + self.random.below(5) {
            keys.insert(Key::draw(&mut self.random, family, add_path));
        }
        // What was announced before is preferred.
        let known = speaker.known(&mut self.random, &self.ledger);
        keys.extend(known.filter(|known| known.family == family));
        let withdraws = self.random.chance(30);
        let (mut withdrawn, mut announced) = (Vec::new(), Vec::new());
        for key in keys {
            let to =
                if withdraws && self.random.chance(70) { &mut withdrawn } else { &mut announced };
            to.push(key);
        }
        // Some sets of attributes are those of another UPDATE.
        if self.random.chance(70) {
            self.next_mark += 1;
        }
        Some(Said { family, withdrawn, announced, mark: self.next_mark, faulty: false })
    }

    pub(crate) fn say(&mut self, neighbor: usize, said: Option<Said>) {
        let Some(said) = said else { return };
        self.count.add("UPDATEs", 1);
        self.count.add("routes announced", said.announced.len() as u64);
        self.count.add("routes withdrawn", said.withdrawn.len() as u64);
        self.count.add("UPDATEs that count as withdrawals", u64::from(said.faulty));
        self.speakers[neighbor].say(said, &mut self.ledger);
    }

    /// Waits this long.
    pub(crate) async fn wait(&mut self, time: Duration) -> Result<(), String> {
        let until = clock::passed() + time;
        while clock::passed() < until {
            let left = until - clock::passed();
            tokio::time::sleep(left.min(SLICE)).await;
            self.turn().await?;
        }
        Ok(())
    }

    /// Runs each neighbor and station once. True if something happened.
    pub(crate) async fn turn(&mut self) -> Result<bool, String> {
        if let Some(panic) = PANIC.take() {
            return Err(format!("bmpd has panicked: {panic}"));
        }
        if let Some(violation) = bus::take_violation() {
            return Err(violation);
        }
        let now = clock::passed();
        for (place, end) in network::take_made() {
            self.trace.say(|| format!("at {now:?} bmpd connects to {place}"));
            if let Some(speaker) = self.speakers.iter_mut().find(|one| one.place() == place) {
                speaker.begin(end, &mut self.random, &mut self.ledger, now);
                self.count.add("connections to neighbors", 1);
            } else if let Some(station) = self.stations.iter_mut().find(|one| one.place() == place)
            {
                station.begin(end)?;
                self.count.add("connections to stations", 1);
            } else if let Some(relay) = &mut self.relay {
                relay.take_made(place, end, &mut self.count);
            }
        }
        for speaker in &mut self.speakers {
            speaker.go_on(&mut self.ledger, now)?;
        }
        for number in 0..self.speakers.len() {
            let neighbor = &self.plan.neighbors[number];
            if neighbor.present && neighbor.passive {
                let Self { random, ledger, speakers, .. } = self;
                speakers[number].try_to_connect(random, ledger, now);
            }
        }
        let mut moved = false;
        if let (Some(relay), Some(plan)) = (&mut self.relay, &self.plan.relay) {
            moved |= relay.turn(plan, &mut self.trace, &mut self.count)?;
        }
        for number in 0..self.stations.len() {
            if self.stations[number].reads {
                moved |= self.read(number, usize::MAX)?;
            }
            if self.plan.sessions[number].passive {
                self.stations[number].try_to_connect(&mut self.random, now);
            }
        }
        self.collect_commands().await?;
        Ok(moved)
    }

    fn read(&mut self, number: usize, most: usize) -> Result<bool, String> {
        let Self { ledger, versions, trace, stations, .. } = self;
        let mut context = Context { ledger, versions, now: clock::passed(), trace };
        let read = stations[number].read(most, &mut context);
        read.map_err(|why| format!("station {}: {why}", plan::station(number)))
    }

    /// Waits until every command is over.
    pub(crate) async fn finish_commands(&mut self) -> Result<(), String> {
        let until = clock::passed() + Duration::from_secs(120);
        while !self.commands.is_empty() {
            if clock::passed() > until {
                return Err("a command is not over within two minutes".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.turn().await?;
        }
        Ok(())
    }

    async fn collect_commands(&mut self) -> Result<(), String> {
        while let Some(done) = self.commands.iter().position(JoinHandle::is_finished) {
            let outcome = self.commands.remove(done).await;
            match outcome.map_err(|error| format!("a command has ended: {error}"))? {
                Outcomes::Reload(report) => self.reloaded(report)?,
                Outcomes::Reset(responses) => self.were_reset(responses)?,
            }
        }
        Ok(())
    }

    fn reloaded(&mut self, report: Result<ReloadReport, Failure>) -> Result<(), String> {
        let report = report.map_err(|failure| format!("a reload has failed: {failure:?}"))?;
        self.count.add("reloads", 1);
        self.count.add("things changed by reloads", report.items.len() as u64);
        for number in 0..self.stations.len() {
            let (before, after) = (&self.plan.sessions[number], &self.file.sessions[number]);
            if before.present && !after.present {
                self.stations[number].forget();
                self.resets[number] = 0;
            }
        }
        self.routers_end();
        let plan = self.effective();
        if let (Some(relay), Some(before), Some(after)) =
            (&mut self.relay, &self.plan.relay, &plan.relay)
        {
            relay.reloaded(before, after);
        }
        self.plan = plan;
        Ok(())
    }

    fn were_reset(&mut self, responses: Vec<Response>) -> Result<(), String> {
        if let (Some(relay), Some(plan), Some(file)) =
            (&mut self.relay, &mut self.plan.relay, &self.file.relay)
        {
            relay.were_reset(&responses, plan, file, &mut self.count);
        }
        for response in responses {
            let outcomes = match response {
                Response::Reset { outcomes, .. } => outcomes,
                // The session or the router is not there.
                Response::Failed(Failure::NoSuchSession { .. } | Failure::NoSuchRouter { .. }) => {
                    continue;
                }
                other => return Err(format!("a reset has answered {other:?}")),
            };
            for outcome in outcomes {
                let of_it =
                    |number: &usize| plan::station(*number) == outcome.id.session.address.ip();
                let Some(number) = (0..self.stations.len()).find(of_it) else { continue };
                match outcome.result {
                    Ok(Done::Reset(_)) => {
                        self.count.add("resets", 1);
                        self.resets[number] += 1;
                        self.least[number] = self.file.sessions[number].version;
                    }
                    Ok(Done::SupersededBy { .. }) => {
                        self.count.add("resets superseded by newer ones", 1);
                        continue;
                    }
                    // It is shut down in the file, and now it is so here, or it is not in it at all.
                    Err(_) => self.count.add("resets that were refused", 1),
                }
                if self.file.sessions[number].present {
                    // A neighbor that is in the file no more cannot be named there, and runs on.
                    let mut session = self.file.sessions[number].clone();
                    let neighbors = &self.file.neighbors;
                    session.monitor.iter_mut().for_each(|monitor| {
                        monitor.retain(|neighbor| neighbors[*neighbor].present);
                    });
                    self.plan.sessions[number] = session;
                }
            }
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), String> {
        self.trace.line("the end: all is well");
        self.all_is_well().await?;
        self.stop().await
    }
}

/// Runs bmpd until it is idle, without time passing.
pub(crate) async fn run_until_idle() {
    // The clock advances only when every task waits.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// The name of a session.
pub(crate) fn session(number: usize) -> Result<SessionId, String> {
    let address = plan::station(number).to_string();
    let address = address.parse().map_err(|error| format!("{address}: {error}"))?;
    Ok(SessionId { vpn_instance: None, address, alias: None })
}
