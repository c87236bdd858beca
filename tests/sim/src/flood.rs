//! A neighbor floods bmpd: others still have their turn, and a route of another neighbor reaches the stations that
//! read.
//!
//! What is bounded is work, and not time, which does not pass meanwhile: how much bmpd's links do until the simulator has
//! its turn again, and how many turns a route takes while the flood goes on.

use simulated::simulation;

use crate::action::Flood;
use crate::plan;
use crate::route::Said;
use crate::run::Run;

/// How many messages wait at least while the flood goes on.
const WAITING: u64 = 1_500;

/// What links may do in one turn of the simulator, in entries of the tables, beside a segment that is compacted as a whole: a
/// turn of each, and the rest of a message.
const WORK: u64 = 1_750;

/// The bytes of an entry in a segment, at least: the length of a route, its bytes, and its share of the record's header.
const ENTRY: usize = 16;

/// How many turns of the simulator a flood takes.
const TURNS: u32 = 40;

/// By which of them a route must have reached the stations.
const LATEST: u32 = 20;

impl Run {
    /// A neighbor floods bmpd until a route of another one has reached every station that reads.
    pub(crate) async fn flood(&mut self, hostile: usize, flood: Flood) -> Result<(), String> {
        self.quiet().await?;
        let up = |run: &mut Self, number: &usize| run.speakers[*number].serial().is_some();
        if !up(self, &hostile) {
            return Ok(());
        }
        let others = (0..self.speakers.len()).filter(|number| *number != hostile);
        let others: Vec<usize> = others.filter(|number| up(self, number)).collect();
        let Some((healthy, mut said)) = self.draw_live(&others) else { return Ok(()) };
        let stations = self.readers(healthy, &said);
        self.count.add("floods", 1);
        self.count.add("routes sent beside a flood to a station", stations.len() as u64);
        let mut repeated = self.draw_update(hostile);
        // The flood is under way.
        let mut said_at = 2;
        simulation::take_work();
        for turn in 0..TURNS {
            let waiting = self.speakers[hostile].waiting() as u64;
            for number in waiting..WAITING {
                self.flood_once(hostile, flood, number, &mut repeated);
            }
            if turn == said_at {
                self.say(healthy, Some(said.clone()));
            }
            tokio::task::yield_now().await;
            let work = simulation::take_work();
            if work > WORK + (self.segment / ENTRY) as u64 {
                return Err(format!("{work} entries were worked on before others had their turn"));
            }
            self.turn().await?;
            if turn < said_at {
                continue;
            }
            if stations.iter().all(|station| self.has(*station, healthy, &said)) {
                // The next one has other attributes.
                self.next_mark += 1;
                (said.mark, said_at) = (self.next_mark, turn + 1);
            } else if turn > said_at + LATEST {
                return Err(format!(
                    "while {} floods, a route of {} is not with every station in {LATEST} turns",
                    plan::neighbor(hostile),
                    plan::neighbor(healthy)
                ));
            }
        }
        Ok(())
    }

    fn flood_once(
        &mut self,
        hostile: usize,
        flood: Flood,
        number: u64,
        repeated: &mut Option<Said>,
    ) {
        match flood {
            Flood::Repeat => self.say(hostile, repeated.clone()),
            Flood::Change => {
                let said = self.draw_update(hostile);
                self.say(hostile, said);
            }
            Flood::WithdrawAll => {
                let Some(said) = repeated else { return };
                said.announced.append(&mut said.withdrawn);
                if number.is_multiple_of(2) {
                    std::mem::swap(&mut said.announced, &mut said.withdrawn);
                }
                let said = said.clone();
                self.say(hostile, Some(said));
            }
            Flood::EndOfRib | Flood::RouteRefresh => {
                let Some(family) = self.draw_family(hostile) else { return };
                match flood {
                    Flood::EndOfRib => self.speakers[hostile].end_of_rib(family),
                    _ => self.speakers[hostile].ask_for_routes(family),
                }
            }
        }
    }

    /// One of these neighbors, and an announcement of it.
    fn draw_live(&mut self, neighbors: &[usize]) -> Option<(usize, Said)> {
        let healthy = (!neighbors.is_empty()).then(|| plan::one_of(&mut self.random, neighbors))?;
        let mut said = self.draw_update(healthy)?;
        said.announced.append(&mut said.withdrawn);
        Some((healthy, said))
    }

    /// The stations that are to be sent this, read, and have room.
    fn readers(&self, healthy: usize, said: &Said) -> Vec<usize> {
        let reads = |number: &usize| {
            let station = &self.stations[*number];
            station.reads
                && station.connection.as_ref().is_some_and(|connection| {
                    !connection.end.is_ended_by_bmpd()
                        && connection.end.room() >= 1 << 16
                        && connection.families.contains(&said.family)
                        && connection.views.contains_key(&healthy)
                })
        };
        (0..self.stations.len()).filter(reads).collect()
    }

    /// True if the station has these routes of the neighbor.
    fn has(&self, station: usize, healthy: usize, said: &Said) -> bool {
        let view = self.stations[station].connection.as_ref().and_then(|c| c.views.get(&healthy));
        view.is_some_and(|view| {
            said.announced.iter().all(|key| view.routes.get(key) == Some(&said.mark))
        })
    }
}
