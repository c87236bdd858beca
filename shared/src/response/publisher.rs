//! The report of a publisher: what is configured towards the topics of a message bus.

use serde::{Deserialize, Serialize};

use super::session::{LastReset, Sent};
use crate::change::Change;
use crate::names::{PublisherName, RouterId};
use crate::state::PublisherState;
use crate::time::{Span, Timestamp};

/// One publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublisherReport {
    /// Its name.
    pub id: PublisherName,
    /// From the configuration.
    pub description: Option<String>,
    /// Its state.
    pub state: PublisherState,
    /// Why it is in this state; a few words for people.
    pub why: String,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// The brokers that it asks first, as host and port.
    pub bootstrap_servers: Vec<String>,
    /// The topic as configured; a template is filled in for each router.
    pub topic: String,
    /// The most that may be under way, bytes.
    pub window: u64,
    /// Records given to the client library that no broker has acknowledged.
    pub in_flight_records: u64,
    /// What they take, bytes.
    pub in_flight_bytes: u64,
    /// For how long none was acknowledged while there were some.
    pub unacknowledged_for: Option<Span>,
    /// How often the window was full.
    pub blocked_times: u64,
    /// For how long in all.
    pub blocked_for: Span,
    /// Records that were acknowledged since bmpd started.
    pub acknowledged_records: u64,
    /// Their length, without what the client library adds, bytes.
    pub acknowledged_bytes: u64,
    /// The time from giving a record to the client library to its acknowledgement: the mean of the last second in
    /// which there were any, µs.
    pub latency: Option<u64>,
    /// Producers that were started: the first one, one for each reset, and one each time that it is in doubt what
    /// the brokers have.
    pub producers: u64,
    /// How often it was in doubt what the brokers have, so that a new generation began.
    pub doubts: u64,
    /// How often records were sent again that were not acknowledged in time.
    pub rewinds: u64,
    /// What is wrong with how its topics are set up; sentences for people.
    pub warnings: Vec<String>,
    /// What went wrong last.
    pub last_error: Option<PublisherError>,
    /// Parameters as configured that differ from those of the producer: a reset puts them into effect.
    pub pending: Vec<Change>,
    /// The last reset.
    pub last_reset: Option<LastReset>,
    /// Time to the next snapshot, if there are any.
    pub next_snapshot: Option<Span>,
    /// How many routers are published that are there.
    pub routers_there: u32,
    /// In how many of them everything was acknowledged.
    pub routers_synchronised: u32,
    /// What was sent of all routers in their present generations.
    pub sent: Sent,
    /// Routes still to be sent, of all routers.
    pub routes_to_send: u64,
    /// The routers; only for a publisher that was asked for by its name.
    pub routers: Vec<PublishedRouter>,
}

/// What is published of one router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublishedRouter {
    /// The router; `local` is bmpd itself.
    pub router: RouterId,
    /// Its topic.
    pub topic: String,
    /// Its partition; `None` until the topic is known.
    pub partition: Option<i32>,
    /// The router hash of the OpenBMP header and key of its records, in hexadecimal.
    pub router_hash: String,
    /// The number of the generation; 0 before the first one.
    pub generation: u64,
    /// Why it began; a few words for people.
    pub why: String,
    /// When it began.
    pub since: Timestamp,
    /// How long ago that was.
    pub age: Span,
    /// The newest generation of which everything was acknowledged; 0 if none was.
    pub synchronised_generation: u64,
    /// What was sent in this generation.
    pub sent: Sent,
    /// Records that were acknowledged in it.
    pub acknowledged: u64,
    /// The offset of the last record that was acknowledged.
    pub offset: Option<i64>,
    /// Routes still to be sent.
    pub routes_to_send: u64,
}

/// What went wrong with a publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublisherError {
    /// Why.
    pub reason: PublisherReason,
    /// The same with its details, for people.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How long ago.
    pub ago: Span,
}

/// What can go wrong with a publisher. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PublisherReason {
    /// No broker answers, or the connection to it was lost.
    BrokerUnreachable,
    /// TLS failed.
    Tls,
    /// A broker did not accept the user and password.
    AuthenticationFailed,
    /// The user may not write to the topic.
    NotAuthorized,
    /// The topic is not there.
    TopicMissing,
    /// The topic was made anew, or has lost records that were acknowledged.
    TopicReplaced,
    /// A broker does not take a record of this size.
    RecordTooLarge,
    /// A broker has an error of its own, such as a full disk, or too few replicas are in sync.
    BrokerError,
    /// Nothing was acknowledged within `delivery-timeout`.
    TimedOut,
    /// The client library or a broker no longer knows which records were written.
    InDoubt,
    /// The client library cannot be used with these parameters.
    Unusable,
}

impl PublisherReason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::BrokerUnreachable,
        Self::Tls,
        Self::AuthenticationFailed,
        Self::NotAuthorized,
        Self::TopicMissing,
        Self::TopicReplaced,
        Self::RecordTooLarge,
        Self::BrokerError,
        Self::TimedOut,
        Self::InDoubt,
        Self::Unusable,
    ];

    /// The reason as scripts know it.
    pub fn word(self) -> &'static str {
        match self {
            Self::BrokerUnreachable => "broker-unreachable",
            Self::Tls => "tls",
            Self::AuthenticationFailed => "authentication-failed",
            Self::NotAuthorized => "not-authorized",
            Self::TopicMissing => "topic-missing",
            Self::TopicReplaced => "topic-replaced",
            Self::RecordTooLarge => "record-too-large",
            Self::BrokerError => "broker-error",
            Self::TimedOut => "timed-out",
            Self::InDoubt => "in-doubt",
            Self::Unusable => "unusable",
        }
    }
}

/// What became of a publisher in a reset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherReset {
    /// The publisher.
    pub id: PublisherName,
    /// What was done, or why it was not; a sentence for people.
    pub result: Result<PublisherResetDone, String>,
}

/// A reset that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PublisherResetDone {
    /// True if it has a new producer; a reset of one router needs none.
    pub new_producer: bool,
    /// The generations that begin, by router; those of routers that are not there have none.
    pub generations: Vec<RouterGeneration>,
    /// Parameters that are in effect now and were not before.
    pub changes: Vec<Change>,
}

/// A generation of a router.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RouterGeneration {
    /// The router.
    pub router: RouterId,
    /// The generation.
    pub generation: u64,
}

/// What a reset of a publisher would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublisherPlan {
    /// The publisher.
    pub id: PublisherName,
    /// What would be done, or why it would not; a sentence for people.
    pub result: Result<PlannedPublisherReset, String>,
}

/// What a reset of a publisher would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PlannedPublisherReset {
    /// Routers whose generation would begin.
    pub routers: Vec<RouterId>,
    /// Routes that are there to be sent again.
    pub routes: u64,
    /// Parameters that would be in effect and are not now.
    pub changes: Vec<Change>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_reasons_are_those_of_json() {
        for reason in PublisherReason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        }
    }
}
