//! One attempt to connect.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::Domain;
use tokio::net::TcpSocket;
use tokio::time::Instant;

use super::connect::ConnectError;
use super::options::Options;
use super::place;
use super::settings::{Place, Source};
use super::tcp::TcpStream;

/// Makes a socket, sets its options and connects it.
pub(super) async fn dial(
    address: SocketAddr,
    place: &Place,
    options: &Options,
    timed_out: &(dyn Fn(Duration) -> ConnectError + Sync),
) -> Result<TcpStream, ConnectError> {
    let started = Instant::now();
    let place = match (place, &options.source) {
        // Binding it twice would take CAP_NET_RAW (socket(7)).
        (Place::Device(_), Some(Source::Interface(_))) => &Place::Public,
        (place, _) => place,
    };
    let socket =
        place::socket(place, Domain::for_address(address)).await.map_err(ConnectError::Place)?;
    options.prepare(&socket, address).map_err(ConnectError::Option)?;
    let socket = TcpSocket::from_std_stream(socket.into());
    socket.connect(address).await.map_err(|error| match error.raw_os_error() {
        // The system has timed out first, after its own count of attempts.
        Some(libc::ETIMEDOUT) => timed_out(started.elapsed()),
        _ => ConnectError::Io(error),
    })
}
