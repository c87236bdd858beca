//! Many runs, on several threads, until one of them diverges.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::count::Count;
use crate::run::{self, Outcome};

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Steps of each.
    pub steps: u64,
    /// No seed is begun after this time.
    pub duration: Option<Duration>,
    /// How many at once.
    pub threads: usize,
}

/// The results.
#[derive(Debug, Default)]
pub struct Summary {
    /// Seeds.
    pub seeds: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// What was done.
    pub count: Count,
    /// Of the runs that diverged that of the lowest seed.
    pub worst: Option<Outcome>,
}

impl Summary {
    /// Of these runs.
    pub fn of(outcomes: Vec<Outcome>) -> Self {
        let mut summary = Self::default();
        outcomes.into_iter().for_each(|outcome| summary.add(outcome));
        summary
    }

    fn add(&mut self, outcome: Outcome) {
        self.seeds += 1;
        self.steps += outcome.steps;
        self.count.join(&outcome.count);
        let less = self.worst.as_ref().is_none_or(|worst| outcome.seed < worst.seed);
        if outcome.divergence.is_some() && less {
            self.worst = Some(outcome);
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        writeln!(f, "{:>12}  seeds", self.seeds)?;
        write!(f, "{:>12}  steps", self.steps)
    }
}

/// Runs the seeds in their order. After a divergence no other is begun.
pub fn run(wanted: Wanted) -> Summary {
    let begun = Instant::now();
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let summary = Mutex::new(Summary::default());
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && wanted.duration.is_none_or(|duration| begun.elapsed() < duration)
        {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= wanted.seeds {
                break;
            }
            let outcome = run::run(wanted.from + number, wanted.steps, false);
            stop.fetch_or(outcome.divergence.is_some(), Ordering::Relaxed);
            // A poisoned lock is of a thread that has panicked, which ends the process below.
            if let Ok(mut summary) = summary.lock() {
                summary.add(outcome);
            }
        }
    };
    std::thread::scope(|scope| {
        (0..wanted.threads.max(1)).for_each(|_| drop(scope.spawn(work)));
    });
    summary.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A description of a run that has diverged, and how to repeat it.
pub fn report(found: &Outcome, steps: u64) -> String {
    let Outcome { seed, steps: at, divergence, .. } = found;
    let divergence = divergence.as_deref().unwrap_or("none");
    format!(
        "seed {seed} diverges at step {at}: {divergence}\n\
         again: cargo run --release -p sim -- --seed {seed} --steps {steps}"
    )
}
