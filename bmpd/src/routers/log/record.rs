//! The layout of a log's records: bytes and what they mean.
//!
//! ```text
//! record:  attributes or WITHDRAWN (4)  seconds (4)  micros and length (20 bits each)  entries
//! entry:   tag (1)  [length (2)]  the route's bytes
//! ```
//!
//! A neighbor's table has a record for each of its sets of attributes at least, so the size of a header matters. There
//! are less than 2^20 microseconds in a second, and a record is shorter than a segment.

use super::super::attributes::AttributesId;
use crate::wire::bmp::Timestamp;

pub(super) const RECORD_HEADER: usize = 13;
/// Bits of the microseconds, and of the length.
const SHORT: u32 = 20;
const _: () = assert!(super::SEGMENT_MAX < 1 << SHORT);
pub(super) const WITHDRAWN_RECORD: u32 = u32::MAX;

/// A newer entry of the route exists.
pub(super) const SUPERSEDED: u8 = 0x80;
/// The state of an entry, two bits. Without any the route is announced.
const STATE: u8 = 0x60;
/// Announced, and a reader may have been sent the route, by this entry or an earlier one.
pub(super) const SENT: u8 = 0x40;
/// The same, and it was stale, and was announced again as it was.
pub(super) const CONFIRMED: u8 = 0x20;
/// The route is withdrawn.
pub(super) const WITHDRAWN: u8 = 0x60;
/// The route's length in bytes; all ones: it follows in two bytes.
pub(super) const LENGTH: u8 = 0x1f;

/// True if the route is withdrawn.
pub(super) fn is_withdrawn(tag: u8) -> bool {
    tag & STATE == WITHDRAWN
}

/// True if a reader may have been sent the route, by the entry with this tag or an earlier one.
pub(super) fn is_sent(tag: u8) -> bool {
    tag & STATE != 0
}

/// True if the route was stale, and was announced again as it was.
pub(super) fn is_confirmed(tag: u8) -> bool {
    tag & STATE == CONFIRMED
}

/// The tag with another state.
pub(super) fn with_state(tag: u8, state: u8) -> u8 {
    tag & !STATE | state
}

/// A record with live entries, as a reader sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// The attributes of the routes; `None` if they are withdrawn.
    pub(crate) attributes: Option<AttributesId>,
    /// When the UPDATE was received.
    pub(crate) time: Timestamp,
    pub(super) entries: &'a [u8],
}

impl<'a> Record<'a> {
    /// The live routes.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        Entries { bytes: self.entries, offset: 0 }
            .filter(|entry| entry.tag & SUPERSEDED == 0)
            .map(|entry| entry.route)
    }

    /// An upper bound on the bytes of all routes.
    pub(crate) fn room(&self) -> usize {
        self.entries.len()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RecordEntry<'a> {
    pub(super) tag: u8,
    pub(super) route: &'a [u8],
    /// Where it begins, and where the next one does.
    pub(super) offset: usize,
    pub(super) end: usize,
}

pub(super) fn entry_at(bytes: &[u8], offset: usize) -> Option<RecordEntry<'_>> {
    let tag = *bytes.get(offset)?;
    let (start, len) = match tag & LENGTH {
        LENGTH => {
            let length = bytes.get(offset + 1..offset + 3)?;
            (offset + 3, usize::from(u16::from_le_bytes([length[0], length[1]])))
        }
        len => (offset + 1, usize::from(len)),
    };
    let end = start + len;
    Some(RecordEntry { tag, route: bytes.get(start..end)?, offset, end })
}

pub(super) struct Entries<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) offset: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = RecordEntry<'a>;

    fn next(&mut self) -> Option<RecordEntry<'a>> {
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

/// A header; `length` is that of the entries.
pub(super) fn header(attributes: u32, time: Timestamp, length: usize) -> [u8; RECORD_HEADER] {
    let [a, b, c, d] = attributes.to_le_bytes();
    let [e, f, g, h] = time.seconds.to_le_bytes();
    let short = u64::from(time.micros) & ((1 << SHORT) - 1) | (length as u64) << SHORT;
    let [i, j, k, l, m, ..] = short.to_le_bytes();
    [a, b, c, d, e, f, g, h, i, j, k, l, m]
}

pub(super) fn header_at(bytes: &[u8], offset: usize) -> Option<Header> {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m] = *bytes.get(offset..)?.first_chunk()?;
    let short = u64::from_le_bytes([i, j, k, l, m, 0, 0, 0]);
    let micros = (short & ((1 << SHORT) - 1)) as u32;
    let start = offset + RECORD_HEADER;
    Some(Header {
        attributes: u32::from_le_bytes([a, b, c, d]),
        time: Timestamp { seconds: u32::from_le_bytes([e, f, g, h]), micros },
        entries: start..start + (short >> SHORT) as usize,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let most = Timestamp { seconds: u32::MAX, micros: 999_999 };
        for (attributes, time, length) in [
            (0, Timestamp { seconds: 0, micros: 0 }, 0),
            (7, Timestamp { seconds: 1, micros: 2 }, 3),
            (WITHDRAWN_RECORD, most, super::super::SEGMENT_MAX),
        ] {
            let mut bytes = header(attributes, time, length).to_vec();
            bytes.insert(0, 9);
            let read = header_at(&bytes, 1).unwrap();
            assert_eq!((read.attributes, read.time), (attributes, time));
            assert_eq!(read.entries, 1 + RECORD_HEADER..1 + RECORD_HEADER + length);
            assert!(header_at(&bytes[..RECORD_HEADER], 1).is_none());
        }
    }
}
