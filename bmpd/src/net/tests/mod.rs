//! Sockets against the system that the tests run on, TLS against a server of rustls.

mod md5;
mod options;
mod peer;
mod place;
mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;

use super::connect::{ConnectError, connect};
use super::keys::PeerKey;
use super::listen::{ListenOptions, Listener, listen};
use super::options::{Hops, Options};
use crate::config::{Authentication, Keepalive, Place, Secret};

/// How long something may take that should happen at once.
const SOON: Duration = Duration::from_secs(10);
/// How long a test waits for what must not happen.
const WHILE: Duration = Duration::from_millis(300);

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn options() -> Options {
    Options {
        prefix: "tcp.",
        source: None,
        foreign: None,
        mss: None,
        dscp: None,
        keepalive: Keepalive::default(),
        user_timeout: None,
        connect_timeout: Duration::from_secs(1),
        hops: Hops::System,
        authentication: None,
    }
}

fn md5(key: &str) -> Authentication {
    Authentication::Md5(Secret::new(key))
}

fn with_md5(key: &str) -> Options {
    Options { authentication: Some(md5(key)), ..options() }
}

fn key_of(network: IpAddr, length: u8, key: &str) -> PeerKey {
    PeerKey { network, length, authentication: md5(key) }
}

/// Listens at a free port of the loopback.
async fn listener(keys: &[PeerKey]) -> (Listener, SocketAddr) {
    let options = ListenOptions { keys, mss: None };
    let listener = listen((LOOPBACK, 0).into(), &Place::Public, options).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

async fn connect_here(to: SocketAddr, options: &Options) -> Result<TcpStream, ConnectError> {
    connect(to, &Place::Public, options).await
}

/// Accepts the next connection.
async fn accept(listener: &Listener) -> TcpStream {
    tokio::time::timeout(SOON, listener.accept()).await.unwrap().unwrap().0
}

/// True if a byte gets from one end to the other soon.
async fn carries(from: &TcpStream, to: &TcpStream, timeout: Duration) -> bool {
    from.writable().await.unwrap();
    from.try_write(b"x").unwrap();
    let arrives = async {
        loop {
            to.readable().await.unwrap();
            match to.try_read(&mut [0; 16]) {
                Ok(n) => return n > 0,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    tokio::time::timeout(timeout, arrives).await.unwrap_or(false)
}

#[tokio::test]
async fn hundreds_of_connections_can_wait_to_be_accepted() {
    let (_listener, address) = listener(&[]).await;
    let allowed = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let count = allowed.trim().parse::<usize>().unwrap().min(400);
    let mut connections = Vec::new();
    for n in 0..count {
        let connected = tokio::time::timeout(SOON, TcpStream::connect(address)).await;
        connections.push(connected.unwrap_or_else(|_| panic!("{n} fill the queue")).unwrap());
    }
}
