//! ExaBGP as a neighbor.
//!
//! The routes are static ones of its configuration; a change rewrites the file and sends SIGUSR1.
//!
//! What was found out with 4.2.21:
//! - A reload announces **everything again**, and mixes withdrawn and announced routes in one
//!   UPDATE; the set is right in the end.
//! - It changes to the user `nobody` and opens named pipes under `/run` unless `exabgp.daemon.drop`
//!   and `exabgp.api.cli` are false. Then it needs no root.
//! - An IPv6 prefix of **32 bits** makes it refuse the whole file ("can only use ip ranges for the
//!   peer address with passive neighbors": it caches netmasks by their number, and a /32 of IPv6
//!   then is the neighbor's, too). Such routes are left out of those given to [`Exabgp`].
//! - It either connects or, with `passive` and `listen`, waits: not both.
//! - A signal that comes while it handles another one is **lost**: it is sent until it has an effect.
//!   The configuration has a number in it, which the log repeats.
//! - It ends on SIGTERM without a NOTIFICATION.
//! - Labeled and VPN routes are `static` routes with `label` and `rd`. Those of an `announce` section
//!   are sent as *unicast* (`mpls-vpn`, `multicast`), which no neighbor can read.
//! - NEXT_HOP stands beside MP_REACH_NLRI, also in the withdrawals of these routes, which have all the
//!   attributes of the announcement, and its labels.
//! - It reads EVPN and BGP-LS and has no way to announce them; `ipv6 multicast` is unknown to it.
//! - IPv4 and IPv6 unicast have all the path identifiers that `path-information` gives.
//! - `graceful-restart` makes it announce that it has *restarted* in every OPEN.
//! - Each start takes half a second of one processor: it is Python.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::offers::cannot;
use super::{Announced, Connects, Link, Process, Speaker, TIMEOUT, join, next_hop};
use super::{Offer, Offers, Terms, command_in, tail_of_path, write};
use crate::bgp::Family;
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// Its log message once a configuration was read.
const LOADED: &str = "loaded new configuration successfully";

/// After this long a signal that has shown no effect is sent again.
const AGAIN: Duration = Duration::from_secs(1);

fn version_name(version: u32) -> String {
    format!("version {version} of the configuration")
}

/// Whether it has read this version; an error if not.
fn has_loaded(process: &Process, version: u32) -> Result<(), String> {
    let log = process.log();
    let begun = log.rfind(&version_name(version));
    if begun.is_some_and(|at| log[at..].contains(LOADED)) { Ok(()) } else { Err(process.tail()) }
}

/// An ExaBGP with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Exabgp {
    link: Link,
    terms: Terms,
    announced: Announced,
    offers: Offers,
    folder: PathBuf,
    /// How often the configuration was written: it is in the file, and the log repeats it.
    version: u32,
    process: Option<Process>,
}

impl Exabgp {
    /// Starts ExaBGP with these routes.
    ///
    /// # Panics
    /// When it does not come up; with its log. When both ends shall connect.
    #[track_caller]
    pub fn start(scratch: &Scratch, link: Link, announced: Announced) -> Self {
        Self::start_with(scratch, link, Terms::default(), announced)
    }

    /// Starts it with a session on these terms.
    ///
    /// # Panics
    /// When it does not come up; with its log. When both ends shall connect.
    #[track_caller]
    pub fn start_with(scratch: &Scratch, link: Link, terms: Terms, announced: Announced) -> Self {
        assert_ne!(link.connects, Connects::Both, "ExaBGP cannot connect and listen");
        let folder = link.folder(scratch, "exabgp");
        let announced = as_exabgp_can(announced);
        let offers = Offers::new();
        let mut exabgp = Self { link, terms, announced, offers, folder, version: 0, process: None };
        exabgp.start_again();
        exabgp
    }

    /// The part of the configuration that the session's terms are.
    fn terms(&self) -> String {
        let names = |families: &[Family]| -> String {
            families.iter().map(|family| format!("{}; ", name(*family))).collect()
        };
        let mut text = format!("family {{ {}}}", names(&self.terms.families));
        let mut capability = String::new();
        if !self.terms.add_path.is_empty() {
            capability += "add-path send/receive; ";
            text += &format!("\n  add-path {{ {}}}", names(&self.terms.add_path));
        }
        if let Some(seconds) = self.terms.graceful_restart {
            capability += &format!("graceful-restart {seconds}; ");
        }
        if !capability.is_empty() {
            text += &format!("\n  capability {{ {capability}}}");
        }
        if let Some(password) = &self.terms.password {
            text += &format!("\n  md5-password \"{password}\";");
        }
        text
    }

    fn write_configuration(&mut self) {
        self.version += 1;
        let Link { program, asn, bmpd, connects, router_id } = self.link;
        let connects = match connects {
            Connects::Bmpd => format!("passive true;\n  listen {};", program.port()),
            Connects::Program | Connects::Both => format!("connect {};", bmpd.port()),
        };
        let mut text = format!(
            "neighbor {remote} {{
  router-id {router_id};
  local-address {local};
  local-as {asn};
  peer-as {bmpd_as};
  hold-time 90;
  description \"{version}\";
  {connects}
  {terms}
  static {{
",
            remote = bmpd.ip(),
            local = program.ip(),
            bmpd_as = super::BMPD_AS,
            version = version_name(self.version),
            terms = self.terms(),
        );
        for (prefix, attributes) in &self.announced {
            let origin = ["igp", "egp", "incomplete"][usize::from(attributes.origin)];
            let hop = next_hop(prefix, attributes);
            text += &format!("    route {prefix} next-hop {hop} origin {origin}");
            if let Some(med) = attributes.med {
                text += &format!(" med {med}");
            }
            let path =
                self.link.asn.to_string() + " " + &join(tail_of_path(&self.link, attributes), " ");
            text += &format!(" as-path [ {path} ]");
            for (what, values) in [
                ("community", join(attributes.communities.iter().map(|c| join(c, ":")), " ")),
                (
                    "large-community",
                    join(attributes.large_communities.iter().map(|c| join(c, ":")), " "),
                ),
            ] {
                if !values.is_empty() {
                    text += &format!(" {what} [ {values} ]");
                }
            }
            text += ";\n";
        }
        let (flows, routes): (Vec<&Offer>, Vec<&Offer>) = self
            .offers
            .iter()
            .partition(|o| matches!(o, Offer::Flow { .. } | Offer::VpnFlow { .. }));
        for offer in routes {
            text += &format!("    route {};\n", offered(offer));
        }
        text += "  }\n";
        if !flows.is_empty() {
            text += "  flow {\n";
            for (n, offer) in flows.into_iter().enumerate() {
                text += &format!("    route flow{n} {{ {} }}\n", offered(offer));
            }
            text += "  }\n";
        }
        text += "}\n";
        write(&self.folder.join("exabgp.conf"), &text);
    }
}

/// ExaBGP's name of a family.
fn name(family: Family) -> &'static str {
    match family {
        Family::IPV4 => "ipv4 unicast",
        Family::IPV6 => "ipv6 unicast",
        Family::IPV4_MULTICAST => "ipv4 multicast",
        Family::IPV4_LABELED => "ipv4 nlri-mpls",
        Family::IPV6_LABELED => "ipv6 nlri-mpls",
        Family::VPNV4 => "ipv4 mpls-vpn",
        Family::VPNV6 => "ipv6 mpls-vpn",
        Family::IPV4_FLOWSPEC => "ipv4 flow",
        Family::IPV6_FLOWSPEC => "ipv6 flow",
        Family::VPNV4_FLOWSPEC => "ipv4 flow-vpn",
        Family::VPNV6_FLOWSPEC => "ipv6 flow-vpn",
        Family::EVPN => "l2vpn evpn",
        Family::LINK_STATE => "bgp-ls bgp-ls",
        Family::LINK_STATE_VPN => "bgp-ls bgp-ls-vpn",
        other => panic!("ExaBGP has no {other}"),
    }
}

/// What follows the keyword `route` for an offer.
fn offered(offer: &Offer) -> String {
    let hop = if offer.is_v4() { "192.0.2.33" } else { "2001:db8:ffff::33" };
    match offer {
        Offer::Path { prefix, number } => {
            format!("{prefix} path-information 0.0.0.{number} next-hop {hop} med {number}")
        }
        Offer::Labeled { prefix, labels } => match &labels[..] {
            [label] => format!("{prefix} label {label} next-hop {hop}"),
            _ => format!("{prefix} label [ {} ] next-hop {hop}", join(labels, " ")),
        },
        Offer::Vpn { number, prefix, label } => format!(
            "{prefix} rd 65001:{number} label {label} next-hop {hop} \
             extended-community [ target:65001:{number} ]"
        ),
        Offer::Flow { destination, port } => {
            let protocol = if offer.is_v4() { "protocol" } else { "next-header" };
            format!(
                "match {{ destination {destination}; {protocol} =tcp; destination-port ={port}; }} \
                 then {{ discard; }}"
            )
        }
        Offer::VpnFlow { number, destination } => {
            format!("rd 65001:{number}; match {{ destination {destination}; }} then {{ discard; }}")
        }
        Offer::Multicast(_)
        | Offer::EvpnPrefix { .. }
        | Offer::EvpnMac { .. }
        | Offer::EvpnMulticast { .. } => cannot("ExaBGP", offer),
    }
}

fn as_exabgp_can(mut announced: Announced) -> Announced {
    announced.retain(|prefix, _| {
        prefix.family() != Family::IPV6 || !prefix.to_string().ends_with("/32")
    });
    announced
}

impl Speaker for Exabgp {
    fn link(&self) -> &Link {
        &self.link
    }

    fn announced(&self) -> &Announced {
        &self.announced
    }

    #[track_caller]
    fn offer(&mut self, offers: Offers) {
        self.offers = offers;
        self.change(self.announced.clone());
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        self.announced = as_exabgp_can(announced);
        self.write_configuration();
        let Some(process) = &mut self.process else {
            return;
        };
        let mut sent: Option<Instant> = None;
        wait_for("ExaBGP to read its configuration again", TIMEOUT, || {
            // A signal that comes while it handles one is lost.
            if sent.is_none_or(|at| at.elapsed() > AGAIN) {
                process.signal(Signal::USR1);
                sent = Some(Instant::now());
            }
            has_loaded(process, self.version)
        });
    }

    #[track_caller]
    fn start_again(&mut self) {
        self.write_configuration();
        let mut exabgp = command_in(self.terms.namespace.as_ref(), "exabgp");
        exabgp
            .env("exabgp.daemon.drop", "false")
            .env("exabgp.api.cli", "false")
            .env("exabgp.log.destination", "stdout")
            .env("exabgp.log.level", "DEBUG")
            .env("PYTHONUNBUFFERED", "1")
            .arg("exabgp.conf");
        let mut process = Process::spawn("exabgp", &self.folder, &mut exabgp);
        process.wait_ready(|process| has_loaded(process, self.version));
        self.process = Some(process);
    }

    #[track_caller]
    fn stop(&mut self) {
        let mut process = self.process.take().expect("ExaBGP runs");
        let mut sent: Option<Instant> = None;
        wait_for("ExaBGP to end", TIMEOUT, || {
            if matches!(process.child.try_wait(), Ok(Some(_))) {
                return Ok(());
            }
            if sent.is_none_or(|at| at.elapsed() > AGAIN) {
                process.send(Signal::TERM);
                sent = Some(Instant::now());
            }
            Err(process.tail())
        });
    }

    fn process(&mut self) -> &mut Option<Process> {
        &mut self.process
    }
}
