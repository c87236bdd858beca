//! A BMP station: listens, reads what bmpd sends, and judges it.
//!
//! Every connection it ever had stays in its history, so that a test can ask of each generation what
//! it carried. How fast it reads is the test's choice, down to not at all.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::bgp::{Routes, difference};
pub use crate::bmp::Mode;
use crate::bmp::Record;
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
    /// The system says it broke (RST).
    Broken(String),
    /// The station closed it.
    Ours,
}

/// One connection of the station's history. Clones are of the same connection.
#[derive(Debug, Clone)]
pub struct Connection {
    /// 1 for the first connection, and so on: the generation, as far as the station can tell.
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
}

impl Connection {
    /// Looks at what the connection has carried so far; it does not go on meanwhile.
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

    /// Waits until `look` finds what it looks for; its error says what is missing.
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
                // The quick look first: most of the time they differ in number.
                if found.len() != expected.len() {
                    let (found, wanted) = (found.len(), expected.len());
                    return Err(format!("{found} of {wanted} routes; {}", record.summary()));
                }
                difference(expected, found).map_or(Ok(()), Err)
            })
        });
    }

    /// # Panics
    /// When anything on the connection was against the protocol.
    #[track_caller]
    pub fn assert_legal(&self) {
        self.look(|record| {
            assert!(record.violations.is_empty(), "{}: {:#?}", self.number, record.violations);
        });
    }

    /// Sends bytes to bmpd, which BMP does not provide for.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    /// Closes the station's direction only (FIN), and goes on reading.
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
    pace: Mutex<Pace>,
    /// Set when the pace changes or the station is killed.
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A station. Its connections are closed and its port is free again when it is dropped.
#[derive(Debug)]
pub struct Station {
    address: SocketAddr,
    receive_buffer: Option<usize>,
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

    /// Listens at this address and port. `receive_buffer`, in bytes, bounds what the system takes
    /// for a station that does not read.
    ///
    /// # Panics
    /// When it cannot.
    pub fn listen_at(address: SocketAddr, mode: Mode, receive_buffer: Option<usize>) -> Self {
        let shared = Arc::new(Shared {
            mode: Mutex::new(mode),
            connections: Mutex::new(vec![]),
            pace: Mutex::new(Pace::Full),
            changed: Condvar::new(),
        });
        let mut station = Self { address, receive_buffer, shared, listener: None };
        station.revive();
        station
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
    /// When the port cannot be had.
    pub fn revive(&mut self) {
        if self.listener.is_some() {
            return;
        }
        let listener = wait_for("the station's port", Duration::from_secs(5), || {
            bind(self.address, self.receive_buffer).map_err(|e| format!("{}: {e}", self.address))
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
        lock(&self.shared.connections).clone()
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

    /// The newest connection, if there is any.
    pub fn latest(&self) -> Option<Connection> {
        lock(&self.shared.connections).last().cloned()
    }

    /// # Panics
    /// When anything on any connection was against the protocol.
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

fn bind(address: SocketAddr, receive_buffer: Option<usize>) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if let Some(size) = receive_buffer {
        // Accepted sockets inherit it.
        socket.set_recv_buffer_size(size)?;
    }
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, remote)) = listener.accept() {
        let stream = Arc::new(stream);
        let mut connections = lock(&shared.connections);
        let connection = Connection {
            number: connections.len() + 1,
            remote,
            accepted: Instant::now(),
            stream,
            inner: Arc::new(Mutex::new(Inner {
                record: Record::new(*lock(&shared.mode)),
                end: None,
                left_over: 0,
                ours: false,
            })),
        };
        connections.push(connection.clone());
        drop(connections);
        let shared = shared.clone();
        thread::spawn(move || {
            let end = read(&connection, &shared);
            let mut inner = lock(&connection.inner);
            let end = if inner.ours { End::Ours } else { end };
            inner.end = Some((Instant::now(), end));
        });
    }
}

/// Waits until the station's pace lets it read, and says how many bytes.
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

fn read(connection: &Connection, shared: &Shared) -> End {
    const READ: usize = 256 * 1024;
    let mut buffer = vec![0; 2 * READ];
    let mut filled = 0;
    let mut stream = &*connection.stream;
    // So that a change of pace is noticed also while nothing comes.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(100)));
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
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                lock(&connection.inner).left_over = filled;
                return End::Broken(e.to_string());
            }
        }
        let now = Instant::now();
        let mut inner = lock(&connection.inner);
        let mut rest = &buffer[..filled];
        loop {
            match Record::length(rest) {
                Ok(Some(length)) if length <= rest.len() => {
                    let (message, after) = rest.split_at(length);
                    inner.record.message(message, now);
                    rest = after;
                }
                Ok(_) => break,
                Err(breach) => {
                    inner.record.violation(breach);
                    inner.ours = true;
                    let _ = stream.shutdown(Shutdown::Both);
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
    use super::*;
    use crate::addresses::loopback;
    use crate::bmp::Kind;

    const INITIATION: [u8; 16] = [3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'];

    fn count(connection: &Connection) -> u64 {
        connection.look(|record| record.count(Kind::Initiation))
    }

    #[test]
    fn messages_are_read_however_they_are_cut() {
        let station = Station::listen(loopback(), Mode::Keeping);
        let mut stream = TcpStream::connect((station.ip(), station.port())).unwrap();
        for byte in INITIATION {
            stream.write_all(&[byte]).unwrap();
        }
        let connection = station.wait_connection(1);
        connection.wait("the Initiation", Duration::from_secs(5), |record| {
            (record.count(Kind::Initiation) == 1).then_some(())
        });
        drop(stream);
        assert_eq!(connection.wait_end(Duration::from_secs(5)).1, End::Closed);
        connection.assert_legal();
    }

    #[test]
    fn a_station_can_be_killed_and_started_again_on_its_port() {
        let mut station = Station::listen(loopback(), Mode::Counting);
        let address = (station.ip(), station.port());
        let mut first = TcpStream::connect(address).unwrap();
        first.write_all(&INITIATION).unwrap();
        station.wait_connection(1);
        station.kill();
        assert!(TcpStream::connect(address).is_err());
        assert_eq!(first.read(&mut [0; 1]).unwrap_or(0), 0);
        station.revive();
        let _second = TcpStream::connect(address).unwrap();
        assert_eq!(station.wait_connection(2).number, 2);
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
    fn a_closing_station_closes_at_once() {
        let station = Station::listen(loopback(), Mode::Counting);
        station.pace(Pace::Closing);
        let mut stream = TcpStream::connect((station.ip(), station.port())).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
        assert_eq!(station.wait_connection(1).wait_end(Duration::from_secs(5)).1, End::Ours);
    }
}
