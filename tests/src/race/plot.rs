//! The plot: what each program needed in each row. The bars of a row are in proportion.
//!
//! It is written as SVG by hand: a few dozen bars and words need no library to draw them.

use std::fmt::Write as _;

use super::report::{Line, Outcome, Report, Unit, Who};

const WIDTH: f64 = 900.0;
/// Where the bars begin, and how far they may reach.
const LEFT: f64 = 260.0;
const REACH: f64 = 440.0;
const BAR: f64 = 15.0;

/// A colour for each that takes part, in their order, distinguishable also with colour blindness.
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#999999"];

/// The report as a picture: rows in which another is compared with bmpd.
pub(super) fn svg(report: &Report) -> String {
    let mut body = String::new();
    let mut y = 50.0;
    let others = Who::NONE.map(|who| who.to_string());
    let names: Vec<&str> =
        report.entrants.iter().map(|e| e.name).chain(others.iter().map(String::as_str)).collect();
    for section in &report.cases {
        let rows: Vec<&Line> = section.rows.iter().filter(|row| is_shown(row)).collect();
        if rows.is_empty() {
            continue;
        }
        y += 26.0;
        text(&mut body, 16.0, y, "title", &section.title);
        y += 10.0;
        for row in rows {
            y += 6.0;
            text(&mut body, 28.0, y + BAR - 3.0, "row", &row.title);
            let most = values(row).fold(0.0, |most: f64, (_, value)| most.max(value));
            for (outcome, value) in values(row) {
                let place = names.iter().position(|name| *name == outcome.name).unwrap_or(0);
                // Never so short that it is not there.
                let length = (REACH * value / most).max(1.0);
                let _ = writeln!(
                    body,
                    "<rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{length:.1}\" height=\"{:.0}\" \
                     fill=\"{}\"/>",
                    BAR - 2.0,
                    COLOURS[place % COLOURS.len()]
                );
                let times = outcome.times_bmpd.filter(|_| outcome.name != "bmpd");
                let times = times.map(|times| format!(", {times:.1}x")).unwrap_or_default();
                let said = format!("{} {}{times}", outcome.name, row.unit.show(value));
                text(&mut body, LEFT + length + 6.0, y + BAR - 4.0, "bar", &said);
                y += BAR;
            }
        }
    }
    let height = y + 24.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {WIDTH} {height:.0}\">\n\
         <style>text {{ font: 12px sans-serif; fill: #222 }} .head {{ font-size: 16px; font-weight: bold }} \
         .title {{ font-weight: bold }} .bar {{ font-size: 11px }}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"26\" class=\"head\">bmpd beside other senders of BMP</text>\n\
         <text x=\"16\" y=\"44\">Medians of one run. The bars of a row are in proportion; shorter is better.\
         </text>\n{body}</svg>\n"
    )
}

/// Who has a number in the row.
fn values(row: &Line) -> impl Iterator<Item = (&Outcome, f64)> {
    row.outcomes.iter().filter_map(|o| Some((o, o.median.filter(|value| *value > 0.0)?)))
}

fn is_shown(row: &Line) -> bool {
    row.unit != Unit::PerSecond
        && row.outcome("bmpd").is_some_and(|bmpd| bmpd.median.is_some_and(|value| value > 0.0))
        && values(row).count() > 1
}

fn text(body: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(body, "<text x=\"{x:.0}\" y=\"{y:.0}\" class=\"{class}\">{text}</text>");
}
