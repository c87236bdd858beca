//! Reports of sessions, neighbors and publishers, requested from many at once.

use std::future::poll_fn;
use std::task::Poll;

use shared::names::NeighborId;
use shared::response::{NeighborReport, PublisherReport};

use super::World;
use crate::sources::bgp::Neighbor;

/// The limit of malformed UPDATEs in an answer, in hexadecimal digits: it must not grow with what every neighbor has
/// sent.
const MESSAGES_MAX: usize = 1 << 20;

/// Queries all at once. The answers are in the order of the queries.
pub(crate) async fn all<T>(asked: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    enum Asked<F, T> {
        Waiting(F),
        Answered(T),
    }
    let mut all: Vec<_> =
        asked.into_iter().map(|question| Asked::Waiting(Box::pin(question))).collect();
    // All queries are sent before the first answer is awaited.
    let ask = poll_fn(|context| {
        for one in &mut all {
            if let Asked::Waiting(question) = one
                && let Poll::Ready(answer) = question.as_mut().poll(context)
            {
                *one = Asked::Answered(answer);
            }
        }
        Poll::Ready(())
    });
    tokio::task::unconstrained(ask).await;
    let mut answers = Vec::with_capacity(all.len());
    for one in all {
        answers.push(match one {
            Asked::Waiting(question) => question.await,
            Asked::Answered(answer) => answer,
        });
    }
    answers
}

/// Every selected neighbor, with the bytes of their last malformed UPDATEs if requested.
pub(crate) async fn neighbors(
    world: &World,
    with_messages: bool,
    wanted: impl Fn(&NeighborId) -> bool,
) -> Vec<NeighborReport> {
    let mut neighbors = world.neighbors();
    neighbors.retain(|neighbor| wanted(neighbor.id()));
    described(neighbors, with_messages).await
}

/// The reports of these neighbors, without those that have stopped meanwhile.
pub(crate) async fn described(
    neighbors: Vec<Neighbor>,
    with_messages: bool,
) -> Vec<NeighborReport> {
    let asked = neighbors.into_iter();
    let reports =
        all(asked.map(|neighbor| async move { neighbor.report(with_messages).await })).await;
    let mut reports: Vec<NeighborReport> = reports.into_iter().flatten().collect();
    let updates = reports.iter_mut().filter_map(|report| report.last_malformed_update.as_mut());
    keep_messages(updates.map(|update| &mut update.message), MESSAGES_MAX);
    reports
}

/// Every publisher that runs, without its routers.
pub(crate) async fn publishers(world: &World) -> Vec<PublisherReport> {
    let publishers = world.publishers.lock().clone();
    let reports = all(publishers.iter().map(|publisher| publisher.report(false))).await;
    reports.into_iter().flatten().collect()
}

/// Omits messages beyond this number of digits.
fn keep_messages<'a>(messages: impl Iterator<Item = &'a mut Option<String>>, mut room: usize) {
    for message in messages {
        match room.checked_sub(message.as_ref().map_or(0, String::len)) {
            Some(left) => room = left,
            None => *message = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_do_not_fit_into_the_answer_are_left_out() {
        let mut messages = ["1234", "123456", "1234", "12"].map(|text| Some(text.to_owned()));
        messages[2] = None;
        keep_messages(messages.iter_mut(), 8);
        assert_eq!(messages, [Some("1234".to_owned()), None, None, Some("12".to_owned())]);
    }
}
