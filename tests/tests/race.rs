//! The race in a small form, with bmpd alone: every row comes out, and what is written can be read.

use std::fs;
use std::time::Duration;

use tests::race::{self, Case, Options, Program, Size};
use tests::scratch::Scratch;

/// How long one phase may take on a busy machine and without optimization.
const TIMEOUT: Duration = Duration::from_secs(120);

fn options(scratch: &Scratch) -> Options {
    Options {
        runs: 2,
        cases: Case::ALL.to_vec(),
        programs: vec![Program::Bmpd],
        // No peers: this test is about the race.
        peers: scratch.join("peers"),
        size: Size::quick(),
        budget: TIMEOUT * 10,
        limit: TIMEOUT,
        out: scratch.join("results"),
    }
}

#[test]
fn a_small_race_of_bmpd_alone_has_every_row_and_writes_what_can_be_read() {
    let scratch = Scratch::new();
    let options = options(&scratch);
    let report = race::run(&options).unwrap();
    assert_eq!(report.cases.len(), Case::ALL.len());
    for section in &report.cases {
        for row in &section.rows {
            let bmpd = row.outcome("bmpd").unwrap();
            let name = format!("{}.{}: {bmpd:?}", section.case, row.measure);
            assert_eq!((bmpd.n, bmpd.failures.len()), (2, 0), "{name}");
            assert!(bmpd.least <= bmpd.median && bmpd.median <= bmpd.most, "{name}");
        }
        for remark in &section.remarks {
            assert!(remark.text.contains("every route"), "{}: {remark:?}", section.case);
        }
    }
    let json = fs::read_to_string(options.out.join("race.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["cases"].as_array().unwrap().len(), Case::ALL.len());
    assert_eq!(json["cases"][0]["rows"][0]["outcomes"][0]["name"], "bmpd");
    let table = fs::read_to_string(options.out.join("race.md")).unwrap();
    assert!(table.contains("| load |") && !table.contains("| not done"), "{table}");
    assert!(fs::read_to_string(options.out.join("race.svg")).unwrap().ends_with("</svg>\n"));
}

#[test]
fn a_program_that_is_missing_is_named_with_the_reason() {
    let scratch = Scratch::new();
    let options = Options {
        runs: 1,
        cases: vec![Case::OneStation],
        programs: vec![Program::Bmpd, Program::Frr],
        ..options(&scratch)
    };
    let report = race::run(&options).unwrap();
    let frr = &report.entrants[1];
    assert!(frr.missing.as_ref().unwrap().contains("tests/peers-root"), "{frr:?}");
    assert!(report.markdown().contains("**FRR did not take part**"), "{}", report.markdown());
    let row = &report.cases[0].rows[0];
    assert!(row.outcome("FRR").is_none_or(|frr| frr.n == 0));
    // There is nobody to be faster than, and nothing is made up.
    assert_ne!(row.met, Some(true));
}

/// What other pages say of the race is what the race has found.
#[test]
fn figures_of_the_race_are_the_same_everywhere() {
    let figures = |text: &str, row: &str| -> Vec<u64> {
        let (_, from) = text.split_once(&format!("\n{row} |")).unwrap_or_else(|| panic!("{row}"));
        let cells = from.lines().next().unwrap().split('|').take(5);
        let number =
            |cell: &str| cell.split_whitespace().next()?.replace(',', "").parse::<f64>().ok();
        cells.map(|cell| number(cell).unwrap().round() as u64).collect()
    };
    let race = tests::documents::text("docs/performance/race.md");
    let found = [figures(&race, "| reset"), figures(&race, "| peak memory, reset")];
    for (page, indent) in [("README.md", "  "), ("docs/comparison.md", "")] {
        let text = tests::documents::text(page);
        let rows = ["everything is sent again after a reset", "peak memory"];
        let said = rows.map(|row| figures(&text, &format!("{indent}| {row}")));
        assert_eq!(said, found, "{page}");
    }
}
