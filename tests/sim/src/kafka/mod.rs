//! Publishers: what bmpd sends to a message bus, and the consumers that read it.
//!
//! ```text
//!   neighbors, routers ──> bmpd: Publisher ──> bus: topics ──> Believed, from the beginning, from the middle,
//!                                               ^                       from the last Initiation
//!             Action: away, troubles, deleted ──┘                 │
//!   Ledger, Known <──────────── compared once all is idle ────────┘
//! ```
//!
//! Some runs have one or two, beside the stations, with random numbers of their own, so that a seed without them is the
//! same run as before there were any. In some of those nothing goes wrong with the bus, and every record is checked.
//!
//! What is modelled: topics with several partitions, that are missing, deleted, created anew, and get more partitions; brokers
//! that are away; acknowledgements that are lost, records that are refused, producers that fail, records that
//! arrive late; windows of a few records, delivery timeouts, snapshots; resets of publishers and of single routers; reloads
//! that change, shut down and start publishers.
//!
//! A consumer believes Peer Up, Peer Down, routes and End-of-RIBs. What it cannot know by those it need not: where bmpd
//! could not send the end of a router that is no longer published, because the bus was not there in time, only what is
//! published now is compared, beginning with the last generation.

pub mod plan;
mod quiet;
pub mod reader;

use std::collections::BTreeMap;
use std::time::Duration;

use shared::response::{Failure, Response};
use simulated::simulation::bus::{self, Trouble};
use simulated::simulation::clock;
use tests::random::Random;

use self::plan::Plan;
use crate::plan::one_of;
use crate::relay::plan::LOCAL;
use crate::run::Run;

/// How long after something has gone wrong a router that is no longer published may end without its Peer Downs.
const AFTERMATH: Duration = Duration::from_secs(150);

/// How long a stream has for its end.
const END: Duration = Duration::from_secs(6);

/// Everything of it in a run.
#[derive(Debug)]
pub struct Kafka {
    pub(crate) random: Random,
    /// True if something may go wrong.
    has_troubles: bool,
    /// Until when what has gone wrong has consequences.
    troubled_until: Duration,
    /// Until when routers that are no longer published end.
    ending_until: Duration,
    /// How often its topic had been created when routers of a publisher may have ended unseen.
    unseen: BTreeMap<usize, u64>,
    /// What is to be read of each topic when it is read from the middle.
    middle: BTreeMap<usize, (u64, Vec<usize>)>,
}

/// One step of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// `reset publisher` of one or all, of all routers or one.
    Reset(Option<usize>, bool),
    /// The file is edited and reloaded.
    Edit,
    /// No broker answers any more, or they do again.
    Away,
    /// This goes wrong with some of the next records.
    Trouble(Trouble, u64),
    /// A producer fails for good.
    FailProducer(usize),
    /// A topic is deleted, or created if there is none.
    Delete(usize),
    /// A topic is deleted and created anew.
    Recreate(usize),
    /// A topic gets another partition.
    AddPartition(usize),
    /// Nothing is done for a while.
    Wait(Duration),
    /// A consumer begins here.
    Begin(usize),
    /// Nothing goes wrong for a while, and everything is compared.
    Calm,
}

impl Action {
    fn draw(random: &mut Random, publishers: usize) -> Self {
        let publisher = random.below(publishers as u64) as usize;
        match random.below(100) {
            0..8 => Action::Reset(random.chance(70).then_some(publisher), false),
            8..18 => Action::Reset(random.chance(70).then_some(publisher), true),
            18..26 => Action::Edit,
            26..40 => Action::Away,
            40..52 => {
                let trouble = one_of(random, &[Trouble::AcknowledgementLost, Trouble::Refused]);
                Action::Trouble(trouble, 1 + random.below(3))
            }
            52..58 => Action::FailProducer(publisher),
            58..62 => Action::Delete(publisher),
            62..67 => Action::Recreate(publisher),
            67..70 => Action::AddPartition(publisher),
            70..85 => {
                let longest = one_of(random, &[300, 1_500, 15_000, 30_000]);
                Action::Wait(Duration::from_millis(1 + random.below(longest)))
            }
            85..92 => Action::Begin(publisher),
            _ => Action::Calm,
        }
    }
}

impl Kafka {
    /// That of a run with this seed and so many routers, if it has one, and its configuration.
    pub fn draw(seed: u64, routers: usize) -> Option<(Self, Plan)> {
        let mut random = Random::new(seed ^ 0x006b_6166_6b61);
        if !random.chance(50) {
            return None;
        }
        let plan = Plan::draw(&mut random, routers);
        let kafka = Self {
            has_troubles: random.chance(75),
            random,
            troubled_until: Duration::ZERO,
            ending_until: Duration::ZERO,
            unseen: BTreeMap::new(),
            middle: BTreeMap::new(),
        };
        Some((kafka, plan))
    }

    /// Creates the topics, once the run has begun; some later.
    pub fn begin(&mut self, plan: &Plan) {
        for number in 0..plan.publishers.len() {
            if !self.has_troubles || self.random.chance(85) {
                self.create(number);
            }
        }
    }

    fn create(&mut self, number: usize) {
        let partitions = one_of(&mut self.random, &[1, 1, 2, 3]);
        bus::create(&plan::publisher(number), partitions);
    }

    /// The next action, if the next one is of publishers.
    pub fn draw_action(&mut self, plan: &Plan) -> Option<Action> {
        let publishers = plan.publishers.len();
        self.random.chance(20).then(|| Action::draw(&mut self.random, publishers))
    }

    /// Something goes wrong now.
    fn trouble(&mut self, publishers: usize) {
        let now = clock::passed();
        if now < self.ending_until {
            self.is_unseen(publishers);
        }
        self.troubled_until = self.troubled_until.max(now + AFTERMATH);
    }

    fn is_unseen(&mut self, publishers: usize) {
        for number in 0..publishers {
            self.unseen.insert(number, bus::creations(&plan::publisher(number)));
        }
    }

    /// Routers may be published no longer from now on.
    pub(crate) fn routers_end(&mut self, publishers: usize) {
        let now = clock::passed();
        self.ending_until = now + END;
        if now < self.troubled_until {
            self.is_unseen(publishers);
        }
    }

    /// Everything is there, and nothing goes wrong.
    pub(crate) fn all_is_well(&mut self, plan: &Plan) {
        bus::end_troubles();
        for number in 0..plan.publishers.len() {
            if bus::lengths(&plan::publisher(number)).is_none() {
                self.create(number);
            }
        }
    }
}

impl Run {
    /// Does something with publishers.
    pub(crate) async fn perform_kafka(&mut self, action: Action) -> Result<(), String> {
        let (Some(kafka), Some(plan)) = (&mut self.kafka, &self.plan.kafka) else { return Ok(()) };
        let publishers = plan.publishers.len();
        let is_trouble = matches!(
            action,
            Action::Away
                | Action::Trouble(..)
                | Action::FailProducer(_)
                | Action::Delete(_)
                | Action::Recreate(_)
        );
        if is_trouble {
            if !kafka.has_troubles {
                return Ok(());
            }
            kafka.trouble(publishers);
        }
        match action {
            Action::Reset(publisher, is_of_router) => {
                let routers = self.relay.as_ref().map_or(0, |relay| relay.routers.len());
                let all: Vec<usize> = (0..routers).chain([LOCAL]).collect();
                let router = is_of_router.then(|| one_of(&mut kafka.random, &all));
                // A router that ends while there is no producer ends unseen.
                kafka.trouble(publishers);
                self.reset_publishers(publisher, router).await?;
            }
            Action::Edit => {
                self.finish_commands().await?;
                let (Some(kafka), Some(file)) = (&mut self.kafka, &mut self.file.kafka) else {
                    return Ok(());
                };
                let routers = self.relay.as_ref().map_or(0, |relay| relay.routers.len());
                file.change(&mut kafka.random, routers);
                simulated::simulation::write_file(&self.file.file());
                self.count.add("edits of publishers", 1);
                self.reload();
                self.finish_commands().await?;
            }
            Action::Away => {
                bus::set_away(!bus::is_away());
                self.count.add("brokers are away, or back", 1);
            }
            Action::Trouble(trouble, times) => {
                (0..times).for_each(|_| bus::trouble(trouble));
                self.count.add("records that are in doubt or refused", times);
            }
            Action::FailProducer(number) => {
                bus::fail_producer(&plan::publisher(number));
                self.count.add("producers that fail", 1);
            }
            Action::Delete(number) => {
                let topic = plan::publisher(number);
                match bus::lengths(&topic) {
                    Some(_) => bus::delete(&topic),
                    None => kafka.create(number),
                }
            }
            Action::Recreate(number) => {
                bus::delete(&plan::publisher(number));
                kafka.create(number);
                self.count.add("topics that are created anew", 1);
            }
            Action::AddPartition(number) => {
                bus::add_partition(&plan::publisher(number));
            }
            Action::Wait(time) => self.wait(time).await?,
            Action::Begin(number) => {
                let topic = plan::publisher(number);
                if let Some(lengths) = bus::lengths(&topic) {
                    kafka.middle.insert(number, (bus::creations(&topic), lengths));
                }
            }
            Action::Calm => {
                self.all_is_published(false).await?;
            }
        }
        Ok(())
    }

    async fn reset_publishers(
        &mut self,
        publisher: Option<usize>,
        router: Option<usize>,
    ) -> Result<(), String> {
        self.finish_commands().await?;
        let name = publisher.map(|number| plan::publisher(number).parse());
        let name = name.transpose().map_err(|error| format!("{error}"))?;
        let id = router.map(|router| match router {
            LOCAL => Ok(shared::names::RouterId::Local),
            number => crate::relay::router_id(number),
        });
        let answer = self.bmpd.reset_publisher(name, id.transpose()?).await;
        match answer {
            Response::PublishersReset { publishers, .. } => {
                for reset in publishers {
                    let is_it = |number: &usize| plan::publisher(*number) == reset.id.as_str();
                    let (Some(plan), Some(file)) = (&mut self.plan.kafka, &self.file.kafka) else {
                        continue;
                    };
                    let number = (0..file.publishers.len()).find(is_it);
                    let number = number.ok_or("a publisher that nobody has configured")?;
                    let Ok(done) = &reset.result else { continue };
                    self.count.add("generations by resets", done.generations.len() as u64);
                    if router.is_none() {
                        let routers = self.file.relay.as_ref().map(|relay| &relay.routers[..]);
                        let file = file.effective(routers.unwrap_or_default());
                        plan.publishers[number] = file.publishers[number].clone();
                    }
                }
                Ok(())
            }
            Response::Failed(Failure::NoSuchRouter { .. }) => Ok(()),
            other => Err(format!("a reset of publishers has answered {other:?}")),
        }
    }
}
