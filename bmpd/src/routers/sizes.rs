//! How large the pieces are in which tables are kept, and how much is done with them at a time.
//!
//! The simulation makes them small, so that few routes need several of them.

/// Sizes that all tables of one bmpd have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// A segment of a log: bytes, at most 256 KiB.
    pub segment: usize,
    /// How many entries a part of a log's index takes.
    pub part: usize,
    /// A chunk of sets of attributes: bytes, at most 256 KiB.
    pub chunk: usize,
    /// A slow reader may keep as many withdrawals as there were routes, and this many more. A neighbor that withdraws
    /// all of its table stays below that. A reader that would need still more has lapsed: it is better to send it
    /// everything again.
    pub spare_withdrawals: usize,
    /// How many routes of a family may wait for the index, so that indexing them all at once does not delay others for
    /// long: 0.2 s.
    pub late: usize,
    /// How many bytes of messages that are only passed on are kept of each router for slow readers.
    pub live: usize,
    /// What a session encodes at a time: bytes. The largest message must fit.
    pub batch: usize,
    /// After this many bytes in a row a session lets others run: a dump that never has to wait must not delay those
    /// that have less to send, or to answer.
    pub written: usize,
    /// What the link of a neighbor does in one turn, in entries of the tables: 24,000 routes are appended to a log,
    /// 6,000 are indexed, or 384 KiB of messages without routes are read. That takes some 0.5 ms.
    pub turn: u64,
    /// What it does without a place: more than the few routes that come when something in the network changes, and so
    /// little that a hundred links can do it one after the other before others have their turn.
    pub little: u64,
    /// After this many turns in a row it handles its timers and orders.
    pub turns: u32,
    /// How much of the backlog of indexing and compaction is done at a time, in entries.
    pub maintenance: usize,
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            segment: 256 * 1024,
            part: 14 * 1024,
            chunk: 256 * 1024,
            spare_withdrawals: 500_000,
            late: 6_000_000,
            live: 1024 * 1024,
            batch: 256 * 1024,
            written: 256 * 1024,
            turn: 24 * 1024,
            little: 256,
            turns: 64,
            maintenance: 16 * 1024,
        }
    }
}
