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
//!
//!   any of them ── shut down ──> Shutdown ── reset, reload ──> Connecting
//!   any but Shutdown ── its router leaves ──> NoRouter ── its router appears ──> Connecting
//! ```
//!
//! A passive session, whose station connects, is Connecting while it waits for that. It goes there at once
//! when its connection is lost: how often to try is then the station's to say.
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
    /// There is nothing to carry: the router is not there.
    NoRouter,
    /// The configuration wants no connection.
    Shutdown,
    /// Over for good.
    Stopped,
}

/// What happens to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The session begins; its first attempt comes after this delay.
    Start(Duration),
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
    /// `reset session`, or parameters that want another connection; who connects and the backoff are those
    /// of the new parameters.
    Reset(Pattern),
    /// New parameters without another connection: they are for the next attempt and wait.
    Adapt(Pattern),
    /// The router that it carries is there, or is not.
    Router(bool),
    /// The configuration wants no connection any more.
    Shutdown,
    /// bmpd stops.
    Stop,
}

/// Who connects, and how often it is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// True if the station connects.
    pub(crate) passive: bool,
    /// How long to wait between attempts.
    pub(crate) retry: Retry,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// End the attempt or the connection (with a Termination) that there is.
    Close,
    /// Begin an attempt, or wait for the station.
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
    passive: bool,
    retry: Retry,
    /// The wait after the next failure.
    next_wait: Duration,
    /// True if the connection has proved stable.
    stable: bool,
    /// True if the router that it carries is there.
    has_router: bool,
}

impl Fsm {
    /// A session that has not started.
    pub(crate) fn new(Pattern { passive, retry }: Pattern) -> Self {
        let next_wait = retry.initial;
        let (state, generation) = (State::Idle, 1);
        Self { state, generation, passive, retry, next_wait, stable: false, has_router: true }
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
            (_, Event::Stop) => self.end(State::Stopped),
            (State::Shutdown, Event::Shutdown) => vec![],
            (_, Event::Shutdown) => self.end(State::Shutdown),
            (state, Event::Router(has_router)) => {
                self.has_router = has_router;
                match (state, has_router) {
                    (State::NoRouter, true) => {
                        self.state = State::Connecting;
                        self.next_wait = self.retry.initial;
                        vec![Action::Connect]
                    }
                    (State::Shutdown | State::NoRouter, _) | (_, true) => vec![],
                    (State::Idle | State::Connecting | State::Up { .. }, false) => {
                        self.end(State::NoRouter)
                    }
                    (State::Stopped, false) => vec![],
                }
            }
            (_, Event::Reset(pattern)) => self.reset(pattern),
            (_, Event::Adapt(Pattern { passive, retry })) => {
                self.passive = passive;
                self.retry = retry;
                self.next_wait = self.next_wait.clamp(retry.initial, retry.maximum);
                vec![]
            }
            (State::Idle, Event::Start(delay)) if delay > Duration::ZERO => {
                vec![Action::Wait(delay)]
            }
            (State::Idle, Event::Start(_) | Event::RetryTimer) => {
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
                let stable = std::mem::take(&mut self.stable);
                if self.passive {
                    self.state = State::Connecting;
                    return vec![Action::Connect];
                }
                if stable {
                    self.state = State::Idle;
                    return vec![Action::Wait(QUICK.min(self.retry.initial))];
                }
                self.wait()
            }
            (State::Idle, Event::Connected | Event::ConnectFailed | Event::Lost)
            | (State::Idle | State::Connecting, Event::Synchronised | Event::Stable)
            | (State::Connecting, Event::Start(_) | Event::RetryTimer | Event::Lost)
            | (State::Up { .. }, Event::Start(_) | Event::RetryTimer | Event::Connected)
            | (State::Up { .. }, Event::ConnectFailed)
            | (State::Up { synchronised: true }, Event::Synchronised)
            | (State::Up { synchronised: false }, Event::Stable)
            | (State::NoRouter | State::Shutdown, _) => vec![],
        }
    }

    /// Closes what there is, for a state without a connection.
    fn end(&mut self, state: State) -> Vec<Action> {
        let open = matches!(self.state, State::Connecting | State::Up { .. });
        if matches!(self.state, State::Up { .. }) {
            self.generation += 1;
        }
        self.state = state;
        self.stable = false;
        if open { vec![Action::Close] } else { vec![] }
    }

    fn reset(&mut self, Pattern { passive, retry }: Pattern) -> Vec<Action> {
        let next = if self.has_router { State::Connecting } else { State::NoRouter };
        let mut actions = self.end(next);
        self.passive = passive;
        self.retry = retry;
        self.next_wait = retry.initial;
        if self.has_router {
            actions.push(Action::Connect);
        }
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

    const ACTIVE: Pattern = Pattern { passive: false, retry: RETRY };
    const PASSIVE: Pattern = Pattern { passive: true, retry: RETRY };
    const START: Event = Event::Start(Duration::ZERO);

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
        let mut fsm = Fsm::new(ACTIVE);
        let mut actions = run(&mut fsm, &[START, Event::ConnectFailed]);
        for _ in 0..7 {
            actions.extend(run(&mut fsm, &[Event::RetryTimer, Event::ConnectFailed]));
        }
        assert_eq!(waits(&actions), [30, 60, 120, 240, 480, 720, 720, 720]);
    }

    #[test]
    fn a_station_that_accepts_and_closes_does_not_make_a_loop() {
        let mut fsm = Fsm::new(ACTIVE);
        let mut actions =
            run(&mut fsm, &[START, Event::Connected, Event::Synchronised, Event::Lost]);
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
        let mut fsm = Fsm::new(ACTIVE);
        run(&mut fsm, &[START, Event::ConnectFailed, Event::RetryTimer, Event::Connected]);
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
        let cases: [(&[Event], &[Action], u64); 7] = [
            (&[Event::Shutdown], connect, 1),
            (&[START, Event::Connected, Event::Shutdown], connect, 2),
            (&[], connect, 1),
            (&[START, Event::ConnectFailed], connect, 1),
            (&[START], close, 1),
            (&[START, Event::Connected], close, 2),
            (&[START, Event::Connected, Event::Synchronised], close, 2),
        ];
        for (events, expected, generation) in cases {
            let mut fsm = Fsm::new(ACTIVE);
            run(&mut fsm, events);
            let pattern = Pattern { passive: false, retry: short };
            assert_eq!(fsm.on(Event::Reset(pattern)), expected, "{events:?}");
            assert_eq!((fsm.generation(), fsm.state()), (generation, State::Connecting));
            assert_eq!(fsm.on(Event::ConnectFailed), [Action::Wait(short.initial)]);
        }
    }

    #[test]
    fn every_loss_begins_a_generation_and_a_failed_attempt_does_not() {
        let mut fsm = Fsm::new(ACTIVE);
        run(&mut fsm, &[START, Event::ConnectFailed, Event::RetryTimer, Event::Connected]);
        assert_eq!(fsm.generation(), 1);
        run(&mut fsm, &[Event::Lost]);
        assert_eq!(fsm.generation(), 2);
    }

    #[test]
    fn nothing_happens_after_a_stop() {
        let mut fsm = Fsm::new(ACTIVE);
        run(&mut fsm, &[START, Event::Connected]);
        assert_eq!(fsm.on(Event::Stop), [Action::Close]);
        for event in [
            START,
            Event::RetryTimer,
            Event::Connected,
            Event::Lost,
            Event::Reset(ACTIVE),
            Event::Shutdown,
        ] {
            assert_eq!(fsm.on(event), []);
        }
        assert_eq!(fsm.state(), State::Stopped);
    }

    #[test]
    fn the_first_attempt_waits_for_the_initial_delay_and_a_reset_does_not() {
        let delay = Duration::from_secs(60);
        let mut fsm = Fsm::new(ACTIVE);
        assert_eq!(fsm.on(Event::Start(delay)), [Action::Wait(delay)]);
        assert_eq!(fsm.state(), State::Idle);
        assert_eq!(fsm.clone().on(Event::RetryTimer), [Action::Connect]);
        assert_eq!(fsm.on(Event::Reset(ACTIVE)), [Action::Connect]);
    }

    #[test]
    fn a_shut_down_session_connects_only_on_command() {
        let mut fsm = Fsm::new(ACTIVE);
        run(&mut fsm, &[START, Event::Connected]);
        assert_eq!(fsm.on(Event::Shutdown), [Action::Close]);
        assert_eq!((fsm.state(), fsm.generation()), (State::Shutdown, 2));
        for event in [START, Event::RetryTimer, Event::Lost, Event::Shutdown, Event::Adapt(ACTIVE)]
        {
            assert_eq!(fsm.on(event), []);
        }
        assert_eq!(fsm.on(Event::Reset(ACTIVE)), [Action::Connect]);
    }

    #[test]
    fn a_passive_session_waits_for_its_station_at_once_after_a_loss() {
        let mut fsm = Fsm::new(PASSIVE);
        assert_eq!(fsm.on(START), [Action::Connect]);
        for generation in 1..4 {
            run(&mut fsm, &[Event::Connected]);
            assert_eq!(fsm.generation(), generation);
            assert_eq!(fsm.on(Event::Lost), [Action::Connect]);
        }
        assert_eq!(fsm.on(Event::ConnectFailed), [Action::Wait(RETRY.initial)], "no port, say");
        assert_eq!(fsm.on(Event::Reset(ACTIVE)), [Action::Connect]);
        run(&mut fsm, &[Event::Connected]);
        assert_eq!(fsm.on(Event::Lost), [Action::Wait(RETRY.initial)], "active now");
    }

    #[test]
    fn a_new_backoff_takes_effect_without_a_reset() {
        let mut fsm = Fsm::new(ACTIVE);
        run(&mut fsm, &[START, Event::ConnectFailed, Event::RetryTimer]);
        let short = Retry { initial: Duration::from_secs(1), maximum: Duration::from_secs(3) };
        assert_eq!(fsm.on(Event::Adapt(Pattern { passive: false, retry: short })), []);
        assert_eq!(fsm.on(Event::ConnectFailed), [Action::Wait(short.maximum)]);
    }

    #[test]
    fn events_that_come_too_late_change_nothing() {
        let states: [&[Event]; 5] = [
            &[],
            &[Event::Shutdown],
            &[START],
            &[START, Event::Connected],
            &[START, Event::Connected, Event::Synchronised],
        ];
        let meaningful = |state, event| {
            matches!(
                (state, event),
                (State::Idle, Event::Start(_) | Event::RetryTimer)
                    | (State::Connecting, Event::Connected | Event::ConnectFailed)
                    | (State::Up { .. }, Event::Lost)
                    | (State::Up { synchronised: false }, Event::Synchronised)
                    | (State::Up { synchronised: true }, Event::Stable)
            )
        };
        for events in states {
            for event in [
                START,
                Event::RetryTimer,
                Event::Connected,
                Event::ConnectFailed,
                Event::Synchronised,
                Event::Stable,
                Event::Lost,
            ] {
                let mut fsm = Fsm::new(ACTIVE);
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
