//! Answers for machines: JSON documents of one stable shape, which `bmpctl --json` prints and bmpd serves over HTTP.
//!
//! Every document is an object with a `kind`. Times are texts of RFC 3339, lengths of time are seconds,
//! states and reasons are words such as `closed-by-station`. Fields may be added; none is removed and
//! none changes its meaning. The schema is `docs/bmpctl.schema.json`, and a test keeps it.
//!
//! Every field is always there: what there is not, or is not known, is null, and an empty list if it is a
//! list. A number never stands for that.
//!
//! One thing has one name. An object that is about one session, neighbor, router or publisher has its name as `id`;
//! where another object refers to one, that is `session`, `neighbor`, `router` or `publisher`, and a list of them is
//! `sessions`, `neighbors`, `routers` or `publishers`. The name is an object with `address` and `vpn_instance`, of a
//! session also `alias`; that of a router is a text, `local` for bmpd itself, and so is that of a publisher. What is about one leg of a session, its connection that
//! carries one router, has both names. What a reload reports is a table of the file, and there a
//! `[[bgp.neighbor]]` or a `[[router]]` can have a prefix: its `name` is a text, such as `192.0.2.0/24`.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;

use crate::event::{Event, EventKind};
use crate::names::{LegId, NeighborId, PublisherName, RouterId, SessionId, VpnInstanceName};
use crate::reference::Entry;
use crate::request::CheckSubject;
use crate::response::{
    Change, Check, ConfigProblem, Done, History, LogReport, NeighborReport, NeighborState,
    PlannedPublisherReset, PlannedReset, PrefixReport, Progress, ProgressEnd, PublisherPlan,
    PublisherReport, PublisherReset, PublisherResetDone, PublisherState, RefusedReload,
    ReloadAction, ReloadItem, ReloadReport, ReloadSubject, ResetDone, ResetOutcome, ResetPlan,
    RouteCount, RouteReport, RouterReport, RouterReset, RouterState, RoutesEnd, SessionReport,
    SessionState, SessionStatistics, StatusReport, VpnInstanceReport,
};
use crate::time::{Span, Timestamp};

/// What bmpctl prints with `--json`.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Document {
    /// Of `reset session`.
    Reset {
        /// What became of each leg of the selected sessions.
        sessions: Vec<ResetSession>,
        /// Legs that were still to be reset when the command ended; 0 otherwise.
        to_come: u32,
        /// The sessions that `all` skips, as they are shut down in the configuration.
        skipped: Vec<SessionId>,
        /// What ended the command before everything was done or known; null if nothing did.
        error: Option<ErrorReport>,
    },
    /// Of `reset session --dry-run`.
    ResetPlan {
        /// What would become of each leg of the selected sessions.
        sessions: Vec<PlannedSession>,
        /// The sessions that `all` would skip, as they are shut down in the configuration.
        skipped: Vec<SessionId>,
        /// The time between one leg and the next; null if all would be reset at once.
        stagger: Option<Span>,
    },
    /// Of `reload`.
    Reload {
        /// True if nothing was done: this is the plan.
        dry_run: bool,
        /// The file that was read.
        file: String,
        /// What is different.
        items: Vec<ReloadEntry>,
        /// What is allowed and probably not what was meant.
        warnings: Vec<String>,
    },
    /// Of `config check`.
    ConfigChecked {
        /// The file that was checked.
        file: String,
        /// The files that it includes, in their order; empty if something is wrong.
        included: Vec<String>,
        /// What is wrong, in the order of the files; empty if the file can be used, and the exit code is 0.
        problems: Vec<ConfigProblem>,
        /// How many problems there are besides.
        more: u32,
        /// What is allowed and probably not what was meant.
        warnings: Vec<String>,
    },
    /// Of `config explain`.
    ConfigKeys {
        /// The key, a table and its keys, or all that have the name.
        keys: Vec<Entry>,
    },
    /// Of `clear statistics`.
    StatisticsCleared {
        /// The sessions that count from zero now.
        sessions: Vec<SessionId>,
    },
    /// Of `log level`.
    Log {
        /// How it is now.
        log: LogReport,
    },
    /// Of `show session` and `display bmp session`.
    Sessions {
        /// The selected sessions.
        sessions: Vec<SessionReport>,
    },
    /// Of `check`: of the three names one is not null.
    Checks {
        /// The session.
        session: Option<SessionId>,
        /// The neighbor.
        neighbor: Option<NeighborId>,
        /// The router.
        router: Option<RouterId>,
        /// What was looked at, in this order.
        checks: Vec<Check>,
    },
    /// Of `wait session`.
    Waited {
        /// What was waited for: `synchronised`, `up` or `down`.
        #[serde(rename = "for")]
        goal: &'static str,
        /// The sessions that are as wanted.
        reached: Vec<SessionId>,
        /// The sessions that are not.
        waiting: Vec<WaitingSession>,
    },
    /// Of `reset router`.
    RoutersReset {
        /// What became of each selected router.
        routers: Vec<ResetRouter>,
    },
    /// Of `show router`.
    Routers {
        /// The routers, `local` being bmpd itself.
        routers: Vec<RouterReport>,
    },
    /// Of `reset publisher`.
    PublishersReset {
        /// What became of each selected publisher.
        publishers: Vec<ResetPublisher>,
        /// Publishers that were not reset, as the command ended before their turn; 0 otherwise.
        to_come: u32,
        /// The publishers that `all` skips, as they are shut down in the configuration.
        skipped: Vec<PublisherName>,
        /// What ended the command before everything was done or known; null if nothing did.
        error: Option<ErrorReport>,
    },
    /// Of `reset publisher --dry-run`.
    PublishersResetPlan {
        /// What would become of each selected publisher.
        publishers: Vec<PlannedPublisher>,
        /// The publishers that `all` would skip, as they are shut down in the configuration.
        skipped: Vec<PublisherName>,
        /// The time between one publisher and the next; null if all would be reset at once.
        stagger: Option<Span>,
    },
    /// Of `show publisher`.
    Publishers {
        /// The publishers.
        publishers: Vec<PublisherReport>,
    },
    /// Of `show neighbor`.
    Neighbors {
        /// The neighbors.
        neighbors: Vec<NeighborReport>,
        /// The prefixes that further ones can come from.
        prefixes: Vec<PrefixReport>,
    },
    /// Of `show vpn-instance`.
    VpnInstances {
        /// The instances, the public one with the name null.
        vpn_instances: Vec<VpnInstanceReport>,
    },
    /// Of `show config`.
    Config {
        /// The file that it was read from.
        file: String,
        /// The files that it includes, in their order.
        included: Vec<String>,
        /// The last reload, if it was refused; otherwise null.
        refused_reload: Option<RefusedReload>,
        /// True if the file has another text than the one in effect; null if it cannot be read, or not in time.
        file_differs: Option<bool>,
        /// The tables of the file.
        sections: Vec<Section>,
    },
    /// Of `show statistics`.
    Statistics {
        /// The selected sessions.
        sessions: Vec<SessionStatistics>,
    },
    /// Of `show status`.
    Status {
        /// The daemon.
        status: Box<StatusReport>,
    },
    /// Of `show version`.
    Version {
        /// The version of bmpctl.
        bmpctl: String,
        /// The version of bmpd.
        bmpd: String,
        /// The version of the protocol between them.
        protocol: u16,
    },
    /// Of `show event`.
    Events {
        /// What has happened, the oldest first.
        events: Vec<EventReport>,
        /// The sequence number of the newest event that there is, whether it is selected or not: `monitor --after` goes
        /// on behind it.
        last: u64,
        /// How many events since bmpd was started are no longer kept, whether they would be selected or not.
        dropped: u64,
    },
    /// Of `monitor`, one a line: something that has happened.
    Event(EventReport),
    /// Of `monitor`: events before the next one did not come, because the reader was too slow.
    EventsLost {
        /// How many.
        count: u64,
    },
    /// Of `show route`, one a line: a route.
    Route(Box<RouteReport>),
    /// Of `show route --count-by`, one a line: how many routes have something in common.
    RouteCount(RouteCount),
    /// Of `show route`, the last line.
    RoutesEnd(RoutesEnd),
    /// Of any command: it was not done.
    Error(ErrorReport),
}

/// Something that has happened.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EventReport {
    /// Its number: greater than that of every event before it, also of those before a restart of bmpd.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: EventDetails,
}

/// What has happened.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventDetails {
    /// The state of a leg of a session is another one, or another generation began in the same state.
    Session {
        /// The session.
        session: SessionId,
        /// The router that the leg carries.
        router: RouterId,
        /// The generation of its connection, or of the next one.
        generation: u64,
        /// What it was; null if the leg has just begun.
        from: Option<SessionState>,
        /// What it is; null if the leg has ended.
        to: Option<SessionState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A neighbor's state is another one.
    Neighbor {
        /// The neighbor.
        neighbor: NeighborId,
        /// What it was; null if it has just begun.
        from: Option<NeighborState>,
        /// What it is; null if it has ended.
        to: Option<NeighborState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A router's state is another one.
    Router {
        /// The router.
        router: RouterId,
        /// What it was; null if it has just begun.
        from: Option<RouterState>,
        /// What it is; null if it has ended.
        to: Option<RouterState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A publisher's state is another one.
    Publisher {
        /// The publisher.
        publisher: PublisherName,
        /// What it was; null if it has just begun.
        from: Option<PublisherState>,
        /// What it is; null if it has ended.
        to: Option<PublisherState>,
        /// Why; a few words for people.
        why: String,
    },
    /// A command that can change something was given.
    Command {
        /// Who gave it: user and process, or a signal.
        by: String,
        /// The command, as bmpctl's arguments.
        command: String,
        /// What was done; null if it was refused or failed.
        done: Option<String>,
        /// Why it was refused or failed; null if it did not.
        error: Option<String>,
    },
    /// A reload has changed what runs.
    Reload {
        /// Who asked for it.
        by: String,
        /// What was changed; only the first items of a long list.
        items: Vec<ReloadEntry>,
        /// How many items there are besides.
        more: u32,
    },
    /// bmpd was started.
    Started {
        /// Its version.
        version: String,
    },
    /// bmpd is about to stop.
    Stopping,
}

/// Whether bmpd works, as `/health` and `/health/ready` of its HTTP server answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// What it does.
    pub status: HealthStatus,
    /// How many sessions there are to be synchronised, without those in Shutdown; null at `/health`, which does not
    /// query them.
    pub sessions: Option<u32>,
    /// How many of them are: their stations were sent everything.
    pub sessions_synchronised: Option<u32>,
    /// How many publishers there are to be synchronised, without those in Shutdown; null at `/health`.
    pub publishers: Option<u32>,
    /// How many of them are: brokers have acknowledged everything.
    pub publishers_synchronised: Option<u32>,
}

/// What bmpd does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HealthStatus {
    /// It runs; at `/health/ready`, everything is synchronised.
    Ok,
    /// It runs, and not everything is synchronised.
    NotSynchronised,
    /// It is about to stop.
    Stopping,
}

/// Why a request by HTTP was not answered (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`: the status is the kind of the problem.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The phrase of the status, such as `Not Found`.
    pub title: &'static str,
    /// The status.
    pub status: u16,
    /// What was wrong, and what to do.
    pub detail: String,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorReport {
    /// The exit code of bmpctl.
    pub exit_code: u8,
    /// The reason as scripts know it.
    pub reason: &'static str,
    /// The same for people, with what can be done.
    pub message: String,
    /// The sessions there are, if the one that was named does not exist; otherwise empty.
    pub sessions: Vec<SessionId>,
    /// The neighbors there are, if the one that was named does not exist; otherwise empty.
    pub neighbors: Vec<NeighborId>,
    /// The routers there are, if the one that was named does not exist; otherwise empty.
    pub routers: Vec<RouterId>,
    /// The publishers there are, if the one that was named does not exist; otherwise empty.
    pub publishers: Vec<PublisherName>,
    /// The VPN instances there are, if the one that was named does not exist; otherwise empty.
    pub vpn_instances: Vec<VpnInstanceName>,
}

/// A session that is not as wanted when a wait ends.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WaitingSession {
    /// The session.
    pub id: SessionId,
    /// Its state.
    pub state: SessionState,
    /// Why it is in this state; a few words for people.
    pub why: String,
}

/// What became of one leg of a session.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetSession {
    /// The session.
    pub id: SessionId,
    /// The router that the leg carries.
    pub router: RouterId,
    /// What was done; null if the reset failed, or was superseded by a newer one.
    pub done: Option<ResetDone>,
    /// Who asked for the newer reset that has taken this leg over: user and process, such as
    /// `alice (pid 4711)`; null if none has.
    pub superseded_by: Option<String>,
    /// Why the reset failed; null if it did not.
    pub error: Option<String>,
    /// With `--wait`: how far the leg came; otherwise null, and while nothing is known of it yet.
    pub progress: Option<Progress>,
}

/// What became of one router.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetRouter {
    /// The router.
    pub id: RouterId,
    /// True if a connection was up and has been ended, false if it had none; null if the reset failed.
    pub was_up: Option<bool>,
    /// Why the reset failed; null if it did not.
    pub error: Option<String>,
}

/// What became of one publisher.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ResetPublisher {
    /// The publisher.
    pub id: PublisherName,
    /// What was done; null if the reset failed.
    pub done: Option<PublisherResetDone>,
    /// Why the reset failed; null if it did not.
    pub error: Option<String>,
    /// With `--wait`: how far the publisher came; otherwise null, and while nothing is known of it yet.
    pub progress: Option<PublisherProgress>,
}

/// How far a publisher is that was reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublisherProgress {
    /// Its state; null if a reload has removed it.
    pub state: Option<PublisherState>,
    /// Why it is in this state; a few words for people.
    pub why: String,
    /// Routers whose generation began with the reset, without those that have left.
    pub routers: u32,
    /// Those of them of which brokers have acknowledged everything.
    pub routers_synchronised: u32,
    /// Routers whose generation began with the reset, and that have left meanwhile.
    pub routers_left: Vec<RouterId>,
    /// Routes still to be sent of the routers that are not synchronised.
    pub routes_to_send: u64,
    /// What it has come to; null while it is waited for.
    pub end: Option<ProgressEnd>,
}

/// What would become of one publisher.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedPublisher {
    /// The publisher.
    pub id: PublisherName,
    /// What would be done; null if the reset would fail.
    pub plan: Option<PlannedPublisherReset>,
    /// Why the reset would fail; null if it would not.
    pub error: Option<String>,
}

/// What would become of one leg of a session.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedSession {
    /// The session.
    pub id: SessionId,
    /// The router that the leg carries.
    pub router: RouterId,
    /// What would be done; null if the reset would fail.
    pub plan: Option<PlannedReset>,
    /// Why the reset would fail; null if it would not.
    pub error: Option<String>,
}

/// One thing that is different in the file.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReloadEntry {
    /// `session`, `neighbor`, `listener`, `router`, `router-listener`, `publisher` or `daemon`.
    pub subject: &'static str,
    /// The address or prefix of the neighbor, with its VPN instance if it is in one, the name or prefix of the
    /// router, the name of the publisher, or the address of the listener; null for any other subject.
    pub name: Option<String>,
    /// The session, if that is the subject; otherwise null.
    pub session: Option<SessionId>,
    /// What becomes of it.
    pub action: ReloadAction,
    /// Parameters that are different.
    pub changes: Vec<Change>,
}

/// One table of the configuration.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Section {
    /// Its heading, such as `session` or `bgp.neighbor`.
    pub name: String,
    /// Its keys.
    pub settings: Vec<Setting>,
}

/// One key.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Setting {
    /// The key, such as `tcp.connect-port`.
    pub key: String,
    /// The value in effect; null if there is none, `***` for a key.
    pub value: Value,
    /// True if another value waits for a reset or a restart.
    pub is_pending: bool,
    /// That value, if so.
    pub pending: Value,
    /// What puts it into effect, if so: a command such as `bmpctl reset session 10.1.1.1`, or a restart of
    /// bmpd; otherwise null.
    pub pending_until: Option<String>,
}

impl Document {
    /// Of `check`.
    pub fn checks(subject: &CheckSubject, checks: Vec<Check>) -> Self {
        let (mut session, mut neighbor, mut router) = (None, None, None);
        match subject {
            CheckSubject::Session(id) => session = Some(id.clone()),
            CheckSubject::Neighbor(id) => neighbor = Some(id.clone()),
            CheckSubject::Router(id) => router = Some(id.clone()),
        }
        Self::Checks { session, neighbor, router, checks }
    }

    /// The document as text for people's eyes, too.
    pub fn to_text(&self) -> String {
        // Text, numbers and lists of them: there is nothing in it that JSON could not hold.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The document as one line.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// Of `monitor`.
    pub fn event(event: &Event) -> Self {
        Self::Event(EventReport::of(event))
    }

    /// Of `show event`.
    pub fn events(history: &History) -> Self {
        let History { events, last, dropped } = history;
        let events = events.iter().map(EventReport::of).collect();
        Self::Events { events, last: *last, dropped: *dropped }
    }

    /// What became of legs, and how far those came that were waited for.
    pub fn reset(
        outcomes: Vec<ResetOutcome>,
        skipped: Vec<SessionId>,
        to_come: u32,
        progress: Vec<Progress>,
        error: Option<ErrorReport>,
    ) -> Self {
        let mut reached: HashMap<LegId, Progress> =
            progress.into_iter().map(|progress| (progress.leg(), progress)).collect();
        let session = |ResetOutcome { id, result }| {
            let progress = reached.remove(&id);
            let (done, superseded_by, error) = match result {
                Ok(Done::Reset(done)) => (Some(done), None, None),
                Ok(Done::SupersededBy { by }) => (None, Some(by), None),
                Err(reason) => (None, None, Some(reason)),
            };
            let LegId { session: id, router } = id;
            ResetSession { id, router, done, superseded_by, error, progress }
        };
        let sessions = outcomes.into_iter().map(session).collect();
        Self::Reset { sessions, to_come, skipped, error }
    }

    /// What would become of legs.
    pub fn reset_plan(
        plans: Vec<ResetPlan>,
        skipped: Vec<SessionId>,
        stagger: Option<Span>,
    ) -> Self {
        let session = |ResetPlan { id: LegId { session: id, router }, result }| {
            let (plan, error) = either(result);
            PlannedSession { id, router, plan, error }
        };
        let sessions = plans.into_iter().map(session).collect();
        Self::ResetPlan { sessions, skipped, stagger }
    }

    /// What became of routers.
    pub fn routers_reset(routers: Vec<RouterReset>) -> Self {
        let router = |RouterReset { id, result }| {
            let (was_up, error) = either(result);
            ResetRouter { id, was_up, error }
        };
        Self::RoutersReset { routers: routers.into_iter().map(router).collect() }
    }

    /// What became of publishers, each with how far it came if it was waited for.
    pub fn publishers_reset(
        publishers: Vec<(PublisherReset, Option<PublisherProgress>)>,
        to_come: u32,
        skipped: Vec<PublisherName>,
        error: Option<ErrorReport>,
    ) -> Self {
        let publisher = |(PublisherReset { id, result }, progress)| {
            let (done, error) = either(result);
            ResetPublisher { id, done, error, progress }
        };
        let publishers = publishers.into_iter().map(publisher).collect();
        Self::PublishersReset { publishers, to_come, skipped, error }
    }

    /// What would become of publishers.
    pub fn publishers_reset_plan(
        plans: Vec<PublisherPlan>,
        skipped: Vec<PublisherName>,
        stagger: Option<Span>,
    ) -> Self {
        let publisher = |PublisherPlan { id, result }| {
            let (plan, error) = either(result);
            PlannedPublisher { id, plan, error }
        };
        let publishers = plans.into_iter().map(publisher).collect();
        Self::PublishersResetPlan { publishers, skipped, stagger }
    }

    /// What a reload has changed, or would change.
    pub fn reload(report: ReloadReport) -> Self {
        let ReloadReport { dry_run, file, items, warnings } = report;
        let items = items.into_iter().map(ReloadEntry::of).collect();
        Self::Reload { dry_run, file, items, warnings }
    }
}

impl EventReport {
    /// An event, as a document has it.
    pub fn of(event: &Event) -> Self {
        let what = match event.what.clone() {
            EventKind::Session { id, router, generation, from, to, why } => {
                EventDetails::Session { session: id, router, generation, from, to, why }
            }
            EventKind::Neighbor { id, from, to, why } => {
                EventDetails::Neighbor { neighbor: id, from, to, why }
            }
            EventKind::Router { id, from, to, why } => {
                EventDetails::Router { router: id, from, to, why }
            }
            EventKind::Publisher { id, from, to, why } => {
                EventDetails::Publisher { publisher: id, from, to, why }
            }
            EventKind::Command { by, command, outcome } => {
                let (done, error) = either(outcome);
                EventDetails::Command { by, command, done, error }
            }
            EventKind::Reload { by, items, more } => {
                let items = items.into_iter().map(ReloadEntry::of).collect();
                EventDetails::Reload { by, items, more }
            }
            EventKind::Started { version } => EventDetails::Started { version },
            EventKind::Stopping => EventDetails::Stopping,
        };
        Self { sequence: event.sequence, at: event.at, what }
    }
}

impl ReloadEntry {
    /// One thing that is different, as a document has it.
    pub fn of(item: ReloadItem) -> Self {
        let ReloadItem { subject, action, changes } = item;
        let (subject, name, session) = match subject {
            ReloadSubject::Session(id) => ("session", None, Some(id)),
            ReloadSubject::Neighbor(name) => ("neighbor", Some(name), None),
            ReloadSubject::Listener(address) => ("listener", Some(address), None),
            ReloadSubject::Router(name) => ("router", Some(name), None),
            ReloadSubject::RouterListener(address) => ("router-listener", Some(address), None),
            ReloadSubject::Publisher(name) => ("publisher", Some(name.to_string()), None),
            ReloadSubject::Daemon => ("daemon", None, None),
        };
        Self { subject, name, session, action, changes }
    }
}

impl ErrorReport {
    /// A failure without further details.
    pub fn new(exit_code: u8, reason: &'static str, message: String) -> Self {
        let (sessions, neighbors) = (Vec::new(), Vec::new());
        let (routers, publishers, vpn_instances) = (Vec::new(), Vec::new(), Vec::new());
        Self { exit_code, reason, message, sessions, neighbors, routers, publishers, vpn_instances }
    }
}

fn either<T>(result: Result<T, String>) -> (Option<T>, Option<String>) {
    match result {
        Ok(done) => (Some(done), None),
        Err(reason) => (None, Some(reason)),
    }
}
