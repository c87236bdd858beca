//! Where routes come from. Each source knows who has said what, and gives that to the tables of a router.
#![forbid(unsafe_code)]

pub(crate) mod bgp;
