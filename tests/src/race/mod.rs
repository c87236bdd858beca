//! The race: bmpd beside the other senders of BMP, in one run.
//!
//! `cargo run --release -p tests --bin race` starts each program with the same neighbors and the same
//! stations and measures the same things of it. What can be compared is compared within one run only: the
//! runs of the programs take turns, the medians count, and a ratio is one of medians of the same run.
//!
//! ```text
//!            one table           BGP                     BMP
//!  Speaker ------------> [ a program, run by Sender ] ---------> Counter (1, 4 or 8)
//!     |                                                             |
//!     +---- read_neighbors (who only counts) ----+     +---- move_bytes (as many bytes, nothing else)
//!     |                                        floors               |
//!     +---- read_neighbors, and meanwhile -------------- replay ----+ (a dump of bmpd, from memory)
//! ```
//!
//! How the times are taken is the same for all, bmpd included:
//! - The **load** begins when the neighbors begin to send, and ends when the last station has counted as
//!   many routes as the neighbors have. End-of-RIBs count for nothing, see [`counter`].
//! - A **reset** begins when the command does that makes the program send everything again the quickest
//!   (see [`program`]), and ends when the last station has counted all routes on a new connection.
//! - **Memory** is the peak of the resident set of the program's process in that phase.
//! - A count can be right and the routes wrong. So in the first run of each program there is one reset
//!   more, which is not timed: the stations keep every route, and what they hold is compared with what the
//!   neighbors announced. What differs is listed below the table of the case.
//! - **Lag** is the time from the moment at which a marker (a route of its own, ten a second among the
//!   updates) was due until a station had it. A program that makes the neighbor wait is late, too.
//!
//! Nothing waits for ever: what does not come in time is a result, "not within N s", and so is a station
//! that lacks routes and has received nothing for a minute. A program that has used up its time in a case is
//! skipped in the further runs, and the table shows in how many it was (`n`). A program that is missing
//! is named with the reason. No number comes from anywhere but the run.
//!
//! [`cases`] does the measuring, [`report`] the comparing, [`plot`] the drawing.

mod cases;
mod counter;
mod floor;
mod plot;
pub(crate) mod program;
pub mod publisher;
pub mod relay;
mod report;
mod speaker;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use self::cases::Lab;
pub use self::cases::{Case, Size};
use self::program::Places;
pub use self::program::Program;
pub use self::report::Report;
use self::report::{Entrant, Results, Who};

/// What shall be run, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// How often everything is measured; at least 1.
    pub runs: usize,
    /// What is measured.
    pub cases: Vec<Case>,
    /// Who takes part.
    pub programs: Vec<Program>,
    /// The folder that `tests/peers-root` made.
    pub peers: PathBuf,
    /// How big the tables are, and so on.
    pub size: Size,
    /// A program that has used this much time in a case has no further run of it.
    pub budget: Duration,
    /// How long one phase of a run may take.
    pub limit: Duration,
    /// Where `race.md`, `race.json` and `race.svg` go.
    pub out: PathBuf,
}

/// Runs the race, writes the results, and reports progress on standard error.
///
/// # Errors
/// When the race itself cannot be run. What a program does wrong is a result.
pub fn run(options: &Options) -> anyhow::Result<Report> {
    ensure!(options.runs > 0, "at least one run is needed");
    let places = Places::new(&options.peers);
    let mut entrants = vec![];
    for program in &options.programs {
        let version = places.version(*program);
        match &version {
            Ok(version) => eprintln!("{} {version}", program.title()),
            Err(reason) => eprintln!("{} does not take part: {reason}", program.title()),
        }
        entrants.push(Entrant::new(*program, version));
    }
    let present = entrants.iter().filter(|e| e.missing.is_none()).map(|e| e.program);
    let who: Vec<Who> = present.map(Who::Program).chain(Who::NONE).collect();
    let mut results = Results::default();
    let mut lab = Lab::new(places, options.size.clone(), options.limit);
    let mut done = vec![];
    for case in &options.cases {
        race(*case, &who, options, &mut lab, &mut results)?;
        done.push(*case);
        // After each, so that a race that is ended early leaves what it has.
        write(&Report::new(options, &done, &entrants, &results), &options.out)?;
    }
    Ok(Report::new(options, &done, &entrants, &results))
}

fn write(report: &Report, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    let json = serde_json::to_string_pretty(report)? + "\n";
    let files =
        [("race.json", json), ("race.md", report.markdown()), ("race.svg", plot::svg(report))];
    for (name, text) in files {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Runs one case: each program in turn, as often as configured.
fn race(
    case: Case,
    who: &[Who],
    options: &Options,
    lab: &mut Lab,
    results: &mut Results,
) -> anyhow::Result<()> {
    let mut spent = HashMap::<Who, Duration>::new();
    lab.enter(case)?;
    for number in 1..=options.runs {
        for who in who.iter().filter(|who| case.is_for(**who)) {
            let spent = spent.entry(*who).or_default();
            if *spent >= options.budget {
                continue;
            }
            let begun = Instant::now();
            let run = lab.run(*who, number == 1);
            *spent += begun.elapsed();
            let seconds = begun.elapsed().as_secs_f64();
            let said = run.failure.as_ref().map(|e| format!(": {e}")).unwrap_or_default();
            eprintln!("{} {number}/{}: {who}, {seconds:.1} s{said}", case.name(), options.runs);
            results.take(case, *who, run, &options.size);
        }
    }
    Ok(())
}
