//! The state machine of one BGP connection (RFC 4271 section 8), from the moment TCP is up.
//!
//! ```text
//!   OpenSent ── OPEN ──> (the neighbor's task is asked) ── confirmed ──> OpenConfirm
//!      │                                                                     │ KEEPALIVE
//!      └── anything else ──> Closed <── NOTIFICATION, timer, close ── Established
//! ```
//!
//! Idle, Connect and Active are the neighbor's, not a connection's. Pure: no clock, no socket.

use std::fmt;
use std::time::Duration;

use crate::wire::bmp::PeerDownReason;
use crate::wire::notification::{Code, Notification};
use crate::wire::open::{self, Negotiated, Open};

/// Where a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Our OPEN is sent.
    OpenSent,
    /// Both OPENs are known; our KEEPALIVE is sent.
    OpenConfirm,
    /// Up.
    Established,
    /// Over.
    Closed,
}

/// What happens to a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// TCP is up.
    Start,
    /// An OPEN that could be read.
    Open(Open),
    /// The neighbor's task allows the connection.
    Confirmed,
    /// A KEEPALIVE.
    Keepalive,
    /// One or more UPDATEs.
    Update,
    /// A ROUTE-REFRESH: there is nothing that we could send again.
    RouteRefresh,
    /// A NOTIFICATION.
    Notification(Notification),
    /// A message that cannot be accepted, with the answer to it.
    Bad(Notification),
    /// Nothing was received for the hold time.
    HoldTimer,
    /// It is time to send a KEEPALIVE.
    KeepaliveTimer,
    /// We end it, for this reason.
    Stop(Notification),
    /// The other side closed, or reading or writing failed.
    TcpClosed(String),
    /// We drop the connection where a NOTIFICATION could not be sent.
    Abandon(String),
    /// The neighbor has restarted and connected anew (RFC 4724 section 5).
    Replaced,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Send our OPEN.
    SendOpen,
    /// Send a KEEPALIVE.
    SendKeepalive,
    /// Ask the neighbor's task whether this connection may go on; [`Event::Confirmed`] or
    /// [`Event::Stop`] follows.
    Validate,
    /// Ask the neighbor's task for an epoch: UPDATEs are next.
    Establish,
    /// Restart the hold timer; `None` stops it.
    Hold(Option<Duration>),
    /// Restart the keepalive timer; `None` stops it.
    Keepalive(Option<Duration>),
    /// Close the connection, after sending the NOTIFICATION if it is ours.
    End(End),
}

/// How a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum End {
    /// By our NOTIFICATION.
    #[error("sent {0}")]
    Sent(Notification),
    /// By the neighbor's.
    #[error("received {0}")]
    Received(Notification),
    /// Without one, by the neighbor or the network.
    #[error("{0}")]
    Closed(String),
    /// Without one, by us.
    #[error("{0}")]
    Abandoned(String),
    /// Without one, for a connection that the neighbor made after a restart.
    #[error("the neighbor has connected anew")]
    Replaced,
}

impl End {
    /// What stations are sent about it (RFC 7854 section 4.9).
    pub(crate) fn peer_down_reason(&self) -> PeerDownReason {
        match self {
            End::Sent(notification) => PeerDownReason::LocalNotification(notification.message()),
            End::Received(notification) => {
                PeerDownReason::RemoteNotification(notification.message())
            }
            End::Closed(_) | End::Replaced => PeerDownReason::RemoteNoNotification,
            // No event of RFC 4271 section 8.1 fits.
            End::Abandoned(_) => PeerDownReason::LocalNoNotification(0),
        }
    }
}

/// The state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fsm {
    state: State,
    local: Open,
    remote_as: Option<u32>,
    /// The hold time until the OPENs determine it (RFC 4271 section 8.2.2).
    open_timeout: Duration,
    negotiated: Option<Negotiated>,
}

impl Fsm {
    /// A connection to a neighbor of this AS, or of any, on which we announce `local`, with this timeout for
    /// its OPEN.
    pub(crate) fn new(local: Open, remote_as: Option<u32>, open_timeout: Duration) -> Self {
        Self { state: State::OpenSent, local, remote_as, open_timeout, negotiated: None }
    }

    /// Where it is.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// What the OPENs agree on, once both are known.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_ref()
    }

    /// Takes one event.
    pub(crate) fn on(&mut self, event: Event) -> Vec<Action> {
        match event {
            _ if self.state == State::Closed => vec![],
            Event::Stop(notification) | Event::Bad(notification) => {
                self.end(End::Sent(notification))
            }
            Event::Notification(notification) => self.end(End::Received(notification)),
            Event::TcpClosed(text) => self.end(End::Closed(text)),
            Event::Abandon(text) => self.end(End::Abandoned(text)),
            Event::Replaced => self.end(End::Replaced),
            Event::HoldTimer => self.end(End::Sent(Code::HoldTimerExpired.into())),
            event => match self.state {
                State::OpenSent => self.in_open_sent(event),
                State::OpenConfirm => self.in_open_confirm(event),
                State::Established => self.in_established(event),
                State::Closed => vec![],
            },
        }
    }

    fn in_open_sent(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Start => vec![Action::SendOpen, Action::Hold(Some(self.open_timeout))],
            Event::Open(_) if self.negotiated.is_some() => self.unexpected(),
            Event::Open(open) => match self.check(&open) {
                Ok(negotiated) => {
                    self.negotiated = Some(negotiated);
                    vec![Action::Validate]
                }
                Err(notification) => self.end(End::Sent(notification)),
            },
            Event::Confirmed => {
                self.state = State::OpenConfirm;
                let (hold, keepalive) = self.timers();
                vec![Action::SendKeepalive, Action::Hold(hold), Action::Keepalive(keepalive)]
            }
            _ => self.unexpected(),
        }
    }

    fn in_open_confirm(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Keepalive => {
                self.state = State::Established;
                vec![Action::Hold(self.timers().0), Action::Establish]
            }
            Event::KeepaliveTimer => self.keepalive(),
            _ => self.unexpected(),
        }
    }

    fn in_established(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Keepalive | Event::Update => vec![Action::Hold(self.timers().0)],
            Event::RouteRefresh => vec![],
            Event::KeepaliveTimer => self.keepalive(),
            _ => self.unexpected(),
        }
    }

    /// RFC 4271 section 6.2, RFC 6286 (BGP Identifier), RFC 5492 (capabilities).
    fn check(&self, open: &Open) -> Result<Negotiated, Notification> {
        if self.remote_as.is_some_and(|remote_as| open.asn != remote_as) {
            return Err(Code::BadPeerAs.into());
        }
        if open.asn == self.local.asn && open.bgp_id == self.local.bgp_id {
            return Err(Code::BadBgpIdentifier.into());
        }
        let negotiated = Negotiated::between(&self.local, open);
        if negotiated.families.is_empty() {
            return Err(Notification::new(
                Code::UnsupportedCapability,
                &open::missing_families(&self.local),
            ));
        }
        Ok(negotiated)
    }

    fn timers(&self) -> (Option<Duration>, Option<Duration>) {
        let seconds = self.negotiated.as_ref().map_or(0, |negotiated| negotiated.hold_time);
        let hold = Duration::from_secs(u64::from(seconds));
        if seconds == 0 { (None, None) } else { (Some(hold), Some(hold / 3)) }
    }

    fn keepalive(&self) -> Vec<Action> {
        vec![Action::SendKeepalive, Action::Keepalive(self.timers().1)]
    }

    /// An unexpected message (RFC 6608).
    fn unexpected(&mut self) -> Vec<Action> {
        let code = match self.state {
            State::OpenSent => Code::UnexpectedMessageInOpenSent,
            State::OpenConfirm => Code::UnexpectedMessageInOpenConfirm,
            State::Established => Code::UnexpectedMessageInEstablished,
            State::Closed => Code::UnexpectedMessage,
        };
        self.end(End::Sent(code.into()))
    }

    fn end(&mut self, end: End) -> Vec<Action> {
        self.state = State::Closed;
        vec![Action::Hold(None), Action::Keepalive(None), Action::End(end)]
    }
}

/// Which of two connections between the same speakers is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// We connected.
    Outgoing,
    /// The neighbor connected.
    Incoming,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
        })
    }
}

/// RFC 4271 section 6.8 and RFC 6286 section 2.3: the connection made by the speaker with the higher
/// BGP Identifier is kept; with equal ones, by that of the higher AS number.
pub(crate) fn survivor(local: &Open, remote: &Open) -> Direction {
    if (local.bgp_id, local.asn) > (remote.bgp_id, remote.asn) {
        Direction::Outgoing
    } else {
        Direction::Incoming
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::family::Family;
    use std::net::Ipv4Addr;

    const OPEN_TIMEOUT: Duration = Duration::from_secs(240);

    fn open(asn: u32, id: u8) -> Open {
        Open {
            asn,
            hold_time: 90,
            bgp_id: Ipv4Addr::new(192, 0, 2, id),
            families: Family::DEFAULT.to_vec(),
            four_octet_as: true,
            extended_message: true,
            route_refresh: true,
            graceful_restart: None,
            add_path: Vec::new(),
        }
    }

    fn fsm() -> Fsm {
        Fsm::new(open(65000, 1), Some(65001), OPEN_TIMEOUT)
    }

    fn in_state(state: State) -> Fsm {
        let mut fsm = fsm();
        let events =
            [Event::Start, Event::Open(open(65001, 2)), Event::Confirmed, Event::Keepalive];
        for event in events {
            if fsm.state() == state && fsm.negotiated().is_some() == (state != State::OpenSent) {
                break;
            }
            fsm.on(event);
        }
        assert_eq!(fsm.state(), state);
        fsm
    }

    fn sent(actions: &[Action]) -> Option<(u8, u8)> {
        actions.iter().find_map(|action| match action {
            Action::End(End::Sent(notification)) => Some((notification.code, notification.subcode)),
            _ => None,
        })
    }

    #[test]
    fn two_opens_and_a_keepalive_make_a_session() {
        let mut fsm = fsm();
        assert_eq!(fsm.on(Event::Start), [Action::SendOpen, Action::Hold(Some(OPEN_TIMEOUT))]);
        assert_eq!(fsm.on(Event::Open(open(65001, 2))), [Action::Validate]);
        let (hold, keepalive) = (Duration::from_secs(90), Duration::from_secs(30));
        assert_eq!(
            fsm.on(Event::Confirmed),
            [Action::SendKeepalive, Action::Hold(Some(hold)), Action::Keepalive(Some(keepalive))]
        );
        assert_eq!(fsm.on(Event::Keepalive), [Action::Hold(Some(hold)), Action::Establish]);
        assert_eq!(fsm.on(Event::Update), [Action::Hold(Some(hold))]);
        assert_eq!(
            fsm.on(Event::KeepaliveTimer),
            [Action::SendKeepalive, Action::Keepalive(Some(keepalive))]
        );
        assert_eq!(fsm.on(Event::RouteRefresh), []);
    }

    #[test]
    fn a_hold_time_of_zero_means_no_timers() {
        let mut fsm = fsm();
        fsm.on(Event::Start);
        fsm.on(Event::Open(Open { hold_time: 0, ..open(65001, 2) }));
        assert_eq!(
            fsm.on(Event::Confirmed),
            [Action::SendKeepalive, Action::Hold(None), Action::Keepalive(None)]
        );
    }

    #[test]
    fn an_open_that_does_not_fit_is_answered_with_its_notification() {
        let cases = [
            (open(65002, 2), 65001, (2, 2)),
            (open(65000, 1), 65000, (2, 3)),
            (
                Open { families: vec![Family { afi: 25, safi: 70 }], ..open(65001, 2) },
                65001,
                (2, 7),
            ),
        ];
        for (remote, remote_as, expected) in cases {
            let mut fsm = Fsm::new(open(65000, 1), Some(remote_as), OPEN_TIMEOUT);
            fsm.on(Event::Start);
            assert_eq!(sent(&fsm.on(Event::Open(remote))), Some(expected));
            assert_eq!(fsm.state(), State::Closed);
        }
    }

    #[test]
    fn a_neighbor_of_any_as_is_taken_with_the_one_that_it_has() {
        let mut fsm = Fsm::new(open(65000, 1), None, OPEN_TIMEOUT);
        fsm.on(Event::Start);
        assert_eq!(fsm.on(Event::Open(open(65009, 2))), [Action::Validate]);
    }

    #[test]
    fn the_same_identifier_in_another_as_is_allowed() {
        let mut fsm = fsm();
        assert_eq!(fsm.on(Event::Open(open(65001, 1))), [Action::Validate]);
    }

    #[test]
    fn a_message_that_does_not_belong_is_an_fsm_error() {
        let messages =
            [Event::Open(open(65001, 2)), Event::Keepalive, Event::Update, Event::RouteRefresh];
        let allowed = |state, event: &Event| {
            matches!(
                (state, event),
                (State::OpenSent, Event::Open(_))
                    | (State::OpenConfirm, Event::Keepalive)
                    | (State::Established, Event::Keepalive | Event::Update | Event::RouteRefresh)
            )
        };
        for (state, subcode) in
            [(State::OpenSent, 1), (State::OpenConfirm, 2), (State::Established, 3)]
        {
            for event in &messages {
                let expected = (!allowed(state, event)).then_some((5, subcode));
                assert_eq!(
                    sent(&in_state(state).on(event.clone())),
                    expected,
                    "{state:?} {event:?}"
                );
            }
        }
    }

    #[test]
    fn every_end_closes_in_every_state_and_only_once() {
        let notification = Notification::from(Code::AdministrativeShutdown);
        let cases = [
            (Event::Stop(notification.clone()), End::Sent(notification.clone())),
            (Event::Bad(notification.clone()), End::Sent(notification.clone())),
            (Event::HoldTimer, End::Sent(Code::HoldTimerExpired.into())),
            (Event::Notification(notification.clone()), End::Received(notification)),
            (Event::TcpClosed("gone".into()), End::Closed("gone".into())),
            (Event::Abandon("deaf".into()), End::Abandoned("deaf".into())),
            (Event::Replaced, End::Replaced),
        ];
        for state in [State::OpenSent, State::OpenConfirm, State::Established] {
            for (event, end) in &cases {
                let mut fsm = in_state(state);
                let actions = fsm.on(event.clone());
                assert_eq!(actions.last(), Some(&Action::End(end.clone())));
                assert_eq!(fsm.on(event.clone()), []);
            }
        }
    }

    #[test]
    fn the_connection_of_the_higher_identifier_lives() {
        assert_eq!(survivor(&open(65000, 2), &open(65001, 1)), Direction::Outgoing);
        assert_eq!(survivor(&open(65000, 1), &open(65001, 2)), Direction::Incoming);
        assert_eq!(survivor(&open(65000, 1), &open(65001, 1)), Direction::Incoming);
    }
}
