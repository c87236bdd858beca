//! BMP sessions with stations, over TCP or TLS.
//!
//! ```text
//!   control, daemon ──> Session: what is configured towards one station
//!                          └── Leg: a task each, one for each router that it is sent; bmpd itself is one
//! ```
//!
//! A session is named by (VPN instance or public, address, alias or none). [`leg`] has the rest.
#![forbid(unsafe_code)]

mod down;
mod encoder;
mod leg;
mod parameters;
mod passive;

use std::sync::Arc;
use std::time::Duration;

use shared::names::SessionId;
use shared::response::{
    PlannedReset, Progress, ResetDone, SessionEntry, SessionReport, SessionState, SessionStatistics,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

#[cfg(test)]
pub(crate) use self::encoder::Batch;
pub(crate) use self::encoder::Encoder;
use self::leg::Leg;
pub(crate) use self::parameters::{Configured, Parameters, bmp_settings, session_settings};
pub(crate) use self::passive::SharedListeners;
use crate::events::Events;
use crate::routers::Routers;

/// Why a session is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// bmpd stops.
    Stopping,
    /// It was removed from the configuration.
    Removed,
}

/// How far a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Where it is; it never says that this is the end.
    pub(crate) progress: Progress,
    /// The newest generation whose station was sent every route and End-of-RIB; 0 if none was.
    pub(crate) synchronised: u64,
}

/// The two sets of parameters of a session.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// Those that it runs with.
    pub(crate) running: Parameters,
    /// Those of its next connection.
    pub(crate) configured: Parameters,
}

/// A BMP session: what is configured towards one station, and the legs that carry routers to it.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    id: SessionId,
    /// One for each router that it is to be sent, bmpd itself first.
    legs: Arc<[Leg]>,
}

impl Session {
    /// Starts a session with a leg for bmpd itself; its task ends when the session is stopped. `read_at` is when the reading of
    /// the file was begun that the parameters are from.
    pub(crate) fn start(
        parameters: Parameters,
        read_at: Instant,
        routers: &Routers,
        listeners: Arc<SharedListeners>,
        events: Events,
    ) -> (Self, JoinHandle<()>) {
        let id = parameters.session.id.clone();
        let router = Arc::clone(routers.ourselves());
        let (leg, task) = Leg::start(parameters, read_at, router, listeners, events);
        (Self { id, legs: [leg].into() }, task)
    }

    /// The session's name.
    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    /// The leg that carries bmpd itself: the session is reported as it is.
    fn leg(&self) -> &Leg {
        &self.legs[0]
    }

    /// Ends the connections and begins the next ones with these parameters. The inner error is a sentence for people; `None` if
    /// the session has stopped.
    ///
    /// `read_at` is when the reading of the file was begun that they are from: where the session has those of a newer one, they
    /// stay.
    pub(crate) async fn reset(
        &self,
        parameters: Parameters,
        read_at: Instant,
        by: String,
    ) -> Option<Result<ResetDone, String>> {
        let mut first = None;
        for leg in &*self.legs {
            let outcome = leg.reset(parameters.clone(), read_at, by.clone()).await;
            first = first.or(outcome);
        }
        first
    }

    /// Gives the session new parameters without ending its connections, or asks what would become of them; newer ones stay as
    /// with a reset. `None` if the session has stopped.
    pub(crate) async fn configure(
        &self,
        parameters: Parameters,
        read_at: Instant,
        dry_run: bool,
    ) -> Option<Configured> {
        let mut first = None;
        for leg in &*self.legs {
            let outcome = leg.configure(parameters.clone(), read_at, dry_run).await;
            first = first.or(outcome);
        }
        first
    }

    /// Describes the session, with `detailed` also each neighbor and End-of-RIB; `None` if it has stopped.
    pub(crate) async fn report(&self, detailed: bool) -> Option<SessionReport> {
        self.leg().report(detailed).await
    }

    /// Asks how far the session is; the answer comes through the channel, which closes if the session has stopped.
    pub(crate) async fn progress(&self) -> oneshot::Receiver<Reached> {
        self.leg().progress().await
    }

    /// Reports what a reset with these parameters would do. The inner error is a sentence for people; `None` if the session has
    /// stopped.
    pub(crate) async fn plan(
        &self,
        parameters: Parameters,
    ) -> Option<Result<PlannedReset, String>> {
        self.leg().plan(parameters).await
    }

    /// Asks the session for a few words about itself without waiting for it: it may be busy. `None` if that cannot even be asked
    /// now.
    pub(crate) fn ask_entry(&self) -> Option<oneshot::Receiver<SessionEntry>> {
        self.leg().ask_entry()
    }

    /// The session's state; `None` if it has stopped.
    pub(crate) async fn state(&self) -> Option<SessionState> {
        self.leg().entry().await?.state
    }

    /// What the session runs with, and what is configured; `None` if it has stopped.
    pub(crate) async fn sets(&self) -> Option<Sets> {
        self.leg().sets().await
    }

    /// What the session has counted; `None` if it has stopped.
    pub(crate) async fn statistics(&self) -> Option<SessionStatistics> {
        self.leg().statistics().await
    }

    /// Resets the session's counters; `None` if it has stopped.
    pub(crate) async fn clear_statistics(&self, by: String) -> Option<()> {
        let mut first = None;
        for leg in &*self.legs {
            let outcome = leg.clear_statistics(by.clone()).await;
            first = first.or(outcome);
        }
        first
    }

    /// Ends the session, sending the station a Termination if it takes it within `timeout`.
    pub(crate) async fn stop(&self, end: End, timeout: Duration) {
        for leg in &*self.legs {
            leg.stop(end, timeout).await;
        }
    }
}
