//! `reset session --wait`: the progress of the sessions that were reset.
//!
//! ```text
//!   reset ── Reported (as each is reset) ──> follow ── progress? ──> a task each
//!                                           └── outcomes, Progress (what has changed) ──> answers
//! ```
//!
//! It only reads: it queries some of the sessions at a time and sends those that have changed. It alone waits for the
//! client, so a reset continues if the client has stopped reading; only the outcomes are queued here then, one for each
//! session. It ends when the client disconnects.

use std::sync::Arc;
use std::time::Duration;

use shared::response::{Failure, HEARTBEAT, Progress, ProgressEnd, Response, SessionState};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::sinks::station::{Leg, Reached};
use crate::world::World;

/// How often sessions are queried.
const EVERY: Duration = Duration::from_millis(100);

/// How many sessions are queried at a time: a thousand at once would be too much load.
const AT_A_TIME: usize = 200;

/// A leg that was reset.
pub(super) struct Followed {
    leg: Leg,
    /// The generation that began with the reset.
    generation: u64,
    reported: Option<Progress>,
}

impl Followed {
    pub(super) fn new(leg: Leg, generation: u64) -> Self {
        Self { leg, generation, reported: None }
    }
}

/// What a reset reports.
pub(super) struct Reported {
    pub(super) response: Response,
    /// The sessions in it that are followed after it was sent.
    pub(super) begun: Vec<Followed>,
}

/// Forwards the reports of a reset that is not followed.
pub(super) async fn forward(
    mut outcomes: mpsc::UnboundedReceiver<Reported>,
    answers: mpsc::Sender<Response>,
) {
    while let Some(reported) = outcomes.recv().await {
        if answers.send(reported.response).await.is_err() {
            return;
        }
    }
}

/// Forwards what arrives on the channel and follows its sessions, until it is closed and each has reached an outcome,
/// or the client has disconnected.
pub(super) async fn run(
    mut outcomes: mpsc::UnboundedReceiver<Reported>,
    world: Arc<World>,
    answers: mpsc::Sender<Response>,
) {
    let mut followed: Vec<Followed> = Vec::new();
    let mut all_begun = false;
    // Whose turn it is.
    let mut turn = 0;
    let mut sent_at = Instant::now();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            next = outcomes.recv(), if !all_begun => match next {
                Some(Reported { response, begun }) => {
                    let is_last = matches!(response, Response::Failed(_));
                    if answers.send(response).await.is_err() || is_last {
                        return;
                    }
                    followed.extend(begun);
                    continue;
                }
                None => all_begun = true,
            },
            _ = ticks.tick() => {}
            () = world.stopping() => {
                let _ = answers.send(Response::Failed(Failure::Stopping)).await;
                return;
            }
            () = answers.closed() => return,
        }
        if turn >= followed.len() {
            turn = 0;
        }
        let end = (turn + AT_A_TIME).min(followed.len());
        let news = look(&mut followed[turn..end], &world).await;
        let before = followed.len();
        followed.retain(|one| one.reported.as_ref().is_none_or(|reported| reported.end.is_none()));
        turn = end - (before - followed.len());
        if !news.is_empty() || sent_at.elapsed() >= HEARTBEAT {
            if answers.send(Response::Progress(news)).await.is_err() {
                return;
            }
            sent_at = Instant::now();
        }
        if all_begun && followed.is_empty() {
            return;
        }
    }
}

/// Queries these sessions, all at once; returns what has changed.
async fn look(followed: &mut [Followed], world: &World) -> Vec<Progress> {
    let mut asked = Vec::with_capacity(followed.len());
    for one in followed.iter() {
        asked.push(one.leg.progress().await);
    }
    let mut news = Vec::new();
    for (one, answer) in followed.iter_mut().zip(asked) {
        let progress = match answer.await {
            Ok(reached) => ended(reached, one.generation, one.leg.has_router()),
            // It stops with bmpd, which is reported separately.
            Err(_) if world.is_stopping() => continue,
            Err(_) => removed(one),
        };
        if one.reported.as_ref() != Some(&progress) {
            one.reported = Some(progress.clone());
            news.push(progress);
        }
    }
    news
}

/// The outcome for a session, if it has one.
fn ended(reached: Reached, generation: u64, has_router: bool) -> Progress {
    let Reached { progress, synchronised } = reached;
    let end = match progress.state {
        _ if synchronised >= generation => Some(ProgressEnd::Synchronised),
        SessionState::Shutdown => Some(ProgressEnd::Shutdown),
        _ if !has_router => Some(ProgressEnd::NoRouter),
        SessionState::Idle
        | SessionState::Connecting
        | SessionState::Listening
        | SessionState::Synchronising
        | SessionState::Established => None,
    };
    Progress { end, ..progress }
}

fn removed(one: &Followed) -> Progress {
    let nothing = || Progress {
        id: one.leg.id().session.clone(),
        router: one.leg.id().router.clone(),
        generation: one.generation,
        state: SessionState::Idle,
        why: String::new(),
        routes_sent: 0,
        routes_to_send: 0,
        bytes_sent: 0,
        end: None,
    };
    Progress {
        state: SessionState::Idle,
        why: "removed from the configuration".to_owned(),
        end: Some(ProgressEnd::Removed),
        ..one.reported.clone().unwrap_or_else(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(state: SessionState, generation: u64, synchronised: u64) -> Reached {
        let progress = Progress {
            id: shared::names::SessionId {
                vpn_instance: None,
                address: "10.1.1.1".parse().unwrap(),
                alias: None,
            },
            router: shared::names::RouterId::Local,
            generation,
            state,
            why: String::new(),
            routes_sent: 0,
            routes_to_send: 0,
            bytes_sent: 0,
            end: None,
        };
        Reached { progress, synchronised }
    }

    #[test]
    fn only_a_generation_that_began_with_the_reset_or_later_counts() {
        use SessionState::{Connecting, Established, Shutdown, Synchronising};
        let synchronised = Some(ProgressEnd::Synchronised);
        let cases = [
            // The task has not processed the reset yet.
            (Established, 2, 2, None),
            (Connecting, 3, 2, None),
            (Synchronising, 3, 2, None),
            (Established, 3, 3, synchronised),
            // A neighbor has come up just after it.
            (Synchronising, 3, 3, synchronised),
            // It was, and has lost its connection since.
            (Connecting, 4, 3, synchronised),
            (Shutdown, 4, 2, Some(ProgressEnd::Shutdown)),
        ];
        for (state, generation, newest, end) in cases {
            let progress = ended(reached(state, generation, newest), 3, true);
            assert_eq!(progress.end, end, "{state:?} {generation} {newest}");
        }
    }
}
