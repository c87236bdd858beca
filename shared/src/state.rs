//! The states of BMP sessions and of BGP neighbors, as reports and events name them.

use serde::{Deserialize, Serialize};

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// No connection; waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connecting,
    /// The station is to connect to us.
    Listening,
    /// Connected; the station has not yet been sent every route and End-of-RIB of every neighbor that is
    /// up.
    Synchronising,
    /// Connected, and the station has been sent all that.
    Established,
    /// The configuration wants no connection (`shutdown = true`).
    Shutdown,
}

impl SessionState {
    /// Every state, in the order in which lists have them.
    pub const ALL: [Self; 6] = [
        Self::Established,
        Self::Synchronising,
        Self::Connecting,
        Self::Listening,
        Self::Idle,
        Self::Shutdown,
    ];

    /// True if there is a connection.
    pub fn is_up(self) -> bool {
        match self {
            Self::Synchronising | Self::Established => true,
            Self::Idle | Self::Connecting | Self::Listening | Self::Shutdown => false,
        }
    }

    /// Its name in JSON, in metrics and on the command line.
    pub fn word(self) -> &'static str {
        self.names().0
    }

    /// The state of this name.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Idle => ("idle", "Idle"),
            Self::Connecting => ("connecting", "Connecting"),
            Self::Listening => ("listening", "Listening"),
            Self::Synchronising => ("synchronising", "Synchronising"),
            Self::Established => ("established", "Established"),
            Self::Shutdown => ("shutdown", "Shutdown"),
        }
    }
}

/// The state of a neighbor (RFC 4271 section 8.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NeighborState {
    /// Waiting for the next attempt.
    Idle,
    /// An attempt to connect is under way.
    Connect,
    /// Waiting for the neighbor to connect.
    Active,
    /// Our OPEN is sent.
    OpenSent,
    /// Both OPENs are known.
    OpenConfirm,
    /// Up.
    Established,
}

impl NeighborState {
    /// Every state, in the order in which lists have them.
    pub const ALL: [Self; 6] = [
        Self::Established,
        Self::OpenConfirm,
        Self::OpenSent,
        Self::Connect,
        Self::Active,
        Self::Idle,
    ];

    /// True if the BGP session is up.
    pub fn is_up(self) -> bool {
        match self {
            Self::Established => true,
            Self::Idle | Self::Connect | Self::Active | Self::OpenSent | Self::OpenConfirm => false,
        }
    }

    /// Its name in JSON and in metrics.
    pub fn word(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Idle => ("idle", "Idle"),
            Self::Connect => ("connect", "Connect"),
            Self::Active => ("active", "Active"),
            Self::OpenSent => ("open-sent", "OpenSent"),
            Self::OpenConfirm => ("open-confirm", "OpenConfirm"),
            Self::Established => ("established", "Established"),
        }
    }
}

/// The state of a monitored router: of its BMP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RouterState {
    /// Waiting for the next attempt, or held down after an error.
    Idle,
    /// An attempt to connect is under way.
    Connecting,
    /// The router is to connect to us.
    Listening,
    /// Connected, and its Initiation has not come.
    Opening,
    /// Connected; it has sent its Initiation. bmpd itself always is.
    Established,
    /// Its connection is lost, and its tables are kept for `hold-time`.
    Held,
    /// The configuration wants no connection (`shutdown = true`).
    Shutdown,
}

impl RouterState {
    /// Every state, in the order in which lists have them.
    pub const ALL: [Self; 7] = [
        Self::Established,
        Self::Held,
        Self::Opening,
        Self::Connecting,
        Self::Listening,
        Self::Idle,
        Self::Shutdown,
    ];

    /// True if there is a connection with an Initiation.
    pub fn is_up(self) -> bool {
        self == Self::Established
    }

    /// Its name in JSON and in metrics.
    pub fn word(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Idle => ("idle", "Idle"),
            Self::Connecting => ("connecting", "Connecting"),
            Self::Listening => ("listening", "Listening"),
            Self::Opening => ("opening", "Opening"),
            Self::Established => ("established", "Established"),
            Self::Held => ("held", "Held"),
            Self::Shutdown => ("shutdown", "Shutdown"),
        }
    }
}

/// The state of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PublisherState {
    /// No broker has answered yet, or its topic is not known yet.
    Connecting,
    /// Brokers have not yet acknowledged every route and End-of-RIB of the present generations.
    Synchronising,
    /// They have.
    Established,
    /// Records wait, and none was acknowledged for a while.
    Stalled,
    /// The configuration wants nothing published (`shutdown = true`).
    Shutdown,
}

impl PublisherState {
    /// Every state, in the order in which lists have them.
    pub const ALL: [Self; 5] =
        [Self::Established, Self::Synchronising, Self::Stalled, Self::Connecting, Self::Shutdown];

    /// True if brokers take records.
    pub fn is_up(self) -> bool {
        match self {
            Self::Synchronising | Self::Established => true,
            Self::Connecting | Self::Stalled | Self::Shutdown => false,
        }
    }

    /// Its name in JSON and in metrics.
    pub fn word(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        self.names().1
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Connecting => ("connecting", "Connecting"),
            Self::Synchronising => ("synchronising", "Synchronising"),
            Self::Established => ("established", "Established"),
            Self::Stalled => ("stalled", "Stalled"),
            Self::Shutdown => ("shutdown", "Shutdown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_json() {
        for state in SessionState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for state in NeighborState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for state in RouterState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
        for state in PublisherState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
        }
    }

    #[test]
    fn every_state_is_listed_once() {
        let words: std::collections::BTreeSet<_> = SessionState::ALL.map(SessionState::word).into();
        assert_eq!(words.len(), SessionState::ALL.len());
        let words: std::collections::BTreeSet<_> =
            NeighborState::ALL.map(NeighborState::word).into();
        assert_eq!(words.len(), NeighborState::ALL.len());
        let words: std::collections::BTreeSet<_> = RouterState::ALL.map(RouterState::word).into();
        assert_eq!(words.len(), RouterState::ALL.len());
        let words: std::collections::BTreeSet<_> =
            PublisherState::ALL.map(PublisherState::word).into();
        assert_eq!(words.len(), PublisherState::ALL.len());
    }
}
