//! What one BMP connection carried, and whether that was valid.
//!
//! A [`Record`] is fed message by message by a station. It counts, keeps what its mode requires,
//! and records every violation of RFC 7854 (and of bmpd's own guarantees about order) as a sentence
//! in [`Record::violations`]. Written for the tests alone; shares nothing with bmpd.
//!
//! What the bytes mean is in [`message`] and [`header`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::time::Instant;

use self::message::{Message, Tlv, tlv};
use crate::bgp::{self, Family, Open, Routes, Update, hex};
use crate::nlri::{self, AddPaths, Rib};
use crate::relay::Summary;

pub mod header;
pub mod message;

pub use self::header::{Identity, PEER_HEADER, Peer, PeerHeader, View};
pub use self::message::{COMMON_HEADER, MAX_MESSAGE};

/// Message types of RFC 7854 section 4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Route Monitoring.
    RouteMonitoring,
    /// Statistics Report.
    StatisticsReport,
    /// Peer Down Notification.
    PeerDown,
    /// Peer Up Notification.
    PeerUp,
    /// Initiation Message.
    Initiation,
    /// Termination Message.
    Termination,
    /// Route Mirroring Message.
    RouteMirroring,
    /// A type that no RFC has: only from a router, through bmpd.
    Unknown(u8),
}

impl Kind {
    fn from_wire(kind: u8) -> Self {
        match kind {
            message::kind::ROUTE_MONITORING => Kind::RouteMonitoring,
            message::kind::STATISTICS => Kind::StatisticsReport,
            message::kind::PEER_DOWN => Kind::PeerDown,
            message::kind::PEER_UP => Kind::PeerUp,
            message::kind::INITIATION => Kind::Initiation,
            message::kind::TERMINATION => Kind::Termination,
            message::kind::ROUTE_MIRRORING => Kind::RouteMirroring,
            other => Kind::Unknown(other),
        }
    }
}

/// A Peer Up.
#[derive(Debug, Clone)]
pub struct PeerUp {
    /// Its per-peer header.
    pub header: PeerHeader,
    /// Our end of the BGP connection: address and port as sent.
    pub local: (IpAddr, u16),
    /// The peer's port.
    pub remote_port: u16,
    /// The OPEN that bmpd sent, with its header.
    pub sent_open: Vec<u8>,
    /// The OPEN that bmpd received, with its header.
    pub received_open: Vec<u8>,
    /// Type and value of each information TLV behind the OPENs.
    pub information: Vec<Tlv>,
    /// When the station read it.
    pub at: Instant,
}

impl PeerUp {
    /// The VRF/Table Name (RFC 9069 section 5.3).
    pub fn table_name(&self) -> Option<String> {
        let (_, value) = self.information.iter().find(|(kind, _)| *kind == tlv::TABLE_NAME)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}

/// A Peer Down.
#[derive(Debug, Clone)]
pub struct PeerDown {
    /// Its per-peer header.
    pub header: PeerHeader,
    /// Its reason code.
    pub reason: u8,
    /// What follows the reason.
    pub data: Vec<u8>,
    /// When the station read it.
    pub at: Instant,
}

/// A Statistics Report.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Its per-peer header.
    pub header: PeerHeader,
    /// Type and value of each TLV, in order.
    pub counters: Vec<Tlv>,
    /// When the station read it.
    pub at: Instant,
}

impl Statistics {
    /// The value of a counter or gauge that is not of one family.
    pub fn value(&self, kind: u16) -> Option<u64> {
        self.find(kind, None)
    }

    /// The value of a gauge of one family (types 9, 10, 16, 17).
    pub fn family_value(&self, kind: u16, family: Family) -> Option<u64> {
        self.find(kind, Some(family))
    }

    fn find(&self, kind: u16, family: Option<Family>) -> Option<u64> {
        let mut of_kind = self.counters.iter().filter(|(other, _)| *other == kind);
        of_kind.find_map(|(_, value)| {
            let (of, number) = message::read_statistic(value);
            (of == family).then_some(number)
        })
    }
}

/// How much of a connection is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Numbers and fingerprints: quick, small.
    Counting,
    /// The set of routes and every byte as well.
    Keeping,
}

/// The state of one monitored peer that is up.
#[derive(Debug, Clone, Default)]
pub struct PeerState {
    /// When the End-of-RIB of each family was received.
    pub end_of_rib: BTreeMap<Family, Instant>,
    /// The peer's IPv4 and IPv6 unicast routes, unless ADD-PATH is in use for their family; empty in
    /// [`Mode::Counting`].
    pub routes: Routes,
    /// All other routes; empty in [`Mode::Counting`]. See [`PeerState::rib`].
    pub others: Rib,
    /// The families in which its NLRI have path identifiers, by the two OPENs of the Peer Up.
    pub add_paths: AddPaths,
    /// The families of the session with it, by the two OPENs.
    pub families: BTreeSet<Family>,
    /// Announced routes since Peer Up; one that is announced twice counts twice.
    pub announced: u64,
    /// Withdrawn routes since Peer Up.
    pub withdrawn: u64,
    /// The sum of the fingerprints of what was announced since Peer Up.
    pub fingerprint: u64,
}

impl PeerState {
    /// All routes of all families, as received.
    pub fn rib(&self) -> Rib {
        let mut rib = nlri::of_routes(&self.routes);
        rib.extend(self.others.iter().map(|(key, entry)| (key.clone(), entry.clone())));
        rib
    }
}

/// What one connection carried.
#[derive(Debug)]
pub struct Record {
    mode: Mode,
    /// Messages by kind.
    pub messages: BTreeMap<Kind, u64>,
    /// Bytes of complete messages.
    pub bytes: u64,
    /// The kinds of all messages in order with the bytes of each in `raw`; only in `Keeping`.
    pub sequence: Vec<(Kind, Range<usize>)>,
    /// All messages as received; only in [`Mode::Keeping`].
    pub raw: Vec<u8>,
    /// The TLVs of the Initiation.
    pub initiation: Vec<Tlv>,
    /// The reason of the Termination.
    pub termination: Option<u16>,
    /// The peers that are up.
    pub peers: BTreeMap<Peer, PeerState>,
    /// All Peer Ups.
    pub peer_ups: Vec<PeerUp>,
    /// All Peer Downs.
    pub peer_downs: Vec<PeerDown>,
    /// All Statistics Reports.
    pub statistics: Vec<Statistics>,
    /// Announced routes of all peers, ever.
    pub announced: u64,
    /// Withdrawn routes of all peers, ever.
    pub withdrawn: u64,
    /// Withdrawals of routes that the connection had not announced: harmless, but of no use.
    /// Only in [`Mode::Keeping`].
    pub idle_withdrawals: u64,
    /// Violations of the protocol, as sentences; the first twenty of them.
    pub violations: Vec<String>,
    /// Per-peer flags seen in Route Monitoring.
    pub flags: BTreeSet<u8>,
    /// When the last message was read.
    pub last_at: Option<Instant>,
    /// Whether a Peer Up may follow another one without a Peer Down between them, as it may where
    /// the peer restarts gracefully: its routes stay, its End-of-RIBs are awaited again.
    pub second_peer_up: bool,
    /// What is known of a router whose messages bmpd passes on. Then they are validated there, and of what is above
    /// only numbers and bytes are kept.
    pub router: Option<Summary>,
}

impl Record {
    /// Of a connection that has carried nothing yet.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            messages: BTreeMap::new(),
            bytes: 0,
            sequence: vec![],
            raw: vec![],
            initiation: vec![],
            termination: None,
            peers: BTreeMap::new(),
            peer_ups: vec![],
            peer_downs: vec![],
            statistics: vec![],
            announced: 0,
            withdrawn: 0,
            idle_withdrawals: 0,
            violations: vec![],
            flags: BTreeSet::new(),
            last_at: None,
            second_peer_up: false,
            router: None,
        }
    }

    /// The number of messages of a kind.
    pub fn count(&self, kind: Kind) -> u64 {
        self.messages.get(&kind).copied().unwrap_or(0)
    }

    /// The peer with this address, if it is up.
    pub fn peer(&self, address: IpAddr) -> Option<&PeerState> {
        self.peers.iter().find(|(peer, _)| peer.address == address).map(|(_, state)| state)
    }

    /// The peer with this type, distinguisher and address, if it is up.
    pub fn peer_of(&self, kind: u8, distinguisher: u64, address: IpAddr) -> Option<&PeerState> {
        self.peers.get(&Peer { address, kind, distinguisher })
    }

    /// The routes of all families that the peer with this address has, if it is up.
    pub fn rib(&self, address: IpAddr) -> Option<Rib> {
        self.peer(address).map(PeerState::rib)
    }

    /// The free-form texts of the Initiation, in their order.
    pub fn free_form(&self) -> Vec<String> {
        let texts = self.initiation.iter().filter(|(kind, _)| *kind == tlv::STRING);
        texts.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// When the last of the End-of-RIBs of these families was received, if the peer is up and has them all.
    pub fn complete_of(&self, address: IpAddr, families: &[Family]) -> Option<Instant> {
        let ended = &self.peer(address)?.end_of_rib;
        let times: Option<Vec<Instant>> = families.iter().map(|f| ended.get(f).copied()).collect();
        times?.into_iter().max()
    }

    /// When the last of the End-of-RIBs was received, if the peer is up and both families are complete.
    pub fn complete_at(&self, address: IpAddr) -> Option<Instant> {
        let peer = self.peer(address)?;
        let ipv4 = peer.end_of_rib.get(&Family::IPV4)?;
        let ipv6 = peer.end_of_rib.get(&Family::IPV6)?;
        Some(*ipv4.max(ipv6))
    }

    /// A short summary.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{} announced, {} withdrawn, {:?}, {} bytes",
            self.announced, self.withdrawn, self.messages, self.bytes
        );
        for (peer, state) in &self.peers {
            let families: Vec<String> = state.end_of_rib.keys().map(Family::to_string).collect();
            text += &format!(
                "; {peer} up: {} announced, {} held, End-of-RIB {families:?}",
                state.announced,
                state.routes.len() + state.others.len()
            );
        }
        if !self.violations.is_empty() {
            text += &format!("; violations: {:?}", self.violations);
        }
        text
    }

    /// The UPDATEs of all Route Monitoring messages, in their order, each with its header; only in [`Mode::Keeping`].
    ///
    /// # Panics
    /// When one cannot be read.
    pub fn updates(&self) -> impl Iterator<Item = (PeerHeader, Update<'_>)> {
        let of_routes = self.sequence.iter().filter(|(kind, _)| *kind == Kind::RouteMonitoring);
        of_routes.map(|(_, range)| {
            let whole = &self.raw[range.clone()];
            let message = Message { kind: message::kind::ROUTE_MONITORING, whole };
            let (header, body) = message.peer().expect("a per-peer header");
            let update = message::read_monitoring(body).and_then(Update::parse);
            (header, update.expect("an UPDATE"))
        })
    }

    /// Records a violation.
    pub fn violation(&mut self, text: String) {
        if self.violations.len() < 20 {
            self.violations.push(text);
        }
    }

    /// Takes one message, whole, as it was read at `at`.
    pub fn message(&mut self, bytes: &[u8], at: Instant) {
        if let Err(breach) = self.take(bytes, at) {
            let number: u64 = self.messages.values().sum();
            self.violation(format!("message {number}: {breach}"));
        }
    }

    fn take(&mut self, bytes: &[u8], at: Instant) -> Result<(), String> {
        let kind = Kind::from_wire(bytes[5]);
        let first = self.messages.is_empty();
        *self.messages.entry(kind).or_default() += 1;
        self.bytes += bytes.len() as u64;
        self.last_at = Some(at);
        if self.mode == Mode::Keeping {
            let begin = self.raw.len();
            self.raw.extend_from_slice(bytes);
            self.sequence.push((kind, begin..self.raw.len()));
        }
        if let Some(router) = &mut self.router {
            router.take(bytes);
            return Ok(());
        }
        if first != (kind == Kind::Initiation) {
            return Err(format!("{kind:?} as the first message: {first}"));
        }
        if self.termination.is_some() {
            return Err(format!("{kind:?} after the Termination"));
        }
        let message = Message { kind: bytes[5], whole: bytes };
        match kind {
            Kind::Initiation => return self.initiation(message.body()),
            Kind::Termination => return self.terminate(message.body()),
            Kind::Unknown(code) => return Err(format!("BMP message type {code}")),
            _ => {}
        }
        let (header, body) = message.peer().map_err(|e| format!("{kind:?}: {e}"))?;
        header.validate()?;
        let in_kind = |e: String| format!("{kind:?} of {}: {e}", header.peer);
        let up = self.peers.contains_key(&header.peer);
        match kind {
            Kind::PeerUp if up && !self.second_peer_up => {
                Err("without a Peer Down since the last one".to_owned())
            }
            Kind::PeerUp => self.peer_up(header, body, at),
            _ if !up => Err("for a peer that is not up".to_owned()),
            Kind::PeerDown => self.peer_down(header, body, at),
            Kind::StatisticsReport => self.statistics(header, body, at),
            Kind::RouteMonitoring => self.routes(header, body, at),
            _ => Ok(()),
        }
        .map_err(in_kind)
    }

    fn initiation(&mut self, body: &[u8]) -> Result<(), String> {
        self.initiation = message::read_tlvs(body)?;
        for (kind, name) in [(tlv::SYSTEM_DESCRIPTION, "sysDescr"), (tlv::SYSTEM_NAME, "sysName")] {
            if !self.initiation.iter().any(|(k, value)| *k == kind && !value.is_empty()) {
                return Err(format!("an Initiation without {name}"));
            }
        }
        for (kind, value) in &self.initiation {
            if *kind > tlv::SYSTEM_NAME {
                return Err(format!("an Initiation with a TLV of type {kind}"));
            }
            if str::from_utf8(value).is_err() {
                return Err(format!("a TLV of type {kind} that is not UTF-8: {}", hex(value)));
            }
        }
        Ok(())
    }

    fn terminate(&mut self, body: &[u8]) -> Result<(), String> {
        let reason = message::read_termination(body)?;
        self.termination = Some(reason);
        // RFC 7854 section 4.5: the reasons end at 4, permanently administratively closed.
        if reason > 4 { Err(format!("a Termination for reason {reason}")) } else { Ok(()) }
    }

    fn peer_up(&mut self, header: PeerHeader, body: &[u8], at: Instant) -> Result<(), String> {
        // Where a second one is allowed, the routes of the first are still those of the peer.
        let state = self.peers.entry(header.peer).or_default();
        state.end_of_rib.clear();
        let up = message::read_peer_up(body)?;
        let local = up.local(header.peer.address.is_ipv6())?;
        let information = message::read_tlvs(up.information)?;
        for (kind, value) in &information {
            match *kind {
                tlv::STRING => {}
                tlv::TABLE_NAME if (1..=255).contains(&value.len()) => {}
                kind => return Err(format!("a TLV of type {kind} with {} bytes", value.len())),
            }
            if str::from_utf8(value).is_err() {
                return Err(format!("a TLV of type {kind} that is not UTF-8: {}", hex(value)));
            }
        }
        let ours = Open::parse(up.sent_open.body)?;
        let theirs = Open::parse(up.received_open.body)?;
        state.add_paths = nlri::add_paths(&ours, &theirs);
        state.families = nlri::families(&ours, &theirs);
        if (theirs.asn, theirs.router_id) != (header.asn, header.router_id) {
            return Err("the received OPEN is of another speaker than the header".to_owned());
        }
        self.peer_ups.push(PeerUp {
            header,
            local: (local, up.ports[0]),
            remote_port: up.ports[1],
            sent_open: up.sent_open.whole.to_vec(),
            received_open: up.received_open.whole.to_vec(),
            information,
            at,
        });
        Ok(())
    }

    fn peer_down(&mut self, header: PeerHeader, body: &[u8], at: Instant) -> Result<(), String> {
        self.peers.remove(&header.peer);
        let (reason, data) = message::read_peer_down(body)?;
        self.peer_downs.push(PeerDown { header, reason, data: data.to_vec(), at });
        Ok(())
    }

    fn statistics(&mut self, header: PeerHeader, body: &[u8], at: Instant) -> Result<(), String> {
        let counters = message::read_statistics(body)?.into_iter();
        let counters = counters.map(|(kind, value)| (kind, value.to_vec())).collect();
        self.statistics.push(Statistics { header, counters, at });
        Ok(())
    }

    fn routes(&mut self, header: PeerHeader, body: &[u8], at: Instant) -> Result<(), String> {
        let body = message::read_monitoring(body)?;
        self.flags.insert(header.flags);
        let update = Update::parse(body)?;
        let peer = self.peers.get_mut(&header.peer).ok_or("for a peer that is not up")?;
        let named = update.announced().map(|reach| reach.family);
        let named = named.chain(update.withdrawn().map(|gone| gone.family));
        if let Some(family) =
            named.chain(update.end_of_rib).find(|family| !peer.families.contains(family))
        {
            return Err(format!("{family} is not in both OPENs"));
        }
        if let Some(family) = update.end_of_rib {
            if peer.end_of_rib.insert(family, at).is_some() {
                return Err(format!("a second End-of-RIB for {family}"));
            }
            return Ok(());
        }
        let plain = |family| nlri::is_plain(family, &peer.add_paths);
        let count = |family, bytes| match plain(family) {
            true => bgp::count_nlri(family, bytes),
            false => Ok(nlri::split(family, peer.add_paths.contains(&family), bytes)?.len() as u64),
        };
        let (mut announced, fingerprint) = update.fingerprint_of(plain)?;
        for reach in update.announced().filter(|reach| !plain(reach.family)) {
            announced += count(reach.family, reach.nlri)?;
        }
        let mut withdrawn = 0;
        for gone in update.withdrawn() {
            withdrawn += count(gone.family, gone.nlri)?;
        }
        if announced + withdrawn == 0 {
            return Err("an UPDATE that says nothing".to_owned());
        }
        peer.announced += announced;
        peer.withdrawn += withdrawn;
        peer.fingerprint = peer.fingerprint.wrapping_add(fingerprint);
        self.announced += announced;
        self.withdrawn += withdrawn;
        if self.mode == Mode::Keeping {
            let add_paths = peer.add_paths.clone();
            let plain = |family| nlri::is_plain(family, &add_paths);
            for gone in update.withdrawn().filter(|gone| plain(gone.family)) {
                let prefixes = bgp::prefixes(gone.family, gone.nlri)?;
                let idle = prefixes.iter().filter(|p| !peer.routes.contains_key(p)).count();
                self.idle_withdrawals += idle as u64;
            }
            update.apply_of(plain, &mut peer.routes)?;
            let others = &mut peer.others;
            self.idle_withdrawals += nlri::apply(&update, &add_paths, |f| !plain(f), others)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    //! A record that finds nothing wrong would let every test of what is sent pass.

    use std::net::Ipv4Addr;

    use super::*;
    use crate::bgp::{end_of_rib, message as bgp_message};

    fn bmp(kind: u8, body: &[u8]) -> Vec<u8> {
        message::message(3, kind, &[body])
    }

    fn of_peer(kind: u8, body: &[u8]) -> Vec<u8> {
        let address = Ipv4Addr::new(192, 0, 2, 7).into();
        message::of_peer(kind, &message::header(0, 0, address, 65_001), &[body])
    }

    fn initiation() -> Vec<u8> {
        message::initiation_of("n")
    }

    fn open() -> Open {
        Open {
            router_id: Ipv4Addr::new(192, 0, 2, 7),
            families: vec![Family::IPV4, Family::EVPN],
            ..Open::of(65001)
        }
    }

    fn peer_up() -> Vec<u8> {
        let open = open().encode();
        of_peer(3, &[&[0; 20][..], &open, &open].concat())
    }

    fn record(messages: &[Vec<u8>]) -> Record {
        let mut record = Record::new(Mode::Keeping);
        for bytes in messages {
            record.message(bytes, Instant::now());
        }
        record
    }

    #[test]
    fn a_legal_connection_has_no_violations() {
        let notification = bgp_message(bgp::kind::NOTIFICATION, &[6, 2]);
        let record = record(&[
            initiation(),
            peer_up(),
            of_peer(0, &end_of_rib(Family::IPV4)),
            of_peer(1, &[0, 0, 0, 1, 0, 7, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9]),
            of_peer(2, &[&[3][..], &notification].concat()),
            peer_up(),
            of_peer(0, &end_of_rib(Family::IPV4)),
            of_peer(2, &[4]),
            bmp(5, &[0, 1, 0, 2, 0, 0]),
        ]);
        assert_eq!(record.violations, [""; 0]);
        assert_eq!(record.termination, Some(0));
        assert_eq!(record.statistics[0].value(7), Some(9));
        assert_eq!(record.peer_downs.len(), 2);
    }

    #[test]
    fn each_breach_is_written_down() {
        let (init, up) = (initiation(), peer_up());
        let eor = of_peer(0, &end_of_rib(Family::IPV4));
        let cases: &[(&str, Vec<Vec<u8>>)] = &[
            ("as the first message", vec![up.clone()]),
            ("as the first message", vec![init.clone(), init.clone()]),
            ("not up", vec![init.clone(), eor.clone()]),
            ("not up", vec![init.clone(), of_peer(2, &[4])]),
            ("without a Peer Down", vec![init.clone(), up.clone(), up.clone()]),
            (
                "ipv6-unicast is not in both",
                vec![init.clone(), up.clone(), of_peer(0, &end_of_rib(Family::IPV6))],
            ),
            ("Termination for reason 5", vec![init.clone(), bmp(5, &[0, 1, 0, 2, 0, 5])]),
            (
                "Initiation with a TLV of type 9",
                vec![bmp(4, &[0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n', 0, 9, 0, 0])],
            ),
            ("second End-of-RIB", vec![init.clone(), up.clone(), eor.clone(), eor.clone()]),
            ("without sysName", vec![bmp(4, &[0, 1, 0, 1, b'd'])]),
            ("a BGP message ends too early", vec![init.clone(), up.clone(), of_peer(2, &[1])]),
            ("reason 4 with 1 bytes", vec![init.clone(), up.clone(), of_peer(2, &[4, 0])]),
            (
                "type 9 has 8 bytes",
                vec![
                    init.clone(),
                    up.clone(),
                    of_peer(1, &[0, 0, 0, 1, 0, 9, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9]),
                ],
            ),
            ("after the Termination", vec![init.clone(), bmp(5, &[0, 1, 0, 2, 0, 0]), up.clone()]),
        ];
        for (breach, messages) in cases {
            let violations = record(messages).violations;
            assert_eq!(violations.len(), 1, "{breach}: {violations:?}");
            assert!(violations[0].contains(breach), "{breach}: {violations:?}");
        }
    }

    fn in_instance(kind: u8, distinguisher: u8, message: &[u8]) -> Vec<u8> {
        let mut message = message.to_vec();
        message[COMMON_HEADER] = kind;
        message[COMMON_HEADER + 9] = distinguisher;
        message
    }

    #[test]
    fn peers_of_one_address_in_two_instances_are_two() {
        let eor = of_peer(0, &end_of_rib(Family::IPV4));
        let [one, two] = [(1, 7), (2, 7)];
        let record = record(&[
            initiation(),
            in_instance(one.0, one.1, &peer_up()),
            in_instance(two.0, two.1, &peer_up()),
            in_instance(one.0, one.1, &eor),
            in_instance(two.0, two.1, &of_peer(2, &[5])),
        ]);
        assert_eq!(record.violations, [""; 0]);
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        assert_eq!(record.peer_of(1, 7, address).unwrap().end_of_rib.len(), 1);
        assert!(record.peer_of(2, 7, address).is_none());
        let legal = [initiation(), in_instance(1, 0, &peer_up())];
        let violations = self::record(&legal).violations;
        assert!(violations[0].contains("without a distinguisher"), "{violations:?}");
    }

    #[test]
    fn a_second_peer_up_is_legal_only_where_it_is_allowed_and_keeps_the_routes() {
        let update = nlri::announcement(Family::EVPN, &[10, 0, 0, 1], &[9, 1, 7], &[]);
        let messages = [initiation(), peer_up(), of_peer(0, &update), peer_up()];
        assert_eq!(record(&messages).violations.len(), 1);
        let mut record = Record::new(Mode::Keeping);
        record.second_peer_up = true;
        for message in &messages {
            record.message(message, Instant::now());
        }
        assert_eq!(record.violations, [""; 0]);
        let rib = record.rib(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7))).unwrap();
        assert_eq!(nlri::by_family(&rib), [(Family::EVPN, [vec![9, 1, 7]].into())].into());
    }

    #[test]
    fn nlri_have_path_identifiers_where_the_opens_say_so() {
        let ours = Open { add_path: vec![(Family::IPV4, 1)], ..open() }.encode();
        let theirs = Open { add_path: vec![(Family::IPV4, 2)], ..open() }.encode();
        let table = [0, 3, 0, 3, b'r', b'e', b'd'];
        let up = of_peer(3, &[&[0; 20][..], &ours, &theirs, &table].concat());
        let nlri = [0, 0, 0, 1, 8, 10, 0, 0, 0, 2, 8, 10];
        let path = [0x40, 1, 1, 0];
        let body = [&[0, 0, 0, 4][..], &path, &nlri].concat();
        let routes = of_peer(0, &bgp_message(bgp::kind::UPDATE, &body));
        let record = record(&[initiation(), up, routes]);
        assert_eq!(record.violations, [""; 0]);
        assert_eq!(record.peer_ups[0].table_name().as_deref(), Some("red"));
        let state = record.peers.values().next().unwrap();
        assert_eq!((state.announced, state.routes.len(), state.others.len()), (2, 0, 2));
    }
}
