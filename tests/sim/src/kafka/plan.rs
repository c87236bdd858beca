//! What is configured of publishers.

use std::fmt::Write as _;

use tests::random::Random;

use crate::plan::one_of;
use crate::relay::plan::{LOCAL, Router, name};

/// One publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// True if nothing is to be published.
    pub shutdown: bool,
    /// Bytes.
    pub window: u64,
    /// s.
    pub delivery_timeout: u64,
    /// s.
    pub snapshot_interval: Option<u64>,
    /// The routers that it publishes, `None` being all; see [`LOCAL`].
    pub routers: Option<Vec<usize>>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Publisher `i` is [`publisher`] `(i)`.
    pub publishers: Vec<Publisher>,
}

/// The name of a publisher, which is that of its topic, too.
pub fn publisher(number: usize) -> String {
    format!("bus{number}")
}

impl Publisher {
    fn draw(random: &mut Random, routers: usize) -> Self {
        Self {
            shutdown: random.chance(5),
            window: one_of(random, &[8192, 8192, 20_000, 1 << 20]),
            delivery_timeout: one_of(random, &[10, 10, 15, 60]),
            snapshot_interval: one_of(random, &[None, None, Some(60), Some(90)]),
            routers: Self::draw_routers(random, routers),
        }
    }

    fn draw_routers(random: &mut Random, routers: usize) -> Option<Vec<usize>> {
        (routers > 0 && random.chance(30))
            .then(|| (0..routers).chain([LOCAL]).filter(|_| random.chance(60)).collect())
    }

    /// True if it is to publish this router, if that is configured.
    pub fn wants(&self, router: usize) -> bool {
        !self.shutdown && self.routers.as_ref().is_none_or(|routers| routers.contains(&router))
    }
}

impl Plan {
    /// The initial configuration of a run with so many routers.
    pub fn draw(random: &mut Random, routers: usize) -> Self {
        let publishers = 1 + random.below(2);
        Self { publishers: (0..publishers).map(|_| Publisher::draw(random, routers)).collect() }
    }

    /// Changes something that takes effect while a publisher runs; the window does with its next producer.
    pub fn change(&mut self, random: &mut Random, routers: usize) {
        let number = random.below(self.publishers.len() as u64) as usize;
        let other = Publisher::draw(random, routers);
        let publisher = &mut self.publishers[number];
        match random.below(6) {
            0 => publisher.shutdown ^= true,
            1 | 2 => publisher.routers = other.routers,
            3 => publisher.snapshot_interval = other.snapshot_interval,
            4 => publisher.window = other.window,
            _ => publisher.delivery_timeout = other.delivery_timeout,
        }
    }

    /// As it is in effect once the file is applied: routers that are not in it cannot be named.
    pub fn effective(&self, routers: &[Router]) -> Self {
        let mut plan = self.clone();
        for named in plan.publishers.iter_mut().filter_map(|one| one.routers.as_mut()) {
            named.retain(|number| *number == LOCAL || routers[*number].present);
            if named.is_empty() {
                named.push(LOCAL);
            }
        }
        plan
    }

    /// Its part of the file.
    pub fn write(&self, routers: &[Router], out: &mut String) -> std::fmt::Result {
        for (number, one) in self.effective(routers).publishers.iter().enumerate() {
            let at = publisher(number);
            writeln!(out, "[[publisher]]\nname = \"{at}\"\ntopic = \"{at}\"")?;
            writeln!(out, "shutdown = {}\nstatistics-timer = 60", one.shutdown)?;
            if let Some(interval) = one.snapshot_interval {
                writeln!(out, "snapshot-interval = {interval}")?;
            }
            writeln!(out, "kafka.bootstrap-servers = [\"broker:9092\"]")?;
            writeln!(out, "kafka.window = {}", one.window)?;
            writeln!(out, "kafka.delivery-timeout = {}", one.delivery_timeout)?;
            if let Some(routers) = &one.routers {
                let named = routers.iter().map(|number| match *number {
                    LOCAL => "\"local\"".to_owned(),
                    number => format!("\"{}\"", name(number)),
                });
                let named: Vec<String> = named.collect();
                writeln!(out, "monitor.routers = [{}]", named.join(", "))?;
            }
        }
        Ok(())
    }
}
