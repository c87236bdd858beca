//! Measures bmpd as a publisher beside Kafka's own benchmark; see [`tests::race::publisher`].
//!
//! `cargo run --release -p tests --bin publisher` prints the table of `docs/performance.md`. bmpd must be built with
//! Kafka: `cargo build --release -p bmpd -p bmpctl --features bmpd/kafka`, and its folder given as `BMPD_BIN_DIR`.

use clap::Parser;

/// Measures bmpd as a publisher: one router's table into a topic
#[derive(Debug, Parser)]
struct Arguments {
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    runs: u16,
    /// IPv4 routes
    #[arg(long, default_value_t = 1_000_000)]
    ipv4: u64,
    /// IPv6 routes
    #[arg(long, default_value_t = 200_000)]
    ipv6: u64,
}

fn main() -> anyhow::Result<()> {
    let Arguments { runs, ipv4, ipv6 } = Arguments::parse();
    print!("{}", tests::race::publisher::figures(runs.into(), ipv4, ipv6)?);
    Ok(())
}
