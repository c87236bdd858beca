//! [`schema::File`] to [`Config`]: every rule that TOML and types cannot express.
//!
//! A check that refuses something notes it and continues, so that one run finds all that is wrong.
//! Nothing here compares every entry with every other one: a file of the greatest size must not
//! keep bmpd busy.

mod bgp;
mod control;
mod http;
mod instance;
mod key;
mod monitor;
mod publisher;
mod router;
mod session;
mod tcp;
mod value;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::names::RouterId;

use self::monitor::KnownNeighbors;
use self::session::Common;
use super::defaults;
use super::diagnostic::{Finding, PROBLEMS_MAX};
use super::model::{Bmp, Config, Router, Who};
use super::schema;
use super::source::Source;

/// What was found wrong so far.
pub(super) struct Check<'a> {
    source: &'a Source<'a>,
    /// At most [`PROBLEMS_MAX`].
    pub(super) findings: Vec<Finding>,
    /// How many more there are.
    pub(super) more: usize,
    /// What is allowed and probably not what was meant.
    warnings: Vec<String>,
    /// Files with certificates that have been read.
    pem_files: HashMap<PathBuf, Arc<[u8]>>,
}

/// The most warnings of one file.
const WARNINGS_MAX: usize = 20;

impl<'a> Check<'a> {
    /// Nothing found yet.
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            findings: Vec::new(),
            more: 0,
            warnings: Vec::new(),
            pem_files: HashMap::new(),
        }
    }

    /// Checks the file. `None` if and only if there are findings.
    pub(super) fn file(&mut self, file: schema::File) -> Option<Config> {
        let bmp = self.bmp(file.bmp.unwrap_or_default().0);
        let instances = self.vpn_instances(&file.vpn_instance);
        let bgp = file.bgp.map(|bgp| self.bgp(bgp, &instances));
        let relay = file.relay.as_ref().map(|relay| self.relay(relay));
        let routers = self.routers(&file.router, relay.is_some(), &instances);
        // Without valid neighbors, what sessions refer to cannot be checked.
        let known = match &bgp {
            Some(Some(bgp)) => Some(KnownNeighbors::of(&bgp.neighbors)),
            Some(None) => None,
            None => Some(KnownNeighbors::default()),
        };
        let has_routers = !file.router.is_empty();
        let named = routers.as_deref().and_then(router_names);
        let common = Common {
            instances: &instances,
            bmp: bmp.as_ref(),
            neighbors: known.as_ref().filter(|_| !has_routers),
            routers: named.as_ref(),
            relay_listen: match &relay {
                Some(Some(relay)) => &relay.listen,
                Some(None) | None => &[],
            },
            has_routers,
        };
        let sessions = self.sessions(&file.session, &common);
        let publishers = self.publishers(&file.publisher, &common);
        let control = self.control(file.control.unwrap_or_default().0);
        let process = self.process(file.process.unwrap_or_default().0);
        let http = self.http(file.http.unwrap_or_default().0);
        Some(Config {
            bmp: bmp?,
            sessions: sessions?,
            vpn_instances: instances.complete()?,
            bgp: match bgp {
                Some(bgp) => Some(bgp?),
                None => None,
            },
            relay: match relay {
                Some(relay) => Some(relay?),
                None => None,
            },
            routers: routers?,
            publishers: publishers?,
            control: control?,
            process: process?,
            http: http?,
            warnings: std::mem::take(&mut self.warnings),
            included: Vec::new(),
            digest: 0,
        })
    }

    /// Records that the value at `span` is refused.
    fn refuse(&mut self, span: Range<usize>, key: impl Into<String>, text: impl Into<String>) {
        if self.findings.len() < PROBLEMS_MAX {
            self.findings.push(Finding { span, key: Some(key.into()), text: text.into() });
        } else {
            self.more += 1;
        }
    }

    /// Records a warning.
    fn warn(&mut self, text: String) {
        if self.warnings.len() < WARNINGS_MAX && !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    fn bmp(&mut self, bmp: schema::Bmp) -> Option<Bmp> {
        let name = self
            .optional(&bmp.system_name, |check, text| check.filled_text("bmp.system-name", text));
        let description = self.optional(&bmp.system_description, |check, text| {
            check.filled_text("bmp.system-description", text)
        });
        let timer = self.seconds("bmp.statistics-timer", &bmp.statistics_timer, 15..=65535);
        Some(Bmp {
            system_name: name?.unwrap_or_else(defaults::system_name),
            system_description: description?.unwrap_or_else(defaults::system_description),
            statistics_timer: seconds_or(timer?, defaults::STATISTICS_TIMER),
        })
    }
}

/// The names that routers can have; `None` if that is not known before they connect.
fn router_names(routers: &[Router]) -> Option<HashSet<RouterId>> {
    let names = routers.iter().map(|router| match &router.who {
        Who::Named { name, .. } => Some(RouterId::Named(name.clone())),
        Who::Prefix(_) => None,
    });
    names.chain([Some(RouterId::Local)]).collect()
}

/// The time given in the file or else the default one.
fn seconds_or(given: Option<u32>, default: u32) -> Duration {
    Duration::from_secs(given.unwrap_or(default).into())
}
