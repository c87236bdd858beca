//! Who is sent them. Each sink reads the tables of a router with a feed, at its receiver's pace.
#![forbid(unsafe_code)]

pub(crate) mod station;
