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

use std::path::PathBuf;

use rustix::process::Signal;

use super::{Announced, Connects, Link, Process, Speaker, command, join, next_hop, tail_of_path};
use super::{PATIENCE, ask, tell, write};
use crate::bgp::Family;
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// A BIRD with one BGP session. Killed when dropped.
#[derive(Debug)]
pub struct Bird {
    link: Link,
    announced: Announced,
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
        let folder = link.folder(scratch, "bird");
        let mut bird = Self { link, announced, folder, process: None };
        write(&bird.folder.join("bird.conf"), &bird.configuration());
        bird.start_again();
        bird
    }

    fn configuration(&self) -> String {
        let Link { program, asn, bmpd, connects, router_id } = self.link;
        let passive = if connects == Connects::Bmpd { "on" } else { "off" };
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
include \"routes.conf\";
protocol bgp bmpd {{
  local {local} port {local_port} as {asn};
  neighbor {remote} port {remote_port} as {bmpd_as};
  strict bind on;
  multihop;
  passive {passive};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  ipv4 {{ import none; export filter to_bmpd; }};
  ipv6 {{ import none; export filter to_bmpd; }};
}}
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
        write(&self.folder.join("routes.conf"), &text);
    }

    fn birdc(&self, words: &[&str]) -> Result<String, String> {
        ask(command("birdc").arg("-s").arg(self.folder.join("bird.ctl")).args(words))
    }

    #[track_caller]
    fn obey(&self, words: &[&str]) -> String {
        tell(command("birdc").arg("-s").arg(self.folder.join("bird.ctl")).args(words))
    }

    /// Takes the session down and leaves the program running.
    ///
    /// # Panics
    /// When BIRD does not obey.
    #[track_caller]
    pub fn disable(&mut self) {
        self.obey(&["disable", "bmpd"]);
    }

    /// Lets the session come up again.
    ///
    /// # Panics
    /// When BIRD does not obey.
    #[track_caller]
    pub fn enable(&mut self) {
        self.obey(&["enable", "bmpd"]);
    }

    /// Waits until the session with bmpd is established.
    ///
    /// # Panics
    /// When it is not in time.
    #[track_caller]
    pub fn wait_established(&self) {
        wait_for("BIRD to be established with bmpd", PATIENCE, || {
            let shown = self.birdc(&["show", "protocols", "bmpd"])?;
            if shown.contains("Established") { Ok(()) } else { Err(shown) }
        });
        // Wakes it up, so that it begins to send now.
        let _ = self.birdc(&["show", "status"]);
    }
}

impl Speaker for Bird {
    fn link(&self) -> &Link {
        &self.link
    }

    fn announced(&self) -> &Announced {
        &self.announced
    }

    #[track_caller]
    fn change(&mut self, announced: Announced) {
        self.announced = announced;
        self.write_routes();
        if self.process.is_some() {
            let said = self.obey(&["configure"]);
            assert!(said.contains("Reconfigur"), "{said}");
        }
    }

    #[track_caller]
    fn start_again(&mut self) {
        self.write_routes();
        let mut bird = command("bird");
        bird.args(["-f", "-c", "bird.conf", "-s", "bird.ctl", "-P", "bird.pid"]);
        let mut process = Process::spawn("bird", &self.folder, &mut bird);
        process.wait_ready(|_| self.birdc(&["show", "status"]).map(drop));
        self.process = Some(process);
    }

    #[track_caller]
    fn stop(&mut self) {
        self.process.take().expect("BIRD runs").end(Signal::TERM);
    }

    #[track_caller]
    fn kill(&mut self) {
        self.process.take().expect("BIRD runs").end(Signal::KILL);
    }

    #[track_caller]
    fn freeze(&mut self) {
        self.process.as_mut().expect("BIRD runs").signal(Signal::STOP);
    }

    #[track_caller]
    fn thaw(&mut self) {
        self.process.as_mut().expect("BIRD runs").signal(Signal::CONT);
    }
}
