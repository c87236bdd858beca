//! The results of the race: medians, ratios, and targets.
//!
//! The report is what `race.json` holds; the table and the plot are made from it and from nothing else.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::thread;

use serde::Serialize;

use super::Options;
use super::cases::{Case, Size, grouped};
use super::program::Program;

/// Who was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Who {
    /// A program.
    Program(Program),
    /// No program: what the neighbors and stations cost the machine by themselves, see [`super::floor`].
    Memory,
    /// The machine itself, see [`super::floor`].
    Floor,
}

impl Who {
    /// Those that are no programs.
    pub(super) const NONE: [Who; 2] = [Who::Memory, Who::Floor];
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Who::Program(program) => program.title(),
            Who::Memory => "from memory",
            Who::Floor => "floor",
        })
    }
}

/// What one run of a case gave.
#[derive(Debug, Default)]
pub(super) struct Run {
    values: BTreeMap<String, f64>,
    remarks: Vec<(&'static str, String)>,
    /// Why there is no value for the other rows.
    pub(super) failure: Option<String>,
}

impl Run {
    pub(super) fn put(&mut self, measure: &str, value: f64) {
        self.values.insert(measure.to_owned(), value);
    }

    /// Something else that was found, if it was, in words.
    pub(super) fn remark(&mut self, about: &'static str, text: Option<String>) {
        self.remarks.extend(text.map(|text| (about, text)));
    }
}

/// What a number is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Thousandths of a second.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// 2^20 bytes.
    Mib,
    /// How many in a second; the only one of which more is better.
    PerSecond,
}

impl Unit {
    /// A number with its unit.
    pub(super) fn show(self, value: f64) -> String {
        let short = |value: f64| match value {
            v if v >= 100.0 => grouped(v.round() as u64),
            v if v >= 10.0 => format!("{v:.1}"),
            v => format!("{v:.2}"),
        };
        match self {
            Unit::Milliseconds => format!("{} ms", short(value)),
            Unit::Seconds => format!("{} s", short(value)),
            Unit::Mib => format!("{} MiB", short(value)),
            Unit::PerSecond => format!("{}/s", short(value)),
        }
    }
}

/// What a row of bmpd must be at most; all that are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    /// One in so many of the best peer.
    pub(super) peer: Option<f64>,
    /// So many times the floor.
    pub(super) floor: Option<f64>,
    /// Beside another row.
    pub(super) beside: Option<Beside>,
    /// In the row's unit.
    pub(super) absolute: Option<f64>,
}

/// At most so many times bmpd's value in another row, and so much more.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    /// CASE.MEASURE
    pub(super) row: String,
    pub(super) times: f64,
    pub(super) plus: f64,
    /// The same for people.
    pub(super) name: String,
}

/// What is measured.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) measure: String,
    pub(super) title: String,
    pub(super) unit: Unit,
    pub(super) target: Target,
}

/// What all runs gave.
#[derive(Debug, Default)]
pub(super) struct Results {
    /// By CASE.MEASURE.
    values: BTreeMap<(String, Who), Vec<f64>>,
    failures: BTreeMap<(String, Who), Vec<String>>,
    /// Of each kind the first in a case.
    remarks: BTreeMap<(Case, Who, &'static str), String>,
}

impl Results {
    /// Adds what a run gave.
    pub(super) fn take(&mut self, case: Case, who: Who, run: Run, size: &Size) {
        for row in case.rows(size) {
            let key = (format!("{}.{}", case.name(), row.measure), who);
            match (run.values.get(&row.measure), &run.failure) {
                (Some(value), _) => self.values.entry(key).or_default().push(*value),
                (None, Some(failure)) => {
                    self.failures.entry(key).or_default().push(failure.clone());
                }
                (None, None) => {}
            }
        }
        for (about, text) in run.remarks {
            self.remarks.entry((case, who, about)).or_insert(text);
        }
    }
}

/// A program that takes part, or should.
#[derive(Debug, Clone, Serialize)]
pub struct Entrant {
    #[serde(skip)]
    pub(super) program: Program,
    /// Its name.
    pub name: &'static str,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it did not take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
    /// The command for its status.
    pub status_command: &'static str,
}

impl Entrant {
    pub(super) fn new(program: Program, version: Result<String, String>) -> Self {
        let (version, missing) = match version {
            Ok(version) => (Some(version), None),
            Err(reason) => (None, Some(reason)),
        };
        let status_command = program.status_command();
        Self { program, name: program.title(), version, missing, status_command }
    }
}

/// The result of one in a row.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Its name, or "from memory", or "floor".
    pub name: String,
    /// How many runs gave a value.
    pub n: usize,
    /// Of those; none if no run gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// The lowest of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// The highest of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
    /// Its median divided by bmpd's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_bmpd: Option<f64>,
    /// Why the other runs gave none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

/// A row of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// Its name within the case.
    pub measure: String,
    /// Its name for people.
    pub title: String,
    /// What its numbers are of.
    pub unit: Unit,
    /// The result of each.
    pub outcomes: Vec<Outcome>,
    /// What bmpd shall reach, in words; empty if nothing was set.
    pub target: String,
    /// Whether it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
}

impl Line {
    /// The result of one.
    pub fn outcome(&self, name: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.name == name)
    }
}

/// A case of the report.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    /// Its name.
    pub case: &'static str,
    /// Its name for people.
    pub title: String,
    /// Its rows.
    pub rows: Vec<Line>,
    /// What was found beside the numbers.
    pub remarks: Vec<Remark>,
}

/// What was found beside the numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Remark {
    /// Of whom.
    pub name: String,
    /// "load", "reset", or "held" for what the stations had in the end.
    pub about: &'static str,
    /// In words.
    pub text: String,
}

/// The results of the race.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The machine, in a few words.
    pub machine: String,
    /// How many runs there should have been of each.
    pub runs: usize,
    /// After how many seconds a phase counts as not done.
    pub limit: u64,
    /// Who took part.
    pub entrants: Vec<Entrant>,
    /// What was measured.
    pub cases: Vec<Section>,
}

impl Report {
    /// Of the cases that are done.
    pub(super) fn new(
        options: &Options,
        done: &[Case],
        entrants: &[Entrant],
        results: &Results,
    ) -> Self {
        let section =
            |case: &Case| {
                let rows = case.rows(&options.size);
                let remarks = results.remarks.iter().filter(|((of, ..), _)| of == case);
                let remark = |((_, who, about), text): (&(Case, Who, &'static str), &String)| {
                    Remark { name: who.to_string(), about, text: text.clone() }
                };
                Section {
                    case: case.name(),
                    title: case.title(&options.size),
                    rows: rows.into_iter().map(|row| line(*case, row, entrants, results)).collect(),
                    remarks: remarks.map(remark).collect(),
                }
            };
        Self {
            machine: machine(),
            runs: options.runs,
            limit: options.limit.as_secs(),
            cases: done.iter().map(section).collect(),
            entrants: entrants.to_vec(),
        }
    }

    /// The report for people.
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# The race\n\nWritten by `cargo run --release -p tests --bin race`; how it measures is said \
             in [performance.md](../performance.md). Medians of {} runs, or of as many as `n` says; in \
             brackets what they are beside bmpd's. What is not there within {} s counts as not done.\n\n\
             Machine: {}.\n\n",
            self.runs, self.limit, self.machine
        );
        for entrant in &self.entrants {
            let _ = match (&entrant.version, &entrant.missing) {
                (Some(version), _) => {
                    writeln!(
                        text,
                        "- {} {version}, asked by `{}`",
                        entrant.name, entrant.status_command
                    )
                }
                (None, missing) => writeln!(
                    text,
                    "- **{} did not take part**: {}",
                    entrant.name,
                    missing.as_deref().unwrap_or_default()
                ),
            };
        }
        for section in &self.cases {
            text += &section.markdown(&self.entrants, self.runs);
        }
        text
    }
}

impl Section {
    fn markdown(&self, entrants: &[Entrant], runs: usize) -> String {
        let others = Who::NONE.map(|who| who.to_string());
        let present = entrants.iter().map(|e| e.name).chain(others.iter().map(String::as_str));
        let has_any =
            |name: &&str| self.rows.iter().any(|row| row.outcome(name).is_some_and(|o| o.is_any()));
        let names: Vec<&str> = present.filter(has_any).collect();
        let mut text =
            format!("\n## {}\n\n| | {} | target for bmpd | met |\n", self.title, names.join(" | "));
        text += &format!("|---|{}---|---|\n", "---:|".repeat(names.len()));
        let mut said: Vec<String> = self
            .remarks
            .iter()
            .map(|r| format!("- {}, {}: {}\n", r.name, r.about, r.text))
            .collect();
        for row in &self.rows {
            let mut cells = vec![row.title.clone()];
            for name in &names {
                let outcome = row.outcome(name);
                cells.push(outcome.map(|o| o.cell(row.unit, runs)).unwrap_or_default());
                for failure in outcome.into_iter().flat_map(|outcome| &outcome.failures) {
                    let line = format!("- {name}: {}\n", failure.replace('\n', " "));
                    if !said.contains(&line) {
                        said.push(line);
                    }
                }
            }
            cells.push(row.target.clone());
            cells.push(row.met.map_or("", |met| if met { "yes" } else { "**no**" }).to_owned());
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        if !said.is_empty() {
            text += "\n";
            text += &said.concat();
        }
        text
    }
}

impl Outcome {
    fn is_any(&self) -> bool {
        self.n > 0 || !self.failures.is_empty()
    }

    fn cell(&self, unit: Unit, runs: usize) -> String {
        let Some(median) = self.median else {
            return if self.failures.is_empty() { String::new() } else { "not done".to_owned() };
        };
        let mut text = unit.show(median);
        if let Some(times) = self.times_bmpd.filter(|_| self.name != Program::Bmpd.title()) {
            text += &format!(" ({times:.1}x)");
        }
        if self.n < runs {
            text += &format!(" n={}", self.n);
        }
        text
    }
}

/// Median, lowest, highest; `None` of nothing.
fn spread(values: &[f64]) -> Option<[f64; 3]> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    Some([values[values.len().checked_sub(1)? / 2], *values.first()?, *values.last()?])
}

impl Results {
    fn median(&self, row: &str, who: Who) -> Option<f64> {
        let [median, ..] = spread(self.values.get(&(row.to_owned(), who))?)?;
        Some(median)
    }
}

fn line(case: Case, row: Row, entrants: &[Entrant], results: &Results) -> Line {
    let key = format!("{}.{}", case.name(), row.measure);
    let bmpd = results.median(&key, Who::Program(Program::Bmpd));
    let everybody = entrants.iter().map(|e| Who::Program(e.program)).chain(Who::NONE);
    let outcomes: Vec<Outcome> = everybody
        .map(|who| {
            let place = (key.clone(), who);
            let values = results.values.get(&place).map_or(&[][..], Vec::as_slice);
            let spread = spread(values);
            let beside = |median: f64| bmpd.filter(|bmpd| *bmpd > 0.0).map(|bmpd| median / bmpd);
            Outcome {
                name: who.to_string(),
                n: values.len(),
                median: spread.map(|[median, ..]| median),
                least: spread.map(|[_, least, _]| least),
                most: spread.map(|[.., most]| most),
                times_bmpd: spread.and_then(|[median, ..]| beside(median)),
                failures: results.failures.get(&place).cloned().unwrap_or_default(),
            }
        })
        .collect();
    // One that has failed is no reference for others, not even with the runs that succeeded.
    let best_peer = outcomes
        .iter()
        .filter(|o| {
            o.name != Program::Bmpd.title()
                && !Who::NONE.map(|who| who.to_string()).contains(&o.name)
        })
        .filter_map(|o| o.median.map(|median| (median, o.name.as_str())))
        .min_by(|(one, _), (other, _)| one.total_cmp(other));
    let floor = results.median(&key, Who::Floor);
    let (target, met) = evaluate(&row, bmpd, best_peer, floor, results);
    Line { measure: row.measure, title: row.title, unit: row.unit, outcomes, target, met }
}

/// The target as text, with bmpd's value relative to it, and whether it is met.
fn evaluate(
    row: &Row,
    bmpd: Option<f64>,
    best_peer: Option<(f64, &str)>,
    floor: Option<f64>,
    results: &Results,
) -> (String, Option<bool>) {
    let mut parts = vec![];
    let mut met = vec![];
    if let Some(share) = row.target.peer {
        let mut text = format!("at most 1/{share} of the best peer");
        if let (Some(bmpd), Some((peer, name))) = (bmpd, best_peer) {
            text += &format!(" ({name}: 1/{:.1})", peer / bmpd);
            met.push(bmpd * share <= peer);
        }
        parts.push(text);
    }
    if let Some(times) = row.target.floor {
        let mut text = format!("at most {times}x the floor");
        if let (Some(bmpd), Some(floor)) = (bmpd, floor) {
            text += &format!(" ({:.2}x)", bmpd / floor);
            met.push(bmpd <= floor * times);
        }
        parts.push(text);
    }
    if let Some(beside) = &row.target.beside {
        let mut text = format!("at most {}", beside.name);
        if let (Some(bmpd), Some(other)) =
            (bmpd, results.median(&beside.row, Who::Program(Program::Bmpd)))
        {
            let most = other * beside.times + beside.plus;
            text += &format!(" ({})", row.unit.show(most));
            met.push(bmpd <= most);
        }
        parts.push(text);
    }
    if let Some(most) = row.target.absolute {
        parts.push(format!("at most {}", row.unit.show(most)));
        met.extend(bmpd.map(|bmpd| bmpd <= most));
    }
    // A part that nothing could be compared with leaves the whole open, unless another one fails.
    let met = match met.len() == parts.len() && !parts.is_empty() {
        true => Some(met.iter().all(|met| *met)),
        false if met.contains(&false) => Some(false),
        false => None,
    };
    (parts.join("; "), met)
}

/// The machine, in a few words.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let release = read("/proc/sys/kernel/osrelease");
    // Without what the builder of the kernel added.
    let version = release.trim().split('-').next().unwrap_or_default();
    format!("{cores} cores, {model}, Linux {version}")
}

#[cfg(test)]
mod tests {
    //! Nobody else notices when a target is met that is not.

    use super::*;

    fn row(target: Target) -> Row {
        Row { measure: "m".into(), title: "m".into(), unit: Unit::Milliseconds, target }
    }

    /// The evaluation of a bmpd with 10 ms beside a peer and a floor.
    fn evaluated(target: Target, peer: Option<f64>, floor: Option<f64>) -> (String, Option<bool>) {
        let results = Results::default();
        evaluate(&row(target), Some(10.0), peer.map(|p| (p, "FRR")), floor, &results)
    }

    #[test]
    fn a_target_is_met_when_all_of_its_parts_are() {
        let target = Target { peer: Some(7.0), floor: Some(2.0), ..Target::default() };
        let (said, met) = evaluated(target.clone(), Some(70.0), Some(5.0));
        assert_eq!(met, Some(true), "{said}");
        assert!(said.contains("FRR: 1/7.0") && said.contains("(2.00x)"), "{said}");
        assert_eq!(evaluated(target.clone(), Some(69.0), Some(5.0)).1, Some(false));
        assert_eq!(evaluated(target, Some(70.0), Some(4.9)).1, Some(false));
    }

    #[test]
    fn without_anybody_to_compare_with_a_target_is_open() {
        let target = Target { peer: Some(7.0), floor: Some(2.0), ..Target::default() };
        assert_eq!(evaluated(target.clone(), None, Some(5.0)).1, None);
        assert_eq!(evaluated(target, None, Some(4.0)).1, Some(false));
        assert_eq!(evaluated(Target::default(), Some(1.0), Some(1.0)).1, None);
    }

    #[test]
    fn the_median_is_one_of_the_values() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some([2.0, 1.0, 3.0]));
        assert_eq!(spread(&[2.0, 1.0]), Some([1.0, 1.0, 2.0]));
    }
}
