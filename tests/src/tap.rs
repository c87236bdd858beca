//! A recorder between a BGP program and bmpd.
//!
//! The program connects to the recorder, which is at bmpd's address with another port, and the
//! recorder connects to bmpd from the program's address: it is transparent to both.
//! What the program has sent is the reference for what a station must be sent, byte for byte, however
//! the program interprets its configuration. Only for programs that connect, and not with TCP MD5,
//! which the recorder would have to break.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::bgp::{self, Family, Open, Update, kind};
use crate::bmp::PeerHeader;
use crate::bmp::message::{self, peer};
use crate::nlri::{self, AddPaths, Rib};
use crate::programs::{Connects, Link, bmpd_listens};
use crate::wait::wait_for;

/// What one connection has carried so far, whole messages only.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    /// From the program to bmpd.
    pub sent: Vec<u8>,
    /// From bmpd to the program.
    pub received: Vec<u8>,
    /// Whether it has ended.
    pub ended: bool,
}

impl Carried {
    fn open(bytes: &[u8]) -> Option<Open> {
        let message = bgp::split_message(&mut &bytes[..]).ok()?;
        (message.kind == kind::OPEN).then(|| Open::parse(message.body).ok()).flatten()
    }

    /// The families with path identifiers in what the program sends; `None` before both OPENs.
    pub fn add_paths(&self) -> Option<AddPaths> {
        Some(nlri::add_paths(&Self::open(&self.received)?, &Self::open(&self.sent)?))
    }

    /// The routes that the program has announced and not withdrawn; an error describes what is wrong with
    /// what it sent.
    pub fn rib(&self) -> Result<Rib, String> {
        match self.add_paths() {
            Some(add_paths) => nlri::rib_of(&self.sent, &add_paths),
            None => Err("no OPENs yet".to_owned()),
        }
    }

    /// What a station must be sent for it, as BMP: Initiation, Peer Up, and each UPDATE. To try out
    /// decoders without bmpd.
    ///
    /// # Panics
    /// Before both OPENs.
    pub fn as_bmp(&self, program: IpAddr) -> Vec<u8> {
        let open = Self::open(&self.sent).expect("the program's OPEN");
        let header = message::header(peer::GLOBAL, 0, program, open.asn);
        let header = PeerHeader { router_id: open.router_id, ..header };
        let first = |mut bytes| bgp::split_message(&mut bytes).expect("an OPEN").whole;
        let opens = [first(&self.received[..]), first(&self.sent[..])];
        let mut out = message::initiation_of("program");
        let up = [&[0; 20][..], opens[0], opens[1]];
        out.extend(message::of_peer(message::kind::PEER_UP, &header, &up));
        let mut rest = &self.sent[..];
        while let Ok(found) = bgp::split_message(&mut rest) {
            if found.kind == kind::UPDATE {
                out.extend(message::monitoring(&header, found.whole));
            }
        }
        out
    }

    /// The families of which the program has sent the End-of-RIB.
    pub fn ended_families(&self) -> Vec<Family> {
        let mut rest = &self.sent[..];
        let mut found = vec![];
        while let Ok(message) = bgp::split_message(&mut rest) {
            if message.kind == kind::UPDATE
                && let Ok(update) = Update::parse(message.body)
            {
                found.extend(update.end_of_rib);
            }
        }
        found
    }
}

/// The recorder. It ends when dropped, and its connections with it.
#[derive(Debug)]
pub struct Tap {
    listen: SocketAddr,
    listener: Arc<TcpListener>,
    thread: Option<JoinHandle<()>>,
    carried: Arc<Mutex<Vec<Arc<Mutex<Carried>>>>>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tap {
    /// Listens in front of a bmpd that listens at `bmpd`, a port of 127.0.0.1.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn new(bmpd: SocketAddr) -> Self {
        let listen = bmpd_listens();
        assert_eq!(listen.ip(), bmpd.ip(), "the recorder must look like bmpd");
        let listener = TcpListener::bind(listen).unwrap_or_else(|e| panic!("{listen}: {e}"));
        let listener = Arc::new(listener);
        let (carried, streams) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
        let thread = thread::spawn({
            let (listener, carried, streams) = (listener.clone(), carried.clone(), streams.clone());
            move || {
                while let Ok((program, from)) = listener.accept() {
                    let Ok(bmpd) = connect(from, bmpd) else {
                        continue;
                    };
                    let record = Arc::<Mutex<Carried>>::default();
                    lock(&carried).push(record.clone());
                    pump(&program, &bmpd, &record, |carried| &mut carried.sent);
                    pump(&bmpd, &program, &record, |carried| &mut carried.received);
                    lock(&streams).extend([program, bmpd]);
                }
            }
        });
        Self { listen, listener, thread: Some(thread), carried, streams }
    }

    /// The link for a program in AS `asn` that connects through the recorder.
    pub fn link(&self, asn: u32) -> Link {
        Link::new(self.listen, asn, Connects::Program)
    }

    /// What the newest connection has carried.
    pub fn newest(&self) -> Option<Carried> {
        lock(&self.carried).last().map(|carried| lock(carried).clone())
    }

    /// The routes that the program has on the newest connection.
    ///
    /// # Panics
    /// When there is none, or what it sent cannot be read.
    #[track_caller]
    pub fn rib(&self) -> Rib {
        let newest = self.newest().expect("a connection");
        newest.rib().unwrap_or_else(|e| panic!("the program sent: {e}"))
    }

    /// Waits until the program has announced exactly this many routes of each family, and returns
    /// them.
    ///
    /// # Panics
    /// When it has not within `deadline`.
    #[track_caller]
    pub fn wait_counts(&self, counts: &[(Family, usize)], deadline: Duration) -> Rib {
        let wanted = counts.iter().copied().filter(|(_, n)| *n > 0).collect();
        wait_for(&format!("{wanted:?} from the program"), deadline, || {
            let rib = self.newest().ok_or("no connection yet")?.rib()?;
            if nlri::count(&rib) == wanted { Ok(rib) } else { Err(format!("{rib:#?}")) }
        })
    }

    /// Breaks the program's connection, as a cut wire would that both ends notice.
    pub fn cut(&self) {
        for stream in lock(&self.streams).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        let _ = SockRef::from(&*self.listener).shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.cut();
    }
}

fn connect(from: SocketAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::new(from.ip(), 0).into())?;
    socket.connect_timeout(&to.into(), Duration::from_secs(5))?;
    Ok(socket.into())
}

/// Copies on a thread of its own until one side ends, which ends the other.
fn pump(
    from: &TcpStream,
    to: &TcpStream,
    carried: &Arc<Mutex<Carried>>,
    side: fn(&mut Carried) -> &mut Vec<u8>,
) {
    let clone = |stream: &TcpStream| stream.try_clone().expect("a socket can be cloned");
    let (mut from, mut to, carried) = (clone(from), clone(to), carried.clone());
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        // What is not a whole message yet.
        let mut rest = Vec::new();
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            rest.extend_from_slice(&buffer[..n]);
            // Written down first: what bmpd sends to a station is then never ahead of it.
            let mut whole = &rest[..];
            while bgp::split_message(&mut whole).is_ok() {}
            let length = rest.len() - whole.len();
            side(&mut lock(&carried)).extend(rest.drain(..length));
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
        lock(&carried).ended = true;
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    });
}
