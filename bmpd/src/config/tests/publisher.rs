//! `[[publisher]]`. A bmpd without Kafka refuses all of them.

use super::parsed;

#[cfg(not(feature = "kafka"))]
#[test]
fn a_bmpd_without_kafka_refuses_a_publisher_and_says_what_to_do() {
    let text = "[[publisher]]\nname = 'lake'\ntopic = 'bmp'\nkafka.bootstrap-servers = ['a:1']\n";
    let error = parsed(text).unwrap_err().to_string();
    let expected = "f:4:7: publisher[0].kafka: this bmpd was built without Kafka; install a package that has it, or build \
                    with --features kafka";
    assert_eq!(error.lines().next(), Some(expected));
}

#[cfg(feature = "kafka")]
mod with_kafka {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::parsed;
    use crate::config::tests::check_rules;
    use crate::config::{
        Compression, Kafka, Publisher, RouterHash, Sasl, SaslMechanism, defaults, parse,
    };
    use crate::filter::Monitor;
    use crate::secret::Secret;

    /// After a change of the texts: `BLESS=1 cargo test -p bmpd --features kafka rule`, and read what has changed.
    #[test]
    fn every_rule_of_a_publisher_has_its_error() {
        let count = check_rules("rules_kafka.txt", include_str!("rules_kafka.txt"));
        assert!(count > 50, "only {count} cases");
    }

    #[test]
    fn the_smallest_publisher_has_its_defaults() {
        let text = "[bmp]\nsystem-name = 'col1'\nstatistics-timer = 60\n\
                    [[publisher]]\nname = 'lake'\ntopic = 'bmp'\nkafka.bootstrap-servers = ['a:1']\n";
        let expected = Publisher {
            name: "lake".parse().unwrap(),
            description: None,
            topic: "bmp".parse().unwrap(),
            admin_id: "col1".to_owned(),
            group: String::new(),
            router_hash: RouterHash::Name,
            snapshot_interval: None,
            statistics_timer: Duration::from_secs(60),
            kafka: Kafka {
                bootstrap_servers: vec!["a:1".to_owned()],
                compression: Compression::None,
                window: 16 * 1024 * 1024,
                linger: Duration::from_millis(5),
                delivery_timeout: Duration::from_secs(300),
                tls: None,
                sasl: None,
            },
            monitor: Monitor::default(),
            shutdown: false,
        };
        let config = parsed(text).unwrap();
        assert_eq!((config.publishers, config.warnings.len()), (vec![expected], 0));
        // An admin ID has at most 255 bytes.
        let long = format!("[bmp]\nsystem-name = 'a{}'\n", "é".repeat(200));
        let text = text.split_once("[[").unwrap().1;
        let config = parsed(&format!("{long}[[{text}")).unwrap();
        assert_eq!(config.publishers[0].admin_id, format!("a{}", "é".repeat(127)));
    }

    #[test]
    fn every_key_of_a_publisher_can_be_set() {
        let text = "
            [bgp]
            as = 1
            router-id = '192.0.2.1'
            [[publisher]]
            name = 'data lake'
            description = 'in Bern'
            topic = 'bmp.{group}.{router}.{vpn-instance}'
            admin-id = 'col1'
            group = 'emea'
            router-hash = 'address-bytes'
            snapshot-interval = 31536000
            statistics-timer = 15
            shutdown = true
            kafka.bootstrap-servers = ['192.0.2.20:9092', '[2001:db8::20]:1', 'kafka_1.example:65535']
            kafka.compression = 'zstd'
            kafka.window = 1073741824
            kafka.linger = 1000
            kafka.delivery-timeout = 86400
            kafka.tls = {}
            kafka.sasl = { mechanism = 'scram-sha-512', user = 'u', password = 'kkkk' }
            monitor.routers = ['local']
            monitor.views = ['loc-rib']
            ";
        let config = parsed(text).unwrap();
        let publisher = &config.publishers[0];
        assert_eq!(publisher.topic.to_string(), "bmp.{group}.{router}.{vpn-instance}");
        assert_eq!(publisher.snapshot_interval, Some(Duration::from_secs(31_536_000)));
        assert_eq!((publisher.router_hash, publisher.shutdown), (RouterHash::AddressBytes, true));
        let Kafka { window, linger, compression, sasl, tls, .. } = &publisher.kafka;
        assert_eq!((*window, linger.as_millis(), *compression), (1 << 30, 1000, Compression::Zstd));
        assert_eq!(
            tls.as_ref().map(|tls| (tls.ca.is_none(), tls.client.is_none())),
            Some((true, true))
        );
        let password = Secret::new(b"kkkk");
        let expected =
            Sasl { mechanism: SaslMechanism::ScramSha512, user: "u".to_owned(), password };
        assert_eq!(sasl.as_ref(), Some(&expected));
        assert!(!format!("{config:?}").contains("kkkk"));
    }

    #[test]
    fn a_password_in_clear_text_is_warned_of() {
        let text = |tls: &str| {
            format!(
                "[[publisher]]\nname = 'lake'\ntopic = 'bmp'\nkafka.bootstrap-servers = ['a:1']\n{tls}\n\
                 kafka.sasl = {{ mechanism = 'plain', user = 'u', password = 'kkkk' }}\n"
            )
        };
        let warned = |tls: &str| {
            let warnings = parsed(&text(tls)).unwrap().warnings;
            let found = warnings.into_iter().find(|warning| warning.contains("kafka.sasl"));
            found.map(|warning| warning.to_string())
        };
        let expected = "publisher[0].kafka.sasl: with mechanism \"plain\" and without kafka.tls the password is sent as it is";
        assert_eq!(warned("").as_deref(), Some(expected));
        assert_eq!(warned("kafka.tls = {}"), None);
    }

    #[test]
    fn a_password_that_is_in_the_wrong_place_is_not_shown() {
        for line in [
            "kafka.sasl = 's3cret'",
            "kafka.sasl = ['s3cret']",
            "kafka.sasl.password = ['s3cret']",
            "kafka.sasl.password = 753753753753753753753",
            "kafka.sasl.passwd = 's3cret'",
            "kafka.password = 's3cret'",
            "kafka.sasl-password = 's3cret'",
            "password = 's3cret'",
            "kafka.sasl.password = \"\"\"\ns3cret\\q\"\"\"",
            "kafka.sasl = [\n's3cret' ]",
            "kafka.sasl = { mechanism = 'plain', user = 7, password = 's3cret' }",
            "kafka.sasl = { mechanism = 'gssapi', password = 's3cret', password-file = 'f' }",
            "kafka.tls = { ca = '/dev/null', certificate = 'f', private-key = '-----BEGIN PRIVATE KEY-----s3cret' }",
        ] {
            let text = format!(
                "[[publisher]]\nname = 'a'\ntopic = 'b'\nkafka.bootstrap-servers = ['a:1']\n{line}\n"
            );
            let shown = parsed(&text).unwrap_err().to_string();
            assert!(!shown.contains("s3cret") && !shown.contains("753753"), "{line}\n{shown}");
        }
    }

    /// The keys of the publisher in the example: what is behind the `#`, with the whole comment.
    fn example() -> Vec<String> {
        let example = include_str!("../../../../etc/bmpd.toml");
        let (_, publisher) = example.split_once("\n# [[publisher]]\n").unwrap();
        let (publisher, _) = publisher.split_once("\n\n").unwrap();
        let mut keys: Vec<String> = Vec::new();
        for line in publisher.lines() {
            match line.strip_prefix("#  ") {
                Some(more) => {
                    let more = more.trim_start_matches([' ', '#']);
                    keys.last_mut().unwrap().push_str(&format!(" {more}"));
                }
                None if line.contains(" = ") => keys.push(line[2..].to_owned()),
                // What the keys below have in common.
                None => {}
            }
        }
        keys
    }

    /// The configuration with these lines of a publisher.
    fn with(lines: &[&str]) -> Publisher {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        for name in ["kafka-ca.pem", "bmpd.pem"] {
            std::fs::write(folder.path().join(name), made.cert.pem()).unwrap();
        }
        std::fs::write(folder.path().join("bmpd.key"), made.signing_key.serialize_pem()).unwrap();
        let text = format!(
            "[[vpn-instance]]\nname = 'mgmt'\ndevice = 'lo'\n[bgp]\nas = 1\nrouter-id = '{}'\n[[bgp.neighbor]]\n\
             address = '192.0.2.2'\nremote-as = 1\n[relay]\n[[router]]\nname = 'edge1'\naddress = '192.0.2.7'\n\
             [[publisher]]\n{}\n",
            Ipv4Addr::LOCALHOST,
            lines.join("\n")
        );
        let config = parse(&text, &folder.path().join("f"));
        config.unwrap_or_else(|error| panic!("{error}")).publishers.remove(0)
    }

    #[test]
    fn the_publisher_of_the_example_is_good_and_names_its_defaults() {
        let keys = example();
        let lines: Vec<&str> = keys.iter().map(String::as_str).collect();
        let whole = with(&lines);
        assert_eq!((whole.admin_id.as_str(), whole.kafka.window), ("col1", defaults::WINDOW));
        // What is required comes first.
        let (required, others) = lines.split_at(3);
        let plain = with(required);
        let mut count = 0;
        for line in others {
            let (key, rest) = line.split_once(" = ").unwrap();
            let (value, comment) = rest.split_once('#').unwrap();
            let default = comment.rsplit_once("default: ").map(|(_, default)| default.trim());
            if default == Some(value.trim()) {
                assert_eq!(with(&[required, &[line]].concat()), plain, "{key}");
                count += 1;
            }
            assert!(default.is_some(), "no default of {key}");
        }
        assert!(count >= 6, "{count}");
    }
}
