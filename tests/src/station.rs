//! A BMP station: listens, reads what bmpd sends, and validates it.
//!
//! Every connection it ever had stays in its history, so that a test can check what each generation
//! carried. How fast it reads is the test's choice, down to not at all.
//!
//! [`Setup`] configures it: a network namespace, TCP MD5 keys, TLS. A station that
//! does not listen but connects to bmpd is made by [`Station::passive`]; [`Station::dial`] connects it.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustls::pki_types::CertificateDer;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::addresses::in_time;
use crate::bgp::{Family, Routes, difference};
pub use crate::bmp::Mode;
use crate::bmp::message::split_message_within;
use crate::bmp::{MAX_MESSAGE, Record};
use crate::md5;
use crate::netns::{Namespace, Netns, within};
use crate::nlri::{self, Rib};
use crate::relay::{Proxied, Summary};
use crate::wait::wait_for;

/// How a station reads, all of its connections alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it can.
    Full,
    /// About this many bytes a second.
    Slow(usize),
    /// It does not read; the connection stays open.
    Stalled,
    /// It closes each connection as soon as it has accepted it.
    Closing,
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// bmpd closed it (FIN).
    Closed,
    /// The system reports that it broke (RST).
    Broken(String),
    /// The station closed it.
    Ours,
}

/// The configuration of a station.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Bounds what the system buffers for a station that does not read, in bytes.
    pub receive_buffer: Option<usize>,
    /// Where its sockets belong.
    pub namespace: Option<Namespace>,
    /// TCP MD5: the address that bmpd comes from (or listens at), and the key. There can be several.
    pub md5: Vec<(IpAddr, String)>,
    /// It speaks TLS, as the server.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether a Peer Up may follow another one without a Peer Down: a peer's graceful restart.
    pub second_peer_up: bool,
    /// Whether it is sent other routers than bmpd, on a connection each; see [`crate::relay`].
    pub routers: bool,
    /// Whether each connection begins with a PROXY protocol header of version 2.
    pub proxy: bool,
}

/// The result of a TLS handshake.
#[derive(Debug, Clone)]
pub struct Handshake {
    /// TLS 1.2 or 1.3.
    pub version: Option<ProtocolVersion>,
    /// The name that bmpd requested (SNI).
    pub server_name: Option<String>,
    /// bmpd's certificate and what it sent with it; empty if none was requested.
    pub client: Vec<CertificateDer<'static>>,
}

/// One connection of the station's history. Clones are of the same connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// 1 for the first connection, and so on: the generation, as the station counts.
    pub number: usize,
    /// bmpd's end.
    pub remote: SocketAddr,
    /// When it was accepted.
    pub accepted: Instant,
    stream: Arc<TcpStream>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    record: Record,
    end: Option<(Instant, End)>,
    /// Bytes at the end that are no whole message.
    left_over: usize,
    ours: bool,
    handshake: Option<Handshake>,
    proxied: Option<Proxied>,
}

impl Connection {
    /// The PROXY protocol header that it began with, as soon as it was read.
    pub fn proxied(&self) -> Option<Proxied> {
        lock(&self.inner).proxied
    }

    /// The TLS handshake, as soon as it is complete. One that failed is in [`Connection::end`]:
    /// [`End::Broken`] with the reason, and the record is empty.
    pub fn handshake(&self) -> Option<Handshake> {
        lock(&self.inner).handshake.clone()
    }

    /// Waits until the neighbor is up and the End-of-RIBs of these families are there.
    ///
    /// # Panics
    /// When they are not within `deadline`.
    #[track_caller]
    pub fn wait_complete_of(&self, neighbor: IpAddr, families: &[Family], deadline: Duration) {
        let what = format!("the End-of-RIBs of {neighbor} for {families:?}");
        self.wait(&what, deadline, |record| record.complete_of(neighbor, families));
    }

    /// Waits until the station holds exactly these routes of the neighbor, byte for byte.
    ///
    /// # Panics
    /// When it does not within `deadline`; with the difference. When the station only counts.
    #[track_caller]
    pub fn wait_rib(&self, neighbor: IpAddr, expected: &Rib, deadline: Duration) {
        wait_for(&format!("the routes of {neighbor}"), deadline, || {
            let rib = self.look(|record| record.rib(neighbor));
            let found = rib.ok_or_else(|| format!("not up: {}", self.summary()))?;
            let difference = nlri::difference(expected, &found);
            difference.map_or(Ok(()), |text| Err(format!("{text}\n{}", self.summary())))
        });
    }

    /// Calls `look` with what the connection has carried so far; it is locked meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&Record) -> T) -> T {
        look(&lock(&self.inner).record)
    }

    /// When and how it ended.
    pub fn end(&self) -> Option<(Instant, End)> {
        lock(&self.inner).end.clone()
    }

    /// Bytes at its end that are no whole message.
    pub fn left_over(&self) -> usize {
        lock(&self.inner).left_over
    }

    /// In short, for people.
    pub fn summary(&self) -> String {
        let end = self.end().map(|(_, end)| end);
        format!("connection {}: {}; end {end:?}", self.number, self.look(Record::summary))
    }

    /// Waits until `look` succeeds; its error describes what is missing.
    ///
    /// # Panics
    /// When it does not within `deadline`.
    #[track_caller]
    pub fn wait<T>(
        &self,
        what: &str,
        deadline: Duration,
        mut look: impl FnMut(&Record) -> Option<T>,
    ) -> T {
        wait_for(what, deadline, || self.look(&mut look).ok_or_else(|| self.summary()))
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it has not within `deadline`.
    #[track_caller]
    pub fn wait_end(&self, deadline: Duration) -> (Instant, End) {
        wait_for("the BMP connection to end", deadline, || self.end().ok_or_else(|| self.summary()))
    }

    /// Waits until the neighbor is up and both of its End-of-RIBs are there; returns when that was.
    ///
    /// # Panics
    /// When they are not within `deadline`.
    #[track_caller]
    pub fn wait_complete(&self, neighbor: IpAddr, deadline: Duration) -> Instant {
        let what = format!("both End-of-RIBs of {neighbor}");
        self.wait(&what, deadline, |record| record.complete_at(neighbor))
    }

    /// Waits until the station holds exactly these routes of the neighbor.
    ///
    /// # Panics
    /// When it does not within `deadline`; with the difference. When the station only counts.
    #[track_caller]
    pub fn wait_routes(&self, neighbor: IpAddr, expected: &Routes, deadline: Duration) {
        let none = Routes::new();
        wait_for(&format!("the routes of {neighbor}"), deadline, || {
            self.look(|record| {
                let found = record.peer(neighbor).map_or(&none, |peer| &peer.routes);
                // The quick check first: most of the time they differ in number.
                if found.len() != expected.len() {
                    let (found, wanted) = (found.len(), expected.len());
                    return Err(format!("{found} of {wanted} routes; {}", record.summary()));
                }
                difference(expected, found).map_or(Ok(()), Err)
            })
        });
    }

    /// # Panics
    /// When anything on the connection violated the protocol.
    #[track_caller]
    pub fn assert_legal(&self) {
        self.look(|record| {
            assert!(record.violations.is_empty(), "{}: {:#?}", self.number, record.violations);
            let router = record.router.iter().flat_map(|router| &router.violations);
            assert_eq!(router.collect::<Vec<_>>(), [""; 0], "{}", self.number);
        });
    }

    /// Sends bytes to bmpd, which BMP does not provide for; past TLS, if there is any.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    /// Closes the station's direction only (FIN), and continues to read.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn half_close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends it from the station's side.
    pub fn close(&self) {
        lock(&self.inner).ours = true;
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[derive(Debug)]
struct Shared {
    mode: Mutex<Mode>,
    connections: Mutex<Vec<Connection>>,
    /// Held while a connection is accepted and put there.
    accepting: Mutex<()>,
    pace: Mutex<Pace>,
    /// Set when the pace changes or the station is killed.
    changed: Condvar,
    setup: Setup,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A station. Its connections are closed and its port is free again when it is dropped.
#[derive(Debug)]
pub struct Station {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<(Arc<TcpListener>, JoinHandle<()>)>,
}

impl Station {
    /// Listens at a port of its own of this address.
    ///
    /// # Panics
    /// When it cannot.
    pub fn listen(address: IpAddr, mode: Mode) -> Self {
        Self::listen_at(SocketAddr::new(address, 0), mode, None)
    }

    /// Listens at this address and port. `receive_buffer`, in bytes, bounds what the system buffers
    /// for a station that does not read.
    ///
    /// # Panics
    /// When it cannot.
    pub fn listen_at(address: SocketAddr, mode: Mode, receive_buffer: Option<usize>) -> Self {
        Self::listen_with(address, mode, Setup { receive_buffer, ..Setup::default() })
    }

    /// Listens in a namespace.
    ///
    /// # Panics
    /// When it cannot.
    pub fn listen_in(netns: &Netns, address: SocketAddr, mode: Mode) -> Self {
        let namespace = Some(netns.namespace().clone());
        Self::listen_with(address, mode, Setup { namespace, ..Setup::default() })
    }

    /// Listens as `setup` specifies. Port 0 stands for a free one.
    ///
    /// # Panics
    /// When it cannot.
    pub fn listen_with(address: SocketAddr, mode: Mode, setup: Setup) -> Self {
        let mut station = Self::of(address, mode, setup);
        station.revive();
        station
    }

    /// A station that connects to bmpd, from this address, with [`Station::dial`].
    pub fn passive(address: IpAddr, mode: Mode, setup: Setup) -> Self {
        Self::of(SocketAddr::new(address, 0), mode, setup)
    }

    fn of(address: SocketAddr, mode: Mode, setup: Setup) -> Self {
        let shared = Arc::new(Shared {
            mode: Mutex::new(mode),
            connections: Mutex::new(vec![]),
            accepting: Mutex::new(()),
            pace: Mutex::new(Pace::Full),
            changed: Condvar::new(),
            setup,
        });
        Self { address, shared, listener: None }
    }

    /// Connects to bmpd once; the result is the newest connection.
    ///
    /// # Errors
    /// When the TCP connection does not come about within five seconds.
    pub fn dial(&self, bmpd: SocketAddr) -> io::Result<Connection> {
        let setup = &self.shared.setup;
        let stream = within(setup.namespace.as_ref(), || {
            let socket = socket(self.address, setup)?;
            socket.connect_timeout(&bmpd.into(), Duration::from_secs(5))?;
            Ok::<TcpStream, io::Error>(socket.into())
        })?;
        Ok(take(stream, bmpd, &self.shared))
    }

    /// Connects to bmpd as often as it takes until one TCP connection is made.
    ///
    /// # Panics
    /// When none does within 30 s.
    #[track_caller]
    pub fn dial_until_taken(&self, bmpd: SocketAddr) -> Connection {
        let what = format!("bmpd to take a station's connection at {bmpd}");
        wait_for(&what, Duration::from_secs(30), || self.dial(bmpd).map_err(|e| e.to_string()))
    }

    /// Its address.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes how it reads, at once and for all connections to come.
    pub fn pace(&self, pace: Pace) {
        *lock(&self.shared.pace) = pace;
        self.shared.changed.notify_all();
    }

    /// Changes what it keeps of connections to come.
    pub fn mode(&self, mode: Mode) {
        *lock(&self.shared.mode) = mode;
    }

    /// Closes everything as if the process had been killed. [`Station::revive`] starts it again.
    pub fn kill(&mut self) {
        if let Some((listener, thread)) = self.listener.take() {
            // Wakes the thread that waits in accept.
            let _ = SockRef::from(&*listener).shutdown(Shutdown::Both);
            let _ = thread.join();
        }
        for connection in self.connections() {
            connection.close();
        }
        self.shared.changed.notify_all();
        for connection in self.connections() {
            connection.wait_end(Duration::from_secs(10));
        }
    }

    /// Listens again on the same port.
    ///
    /// # Panics
    /// When the port cannot be bound.
    pub fn revive(&mut self) {
        if self.listener.is_some() {
            return;
        }
        let listener = in_time(self.address, || {
            let setup = &self.shared.setup;
            within(setup.namespace.as_ref(), || {
                let socket = socket(self.address, setup)?;
                socket.listen(128)?;
                Ok::<TcpListener, io::Error>(socket.into())
            })
        });
        self.address = listener.local_addr().expect("a bound socket has an address");
        let listener = Arc::new(listener);
        let thread = thread::spawn({
            let (listener, shared) = (listener.clone(), self.shared.clone());
            move || accept(&listener, &shared)
        });
        self.listener = Some((listener, thread));
    }

    /// All connections that there ever were, the oldest first.
    pub fn connections(&self) -> Vec<Connection> {
        self.accept_all();
        lock(&self.shared.connections).clone()
    }

    /// Returns when every connection that the system has for the station is accepted: bmpd may have written to one
    /// before the thread that accepts has had its turn.
    fn accept_all(&self) {
        let Some((listener, _)) = &self.listener else { return };
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            let accepting = lock(&self.shared.accepting);
            let now = Some(&Timespec { tv_sec: 0, tv_nsec: 0 });
            if poll(&mut [PollFd::new(&**listener, PollFlags::IN)], now) == Ok(0) {
                return;
            }
            drop(accepting);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits for connection `number`, counted from 1.
    ///
    /// # Panics
    /// When it does not come within 30 s.
    #[track_caller]
    pub fn wait_connection(&self, number: usize) -> Connection {
        wait_for(&format!("connection {number} of a station"), Duration::from_secs(30), || {
            let connections = self.connections();
            connections.get(number - 1).cloned().ok_or_else(|| {
                connections.iter().map(Connection::summary).collect::<Vec<_>>().join("\n")
            })
        })
    }

    /// Discards what ended connections have carried, for long runs. Their places in the history, and
    /// their violations of the protocol, stay.
    pub fn forget(&self) {
        for connection in self.connections().iter().filter(|connection| connection.end().is_some())
        {
            let mut inner = lock(&connection.inner);
            let violations = std::mem::take(&mut inner.record.violations);
            inner.record = Record::new(Mode::Counting);
            inner.record.violations = violations;
        }
    }

    /// The newest connection, if there is any.
    pub fn latest(&self) -> Option<Connection> {
        self.accept_all();
        lock(&self.shared.connections).last().cloned()
    }

    /// # Panics
    /// When anything on any connection violated the protocol.
    #[track_caller]
    pub fn assert_legal(&self) {
        for connection in self.connections() {
            connection.assert_legal();
        }
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        if let Some((listener, thread)) = self.listener.take() {
            let _ = SockRef::from(&*listener).shutdown(Shutdown::Both);
            let _ = thread.join();
        }
        for connection in self.connections() {
            connection.close();
        }
        self.shared.changed.notify_all();
    }
}

/// A socket that is bound to the address, to listen or to connect.
fn socket(address: SocketAddr, setup: &Setup) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if let Some(size) = setup.receive_buffer {
        // Accepted sockets inherit it.
        socket.set_recv_buffer_size(size)?;
    }
    for (peer, key) in &setup.md5 {
        md5::protect(&socket, *peer, key)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    // A listener that is shut down is readable, too.
    while poll(&mut [PollFd::new(listener, PollFlags::IN)], None).is_ok() {
        let _accepting = lock(&shared.accepting);
        let Ok((stream, remote)) = listener.accept() else { return };
        take(stream, remote, shared);
    }
}

/// Adds a connection to the history and reads it, on a thread of its own.
fn take(stream: TcpStream, remote: SocketAddr, shared: &Arc<Shared>) -> Connection {
    let mut record = Record::new(*lock(&shared.mode));
    record.second_peer_up = shared.setup.second_peer_up;
    record.router = shared.setup.routers.then(Summary::default);
    let mut connections = lock(&shared.connections);
    let connection = Connection {
        number: connections.len() + 1,
        remote,
        accepted: Instant::now(),
        stream: Arc::new(stream),
        inner: Arc::new(Mutex::new(Inner {
            record,
            end: None,
            left_over: 0,
            ours: false,
            handshake: None,
            proxied: None,
        })),
    };
    connections.push(connection.clone());
    drop(connections);
    let (reader, shared) = (connection.clone(), shared.clone());
    thread::spawn(move || {
        // So that a change of pace is noticed also while nothing is received.
        let _ = reader.stream.set_read_timeout(Some(Duration::from_millis(100)));
        let proxied = match shared.setup.proxy {
            true => read_proxied(&reader),
            false => Ok(()),
        };
        let end = match (proxied, &shared.setup.tls) {
            (Err(end), _) => end,
            (Ok(()), None) => read(&reader, &mut &*reader.stream, &shared),
            (Ok(()), Some(config)) => read_tls(&reader, config, &shared),
        };
        let mut inner = lock(&reader.inner);
        let end = if inner.ours { End::Ours } else { end };
        inner.end = Some((Instant::now(), end));
    });
    connection
}

/// Reads a PROXY protocol header, whatever the pace is.
fn read_proxied(connection: &Connection) -> Result<(), End> {
    let mut bytes = Vec::new();
    loop {
        match Proxied::read(&bytes) {
            Ok(Ok((proxied, _))) => {
                let mut inner = lock(&connection.inner);
                if proxied.is_none() {
                    inner.record.violation("the LOCAL command in a PROXY header".to_owned());
                }
                inner.proxied = proxied;
                return Ok(());
            }
            Ok(Err(missing)) => {
                let begin = bytes.len();
                bytes.resize(begin + missing, 0);
                match (&*connection.stream).read(&mut bytes[begin..]) {
                    Ok(0) => return Err(End::Closed),
                    Ok(n) => bytes.truncate(begin + n),
                    Err(e) if is_late(&e) => bytes.truncate(begin),
                    Err(e) => return Err(End::Broken(e.to_string())),
                }
                if lock(&connection.inner).ours {
                    return Err(End::Ours);
                }
            }
            Err(breach) => {
                lock(&connection.inner).record.violation(breach);
                let _ = connection.stream.shutdown(Shutdown::Both);
                return Err(End::Ours);
            }
        }
    }
}

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Makes the handshake, whatever the pace is, and reads what follows.
fn read_tls(connection: &Connection, config: &Arc<ServerConfig>, shared: &Shared) -> End {
    let mut server = match ServerConnection::new(config.clone()) {
        Ok(server) => server,
        Err(e) => return End::Broken(e.to_string()),
    };
    let begun = Instant::now();
    while server.is_handshaking() {
        match server.complete_io(&mut &*connection.stream) {
            Ok((0, 0)) => return End::Broken("closed in the TLS handshake".to_owned()),
            Ok(_) => {}
            Err(e) if is_late(&e) && begun.elapsed() < HANDSHAKE => {
                if lock(&connection.inner).ours {
                    return End::Ours;
                }
            }
            Err(e) => {
                // The alert has the reason, and bmpd should show it.
                let _ = server.write_tls(&mut &*connection.stream);
                let _ = connection.stream.shutdown(Shutdown::Both);
                return End::Broken(format!("in the TLS handshake: {e}"));
            }
        }
    }
    lock(&connection.inner).handshake = Some(Handshake {
        version: server.protocol_version(),
        server_name: server.server_name().map(str::to_owned),
        client: server.peer_certificates().unwrap_or_default().to_vec(),
    });
    read(connection, &mut StreamOwned::new(server, &*connection.stream), shared)
}

/// True if it only means that nothing was received in time.
fn is_late(e: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(e.kind(), WouldBlock | TimedOut | Interrupted)
}

/// Waits until the station's pace allows it to read, and returns how many bytes.
fn may_read(connection: &Connection, shared: &Shared) -> Option<usize> {
    let mut pace = lock(&shared.pace);
    loop {
        if lock(&connection.inner).ours {
            return None;
        }
        match *pace {
            Pace::Full => return Some(usize::MAX),
            Pace::Closing => {
                lock(&connection.inner).ours = true;
                let _ = connection.stream.shutdown(Shutdown::Both);
                return None;
            }
            Pace::Slow(rate) => {
                let pause = Duration::from_millis(50);
                let waited = shared.changed.wait_timeout(pace, pause);
                let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                pace = now;
                if timeout.timed_out() {
                    return Some((rate / 20).max(1));
                }
            }
            Pace::Stalled => {
                pace = shared.changed.wait(pace).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

fn read(connection: &Connection, stream: &mut impl Read, shared: &Shared) -> End {
    const READ: usize = 256 * 1024;
    let mut buffer = vec![0; 2 * READ];
    let mut filled = 0;
    loop {
        let Some(limit) = may_read(connection, shared) else {
            return End::Ours;
        };
        let space = &mut buffer[filled..];
        let limit = limit.min(space.len());
        match stream.read(&mut space[..limit]) {
            Ok(0) => {
                lock(&connection.inner).left_over = filled;
                return End::Closed;
            }
            Ok(n) => filled += n,
            Err(e) if is_late(&e) => continue,
            Err(e) => {
                lock(&connection.inner).left_over = filled;
                return End::Broken(e.to_string());
            }
        }
        let now = Instant::now();
        let mut inner = lock(&connection.inner);
        let mut rest = &buffer[..filled];
        loop {
            let maximum = if shared.setup.routers { READ } else { MAX_MESSAGE };
            match split_message_within(&mut rest, maximum) {
                Ok(Some(message)) => inner.record.message(message.whole, now),
                Ok(None) => break,
                Err(breach) => {
                    inner.record.violation(breach);
                    inner.ours = true;
                    let _ = connection.stream.shutdown(Shutdown::Both);
                    return End::Ours;
                }
            }
        }
        drop(inner);
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
    }
}

#[cfg(test)]
mod tests {
    //! A station that reads while it is stalled, or takes what is not signed, would let tests pass that must fail.

    use super::*;
    use crate::addresses::loopback;
    use crate::bmp::Kind;

    const INITIATION: [u8; 16] = [3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'];

    fn count(connection: &Connection) -> u64 {
        connection.look(|record| record.count(Kind::Initiation))
    }

    #[test]
    fn a_stalled_station_reads_nothing_until_it_may_again() {
        let station = Station::listen(loopback(), Mode::Counting);
        station.pace(Pace::Stalled);
        let mut stream = TcpStream::connect((station.ip(), station.port())).unwrap();
        stream.write_all(&INITIATION).unwrap();
        let connection = station.wait_connection(1);
        crate::wait::holds_for("no reading", Duration::from_millis(200), || {
            if count(&connection) == 0 { Ok(()) } else { Err(connection.summary()) }
        });
        station.pace(Pace::Slow(100));
        connection.wait("the Initiation", Duration::from_secs(5), |record| {
            (record.count(Kind::Initiation) == 1).then_some(())
        });
    }

    #[test]
    fn a_station_with_a_key_takes_only_what_is_signed_with_it() {
        let bmpd = loopback();
        let setup = Setup { md5: vec![(bmpd, "secret".to_owned())], ..Setup::default() };
        let station = Station::listen_with(SocketAddr::new(loopback(), 0), Mode::Keeping, setup);
        let to: SocketAddr = (station.ip(), station.port()).into();
        let connect = |key: Option<&str>| {
            let md5 = key.map(|key| (station.ip(), key.to_owned())).into_iter().collect();
            let socket =
                socket(SocketAddr::new(bmpd, 0), &Setup { md5, ..Setup::default() }).unwrap();
            socket.connect_timeout(&to.into(), Duration::from_millis(300)).map(|()| socket)
        };
        assert!(connect(None).is_err() && connect(Some("wrong")).is_err());
        let right = connect(Some("secret")).unwrap();
        (&right).write_all(&INITIATION).unwrap();
        station.wait_connection(1).wait("the Initiation", Duration::from_secs(5), |record| {
            (record.count(Kind::Initiation) == 1).then_some(())
        });
    }
}
