//! What it takes to have a connection: TCP, from here or from the station, and TLS over it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use shared::names::RouterId;

use crate::config::{Mode, Place, Source, Tls};
use crate::net::stream::Stream;
use crate::net::tcp::TcpStream;
use crate::net::tls;
use crate::sinks::station::down::Down;
use crate::sinks::station::parameters::Parameters;
use crate::sinks::station::passive::{Registration, SharedListenerId};

/// What an attempt can come to.
pub(super) enum Made {
    /// A connection.
    Stream(Box<Stream>),
    /// The station can connect to us now.
    Registered(Registration),
}

/// An attempt to connect, or to be where the station connects to. It is kept across commands: being
/// asked for a report does not start it anew.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Result<Made, Down>> + Send>>;

/// Where the station of a passive session connects to.
pub(super) fn shared_listener(
    parameters: &Parameters,
    router: &RouterId,
) -> Option<SharedListenerId> {
    let session = &parameters.session;
    let Mode::Passive(port) = session.mode_for(router) else { return None };
    let mut place = session.place.clone();
    let any = match session.id.address.ip() {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let address = match &session.tcp.source {
        Some(Source::Address(address)) => *address,
        Some(Source::Interface(device)) => {
            place = Place::Device(device.clone());
            any
        }
        None => any,
    };
    Some(SharedListenerId { place, address: SocketAddr::new(address, port.get()) })
}

/// TLS over a connection, if it is configured.
pub(super) async fn secure(
    stream: TcpStream,
    tls: Option<Tls>,
    station: IpAddr,
    timeout: Duration,
) -> Result<Made, Down> {
    let Some(tls) = tls else {
        return Ok(Made::Stream(Box::new(Stream::Plain(stream))));
    };
    let client = tls::check(&tls).map_err(Down::TlsSetup)?;
    let name = tls::server_name(&tls, station).map_err(Down::TlsSetup)?;
    let stream = tls::handshake(stream, &client, name, timeout).await.map_err(Down::Tls)?;
    Ok(Made::Stream(Box::new(Stream::Tls(Box::new(stream)))))
}
