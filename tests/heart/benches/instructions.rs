//! How many instructions each step of processing a route takes, against the budget in `budget.toml`.
//!
//! `tests/heart/count` counts and compares; with `BLESS=1` it writes the budget anew. A step that takes
//! more than its budget fails, and so does one that takes less: the gain is to be kept.
//!
//! Valgrind counts, through gungraun, so a busy machine counts the same as an idle one. What differs from
//! run to run is the seed of the hashes, by less than 0.2 percent.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::process::{Command, ExitCode, Stdio};

use serde::{Deserialize, Serialize};

/// Enough for several segments of the log and chunks of attributes.
const IPV4_ROUTES: u64 = 50_000;
const ROUTES: u64 = heart::routes(IPV4_ROUTES);

const BUDGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budget.toml");
const RENEW: &str = "BLESS=1 tests/heart/count";
const HEAD: &str = "\
# How many instructions each step takes (benches/instructions.rs), by code of which compiler.
# `BLESS=1 tests/heart/count` writes this file anew; the tolerance stays as it is set here.
";

/// What the steps may take.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Budget {
    /// Another compiler generates other code.
    compiler: String,
    tolerance_percent: f64,
    instructions: BTreeMap<String, u64>,
}

impl Budget {
    fn read() -> Result<Option<Self>, String> {
        match fs::read_to_string(BUDGET) {
            Ok(text) => {
                toml::from_str(&text).map(Some).map_err(|error| format!("{BUDGET}: {error}"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{BUDGET}: {error}")),
        }
    }

    fn write(&self) -> Result<(), String> {
        let text = toml::to_string(self).map_err(|error| error.to_string())?;
        fs::write(BUDGET, format!("{HEAD}{text}")).map_err(|error| format!("{BUDGET}: {error}"))
    }

    /// How far a count is from what is allowed for the step, in percent of that.
    fn deviation(&self, step: &str, count: u64) -> Option<f64> {
        let allowed = *self.instructions.get(step)? as f64;
        Some((count as f64 - allowed) / allowed * 100.0)
    }
}

fn main() -> ExitCode {
    // cargo itself passes `--bench`. Anything else is for gungraun: it comes from its runner, which starts
    // this program for each step, or from a user who needs more than counts.
    if !env::args().skip(1).eq(["--bench"]) {
        gungraun_benches::run();
        return ExitCode::SUCCESS;
    }
    let result = if env::var_os("BLESS").is_some() { renew() } else { compare() };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Compares with the budget; the error names the steps that do not keep to it.
fn compare() -> Result<(), String> {
    let budget = Budget::read()?.ok_or(format!("{BUDGET} is missing: {RENEW}"))?;
    let (compiler, counts) = (compiler()?, count()?);
    let tolerance = budget.tolerance_percent;
    let mut faults = String::new();
    println!("{:<16} {:>12} {:>12} {:>8} {:>8}", "step", "budget", "counted", "", "a route");
    for (step, count) in &counts {
        let a_route = *count as f64 / ROUTES as f64;
        let Some(deviation) = budget.deviation(step, *count) else {
            println!("{step:<16} {:>12} {count:>12} {:>8} {a_route:>8.1}", "none", "");
            faults += &format!("{step}: there is no budget for it, {count} were counted\n");
            continue;
        };
        let allowed = budget.instructions[step];
        println!("{step:<16} {allowed:>12} {count:>12} {deviation:>+7.2}% {a_route:>8.1}");
        if deviation.abs() > tolerance {
            let what = if deviation > 0.0 { "more" } else { "less: keep the gain" };
            faults += &format!(
                "{step}: the budget is {allowed} instructions, {count} were counted, \
                 {deviation:+.2}%, which is {what}\n"
            );
        }
    }
    for gone in budget.instructions.keys().filter(|step| !counts.contains_key(*step)) {
        faults += &format!("{gone}: there is a budget for it, and no such step\n");
    }
    if faults.is_empty() {
        return Ok(());
    }
    if budget.compiler != compiler {
        faults += &format!("The budget is for code of {}; this is {compiler}.\n", budget.compiler);
    }
    Err(format!(
        "\nThe steps are to keep within {tolerance}% of their budget:\n{faults}\
         If that is right, renew the budget: {RENEW}"
    ))
}

/// Writes what was counted as the new budget. Counts that differ by no more than the effect of the hash seeds
/// keep their number, so that a diff shows what a change has done.
fn renew() -> Result<(), String> {
    let old = Budget::read()?;
    let instructions = count()?
        .into_iter()
        .map(|(step, count)| {
            let kept = old.as_ref().and_then(|old| {
                let same = old.deviation(&step, count)?.abs() < 0.2;
                old.instructions.get(&step).copied().filter(|_| same)
            });
            (step, kept.unwrap_or(count))
        })
        .collect();
    let tolerance_percent = old.map_or(2.0, |old| old.tolerance_percent);
    Budget { compiler: compiler()?, tolerance_percent, instructions }.write()?;
    println!("{BUDGET} is written.");
    Ok(())
}

/// Has gungraun count each step. It writes one line of JSON for each.
fn count() -> Result<BTreeMap<String, u64>, String> {
    let this =
        env::current_exe().map_err(|error| format!("cannot find my own executable: {error}"))?;
    let output = Command::new(this)
        .args(["--bench", "--output-format=json", "--parallel=auto"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start anew: {error}"))?;
    if !output.status.success() {
        return Err(format!("gungraun could not count: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| counted(line).ok_or(format!("gungraun wrote: {line}"))).collect()
}

/// The name of a step, and how many instructions it took.
fn counted(line: &str) -> Option<(String, u64)> {
    let summary: serde_json::Value = serde_json::from_str(line).ok()?;
    let function = summary["function_name"].as_str()?;
    let step = match summary["id"].as_str()? {
        "step" => function.to_owned(),
        variant => format!("{function}-{variant}"),
    };
    let count = summary.pointer("/profiles/0/data/total/metrics/Ir/values/new")?.as_u64()?;
    Some((step, count))
}

/// What compiles this, and for what.
fn compiler() -> Result<String, String> {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run rustc: {error}"))?;
    Ok(format!("{} for {}", String::from_utf8_lossy(&output.stdout).trim(), env::consts::ARCH))
}

/// The steps as gungraun expects them: it runs the set-up and drops what comes back outside of the count.
mod gungraun_benches {
    use bmpd::heart::{Interner, Neighbor, Station};
    use gungraun::Callgrind;
    use gungraun::prelude::*;
    use heart::{Body, Parsed, Stream};

    use super::IPV4_ROUTES;

    fn stream() -> Stream {
        Stream::new(IPV4_ROUTES)
    }

    fn bodies() -> Vec<Body> {
        stream().announcements
    }

    fn attributes(known: bool) -> (Interner, Vec<Vec<u8>>) {
        let attributes = heart::attributes(&heart::parsed(&bodies()));
        (heart::held(if known { &attributes } else { &[] }), attributes)
    }

    fn announcements(known: bool) -> (Neighbor, Vec<Parsed>) {
        let stream = stream();
        let neighbor = match known {
            true => heart::announced(&heart::parsed(&stream.announcements)),
            false => heart::loading(&[]),
        };
        (neighbor, heart::parsed(&stream.others))
    }

    fn loaded() -> Neighbor {
        heart::loading(&heart::parsed(&bodies()))
    }

    fn withdrawals() -> (Neighbor, Station, Vec<Parsed>) {
        let stream = stream();
        let (neighbor, station) = heart::reported(&heart::parsed(&stream.announcements));
        (neighbor, station, heart::parsed(&stream.withdrawals))
    }

    fn stalled() -> (Neighbor, Station) {
        let stream = stream();
        heart::stalled(&heart::parsed(&stream.announcements), &heart::parsed(&stream.withdrawals))
    }

    fn behind() -> (Neighbor, Station) {
        let neighbor = heart::announced(&heart::parsed(&bodies()));
        let station = neighbor.station();
        (neighbor, station)
    }

    fn live() -> (Neighbor, Station, Vec<Parsed>) {
        let stream = stream();
        let (neighbor, station) = heart::reported(&heart::parsed(&stream.announcements));
        (neighbor, station, heart::parsed(&stream.others))
    }

    #[library_benchmark]
    #[bench::step(setup = bodies)]
    fn parse(bodies: Vec<Body>) -> usize {
        heart::parse(&bodies)
    }

    #[library_benchmark]
    #[bench::new(args = (false), setup = attributes)]
    #[bench::known(args = (true), setup = attributes)]
    fn intern((mut interner, attributes): (Interner, Vec<Vec<u8>>)) -> (Interner, Vec<Vec<u8>>) {
        heart::hold(&mut interner, &attributes);
        (interner, attributes)
    }

    #[library_benchmark]
    #[bench::new(args = (false), setup = announcements)]
    #[bench::known(args = (true), setup = announcements)]
    fn announce((neighbor, updates): (Neighbor, Vec<Parsed>)) -> (Neighbor, Vec<Parsed>) {
        heart::take(&neighbor, &updates);
        (neighbor, updates)
    }

    #[library_benchmark]
    #[bench::step(setup = loaded)]
    fn index(neighbor: Neighbor) -> Neighbor {
        heart::index(&neighbor);
        neighbor
    }

    #[library_benchmark]
    #[bench::step(setup = withdrawals)]
    fn withdraw(
        (neighbor, station, updates): (Neighbor, Station, Vec<Parsed>),
    ) -> (Neighbor, Station, Vec<Parsed>) {
        heart::take(&neighbor, &updates);
        (neighbor, station, updates)
    }

    #[library_benchmark]
    #[bench::step(setup = stalled)]
    fn compact(stalled: (Neighbor, Station)) -> Neighbor {
        heart::leave(stalled)
    }

    #[library_benchmark]
    #[bench::step(setup = behind)]
    fn dump((neighbor, mut station): (Neighbor, Station)) -> (Neighbor, Station) {
        heart::dump(&mut station);
        (neighbor, station)
    }

    #[library_benchmark]
    #[bench::step(setup = live)]
    fn relay(
        (neighbor, mut station, updates): (Neighbor, Station, Vec<Parsed>),
    ) -> (Neighbor, Station, Vec<Parsed>) {
        heart::relay(&neighbor, &mut station, &updates);
        (neighbor, station, updates)
    }

    library_benchmark_group!(
        name = steps,
        benchmarks = [parse, intern, announce, index, withdraw, compact, dump, relay]
    );

    main!(
        config = LibraryBenchmarkConfig::default()
            // Only instructions are needed, and that is three times as quick without caches.
            .tool(Callgrind::with_args(["--cache-sim=no"])),
        library_benchmark_groups = steps
    );

    /// What gungraun calls `main`.
    pub(super) fn run() {
        main();
    }
}
