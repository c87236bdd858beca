//! Neighbors that flood bmpd, in the ways in which one could keep others waiting.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::bgp::{self, Family};
use crate::neighbor::{Neighbor, Options};

/// What a hostile neighbor sends as fast as it can.
#[derive(Debug, Clone, Copy)]
pub enum Flood {
    /// Nothing.
    None,
    /// End-of-RIBs.
    EndOfRib,
    /// Withdrawals of routes that are not there.
    UnknownWithdrawals,
    /// The same 12,900 routes, without an End-of-RIB.
    Repeat,
    /// One route with ever new path identifiers (ADD-PATH).
    PathIds,
    /// 0.0.0.0/0, 64,000 times in each UPDATE.
    DefaultRoute,
    /// Ever new sets of attributes for one route.
    Attributes,
    /// 1.4 million routes, announced and withdrawn again.
    WithdrawAll,
    /// 1.4 million routes, and the connection is closed; graceful restart keeps the routes.
    Restart,
}

/// Hostile neighbors that flood bmpd until they are dropped.
#[derive(Debug)]
pub struct Floods {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Floods {
    /// One from each of these addresses, of this AS. They connect to bmpd there.
    pub fn begin(flood: Flood, from: &[IpAddr], asn: u32, bmpd: SocketAddr) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let ready = Arc::new(Blocks::ready(flood, asn));
        let begin = |address: &IpAddr| {
            let blocks =
                Blocks { flood, asn, ready: Arc::clone(&ready), own: Vec::new(), number: 0 };
            let (stop, sent, address) = (Arc::clone(&stop), Arc::clone(&sent), *address);
            thread::spawn(move || run(blocks, address, bmpd, &stop, &sent))
        };
        let threads = from.iter().map(begin).collect();
        Self { stop, sent, threads }
    }

    /// How many bytes they have sent.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Requests them to stop. Those that wait for bmpd to read do so when their connection ends.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Floods {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Floods bmpd until stopped, or until bmpd closes the connection; then from the beginning.
fn run(
    mut blocks: Blocks,
    address: IpAddr,
    bmpd: SocketAddr,
    stop: &AtomicBool,
    bytes: &AtomicU64,
) {
    let flood = blocks.flood;
    let mut options = Options::new(address, blocks.asn);
    options.open.extended_message = true;
    match flood {
        Flood::PathIds => options.open.add_path = vec![(Family::IPV4, 2)],
        Flood::Restart => {
            options.open = options.open.graceful_restart(false, 120, &[Family::IPV4]);
        }
        _ => {}
    }
    while !stop.load(Ordering::Relaxed) {
        let Ok(neighbor) = Neighbor::try_connect(&options, bmpd) else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            let block = blocks.next();
            // In parts, so that what is counted was read, but for what a socket holds.
            let mut parts = block.chunks(PART);
            if !parts.all(|part| neighbor.try_send(part).is_ok_and(|()| count(bytes, part))) {
                break;
            }
            sent += 1;
            if matches!(flood, Flood::Restart) && sent == blocks.ready.len() {
                break;
            }
        }
    }
}

/// So many bytes are written at a time.
const PART: usize = 64 * 1024;

fn count(bytes: &AtomicU64, part: &[u8]) -> bool {
    bytes.fetch_add(part.len() as u64, Ordering::Relaxed);
    true
}

/// What a flood sends, block by block.
#[derive(Debug)]
struct Blocks {
    flood: Flood,
    asn: u32,
    /// What it sends again and again.
    ready: Arc<Vec<Vec<u8>>>,
    /// What is new each time.
    own: Vec<u8>,
    number: usize,
}

impl Blocks {
    fn ready(flood: Flood, asn: u32) -> Vec<Vec<u8>> {
        let announced = |numbers| announced(numbers, asn);
        match flood {
            Flood::None | Flood::PathIds | Flood::Attributes => Vec::new(),
            Flood::EndOfRib => vec![bgp::end_of_rib(Family::IPV4).repeat(10_000)],
            Flood::UnknownWithdrawals => vec![withdrawn(0..64_000)],
            Flood::Repeat => vec![announced(0..12_900)],
            Flood::DefaultRoute => vec![update(asn, None, &[0; 64_000])],
            Flood::WithdrawAll => {
                let chunk = |n: u32| n * 100_000..(n + 1) * 100_000;
                (0..14)
                    .map(|n| announced(chunk(n)))
                    .chain((0..14).map(|n| withdrawn(chunk(n))))
                    .collect()
            }
            Flood::Restart => (0..14).map(|n| announced(n * 100_000..(n + 1) * 100_000)).collect(),
        }
    }

    fn next(&mut self) -> &[u8] {
        self.number += 1;
        match self.flood {
            Flood::PathIds => {
                let first = self.number as u32 * 10_000;
                self.own = (0..10)
                    .flat_map(|part| {
                        let ids = (0..1000).map(|n| first + part * 1000 + n);
                        let nlri: Vec<u8> =
                            ids.flat_map(|id| [&id.to_be_bytes()[..], &[8, 10]].concat()).collect();
                        update(self.asn, None, &nlri)
                    })
                    .collect();
                &self.own
            }
            Flood::Attributes => {
                let first = self.number as u32 * 2000;
                self.own = (first..first + 2000)
                    .flat_map(|med| update(self.asn, Some(med), &[8, 10]))
                    .collect();
                &self.own
            }
            _ => {
                let count = self.ready.len();
                &self.ready[self.number % count]
            }
        }
    }
}

/// The /32 of a number.
fn nlri(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers.flat_map(|n| [&[32][..], &(0x0a00_0000 + n).to_be_bytes()].concat()).collect()
}

/// Announces routes, 800 in a message of less than 4,096 bytes.
fn announced(numbers: std::ops::Range<u32>, asn: u32) -> Vec<u8> {
    nlri(numbers).chunks(800 * 5).flat_map(|nlri| update(asn, None, nlri)).collect()
}

/// Withdraws routes.
fn withdrawn(numbers: std::ops::Range<u32>) -> Vec<u8> {
    let parts = nlri(numbers);
    let one = |nlri: &[u8]| {
        let mut body = (nlri.len() as u16).to_be_bytes().to_vec();
        body.extend_from_slice(nlri);
        body.extend_from_slice(&[0, 0]);
        bgp::message(bgp::kind::UPDATE, &body)
    };
    parts.chunks(800 * 5).flat_map(one).collect()
}

fn update(asn: u32, med: Option<u32>, announced: &[u8]) -> Vec<u8> {
    let mut attributes = Vec::new();
    bgp::put_attribute(&mut attributes, 0x40, 1, &[0]);
    bgp::put_attribute(&mut attributes, 0x40, 2, &[[2, 1].as_slice(), &asn.to_be_bytes()].concat());
    bgp::put_attribute(&mut attributes, 0x40, 3, &[192, 0, 2, 1]);
    if let Some(med) = med {
        bgp::put_attribute(&mut attributes, 0x80, 4, &med.to_be_bytes());
    }
    let mut body = vec![0, 0];
    body.extend_from_slice(&(attributes.len() as u16).to_be_bytes());
    body.extend_from_slice(&attributes);
    body.extend_from_slice(announced);
    bgp::message(bgp::kind::UPDATE, &body)
}
