//! What a reload did, or would do.

use shared::names::Shown;
use shared::response::{ReloadAction, ReloadItem, ReloadReport, ReloadSubject};

use crate::arguments;

/// A line for each thing that is different, its parameters below it.
pub(crate) fn report(report: &ReloadReport) -> String {
    let ReloadReport { dry_run, file, items, .. } = report;
    if items.is_empty() {
        return format!("{file}: what runs is what it says\n");
    }
    let mut text = String::new();
    if *dry_run {
        text.push_str(&format!("{file}: a reload would do this:\n"));
    }
    for item in items {
        text.push_str(&line(item, *dry_run));
        for change in &item.changes {
            text.push_str(&format!("    {change}\n"));
        }
    }
    text
}

pub(super) fn line(item: &ReloadItem, dry_run: bool) -> String {
    let subject = &item.subject;
    let action = match (item.action, dry_run) {
        (ReloadAction::Start, false) => "started".to_owned(),
        (ReloadAction::Start, true) => "start".to_owned(),
        (ReloadAction::End, false) => "ended".to_owned(),
        (ReloadAction::End, true) => "end".to_owned(),
        (ReloadAction::Apply, false) => "changed, without interruption".to_owned(),
        (ReloadAction::Apply, true) => "change, without interruption".to_owned(),
        (ReloadAction::Restart, false) => "restarted".to_owned(),
        (ReloadAction::Restart, true) => "restart".to_owned(),
        (ReloadAction::Pending, _) => match &item.subject {
            ReloadSubject::Session(id) => {
                format!("pending until: bmpctl reset session {}", arguments::session(id))
            }
            ReloadSubject::Publisher(name) => {
                format!("pending until: bmpctl reset publisher {}", Shown(name.as_str()))
            }
            _ => "pending".to_owned(),
        },
        (ReloadAction::RestartDaemon, _) => "needs a restart of bmpd".to_owned(),
    };
    format!("{subject}: {action}\n")
}
