//! A cursor over bytes that came from outside.
//!
//! It is small and `Copy`, hands out borrowed slices, and every error has its offset in the whole
//! message.

/// The input ended too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{needed} bytes needed at offset {offset}, {left} left")]
pub struct Short {
    /// Where the read began, counted from the beginning of the message.
    pub offset: usize,
    /// How many bytes were asked for.
    pub needed: usize,
    /// How many there were.
    pub left: usize,
}

/// A position in a slice of bytes.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, whose first byte has the given offset in the message.
    pub fn new(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }

    /// True when nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// How many bytes are left.
    pub fn len(&self) -> usize {
        self.rest.len()
    }

    /// The offset of the next byte in the whole message.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Short> {
        match self.rest.split_at_checked(n) {
            Some((taken, rest)) => {
                self.rest = rest;
                self.offset += n;
                Ok(taken)
            }
            None => Err(Short { offset: self.offset, needed: n, left: self.rest.len() }),
        }
    }

    /// The next `n` bytes as a reader of their own.
    pub fn sub(&mut self, n: usize) -> Result<Reader<'a>, Short> {
        let offset = self.offset;
        Ok(Reader::new(self.take(n)?, offset))
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.offset += rest.len();
        self.rest = &[];
        rest
    }

    /// The next bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Short> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next byte.
    pub fn u8(&mut self) -> Result<u8, Short> {
        self.array().map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    pub fn u16(&mut self) -> Result<u16, Short> {
        self.array().map(u16::from_be_bytes)
    }

    /// The next four bytes, big-endian.
    pub fn u32(&mut self) -> Result<u32, Short> {
        self.array().map(u32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_carries_the_offset_in_the_whole_message() {
        let mut reader = Reader::new(&[1, 2, 3, 4, 5], 19);
        assert_eq!(reader.u16(), Ok(0x0102));
        let mut sub = reader.sub(2).unwrap();
        assert_eq!(sub.u32(), Err(Short { offset: 21, needed: 4, left: 2 }));
        assert_eq!(sub.u8(), Ok(3));
        assert_eq!(reader.u32(), Err(Short { offset: 23, needed: 4, left: 1 }));
        assert_eq!(reader.rest(), [5]);
        assert!(reader.is_empty());
    }
}
