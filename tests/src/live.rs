//! How soon a route of a healthy neighbor reaches a station.

use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::bgp::{Open, Prefix};
use crate::bmp::message::{kind, split_message};
use crate::neighbor::{Neighbor, Options};
use crate::random::Random;
use crate::table::{Attributes, put_announcements};

/// A station that waits for bmpd, and notes when routes come.
#[derive(Debug)]
pub struct Listening(TcpListener);

impl Listening {
    /// At a free port of this address.
    ///
    /// # Errors
    /// The address is none of this machine.
    pub fn at(address: IpAddr) -> io::Result<Self> {
        TcpListener::bind((address, 0)).map(Self)
    }

    /// Where bmpd is to connect to.
    ///
    /// # Panics
    /// Never: it is bound.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("a bound socket")
    }

    /// A healthy neighbor of this address and AS connects to bmpd. Its hold time is 9 s.
    pub fn connect(self, neighbor: IpAddr, asn: u32, bmpd: SocketAddr) -> Live {
        let (arrived, arrivals) = mpsc::channel();
        thread::spawn(move || read_station(&self.0, neighbor, &arrived));
        let mut options = Options::new(neighbor, asn);
        options.open = Open { hold_time: 9, ..options.open };
        let neighbor = Neighbor::connect(&options, bmpd);
        let attributes = Attributes::sample(asn, &mut Random::new(1));
        Live { neighbor, attributes, arrivals, number: 0 }
    }
}

/// A healthy neighbor with its station.
#[derive(Debug)]
pub struct Live {
    neighbor: Neighbor,
    attributes: Attributes,
    arrivals: Receiver<(u32, Instant)>,
    number: u32,
}

impl Live {
    /// Announces a route and waits for it at the station. Returns how long it took; `None` if that is longer than `latest`.
    ///
    /// # Errors
    /// The neighbor's session is down.
    pub fn route(&mut self, latest: Duration) -> io::Result<Option<Duration>> {
        self.number += 1;
        let [_, b, c, d] = self.number.to_be_bytes();
        let prefix = Prefix::new(Ipv4Addr::new(198, b, c, d).into(), 32);
        let mut message = Vec::new();
        put_announcements(&mut message, &[prefix], &self.attributes);
        let sent = Instant::now();
        self.neighbor.try_send(&message)?;
        while let Ok((seen, at)) = self.arrivals.recv_timeout(latest.saturating_sub(sent.elapsed()))
        {
            if seen == self.number {
                return Ok(Some(at.saturating_duration_since(sent)));
            }
        }
        Ok(None)
    }

    /// How many KEEPALIVEs the neighbor has received.
    pub fn keepalives(&self) -> u64 {
        self.neighbor.received().keepalives
    }
}

/// Reads what bmpd sends and reports each route of the healthy neighbor, by its number.
fn read_station(listener: &TcpListener, healthy: IpAddr, arrived: &Sender<(u32, Instant)>) {
    let IpAddr::V4(healthy) = healthy else { return };
    // A session that comes up again is read again; bmpd's end closes the last one.
    while let Ok((stream, _)) = accept_within(listener, Duration::from_secs(3)) {
        read_messages(stream, healthy, arrived);
    }
}

fn accept_within(listener: &TcpListener, time: Duration) -> io::Result<(TcpStream, SocketAddr)> {
    listener.set_nonblocking(true)?;
    let end = Instant::now() + time;
    loop {
        match listener.accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < end => {
                thread::sleep(Duration::from_millis(5));
            }
            Ok((stream, from)) => {
                stream.set_nonblocking(false)?;
                return Ok((stream, from));
            }
            error => return error,
        }
    }
}

fn read_messages(mut stream: TcpStream, healthy: Ipv4Addr, arrived: &Sender<(u32, Instant)>) {
    let mut buffer = vec![0; 4 << 20];
    let mut filled = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer[filled..]) {
        filled += read;
        let now = Instant::now();
        let mut rest = &buffer[..filled];
        while let Ok(Some(message)) = split_message(&mut rest) {
            if message.kind == kind::ROUTE_MONITORING
                && message.peer().is_ok_and(|(header, _)| header.peer.address == healthy)
                && let [.., 32, 198, b, c, d] = message.whole
            {
                let _ = arrived.send((u32::from_be_bytes([0, *b, *c, *d]), now));
            }
        }
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
    }
}
