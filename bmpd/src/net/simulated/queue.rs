//! The simulated send queue of a connection.

use crate::simulation::network::TcpStream;

pub(crate) fn unacknowledged(stream: &TcpStream) -> u64 {
    stream.unacknowledged()
}

pub(crate) fn acknowledged(stream: &TcpStream) -> u64 {
    stream.acknowledged()
}
