//! A neighbor that restarts (RFC 4724): its routes are kept until it is back, or for as long as it has asked for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Task, Up};
use crate::moment::bmp_timestamp;
use crate::quota::say;
use crate::routers::{Epoch, PeerDown, Router};
use crate::sources::bgp::link::{Close, Established, LinkId};
use crate::sources::bgp::{VIEW, table};
use crate::wire::bmp::{PeerHeader, PeerUp, Timestamp};
use crate::wire::family::Family;
use crate::wire::nlri::Form;
use crate::wire::notification::Notification;
use crate::wire::open::Open;

/// A neighbor that is restarting (RFC 4724 section 4.2): its session is gone, its routes are kept.
pub(super) struct Restarting {
    pub(super) epoch: Arc<Epoch>,
    /// How the session ended, for the stations, if the neighbor does not come back.
    pub(super) down: PeerDown,
    pub(super) until: Instant,
}

/// A link that replaces the one that is up, once that has ended.
pub(super) struct Replacement {
    pub(super) link: LinkId,
    pub(super) remote: Open,
    /// It waits for this answer to its OPEN.
    pub(super) reply: oneshot::Sender<Result<(), Notification>>,
}

impl Task {
    /// Ends a restart that was not completed: the routes are dropped.
    pub(super) fn give_up_restart(&mut self, why: &str) {
        if let Some(Restarting { epoch, down, .. }) = self.restarting.take() {
            say!(self.quota, warn, neighbor = %self.id, "its routes are no longer kept: {why}");
            self.router.end(&self.peer, &epoch, down);
        }
    }

    /// True if the neighbor asks for its routes to be kept while it restarts (RFC 4724 section 3).
    pub(super) fn may_restart(&self, open: &Open) -> bool {
        let asks = open.graceful_restart.as_ref();
        self.config.graceful_restart
            && asks.is_some_and(|asks| asks.time > 0 && !asks.families.is_empty())
    }

    /// Ends the session that is up, if this link is to take its place.
    pub(super) fn replace(&mut self, id: LinkId) -> bool {
        let replaces = self.links.all.iter().any(|link| link.id == id && link.replaces);
        let Some(up) = self.established.as_ref().filter(|_| replaces) else { return false };
        if let Some(link) = self.links.all.iter().find(|link| link.id == up.link) {
            let _ = link.close.try_send(Close::Replaced);
        }
        true
    }

    /// The epoch of a session that is up: that of the session before if the neighbor has restarted and
    /// everything fits, else a new one.
    pub(super) async fn begin(
        &mut self,
        header: PeerHeader,
        peer_up: PeerUp,
        up: &Established,
    ) -> Arc<Epoch> {
        let now = bmp_timestamp();
        let forms: Vec<Form> = up.negotiated.forms().collect();
        if let Some(restarting) = self.restarting.take() {
            let Restarting { epoch, down, .. } = restarting;
            // RFC 4724 section 4.2: the routes of families that are not in the new capability, or whose
            // forwarding state was not kept, are dropped at once.
            let again = up.open.graceful_restart.as_ref();
            let kept: Vec<Family> = again
                .iter()
                .flat_map(|again| &again.families)
                .filter(|(_, forwarding)| *forwarding)
                .map(|(family, _)| *family)
                .collect();
            let lost = |family: &Family| !kept.contains(family);
            if again.is_some()
                && epoch.fits(&header, &forms)
                && drop_stale(&self.router, &epoch, lost, now).await
                && self.router.restart(&self.peer, &epoch, peer_up.clone(), &kept, now)
            {
                say!(self.quota, info, neighbor = %self.id, "it has restarted");
                return epoch;
            }
            self.router.end(&self.peer, &epoch, down);
        }
        self.router.begin(&self.peer, header, peer_up, VIEW, &forms, now)
    }

    /// Keeps the routes of a neighbor that may be restarting.
    pub(super) async fn keep(&mut self, up: Up, down: PeerDown) {
        let Some(asks) = &up.details.open.graceful_restart else { return };
        let time = Duration::from_secs(asks.time.into());
        let families: Vec<Family> = asks.families.iter().map(|(family, _)| *family).collect();
        let now = bmp_timestamp();
        let held = drop_stale(&self.router, &up.epoch, |_| true, now).await
            && self.router.hold(&up.epoch, &up.details.negotiated.families, now)
            && drop_stale(&self.router, &up.epoch, |family| !families.contains(family), now).await;
        if !held {
            self.router.end(&self.peer, &up.epoch, down);
            return;
        }
        say!(
            self.quota,
            info,
            neighbor = %self.id,
            "its routes are kept for {} s: it may be restarting", asks.time
        );
        let until = Instant::now() + time;
        self.restarting = Some(Restarting { epoch: up.epoch, down, until });
    }
}

/// Withdraws the stale routes of these families, some at a time: others have their turn meanwhile. False if the epoch
/// has ended, or must.
async fn drop_stale(
    router: &Router,
    epoch: &Epoch,
    of: impl Fn(&Family) -> bool,
    now: Timestamp,
) -> bool {
    let families = epoch.with(|rib| rib.forms().map(Form::family).collect::<Vec<_>>());
    for family in families.iter().flatten().filter(|family| of(family)) {
        loop {
            match epoch.change(|rib| rib.drop_some_stale(table(*family), now)) {
                Some(Ok(true)) => break,
                Some(Ok(false)) => {
                    router.notify();
                    tokio::task::yield_now().await;
                }
                Some(Err(_)) | None => return false,
            }
        }
    }
    families.is_some()
}
