//! Faults at random for as long as one likes; see [`tests::soak`].
//!
//! `cargo run --release -p tests --bin soak` takes twenty minutes. The exit code is 1 if bmpd uses more of the
//! machine at the end than after the first minute, and 101 if something else is not as it must be.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tests::soak::{self, Plan};

/// Lets faults happen at random to one bmpd with several neighbors and stations.
#[derive(Debug, Parser)]
struct Arguments {
    /// How long
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..))]
    minutes: u64,
    /// Where chance begins; the same one again repeats the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> ExitCode {
    let Arguments { minutes, seed } = Arguments::parse();
    let minute = Duration::from_secs(60);
    let plan = Plan { time: minute * minutes as u32, first: minute, seed };
    let outcome = soak::run(plan, |line| println!("{line}"));
    println!("after the first minute: {:?}", outcome.first);
    println!("at the end:             {:?}", outcome.last);
    match outcome.grown() {
        None => ExitCode::SUCCESS,
        Some(grown) => {
            println!("bmpd has grown: {grown}");
            ExitCode::FAILURE
        }
    }
}
