//! What is different in the configuration file: parameters, and the sessions and neighbors that a reload changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::{PublisherName, SessionId};

/// A parameter that is different. Keys are masked: `***`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Change {
    /// Its key in the configuration file, such as `tcp.connect-port`.
    pub key: String,
    /// What it was.
    pub old: String,
    /// What it is, or will be.
    pub new: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, old, new } = self;
        write!(f, "{key} {old} -> {new}")
    }
}

/// One thing that is different in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReloadItem {
    /// What it is about.
    pub subject: ReloadSubject,
    /// What becomes of it.
    pub action: ReloadAction,
    /// Parameters that are different.
    pub changes: Vec<Change>,
}

/// What an item of a reload is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ReloadSubject {
    /// A BMP session.
    Session(SessionId),
    /// A `[[bgp.neighbor]]`: its address or prefix, and its VPN instance if it is in one.
    Neighbor(String),
    /// A place where BGP neighbors connect to, such as `192.0.2.1:179`.
    Listener(String),
    /// A `[[router]]`: its name, or its prefix and its VPN instance if it is in one.
    Router(String),
    /// A place where monitored routers connect to, such as `192.0.2.1:11019`.
    RouterListener(String),
    /// A `[[publisher]]`.
    Publisher(PublisherName),
    /// The daemon itself.
    Daemon,
}

impl fmt::Display for ReloadSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReloadSubject::Session(id) => write!(f, "session {id}"),
            ReloadSubject::Neighbor(name) => write!(f, "neighbor {name}"),
            ReloadSubject::Listener(address) => write!(f, "listening for BGP at {address}"),
            ReloadSubject::Router(name) => write!(f, "router {name}"),
            ReloadSubject::RouterListener(address) => {
                write!(f, "listening for BMP at {address}")
            }
            ReloadSubject::Publisher(name) => write!(f, "publisher {}", name.as_str()),
            ReloadSubject::Daemon => f.write_str("bmpd"),
        }
    }
}

/// What becomes of the subject of a [`ReloadItem`]. Stable: scripts may depend on the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ReloadAction {
    /// It is new, or shut down no longer, and begins.
    Start,
    /// It is gone from the file, or shut down there, or beyond a limit of it, and ends.
    End,
    /// Its parameters take effect at once; nothing is interrupted.
    Apply,
    /// Its parameters wait for a `reset session` or `reset publisher`, or for the next connection.
    Pending,
    /// It ends and begins again with its new parameters; beyond a limit of them it is held down first.
    Restart,
    /// Only a restart of bmpd makes its parameters effective.
    RestartDaemon,
}

impl ReloadAction {
    /// The action as scripts know it.
    pub fn word(self) -> &'static str {
        match self {
            ReloadAction::Start => "start",
            ReloadAction::End => "end",
            ReloadAction::Apply => "apply",
            ReloadAction::Pending => "pending",
            ReloadAction::Restart => "restart",
            ReloadAction::RestartDaemon => "restart-daemon",
        }
    }
}
