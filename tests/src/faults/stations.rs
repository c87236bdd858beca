//! What a station can do.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::addresses::{in_time, loopback};
use crate::daemon;

/// What it does with each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It closes it.
    Close,
    /// It never reads.
    NeverRead,
    /// It reads a byte a second.
    Trickle,
    /// It reads, and sends as fast as it can.
    Talk,
    /// It reads so many bytes and resets the connection.
    ResetAfter(usize),
}

/// A station that misbehaves. Closed when dropped.
#[derive(Debug)]
pub struct Rogue {
    address: SocketAddr,
    taken: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Rogue {
    /// Listens at an address of its own.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn start(manner: Manner) -> Self {
        Self::start_at(SocketAddr::new(loopback(), 0), manner)
    }

    /// Listens at this address.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn start_at(address: SocketAddr, manner: Manner) -> Self {
        let listener = listen(address);
        let address = listener.local_addr().expect("a bound socket has an address");
        let (taken, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let thread = thread::spawn({
            let (taken, over) = (Arc::clone(&taken), Arc::clone(&over));
            move || accept(&listener, manner, &taken, &over)
        });
        Self { address, taken, over, thread: Some(thread) }
    }

    /// Its address.
    pub fn ip(&self) -> IpAddr {
        self.address.ip()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections it has had.
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Its `[[session]]`, with further lines.
    pub fn session(&self, lines: &str) -> String {
        let session = daemon::session(self.address.ip(), self.address.port(), None);
        format!("{}\n{lines}\n\n", session.trim_end())
    }
}

impl Drop for Rogue {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Wakes the one that accepts.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> TcpListener {
    let listening = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        // The system is to buffer little for a station that does not read.
        socket.set_recv_buffer_size(4096)?;
        socket.bind(&address.into())?;
        socket.listen(8)?;
        Ok::<TcpListener, std::io::Error>(socket.into())
    };
    in_time(address, listening)
}

fn accept(listener: &TcpListener, manner: Manner, taken: &AtomicUsize, over: &Arc<AtomicBool>) {
    let mut served: Vec<JoinHandle<()>> = vec![];
    while let Ok((stream, _)) = listener.accept() {
        if over.load(Ordering::Relaxed) {
            break;
        }
        taken.fetch_add(1, Ordering::Relaxed);
        served.retain(|thread| !thread.is_finished());
        let over = Arc::clone(over);
        served.push(thread::spawn(move || serve(stream, manner, &over)));
    }
    for thread in served {
        let _ = thread.join();
    }
}

fn serve(mut stream: TcpStream, manner: Manner, over: &AtomicBool) {
    const TICK: Duration = Duration::from_millis(50);
    let _ = stream.set_read_timeout(Some(TICK));
    let _ = stream.set_write_timeout(Some(TICK));
    let is_over = || over.load(Ordering::Relaxed);
    // It has ended if there is an end to be read; without reading that cannot be detected.
    let ended = |stream: &TcpStream| matches!(stream.peek(&mut [0; 1]), Ok(0));
    match manner {
        Manner::Close => {}
        Manner::NeverRead => {
            while !is_over() {
                thread::sleep(TICK);
            }
        }
        Manner::Trickle => {
            let mut ticks = 0;
            while !is_over() && !ended(&stream) {
                thread::sleep(TICK);
                ticks += 1;
                if ticks % 20 == 0 && matches!(stream.read(&mut [0; 1]), Ok(0)) {
                    break;
                }
            }
        }
        Manner::Talk => {
            let (noise, mut received) = (vec![0x55; 64 * 1024], vec![0; 64 * 1024]);
            while !is_over() {
                let read = stream.set_nonblocking(true).and_then(|()| stream.read(&mut received));
                let _ = stream.set_nonblocking(false);
                let gone = |e: &std::io::Error| {
                    !matches!(
                        e.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    )
                };
                if matches!(&read, Ok(0)) || read.as_ref().is_err_and(gone) {
                    break;
                }
                if stream.write(&noise).is_err_and(|e| gone(&e)) {
                    break;
                }
            }
        }
        Manner::ResetAfter(bytes) => {
            let mut left = bytes;
            let mut received = [0; 4096];
            while left > 0 && !is_over() {
                let most = left.min(received.len());
                match stream.read(&mut received[..most]) {
                    Ok(0) => break,
                    Ok(read) => left -= read,
                    Err(_) => {}
                }
            }
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}
