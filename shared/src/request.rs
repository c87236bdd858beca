//! What can be asked of bmpd.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use crate::level::Level;
use crate::log_level::LogLevel;
use crate::names::{Selector, Shown, VpnInstanceName};
use crate::time::Span;

/// The longest time between two sessions of a reset: one hour, ms.
pub const STAGGER_MAX: u64 = 3_600_000;

/// The longest time for which a log level can be set: one day, ms.
pub const LOG_LASTS_MAX: u64 = 86_400_000;

/// One question or order. Each says what level it needs: 1 is monitoring, 2 is configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Read the configuration, end the selected sessions, connect them again with the parameters as
    /// configured now, and send everything again. Level 2. Answered with
    /// [`crate::response::Response::Reset`] as soon as every session has taken the order, or with a stagger
    /// as each of them has, and with `follow` with [`crate::response::Response::Progress`] until each of them
    /// is synchronised. A newer one takes over what an older one has still to do
    /// ([`crate::response::Done::LeftTo`]); one whose caller loses its level ends in the middle
    /// ([`crate::response::Response::Failed`]).
    ResetSession {
        /// Which.
        selector: Selector,
        /// The time between one session and the next, ms; 0 is all at once. At most [`STAGGER_MAX`].
        stagger: u64,
        /// True to be told how far the sessions are.
        follow: bool,
    },
    /// Read the configuration and say what a reset of the selected sessions would do. Level 1. Answered
    /// with [`crate::response::Response::ResetPlan`].
    PlanReset(Selector),
    /// Read the configuration, check all of it, and apply it as one: what is new begins, what is gone ends,
    /// what can change at run time does; connection parameters of running sessions become pending. Level
    /// 2, for a dry run 1. Answered with [`crate::response::Response::Reloaded`].
    Reload {
        /// True to be told only what would be done.
        dry_run: bool,
    },
    /// Let the selected sessions count from zero. Their connections are not touched. Level 2. Answered
    /// with [`crate::response::Response::Cleared`].
    ClearStatistics(Selector),
    /// Log at another level, without a level at that of bmpd's command line. Level 2. Answered with
    /// [`crate::response::Response::Log`].
    SetLog {
        /// Which.
        level: Option<LogLevel>,
        /// For how long, ms, at most [`LOG_LASTS_MAX`]; then it is that of the command line again. `None` is
        /// until another one is set, or bmpd ends.
        lasts: Option<u64>,
    },
    /// Tell at which level bmpd logs. Level 1. Answered with [`crate::response::Response::Log`].
    ShowLog,
    /// Describe the selected sessions. Level 1. Answered with
    /// [`crate::response::Response::Sessions`].
    ShowSession(Selector),
    /// Describe all BGP neighbors, or those with an address or of a VPN instance. Level 1. Answered with
    /// [`crate::response::Response::Neighbors`].
    ShowNeighbor {
        /// Limits the answer to this address; without a VPN instance in every one.
        address: Option<IpAddr>,
        /// Limits the answer to this VPN instance.
        vpn_instance: Option<VpnInstanceName>,
    },
    /// Describe all VPN instances, or one. Level 1. Answered with
    /// [`crate::response::Response::VpnInstances`].
    ShowVpnInstance(Option<VpnInstanceName>),
    /// Tell the configuration in effect. Level 1. Answered with [`crate::response::Response::Config`].
    ShowConfig,
    /// Tell what the selected sessions have counted. Level 1. Answered with
    /// [`crate::response::Response::Statistics`].
    ShowStatistics(Selector),
    /// Describe bmpd itself. Level 1. Answered with [`crate::response::Response::Status`].
    ShowStatus,
    /// Tell every name there is. Level 1. Answered with [`crate::response::Response::Directory`].
    Directory,
    /// Tell what happens from now on. Level 1. Answered with [`crate::response::Response::Events`] until
    /// one side closes.
    Monitor,
}

impl Request {
    /// The command level that the caller needs.
    pub fn level(&self) -> Level {
        match self {
            Request::ResetSession { .. }
            | Request::Reload { dry_run: false }
            | Request::ClearStatistics(_)
            | Request::SetLog { .. } => Level::Configuration,
            Request::PlanReset(_)
            | Request::Reload { dry_run: true }
            | Request::ShowLog
            | Request::ShowSession(_)
            | Request::ShowNeighbor { .. }
            | Request::ShowVpnInstance(_)
            | Request::ShowConfig
            | Request::ShowStatistics(_)
            | Request::ShowStatus
            | Request::Directory
            | Request::Monitor => Level::Monitoring,
        }
    }
}

/// The request as bmpctl's arguments.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::ResetSession { selector, stagger: 0, follow: _ } => {
                write!(f, "reset session {selector}")
            }
            Request::ResetSession { selector, stagger, follow: _ } => {
                write!(f, "reset session {selector} --stagger {}", Span(*stagger))
            }
            Request::PlanReset(selector) => write!(f, "reset session {selector} --dry-run"),
            Request::Reload { dry_run: false } => f.write_str("reload"),
            Request::Reload { dry_run: true } => f.write_str("reload --dry-run"),
            Request::ClearStatistics(selector) => write!(f, "clear statistics {selector}"),
            Request::SetLog { level, lasts } => {
                write!(f, "log level {}", level.map_or("default", LogLevel::name))?;
                match lasts {
                    Some(lasts) => write!(f, " --for {}", Span(*lasts)),
                    None => Ok(()),
                }
            }
            Request::ShowLog => f.write_str("log level"),
            Request::ShowSession(selector) => write!(f, "show session {selector}"),
            Request::ShowNeighbor { address, vpn_instance } => {
                f.write_str("show neighbor")?;
                if let Some(address) = address {
                    write!(f, " {address}")?;
                }
                match vpn_instance {
                    Some(name) => write!(f, " --vpn-instance {}", Shown(name.as_str())),
                    None => Ok(()),
                }
            }
            Request::ShowVpnInstance(None) => f.write_str("show vpn-instance"),
            Request::ShowVpnInstance(Some(name)) => {
                write!(f, "show vpn-instance {}", Shown(name.as_str()))
            }
            Request::ShowConfig => f.write_str("show config"),
            Request::ShowStatistics(selector) => write!(f, "show statistics {selector}"),
            Request::ShowStatus => f.write_str("show status"),
            Request::Directory => f.write_str("completion"),
            Request::Monitor => f.write_str("monitor"),
        }
    }
}
