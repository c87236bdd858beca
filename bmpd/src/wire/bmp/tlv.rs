//! TLVs: two bytes of type, two of length, a value (RFC 7854 section 4.4). Each message has its own registry of types
//! (RFC 9736).

use crate::wire::reader::{Reader, Short};

/// A block of whole TLVs, in their order. Unknown types are among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlvs<'a> {
    rest: &'a [u8],
}

impl<'a> Tlvs<'a> {
    /// Checks a whole block.
    ///
    /// # Errors
    ///
    /// The last TLV is not whole.
    pub fn parse(block: &'a [u8]) -> Result<Self, Short> {
        Self::read(Reader::new(block, 0))
    }

    /// The same for all that is left of a message.
    pub(super) fn read(mut block: Reader<'a>) -> Result<Self, Short> {
        let mut reader = block;
        while !reader.is_empty() {
            next(&mut reader)?;
        }
        Ok(Self { rest: block.rest() })
    }

    /// The bytes of those that were not taken yet.
    pub fn as_bytes(self) -> &'a [u8] {
        self.rest
    }

    /// The value of the first TLV of this type.
    pub fn first_of(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(other, _)| *other == kind).map(|(_, value)| value)
    }
}

/// The types and values.
impl<'a> Iterator for Tlvs<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut reader = Reader::new(self.rest, 0);
        let tlv = next(&mut reader).ok()?;
        self.rest = reader.rest();
        Some(tlv)
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Result<(u16, &'a [u8]), Short> {
    let kind = reader.u16()?;
    let length = usize::from(reader.u16()?);
    Ok((kind, reader.take(length)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::bmp::write;

    #[test]
    fn a_block_is_whole_tlvs() {
        let all = |block: &[u8]| Tlvs::parse(block).map(|tlvs| tlvs.count());
        assert_eq!(all(&[]), Ok(0));
        assert_eq!(all(&[0, 1, 0, 0]), Ok(1));
        assert_eq!(all(&[0, 1, 0, 1, 7, 0xff, 0xff, 0, 0]), Ok(2));
        assert_eq!(all(&[0, 1, 0]), Err(Short { offset: 2, needed: 2, left: 1 }));
        assert_eq!(
            all(&[0, 1, 0, 1, 7, 0, 1, 0, 2, 7]),
            Err(Short { offset: 9, needed: 2, left: 1 })
        );
        let twice = Tlvs::parse(&[0, 2, 0, 1, 7, 0, 2, 0, 1, 8]).unwrap();
        assert_eq!((twice.first_of(2), twice.first_of(1)), (Some(&[7][..]), None));
    }

    proptest! {
        #[test]
        fn tlvs_are_written_as_they_are_read(
            tlvs in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..20)), 0..9),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut block = Vec::new();
            tlvs.iter().for_each(|(kind, value)| write::tlv(&mut block, *kind, value));
            let read = Tlvs::parse(&block).unwrap();
            prop_assert_eq!(read.as_bytes(), &block[..]);
            let read: Vec<_> = read.map(|(kind, value)| (kind, value.to_vec())).collect();
            prop_assert_eq!(&read, &tlvs);
            // A part of them is whole TLVs, or refused.
            if let Ok(part) = Tlvs::parse(&block[..cut.index(block.len() + 1)]) {
                let part: Vec<_> = part.map(|(kind, value)| (kind, value.to_vec())).collect();
                prop_assert_eq!(&part[..], &tlvs[..part.len()]);
            }
        }

        #[test]
        fn arbitrary_bytes_never_panic(block in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(tlvs) = Tlvs::parse(&block) {
                prop_assert_eq!(tlvs.map(|(_, value)| 4 + value.len()).sum::<usize>(), block.len());
            }
        }
    }
}
