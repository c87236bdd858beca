//! GoBGP as a neighbor.
//!
//! Routes are put into its global table and taken out of it with `gobgp`, one command each (about
//! 30 ms): give it dozens, not thousands.
//!
//! What was found out with 3.10:
//! - It sends **no End-of-RIB** unless graceful restart is configured on both sides.
//! - It first waits five to nine seconds before it connects, whatever the timers say; where bmpd
//!   connects it is there at once. After a session was taken down it is idle for five seconds.
//! - The gRPC port and the profiling port are on fixed numbers unless configured.
//! - `origin` of a route from `gobgp` is "incomplete" unless given.
//! - NEXT_HOP stands behind all other attributes, see [`Gobgp::expected`].
//! - It needs no root, but a `HOME` it may read.
//! - **Its OPEN breaks** when the capabilities take more than 255 bytes (some ten families with
//!   graceful restart and ADD-PATH): the length wraps, and no neighbor can read it. It announces the
//!   extended next hop encoding for every family unasked, at six bytes each.
//! - With ADD-PATH for IPv4 unicast on the session it writes a path identifier (0) into the *prefix
//!   components* of flow specifications: keep the two apart where another program must parse them.
//! - `gobgp global rib` has no multicast and no link state; link state of an upstream is passed on.
//! - Its withdrawals of labeled, VPN and EVPN routes have the labels of the announcement.
//! - End-of-RIB comes family by family behind the routes, if graceful restart is configured.
//! - `gobgp neighbor A disable --reason T` sends no shutdown communication.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use super::offers::cannot;
use super::{
    Announced, Connects, Link, Offer, Offers, Process, Speaker, Terms, ask, command_in,
    expected_as, join, next_hop, stdout_of, tail_of_path, write,
};
use crate::addresses::free_port;
use crate::bgp::{Family, Prefix, Routes, attribute};
use crate::netns::within;
use crate::scratch::Scratch;
use crate::table::Attributes;

/// A GoBGP with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Gobgp {
    link: Link,
    terms: Terms,
    announced: Announced,
    offers: Offers,
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
        Self::start_with(scratch, link, Terms::default(), announced)
    }

    /// Starts it with a session on these terms.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_with(scratch: &Scratch, link: Link, terms: Terms, announced: Announced) -> Self {
        let folder = link.folder(scratch, "gobgp");
        let address = link.program.ip();
        let api_port = within(terms.namespace.as_ref(), || free_port(address));
        let offers = Offers::new();
        let mut gobgp = Self { link, terms, announced, offers, folder, api_port, process: None };
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
{password}[neighbors.timers.config]
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
            password = match &self.terms.password {
                Some(password) => format!("auth-password = \"{password}\"\n"),
                None => String::new(),
            },
        );
        text += &self.families(true);
        if let Some(seconds) = self.terms.graceful_restart {
            let _ = write!(
                text,
                "[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = {seconds}\n"
            );
        }
        for (address, asn) in &self.terms.upstreams {
            let _ = write!(
                text,
                "[[neighbors]]\n[neighbors.config]\npeer-as = {asn}\n\
                 neighbor-address = \"{address}\"\n\
                 [neighbors.transport.config]\npassive-mode = true\nlocal-address = \"{local}\"\n\
                 [neighbors.ebgp-multihop.config]\nenabled = true\nmultihop-ttl = 64\n",
                local = program.ip(),
            );
            text += &self.families(false);
        }
        text
    }

    /// The families of a neighbor: of bmpd, or of an upstream.
    fn families(&self, bmpd: bool) -> String {
        let mut text = String::new();
        for family in &self.terms.families {
            let _ = write!(
                text,
                "[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\n\
                 afi-safi-name = \"{}\"\n",
                long_name(*family)
            );
            if bmpd && self.terms.graceful_restart.is_some() {
                text += "[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true\n";
            }
            if bmpd && self.terms.add_path.contains(family) {
                text += "[neighbors.afi-safis.add-paths.config]\nsend-max = 16\n";
            }
        }
        text
    }

    fn gobgp(&self) -> Command {
        let mut gobgp = command_in(self.terms.namespace.as_ref(), "gobgp");
        gobgp.args(["-u", &self.link.program.ip().to_string(), "-p", &self.api_port.to_string()]);
        gobgp.env("HOME", &self.folder);
        gobgp
    }

    #[track_caller]
    fn rib(&self, verb: &str, offer: &Offer) {
        let (names, more) = words(offer);
        let mut command = self.gobgp();
        command.args(["global", "rib", verb]).args(names.split_whitespace());
        if verb == "add" || matches!(offer, Offer::Flow { .. } | Offer::VpnFlow { .. }) {
            command.args(more.split_whitespace());
        }
        // It complains on its standard output, with exit code 0.
        let said = stdout_of(&mut command);
        assert!(said.is_empty(), "{offer:?}: {said}");
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
        stdout_of(&mut add);
    }
}

/// GoBGP's name of a family in its configuration.
fn long_name(family: Family) -> &'static str {
    match family {
        Family::IPV4 => "ipv4-unicast",
        Family::IPV6 => "ipv6-unicast",
        Family::IPV4_MULTICAST => "ipv4-multicast",
        Family::IPV6_MULTICAST => "ipv6-multicast",
        Family::IPV4_LABELED => "ipv4-labelled-unicast",
        Family::IPV6_LABELED => "ipv6-labelled-unicast",
        Family::VPNV4 => "l3vpn-ipv4-unicast",
        Family::VPNV6 => "l3vpn-ipv6-unicast",
        Family::EVPN => "l2vpn-evpn",
        Family::IPV4_FLOWSPEC => "ipv4-flowspec",
        Family::IPV6_FLOWSPEC => "ipv6-flowspec",
        Family::VPNV4_FLOWSPEC => "l3vpn-ipv4-flowspec",
        Family::VPNV6_FLOWSPEC => "l3vpn-ipv6-flowspec",
        Family::LINK_STATE => "ls",
        other => panic!("GoBGP has no {other}"),
    }
}

/// The arguments of `gobgp global rib add|del` for an offer, and those that only `add` takes.
fn words(offer: &Offer) -> (String, String) {
    let hop = if offer.is_v4() { "192.0.2.33" } else { "2001:db8:ffff::33" };
    let v = if offer.is_v4() { "4" } else { "6" };
    match offer {
        Offer::Path { prefix, number } => (
            format!("-a ipv{v} {prefix} identifier {}", number + 1),
            format!("origin igp nexthop {hop} med {number}"),
        ),
        Offer::Labeled { prefix, labels } => {
            (format!("-a ipv{v}-mpls {prefix} {}", join(labels, "/")), format!("nexthop {hop}"))
        }
        Offer::Vpn { number, prefix, label } => (
            format!("-a vpnv{v} {prefix} label {label} rd 65001:{number}"),
            format!("rt 65001:{number} nexthop {hop}"),
        ),
        Offer::EvpnPrefix { number, tag, prefix, label } => (
            format!(
                "-a evpn prefix {prefix} gw 192.0.2.9 etag {tag} label {label} rd 65001:{number}"
            ),
            format!("rt 65001:{number}"),
        ),
        Offer::EvpnMac { number, tag, mac, address, label } => (
            format!(
                "-a evpn macadv aa:bb:cc:dd:ee:{mac:02x} {address} etag {tag} label {label} \
                 rd 65001:{number}"
            ),
            format!("rt 65001:{number} encap vxlan"),
        ),
        Offer::EvpnMulticast { number, tag, address } => (
            format!("-a evpn multicast {address} etag {tag} rd 65001:{number}"),
            format!("rt 65001:{number} encap vxlan"),
        ),
        Offer::Flow { destination, port } => (
            format!(
                "-a ipv{v}-flowspec match destination {destination} protocol ==tcp \
                 destination-port =={port}"
            ),
            "then discard".to_owned(),
        ),
        Offer::VpnFlow { number, destination } => (
            format!("-a ipv{v}-l3vpn-flowspec rd 65001:{number} match destination {destination}"),
            format!("then discard rt 65001:{number}"),
        ),
        Offer::Multicast(_) => cannot("GoBGP", offer),
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
    fn offer(&mut self, offers: Offers) {
        let before = std::mem::replace(&mut self.offers, offers);
        if self.process.is_none() {
            return;
        }
        for offer in before.difference(&self.offers) {
            self.rib("del", offer);
        }
        for offer in self.offers.difference(&before) {
            self.rib("add", offer);
        }
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        let before = std::mem::replace(&mut self.announced, announced);
        if self.process.is_none() {
            return;
        }
        for prefix in before.keys().filter(|p| !self.announced.contains_key(p)) {
            let family = super::short_name(prefix.family());
            stdout_of(self.gobgp().args([
                "global",
                "rib",
                "del",
                &prefix.to_string(),
                "-a",
                family,
            ]));
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
        let mut gobgpd = command_in(self.terms.namespace.as_ref(), "gobgpd");
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
        for offer in &self.offers {
            self.rib("add", offer);
        }
    }

    fn process(&mut self) -> &mut Option<Process> {
        &mut self.process
    }
}
