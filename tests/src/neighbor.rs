//! A BGP speaker that peers with bmpd.
//!
//! One value is one BGP connection that is up, from its handshake until it is closed. It records
//! every UPDATE it sent, so that [`Neighbor::expected`] is the Adj-RIB-In that bmpd should have.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use crate::addresses::in_time;
use crate::bgp::{self, Family, Open, Prefix, Routes, Update, kind};
use crate::md5;
use crate::netns::{Namespace, Netns, within};
use crate::nlri::{self, Rib};
use crate::table::{Attributes, Table, put_announcements};
use crate::wait::wait_for;

/// How the neighbor presents itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address it connects from or listens on.
    pub address: IpAddr,
    /// Its OPEN.
    pub open: Open,
    /// Where its sockets belong.
    pub namespace: Option<Namespace>,
    /// The key of TCP MD5 signatures, when it connects.
    pub md5: Option<String>,
}

impl Options {
    /// AS `asn` at `address`: both families, a hold time of 90 s, no extended messages.
    pub fn new(address: IpAddr, asn: u32) -> Self {
        let router_id = match address {
            IpAddr::V4(v4) => v4,
            IpAddr::V6(_) => Ipv4Addr::new(192, 0, 2, 66),
        };
        let open = Open { router_id, ..Open::of(asn) };
        Self { address, open, namespace: None, md5: None }
    }
}

/// What the neighbor has received.
#[derive(Debug, Clone, Default)]
pub struct Received {
    /// bmpd's OPEN, with its header.
    pub open: Vec<u8>,
    /// The code, subcode and data of its NOTIFICATION.
    pub notification: Option<(u8, u8, Vec<u8>)>,
    /// KEEPALIVEs.
    pub keepalives: u64,
    /// UPDATEs: bmpd announces nothing, so that there should be none.
    pub updates: u64,
    /// The bytes of the UPDATEs, for a neighbor that replaces bmpd.
    pub messages: Vec<u8>,
    /// ROUTE-REFRESH messages and everything else.
    pub others: u64,
    /// When the connection ended.
    pub closed: Option<Instant>,
}

#[derive(Debug)]
struct Shared {
    writer: Mutex<TcpStream>,
    received: Mutex<Received>,
    /// False ends the thread that sends KEEPALIVEs.
    alive: Mutex<bool>,
    changed: Condvar,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An established BGP connection with bmpd. Closed when dropped.
#[derive(Debug)]
pub struct Neighbor {
    options: Options,
    shared: Arc<Shared>,
    sent: Mutex<Vec<Arc<[u8]>>>,
    sent_open: Vec<u8>,
    local: SocketAddr,
    remote: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

impl Neighbor {
    /// Connects from `options.address` to bmpd at `daemon` and waits until the session is
    /// established, trying again as often as it takes.
    ///
    /// # Panics
    /// When it is not within 30 s.
    #[track_caller]
    pub fn connect(options: &Options, daemon: SocketAddr) -> Self {
        let what = format!("a BGP session from {} to {daemon}", options.address);
        wait_for(&what, Duration::from_secs(30), || Self::try_connect(options, daemon))
    }

    /// Like [`Neighbor::connect`], once; the error describes why no session was established.
    ///
    /// # Errors
    /// When bmpd does not accept it, or does not complete the handshake.
    pub fn try_connect(options: &Options, daemon: SocketAddr) -> Result<Self, String> {
        let stream = within(options.namespace.as_ref(), || connect_from(options, daemon));
        Self::handshake(options, stream.map_err(|e| e.to_string())?)
    }

    /// The same in a namespace.
    ///
    /// # Panics
    /// When it is not within 30 s.
    #[track_caller]
    pub fn connect_in(netns: &Netns, options: &Options, daemon: SocketAddr) -> Self {
        let namespace = Some(netns.namespace().clone());
        Self::connect(&Options { namespace, ..options.clone() }, daemon)
    }

    /// Listens for bmpd as the options say, with the namespace and the key for `daemon`; see
    /// [`Neighbor::accept`]. Port 0 stands for a free one.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn listen(options: &Options, port: u16, daemon: IpAddr) -> TcpListener {
        in_time(SocketAddr::new(options.address, port), || {
            within(options.namespace.as_ref(), || {
                let socket = socket(options, port, daemon)?;
                socket.listen(8)?;
                Ok::<TcpListener, io::Error>(socket.into())
            })
        })
    }

    /// Waits at `listener` until bmpd has connected and the session is established.
    ///
    /// # Panics
    /// When it is not within 30 s.
    #[track_caller]
    pub fn accept(options: &Options, listener: &TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a listener can be made nonblocking");
        wait_for("bmpd to connect to its neighbor", Duration::from_secs(30), || {
            let (stream, _) = listener.accept().map_err(|e| e.to_string())?;
            stream.set_nonblocking(false).map_err(|e| e.to_string())?;
            Self::handshake(options, stream)
        })
    }

    fn handshake(options: &Options, mut stream: TcpStream) -> Result<Self, String> {
        let failed = |e: io::Error| format!("during the handshake: {e}");
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_secs(10))).map_err(failed)?;
        stream.set_write_timeout(Some(Duration::from_secs(60))).map_err(failed)?;
        let sent_open = options.open.encode();
        stream.write_all(&sent_open).map_err(failed)?;
        let mut received = Received::default();
        while received.keepalives == 0 {
            let bytes = bgp::read_message(&mut stream).map_err(failed)?;
            match bytes[18] {
                kind::OPEN => {
                    Open::parse(&bytes[bgp::HEADER..])?;
                    stream.write_all(&bgp::message(kind::KEEPALIVE, &[])).map_err(failed)?;
                    received.open = bytes;
                }
                kind::KEEPALIVE if !received.open.is_empty() => received.keepalives += 1,
                other => {
                    return Err(format!("message of type {other} during the handshake: {bytes:?}"));
                }
            }
        }
        stream.set_read_timeout(None).map_err(failed)?;
        let theirs = Open::parse(&received.open[bgp::HEADER..])?;
        let hold_time = theirs.hold_time.min(options.open.hold_time);
        let local = stream.local_addr().map_err(failed)?;
        let remote = stream.peer_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            writer: Mutex::new(stream.try_clone().map_err(failed)?),
            received: Mutex::new(received),
            alive: Mutex::new(true),
            changed: Condvar::new(),
        });
        let mut threads = vec![thread::spawn({
            let shared = shared.clone();
            move || receive(&shared, stream)
        })];
        if hold_time > 0 {
            let shared = shared.clone();
            let pause = Duration::from_millis(u64::from(hold_time) * 1000 / 3);
            threads.push(thread::spawn(move || keep_alive(&shared, pause)));
        }
        let sent = Mutex::new(vec![]);
        Ok(Self { options: options.clone(), shared, sent, sent_open, local, remote, threads })
    }

    /// How it presented itself.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The neighbor's address, by which bmpd and the stations know it.
    pub fn ip(&self) -> IpAddr {
        self.local.ip()
    }

    /// The neighbor's end of the connection.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// bmpd's end of the connection.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The OPEN that it sent, with its header.
    pub fn sent_open(&self) -> &[u8] {
        &self.sent_open
    }

    /// What it has received.
    pub fn received(&self) -> Received {
        lock(&self.shared.received).clone()
    }

    /// Sends bytes as they are; they are not part of what is expected of bmpd.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<()> {
        lock(&self.shared.writer).write_all(bytes)
    }

    /// Sends bytes as they are; they are not part of what is expected of bmpd.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn send_raw(&self, bytes: &[u8]) {
        if let Err(e) = self.try_send(bytes) {
            panic!("neighbor {} cannot send: {e}; it received {:?}", self.ip(), self.received());
        }
    }

    /// Sends UPDATEs, and adds them to what is expected of bmpd.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn send(&self, updates: impl Into<Arc<[u8]>>) {
        let updates = updates.into();
        self.send_raw(&updates);
        self.expect(updates);
    }

    /// Adds these UPDATEs to what is expected without sending them.
    pub fn expect(&self, updates: impl Into<Arc<[u8]>>) {
        lock(&self.sent).push(updates.into());
    }

    /// Announces a whole table, as fast as bmpd reads it.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn send_table(&self, table: &Table) {
        self.send(table.shared());
    }

    /// Announces the table and both End-of-RIBs.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn send_all(&self, table: &Table) {
        self.send_table(table);
        self.end_of_rib(Family::IPV4);
        self.end_of_rib(Family::IPV6);
    }

    /// Announces prefixes of either family.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn announce(&self, prefixes: &[Prefix], attributes: &Attributes) {
        let mut bytes = Vec::new();
        put_announcements(&mut bytes, prefixes, attributes);
        self.send(bytes);
    }

    /// Withdraws prefixes of either family.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn withdraw(&self, prefixes: &[Prefix]) {
        self.send(bgp::withdrawals(prefixes));
    }

    /// Sends the End-of-RIB of a family.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn end_of_rib(&self, family: Family) {
        self.send_raw(&bgp::end_of_rib(family));
    }

    /// The routes that bmpd should hold of this neighbor.
    ///
    /// # Panics
    /// When something was sent through [`Neighbor::send`] that is not BGP.
    pub fn expected(&self) -> Routes {
        let mut routes = Routes::new();
        for bytes in lock(&self.sent).iter() {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let message = bgp::split_message(&mut rest).expect("our own message");
                let update = Update::parse(message.body).expect("our own update");
                update.apply(&mut routes).expect("our own update");
            }
        }
        routes
    }

    /// The routes of all families that bmpd should hold of this neighbor, with path identifiers where
    /// the two OPENs agree on them.
    ///
    /// # Panics
    /// When something was sent through [`Neighbor::send`] that is not BGP.
    pub fn expected_rib(&self) -> Rib {
        let ours =
            Open::parse(&lock(&self.shared.received).open[bgp::HEADER..]).expect("bmpd's OPEN");
        let add_paths = nlri::add_paths(&ours, &self.options.open);
        let sent = lock(&self.sent).concat();
        nlri::rib_of(&sent, &add_paths).expect("our own updates")
    }

    /// Announces NLRI of any family, as they are, with these path attributes.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn announce_nlri(&self, family: Family, next_hop: &[u8], nlri: &[u8], path: &[u8]) {
        self.send(nlri::announcement(family, next_hop, nlri, path));
    }

    /// Withdraws NLRI of any family, as they are.
    ///
    /// # Panics
    /// When the connection is gone.
    #[track_caller]
    pub fn withdraw_nlri(&self, family: Family, nlri: &[u8]) {
        self.send(nlri::withdrawal(family, nlri));
    }

    /// Sends no KEEPALIVE any more, so that bmpd's hold timer expires.
    pub fn fall_silent(&self) {
        *lock(&self.shared.alive) = false;
        self.shared.changed.notify_all();
    }

    /// Sends a NOTIFICATION and closes the connection.
    ///
    /// # Panics
    /// When the connection is gone already.
    #[track_caller]
    pub fn notification(self, code: u8, subcode: u8, data: &[u8]) {
        self.send_raw(&bgp::message(kind::NOTIFICATION, &[&[code, subcode], data].concat()));
        self.close();
    }

    /// Closes the TCP connection without a NOTIFICATION.
    pub fn close(self) {
        drop(self);
    }

    /// Waits until bmpd has closed the connection and returns what was received.
    ///
    /// # Panics
    /// When it does not within `deadline`.
    #[track_caller]
    pub fn wait_closed(&self, deadline: Duration) -> Received {
        wait_for("bmpd to close the BGP connection", deadline, || {
            let received = self.received();
            if received.closed.is_some() { Ok(received) } else { Err(format!("{received:?}")) }
        })
    }
}

impl Drop for Neighbor {
    fn drop(&mut self) {
        self.fall_silent();
        // A sender that waits for bmpd holds the lock; the reader's socket is the same one.
        let _ = lock(&self.shared.writer).shutdown(Shutdown::Both);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn socket(options: &Options, port: u16, daemon: IpAddr) -> io::Result<Socket> {
    let address = SocketAddr::new(options.address, port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(key) = &options.md5 {
        md5::protect(&socket, daemon, key)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

fn connect_from(options: &Options, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket(options, 0, to.ip())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(5))?;
    Ok(socket.into())
}

fn receive(shared: &Shared, mut stream: TcpStream) {
    while let Ok(bytes) = bgp::read_message(&mut stream) {
        let mut received = lock(&shared.received);
        match (bytes[18], &bytes[bgp::HEADER..]) {
            (kind::KEEPALIVE, _) => received.keepalives += 1,
            (kind::UPDATE, _) => {
                received.updates += 1;
                received.messages.extend_from_slice(&bytes);
            }
            (kind::NOTIFICATION, [code, subcode, data @ ..]) => {
                received.notification = Some((*code, *subcode, data.to_vec()));
            }
            _ => received.others += 1,
        }
    }
    lock(&shared.received).closed = Some(Instant::now());
    *lock(&shared.alive) = false;
    shared.changed.notify_all();
}

fn keep_alive(shared: &Shared, pause: Duration) {
    let mut alive = lock(&shared.alive);
    while *alive {
        let due = Instant::now() + pause;
        while *alive && Instant::now() < due {
            let left = due.saturating_duration_since(Instant::now());
            let waited = shared.changed.wait_timeout(alive, left);
            alive = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if !*alive {
            return;
        }
        drop(alive);
        let _ = lock(&shared.writer).write_all(&bgp::message(kind::KEEPALIVE, &[]));
        alive = lock(&shared.alive);
    }
}
