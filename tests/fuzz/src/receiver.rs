//! A station that reads what it is sent, and keeps the resulting routes.

use bmpd::heart::Station;
use tests::bgp::Update;
use tests::bmp::PEER_HEADER;
use tests::bmp::message::{kind, read_monitoring, split_messages};

use crate::model::{self, Routes, Terms};

/// The size limit of a station's buffer.
const LIMIT: usize = 256 * 1024;

/// What one station was sent for one neighbor.
pub(crate) struct Receiver {
    station: Station,
    terms: Terms,
    /// The neighbor's routes according to these messages.
    pub(crate) routes: Routes,
    /// The UPDATEs that it was sent.
    pub(crate) messages: Vec<Vec<u8>>,
}

impl Receiver {
    /// Nothing yet.
    pub(crate) fn new(station: Station, terms: Terms) -> Self {
        Self { station, terms, routes: Routes::default(), messages: Vec::new() }
    }

    /// Reads all that is still to be sent.
    pub(crate) fn read(&mut self) {
        loop {
            let mut bytes = Vec::new();
            let routes = self.station.fill(&mut bytes, LIMIT);
            assert!(bytes.len() <= LIMIT + 100, "{} bytes in a buffer", bytes.len());
            if bytes.is_empty() {
                assert_eq!(routes, 0);
                return;
            }
            for message in split_messages(&bytes).expect("BMP messages") {
                if message.kind == kind::ROUTE_MONITORING {
                    self.take(&message.body()[PEER_HEADER..]);
                }
            }
        }
    }

    fn take(&mut self, message: &[u8]) {
        let body = read_monitoring(message).expect("one UPDATE");
        let update = Update::parse(body).expect("an UPDATE");
        let unknown = model::withdraw(&mut self.routes, &update, self.terms);
        assert_eq!(unknown, 0, "routes withdrawn that the station had not been sent");
        let before = self.routes.len();
        let announced = model::announce(&mut self.routes, &update, self.terms);
        assert_eq!(announced.discarded, 0, "an attribute to be discarded was sent");
        assert!(announced.as_they_came, "a route came twice, or with bits beyond its length");
        let says_nothing =
            update.announced().next().is_none() && update.withdrawn().next().is_none();
        assert_eq!(says_nothing, update.end_of_rib.is_some(), "{before} routes before");
        self.messages.push(message.to_vec());
    }
}
