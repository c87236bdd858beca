//! Why a connection ended or did not come up.

use std::io;
use std::time::Duration;

use shared::response::DownReason;

use crate::net::{self, connect::ConnectError};

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
    /// Reading or writing failed.
    #[error("the connection failed: {}", net::describe(.0))]
    Connection(io::Error),
    /// The station takes no more bytes.
    #[error("the station took nothing for {} s", .0.as_secs())]
    Stalled(Duration),
    /// The station is too slow for what changes.
    #[error("the station fell too far behind: it is told everything anew")]
    Behind,
    /// bmpd stops.
    #[error("bmpd is stopping")]
    Stopping,
}

impl Down {
    /// The stable word for it.
    pub(super) fn reason(&self) -> DownReason {
        match self {
            Down::Reset(_) => DownReason::Reset,
            Down::Closed => DownReason::ClosedByStation,
            Down::Stalled(_) => DownReason::Stalled,
            Down::Behind => DownReason::FellBehind,
            Down::Stopping => DownReason::Stopping,
            Down::Connect(ConnectError::TimedOut { .. }) => DownReason::TimedOut,
            Down::Connect(error) => of_system(error.raw_os_error()),
            Down::Connection(error) => of_system(error.raw_os_error()),
        }
    }
}

/// The word for an error of the system.
fn of_system(error: Option<i32>) -> DownReason {
    match error {
        Some(libc::ECONNREFUSED) => DownReason::Refused,
        Some(libc::ECONNRESET | libc::EPIPE) => DownReason::ConnectionReset,
        Some(libc::ETIMEDOUT) => DownReason::TimedOut,
        Some(libc::ENODEV) => DownReason::NoDevice,
        Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::ENETDOWN | libc::EADDRNOTAVAIL) => {
            DownReason::Unreachable
        }
        _ => DownReason::Other,
    }
}
