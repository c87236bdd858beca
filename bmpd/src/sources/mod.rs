//! Where routes come from. Each source identifies who sent what, and passes that to the tables of a router.
#![forbid(unsafe_code)]

pub(crate) mod bgp;
pub(crate) mod bmp;
mod late;
pub(crate) mod listener;
mod pending;
mod turn;

pub(crate) use turn::Places;
