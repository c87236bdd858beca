//! Reading the tables of a peer for a query.
//!
//! ```text
//!   Walk ── some, and again ──> the lock of the peer's tables ──> Log::walk, a bounded part ── routes ──> visit
//! ```
//!
//! The lock is held for one part at a time, so a table of any size is passed without delaying those who fill it or read
//! it, and without a copy of it.

use std::sync::Arc;

use super::epoch::{Epoch, TableId};
use super::log::{Found, WalkId, Walked};
use crate::wire::nlri::Form;

/// How many bytes of a log are read at once, and how many entries of the backlog are indexed.
const PART: usize = 128 * 1024;
const INDEXED: usize = 8 * 1024;

/// A table of a peer that is up.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    epoch: Arc<Epoch>,
    id: TableId,
    form: Form,
}

/// A walk through a table.
#[derive(Debug)]
pub(crate) struct Walk {
    table: Table,
    /// None until the backlog is indexed: routes of it may be there twice.
    begun: Option<WalkId>,
}

/// The peer has gone down, and its routes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl Table {
    /// Every table of a session, in the order in which they were opened.
    pub(crate) fn all(epoch: &Arc<Epoch>) -> Vec<Self> {
        let tables = epoch.with(|rib| rib.tables_with_forms().collect::<Vec<_>>());
        let table = |(id, form)| Self { epoch: Arc::clone(epoch), id, form };
        tables.unwrap_or_default().into_iter().map(table).collect()
    }

    /// The session that it belongs to.
    pub(crate) fn epoch(&self) -> &Arc<Epoch> {
        &self.epoch
    }

    /// Which one it is.
    pub(crate) fn id(&self) -> TableId {
        self.id
    }

    /// How its routes are written.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// Begins a walk.
    pub(crate) fn walk(&self) -> Walk {
        Walk { table: self.clone(), begun: None }
    }

    /// Looks up the first of these routes that is there. `Ok(false)` if it is to be called again, after others have had their
    /// turn.
    pub(crate) fn look_up(
        &self,
        routes: &[Vec<u8>],
        mut visit: impl FnMut(Found<'_>),
    ) -> Result<bool, Gone> {
        let done = self.epoch.maintain(|rib| {
            let Some((attributes, log)) = rib.table(self.id) else { return true };
            if log.late() > 0 {
                log.index(INDEXED, attributes);
                return false;
            }
            let mut is_found = false;
            for route in routes {
                log.look_up(route, attributes, |found| {
                    is_found = true;
                    visit(found);
                });
                if is_found {
                    break;
                }
            }
            true
        });
        done.ok_or(Gone)
    }
}

impl Walk {
    /// Passes some further routes; `has_room` is asked before those of each UPDATE.
    pub(crate) fn some(
        &mut self,
        visit: impl FnMut(Found<'_>),
        has_room: impl FnMut() -> bool,
    ) -> Result<Walked, Gone> {
        let Self { table: Table { epoch, id, .. }, begun } = self;
        let walked = epoch.maintain(|rib| {
            let Some((attributes, log)) = rib.table(*id) else {
                return Walked::All { changes: 0 };
            };
            let walk = match begun {
                Some(walk) => *walk,
                None if log.late() > 0 => {
                    log.index(INDEXED, attributes);
                    return Walked::Some;
                }
                None => *begun.insert(log.begin_walk()),
            };
            log.walk(walk, attributes, PART, visit, has_room)
        });
        walked.ok_or(Gone)
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(walk) = self.begun {
            self.table.epoch.with(|rib| {
                if let Some((_, log)) = rib.table(self.table.id) {
                    log.end_walk(walk);
                }
            });
        }
    }
}
