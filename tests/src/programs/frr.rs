//! FRR's bgpd as a neighbor, alone: without zebra, without a kernel table, without a user `frr`.
//!
//! Changes go through `vtysh -f`.
//!
//! What was found out with 8.4.4:
//! - `-Z` (no zebra) and `-S` (no change of user) are what makes it run in a folder; `-P 0` closes
//!   the TCP port of its shell and `-l` keeps it from the wildcard address. It needs no root.
//! - `vtysh` reads `/etc/frr/vtysh.conf`, which it may not without root: `--config_dir`.
//! - A route of a `network` statement always has a MED, 0 if none is set, and the attributes of a
//!   route map there leave, but for the next hop: that is set on export, one for all. The
//!   routes given to [`Frr`] are changed to that.
//! - AS_PATH always has the extended length bit, see [`Frr::expected`].
//! - For about a second after a start it closes incoming connections at once; and when it is
//!   stopped by a signal it sends no NOTIFICATION.
//! - After a collision that it has decided rightly (NOTIFICATION 6/7 on its own connection, KEEPALIVE
//!   on bmpd's) it often closes the one it kept as well, within a millisecond and without a
//!   NOTIFICATION, and connects again a second later: "BGP OPEN receipt failed" in its log.
//! - It collects routes for a second before the first UPDATE.
//! - ADD-PATH: with `addpath-tx-all-paths` a prefix has one path for each source; a
//!   `network` statement is one of them, the others must come from upstream neighbors.
//! - VPNv4 and VPNv6 need no VRF: `network P rd R label L`. EVPN needs no device: the same in
//!   `l2vpn evpn` with `ethtag`, `esi`, `gwip` and `routermac` makes a type 5 route, whose `gwip` does
//!   not leave (the gateway on the wire is 0). Its withdrawals of all of these have the label 0.
//! - Labeled unicast: it will not be active beside unicast on one neighbor, and without zebra's label
//!   manager no route of it is ever sent (`show bgp ipv4 labeled-unicast` is empty).
//! - It announces that it can receive ADD-PATH in every family, and sends End-of-RIB only to a
//!   neighbor whose OPEN has the graceful restart capability: for unicast and EVPN. For multicast and
//!   VPNs none was sent within a minute.

use std::path::PathBuf;

use super::offers::cannot;
use super::{
    Announced, Connects, Hops, Link, Offer, Offers, Process, Speaker, Terms, ask, command,
    command_in, expected_as, join, tail_of_path, write,
};
use crate::bgp::{Family, Prefix, Routes, attribute};
use crate::scratch::Scratch;
use crate::table::Attributes;

/// FRR with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Frr {
    link: Link,
    terms: Terms,
    announced: Announced,
    offers: Offers,
    folder: PathBuf,
    process: Option<Process>,
}

/// The next hops of all routes.
const NEXT_HOP: &str = "192.0.2.33";
const NEXT_HOP_V6: &str = "2001:db8:ffff::33";

impl Frr {
    /// Starts bgpd with these routes.
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
        let folder = link.folder(scratch, "frr");
        let (announced, offers) = (as_frr_can(announced), Offers::new());
        let mut frr = Self { link, terms, announced, offers, folder, process: None };
        write(&frr.folder.join("vtysh.conf"), "");
        frr.start_again();
        frr
    }

    fn configuration(&self) -> String {
        let Link { program, asn, bmpd, connects, router_id } = self.link;
        let (local, remote) = (program.ip(), bmpd.ip());
        let passive = match connects {
            Connects::Bmpd => format!(" neighbor {remote} passive\n"),
            Connects::Program | Connects::Both => String::new(),
        };
        let restart = match self.terms.graceful_restart {
            Some(seconds) => format!(
                " bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n \
                 bgp graceful-restart restart-time {seconds}\n"
            ),
            None => String::new(),
        };
        let hops = match self.terms.hops {
            Some(Hops::Security(hops)) => format!(" neighbor {remote} ttl-security hops {hops}\n"),
            Some(Hops::Ttl(ttl)) => format!(" neighbor {remote} ebgp-multihop {ttl}\n"),
            None => format!(" neighbor {remote} ebgp-multihop\n"),
        };
        let mut text = format!(
            "log stdout debugging
route-map out permit 10
 set ip next-hop {NEXT_HOP}
 set ipv6 next-hop global {NEXT_HOP_V6}
router bgp {asn}
 bgp router-id {router_id}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
{restart} neighbor {remote} remote-as {bmpd_as}
 neighbor {remote} port {remote_port}
 neighbor {remote} update-source {local}
{hops} neighbor {remote} disable-connected-check
 neighbor {remote} timers connect 1
 neighbor {remote} advertisement-interval 0
{passive}",
            bmpd_as = super::BMPD_AS,
            remote_port = bmpd.port(),
        );
        if let Some(password) = &self.terms.password {
            text += &format!(" neighbor {remote} password {password}\n");
        }
        for (address, asn) in &self.terms.upstreams {
            text += &format!(
                " neighbor {address} remote-as {asn}\n neighbor {address} passive\n \
                 neighbor {address} update-source {local}\n neighbor {address} ebgp-multihop\n \
                 neighbor {address} disable-connected-check\n \
                 neighbor {address} advertisement-interval 0\n"
            );
        }
        for family in &self.terms.families {
            text += &format!(" address-family {}\n  neighbor {remote} activate\n", name(*family));
            if matches!(*family, Family::IPV4 | Family::IPV6) {
                text += &format!("  neighbor {remote} route-map out out\n");
            }
            if self.terms.add_path.contains(family) {
                text += &format!("  neighbor {remote} addpath-tx-all-paths\n");
            }
            for (address, _) in &self.terms.upstreams {
                text += &format!("  neighbor {address} activate\n");
            }
            text += " exit-address-family\n";
        }
        text
    }

    /// The commands that withdraw some offers and make others.
    fn offering(&self, back: &[&Offer], new: &[&Offer]) -> String {
        let mut text = format!("router bgp {}\n", self.link.asn);
        let statement = |offer: &Offer, line: &str| {
            let family = name(offer.family());
            format!(" address-family {family}\n  {line}\n exit-address-family\n")
        };
        for offer in back {
            let network = network(offer);
            // The statement without what it may not be taken back with.
            let line = network.split(" routermac").next().expect("a statement");
            text += &statement(offer, &format!("no {line}"));
        }
        for offer in new {
            text += &statement(offer, &network(offer));
        }
        text
    }

    /// The commands that bring bgpd from `before` to what is announced now.
    fn changes(&self, before: &Announced) -> String {
        let changed: Vec<(&Prefix, &Attributes)> = self
            .announced
            .iter()
            .filter(|(prefix, attributes)| {
                before.get(prefix).is_none_or(|old| format!("{old:?}") != format!("{attributes:?}"))
            })
            .collect();
        let mut text = String::new();
        for (prefix, attributes) in &changed {
            // An address in the name: a name with a slash is legal, but hard to read.
            text += &format!("route-map {} permit 10\n", name_of(prefix));
            text += &format!(
                " set origin {}\n",
                ["igp", "egp", "incomplete"][usize::from(attributes.origin)]
            );
            text += &format!(" set metric {}\n", attributes.med.unwrap_or(0));
            for (what, value) in [
                ("as-path prepend", join(tail_of_path(&self.link, attributes), " ")),
                ("community", join(attributes.communities.iter().map(|c| join(c, ":")), " ")),
                (
                    "large-community",
                    join(attributes.large_communities.iter().map(|c| join(c, ":")), " "),
                ),
            ] {
                if !value.is_empty() {
                    text += &format!(" set {what} {value}\n");
                } else if before.contains_key(prefix) {
                    // Fails where nothing was set, and vtysh continues after it.
                    text += &format!(" no set {what}\n");
                }
            }
        }
        text += &format!("router bgp {}\n", self.link.asn);
        for family in [Family::IPV4, Family::IPV6] {
            text += &format!(" address-family {} unicast\n", super::short_name(family));
            for prefix in before.keys().filter(|p| p.family() == family) {
                if !self.announced.contains_key(prefix) {
                    text += &format!("  no network {prefix}\n");
                }
            }
            for (prefix, _) in changed.iter().filter(|(p, _)| p.family() == family) {
                text += &format!("  network {prefix} route-map {}\n", name_of(prefix));
            }
            text += " exit-address-family\n";
        }
        // One that stayed would apply its communities to the prefix when it is announced again.
        for prefix in before.keys().filter(|p| !self.announced.contains_key(p)) {
            text += &format!("no route-map {}\n", name_of(prefix));
        }
        text
    }

    fn vtysh(&self, words: &[&str]) -> Result<String, String> {
        let mut vtysh = command("vtysh");
        vtysh.arg("--vty_socket").arg(&self.folder).arg("--config_dir").arg(&self.folder);
        ask(vtysh.args(["-d", "bgpd"]).args(words).current_dir(&self.folder))
    }

    /// Takes the session down with a shutdown communication (RFC 9003).
    ///
    /// # Panics
    /// When FRR does not do so in time.
    #[track_caller]
    pub fn disable_with(&mut self, communication: &str) {
        let remote = self.link.bmpd.ip();
        self.configure(&format!("neighbor {remote} shutdown message {communication}"));
    }

    /// Takes the session down and leaves the program running.
    ///
    /// # Panics
    /// When FRR does not do so in time.
    #[track_caller]
    pub fn disable(&mut self) {
        self.configure(&format!("neighbor {} shutdown", self.link.bmpd.ip()));
    }

    /// Enables the session again.
    ///
    /// # Panics
    /// When FRR does not do so in time.
    #[track_caller]
    pub fn enable(&mut self) {
        self.configure(&format!("no neighbor {} shutdown", self.link.bmpd.ip()));
    }

    #[track_caller]
    fn configure(&self, line: &str) {
        let router = format!("router bgp {}", self.link.asn);
        let words = ["-c", "configure terminal", "-c", &router, "-c", line];
        self.vtysh(&words).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// FRR's name of a family.
fn name(family: Family) -> &'static str {
    match family {
        Family::IPV4 => "ipv4 unicast",
        Family::IPV6 => "ipv6 unicast",
        Family::IPV4_MULTICAST => "ipv4 multicast",
        Family::IPV6_MULTICAST => "ipv6 multicast",
        Family::IPV4_LABELED => "ipv4 labeled-unicast",
        Family::IPV6_LABELED => "ipv6 labeled-unicast",
        Family::VPNV4 => "ipv4 vpn",
        Family::VPNV6 => "ipv6 vpn",
        Family::EVPN => "l2vpn evpn",
        Family::IPV4_FLOWSPEC => "ipv4 flowspec",
        Family::IPV6_FLOWSPEC => "ipv6 flowspec",
        other => panic!("FRR has no {other}"),
    }
}

/// The statement for one offer.
fn network(offer: &Offer) -> String {
    match offer {
        Offer::Path { prefix, number: 0 } | Offer::Multicast(prefix) => format!("network {prefix}"),
        Offer::Vpn { number, prefix, label } => {
            format!("network {prefix} rd 65001:{number} label {label}")
        }
        Offer::EvpnPrefix { number, tag, prefix, label } => format!(
            "network {prefix} rd 65001:{number} ethtag {tag} label {label} \
             esi 00:00:00:00:00:00:00:00:00:00 gwip 192.0.2.33 routermac 00:11:22:33:44:55"
        ),
        Offer::Path { .. }
        | Offer::Labeled { .. }
        | Offer::EvpnMac { .. }
        | Offer::EvpnMulticast { .. }
        | Offer::Flow { .. }
        | Offer::VpnFlow { .. } => cannot("FRR", offer),
    }
}

fn name_of(prefix: &Prefix) -> String {
    format!("to-{}", prefix.to_string().replace('/', "-"))
}

fn as_frr_can(mut announced: Announced) -> Announced {
    for attributes in announced.values_mut() {
        attributes.med.get_or_insert(0);
        attributes.next_hop = NEXT_HOP.parse().expect("an address");
        attributes.next_hop_v6 = NEXT_HOP_V6.parse().expect("an address");
    }
    announced
}

impl Speaker for Frr {
    fn link(&self) -> &Link {
        &self.link
    }

    fn announced(&self) -> &Announced {
        &self.announced
    }

    /// With AS_PATH as FRR spells it: always with two bytes of length.
    fn expected(&self) -> Routes {
        expected_as(&self.announced, |attributes| {
            let mut path = Vec::new();
            for attribute in attributes {
                if attribute.kind == attribute::AS_PATH && attribute.whole[0] & 0x10 == 0 {
                    let [flags, kind, length] = [0, 1, 2].map(|at| attribute.whole[at]);
                    path.extend_from_slice(&[flags | 0x10, kind, 0, length]);
                    path.extend_from_slice(attribute.value);
                } else {
                    path.extend_from_slice(attribute.whole);
                }
            }
            path
        })
    }

    #[track_caller]
    fn offer(&mut self, offers: Offers) {
        let before = std::mem::replace(&mut self.offers, offers);
        if self.process.is_some() {
            let back: Vec<&Offer> = before.difference(&self.offers).collect();
            let new: Vec<&Offer> = self.offers.difference(&before).collect();
            write(&self.folder.join("offers.conf"), &self.offering(&back, &new));
            self.vtysh(&["-f", "offers.conf"]).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        let before = std::mem::replace(&mut self.announced, as_frr_can(announced));
        if self.process.is_some() {
            write(&self.folder.join("changes.conf"), &self.changes(&before));
            self.vtysh(&["-f", "changes.conf"]).unwrap_or_else(|e| panic!("{e}"));
        }
    }

    #[track_caller]
    fn start_again(&mut self) {
        let offers: Vec<&Offer> = self.offers.iter().collect();
        let text =
            self.configuration() + &self.changes(&Announced::new()) + &self.offering(&[], &offers);
        write(&self.folder.join("bgpd.conf"), &text);
        let mut bgpd = command_in(self.terms.namespace.as_ref(), "bgpd");
        bgpd.args(["-Z", "-S", "--log", "stdout", "-P", "0", "-i", "bgpd.pid", "-f", "bgpd.conf"])
            .args(["-p", &self.link.program.port().to_string()])
            .args(["-l", &self.link.program.ip().to_string()])
            .arg("--vty_socket")
            .arg(&self.folder);
        let mut process = Process::spawn("bgpd", &self.folder, &mut bgpd);
        process.wait_ready(|_| self.vtysh(&["-c", "show version"]).map(drop));
        self.process = Some(process);
    }

    fn process(&mut self) -> &mut Option<Process> {
        &mut self.process
    }
}
