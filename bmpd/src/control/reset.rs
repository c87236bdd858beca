//! `reset session`.

use shared::names::Selector;
use shared::response::{Failure, ResetOutcome, Response};
use tracing::{info, warn};

use super::{Context, caller::Caller, show};
use crate::config::{self, Config};
use crate::session::{Parameters, Session};

/// Reads the configuration again and, if it is good, resets the selected sessions all at once.
pub(super) async fn session(selector: &Selector, caller: &Caller, context: &Context) -> Response {
    let path = context.config_path.clone();
    let config = match tokio::task::spawn_blocking(move || config::load(&path)).await {
        Ok(Ok(config)) => config,
        Ok(Err(error)) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            warn!(%caller, %selector, "reset refused: the configuration is bad: {first}");
            return Response::Failed(Failure::Configuration(text));
        }
        Err(error) => return Response::Failed(Failure::Other(error.to_string())),
    };
    let selected = match show::select(selector, context) {
        Ok(selected) => selected,
        Err(Failure::NoSuchSession { selector, existing, .. }) => {
            // An operator who looks at it in the file must not be told that it does not exist.
            let configured = config.sessions.iter().any(|session| selector.matches(&session.id));
            let configured_in = configured.then(|| context.config_path.display().to_string());
            return Response::Failed(Failure::NoSuchSession { selector, existing, configured_in });
        }
        Err(failure) => return Response::Failed(failure),
    };
    info!(%caller, %selector, sessions = selected.len(), "reset session");
    let mut resets = Vec::with_capacity(selected.len());
    for session in selected {
        resets.push(tokio::spawn(one(
            session.clone(),
            parameters(session, &config),
            context.config_path.display().to_string(),
            caller.to_string(),
        )));
    }
    let mut outcomes = Vec::with_capacity(resets.len());
    for reset in resets {
        match reset.await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => return Response::Failed(Failure::Other(error.to_string())),
        }
    }
    Response::Reset(outcomes)
}

/// What the file says now of a session.
fn parameters(session: &Session, config: &Config) -> Option<Parameters> {
    let found = config.sessions.iter().find(|found| found.id == *session.id())?;
    Some(Parameters { session: found.clone(), bmp: config.bmp.clone() })
}

async fn one(
    session: Session,
    parameters: Option<Parameters>,
    file: String,
    by: String,
) -> ResetOutcome {
    let result = match parameters {
        None => Err(format!(
            "it is no longer in {file}; it goes on with its old parameters until bmpd is restarted"
        )),
        Some(parameters) => {
            session.reset(parameters, by).await.ok_or_else(|| "bmpd is stopping".to_owned())
        }
    };
    ResetOutcome { id: session.id().clone(), result }
}
