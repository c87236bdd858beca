//! What stands in the place of sockets in the simulation ([`crate::simulation`]).

pub(crate) mod listen;
pub(crate) mod queue;
pub(crate) mod tcp;
