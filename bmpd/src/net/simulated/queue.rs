//! What the simulated system knows of a connection's send queue.

use crate::simulation::network::TcpStream;

pub(crate) fn unacknowledged(stream: &TcpStream) -> u64 {
    stream.unacknowledged()
}

pub(crate) fn acknowledged(stream: &TcpStream) -> u64 {
    stream.acknowledged()
}
