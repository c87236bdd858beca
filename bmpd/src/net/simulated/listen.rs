//! Listening in the simulated network: an address is free or taken, and keys have no effect.

use std::io;
use std::net::SocketAddr;

use crate::net::keys::PeerKey;
pub(crate) use crate::net::listening::{ListenError, ListenOptions};
use crate::net::options::OptionError;
use crate::net::settings::Place;
use crate::net::standing::Gone;
use crate::simulation::network::{self, Port, TcpStream};

pub(crate) async fn listen(
    address: SocketAddr,
    place: &Place,
    _: ListenOptions<'_>,
) -> Result<Listener, ListenError> {
    let port = network::bind(address).map_err(ListenError::Io)?;
    Ok(Listener { port, place: place.clone() })
}

#[derive(Debug)]
pub(crate) struct Listener {
    port: Port,
    place: Place,
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.port.accept().await
    }

    /// There is one network, which stays.
    pub(crate) fn place_gone(&self) -> impl Future<Output = Gone> + Send + 'static {
        std::future::pending()
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn set_keys(&mut self, _: &[PeerKey]) -> Result<(), OptionError> {
        Ok(())
    }

    pub(crate) fn set_mss(&self, _: Option<u16>) -> Result<(), OptionError> {
        Ok(())
    }
}

pub(crate) fn refuse(stream: TcpStream) {
    stream.abandon();
}
