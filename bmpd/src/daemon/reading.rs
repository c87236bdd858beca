//! Reading the configuration file for a reset or a reload.
//!
//! A file can be on a server that has gone, and is then read for ever. So no lock is held meanwhile, whoever
//! waits for it is told in time, and of the threads that go on reading there are a few at most. As readings
//! can overtake each other, each knows when it was begun: the newest counts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use shared::response::Failure;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::{self, Config};
use crate::moment::Moment;
use crate::session::Parameters;

/// How long a reading may take: less than bmpctl waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many threads may read at once.
const THREADS_MAX: usize = 8;

/// A file that was not changed for this long is taken to be whole.
const SETTLED: Duration = Duration::from_millis(50);

/// How often a file that changes is looked at again.
const SETTLING_TRIES: u32 = 20;

/// What was found in the file.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// What it says.
    pub(crate) config: Arc<Config>,
    /// When the reading was begun: what was written before is in it.
    pub(crate) begun: Moment,
}

impl Reading {
    /// What it says of one of its sessions.
    pub(crate) fn parameters(&self, session: &config::Session) -> Parameters {
        Parameters { session: session.clone(), bmp: self.config.bmp.clone() }
    }

    /// The newer of two.
    pub(super) fn newest(self, other: Self) -> Self {
        if other.begun.steady() > self.begun.steady() { other } else { self }
    }
}

/// Reads the file, as often as it is asked to.
pub(super) struct Reader {
    path: PathBuf,
    threads: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, threads: Arc::new(Semaphore::new(THREADS_MAX)) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads and checks the file; nothing is changed.
    ///
    /// # Errors
    ///
    /// The file is bad, or is not read in time.
    pub(super) async fn read(&self) -> Result<Reading, Failure> {
        timeout(PATIENCE, self.read_settled()).await.unwrap_or_else(|_| {
            Err(Failure::Other(format!(
                "cannot read {}: nothing has come of it within {} s, as of a server that has gone; nothing was \
                 changed",
                self.path.display(),
                PATIENCE.as_secs()
            )))
        })
    }

    /// A file that is being written is waited for a little: half of it may be a good one.
    async fn read_settled(&self) -> Result<Reading, Failure> {
        for _ in 0..SETTLING_TRIES {
            match self.on_a_thread(age).await?.1 {
                Some(age) if age < SETTLED => tokio::time::sleep(SETTLED - age).await,
                Some(_) | None => break,
            }
        }
        match self.on_a_thread(config::load).await? {
            (begun, Ok(config)) => Ok(Reading { config: Arc::new(config), begun }),
            (_, Err(error)) => Err(Failure::Configuration(error.to_string())),
        }
    }

    /// Does what may never end, and says when that was begun.
    async fn on_a_thread<T: Send + 'static>(
        &self,
        act: fn(&Path) -> T,
    ) -> Result<(Moment, T), Failure> {
        // It is never closed.
        let permit = Arc::clone(&self.threads).acquire_owned().await;
        let path = self.path.clone();
        let acting = move || {
            let _permit = permit;
            (Moment::now(), act(&path))
        };
        let done = tokio::task::spawn_blocking(acting).await;
        done.map_err(|error| Failure::Other(error.to_string()))
    }
}

/// How long ago the file was last changed; `None` if the system does not say, or a clock was set.
fn age(path: &Path) -> Option<Duration> {
    std::fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}
