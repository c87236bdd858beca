//! One attempt to connect in the simulated network: there is one, in which TCP options have no effect.

use std::net::SocketAddr;
use std::time::Duration;

use crate::net::connect::ConnectError;
use crate::net::options::Options;
use crate::net::settings::Place;
use crate::net::tcp::TcpStream;
use crate::simulation::network;

pub(crate) async fn dial(
    address: SocketAddr,
    _: &Place,
    _: &Options,
    _: &(dyn Fn(Duration) -> ConnectError + Sync),
) -> Result<TcpStream, ConnectError> {
    network::connect(address).await.map_err(ConnectError::Io)
}
