//! The nearest of what there is to what was typed.

use std::cmp::Ordering;

use shared::names::{
    NeighborId, PublisherName, RouterId, Selector, SessionId, Shown, VpnInstanceName,
};
use strsim::osa_distance;

use crate::arguments;

/// How many are named if several are equally near.
const NAMED: usize = 3;

/// The cost of a name where none was typed, and the other way round.
const MISSED: usize = 2;
const TOO_MUCH: usize = 3;

/// How far a text is from what was typed; `None` if it is too far to have been meant. Another case is
/// nearer than another letter.
fn distance(typed: &str, there: &str) -> Option<usize> {
    if typed == there {
        return Some(0);
    }
    let (typed, there) = (typed.to_lowercase(), there.to_lowercase());
    let edits = osa_distance(&typed, &there);
    let bound = (typed.chars().count() / 3).clamp(1, 3);
    (edits <= bound).then_some(1 + 2 * edits)
}

/// The same for what can be left out.
fn distance_if_any(typed: Option<&str>, there: Option<&str>) -> Option<usize> {
    match (typed, there) {
        (None, None) => Some(0),
        (Some(typed), Some(there)) => distance(typed, there),
        (None, Some(_)) => Some(MISSED),
        (Some(_), None) => Some(TOO_MUCH),
    }
}

/// Those that are nearest, in their order, each once.
fn nearest_by<T>(
    there: impl IntoIterator<Item = T>,
    distance: impl Fn(&T) -> Option<usize>,
    shown: impl Fn(&T) -> String,
) -> Vec<String> {
    let (mut least, mut found) = (usize::MAX, Vec::new());
    for one in there {
        let Some(distance) = distance(&one) else { continue };
        match distance.cmp(&least) {
            Ordering::Less => (least, found) = (distance, vec![shown(&one)]),
            Ordering::Equal => {
                let shown = shown(&one);
                if !found.contains(&shown) {
                    found.push(shown);
                }
            }
            Ordering::Greater => {}
        }
    }
    found
}

/// `did you mean a, b or c?`; `None` if there is nothing near, or too much.
pub(crate) fn question(nearest: &[String]) -> Option<String> {
    match nearest {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [some @ .., last] if some.len() < NAMED => {
            Some(format!("did you mean {} or {last}?", some.join(", ")))
        }
        _ => None,
    }
}

/// The nearest of a few words.
pub(crate) fn word(typed: &str, there: &[impl AsRef<str>]) -> Option<String> {
    let there = there.iter().map(AsRef::as_ref);
    question(&nearest_by(there, |there| distance(typed, there), ToString::to_string))
}

/// The nearest VPN instance.
pub(crate) fn vpn_instance<'a>(
    typed: &VpnInstanceName,
    there: impl IntoIterator<Item = &'a VpnInstanceName>,
) -> Option<String> {
    let distance = |there: &&VpnInstanceName| distance(typed.as_str(), there.as_str());
    question(&nearest_by(there, distance, |name| Shown(name.as_str()).to_string()))
}

/// The nearest router.
pub(crate) fn router(typed: &RouterId, there: &[RouterId]) -> Option<String> {
    let typed = typed.to_string();
    let there: Vec<String> = there.iter().map(ToString::to_string).collect();
    let distance = |there: &&String| match there.strip_prefix(&typed) {
        // The name of a host, without its domain.
        Some(rest) if rest.starts_with('.') => Some(1),
        _ => distance(&typed, there),
    };
    question(&nearest_by(&there, distance, |name| Shown(name).to_string()))
}

/// The nearest publisher.
pub(crate) fn publisher(typed: &PublisherName, there: &[PublisherName]) -> Option<String> {
    let distance = |there: &&PublisherName| distance(typed.as_str(), there.as_str());
    question(&nearest_by(there, distance, |name| Shown(name.as_str()).to_string()))
}

/// The nearest session, as arguments.
pub(crate) fn session(typed: &Selector, there: &[SessionId]) -> Option<String> {
    let Selector::One(typed) = typed else { return None };
    // An existing station that was typed is meant: none of another one is named then.
    let of_station = there.iter().any(|id| id.address == typed.address);
    let there = there.iter().filter(|id| !of_station || id.address == typed.address);
    let distance = |there: &&SessionId| {
        let instance = distance_if_any(
            typed.vpn_instance.as_ref().map(VpnInstanceName::as_str),
            there.vpn_instance.as_ref().map(VpnInstanceName::as_str),
        )?;
        let (alias, its_alias) = (typed.alias.as_ref(), there.alias.as_ref());
        let alias = match (alias, its_alias) {
            // Half of it was typed.
            (Some(typed), Some(its)) if its.as_str().starts_with(typed.as_str()) => 1,
            _ => distance_if_any(
                alias.map(|alias| alias.as_str()),
                its_alias.map(|alias| alias.as_str()),
            )?,
        };
        let address = distance(&typed.address.to_string(), &there.address.to_string())?;
        Some(instance + alias + address)
    };
    question(&nearest_by(there, distance, |id| arguments::session(id)))
}

/// The nearest neighbor, as arguments.
pub(crate) fn neighbor(
    address: std::net::IpAddr,
    vpn_instance: Option<&VpnInstanceName>,
    there: &[NeighborId],
) -> Option<String> {
    let typed = address.to_string();
    let distance = |there: &&NeighborId| {
        let instance = there.vpn_instance.as_ref().map(VpnInstanceName::as_str);
        // Without an instance every one was meant.
        let instance = match vpn_instance {
            Some(typed) => distance_if_any(Some(typed.as_str()), instance)?,
            None => 0,
        };
        Some(instance + distance(&typed, &there.address.to_string())?)
    };
    question(&nearest_by(there, distance, |id| match (&id.vpn_instance, vpn_instance) {
        (Some(name), Some(_)) => {
            format!("{} --vpn-instance {}", id.address, Shown(name.as_str()))
        }
        (None, _) | (_, None) => id.address.to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SessionId {
        let [vpn_instance, address, alias] = text.split('|').collect::<Vec<_>>()[..] else {
            panic!("{text}")
        };
        SessionId {
            vpn_instance: Some(vpn_instance).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()),
            address: address.parse().unwrap(),
            alias: Some(alias).filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()),
        }
    }

    #[test]
    fn the_nearest_session_is_found_by_address_alias_and_instance() {
        let there = [
            "|10.1.1.1|",
            "|10.1.1.1|aa",
            "|10.1.1.1|Core West",
            "|2001:db8::1|",
            "red|10.9.9.1|",
            "mgmt|10.9.9.1|rr",
        ]
        .map(id);
        let cases = [
            ("|10.1.1.2|", Some("10.1.1.1")),
            ("|10.11.1.1|aa", Some("10.1.1.1 --alias aa")),
            ("|10.1.1.1|AA", Some("10.1.1.1 --alias aa")),
            ("|10.1.1.1|core west", Some("10.1.1.1 --alias \"Core West\"")),
            ("|2001:db8::2|", Some("2001:db8::1")),
            ("|10.9.9.1|", Some("10.9.9.1 --vpn-instance red")),
            ("RED|10.9.9.1|", Some("10.9.9.1 --vpn-instance red")),
            ("mgnt|10.9.9.1|rr", Some("10.9.9.1 --alias rr --vpn-instance mgmt")),
            ("|10.9.9.1|rr", Some("10.9.9.1 --alias rr --vpn-instance mgmt")),
            ("|172.16.200.100|", None),
            ("|2001:db8:aaaa:bbbb::7|", None),
        ];
        for (typed, expected) in cases {
            let expected = expected.map(|expected| format!("did you mean {expected}?"));
            assert_eq!(session(&Selector::One(id(typed)), &there), expected, "{typed}");
        }
    }

    #[test]
    fn equally_near_ones_are_named_if_they_are_few() {
        let there = ["|10.1.1.1|", "|10.1.1.2|", "|10.1.1.4|", "|10.1.1.5|"].map(id);
        let typed = Selector::One(id("|10.1.1.3|"));
        assert_eq!(
            session(&typed, &there[..3]).as_deref(),
            Some("did you mean 10.1.1.1, 10.1.1.2 or 10.1.1.4?")
        );
        assert_eq!(session(&typed, &there), None);
    }

    #[test]
    fn a_mistyped_word_gets_the_nearest() {
        let keywords = ["vpn-instance", "all", "alias", "verbose"];
        for (typed, expected) in
            [("vpn-instace", "vpn-instance"), ("alais", "alias"), ("al", "all"), ("ALIAS", "alias")]
        {
            assert_eq!(word(typed, &keywords), Some(format!("did you mean {expected}?")));
        }
        assert_eq!(word("10.1.1.1", &keywords), None);
    }
}
