//! The publishers: how they are started, and how a reload changes them.

use std::collections::HashSet;

use shared::names::PublisherName;
use shared::response::{Change, Failure, ReloadAction, ReloadItem, ReloadSubject};

use super::World;
use super::reading::Reading;
use super::reload::{TIMEOUT, shut_down};
use crate::config::Config;
use crate::sinks::kafka::{Configured, Publisher};

impl World {
    /// Starts a publisher of the file.
    pub(super) fn start_publisher(&self, name: &PublisherName, read: &Reading) {
        let Some(parameters) = read.publisher(name) else { return };
        let (read_at, events) = (read.begun.steady(), self.events.clone());
        let (publisher, task) = Publisher::start(parameters, read_at, &self.routers, events);
        let mut publishers = self.publishers.lock();
        let place = publishers.partition_point(|other| other.name() < publisher.name());
        publishers.insert(place, publisher);
        self.tasks.lock().push(task);
    }

    /// Every publisher, or one of them, in the order of their names, or the failure that names those there are.
    pub(crate) fn select_publishers(
        &self,
        which: Option<&PublisherName>,
    ) -> Result<Vec<Publisher>, Failure> {
        let publishers = self.publishers.lock();
        let Some(name) = which else { return Ok(publishers.clone()) };
        match publishers.iter().find(|publisher| publisher.name() == name) {
            Some(publisher) => Ok(vec![publisher.clone()]),
            None => Err(Failure::NoSuchPublisher {
                publisher: name.clone(),
                existing: publishers.iter().map(|publisher| publisher.name().clone()).collect(),
                configured_in: None,
            }),
        }
    }

    /// Ends those that are no longer in the file.
    pub(super) async fn end_publishers(
        &self,
        new: &Config,
        dry_run: bool,
        items: &mut Vec<ReloadItem>,
    ) {
        let wanted: HashSet<_> = new.publishers.iter().map(|publisher| &publisher.name).collect();
        let publishers = self.publishers.lock().clone();
        for publisher in publishers.iter().filter(|one| !wanted.contains(one.name())) {
            if !dry_run {
                publisher.stop(TIMEOUT).await;
                self.publishers.lock().retain(|other| other.name() != publisher.name());
            }
            let subject = ReloadSubject::Publisher(publisher.name().clone());
            items.push(ReloadItem { subject, action: ReloadAction::End, changes: Vec::new() });
        }
    }

    /// Gives those that run their new parameters.
    pub(super) async fn configure_publishers(
        &self,
        new: &Reading,
        dry_run: bool,
        items: &mut Vec<ReloadItem>,
    ) {
        for name in new.config.publishers.iter().map(|publisher| &publisher.name) {
            let running = self.select_publishers(Some(name)).ok().and_then(|mut one| one.pop());
            let Some(running) = running else { continue };
            let Some(parameters) = new.publisher(name) else { continue };
            let configured = running.configure(parameters, new.begun.steady(), dry_run).await;
            // One that has stopped is stopping with bmpd.
            let Some(configured) = configured else { continue };
            let mut add = |action, changes: Vec<Change>| {
                let subject = ReloadSubject::Publisher(name.clone());
                items.push(ReloadItem { subject, action, changes });
            };
            match configured {
                Configured::Ends(changes) => add(ReloadAction::End, changes),
                Configured::Starts(changes) => add(ReloadAction::Start, changes),
                Configured::GoesOn { applied, pending } => {
                    if !applied.is_empty() {
                        add(ReloadAction::Apply, applied);
                    }
                    // Also what was pending before: it is still not what runs.
                    if !pending.is_empty() {
                        add(ReloadAction::Pending, pending);
                    }
                }
            }
        }
    }

    /// Starts those that are new in the file.
    pub(super) fn start_publishers(
        &self,
        new: &Reading,
        dry_run: bool,
        items: &mut Vec<ReloadItem>,
    ) {
        let publishers = self.publishers.lock().clone();
        let running: HashSet<_> = publishers.iter().map(|publisher| publisher.name()).collect();
        for publisher in new.config.publishers.iter().filter(|one| !running.contains(&one.name)) {
            if !dry_run {
                self.start_publisher(&publisher.name, new);
            }
            let subject = ReloadSubject::Publisher(publisher.name.clone());
            items.push(match publisher.shutdown {
                false => ReloadItem { subject, action: ReloadAction::Start, changes: Vec::new() },
                // Nothing is started.
                true => {
                    ReloadItem { subject, action: ReloadAction::Apply, changes: vec![shut_down()] }
                }
            });
        }
    }
}
