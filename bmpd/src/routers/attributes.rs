//! Path attributes, each distinct set kept once.
//!
//! A set is bytes in their stored form ([`crate::wire::stored`]), which are not decoded here. The
//! bytes lie end to end in chunks. A chunk that is mostly released is emptied into the newest one
//! and freed, so that memory follows what is in use and no step copies more than a chunk.

use std::hash::BuildHasher;

use super::Full;
use super::index::{Hasher, Index, PART, Pace};

/// A place is a chunk's number and an offset in it, in one u32.
const OFFSET_BITS: u32 = 18;
/// The size of a chunk, at most; a set is always smaller (an UPDATE has at most 65,535 bytes).
const CHUNK: usize = 1 << OFFSET_BITS;
const CHUNKS_MAX: usize = 1 << (32 - OFFSET_BITS);

/// Identifies a set while it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributesId(pub(super) u32);

/// Where a set is stored, and its reference count.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    place: u32,
    holders: u32,
    /// Half of its hash: sets lie far apart, and reading them all to resize the index takes long.
    hash: u32,
}

impl Slot {
    /// The hash in the index.
    fn hash(self) -> u64 {
        spread(self.hash)
    }
}

/// Extends half of a hash to all bits (multiplicative hashing by the golden ratio).
fn spread(half: u32) -> u64 {
    u64::from(half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[derive(Debug, Default)]
struct Chunk {
    /// `id (4), length (3), bytes`, end to end. The id of a set that is no longer held is [`NOBODY`]: ids and
    /// places are reused, so neither could later identify whose bytes these are.
    bytes: Vec<u8>,
    /// How many of the bytes belong to sets that are no longer held.
    released: usize,
}

const ENTRY_HEADER: usize = 7;
/// No slot has this number: there are fewer sets than bytes in all chunks.
const NOBODY: u32 = u32::MAX;

/// The sets of one neighbor.
#[derive(Debug)]
pub(crate) struct Attributes {
    chunks: Vec<Chunk>,
    /// The size of a chunk. A larger set gets a chunk of its own.
    chunk_size: usize,
    /// The chunk that is written to.
    newest: u32,
    free_chunks: Vec<u32>,
    slots: Vec<Slot>,
    free_slots: Vec<u32>,
    /// The hash of a set -> its id.
    index: Index,
    hasher: Hasher,
}

impl Default for Attributes {
    fn default() -> Self {
        Self::with_chunk_size(CHUNK)
    }
}

impl Attributes {
    pub(super) fn with_chunk_size(chunk_size: usize) -> Self {
        Self {
            chunks: Vec::new(),
            chunk_size,
            newest: 0,
            free_chunks: Vec::new(),
            slots: Vec::new(),
            free_slots: Vec::new(),
            index: Index::new(PART),
            hasher: Hasher::default(),
        }
    }

    /// Adds a reference to the set of these bytes, storing it if it is new.
    ///
    /// `bytes` is shorter than 128 KiB. Returns its id and true if it is new.
    pub(crate) fn hold(&mut self, bytes: &[u8]) -> Result<(AttributesId, bool), Full> {
        let half = self.hasher.hash_one(bytes) as u32;
        let hash = spread(half);
        let is_it = |id: &u32| Self::bytes_of(&self.chunks, &self.slots, *id) == bytes;
        if let Some(id) = self.index.find(hash, is_it).copied() {
            self.slots[id as usize].holders += 1;
            return Ok((AttributesId(id), false));
        }
        let place = self.make_room(bytes.len())?;
        let id = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        self.store(place, id, bytes);
        self.slots[id as usize] = Slot { place, holders: 1, hash: half };
        let Self { slots, index, .. } = self;
        let rehash = |id: &u32| slots[*id as usize].hash();
        index.make_room(1, rehash);
        index.put_new(hash, id, rehash);
        index.go_on(Pace::Put(1), rehash);
        Ok((AttributesId(id), true))
    }

    /// The id of the set of these bytes, if it is held.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<AttributesId> {
        let Self { chunks, slots, index, hasher, .. } = self;
        let hash = spread(hasher.hash_one(bytes) as u32);
        let is_it = |id: &u32| Self::bytes_of(chunks, slots, *id) == bytes;
        index.find(hash, is_it).map(|id| AttributesId(*id))
    }

    /// True while the index is resized.
    pub(super) fn is_resized(&self) -> bool {
        self.index.is_resized()
    }

    /// Continues a resize of the index, by this many entries.
    pub(super) fn resize_some(&mut self, entries: usize) {
        let Self { slots, index, .. } = self;
        index.go_on(Pace::Entries(entries), |id| slots[*id as usize].hash());
    }

    /// Entries of the index that were moved by resizing so far.
    pub(super) fn moves(&self) -> u64 {
        self.index.moves()
    }

    /// Releases one reference to a set.
    pub(crate) fn release(&mut self, id: AttributesId) {
        let slot = &mut self.slots[id.0 as usize];
        slot.holders -= 1;
        if slot.holders > 0 {
            return;
        }
        let (number, offset) = split(slot.place);
        let hash = slot.hash();
        let len = Self::bytes_of(&self.chunks, &self.slots, id.0).len();
        self.index.remove(hash, id.0);
        self.free_slots.push(id.0);
        let chunk = &mut self.chunks[number as usize];
        chunk.bytes[offset..][..size_of::<u32>()].copy_from_slice(&NOBODY.to_le_bytes());
        chunk.released += ENTRY_HEADER + len;
        self.reclaim(number);
        let Self { slots, index, .. } = self;
        let rehash = |id: &u32| slots[*id as usize].hash();
        index.shrink(rehash);
        index.go_on(Pace::Removed(1), rehash);
    }

    /// Memory in use, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes.capacity()).sum::<usize>()
            + self.slots.capacity() * size_of::<Slot>()
            + self.free_slots.capacity() * size_of::<u32>()
            + self.index.memory()
    }

    /// The bytes of a set.
    pub(crate) fn get(&self, id: AttributesId) -> &[u8] {
        Self::bytes_of(&self.chunks, &self.slots, id.0)
    }

    fn bytes_of<'a>(chunks: &'a [Chunk], slots: &[Slot], id: u32) -> &'a [u8] {
        let (chunk, offset) = split(slots[id as usize].place);
        entry_at(&chunks[chunk as usize].bytes, offset).map_or(&[], |entry| entry.bytes)
    }

    /// Makes room in the newest chunk for a set of this length; returns its place.
    fn make_room(&mut self, len: usize) -> Result<u32, Full> {
        let needed = ENTRY_HEADER + len;
        let size = self.chunk_size;
        let has_room = |chunk: &Chunk| chunk.bytes.is_empty() || chunk.bytes.len() + needed <= size;
        if !self.chunks.get(self.newest as usize).is_some_and(has_room) {
            let fresh = Chunk { bytes: Vec::with_capacity(size), released: 0 };
            let before = self.newest;
            self.newest = match self.free_chunks.pop() {
                Some(number) => {
                    self.chunks[number as usize] = fresh;
                    number
                }
                None if self.chunks.len() < CHUNKS_MAX => {
                    self.chunks.push(fresh);
                    (self.chunks.len() - 1) as u32
                }
                None => return Err(Full),
            };
            // A chunk is not emptied while it is the newest: it may be due now.
            if before != self.newest {
                self.reclaim(before);
            }
        }
        // Reclaiming a chunk may have filled this one a little, or even started another one.
        let chunk = &self.chunks[self.newest as usize];
        if has_room(chunk) {
            Ok(place(self.newest, chunk.bytes.len()))
        } else {
            self.make_room(len)
        }
    }

    /// Writes a set at the place that [`Attributes::make_room`] has found.
    fn store(&mut self, place: u32, id: u32, bytes: &[u8]) {
        let (chunk, _) = split(place);
        let chunk = &mut self.chunks[chunk as usize].bytes;
        chunk.extend_from_slice(&id.to_le_bytes());
        let [a, b, c, ..] = bytes.len().to_le_bytes();
        chunk.extend_from_slice(&[a, b, c]);
        chunk.extend_from_slice(bytes);
    }

    /// Empties a chunk of which more than half was released.
    fn reclaim(&mut self, number: u32) {
        let chunk = &self.chunks[number as usize];
        if number == self.newest {
            if chunk.released == chunk.bytes.len() {
                let chunk = &mut self.chunks[number as usize];
                chunk.bytes.clear();
                chunk.released = 0;
            }
            return;
        }
        if chunk.bytes.is_empty() || chunk.released * 2 <= chunk.bytes.len() {
            return;
        }
        let Chunk { bytes, .. } = std::mem::take(&mut self.chunks[number as usize]);
        // Its own number is free from now on: there is room for what is moved.
        self.free_chunks.push(number);
        for SetEntry { id, bytes } in held(&bytes) {
            let place = self.make_room(bytes.len()).expect("its own number is free");
            self.store(place, id, bytes);
            self.slots[id as usize].place = place;
        }
    }
}

struct SetEntry<'a> {
    id: u32,
    bytes: &'a [u8],
}

fn entry_at(bytes: &[u8], offset: usize) -> Option<SetEntry<'_>> {
    let (header, rest) = bytes.get(offset..)?.split_first_chunk::<ENTRY_HEADER>()?;
    let [a, b, c, d, e, f, g] = *header;
    let bytes = rest.get(..u32::from_le_bytes([e, f, g, 0]) as usize)?;
    Some(SetEntry { id: u32::from_le_bytes([a, b, c, d]), bytes })
}

/// The sets of a chunk that are held.
fn held(bytes: &[u8]) -> impl Iterator<Item = SetEntry<'_>> {
    let mut offset = 0;
    let entries = std::iter::from_fn(move || {
        let entry = entry_at(bytes, offset)?;
        offset += ENTRY_HEADER + entry.bytes.len();
        Some(entry)
    });
    entries.filter(|entry| entry.id != NOBODY)
}

fn place(chunk: u32, offset: usize) -> u32 {
    chunk << OFFSET_BITS | offset as u32
}

fn split(place: u32) -> (u32, usize) {
    (place >> OFFSET_BITS, place as usize & (CHUNK - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    impl Attributes {
        /// How many distinct sets are held.
        pub(crate) fn len(&self) -> usize {
            self.index.len()
        }

        fn stored_bytes(&self) -> usize {
            self.chunks.iter().map(|chunk| chunk.bytes.len()).sum()
        }
    }

    #[test]
    fn an_equal_set_is_kept_once_and_goes_with_its_last_holder() {
        let mut attributes = Attributes::default();
        let (a, new_a) = attributes.hold(b"one").unwrap();
        let (b, new_b) = attributes.hold(b"one").unwrap();
        assert!(a == b && new_a && !new_b);
        attributes.release(a);
        assert_eq!(attributes.get(a), b"one");
        attributes.release(a);
        assert_eq!(attributes.len(), 0);
        assert!(attributes.hold(b"one").unwrap().1);
    }

    #[test]
    fn memory_follows_what_is_held() {
        let mut attributes = Attributes::default();
        let set = |n: u32| [&n.to_le_bytes()[..], &[7; 200]].concat();
        let mut held = std::collections::VecDeque::new();
        for n in 0..100_000 {
            held.push_back(attributes.hold(&set(n)).unwrap().0);
            if held.len() > 1000 {
                attributes.release(held.pop_front().unwrap());
            }
        }
        assert!(attributes.stored_bytes() < 4 * CHUNK, "{}", attributes.stored_bytes());
        for (id, n) in held.iter().zip(99_000..) {
            assert_eq!(attributes.get(*id), set(n));
        }
    }

    /// While a chunk is emptied, the one it is emptied into may fill up and be emptied as well. Its contents then
    /// move to the number and the place where a set with the same id lay before.
    #[test]
    fn a_set_that_comes_to_lie_where_its_id_lay_before_stays_itself() {
        const FILLER: usize = CHUNK / 4 - 150;
        let mut attributes = Attributes::default();
        let hold =
            |attributes: &mut Attributes, n: u8, len| attributes.hold(&vec![n; len]).unwrap().0;
        let stays = hold(&mut attributes, 1, 200);
        let goes = hold(&mut attributes, 2, 200);
        let first: Vec<_> = (10..14).map(|n| hold(&mut attributes, n, FILLER)).collect();
        assert_eq!(attributes.newest, 0, "the first chunk is full and takes no more");
        let other = hold(&mut attributes, 3, 300);
        assert_eq!(attributes.newest, 1);
        attributes.release(other);
        let before = hold(&mut attributes, 4, 200);
        attributes.release(goes);
        let after = hold(&mut attributes, 5, 200);
        assert_eq!(after, goes, "an id is taken again");
        for filler in (20..24).map(|n| hold(&mut attributes, n, FILLER)).collect::<Vec<_>>() {
            attributes.release(filler);
        }
        for filler in first {
            attributes.release(filler);
        }
        for (id, n) in [(stays, 1), (before, 4), (after, 5)] {
            assert_eq!(attributes.get(id), vec![n; 200]);
        }
    }

    proptest! {
        #[test]
        fn it_is_a_counted_map(
            steps in prop::collection::vec((0u8..40, any::<bool>()), 0..600),
            chunk_size in prop::sample::select(vec![1, 1000, 50_000, CHUNK]),
        ) {
            let mut attributes = Attributes::with_chunk_size(chunk_size);
            let mut model: HashMap<u8, (AttributesId, u32)> = HashMap::new();
            // Sets of up to 24 KiB, so that a run fills and empties several chunks.
            let bytes = |n: u8| vec![n; 600 * usize::from(n) + 1];
            for (n, hold) in steps {
                if hold {
                    let (id, new) = attributes.hold(&bytes(n)).unwrap();
                    let entry = model.entry(n).or_insert((id, 0));
                    prop_assert_eq!((entry.0, entry.1 == 0), (id, new));
                    entry.1 += 1;
                } else if let Some(entry) = model.get_mut(&n) {
                    attributes.release(entry.0);
                    entry.1 -= 1;
                    if entry.1 == 0 {
                        model.remove(&n);
                    }
                }
                prop_assert_eq!(attributes.len(), model.len());
                for (number, chunk) in (0..).zip(&attributes.chunks) {
                    let len = |entry: SetEntry<'_>| ENTRY_HEADER + entry.bytes.len();
                    let alive: usize = held(&chunk.bytes).map(len).sum();
                    prop_assert_eq!(alive + chunk.released, chunk.bytes.len());
                    prop_assert!(number == attributes.newest || chunk.released <= alive);
                }
                for (n, (id, _)) in &model {
                    prop_assert_eq!(attributes.get(*id), &bytes(*n)[..]);
                }
            }
        }
    }
}
