//! The network of a run: connections are bytes in memory, and their delivery is drawn at random from the seed.
//!
//! ```text
//!   bmpd: TcpStream ──write──> [ bytes on their way, at most `room` ] ──read──> End: the simulator
//!                   <──read─── [ the same                           ] <─write──
//! ```
//!
//! It does what TCP may do and tests seldom meet: accepts a part of what is written, returns a part of what is there,
//! is ready late, or reports that it is ready and is not. Once in a while a far end resets, or disappears silently.
//! Nothing here waits for time but [`connect`].

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;

/// bmpd's address in this network.
pub const BMPD: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));

/// The longest that it takes until a connection is made or refused, ms.
const LATENCY: u64 = 20;

thread_local! {
    static NETWORK: RefCell<Network> = RefCell::new(Network::new(0));
}

/// What a far end does with those that connect to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It accepts connections, with this room for bytes on their way from bmpd.
    Accept {
        /// In bytes, at least 1.
        room: usize,
    },
    /// There is no listener.
    Refuse,
    /// There is no answer.
    Silence,
}

struct Network {
    lots: fastrand::Rng,
    /// What the far ends do; those that are not here refuse.
    answers: BTreeMap<SocketAddr, Answer>,
    /// Connections that bmpd has made, and where to, until the simulator takes them.
    made: Vec<(SocketAddr, End)>,
    /// Where bmpd listens.
    ports: BTreeMap<SocketAddr, Arc<Mutex<Backlog>>>,
    next_port: u16,
}

#[derive(Debug, Default)]
struct Backlog {
    waiting: VecDeque<TcpStream>,
    waker: Option<Waker>,
}

impl Network {
    fn new(seed: u64) -> Self {
        Self {
            lots: fastrand::Rng::with_seed(seed),
            answers: BTreeMap::new(),
            made: Vec::new(),
            ports: BTreeMap::new(),
            next_port: 30_000,
        }
    }

    fn port(&mut self) -> u16 {
        self.next_port = self.next_port.checked_add(1).unwrap_or(30_000);
        self.next_port
    }
}

/// Starts with an empty network.
pub(super) fn begin(seed: u64) {
    NETWORK.replace(Network::new(seed));
}

/// True once in so many times.
fn lot(once_in: u32) -> bool {
    NETWORK.with_borrow_mut(|network| network.lots.u32(0..once_in) == 0)
}

/// All of so many bytes, or fewer, at least one.
fn part(bytes: usize) -> usize {
    if bytes > 1 && lot(4) {
        NETWORK.with_borrow_mut(|network| network.lots.usize(1..=bytes))
    } else {
        bytes
    }
}

/// Sets what the far end at an address does from now on.
pub fn answer(address: SocketAddr, answer: Answer) {
    NETWORK.with_borrow_mut(|network| network.answers.insert(address, answer));
}

/// The connections that bmpd has made since this was last called, with where to.
pub fn take_made() -> Vec<(SocketAddr, End)> {
    NETWORK.with_borrow_mut(|network| std::mem::take(&mut network.made))
}

/// Connects to bmpd. `None` if it does not listen there.
pub fn connect_to_bmpd(from: IpAddr, port: u16, room: usize) -> Option<End> {
    let (remote, backlog) = NETWORK.with_borrow_mut(|network| {
        let any = SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port);
        let backlog = network.ports.get(&SocketAddr::new(BMPD, port));
        let backlog = Arc::clone(backlog.or_else(|| network.ports.get(&any))?);
        Some((SocketAddr::new(from, network.port()), backlog))
    })?;
    let (stream, end) = pair(SocketAddr::new(BMPD, port), remote, room);
    let mut backlog = backlog.lock();
    backlog.waiting.push_back(stream);
    backlog.waker.take().into_iter().for_each(Waker::wake);
    Some(end)
}

/// bmpd connects.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let latency = NETWORK.with_borrow_mut(|network| network.lots.u64(0..=LATENCY));
    tokio::time::sleep(Duration::from_millis(latency)).await;
    let answer = NETWORK.with_borrow(|network| network.answers.get(&address).copied());
    let room = match answer {
        Some(Answer::Accept { room }) => room,
        Some(Answer::Silence) => std::future::pending().await,
        Some(Answer::Refuse) | None => {
            return Err(io::Error::from_raw_os_error(libc::ECONNREFUSED));
        }
    };
    let port = NETWORK.with_borrow_mut(Network::port);
    let (stream, end) = pair(SocketAddr::new(BMPD, port), address, room);
    NETWORK.with_borrow_mut(|network| network.made.push((address, end)));
    Ok(stream)
}

/// bmpd listens.
pub(crate) fn bind(address: SocketAddr) -> io::Result<Port> {
    NETWORK.with_borrow_mut(|network| {
        if network.ports.contains_key(&address) {
            return Err(io::Error::from_raw_os_error(libc::EADDRINUSE));
        }
        let backlog = Arc::<Mutex<Backlog>>::default();
        network.ports.insert(address, Arc::clone(&backlog));
        Ok(Port { address, backlog })
    })
}

/// A place where bmpd listens; free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Port {
    address: SocketAddr,
    backlog: Arc<Mutex<Backlog>>,
}

impl Port {
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let stream = poll_fn(|context| {
            let mut backlog = self.backlog.lock();
            match backlog.waiting.pop_front() {
                Some(stream) => Poll::Ready(stream),
                None => {
                    backlog.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        });
        let stream = stream.await;
        let from = stream.peer_addr()?;
        Ok((stream, from))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let closed = NETWORK.try_with(|network| {
            // Not there any more if a run ends with its tasks.
            network.try_borrow_mut().ok().map(|mut network| network.ports.remove(&self.address))
        });
        drop(closed);
        self.backlog.lock().waiting.iter().for_each(TcpStream::abandon);
    }
}

/// One connection, as both sides share it.
#[derive(Debug)]
struct Wire {
    to_bmpd: VecDeque<u8>,
    from_bmpd: VecDeque<u8>,
    /// How many bytes from bmpd may be on their way.
    room: usize,
    /// What bmpd has read and written so far.
    read: u64,
    written: u64,
    /// What the far end has read so far.
    taken: u64,
    /// What bmpd had read when it ended its side.
    read_at_end: Option<u64>,
    /// bmpd will make its close a reset.
    abandoned: bool,
    /// The far end writes no more; it is gone, and what is written to it gets a reset.
    far_ended: bool,
    far_gone: bool,
    reset: bool,
    wakers: Vec<Waker>,
}

impl Wire {
    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn wait(&mut self, context: &Context<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            self.wakers.push(context.waker().clone());
        }
    }

    fn is_readable(&self) -> bool {
        !self.to_bmpd.is_empty() || self.far_ended || self.reset
    }

    fn is_writable(&self) -> bool {
        self.from_bmpd.len() < self.room || self.far_gone || self.reset
    }
}

fn pair(local: SocketAddr, remote: SocketAddr, room: usize) -> (TcpStream, End) {
    let wire = Wire {
        to_bmpd: VecDeque::new(),
        from_bmpd: VecDeque::new(),
        room,
        read: 0,
        written: 0,
        taken: 0,
        read_at_end: None,
        abandoned: false,
        far_ended: false,
        far_gone: false,
        reset: false,
        wakers: Vec::new(),
    };
    let wire = Arc::new(Mutex::new(wire));
    (TcpStream { wire: Arc::clone(&wire), local, remote }, End { wire })
}

/// bmpd's end, used like tokio's.
#[derive(Debug)]
pub(crate) struct TcpStream {
    wire: Arc<Mutex<Wire>>,
    local: SocketAddr,
    remote: SocketAddr,
}

impl TcpStream {
    pub(crate) async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| self.poll(context, Wire::is_readable)).await;
        Ok(())
    }

    pub(crate) async fn writable(&self) -> io::Result<()> {
        poll_fn(|context| self.poll(context, Wire::is_writable)).await;
        Ok(())
    }

    /// Ready, or a little later, or before there is a reason to be.
    fn poll(&self, context: &Context<'_>, is_ready: fn(&Wire) -> bool) -> Poll<()> {
        let mut wire = self.wire.lock();
        match is_ready(&wire) {
            true if lot(8) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            true => Poll::Ready(()),
            false if lot(64) => Poll::Ready(()),
            false => {
                wire.wait(context);
                Poll::Pending
            }
        }
    }

    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut wire = self.wire.lock();
        if wire.to_bmpd.is_empty() {
            return match (wire.reset, wire.far_ended) {
                (true, _) => Err(io::Error::from_raw_os_error(libc::ECONNRESET)),
                (false, true) => Ok(0),
                (false, false) => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let count = part(wire.to_bmpd.len().min(buffer.len()));
        for (place, byte) in buffer.iter_mut().zip(wire.to_bmpd.drain(..count)) {
            *place = byte;
        }
        wire.read += count as u64;
        Ok(count)
    }

    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut wire = self.wire.lock();
        if wire.reset {
            return Err(io::Error::from_raw_os_error(libc::ECONNRESET));
        }
        if wire.far_gone {
            // It is accepted, and answered with a reset.
            wire.reset = true;
            wire.written += bytes.len() as u64;
            wire.wake();
            return Ok(bytes.len());
        }
        let free = wire.room.saturating_sub(wire.from_bmpd.len());
        if free == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = part(free.min(bytes.len()));
        wire.from_bmpd.extend(bytes.iter().take(count));
        wire.written += count as u64;
        Ok(count)
    }

    pub(crate) fn try_write_vectored(&self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        slices.first().map_or(Ok(0), |first| self.try_write(first))
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    pub(crate) fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.remote)
    }

    pub(crate) fn end_writing(&self) {
        let mut wire = self.wire.lock();
        let read = wire.read;
        wire.read_at_end.get_or_insert(read);
    }

    pub(crate) fn abandon(&self) {
        self.wire.lock().abandoned = true;
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.wire.lock().taken
    }

    pub(crate) fn unacknowledged(&self) -> u64 {
        self.wire.lock().from_bmpd.len() as u64
    }
}

impl Drop for TcpStream {
    fn drop(&mut self) {
        let mut wire = self.wire.lock();
        let read = wire.read;
        wire.read_at_end.get_or_insert(read);
        // Over unread bytes a close is a reset (RFC 1122 section 4.2.2.13), too.
        if wire.abandoned || !wire.to_bmpd.is_empty() {
            wire.reset = true;
            let left = wire.from_bmpd.len();
            wire.from_bmpd.truncate(part(left));
        }
        wire.to_bmpd.clear();
    }
}

/// What the far end finds when it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing now.
    Nothing,
    /// bmpd has ended its side, and everything was read.
    End,
    /// The connection was reset.
    Reset,
}

/// The far end of a connection, controlled by the simulator. If it is just dropped it disappears silently: bmpd is not
/// notified.
#[derive(Debug)]
pub struct End {
    wire: Arc<Mutex<Wire>>,
}

impl End {
    /// Reads at most so many bytes.
    pub fn read(&self, most: usize) -> Found {
        let mut wire = self.wire.lock();
        let count = most.min(wire.from_bmpd.len());
        if count > 0 {
            let bytes = wire.from_bmpd.drain(..count).collect();
            wire.taken += count as u64;
            wire.wake();
            return Found::Bytes(bytes);
        }
        match (wire.reset, wire.read_at_end.is_some()) {
            _ if !wire.from_bmpd.is_empty() => Found::Nothing,
            (true, _) => Found::Reset,
            (false, true) => Found::End,
            (false, false) => Found::Nothing,
        }
    }

    /// Sends bytes.
    pub fn write(&self, bytes: &[u8]) {
        let mut wire = self.wire.lock();
        // A side that has ended reads no more, but for what is discarded until it is closed.
        wire.to_bmpd.extend(bytes);
        wire.wake();
    }

    /// Closes: bmpd reads what was sent, then the end. Over bytes that were not read it is a reset.
    pub fn close(&self) {
        let mut wire = self.wire.lock();
        wire.far_ended = true;
        wire.far_gone = true;
        wire.reset |= !wire.from_bmpd.is_empty();
        wire.wake();
    }

    /// Sends no more, and continues to read.
    pub fn end_writing(&self) {
        let mut wire = self.wire.lock();
        wire.far_ended = true;
        wire.wake();
    }

    /// Resets the connection. What was sent can still be read.
    pub fn reset(&self) {
        let mut wire = self.wire.lock();
        wire.reset = true;
        wire.far_gone = true;
        wire.wake();
    }

    /// How many bytes from bmpd may be on their way.
    pub fn room(&self) -> usize {
        self.wire.lock().room
    }

    /// How many bytes of what was sent bmpd has read, without those that it discarded after its end.
    pub fn read_by_bmpd(&self) -> u64 {
        let wire = self.wire.lock();
        wire.read_at_end.unwrap_or(wire.read)
    }

    /// How many bytes bmpd has written.
    pub fn written_by_bmpd(&self) -> u64 {
        self.wire.lock().written
    }

    /// True once bmpd has ended its side.
    pub fn is_ended_by_bmpd(&self) -> bool {
        self.wire.lock().read_at_end.is_some()
    }

    /// True if everything was read by its receiver.
    pub fn is_drained(&self) -> bool {
        let wire = self.wire.lock();
        wire.from_bmpd.is_empty() && (wire.to_bmpd.is_empty() || wire.read_at_end.is_some())
    }
}
