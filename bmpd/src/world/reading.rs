//! Reading the configuration file for a reset or a reload.
//!
//! The file can be on an unreachable server, where a read blocks for ever. So no lock is held meanwhile, callers get an
//! error in time, and the number of blocked threads is limited. As readings can overtake each other, each has its start
//! time: the newest counts.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::names::PublisherName;
use shared::response::{ConfigCheck, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::system;
use crate::config::{self, Config};
use crate::host;
use crate::moment::Moment;
use crate::platform::spawn_blocking;
use crate::sinks::kafka;
use crate::sinks::station::Parameters;

/// How long a reading may take: less than bmpctl's timeout.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many threads may read at once.
const THREADS_MAX: usize = 8;

/// How many of them may do so for a dry run: dry runs must not block changes.
const PLANS_MAX: usize = 4;

/// A file unchanged for this long is considered complete.
const COMPLETE_AFTER: Duration = Duration::from_millis(50);

/// How often a changing file is checked again.
const COMPLETE_TRIES: u32 = 20;

/// How long the check whether the file has changed may take: reports contain other things, too.
const LOOK_TIMEOUT: Duration = Duration::from_millis(500);

/// A file that was changed this recently may change again with the same modification time.
const RECENT: Duration = Duration::from_secs(2);

/// What a reading is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To apply it.
    Act,
    /// Only for a dry run.
    Plan,
}

/// The content of the file.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The configuration.
    pub(crate) config: Arc<Config>,
    /// When the reading started: it includes everything written before.
    pub(crate) begun: Moment,
}

impl Reading {
    /// The parameters of one of its sessions.
    pub(crate) fn parameters(&self, session: &config::Session) -> Parameters {
        Parameters { session: session.clone(), bmp: self.config.bmp.clone() }
    }

    /// The parameters of the publisher of this name; `None` if there is none.
    pub(crate) fn publisher(&self, name: &PublisherName) -> Option<kafka::Parameters> {
        let publisher = self.config.publishers.iter().find(|found| found.name == *name)?;
        Some(kafka::Parameters {
            publisher: publisher.clone(),
            bmp: self.config.bmp.clone(),
            bgp_id: self.config.bgp.as_ref().map(|bgp| bgp.router_id),
        })
    }

    /// The newer of two.
    pub(crate) fn newest(self, other: Self) -> Self {
        if other.begun.steady() > self.begun.steady() { other } else { self }
    }
}

/// Reads the file.
pub(super) struct Reader {
    path: PathBuf,
    threads: Arc<Semaphore>,
    /// Those of them that plans may use.
    plans: Arc<Semaphore>,
    /// The last digest of the file; one task computes it at a time.
    digest: Arc<tokio::sync::Mutex<Option<Looked>>>,
}

/// The result of the last check of the file and of what it includes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Looked {
    /// Of each of its files and folders.
    stamps: Vec<(PathBuf, Stamp)>,
    digest: u64,
}

/// Device, inode, length, and the times of the last change of the text and of the inode; `None` if there is no such file.
type Stamp = Option<[i64; 7]>;

fn stamp(path: &Path) -> Stamp {
    let found = std::fs::metadata(path).ok()?;
    Some([
        found.dev() as i64,
        found.ino() as i64,
        found.len() as i64,
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ])
}

impl Looked {
    /// Checks the file; it is only read if it, or what it includes, has changed since `before`.
    fn at(path: &Path, before: Option<Self>) -> Option<Self> {
        let is_the_same = |(path, before): &(PathBuf, Stamp)| {
            stamp(path) == *before
                && (before.is_none() || system::age(path).is_some_and(|age| age > RECENT))
        };
        if let Some(before) = before.filter(|before| before.stamps.iter().all(is_the_same)) {
            return Some(before);
        }
        let paths = config::consists_of(path).into_iter();
        let stamps = paths.map(|path| (path.clone(), stamp(&path)));
        let stamps = stamps.collect();
        Some(Self { stamps, digest: config::digest_of(path)? })
    }
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        let [threads, plans] = [THREADS_MAX, PLANS_MAX].map(|max| Arc::new(Semaphore::new(max)));
        Self { path, threads, plans, digest: Arc::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and checks the file; nothing is changed.
    ///
    /// # Errors
    ///
    /// The file is invalid, or is not read in time.
    pub(super) async fn read(&self, purpose: Purpose) -> Result<Reading, Failure> {
        match self.when_complete(system::load, purpose).await? {
            (begun, Ok(config)) => Ok(Reading { config: Arc::new(config), begun }),
            (_, Err(error)) => Err(Failure::Configuration(error.to_string())),
        }
    }

    /// The [`Config::digest`] of the file as it is; `None` if it is not available at once.
    pub(super) async fn digest(&self) -> Option<u64> {
        let until = Instant::now() + LOOK_TIMEOUT;
        let digest = Arc::clone(&self.digest);
        // A thread blocked on the file keeps the lock: there is one at most.
        let mut digest = timeout_at(until, digest.lock_owned()).await.ok()?;
        let path = self.path.clone();
        let looking = move || {
            *digest = Looked::at(&path, digest.take());
            digest.as_ref().map(|looked| looked.digest)
        };
        timeout_at(until, spawn_blocking(looking)).await.ok()?.ok()?
    }

    /// Reads the file, and reports what is wrong with it.
    ///
    /// # Errors
    ///
    /// The file is not read in time.
    pub(super) async fn check(&self) -> Result<ConfigCheck, Failure> {
        let (_, check) = self.when_complete(host::check, Purpose::Plan).await?;
        Ok(check)
    }

    /// Runs a call on the file when it seems to be complete, and returns when it was started.
    async fn when_complete<T: Send + 'static>(
        &self,
        act: fn(&Path) -> T,
        purpose: Purpose,
    ) -> Result<(Moment, T), Failure> {
        let until = Instant::now() + TIMEOUT;
        // Waits a little for a file that is being written: a part of it may be valid.
        for _ in 0..COMPLETE_TRIES {
            match self.on_a_thread(age, purpose, until).await?.1 {
                Some(age) if age < COMPLETE_AFTER => tokio::time::sleep(COMPLETE_AFTER - age).await,
                Some(_) | None => break,
            }
        }
        self.on_a_thread(act, purpose, until).await
    }

    /// Runs a call that may block for ever, and returns when it was started.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        act: fn(&Path) -> T,
        purpose: Purpose,
        until: Instant,
    ) -> Result<(Moment, T), Failure> {
        let permits = timeout_at(until, self.permits(purpose)).await;
        let permits = permits.map_err(|_| self.failure(&self.crowded()))?;
        let path = self.path.clone();
        let acting = move || {
            let _permits = permits;
            (Moment::now(), act(&path))
        };
        match timeout_at(until, spawn_blocking(acting)).await {
            Ok(done) => done.map_err(|error| self.failure(&error.to_string())),
            Err(_) => Err(self.failure(&format!(
                "it was not read within {} s, as of a server that has gone",
                TIMEOUT.as_secs()
            ))),
        }
    }

    /// Waits for permission to use a thread. The semaphores are never closed.
    async fn permits(&self, purpose: Purpose) -> [Option<OwnedSemaphorePermit>; 2] {
        let plan = match purpose {
            Purpose::Act => None,
            Purpose::Plan => Arc::clone(&self.plans).acquire_owned().await.ok(),
        };
        [plan, Arc::clone(&self.threads).acquire_owned().await.ok()]
    }

    /// No thread was free: the file may be valid.
    fn crowded(&self) -> String {
        let busy = THREADS_MAX - self.threads.available_permits();
        format!(
            "{busy} earlier readings of it have not ended, as of a server that has gone; if the file is there \
             again, restart bmpd"
        )
    }

    fn failure(&self, reason: &str) -> Failure {
        let file = self.path.display();
        Failure::Other(format!("cannot read {file}: {reason}; nothing was changed"))
    }
}

/// How long ago the file, or what it includes, was last changed; `None` if that is unknown, or a clock was set.
fn age(path: &Path) -> Option<Duration> {
    config::consists_of(path).iter().filter_map(|path| system::age(path)).min()
}
