//! The report of a neighbor.

use shared::response::{FamilyReport, NeighborEntry, NeighborError, NeighborReport, NeighborState};
use shared::time::Span;

use super::Task;
use crate::moment::{Moment, span_until};
use crate::wire::family::Family;

impl Task {
    /// Describes the neighbor in short.
    pub(super) fn entry(&self) -> NeighborEntry {
        let description = self.config.description.clone();
        NeighborEntry { id: self.id.clone(), state: Some(self.state()), description }
    }

    pub(super) fn state(&self) -> NeighborState {
        if self.established.is_some() {
            NeighborState::Established
        } else if self.links.all.iter().any(|link| link.remote.is_some()) {
            NeighborState::OpenConfirm
        } else if !self.links.all.is_empty() {
            NeighborState::OpenSent
        } else if self.retry.attempt.is_some() {
            NeighborState::Connect
        } else if self.config.passive {
            NeighborState::Active
        } else {
            NeighborState::Idle
        }
    }

    /// Describes the neighbor, with the bytes of its last malformed UPDATE if they are wanted.
    pub(super) fn report(&self, with_messages: bool) -> NeighborReport {
        let up = self.established.as_ref();
        let family = |family: &Family, routes: usize, end_of_rib: bool| FamilyReport {
            name: family.to_string(),
            routes: routes as u64,
            add_path: up.is_some_and(|up| up.details.negotiated.add_path.contains(family)),
            end_of_rib,
        };
        let held = self.restarting.as_ref().map(|restarting| &restarting.epoch);
        let counted = up.map(|up| &up.epoch).or(held).and_then(|epoch| {
            epoch.maintain(|rib| {
                let families: Vec<_> =
                    rib.families().map(|(name, routes, end)| family(&name, routes, end)).collect();
                (families, rib.counters)
            })
        });
        let (families, counters) = counted.unwrap_or_else(|| {
            let families = self.config.families.iter().map(|name| family(name, 0, false)).collect();
            (families, Default::default())
        });
        NeighborReport {
            id: self.id.clone(),
            dynamic: self.dynamic,
            remote_as: up.map(|up| up.details.open.asn).or(self.config.remote_as),
            restarting: self.restarting.as_ref().map(|restarting| span_until(restarting.until)),
            maximum_routes_exceeded: self.admission.exceeded,
            description: self.config.description.clone(),
            state: self.state(),
            since: self.history.since.timestamp(),
            age: Span::of(self.history.since.age()),
            bgp_id: up.map(|up| up.details.open.bgp_id),
            hold_time: up.map(|up| up.details.negotiated.hold_time),
            families,
            updates: counters.updates,
            updates_treated_as_withdraw: counters.updates_treated_as_withdraw,
            routes_treated_as_withdraw: counters.prefixes_treated_as_withdraw,
            routes_announced: counters.announced,
            routes_withdrawn: counters.withdrawn,
            unknown_routes_withdrawn: counters.duplicate_withdraws,
            attributes_discarded: counters.attributes_discarded,
            updates_not_negotiated: counters.updates_not_negotiated,
            last_malformed_update: self.history.faults.report(with_messages),
            established_count: self.history.established_count,
            next_attempt: self.retry.at.map(span_until),
            last_down: self.history.last_down.as_ref().map(described),
            last_error: self.history.errors.last().map(described),
            earlier_error: self.history.errors.earlier_cause().map(described),
        }
    }
}

fn described((text, at): &(String, Moment)) -> NeighborError {
    NeighborError { text: text.clone(), at: at.timestamp(), ago: Span::of(at.age()) }
}
