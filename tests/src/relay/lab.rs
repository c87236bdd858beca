//! The usual arrangement: one bmpd, routers by name, a station from the start and one at the end.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

use super::Router;
use crate::addresses::loopback;
use crate::bmp::message::initiation_of;
use crate::daemon::{Daemon, bgp_listen};
use crate::faults::json;
use crate::scratch::Scratch;
use crate::station::{Mode, Setup, Station};
use crate::wait::wait_for;

/// What to set up; [`Plan::start`] does it.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The routers: the name of each, and further lines. Each has an address of its own unless the lines have one; one
    /// with a prefix is given no name.
    pub routers: &'a [(&'a str, &'a str)],
    /// Further lines of `[relay]`.
    pub relay: &'a str,
    /// Further lines of each session.
    pub session: &'a str,
    /// Further tables of the file.
    pub more: &'a str,
    /// Bounds what the system holds for a station that does not read, in bytes.
    pub receive_buffer: Option<usize>,
    /// Whether the stations expect PROXY protocol headers.
    pub proxy: bool,
    /// bmpd's level of logging.
    pub log: &'a str,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            routers: &[("edge1", "")],
            relay: "",
            session: "",
            more: "",
            receive_buffer: None,
            proxy: false,
            log: "debug",
        }
    }
}

impl Plan<'_> {
    /// Starts the early station and bmpd, and waits until it answers.
    ///
    /// # Panics
    /// When something does not come up.
    #[track_caller]
    pub fn start(&self) -> Lab {
        self.start_at(bgp_listen())
    }

    /// The same with a bmpd that listens there.
    ///
    /// # Panics
    /// When something does not come up.
    #[track_caller]
    pub fn start_at(&self, listen: SocketAddr) -> Lab {
        let station = || {
            let setup = Setup {
                receive_buffer: self.receive_buffer,
                proxy: self.proxy,
                ..Setup::of_routers()
            };
            Station::listen_with(SocketAddr::new(loopback(), 0), Mode::Keeping, setup)
        };
        let (early, mut late) = (station(), station());
        // It has its port, but nothing listens there.
        late.kill();
        let mut config = format!("[relay]\nlisten = [\"{listen}\"]\n{}\n\n", self.relay);
        let mut addresses = vec![];
        for (name, lines) in self.routers {
            let own = loopback();
            addresses.push(((*name).to_owned(), own));
            let has = |key: &str| lines.lines().any(|line| line.starts_with(key));
            config += "[[router]]\n";
            if !has("prefix") {
                config += &format!("name = \"{name}\"\n");
                if !has("address") {
                    config += &format!("address = \"{own}\"\n");
                }
            }
            config += &format!("{lines}\n\n");
        }
        for station in [&early, &late] {
            config += &format!(
                "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\nretry.initial = 1\n\
                 retry.maximum = 1\n{}\n\n",
                station.ip(),
                station.port(),
                self.session
            );
        }
        config += self.more;
        let scratch = Scratch::new();
        let daemon = Daemon::start_as(&scratch, "bmpd", &config, self.log);
        Lab { daemon, listen, early, late, addresses, config, scratch }
    }
}

/// What a [`Plan`] has set up. Everything is ended and removed when it is dropped.
#[derive(Debug)]
pub struct Lab {
    /// bmpd.
    pub daemon: Daemon,
    /// Where it listens for routers.
    pub listen: SocketAddr,
    /// The station that listens from the start.
    pub early: Station,
    /// The station that listens from [`Lab::start_late`] on.
    pub late: Station,
    addresses: Vec<(String, IpAddr)>,
    /// The configuration as started.
    pub config: String,
    /// The folder of it all.
    pub scratch: Scratch,
}

impl Lab {
    /// The address of a router.
    ///
    /// # Panics
    /// When the plan has none of this name.
    #[track_caller]
    pub fn address(&self, name: &str) -> IpAddr {
        let found = self.addresses.iter().find(|(other, _)| other == name);
        found.unwrap_or_else(|| panic!("no router {name}")).1
    }

    /// Connects a router, which has sent nothing yet.
    ///
    /// # Panics
    /// When there is no TCP connection.
    #[track_caller]
    pub fn dial(&self, name: &str) -> Router {
        Router::connect(self.address(name), self.listen)
    }

    /// Connects a router, which sends an Initiation with its name as sysName.
    ///
    /// # Panics
    /// When there is no TCP connection.
    #[track_caller]
    pub fn connect(&self, name: &str) -> Router {
        let router = self.dial(name);
        router.send(initiation_of(name));
        router
    }

    /// Has the late station listen. bmpd connects to it within two seconds.
    ///
    /// # Panics
    /// When the port cannot be bound.
    pub fn start_late(&mut self) -> &Station {
        self.late.revive();
        &self.late
    }

    /// What `show router NAME` reports.
    ///
    /// # Panics
    /// When bmpctl fails, as it does when there is no such router.
    #[track_caller]
    pub fn router(&self, name: &str) -> Value {
        json(&self.daemon, &["show", "router", name])["routers"][0].clone()
    }

    /// Waits until `show router NAME` has this state. A router of a prefix is known by its name
    /// only when its Initiation was read: until then there is no such router.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn wait_state(&self, name: &str, state: &str) {
        self.wait_router(name, &format!("router {name} to be {state}"), |shown| {
            shown["state"] == state
        });
    }

    /// Waits until `show router NAME` contains this text anywhere.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn wait_shown(&self, name: &str, text: &str) {
        self.wait_router(name, &format!("{text:?} of router {name}"), |shown| {
            shown.to_string().contains(text)
        });
    }

    #[track_caller]
    fn wait_router(&self, name: &str, what: &str, is_met: impl Fn(&Value) -> bool) {
        wait_for(what, Duration::from_secs(30), || {
            let output = self.daemon.bmpctl(&["show", "router", name, "--json"]);
            let document: Value =
                serde_json::from_str(&output.stdout).map_err(|_| output.to_string())?;
            let shown = &document["routers"][0];
            if is_met(shown) { Ok(()) } else { Err(document.to_string()) }
        });
    }
}
