//! The network between a broker and its clients: a TCP proxy whose connections can be cut, or lose everything.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::addresses::{free_port, in_time, loopback};

/// A connection: its two ends, and whether everything in it is lost.
type Passage = ([TcpStream; 2], Arc<AtomicBool>);

/// What the thread that accepts shares with the handle.
#[derive(Debug)]
struct State {
    listener: Option<TcpListener>,
    passages: Vec<Passage>,
    is_silent: bool,
    has_ended: bool,
}

/// A proxy in front of one server. It ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    at: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Listens at an address of its own for connections to `server`, which need not be there yet.
    ///
    /// # Panics
    /// When it cannot listen.
    #[track_caller]
    pub fn start(server: SocketAddr) -> Self {
        let address = loopback();
        let at = SocketAddr::new(address, free_port(address));
        let listener = Some(listen(at));
        let state = State { listener, passages: vec![], is_silent: false, has_ended: false };
        let state = Arc::new(Mutex::new(state));
        let its = Arc::clone(&state);
        thread::spawn(move || {
            loop {
                {
                    let mut state = its.lock().unwrap_or_else(PoisonError::into_inner);
                    if state.has_ended {
                        return;
                    }
                    let accepted = state.listener.as_ref().map(TcpListener::accept);
                    if let Some(Ok((client, _))) = accepted {
                        state.accept(client, server);
                        continue;
                    }
                }
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { at, state }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.at
    }

    /// Closes all connections, and refuses others.
    pub fn cut(&self) {
        self.change(|state| {
            state.listener = None;
            state.close();
        });
    }

    /// Loses all that is under way, and all that is sent from now on, without a word: connections that exist never
    /// carry anything again, those that come are accepted and carry nothing either.
    pub fn silence(&self) {
        self.change(|state| {
            state.is_silent = true;
            state.passages.iter().for_each(|(_, is_lost)| is_lost.store(true, Ordering::Relaxed));
        });
    }

    /// Lets new connections through again.
    ///
    /// # Panics
    /// When it cannot listen.
    #[track_caller]
    pub fn restore(&self) {
        let at = self.at;
        self.change(|state| {
            state.is_silent = false;
            state.listener.get_or_insert_with(|| listen(at));
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.change(|state| {
            state.has_ended = true;
            state.close();
        });
    }
}

fn listen(at: SocketAddr) -> TcpListener {
    let listener = in_time(at, || TcpListener::bind(at));
    listener.set_nonblocking(true).expect("a listener can be made nonblocking");
    listener
}

impl State {
    fn close(&mut self) {
        for (ends, _) in self.passages.drain(..) {
            for end in ends {
                // The other side may have closed it.
                let _ = end.shutdown(Shutdown::Both);
            }
        }
    }

    fn accept(&mut self, client: TcpStream, server: SocketAddr) {
        let is_lost = Arc::new(AtomicBool::new(self.is_silent));
        // A server that is not there closes the connection, as if it had refused it.
        let Ok(server) = TcpStream::connect(server) else { return };
        let ends = [client, server];
        for end in &ends {
            end.set_nonblocking(false).expect("a socket can be made blocking");
            end.set_nodelay(true).expect("TCP_NODELAY can be set");
        }
        let copies = || ends.each_ref().map(|end| end.try_clone().expect("a socket can be copied"));
        let [one, other] = copies();
        for (from, to) in [(one, ends[1].try_clone()), (other, ends[0].try_clone())] {
            let (to, is_lost) = (to.expect("a socket can be copied"), Arc::clone(&is_lost));
            thread::spawn(move || pass(from, to, &is_lost));
        }
        self.passages.push((ends, is_lost));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_lost: &AtomicBool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !is_lost.load(Ordering::Relaxed) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    // Nobody learns of the end of what is lost.
    if !is_lost.load(Ordering::Relaxed) {
        let _ = to.shutdown(Shutdown::Both);
    }
}
