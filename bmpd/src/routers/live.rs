//! Messages of a router that are passed on as they came and are not kept: Statistics Reports, Route Mirroring, and what
//! bmpd cannot read.
//!
//! ```text
//!   router's task ── push ──> the newest messages, bounded ── read ──> Feed: a position each
//! ```
//!
//! While nobody reads, nothing is kept. A reader that is too slow loses the oldest ones and receives their number.

use std::collections::VecDeque;
use std::sync::Arc;

use shared::names::NeighborId;

use super::epoch::Epoch;

/// What a message is about.
#[derive(Debug, Clone)]
pub(crate) enum About {
    /// The router.
    Router,
    /// The session of a peer: it is passed on to those that were sent its Peer Up.
    Session(Arc<Epoch>),
    /// A peer that may not be up.
    Peer(NeighborId),
}

/// A message as it came, with its common header.
#[derive(Debug)]
pub(super) struct Message {
    /// How often the router had appeared when it came.
    pub(super) presence: u64,
    pub(super) about: About,
    /// True for Route Mirroring, of which a receiver is sent that some were lost.
    pub(super) is_mirroring: bool,
    pub(super) bytes: Box<[u8]>,
}

impl Message {
    /// How much memory it takes, in bytes.
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len()
    }
}

/// The newest messages.
#[derive(Debug, Default)]
pub(super) struct Live {
    messages: VecDeque<Message>,
    /// How many bytes they take.
    bytes: usize,
    /// The number of the first one that is still there.
    first: u64,
    /// The number after that of the last Route Mirroring message that is no longer there.
    mirroring_gone: u64,
    readers: usize,
}

/// What a reader is given.
pub(super) struct Given<'a> {
    pub(super) message: &'a Message,
    /// True if Route Mirroring messages before this one were lost.
    pub(super) has_lost_mirroring: bool,
}

/// The position of one reader.
#[derive(Debug, Clone, Default)]
pub(super) struct LivePosition {
    next: u64,
    has_lost_mirroring: bool,
}

impl LivePosition {
    /// The number of the next message.
    pub(super) fn next(&self) -> u64 {
        self.next
    }
}

impl Live {
    /// Begins to read: what comes from now on.
    pub(super) fn subscribe(&mut self) -> LivePosition {
        self.readers += 1;
        LivePosition { next: self.end(), has_lost_mirroring: false }
    }

    /// A reader is gone.
    pub(super) fn unsubscribe(&mut self) {
        self.readers -= 1;
        if self.readers == 0 {
            self.first = self.end();
            self.messages.clear();
            self.bytes = 0;
        }
    }

    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    /// Appends a message, and drops the oldest ones, but for this one, where all take more than `limit` bytes. False if nobody
    /// reads.
    pub(super) fn push(&mut self, message: Message, limit: usize) -> bool {
        if self.readers == 0 {
            return false;
        }
        self.bytes += message.size();
        self.messages.push_back(message);
        while self.bytes > limit
            && self.messages.len() > 1
            && let Some(oldest) = self.messages.pop_front()
        {
            self.bytes -= oldest.size();
            self.first += 1;
            if oldest.is_mirroring {
                self.mirroring_gone = self.first;
            }
        }
        true
    }

    /// True if there is something for this reader.
    pub(super) fn has_news(&self, position: &LivePosition) -> bool {
        position.next < self.end()
    }

    /// Hands the reader its messages until `take` returns false. Returns how many it has lost.
    pub(super) fn read(
        &self,
        position: &mut LivePosition,
        mut take: impl FnMut(Given<'_>) -> bool,
    ) -> u64 {
        let lost = self.first.saturating_sub(position.next);
        position.has_lost_mirroring |= position.next < self.mirroring_gone;
        position.next += lost;
        while let Some(message) = self.messages.get((position.next - self.first) as usize) {
            let has_lost_mirroring = position.has_lost_mirroring && message.is_mirroring;
            if !take(Given { message, has_lost_mirroring }) {
                break;
            }
            position.has_lost_mirroring &= !has_lost_mirroring;
            position.next += 1;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each of these messages takes.
    const SIZE: usize = size_of::<Message>() + 10;

    fn message(number: u8, is_mirroring: bool) -> Message {
        Message { presence: 1, about: About::Router, is_mirroring, bytes: vec![number; 10].into() }
    }

    fn read(live: &Live, position: &mut LivePosition) -> (u64, Vec<(u8, bool)>) {
        let mut all = Vec::new();
        let lost = live.read(position, |given| {
            all.push((given.message.bytes[0], given.has_lost_mirroring));
            true
        });
        (lost, all)
    }

    #[test]
    fn nothing_is_kept_while_nobody_reads() {
        let mut live = Live::default();
        assert!(!live.push(message(1, false), 100 * SIZE));
        let mut position = live.subscribe();
        assert!(live.push(message(2, false), 100 * SIZE));
        assert!(live.has_news(&position));
        assert_eq!(read(&live, &mut position), (0, vec![(2, false)]));
        assert!(!live.has_news(&position));
        live.push(message(3, false), 100 * SIZE);
        live.unsubscribe();
        assert_eq!((live.messages.len(), live.bytes), (0, 0));
        let mut position = live.subscribe();
        assert_eq!(read(&live, &mut position), (0, vec![]));
    }

    #[test]
    fn a_slow_reader_loses_the_oldest_which_the_next_route_mirroring_reports() {
        let mut live = Live::default();
        let (mut slow, mut quick) = (live.subscribe(), live.subscribe());
        for (number, is_mirroring) in [(1, true), (2, false), (3, false), (4, true)] {
            live.push(message(number, is_mirroring), 3 * SIZE);
            let (lost, all) = read(&live, &mut quick);
            assert_eq!((lost, all), (0, vec![(number, false)]));
        }
        live.push(message(5, true), 3 * SIZE);
        assert_eq!(read(&live, &mut slow), (2, vec![(3, false), (4, true), (5, false)]));
    }

    #[test]
    fn a_message_that_is_not_taken_stays_the_next_one() {
        let mut live = Live::default();
        let mut position = live.subscribe();
        live.push(message(1, false), 100 * SIZE);
        assert_eq!(live.read(&mut position, |_| false), 0);
        assert_eq!(read(&live, &mut position), (0, vec![(1, false)]));
    }
}
