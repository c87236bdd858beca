//! `/health` and `/health/ready`, for load balancers and orchestrators.
//!
//! `/health` says that bmpd runs and can answer: 200, and 503 once it is about to stop. It queries no task and takes no lock, so it is quick
//! whatever the tables do. A refused reload is no reason for 503: bmpd continues with the configuration that it has, and a
//! restart would make it worse.
//!
//! `/health/ready` says in addition that every station was sent everything and brokers have acknowledged everything: 503 until then. It
//! is for those who wait after a start. It must not be what a restart depends on: a station that is down would restart bmpd.

use hyper::StatusCode;
use shared::document::{Health, HealthStatus};
use shared::response::{PublisherReport, PublisherState, SessionState};

use crate::world::{World, all, publishers};

/// Of a bmpd that runs or stops.
pub(super) fn live(world: &World) -> (StatusCode, String) {
    let status = if world.is_stopping() { HealthStatus::Stopping } else { HealthStatus::Ok };
    answer(Health {
        status,
        sessions: None,
        sessions_synchronised: None,
        publishers: None,
        publishers_synchronised: None,
    })
}

/// The same, and whether everything is synchronised.
pub(super) async fn ready(world: &World) -> (StatusCode, String) {
    if world.is_stopping() {
        return live(world);
    }
    let sessions = world.sessions();
    let mut sessions: Vec<_> = all(sessions.iter().map(|session| session.report(false)))
        .await
        .into_iter()
        .flatten()
        .collect();
    sessions.retain(|session| session.state != SessionState::Shutdown);
    let mut publishers = publishers(world).await;
    publishers.retain(|publisher| publisher.state != PublisherState::Shutdown);
    let sessions_synchronised = sessions.iter().filter(|session| session.synchronised).count();
    let is_synchronised =
        |publisher: &&PublisherReport| publisher.state == PublisherState::Established;
    let publishers_synchronised = publishers.iter().filter(is_synchronised).count();
    let is_all =
        sessions_synchronised == sessions.len() && publishers_synchronised == publishers.len();
    answer(Health {
        status: if is_all { HealthStatus::Ok } else { HealthStatus::NotSynchronised },
        sessions: Some(sessions.len() as u32),
        sessions_synchronised: Some(sessions_synchronised as u32),
        publishers: Some(publishers.len() as u32),
        publishers_synchronised: Some(publishers_synchronised as u32),
    })
}

fn answer(health: Health) -> (StatusCode, String) {
    let status = match health.status {
        HealthStatus::Ok => StatusCode::OK,
        HealthStatus::NotSynchronised | HealthStatus::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, serde_json::to_string(&health).unwrap_or_default() + "\n")
}
