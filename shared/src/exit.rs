//! The exit codes of bmpctl. They are an interface: scripts depend on them, so a number never
//! changes its meaning.

/// The command succeeded.
pub const DONE: u8 = 0;

/// The daemon accepted the command and failed at it, wholly or for one of the sessions, routers or publishers. Of
/// `config check`: the file is bad.
pub const FAILED: u8 = 1;

/// The command line is wrong; nothing was sent to the daemon. Of `config explain`: there is no such key.
pub const USAGE: u8 = 2;

/// No session (neighbor, router, publisher, VPN instance) is as named.
pub const NO_SUCH_SESSION: u8 = 3;

/// The caller may not do this.
pub const NOT_PERMITTED: u8 = 4;

/// The daemon cannot be reached, or what answers speaks another protocol version.
pub const NOT_REACHABLE: u8 = 5;

/// Not everything is synchronised: at the end of the time of `--wait` (the reset itself was done), or with `--check`. Of
/// `wait`: not every session is as wanted at the end of its time.
pub const NOT_SYNCHRONISED: u8 = 6;

/// The command was interrupted (Ctrl-C) while it waited, as shells number it. What was requested continues.
pub const INTERRUPTED: u8 = 130;
