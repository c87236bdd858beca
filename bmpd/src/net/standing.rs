//! Which of several devices or namespaces that have had one name a place is now.
//!
//! A VRF or a namespace can be deleted and created again under its name. A socket that listens stays in the one that it
//! was created in: no peer can connect to it any more, and it keeps a namespace that was deleted alive with all of its
//! devices. So listeners watch the place, and close the socket when it is no longer the same. Connections stay where
//! they are; they end when the other side is lost.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::place::SocketError;
use super::settings::Place;

/// How often a place is checked.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a place is at a moment. The system can reuse the numbers of a place that is no longer in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The host's own network, which stays.
    Public,
    /// The number of the device.
    Device(u32),
    /// The file of the namespace.
    Namespace {
        /// The file system's device.
        device: u64,
        /// The inode.
        inode: u64,
    },
}

/// Why a place is no longer what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Nothing has the name.
    Away,
    /// Another one has the name now.
    Another,
}

impl Gone {
    /// As an error for callers that need a socket there.
    pub(crate) fn error(self, place: &Place) -> SocketError {
        match (self, place) {
            (Gone::Away, Place::Device(device)) => {
                let error = io::Error::from_raw_os_error(libc::ENODEV);
                SocketError::NoDevice { device: device.clone(), error }
            }
            (Gone::Away, Place::Namespace(path)) => {
                let error = io::Error::from_raw_os_error(libc::ENOENT);
                SocketError::NoNamespace { path: path.clone(), error }
            }
            (Gone::Another, _) | (_, Place::Public) => {
                let error = io::Error::from_raw_os_error(libc::ENODEV);
                SocketError::Replaced { place: place.clone(), error }
            }
        }
    }
}

/// What the place is now; `None` if there is none of the name.
///
/// # Errors
///
/// It cannot be determined, for want of a descriptor, say.
pub(crate) async fn standing(place: &Place) -> io::Result<Option<Standing>> {
    let standing = match place {
        Place::Public => return Ok(Some(Standing::Public)),
        Place::Device(device) => index_of(device).map(Standing::Device),
        Place::Namespace(path) => {
            let path = path.clone();
            // It can be on a file system that does not answer.
            let found = tokio::task::spawn_blocking(move || std::fs::metadata(path)).await;
            let found = found.map_err(io::Error::other)?;
            found.map(|found| Standing::Namespace { device: found.dev(), inode: found.ino() })
        }
    };
    match standing {
        Ok(standing) => Ok(Some(standing)),
        Err(error) => match error.raw_os_error() {
            Some(libc::ENODEV | libc::ENOENT | libc::ENOTDIR) => Ok(None),
            _ => Err(error),
        },
    }
}

fn index_of(device: &str) -> io::Result<u32> {
    let any = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    Ok(name_to_index(any, device)?)
}

/// Waits until the place is no longer what it was, which for the host's own network is for ever.
pub(crate) async fn until_gone(place: Place, was: Standing) -> Gone {
    if was == Standing::Public {
        return std::future::pending().await;
    }
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        match standing(&place).await {
            Ok(Some(now)) if now == was => {}
            Ok(Some(_)) => return Gone::Another,
            Ok(None) => return Gone::Away,
            // Unknown for now: considered unchanged.
            Err(_) => {}
        }
    }
}
