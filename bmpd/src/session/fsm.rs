//! The state machine of one BMP session.
//!
//! ```text
//!            ┌───────── retry timer, reset ──────────┐
//!            v                                       │
//!        Connecting ── failed, stop ──────────────> Idle <── start with nothing to do
//!            │  ^                                    ^
//!  connected │  └── reset (next generation) ──┐      │
//!            v                                │      │
//!           Up ───────────────────────────────┴ lost ┘
//! ```
//!
//! Pure: no clock, no socket, no chance. Events go in, actions come out. A connection has the
//! generation that was current when it was made; losing or resetting it begins the next one.

use std::time::Duration;

use crate::config::Retry;

/// How long a synchronised connection must last before its loss is worth a quick second try and the
/// backoff is forgotten. A station that accepts and closes never gets there.
pub(crate) const STABLE_AFTER: Duration = Duration::from_secs(10);

/// The wait before the one quick try.
const QUICK: Duration = Duration::from_millis(500);

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No connection; the retry timer runs.
    Idle,
    /// An attempt is under way.
    Connecting,
    /// Connected; `synchronised` once everything was sent.
    Up {
        /// True once the station was sent every route and the End-of-RIBs.
        synchronised: bool,
    },
    /// Over for good.
    Stopped,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// bmpd has started.
    Start,
    /// The retry timer has run out.
    RetryTimer,
    /// The attempt succeeded.
    Connected,
    /// The attempt failed.
    ConnectFailed,
    /// Everything was sent.
    Synchronised,
    /// It has been synchronised for [`STABLE_AFTER`].
    Stable,
    /// The connection ended, by whatever way.
    Lost,
    /// `reset session`; the backoff is that of the new parameters.
    Reset(Retry),
    /// bmpd stops.
    Stop,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// End the attempt or the connection (with a Termination) that there is.
    Close,
    /// Begin an attempt.
    Connect,
    /// Start the retry timer; the task shortens it by a random part (jitter).
    Wait(Duration),
    /// Start the timer behind [`Event::Stable`].
    WatchStability,
}

/// The state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fsm {
    state: State,
    generation: u64,
    retry: Retry,
    /// The wait after the next failure.
    next_wait: Duration,
    /// True if the connection has proved stable.
    stable: bool,
}

impl Fsm {
    /// A session that has not started.
    pub(crate) fn new(retry: Retry) -> Self {
        Self { state: State::Idle, generation: 1, retry, next_wait: retry.initial, stable: false }
    }

    /// Where it is.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The generation of the connection, or of the next one while there is none.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes one event. An event that has no meaning in the state changes nothing.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
        match (self.state, event) {
            (State::Stopped, _) => vec![],
            (_, Event::Stop) => {
                let open = self.state != State::Idle;
                self.state = State::Stopped;
                if open { vec![Action::Close] } else { vec![] }
            }
            (_, Event::Reset(retry)) => self.reset(retry),
            (State::Idle, Event::Start | Event::RetryTimer) => {
                self.state = State::Connecting;
                vec![Action::Connect]
            }
            (State::Connecting, Event::Connected) => {
                self.state = State::Up { synchronised: false };
                self.stable = false;
                vec![]
            }
            (State::Connecting, Event::ConnectFailed) => self.wait(),
            (State::Up { synchronised: false }, Event::Synchronised) => {
                self.state = State::Up { synchronised: true };
                vec![Action::WatchStability]
            }
            (State::Up { synchronised: true }, Event::Stable) => {
                self.stable = true;
                self.next_wait = self.retry.initial;
                vec![]
            }
            (State::Up { .. }, Event::Lost) => {
                self.generation += 1;
                if std::mem::take(&mut self.stable) {
                    self.state = State::Idle;
                    return vec![Action::Wait(QUICK.min(self.retry.initial))];
                }
                self.wait()
            }
            (State::Idle, Event::Connected | Event::ConnectFailed | Event::Lost)
            | (State::Idle | State::Connecting, Event::Synchronised | Event::Stable)
            | (State::Connecting, Event::Start | Event::RetryTimer | Event::Lost)
            | (State::Up { .. }, Event::Start | Event::RetryTimer | Event::Connected)
            | (State::Up { .. }, Event::ConnectFailed)
            | (State::Up { synchronised: true }, Event::Synchronised)
            | (State::Up { synchronised: false }, Event::Stable) => vec![],
        }
    }

    fn reset(&mut self, retry: Retry) -> Vec<Action> {
        let mut actions = Vec::new();
        if matches!(self.state, State::Up { .. }) {
            self.generation += 1;
        }
        if self.state != State::Idle {
            actions.push(Action::Close);
        }
        self.retry = retry;
        self.next_wait = retry.initial;
        self.stable = false;
        self.state = State::Connecting;
        actions.push(Action::Connect);
        actions
    }

    /// RFC 7854 section 3.2: each wait is twice as long as the one before.
    fn wait(&mut self) -> Vec<Action> {
        self.state = State::Idle;
        let wait = self.next_wait;
        self.next_wait = (wait * 2).min(self.retry.maximum);
        vec![Action::Wait(wait)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry =
        Retry { initial: Duration::from_secs(30), maximum: Duration::from_secs(720) };

    fn run(fsm: &mut Fsm, events: &[Event]) -> Vec<Action> {
        events.iter().flat_map(|event| fsm.on(*event)).collect()
    }

    fn waits(actions: &[Action]) -> Vec<u64> {
        actions
            .iter()
            .filter_map(|action| match action {
                Action::Wait(wait) => Some(wait.as_secs()),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        let mut fsm = Fsm::new(RETRY);
        let mut actions = run(&mut fsm, &[Event::Start, Event::ConnectFailed]);
        for _ in 0..7 {
            actions.extend(run(&mut fsm, &[Event::RetryTimer, Event::ConnectFailed]));
        }
        assert_eq!(waits(&actions), [30, 60, 120, 240, 480, 720, 720, 720]);
    }

    #[test]
    fn a_station_that_accepts_and_closes_does_not_make_a_loop() {
        let mut fsm = Fsm::new(RETRY);
        let mut actions =
            run(&mut fsm, &[Event::Start, Event::Connected, Event::Synchronised, Event::Lost]);
        for _ in 0..3 {
            actions.extend(run(
                &mut fsm,
                &[Event::RetryTimer, Event::Connected, Event::Synchronised, Event::Lost],
            ));
        }
        assert_eq!(waits(&actions), [30, 60, 120, 240]);
    }

    #[test]
    fn a_stable_connection_that_is_lost_is_tried_again_at_once_but_only_once() {
        let mut fsm = Fsm::new(RETRY);
        run(&mut fsm, &[Event::Start, Event::ConnectFailed, Event::RetryTimer, Event::Connected]);
        run(&mut fsm, &[Event::Synchronised, Event::Stable]);
        assert_eq!(fsm.on(Event::Lost), [Action::Wait(QUICK)]);
        assert_eq!(
            run(&mut fsm, &[Event::RetryTimer, Event::ConnectFailed])[1..],
            [Action::Wait(RETRY.initial)]
        );
        run(&mut fsm, &[Event::RetryTimer, Event::Connected]);
        assert_eq!(fsm.on(Event::Lost), [Action::Wait(RETRY.initial * 2)], "not stable this time");
    }

    #[test]
    fn a_reset_connects_at_once_from_every_state_and_forgets_the_backoff() {
        let short = Retry { initial: Duration::from_secs(1), ..RETRY };
        let connect: &[Action] = &[Action::Connect];
        let close: &[Action] = &[Action::Close, Action::Connect];
        let cases: [(&[Event], &[Action], u64); 5] = [
            (&[], connect, 1),
            (&[Event::Start, Event::ConnectFailed], connect, 1),
            (&[Event::Start], close, 1),
            (&[Event::Start, Event::Connected], close, 2),
            (&[Event::Start, Event::Connected, Event::Synchronised], close, 2),
        ];
        for (events, expected, generation) in cases {
            let mut fsm = Fsm::new(RETRY);
            run(&mut fsm, events);
            assert_eq!(fsm.on(Event::Reset(short)), expected, "{events:?}");
            assert_eq!((fsm.generation(), fsm.state()), (generation, State::Connecting));
            assert_eq!(fsm.on(Event::ConnectFailed), [Action::Wait(short.initial)]);
        }
    }

    #[test]
    fn every_loss_begins_a_generation_and_a_failed_attempt_does_not() {
        let mut fsm = Fsm::new(RETRY);
        run(&mut fsm, &[Event::Start, Event::ConnectFailed, Event::RetryTimer, Event::Connected]);
        assert_eq!(fsm.generation(), 1);
        run(&mut fsm, &[Event::Lost]);
        assert_eq!(fsm.generation(), 2);
    }

    #[test]
    fn nothing_happens_after_a_stop() {
        let mut fsm = Fsm::new(RETRY);
        run(&mut fsm, &[Event::Start, Event::Connected]);
        assert_eq!(fsm.on(Event::Stop), [Action::Close]);
        for event in
            [Event::Start, Event::RetryTimer, Event::Connected, Event::Lost, Event::Reset(RETRY)]
        {
            assert_eq!(fsm.on(event), []);
        }
        assert_eq!(fsm.state(), State::Stopped);
    }

    #[test]
    fn events_that_come_too_late_change_nothing() {
        let states: [&[Event]; 4] = [
            &[],
            &[Event::Start],
            &[Event::Start, Event::Connected],
            &[Event::Start, Event::Connected, Event::Synchronised],
        ];
        let meaningful = |state, event| {
            matches!(
                (state, event),
                (State::Idle, Event::Start | Event::RetryTimer)
                    | (State::Connecting, Event::Connected | Event::ConnectFailed)
                    | (State::Up { .. }, Event::Lost)
                    | (State::Up { synchronised: false }, Event::Synchronised)
                    | (State::Up { synchronised: true }, Event::Stable)
            )
        };
        for events in states {
            for event in [
                Event::Start,
                Event::RetryTimer,
                Event::Connected,
                Event::ConnectFailed,
                Event::Synchronised,
                Event::Stable,
                Event::Lost,
            ] {
                let mut fsm = Fsm::new(RETRY);
                run(&mut fsm, events);
                let before = fsm.clone();
                let actions = fsm.on(event);
                if !meaningful(before.state(), event) {
                    assert_eq!((actions, &fsm), (vec![], &before), "{event:?}");
                }
            }
        }
    }
}
