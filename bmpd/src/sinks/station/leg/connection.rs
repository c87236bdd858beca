//! One connection of a session: one generation.
//!
//! It owns the socket, the feed and one batch buffer. The buffer is filled from the feed when it is
//! empty and written as the station takes it; that is all that waits in this process for a station.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::names::NeighborId;
use shared::response::Sent;
use tokio::time::Instant;

use crate::moment::{Moment, bmp_timestamp, sleep_until};
use crate::net::stream::Stream;
use crate::net::{queue, tcp};
use crate::platform::select;
use crate::routers::{Changes, Feed, Presence, Router, Sizes, TableId};
use crate::sinks::encoder::{Batch, Encoder};
use crate::sinks::station::down::Down;
use crate::sinks::station::parameters::Parameters;
use crate::wire::bmp::{self, TerminationReason};
use crate::wire::family::Family;

thread_local! {
    /// The buffer of the session that last had nothing to send: the next one to send something does not need another from
    /// the system.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Keeps a buffer for the next session on this thread, if it is the larger one.
fn put_aside(buffer: Vec<u8>) {
    let spare = SPARE.take();
    SPARE.set(if buffer.capacity() > spare.capacity() { buffer } else { spare });
}

/// What woke the task.
pub(super) enum Progress {
    /// Something was read or written.
    Moved,
    /// The station has been sent everything for the first time.
    Synchronised,
}

/// What a connection has counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    /// What was sent.
    pub(super) sent: Sent,
    /// How often the system had no room for what was to be written, and for how long in all.
    pub(super) blocked_times: u64,
    pub(super) blocked_for: Duration,
    /// Bytes that the station sent.
    pub(super) bytes_ignored: u64,
    /// Sessions of neighbors that came and went unsent.
    pub(super) sessions_skipped: u64,
}

/// Why no connection was made of a stream: the router has left meanwhile.
pub(super) struct NoRouter;

/// A station that takes less than it is given.
#[derive(Debug, Clone, Copy)]
struct Blocked {
    /// When it was last seen to take something.
    since: Instant,
    /// When the write was blocked.
    begun: Instant,
    /// How many bytes it had acknowledged then. The system asks for more only when a good part of its
    /// buffer is free, so a slow station shows in this number long before it does in a write.
    acknowledged: u64,
    /// When to look again.
    look_at: Instant,
}

pub(super) struct Connection {
    stream: Stream,
    router: Arc<Router>,
    /// How often the router had appeared when the connection was made.
    presence: u64,
    feed: Feed,
    changes: Changes,
    sizes: Sizes,
    /// What is to be written, of which `written` bytes are gone.
    encoder: Encoder,
    written: usize,
    /// Bytes that were written since others had their turn.
    in_a_row: usize,
    initiation: u64,
    sent: Sent,
    synchronised: bool,
    /// [`Connection::is_synchronised`] as it was after the last batch that can have changed it.
    was_synchronised: bool,
    /// Set while there is something to write and the system has no room for it.
    blocked: Option<Blocked>,
    /// How often writes were blocked, and for how long in all, without the present time.
    blocked_times: u64,
    blocked_for: Duration,
    stall_timeout: Duration,
    statistics_timer: Duration,
    next_statistics: Instant,
    bytes_ignored: u64,
    sessions_skipped: u64,
    local: Option<SocketAddr>,
    remote: Option<SocketAddr>,
}

impl Connection {
    pub(super) fn new(
        stream: Stream,
        parameters: &Parameters,
        router: Arc<Router>,
    ) -> Result<Self, NoRouter> {
        let Parameters { session, bmp } = parameters;
        let mut encoder = Encoder::default();
        let messages = &session.initiation_messages;
        let Presence { number, identity } = router.presence().ok_or(NoRouter)?;
        match &identity.initiation {
            Some(tlvs) => bmp::initiation_with(&mut encoder.out, tlvs, messages),
            None => {
                let (name, description) = (&bmp.system_name, &bmp.system_description);
                bmp::initiation(&mut encoder.out, name, description, messages);
            }
        }
        let statistics_timer = session.statistics_timer;
        Ok(Self {
            local: stream.tcp().local_addr().ok(),
            remote: stream.tcp().peer_addr().ok(),
            stream,
            changes: router.changes(),
            sizes: *router.sizes(),
            feed: Feed::new(Arc::clone(&router), session.monitor.clone()),
            router,
            presence: number,
            encoder,
            written: 0,
            in_a_row: 0,
            initiation: 1,
            sent: Sent::default(),
            synchronised: false,
            was_synchronised: false,
            blocked: None,
            blocked_times: 0,
            blocked_for: Duration::ZERO,
            stall_timeout: session.stall_timeout,
            statistics_timer,
            next_statistics: Instant::now() + statistics_timer,
            bytes_ignored: 0,
            sessions_skipped: 0,
        })
    }

    /// Takes those of the parameters that can change while it runs.
    pub(super) fn adapt(&mut self, parameters: &Parameters) {
        let session = &parameters.session;
        self.stall_timeout = session.stall_timeout;
        if self.statistics_timer != session.statistics_timer {
            // As if the last report had come with the new timer, but not all at once.
            let now = Instant::now();
            let last = self.next_statistics - self.statistics_timer;
            self.statistics_timer = session.statistics_timer;
            self.next_statistics = (last + self.statistics_timer).max(now);
        }
        self.feed.set_monitor(session.monitor.clone());
    }

    /// Counts what has been written.
    fn count_batch(&mut self) {
        let batch = std::mem::take(&mut self.encoder.batch);
        if batch.end_of_rib > 0 {
            self.feed.end_of_ribs_written(Moment::now());
        }
        let sent = &mut self.sent;
        sent.initiation += std::mem::take(&mut self.initiation) + batch.initiation;
        sent.route_mirroring += batch.route_mirroring;
        sent.unknown += batch.unknown;
        sent.peer_up += batch.peer_up;
        sent.peer_down += batch.peer_down;
        sent.route_monitoring += batch.route_monitoring;
        sent.statistics_report += batch.statistics_reports;
        sent.routes_announced += batch.announced;
        sent.routes_withdrawn += batch.withdrawn;
        sent.end_of_rib += batch.end_of_rib;
        sent.neighbors_resent += batch.neighbors_resent;
        // Peers come up and go down with these, and have been sent with those.
        if batch.peer_up + batch.peer_down + batch.neighbors_resent + batch.end_of_rib > 0 {
            self.was_synchronised = self.is_synchronised();
        }
    }

    /// Goes on by one step. Safe to be dropped while it waits.
    pub(super) async fn step(&mut self) -> Result<Progress, Down> {
        if self.is_written() {
            // Looked at between two batches, so that it comes true under churn without end, too.
            if self.sent.initiation > 0 && !self.synchronised && self.feed.is_synchronised() {
                self.synchronised = true;
                self.was_synchronised = true;
                return Ok(Progress::Synchronised);
            }
            self.refill();
            if self.is_written() && self.feed.is_interrupted() {
                tokio::task::yield_now().await;
                return Ok(Progress::Moved);
            }
            if self.is_written() && self.router.has_left(self.presence) {
                return Err(Down::RouterGone(self.router.termination(self.presence)));
            }
        }
        let pending = !self.is_written() || self.stream.wants_write();
        let look_at = self.blocked.map(|blocked| blocked.look_at);
        select! {
            readable = self.stream.readable() => {
                readable.map_err(Down::Connection)?;
                self.read()?;
            }
            writable = self.stream.writable(), if pending => {
                writable.map_err(Down::Connection)?;
                self.write()?;
            }
            () = sleep_until(look_at), if pending => self.look_for_a_stall()?,
            () = tokio::time::sleep_until(self.next_statistics), if !pending => {}
            // The change notifier lives as long as the tables, which the feed holds.
            _ = self.changes.changed(), if !pending => {}
        }
        if self.in_a_row >= self.sizes.written {
            self.in_a_row = 0;
            tokio::task::yield_now().await;
        }
        Ok(Progress::Moved)
    }

    fn is_written(&self) -> bool {
        self.written == self.encoder.out.len()
    }

    /// Encodes the next batch. A Statistics Report that is due goes first, so that routes without end do
    /// not keep it back.
    fn refill(&mut self) {
        let Self { encoder, feed, .. } = self;
        encoder.out.clear();
        self.written = 0;
        // Before the tables are read: what comes later notifies again.
        self.changes.mark_unchanged();
        if self.next_statistics <= Instant::now() {
            self.next_statistics = Instant::now() + self.statistics_timer;
            feed.statistics(encoder, bmp_timestamp());
        }
        if encoder.out.capacity() == 0 {
            encoder.out = SPARE.take();
        }
        encoder.fill(feed, self.sizes.batch);
        self.sessions_skipped += std::mem::take(&mut encoder.batch.sessions_skipped);
        self.sent.messages_lost += std::mem::take(&mut encoder.batch.messages_lost);
        if encoder.out.is_empty() {
            // A thousand quiet sessions need no buffers.
            put_aside(std::mem::take(&mut encoder.out));
        }
    }

    /// Takes what the station sent. It should send nothing (RFC 7854 section 3.2); a FIN means that it
    /// has closed.
    fn read(&mut self) -> Result<(), Down> {
        let mut bytes = [0; 4096];
        match self.stream.try_read(&mut bytes) {
            Ok(0) => Err(Down::Closed),
            Ok(n) => {
                self.bytes_ignored += n as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Down::Connection(error)),
        }
    }

    fn write(&mut self) -> Result<(), Down> {
        let taken = match self.encoder.out.get(self.written..) {
            Some(rest) if !rest.is_empty() => self.stream.try_write(rest),
            // TLS may hold what it was given.
            _ => self.stream.flush().map(|()| 0),
        };
        match taken {
            Ok(n) => {
                self.written += n;
                self.in_a_row += n;
                self.sent.bytes += n as u64;
                if let Some(Blocked { begun, .. }) = self.blocked.take() {
                    self.blocked_for += begun.elapsed();
                }
                if n > 0 && self.is_written() {
                    self.count_batch();
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if self.blocked.is_none() {
                    let now = Instant::now();
                    let look_at = now + self.look_every();
                    let acknowledged = self.acknowledged();
                    self.blocked = Some(Blocked { since: now, begun: now, acknowledged, look_at });
                    self.blocked_times += 1;
                }
                Ok(())
            }
            Err(error) => Err(Down::Connection(error)),
        }
    }

    /// How many bytes the station has acknowledged.
    fn acknowledged(&self) -> u64 {
        queue::acknowledged(self.stream.tcp())
    }

    /// How often a blocked station is looked at: what the system took in its name after the first refusal
    /// counts as progress until then, and people want to see a blocked station soon.
    fn look_every(&self) -> Duration {
        (self.stall_timeout / 10).min(Duration::from_secs(1))
    }

    /// Closes the connection of a station that has taken nothing for the stall timeout.
    fn look_for_a_stall(&mut self) -> Result<(), Down> {
        let Some(Blocked { since, begun, acknowledged, .. }) = self.blocked else { return Ok(()) };
        let now = Instant::now();
        let look_at = now + self.look_every();
        let taken = self.acknowledged();
        if taken > acknowledged {
            self.blocked = Some(Blocked { since: now, begun, acknowledged: taken, look_at });
        } else if now.duration_since(since) >= self.stall_timeout {
            return Err(Down::Stalled(self.stall_timeout));
        } else {
            let look_at = look_at.min(since + self.stall_timeout);
            self.blocked = Some(Blocked { since, begun, acknowledged, look_at });
        }
        Ok(())
    }

    /// Ends the connection with a Termination, which follows the last message begun. A station that
    /// does not take it within `timeout` gets none.
    pub(super) async fn terminate(
        self,
        reason: TerminationReason,
        text: &str,
        timeout: Duration,
    ) -> Count {
        self.end_with(|out| bmp::termination(out, reason, text), timeout).await
    }

    /// Ends the connection of a router that has left, with the TLVs of its Termination.
    pub(super) async fn end_as_router(self, tlvs: &[u8], timeout: Duration) -> Count {
        self.end_with(|out| bmp::termination_with(out, tlvs), timeout).await
    }

    async fn end_with(
        mut self,
        termination: impl FnOnce(&mut Vec<u8>),
        timeout: Duration,
    ) -> Count {
        // The Initiation comes first, even if it goes together with the end.
        let begun = if self.initiation > 0 { self.written.max(1) } else { self.written };
        let Encoder { out, batch } = &mut self.encoder;
        let boundary = message_boundary(out, begun);
        out.truncate(boundary);
        // The batch will not be sent whole: it does not count.
        *batch = Batch::default();
        termination(out);
        let write = async {
            while !self.is_written() {
                // Bytes that nobody read would turn the close into a reset that takes the Termination
                // away from the station.
                self.read()?;
                self.write()?;
                if !self.is_written() {
                    self.stream.writable().await.map_err(Down::Connection)?;
                }
            }
            self.stream.begin_close();
            while self.stream.wants_write() {
                self.write()?;
                if self.stream.wants_write() {
                    self.stream.writable().await.map_err(Down::Connection)?;
                }
            }
            // The station may have closed meanwhile; the Termination is on its way all the same.
            let _ = self.read();
            Ok::<(), Down>(())
        };
        match tokio::time::timeout(timeout, write).await {
            Ok(Ok(())) => self.sent.termination += 1,
            Ok(Err(_)) => {}
            Err(_) => return self.abort(),
        }
        self.count()
    }

    /// Ends the connection at once. What the system still holds for a station that does not read is
    /// discarded with it.
    pub(super) fn abort(self) -> Count {
        tcp::abandon(self.stream.tcp());
        self.count()
    }

    /// What was counted so far.
    pub(super) fn count(&self) -> Count {
        Count {
            sent: self.sent,
            blocked_times: self.blocked_times,
            blocked_for: self.blocked_for(),
            bytes_ignored: self.bytes_ignored,
            sessions_skipped: self.sessions_skipped,
        }
    }

    /// What was sent so far.
    pub(super) fn sent(&self) -> Sent {
        self.sent
    }

    /// The station's end.
    pub(super) fn remote(&self) -> Option<SocketAddr> {
        self.remote
    }

    pub(super) fn local(&self) -> Option<SocketAddr> {
        self.local
    }

    /// True if the station was sent every route and End-of-RIB of every neighbor that is up. Other than
    /// the event, which comes once, this is the present state.
    pub(super) fn is_synchronised(&self) -> bool {
        self.synchronised
            && self.feed.is_synchronised()
            && (self.is_written() || self.encoder.batch.end_of_rib == 0)
    }

    /// The same as it was last known, without a look at the tables.
    pub(super) fn was_synchronised(&self) -> bool {
        self.was_synchronised
    }

    /// Routes that wait in the tables, and those that are encoded and not yet written.
    pub(super) fn routes_to_send(&self) -> u64 {
        let Batch { announced, withdrawn, .. } = self.encoder.batch;
        self.feed.remaining() as u64 + announced + withdrawn
    }

    pub(super) fn bytes_buffered(&self) -> u64 {
        (self.encoder.out.len() - self.written) as u64
    }

    pub(super) fn bytes_unacknowledged(&self) -> u64 {
        queue::unacknowledged(self.stream.tcp())
    }

    /// How long the station has taken nothing although there was something.
    pub(super) fn blocked(&self) -> Option<Duration> {
        self.blocked
            .filter(|blocked| self.acknowledged() <= blocked.acknowledged)
            .map(|blocked| blocked.since.elapsed())
    }

    /// How often the system had no room for what was to be written.
    pub(super) fn blocked_times(&self) -> u64 {
        self.blocked_times
    }

    /// For how long in all.
    pub(super) fn blocked_for(&self) -> Duration {
        self.blocked_for + self.blocked.map_or(Duration::ZERO, |blocked| blocked.begun.elapsed())
    }

    /// The neighbors that the station is sent, by family.
    pub(super) fn monitored(&self) -> BTreeMap<Family, Vec<&NeighborId>> {
        self.feed.monitored()
    }

    /// When each End-of-RIB was sent, of the neighbors that are up.
    pub(super) fn end_of_ribs(&self) -> impl Iterator<Item = (&NeighborId, TableId, &Moment)> {
        self.feed.end_of_ribs()
    }

    pub(super) fn bytes_ignored(&self) -> u64 {
        self.bytes_ignored
    }

    pub(super) fn next_statistics(&self) -> Instant {
        self.next_statistics
    }
}

/// The end of the message of which `written` bytes or more are gone; `written` itself if it is one.
fn message_boundary(out: &[u8], written: usize) -> usize {
    let mut end = 0;
    while end < written {
        let Some(header) = out.get(end..end + bmp::COMMON_HEADER_LEN) else {
            return out.len();
        };
        end += u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    }
    end.min(out.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_termination_never_stands_in_the_middle_of_a_message() {
        let mut out = Vec::new();
        bmp::initiation(&mut out, "name", "text", &[] as &[String]);
        let first = out.len();
        bmp::termination(&mut out, TerminationReason::AdministrativelyClosed, "");
        for (written, boundary) in
            [(0, 0), (1, first), (first, first), (first + 1, out.len()), (out.len(), out.len())]
        {
            assert_eq!(message_boundary(&out, written), boundary, "{written}");
        }
    }
}
