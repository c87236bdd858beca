//! One BGP session of a neighbor: who it is, its tables, and how it ended.
//!
//! When a session ends its tables are freed at once; the epoch itself stays until all feeds have
//! reported the end. Nothing is carried over to the next epoch.
//!
//! A neighbor that restarts gracefully (RFC 4724) stays in the same epoch: [`Epoch::hold`] keeps the routes of the
//! families that it asked for and marks them stale, and stations are sent nothing; [`Epoch::restart`] begins the next
//! incarnation with its new OPENs. Stations are then sent Peer Up once more, without a Peer Down before it: a session
//! has come up (RFC 7854 section 4.10), and the routes were kept. Stale routes of a family are withdrawn at its
//! End-of-RIB. If the neighbor does not come back, the epoch ends as any other.
//!
//! A feed that begins during the hold sends its station the old OPENs and the stale routes, as the others
//! did.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::attributes::Attributes;
use super::index::Pace;
use super::log::{INDEXED, Log, Withdrawn};
use super::meter::{OverLimit, Share, Slot};
use super::sizes::Sizes;
use super::{Full, Refused};
use crate::moment::bmp_timestamp;
use crate::supervise::roll_back_on_panic;
use crate::wire::bmp::{PeerDownReason, PeerHeader, PeerUp, Statistic, Timestamp, View};
use crate::wire::family::Family;
use crate::wire::nlri::{Form, Routes};
use crate::wire::update::{Fault, Update};

/// How and when a BGP session ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerDown {
    /// When.
    pub(crate) time: Timestamp,
    /// The reason with its payload.
    pub(crate) reason: PeerDownReason,
}

impl PeerDown {
    /// Now, by an internal error: no event of RFC 4271 section 8.1 fits.
    pub(crate) fn by_mistake() -> Self {
        Self { time: bmp_timestamp(), reason: PeerDownReason::LocalNoNotification(0) }
    }
}

/// What has been counted in one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counters {
    /// UPDATE messages.
    pub(crate) updates: u64,
    /// Routes announced.
    pub(crate) announced: u64,
    /// Routes withdrawn that were there.
    pub(crate) withdrawn: u64,
    /// Routes that the neighbor withdrew and that were not there.
    pub(crate) duplicate_withdraws: u64,
    /// UPDATE messages treated as withdrawals (RFC 7606).
    pub(crate) updates_treated_as_withdraw: u64,
    /// Routes in them.
    pub(crate) prefixes_treated_as_withdraw: u64,
    /// Attributes discarded (RFC 7606).
    pub(crate) attributes_discarded: u64,
    /// UPDATE messages with routes of a family that was not negotiated: those routes were ignored.
    pub(crate) updates_not_negotiated: u64,
}

/// The result of one UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    /// Why it was treated as a withdrawal, if it was.
    pub(crate) fault: Option<Fault>,
    /// The type of the first attribute that was discarded, if any was.
    pub(crate) discarded: Option<u8>,
    /// The family of which it was the first End-of-RIB.
    pub(crate) end_of_rib: Option<Family>,
}

/// Identifies a table of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableId {
    /// Where in the router it is.
    pub(crate) view: View,
    /// What routes it has.
    pub(crate) family: Family,
}

/// How it is known that a table is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndOfRib {
    /// Its End-of-RIB came.
    Received,
    /// Nothing more came for a while.
    Assumed,
}

/// The result of a check of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// They are within the limits.
    Good,
    /// Part of the check is done; it is to be called again, after others have had their turn.
    Unfinished,
    /// They take too much memory.
    OverLimit(OverLimit),
    /// This many routes of this family are too many.
    TooMany(Family, usize),
}

/// What notifies the task that fills the tables; one task can have several epochs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signals {
    /// Tables were lost to an internal error.
    pub(crate) lost: Arc<Notify>,
    /// Tables have a backlog that another task has left.
    pub(crate) backlog: Arc<Notify>,
    /// Tables must be dropped to free memory.
    pub(crate) evicted: Arc<Notify>,
}

/// The tables are in use elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InUse;

/// The tables of one epoch.
#[derive(Debug)]
pub(crate) struct Rib {
    pub(super) attributes: Attributes,
    /// New ones are appended.
    pub(super) logs: Vec<(TableId, Log)>,
    /// How many, to be seen without the lock.
    count: Arc<AtomicUsize>,
    /// Tables whose End-of-RIB has not come and is assumed.
    assumed: Vec<TableId>,
    /// The last Statistics Report that a router has sent about the peer: the whole message.
    pub(super) report: Option<Box<[u8]>>,
    sizes: Sizes,
    /// What has been counted in this incarnation.
    pub(crate) counters: Counters,
    /// Incremented with each graceful restart.
    pub(super) incarnation: u64,
    /// The OPENs of this incarnation and what goes with them.
    pub(super) up: PeerUp,
    /// When this incarnation came up.
    pub(super) since: Timestamp,
    stored: Vec<u8>,
    /// How many routes of the backlog are indexed at once.
    at_once: usize,
    /// The last field: it is returned to the meter after the tables are freed.
    share: Share,
}

impl Rib {
    fn new(
        view: View,
        forms: &[Form],
        up: PeerUp,
        since: Timestamp,
        share: Share,
        sizes: &Sizes,
        count: Arc<AtomicUsize>,
    ) -> Self {
        count.store(forms.len(), Ordering::Release);
        let log = |form: &Form| (TableId { view, family: form.family() }, Log::new(*form, sizes));
        Self {
            attributes: Attributes::with_chunk_size(sizes.chunk),
            logs: forms.iter().map(log).collect(),
            count,
            assumed: Vec::new(),
            report: None,
            sizes: *sizes,
            counters: Counters::default(),
            incarnation: 1,
            up,
            since,
            stored: Vec::new(),
            at_once: sizes.maintenance,
            share,
        }
    }

    /// Opens a table, whose routes have this form, if it is not there.
    pub(crate) fn open(&mut self, view: View, form: Form) {
        let id = TableId { view, family: form.family() };
        if !self.logs.iter().any(|(other, _)| *other == id) {
            self.logs.push((id, Log::new(form, &self.sizes)));
            self.count.store(self.logs.len(), Ordering::Release);
        }
    }

    /// True if the table is there.
    pub(crate) fn is_open(&self, view: View, family: Family) -> bool {
        self.logs.iter().any(|(id, _)| *id == TableId { view, family })
    }

    /// How many routes there are at most: some of the backlog may be there already.
    pub(crate) fn routes_at_most(&self) -> u64 {
        self.logs.iter().map(|(_, log)| log.routes_at_most() as u64).sum()
    }

    /// True if the peer came up exactly so, at that time.
    pub(crate) fn is_up_with(&self, up: &PeerUp, time: Timestamp) -> bool {
        self.up == *up && self.since == time
    }

    /// The OPENs of this incarnation and what goes with them.
    pub(crate) fn up(&self) -> &PeerUp {
        &self.up
    }

    /// When this incarnation came up.
    pub(crate) fn since(&self) -> Timestamp {
        self.since
    }

    /// Keeps the last Statistics Report about the peer, for those who come later.
    pub(crate) fn keep_report(&mut self, message: &[u8]) {
        self.report = Some(message.into());
    }

    /// The tables whose End-of-RIB is awaited, or that have stale routes.
    pub(crate) fn incomplete(&self) -> Vec<TableId> {
        let incomplete =
            self.logs.iter().filter(|(_, log)| !log.has_end_of_rib() || log.has_stale());
        incomplete.map(|(id, _)| *id).collect()
    }

    /// Records an End-of-RIB that has not come: the router has been quiet for a while.
    pub(crate) fn assume_end_of_rib(
        &mut self,
        table: TableId,
        time: Timestamp,
    ) -> Result<(), Full> {
        if self.end_of_rib(table, time)? && !self.assumed.contains(&table) {
            self.assumed.push(table);
        }
        Ok(())
    }

    /// Every table with its routes, and how its End-of-RIB is known.
    pub(crate) fn tables(&mut self) -> impl Iterator<Item = (TableId, usize, Option<EndOfRib>)> {
        let Self { attributes, logs, assumed, .. } = self;
        logs.iter_mut().map(|(table, log)| {
            let end_of_rib = log.has_end_of_rib().then(|| match assumed.contains(table) {
                true => EndOfRib::Assumed,
                false => EndOfRib::Received,
            });
            (*table, log.routes(attributes), end_of_rib)
        })
    }

    /// The table with this name, and the attributes of its routes.
    pub(super) fn table(&mut self, id: TableId) -> Option<(&mut Attributes, &mut Log)> {
        let Self { attributes, logs, .. } = self;
        let (_, log) = logs.iter_mut().find(|(other, _)| *other == id)?;
        Some((attributes, log))
    }

    /// Takes an UPDATE into the tables of a view: withdrawals first, then announcements (RFC 4271 section 4.3).
    ///
    /// Families that were not negotiated are ignored and counted, whatever they contain. All routes are
    /// checked before any is taken.
    pub(crate) fn apply(
        &mut self,
        view: View,
        update: &Update<'_>,
        time: Timestamp,
    ) -> Result<Applied, Refused> {
        self.apply_with(view, update, false, time)
    }

    /// The same; `flips_a` is true if the A flag of the UPDATE differs from that of the peer's header.
    pub(crate) fn apply_with(
        &mut self,
        view: View,
        update: &Update<'_>,
        flips_a: bool,
        time: Timestamp,
    ) -> Result<Applied, Refused> {
        let table = |family| TableId { view, family };
        let negotiated = |family| {
            let mut logs = self.logs.iter();
            logs.find(|(id, _)| *id == table(family)).map(|(_, log)| log.form())
        };
        let mut is_passed_over = false;
        let (plain_withdrawn, plain_announced) = match negotiated(Family::IPV4_UNICAST) {
            Some(form) => {
                (Some(form.routes(update.withdrawn)?), Some(form.routes(update.announced)?))
            }
            None => {
                is_passed_over = !update.withdrawn.is_empty() || !update.announced.is_empty();
                (None, None)
            }
        };
        let unreach = match update.unreach {
            Some((family, nlri)) => match negotiated(family) {
                Some(form) => Some((family, form.routes(nlri)?)),
                None => {
                    is_passed_over |= !nlri.is_empty();
                    None
                }
            },
            None => None,
        };
        let reach = match update.reach {
            Some(reach) => match negotiated(reach.family) {
                Some(form) => Some((reach, form.routes(reach.routes()?)?)),
                None => {
                    is_passed_over |= reach.has_routes();
                    None
                }
            },
            None => None,
        };

        self.counters.updates += 1;
        self.counters.updates_not_negotiated += u64::from(is_passed_over);
        self.counters.attributes_discarded += u64::from(update.discarded);
        let mut end_of_rib = None;
        if let Some(family) = update.end_of_rib() {
            end_of_rib = self.end_of_rib(table(family), time)?.then_some(family);
        }
        let fields = [plain_withdrawn.map(|routes| (Family::IPV4_UNICAST, routes)), unreach];
        for (family, prefixes) in fields.into_iter().flatten() {
            let unknown = self.withdraw(table(family), prefixes, time)?;
            self.counters.duplicate_withdraws += u64::from(unknown);
        }
        let plain_announced = plain_announced.filter(|routes| routes.field_len() > 0);
        let reach = reach.filter(|(_, routes)| routes.field_len() > 0);
        // Of families that were not negotiated nothing is withdrawn. What announces nothing at all has
        // MP_UNREACH_NLRI with wrong flags.
        let fault = update
            .fault
            .filter(|_| plain_announced.is_some() || reach.is_some() || unreach.is_some());
        if fault.is_some() {
            self.counters.updates_treated_as_withdraw += 1;
            let fields = [
                plain_announced.map(|routes| (Family::IPV4_UNICAST, routes)),
                reach.map(|(reach, routes)| (reach.family, routes)),
            ];
            for (family, prefixes) in fields.into_iter().flatten() {
                self.counters.prefixes_treated_as_withdraw += prefixes.count() as u64;
                self.withdraw(table(family), prefixes, time)?;
            }
        } else {
            let mut stored = std::mem::take(&mut self.stored);
            if let Some(routes) = plain_announced {
                update.store_plain(flips_a, &mut stored);
                self.announce(table(Family::IPV4_UNICAST), &stored, routes, time)?;
            }
            if let Some((reach, routes)) = reach {
                update.store_reach(&reach, flips_a, &mut stored);
                self.announce(table(reach.family), &stored, routes, time)?;
            }
            self.stored = stored;
        }
        Ok(Applied { fault, discarded: update.first_discarded, end_of_rib })
    }

    /// Does part of what must be done before this UPDATE is taken, if that is much: the backlog is indexed before a
    /// withdrawal, stale routes are withdrawn before their End-of-RIB. True if [`Rib::apply`] can follow at once;
    /// otherwise others should have their turn first, and then this is to be called again.
    pub(crate) fn prepare(
        &mut self,
        view: View,
        update: &Update<'_>,
        time: Timestamp,
    ) -> Result<bool, Full> {
        if update.only_announces() {
            return Ok(true);
        }
        let end_of_rib = update.end_of_rib().map(|family| TableId { view, family });
        if end_of_rib.is_some_and(|table| !self.has_stale(table)) {
            return Ok(true);
        }
        if self.late() > self.at_once {
            self.index(self.at_once);
            return Ok(false);
        }
        match end_of_rib {
            Some(table) => self.drop_some_stale(table, time),
            None => Ok(true),
        }
    }

    fn has_stale(&self, table: TableId) -> bool {
        self.logs.iter().any(|(id, log)| *id == table && log.has_stale())
    }

    /// Withdraws some of the stale routes of a table; true if none are left and their End-of-RIB can follow.
    pub(crate) fn drop_some_stale(
        &mut self,
        table: TableId,
        time: Timestamp,
    ) -> Result<bool, Full> {
        let Some((attributes, log)) = self.table(table) else { return Ok(true) };
        log.drop_some_stale(attributes, time)
    }

    /// Checks the memory of the tables against `memory`, in bytes, and against the limit of all neighbors, and the
    /// number of routes of each family against `routes`. The backlog is indexed before its routes count as too many:
    /// some may be there twice.
    pub(crate) fn check(&mut self, memory: u64, routes: Option<usize>) -> Check {
        if self.is_late() && self.share.is_over(self.memory() as u64, memory) {
            self.index(self.at_once);
            return Check::Unfinished;
        }
        self.share.note_compactions(self.logs.iter().map(|(_, log)| log.compactions()).sum());
        let bytes = self.memory() as u64;
        if let Err(over) = self.share.set(bytes, memory) {
            return Check::OverLimit(over);
        }
        let Some(limit) = routes else { return Check::Good };
        let at_once = self.at_once;
        let Self { attributes, logs, .. } = self;
        let Some((table, log)) = logs.iter_mut().find(|(_, log)| log.routes_at_most() > limit)
        else {
            return Check::Good;
        };
        if log.late() > 0 {
            log.index(at_once, attributes);
            return Check::Unfinished;
        }
        Check::TooMany(table.family, log.routes(attributes))
    }

    /// Records the End-of-RIB of a table; true if it is the first of this incarnation. Routes still stale are dropped
    /// (RFC 4724 section 4.2).
    pub(crate) fn end_of_rib(&mut self, table: TableId, time: Timestamp) -> Result<bool, Full> {
        let Some((attributes, log)) = self.table(table) else { return Ok(false) };
        let first = !log.has_end_of_rib();
        log.drop_stale(attributes, time)?;
        log.end_of_rib(time);
        Ok(first)
    }

    /// Keeps the routes of these families as stale ones and drops those of the others.
    fn hold(&mut self, kept: &[Family], time: Timestamp) -> Result<(), Full> {
        let Self { attributes, logs, .. } = self;
        for (table, log) in logs {
            log.drop_stale(attributes, time)?;
            log.mark_stale(attributes);
            if !kept.contains(&table.family) {
                log.drop_stale(attributes, time)?;
            }
        }
        Ok(())
    }

    /// Does part of what must be done before [`Epoch::hold_all`], if that is much; true if there may be more.
    pub(crate) fn prepare_hold(&mut self) -> bool {
        self.logs.iter_mut().any(|(_, log)| log.sweep_some())
    }

    /// Keeps all routes as stale ones, also those that are stale already: none is known to be gone.
    fn hold_all(&mut self) {
        let Self { attributes, logs, .. } = self;
        for (_, log) in logs {
            log.mark_stale(attributes);
        }
    }

    /// Begins the next incarnation.
    fn restart(&mut self, up: PeerUp, preserved: &[Family], now: Timestamp) -> Result<(), Full> {
        let Self { attributes, logs, .. } = self;
        for (table, log) in logs {
            if !preserved.contains(&table.family) {
                log.drop_stale(attributes, now)?;
            }
            log.restart();
        }
        self.assumed.clear();
        self.incarnation += 1;
        self.up = up;
        self.since = now;
        self.counters = Counters::default();
        Ok(())
    }

    /// The memory of the tables, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let logs = self.logs.iter().map(|(_, log)| log.memory());
        // What a router has sent beside routes; nothing of a neighbor is that long.
        let kept = self.report.as_ref().map_or(0, |report| report.len());
        self.attributes.memory() + logs.sum::<usize>() + kept + self.up.information.len()
    }

    /// Routes by family.
    pub(super) fn routes(&mut self) -> impl Iterator<Item = (Family, usize)> {
        let Self { attributes, logs, .. } = self;
        logs.iter_mut().map(|(table, log)| (table.family, log.routes(attributes)))
    }

    /// Every table, and how its routes are written.
    pub(super) fn tables_with_forms(&self) -> impl Iterator<Item = (TableId, Form)> {
        self.logs.iter().map(|(id, log)| (*id, log.form()))
    }

    /// How the routes of each family are written.
    pub(crate) fn forms(&self) -> impl Iterator<Item = Form> {
        self.logs.iter().map(|(_, log)| log.form())
    }

    /// Families with their routes, and whether their End-of-RIB came.
    pub(crate) fn families(&mut self) -> impl Iterator<Item = (Family, usize, bool)> {
        let Self { attributes, logs, .. } = self;
        logs.iter_mut()
            .map(|(table, log)| (table.family, log.routes(attributes), log.has_end_of_rib()))
    }

    /// True if a family has more routes than this. The backlog does not count: some of its routes may be there twice.
    pub(crate) fn has_indexed_more_than(&self, limit: usize) -> bool {
        self.logs.iter().any(|(_, log)| log.has_indexed_more_than(limit))
    }

    /// True if [`Rib::work_off`] has something to do: a backlog to index, segments to compact, or an index to resize.
    pub(crate) fn has_backlog(&self) -> bool {
        let has_backlog = |log: &Log| log.late() > 0 || log.has_candidates() || log.is_resized();
        self.logs.iter().any(|(_, log)| has_backlog(log)) || self.attributes.is_resized()
    }

    /// True if routes wait to be indexed.
    fn is_late(&self) -> bool {
        self.late() > 0
    }

    /// How many routes wait to be indexed.
    fn late(&self) -> usize {
        self.logs.iter().map(|(_, log)| log.late()).sum()
    }

    /// Indexes about this many routes of the backlog, or compacts a few segments, or continues to resize an index. The
    /// rest is left to later calls.
    pub(crate) fn work_off(&mut self, count: usize) {
        let Self { attributes, logs, .. } = self;
        if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.late() > 0) {
            log.index(count, attributes);
        } else if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.has_candidates()) {
            log.compact(attributes);
        } else if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.is_resized()) {
            log.resize(Pace::Entries(count));
        } else if attributes.is_resized() {
            attributes.resize_some(count);
        }
    }

    /// Completes [`Rib::work_off`] if no more than this much work is left; true if that was so.
    pub(crate) fn work_off_if_little(&mut self, work: u64) -> bool {
        let is_little = |log: &Log| !log.has_candidates() && !log.is_resized();
        let is_little = self.logs.iter().all(|(_, log)| is_little(log))
            && !self.attributes.is_resized()
            && self.late() as u64 * INDEXED <= work;
        if is_little {
            while self.is_late() {
                self.index(usize::MAX);
            }
        }
        is_little
    }

    /// Does all of [`Rib::work_off`], in parts.
    pub(crate) fn work_off_all(&mut self) {
        while self.has_backlog() {
            self.work_off(usize::MAX);
        }
    }

    fn index(&mut self, count: usize) {
        let Self { attributes, logs, .. } = self;
        if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.late() > 0) {
            log.index(count, attributes);
        }
    }

    /// Incremented whenever there is something more to send: a record, or an End-of-RIB.
    pub(crate) fn news(&self) -> u64 {
        let news = |log: &Log| log.records() + u64::from(log.has_end_of_rib());
        self.logs.iter().map(|(_, log)| news(log)).sum()
    }

    /// The work done so far, in entries of logs and indexes. It bounds what is done in one turn.
    pub(crate) fn work(&self) -> u64 {
        self.attributes.moves() + self.logs.iter().map(|(_, log)| log.work()).sum::<u64>()
    }

    /// The numbers of a Statistics Report (RFC 7854 section 4.8): those of the neighbor, which do not
    /// depend on who asks, and the gauges of the families that `wanted` selects.
    pub(super) fn statistics(&mut self, wanted: impl Fn(Family) -> bool) -> Vec<Statistic> {
        let routes: Vec<(Family, u64)> =
            self.routes().map(|(family, routes)| (family, routes as u64)).collect();
        let counters = &self.counters;
        // 32-bit counters wrap (RFC 7854 section 4.8).
        let mut statistics = vec![
            Statistic::DuplicateWithdraws(counters.duplicate_withdraws as u32),
            Statistic::AdjRibIn(routes.iter().map(|(_, routes)| routes).sum()),
        ];
        let wanted = routes.iter().filter(|(family, _)| wanted(*family));
        statistics
            .extend(wanted.map(|(family, routes)| Statistic::AdjRibInFamily(*family, *routes)));
        statistics.extend([
            Statistic::UpdatesTreatedAsWithdraw(counters.updates_treated_as_withdraw as u32),
            Statistic::PrefixesTreatedAsWithdraw(counters.prefixes_treated_as_withdraw as u32),
        ]);
        statistics
    }

    fn announce(
        &mut self,
        table: TableId,
        stored: &[u8],
        prefixes: Routes<'_>,
        time: Timestamp,
    ) -> Result<(), Full> {
        let Self { attributes, logs, counters, .. } = self;
        let Some((_, log)) = logs.iter_mut().find(|(id, _)| *id == table) else {
            return Ok(());
        };
        let counted = prefixes.inspect(|_| counters.announced += 1);
        log.announce(attributes, stored, time, prefixes.field_len(), counted)
    }

    /// Removes routes and returns how many of them were not there. Whether those are duplicate
    /// withdrawals depends on the caller: an announcement that is treated as a withdrawal is none.
    fn withdraw(
        &mut self,
        table: TableId,
        prefixes: Routes<'_>,
        time: Timestamp,
    ) -> Result<u32, Full> {
        if prefixes.field_len() == 0 {
            return Ok(0);
        }
        let Some((attributes, log)) = self.table(table) else { return Ok(0) };
        let Withdrawn { known, unknown } =
            log.withdraw(attributes, time, prefixes.field_len(), prefixes)?;
        self.counters.withdrawn += u64::from(known);
        Ok(unknown)
    }
}

#[derive(Debug)]
enum State {
    Up(Box<Rib>),
    Down(PeerDown),
}

/// One BGP session of a neighbor, or several joined by graceful restarts.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(super) header: PeerHeader,
    /// What the flags of its per-peer header say in Peer Up and Peer Down.
    pub(super) view: View,
    /// Changes with the tables, so that a feed need not lock them to see that there is nothing new.
    version: AtomicU64,
    /// [`Rib::incarnation`], to be seen without the lock.
    incarnation: AtomicU64,
    is_over: AtomicBool,
    /// How many tables there are, to be seen without the lock.
    tables: Arc<AtomicUsize>,
    signals: Signals,
    /// The meter's entry for its tables.
    slot: Arc<Slot>,
    state: Mutex<State>,
}

impl Epoch {
    pub(super) fn new(
        header: PeerHeader,
        view: View,
        (up, since): (PeerUp, Timestamp),
        forms: &[Form],
        share: Share,
        signals: Signals,
        sizes: &Sizes,
    ) -> Self {
        let count = Arc::default();
        Self {
            header,
            view,
            version: AtomicU64::new(1),
            incarnation: AtomicU64::new(1),
            is_over: AtomicBool::new(false),
            tables: Arc::clone(&count),
            signals,
            slot: share.slot(),
            state: Mutex::new(State::Up(Box::new(Rib::new(
                view, forms, up, since, share, sizes, count,
            )))),
        }
    }

    /// Works on the tables under their lock; `None` if the epoch has ended.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        match &mut *self.state.lock() {
            State::Up(rib) => Some(work(rib)),
            State::Down(_) => None,
        }
    }

    /// Like [`Epoch::with`], for work that moves data of the tables. This includes reading: what was read may be
    /// freed.
    ///
    /// A panic in it leaves the tables inconsistent: the epoch ends, its neighbor is notified by
    /// [`Epoch::lost`], and stations are sent only that end.
    pub(crate) fn maintain<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        roll_back_on_panic(|| self.with(work), || self.end_by_mistake())
    }

    /// Like [`Epoch::maintain`], but `Err` if the tables are in use elsewhere and this is not to wait.
    pub(crate) fn try_maintain<T>(
        &self,
        waits: bool,
        work: impl FnOnce(&mut Rib) -> T,
    ) -> Result<Option<T>, InUse> {
        let lock = || match waits {
            true => Some(self.state.lock()),
            false => self.state.try_lock(),
        };
        roll_back_on_panic(
            || match &mut *lock().ok_or(InUse)? {
                State::Up(rib) => Ok(Some(work(rib))),
                State::Down(_) => Ok(None),
            },
            || self.end_by_mistake(),
        )
    }

    fn end_by_mistake(&self) {
        self.end(PeerDown::by_mistake());
        self.signals.lost.notify_one();
    }

    /// Like [`Epoch::maintain`], for a change that sessions must see: [`super::Router::notify`] goes with it.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        let result = self.maintain(work);
        self.version.fetch_add(1, Ordering::Release);
        result
    }

    /// Returns when the tables were lost to an internal error, in any task. For one waiter.
    pub(crate) async fn lost(&self) {
        self.signals.lost.notified().await;
    }

    /// A reader was removed: if that leaves a backlog, the waiter is notified.
    pub(super) fn release_reader(&self, work: impl FnOnce(&mut Rib)) {
        let has_backlog = self.maintain(|rib| {
            work(rib);
            rib.has_backlog()
        });
        if has_backlog == Some(true) {
            self.signals.backlog.notify_one();
        }
    }

    /// Returns when another task has left something for [`Rib::work_off`] to do. For one waiter.
    pub(crate) async fn backlog(&self) {
        self.signals.backlog.notified().await;
    }

    /// Returns when the tables must be dropped to free memory: they are the largest, and those of all neighbors exceed
    /// the limit. For one waiter.
    pub(crate) async fn evicted(&self) -> OverLimit {
        self.slot.evicted().await
    }

    /// Why the tables must be dropped to free memory, if they must.
    pub(crate) fn over_limit(&self) -> Option<OverLimit> {
        self.slot.over_limit()
    }

    /// The per-peer header of its peer.
    pub(crate) fn header(&self) -> &PeerHeader {
        &self.header
    }

    /// What the flags of its per-peer header say in Peer Up.
    pub(crate) fn view(&self) -> View {
        self.view
    }

    /// How many tables there are.
    pub(crate) fn tables(&self) -> usize {
        self.tables.load(Ordering::Acquire)
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Acquire)
    }

    /// True if a session of this neighbor with routes of these forms can continue in the epoch.
    /// Otherwise what stations were sent about it would no longer be true.
    pub(crate) fn fits(&self, header: &PeerHeader, forms: &[Form]) -> bool {
        self.header == *header
            && self.with(|rib| rib.forms().eq(forms.iter().copied())).unwrap_or(false)
    }

    /// Keeps the routes of these families while the neighbor restarts; others, and routes already stale,
    /// are dropped. False if the epoch has ended, or must.
    pub(super) fn hold(&self, kept: &[Family], now: Timestamp) -> bool {
        self.change(|rib| rib.hold(kept, now).is_ok()).unwrap_or(false)
    }

    /// Keeps all routes as stale ones. False if the epoch has ended.
    pub(super) fn hold_all(&self) -> bool {
        self.change(Rib::hold_all).is_some()
    }

    /// The neighbor is back. False if the epoch has ended, or must.
    pub(super) fn restart(&self, up: PeerUp, preserved: &[Family], now: Timestamp) -> bool {
        let restarted = self.change(|rib| {
            let restarted = rib.restart(up, preserved, now).is_ok();
            self.incarnation.store(rib.incarnation, Ordering::Release);
            restarted
        });
        restarted.unwrap_or(false)
    }

    /// Ends the epoch and frees its tables. Only the first end counts.
    pub(super) fn end(&self, down: PeerDown) {
        let mut state = self.state.lock();
        if matches!(*state, State::Up(_)) {
            let tables = std::mem::replace(&mut *state, State::Down(down));
            self.is_over.store(true, Ordering::Release);
            drop(state);
            self.version.fetch_add(1, Ordering::Release);
            // Freed outside the lock: a full table takes a while.
            drop(tables);
        }
    }

    /// True once the epoch has ended, to be seen without the lock.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// How the epoch ended, once it has.
    pub(super) fn ended(&self) -> Option<PeerDown> {
        match &*self.state.lock() {
            State::Up(_) => None,
            State::Down(down) => Some(down.clone()),
        }
    }
}
