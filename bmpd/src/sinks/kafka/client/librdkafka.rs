//! librdkafka, by the crate rdkafka.
//!
//! The producer is idempotent and waits for all in-sync replicas. It never gives a record up: how long nothing may be
//! acknowledged is the publisher's to decide ([`super::super::task`]), and two clocks would fight. Its own queue is as large as
//! the window. One thread of ours takes its events; those of librdkafka are one for each broker, and one more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use shared::response::PublisherReason;
use tracing::debug;

use super::{Found, NotTaken, Problems, RECORD_MAX, Record, Wanted};
use crate::config::Kafka;
use crate::secret::Secret;
use crate::sinks::kafka::flow::{Acks, Fault};

/// A BMP message with the longest BGP message (RFC 8654), and what goes around it.
const BMP_MAX: usize = 70_000;

/// How long a question about a topic may take.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// How often the thread that takes events looks whether it is to end.
const POLL: Duration = Duration::from_millis(100);

/// What librdkafka calls back.
struct Context {
    problems: Arc<Problems>,
}

impl ClientContext for Context {
    fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
        // What matters comes as an error, too.
        debug!(target: "bmpd::librdkafka", "{facility}: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let is_fatal = code == Some(RDKafkaErrorCode::Fatal);
        let reason_of_code = match code {
            // What is wrong with each of them has come before, and says more.
            Some(RDKafkaErrorCode::AllBrokersDown) => return,
            // With TLS 1.3 a broker refuses a client's certificate when the handshake is over to the client.
            Some(RDKafkaErrorCode::BrokerTransportFailure) if reason.contains("SSL") => {
                PublisherReason::Tls
            }
            code => reason_of(code),
        };
        self.problems.note(Fault { reason: reason_of_code, text: reason.to_owned() }, is_fatal);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Arc<Acks>;

    fn delivery(&self, result: &DeliveryResult<'_>, acks: Arc<Acks>) {
        match result {
            Ok(message) => acks.delivered(message.payload_len(), message.offset()),
            Err((error, message)) => {
                let fault = fault_of(error);
                if fault.reason == PublisherReason::RecordTooLarge {
                    self.problems.note_too_large();
                }
                acks.failed(message.payload_len(), fault);
            }
        }
    }
}

/// A producer, and the thread that takes its events.
pub(in crate::sinks::kafka) struct Producer {
    producer: Option<Arc<BaseProducer<Context>>>,
    ends: Arc<AtomicBool>,
    config: ClientConfig,
    /// Topics whose settings were asked for.
    examined: Mutex<BTreeSet<String>>,
}

impl Producer {
    /// Starts one, which connects as soon as it has something to do.
    ///
    /// # Errors
    ///
    /// librdkafka cannot be used with these parameters; a sentence.
    pub(in crate::sinks::kafka) fn start(
        name: &str,
        kafka: &Kafka,
        problems: Arc<Problems>,
    ) -> Result<Self, String> {
        let config = config(name, kafka, problems.batch());
        let producer: BaseProducer<Context> =
            config.create_with_context(Context { problems }).map_err(|error| {
                match error {
                    // Not the value: it can be a password.
                    KafkaError::ClientConfig(_, what, key, _) => format!("{key}: {what}"),
                    other => other.to_string(),
                }
            })?;
        let (producer, ends) = (Arc::new(producer), Arc::new(AtomicBool::new(false)));
        let (its, its_end) = (Arc::clone(&producer), Arc::clone(&ends));
        let thread = std::thread::Builder::new().name("kafka events".to_owned());
        let spawned = thread.spawn(move || {
            while !its_end.load(Ordering::Relaxed) {
                its.poll(POLL);
            }
            // The last one that has the producer waits here until librdkafka has ended.
            drop(its);
        });
        spawned.map_err(|error| format!("its thread cannot be started: {error}"))?;
        Ok(Self { producer: Some(producer), ends, config, examined: Mutex::default() })
    }

    fn inner(&self) -> &BaseProducer<Context> {
        self.producer.as_ref().expect("it is taken when it is dropped only")
    }

    /// Sends a record; its outcome is reported to `acks`.
    pub(in crate::sinks::kafka) fn send(
        &self,
        record: Record<'_>,
        acks: &Arc<Acks>,
    ) -> Result<(), NotTaken> {
        let headers = record.headers.iter().fold(
            OwnedHeaders::new_with_capacity(record.headers.len()),
            |headers, (key, value)| headers.insert(Header { key, value: Some(*value) }),
        );
        let given = BaseRecord::with_opaque_to(record.topic, Arc::clone(acks))
            .partition(record.partition)
            .key(record.key)
            .payload(record.value)
            .headers(headers);
        acks.begin(record.value.len());
        let Err((error, given)) = self.inner().send(given) else { return Ok(()) };
        drop(given);
        acks.take_back(record.value.len());
        Err(match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::QueueFull) => NotTaken::Full,
            Some(RDKafkaErrorCode::MessageSizeTooLarge) => NotTaken::TooLarge,
            _ => NotTaken::Other(fault_of(&error)),
        })
    }

    /// Drops what was not acknowledged, whoever else still has the producer: nothing of it is sent any more.
    pub(in crate::sinks::kafka) fn stop(&self) {
        self.inner().purge(PurgeConfig::default().queue().inflight());
    }

    /// Looks at topics, one after the other. It waits for the brokers, several seconds at most.
    pub(in crate::sinks::kafka) fn look(&self, wanted: &[Wanted]) -> Vec<Found> {
        let mut found = Vec::new();
        for Wanted { topic, acknowledged } in wanted {
            let partitions = self.partitions(topic);
            let is_there = partitions.is_ok();
            let has_lost = is_there
                && acknowledged.iter().any(|(partition, offset)| {
                    let client = self.inner().client();
                    // Without an answer nothing is known.
                    client
                        .fetch_watermarks(topic, *partition, LOOK_TIMEOUT)
                        .is_ok_and(|(_, end)| end <= *offset)
                });
            let is_away = matches!(
                &partitions,
                Err(Fault { reason: PublisherReason::BrokerUnreachable, .. })
            );
            let is_new = is_there && self.examined.lock().insert(topic.clone());
            let examined = is_new.then(|| self.warning(topic).map_or(Ok(()), Err));
            found.push(Found { topic: topic.clone(), partitions, has_lost, examined });
            if is_away {
                // The others would only wait as long.
                break;
            }
        }
        found
    }

    fn partitions(&self, topic: &str) -> Result<i32, Fault> {
        let metadata = self
            .inner()
            .client()
            .fetch_metadata(Some(topic), LOOK_TIMEOUT)
            .map_err(|error| fault_of(&error))?;
        let missing = || Fault {
            reason: PublisherReason::TopicMissing,
            text: format!("the brokers have no topic {topic}"),
        };
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        let found = found.ok_or_else(missing)?;
        match found.error().map(RDKafkaErrorCode::from) {
            None if found.partitions().is_empty() => Err(missing()),
            None => Ok(found.partitions().len() as i32),
            Some(code) => match reason_of(Some(code)) {
                PublisherReason::TopicMissing => Err(missing()),
                reason => Err(Fault { reason, text: format!("topic {topic}: {code}") }),
            },
        }
    }
}

impl Producer {
    /// What is wrong with how a topic is set up. Nothing for a user who may not read its settings.
    fn warning(&self, topic: &str) -> Option<String> {
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        let admin: AdminClient<DefaultClientContext> = self.config.create().ok()?;
        let options = AdminOptions::new().request_timeout(Some(LOOK_TIMEOUT));
        let asked = [ResourceSpecifier::Topic(topic)];
        let answer = runtime.block_on(admin.describe_configs(&asked, &options)).ok()?;
        let resource = answer.into_iter().next()?.ok()?;
        let value = |name| resource.get(name).and_then(|entry| entry.value.clone());
        if value("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
            return Some(format!(
                "topic {topic} has cleanup.policy=compact, which leaves one message of each router: set it to delete"
            ));
        }
        let largest = value("max.message.bytes")?.parse::<usize>().ok()?;
        (largest < BMP_MAX).then(|| {
            format!(
                "topic {topic} has max.message.bytes={largest}: a BMP message can be longer; set it to {RECORD_MAX} or more"
            )
        })
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Producer")
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        // librdkafka takes its time to end: that is for its thread.
        drop(self.producer.take());
        self.ends.store(true, Ordering::Relaxed);
    }
}

/// What librdkafka is configured with.
fn config(name: &str, kafka: &Kafka, batch: usize) -> ClientConfig {
    let mut config = ClientConfig::new();
    let mut set = |key: &str, value: &str| {
        config.set(key, value);
    };
    set("client.id", &format!("bmpd-{name}"));
    set("bootstrap.servers", &kafka.bootstrap_servers.join(","));
    set("enable.idempotence", "true");
    set("acks", "all");
    // For ever: see above.
    set("message.timeout.ms", "0");
    set("compression.type", kafka.compression.word());
    set("linger.ms", &kafka.linger.as_millis().to_string());
    set("message.max.bytes", "1048576");
    set("batch.size", &batch.to_string());
    set("batch.num.messages", "100000");
    // The window is the limit.
    set("queue.buffering.max.messages", "0");
    set("queue.buffering.max.kbytes", &(2 * (kafka.window / 1024 + 1)).to_string());
    set("reconnect.backoff.max.ms", "2000");
    set("socket.keepalive.enable", "true");
    set("topic.metadata.refresh.interval.ms", "30000");
    set(
        "security.protocol",
        match (kafka.tls.is_some(), kafka.sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        },
    );
    if let Some(tls) = &kafka.tls {
        match &tls.ca {
            Some(ca) => set("ssl.ca.pem", &String::from_utf8_lossy(&ca.pem)),
            None => set("ssl.ca.location", "probe"),
        }
        if let Some(client) = &tls.client {
            set("ssl.certificate.pem", &String::from_utf8_lossy(&client.certificate.pem));
            set("ssl.key.pem", &text(&client.key));
        }
    }
    if let Some(sasl) = &kafka.sasl {
        set("sasl.mechanism", &sasl.mechanism.word().to_uppercase());
        set("sasl.username", &sasl.user);
        set("sasl.password", &text(&sasl.password));
    }
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

/// A key or password, which was found to be UTF-8.
fn text(secret: &Secret) -> String {
    String::from_utf8_lossy(secret.expose()).into_owned()
}

fn fault_of(error: &KafkaError) -> Fault {
    let code = error.rdkafka_error_code();
    let text = code.map_or_else(|| error.to_string(), |code| code.to_string());
    Fault { reason: reason_of(code), text }
}

fn reason_of(code: Option<RDKafkaErrorCode>) -> PublisherReason {
    use RDKafkaErrorCode as Code;
    match code {
        Some(
            Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NetworkException
            | Code::LeaderNotAvailable,
        ) => PublisherReason::BrokerUnreachable,
        Some(Code::SSL) => PublisherReason::Tls,
        Some(
            Code::Authentication
            | Code::SaslAuthenticationFailed
            | Code::UnsupportedSASLMechanism
            | Code::IllegalSASLState,
        ) => PublisherReason::AuthenticationFailed,
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed) => {
            PublisherReason::NotAuthorized
        }
        Some(Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition) => {
            PublisherReason::TopicMissing
        }
        Some(Code::MessageSizeTooLarge | Code::InvalidMessageSize) => {
            PublisherReason::RecordTooLarge
        }
        Some(Code::MessageTimedOut) => PublisherReason::TimedOut,
        Some(
            Code::Fatal
            | Code::OutOfOrderSequenceNumber
            | Code::DuplicateSequenceNumber
            | Code::UnknownProducerId
            | Code::InvalidProducerEpoch
            | Code::GaplessGuarantee
            | Code::PurgeQueue
            | Code::PurgeInflight,
        ) => PublisherReason::InDoubt,
        _ => PublisherReason::BrokerError,
    }
}
