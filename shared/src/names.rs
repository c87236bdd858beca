//! The names of things: VPN instances, aliases, stations, sessions.
//!
//! A value of one of these types is valid by construction. Both programs parse them once, at their
//! edge (command line, configuration, IPC), and pass them on as they are. The rules are those of the
//! command's manual page; the texts of the errors are complete sentences for people.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The greatest length of a VPN instance's name or an alias, in characters.
pub const NAME_MAX: usize = 31;

/// The greatest length of a router's name, in characters: the names of hosts are longer.
pub const ROUTER_NAME_MAX: usize = 63;

/// The name of the router that bmpd itself is, with its BGP neighbors as peers.
pub const LOCAL_ROUTER: &str = "local";

/// What a command says for all routers or publishers; none can be called so.
pub const ALL: &str = "all";

/// The name that routers show for "no VPN instance"; nothing can be called so.
pub const PUBLIC_INSTANCE: &str = "_public_";

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text has no characters.
    #[error("it is empty: 1 to {maximum} characters are allowed")]
    Empty {
        /// How many it may have.
        maximum: usize,
    },
    /// The text has more characters than are allowed.
    #[error("it has {count} characters: 1 to {maximum} are allowed")]
    TooLong {
        /// How many it has.
        count: usize,
        /// How many it may have.
        maximum: usize,
    },
    /// The text holds a control character.
    #[error("it contains the control character {0:?}, which is not allowed")]
    Control(char),
    /// The text holds a double quotation mark that does not belong to a pair around the whole.
    #[error("it contains a double quotation mark, which is allowed only as a pair around the name")]
    Quote,
    /// The text has a space at its beginning or its end.
    #[error("it begins or ends with a space, which is not allowed")]
    OuterSpace,
    /// The text is `local`, given as the name of a router.
    #[error("{LOCAL_ROUTER:?} stands for bmpd itself, with its BGP neighbors: choose another name")]
    Local,
    /// The text is `all`, given as the name of a router or a publisher.
    #[error("{ALL:?} stands for all of them and cannot be the name of one")]
    All,
    /// The text is `_public_`, given as the name of a VPN instance.
    #[error(
        "{PUBLIC_INSTANCE:?} stands for the public instance and is no name: leave the VPN instance out, which \
         means the public one for an address (for `all` it means every instance)"
    )]
    Public,
}

/// Takes the pair of double quotation marks off a name, as in scripts and pasted commands.
fn unquote(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

/// Characters that a terminal does not show and that change how it shows others (Unicode's
/// bidirectional and zero-width format characters).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn check(text: &str, maximum: usize) -> Result<&str, NameError> {
    let name = unquote(text);
    if let Some(c) = name.chars().find(|c| c.is_control() || is_invisible(*c)) {
        return Err(NameError::Control(c));
    }
    if name.contains('"') {
        return Err(NameError::Quote);
    }
    match name.chars().count() {
        0 => return Err(NameError::Empty { maximum }),
        count if count > maximum => return Err(NameError::TooLong { count, maximum }),
        _ => {}
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return Err(NameError::OuterSpace);
    }
    Ok(name)
}

/// The name of a VPN instance: 1 to 31 characters, case-sensitive, never `_public_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, transparent))]
pub struct VpnInstanceName(String);

/// The alias of a session: 1 to 31 characters, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, transparent))]
pub struct Alias(String);

/// The name of a monitored router: 1 to 63 characters, case-sensitive, never `local` or `all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, transparent))]
pub struct RouterName(String);

impl RouterName {
    /// The name, without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that is as near as possible to what a router calls itself; `None` if nothing of that is left.
    pub fn of_system_name(text: &str) -> Option<Self> {
        let usable = |c: &char| !c.is_control() && !is_invisible(*c) && *c != '"';
        let shown: String = text.trim().chars().filter(usable).take(ROUTER_NAME_MAX).collect();
        shown.trim().parse().ok()
    }
}

impl FromStr for RouterName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = check(text, ROUTER_NAME_MAX)?;
        match name {
            LOCAL_ROUTER => Err(NameError::Local),
            ALL => Err(NameError::All),
            name => Ok(Self(name.to_owned())),
        }
    }
}

/// A monitored router by its name; bmpd itself is `local`, and comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, with = "String"))]
pub enum RouterId {
    /// bmpd itself, with its BGP neighbors as peers: `local`.
    #[default]
    Local,
    /// A router that speaks BMP to bmpd.
    Named(RouterName),
}

impl FromStr for RouterId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.parse() {
            Ok(name) => Ok(RouterId::Named(name)),
            Err(NameError::Local) => Ok(RouterId::Local),
            Err(error) => Err(error),
        }
    }
}

impl TryFrom<String> for RouterId {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<RouterId> for String {
    fn from(router: RouterId) -> String {
        router.to_string()
    }
}

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RouterId::Local => f.write_str(LOCAL_ROUTER),
            RouterId::Named(name) => name.fmt(f),
        }
    }
}

/// The name of a publisher: 1 to 31 characters, case-sensitive, never `all`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, transparent))]
pub struct PublisherName(String);

impl PublisherName {
    /// The name, without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublisherName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match check(text, NAME_MAX)? {
            ALL => Err(NameError::All),
            name => Ok(Self(name.to_owned())),
        }
    }
}

/// What names a leg: the connection of a session that carries one router.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId {
    /// The session.
    pub session: SessionId,
    /// The router.
    pub router: RouterId,
}

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, router } = self;
        match router {
            RouterId::Local => session.fmt(f),
            RouterId::Named(name) => write!(f, "{session} router {}", Shown(name.as_str())),
        }
    }
}

impl VpnInstanceName {
    /// The name, without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Alias {
    /// The alias, without quotation marks.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VpnInstanceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let name = check(text, NAME_MAX)?;
        if name == PUBLIC_INSTANCE {
            return Err(NameError::Public);
        }
        Ok(Self(name.to_owned()))
    }
}

impl FromStr for Alias {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Ok(Self(check(text, NAME_MAX)?.to_owned()))
    }
}

macro_rules! string_conversions {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
string_conversions!(VpnInstanceName, Alias, RouterName, PublisherName);

/// Why a text or an address is not the address of a station.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text has the form of no IP address.
    #[error(
        "{0:?} is not an IP address: write an IPv4 address like 10.1.1.1 or an IPv6 address like \
         2001:db8::1; host names are not looked up, because a session is known by its address"
    )]
    NotAnAddress(String),
    /// An address in brackets or with a port.
    #[error("{0:?} is more than an address: write it without brackets and without a port")]
    Port(String),
    /// An IPv6 address with a zone id.
    #[error(
        "{0:?} has a zone id: link-local stations are not supported, and other addresses need no zone"
    )]
    Zone(String),
    /// An IPv4-mapped IPv6 address.
    #[error("{0} is an IPv4-mapped IPv6 address: write the IPv4 address {1} itself")]
    Mapped(Ipv6Addr, std::net::Ipv4Addr),
    /// A link-local address.
    #[error(
        "{0} is a link-local address: a station needs an address that is unique in its instance"
    )]
    LinkLocal(IpAddr),
    /// The unspecified address, a multicast address or the broadcast address.
    #[error("{0} cannot be the address of a station: it does not name one host")]
    NotAHost(IpAddr),
}

/// The address of a station: one host, not link-local, not IPv4-mapped.
///
/// Any legal spelling of an IPv6 address gives the same value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "IpAddr", into = "IpAddr")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(!try_from, !into, transparent))]
pub struct StationAddress(IpAddr);

impl StationAddress {
    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl FromStr for StationAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let shown = || text.chars().take(80).collect::<String>();
        if let Some((address, _)) = text.split_once('%')
            && address.parse::<Ipv6Addr>().is_ok()
        {
            return Err(AddressError::Zone(shown()));
        }
        if text.parse::<SocketAddr>().is_ok() || text.starts_with('[') {
            return Err(AddressError::Port(shown()));
        }
        let ip: IpAddr = text.parse().map_err(|_| AddressError::NotAnAddress(shown()))?;
        ip.try_into()
    }
}

impl TryFrom<IpAddr> for StationAddress {
    type Error = AddressError;

    fn try_from(ip: IpAddr) -> Result<Self, AddressError> {
        let not_a_host = match ip {
            IpAddr::V4(v4) => {
                if v4.is_link_local() {
                    return Err(AddressError::LinkLocal(ip));
                }
                v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()
            }
            IpAddr::V6(v6) => {
                if let Some(v4) = v6.to_ipv4_mapped() {
                    return Err(AddressError::Mapped(v6, v4));
                }
                if v6.is_unicast_link_local() {
                    return Err(AddressError::LinkLocal(ip));
                }
                v6.is_unspecified() || v6.is_multicast()
            }
        };
        if not_a_host { Err(AddressError::NotAHost(ip)) } else { Ok(Self(ip)) }
    }
}

impl From<StationAddress> for IpAddr {
    fn from(address: StationAddress) -> IpAddr {
        address.0
    }
}

impl fmt::Display for StationAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What names a BMP session: VPN instance (or the public one), address, alias (or none).
///
/// Two sessions of one bmpd never have the same id. The order is that of the fields: the public
/// instance first, then by address, the session without alias before the aliased ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SessionId {
    /// The VPN instance; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The station's address.
    pub address: StationAddress,
    /// Distinguishes several sessions with the same station.
    pub alias: Option<Alias>,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(alias) = &self.alias {
            write!(f, " alias {}", Shown(alias.as_str()))?;
        }
        if let Some(vpn) = &self.vpn_instance {
            write!(f, " vpn-instance {}", Shown(vpn.as_str()))?;
        }
        Ok(())
    }
}

/// What names a BGP neighbor: VPN instance (or the public one) and address.
///
/// The order is that of the fields: the public instance first, then by address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NeighborId {
    /// The VPN instance; `None` is the public one.
    pub vpn_instance: Option<VpnInstanceName>,
    /// The neighbor's address.
    pub address: IpAddr,
}

impl fmt::Display for NeighborId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(vpn) = &self.vpn_instance {
            write!(f, " vpn-instance {}", Shown(vpn.as_str()))?;
        }
        Ok(())
    }
}

/// Which sessions a command is for.
///
/// - An address without alias means the session without alias, never an aliased one.
/// - Without a VPN instance an address is one of the public instance; `all` is every session of
///   every instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Selector {
    /// Every session, or every session of one VPN instance.
    All {
        /// Limits the selection to this instance.
        vpn_instance: Option<VpnInstanceName>,
    },
    /// The one session with exactly this id.
    One(SessionId),
    /// The sessions with exactly these ids, at most [`SEVERAL_MAX`].
    Several(Vec<SessionId>),
}

/// How many sessions one command can name.
pub const SEVERAL_MAX: usize = 256;

impl Selector {
    /// True if the session is selected.
    pub fn matches(&self, id: &SessionId) -> bool {
        match self {
            Selector::All { vpn_instance: None } => true,
            Selector::All { vpn_instance } => id.vpn_instance == *vpn_instance,
            Selector::One(one) => one == id,
            Selector::Several(several) => several.contains(id),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::All { vpn_instance: None } => f.write_str("all"),
            Selector::All { vpn_instance: Some(vpn) } => {
                write!(f, "all vpn-instance {}", Shown(vpn.as_str()))
            }
            Selector::One(id) => id.fmt(f),
            Selector::Several(several) => {
                for (number, id) in several.iter().enumerate() {
                    let separator = if number == 0 { "" } else { ", " };
                    write!(f, "{separator}{id}")?;
                }
                Ok(())
            }
        }
    }
}

/// Shows a name as it can be typed again: in double quotation marks if it has a space.
pub struct Shown<'a>(pub &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains(char::is_whitespace) {
            write!(f, "\"{}\"", self.0)
        } else {
            f.write_str(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_follow_the_manual_page() {
        let good = ["a", "aa", "A b", "\"two words\"", "é", &"x".repeat(31)];
        for text in good {
            assert!(text.parse::<Alias>().is_ok(), "{text:?}");
            assert!(text.parse::<VpnInstanceName>().is_ok(), "{text:?}");
        }
        let bad = [
            ("", NameError::Empty { maximum: 31 }),
            ("\"\"", NameError::Empty { maximum: 31 }),
            (&*"x".repeat(32), NameError::TooLong { count: 32, maximum: 31 }),
            ("a\tb", NameError::Control('\t')),
            ("a\u{7f}", NameError::Control('\u{7f}')),
            ("a\u{202e}b", NameError::Control('\u{202e}')),
            ("a\"b", NameError::Quote),
            ("\"", NameError::Quote),
            (" a", NameError::OuterSpace),
            ("\"a \"", NameError::OuterSpace),
        ];
        for (text, error) in bad {
            assert_eq!(text.parse::<Alias>(), Err(error), "{text:?}");
        }
        assert_eq!("_public_".parse::<VpnInstanceName>(), Err(NameError::Public));
        assert_eq!("\"_public_\"".parse::<VpnInstanceName>(), Err(NameError::Public));
        assert!("_Public_".parse::<VpnInstanceName>().is_ok(), "names are case-sensitive");
        assert!("_public_".parse::<Alias>().is_ok());
    }

    #[test]
    fn no_router_is_called_like_bmpd_itself_or_like_all() {
        assert_eq!("local".parse::<RouterName>(), Err(NameError::Local));
        assert_eq!("\"all\"".parse::<RouterName>(), Err(NameError::All));
        assert_eq!("local".parse::<RouterId>(), Ok(RouterId::Local));
        assert_eq!("all".parse::<RouterId>(), Err(NameError::All));
        assert!("x".repeat(63).parse::<RouterName>().is_ok());
        assert_eq!(RouterName::of_system_name("all"), None);
        let named = RouterName::of_system_name(" edge1\u{7}.example \n").unwrap();
        assert_eq!(named.as_str(), "edge1.example");
    }

    #[test]
    fn quotation_marks_around_a_name_are_taken_off() {
        assert_eq!("\"two words\"".parse::<Alias>().unwrap().as_str(), "two words");
        assert_eq!("\"aa\"".parse::<Alias>(), "aa".parse::<Alias>());
    }

    #[test]
    fn every_spelling_of_an_ipv6_address_is_the_same_station() {
        let one: StationAddress = "2001:db8:1::1".parse().unwrap();
        for text in
            ["2001:DB8:1::1", "2001:0db8:0001:0000:0000:0000:0000:0001", "2001:db8:1:0:0::1"]
        {
            assert_eq!(text.parse(), Ok(one));
        }
        assert_eq!(one.to_string(), "2001:db8:1::1");
    }

    #[test]
    fn addresses_that_cannot_be_a_station_are_refused_with_the_reason() {
        use AddressError::*;
        let error = |text: &str| text.parse::<StationAddress>().unwrap_err();
        assert!(matches!(error("::ffff:10.1.1.1"), Mapped(..)));
        assert!(error("::ffff:10.1.1.1").to_string().contains("10.1.1.1 itself"));
        assert!(matches!(error("fe80::1%eth0"), Zone(_)));
        assert!(matches!(error("2001:db8::1%1"), Zone(_)));
        assert!(matches!(error("fe80::1"), LinkLocal(_)));
        assert!(matches!(error("169.254.1.1"), LinkLocal(_)));
        assert!(matches!(error("collector.example.net"), NotAnAddress(_)));
        assert!(matches!(error("10.1.1"), NotAnAddress(_)));
        assert!(matches!(error("10.1.1.1/32"), NotAnAddress(_)));
        assert!(matches!(error("10.1.1.1:11019"), Port(_)));
        assert!(matches!(error("[2001:db8::1]"), Port(_)));
        assert!(matches!(error("0.0.0.0"), NotAHost(_)));
        assert!(matches!(error("ff02::1"), NotAHost(_)));
    }

    #[test]
    fn an_address_without_alias_selects_only_the_session_without_alias() {
        let plain =
            SessionId { vpn_instance: None, address: "10.1.1.1".parse().unwrap(), alias: None };
        let aliased = SessionId { alias: Some("aa".parse().unwrap()), ..plain.clone() };
        let red = SessionId { vpn_instance: Some("red".parse().unwrap()), ..plain.clone() };
        let one = Selector::One(plain.clone());
        assert!(one.matches(&plain) && !one.matches(&aliased) && !one.matches(&red));
        let all = Selector::All { vpn_instance: None };
        assert!([&plain, &aliased, &red].iter().all(|id| all.matches(id)));
        let all_red = Selector::All { vpn_instance: red.vpn_instance.clone() };
        assert!(all_red.matches(&red) && !all_red.matches(&plain));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_decoder_panic_and_what_parses_shows_and_parses_again(text in ".{0,60}") {
            if let Ok(alias) = text.parse::<Alias>() {
                prop_assert_eq!(Shown(alias.as_str()).to_string().parse::<Alias>(), Ok(alias));
            }
            if let Ok(name) = text.parse::<VpnInstanceName>() {
                prop_assert_eq!(name.as_str().parse::<VpnInstanceName>(), Ok(name));
            }
            if let Ok(address) = text.parse::<StationAddress>() {
                prop_assert_eq!(address.to_string().parse::<StationAddress>(), Ok(address));
            }
        }
    }
}
