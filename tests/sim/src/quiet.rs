//! Once all is idle: the routes of stations, and the reports of bmpd, compared with the model.
//!
//! There are two kinds. A quiet moment is in the middle of a schedule: what was sent is read, and
//! everything that is certain is compared; peers that are away stay away. At the end all is well: all
//! peers are there and read, bmpd has to reconnect by itself, and nothing may be missing.

use shared::response::Sent;
use std::collections::BTreeMap;
use std::time::Duration;

use shared::response::{NeighborState, SessionState};
use simulated::simulation::network::{Answer, End};
use simulated::simulation::{bus, clock};
use tests::bgp::Family;

use crate::plan;
use crate::relay::{self, Relay};
use crate::run::{Run, run_until_idle};
use crate::speaker::State;
use crate::station::View;

/// How long bmpd has to connect and to send everything: its longest wait between attempts is a minute,
/// a hold time another one and a half, a neighbor with Graceful Restart has a minute to send its End-of-RIB.
const TIMEOUT: Duration = Duration::from_secs(900);

/// How many rounds without news are a quiet moment.
const ROUNDS: u32 = 3;

impl Run {
    /// A quiet moment.
    pub(crate) async fn quiet(&mut self) -> Result<(), String> {
        self.finish_commands().await?;
        self.all_read();
        self.drain().await?;
        self.count.add("quiet moments", 1);
        self.compare(false).await
    }

    /// Stations read everything from now on.
    pub(crate) fn all_read(&mut self) {
        self.stations.iter_mut().for_each(|station| station.reads = true);
        let of_relay = self.relay.iter_mut().flat_map(|relay| &mut relay.stations);
        of_relay.for_each(|station| station.reads = true);
    }

    /// Until nothing is sent any more.
    pub(crate) async fn drain(&mut self) -> Result<(), String> {
        let until = clock::passed() + TIMEOUT;
        let mut quiet = 0;
        while quiet < ROUNDS {
            if clock::passed() > until {
                return Err("it does not become quiet".to_owned());
            }
            run_until_idle().await;
            let moved = self.turn().await?;
            let read = self.speakers.iter().all(|speaker| speaker.is_read())
                && self.relay.as_ref().is_none_or(Relay::is_read);
            if read {
                self.relay.iter_mut().for_each(Relay::note_drained);
            }
            quiet = if moved || !read { 0 } else { quiet + 1 };
        }
        Ok(())
    }

    /// All peers are there, and stay.
    pub(crate) async fn all_is_well(&mut self) -> Result<(), String> {
        self.finish_commands().await?;
        for speaker in &mut self.speakers {
            speaker.set_willing(true);
            speaker.find_the_lost();
        }
        for station in &mut self.stations {
            station.reads = true;
            station.find_the_lost();
            if !matches!(station.answer, Answer::Accept { .. }) {
                station.set_answer(Answer::Accept { room: 1 << 16 });
            }
        }
        self.relay.iter_mut().for_each(Relay::all_is_well);
        // Vanished connections are closed for bmpd, too.
        self.drain().await?;
        let until = clock::passed() + TIMEOUT;
        loop {
            match self.missing().await? {
                None => break,
                Some(what) if clock::passed() > until => {
                    return Err(format!("after {} s: {what}", TIMEOUT.as_secs()));
                }
                Some(_) => {
                    self.wait(Duration::from_secs(1)).await?;
                    // Some have room for a byte at a time.
                    self.drain().await?;
                }
            }
        }
        if self.relay.is_some() {
            self.silence().await?;
        }
        self.speakers.iter_mut().for_each(|speaker| speaker.forget_kept());
        self.compare(true).await?;
        self.all_is_published(true).await?;
        self.count_all().await?;
        self.await_statistics().await
    }

    /// What is still missing, if anything.
    async fn missing(&mut self) -> Result<Option<String>, String> {
        let now = clock::passed();
        for number in 0..self.speakers.len() {
            let state = self.speakers[number].state(&self.ledger, now)?;
            let up = matches!(state, State::Up(_));
            if self.plan.neighbors[number].present && !up {
                return Ok(Some(format!("{} is not up", plan::neighbor(number))));
            }
        }
        for (number, station) in self.stations.iter().enumerate() {
            let session = &self.plan.sessions[number];
            let begun = station.connection.as_ref().is_some_and(|one| one.version.is_some());
            if session.present && !session.shutdown && !begun {
                return Ok(Some(format!("{} has no connection", plan::station(number))));
            }
        }
        if let (Some(relay), Some(plan)) = (&mut self.relay, &self.plan.relay)
            && let Some(what) = relay.missing(plan)
        {
            return Ok(Some(what));
        }
        for report in self.bmpd.sessions().await {
            let is_idle = self
                .plan
                .relay
                .as_ref()
                .is_some_and(|plan| relay::session_is_idle(plan, report.id.address.ip()));
            if is_idle {
                continue;
            }
            if !matches!(report.state, SessionState::Established | SessionState::Shutdown) {
                return Ok(Some(format!("{} is {:?}: {}", report.id, report.state, report.why)));
            }
        }
        for report in self.bmpd.neighbors().await {
            if let Some(family) = report.families.iter().find(|family| !family.end_of_rib) {
                return Ok(Some(format!("{} has not ended with {}", report.id, family.name)));
            }
        }
        Ok(None)
    }

    /// Compares the stations' routes with the model; exactly if all is well.
    pub(crate) async fn compare(&mut self, all_is_well: bool) -> Result<(), String> {
        let now = clock::passed();
        for number in 0..self.stations.len() {
            let session = &self.plan.sessions[number];
            let at = plan::station(number);
            let Some(connection) = &self.stations[number].connection else { continue };
            let Some(version) = connection.version else { continue };
            if !session.present || session.shutdown {
                // It may be closing, if the station has stalled: all that waits was read.
                return Err(format!("{at} has a connection that nobody wants"));
            }
            if version < self.least[number] || version > session.version {
                return Err(format!(
                    "{at} has version {version}, reset to {}, configured {}",
                    self.least[number], session.version
                ));
            }
            for neighbor in 0..self.speakers.len() {
                let wanted = self.plan.wants(number, neighbor);
                let state = self.speakers[neighbor].state(&self.ledger, now)?;
                let view = connection.views.get(&neighbor);
                self.view(view, wanted, state, &connection.families, all_is_well)
                    .map_err(|why| format!("{at} of {}: {why}", plan::neighbor(neighbor)))?;
            }
            self.count.add("views compared", self.speakers.len() as u64);
        }
        if let (Some(relay), Some(plan)) = (&self.relay, &self.plan.relay) {
            let compared = relay.compare(plan)?;
            self.count.add("legs compared", compared);
        }
        Ok(())
    }

    pub(crate) fn view(
        &self,
        view: Option<&View>,
        wanted: bool,
        state: State,
        families: &[Family],
        all_is_well: bool,
    ) -> Result<(), String> {
        let (view, serial) = match (view, state) {
            (None, _) if !wanted => return Ok(()),
            (Some(_), _) if !wanted => return Err("it is sent of it, and does not ask".to_owned()),
            (_, State::Down { held: true }) => return Ok(()),
            (None, State::Down { .. }) => return Ok(()),
            (Some(_), State::Down { .. }) => return Err("it believes that it is up".to_owned()),
            (None, State::Up(_)) => return Err("it does not know that it is up".to_owned()),
            (Some(view), State::Up(serial)) => (view, serial),
        };
        if view.serial() != serial {
            return Err(format!("it knows connection {}, and {serial} is up", view.serial()));
        }
        let entry = &self.ledger[&serial];
        for family in entry.families.iter().filter(|family| families.contains(family)) {
            let expected = entry.of_family(*family);
            let of_it = view.routes.iter().filter(|(key, _)| key.family == *family);
            let found: BTreeMap<_, u32> = of_it.map(|(key, mark)| (key, *mark)).collect();
            if all_is_well && !view.ends.contains(family) {
                return Err(format!("it has no End-of-RIB of {family}"));
            }
            let wrong = expected.iter().find(|(key, mark)| found.get(*key) != Some(mark));
            if let Some((key, mark)) = wrong {
                return Err(format!("{key:?} has mark {mark}, and it knows {:?}", found.get(key)));
            }
            // Until its End-of-RIB a neighbor that has restarted may have routes of before.
            let may_be_stale = view.serials.len() > 1 || entry.graceful.is_some();
            let exact = all_is_well || !may_be_stale || entry.complete.contains_key(family);
            if let Some((key, _)) =
                found.iter().find(|(key, _)| exact && !expected.contains_key(*key))
            {
                return Err(format!("it has {key:?}, which is gone"));
            }
        }
        Ok(())
    }

    /// The counters of sessions and neighbors, once all is well.
    async fn count_all(&mut self) -> Result<(), String> {
        let reports = loop {
            let reports = self.bmpd.sessions().await;
            // A Statistics Report may have been due just now.
            let mut connections = self.stations.iter().flat_map(|one| &one.connection);
            if connections.all(|connection| connection.end.is_drained()) {
                break reports;
            }
            self.drain().await?;
        };
        for report in reports {
            let Some(number) = self.number(report.id.address.ip()) else { continue };
            let Some(connection) = &self.stations[number].connection else { continue };
            let at = plan::station(number);
            // Where enough withdrawals are kept no station falls too far behind.
            let resent = report.sent.neighbors_resent;
            if resent > 0 && self.spare_withdrawals >= 500_000 {
                return Err(format!("{at} was sent {resent} neighbors again without need"));
            }
            let received = Sent { neighbors_resent: resent, ..connection.received };
            if report.sent != received {
                return Err(format!(
                    "{at} was sent {:?}, and has received {:?}",
                    report.sent, connection.received
                ));
            }
            let left = (report.routes_to_send, report.bytes_buffered, report.bytes_unacknowledged);
            if left != (0, 0, 0) || report.blocked.is_some() {
                return Err(format!(
                    "{at}: {left:?} is left to send, blocked {:?}",
                    report.blocked
                ));
            }
            // However the wall clock was set meanwhile.
            if report.age.0 > clock::passed().as_millis() as u64 {
                return Err(format!("{at}: its state is older than bmpd: {} ms", report.age.0));
            }
            if report.bytes_ignored != connection.sent {
                return Err(format!(
                    "{at} has sent {} bytes, and {} were ignored",
                    connection.sent, report.bytes_ignored
                ));
            }
            let sent: usize = connection.views.values().map(|view| view.ends.len()).sum();
            let monitored: u32 = report.monitored.iter().map(|family| family.peers).sum();
            if report.end_of_ribs.len() != sent || monitored as usize != sent {
                return Err(format!("{at} was sent {sent} End-of-RIBs of {monitored}: {report:?}"));
            }
        }
        for statistics in self.bmpd.statistics().await {
            let Some(number) = self.number(statistics.id.address.ip()) else { continue };
            let station = &self.stations[number];
            let at = plan::station(number);
            let ends = station.left.iter().chain(station.connection.iter().map(|one| &one.end));
            let written: u64 = ends.map(End::written_by_bmpd).sum();
            if statistics.sent.bytes != written {
                return Err(format!("{at}: {} bytes sent, not {written}", statistics.sent.bytes));
            }
            if statistics.resets != self.resets[number] {
                return Err(format!(
                    "{at}: {} resets, not {}",
                    statistics.resets, self.resets[number]
                ));
            }
            if !(station.initiated..=station.made).contains(&statistics.connections) {
                return Err(format!(
                    "{at}: {} connections, and there were {} to {}",
                    statistics.connections, station.initiated, station.made
                ));
            }
            let downs: u64 = statistics.downs.iter().map(|down| down.count).sum();
            if downs + u64::from(station.connection.is_some()) != statistics.connections {
                return Err(format!(
                    "{at}: {} connections, {downs} of which have ended",
                    statistics.connections
                ));
            }
        }
        self.count_neighbors().await
    }

    async fn count_neighbors(&mut self) -> Result<(), String> {
        let now = clock::passed();
        for report in self.bmpd.neighbors().await {
            let found = |number: &usize| plan::neighbor(*number) == report.id.address;
            let Some(number) = (0..self.speakers.len()).find(found) else { continue };
            let State::Up(serial) = self.speakers[number].state(&self.ledger, now)? else {
                continue;
            };
            let entry = &self.ledger[&serial];
            let mut routes: Vec<_> =
                report.families.iter().map(|family| (family.name.clone(), family.routes)).collect();
            let mut expected: Vec<_> = entry
                .families
                .iter()
                .map(|family| (family.to_string(), entry.of_family(*family).len() as u64))
                .collect();
            routes.sort();
            expected.sort();
            let faulty = u64::from(entry.faulty.0);
            if report.state != NeighborState::Established
                || (report.updates, report.updates_treated_as_withdraw) != (entry.updates, faulty)
                || routes != expected
            {
                return Err(format!(
                    "{}: {report:?}, and it has sent {} UPDATEs, {faulty} of them faulty, and has {expected:?}",
                    report.id, entry.updates
                ));
            }
        }
        Ok(())
    }

    /// The next Statistics Reports, while nothing changes.
    async fn await_statistics(&mut self) -> Result<(), String> {
        let longest = self.plan.sessions.iter().map(|session| session.statistics).max();
        for station in &mut self.stations {
            let views = station.connection.iter_mut().flat_map(|one| one.views.values_mut());
            views.for_each(|view| view.statistics = None);
        }
        self.wait(Duration::from_secs(longest.unwrap_or_default() + 2)).await?;
        self.drain().await?;
        let now = clock::passed();
        for (number, station) in self.stations.iter().enumerate() {
            let Some(connection) = &station.connection else { continue };
            for (neighbor, view) in &connection.views {
                let State::Up(serial) = self.speakers[*neighbor].state(&self.ledger, now)? else {
                    return Err(format!("{} has gone by itself", plan::neighbor(*neighbor)));
                };
                let entry = &self.ledger[&serial];
                let mut expected = BTreeMap::from([
                    ((7, None), entry.routes.len() as u64),
                    ((11, None), entry.faulty.0.into()),
                    ((12, None), entry.faulty.1.into()),
                ]);
                for family in entry.families.iter().filter(|one| connection.families.contains(one))
                {
                    let routes = entry.of_family(*family).len() as u64;
                    expected.insert((9, Some(*family)), routes);
                }
                let mut found = view.statistics.clone().ok_or_else(|| {
                    let (of, at) = (plan::neighbor(*neighbor), plan::station(number));
                    format!("{at} has no Statistics Report of {of}")
                })?;
                // What a neighbor withdraws that it had announced before a restart was there.
                let duplicates = found.remove(&(2, None));
                let certain = entry.graceful.is_none();
                if found != expected || (certain && duplicates != Some(entry.duplicates.into())) {
                    return Err(format!(
                        "the statistics of {} are {found:?} and {duplicates:?} duplicate withdrawals, not \
                         {expected:?} and {}",
                        plan::neighbor(*neighbor),
                        entry.duplicates
                    ));
                }
                self.count.add("Statistics Reports compared", 1);
            }
        }
        Ok(())
    }

    /// bmpd stops: every station receives its Termination.
    pub(crate) async fn stop(&mut self) -> Result<(), String> {
        if self.kafka.is_some() {
            bus::be_quick();
            // What is on its way is not quick yet.
            self.wait(Duration::from_secs(2)).await?;
        }
        let bmpd = self.bmpd.clone();
        let stop = tokio::spawn(async move { bmpd.stop().await });
        let until = clock::passed() + Duration::from_secs(30);
        while !stop.is_finished() {
            if clock::passed() > until {
                return Err("bmpd does not stop".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.turn().await?;
        }
        run_until_idle().await;
        self.turn().await?;
        for (number, station) in self.stations.iter().enumerate() {
            if station.connection.as_ref().is_some_and(|one| one.version.is_some()) {
                return Err(format!("{} has a connection after the end", plan::station(number)));
            }
        }
        self.all_has_ended()
    }

    fn number(&self, address: std::net::IpAddr) -> Option<usize> {
        (0..self.stations.len()).find(|number| plan::station(*number) == address)
    }
}
