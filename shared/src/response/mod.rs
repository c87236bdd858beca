//! What bmpd answers.
//!
//! Times are [`crate::time::Timestamp`]s by the wall's clock; ages and countdowns are
//! [`crate::time::Span`]s by bmpd's steady clock, so that they stay right when the wall's clock is set.
//!
//! The reports are also what `bmpctl --json` prints: fields have their names from here, states and
//! reasons are words such as `closed-by-station`.

mod check;
mod config;
mod config_check;
mod directory;
mod instance;
mod log;
mod neighbor;
mod publisher;
mod reload;
mod reset;
mod route;
mod router;
mod session;
mod statistics;
mod status;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::check::*;
pub use self::config::*;
pub use self::config_check::*;
pub use self::directory::*;
pub use self::instance::*;
pub use self::log::*;
pub use self::neighbor::*;
pub use self::publisher::*;
pub use self::reload::*;
pub use self::reset::*;
pub use self::route::*;
pub use self::router::*;
pub use self::session::*;
pub use self::statistics::*;
pub use self::status::*;
pub use crate::change::{Change, ReloadAction, ReloadItem, ReloadSubject};
use crate::event::Event;
use crate::level::Level;
pub use crate::log_level::{LogLevel, NoSuchLevel};
use crate::names::{NeighborId, PublisherName, RouterId, Selector, SessionId, VpnInstanceName};
pub use crate::state::{NeighborState, PublisherState, RouterState, SessionState};

/// While there is nothing else to send bmpd sends an empty response this often to those who follow a reset
/// or watch events.
pub const HEARTBEAT: Duration = Duration::from_secs(2);

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Response {
    /// To [`crate::request::Operation::ResetSession`]: every selected session, in their order. With a
    /// stagger there is such a response when the turn of a session has come, or when others are not to be
    /// waited for: they cannot be reset, or were superseded by a newer reset.
    Reset {
        /// What became of the sessions.
        outcomes: Vec<ResetOutcome>,
        /// How many sessions are still to come, in further responses.
        to_come: u32,
        /// The sessions that `all` skips, as they are shut down in the configuration and are to stay so; in the
        /// first such response.
        skipped: Vec<SessionId>,
    },
    /// To [`crate::request::Operation::ResetSession`] with `follow`: how far sessions are that were reset,
    /// each time something has changed; empty if nothing has for a while. The last one of a session has
    /// its [`Progress::end`].
    Progress(Vec<Progress>),
    /// To [`crate::request::Query::ResetPlan`].
    ResetPlan {
        /// Every selected session, in their order.
        plans: Vec<ResetPlan>,
        /// The sessions that `all` skips, as they are shut down in the configuration and are to stay so.
        skipped: Vec<SessionId>,
    },
    /// To [`crate::request::Operation::Reload`] and [`crate::request::Query::ReloadPlan`].
    Reloaded(ReloadReport),
    /// To [`crate::request::Query::ConfigCheck`].
    ConfigChecked(ConfigCheck),
    /// To [`crate::request::Operation::ClearStatistics`]: the sessions whose counters were reset.
    Cleared(Vec<SessionId>),
    /// To [`crate::request::Query::Log`] and [`crate::request::Operation::SetLog`]: how it is now.
    Log(LogReport),
    /// To [`crate::request::Query::Session`]: in their order.
    Sessions(Vec<SessionReport>),
    /// To [`crate::request::Query::Neighbor`].
    Neighbors {
        /// In the order of the configuration, those of a prefix by address.
        neighbors: Vec<NeighborReport>,
        /// The prefixes that neighbors can come from, in the order of the configuration.
        prefixes: Vec<PrefixReport>,
    },
    /// To [`crate::request::Query::Router`]: bmpd itself, if it is one, those of the configuration in its order, and
    /// those of prefixes by name.
    Routers(Vec<RouterReport>),
    /// To [`crate::request::Operation::ResetRouter`]: in the same order.
    RoutersReset(Vec<RouterReset>),
    /// To [`crate::request::Query::Publisher`]: in the order of their names.
    Publishers(Vec<PublisherReport>),
    /// To [`crate::request::Operation::ResetPublisher`]: in the same order.
    PublishersReset {
        /// What became of each publisher.
        publishers: Vec<PublisherReset>,
        /// The publishers that a reset of all skips, as they are shut down in the configuration.
        skipped: Vec<PublisherName>,
    },
    /// To [`crate::request::Query::PublisherPlan`]: in the same order.
    PublisherPlans {
        /// What would become of each publisher.
        plans: Vec<PublisherPlan>,
        /// The publishers that a reset of all would skip, as they are shut down in the configuration.
        skipped: Vec<PublisherName>,
    },
    /// To [`crate::request::Query::VpnInstance`]: the public one first, then in the order of the
    /// configuration.
    VpnInstances(Vec<VpnInstanceReport>),
    /// To [`crate::request::Query::Config`].
    Config(ConfigReport),
    /// To [`crate::request::Query::Statistics`]: in their order.
    Statistics(Vec<SessionStatistics>),
    /// To [`crate::request::Query::Check`]: in the order in which they were looked at.
    Checks(Vec<Check>),
    /// To [`crate::request::Query::Status`].
    Status(Box<StatusReport>),
    /// To [`crate::request::Query::Directory`].
    Directory(Directory),
    /// To [`crate::request::Query::Event`].
    History(History),
    /// To [`crate::request::Request::Monitor`], again and again; without an event now and then, so that
    /// both sides notice when the other has closed.
    Events {
        /// What has happened, in its order.
        events: Vec<Event>,
        /// How many events since the last response are missing, whether they would have been selected or not, because the
        /// reader was too slow: they are before these or between them.
        lost: u64,
    },
    /// To [`crate::request::Request::Routes`], again and again; the last one has an end.
    Routes {
        /// The next ones; with [`crate::request::ShowRoutes::count_by`] none.
        parts: Vec<RoutePart>,
        /// The end.
        end: Option<RoutesEnd>,
    },
    /// To [`crate::request::Request::Routes`] with [`crate::request::ShowRoutes::count_by`], again and again; the last one has an
    /// end.
    RouteCounts {
        /// The next ones, the greatest first.
        counts: Vec<RouteCount>,
        /// The end.
        end: Option<RoutesEnd>,
    },
    /// To any request: it was not done, and nothing was changed. After other responses to it: there are no
    /// more, and what those reported was done.
    Failed(Failure),
}

impl Response {
    /// Appends the items of the next part of the same answer ([`crate::frame::Kind::Part`]). False if `next` is of
    /// another kind, or of one that is never sent in parts.
    pub fn append(&mut self, next: Self) -> bool {
        match (self, next) {
            (Self::Sessions(all), Self::Sessions(more)) => all.extend(more),
            (Self::Statistics(all), Self::Statistics(more)) => all.extend(more),
            (Self::Routers(all), Self::Routers(more)) => all.extend(more),
            (Self::Publishers(all), Self::Publishers(more)) => all.extend(more),
            (Self::History(all), Self::History(more)) => all.events.extend(more.events),
            (Self::Config(all), Self::Config(more)) => all.sections.extend(more.sections),
            (
                Self::Neighbors { neighbors, prefixes },
                Self::Neighbors { neighbors: more_neighbors, prefixes: more_prefixes },
            ) => {
                neighbors.extend(more_neighbors);
                prefixes.extend(more_prefixes);
            }
            _ => return false,
        }
        true
    }
}

/// What has happened, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The selected events, the oldest first.
    pub events: Vec<Event>,
    /// The sequence number of the newest event that there is, selected or not.
    pub last: u64,
    /// How many events since the start are no longer kept.
    pub dropped: u64,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failure {
    /// The selector matches no session.
    NoSuchSession {
        /// What was requested.
        selector: Selector,
        /// The sessions with the same address, then all others.
        existing: Vec<SessionId>,
        /// The configuration file, if it has such a session that bmpd does not run.
        configured_in: Option<String>,
    },
    /// There is no such neighbor.
    NoSuchNeighbor {
        /// What was requested.
        address: IpAddr,
        /// The instance that was requested, if one was named.
        vpn_instance: Option<VpnInstanceName>,
        /// The neighbors there are.
        existing: Vec<NeighborId>,
    },
    /// There is no such router.
    NoSuchRouter {
        /// What was requested.
        router: RouterId,
        /// Those there are.
        existing: Vec<RouterId>,
    },
    /// There is no such publisher.
    NoSuchPublisher {
        /// What was requested.
        publisher: PublisherName,
        /// Those there are.
        existing: Vec<PublisherName>,
        /// The configuration file, if it has such a publisher that bmpd does not run.
        configured_in: Option<String>,
    },
    /// There is no such VPN instance.
    NoSuchVpnInstance {
        /// What was requested.
        name: VpnInstanceName,
        /// Those there are.
        existing: Vec<VpnInstanceName>,
    },
    /// The caller's level is too low.
    NotPermitted {
        /// What the request needs.
        needed: Level,
        /// What the caller has.
        has: Level,
        /// The caller as bmpd sees it, such as `alice (pid 4711)`.
        caller: String,
        /// Why it has that level, such as `group noc in [control]`.
        because: String,
        /// A group whose members have the level that is needed; `None` if there is none, or if joining it
        /// would not help this caller.
        group: Option<String>,
        /// The configuration file, whose `[control]` maps users and groups to levels.
        file: String,
    },
    /// The configuration file is bad; the text names file, line and key.
    Configuration(String),
    /// bmpd is about to stop.
    Stopping,
    /// As many are served as is allowed; a sentence for people.
    Busy(String),
    /// Something else; a sentence for people.
    Other(String),
}
