//! The existing names, quickly: for completion, which an operator waits for at every keystroke.
//!
//! Names are available here. States are requested from all tasks at once; a busy task is listed without.

use std::time::Duration;

use shared::names::{PublisherName, RouterId};
use shared::response::{Directory, NeighborEntry, PublisherEntry, RouterEntry, RouterState};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::World;
use crate::sinks::kafka::Publisher;
use crate::sinks::station::Session;

/// Timeout for the states of all tasks together.
const TIMEOUT: Duration = Duration::from_millis(25);

impl World {
    /// Every name, with its state if that is available at once.
    pub(crate) async fn directory(&self) -> Directory {
        let until = Instant::now() + TIMEOUT;
        let asked_sessions: Vec<_> = self.sessions.lock().iter().map(Session::ask_entry).collect();
        let asked_neighbors = self.neighbors.ask_entries();
        let asked_routers = self.router_sources.ask_entries();
        let asked_publishers = self.ask_publishers();
        let mut directory = Directory::default();
        if self.is_router() {
            directory.routers.push(RouterEntry {
                id: RouterId::Local,
                state: Some(RouterState::Established),
                description: None,
            });
        }
        let config = self.config();
        let names = config.vpn_instances.iter().map(|instance| instance.name.clone());
        directory.vpn_instances = names.collect();
        for asked in asked_sessions {
            let entry = asked.answer(|asked| answer(Some(asked), until)).await;
            directory.sessions.push(entry);
        }
        for (id, asked) in asked_neighbors {
            let entry = answer(asked, until).await;
            let unknown = || NeighborEntry { id, state: None, description: None };
            directory.neighbors.push(entry.unwrap_or_else(unknown));
        }
        for (id, asked) in asked_routers {
            let entry = answer(asked, until).await;
            let unknown = || RouterEntry { id, state: None, description: None };
            directory.routers.push(entry.unwrap_or_else(unknown));
        }
        for (id, asked) in asked_publishers {
            let entry = answer(asked, until).await;
            let unknown = || PublisherEntry { id, state: None, description: None };
            directory.publishers.push(entry.unwrap_or_else(unknown));
        }
        directory
    }

    /// Asks every publisher for a few words about itself.
    fn ask_publishers(&self) -> Vec<(PublisherName, Option<oneshot::Receiver<PublisherEntry>>)> {
        let publishers = self.publishers.lock();
        let ask = |publisher: &Publisher| (publisher.name().clone(), publisher.ask_entry());
        publishers.iter().map(ask).collect()
    }
}

/// The answer, if it arrives in time; one that has arrived also counts after the timeout.
async fn answer<T>(asked: Option<oneshot::Receiver<T>>, until: Instant) -> Option<T> {
    timeout_at(until, asked?).await.ok()?.ok()
}
