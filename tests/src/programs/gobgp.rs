//! GoBGP as a neighbor.
//!
//! Routes are put into its global table and taken out of it with `gobgp`, one command each (about
//! 30 ms): give it dozens, not thousands.
//!
//! What was found out with 3.10:
//! - It sends **no End-of-RIB** unless graceful restart is configured on both sides.
//! - It first waits five to nine seconds before it connects, whatever the timers say; where bmpd
//!   connects it is there at once. After a session was taken down it is idle for five seconds.
//! - The gRPC port and the profiling port are on fixed numbers unless told otherwise.
//! - `origin` of a route from `gobgp` is "incomplete" unless given.
//! - NEXT_HOP stands behind all other attributes, see [`Gobgp::expected`].
//! - It needs no root, but a `HOME` it may read.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use super::{
    Announced, Connects, Link, Process, Speaker, ask, command, expected_as, join, next_hop,
};
use super::{tail_of_path, tell, write};
use crate::addresses::free_port;
use crate::bgp::{Prefix, Routes, attribute};
use crate::scratch::Scratch;
use crate::table::Attributes;

/// A GoBGP with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Gobgp {
    link: Link,
    announced: Announced,
    folder: PathBuf,
    api_port: u16,
    process: Option<Process>,
}

impl Gobgp {
    /// Starts gobgpd with these routes.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start(scratch: &Scratch, link: Link, announced: Announced) -> Self {
        let folder = link.folder(scratch, "gobgp");
        let api_port = free_port(link.program.ip());
        let mut gobgp = Self { link, announced, folder, api_port, process: None };
        write(&gobgp.folder.join("gobgpd.toml"), &gobgp.configuration());
        gobgp.start_again();
        gobgp
    }

    fn configuration(&self) -> String {
        let Link { program, asn, bmpd, connects, router_id } = self.link;
        let mut text = format!(
            r#"[global.config]
as = {asn}
router-id = "{router_id}"
port = {port}
local-address-list = ["{local}"]
[[neighbors]]
[neighbors.config]
peer-as = {bmpd_as}
neighbor-address = "{remote}"
[neighbors.timers.config]
connect-retry = 1
hold-time = 90
idle-hold-time-after-reset = 1
[neighbors.transport.config]
passive-mode = {passive}
local-address = "{local}"
remote-port = {remote_port}
[neighbors.ebgp-multihop.config]
enabled = true
multihop-ttl = 64
"#,
            port = program.port(),
            local = program.ip(),
            bmpd_as = super::BMPD_AS,
            remote = bmpd.ip(),
            remote_port = bmpd.port(),
            passive = connects == Connects::Bmpd,
        );
        for family in ["ipv4", "ipv6"] {
            let _ = write!(
                text,
                "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n\
                 afi-safi-name = \"{family}-unicast\"\n"
            );
        }
        text
    }

    fn gobgp(&self) -> Command {
        let mut gobgp = command("gobgp");
        gobgp.args(["-u", &self.link.program.ip().to_string(), "-p", &self.api_port.to_string()]);
        gobgp.env("HOME", &self.folder);
        gobgp
    }

    #[track_caller]
    fn add(&self, prefix: &Prefix, attributes: &Attributes) {
        let origin = ["igp", "egp", "incomplete"][usize::from(attributes.origin)];
        let mut add = self.gobgp();
        add.args(["global", "rib", "add", "-a", super::short_name(prefix.family())])
            .args([&prefix.to_string(), "origin", origin])
            .args(["nexthop", &next_hop(prefix, attributes).to_string()]);
        if let Some(med) = attributes.med {
            add.args(["med", &med.to_string()]);
        }
        for (what, value) in [
            ("aspath", join(tail_of_path(&self.link, attributes), ",")),
            ("community", join(attributes.communities.iter().map(|c| join(c, ":")), ",")),
            (
                "large-community",
                join(attributes.large_communities.iter().map(|c| join(c, ":")), ","),
            ),
        ] {
            if !value.is_empty() {
                add.args([what, &value]);
            }
        }
        tell(&mut add);
    }
}

impl Speaker for Gobgp {
    fn link(&self) -> &Link {
        &self.link
    }

    fn announced(&self) -> &Announced {
        &self.announced
    }

    /// With NEXT_HOP where GoBGP puts it: last.
    fn expected(&self) -> Routes {
        expected_as(&self.announced, |attributes| {
            let mut attributes = attributes.to_vec();
            attributes.sort_by_key(|a| a.kind == attribute::NEXT_HOP);
            attributes.iter().flat_map(|a| a.whole).copied().collect()
        })
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        let before = std::mem::replace(&mut self.announced, announced);
        if self.process.is_none() {
            return;
        }
        for prefix in before.keys().filter(|p| !self.announced.contains_key(p)) {
            let family = super::short_name(prefix.family());
            tell(self.gobgp().args(["global", "rib", "del", &prefix.to_string(), "-a", family]));
        }
        for (prefix, attributes) in &self.announced {
            let new = format!("{attributes:?}");
            if before.get(prefix).is_none_or(|old| format!("{old:?}") != new) {
                self.add(prefix, attributes);
            }
        }
    }

    #[track_caller]
    fn start_again(&mut self) {
        let mut gobgpd = command("gobgpd");
        gobgpd
            .args(["-p", "--pprof-disable", "-l", "debug", "-f", "gobgpd.toml"])
            .arg(format!("--api-hosts={}:{}", self.link.program.ip(), self.api_port))
            .env("HOME", &self.folder);
        let mut process = Process::spawn("gobgpd", &self.folder, &mut gobgpd);
        process.wait_ready(|_| ask(self.gobgp().arg("global")).map(drop));
        self.process = Some(process);
        for (prefix, attributes) in &self.announced {
            self.add(prefix, attributes);
        }
    }

    #[track_caller]
    fn stop(&mut self) {
        self.process.take().expect("GoBGP runs").end(Signal::TERM);
    }

    #[track_caller]
    fn kill(&mut self) {
        self.process.take().expect("GoBGP runs").end(Signal::KILL);
    }

    #[track_caller]
    fn freeze(&mut self) {
        self.process.as_mut().expect("GoBGP runs").signal(Signal::STOP);
    }

    #[track_caller]
    fn thaw(&mut self) {
        self.process.as_mut().expect("GoBGP runs").signal(Signal::CONT);
    }
}
