//! `[[publisher]]`.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use shared::names::PublisherName;
use toml::Spanned;

use super::session::Common;
use super::value::shown;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{
    Compression, Kafka, KafkaTls, Publisher, RouterHash, Sasl, SaslMechanism,
};
use crate::config::schema::{self, Table};
use crate::config::topic::Topic;
use crate::filter::Monitor;

/// The longest admin ID, group, user and password, in bytes.
const SHORT_MAX: usize = 255;

/// The most servers that can be named.
const SERVERS_MAX: usize = 64;

/// What a list has in it, for an error.
fn allowed<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> String {
    all.iter().map(|one| format!("\"{}\"", word(*one))).collect::<Vec<_>>().join(", ")
}

impl Check<'_> {
    /// Every `[[publisher]]`.
    pub(super) fn publishers(
        &mut self,
        tables: &[Spanned<Table<schema::Publisher>>],
        common: &Common<'_>,
    ) -> Option<Vec<Publisher>> {
        let mut first: HashMap<PublisherName, (usize, usize)> = HashMap::new();
        let mut checked = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let at = format!("publisher[{index}]");
            let Table(publisher) = table.get_ref();
            let key = format!("{at}.name");
            let name = self
                .required(table.span(), &*key, &publisher.name, "name = \"NAME\"")
                .and_then(|name| self.name::<PublisherName>(&key, name));
            if let Some((name, value)) = name.as_ref().zip(publisher.name.as_ref()) {
                match first.get(name) {
                    Some((index, begin)) => {
                        let line = self.source.place(*begin);
                        let text = format!(
                            "publisher[{index}] on {line} has the same name; give one of them another one"
                        );
                        self.refuse(value.span(), key, text);
                    }
                    None => {
                        first.insert(name.clone(), (index, table.span().start));
                    }
                }
            }
            checked.push(self.publisher(&at, table.span(), publisher, name, common));
        }
        checked.into_iter().collect()
    }

    fn publisher(
        &mut self,
        at: &str,
        span: Range<usize>,
        publisher: &schema::Publisher,
        name: Option<PublisherName>,
        common: &Common<'_>,
    ) -> Option<Publisher> {
        let description = self.optional(&publisher.description, |check, text| {
            check.text(&format!("{at}.description"), text)
        });
        let key = format!("{at}.topic");
        let wanted = "topic = \"TOPIC\", such as \"openbmp.bmp_raw\"";
        let topic = self.required(span.clone(), &*key, &publisher.topic, wanted);
        let topic = topic.and_then(|value| match value.get_ref().parse::<Topic>() {
            Ok(topic) => Some(topic),
            Err(fault) => {
                self.refuse(value.span(), key, fault.to_string());
                None
            }
        });
        let admin_id = self.optional(&publisher.admin_id, |check, text| {
            check.short_text(&format!("{at}.admin-id"), text, 1)
        });
        let group = self.optional(&publisher.group, |check, text| {
            check.short_text(&format!("{at}.group"), text, 0)
        });
        let router_hash = self.optional(&publisher.router_hash, |check, value| {
            let key = format!("{at}.router-hash");
            check.one_of(&key, value, &RouterHash::ALL, RouterHash::word)
        });
        let key = format!("{at}.snapshot-interval");
        let snapshots = self.seconds(&key, &publisher.snapshot_interval, 60..=31_536_000);
        let key = format!("{at}.statistics-timer");
        let statistics_timer = self.seconds(&key, &publisher.statistics_timer, 15..=65535);
        let wanted = "kafka.bootstrap-servers = [\"HOST:PORT\"]";
        let kafka = self
            .required(span, format!("{at}.kafka"), &publisher.kafka, wanted)
            .and_then(|kafka| self.kafka(&format!("{at}.kafka"), kafka));
        let monitor = match &publisher.monitor {
            Some(monitor) => self.monitor(&format!("{at}.monitor"), monitor, common),
            None => Some(Monitor::default()),
        };
        let bmp = common.bmp?;
        let admin_id = admin_id?.unwrap_or_else(|| {
            let fits = |(at, c): &(usize, char)| at + c.len_utf8() <= SHORT_MAX;
            bmp.system_name.char_indices().take_while(fits).map(|(_, c)| c).collect()
        });
        Some(Publisher {
            name: name?,
            description: description?,
            topic: topic?,
            admin_id,
            group: group?.unwrap_or_default(),
            router_hash: router_hash?.unwrap_or_default(),
            snapshot_interval: snapshots?.map(|seconds| Duration::from_secs(seconds.into())),
            statistics_timer: match statistics_timer? {
                Some(seconds) => seconds_or(Some(seconds), 0),
                None => bmp.statistics_timer,
            },
            kafka: kafka?,
            monitor: monitor?,
            shutdown: publisher.shutdown.unwrap_or(false),
        })
    }

    /// `kafka`.
    fn kafka(&mut self, at: &str, table: &Spanned<Table<schema::Kafka>>) -> Option<Kafka> {
        let Table(kafka) = table.get_ref();
        if !cfg!(feature = "kafka") {
            let text = "this bmpd was built without Kafka; install a package that has it, or build with --features kafka";
            self.refuse(table.span(), at, text);
            return None;
        }
        let key = format!("{at}.bootstrap-servers");
        let wanted = "bootstrap-servers = [\"HOST:PORT\"], one or more brokers";
        let servers = self
            .required(table.span(), &*key, &kafka.bootstrap_servers, wanted)
            .and_then(|servers| self.servers(&key, servers));
        let compression = self.optional(&kafka.compression, |check, value| {
            let key = format!("{at}.compression");
            check.one_of(&key, value, &Compression::ALL, Compression::word)
        });
        let window = self.optional(&kafka.window, |check, value| {
            check.whole(&format!("{at}.window"), value, 8192..=1_073_741_824, " bytes")
        });
        let linger = self.optional(&kafka.linger, |check, value| {
            check.whole(&format!("{at}.linger"), value, 0..=1000, " milliseconds")
        });
        let key = format!("{at}.delivery-timeout");
        let delivery_timeout = self.seconds(&key, &kafka.delivery_timeout, 10..=86400);
        let tls =
            self.optional(&kafka.tls, |check, table| check.kafka_tls(&format!("{at}.tls"), table));
        let sasl =
            self.optional(&kafka.sasl, |check, table| check.sasl(&format!("{at}.sasl"), table));
        let (tls, sasl) = (tls?, sasl?);
        if let Some(Sasl { mechanism: SaslMechanism::Plain, .. }) = &sasl
            && tls.is_none()
        {
            self.warn(format!(
                "{at}.sasl: with mechanism \"plain\" and without kafka.tls the password is sent as it is"
            ));
        }
        Some(Kafka {
            bootstrap_servers: servers?,
            compression: compression?.unwrap_or_default(),
            window: window?.unwrap_or(defaults::WINDOW),
            linger: Duration::from_millis(linger?.unwrap_or(defaults::LINGER).into()),
            delivery_timeout: seconds_or(delivery_timeout?, defaults::DELIVERY_TIMEOUT),
            tls,
            sasl,
        })
    }

    /// Hosts with their ports.
    fn servers(&mut self, key: &str, list: &Spanned<Vec<Spanned<String>>>) -> Option<Vec<String>> {
        let count = list.get_ref().len();
        if !(1..=SERVERS_MAX).contains(&count) {
            let text = format!("the list has {count} servers; 1 to {SERVERS_MAX} are allowed");
            self.refuse(list.span(), key, text);
            return None;
        }
        let mut complete = true;
        for (index, value) in list.get_ref().iter().enumerate() {
            if !is_server(value.get_ref()) {
                let text = format!(
                    "{} is no host with its port; \"HOST:PORT\", \"192.0.2.1:PORT\" and \"[2001:db8::1]:PORT\" are \
                     allowed",
                    shown(value.get_ref())
                );
                self.refuse(value.span(), format!("{key}[{index}]"), text);
                complete = false;
            }
        }
        complete.then(|| list.get_ref().iter().map(|value| value.get_ref().clone()).collect())
    }

    /// `kafka.tls`.
    fn kafka_tls(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::KafkaTls>>,
    ) -> Option<KafkaTls> {
        let Table(tls) = table.get_ref();
        let ca = self.optional(&tls.ca, |check, file| check.pem(&format!("{at}.ca"), file));
        let client = self.identity_of(at, table.span(), &tls.certificate, &tls.private_key);
        let (ca, client) = (ca?, client?);
        // Unusable files are reported now, not when a broker is connected to.
        match crate::net::tls::check_files(ca.as_ref(), client.as_ref()) {
            Ok(()) => Some(KafkaTls { ca, client }),
            Err(error) => {
                self.refuse(table.span(), at, error.to_string());
                None
            }
        }
    }

    /// `kafka.sasl`.
    fn sasl(&mut self, at: &str, table: &Spanned<Table<schema::Sasl>>) -> Option<Sasl> {
        let Table(sasl) = table.get_ref();
        let key = format!("{at}.mechanism");
        let wanted = format!(
            "mechanism = MECHANISM; allowed are: {}",
            allowed(&SaslMechanism::ALL, SaslMechanism::word)
        );
        let mechanism = self
            .required(table.span(), &*key, &sasl.mechanism, &wanted)
            .and_then(|value| self.one_of(&key, value, &SaslMechanism::ALL, SaslMechanism::word));
        let key = format!("{at}.user");
        let user = self
            .required(table.span(), &*key, &sasl.user, "user = \"USER\"")
            .and_then(|value| self.short_text(&key, value, 1));
        let (password, file) = (&sasl.password, &sasl.password_file);
        let password = self.secret(at, table.span(), ("password", SHORT_MAX), password, file);
        let password = password?;
        if std::str::from_utf8(password.expose()).is_err() || password.expose().contains(&0) {
            let text = "the password is not UTF-8 text, or has a zero byte in it, which the client library does not take";
            self.refuse(table.span(), at, text);
            return None;
        }
        Some(Sasl { mechanism: mechanism?, user: user?, password })
    }

    /// One of some words.
    fn one_of<T: Copy>(
        &mut self,
        key: &str,
        value: &Spanned<String>,
        all: &[T],
        word: fn(T) -> &'static str,
    ) -> Option<T> {
        let found = all.iter().find(|one| word(**one) == value.get_ref());
        if found.is_none() {
            let text =
                format!("{} is not allowed; {} are", shown(value.get_ref()), allowed(all, word));
            self.refuse(value.span(), key, text);
        }
        found.copied()
    }

    /// A text that goes into a field with a length of its own.
    fn short_text(&mut self, key: &str, value: &Spanned<String>, least: usize) -> Option<String> {
        let text = self.text(key, value)?;
        if (least..=SHORT_MAX).contains(&text.len()) {
            return Some(text);
        }
        let wrong =
            format!("the text has {} bytes; {least} to {SHORT_MAX} are allowed", text.len());
        self.refuse(value.span(), key, wrong);
        None
    }
}

/// True for a host, or an IPv6 address in brackets, with a port.
fn is_server(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let is_port = port.parse::<u16>().is_ok_and(|port| port != 0)
        && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.len() <= 253
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        }
    };
    is_port && is_host
}
