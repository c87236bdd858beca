//! pmbmpd, the BMP collector of pmacct, as a station.
//!
//! It writes a JSON object a line for every message and every route in it; [`Pmbmpd::log`] has the
//! lines. The keys that matter: `event_type` (`log_init` for an accepted connection, `log`,
//! `log_close`), `bmp_router_port` (the port that the connection came from, which distinguishes two
//! connections from one address), `bmp_msg_type` (`init`, `peer_up`, `route_monitor`, `stats`,
//! `peer_down`, `term`), and for a route `log_type` (`update`, `withdraw`), `ip_prefix`,
//! `bgp_nexthop`, `as_path`, `origin`, `med`, `comms`, `lcomms`.
//!
//! What was found out with 1.7.7:
//! - **An End-of-RIB is not logged**, at no log level: the source says "honestly it doesn't matter
//!   to us". That one was sent has to be shown on the wire, with [`super::tshark`].
//! - It blocks SIGTERM and SIGINT while it waits for a message: only SIGKILL ends it. Its log is
//!   line-buffered, so that nothing is lost by that.
//! - It identifies a monitored router by address **and** port: two connections from one address are two
//!   routers, each with its own `log_init`. It closes a connection upon a Termination by itself.
//! - It listens with a backlog of 1, and uses 150 MB.
//! - It needs neither root nor a pid file.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use rustix::process::Signal;

use super::{Process, command, folder, port_of, text, write};
use crate::scratch::Scratch;

/// Its log message once it listens.
const READY: &str = "waiting for BMP data on";

/// A pmbmpd. Killed when dropped.
#[derive(Debug)]
pub struct Pmbmpd {
    address: SocketAddr,
    folder: PathBuf,
    process: Option<Process>,
}

impl Pmbmpd {
    /// Starts it at a port of its own of `address` and waits until it listens.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start(scratch: &Scratch, address: IpAddr) -> Self {
        let address = port_of(address);
        let folder = folder(scratch, &format!("pmbmpd-{address}"));
        // It accepts no relative path.
        let path = |name: &str| folder.join(name).display().to_string();
        let configuration = format!(
            "bmp_daemon_ip: {}
bmp_daemon_port: {}
bmp_daemon_max_peers: 20
bmp_daemon_msglog_file: {}
bmp_daemon_msglog_output: json
logfile: {}
",
            address.ip(),
            address.port(),
            path("messages.json"),
            path("log"),
        );
        write(&folder.join("pmbmpd.conf"), &configuration);
        let mut pmbmpd = Self { address, folder, process: None };
        pmbmpd.start_again();
        pmbmpd
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has logged: whole lines, each a JSON object.
    pub fn log(&self) -> Vec<String> {
        let log = text(&self.folder.join("messages.json"));
        // What follows the last line break is not complete yet.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    /// SIGKILL: it handles no other signal.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn kill(&mut self) {
        self.process.take().expect("pmbmpd runs").end(Signal::KILL);
    }

    /// Starts it again on its port; it continues its log.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_again(&mut self) {
        let log = self.folder.join("log");
        let _ = fs::remove_file(&log);
        let mut pmbmpd = command("pmbmpd");
        let mut process =
            Process::spawn("pmbmpd", &self.folder, pmbmpd.args(["-f", "pmbmpd.conf"]));
        process.wait_ready(|_| {
            let said = text(&log);
            if said.contains(READY) { Ok(()) } else { Err(said) }
        });
        self.process = Some(process);
    }
}
