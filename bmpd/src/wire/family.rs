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

/// The families with their names, in the order in which they are announced and reported.
const NAMED: [(Family, &str); 15] = [
    (Family::IPV4_UNICAST, "ipv4-unicast"),
    (Family::IPV6_UNICAST, "ipv6-unicast"),
    (Family::IPV4_MULTICAST, "ipv4-multicast"),
    (Family::IPV6_MULTICAST, "ipv6-multicast"),
    (Family::IPV4_LABELED_UNICAST, "ipv4-labeled-unicast"),
    (Family::IPV6_LABELED_UNICAST, "ipv6-labeled-unicast"),
    (Family::VPNV4_UNICAST, "vpnv4-unicast"),
    (Family::VPNV6_UNICAST, "vpnv6-unicast"),
    (Family::L2VPN_EVPN, "l2vpn-evpn"),
    (Family::IPV4_FLOWSPEC, "ipv4-flowspec"),
    (Family::IPV6_FLOWSPEC, "ipv6-flowspec"),
    (Family::VPNV4_FLOWSPEC, "vpnv4-flowspec"),
    (Family::VPNV6_FLOWSPEC, "vpnv6-flowspec"),
    (Family::LINK_STATE, "link-state"),
    (Family::LINK_STATE_VPN, "link-state-vpn"),
];

impl Family {
    /// IPv4 unicast.
    pub const IPV4_UNICAST: Family = Family { afi: 1, safi: 1 };
    /// IPv6 unicast.
    pub const IPV6_UNICAST: Family = Family { afi: 2, safi: 1 };
    /// IPv4 multicast (RFC 4760).
    pub const IPV4_MULTICAST: Family = Family { afi: 1, safi: 2 };
    /// IPv6 multicast (RFC 4760).
    pub const IPV6_MULTICAST: Family = Family { afi: 2, safi: 2 };
    /// IPv4 with an MPLS label (RFC 8277).
    pub const IPV4_LABELED_UNICAST: Family = Family { afi: 1, safi: 4 };
    /// IPv6 with an MPLS label (RFC 8277, RFC 4798).
    pub const IPV6_LABELED_UNICAST: Family = Family { afi: 2, safi: 4 };
    /// IPv4 in VPNs (RFC 4364).
    pub const VPNV4_UNICAST: Family = Family { afi: 1, safi: 128 };
    /// IPv6 in VPNs (RFC 4659).
    pub const VPNV6_UNICAST: Family = Family { afi: 2, safi: 128 };
    /// Ethernet VPN (RFC 7432).
    pub const L2VPN_EVPN: Family = Family { afi: 25, safi: 70 };
    /// IPv4 flow specifications (RFC 8955).
    pub const IPV4_FLOWSPEC: Family = Family { afi: 1, safi: 133 };
    /// IPv6 flow specifications (RFC 8956).
    pub const IPV6_FLOWSPEC: Family = Family { afi: 2, safi: 133 };
    /// IPv4 flow specifications in VPNs (RFC 8955 section 8).
    pub const VPNV4_FLOWSPEC: Family = Family { afi: 1, safi: 134 };
    /// IPv6 flow specifications in VPNs (RFC 8956).
    pub const VPNV6_FLOWSPEC: Family = Family { afi: 2, safi: 134 };
    /// Link state (RFC 9552).
    pub const LINK_STATE: Family = Family { afi: 16388, safi: 71 };
    /// Link state in VPNs (RFC 9552).
    pub const LINK_STATE_VPN: Family = Family { afi: 16388, safi: 72 };

    /// The families that bmpd can receive, in the order in which it announces and reports them.
    pub const ALL: [Family; NAMED.len()] = {
        let mut all = [Family::IPV4_UNICAST; NAMED.len()];
        let mut rank = 0;
        while rank < NAMED.len() {
            all[rank] = NAMED[rank].0;
            rank += 1;
        }
        all
    };
    /// Those that it receives from a neighbor for which none are configured.
    pub const DEFAULT: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];

    /// The name used in the configuration and in what people read, such as `ipv4-unicast`.
    pub fn name(self) -> Option<&'static str> {
        NAMED.iter().find(|(family, _)| *family == self).map(|(_, name)| *name)
    }

    /// The family with this name.
    pub fn from_name(name: &str) -> Option<Family> {
        NAMED.iter().find(|(_, known)| *known == name).map(|(family, _)| *family)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_name_of_its_own_that_finds_it() {
        for family in Family::ALL {
            let name = family.name().unwrap();
            assert_eq!(Family::from_name(name), Some(family));
            assert_eq!(family.to_string(), name);
            assert_eq!(Family::ALL.iter().filter(|other| **other == family).count(), 1);
        }
        assert_eq!(Family::from_name("ipv4-anycast"), None);
        assert_eq!(Family { afi: 9, safi: 7 }.to_string(), "afi-9-safi-7");
    }
}
