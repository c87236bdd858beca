//! What happened in a run: a hash of all of it, and for people a line for each action.

use std::fmt;

/// The trace of one run.
#[derive(Debug, Clone)]
pub struct Trace {
    hash: u64,
    verbose: bool,
    /// Messages of BMP that stations have checked.
    pub messages: u64,
}

impl Trace {
    /// An empty one; a verbose one prints its lines.
    pub fn new(verbose: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, verbose, messages: 0 }
    }

    /// Everything so far as one number.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// Adds what a station was sent (64-bit FNV-1a).
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Prints what is in the hash already, for people.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if self.verbose {
            println!("    {}", line());
        }
    }

    /// Adds what was done.
    pub fn line(&mut self, line: impl fmt::Display) {
        let line = line.to_string();
        self.bytes(line.as_bytes());
        if self.verbose {
            println!("{line}");
        }
    }
}
