//! The command: many seeds, or one with all that happens in it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sim::many::{self, Wanted};
use sim::run;

/// Drives bmpd through seeded schedules in simulated time and compares what stations believe with a model.
#[derive(Debug, Parser)]
#[command(name = "sim")]
struct Arguments {
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Steps of each
    #[arg(long, default_value_t = 100)]
    steps: u64,
    /// This seed alone, with a line for each step
    #[arg(long, conflicts_with_all = ["seeds", "from", "duration"])]
    seed: Option<u64>,
    /// As many seeds as fit into this time, such as 90s, 15m or 8h
    #[arg(long = "for", value_name = "TIME", value_parser = time, conflicts_with = "seeds")]
    duration: Option<Duration>,
    /// How many runs at once
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn time(text: &str) -> Result<Duration, String> {
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        _ => return Err("write 90s, 15m or 8h".to_owned()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| "write 90s, 15m or 8h")?;
    Ok(Duration::from_secs(number * unit))
}

fn main() -> ExitCode {
    let Arguments { seeds, from, steps, seed, duration, threads } = Arguments::parse();
    run::note_panics();
    let summary = match seed {
        Some(seed) => many::Summary::of(vec![run::run(seed, steps, true)]),
        None => {
            let seeds = if duration.is_some() { u64::MAX - from } else { seeds };
            many::run(Wanted { from, seeds, steps, duration, threads })
        }
    };
    println!("{summary}");
    match &summary.worst {
        None => ExitCode::SUCCESS,
        Some(found) => {
            println!("{}", many::report(found, steps));
            ExitCode::FAILURE
        }
    }
}
