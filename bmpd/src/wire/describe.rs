//! The routes of an UPDATE as text, to find out what was wrong with it (RFC 7606 section 6).
//!
//! The UPDATE may be malformed: what can be read of it is described, the rest is skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::attribute::{MP_REACH_NLRI, MP_UNREACH_NLRI};
use super::attributes::{Attribute, Iter};
use super::family::Family;
use super::nlri::Form;

/// How many bytes of a route are shown that is not a prefix.
const ROUTE_MAX: usize = 32;

/// The routes of an UPDATE.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedRoutes {
    /// The first ones, such as `192.0.2.0/24`.
    pub named: Vec<String>,
    /// How many there are beside these.
    pub more: u64,
}

impl NamedRoutes {
    /// Names at most `max` routes of the body of an UPDATE (what follows the header), announced ones first.
    ///
    /// `forms` are those that were negotiated; routes of other families are skipped.
    pub fn of_update(body: &[u8], forms: &[Form], max: usize) -> Self {
        let (withdrawn, rest) = counted(body);
        let (attributes, announced) = counted(rest);
        let form = |family| forms.iter().copied().find(|form| form.family() == family);
        let plain =
            form(Family::IPV4_UNICAST).unwrap_or_else(|| Form::new(Family::IPV4_UNICAST, false));
        let mut routes = Self::default();
        routes.add(plain, announced, "", max);
        for Attribute { code, value, .. } in Iter(attributes) {
            if let (MP_REACH_NLRI, [high, low, safi, length, rest @ ..]) = (code, value)
                && let Some(form) =
                    form(Family { afi: u16::from_be_bytes([*high, *low]), safi: *safi })
            {
                // After the next hop there is a reserved octet (RFC 4760 section 3).
                let nlri = rest.get(usize::from(*length) + 1..).unwrap_or_default();
                routes.add(form, nlri, "", max);
            }
        }
        routes.add(plain, withdrawn, " (withdrawn)", max);
        for Attribute { code, value, .. } in Iter(attributes) {
            if let (MP_UNREACH_NLRI, [high, low, safi, nlri @ ..]) = (code, value)
                && let Some(form) =
                    form(Family { afi: u16::from_be_bytes([*high, *low]), safi: *safi })
            {
                routes.add(form, nlri, " (withdrawn)", max);
            }
        }
        routes
    }

    fn add(&mut self, form: Form, field: &[u8], behind: &str, max: usize) {
        for route in form.readable_routes(field) {
            if self.named.len() < max {
                self.named.push(name(form, route.as_ref()) + behind);
            } else {
                self.more += 1;
            }
        }
    }
}

/// A field after its length of two bytes, as far as it is there, and what follows it.
fn counted(bytes: &[u8]) -> (&[u8], &[u8]) {
    let [high, low, rest @ ..] = bytes else { return (&[], &[]) };
    rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low]))).unwrap_or((rest, &[]))
}

/// One route. What is not IPv4 or IPv6 unicast has the name of its family in front.
fn name(form: Form, route: &[u8]) -> String {
    let family = form.family();
    let mut text = match family {
        Family::IPV4_UNICAST | Family::IPV6_UNICAST => String::new(),
        _ => format!("{family} "),
    };
    match form.prefix(route) {
        Some((distinguisher, bits, prefix)) => {
            if let Ok(distinguisher) = distinguisher.try_into() {
                text += &format!("{} ", route_distinguisher(distinguisher));
            }
            text += &format!("{}/{bits}", address(family, prefix));
        }
        None => text += &hex(form.without_path_id(route), ROUTE_MAX),
    }
    if let Some(id) = form.path_id(route) {
        text += &format!(" path {id}");
    }
    text
}

/// The address that begins with these bytes.
pub(super) fn address(family: Family, prefix: &[u8]) -> IpAddr {
    let mut bytes = [0; 16];
    let known = prefix.len().min(bytes.len());
    bytes[..known].copy_from_slice(&prefix[..known]);
    let [a, b, c, d, ..] = bytes;
    if family.afi == 1 { Ipv4Addr::new(a, b, c, d).into() } else { Ipv6Addr::from(bytes).into() }
}

/// A route distinguisher in the form of its type (RFC 4364 section 4.2).
pub fn route_distinguisher(bytes: [u8; 8]) -> String {
    let [_, kind, a, b, c, d, e, f] = bytes;
    match kind {
        0 => format!("{}:{}", u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])),
        1 => format!("{}:{}", Ipv4Addr::new(a, b, c, d), u16::from_be_bytes([e, f])),
        _ => format!("{}:{}", u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([e, f])),
    }
}

/// The first `max` bytes in hexadecimal; if there are more, with their total number.
pub fn hex(bytes: &[u8], max: usize) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(2 * bytes.len().min(max) + 16);
    for byte in bytes.iter().take(max) {
        // A String can always be written.
        let _ = write!(text, "{byte:02x}");
    }
    if bytes.len() > max {
        let _ = write!(text, "... ({} bytes)", bytes.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEN: &[u8] = &[8, 10];

    /// The body of an UPDATE.
    fn body(withdrawn: &[u8], attributes: &[u8], announced: &[u8]) -> Vec<u8> {
        let counted = |field: &[u8]| [&(field.len() as u16).to_be_bytes(), field].concat();
        [&counted(withdrawn), &counted(attributes), announced].concat()
    }

    fn named(body: &[u8], forms: &[Form]) -> Vec<String> {
        NamedRoutes::of_update(body, forms, 20).named
    }

    #[test]
    fn announced_routes_come_first_and_withdrawn_ones_say_so() {
        let ipv6 = Form::new(Family::IPV6_UNICAST, true);
        let reach = [0x80, 14, 14, 0, 2, 1, 0, 0, 0, 0, 0, 7, 32, 0x20, 1, 0xd, 0xb8];
        let unreach = [0x90, 15, 0, 8, 0, 2, 1, 0, 0, 0, 9, 0];
        let update = body(TEN, &[&reach[..], &unreach].concat(), &[24, 192, 0, 2]);
        assert_eq!(
            named(&update, &[ipv6]),
            [
                "192.0.2.0/24",
                "2001:db8::/32 path 7",
                "10.0.0.0/8 (withdrawn)",
                "::/0 path 9 (withdrawn)"
            ]
        );
        assert_eq!(named(&update, &[]), ["192.0.2.0/24", "10.0.0.0/8 (withdrawn)"]);
    }

    #[test]
    fn routes_are_named_as_their_family_is() {
        let of = |family: Family, route: &[u8]| {
            let [high, low] = family.afi.to_be_bytes();
            let value = [&[high, low, family.safi, 0, 0][..], route].concat();
            let attribute = [&[0x80, 14, value.len() as u8], &value[..]].concat();
            named(&body(&[], &attribute, &[]), &[Form::new(family, false)]).join(", ")
        };
        let label = [0, 0, 0x11];
        let labeled = [&[24 + 8][..], &label, &[10]].concat();
        assert_eq!(of(Family::IPV4_LABELED_UNICAST, &labeled), "ipv4-labeled-unicast 10.0.0.0/8");
        let vpn = [&[24 + 64 + 8][..], &label, &[0, 0, 0xfd, 0xe8, 0, 0, 0, 1], &[10]].concat();
        assert_eq!(of(Family::VPNV4_UNICAST, &vpn), "vpnv4-unicast 65000:1 10.0.0.0/8");
        assert_eq!(of(Family::IPV4_MULTICAST, TEN), "ipv4-multicast 10.0.0.0/8");
        assert_eq!(of(Family::L2VPN_EVPN, &[9, 2, 0xab, 0xcd]), "l2vpn-evpn 0902abcd");
        let long = [&[9, 40][..], &[0; 40]].concat();
        let shown = format!("l2vpn-evpn 0928{}... (42 bytes)", "00".repeat(30));
        assert_eq!(of(Family::L2VPN_EVPN, &long), shown);
    }

    #[test]
    fn what_cannot_be_read_is_passed_over() {
        // The second route has 33 bits.
        assert_eq!(named(&body(&[], &[], &[8, 10, 33, 0, 0, 0, 0]), &[]), ["10.0.0.0/8"]);
        // The withdrawn routes overrun the message.
        assert_eq!(named(&[0, 9, 8, 10], &[]), ["10.0.0.0/8 (withdrawn)"]);
        // The attributes overrun their length, and the last one that of all.
        let ipv6 = [Form::new(Family::IPV6_UNICAST, false)];
        let reach = [0x80, 14, 200, 0, 2, 1, 0, 0, 8, 0x20];
        assert_eq!(named(&body(&[], &reach, &[]), &ipv6), ["2000::/8"]);
        for nothing in [&[][..], &[0], &[0, 0], &[0, 0, 0, 3, 0x90, 14, 0]] {
            assert_eq!(NamedRoutes::of_update(nothing, &ipv6, 20), NamedRoutes::default());
        }
    }

    #[test]
    fn routes_beyond_the_bound_are_counted() {
        let update = body(&[], &[], &[0; 100]);
        let routes = NamedRoutes::of_update(&update, &[], 20);
        assert_eq!((routes.named.len(), routes.more), (20, 80));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            attributes in prop::collection::vec(any::<u8>(), 0..100),
            add_path: bool,
        ) {
            let forms = Family::ALL.map(|family| Form::new(family, add_path));
            for body in [bytes.clone(), body(&bytes, &attributes, &bytes)] {
                let routes = NamedRoutes::of_update(&body, &forms, 20);
                prop_assert!(routes.named.len() <= 20);
            }
        }
    }
}
