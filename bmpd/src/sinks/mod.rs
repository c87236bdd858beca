//! Who is sent them. Each sink reads the tables of a router with a feed, at its receiver's pace.
#![forbid(unsafe_code)]

mod encoder;
pub(crate) mod kafka;
pub(crate) mod station;

#[cfg(test)]
pub(crate) use self::encoder::Batch;
pub(crate) use self::encoder::Encoder;
