//! The configuration file as it is written: its tables, its keys and the types of their values.
//!
//! serde checks here that there is no unknown key and that every value has the right type; all other rules, also for
//! missing keys, are in [`super::check`], which sees the whole file and can report everything at once. Values that a
//! rule can refuse are [`Spanned`]: they include their place.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use toml::Spanned;
use zeroize::Zeroizing;

/// The whole file.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct File {
    /// Checked before this is read, as it says what else is to be read.
    pub(super) include: Option<Vec<Spanned<String>>>,
    pub(super) bmp: Option<Table<Bmp>>,
    pub(super) session: Vec<Spanned<Table<Session>>>,
    pub(super) vpn_instance: Vec<Spanned<Table<VpnInstance>>>,
    pub(super) bgp: Option<Spanned<Table<Bgp>>>,
    pub(super) relay: Option<Spanned<Table<Relay>>>,
    pub(super) router: Vec<Spanned<Table<Router>>>,
    pub(super) publisher: Vec<Spanned<Table<Publisher>>>,
    pub(super) control: Option<Table<Control>>,
    pub(super) process: Option<Table<Process>>,
    pub(super) http: Option<Table<Http>>,
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
    pub(super) tls: Option<Spanned<Table<Tls>>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) description: Option<Spanned<String>>,
    pub(super) retry: Option<Table<Retry>>,
    /// Seconds.
    pub(super) stall_timeout: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) initial_delay: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) statistics_timer: Option<Spanned<Whole>>,
    pub(super) shutdown: Option<bool>,
    pub(super) initiation_message: Option<Spanned<OneOrMany>>,
    pub(super) identity: Option<Spanned<String>>,
    pub(super) source_addresses: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) ports: Option<Spanned<BTreeMap<Spanned<String>, Spanned<Whole>>>>,
    pub(super) monitor: Option<Spanned<Table<Monitor>>>,
}

impl Session {
    /// What its connections are bound to, if anything.
    pub(super) fn tcp_source(&self) -> Option<&Spanned<String>> {
        let Table(tcp) = self.tcp.as_ref()?.get_ref();
        tcp.source_address.as_ref().or(tcp.source_interface.as_ref())
    }
}

/// `tcp` of a session.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Tcp {
    pub(super) connect_port: Option<Spanned<Whole>>,
    pub(super) listen_port: Option<Spanned<Whole>>,
    pub(super) source_address: Option<Spanned<String>>,
    pub(super) source_interface: Option<Spanned<String>>,
    pub(super) mss: Option<Spanned<Whole>>,
    pub(super) dscp: Option<Spanned<Whole>>,
    pub(super) keepalive: Option<Table<Keepalive>>,
    /// Seconds.
    pub(super) user_timeout: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) connect_timeout: Option<Spanned<Whole>>,
    pub(super) md5: Option<Spanned<Table<Key>>>,
    pub(super) ao: Option<Spanned<Vec<Spanned<Table<AoKey>>>>>,
}

/// `keepalive` of `tcp`; times in seconds.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Keepalive {
    pub(super) idle: Option<Spanned<Whole>>,
    pub(super) interval: Option<Spanned<Whole>>,
    pub(super) count: Option<Spanned<Whole>>,
}

/// A key, here or in another file.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Key {
    pub(super) key: Option<Spanned<Hidden>>,
    pub(super) key_file: Option<Spanned<String>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// One key of `ao`.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct AoKey {
    pub(super) send_id: Option<Spanned<Whole>>,
    pub(super) receive_id: Option<Spanned<Whole>>,
    pub(super) algorithm: Option<Spanned<String>>,
    pub(super) key: Option<Spanned<Hidden>>,
    pub(super) key_file: Option<Spanned<String>>,
}

impl fmt::Debug for AoKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AoKey(***)")
    }
}

/// `tls` of a session: files are PEM.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Tls {
    pub(super) ca: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) private_key: Option<Spanned<String>>,
    pub(super) server_name: Option<Spanned<String>>,
    pub(super) minimum_version: Option<Spanned<String>>,
}

/// `monitor` of a session.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Monitor {
    pub(super) public: Option<bool>,
    pub(super) vpn_instances: Option<Vec<Spanned<String>>>,
    pub(super) all_vpn_instances: Option<bool>,
    pub(super) neighbors: Option<Vec<Spanned<Table<MonitorNeighbor>>>>,
    pub(super) families: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) routers: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) views: Option<Spanned<Vec<Spanned<String>>>>,
}

/// One of `neighbors` of `monitor`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct MonitorNeighbor {
    pub(super) address: Option<Spanned<String>>,
    pub(super) vpn_instance: Option<Spanned<String>>,
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
    pub(super) netns: Option<Spanned<String>>,
    pub(super) route_distinguisher: Option<Spanned<String>>,
    pub(super) listen: Option<Vec<Spanned<String>>>,
}

/// `[bgp]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Bgp {
    #[serde(rename = "as")]
    pub(super) asn: Option<Spanned<Whole>>,
    pub(super) router_id: Option<Spanned<String>>,
    pub(super) listen: Option<Vec<Spanned<String>>>,
    /// MiB.
    pub(super) memory_limit: Option<Spanned<Whole>>,
    pub(super) maximum_pending: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) open_timeout: Option<Spanned<Whole>>,
    pub(super) neighbor: Vec<Spanned<Table<Neighbor>>>,
}

/// `[[bgp.neighbor]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Neighbor {
    pub(super) address: Option<Spanned<String>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) maximum_neighbors: Option<Spanned<Whole>>,
    pub(super) vpn_instance: Option<Spanned<String>>,
    pub(super) remote_as: Option<Spanned<Whole>>,
    pub(super) port: Option<Spanned<Whole>>,
    pub(super) passive: Option<Spanned<bool>>,
    /// Seconds.
    pub(super) hold_time: Option<Spanned<Whole>>,
    pub(super) families: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) add_path: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) md5: Option<Spanned<Table<Key>>>,
    pub(super) source_address: Option<Spanned<String>>,
    pub(super) multihop: Option<Spanned<Whole>>,
    pub(super) ttl_security: Option<Spanned<Whole>>,
    pub(super) mss: Option<Spanned<Whole>>,
    pub(super) maximum_routes: Option<Spanned<Table<MaximumRoutes>>>,
    /// MiB.
    pub(super) maximum_memory: Option<Spanned<Whole>>,
    pub(super) graceful_restart: Option<bool>,
    pub(super) description: Option<Spanned<String>>,
}

/// `maximum-routes` of a neighbor.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct MaximumRoutes {
    pub(super) limit: Option<Spanned<Whole>>,
    pub(super) action: Option<Spanned<String>>,
    /// Seconds.
    pub(super) restart_after: Option<Spanned<Whole>>,
}

/// `[relay]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Relay {
    pub(super) listen: Option<Vec<Spanned<String>>>,
    /// MiB.
    pub(super) memory_limit: Option<Spanned<Whole>>,
    pub(super) maximum_pending: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) initiation_timeout: Option<Spanned<Whole>>,
    pub(super) proxies: Option<Vec<Spanned<String>>>,
}

/// `tls` of a router.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct RouterTls {
    pub(super) ca: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) private_key: Option<Spanned<String>>,
    pub(super) client_name: Option<Spanned<String>>,
    pub(super) minimum_version: Option<Spanned<String>>,
}

/// `[[router]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Router {
    pub(super) name: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<String>>,
    pub(super) addresses: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) maximum_routers: Option<Spanned<Whole>>,
    pub(super) vpn_instance: Option<Spanned<String>>,
    pub(super) mode: Option<Spanned<String>>,
    pub(super) tcp: Option<Spanned<Table<Tcp>>>,
    pub(super) tls: Option<Spanned<Table<RouterTls>>>,
    pub(super) retry: Option<Table<Retry>>,
    /// Seconds.
    pub(super) hold_time: Option<Spanned<Whole>>,
    pub(super) maximum_peers: Option<Spanned<Whole>>,
    pub(super) maximum_routes: Option<Spanned<Whole>>,
    /// MiB.
    pub(super) maximum_memory: Option<Spanned<Whole>>,
    /// Bytes.
    pub(super) maximum_message: Option<Spanned<Whole>>,
    pub(super) description: Option<Spanned<String>>,
    pub(super) shutdown: Option<bool>,
}

/// `[[publisher]]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Publisher {
    pub(super) name: Option<Spanned<String>>,
    pub(super) description: Option<Spanned<String>>,
    pub(super) topic: Option<Spanned<String>>,
    pub(super) admin_id: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
    pub(super) router_hash: Option<Spanned<String>>,
    /// Seconds.
    pub(super) snapshot_interval: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) statistics_timer: Option<Spanned<Whole>>,
    pub(super) kafka: Option<Spanned<Table<Kafka>>>,
    pub(super) monitor: Option<Spanned<Table<Monitor>>>,
    pub(super) shutdown: Option<bool>,
}

/// `kafka` of a publisher.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Kafka {
    pub(super) bootstrap_servers: Option<Spanned<Vec<Spanned<String>>>>,
    pub(super) compression: Option<Spanned<String>>,
    /// Bytes.
    pub(super) window: Option<Spanned<Whole>>,
    /// Milliseconds.
    pub(super) linger: Option<Spanned<Whole>>,
    /// Seconds.
    pub(super) delivery_timeout: Option<Spanned<Whole>>,
    pub(super) tls: Option<Spanned<Table<KafkaTls>>>,
    pub(super) sasl: Option<Spanned<Table<Sasl>>>,
}

/// `kafka.tls` of a publisher: files are PEM.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct KafkaTls {
    pub(super) ca: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<String>>,
    pub(super) private_key: Option<Spanned<String>>,
}

/// `kafka.sasl` of a publisher.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Sasl {
    pub(super) mechanism: Option<Spanned<String>>,
    pub(super) user: Option<Spanned<String>>,
    pub(super) password: Option<Spanned<Hidden>>,
    pub(super) password_file: Option<Spanned<String>>,
}

impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sasl(***)")
    }
}

/// `[control]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Control {
    pub(super) socket: Option<Spanned<String>>,
    pub(super) group: Option<Spanned<String>>,
    pub(super) users: Option<Spanned<Entries>>,
    pub(super) groups: Option<Spanned<Entries>>,
    pub(super) others: Option<Spanned<Whole>>,
    pub(super) maximum_clients: Option<Spanned<Whole>>,
    pub(super) maximum_clients_per_user: Option<Spanned<Whole>>,
    pub(super) maximum_monitors: Option<Spanned<Whole>>,
    pub(super) maximum_monitors_per_user: Option<Spanned<Whole>>,
}

/// `[http]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Http {
    pub(super) listen: Option<Vec<Spanned<String>>>,
    pub(super) maximum_connections: Option<Spanned<Whole>>,
}

/// `[process]`.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Process {
    pub(super) user: Option<Spanned<String>>,
}

/// A table whose keys are names that the file's author chose, each with a number; in no order.
#[derive(Debug, Default)]
pub(super) struct Entries(pub(super) Vec<(Spanned<String>, Spanned<Whole>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
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

/// A whole number of any size, so that the error for one out of range has the range and not its Rust type.
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

/// The text of a key: overwritten when it is dropped. (A text that is written with escapes is first made by the parser,
/// in a buffer of its own.)
pub(super) struct Hidden(pub(super) Zeroizing<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HiddenVisitor;

        impl Visitor<'_> for HiddenVisitor {
            type Value = Hidden;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Hidden, E> {
                Ok(Hidden(Zeroizing::new(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Hidden, E> {
                Ok(Hidden(Zeroizing::new(text)))
            }
        }

        deserializer.deserialize_string(HiddenVisitor)
    }
}

/// A text, or a list of texts.
#[derive(Debug, Clone)]
pub(super) struct OneOrMany(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany(texts))
            }
        }

        deserializer.deserialize_any(TextsVisitor)
    }
}

/// The keys that each table can have, for tests that need all of them.
#[cfg(test)]
pub(crate) mod keys {
    use std::collections::BTreeSet;
    use std::fmt;

    use serde::Deserialize;
    use serde::de::{self, Deserializer, Visitor};

    /// The names of the fields, by way of an error.
    #[derive(Debug)]
    struct Fields(Option<&'static [&'static str]>);

    impl fmt::Display for Fields {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{:?}", self.0)
        }
    }

    impl std::error::Error for Fields {}

    impl de::Error for Fields {
        fn custom<T: fmt::Display>(_: T) -> Self {
            Fields(None)
        }
    }

    struct Asker;

    impl<'de> Deserializer<'de> for Asker {
        type Error = Fields;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Fields> {
            Err(Fields(None))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Fields> {
            Err(Fields(Some(fields)))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    fn of<T: for<'de> Deserialize<'de>>() -> Vec<String> {
        let fields = match T::deserialize(Asker) {
            Err(Fields(Some(fields))) => fields,
            _ => panic!("no struct"),
        };
        fields.iter().map(|field| (*field).to_owned()).collect()
    }

    /// The keys of a table, with those of the tables in it in the place of their names.
    fn with(keys: Vec<String>, inner: &[(&str, Vec<String>)]) -> BTreeSet<String> {
        let mut all: BTreeSet<String> = keys.into_iter().collect();
        for (name, keys) in inner {
            assert!(all.remove(*name), "no table {name}");
            all.extend(keys.iter().map(|key| format!("{name}.{key}")));
        }
        all
    }

    /// Those of `[[session]]`; a list of tables is one key.
    pub(crate) fn session() -> BTreeSet<String> {
        let inner = [
            ("tcp", of::<super::Tcp>()),
            ("tls", of::<super::Tls>()),
            ("retry", of::<super::Retry>()),
            ("monitor", of::<super::Monitor>()),
            ("tcp.keepalive", of::<super::Keepalive>()),
            ("tcp.md5", of::<super::Key>()),
        ];
        with(of::<super::Session>(), &inner)
    }

    /// Those of `[[bgp.neighbor]]`.
    pub(crate) fn neighbor() -> BTreeSet<String> {
        let inner = [("md5", of::<super::Key>()), ("maximum-routes", of::<super::MaximumRoutes>())];
        with(of::<super::Neighbor>(), &inner)
    }

    /// Those of `[[router]]`; a list of tables is one key.
    pub(crate) fn router() -> BTreeSet<String> {
        let inner = [
            ("tcp", of::<super::Tcp>()),
            ("tls", of::<super::RouterTls>()),
            ("retry", of::<super::Retry>()),
            ("tcp.keepalive", of::<super::Keepalive>()),
            ("tcp.md5", of::<super::Key>()),
        ];
        with(of::<super::Router>(), &inner)
    }

    /// Those of `[[publisher]]`.
    #[cfg(feature = "kafka")]
    pub(crate) fn publisher() -> BTreeSet<String> {
        let inner = [
            ("kafka", of::<super::Kafka>()),
            ("kafka.tls", of::<super::KafkaTls>()),
            ("kafka.sasl", of::<super::Sasl>()),
            ("monitor", of::<super::Monitor>()),
        ];
        with(of::<super::Publisher>(), &inner)
    }

    /// Those of `[control]`, `[process]` and `[http]`, with the names of the tables.
    pub(crate) fn daemon() -> BTreeSet<String> {
        let tables = ["control", "process", "http"].map(str::to_owned).to_vec();
        let inner = [
            ("control", of::<super::Control>()),
            ("process", of::<super::Process>()),
            ("http", of::<super::Http>()),
        ];
        with(tables, &inner)
    }
}
