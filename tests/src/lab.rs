//! The usual arrangement: one bmpd, one neighbor, stations on one address distinguished by alias.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use crate::addresses::loopback;
use crate::daemon::{self, Daemon, bgp_listen, binary};
use crate::neighbor::{Neighbor, Options};
use crate::scratch::Scratch;
use crate::station::{Mode, Station};

/// What to set up; [`Plan::start`] does it.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// A station and a session for each.
    pub aliases: &'a [Option<&'a str>],
    /// What the stations keep.
    pub mode: Mode,
    /// Bounds what the system holds for a station that does not read, in bytes.
    pub receive_buffer: Option<usize>,
    /// `retry.initial` and `retry.maximum` of each session, in seconds.
    pub retry: [u32; 2],
    /// Further lines of each session.
    pub session: &'a str,
    /// The `[bmp]` table's lines.
    pub bmp: &'a str,
    /// The neighbor's AS number.
    pub remote_as: u32,
    /// Further lines of the neighbor; by default it connects to us.
    pub neighbor: &'a str,
    /// Further tables of the file.
    pub more: &'a str,
    /// bmpd's level of logging.
    pub log: &'a str,
    /// The faults to inject into bmpd (`BMPD_FAULTS`).
    pub faults: Option<&'a str>,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            aliases: &[None],
            mode: Mode::Keeping,
            receive_buffer: None,
            retry: [1, 2],
            session: "",
            bmp: "",
            remote_as: 65001,
            neighbor: "passive = true",
            more: "",
            log: "debug",
            faults: None,
        }
    }
}

impl Plan<'_> {
    /// Starts the stations and bmpd, and waits until it answers.
    ///
    /// # Panics
    /// When something does not come up.
    #[track_caller]
    pub fn start(&self) -> Lab {
        let address = loopback();
        let station = |_: &Option<&str>| {
            let place = SocketAddr::new(address, 0);
            Station::listen_at(place, self.mode, self.receive_buffer)
        };
        let stations: Vec<Station> = self.aliases.iter().map(station).collect();
        let (listen, peer) = (bgp_listen(), loopback());
        let ports: Vec<u16> = stations.iter().map(Station::port).collect();
        let config = self.config(address, &ports, listen, peer);
        let scratch = Scratch::new();
        let mut bmpd = Command::new(binary("bmpd"));
        bmpd.envs(self.faults.map(|faults| ("BMPD_FAULTS", faults)));
        let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, self.log);
        daemon.wait_ready();
        let remote_as = self.remote_as;
        Lab { daemon, stations, address, listen, peer, remote_as, config, scratch }
    }

    fn config(&self, address: IpAddr, ports: &[u16], listen: SocketAddr, peer: IpAddr) -> String {
        let mut text = format!("[bmp]\n{}\n\n", self.bmp);
        for (alias, port) in self.aliases.iter().zip(ports) {
            let alias = alias.map(|a| format!("alias = \"{a}\"\n")).unwrap_or_default();
            let [initial, maximum] = self.retry;
            text += &format!(
                "[[session]]\naddress = \"{address}\"\n{alias}tcp.connect-port = {port}\n\
                 retry.initial = {initial}\nretry.maximum = {maximum}\n{}\n\n",
                self.session
            );
        }
        text += &daemon::bgp(listen);
        text += &format!(
            "[[bgp.neighbor]]\naddress = \"{peer}\"\nremote-as = {}\n{}\n",
            self.remote_as, self.neighbor
        );
        text += self.more;
        text
    }
}

/// What a [`Plan`] has set up. Everything is ended and removed when it is dropped.
#[derive(Debug)]
pub struct Lab {
    /// bmpd.
    pub daemon: Daemon,
    /// The stations, in the order of the plan's aliases.
    pub stations: Vec<Station>,
    /// The address of all stations.
    pub address: IpAddr,
    /// Where bmpd listens for the neighbor.
    pub listen: SocketAddr,
    /// The neighbor's address.
    pub peer: IpAddr,
    remote_as: u32,
    /// The configuration as started.
    pub config: String,
    /// The folder of it all.
    pub scratch: Scratch,
}

impl Lab {
    /// How the neighbor presents itself by default.
    pub fn options(&self) -> Options {
        Options::new(self.peer, self.remote_as)
    }

    /// Connects the neighbor.
    ///
    /// # Panics
    /// When the session does not come up.
    #[track_caller]
    pub fn connect(&self) -> Neighbor {
        Neighbor::connect(&self.options(), self.listen)
    }

    /// The stations' address as text, for bmpctl.
    pub fn station(&self) -> String {
        self.address.to_string()
    }

    /// # Panics
    /// When a station was sent a violation of the protocol.
    #[track_caller]
    pub fn assert_legal(&self) {
        for station in &self.stations {
            station.assert_legal();
        }
    }
}
