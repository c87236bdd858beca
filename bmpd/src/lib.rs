
mod rib;
pub mod wire;
