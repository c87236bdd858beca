//! Measures bmpd as a relay beside itself as a BGP neighbor; see [`tests::race::relay`].
//!
//! `cargo run --release -p tests --bin relay` prints the tables of `docs/performance.md`.

use clap::Parser;
use tests::daemon;

/// Measures bmpd as a relay: one router's table to one and to eight stations
#[derive(Debug, Parser)]
struct Arguments {
    /// How often everything is measured
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// IPv4 routes
    #[arg(long, default_value_t = 1_000_000)]
    ipv4: u64,
    /// IPv6 routes
    #[arg(long, default_value_t = 200_000)]
    ipv6: u64,
    /// Routers that come up at once
    #[arg(long, default_value_t = 20)]
    routers: usize,
    /// IPv4 routes of each of them
    #[arg(long, default_value_t = 500_000)]
    routes: u64,
    /// Stations that are sent all of them
    #[arg(long, default_value_t = 4)]
    stations: usize,
}

fn main() -> anyhow::Result<()> {
    let Arguments { runs, ipv4, ipv6, routers, routes, stations } = Arguments::parse();
    if std::env::var_os("BMPD_BIN_DIR").is_none() {
        daemon::use_binaries(daemon::build(Some("release")).map_err(anyhow::Error::msg)?);
    }
    println!("{}", tests::race::relay::figures(runs.into(), ipv4, ipv6)?);
    let many = tests::race::relay::figures_of_many(runs.into(), routers, routes, stations)?;
    print!("{many}");
    Ok(())
}
