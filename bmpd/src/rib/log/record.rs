//! The layout of a log's records: bytes and what they mean.
//!
//! ```text
//! record:  attributes or WITHDRAWN (4)  seconds (4)  micros (4)  length (4)  entries
//! entry:   tag (1)  [length (2)]  the route's bytes
//! ```

use super::super::attributes::AttributesId;
use crate::wire::bmp::Timestamp;

pub(super) const RECORD_HEADER: usize = 16;
pub(super) const WITHDRAWN_RECORD: u32 = u32::MAX;

/// A newer word about the route exists.
pub(super) const DEAD: u8 = 0x80;
/// A reader may have been told of the route, by this entry or an earlier one.
pub(super) const TOLD: u8 = 0x40;
/// The route is withdrawn.
pub(super) const WITHDRAWN: u8 = 0x20;
/// The route's length in bytes; all ones: it follows in two bytes.
pub(super) const LENGTH: u8 = 0x1f;

/// A record with something alive in it, as a reader sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// The attributes of the routes; `None` if they are withdrawn.
    pub(crate) attributes: Option<AttributesId>,
    /// When the UPDATE was received.
    pub(crate) time: Timestamp,
    pub(super) entries: &'a [u8],
}

impl<'a> Record<'a> {
    /// The routes that are alive.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Entries { bytes: self.entries, offset: 0 }
            .filter(|entry| entry.tag & DEAD == 0)
            .map(|entry| entry.route)
    }

    /// A bound for the bytes of all routes.
    pub(crate) fn room(&self) -> usize {
        self.entries.len()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) tag: u8,
    pub(super) route: &'a [u8],
    /// Where it begins, and where the next one does.
    pub(super) offset: usize,
    pub(super) end: usize,
}

pub(super) fn entry_at(bytes: &[u8], offset: usize) -> Option<Entry<'_>> {
    let tag = *bytes.get(offset)?;
    let (start, len) = match tag & LENGTH {
        LENGTH => {
            let length = bytes.get(offset + 1..offset + 3)?;
            (offset + 3, usize::from(u16::from_le_bytes([length[0], length[1]])))
        }
        len => (offset + 1, usize::from(len)),
    };
    let end = start + len;
    Some(Entry { tag, route: bytes.get(start..end)?, offset, end })
}

pub(super) struct Entries<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let entry = entry_at(self.bytes, self.offset)?;
        self.offset = entry.end;
        Some(entry)
    }
}

/// A record's header and where its entries are.
pub(super) struct Header {
    pub(super) attributes: u32,
    pub(super) time: Timestamp,
    pub(super) entries: std::ops::Range<usize>,
}

pub(super) fn header_at(bytes: &[u8], offset: usize) -> Option<Header> {
    let header = bytes.get(offset..offset + RECORD_HEADER)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let start = offset + RECORD_HEADER;
    Some(Header {
        attributes: word(0),
        time: Timestamp { seconds: word(4), micros: word(8) },
        entries: start..start + word(12) as usize,
    })
}
