//! The route that the system would take to an address, without sending anything.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::Domain;

use super::describe;
use super::place::{SocketError, datagrams};
use super::settings::{Place, Source};

/// Why there is no route.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    /// There is no socket where it should be.
    #[error("{0}")]
    Place(SocketError),
    /// The source cannot be used.
    #[error("{0}: {error}", error = describe(.1))]
    Source(String, io::Error),
    /// The system has none.
    #[error("{}", describe(.0))]
    Io(io::Error),
}

/// The address from which a connection would come.
///
/// # Errors
///
/// See [`RouteError`].
pub(crate) async fn source_towards(
    remote: SocketAddr,
    place: &Place,
    source: Option<&Source>,
) -> Result<IpAddr, RouteError> {
    let device = match source {
        Some(Source::Interface(device)) => Some(Place::Device(device.clone())),
        Some(Source::Address(_)) | None => None,
    };
    let place = match (place, &device) {
        // In a namespace the interface is looked up there.
        (Place::Namespace(_), _) | (_, None) => place,
        (_, Some(device)) => device,
    };
    let socket = datagrams(place, Domain::for_address(remote)).await.map_err(RouteError::Place)?;
    match source {
        Some(Source::Address(address)) => {
            let bound = socket.bind(&SocketAddr::new(*address, 0).into());
            bound
                .map_err(|error| RouteError::Source(format!("source-address {address}"), error))?;
        }
        Some(Source::Interface(device)) => {
            let bound = socket.bind_device(Some(device.as_bytes()));
            bound
                .map_err(|error| RouteError::Source(format!("source-interface {device}"), error))?;
        }
        None => {}
    }
    // Nothing is sent: the system chooses the route.
    socket.connect(&remote.into()).map_err(RouteError::Io)?;
    let local = socket.local_addr().map_err(RouteError::Io)?;
    Ok(local.as_socket().map_or(remote.ip(), |local| local.ip()))
}
