//! bmpd with its bystander and its witness, and whether anything has disturbed them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::{Footprint, Margin};
use crate::addresses::loopback;
use crate::bgp::{self, Prefix, Routes, Update};
use crate::bmp::Mode;
use crate::daemon::{self, Daemon, binary};
use crate::neighbor::{Neighbor, Options};
use crate::random::Random;
use crate::scratch::Scratch;
use crate::station::Station;
use crate::table::{Attributes, Table, put_announcements};
use crate::wait::wait_for;

/// The timeout of what must go on working, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The AS of the bystander, and that of the culprit.
const BYSTANDER_AS: u32 = 65001;
const CULPRIT_AS: u32 = 65002;

/// What is special about a ground.
#[derive(Debug, Default)]
pub struct Terms<'a> {
    /// Lines of `[bgp]`.
    pub bgp: &'a str,
    /// Lines of the culprit's `[[bgp.neighbor]]`.
    pub neighbor: &'a str,
    /// Further tables.
    pub tables: &'a str,
    /// How bmpd is run, if not as it is.
    pub command: Option<Command>,
}

/// What faults happen on. Everything is ended and removed when it is dropped.
#[derive(Debug)]
pub struct Ground {
    /// bmpd.
    pub daemon: Daemon,
    /// Where it listens for neighbors.
    pub listen: SocketAddr,
    /// A neighbor that behaves well.
    pub bystander: Neighbor,
    /// A station that monitors the bystander only.
    pub witness: Station,
    /// A station that monitors all neighbors.
    pub counter: Station,
    /// The address of the neighbor that misbehaves.
    pub culprit: IpAddr,
    /// The configuration.
    pub config: String,
    /// The folder of it all.
    pub scratch: Scratch,
    markers: AtomicU32,
}

/// How it was before a fault.
#[derive(Debug)]
pub struct Undisturbed {
    witnessed: usize,
    generation: Value,
    established: Value,
}

impl Undisturbed {
    /// How many connections the witness had had.
    pub fn connections(&self) -> usize {
        self.witnessed
    }
}

/// A document of bmpctl.
///
/// # Panics
/// When the command fails.
#[track_caller]
pub fn json(daemon: &Daemon, arguments: &[&str]) -> Value {
    let output = daemon.bmpctl(&[arguments, &["--json"]].concat());
    serde_json::from_str(output.done()).unwrap_or_else(|e| panic!("{e}: {output}"))
}

impl Ground {
    /// Starts them all and waits until the witness has the bystander's table.
    ///
    /// # Panics
    /// When something does not come up.
    #[track_caller]
    pub fn start(terms: Terms<'_>) -> Self {
        let (witness, counter) = (
            Station::listen(loopback(), Mode::Keeping),
            Station::listen(loopback(), Mode::Counting),
        );
        let (listen, peer, culprit) = (daemon::bgp_listen(), loopback(), loopback());
        let bgp = daemon::bgp(listen).trim_end().to_owned();
        let config = format!(
            "{}monitor.public = false\nmonitor.neighbors = [{{ address = \"{peer}\" }}]\n\n{}{bgp}\n{}\n\n{}{}\n{}\n\n{}",
            daemon::session(witness.ip(), witness.port(), None).trim_end_matches('\n').to_owned()
                + "\n",
            daemon::session(counter.ip(), counter.port(), None),
            terms.bgp,
            daemon::neighbor(peer, BYSTANDER_AS),
            daemon::neighbor(culprit, CULPRIT_AS).trim_end(),
            terms.neighbor,
            terms.tables,
        );
        let scratch = Scratch::new();
        let command = terms.command.unwrap_or_else(|| Command::new(binary("bmpd")));
        let daemon = Daemon::spawn_by(command, &scratch, "bmpd", &config, "info");
        daemon.wait_ready();
        let bystander = Neighbor::connect(&Options::new(peer, BYSTANDER_AS), listen);
        bystander.send_all(&Table::of(BYSTANDER_AS, 500, 100));
        let ground = Self {
            daemon,
            listen,
            bystander,
            witness,
            counter,
            culprit,
            config,
            scratch,
            markers: AtomicU32::new(0),
        };
        ground.witness.wait_connection(1).wait_complete(peer, TIMEOUT);
        ground.counter.wait_connection(1).wait_complete(peer, TIMEOUT);
        ground.flows();
        ground
    }

    /// Kills bmpd and starts it again, see [`Ground::start_again`].
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn kill_and_start(&mut self) {
        self.daemon.signal(Signal::KILL);
        self.daemon.wait_exit();
        self.start_again();
    }

    /// Starts bmpd again, which has ended, as it is by default, and brings the bystander back.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.daemon = Daemon::start_as(&self.scratch, "bmpd", &self.config, "info");
        let options = self.bystander.options().clone();
        self.bystander = Neighbor::connect(&options, self.listen);
        self.bystander.send_all(&Table::of(BYSTANDER_AS, 500, 100));
    }

    /// How the culprit presents itself.
    pub fn options(&self) -> Options {
        Options::new(self.culprit, CULPRIT_AS)
    }

    /// The culprit with a session.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn connect(&self) -> Neighbor {
        Neighbor::connect(&self.options(), self.listen)
    }

    /// The report of `show neighbor` on one.
    ///
    /// # Panics
    /// When bmpctl fails.
    #[track_caller]
    pub fn neighbor(&self, address: IpAddr) -> Value {
        json(&self.daemon, &["show", "neighbor", &address.to_string()])["neighbors"][0].clone()
    }

    /// The report of `show session` on the one with this station.
    ///
    /// # Panics
    /// When bmpctl fails.
    #[track_caller]
    pub fn session(&self, station: IpAddr) -> Value {
        json(&self.daemon, &["show", "session", &station.to_string()])["sessions"][0].clone()
    }

    /// Waits until `show neighbor` shows this for the culprit, in its last error or its last end.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn wait_reason(&self, reason: &str) {
        wait_for(&format!("the reason {reason:?}"), TIMEOUT, || {
            let shown = self.neighbor(self.culprit);
            let texts = [&shown["last_error"]["text"], &shown["last_down"]["text"]];
            let found = texts.iter().filter_map(|text| text.as_str()).any(|t| t.contains(reason));
            if found { Ok(()) } else { Err(shown.to_string()) }
        });
    }

    /// How it is before a fault.
    ///
    /// # Panics
    /// When bmpctl fails.
    #[track_caller]
    pub fn begin(&self) -> Undisturbed {
        Undisturbed {
            witnessed: self.witness.connections().len(),
            generation: self.session(self.witness.ip())["generation"].clone(),
            established: self.neighbor(self.bystander.ip())["established_count"].clone(),
        }
    }

    /// Has the bystander announce something, and waits until the witness has it.
    ///
    /// # Panics
    /// When it has not within 30 s.
    #[track_caller]
    pub fn flows(&self) {
        let number = self.markers.fetch_add(1, Ordering::Relaxed);
        let prefix = Prefix::new(Ipv4Addr::new(203, 0, 113, 0).into(), 24);
        let sample = Attributes::sample(BYSTANDER_AS, &mut Random::new(1));
        let attributes = Attributes { med: Some(number), ..sample };
        let mut bytes = Vec::new();
        put_announcements(&mut bytes, &[prefix], &attributes);
        let mut routes = Routes::new();
        let message = bgp::split_message(&mut &bytes[..]).expect("our own message").body;
        let update = Update::parse(message).expect("our own update");
        update.apply(&mut routes).expect("our own update");
        self.bystander.send(bytes);
        let peer = self.bystander.ip();
        wait_for("the bystander's route at the witness", TIMEOUT, || {
            let latest = self.witness.latest().ok_or("no connection")?;
            let there = latest.look(|record| {
                record.peer(peer)?.routes.get(&prefix).map(|r| *r == routes[&prefix])
            });
            if there == Some(true) { Ok(()) } else { Err(latest.summary()) }
        });
    }

    /// Checks that nothing has happened to the bystander and the witness, and that routes still go from
    /// one to the other.
    ///
    /// # Panics
    /// When something has.
    #[track_caller]
    pub fn assert_undisturbed(&self, before: &Undisturbed) {
        self.flows();
        let received = self.bystander.received();
        assert!(
            received.closed.is_none() && received.notification.is_none(),
            "bystander: {received:?}"
        );
        assert_eq!(self.witness.connections().len(), before.witnessed, "the witness");
        let latest = self.witness.latest().expect("it has connections");
        assert_eq!(latest.end(), None, "the witness");
        let session = self.session(self.witness.ip());
        assert_eq!(session["generation"], before.generation, "{session}");
        assert_eq!(session["state"], "established", "{session}");
        let neighbor = self.neighbor(self.bystander.ip());
        assert_eq!(neighbor["established_count"], before.established, "{neighbor}");
        self.witness.assert_legal();
    }

    /// Waits until the witness holds exactly what the bystander has announced.
    ///
    /// # Panics
    /// When it does not within 30 s.
    #[track_caller]
    pub fn wait_witnessed(&self) {
        let latest = self.witness.latest().expect("it has connections");
        latest.wait_routes(self.bystander.ip(), &self.bystander.expected(), TIMEOUT);
    }

    /// Runs a fault three times, each of which must not affect the bystander and the witness and must return
    /// what it used. What the allocator keeps after the first one is the reference for the others.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn thrice(&self, margin: Margin, mut fault: impl FnMut(&Self)) {
        let virgin = Footprint::of(&self.daemon);
        let before = self.begin();
        let mut warm = None;
        for round in 1..=3 {
            fault(self);
            self.assert_undisturbed(&before);
            let (measure, margin) = match &warm {
                None => (&virgin, None),
                Some(warm) => (warm, Some(margin)),
            };
            let back = measure.wait_back(&self.daemon, margin, TIMEOUT);
            let now =
                back.unwrap_or_else(|e| panic!("after round {round}: {e}\nvirgin: {virgin:?}"));
            warm.get_or_insert(now);
        }
        self.wait_witnessed();
    }

    /// How many lines of the log have this text.
    pub fn logged(&self, text: &str) -> usize {
        self.daemon.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Checks that the log has this text, and not more often than so many times.
    ///
    /// # Panics
    /// When it has not.
    #[track_caller]
    pub fn assert_logged(&self, text: &str, most: usize) {
        let count = self.logged(text);
        assert!((1..=most).contains(&count), "{count} lines with {text:?}: {}", self.daemon.log());
    }
}
