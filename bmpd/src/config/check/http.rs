//! `[http]`: where bmpd serves its metrics.

use super::Check;
use crate::config::defaults;
use crate::config::model::Http;
use crate::config::schema;

impl Check<'_> {
    /// `[http]`.
    pub(super) fn http(&mut self, http: schema::Http) -> Option<Http> {
        let listen = self.optional(&http.listen, |check, list| check.listen("http.listen", list));
        let connections = self.optional(&http.maximum_connections, |check, value| {
            check.whole("http.maximum-connections", value, 1..=10000, "")
        });
        let listen = listen?.unwrap_or_default();
        for address in listen.iter().filter(|address| !address.ip().is_loopback()) {
            self.warn(format!(
                "http.listen: who reaches {address} reads the metrics; 127.0.0.1:{} is for this host \
                 alone",
                address.port()
            ));
        }
        Some(Http { listen, connections: connections?.unwrap_or(defaults::HTTP_CONNECTIONS) })
    }
}
