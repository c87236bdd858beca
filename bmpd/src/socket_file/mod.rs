//! The file of the control socket: what it is, its lock, and who can connect.
#![forbid(unsafe_code)]

mod error;
mod file;
mod group;
mod lock;

pub(crate) use self::error::SocketError;
pub(crate) use self::file::{SocketFile, is_bound};
pub(crate) use self::group::{SocketGroup, WhoConnects};
pub(crate) use self::lock::Lock;
