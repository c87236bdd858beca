//! What [`crate::net::tcp`](crate::net) is in the simulation.

use std::io;

pub(crate) use crate::simulation::network::TcpStream;

pub(crate) fn end_writing(stream: &TcpStream) -> io::Result<()> {
    stream.end_writing();
    Ok(())
}

pub(crate) fn abandon(stream: &TcpStream) {
    stream.abandon();
}
