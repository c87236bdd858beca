//! Answers for machines: the documents of `shared`, and what only bmpctl can say in them: commands, its own version,
//! failures with what can be done.

use serde_json::Value;
pub use shared::document::*;
use shared::exit;
use shared::response::{
    ConfigCheck, ConfigReport, ConfigSection, ConfigValue, Failure, SessionReport, StatusReport,
};

use crate::cli::Goal;
use crate::client::ClientError;

/// Of `wait session`.
pub(crate) fn waited(goal: Goal, sessions: &[SessionReport]) -> Document {
    let (mut reached, mut waiting) = (Vec::new(), Vec::new());
    for session in sessions {
        let SessionReport { id, state, why, .. } = session;
        match goal.is_reached_by(session) {
            true => reached.push(id.clone()),
            false => {
                waiting.push(WaitingSession { id: id.clone(), state: *state, why: why.clone() })
            }
        }
    }
    Document::Waited { goal: goal.word(), reached, waiting }
}

/// Of `config check`.
pub(crate) fn config_checked(check: ConfigCheck) -> Document {
    let ConfigCheck { file, included, problems, more, warnings } = check;
    Document::ConfigChecked { file, included, problems, more, warnings }
}

/// Of `show config`.
pub(crate) fn config(report: &ConfigReport, only_pending: bool) -> Document {
    let section = |section: &ConfigSection| Section {
        name: section.name.clone(),
        settings: section
            .settings
            .iter()
            .filter(|setting| {
                !only_pending || setting.pending.is_some() || section.is_name(&setting.key)
            })
            .map(|setting| Setting {
                key: setting.key.clone(),
                value: value(setting.value.as_ref()),
                is_pending: setting.pending.is_some(),
                pending: value(setting.pending.as_ref().and_then(|pending| pending.value.as_ref())),
                pending_until: setting
                    .pending
                    .as_ref()
                    .map(|pending| super::config::until(&pending.until)),
            })
            .collect(),
    };
    let sections = report.sections.iter().map(section);
    let sections = sections
        .filter(|section| !only_pending || section.settings.iter().any(|s| s.is_pending))
        .collect();
    Document::Config {
        file: report.file.clone(),
        included: report.included.clone(),
        refused_reload: report.refused_reload.clone(),
        file_differs: report.file_differs,
        sections,
    }
}

/// Of `show version`.
pub(crate) fn version(status: &StatusReport) -> Document {
    Document::Version {
        bmpctl: env!("CARGO_PKG_VERSION").to_owned(),
        bmpd: status.version.clone(),
        protocol: status.protocol,
    }
}

/// The failure that bmpd has reported.
pub(crate) fn of_failure(failure: &Failure, exit_code: u8) -> ErrorReport {
    let reason = match failure {
        Failure::NoSuchSession { .. } => "no-such-session",
        Failure::NoSuchNeighbor { .. } => "no-such-neighbor",
        Failure::NoSuchRouter { .. } => "no-such-router",
        Failure::NoSuchPublisher { .. } => "no-such-publisher",
        Failure::NoSuchVpnInstance { .. } => "no-such-vpn-instance",
        Failure::NotPermitted { .. } => "not-permitted",
        Failure::Configuration(_) => "bad-configuration",
        Failure::Stopping => "stopping",
        Failure::Busy(_) => "busy",
        Failure::Other(_) => "failed",
    };
    let mut report = ErrorReport::new(exit_code, reason, super::failure::message(failure));
    match failure {
        Failure::NoSuchSession { existing, .. } => report.sessions.clone_from(existing),
        Failure::NoSuchNeighbor { existing, .. } => report.neighbors.clone_from(existing),
        Failure::NoSuchRouter { existing, .. } => report.routers.clone_from(existing),
        Failure::NoSuchPublisher { existing, .. } => report.publishers.clone_from(existing),
        Failure::NoSuchVpnInstance { existing, .. } => {
            report.vpn_instances.clone_from(existing);
        }
        _ => {}
    }
    report
}

/// Why the request could not be sent, or has no answer.
pub(crate) fn of_client(error: &ClientError, exit_code: u8) -> ErrorReport {
    let reason = match error {
        ClientError::NotPermitted { .. } | ClientError::FolderClosed(_) => "not-permitted",
        ClientError::Silent(_) | ClientError::QueueFull { .. } => "silent",
        ClientError::Refused(_) | ClientError::NotUnderstood(..) | ClientError::Parts(_) => {
            "not-understood"
        }
        ClientError::NoSocket(_)
        | ClientError::NobodyListens(_)
        | ClientError::NotASocket(_)
        | ClientError::Ended(_)
        | ClientError::Io(..) => "not-reachable",
    };
    debug_assert!(exit_code != exit::DONE);
    ErrorReport::new(exit_code, reason, error.to_string())
}

fn value(given: Option<&ConfigValue>) -> Value {
    match given {
        None => Value::Null,
        Some(ConfigValue::Boolean(flag)) => Value::from(*flag),
        Some(ConfigValue::Integer(number)) => Value::from(*number),
        Some(ConfigValue::Text(text)) => Value::from(text.as_str()),
        Some(ConfigValue::List(list)) => list.iter().map(|item| value(Some(item))).collect(),
        Some(ConfigValue::Table(table)) => {
            table.iter().map(|(key, item)| (key.clone(), value(Some(item)))).collect()
        }
        Some(ConfigValue::Secret) => Value::from("***"),
    }
}
