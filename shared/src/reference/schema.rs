//! The JSON schema as far as the keys are concerned: what of it is read, and what is written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::Entry;

/// A value of the file: the file itself, a table, a list, or a value of a key.
///
/// Names beside those of JSON Schema (draft 4, which is what editors of TOML know) begin with `x-`; editors pass over them.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Node {
    /// The draft that the schema is of; only at its root.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub draft: Option<String>,
    /// The name of the whole; only at its root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its type; `None` if there are several, in [`Node::any_of`].
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// One of these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub any_of: Vec<Node>,
    /// The only words that are allowed.
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// The least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
    /// What applies without it, if that is a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Examples of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Value>,
    /// The elements of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Node>>,
    /// The keys of a table, in the order of the documentation.
    #[serde(skip_serializing_if = "Properties::is_empty")]
    pub properties: Properties,
    /// The keys that a table must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// What keys of other names have; `false` if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_properties: Option<Extra>,
    /// What a number counts.
    #[serde(rename = "x-unit", skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What applies without it, as TOML or in words.
    #[serde(rename = "x-default", skip_serializing_if = "Option::is_none")]
    pub default_text: Option<String>,
    /// An example, as TOML.
    #[serde(rename = "x-example", skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// When a change takes effect.
    #[serde(rename = "x-takes-effect", skip_serializing_if = "Option::is_none")]
    pub takes_effect: Option<Effect>,
    /// Where more is documented.
    #[serde(rename = "x-see", skip_serializing_if = "Vec::is_empty")]
    pub see: Vec<String>,
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A table.
    Object,
    /// A list.
    Array,
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// Keys that the schema does not name.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Extra {
    /// Whether there can be some, of any kind.
    Allowed(bool),
    /// What each of them has.
    Of(Box<Node>),
}

/// When a change of a key takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It distinguishes one table from another.
    Identity,
    /// With a reload.
    Reload,
    /// With a reload, which ends or starts what the table is about.
    ReloadStops,
    /// With a reload, which ends the BGP sessions that it is of.
    ReloadRestarts,
    /// With a reload, which ends the connection of the router.
    ReloadReconnects,
    /// With a reset of the session.
    ResetSession,
    /// With a reset of the publisher.
    ResetPublisher,
    /// With a reset of the sessions and publishers, all of which have it.
    ResetAll,
    /// With another start of bmpd.
    Restart,
}

impl Effect {
    /// What it takes, as a sentence of people.
    pub fn says(self) -> &'static str {
        match self {
            Self::Identity => {
                "with a reload: another value is another one, which starts, and the one before ends"
            }
            Self::Reload => "with a reload (bmpctl reload), without interruption",
            Self::ReloadStops => "with a reload (bmpctl reload), which ends or starts it",
            Self::ReloadRestarts => "with a reload (bmpctl reload), which restarts the BGP session",
            Self::ReloadReconnects => {
                "with a reload (bmpctl reload), which ends the router's connection; its tables are kept meanwhile"
            }
            Self::ResetSession => {
                "with a new connection: after a reload it is pending until bmpctl reset session"
            }
            Self::ResetPublisher => {
                "with a new producer: after a reload it is pending until bmpctl reset publisher"
            }
            Self::ResetAll => {
                "with new connections: after a reload it is pending until bmpctl reset session all, of publishers until \
                 bmpctl reset publisher all"
            }
            Self::Restart => "with a restart of bmpd",
        }
    }
}

/// The keys of a table, in an order that counts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Properties(pub Vec<(String, Node)>);

impl Properties {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Properties {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, node) in &self.0 {
            map.serialize_entry(key, node)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Properties {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Properties;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Properties, A::Error> {
                let mut found = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    found.push(entry);
                }
                Ok(Properties(found))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

impl Node {
    /// Adds an entry for every key and table below this one, which is the root.
    pub(super) fn collect(&self, all: &mut Vec<Entry>) {
        for (name, node) in &self.properties.0 {
            node.entry(&Place::default(), name, all);
        }
    }

    fn entry(&self, place: &Place, name: &str, all: &mut Vec<Entry>) {
        let table = self.table();
        let place = match (&place.heading, table) {
            // The table of a key is the outermost one, and what can be there several times below it.
            (None, Some((_, is_list))) => Place::of(name, is_list),
            (Some(_), Some((_, true))) if place.name.is_empty() && self.takes_effect.is_none() => {
                Place::of(&format!("{}.{name}", place.path), true)
            }
            _ => place.with(name),
        };
        all.push(Entry {
            key: place.path.clone(),
            table: place.heading.clone(),
            name: place.name.clone(),
            description: self.description.clone().unwrap_or_default(),
            value: self.value(),
            unit: self.unit.clone(),
            minimum: self.minimum,
            maximum: self.maximum,
            values: match &self.items {
                Some(items) if self.words.is_empty() => items.words.clone(),
                _ => self.words.clone(),
            },
            default: self.default_text.clone(),
            takes_effect: self.takes_effect,
            example: self.example.clone(),
            see: self.see.clone(),
            is_table: table.is_some() && self.takes_effect.is_none(),
        });
        if let Some((node, _)) = table {
            for (name, node) in &node.properties.0 {
                node.entry(&place, name, all);
            }
        }
    }

    /// The table that it is, or that its elements are, and whether there can be several.
    fn table(&self) -> Option<(&Node, bool)> {
        match (&self.items, self.properties.is_empty()) {
            (_, false) => Some((self, false)),
            (Some(items), true) if !items.properties.is_empty() => Some((items, true)),
            _ => None,
        }
    }

    /// Its type in the words of the documentation.
    fn value(&self) -> String {
        let one = match (self.kind, &self.items) {
            (Some(Kind::Object), _) => "table",
            (Some(Kind::String), _) => "text",
            (Some(Kind::Integer), _) => "whole number",
            (Some(Kind::Boolean), _) => "true or false",
            (Some(Kind::Array), Some(items)) => match items.kind {
                Some(Kind::Object) => "list of tables",
                Some(Kind::Integer) => "list of whole numbers",
                _ => "list of texts",
            },
            (Some(Kind::Array), None) => "list",
            (None, _) => {
                let kinds: Vec<String> = self.any_of.iter().map(Node::value).collect();
                return kinds.join(" or ");
            }
        };
        one.to_owned()
    }
}

/// Where a key is.
#[derive(Default)]
struct Place {
    path: String,
    heading: Option<String>,
    /// In the table.
    name: String,
}

impl Place {
    fn of(path: &str, is_list: bool) -> Self {
        let heading = if is_list { format!("[[{path}]]") } else { format!("[{path}]") };
        Self { path: path.to_owned(), heading: Some(heading), name: String::new() }
    }

    fn with(&self, name: &str) -> Self {
        let joined = |before: &str| match before {
            "" => name.to_owned(),
            before => format!("{before}.{name}"),
        };
        Self { path: joined(&self.path), heading: self.heading.clone(), name: joined(&self.name) }
    }
}
