//! Measures bmpd beside BIRD, FRR and GoBGP; see [`tests::race`] for what and how.
//!
//! `tests/peers-root` makes the folder with the others once. Then
//! `cargo run --release -p tests --bin race` writes `race.md`, `race.json` and `race.svg` into
//! `docs/performance`; a race of a part of it writes them into `target/race`, unless `--out` is given.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use tests::daemon;
use tests::race::{self, Case, Options, Program, Size};

/// Measures bmpd beside BIRD, FRR and GoBGP in one run.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often everything is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// Measure this only; may be given more than once
    #[arg(long = "case")]
    cases: Vec<Case>,
    /// Measure this program only; may be given more than once
    #[arg(long = "program")]
    programs: Vec<Program>,
    /// The folder that tests/peers-root made [default: target/peers]
    #[arg(long, env = "BMPD_PEERS")]
    peers: Option<PathBuf>,
    /// Small tables and short times: shows that the race works, and nothing about speed
    #[arg(long)]
    quick: bool,
    /// A program that has used up so many seconds in a case has no further run of it
    #[arg(long, default_value_t = 90)]
    budget: u64,
    /// How many seconds one phase of a run may take
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// Where the results go
    #[arg(long)]
    out: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let is_all = arguments.cases.is_empty() && arguments.programs.is_empty() && !arguments.quick;
    let out = home.join(if is_all { "docs/performance" } else { "target/race" });
    let or_all = |some: Vec<Case>| if some.is_empty() { Case::ALL.to_vec() } else { some };
    let programs = arguments.programs;
    let options = Options {
        runs: arguments.runs.into(),
        cases: or_all(arguments.cases),
        programs: if programs.is_empty() { Program::ALL.to_vec() } else { programs },
        peers: arguments.peers.unwrap_or_else(|| home.join("target/peers")),
        size: if arguments.quick { Size::quick() } else { Size::full() },
        budget: Duration::from_secs(arguments.budget),
        limit: Duration::from_secs(arguments.limit),
        out: arguments.out.unwrap_or(out),
    };
    if env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    let report = race::run(&options)?;
    print!("{}", report.markdown());
    eprintln!("written to {}", options.out.display());
    Ok(())
}
