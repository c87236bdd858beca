//! A router and a host that monitors it, as documents have them: the router is AS 65001 at 192.0.2.2, the host AS 65000
//! at 192.0.2.1, and has the station 10.1.1.1 on it.
//!
//! ```text
//!   namespace of the router: 192.0.2.2 ── veth ── namespace of the host: 192.0.2.1, 10.1.1.1
//! ```
//!
//! What runs there has the well-known ports and a configuration that is written for people.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::daemon::{Daemon, run};
use crate::netns::Netns;
use crate::person::public;
use crate::scratch::Scratch;
use crate::station::{Mode, Station};
use crate::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(60);

/// What the router announces.
pub const ROUTE: &str = "198.51.100.0/24";

/// A program in the foreground. Killed when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it; its output goes to this file.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = File::create(log).unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        let other = file.try_clone().unwrap_or_else(|e| panic!("{}: {e}", log.display()));
        command.stdin(Stdio::null()).stdout(other).stderr(file);
        let child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self { child, log: log.to_owned() }
    }

    /// Its output so far, for a test that fails.
    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends, with a wire between them.
#[derive(Debug)]
pub struct Edge {
    /// The router's.
    pub router: Netns,
    /// The host's.
    pub host: Netns,
}

impl Edge {
    /// Lays the wire.
    ///
    /// # Panics
    /// When that cannot be done, as without root.
    #[expect(clippy::new_without_default, reason = "it makes namespaces; that should be visible")]
    #[track_caller]
    pub fn new() -> Self {
        let (router, host) = (Netns::new(), Netns::new());
        router.ip(&format!("link add near type veth peer name far netns {}", host.name()));
        for (netns, device, address) in
            [(&router, "near", "192.0.2.2"), (&host, "far", "192.0.2.1")]
        {
            netns.ip(&format!("address add {address}/24 dev {device}"));
            netns.ip(&format!("link set {device} up"));
        }
        host.add_address(IpAddr::from([10, 1, 1, 1]));
        Self { router, host }
    }

    /// The station, at its port.
    ///
    /// # Panics
    /// When the address is in use.
    #[track_caller]
    pub fn station(&self) -> Station {
        Station::listen_in(&self.host, SocketAddr::from(([10, 1, 1, 1], 11019)), Mode::Keeping)
    }

    /// Waits until the station has the router's route on its newest connection.
    ///
    /// # Panics
    /// When it has not in time.
    #[track_caller]
    pub fn wait_route_sent(&self, station: &Station) {
        let route = ROUTE.parse().unwrap_or_else(|e| panic!("{ROUTE}: {e}"));
        let connection = wait_for("a connection", TIMEOUT, || {
            station.latest().ok_or_else(|| "there is none".to_owned())
        });
        connection.wait("the route at the station", TIMEOUT, |record| {
            // With path identifiers they are among the others.
            let peer = record.peer(IpAddr::from([192, 0, 2, 2]))?;
            (peer.routes.contains_key(&route) || !peer.others.is_empty()).then_some(())
        });
    }

    /// BIRD as the router, with this protocol and the route.
    ///
    /// # Panics
    /// When it cannot be started.
    #[track_caller]
    pub fn bird(&self, scratch: &Scratch, protocol: &str) -> Program {
        let whole = format!(
            "router id 192.0.2.2;\nprotocol device {{ }}\nprotocol static {{ ipv4; route {ROUTE} blackhole; }}\n{protocol}"
        );
        let config = scratch.write("bird.conf", whole);
        let mut bird = self.router.namespace().command("bird");
        bird.args(["-f", "-c"]).arg(config).arg("-s").arg(scratch.join("bird.ctl"));
        Program::start(bird, &scratch.join("bird.log"))
    }
}

/// FRR in a namespace, with this configuration of bgpd.
///
/// # Panics
/// When it does not come up.
#[track_caller]
pub fn frr(scratch: &Scratch, netns: &Netns, config: &str) -> [Program; 2] {
    let folder = scratch.join("frr");
    fs::create_dir(&folder)
        .and_then(|()| fs::write(folder.join("bgpd.conf"), config))
        .and_then(|()| fs::write(folder.join("zebra.conf"), ""))
        .unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    // zebra becomes its own user.
    public(scratch);
    run(Command::new("chown").args(["-R", "frr:frr"]).arg(&folder), TIMEOUT).done();
    let start = |name: &str, more: &[&str]| {
        let mut command = netns.namespace().command(format!("/usr/lib/frr/{name}"));
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        command.args(["--log", "stdout", "-P", "0"]).args(more);
        command.arg("-f").arg(file("conf")).arg("-i").arg(file("pid"));
        command.arg("--vty_socket").arg(&folder).arg("-z").arg(folder.join("zserv"));
        Program::start(command, &file("log"))
    };
    let zebra = start("zebra", &[]);
    wait_until("zebra", TIMEOUT, || folder.join("zserv").exists());
    [zebra, start("bgpd", &["-S", "-M", "bmp"])]
}

/// Waits until bmpd has received a route from its neighbor.
///
/// # Panics
/// When it has not in time; with the output of all programs.
#[track_caller]
pub fn wait_route_received(daemon: &Daemon, programs: &[&Program]) {
    wait_for("the route of the router", TIMEOUT, || {
        let shown = daemon.bmpctl(&["show", "neighbor", "--json"]);
        let found: Value = serde_json::from_str(&shown.stdout).map_err(|e| e.to_string())?;
        let neighbor = &found["neighbors"][0];
        let families = neighbor["families"].as_array().cloned().unwrap_or_default();
        let routes: u64 = families.iter().filter_map(|family| family["routes"].as_u64()).sum();
        if neighbor["state"] == "established" && routes > 0 {
            return Ok(());
        }
        let said: String = programs.iter().map(|program| program.said()).collect();
        Err(format!("{shown}{said}{}", daemon.log()))
    });
}
