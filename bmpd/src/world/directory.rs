//! The names there are, quickly: for completion, which an operator waits for at every keystroke.
//!
//! Names are known here. States are asked of every task at once, and one that is busy is told of without.

use std::time::Duration;

use shared::response::{Directory, NeighborEntry, SessionEntry};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::World;
use crate::sinks::station::Session;

/// How long tasks have for saying their states, all of them together.
const TIMEOUT: Duration = Duration::from_millis(25);

impl World {
    /// Every name there is, with what was to be learnt of it at once.
    pub(crate) async fn directory(&self) -> Directory {
        let until = Instant::now() + TIMEOUT;
        let ask = |session: &Session| (session.id().clone(), session.ask_entry());
        let asked_sessions: Vec<_> = self.sessions.lock().iter().map(ask).collect();
        let asked_neighbors = self.neighbors.ask_entries();
        let mut directory = Directory::default();
        let config = self.config();
        let names = config.vpn_instances.iter().map(|instance| instance.name.clone());
        directory.vpn_instances = names.collect();
        for (id, asked) in asked_sessions {
            let entry = answer(asked, until).await;
            let unknown = || SessionEntry { id, state: None, description: None };
            directory.sessions.push(entry.unwrap_or_else(unknown));
        }
        for (id, asked) in asked_neighbors {
            let entry = answer(asked, until).await;
            let unknown = || NeighborEntry { id, state: None, description: None };
            directory.neighbors.push(entry.unwrap_or_else(unknown));
        }
        directory
    }
}

/// What was answered in time; an answer that is there already counts also when the time is over.
async fn answer<T>(asked: Option<oneshot::Receiver<T>>, until: Instant) -> Option<T> {
    timeout_at(until, asked?).await.ok()?.ok()
}
