//! The neighbors of the race: they announce their tables, and keep sending.
//!
//! A neighbor sends from a thread of its own, because a program that does not read blocks what
//! writes to it, and the race must notice when its time is over. While it has nothing to announce it
//! sends a KEEPALIVE each second, to every program: some FRR stops in the middle of a burst of updates
//! until it receives more, and what is measured is not the pause until then.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::counter::{Routes, apply_all, marker};
use crate::bgp::{self, Family, Open, Prefix, kind};
use crate::neighbor::{Neighbor, Options};
use crate::random::Random;
use crate::table::{Attributes, Prefixes, Table, put_announcements};
use crate::wait::try_for;

/// How long a program may take until it accepts a neighbor.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A neighbor that is up. It goes down when dropped, which can take a minute if the program runs and
/// does not read: end the program first.
#[derive(Debug)]
pub(super) struct Speaker {
    neighbor: Arc<Neighbor>,
    /// What the thread shall send; it ends with the sender.
    work: Option<Sender<Arc<[u8]>>>,
    thread: Option<JoinHandle<()>>,
}

impl Speaker {
    /// Connects and waits until the session is up.
    pub(super) fn connect(address: IpAddr, asn: u32, program: SocketAddr) -> anyhow::Result<Self> {
        let mut options = Options::new(address, asn);
        // So long that no program runs into it while it is busy.
        options.open = Open { hold_time: 240, ..options.open };
        let what = format!("a BGP session from {address} to {program}");
        let neighbor = try_for(&what, TIMEOUT, || Neighbor::try_connect(&options, program));
        let neighbor = Arc::new(neighbor.map_err(anyhow::Error::msg)?);
        let (work, todo) = mpsc::channel::<Arc<[u8]>>();
        let thread = thread::spawn({
            let neighbor = neighbor.clone();
            let keepalive = bgp::message(kind::KEEPALIVE, &[]);
            move || {
                loop {
                    let sent = match todo.recv_timeout(Duration::from_secs(1)) {
                        Ok(bytes) => neighbor.try_send(&bytes),
                        Err(RecvTimeoutError::Timeout) => neighbor.try_send(&keepalive),
                        Err(RecvTimeoutError::Disconnected) => return,
                    };
                    // The code that waits for the routes detects that they do not arrive, and reports it.
                    if sent.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self { neighbor, work: Some(work), thread: Some(thread) })
    }

    /// Begins to announce the table, and both End-of-RIBs behind it.
    pub(super) fn announce(&self, table: &Table) {
        let ends = [bgp::end_of_rib(Family::IPV4), bgp::end_of_rib(Family::IPV6)].concat();
        for bytes in [table.shared(), ends.into()] {
            // A thread that has ended is noticed by the code that waits for the routes.
            let _ = self.work.as_ref().map(|work| work.send(bytes));
        }
    }

    /// Announces one tick of `churn` after the other at their due times, or as soon as the program
    /// reads them, and calls `sent` after each; ends with the last one, or when `limit` is over.
    ///
    /// Returns when the first tick was due, and how long all of it took.
    pub(super) fn churn(
        &self,
        churn: &Churn,
        limit: Duration,
    ) -> anyhow::Result<(Instant, Duration)> {
        let begun = Instant::now();
        for (number, tick) in churn.ticks.iter().enumerate() {
            let due = begun + TICK * number as u32;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            self.neighbor.try_send(tick).context("the program does not take more updates")?;
            anyhow::ensure!(
                begun.elapsed() < limit,
                "{number} of {} ticks of updates taken in {} s",
                churn.ticks.len(),
                limit.as_secs()
            );
        }
        Ok((begun, begun.elapsed()))
    }

    /// Announces all of `churn` so many times, as soon as the program reads it, within `limit`; returns how
    /// long that took.
    pub(super) fn repeat(
        &self,
        churn: &Churn,
        times: usize,
        limit: Duration,
    ) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        for _ in 0..times {
            for tick in &churn.ticks {
                self.neighbor.try_send(tick).context("the program does not take more updates")?;
            }
            anyhow::ensure!(begun.elapsed() < limit, "not taken in {} s", limit.as_secs());
        }
        Ok(begun.elapsed())
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Updates come in portions, ten milliseconds apart.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// The marker of a second is that of its ticks, each tenth of them.
const TICKS_A_MARKER: usize = 10;

/// A stream of updates: one route each, with new attributes each time, and ten times a second a marker.
#[derive(Debug)]
pub(super) struct Churn {
    ticks: Vec<Vec<u8>>,
    /// Updates in it, without the markers.
    pub(super) updates: usize,
    /// Bytes of the last update of each route: what must be sent to a station that comes back late.
    pub(super) changed_bytes: usize,
}

/// How many routes change over and over.
const CHANGING: usize = 100_000;

impl Churn {
    /// Of the neighbor with this table: `rate` updates a second for `seconds`.
    pub(super) fn new(table: &Table, rate: usize, seconds: usize) -> Self {
        let routes = CHANGING.min(table.ipv4 as usize);
        // The table's own first prefixes, see `Table::of`.
        let mut lengths = Random::new(7);
        let mut prefixes = Prefixes::new(Family::IPV4);
        let changing: Vec<Prefix> = (0..routes).map(|_| prefixes.next(&mut lengths)).collect();
        let mut random = Random::new(11);
        let paths: Vec<Attributes> =
            (0..1000).map(|_| Attributes::sample(65001, &mut random)).collect();
        let ticks_a_second = 1000 / TICK.as_millis() as usize;
        let mut churn = Self { ticks: vec![], updates: 0, changed_bytes: 0 };
        let mut last = vec![0; routes];
        for number in 0..seconds * ticks_a_second {
            let mut tick = Vec::with_capacity(rate / ticks_a_second * 100);
            for _ in 0..rate / ticks_a_second {
                let (place, round) = (churn.updates % routes, churn.updates / routes);
                let mut path = paths[(place + round * 7) % paths.len()].clone();
                // No two updates of a route are the same.
                path.med = Some(1000 + round as u32);
                let before = tick.len();
                put_announcements(&mut tick, &[changing[place]], &path);
                last[place] = tick.len() - before;
                churn.updates += 1;
            }
            if number % TICKS_A_MARKER == 0 {
                let number = number / TICKS_A_MARKER;
                let mut path = paths[0].clone();
                path.med = Some(number as u32);
                put_announcements(&mut tick, &[marker(number)], &path);
            }
            churn.ticks.push(tick);
        }
        churn.changed_bytes = last.iter().sum();
        churn
    }

    /// How many markers there are.
    pub(super) fn markers(&self) -> usize {
        self.ticks.len().div_ceil(TICKS_A_MARKER)
    }

    /// When a marker is due, from the beginning.
    pub(super) fn due(marker: usize) -> Duration {
        TICK * (marker * TICKS_A_MARKER) as u32
    }

    /// What is left of a neighbor's routes when all of it has been announced.
    pub(super) fn apply(&self, routes: &mut Routes) -> anyhow::Result<()> {
        self.ticks.iter().try_for_each(|tick| apply_all(tick, routes))
    }
}
