//! Why a connection ended or did not come up.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use shared::response::DownReason;

use super::leg::NoSourceAddress;
use crate::config::Place;
use crate::last_error::Says;
use crate::net::connect::ConnectError;
use crate::net::listen::ListenError;
use crate::net::place::SocketError;
use crate::net::tls::{self, SetupError, TlsError};
use crate::net::{self, options::OptionError};
use crate::supervise::Panic;
use crate::wire::bmp::TerminationReason;

/// The reason with its details.
#[derive(Debug, thiserror::Error)]
pub(super) enum Down {
    /// `reset session`.
    #[error("reset by {0}")]
    Reset(String),
    /// FIN from the station.
    #[error("the station closed the connection")]
    Closed,
    /// The attempt failed.
    #[error("cannot connect: {0}")]
    Connect(ConnectError),
    /// There is no source address for the router.
    #[error("cannot connect: {0}")]
    NoSourceAddress(NoSourceAddress),
    /// The station has nowhere to connect to.
    #[error("cannot listen: {0}")]
    Listen(ListenError),
    /// A connection that the station made cannot be given what is configured.
    #[error("cannot use the connection that the station made: {0}")]
    Accepted(OptionError),
    /// TLS did not come up.
    #[error("TLS failed: {0}")]
    Tls(TlsError),
    /// What is configured for TLS is no good.
    #[error("TLS cannot be used: {0}")]
    TlsSetup(SetupError),
    /// Reading or writing failed.
    #[error("the connection failed: {}", cause(.0))]
    Connection(io::Error),
    /// The station takes no more bytes.
    #[error("the station took nothing for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The station of a passive session has connected again.
    #[error("the station has made another connection")]
    Replaced,
    /// `shutdown = true`.
    #[error("shut down in the configuration")]
    Shutdown,
    /// The session is gone from the file.
    #[error("removed from the configuration")]
    Removed,
    /// A session without connection has parameters that want another attempt.
    #[error("the configuration has changed")]
    Reconfigured,
    /// bmpd stops.
    #[error("bmpd is stopping")]
    Stopping,
    /// The router that the leg carries has left; the TLVs of its Termination, if it has sent one.
    #[error("the router is gone")]
    RouterGone(Option<Arc<[u8]>>),
    /// A mistake of bmpd.
    #[error("{0}")]
    Panicked(Panic),
}

fn cause(error: &io::Error) -> String {
    match tls::cause(error) {
        Some(cause) => format!("TLS: {cause}"),
        None => net::describe(error),
    }
}

impl Down {
    /// The reason of the Termination, if the station is sent one.
    pub(super) fn termination(&self) -> Option<TerminationReason> {
        match self {
            Down::Reset(_) | Down::Shutdown | Down::Reconfigured | Down::Stopping => {
                Some(TerminationReason::AdministrativelyClosed)
            }
            Down::Replaced => Some(TerminationReason::RedundantConnection),
            Down::Removed => Some(TerminationReason::PermanentlyClosed),
            Down::Closed
            | Down::Connect(_)
            | Down::NoSourceAddress(_)
            | Down::Listen(_)
            | Down::Accepted(_)
            | Down::Tls(_)
            | Down::TlsSetup(_)
            | Down::Connection(_)
            | Down::Stalled(_)
            | Down::RouterGone(_)
            | Down::Panicked(_) => None,
        }
    }

    /// True if somebody wanted it: it is no trouble.
    pub(super) fn is_wanted(&self) -> bool {
        match self {
            Down::Reset(_)
            | Down::Shutdown
            | Down::Removed
            | Down::Reconfigured
            | Down::RouterGone(_)
            | Down::Stopping => true,
            Down::Closed
            | Down::Connect(_)
            | Down::NoSourceAddress(_)
            | Down::Listen(_)
            | Down::Accepted(_)
            | Down::Tls(_)
            | Down::TlsSetup(_)
            | Down::Connection(_)
            | Down::Stalled(_)
            | Down::Replaced
            | Down::Panicked(_) => false,
        }
    }

    /// What it says of an attempt that failed.
    pub(super) fn says(&self) -> Says {
        match self {
            Down::Connect(ConnectError::Io(_) | ConnectError::TimedOut { .. })
            | Down::Connection(_)
            | Down::Closed
            | Down::Reset(_)
            | Down::Shutdown
            | Down::Removed
            | Down::Reconfigured
            | Down::RouterGone(_)
            | Down::Stopping => Says::NoConnection,
            Down::Connect(ConnectError::Place(_) | ConnectError::Option(_))
            | Down::NoSourceAddress(_)
            | Down::Listen(_)
            | Down::Accepted(_)
            | Down::Tls(_)
            | Down::TlsSetup(_)
            | Down::Stalled(_)
            | Down::Replaced
            | Down::Panicked(_) => Says::Cause,
        }
    }

    /// The stable word for it.
    pub(super) fn reason(&self) -> DownReason {
        match self {
            Down::Reset(_) => DownReason::Reset,
            Down::Closed => DownReason::ClosedByStation,
            Down::Stalled(_) => DownReason::Stalled,
            Down::Replaced => DownReason::Replaced,
            Down::Shutdown | Down::Removed | Down::Reconfigured => DownReason::Configuration,
            Down::Stopping => DownReason::Stopping,
            Down::RouterGone(_) => DownReason::RouterGone,
            Down::Panicked(_) => DownReason::InternalError,
            Down::NoSourceAddress(_) => DownReason::Unreachable,
            Down::Tls(_) | Down::TlsSetup(_) => DownReason::TlsFailed,
            Down::Connect(ConnectError::TimedOut { .. }) => DownReason::TimedOut,
            Down::Connect(ConnectError::Place(error)) => of_place(error),
            Down::Connect(ConnectError::Option(error)) | Down::Accepted(error) => of_option(error),
            Down::Connect(ConnectError::Io(error)) => of_io(error),
            Down::Listen(ListenError::Place(error)) => of_place(error),
            Down::Listen(ListenError::Option(error)) => of_option(error),
            Down::Listen(ListenError::Io(error)) => of_io(error),
            Down::Connection(error) if tls::cause(error).is_some() => DownReason::TlsFailed,
            Down::Connection(error) => of_io(error),
        }
    }
}

fn of_place(error: &SocketError) -> DownReason {
    match error {
        SocketError::NoDevice { .. } => DownReason::NoDevice,
        SocketError::NoNamespace { .. } | SocketError::NotANamespace { .. } => {
            DownReason::NoNamespace
        }
        SocketError::Replaced { place: Place::Namespace(_), .. } => DownReason::NoNamespace,
        SocketError::Replaced { .. } => DownReason::NoDevice,
        SocketError::NotPermitted { .. } => DownReason::NotPermitted,
        SocketError::Other { error, .. } => of_io(error),
    }
}

fn of_option(error: &OptionError) -> DownReason {
    match error.error.raw_os_error() {
        Some(libc::ENOPROTOOPT | libc::EOPNOTSUPP) => DownReason::Unsupported,
        _ => of_io(&error.error),
    }
}

fn of_io(error: &io::Error) -> DownReason {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => DownReason::Refused,
        Some(libc::ECONNRESET | libc::EPIPE) => DownReason::ConnectionReset,
        Some(libc::ETIMEDOUT) => DownReason::TimedOut,
        Some(libc::ENODEV) => DownReason::NoDevice,
        Some(libc::EPERM | libc::EACCES) => DownReason::NotPermitted,
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::EADDRNOTAVAIL) => {
            DownReason::Unreachable
        }
        _ if error.kind() == io::ErrorKind::TimedOut => DownReason::TimedOut,
        _ => DownReason::Other,
    }
}
