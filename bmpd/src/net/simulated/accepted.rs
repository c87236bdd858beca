//! Connections in the simulation have no options.

use crate::net::options::{OptionError, Options, TooFar};
use crate::net::tcp::TcpStream;

impl Options {
    pub(crate) fn accepted(&self, _: &TcpStream) -> Result<(), OptionError> {
        Ok(())
    }

    pub(crate) fn came_near(&self, _: &TcpStream) -> Result<(), TooFar> {
        Ok(())
    }
}
