//! The broker and the reader that the other tests of this folder stand on.

use std::io::Write;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use tests::kafka::{Broker, Listener, Reader, Record, Security};

/// Writes lines of `KEY:VALUE` with kcat; an error is what kcat said.
fn produce(broker: &Broker, arguments: &[&str], lines: &str) -> Result<(), String> {
    let mut kcat = broker.kcat(Listener::Plaintext, &[("message.timeout.ms", "2000")]);
    kcat.args(["-P", "-t", "bmp", "-K:"]).args(arguments);
    kcat.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = kcat.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(said) }
}

fn put(broker: &Broker, arguments: &[&str], lines: &str) {
    produce(broker, arguments, lines).unwrap();
}

/// What became of the one record that a producer wrote.
#[derive(Default)]
struct Delivered(Mutex<Option<Result<(), KafkaError>>>);

impl ClientContext for Delivered {}

impl ProducerContext for Delivered {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        *self.0.lock().unwrap() = Some(result.as_ref().map(drop).map_err(|(e, _)| e.clone()));
    }
}

/// Writes a record as a client of this listener, with librdkafka.
fn write(
    broker: &Broker,
    listener: Listener,
    properties: &[(&str, &str)],
) -> Result<(), KafkaError> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker.bootstrap_of(listener));
    config.set("security.protocol", listener.name());
    config.set("ssl.ca.location", broker.chain().root.to_str().unwrap());
    config.set("message.timeout.ms", "2000");
    config.extend(properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let producer: BaseProducer<_> = config.create_with_context(Delivered::default()).unwrap();
    producer.send(BaseRecord::to("bmp").key("k").payload("v")).map_err(|(e, _)| e)?;
    producer.flush(Duration::from_secs(60))?;
    producer.context().0.lock().unwrap().take().unwrap()
}

/// Where each record is, and its key and value.
fn placed(records: &[Record]) -> Vec<(i32, i64, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = |r: &Record| format!("{}:{}", text(&r.key), text(&r.value));
    records.iter().map(|r| (r.partition, r.offset, shown(r))).collect()
}

#[test]
fn records_outlive_a_kill_of_the_broker_and_a_reader_continues() {
    let mut broker = Broker::start();
    broker.create_topic("bmp", 2, &[("max.message.bytes", "2000000")]);
    let reader = Reader::start(&broker, "bmp");
    put(&broker, &["-p", "1", "-H", "a=1", "-H", "b=x,y"], "k1:v1\nk2:v2\n:\n");
    let records = reader.wait_count(3);
    let expected = [(1, 0, "k1:v1".to_owned()), (1, 1, "k2:v2".to_owned()), (1, 2, ":".to_owned())];
    assert_eq!(placed(&records), expected);
    let headers = [("a", "1"), ("b", "x,y")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert!(records.iter().all(|record| record.headers == headers), "{records:?}");
    assert_eq!(broker.end_offsets("bmp"), [0, 3]);

    broker.kill();
    broker.restart();
    assert_eq!(broker.end_offsets("bmp"), [0, 3]);
    put(&broker, &["-p", "0"], "k3:v3\n");
    let records = reader.wait_count(4);
    assert_eq!(placed(&records[3..]), [(0, 0, "k3:v3".to_owned())]);

    broker.add_partitions("bmp", 3);
    put(&broker, &["-p", "2"], "k4:v4\n");
    reader.refresh();
    assert_eq!(placed(&reader.wait_count(5)[4..]), [(2, 0, "k4:v4".to_owned())]);
    let mut all = reader.records();
    all.sort_by_key(|record| (record.partition, record.offset));
    assert_eq!(Reader::read_all(&broker, "bmp"), all);
}

#[test]
fn a_topic_that_is_created_again_is_empty() {
    let broker = Broker::start();
    broker.create_topic("bmp", 1, &[]);
    put(&broker, &[], "k:old\n");
    broker.delete_topic("bmp");
    assert!(produce(&broker, &[], "k:v\n").is_err());
    broker.create_topic("bmp", 2, &[]);
    assert_eq!(broker.end_offsets("bmp"), [0, 0]);
    assert_eq!(Reader::read_all(&broker, "bmp"), []);
    put(&broker, &["-p", "0"], "k:new\n");
    assert_eq!(placed(&Reader::read_all(&broker, "bmp")), [(0, 0, "k:new".to_owned())]);
}

#[test]
fn a_stopped_broker_answers_when_it_goes_on() {
    let mut broker = Broker::start_with(&[("message.max.bytes", "1000")]);
    broker.create_topic("bmp", 1, &[]);
    broker.stop();
    let late = produce(&broker, &[], "k:v\n");
    assert!(late.is_err());
    broker.go_on();
    put(&broker, &[], "k:v\n");
    let long = format!("k:{}\n", "v".repeat(2000));
    let refused = produce(&broker, &[], &long).unwrap_err();
    assert!(refused.contains("Message size too large"), "{refused}");
}

#[test]
fn a_secured_broker_accepts_its_users_alone() {
    let users = [("plain", "of plain")];
    let security = Security { plain_users: &users, ..Security::default() };
    let broker = Broker::start_secured(&security, &[]);
    broker.create_topic("bmp", 1, &[]);
    let sasl = |listener, mechanism, user: &str, password: &str| {
        let sasl =
            [("sasl.mechanism", mechanism), ("sasl.username", user), ("sasl.password", password)];
        write(&broker, listener, &sasl)
    };
    sasl(Listener::SaslSsl, "PLAIN", "plain", "of plain").unwrap();
    sasl(Listener::SaslPlaintext, "PLAIN", "plain", "of plain").unwrap();
    assert!(sasl(Listener::SaslSsl, "PLAIN", "plain", "of another").is_err());

    broker.set_scram_user("scram", "first");
    sasl(Listener::SaslSsl, "SCRAM-SHA-256", "scram", "first").unwrap();
    broker.set_scram_user("scram", "second");
    assert!(sasl(Listener::SaslSsl, "SCRAM-SHA-512", "scram", "first").is_err());
    let scram = || sasl(Listener::SaslSsl, "SCRAM-SHA-512", "scram", "second");
    scram().unwrap();
    broker.deny_write("scram", "bmp");
    let denied = scram().unwrap_err().rdkafka_error_code();
    assert_eq!(denied, Some(RDKafkaErrorCode::TopicAuthorizationFailed));
    broker.allow_write("scram", "bmp");
    scram().unwrap();
    broker.remove_scram_user("scram");
    assert!(scram().is_err());

    let client = &broker.chain().client;
    let [certificate, key] = [&client.certificate, &client.key].map(|path| path.to_str().unwrap());
    let mutual = [("ssl.certificate.location", certificate), ("ssl.key.location", key)];
    write(&broker, Listener::Ssl, &mutual).unwrap();
    assert!(write(&broker, Listener::Ssl, &[]).is_err());
    assert_eq!(Reader::read_all(&broker, "bmp").len(), 6);
}
