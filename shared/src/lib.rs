//! placeholder
pub mod exit;
pub mod names;
