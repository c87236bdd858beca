//! The listeners of one protocol: what a reload opens and closes of them.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use shared::response::{ReloadAction, ReloadItem, ReloadSubject};
use tokio::task::JoinHandle;
use tracing::warn;

use crate::config::ListenerId;
use crate::net::listen::{ListenError, Listener};
use crate::sources::listener::{self, Directory};

/// The listeners of those that a directory has.
pub(super) struct Listening<D> {
    directory: Arc<D>,
    /// The table of the configuration that says where they are.
    table: &'static str,
    subject: fn(String) -> ReloadSubject,
    tasks: Mutex<HashMap<ListenerId, JoinHandle<()>>>,
}

/// What a reload does to them. Every socket that could be refused is open.
#[derive(Default)]
pub(super) struct ListeningPlan {
    closed: Vec<ListenerId>,
    opened: Vec<(ListenerId, Option<Listener>)>,
}

impl<D: Directory> Listening<D> {
    /// None yet.
    pub(super) fn new(
        directory: Arc<D>,
        table: &'static str,
        subject: fn(String) -> ReloadSubject,
    ) -> Self {
        Self { directory, table, subject, tasks: Mutex::default() }
    }

    /// Computes the differences, and opens the sockets that may fail.
    ///
    /// # Errors
    ///
    /// A listener of the public instance cannot be opened. A sentence that says what to do.
    pub(super) async fn plan(
        &self,
        before: Vec<ListenerId>,
        after: Vec<ListenerId>,
        items: &mut Vec<ReloadItem>,
    ) -> Result<ListeningPlan, String> {
        let (was, is): (HashSet<_>, HashSet<_>) = (before.iter().collect(), after.iter().collect());
        let mut plan = ListeningPlan::default();
        let mut add = |listener: &ListenerId, action| {
            let subject = (self.subject)(match &listener.vpn_instance {
                Some(vpn) => format!("{} vpn-instance {vpn}", listener.address),
                None => listener.address.to_string(),
            });
            items.push(ReloadItem { subject, action, changes: Vec::new() });
        };
        for listener in before.iter().filter(|listener| !is.contains(listener)) {
            add(listener, ReloadAction::End);
            plan.closed.push(listener.clone());
        }
        for listener in after.iter().filter(|listener| !was.contains(listener)) {
            let socket = match listener.vpn_instance {
                // Its device or namespace can be created later.
                Some(_) => None,
                None => {
                    let ListenerId { vpn_instance, place, address } = listener;
                    let opened = listener::open(&*self.directory, vpn_instance, place, *address);
                    match opened.await {
                        Ok(socket) => Some(socket),
                        // It may be one of ours that has the port, such as the wildcard's: it is opened
                        // when that is closed.
                        Err(error)
                            if error.raw_os_error() == Some(libc::EADDRINUSE)
                                && plan.closed.iter().any(|closed| {
                                    closed.vpn_instance.is_none()
                                        && closed.address.port() == address.port()
                                }) =>
                        {
                            None
                        }
                        // A host without IPv6 must not need a configuration of its own.
                        Err(error) if lacks_ipv6(*address, &error) => {
                            warn!(%address, "not listening for {}: this host has no IPv6", D::PROTOCOL);
                            continue;
                        }
                        Err(error) => return Err(self.cannot_listen(*address, &error)),
                    }
                }
            };
            add(listener, ReloadAction::Start);
            plan.opened.push((listener.clone(), socket));
        }
        Ok(plan)
    }

    /// Closes those that are to be closed.
    pub(super) async fn close(&self, plan: &mut ListeningPlan) {
        for listener in std::mem::take(&mut plan.closed) {
            let task = self.tasks.lock().remove(&listener);
            if let Some(task) = task {
                task.abort();
                // Its socket is closed when the task has ended, and another may need the address.
                let _ = task.await;
            }
        }
    }

    /// Begins to accept at those that were opened.
    pub(super) fn open(&self, plan: ListeningPlan) {
        for (id, socket) in plan.opened {
            let directory = Arc::clone(&self.directory);
            let ListenerId { vpn_instance, place, address } = id.clone();
            let task = match socket {
                Some(socket) => tokio::spawn(listener::run(socket, directory)),
                None => tokio::spawn(listener::run_in(directory, vpn_instance, place, address)),
            };
            self.tasks.lock().insert(id, task);
        }
    }

    /// Ends all, for the exit of bmpd.
    pub(super) fn end(&self) {
        for (_, task) in self.tasks.lock().drain() {
            task.abort();
        }
    }

    fn cannot_listen(&self, address: SocketAddr, error: &ListenError) -> String {
        let (protocol, table) = (D::PROTOCOL, self.table);
        let advice = match error.raw_os_error() {
            Some(libc::EADDRINUSE) => {
                format!("another program has this port: stop it, or change [{table}] listen")
            }
            Some(libc::EACCES) => format!("or [{table}] listen names a port from 1024"),
            Some(libc::EADDRNOTAVAIL) => {
                format!("this host does not have the address: change [{table}] listen")
            }
            _ => format!("look at [{table}] listen"),
        };
        format!("cannot listen for {protocol} at {address}: {error}; {advice}")
    }
}

/// True if the address cannot be had because the host has no IPv6.
fn lacks_ipv6(address: SocketAddr, error: &ListenError) -> bool {
    let any = address.is_ipv6() && address.ip().is_unspecified();
    match error.raw_os_error() {
        Some(libc::EAFNOSUPPORT) => address.is_ipv6(),
        Some(libc::EADDRNOTAVAIL) => any,
        _ => false,
    }
}
