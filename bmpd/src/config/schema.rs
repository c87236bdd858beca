//! The configuration file as it is written: its tables, its keys and the types of their values.
//!
//! serde checks here that there is no key too many and that every value has the right type; all
//! other rules, also that a key is missing, are for [`super::check`], which sees the whole file and
//! can report everything at once. Values that a rule can refuse are [`Spanned`]: they know their place.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use toml::Spanned;

/// The whole file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    pub(super) bmp: Option<Table<Bmp>>,
    pub(super) session: Vec<Spanned<Table<Session>>>,
    pub(super) vpn_instance: Vec<Spanned<Table<VpnInstance>>>,
    pub(super) bgp: Option<Spanned<Table<Bgp>>>,
    pub(super) control: Option<Table<Control>>,
}

/// `[bmp]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Bmp {
    pub(super) system_name: Option<Spanned<String>>,
    pub(super) system_description: Option<Spanned<String>>,
    /// Seconds.
    pub(super) statistics_timer: Option<Spanned<Whole>>,
}

/// `[[session]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Session {
    pub(super) address: Option<Spanned<String>>,
    pub(super) vpn_instance: Option<Spanned<String>>,
    pub(super) alias: Option<Spanned<String>>,
    pub(super) tcp: Option<Spanned<Table<Tcp>>>,
    pub(super) description: Option<Spanned<String>>,
    pub(super) retry: Option<Table<Retry>>,
    /// Seconds.
    pub(super) stall_timeout: Option<Spanned<Whole>>,
}

/// `tcp` of a session.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Tcp {
    pub(super) connect_port: Option<Spanned<Whole>>,
}

/// `retry` of a session; both in seconds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Retry {
    pub(super) initial: Option<Spanned<Whole>>,
    pub(super) maximum: Option<Spanned<Whole>>,
}

/// `[[vpn-instance]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct VpnInstance {
    pub(super) name: Option<Spanned<String>>,
    pub(super) device: Option<Spanned<String>>,
}

/// `[bgp]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Bgp {
    #[serde(rename = "as")]
    pub(super) asn: Option<Spanned<Whole>>,
    pub(super) router_id: Option<Spanned<String>>,
    pub(super) listen: Option<Vec<Spanned<String>>>,
    pub(super) neighbor: Vec<Spanned<Table<Neighbor>>>,
}

/// `[[bgp.neighbor]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Neighbor {
    pub(super) address: Option<Spanned<String>>,
    pub(super) remote_as: Option<Spanned<Whole>>,
    pub(super) port: Option<Spanned<Whole>>,
    pub(super) passive: Option<bool>,
    /// Seconds.
    pub(super) hold_time: Option<Spanned<Whole>>,
    pub(super) families: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) description: Option<Spanned<String>>,
}

/// `[control]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Control {
    pub(super) socket: Option<Spanned<String>>,
}

/// A table, and nothing else: serde's derived code alone would also take a list of the values in
/// the order of the fields, such as `session = [["10.1.1.1"]]`.
#[derive(Debug, Default)]
pub(super) struct Table<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for TableVisitor<T> {
            type Value = Table<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Table<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Table)
            }
        }

        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

/// A whole number of any size, so that one out of range is told the range and not its Rust type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole(pub(super) i128);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WholeVisitor;

        impl Visitor<'_> for WholeVisitor {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E>(self, value: i64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Whole, E> {
                Ok(Whole(value.into()))
            }

            fn visit_i128<E>(self, value: i128) -> Result<Whole, E> {
                Ok(Whole(value))
            }

            fn visit_u128<E>(self, value: u128) -> Result<Whole, E> {
                Ok(Whole(i128::try_from(value).unwrap_or(i128::MAX)))
            }
        }

        deserializer.deserialize_any(WholeVisitor)
    }
}
