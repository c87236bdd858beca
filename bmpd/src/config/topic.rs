//! The topic of a publisher: a name, or a template that is filled in for each router.

use std::fmt;

use shared::names::{PUBLIC_INSTANCE, RouterId, VpnInstanceName};

/// The greatest length of the name of a topic, in characters.
pub(super) const TOPIC_MAX: usize = 249;

/// A name of a topic, of which some parts are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// As it is written in the file.
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Router,
    Group,
    VpnInstance,
}

/// Why a text is no topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicFault {
    /// There is nothing in it.
    #[error("it is empty; a name of 1 to {TOPIC_MAX} characters is allowed")]
    Empty,
    /// It is too long.
    #[error("it has {0} characters; 1 to {TOPIC_MAX} are allowed")]
    TooLong(usize),
    /// Kafka does not allow this character.
    #[error(
        "it contains {0:?}; letters, digits, '.', '_' and '-' are allowed, and {{router}}, {{group}} and {{vpn-instance}}"
    )]
    Character(char),
    /// These are no names of topics.
    #[error("{0:?} is not allowed as the name of a topic")]
    Dots(String),
    /// A brace without its counterpart.
    #[error("there is an unmatched '{{' or '}}'")]
    Brace,
    /// A part that is not the same for all that a router sends.
    #[error(
        "{{{0}}} is not the same for all messages of a router: the order of its messages would be lost; {{router}}, \
         {{group}} and {{vpn-instance}} (that of the router) are allowed"
    )]
    Tears(String),
    /// A part that is not known.
    #[error("{{{0}}} is not known; {{router}}, {{group}} and {{vpn-instance}} are allowed")]
    Unknown(String),
}

/// What other collectors have in their templates, and what is different between messages of one router.
const TEARING: [&str; 14] = [
    "peer",
    "peer-as",
    "peer-asn",
    "peer_asn",
    "peer-address",
    "peer-ip",
    "peer-group",
    "as",
    "asn",
    "neighbor",
    "family",
    "afi",
    "view",
    "type",
];

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl std::str::FromStr for Topic {
    type Err = TopicFault;

    fn from_str(text: &str) -> Result<Self, TopicFault> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find(['{', '}']) {
            let (literal, from) = rest.split_at(begin);
            if !literal.is_empty() {
                parts.push(Part::Literal(literal.to_owned()));
            }
            let inner = from.strip_prefix('{').ok_or(TopicFault::Brace)?;
            let (name, behind) = inner.split_once('}').ok_or(TopicFault::Brace)?;
            parts.push(match name {
                "router" => Part::Router,
                "group" => Part::Group,
                "vpn-instance" => Part::VpnInstance,
                _ if name.contains('{') => return Err(TopicFault::Brace),
                _ if TEARING.contains(&name.to_ascii_lowercase().as_str()) => {
                    return Err(TopicFault::Tears(name.to_owned()));
                }
                _ => return Err(TopicFault::Unknown(name.to_owned())),
            });
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let literals: String = parts
            .iter()
            .filter_map(|part| match part {
                Part::Literal(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        if let Some(c) = literals.chars().find(|c| !is_allowed(*c)) {
            return Err(TopicFault::Character(c));
        }
        let count = literals.chars().count();
        match (parts.as_slice(), literals.as_str()) {
            ([], _) => Err(TopicFault::Empty),
            (_, _) if count > TOPIC_MAX => Err(TopicFault::TooLong(count)),
            ([_], "." | "..") => Err(TopicFault::Dots(literals)),
            _ => Ok(Self { text: text.to_owned(), parts }),
        }
    }
}

impl Topic {
    /// The topic of a router. A character that Kafka does not allow becomes '_', and what is too long is cut off.
    pub fn of(&self, router: &RouterId, group: &str, instance: Option<&VpnInstanceName>) -> String {
        let mut name = String::new();
        for part in &self.parts {
            let router = router.to_string();
            let text = match part {
                Part::Literal(text) => text,
                Part::Router => &router,
                Part::Group => group,
                Part::VpnInstance => instance.map_or(PUBLIC_INSTANCE, VpnInstanceName::as_str),
            };
            name.extend(text.chars().map(|c| if is_allowed(c) { c } else { '_' }));
        }
        name.truncate(TOPIC_MAX);
        match name.as_str() {
            "" | "." | ".." => "_".to_owned(),
            _ => name,
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_in_for_each_router() {
        let topic: Topic = "bmp.{group}.{router}-{vpn-instance}.raw".parse().unwrap();
        let edge: RouterId = "edge 1/a".parse().unwrap();
        let red = "red".parse().unwrap();
        assert_eq!(topic.of(&edge, "eu", Some(&red)), "bmp.eu.edge_1_a-red.raw");
        assert_eq!(topic.of(&RouterId::Local, "", None), "bmp..local-_public_.raw");
        assert_eq!(topic.to_string(), "bmp.{group}.{router}-{vpn-instance}.raw");
        let plain: Topic = "openbmp.bmp_raw".parse().unwrap();
        assert_eq!(plain.of(&edge, "", None), "openbmp.bmp_raw");
        let group: Topic = "{group}".parse().unwrap();
        assert_eq!(group.of(&edge, "", None), "_");
        assert_eq!(group.of(&edge, &"x".repeat(300), None).len(), TOPIC_MAX);
    }

    #[test]
    fn what_would_be_no_topic_is_refused_with_the_reason() {
        let error = |text: &str| text.parse::<Topic>().unwrap_err();
        assert_eq!(error(""), TopicFault::Empty);
        assert_eq!(error("a b"), TopicFault::Character(' '));
        assert_eq!(error("bmp/raw"), TopicFault::Character('/'));
        assert_eq!(error(".."), TopicFault::Dots("..".to_owned()));
        assert_eq!(error("a{router"), TopicFault::Brace);
        assert_eq!(error("a}b"), TopicFault::Brace);
        assert_eq!(error("a{{router}}"), TopicFault::Brace);
        assert_eq!(error("r.{peer-as}.raw"), TopicFault::Tears("peer-as".to_owned()));
        assert_eq!(error("r.{collector}"), TopicFault::Unknown("collector".to_owned()));
        assert_eq!(error(&"x".repeat(250)), TopicFault::TooLong(250));
        assert!(error("r.{peer_asn}").to_string().contains("order of its messages"));
    }
}
