//! Path attributes, each distinct set kept once.
//!
//! A set is bytes in their stored form ([`crate::wire::stored`]); nobody here looks inside.
//! The bytes lie end to end in chunks. A chunk of which most has been released is emptied into the
//! newest one and given back, so that memory follows what is in use and no step copies more than a
//! chunk.

use std::hash::BuildHasher;

use hashbrown::HashTable;

/// The size of a chunk; a set is always smaller (an UPDATE has at most 65,535 bytes).
const CHUNK: usize = 256 * 1024;

/// Names a set as long as it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributesId(pub(super) u32);

/// Where a set lies and how often it is held.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    chunk: u32,
    offset: u32,
    holders: u32,
}

#[derive(Debug, Default)]
struct Chunk {
    /// `id (4), length (4), bytes`, end to end.
    bytes: Vec<u8>,
    /// How many of the bytes belong to sets that are no longer held.
    dead: usize,
}

const ENTRY_HEADER: usize = 8;

/// The sets of one neighbor.
#[derive(Debug, Default)]
pub(crate) struct Attributes {
    chunks: Vec<Chunk>,
    /// The chunk that is written to.
    newest: u32,
    free_chunks: Vec<u32>,
    slots: Vec<Slot>,
    free_slots: Vec<u32>,
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl Attributes {
    /// Holds the set of these bytes once more, storing it if it is new.
    ///
    /// `bytes` is shorter than 128 KiB. Returns its id and true if it is new.
    pub(crate) fn hold(&mut self, bytes: &[u8]) -> (AttributesId, bool) {
        let hash = self.hasher.hash_one(bytes);
        let known = self
            .index
            .find(hash, |id| Self::bytes_of(&self.chunks, &self.slots, *id) == bytes)
            .copied();
        if let Some(id) = known {
            self.slots[id as usize].holders += 1;
            return (AttributesId(id), false);
        }
        let id = self.free_slots.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            (self.slots.len() - 1) as u32
        });
        let (chunk, offset) = self.store(id, bytes);
        self.slots[id as usize] = Slot { chunk, offset, holders: 1 };
        let Self { chunks, slots, index, hasher, .. } = self;
        index.insert_unique(hash, id, |id| hasher.hash_one(Self::bytes_of(chunks, slots, *id)));
        (AttributesId(id), true)
    }

    /// Lets go of a set that was held once.
    pub(crate) fn release(&mut self, id: AttributesId) {
        let slot = &mut self.slots[id.0 as usize];
        slot.holders -= 1;
        if slot.holders > 0 {
            return;
        }
        let (chunk, bytes) = (slot.chunk, Self::bytes_of(&self.chunks, &self.slots, id.0));
        let len = bytes.len();
        let hash = self.hasher.hash_one(bytes);
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == id.0) {
            entry.remove();
        }
        self.free_slots.push(id.0);
        self.chunks[chunk as usize].dead += ENTRY_HEADER + len;
        self.reclaim(chunk);
    }

    /// The bytes of a set.
    pub(crate) fn get(&self, id: AttributesId) -> &[u8] {
        Self::bytes_of(&self.chunks, &self.slots, id.0)
    }

    fn bytes_of<'a>(chunks: &'a [Chunk], slots: &[Slot], id: u32) -> &'a [u8] {
        let slot = slots[id as usize];
        let entry = &chunks[slot.chunk as usize].bytes[slot.offset as usize..];
        let len = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]) as usize;
        &entry[ENTRY_HEADER..ENTRY_HEADER + len]
    }

    fn store(&mut self, id: u32, bytes: &[u8]) -> (u32, u32) {
        let needed = ENTRY_HEADER + bytes.len();
        let has_room = |chunk: &Chunk| chunk.bytes.capacity() - chunk.bytes.len() >= needed;
        if !self.chunks.get(self.newest as usize).is_some_and(has_room) {
            let fresh = Chunk { bytes: Vec::with_capacity(CHUNK), dead: 0 };
            let before = self.newest;
            self.newest = match self.free_chunks.pop() {
                Some(number) => {
                    self.chunks[number as usize] = fresh;
                    number
                }
                None => {
                    self.chunks.push(fresh);
                    (self.chunks.len() - 1) as u32
                }
            };
            // A chunk is not emptied while it is the newest: its turn may have come.
            if before != self.newest {
                self.reclaim(before);
            }
        }
        let chunk = &mut self.chunks[self.newest as usize].bytes;
        let offset = chunk.len() as u32;
        chunk.extend_from_slice(&id.to_le_bytes());
        chunk.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        chunk.extend_from_slice(bytes);
        (self.newest, offset)
    }

    /// Empties a chunk of which more than half is dead.
    fn reclaim(&mut self, number: u32) {
        let chunk = &self.chunks[number as usize];
        if number == self.newest {
            if chunk.dead == chunk.bytes.len() {
                let chunk = &mut self.chunks[number as usize];
                chunk.bytes.clear();
                chunk.dead = 0;
            }
            return;
        }
        if chunk.bytes.is_empty() || chunk.dead * 2 <= chunk.bytes.len() {
            return;
        }
        let Chunk { bytes, .. } = std::mem::take(&mut self.chunks[number as usize]);
        let mut offset = 0;
        while let Some(header) = bytes.get(offset..offset + ENTRY_HEADER) {
            let id = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
            let slot = self.slots[id as usize];
            // The slot may have been freed, and taken again by a set that lies elsewhere.
            if slot.holders > 0 && slot.chunk == number && slot.offset == offset as u32 {
                let start = offset + ENTRY_HEADER;
                let (chunk, offset) = self.store(id, &bytes[start..start + len]);
                self.slots[id as usize] = Slot { chunk, offset, ..slot };
            }
            offset += ENTRY_HEADER + len;
        }
        self.free_chunks.push(number);
    }
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
        let (a, new_a) = attributes.hold(b"one");
        let (b, new_b) = attributes.hold(b"one");
        assert!(a == b && new_a && !new_b);
        attributes.release(a);
        assert_eq!(attributes.get(a), b"one");
        attributes.release(a);
        assert_eq!(attributes.len(), 0);
        assert!(attributes.hold(b"one").1);
    }

    #[test]
    fn memory_follows_what_is_held() {
        let mut attributes = Attributes::default();
        let set = |n: u32| [&n.to_le_bytes()[..], &[7; 200]].concat();
        let mut held = std::collections::VecDeque::new();
        for n in 0..100_000 {
            held.push_back(attributes.hold(&set(n)).0);
            if held.len() > 1000 {
                attributes.release(held.pop_front().unwrap());
            }
        }
        assert!(attributes.stored_bytes() < 4 * CHUNK, "{}", attributes.stored_bytes());
        for (id, n) in held.iter().zip(99_000..) {
            assert_eq!(attributes.get(*id), set(n));
        }
    }

    proptest! {
        #[test]
        fn it_is_a_counted_map(steps in prop::collection::vec((0u8..40, any::<bool>()), 0..600)) {
            let mut attributes = Attributes::default();
            let mut model: HashMap<u8, (AttributesId, u32)> = HashMap::new();
            // Sets of up to 24 KiB, so that a run fills and empties several chunks.
            let bytes = |n: u8| vec![n; 600 * usize::from(n) + 1];
            for (n, hold) in steps {
                if hold {
                    let (id, new) = attributes.hold(&bytes(n));
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
                for (n, (id, _)) in &model {
                    prop_assert_eq!(attributes.get(*id), &bytes(*n)[..]);
                }
            }
        }
    }
}
