//! Where routes come from. Each source identifies who sent what, and passes that to the tables of a router.
#![forbid(unsafe_code)]

pub(crate) mod bgp;
