//! Listening for TCP connections, of neighbors and of stations.
//!
//! A listener has the keys of all peers that may connect, before the first can and however they change. It does not
//! authorize peers: the caller decides whether a connection is accepted, and then gives it its options
//! ([`super::options::Options::accepted`]) or [`refuse`]s it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Domain, SockRef};
use tokio::net::TcpListener;

use super::keys::{self, PeerKey, Use};
pub(crate) use super::listening::{ListenError, ListenOptions};
use super::options::{self, OptionError, TTL_MAX, prefix_name};
use super::place::{self, SocketError};
use super::raw;
use super::settings::{Authentication, Place};
use super::standing::{self, Gone, Standing};
use super::tcp::{self, TcpStream};

/// How many connections may wait to be accepted, unless the system allows less (net.core.somaxconn). All neighbors
/// connect at once when bmpd starts, and unknown peers must not fill the queue.
const BACKLOG: i32 = 4096;

/// Listens at an address, which can be a wildcard. An IPv6 address takes no IPv4 connections, so that
/// both wildcards can be used side by side. Safe to be dropped while it waits.
///
/// # Errors
///
/// See [`ListenError`].
pub(crate) async fn listen(
    address: SocketAddr,
    place: &Place,
    options: ListenOptions<'_>,
) -> Result<Listener, ListenError> {
    let other = |error| ListenError::Place(SocketError::Other { place: place.clone(), error });
    // Before the socket is created: if the place is replaced in between, that is detected later.
    let standing = standing::standing(place).await.map_err(other)?;
    let socket =
        place::socket(place, Domain::for_address(address)).await.map_err(ListenError::Place)?;
    let Some(standing) = standing else {
        return Err(ListenError::Place(Gone::Another.error(place)));
    };
    if address.is_ipv6() {
        socket.set_only_v6(true).map_err(ListenError::Io)?;
    }
    socket.set_reuse_address(true).map_err(ListenError::Io)?;
    let set = |option: &str, set: io::Result<()>| {
        set.map_err(|error| ListenError::Option(OptionError { option: option.to_owned(), error }))
    };
    // A neighbor with GTSM drops answers to its SYN with a lower TTL (RFC 5082 section 3). Once accepted, a connection
    // has the TTL that is configured.
    let ttl = options::set_ttl(&SockRef::from(&socket), address.is_ipv6(), TTL_MAX);
    set("ttl-security", ttl)?;
    // The SYN, with its TTL, is needed later: see `Options::came_near`.
    let save = raw::set(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_SAVE_SYN, &1);
    set("ttl-security", save)?;
    if let Some(mss) = options.mss {
        set_mss(&SockRef::from(&socket), Some(mss)).map_err(ListenError::Option)?;
    }
    // Before it listens: no peer that has a key can connect without.
    let mut keys = Keys::default();
    keys.replace(socket.as_fd(), address.is_ipv6(), options.keys).map_err(ListenError::Option)?;
    socket.bind(&address.into()).map_err(ListenError::Io)?;
    socket.listen(BACKLOG).map_err(ListenError::Io)?;
    let socket = TcpListener::from_std(socket.into()).map_err(ListenError::Io)?;
    let place = place.clone();
    Ok(Listener { socket, ipv6: address.is_ipv6(), keys, place, standing })
}

/// A socket that listens, and the keys that it has.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    ipv6: bool,
    keys: Keys,
    place: Place,
    /// What the place was when the socket was made.
    standing: Standing,
}

impl Listener {
    /// The next connection and where it comes from. Safe to be dropped while it waits.
    ///
    /// # Errors
    ///
    /// Those of accept(2). Most are temporary (no descriptor left, a connection that is closed already): wait a little
    /// and continue.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }

    /// Waits until the place is no longer what the socket was created in: no peer can connect to it then, and a new one
    /// has to replace it. In the host's own network that is for ever.
    pub(crate) fn place_gone(&self) -> impl Future<Output = Gone> + Send + 'static {
        standing::until_gone(self.place.clone(), self.standing)
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Where it listens, with the port that the system chose if none was given.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    #[cfg(test)]
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Makes these the keys of peers that connect: new ones are added, changed ones replaced, others deleted. No prefix
    /// may occur twice; those of the other address family are ignored, so that two listeners can be given one list.
    /// Connections that were accepted before keep the keys they have.
    ///
    /// # Errors
    ///
    /// The system has refused a key; the error names its prefix, never the key. What was done is not undone: peers may
    /// lack their keys, so continue to listen only if every connection is checked by
    /// [`super::options::Options::accepted`].
    pub(crate) fn set_keys(&mut self, keys: &[PeerKey]) -> Result<(), OptionError> {
        self.keys.replace(self.socket.as_fd(), self.ipv6, keys)
    }

    /// The maximum segment size for peers that connect from now on: 88 to 32767 bytes, `None` is derived from the path.
    ///
    /// # Errors
    ///
    /// The system has refused it.
    pub(crate) fn set_mss(&self, mss: Option<u16>) -> Result<(), OptionError> {
        set_mss(&SockRef::from(&self.socket), mss)
    }
}

/// 0 is derived from the path.
fn set_mss(socket: &SockRef<'_>, mss: Option<u16>) -> Result<(), OptionError> {
    let set = socket.set_tcp_mss(mss.unwrap_or(0).into());
    set.map_err(|error| OptionError { option: "mss".to_owned(), error })
}

/// The keys that a listener has.
#[derive(Debug, Default)]
struct Keys(Vec<PeerKey>);

impl Keys {
    /// The order ensures that a peer that has a key and keeps one, its own or that of a prefix around it, is never
    /// without.
    fn replace(
        &mut self,
        socket: BorrowedFd<'_>,
        ipv6: bool,
        wanted: &[PeerKey],
    ) -> Result<(), OptionError> {
        let wanted: Vec<&PeerKey> =
            wanted.iter().filter(|key| key.network.is_ipv6() == ipv6).collect();
        for key in &wanted {
            let there = self.0.iter().position(|old| is_for_same_peers(old, key));
            if let Some(there) = there {
                if self.0[there] == **key {
                    continue;
                }
                // A key of TCP MD5 is replaced in place. Those of TCP-AO are distinguished by their ids, and the system
                // refuses both kinds for one peer: the old ones are deleted first.
                let in_place = matches!(
                    (&self.0[there].authentication, &key.authentication),
                    (Authentication::Md5(_), Authentication::Md5(_))
                );
                if !in_place {
                    remove(socket, &self.0[there])?;
                }
                self.0.swap_remove(there);
            }
            let PeerKey { network, length, authentication } = key;
            keys::add(socket, *network, *length, authentication, Use::Listen)
                .map_err(|error| refused(key, error))?;
            self.0.push((*key).clone());
        }
        while let Some(gone) =
            self.0.iter().position(|old| !wanted.iter().any(|key| is_for_same_peers(old, key)))
        {
            remove(socket, &self.0[gone])?;
            self.0.swap_remove(gone);
        }
        Ok(())
    }
}

fn is_for_same_peers(one: &PeerKey, other: &PeerKey) -> bool {
    (one.network, one.length) == (other.network, other.length)
}

fn remove(socket: BorrowedFd<'_>, key: &PeerKey) -> Result<(), OptionError> {
    let PeerKey { network, length, authentication } = key;
    match keys::remove(socket, *network, *length, authentication) {
        // It does not exist, as intended.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        removed => removed.map_err(|error| refused(key, error)),
    }
}

fn refused(key: &PeerKey, error: io::Error) -> OptionError {
    let name = match key.authentication {
        Authentication::Md5(_) => "md5",
        Authentication::Ao(_) => "ao",
    };
    OptionError { option: format!("{name} of {}", prefix_name(key.network, key.length)), error }
}

/// Closes a connection at once, with a reset: the peer learns that it is refused, and nothing of it is left in the
/// system (no TIME-WAIT).
pub(crate) fn refuse(stream: TcpStream) {
    tcp::abandon(&stream);
}
