//! The publisher's figures: a router's table into a topic, beside Kafka's own benchmark with records as large.
//!
//! ```text
//!   from memory ── BMP, one router ──> [ bmpd ] ──> broker <── ProducerPerformance
//! ```
//!
//! Both write to topics of the same broker and take turns; medians count. bmpd is measured twice: from the router's last
//! byte, and from a reset, to the acknowledgement of the last End-of-RIB. Kafka's benchmark sends as many records of the
//! mean size of bmpd's, key and headers included, with the same acks, linger, batch size and compression. It measures
//! itself, without the start of its JVM.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::addresses::{free_port, loopback};
use crate::daemon::{self, Daemon};
use crate::kafka::Broker;
use crate::process::exact_cpu_time;
use crate::relay::Router;
use crate::scratch::Scratch;
use crate::table::Table;

/// How long a phase may take.
const LIMIT: Duration = Duration::from_secs(300);

/// What goes with each record of bmpd beside its value: the key and the headers.
const AROUND: u64 = 16
    + ("bmpd-generation".len() + "1700000000000.1".len()) as u64
    + ("bmpd-phase".len() + "dump".len()) as u64;

/// What was measured once.
struct Measured {
    time: Duration,
    records: u64,
    bytes: u64,
    cpu: Duration,
}

/// Measures all, so many times, and describes it: a table in Markdown.
///
/// # Errors
/// bmpd or the broker cannot be used, or it takes too long.
pub fn figures(runs: usize, ipv4: u64, ipv6: u64) -> anyhow::Result<String> {
    let table = Table::full(ipv4, ipv6);
    let bytes = super::relay::as_bmp(&table, loopback());
    let broker = Broker::start();
    let [mut loads, mut resets, mut others] = [Vec::new(), Vec::new(), Vec::new()];
    for run in 0..runs {
        let topic = format!("bmpd-{run}");
        broker.create_topic(&topic, 1, &[]);
        let (load, reset) = measure(&broker, &topic, &bytes)?;
        broker.delete_topic(&topic);
        let topic = format!("other-{run}");
        broker.create_topic(&topic, 1, &[]);
        others.push(measure_other(&broker, &topic, reset.records, reset.bytes / reset.records)?);
        broker.delete_topic(&topic);
        loads.push(load);
        resets.push(reset);
    }
    let mut text = format!(
        "| {} routes | time | records | records/s | MB/s | processor time a record |\n|---|---|---|---|---|---|\n",
        table.routes()
    );
    for (name, all) in [
        ("bmpd, from the router's last byte", &mut loads),
        ("bmpd, from a reset", &mut resets),
        ("ProducerPerformance", &mut others),
    ] {
        all.sort_by_key(|measured| measured.time);
        let Measured { time, records, bytes, cpu } = &all[all.len() / 2];
        let seconds = time.as_secs_f64();
        writeln!(
            text,
            "| {name} | {seconds:.2} s | {records} | {:.0} | {:.1} | {:.1} µs |",
            *records as f64 / seconds,
            *bytes as f64 / seconds / 1e6,
            cpu.as_secs_f64() * 1e6 / *records as f64,
        )?;
    }
    let median = |all: &[Measured]| all[all.len() / 2].time.as_secs_f64();
    writeln!(
        text,
        "\nTime of a reset, beside that of ProducerPerformance: {:.2}",
        median(&resets) / median(&others)
    )?;
    Ok(text)
}

fn measure(broker: &Broker, topic: &str, bytes: &[u8]) -> anyhow::Result<(Measured, Measured)> {
    let scratch = Scratch::new();
    let own = IpAddr::from(Ipv4Addr::LOCALHOST);
    let listen = SocketAddr::new(own, free_port(own));
    let address = loopback();
    let config = format!(
        "[relay]\nlisten = [\"{listen}\"]\n[[router]]\nname = \"edge1\"\naddress = \"{address}\"\n\
         [[publisher]]\nname = \"bus\"\ntopic = \"{topic}\"\nkafka.compression = \"none\"\n\
         kafka.bootstrap-servers = [\"{}\"]\n",
        broker.bootstrap()
    );
    let daemon = Daemon::start(&scratch, &config);
    let router = Router::connect(address, listen);
    let phase = |begun: Instant, generation: u64, before: &Value, cpu: Duration| {
        let shown = wait_synchronised(&daemon, generation)?;
        let time = begun.elapsed();
        let grown = |key: &str| {
            let of = |value: &Value| value[key].as_u64().unwrap_or(0);
            of(&shown).saturating_sub(of(before))
        };
        let records = grown("acknowledged_records");
        let bytes = grown("acknowledged_bytes") + records * AROUND;
        let cpu = exact_cpu_time(daemon.pid())?.saturating_sub(cpu);
        anyhow::Ok((Measured { time, records, bytes, cpu }, shown))
    };
    let cpu = exact_cpu_time(daemon.pid())?;
    router.send_unrecorded(bytes);
    let (load, shown) = phase(Instant::now(), 1, &Value::Null, cpu)?;
    let cpu = exact_cpu_time(daemon.pid())?;
    let begun = Instant::now();
    daemon.bmpctl(&["reset", "publisher", "bus"]).done();
    let (reset, _) = phase(begun, 2, &shown, cpu)?;
    Ok((load, reset))
}

/// Waits until the router's generation is acknowledged as a whole.
fn wait_synchronised(daemon: &Daemon, generation: u64) -> anyhow::Result<Value> {
    let begun = Instant::now();
    loop {
        let output = daemon.bmpctl(&["show", "publisher", "bus", "--json"]);
        let mut document: Value = serde_json::from_str(output.done())?;
        let shown = document["publishers"][0].take();
        if shown["routers"][0]["synchronised_generation"] == generation
            && shown["in_flight_records"] == 0
        {
            return Ok(shown);
        }
        if begun.elapsed() > LIMIT {
            bail!("the router is not synchronised after {LIMIT:?}: {shown}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn measure_other(
    broker: &Broker,
    topic: &str,
    records: u64,
    size: u64,
) -> anyhow::Result<Measured> {
    let mut tool = broker.tool("org.apache.kafka.tools.ProducerPerformance");
    // The fixture's JVMs are made for a quick start.
    tool.env("_JAVA_OPTIONS", "-XX:TieredStopAtLevel=4 -Xmx1g");
    tool.args(["--topic", topic, "--throughput", "-1"]);
    tool.args(["--num-records", &records.to_string(), "--record-size", &size.to_string()]);
    tool.arg("--command-property");
    tool.args(["acks=all", "linger.ms=5", "batch.size=1000000", "compression.type=none"]);
    let output = daemon::run(&mut tool, LIMIT);
    let line = output.stdout.lines().rev().find(|line| line.contains("records/sec"));
    let line = line.with_context(|| output.to_string())?;
    let rate = line.split(", ").find_map(|part| {
        part.split_once(" records/sec").and_then(|(number, _)| number.parse::<f64>().ok())
    });
    let rate = rate.with_context(|| line.to_owned())?;
    let time = Duration::from_secs_f64(records as f64 / rate);
    Ok(Measured { time, records, bytes: records * size, cpu: Duration::ZERO })
}
