//! Malformed UPDATEs of a neighbor: logged with their routes and bytes, and the last one kept for `show
//! neighbor` (RFC 7606 section 6).
//!
//! A link records them, its neighbor's task reports the last one. They outlive the BGP session, which such
//! an UPDATE may end.

use parking_lot::Mutex;
use shared::names::NeighborId;
use shared::response::{MalformedUpdate, MalformedUpdateAction};
use shared::time::Span;
use tracing::{debug, enabled, warn};

use super::inbox::Outcome;
use crate::moment::Moment;
use crate::quota::Quota;
use crate::wire::describe::{NamedRoutes, hex};
use crate::wire::nlri::Form;

/// How many bytes of a message are kept and logged: all but those of an Extended Message (RFC 8654).
const MESSAGE_MAX: usize = 4096;

/// How many of its routes are named.
const ROUTES_MAX: usize = 20;

/// How many of them the text of an error has.
const ROUTES_IN_ERROR: usize = 3;

/// The malformed UPDATEs of one neighbor.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Last>,
    quota: Quota,
}

#[derive(Debug)]
struct Last {
    outcome: Outcome,
    routes: NamedRoutes,
    /// The beginning of the message, with its header.
    message: Vec<u8>,
    /// The length of all of it.
    len: usize,
    at: Moment,
}

impl Last {
    fn new(outcome: &Outcome, message: &[u8], forms: &[Form]) -> Self {
        let body = message.get(crate::wire::bgp::HEADER_LEN..).unwrap_or_default();
        Self {
            outcome: outcome.clone(),
            routes: NamedRoutes::of_update(body, forms, ROUTES_MAX),
            message: cut(message).to_vec(),
            len: message.len(),
            at: Moment::now(),
        }
    }

    fn is(&self, outcome: &Outcome, message: &[u8]) -> bool {
        self.outcome == *outcome && self.len == message.len() && self.message == cut(message)
    }

    /// What was wrong, with the first `max` routes.
    fn text(&self, max: usize) -> String {
        let NamedRoutes { named, more } = &self.routes;
        let shown = named.get(..max).unwrap_or(named);
        let more = more + (named.len() - shown.len()) as u64;
        let routes = match (shown, more) {
            ([], _) => "no routes can be read".to_owned(),
            (shown, 0) => format!("routes: {}", shown.join(", ")),
            (shown, more) => format!("routes: {} and {more} more", shown.join(", ")),
        };
        format!("{}; {routes}", self.outcome)
    }

    /// The same as a line of the log, with the message.
    fn line(&self) -> String {
        let message = hex(&self.message, MESSAGE_MAX);
        let length = match self.len {
            len if len > MESSAGE_MAX => format!("the first {MESSAGE_MAX} of {len} bytes"),
            len => format!("{len} bytes"),
        };
        format!("{}; message ({length}): {message}", self.text(ROUTES_MAX))
    }
}

fn cut(message: &[u8]) -> &[u8] {
    message.get(..MESSAGE_MAX).unwrap_or(message)
}

impl Faults {
    /// Records and logs a malformed UPDATE, whose header is in `message`; `forms` were negotiated. A repeated
    /// one is not logged again. Returns the text of the error.
    pub(super) fn note(
        &self,
        neighbor: &NeighborId,
        outcome: &Outcome,
        message: &[u8],
        forms: &[Form],
    ) -> String {
        let (text, line, is_logged, left_out) = {
            let mut state = self.0.lock();
            let State { last, quota } = &mut *state;
            if let Some(last) = last.as_mut().filter(|last| last.is(outcome, message)) {
                last.at = Moment::now();
                return last.text(ROUTES_IN_ERROR);
            }
            let left_out = quota.ended();
            let is_logged = quota.take();
            let last = last.insert(Last::new(outcome, message, forms));
            let line = (is_logged || enabled!(tracing::Level::DEBUG)).then(|| last.line());
            (last.text(ROUTES_IN_ERROR), line, is_logged, left_out)
        };
        if let Some(left_out) = left_out {
            warn!(%neighbor, "{left_out} more malformed UPDATEs were not logged within a minute");
        }
        match line {
            Some(line) if is_logged => warn!(%neighbor, "{line}"),
            Some(line) => debug!(%neighbor, "{line}"),
            None => {}
        }
        text
    }

    /// Logs attributes that were discarded from `count` UPDATEs, the last of which is this one.
    pub(super) fn discarded(
        neighbor: &NeighborId,
        count: u32,
        outcome: &Outcome,
        message: &[u8],
        forms: impl Fn() -> Vec<Form>,
    ) {
        if enabled!(tracing::Level::DEBUG) {
            let line = Last::new(outcome, message, &forms()).line();
            debug!(%neighbor, updates = count, "{line}");
        }
    }

    /// The last one, with its bytes if they are wanted; `None` if there was none.
    pub(super) fn report(&self, with_message: bool) -> Option<MalformedUpdate> {
        let state = self.0.lock();
        let last = state.last.as_ref()?;
        Some(MalformedUpdate {
            text: last.outcome.to_string(),
            action: match last.outcome {
                Outcome::SessionEnded(_) => MalformedUpdateAction::SessionEnded,
                Outcome::TreatedAsWithdraw(_) | Outcome::AttributeDiscarded(_) => {
                    MalformedUpdateAction::TreatedAsWithdraw
                }
            },
            routes: last.routes.named.clone(),
            more_routes: last.routes.more,
            length: last.len as u64,
            message: with_message.then(|| hex(&last.message, MESSAGE_MAX)),
            at: last.at.timestamp(),
            ago: Span::of(last.at.age()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::bgp::{self, MessageType};
    use crate::wire::notification::Code;
    use crate::wire::update::Fault;

    fn name() -> NeighborId {
        NeighborId { vpn_instance: None, address: "192.0.2.2".parse().unwrap() }
    }

    fn update(routes: usize) -> Vec<u8> {
        let mut message = Vec::new();
        let body = [&[0; 4][..], &[24, 192, 0, 2].repeat(routes)].concat();
        bgp::encode(&mut message, MessageType::Update, &body);
        message
    }

    #[test]
    fn the_last_malformed_update_is_kept_with_its_routes_and_bytes() {
        let faults = Faults::default();
        assert_eq!(faults.report(true), None);
        let outcome = Outcome::TreatedAsWithdraw(Fault::Malformed(8));
        let message = update(1);
        let text = faults.note(&name(), &outcome, &message, &[]);
        let what = "an UPDATE was treated as a withdrawal: attribute 8 is malformed";
        assert_eq!(text, format!("{what}; routes: 192.0.2.0/24"));
        let report = faults.report(true).unwrap();
        assert_eq!((report.text.as_str(), report.length), (what, message.len() as u64));
        assert_eq!((report.routes, report.more_routes), (vec!["192.0.2.0/24".to_owned()], 0));
        let shown = format!("{}001b020000000018c00002", "ff".repeat(16));
        assert_eq!(report.message, Some(shown));
        assert_eq!(faults.report(false).unwrap().message, None);

        let ended = Outcome::SessionEnded(Code::InvalidNetworkField.into());
        faults.note(&name(), &ended, &update(0), &[]);
        let report = faults.report(true).unwrap();
        assert_eq!(report.action, MalformedUpdateAction::SessionEnded);
        assert!(report.text.contains("NOTIFICATION 3/10"), "{report:?}");
        assert!(report.routes.is_empty(), "{report:?}");
    }

    #[test]
    fn what_is_kept_of_a_long_message_is_bounded_and_says_so() {
        let faults = Faults::default();
        let outcome = Outcome::TreatedAsWithdraw(Fault::Missing(1));
        let text = faults.note(&name(), &outcome, &update(2000), &[]);
        assert!(text.ends_with("192.0.2.0/24 and 1997 more"), "{text}");
        let report = faults.report(true).unwrap();
        assert_eq!((report.routes.len(), report.more_routes), (20, 1980));
        assert_eq!(report.length, 8023);
        assert_eq!(report.message.unwrap().len(), 2 * MESSAGE_MAX);
        let line = faults.0.lock().last.as_ref().unwrap().line();
        assert!(line.contains("message (the first 4096 of 8023 bytes): ffff"), "{line}");
        assert!(line.len() < 9000, "{}", line.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_update_again_takes_no_line_of_the_log_and_others_have_a_quota() {
        let faults = Faults::default();
        let outcome = Outcome::TreatedAsWithdraw(Fault::Missing(1));
        let is_full = || faults.0.lock().quota.ends_at().is_some();
        for _ in 0..100 {
            faults.note(&name(), &outcome, &update(1), &[]);
        }
        assert!(!is_full());
        for routes in 2..30 {
            faults.note(&name(), &outcome, &update(routes), &[]);
        }
        assert!(is_full());
    }
}
