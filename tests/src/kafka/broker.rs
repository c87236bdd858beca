//! One Kafka broker, its own controller (KRaft), at a loopback address of its own.
//!
//! Topics are managed with librdkafka's admin client; users and rules, which its Rust interface does not
//! have, with Kafka's own tools: a JVM for each, about a second.
//!
//! What was found out with 4.4.0:
//! - A data folder needs no formatting by a JVM of its own: `meta.properties` with any cluster ID is enough when
//!   the voters are static (`controller.quorum.voters`). The metadata version is then the newest.
//! - With the classes that `tests/kafka` has archived it serves 1.7 s after its start, without 3.4 s. An archive
//!   that does not fit is ignored with a warning.
//! - After a SIGKILL the controller takes the broker back when the former session has timed out
//!   (`broker.session.timeout.ms`), here two seconds. A broker that was stopped for longer is fenced for an
//!   instant when it goes on: its partitions then have no leader.
//! - The log cleaner has a buffer of 128 MB unless configured otherwise, which is most of the heap.
//! - zstd-jni and snappy-java unpack their libraries into the folder for temporary files and leave them there
//!   when they are killed.
//! - It refuses SCRAM of a librdkafka before 2.6.1, which repeats its own nonce (that project's issue 4895): Debian's
//!   kcat has such a one, the crate has not.
//! - One request changes a user's credentials of one mechanism only.
//! - A SASL connection outlives its user: credentials count when a connection is opened.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};

use super::Proxy;
use crate::addresses::{free_port, loopback};
use crate::chain::{Chain, Identity};
use crate::programs::{Process, TIMEOUT, command, stdout_of};
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// How long one request may take: the conditions around it are tried until [`TIMEOUT`].
const REQUEST: Duration = Duration::from_secs(1);

const SCRAM: [&str; 2] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/// What a client speaks to the broker. Each has a port of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// Neither TLS nor a user: every broker has it. Its clients may do everything.
    Plaintext,
    /// TLS, and a user with a password.
    SaslSsl,
    /// TLS, and a client certificate of the broker's [`Chain`], which is required.
    Ssl,
    /// A user with a password, without TLS.
    SaslPlaintext,
    /// As [`Listener::Plaintext`], behind a [`Proxy`].
    Proxied,
}

impl Listener {
    const ALL: [Self; 4] = [Self::Plaintext, Self::SaslSsl, Self::Ssl, Self::SaslPlaintext];

    /// Kafka's name, as in `security.protocol`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext | Self::Proxied => "PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
        }
    }

    /// Its name in the broker's configuration.
    fn key(self) -> &'static str {
        if self == Self::Proxied { "PROXIED" } else { self.name() }
    }
}

/// How a broker is secured, see [`Broker::start_secured`].
#[derive(Debug, Clone, Copy)]
pub struct Security<'a> {
    /// The broker's certificate, one of its [`Chain`].
    pub identity: fn(&Chain) -> &Identity,
    /// That of [`Listener::SaslSsl`].
    pub sasl_identity: fn(&Chain) -> &Identity,
    /// The users of SASL PLAIN, with their passwords.
    pub plain_users: &'a [(&'a str, &'a str)],
}

impl Default for Security<'_> {
    fn default() -> Self {
        let server: fn(&Chain) -> &Identity = |chain| &chain.server;
        Self { identity: server, sasl_identity: server, plain_users: &[] }
    }
}

/// A broker. Killed when dropped.
#[derive(Debug)]
pub struct Broker {
    address: IpAddr,
    ports: Vec<(Listener, u16)>,
    chain: Option<Chain>,
    proxy: Option<Proxy>,
    process: Option<Process>,
    scratch: Scratch,
}

impl Broker {
    /// Starts a broker without topics and waits until it serves.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with further server properties, which go before those of the fixture.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_with(properties: &[(&str, &str)]) -> Self {
        let mut broker = Self::new(&[Listener::Plaintext]);
        broker.configure(&[], properties);
        broker.run();
        broker
    }

    /// Starts it with every [`Listener`], with SASL PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512, and with ACLs: the
    /// clients of other listeners than [`Listener::Plaintext`] may do all that no rule denies.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_secured(security: &Security<'_>, properties: &[(&str, &str)]) -> Self {
        let mut broker = Self::new(&Listener::ALL);
        let chain = Chain::new(&broker.scratch, broker.address);
        let lines = secured(&broker.scratch, &chain, security);
        broker.chain = Some(chain);
        broker.configure(&lines, properties);
        broker.run();
        broker
    }

    /// Starts it with a second listener, [`Listener::Proxied`], whose network can be cut: [`Broker::proxy`].
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn start_proxied() -> Self {
        let mut broker = Self::new(&[Listener::Plaintext, Listener::Proxied]);
        let (_, port) = broker.ports[1];
        broker.proxy = Some(Proxy::start(SocketAddr::new(broker.address, port)));
        broker.configure(&[], &[]);
        broker.run();
        broker
    }

    fn new(listeners: &[Listener]) -> Self {
        let address = loopback();
        let ports = listeners.iter().map(|listener| (*listener, free_port(address))).collect();
        Self { address, ports, chain: None, proxy: None, process: None, scratch: Scratch::new() }
    }

    /// Writes its configuration and its data folder.
    fn configure(&self, more: &[(String, String)], properties: &[(&str, &str)]) {
        let (address, controller) = (self.address, free_port(self.address));
        let listeners = |at: &dyn Fn(Listener, u16) -> String| {
            let ports = self.ports.iter();
            let all = ports
                .map(|(listener, port)| format!("{}://{}", listener.key(), at(*listener, *port)));
            all.collect::<Vec<_>>().join(",")
        };
        let data = self.scratch.join("data");
        fs::create_dir(&data).unwrap_or_else(|e| panic!("{}: {e}", data.display()));
        self.scratch.write("data/meta.properties", "version=1\nnode.id=1\ncluster.id=bmpd\n");
        let map = "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,\
                   PROXIED:PLAINTEXT";
        let mut text = format!(
            "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{address}:{controller}
listeners={listeners},CONTROLLER://{address}:{controller}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,{map}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
controlled.shutdown.enable=false
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=1
num.io.threads=2
",
            listeners = listeners(&|_, port| format!("{address}:{port}")),
            // Clients connect to what is advertised, whatever they began with.
            advertised = listeners(&|listener, _| self.bootstrap_of(listener)),
            data = data.display(),
        );
        for (key, value) in more {
            text += &format!("{key}={value}\n");
        }
        // Of two lines with one key the last counts.
        for (key, value) in properties {
            text += &format!("{key}={value}\n");
        }
        self.scratch.write("server.properties", text);
    }

    #[track_caller]
    fn run(&mut self) {
        let mut kafka = java(self.scratch.path());
        kafka
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .args(["kafka.Kafka", "server.properties"]);
        let mut process = Process::spawn("kafka", self.scratch.path(), &mut kafka);
        let client = self.client();
        process.wait_ready(|_| {
            let metadata = client.fetch_metadata(None, REQUEST).map_err(|e| e.to_string())?;
            if metadata.brokers().len() == 1 { Ok(()) } else { Err("no broker yet".to_owned()) }
        });
        self.process = Some(process);
    }

    /// Where a client without TLS and user connects: `ADDRESS:PORT`.
    pub fn bootstrap(&self) -> String {
        self.bootstrap_of(Listener::Plaintext)
    }

    /// Where the clients of another listener connect.
    ///
    /// # Panics
    /// When the broker is not secured.
    pub fn bootstrap_of(&self, listener: Listener) -> String {
        let port = self.ports.iter().find(|(other, _)| *other == listener);
        let (_, port) = port.unwrap_or_else(|| panic!("no listener for {listener:?}"));
        if listener == Listener::Proxied {
            return self.proxy().address().to_string();
        }
        format!("{}:{port}", self.address)
    }

    /// The certificates of a secured broker: [`Chain::root`] is what its clients have to trust.
    ///
    /// # Panics
    /// When it is not secured.
    pub fn chain(&self) -> &Chain {
        self.chain.as_ref().expect("a secured broker")
    }

    /// The network in front of [`Listener::Proxied`].
    ///
    /// # Panics
    /// When it has no such listener.
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("a broker with a proxy")
    }

    /// Its folder: data, configuration and log. It is removed with the broker.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The broker's process id.
    ///
    /// # Panics
    /// When it does not run.
    pub fn pid(&self) -> u32 {
        self.process.as_ref().expect("the broker runs").id()
    }

    /// SIGKILL. What it has acknowledged to its clients has been handed to the kernel and is kept.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn kill(&mut self) {
        self.process.take().expect("the broker runs").end(Signal::KILL);
    }

    /// SIGSTOP: the kernel still accepts connections for it, and it answers nothing.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn stop(&mut self) {
        self.process.as_mut().expect("the broker runs").signal(Signal::STOP);
    }

    /// SIGCONT, after [`Broker::stop`].
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn go_on(&mut self) {
        self.process.as_mut().expect("the broker runs").signal(Signal::CONT);
    }

    /// Has every write of the broker fail that would make a file larger than this, as if its disk were full. Gone
    /// with a restart.
    ///
    /// # Panics
    /// When it does not run.
    #[track_caller]
    pub fn limit_files(&self, bytes: u64) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        let limit = Rlimit { current: Some(bytes), maximum: None };
        prlimit(pid, Resource::Fsize, limit).unwrap_or_else(|e| panic!("prlimit: {e}"));
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// When it does not run, or does not end; with its log.
    #[track_caller]
    pub fn wait_end(&mut self) {
        self.process.take().expect("the broker runs").wait_end();
    }

    /// Starts it again after a kill, with its data and on its ports.
    ///
    /// # Panics
    /// When it runs, or does not come up; with its log.
    #[track_caller]
    pub fn restart(&mut self) {
        assert!(self.process.is_none(), "the broker runs");
        self.run();
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        config.set("reconnect.backoff.max.ms", "100");
        config
    }

    fn client(&self) -> BaseConsumer {
        self.config().create().expect("a client can be made")
    }

    /// Creates a topic with these properties, and waits until its partitions can be written.
    ///
    /// # Panics
    /// When the broker refuses, or it takes too long.
    #[track_caller]
    pub fn create_topic(&self, name: &str, partitions: u16, properties: &[(&str, &str)]) {
        let mut topic = NewTopic::new(name, partitions.into(), TopicReplication::Fixed(1));
        for (key, value) in properties {
            topic = topic.set(key, value);
        }
        self.administer(&format!("creating {name}"), async |admin, options| {
            admin.create_topics([&topic], options).await
        });
        self.wait_partitions(name, partitions);
    }

    /// Deletes a topic, and waits until it is gone.
    ///
    /// # Panics
    /// When the broker refuses, or it takes too long.
    #[track_caller]
    pub fn delete_topic(&self, name: &str) {
        self.administer(&format!("deleting {name}"), async |admin, options| {
            admin.delete_topics(&[name], options).await
        });
        self.wait_partitions(name, 0);
    }

    /// Gives a topic more partitions, `total` in the end, and waits until they can be written.
    ///
    /// # Panics
    /// When the broker refuses, or it takes too long.
    #[track_caller]
    pub fn add_partitions(&self, name: &str, total: u16) {
        self.administer(&format!("adding partitions to {name}"), async |admin, options| {
            admin.create_partitions([&NewPartitions::new(name, total.into())], options).await
        });
        self.wait_partitions(name, total);
    }

    #[track_caller]
    fn administer(
        &self,
        what: &str,
        action: impl AsyncFnOnce(
            &AdminClient<DefaultClientContext>,
            &AdminOptions,
        ) -> KafkaResult<Vec<rdkafka::admin::TopicResult>>,
    ) {
        let admin = self.config().create().expect("a client can be made");
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let results = runtime.block_on(action(&admin, &options));
        for result in results.unwrap_or_else(|e| panic!("{what}: {e}")) {
            result.unwrap_or_else(|(_, code)| panic!("{what}: {code}"));
        }
    }

    /// Waits until the topic has this many partitions, each with a leader.
    #[track_caller]
    fn wait_partitions(&self, name: &str, count: u16) {
        let client = self.client();
        wait_for(&format!("{count} partitions of {name}"), TIMEOUT, || {
            let leaders = leaders(&client, name)?;
            let led = leaders.iter().filter(|leader| **leader >= 0).count();
            if (led, leaders.len()) == (count.into(), count.into()) {
                Ok(())
            } else {
                Err(format!("leaders: {leaders:?}"))
            }
        });
    }

    /// Changes a property of a topic, with one of Kafka's own tools.
    ///
    /// # Panics
    /// When the broker refuses.
    #[track_caller]
    pub fn set_topic(&self, name: &str, property: &str, value: &str) {
        let entity = ["--alter", "--entity-type", "topics", "--entity-name", name];
        let change = ["--add-config", &format!("{property}={value}")];
        stdout_of(self.tool("org.apache.kafka.tools.ConfigCommand").args(entity).args(change));
    }

    /// The offset that the next record of each partition will have.
    ///
    /// # Panics
    /// When the broker does not answer.
    #[track_caller]
    pub fn end_offsets(&self, topic: &str) -> Vec<u64> {
        let client = self.client();
        wait_for(&format!("the end offsets of {topic}"), TIMEOUT, || {
            let count = leaders(&client, topic)?.len();
            let ends = (0..count).map(|partition| {
                let partition = i32::try_from(partition).expect("a few");
                let watermarks = client.fetch_watermarks(topic, partition, REQUEST);
                let (_, end) = watermarks.map_err(|e| format!("partition {partition}: {e}"))?;
                u64::try_from(end).map_err(|e| e.to_string())
            });
            ends.collect()
        })
    }

    /// Sets the password of a user of SCRAM-SHA-256 and SCRAM-SHA-512, who is added if there is none.
    ///
    /// # Panics
    /// When the broker refuses.
    #[track_caller]
    pub fn set_scram_user(&self, name: &str, password: &str) {
        for mechanism in SCRAM {
            self.user(name, &["--add-config", &format!("{mechanism}=[password={password}]")]);
        }
    }

    /// Removes a user of SCRAM. Connections that it has remain.
    ///
    /// # Panics
    /// When the broker refuses.
    #[track_caller]
    pub fn remove_scram_user(&self, name: &str) {
        for mechanism in SCRAM {
            self.user(name, &["--delete-config", mechanism]);
        }
    }

    #[track_caller]
    fn user(&self, name: &str, change: &[&str]) {
        let entity = ["--alter", "--entity-type", "users", "--entity-name", name];
        stdout_of(self.tool("org.apache.kafka.tools.ConfigCommand").args(entity).args(change));
    }

    /// Denies a user to write to a topic; at once, and on connections that exist.
    ///
    /// # Panics
    /// When the broker refuses.
    #[track_caller]
    pub fn deny_write(&self, user: &str, topic: &str) {
        self.rule(&["--add"], user, topic);
    }

    /// Takes back what [`Broker::deny_write`] has denied.
    ///
    /// # Panics
    /// When the broker refuses.
    #[track_caller]
    pub fn allow_write(&self, user: &str, topic: &str) {
        self.rule(&["--remove", "--force"], user, topic);
    }

    #[track_caller]
    fn rule(&self, change: &[&str], user: &str, topic: &str) {
        let principal = format!("User:{user}");
        let rule = ["--deny-principal", &principal, "--operation", "Write", "--topic", topic];
        stdout_of(self.tool("org.apache.kafka.tools.AclCommand").args(change).args(rule));
    }

    /// One of Kafka's own tools for this broker, as `org.apache.kafka.tools.ProducerPerformance`.
    pub fn tool(&self, class: &str) -> Command {
        let mut tool = java(self.scratch.path());
        tool.arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn").arg(class);
        tool.args(["--bootstrap-server", &self.bootstrap()]);
        tool
    }

    /// kcat as a client of this listener, with further properties of librdkafka.
    ///
    /// # Panics
    /// When the broker has no such listener, or kcat is not installed.
    pub fn kcat(&self, listener: Listener, properties: &[(&str, &str)]) -> Command {
        let mut kcat = command("kcat");
        kcat.args(["-b", &self.bootstrap_of(listener)]);
        kcat.args(["-X", &format!("security.protocol={}", listener.name())]);
        if let Some(chain) = &self.chain {
            kcat.args(["-X", &format!("ssl.ca.location={}", chain.root.display())]);
        }
        for (key, value) in properties {
            kcat.args(["-X", &format!("{key}={value}")]);
        }
        kcat
    }
}

/// A JVM with Kafka's classes, as small and as quick to start as it gets. What it writes goes to `folder`.
fn java(folder: &Path) -> Command {
    let kafka = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kafka");
    let kafka = kafka.canonicalize().unwrap_or_else(|e| {
        panic!("{}: {e}: tests/kafka makes it", kafka.display());
    });
    let mut java = command("java");
    java.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"])
        .arg(format!("-XX:SharedArchiveFile={}", kafka.join("broker.jsa").display()))
        .arg(format!("-Djava.io.tmpdir={}", folder.display()))
        .arg("-cp")
        .arg(kafka.join("lib/*"));
    java
}

/// The leaders of a topic's partitions, -1 for one without; none if there is no such topic.
fn leaders(client: &BaseConsumer, topic: &str) -> Result<Vec<i32>, String> {
    let metadata = client.fetch_metadata(Some(topic), REQUEST).map_err(|e| e.to_string())?;
    let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
    Ok(partitions.map(|partition| partition.leader()).collect())
}

/// The server properties of a secured broker.
fn secured(scratch: &Scratch, chain: &Chain, security: &Security<'_>) -> Vec<(String, String)> {
    let read = |path: &Path| {
        fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    };
    let keys = |file: &str, of: fn(&Chain) -> &Identity| {
        let identity = of(chain);
        scratch.write(file, read(&identity.key) + &read(&identity.certificate))
    };
    let own = keys("broker.pem", security.identity);
    let of_sasl = keys("broker-sasl.pem", security.sasl_identity);
    let mut users = String::new();
    for (name, password) in security.plain_users {
        users += &format!(" user_{name}=\"{password}\"");
    }
    let mut lines: Vec<(String, String)> = [
        ("ssl.keystore.type", "PEM"),
        ("ssl.truststore.type", "PEM"),
        ("listener.name.ssl.ssl.client.auth", "required"),
        ("sasl.enabled.mechanisms", "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("allow.everyone.if.no.acl.found", "true"),
        ("super.users", "User:ANONYMOUS"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into();
    for (key, path) in [
        ("ssl.keystore.location", &own),
        ("listener.name.sasl_ssl.ssl.keystore.location", &of_sasl),
        ("ssl.truststore.location", &chain.root),
    ] {
        lines.push((key.to_owned(), path.display().to_string()));
    }
    for listener in ["sasl_ssl", "sasl_plaintext"] {
        for (mechanism, module, users) in [
            ("plain", "plain.PlainLoginModule", &*users),
            ("scram-sha-256", "scram.ScramLoginModule", ""),
            ("scram-sha-512", "scram.ScramLoginModule", ""),
        ] {
            lines.push((
                format!("listener.name.{listener}.{mechanism}.sasl.jaas.config"),
                format!("org.apache.kafka.common.security.{module} required{users};"),
            ));
        }
    }
    lines
}
