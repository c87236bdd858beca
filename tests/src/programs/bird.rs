//! BIRD 2 as a neighbor.
//!
//! The routes are static ones in a file that the configuration includes; a change rewrites the file
//! and asks for `configure`, whereupon BIRD sends what has changed and nothing else.
//!
//! What was found out with 2.0.12:
//! - `strict bind` is needed: without it BIRD listens on the wildcard address and two of them
//!   collide. With it the listening socket belongs to the protocol: a disabled one refuses.
//! - After a session is established BIRD sends its routes only when its main loop wakes up, which
//!   can take three seconds. Every `birdc` command wakes it: [`Bird::wait_established`] does.
//! - An export filter is the only place where MED and next hop can be set so that they leave;
//!   custom attributes carry them there from the static routes.
//! - It needs no root.
//! - A static protocol has one route for a prefix: several paths for ADD-PATH are as many protocols,
//!   of falling preference. The path identifiers are BIRD's own, and differ after a restart.
//! - Labels need `via "lo" mpls N`: a blackhole route takes none. Its withdrawals of labeled and VPN
//!   routes have the label 0x800000.
//! - IPv6 families on an IPv4 session need `next hop address`: without it "Missing next hop address",
//!   and nothing is sent.
//! - `ipv4 multicast` is a channel of the BGP protocol only; a static one gives it a table of `ipv4`.
//! - It has no EVPN, no VPN flowspec and no BGP-LS.

use std::path::PathBuf;

use super::offers::cannot;
use super::{Announced, Connects, Link, Process, Speaker, command, join, next_hop, tail_of_path};
use super::{Hops, Offer, Offers, TIMEOUT, Terms, ask, command_in, write};
use crate::bgp::Family;
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// A BIRD with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Bird {
    link: Link,
    terms: Terms,
    announced: Announced,
    offers: Offers,
    /// All offers ever made. The place of each is its protocol's name: one of another name is another
    /// path to BIRD.
    named: Vec<Offer>,
    folder: PathBuf,
    process: Option<Process>,
}

impl Bird {
    /// Starts BIRD with these routes.
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
        let folder = link.folder(scratch, "bird");
        let (offers, named) = (Offers::new(), vec![]);
        let mut bird = Self { link, terms, announced, offers, named, folder, process: None };
        write(&bird.folder.join("bird.conf"), &bird.configuration());
        bird.start_again();
        bird
    }

    fn configuration(&self) -> String {
        let Link { program, asn, bmpd, connects, router_id } = self.link;
        let passive = if connects == Connects::Bmpd { "on" } else { "off" };
        let mut tables = String::new();
        let mut channels = String::new();
        for family in &self.terms.families {
            let add_path = match self.terms.add_path.contains(family) {
                true => "add paths tx;",
                false => "",
            };
            let Some((channel, kind)) = channel(*family) else {
                panic!("BIRD has no {family}");
            };
            if matches!(*family, Family::IPV4 | Family::IPV6) {
                channels +=
                    &format!("  {channel} {{ import none; export filter to_bmpd; {add_path} }};\n");
                continue;
            }
            let table = table(*family);
            tables += &format!("{kind} table {table};\n");
            let hop = match family.safi {
                133 => "",
                _ if family.afi == 1 => "next hop self;",
                _ => "next hop address 2001:db8:ffff::33;",
            };
            channels += &format!(
                "  {channel} {{ table {table}; import none; export all; {hop} {add_path} }};\n"
            );
        }
        let mut options = match self.terms.hops {
            Some(Hops::Security(hops)) => format!("  multihop {hops};\n  ttl security on;\n"),
            Some(Hops::Ttl(ttl)) => format!("  multihop {ttl};\n"),
            None => "  multihop;\n".to_owned(),
        };
        if let Some(seconds) = self.terms.graceful_restart {
            options += &format!("  graceful restart on;\n  graceful restart time {seconds};\n");
        }
        if let Some(password) = &self.terms.password {
            options += &format!("  password \"{password}\";\n");
        }
        format!(
            "log stderr all;
debug protocols {{ states, events }};
router id {router_id};
attribute int out_med;
attribute ip out_next_hop;
filter to_bmpd {{
  if defined(out_med) then bgp_med = out_med;
  bgp_next_hop = out_next_hop;
  accept;
}}
protocol device {{ }}
{tables}include \"routes.conf\";
protocol bgp bmpd {{
  local {local} port {local_port} as {asn};
  neighbor {remote} port {remote_port} as {bmpd_as};
  strict bind on;
  passive {passive};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
{options}{channels}}}
",
            local = program.ip(),
            local_port = program.port(),
            remote = bmpd.ip(),
            remote_port = bmpd.port(),
            bmpd_as = super::BMPD_AS,
        )
    }

    fn write_routes(&self) {
        let mut text = String::new();
        for family in [Family::IPV4, Family::IPV6] {
            let name = super::short_name(family);
            text += &format!("protocol static static_{name} {{\n  {name};\n");
            for (prefix, attributes) in &self.announced {
                if prefix.family() != family {
                    continue;
                }
                let hop = next_hop(prefix, attributes);
                text += &format!("  route {prefix} blackhole {{ out_next_hop = {hop};");
                let origin = ["IGP", "EGP", "INCOMPLETE"][usize::from(attributes.origin)];
                text += &format!(" bgp_origin = ORIGIN_{origin};");
                for asn in tail_of_path(&self.link, attributes).iter().rev() {
                    text += &format!(" bgp_path.prepend({asn});");
                }
                if let Some(med) = attributes.med {
                    text += &format!(" out_med = {med};");
                }
                for community in &attributes.communities {
                    text += &format!(" bgp_community.add(({}));", join(community, ","));
                }
                for community in &attributes.large_communities {
                    text += &format!(" bgp_large_community.add(({}));", join(community, ","));
                }
                text += " };\n";
            }
            text += "}\n";
        }
        for offer in &self.offers {
            let n = self.named.iter().position(|named| named == offer).expect("it has a name");
            text += &offered(n, offer);
        }
        write(&self.folder.join("routes.conf"), &text);
    }

    fn birdc(&self, words: &[&str]) -> Result<String, String> {
        ask(command("birdc").arg("-s").arg(self.folder.join("bird.ctl")).args(words))
    }

    /// The same where a failure is one of the test.
    #[track_caller]
    fn expect_birdc(&self, words: &[&str]) -> String {
        self.birdc(words).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Takes the session down with a shutdown communication (RFC 9003).
    ///
    /// # Panics
    /// When BIRD does not do so in time.
    #[track_caller]
    pub fn disable_with(&mut self, communication: &str) {
        self.expect_birdc(&["disable", "bmpd", &format!("\"{communication}\"")]);
    }

    /// Takes the session down and leaves the program running.
    ///
    /// # Panics
    /// When BIRD does not do so in time.
    #[track_caller]
    pub fn disable(&mut self) {
        self.expect_birdc(&["disable", "bmpd"]);
    }

    /// Enables the session again.
    ///
    /// # Panics
    /// When BIRD does not do so in time.
    #[track_caller]
    pub fn enable(&mut self) {
        self.expect_birdc(&["enable", "bmpd"]);
    }

    /// Starts it again after a kill with `-R`: its OPEN then announces that it has restarted and kept its
    /// forwarding state (RFC 4724).
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn recover(&mut self) {
        self.run(&["-R"]);
    }

    /// What it has logged so far, before a restart as well.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn log(&self) -> String {
        self.process.as_ref().expect("BIRD runs").log()
    }

    #[track_caller]
    fn run(&mut self, more: &[&str]) {
        self.write_routes();
        let mut bird = command_in(self.terms.namespace.as_ref(), "bird");
        bird.args(["-f", "-c", "bird.conf", "-s", "bird.ctl", "-P", "bird.pid"]).args(more);
        let mut process = Process::spawn("bird", &self.folder, &mut bird);
        process.wait_ready(|_| self.birdc(&["show", "status"]).map(drop));
        self.process = Some(process);
    }

    /// Waits until the session with bmpd is established.
    ///
    /// # Panics
    /// When it is not in time.
    #[track_caller]
    pub fn wait_established(&self) {
        wait_for("BIRD to be established with bmpd", TIMEOUT, || {
            let shown = self.birdc(&["show", "protocols", "bmpd"])?;
            if shown.contains("Established") { Ok(()) } else { Err(shown) }
        });
        // Wakes it up, so that it begins to send now.
        let _ = self.birdc(&["show", "status"]);
    }
}

/// BIRD's names of a family: of the channel of a BGP protocol, and of tables and other channels.
fn channel(family: Family) -> Option<(&'static str, &'static str)> {
    Some(match family {
        Family::IPV4 => ("ipv4", "ipv4"),
        Family::IPV6 => ("ipv6", "ipv6"),
        Family::IPV4_MULTICAST => ("ipv4 multicast", "ipv4"),
        Family::IPV6_MULTICAST => ("ipv6 multicast", "ipv6"),
        Family::IPV4_LABELED => ("ipv4 mpls", "ipv4"),
        Family::IPV6_LABELED => ("ipv6 mpls", "ipv6"),
        Family::VPNV4 => ("vpn4 mpls", "vpn4"),
        Family::VPNV6 => ("vpn6 mpls", "vpn6"),
        Family::IPV4_FLOWSPEC => ("flow4", "flow4"),
        Family::IPV6_FLOWSPEC => ("flow6", "flow6"),
        _ => return None,
    })
}

fn table(family: Family) -> String {
    format!("t{}_{}", family.afi, family.safi)
}

/// The static protocol for one offer.
fn offered(n: usize, offer: &Offer) -> String {
    let hop = if offer.is_v4() { "192.0.2.33" } else { "2001:db8:ffff::33" };
    let route = match offer {
        Offer::Path { prefix, number } => format!(
            "{prefix} blackhole {{ out_next_hop = {hop}; out_med = {number}; \
             bgp_path.prepend({}); }}",
            64_512 + u32::from(*number)
        ),
        Offer::Multicast(prefix) => format!("{prefix} blackhole"),
        Offer::Labeled { prefix, labels } => {
            format!("{prefix} via \"lo\" mpls {}", join(labels, "/"))
        }
        Offer::Vpn { number, prefix, label } => format!(
            "65001:{number} {prefix} via \"lo\" mpls {label} \
             {{ bgp_ext_community.add((rt, 65001, {number})); }}"
        ),
        Offer::Flow { destination, port } => {
            let [kind, protocol] =
                if offer.is_v4() { ["flow4", "proto"] } else { ["flow6", "next header"] };
            // A traffic rate of zero.
            format!(
                "{kind} {{ dst {destination}; {protocol} = 6; dport = {port}; }} \
                 {{ bgp_ext_community.add((generic, 0x80060000, 0)); }}"
            )
        }
        Offer::EvpnPrefix { .. }
        | Offer::EvpnMac { .. }
        | Offer::EvpnMulticast { .. }
        | Offer::VpnFlow { .. } => cannot("BIRD", offer),
    };
    let (_, kind) = channel(offer.family()).expect("a family of BIRD");
    let options = match offer {
        Offer::Path { number, .. } => format!("preference {};", 190 - number),
        _ => format!("table {};", table(offer.family())),
    };
    format!("protocol static offer{n} {{ {kind} {{ {options} }}; route {route}; }}\n")
}

impl Speaker for Bird {
    fn link(&self) -> &Link {
        &self.link
    }

    fn announced(&self) -> &Announced {
        &self.announced
    }

    #[track_caller]
    fn offer(&mut self, offers: Offers) {
        for offer in &offers {
            if !self.named.contains(offer) {
                self.named.push(offer.clone());
            }
        }
        self.offers = offers;
        self.change(self.announced.clone());
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        self.announced = announced;
        self.write_routes();
        if self.process.is_some() {
            let said = self.expect_birdc(&["configure"]);
            assert!(said.contains("Reconfigur"), "{said}");
        }
    }

    #[track_caller]
    fn start_again(&mut self) {
        self.run(&[]);
    }

    fn process(&mut self) -> &mut Option<Process> {
        &mut self.process
    }
}
