//! One BGP session of a neighbor: who it is, its tables, and how it ended.
//!
//! When a session ends its tables go at once; the epoch itself stays as long as a feed has to tell its
//! station of the end. Nothing is carried over to the next epoch.
//!
//! A neighbor that restarts gracefully (RFC 4724) goes on in the same epoch: [`Epoch::hold`] keeps the
//! routes of the families that it asked for and marks them stale, and stations hear nothing of that;
//! [`Epoch::restart`] begins the next incarnation with its new OPENs. Stations are then told Peer Up once more, without a Peer Down before
//! it: a session has come up (RFC 7854 section 4.10), and the routes did not go. What is stale of a
//! family goes with its End-of-RIB. If the neighbor does not come back, the epoch ends as any other.
//!
//! A feed that begins during the hold tells its station of the old OPENs and the stale routes, just as the
//! others have.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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
    /// Now, by a mistake of ours: no event of RFC 4271 section 8.1 fits.
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
    /// UPDATE messages with routes of a family that was not negotiated: those routes were passed over.
    pub(crate) updates_not_negotiated: u64,
}

/// What came of one UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    /// Why it was treated as a withdrawal, if it was.
    pub(crate) fault: Option<Fault>,
    /// The type of the first attribute that was discarded, if any was.
    pub(crate) discarded: Option<u8>,
    /// The family of which it was the first End-of-RIB.
    pub(crate) end_of_rib: Option<Family>,
}

/// What names a table of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableId {
    /// Where in the router it is.
    pub(crate) view: View,
    /// What routes it has.
    pub(crate) family: Family,
}

/// What a check of the tables found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// They keep to what is allowed.
    Good,
    /// A part of the check is done; it is to be called again, after others have had their turn.
    Unfinished,
    /// They take too much memory.
    OverLimit(OverLimit),
    /// So many routes of this family are too many.
    TooMany(Family, usize),
}

/// Somebody works on the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InUse;

/// The tables of one epoch.
#[derive(Debug)]
pub(crate) struct Rib {
    pub(super) attributes: Attributes,
    pub(super) logs: Vec<(TableId, Log)>,
    /// What has been counted in this incarnation.
    pub(crate) counters: Counters,
    /// Goes up with each graceful restart.
    pub(super) incarnation: u64,
    /// The OPENs of this incarnation and what goes with them.
    pub(super) up: PeerUp,
    /// When this incarnation came up.
    pub(super) since: Timestamp,
    stored: Vec<u8>,
    /// So many of the routes that wait are indexed at once.
    at_once: usize,
    /// The last field: it is given back when the tables have been freed.
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
    ) -> Self {
        let log = |form: &Form| (TableId { view, family: form.family() }, Log::new(*form, sizes));
        Self {
            attributes: Attributes::with_chunk_size(sizes.chunk),
            logs: forms.iter().map(log).collect(),
            counters: Counters::default(),
            incarnation: 1,
            up,
            since,
            stored: Vec::new(),
            at_once: sizes.tidy,
            share,
        }
    }

    /// The table with this name, and the attributes of its routes.
    fn table(&mut self, id: TableId) -> Option<(&mut Attributes, &mut Log)> {
        let Self { attributes, logs, .. } = self;
        let (_, log) = logs.iter_mut().find(|(other, _)| *other == id)?;
        Some((attributes, log))
    }

    /// Takes an UPDATE into the tables of a view: withdrawals first, then announcements (RFC 4271 section 4.3).
    ///
    /// Families that were not negotiated are passed over and counted, whatever is in them. All routes are
    /// checked before any is taken.
    pub(crate) fn apply(
        &mut self,
        view: View,
        update: &Update<'_>,
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
                update.store_plain(&mut stored);
                self.announce(table(Family::IPV4_UNICAST), &stored, routes, time)?;
            }
            if let Some((reach, routes)) = reach {
                update.store_reach(&reach, &mut stored);
                self.announce(table(reach.family), &stored, routes, time)?;
            }
            self.stored = stored;
        }
        Ok(Applied { fault, discarded: update.first_discarded, end_of_rib })
    }

    /// Does a part of what must be done before this UPDATE is taken in, if it is much: routes that wait are indexed before
    /// any is withdrawn, stale ones are withdrawn before their End-of-RIB. True if [`Rib::apply`] can follow at once;
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

    /// Withdraws some of the routes of a table that are stale; true if there are none left. Their End-of-RIB can follow
    /// then.
    pub(crate) fn drop_some_stale(
        &mut self,
        table: TableId,
        time: Timestamp,
    ) -> Result<bool, Full> {
        let Some((attributes, log)) = self.table(table) else { return Ok(true) };
        log.drop_some_stale(attributes, time)
    }

    /// Checks what the tables take now against `memory`, in bytes, and against what is allowed for all neighbors, and how many
    /// routes of a family there are against `routes`. Before routes that wait count as too many they are indexed: some
    /// may be there twice.
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
        let Some((table, log)) = logs.iter_mut().find(|(_, log)| log.may_have_more_than(limit))
        else {
            return Check::Good;
        };
        if log.late() > 0 {
            log.index(at_once, attributes);
            return Check::Unfinished;
        }
        Check::TooMany(table.family, log.routes(attributes))
    }

    /// Notes the End-of-RIB of a table; true if it is the first of this incarnation. Routes that are still stale go (RFC
    /// 4724 section 4.2).
    pub(crate) fn end_of_rib(&mut self, table: TableId, time: Timestamp) -> Result<bool, Full> {
        let Some((attributes, log)) = self.table(table) else { return Ok(false) };
        let first = !log.has_end_of_rib();
        log.drop_stale(attributes, time)?;
        log.end_of_rib(time);
        Ok(first)
    }

    /// Keeps the routes of these families as stale ones; those of the others go.
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

    /// Begins the next incarnation.
    fn restart(&mut self, up: PeerUp, preserved: &[Family], now: Timestamp) -> Result<(), Full> {
        let Self { attributes, logs, .. } = self;
        for (table, log) in logs {
            if !preserved.contains(&table.family) {
                log.drop_stale(attributes, now)?;
            }
            log.restart();
        }
        self.incarnation += 1;
        self.up = up;
        self.since = now;
        self.counters = Counters::default();
        Ok(())
    }

    /// What the tables take, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let logs = self.logs.iter().map(|(_, log)| log.memory());
        self.attributes.memory() + logs.sum::<usize>()
    }

    /// Routes by family.
    pub(super) fn routes(&mut self) -> impl Iterator<Item = (Family, usize)> {
        let Self { attributes, logs, .. } = self;
        logs.iter_mut().map(|(table, log)| (table.family, log.routes(attributes)))
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

    /// True if a family has more routes than this. Routes that wait for the index do not count: some may be there twice.
    pub(crate) fn has_indexed_more_than(&self, limit: usize) -> bool {
        self.logs.iter().any(|(_, log)| log.has_indexed_more_than(limit))
    }

    /// True if [`Rib::work_off`] has something to do: routes wait for the index, segments to be compacted, or an index to be
    /// resized.
    pub(crate) fn has_backlog(&self) -> bool {
        let has_backlog = |log: &Log| log.late() > 0 || log.has_candidates() || log.is_resized();
        self.logs.iter().any(|(_, log)| has_backlog(log)) || self.attributes.is_resized()
    }

    /// True if routes wait for the index.
    fn is_late(&self) -> bool {
        self.late() > 0
    }

    /// How many routes wait for the index.
    fn late(&self) -> usize {
        self.logs.iter().map(|(_, log)| log.late()).sum()
    }

    /// Indexes about so many of the routes that wait, or compacts a few segments, or goes on resizing an index. What is left
    /// is for other calls.
    pub(crate) fn work_off(&mut self, count: usize) {
        let Self { attributes, logs, .. } = self;
        if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.late() > 0) {
            log.index(count, attributes);
        } else if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.has_candidates()) {
            log.settle(attributes);
        } else if let Some((_, log)) = logs.iter_mut().find(|(_, log)| log.is_resized()) {
            log.resize(Pace::Entries(count));
        } else if attributes.is_resized() {
            attributes.resize_some(count);
        }
    }

    /// Does all that [`Rib::work_off`] has to do if it is no more than so much work; true if that was so.
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

    /// Does all that [`Rib::work_off`] does in parts.
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

    /// Goes up whenever there is something more to send: a record, or an End-of-RIB.
    pub(crate) fn news(&self) -> u64 {
        let news = |log: &Log| log.records() + u64::from(log.has_end_of_rib());
        self.logs.iter().map(|(_, log)| news(log)).sum()
    }

    /// How much was done so far, in entries of logs and indexes. It bounds what is done in one turn.
    pub(crate) fn work(&self) -> u64 {
        self.attributes.moves() + self.logs.iter().map(|(_, log)| log.work()).sum::<u64>()
    }

    /// The numbers of a Statistics Report (RFC 7854 section 4.8): those of the neighbor, which do not
    /// depend on who asks, and the gauges of the families that `wanted` says.
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

    /// Takes routes out and returns how many of them were not there. Whether those are duplicate
    /// withdrawals is the caller's to say: an announcement that is treated as a withdrawal is none.
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

/// One BGP session of a neighbor, or several that a graceful restart has joined.
#[derive(Debug)]
pub(crate) struct Epoch {
    pub(super) header: PeerHeader,
    /// Changes with the tables, so that a feed need not lock them to see that there is nothing new.
    version: AtomicU64,
    /// [`Rib::incarnation`], to be seen without the lock.
    incarnation: AtomicU64,
    is_over: AtomicBool,
    lost: Notify,
    backlog: Notify,
    /// What the meter knows of its tables.
    slot: Arc<Slot>,
    state: Mutex<State>,
}

impl Epoch {
    pub(super) fn new(
        header: PeerHeader,
        up: PeerUp,
        view: View,
        forms: &[Form],
        since: Timestamp,
        share: Share,
        sizes: &Sizes,
    ) -> Self {
        Self {
            header,
            version: AtomicU64::new(1),
            incarnation: AtomicU64::new(1),
            is_over: AtomicBool::new(false),
            lost: Notify::new(),
            backlog: Notify::new(),
            slot: share.slot(),
            state: Mutex::new(State::Up(Box::new(Rib::new(view, forms, up, since, share, sizes)))),
        }
    }

    /// Works on the tables under their lock; `None` if the epoch has ended.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        match &mut *self.state.lock() {
            State::Up(rib) => Some(work(rib)),
            State::Down(_) => None,
        }
    }

    /// Like [`Epoch::with`], for work that moves what the tables are made of: also a reader does, as what it has
    /// read may go.
    ///
    /// A panic in the midst of it leaves tables that nobody can rely on: the epoch ends, whose neighbor hears
    /// of it by [`Epoch::lost`], and stations are told nothing more of it but that.
    pub(crate) fn maintain<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        roll_back_on_panic(|| self.with(work), || self.end_by_mistake())
    }

    /// Like [`Epoch::maintain`], but `Err` if somebody else works on the tables at this moment and this is not to wait.
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
        self.lost.notify_one();
    }

    /// Like [`Epoch::maintain`], for a change that sessions must see: [`super::Router::notify`] goes with it.
    pub(crate) fn change<T>(&self, work: impl FnOnce(&mut Rib) -> T) -> Option<T> {
        let result = self.maintain(work);
        self.version.fetch_add(1, Ordering::Release);
        result
    }

    /// Returns when the tables were lost to a mistake of ours, whoever met it. For one who waits.
    pub(crate) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// A reader has gone: if that leaves something to be worked off, who waits for it is notified.
    pub(super) fn release_reader(&self, work: impl FnOnce(&mut Rib)) {
        let has_backlog = self.maintain(|rib| {
            work(rib);
            rib.has_backlog()
        });
        if has_backlog == Some(true) {
            self.backlog.notify_one();
        }
    }

    /// Returns when somebody else has left something for [`Rib::work_off`] to do. For one who waits.
    pub(crate) async fn backlog(&self) {
        self.backlog.notified().await;
    }

    /// Returns when the tables must go to make room: they are the largest, and those of all neighbors take more than is
    /// allowed. For one who waits.
    pub(crate) async fn evicted(&self) -> OverLimit {
        self.slot.evicted().await
    }

    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Acquire)
    }

    /// True if a session of this neighbor with routes of these forms can go on in the epoch. Otherwise
    /// what stations were told of it would no longer be true.
    pub(crate) fn fits(&self, header: &PeerHeader, forms: &[Form]) -> bool {
        self.header == *header
            && self.with(|rib| rib.forms().eq(forms.iter().copied())).unwrap_or(false)
    }

    /// Keeps the routes of these families while the neighbor restarts; others, and routes that were stale
    /// before, go. False if the epoch has ended, or must.
    pub(super) fn hold(&self, kept: &[Family], now: Timestamp) -> bool {
        self.change(|rib| rib.hold(kept, now).is_ok()).unwrap_or(false)
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

    /// Ends the epoch; its tables go. Only the first end counts.
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
    pub(super) fn is_over(&self) -> bool {
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
