//! Routes as the simulator writes and reads them: names, path attributes, UPDATEs.
//!
//! Every set of path attributes carries a number, its mark, in MULTI_EXIT_DISC, and all of the rest follows
//! from the mark and the family. So a station can determine from a route alone who announced it, on which
//! connection, and whether a byte of it was changed on the way.

use std::fmt;

use tests::bgp::{self, Family, attribute, kind};
use tests::nlri::{self, Nlri};
use tests::random::Random;

/// How many prefixes there are of a family; few, so that neighbors announce the same ones.
const PREFIXES: u64 = 24;

/// How many paths a neighbor announces of one prefix with ADD-PATH (RFC 7911).
const PATHS: u64 = 3;

/// The key of a route: its family and its NLRI as on the wire, the path identifier
/// included.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The family.
    pub family: Family,
    nlri: Vec<u8>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, bgp::hex(&self.nlri))
    }
}

impl Key {
    /// One of the few that there are.
    pub fn draw(random: &mut Random, family: Family, add_path: bool) -> Self {
        let mut nlri = Vec::new();
        if add_path {
            nlri.extend_from_slice(&(random.below(PATHS) as u32 + 1).to_be_bytes());
        }
        let number = random.below(PREFIXES) as u8;
        // Lengths that end inside a byte, too, and the default route.
        match (family.afi, number) {
            (_, 0) => nlri.push(0),
            (1, 1..=11) => nlri.extend_from_slice(&[16, 10, number]),
            (1, _) => nlri.extend_from_slice(&[27, 192, 0, 2, number << 5]),
            (_, 1..=11) => nlri.extend_from_slice(&[32, 0x20, 1, 0xd, number]),
            (_, _) => nlri.extend_from_slice(&[45, 0x20, 1, 0xd, 0xb8, number, 0xf8]),
        }
        Self { family, nlri }
    }

    /// Reads the routes in a field of NLRI.
    pub fn read(family: Family, add_path: bool, field: &[u8]) -> Result<Vec<Self>, String> {
        let most = if family.afi == 1 { 32 } else { 128 };
        let key = |one: &Nlri<'_>| match one.whole[if add_path { 4 } else { 0 }] {
            bits if bits > most => Err(format!("a prefix of {bits} bits in {family}")),
            _ => Ok(Self { family, nlri: one.whole.to_vec() }),
        };
        nlri::split(family, add_path, field)?.iter().map(key).collect()
    }
}

/// The path attributes of a mark, but for those of RFC 4760, in the order of their types.
pub fn attributes(mark: u32, family: Family) -> Vec<u8> {
    let mut out = Vec::new();
    bgp::put_attribute(&mut out, 0x40, attribute::ORIGIN, &[(mark % 3) as u8]);
    let length = 1 + mark % 3;
    let mut path = vec![2, length as u8];
    (0..length).for_each(|rank| path.extend_from_slice(&(64_600 + mark % 7 + rank).to_be_bytes()));
    bgp::put_attribute(&mut out, 0x40, attribute::AS_PATH, &path);
    if family == Family::IPV4 {
        bgp::put_attribute(&mut out, 0x40, attribute::NEXT_HOP, &[10, 2, 0, mark as u8]);
    }
    bgp::put_attribute(&mut out, 0x80, attribute::MED, &mark.to_be_bytes());
    let communities: Vec<u8> = (0..mark % 5).flat_map(u32::to_be_bytes).collect();
    if !communities.is_empty() {
        bgp::put_attribute(&mut out, 0xc0, attribute::COMMUNITIES, &communities);
    }
    out
}

/// The next hop of a mark in MP_REACH_NLRI.
fn next_hop(mark: u32) -> [u8; 16] {
    let mut address = [0x20; 16];
    address[12..].copy_from_slice(&mark.to_be_bytes());
    address
}

/// The contents of one UPDATE, of one family.
#[derive(Debug, Clone)]
pub struct Said {
    /// The family.
    pub family: Family,
    /// What it withdraws.
    pub withdrawn: Vec<Key>,
    /// What it announces.
    pub announced: Vec<Key>,
    /// Of what it announces.
    pub mark: u32,
    /// True if its ORIGIN is none, so that what it announces counts as withdrawn (RFC 7606).
    pub faulty: bool,
}

impl Said {
    /// An UPDATE for a neighbor without a session.
    pub fn any(random: &mut Random) -> Self {
        let family = Family::IPV4;
        let announced = vec![Key::draw(random, family, false)];
        Self { family, withdrawn: Vec::new(), announced, mark: 0, faulty: false }
    }

    /// The same, malformed; one that announces nothing cannot be.
    pub fn faulty(self) -> Self {
        Self { faulty: !self.announced.is_empty(), ..self }
    }

    /// The UPDATE.
    pub fn encode(&self) -> Vec<u8> {
        let field =
            |keys: &[Key]| keys.iter().flat_map(|key| key.nlri.clone()).collect::<Vec<u8>>();
        let (withdrawn, announced) = (field(&self.withdrawn), field(&self.announced));
        let mut path = Vec::new();
        if !announced.is_empty() {
            path = attributes(self.mark, self.family);
            if self.faulty {
                // The value of ORIGIN, which is the first.
                path[3] = 9;
            }
        }
        let plain = self.family == Family::IPV4;
        let [high, low] = self.family.afi.to_be_bytes();
        let head = [high, low, self.family.safi];
        if !plain && !withdrawn.is_empty() {
            let value = [&head[..], &withdrawn].concat();
            bgp::put_attribute(&mut path, 0x80, attribute::MP_UNREACH, &value);
        }
        if !plain && !announced.is_empty() {
            let value = [&head[..], &[16], &next_hop(self.mark), &[0], &announced].concat();
            bgp::put_attribute(&mut path, 0x80, attribute::MP_REACH, &value);
        }
        let first = if plain { &withdrawn[..] } else { &[] };
        let last = if plain { &announced[..] } else { &[] };
        let length = |bytes: &[u8]| (bytes.len() as u16).to_be_bytes();
        let body = [&length(first)[..], first, &length(&path), &path, last].concat();
        bgp::message(kind::UPDATE, &body)
    }
}

/// The contents of an UPDATE in a Route Monitoring message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These routes, with this mark.
    Announced(Family, u32, Vec<Key>),
    /// These routes are withdrawn.
    Withdrawn(Family, Vec<Key>),
    /// The End-of-RIB.
    EndOfRib(Family),
}

/// Reads the body of an UPDATE that bmpd has sent: it has one purpose, and every byte of a mark is right.
pub fn read(body: &[u8], add_path: impl Fn(Family) -> bool) -> Result<Content, String> {
    let update = bgp::Update::parse(body)?;
    if let Some(family) = update.end_of_rib {
        return Ok(Content::EndOfRib(family));
    }
    let announced: Vec<_> = update.announced().collect();
    let withdrawn: Vec<_> = update.withdrawn().collect();
    match (&announced[..], &withdrawn[..]) {
        ([reach], []) => {
            let family = reach.family;
            let med = update.path().find(|attribute| attribute.kind == attribute::MED);
            let mark = med.and_then(|med| med.value.try_into().ok()).map(u32::from_be_bytes);
            let mark = mark.ok_or("routes without a mark")?;
            let path: Vec<u8> = update.path().flat_map(|one| one.whole.to_vec()).collect();
            if path != attributes(mark, family) {
                return Err(format!(
                    "other attributes than those of mark {mark}: {}",
                    bgp::hex(&path)
                ));
            }
            if family != Family::IPV4 && reach.next_hop != next_hop(mark) {
                return Err(format!("another next hop than that of mark {mark}"));
            }
            Ok(Content::Announced(family, mark, Key::read(family, add_path(family), reach.nlri)?))
        }
        ([], [gone]) => {
            let keys = Key::read(gone.family, add_path(gone.family), gone.nlri)?;
            Ok(Content::Withdrawn(gone.family, keys))
        }
        _ => Err("an UPDATE that does not say exactly one thing".to_owned()),
    }
}
