//! No client: this bmpd was built without one. The configuration refuses publishers then.

use std::sync::Arc;

use super::{Found, NotTaken, Problems, Record, Wanted};
use crate::config::Kafka;
use crate::sinks::kafka::flow::Acks;

#[derive(Debug)]
pub(in crate::sinks::kafka) enum Producer {}

impl Producer {
    pub(in crate::sinks::kafka) fn start(
        _: &str,
        _: &Kafka,
        _: Arc<Problems>,
    ) -> Result<Self, String> {
        Err("this bmpd was built without Kafka".to_owned())
    }

    pub(in crate::sinks::kafka) fn send(
        &self,
        _: Record<'_>,
        _: &Arc<Acks>,
    ) -> Result<(), NotTaken> {
        match *self {}
    }

    pub(in crate::sinks::kafka) fn stop(&self) {
        match *self {}
    }

    pub(in crate::sinks::kafka) fn look(&self, _: &[Wanted]) -> Vec<Found> {
        match *self {}
    }
}
