//! The service manager that has started bmpd, if any: systemd, or another that implements its protocol.
//!
//! ```text
//!   NOTIFY_SOCKET ──> Manager ── READY, RELOADING, STOPPING, STATUS ──> a datagram each (sd_notify(3))
//!   WATCHDOG_USEC ──> the daemon polls all of its tasks; when all have answered: WATCHDOG
//!   LISTEN_FDS ─────> the control socket, created before bmpd was started (sd_listen_fds(3))
//! ```
//!
//! Without a manager none of it happens. Sending to a manager that does not read blocks for a moment only: it never
//! delays a session.
#![forbid(unsafe_code)]

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

use crate::net::inherited;

/// How long sending a datagram to the manager may take.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Why the environment of the manager cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its notification socket cannot be used.
    #[error("NOTIFY_SOCKET is {address:?}: {}", crate::net::describe(error))]
    Notify {
        /// The address.
        address: std::ffi::OsString,
        /// The system's error.
        error: io::Error,
    },
    /// It passes more than one socket.
    #[error("the service manager passes {0} sockets: bmpd takes one, its control socket")]
    Sockets(String),
    /// The passed descriptor is not a listening socket.
    #[error("the socket that the service manager passes cannot be used: {}", crate::net::describe(.0))]
    Inherited(io::Error),
}

/// Where it is notified, and what it has passed.
#[derive(Debug, Default)]
pub struct Manager {
    notify: Option<(UnixDatagram, SocketAddr)>,
    /// The watchdog timeout.
    watchdog: Option<Duration>,
    socket: Option<OwnedFd>,
}

impl Manager {
    /// The manager that the environment describes. To be called once, before anything else opens a file: the socket is
    /// identified by its descriptor number.
    ///
    /// # Errors
    ///
    /// The environment is invalid.
    pub fn of_environment() -> Result<Self, ServiceError> {
        let is_own_pid = |variable| match env::var(variable) {
            Ok(pid) => pid.parse() == Ok(std::process::id()),
            Err(_) => false,
        };
        let socket = match env::var("LISTEN_FDS") {
            Ok(count) if is_own_pid("LISTEN_PID") => match &*count {
                "0" => None,
                "1" => Some(inherited::listener().map_err(ServiceError::Inherited)?),
                _ => return Err(ServiceError::Sockets(count)),
            },
            _ => None,
        };
        let notify = match env::var_os("NOTIFY_SOCKET").filter(|address| !address.is_empty()) {
            Some(address) => Some(
                connect(address.as_bytes())
                    .map_err(|error| ServiceError::Notify { address, error })?,
            ),
            None => None,
        };
        let is_watched = is_own_pid("WATCHDOG_PID") || env::var_os("WATCHDOG_PID").is_none();
        let watchdog = env::var("WATCHDOG_USEC").ok().and_then(|micros| micros.parse().ok());
        let watchdog = watchdog.filter(|micros| is_watched && *micros > 0);
        Ok(Self { notify, watchdog: watchdog.map(Duration::from_micros), socket })
    }

    /// The control socket, if it has passed one.
    pub(crate) fn take_socket(&mut self) -> Option<OwnedFd> {
        self.socket.take()
    }

    /// The interval of watchdog notifications: half of the watchdog timeout. `None` if there is no watchdog.
    pub(crate) fn period(&self) -> Option<Duration> {
        self.notify.as_ref().and(self.watchdog).map(|time| time / 2)
    }

    /// bmpd is ready; sent again after a reload.
    pub(crate) fn ready(&self, status: &str) {
        self.notify(&format!("READY=1\nSTATUS={status}"));
    }

    /// A reload starts; [`Manager::ready`] ends it.
    pub(crate) fn reloading(&self) {
        // The manager checks by it whether this is the reload that it requested (systemd.service(5)).
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
        self.notify(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// bmpd is stopping.
    pub(crate) fn stopping(&self) {
        self.notify("STOPPING=1\nSTATUS=stopping");
    }

    /// A watchdog notification.
    pub(crate) fn alive(&self) {
        self.notify("WATCHDOG=1");
    }

    fn notify(&self, lines: &str) {
        if let Some((socket, address)) = &self.notify
            && let Err(error) = socket.send_to_addr(lines.as_bytes(), address)
        {
            warn!("cannot notify the service manager of {lines:?}: {error}");
        }
    }
}

/// Shared by the tasks that notify it.
pub(crate) type Shared = Arc<Manager>;

/// The address is a path, or after an @ an abstract name (unix(7)).
fn connect(address: &[u8]) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match address.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(address))?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(manager: &Manager, socket: &UnixDatagram, notify: impl FnOnce(&Manager)) -> String {
        notify(manager);
        let mut text = [0; 256];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    }

    #[test]
    fn the_service_manager_is_notified_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("bmpd-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
        for (socket, address) in [
            (UnixDatagram::bind(&path).unwrap(), path.as_os_str().as_bytes().to_vec()),
            (UnixDatagram::bind_addr(&abstract_name).unwrap(), format!("@{name}").into_bytes()),
        ] {
            let notify = Some(connect(&address).unwrap());
            let manager = Manager { notify, ..Manager::default() };
            let ready = received(&manager, &socket, |manager| manager.ready("2 sessions"));
            assert_eq!(ready, "READY=1\nSTATUS=2 sessions");
            assert_eq!(received(&manager, &socket, Manager::alive), "WATCHDOG=1");
            let reloading = received(&manager, &socket, Manager::reloading);
            let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
            assert!(micros.parse::<u64>().unwrap() > 0, "{reloading}");
        }
    }

    #[test]
    fn a_manager_that_takes_nothing_holds_up_nobody_and_one_that_waits_for_nothing_is_sent_nothing()
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let _full = UnixDatagram::bind(&path).unwrap();
        let notify = Some(connect(path.as_os_str().as_bytes()).unwrap());
        let mut manager = Manager { notify, ..Manager::default() };
        assert_eq!(manager.period(), None);
        manager.watchdog = Some(Duration::from_secs(30));
        assert_eq!(manager.period(), Some(Duration::from_secs(15)));
        let nobody = Manager { watchdog: manager.watchdog, ..Manager::default() };
        assert_eq!(nobody.period(), None);
        // However many datagrams the socket has room for, this returns.
        let (socket, address) = manager.notify.as_ref().unwrap();
        socket.set_nonblocking(true).unwrap();
        while socket.send_to_addr(b"x", address).is_ok() {}
        socket.set_nonblocking(false).unwrap();
        manager.alive();
    }
}
