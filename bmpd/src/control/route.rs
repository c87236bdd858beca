//! `show route`: what the tables have, part by part.
//!
//! ```text
//!   RouteReader ── next, in the user's turn ──> some routes ── a frame, as the client takes it ──> bmpctl
//! ```
//!
//! A client may stop reading (a pager): it holds a place of those that can last, and a part at most is in memory for it. While
//! much is read and nothing found, an empty frame is sent now and then, so that the client does not time out.

use shared::frame::{self, FrameError, Kind};
use shared::request::ShowRoutes;
use shared::response::{Failure, HEARTBEAT, Response, RouteCount, RoutePart, RoutesEnd};
use tokio::time::Instant;

use super::admission::{Client, Work};
use super::stream::Frames;
use crate::world::{RouteReader, Routes, World};

/// How many values that were counted a frame has at most.
const COUNTS: usize = 4096;

/// The answers to one client.
pub(super) struct Report<'a> {
    reader: RouteReader,
    counts: Option<Vec<RouteCount>>,
    is_counted: bool,
    end: Option<RoutesEnd>,
    client: &'a Client,
    world: &'a World,
    sent: Instant,
}

impl<'a> Report<'a> {
    /// Reads the selected routes, or fails if what they are to be of is not there.
    pub(super) fn new(
        show: ShowRoutes,
        client: &'a Client,
        world: &'a World,
    ) -> Result<Self, Failure> {
        let is_counted = show.count_by.is_some();
        let reader = world.select_routes(show)?;
        let sent = Instant::now();
        Ok(Self { reader, counts: None, is_counted, end: None, client, world, sent })
    }

    fn answer(&self, parts: Vec<RoutePart>, end: Option<RoutesEnd>) -> Response {
        match self.is_counted {
            true => Response::RouteCounts { counts: Vec::new(), end },
            false => Response::Routes { parts, end },
        }
    }

    /// What comes next; the end at last.
    async fn response(&mut self) -> Response {
        loop {
            if self.world.is_stopping() {
                return Response::Failed(Failure::Stopping);
            }
            let next = {
                let _turn = self.client.turn(Work::Memory).await;
                self.reader.next()
            };
            match next {
                Routes::Part(part) => return self.answer(vec![part], None),
                Routes::End(end, counts) => {
                    self.end = Some(end);
                    return match self.is_counted {
                        false => self.answer(Vec::new(), Some(end)),
                        true => self.counted(counts, end),
                    };
                }
                Routes::Nothing if self.sent.elapsed() >= HEARTBEAT => {
                    return self.answer(Vec::new(), None);
                }
                Routes::Nothing => tokio::task::yield_now().await,
            }
        }
    }

    /// Some of what was counted.
    fn counted(&mut self, mut counts: Vec<RouteCount>, end: RoutesEnd) -> Response {
        let rest = counts.split_off(counts.len().min(COUNTS));
        let is_last = rest.is_empty();
        self.counts = Some(rest).filter(|_| !is_last);
        Response::RouteCounts { counts, end: is_last.then_some(end) }
    }
}

impl Frames for Report<'_> {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        let response = match (self.counts.take(), self.end) {
            (Some(counts), Some(end)) => self.counted(counts, end),
            (_, Some(_)) => return Ok(None),
            (_, None) => self.response().await,
        };
        if matches!(response, Response::Failed(_)) {
            self.end = Some(RoutesEnd::default());
        }
        self.sent = Instant::now();
        frame::encode(Kind::Response, &response).or_else(|error| super::too_long(&error)).map(Some)
    }
}
