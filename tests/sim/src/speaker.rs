//! A neighbor of bmpd: it speaks BGP, and does what a real one does at the worst moment.
//!
//! It writes into the ledger what it announces, and works out from how far bmpd has read what bmpd must
//! know by now.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use simulated::simulation::network::{self, Answer, End, Found};
use tests::bgp::{self, Family, Open, kind};
use tests::random::Random;

use crate::ledger::{Entry, Ledger, Serial};
use crate::plan::{self, BGP_PORT, FAMILIES};
use crate::route::{Key, Said};

/// The capability in which an OPEN has its serial (of those for private use, RFC 8810).
const SERIAL: u8 = 239;

/// The message of RFC 2918.
const ROUTE_REFRESH: u8 = 5;

/// The state that bmpd must have of a neighbor once all is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is up by this connection.
    Up(Serial),
    /// It is down; its routes may still be kept.
    Down {
        /// True if that is possible.
        held: bool,
    },
}

/// One connection.
#[derive(Debug)]
struct Link {
    end: End,
    serial: Serial,
    /// The received bytes of an incomplete message.
    came: Vec<u8>,
    /// How many bytes were sent.
    sent: u64,
    /// What was sent and not yet read: where each message ends, and its effect.
    unread: std::collections::VecDeque<(u64, Effect)>,
    /// True once bmpd's OPEN, and its KEEPALIVE, were received.
    has_open: bool,
    has_keepalive: bool,
    keepalive: Option<Duration>,
    keepalive_at: Duration,
    /// True once the speaker has vanished without closing, or has closed its side.
    is_lost: bool,
    is_over: bool,
}

/// The effect of a message on bmpd.
#[derive(Debug)]
enum Effect {
    /// The session comes up, unless something prevents it.
    Up,
    Said(Said),
    EndOfRib(Family),
    Nothing,
}

/// A neighbor.
#[derive(Debug)]
pub struct Speaker {
    number: usize,
    address: IpAddr,
    /// False if it accepts and makes no connection.
    pub willing: bool,
    links: Vec<Link>,
    /// Until when routes of a connection that is over may be kept.
    kept: Option<Duration>,
    next_try: Duration,
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// With a FIN.
    Close,
    /// With an RST.
    Reset,
    /// With a NOTIFICATION (Cease) and a FIN.
    Cease,
    /// Not at all: the other side receives nothing more.
    Vanish,
    /// In the middle of an UPDATE, with a FIN.
    CloseInside,
    /// In the middle of an UPDATE, with an RST.
    ResetInside,
    /// With bytes that are not BGP.
    Garbage,
}

impl Speaker {
    /// Neighbor number `number`, which begins willing.
    pub fn new(number: usize) -> Self {
        let address = plan::neighbor(number);
        let speaker = Self {
            number,
            address,
            willing: true,
            links: Vec::new(),
            kept: None,
            next_try: Duration::ZERO,
        };
        speaker.answer();
        speaker
    }

    /// Where it listens.
    pub fn place(&self) -> SocketAddr {
        SocketAddr::new(self.address, BGP_PORT)
    }

    fn answer(&self) {
        let answer = if self.willing { Answer::Accept { room: 1 << 16 } } else { Answer::Refuse };
        network::answer(self.place(), answer);
    }

    /// Accepts and makes connections from now on, or does not.
    pub fn set_willing(&mut self, willing: bool) {
        self.willing = willing;
        self.answer();
    }

    /// The connection to announce on: the newest that is up for both sides.
    fn up(&mut self) -> Option<&mut Link> {
        self.links.iter_mut().rev().find(|link| {
            link.has_keepalive && !link.is_lost && !link.is_over && !link.end.is_ended_by_bmpd()
        })
    }

    /// The serial of the connection that is up for both sides.
    pub fn serial(&mut self) -> Option<Serial> {
        self.up().map(|link| link.serial)
    }

    /// Connects to bmpd. False if nothing listens there.
    pub fn connect(&mut self, random: &mut Random, ledger: &mut Ledger, now: Duration) -> bool {
        match network::connect_to_bmpd(self.address, BGP_PORT, 1 << 16) {
            Some(end) => {
                self.begin(end, random, ledger, now);
                true
            }
            None => false,
        }
    }

    /// A connection is there.
    pub fn begin(&mut self, end: End, random: &mut Random, ledger: &mut Ledger, now: Duration) {
        let serial = ledger.len() as Serial + 1;
        let mut open = Open::of(plan::asn(self.number));
        open.router_id = std::net::Ipv4Addr::new(10, 2, 0, self.number as u8 + 1);
        open.hold_time = plan::one_of(random, &[3, 30, 90, 90]);
        open.extended_message = random.chance(30);
        open.families = match random.below(10) {
            0 => vec![Family::IPV4],
            1 => vec![Family::IPV6],
            _ => FAMILIES.to_vec(),
        };
        if random.chance(60) {
            open.add_path = open.families.iter().map(|family| (*family, 3)).collect();
        }
        let graceful = random.chance(50).then(|| plan::one_of(random, &[2, 20, 120]));
        if let Some(time) = graceful {
            let families = open.families.clone();
            let kept = if random.chance(80) { &families[..] } else { &families[..1] };
            open = open.graceful_restart(random.chance(50), time, kept);
        }
        open.others.push((SERIAL, serial.to_be_bytes().to_vec()));
        let message = open.encode();
        ledger.insert(serial, Entry::new(self.number, message.clone(), graceful));
        let mut link = Link {
            end,
            serial,
            came: Vec::new(),
            sent: 0,
            unread: Default::default(),
            has_open: false,
            has_keepalive: false,
            keepalive: None,
            keepalive_at: now,
            is_lost: false,
            is_over: false,
        };
        link.send(&message, Effect::Nothing);
        self.links.push(link);
    }

    /// Reads what has arrived, answers it, and notes how far bmpd has read. The error is a rule that bmpd has
    /// violated.
    pub fn go_on(&mut self, ledger: &mut Ledger, now: Duration) -> Result<(), String> {
        for link in &mut self.links {
            link.note(ledger, now);
            link.receive(ledger, now)?;
        }
        let mut kept = self.kept;
        self.links.retain(|link| {
            let over = link.end.is_ended_by_bmpd();
            if over {
                let Some(entry) = ledger.get_mut(&link.serial) else { return false };
                // Routes of some families are removed even if it restarts: nothing is certain any more.
                entry.complete.values_mut().for_each(|there| there.clear());
                if entry.up_at.is_some() {
                    let time = entry.graceful.map(|time| Duration::from_secs(time.into()));
                    // Whether bmpd keeps its routes depends on which side ended it first; one that was refused
                    // changes nothing.
                    kept = kept.max(time.map(|time| now + time + Duration::from_secs(2)));
                }
            }
            !over
        });
        self.kept = kept;
        Ok(())
    }

    /// Connects if it is the active side and an attempt is due.
    pub fn try_to_connect(&mut self, random: &mut Random, ledger: &mut Ledger, now: Duration) {
        if self.willing && now >= self.next_try && self.links.iter().all(|link| link.is_lost) {
            self.next_try = now + Duration::from_secs(1 + random.below(4));
            self.connect(random, ledger, now);
        }
    }

    /// The state that bmpd must have of it once all that was sent is read.
    pub fn state(&self, ledger: &Ledger, now: Duration) -> Result<State, String> {
        let up = |link: &&Link| ledger[&link.serial].up_at.is_some();
        let mut up = self.links.iter().filter(|link| !link.end.is_ended_by_bmpd()).filter(up);
        match (up.next(), up.next()) {
            (Some(link), None) => Ok(State::Up(link.serial)),
            (None, _) => Ok(State::Down { held: self.is_kept(now) }),
            (Some(_), Some(_)) => Err(format!("two connections with {} are up", self.address)),
        }
    }

    /// True if routes of an earlier connection may still be there.
    pub fn is_kept(&self, now: Duration) -> bool {
        self.kept.is_some_and(|until| now < until)
    }

    /// The time is over in which routes may be kept: every End-of-RIB was sent.
    pub fn forget_kept(&mut self) {
        self.kept = None;
    }

    /// True if bmpd has read all that was sent.
    pub fn is_read(&self) -> bool {
        let current = self.links.iter().filter(|link| !link.end.is_ended_by_bmpd());
        current.filter(|link| !link.is_lost).all(|link| link.unread.is_empty())
    }

    /// How many messages bmpd has still to read of the connection that is up.
    pub fn waiting(&mut self) -> usize {
        self.up().map_or(0, |link| link.unread.len())
    }

    /// Sends an UPDATE on the connection that is up.
    pub fn say(&mut self, said: Said, ledger: &mut Ledger) {
        let Some(link) = self.up() else { return };
        if let Some(entry) = ledger.get_mut(&link.serial) {
            entry.announce(&said);
        }
        link.send(&said.encode(), Effect::Said(said));
    }

    /// Sends an End-of-RIB.
    pub fn end_of_rib(&mut self, family: Family) {
        if let Some(link) = self.up() {
            link.send(&bgp::end_of_rib(family), Effect::EndOfRib(family));
        }
    }

    /// Requests our routes, of which there are none.
    pub fn ask_for_routes(&mut self, family: Family) {
        if let Some(link) = self.up() {
            let [high, low] = family.afi.to_be_bytes();
            let message = bgp::message(ROUTE_REFRESH, &[high, low, 0, family.safi]);
            link.send(&message, Effect::Nothing);
        }
    }

    /// Ends a connection: that which is up, or any.
    pub fn end(&mut self, ending: Ending, ledger: &Ledger, next: &Said) {
        let up = self.up().map(|link| link.serial);
        let up =
            up.or_else(|| self.links.iter().find(|l| !l.is_lost && !l.is_over).map(|l| l.serial));
        let Some(link) = self.links.iter_mut().find(|link| Some(link.serial) == up) else { return };
        let inside = next.encode();
        let half = &inside[..inside.len() / 2 + 8];
        match ending {
            Ending::Close => link.end.close(),
            Ending::Reset => link.end.reset(),
            Ending::Cease => {
                link.end.write(&bgp::message(kind::NOTIFICATION, &[6, 2]));
                link.end.close();
            }
            Ending::Vanish if ledger[&link.serial].up_at.is_none() => link.end.reset(),
            Ending::Vanish => link.is_lost = true,
            Ending::CloseInside => {
                link.end.write(half);
                link.end.close();
            }
            Ending::ResetInside => {
                link.end.write(half);
                link.end.reset();
            }
            Ending::Garbage => {
                link.end.write(&[0; 19]);
                link.end.end_writing();
            }
        }
        link.is_over = ending != Ending::Vanish;
    }

    /// TCP has detected the connections that vanished without being closed.
    pub fn find_the_lost(&mut self) {
        self.links.iter().filter(|link| link.is_lost).for_each(|link| link.end.reset());
    }

    /// A route that it has announced on the connection that is up, if there is one.
    pub fn known(&mut self, random: &mut Random, ledger: &Ledger) -> Option<Key> {
        let entry = &ledger[&self.serial()?];
        let keys: Vec<&Key> = entry.ever.keys().collect();
        (!keys.is_empty()).then(|| keys[random.below(keys.len() as u64) as usize].clone())
    }
}

impl Link {
    fn send(&mut self, message: &[u8], effect: Effect) {
        self.sent += message.len() as u64;
        self.end.write(message);
        self.unread.push_back((self.sent, effect));
    }

    /// Puts into the ledger what bmpd has read.
    fn note(&mut self, ledger: &mut Ledger, now: Duration) {
        let read = self.end.read_by_bmpd();
        let Some(entry) = ledger.get_mut(&self.serial) else { return };
        while let Some((end, _)) = self.unread.front()
            && *end <= read
        {
            match self.unread.pop_front() {
                Some((_, Effect::Up)) => entry.up_at = Some(now),
                Some((_, Effect::Said(said))) => entry.take(&said),
                Some((_, Effect::EndOfRib(family))) => entry.take_end_of_rib(family, now),
                Some((_, Effect::Nothing)) | None => {}
            }
        }
    }

    fn receive(&mut self, ledger: &mut Ledger, now: Duration) -> Result<(), String> {
        if self.is_lost || self.is_over {
            return Ok(());
        }
        loop {
            match self.end.read(usize::MAX) {
                Found::Bytes(bytes) => self.came.extend(bytes),
                Found::Nothing => break,
                Found::End | Found::Reset => {
                    self.end.close();
                    self.is_over = true;
                    break;
                }
            }
        }
        let came = std::mem::take(&mut self.came);
        let mut rest = &came[..];
        while let Some(message) = bgp::split_arrived(&mut rest)? {
            self.take(&message, ledger, now)?;
        }
        self.came = rest.to_vec();
        if let Some(every) = self.keepalive.filter(|_| !self.is_over && now >= self.keepalive_at) {
            self.keepalive_at = now + every;
            self.send(&bgp::message(kind::KEEPALIVE, &[]), Effect::Nothing);
        }
        Ok(())
    }

    fn take(
        &mut self,
        message: &bgp::Message<'_>,
        ledger: &mut Ledger,
        now: Duration,
    ) -> Result<(), String> {
        match message.kind {
            kind::OPEN if !self.has_open => {
                self.has_open = true;
                let theirs = Open::parse(message.body)?;
                if let Some(entry) = ledger.get_mut(&self.serial) {
                    entry.received_open = message.whole.to_vec();
                    self.keepalive = agree(entry, &theirs)?;
                }
                self.keepalive_at = now + self.keepalive.unwrap_or_default();
                self.send(&bgp::message(kind::KEEPALIVE, &[]), Effect::Up);
            }
            kind::KEEPALIVE if self.has_open => self.has_keepalive = true,
            kind::UPDATE if self.has_keepalive => {
                let update = bgp::Update::parse(message.body)?;
                let family = update.end_of_rib.ok_or("bmpd announces routes")?;
                let entry = &ledger[&self.serial];
                if entry.graceful.is_none() || !entry.families.contains(&family) {
                    return Err(format!("an End-of-RIB of {family} that nobody waits for"));
                }
            }
            kind::NOTIFICATION => {
                // A speaker that has sent something invalid reads nothing more: see `receive`. Without a family in
                // common there is no session (RFC 5492 section 3).
                let no_family = ledger[&self.serial].families.is_empty();
                if let [code @ (1 | 2 | 3 | 5), subcode, ..] = message.body
                    && !(no_family && (*code, *subcode) == (2, 7))
                {
                    return Err(format!(
                        "a NOTIFICATION {code}/{subcode} to {}, which has sent nothing wrong",
                        plan::neighbor(ledger[&self.serial].neighbor)
                    ));
                }
                self.end.close();
                self.is_over = true;
            }
            other => return Err(format!("a BGP message of type {other} at the wrong time")),
        }
        Ok(())
    }
}

/// Notes what the OPENs agree on; returns how often a KEEPALIVE is due.
fn agree(entry: &mut Entry, theirs: &Open) -> Result<Option<Duration>, String> {
    let mut bytes = &entry.sent_open[..];
    let ours = Open::parse(bgp::split_message(&mut bytes)?.body)?;
    // In the order of bmpd's OPEN, which is that of the configuration.
    entry.families = theirs.families.clone();
    entry.families.retain(|family| ours.families.contains(family));
    let several = |open: &Open, family, with: u8| {
        open.add_path.iter().any(|(of, mode)| *of == family && mode & with != 0)
    };
    entry.add_path = entry.families.clone();
    entry.add_path.retain(|family| several(&ours, *family, 2) && several(theirs, *family, 1));
    let hold = ours.hold_time.min(theirs.hold_time);
    Ok((hold > 0).then(|| Duration::from_secs((u64::from(hold) / 3).max(1))))
}

impl Ending {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Ending::Close => "neighbors close",
            Ending::Reset => "neighbors reset",
            Ending::Cease => "neighbors cease",
            Ending::Vanish => "neighbors vanish",
            Ending::CloseInside => "neighbors close in the middle of a message",
            Ending::ResetInside => "neighbors reset in the middle of a message",
            Ending::Garbage => "neighbors send garbage",
        }
    }
}
