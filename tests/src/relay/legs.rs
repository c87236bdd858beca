//! A station that is sent several routers: it listens once, and distinguishes the connections by the sysName of
//! their Initiation.

use std::time::Duration;

use super::Summary;
use crate::bmp::Record;
use crate::station::{Connection, Setup, Station};
use crate::wait::wait_for;

impl Setup {
    /// Of a station that is sent routers.
    pub fn of_routers() -> Self {
        Self { routers: true, ..Self::default() }
    }
}

fn summary(record: &Record) -> &Summary {
    record.router.as_ref().expect("a station that is sent routers")
}

impl Station {
    /// All connections that carried the router with this sysName, the oldest first.
    pub fn legs(&self, name: &str) -> Vec<Connection> {
        let mut all = self.connections();
        all.retain(|leg| leg.router(Summary::system_name).as_deref() == Some(name));
        all
    }

    /// The newest connection that carries the router with this sysName, if it has not ended.
    pub fn leg(&self, name: &str) -> Option<Connection> {
        self.legs(name).pop().filter(|leg| leg.end().is_none())
    }

    /// Waits for it.
    ///
    /// # Panics
    /// When it does not come within 30 s.
    #[track_caller]
    pub fn wait_leg(&self, name: &str) -> Connection {
        wait_for(&format!("a connection for router {name}"), Duration::from_secs(30), || {
            self.leg(name).ok_or_else(|| {
                let all = self.connections();
                all.iter().map(Connection::summary).collect::<Vec<_>>().join("\n")
            })
        })
    }
}

impl Connection {
    /// Calls `look` with what the station knows of the router on this connection.
    ///
    /// # Panics
    /// When the station is not one that is sent routers.
    pub fn router<T>(&self, look: impl FnOnce(&Summary) -> T) -> T {
        self.look(|record| look(summary(record)))
    }

    /// What the station knows of the router on this connection.
    ///
    /// # Panics
    /// When the station is not one that is sent routers.
    pub fn known(&self) -> Summary {
        self.router(Summary::clone)
    }

    /// Waits until `look` succeeds.
    ///
    /// # Panics
    /// When it does not within 30 s; with what the station knows.
    #[track_caller]
    pub fn wait_router<T>(&self, what: &str, mut look: impl FnMut(&Summary) -> Option<T>) -> T {
        wait_for(what, Duration::from_secs(30), || {
            self.router(|summary| look(summary).ok_or_else(|| summary.brief()))
        })
    }

    /// Waits until the station knows exactly this of the router.
    ///
    /// # Panics
    /// When it does not within 30 s; with the difference.
    #[track_caller]
    pub fn wait_known(&self, expected: &Summary) {
        self.wait_known_as(expected, Summary::clone);
    }

    /// The same without what `leave_out` removes on both sides.
    ///
    /// # Panics
    /// When it does not within 30 s; with the difference.
    #[track_caller]
    pub fn wait_known_as(&self, expected: &Summary, leave_out: impl Fn(&Summary) -> Summary) {
        let expected = leave_out(expected);
        wait_for("a station to know the router", Duration::from_secs(30), || {
            self.router(|found| {
                let difference = expected.difference(&leave_out(found));
                difference.map_or(Ok(()), |text| Err(format!("{text}{}", found.brief())))
            })
        });
    }

    /// How many bytes it has carried in whole messages.
    pub fn carried(&self) -> u64 {
        self.look(|record| record.bytes)
    }
}
