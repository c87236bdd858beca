//! The exit codes of bmpctl. They are an interface: scripts depend on them, so a number never
//! changes its meaning.

/// What was asked for was done.
pub const DONE: u8 = 0;

/// The daemon took the command and failed at it, wholly or for one of the sessions.
pub const FAILED: u8 = 1;

/// The command line is wrong; nothing was asked of the daemon.
pub const USAGE: u8 = 2;

/// No session (or VPN instance) is as named.
pub const NO_SUCH_SESSION: u8 = 3;

/// The caller may not do this.
pub const NOT_PERMITTED: u8 = 4;

/// The daemon cannot be reached, or what answers speaks another protocol version.
pub const NOT_REACHABLE: u8 = 5;
