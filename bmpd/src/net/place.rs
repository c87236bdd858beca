//! Creating a socket in its place: in the host's own network, bound to a device, or in another network namespace.
//!
//! A socket stays in the namespace in which it was created, whoever uses it. So a temporary thread enters the
//! namespace, creates the socket there and ends; a thread of the runtime must never enter one, since every task that it
//! runs later would be in it, too (setns(2) is for one thread).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::oneshot;

use super::capability::{Capability, Missing};
use super::describe;
use super::settings::Place;

/// Where `ip netns` keeps the namespaces that have names (ip-netns(8)).
const NAMED: [&str; 2] = ["/run/netns", "/var/run/netns"];

/// A stack for a thread that makes three calls.
const STACK: usize = 64 * 1024;

/// Why there is no socket. Each variant keeps the error of the system.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    /// ENODEV.
    #[error("there is no device {device}")]
    NoDevice {
        /// Its name.
        device: String,
        /// The system's error.
        error: io::Error,
    },
    /// ENOENT or ENOTDIR.
    #[error("there is no network namespace {}{}", path.display(), HowToMake(path))]
    NoNamespace {
        /// The file that is not there.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// The file is something else, such as a namespace of another kind or one that was deleted and has
    /// left an empty file.
    #[error("{} is not a network namespace", path.display())]
    NotANamespace {
        /// The file.
        path: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It is not the one any more in which the socket was made.
    #[error("{place} was removed and made again")]
    Replaced {
        /// Where the socket was.
        place: Place,
        /// ENODEV.
        error: io::Error,
    },
    /// EPERM or EACCES.
    #[error("not permitted to use {place}: {}", Missing(*capability))]
    NotPermitted {
        /// Where the socket was wanted.
        place: Place,
        /// What is missing.
        capability: Capability,
        /// The system's error.
        error: io::Error,
    },
    /// Anything else, such as no IPv6 on this host or no descriptor left.
    #[error("cannot make a socket in {place}: {}", describe(error))]
    Other {
        /// Where the socket was wanted.
        place: Place,
        /// The system's error.
        error: io::Error,
    },
}

impl SocketError {
    /// The system's error.
    pub(crate) fn io(&self) -> &io::Error {
        match self {
            SocketError::NoDevice { error, .. }
            | SocketError::NoNamespace { error, .. }
            | SocketError::NotANamespace { error, .. }
            | SocketError::Replaced { error, .. }
            | SocketError::NotPermitted { error, .. }
            | SocketError::Other { error, .. } => error,
        }
    }
}

/// The command that makes a namespace at a path, if it is one that `ip netns` makes.
struct HowToMake<'a>(&'a Path);

impl fmt::Display for HowToMake<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.parent(), self.0.file_name()) {
            (Some(parent), Some(name)) if NAMED.iter().any(|named| parent == Path::new(named)) => {
                write!(f, ": make it with `ip netns add {}`", name.display())
            }
            _ => Ok(()),
        }
    }
}

/// Makes a TCP socket there: non-blocking, close-on-exec, not bound to an address. Safe to be dropped
/// while it waits.
///
/// # Errors
///
/// There is no such device or namespace, bmpd may not use it, or the system cannot create a socket.
pub(crate) async fn socket(place: &Place, domain: Domain) -> Result<Socket, SocketError> {
    socket_of(place, domain, make).await
}

/// Makes a UDP socket there, in the same way.
///
/// # Errors
///
/// As of [`socket`].
pub(super) async fn datagrams(place: &Place, domain: Domain) -> Result<Socket, SocketError> {
    socket_of(place, domain, |domain| Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))).await
}

async fn socket_of(
    place: &Place,
    domain: Domain,
    make: fn(Domain) -> io::Result<Socket>,
) -> Result<Socket, SocketError> {
    let other = |error| SocketError::Other { place: place.clone(), error };
    match place {
        Place::Public => make(domain).map_err(other),
        Place::Device(device) => {
            let socket = make(domain).map_err(other)?;
            match socket.bind_device(Some(device.as_bytes())) {
                Ok(()) => Ok(socket),
                Err(error) => Err(match error.raw_os_error() {
                    Some(libc::ENODEV) => SocketError::NoDevice { device: device.clone(), error },
                    Some(libc::EPERM | libc::EACCES) => SocketError::NotPermitted {
                        place: place.clone(),
                        capability: Capability::NetRaw,
                        error,
                    },
                    _ => other(error),
                }),
            }
        }
        Place::Namespace(path) => {
            let (reply, made) = oneshot::channel();
            let inside = path.clone();
            std::thread::Builder::new()
                .name("bmpd-netns".to_owned())
                .stack_size(STACK)
                // The receiver is dropped if the attempt was cancelled; the socket is closed then.
                .spawn(move || drop(reply.send(make_in(&inside, domain, make))))
                .map_err(other)?;
            match made.await {
                Ok(made) => made,
                Err(_) => Err(other(io::Error::other("the thread that makes it has ended"))),
            }
        }
    }
}

fn make(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Enters the namespace with the calling thread, for good, and makes a socket there.
fn make_in(
    path: &Path,
    domain: Domain,
    make: fn(Domain) -> io::Result<Socket>,
) -> Result<Socket, SocketError> {
    let place = || Place::Namespace(path.to_owned());
    let refused = |error: io::Error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENOTDIR) => {
            SocketError::NoNamespace { path: path.to_owned(), error }
        }
        Some(libc::EINVAL) => SocketError::NotANamespace { path: path.to_owned(), error },
        Some(libc::EPERM | libc::EACCES) => {
            SocketError::NotPermitted { place: place(), capability: Capability::SysAdmin, error }
        }
        _ => SocketError::Other { place: place(), error },
    };
    // NONBLOCK: a FIFO at this path must not block the thread.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let namespace =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| refused(error.into()))?;
    move_into_link_name_space(
        std::os::fd::AsFd::as_fd(&namespace),
        Some(LinkNameSpaceType::Network),
    )
    .map_err(|error| refused(error.into()))?;
    make(domain).map_err(|error| SocketError::Other { place: place(), error })
}
