//! What was looked at because something does not come up.

use shared::request::CheckSubject;
use shared::response::{Check, CheckOutcome};

use super::screen::{Screen, Tone};

fn tone(outcome: CheckOutcome) -> Tone {
    match outcome {
        CheckOutcome::Ok => Tone::Good,
        CheckOutcome::Warning => Tone::Busy,
        CheckOutcome::Failed => Tone::Bad,
    }
}

/// A line for each check, with what to do below it.
pub(crate) fn page(subject: &CheckSubject, checks: &[Check], screen: &Screen) -> String {
    let mut text = format!("{subject}\n");
    let width = checks.iter().map(|check| check.what.len()).max().unwrap_or(0);
    for Check { what, outcome, text: found, advice } in checks {
        let word = screen.paint(tone(*outcome), &format!("{:<7}", outcome.word()));
        text.push_str(&format!("  {word}  {what:<width$}  {found}\n"));
        if let Some(advice) = advice {
            text.push_str(&format!("{:13}{:width$}{advice}\n", "", ""));
        }
    }
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let (failed, warnings) = (count(CheckOutcome::Failed), count(CheckOutcome::Warning));
    text.push_str(&format!(
        "\n{} checks, {failed} failed, {warnings} with a warning\n",
        checks.len()
    ));
    text
}

/// What has failed, in one line.
pub(crate) fn failures(subject: &CheckSubject, checks: &[Check]) -> String {
    let failed = checks.iter().filter(|check| check.outcome == CheckOutcome::Failed);
    let failed: Vec<String> =
        failed.map(|check| format!("{}: {}", check.what, check.text)).collect();
    format!("{subject}: {}", failed.join("; "))
}
