//! The caller in the simulation: root, without a socket.

use std::collections::HashSet;
use std::sync::Arc;

use shared::request::Level;

use super::authorization::{Authorization, Reason};
use super::{Access, Caller, PeerCredentials};

impl Access {
    pub(crate) fn root(&self) -> Caller {
        let peer = PeerCredentials { uid: Some(0), pid: None, groups: HashSet::new() };
        let authorization = Authorization { level: Level::Management, reason: Reason::Root };
        Caller::new(&peer, None, authorization, Arc::clone(&self.levels.borrow()))
    }
}
