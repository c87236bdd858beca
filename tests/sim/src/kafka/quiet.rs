//! Once all is idle: what consumers of each topic believe, compared with the model.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shared::response::{PublisherReport, PublisherState};
use simulated::simulation::bus::{self, Record};
use simulated::simulation::clock;
use tests::bmp::message::kind;

use super::plan;
use super::reader::{self, Believed, Generation, Model};
use crate::plan::FAMILIES;
use crate::relay::plan::LOCAL;
use crate::run::Run;

/// By when a publisher notices that something is wrong with its topic.
const NOTICED: Duration = Duration::from_secs(15);

/// How long it has until everything is acknowledged: its longest pauses are a minute.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The records of one router in one topic.
struct Keyed<'a> {
    /// In the order of their generations, and of their partition.
    records: Vec<(Generation, &'a Record)>,
    /// Those at the end of which a consumer may begin.
    skipped: usize,
}

impl Run {
    /// Nothing goes wrong until publishers have sent everything, which is compared.
    pub(crate) async fn all_is_published(&mut self, all_is_well: bool) -> Result<(), String> {
        let (Some(kafka), Some(plan)) = (&mut self.kafka, &self.plan.kafka) else { return Ok(()) };
        kafka.all_is_well(plan);
        self.all_read();
        self.wait(NOTICED).await?;
        let until = clock::passed() + TIMEOUT;
        loop {
            self.finish_commands().await?;
            self.drain().await?;
            match self.unpublished().await {
                None => break,
                Some(what) if clock::passed() > until => {
                    return Err(format!("after {} s: {what}", TIMEOUT.as_secs()));
                }
                Some(_) => self.wait(Duration::from_secs(1)).await?,
            }
        }
        self.count.add("calm moments", 1);
        for report in self.bmpd.publishers().await {
            self.trace.say(|| format!("{report:?}"));
        }
        self.compare(all_is_well).await?;
        self.compare_topics(all_is_well)
    }

    /// What is not acknowledged yet, if anything.
    async fn unpublished(&mut self) -> Option<String> {
        for report in self.bmpd.publishers().await {
            let PublisherReport { id, state, why, .. } = &report;
            let is_done = match state {
                PublisherState::Shutdown => report.in_flight_records == 0,
                PublisherState::Established => {
                    report.in_flight_records == 0
                        && report.routes_to_send == 0
                        && report.routers_there == report.routers_synchronised
                        && report.unacknowledged_for.is_none()
                }
                _ => false,
            };
            if !is_done {
                return Some(format!("{id} is {state:?}: {why}: {report:?}"));
            }
            let acknowledged = bus::acknowledged(id.as_str());
            if report.acknowledged_records != acknowledged {
                return Some(format!(
                    "{id} counts {} records as acknowledged, and {acknowledged} were",
                    report.acknowledged_records
                ));
            }
        }
        None
    }

    fn compare_topics(&mut self, all_is_well: bool) -> Result<(), String> {
        let Some(plan) = self.plan.kafka.clone() else { return Ok(()) };
        for number in 0..plan.publishers.len() {
            let topic = plan::publisher(number);
            let partitions = bus::lengths(&topic).unwrap_or_default().len();
            let records: Vec<Vec<Record>> =
                (0..partitions).map(|partition| bus::records(&topic, partition, 0)).collect();
            for record in records.iter().flatten() {
                self.trace.bytes(&record.value);
            }
            let compared = self
                .compare_topic(number, &records, all_is_well)
                .map_err(|why| format!("topic {topic}: {why}"))?;
            self.count.add("routers compared in topics", compared);
        }
        Ok(())
    }

    /// The records of each router.
    fn keyed<'a>(
        &self,
        number: usize,
        records: &'a [Vec<Record>],
    ) -> Result<BTreeMap<usize, Keyed<'a>>, String> {
        let topic = plan::publisher(number);
        let begins = self.kafka.as_ref().and_then(|kafka| kafka.middle.get(&number));
        let begins = begins.filter(|(creations, _)| *creations == bus::creations(&topic));
        let routers = self.relay.as_ref().map_or(0, |relay| relay.routers.len());
        let mut all: BTreeMap<usize, Keyed<'a>> = BTreeMap::new();
        let mut keys = BTreeSet::new();
        for router in (0..routers).chain([LOCAL]) {
            let key = reader::key(router);
            let mut keyed = Keyed { records: Vec::new(), skipped: 0 };
            for (partition, records) in records.iter().enumerate() {
                let middle = begins.and_then(|(_, lengths)| lengths.get(partition)).copied();
                for (offset, record) in records.iter().enumerate() {
                    if record.key == key {
                        keyed.records.push((reader::generation(record)?, record));
                        keyed.skipped += usize::from(middle.is_some_and(|middle| offset < middle));
                    }
                }
            }
            // A router that was published again may have another partition; in one they are in order.
            keyed.records.sort_by_key(|(generation, _)| *generation);
            keys.insert(key);
            all.insert(router, keyed);
        }
        match records.iter().flatten().find(|record| !keys.contains(&record.key)) {
            Some(record) => Err(format!("a record of nobody: {:?}", record.key)),
            None => Ok(all),
        }
    }

    fn compare_topic(
        &self,
        number: usize,
        records: &[Vec<Record>],
        all_is_well: bool,
    ) -> Result<u64, String> {
        let (Some(kafka), Some(plan)) = (&self.kafka, &self.plan.kafka) else { return Ok(0) };
        let topic = plan::publisher(number);
        for records in records {
            in_order(records)?;
        }
        // A topic that was created anew has nothing of before.
        let has_unseen = kafka.unseen.get(&number) == Some(&bus::creations(&topic));
        let routers = self.relay.as_ref().map(|relay| &relay.routers[..]).unwrap_or_default();
        let model =
            Model { ledger: &self.ledger, routers, is_strict: !kafka.has_troubles && !has_unseen };
        let mut compared = 0;
        for (router, Keyed { records, skipped }) in self.keyed(number, records)? {
            let is_there = router == LOCAL
                || self.plan.relay.as_ref().is_some_and(|relay| relay.routers[router].present);
            let is_wanted = is_there && plan.publishers[number].wants(router);
            let read = |from: usize| {
                let mut believed = Believed::default();
                for (_, record) in &records[from..] {
                    let model = Model { is_strict: model.is_strict && from == 0, ..model };
                    believed.read(router, record, model)?;
                }
                Ok::<_, String>(believed)
            };
            let of =
                if router == LOCAL { "bmpd".to_owned() } else { crate::relay::plan::name(router) };
            let compare = |from: usize, what: &str| {
                self.believed(router, is_wanted, &read(from)?, all_is_well).map_err(|why| {
                    self.trace.say(|| list(&records));
                    format!("{of}, {what} (record {from}): {why}")
                })
            };
            if !has_unseen {
                compare(0, "read from the beginning")?;
                compared += 1;
            }
            if !is_wanted {
                continue;
            }
            if skipped > 0 && !has_unseen && read(skipped)?.is_initiated {
                compare(skipped, "read from the middle")?;
                compared += 1;
            }
            if let Some(last) = last_initiation(&records) {
                compare(last, "read from the last Initiation")?;
                compared += 1;
            }
        }
        Ok(compared)
    }

    fn believed(
        &self,
        router: usize,
        is_wanted: bool,
        believed: &Believed,
        all_is_well: bool,
    ) -> Result<(), String> {
        if !is_wanted {
            return match (believed.neighbors.keys().next(), believed.peers.keys().next()) {
                (None, None) => Ok(()),
                _ => Err("it has peers, and the router is not published".to_owned()),
            };
        }
        if let (Some(relay), true) = (&self.relay, router != LOCAL) {
            return relay.believed(router, &believed.peers);
        }
        let now = clock::passed();
        for neighbor in 0..self.speakers.len() {
            let state = self.speakers[neighbor].state(&self.ledger, now)?;
            let view = believed.neighbors.get(&neighbor);
            let is_present = self.plan.neighbors[neighbor].present;
            self.view(view, is_present, state, &FAMILIES, all_is_well)
                .map_err(|why| format!("{}: {why}", crate::plan::neighbor(neighbor)))?;
        }
        Ok(())
    }

    /// bmpd has stopped: every router has ended, for those who read all.
    pub(crate) fn all_has_ended(&self) -> Result<(), String> {
        let (Some(kafka), Some(plan)) = (&self.kafka, &self.plan.kafka) else { return Ok(()) };
        for number in 0..plan.publishers.len() {
            let topic = plan::publisher(number);
            if kafka.unseen.contains_key(&number) {
                continue;
            }
            let partitions = bus::lengths(&topic).unwrap_or_default().len();
            let records: Vec<Vec<Record>> =
                (0..partitions).map(|partition| bus::records(&topic, partition, 0)).collect();
            let routers = self.relay.as_ref().map(|relay| &relay.routers[..]).unwrap_or_default();
            let model = Model { ledger: &self.ledger, routers, is_strict: false };
            for (router, Keyed { records, .. }) in self.keyed(number, &records)? {
                let mut believed = Believed::default();
                for (_, record) in &records {
                    believed.read(router, record, model)?;
                }
                self.believed(router, false, &believed, false).map_err(|why| {
                    format!("topic {topic} after the end: router {router}: {why}")
                })?;
                // With troubles at the end it may not have arrived; the peers are down all the same.
                if !kafka.has_troubles && !records.is_empty() && !believed.is_terminated {
                    return Err(format!("topic {topic}: router {router} has no Termination"));
                }
            }
        }
        Ok(())
    }
}

/// Records, for people: of each generation the types of its messages.
fn list(records: &[(Generation, &Record)]) -> String {
    let mut out = String::new();
    let mut before = None;
    for (generation, record) in records {
        if before.replace(generation) != Some(generation) {
            out.push_str(&format!("\n    {generation:?}:"));
        }
        let kind = reader::message(record).ok().and_then(reader::kind_of);
        out.push_str(&kind.map_or_else(|| " ?".to_owned(), |kind| format!(" {kind}")));
    }
    out
}

/// Generations of a router rise in its partition, and each of them has one Initiation that begins it.
fn in_order(records: &[Record]) -> Result<(), String> {
    let mut newest: BTreeMap<&[u8], Generation> = BTreeMap::new();
    for record in records {
        let generation = reader::generation(record)?;
        let before = newest.entry(&record.key).or_insert(generation);
        if generation < *before {
            return Err(format!("a record of generation {generation:?} after one of {before:?}"));
        }
        *before = generation;
    }
    Ok(())
}

/// The last Initiation that begins a generation.
fn last_initiation(records: &[(Generation, &Record)]) -> Option<usize> {
    let mut last = None;
    let mut begun = None;
    for (rank, (generation, record)) in records.iter().enumerate() {
        let message = reader::message(record).ok()?;
        if reader::kind_of(message) == Some(kind::INITIATION) && begun < Some(*generation) {
            (last, begun) = (Some(rank), Some(*generation));
        }
    }
    last
}
