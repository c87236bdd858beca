//! Address families (RFC 4760): what kind of route a table holds.

use std::fmt;

/// An address family: AFI and SAFI as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// Address Family Identifier.
    pub afi: u16,
    /// Subsequent Address Family Identifier.
    pub safi: u8,
}

impl Family {
    /// IPv4 unicast (AFI 1, SAFI 1).
    pub const IPV4_UNICAST: Family = Family { afi: 1, safi: 1 };
    /// IPv6 unicast (AFI 2, SAFI 1).
    pub const IPV6_UNICAST: Family = Family { afi: 2, safi: 1 };
    /// The families of a neighbor that names none.
    pub const DEFAULT: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];
    /// The families that bmpd can hear, in the order in which it announces and reports them.
    pub const ALL: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];

    /// The name used in the configuration and in what people read, such as `ipv4-unicast`.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Family::IPV4_UNICAST => Some("ipv4-unicast"),
            Family::IPV6_UNICAST => Some("ipv6-unicast"),
            _ => None,
        }
    }

    /// The family with this name.
    pub fn from_name(name: &str) -> Option<Family> {
        Family::ALL.into_iter().find(|family| family.name() == Some(name))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "afi-{}-safi-{}", self.afi, self.safi),
        }
    }
}
