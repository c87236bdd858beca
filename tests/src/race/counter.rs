//! A station that counts, the same for every program.
//!
//! It parses each Route Monitoring message just far enough to count the routes that are announced
//! of each neighbor, pre-policy; everything else it ignores. It does not rely on an End-of-RIB: BIRD
//! sends it before the routes, GoBGP not at all. A connection is **complete** when the number of
//! announced routes of every neighbor has reached what that neighbor announces, and the moment counts
//! at which the message that made it so was counted.
//!
//! That is exact as long as nothing is announced twice. So the count is checked again when all is
//! idle: for a program that announces routes twice, the time is one in its favour, and the report
//! says so, with the time of the last announcement beside it. And a station that [`Keep`]s holds the set
//! itself, in a dump of its own that is not timed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, Read};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::bgp::{self, Family, Prefix, Update, attribute};
use crate::bmp::View;
use crate::bmp::message::{Message, kind, peer, read_monitoring, split_message};
use crate::table::Table;

/// A route of this length below 198.18.0.0/15 is a marker; see [`marker`].
const MARKER_LENGTH: u8 = 32;

/// The prefix that stands for marker `number`: one that no table has, announced once.
pub(super) fn marker(number: usize) -> Prefix {
    let [_, high, middle, low] = ((18 << 16) + number as u32).to_be_bytes();
    Prefix::new(IpAddr::from([198, high, middle, low]), MARKER_LENGTH)
}

fn marker_number(family: Family, nlri: &[u8]) -> Option<usize> {
    match nlri {
        &[MARKER_LENGTH, 198, high @ (18 | 19), middle, low] if family == Family::IPV4 => {
            Some(u32::from_be_bytes([0, high - 18, middle, low]) as usize)
        }
        _ => None,
    }
}

/// Whether a station keeps what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Keep {
    /// Numbers only: for what is timed.
    #[default]
    Nothing,
    /// Every route with the fingerprints of its attributes: for what is checked.
    Routes,
    /// All that is received, until all routes have been counted.
    Bytes,
}

/// The path attributes that must reach the station as the neighbor sent them.
const KEPT: [(u8, &str); 6] = [
    (attribute::ORIGIN, "ORIGIN"),
    (attribute::AS_PATH, "AS_PATH"),
    (attribute::NEXT_HOP, "next hop"),
    (attribute::MED, "MED"),
    (attribute::COMMUNITIES, "COMMUNITIES"),
    (attribute::LARGE_COMMUNITIES, "LARGE_COMMUNITY"),
];

/// A fingerprint of each of these attributes; 0 where there is none.
type Signature = [u32; KEPT.len()];

/// The routes of one neighbor.
pub(super) type Routes = HashMap<Prefix, Signature>;

fn signature(update: &Update<'_>, next_hop: &[u8]) -> Signature {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let hash = |value: &[u8]| hasher.hash_one(value) as u32 | 1;
    let mut signature = Signature::default();
    let place = |kind| KEPT.iter().position(|(kept, _)| *kept == kind);
    for path in update.path() {
        let Some(place) = place(path.kind) else { continue };
        signature[place] = match path.kind {
            // A set, which some speakers sort.
            attribute::COMMUNITIES => hash(&sorted::<4>(path.value)),
            attribute::LARGE_COMMUNITIES => hash(&sorted::<12>(path.value)),
            _ => hash(path.value),
        };
    }
    if let (false, Some(place)) = (next_hop.is_empty(), place(attribute::NEXT_HOP)) {
        signature[place] = hash(next_hop);
    }
    signature
}

fn sorted<const N: usize>(value: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = value.chunks(N).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.concat()
}

fn apply(update: &Update<'_>, routes: &mut Routes) -> Result<(), String> {
    for gone in update.withdrawn() {
        for prefix in bgp::prefixes(gone.family, gone.nlri)? {
            routes.remove(&prefix);
        }
    }
    for reach in update.announced() {
        let signature = signature(update, reach.next_hop);
        for prefix in bgp::prefixes(reach.family, reach.nlri)? {
            routes.insert(prefix, signature);
        }
    }
    Ok(())
}

/// What these UPDATEs do to the routes of a neighbor.
pub(super) fn apply_all(mut updates: &[u8], routes: &mut Routes) -> anyhow::Result<()> {
    while !updates.is_empty() {
        let message = bgp::split_message(&mut updates).map_err(anyhow::Error::msg)?;
        let update = Update::parse(message.body).map_err(anyhow::Error::msg)?;
        apply(&update, routes).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}

/// The routes of a table.
pub(super) fn routes_of(table: &Table) -> anyhow::Result<Routes> {
    let mut routes = Routes::with_capacity(table.routes() as usize);
    apply_all(table.bytes(), &mut routes)?;
    Ok(routes)
}

/// Describes how what a station holds differs from what the neighbor announced; `Ok` if it is all there.
pub(super) fn compare(expected: &Routes, found: &Routes) -> Result<(), String> {
    let missing = expected.keys().filter(|prefix| !found.contains_key(prefix)).count();
    let foreign = found.keys().filter(|prefix| !expected.contains_key(prefix)).count();
    let mut changed = BTreeMap::<&str, usize>::new();
    for (prefix, theirs) in found {
        let Some(ours) = expected.get(prefix) else { continue };
        for ((_, name), _) in
            KEPT.iter().zip(ours.iter().zip(theirs)).filter(|(_, (ours, theirs))| ours != theirs)
        {
            *changed.entry(name).or_default() += 1;
        }
    }
    if missing + foreign + changed.len() == 0 {
        return Ok(());
    }
    let sets = |routes: &Routes| routes.values().collect::<HashSet<_>>().len();
    let mut text = format!("{missing} routes missing, {foreign} that nobody announced");
    for (name, count) in &changed {
        text += &format!(", another {name} on {count}");
    }
    text += &format!("; {} of {} attribute sets", sets(found), sets(expected));
    Err(text)
}

/// A station that has received nothing for so long, and lacks something, will not receive it.
const STUCK: Duration = Duration::from_secs(60);

/// What one connection has carried of one neighbor.
#[derive(Debug)]
struct Counted {
    address: IpAddr,
    expected: u64,
    announced: u64,
    /// Empty unless the station keeps routes.
    routes: Routes,
}

/// What one connection has carried.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    neighbors: Vec<Counted>,
    keep: Keep,
    /// Where in `neighbors` the last message belonged: mostly the next one does, too.
    last: usize,
    /// When all routes of all neighbors had been counted.
    pub(super) complete: Option<Instant>,
    /// When the last announcement was received.
    pub(super) last_at: Option<Instant>,
    /// The bytes of whole messages until now.
    pub(super) bytes: u64,
    /// They themselves, if the station keeps them.
    pub(super) whole: Vec<u8>,
    /// When each marker was received.
    pub(super) markers: Vec<Option<Instant>>,
    /// How it ended, if it has.
    pub(super) ended: Option<String>,
}

impl Connection {
    /// Counts the whole messages at the beginning of `bytes` and returns their length.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut rest = bytes;
        let before = self.announced();
        while let Some(message) = split_message(&mut rest)? {
            if self.keep == Keep::Bytes && self.complete.is_none() {
                self.whole.extend_from_slice(message.whole);
            }
            self.message(message)?;
        }
        let taken = bytes.len() - rest.len();
        self.bytes += taken as u64;
        if self.announced() != before {
            self.last_at = Some(Instant::now());
        }
        Ok(taken)
    }

    fn announced(&self) -> u64 {
        self.neighbors.iter().map(|counted| counted.announced).sum()
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), String> {
        if !matches!(message.kind, kind::ROUTE_MONITORING | kind::PEER_DOWN) {
            return Ok(());
        }
        let (header, body) = message.peer()?;
        // A Loc-RIB, another instance, or another view, that was not requested.
        if header.peer.kind != peer::GLOBAL || header.view() != (View::In { post: false }) {
            return Ok(());
        }
        let is_this = |counted: &Counted| counted.address == header.peer.address;
        if !self.neighbors.get(self.last).is_some_and(is_this) {
            match self.neighbors.iter().position(is_this) {
                Some(place) => self.last = place,
                None => return Ok(()),
            }
        }
        let counted = &mut self.neighbors[self.last];
        if message.kind == kind::PEER_DOWN {
            counted.announced = 0;
            counted.routes.clear();
            return Ok(());
        }
        let update = Update::parse(read_monitoring(body)?)?;
        let before = counted.announced;
        for reach in update.announced() {
            counted.announced += bgp::count_nlri(reach.family, reach.nlri)?;
            if let Some(number) = marker_number(reach.family, reach.nlri) {
                let length = self.markers.len().max(number + 1);
                self.markers.resize(length, None);
                self.markers[number].get_or_insert_with(Instant::now);
            }
        }
        if self.keep == Keep::Routes {
            apply(&update, &mut counted.routes)?;
        }
        if before < counted.expected && counted.announced >= counted.expected && self.is_complete()
        {
            self.complete.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.neighbors.iter().all(|counted| counted.announced >= counted.expected)
    }

    /// How many announcements there were beyond one of each route.
    pub(super) fn surplus(&self) -> u64 {
        self.neighbors.iter().map(|n| n.announced.saturating_sub(n.expected)).sum()
    }

    /// What it holds of each neighbor, in the order in which they were named; leaves nothing behind.
    pub(super) fn take_routes(&mut self) -> Vec<Routes> {
        self.neighbors.iter_mut().map(|counted| std::mem::take(&mut counted.routes)).collect()
    }

    /// In short, for people.
    pub(super) fn summary(&self) -> String {
        let announced = self.announced();
        let expected: u64 = self.neighbors.iter().map(|counted| counted.expected).sum();
        let end = self.ended.as_ref().map(|end| format!("; {end}")).unwrap_or_default();
        format!("{announced} of {expected} routes{end}")
    }
}

#[derive(Debug, Default)]
struct State {
    connections: Vec<Connection>,
    keep: Keep,
    stalled: bool,
    closed: bool,
}

#[derive(Debug, Default)]
struct Shared {
    /// Each neighbor, and how many routes it has.
    expected: Vec<(IpAddr, u64)>,
    state: Mutex<State>,
    /// Notified when something happened that a caller may wait for.
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A station that counts. Closed when dropped.
#[derive(Debug)]
pub(super) struct Counter {
    shared: Arc<Shared>,
    listener: Arc<TcpListener>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Counter {
    /// Listens at a free port; each neighbor is named with the number of its routes.
    ///
    /// `receive_buffer`, in bytes, bounds what the system buffers for it while it is stalled.
    pub(super) fn listen(
        address: IpAddr,
        neighbors: &[(IpAddr, u64)],
        receive_buffer: Option<usize>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { expected: neighbors.to_vec(), ..Shared::default() });
        let address = SocketAddr::new(address, 0);
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(size) = receive_buffer {
            socket.set_recv_buffer_size(size)?;
        }
        socket.bind(&address.into())?;
        socket.listen(128)?;
        let listener = Arc::new(TcpListener::from(socket));
        let address = listener.local_addr()?;
        let thread = thread::spawn({
            let (listener, shared) = (listener.clone(), shared.clone());
            move || accept(&listener, &shared)
        });
        Ok(Self { shared, listener, address, thread: Some(thread) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it keeps of connections to come.
    pub(super) fn keep(&self, keep: Keep) {
        self.shared.lock().keep = keep;
    }

    /// Has it read nothing, or read again.
    pub(super) fn stall(&self, stalled: bool) {
        self.shared.lock().stalled = stalled;
        self.shared.changed.notify_all();
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Calls `look` with the newest connection.
    pub(super) fn newest<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> Option<T> {
        self.shared.lock().connections.last_mut().map(look)
    }

    /// Waits until `look` succeeds for a connection behind the first `before`.
    ///
    /// `alive` is called now and then to check whether there is anything left to wait for.
    ///
    /// # Errors
    /// When it is not there within `limit`, or nothing is received any more; with what is there.
    pub(super) fn wait<T>(
        &self,
        before: usize,
        limit: Duration,
        mut alive: impl FnMut() -> anyhow::Result<()>,
        mut look: impl FnMut(&Connection) -> Option<T>,
    ) -> anyhow::Result<T> {
        let begun = Instant::now();
        let (mut read, mut moved) = (0, begun);
        let mut state = self.shared.lock();
        loop {
            let connections = state.connections.get(before..).unwrap_or_default();
            if let Some(found) = connections.iter().find_map(&mut look) {
                return Ok(found);
            }
            let bytes = connections.iter().map(|connection| connection.bytes).sum();
            if bytes != read {
                (read, moved) = (bytes, Instant::now());
            }
            let there = || connections.last().map_or("no connection".into(), Connection::summary);
            if begun.elapsed() > limit {
                anyhow::bail!("not within {} s ({})", limit.as_secs(), there());
            }
            if moved.elapsed() > STUCK {
                anyhow::bail!("stuck: nothing for {} s ({})", STUCK.as_secs(), there());
            }
            alive()?;
            let waited = self.shared.changed.wait_timeout(state, Duration::from_millis(200));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until so many connections are complete, and returns when the last of them was.
    ///
    /// # Errors
    /// When they are not within `limit`.
    pub(super) fn wait_complete(&self, count: usize, limit: Duration) -> anyhow::Result<Instant> {
        let begun = Instant::now();
        let mut state = self.shared.lock();
        loop {
            let complete: Vec<Instant> =
                state.connections.iter().filter_map(|connection| connection.complete).collect();
            if let Some(last) = complete.iter().max().filter(|_| complete.len() >= count) {
                return Ok(*last);
            }
            let there = complete.len();
            anyhow::ensure!(
                begun.elapsed() < limit,
                "{there} of {count} connections are complete after {} s",
                limit.as_secs()
            );
            let waited = self.shared.changed.wait_timeout(state, Duration::from_millis(50));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The bytes of all connections.
    pub(super) fn bytes(&self) -> u64 {
        self.shared.lock().connections.iter().map(|connection| connection.bytes).sum()
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        // Wakes the thread that waits in accept.
        let _ = SockRef::from(&*self.listener).shutdown(Shutdown::Both);
        {
            let mut state = self.shared.lock();
            state.closed = true;
            for connection in &state.connections {
                let _ = connection.stream.shutdown(Shutdown::Both);
            }
        }
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut readers = vec![];
    while let Ok((stream, _)) = listener.accept() {
        let Ok(copy) = stream.try_clone() else { break };
        let mut state = shared.lock();
        let keep = state.keep;
        let counted = |(address, expected): &(IpAddr, u64)| Counted {
            address: *address,
            expected: *expected,
            announced: 0,
            routes: Routes::new(),
        };
        let number = state.connections.len();
        state.connections.push(Connection {
            stream: copy,
            neighbors: shared.expected.iter().map(counted).collect(),
            keep,
            last: 0,
            complete: None,
            last_at: None,
            bytes: 0,
            whole: vec![],
            markers: vec![],
            ended: None,
        });
        drop(state);
        shared.changed.notify_all();
        let shared = shared.clone();
        readers.push(thread::spawn(move || {
            let end = read(stream, number, &shared);
            shared.lock().connections[number].ended = Some(end);
            shared.changed.notify_all();
        }));
    }
    for reader in readers {
        let _ = reader.join();
    }
}

/// Reads a connection to its end and returns how it ended.
fn read(mut stream: TcpStream, number: usize, shared: &Shared) -> String {
    const READ: usize = 256 * 1024;
    let mut buffer = vec![0; 2 * READ];
    let mut filled = 0;
    loop {
        let mut state = shared.lock();
        while state.stalled && !state.closed {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => return "the sender closed it".to_owned(),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return e.to_string(),
        }
        let mut state = shared.lock();
        let connection = &mut state.connections[number];
        let before = connection.complete;
        let taken = match connection.take(&buffer[..filled]) {
            Ok(taken) => taken,
            Err(breach) => {
                let _ = stream.shutdown(Shutdown::Both);
                return breach;
            }
        };
        let has_come_about = connection.complete != before || !connection.markers.is_empty();
        drop(state);
        if has_come_about {
            shared.changed.notify_all();
        }
        buffer.copy_within(taken..filled, 0);
        filled -= taken;
    }
}

#[cfg(test)]
mod tests {
    //! What is counted too early, or not compared, would be a better figure.

    use std::io::Write as _;

    use super::*;
    use crate::addresses::loopback;
    use crate::bmp::message::{flag, header, monitoring};
    use crate::random::Random;
    use crate::table::{Attributes, put_announcements};

    const TIMEOUT: Duration = Duration::from_secs(20);

    /// Route Monitoring, each UPDATE in a message of its own.
    fn monitored(neighbor: IpAddr, flags: u8, updates: &[u8]) -> Vec<u8> {
        monitoring(&header(peer::GLOBAL, 0, neighbor, 65_001).with(flags), updates)
    }

    #[test]
    fn a_connection_is_complete_with_the_last_route_of_the_last_neighbor() {
        let neighbors = [loopback(), loopback()];
        let table = Table::full(200, 100);
        let counts = neighbors.map(|neighbor| (neighbor, table.routes()));
        let counter = Counter::listen(loopback(), &counts, None).unwrap();
        counter.keep(Keep::Routes);
        let mut stream = TcpStream::connect(counter.address()).unwrap();
        // Another view of the same routes counts for nothing.
        stream.write_all(&monitored(neighbors[1], flag::POST_POLICY, table.bytes())).unwrap();
        stream.write_all(&monitored(neighbors[0], 0, table.bytes())).unwrap();
        let half = |c: &Connection| (c.neighbors[0].announced == 300).then_some(c.complete);
        assert_eq!(counter.wait(0, TIMEOUT, || Ok(()), half).unwrap(), None);
        stream.write_all(&monitored(neighbors[1], 0, table.bytes())).unwrap();
        counter.wait(0, TIMEOUT, || Ok(()), |c| c.complete).unwrap();
        assert_eq!(counter.newest(|c| c.surplus()), Some(0));
        let expected = routes_of(&table).unwrap();
        for held in counter.newest(Connection::take_routes).unwrap() {
            assert_eq!(compare(&expected, &held), Ok(()));
        }
    }

    #[test]
    fn a_marker_is_seen_when_it_comes() {
        let neighbor = loopback();
        let counter = Counter::listen(loopback(), &[(neighbor, 1)], None).unwrap();
        let mut updates = vec![];
        let path = Attributes::sample(65001, &mut Random::new(1));
        put_announcements(&mut updates, &[marker(700)], &path);
        let mut stream = TcpStream::connect(counter.address()).unwrap();
        stream.write_all(&monitored(neighbor, 0, &updates)).unwrap();
        let come = |c: &Connection| c.markers.get(700).copied().flatten();
        counter.wait(0, TIMEOUT, || Ok(()), come).unwrap();
        assert_eq!(counter.newest(|c| c.markers.iter().flatten().count()), Some(1));
    }

    #[test]
    fn what_is_missing_foreign_or_changed_is_named() {
        let expected = routes_of(&Table::full(100, 0)).unwrap();
        let mut found = expected.clone();
        let taken = *found.keys().next().unwrap();
        let signature = found.remove(&taken).unwrap();
        found.values_mut().next().unwrap()[1] ^= 2;
        found.insert(marker(0), signature);
        let said = compare(&expected, &found).unwrap_err();
        assert!(said.starts_with("1 routes missing, 1 that nobody announced"), "{said}");
        assert!(said.contains("another AS_PATH on 1;"), "{said}");
    }
}
