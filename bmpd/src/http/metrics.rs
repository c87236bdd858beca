//! The metrics for Prometheus: the figures of `bmpctl show`, under the names of `docs/metrics.md`.
//!
//! They are gathered on request, so a session or neighbor that was removed has none. Counters of a session span all of
//! its connections and are reset by `clear statistics`, which Prometheus takes for a restart.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use shared::names::{NeighborId, PUBLIC_INSTANCE, PublisherName, RouterId, SessionId};
use shared::response::{
    NeighborReport, NeighborState, PublisherReport, PublisherState, RouterReport, RouterState,
    SessionReport, SessionState, SessionStatistics,
};
use shared::time::Span;

use crate::supervise;
use crate::world::{ProcessFigures, World, all, neighbors, processor_time, publishers};

/// Labels and their values.
type Labels = Vec<(&'static str, String)>;

/// All metrics, as they were at one moment.
#[derive(Debug)]
struct Snapshot {
    sessions: Vec<(SessionReport, SessionStatistics)>,
    neighbors: Vec<NeighborReport>,
    /// Without bmpd itself, whose peers are the neighbors.
    routers: Vec<RouterReport>,
    publishers: Vec<PublisherReport>,
    process: ProcessFigures,
    processor_time: Span,
    /// Seconds since the epoch.
    started: f64,
    /// The same of the configuration in effect.
    configured: f64,
    is_reload_refused: bool,
    table_memory: u64,
    compactions: u64,
    table_memory_limit: Option<u64>,
    internal_errors: u64,
    tasks: u64,
    monitors: u64,
    staggered_resets: u64,
}

/// Queries all and encodes it. The error is a sentence for people.
pub(super) async fn gather(world: &World) -> Result<String, String> {
    let sessions = world.sessions();
    let reports = all(sessions.iter().map(|session| session.report(false))).await;
    let statistics = all(sessions.iter().map(|session| session.statistics())).await;
    // One that a reload has ended meanwhile has no answer.
    let sessions = reports.into_iter().zip(statistics).filter_map(|(a, b)| a.zip(b)).collect();
    let config = world.config();
    let limit = crate::host::memory_limit(&config);
    let snapshot = Snapshot {
        sessions,
        neighbors: neighbors(world, false, |_| true).await,
        routers: world.foreign_routers().await,
        publishers: publishers(world).await,
        // The files of /proc are made while they are read.
        process: tokio::task::spawn_blocking(ProcessFigures::read)
            .await
            .map_err(|e| e.to_string())?,
        processor_time: processor_time(),
        started: seconds(world.started().timestamp().0),
        configured: seconds(world.configured_at().timestamp().0),
        is_reload_refused: world.refused_reload().is_some(),
        table_memory: world.table_memory(),
        compactions: world.compactions(),
        table_memory_limit: limit,
        internal_errors: supervise::panics(),
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64,
        monitors: world.monitors().into(),
        staggered_resets: world.staggered.report().len() as u64,
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry).map_err(|error| error.to_string())?;
    Ok(text)
}

/// Milliseconds as seconds.
fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

fn of_session(id: &SessionId) -> Labels {
    vec![
        ("address", id.address.to_string()),
        ("alias", id.alias.as_ref().map_or(String::new(), |alias| alias.as_str().to_owned())),
        ("vpn_instance", instance(id.vpn_instance.as_ref().map(|name| name.as_str()))),
    ]
}

fn of_neighbor(id: &NeighborId) -> Labels {
    vec![
        ("address", id.address.to_string()),
        ("vpn_instance", instance(id.vpn_instance.as_ref().map(|name| name.as_str()))),
    ]
}

fn of_router(id: &RouterId) -> Labels {
    vec![("router", id.to_string())]
}

fn of_publisher(id: &PublisherName) -> Labels {
    vec![("publisher", id.to_string())]
}

fn instance(name: Option<&str>) -> String {
    name.unwrap_or(PUBLIC_INSTANCE).to_owned()
}

fn and(mut labels: Labels, name: &'static str, value: impl Into<String>) -> Labels {
    labels.push((name, value.into()));
    labels
}

/// Writes families of metrics.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    fn gauges<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// `name` is without `_total`.
    fn counters<V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl EncodeGaugeValue) -> fmt::Result {
        self.gauges(name, help, [(Labels::new(), value)])
    }

    fn counter(&mut self, name: &str, help: &str, value: impl EncodeCounterValue) -> fmt::Result {
        self.counters(name, help, [(Labels::new(), value)])
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        self.process(&mut writer)?;
        self.session_states(&mut writer)?;
        self.session_counters(&mut writer)?;
        self.neighbors(&mut writer)?;
        self.routers(&mut writer)?;
        self.publishers(&mut writer)
    }
}

impl Snapshot {
    fn process(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
        let build = [(version, 1u64)];
        writer.gauges("bmpd_build_info", "The version of bmpd, as a label.", build)?;
        let ProcessFigures { memory, descriptors, descriptors_maximum, .. } = self.process;
        if let Some(memory) = memory {
            writer.gauge("process_resident_memory_bytes", "Memory in use.", memory)?;
        }
        if let Some(open) = descriptors {
            writer.gauge("process_open_fds", "Open file descriptors.", open)?;
        }
        if let Some(maximum) = descriptors_maximum {
            writer.gauge("process_max_fds", "How many it may open.", maximum)?;
        }
        let used = seconds(self.processor_time.0);
        writer.counter("process_cpu_seconds", "Processor time of all threads.", used)?;
        let help = "When bmpd was started, by the wall's clock.";
        writer.gauge("process_start_time_seconds", help, self.started)?;
        let help =
            "When the configuration in effect was read: at the start, or by the last reload.";
        writer.gauge("bmpd_configuration_timestamp_seconds", help, self.configured)?;
        let help = "1 if the last reload was refused: bmpctl show status says why.";
        writer.gauge("bmpd_reload_refused", help, u64::from(self.is_reload_refused))?;
        let help = "Memory of the tables of all neighbors and routers.";
        writer.gauge("bmpd_table_memory_bytes", help, self.table_memory)?;
        if let Some(limit) = self.table_memory_limit {
            let help = "How much the tables may take: memory-limit, or 70 percent of the memory.";
            writer.gauge("bmpd_table_memory_limit_bytes", help, limit)?;
        }
        let help =
            "Segments of tables that were compacted: what is of no use any more was taken out.";
        writer.counter("bmpd_table_compactions", help, self.compactions)?;
        let help =
            "Mistakes of bmpd; each has cost a connection or a command, and the log says more.";
        writer.counter("bmpd_internal_errors", help, self.internal_errors)?;
        writer.gauge("bmpd_tasks", "Tasks that run in bmpd.", self.tasks)?;
        writer.gauge("bmpd_monitors", "Callers of bmpctl monitor.", self.monitors)?;
        let help = "Resets with a stagger that are under way.";
        writer.gauge("bmpd_staggered_resets", help, self.staggered_resets)
    }

    /// A figure of every session as it is now.
    fn sessions<'a, V: 'a>(
        &'a self,
        value: impl Fn(&SessionReport) -> V + 'a,
    ) -> impl Iterator<Item = (Labels, V)> + 'a {
        self.sessions.iter().map(move |(report, _)| (of_session(&report.id), value(report)))
    }

    /// A figure of every session over all of its connections.
    fn counted<'a, V: 'a>(
        &'a self,
        value: impl Fn(&SessionStatistics) -> V + 'a,
    ) -> impl Iterator<Item = (Labels, V)> + 'a {
        self.sessions.iter().map(move |(_, counted)| (of_session(&counted.id), value(counted)))
    }

    fn session_states(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let up = self.sessions(|session| u64::from(session.state.is_up()));
        writer.gauges("bmpd_session_up", "1 while the BMP session is connected.", up)?;
        let help = "1 while the station has been sent every route and End-of-RIB.";
        let synchronised = |session: &SessionReport| session.state == SessionState::Established;
        let all = self.sessions(|session| u64::from(synchronised(session)));
        writer.gauges("bmpd_session_synchronised", help, all)?;
        let states = self.sessions.iter().flat_map(|(session, _)| {
            SessionState::ALL.map(|state| {
                let labels = and(of_session(&session.id), "state", SessionState::word(state));
                (labels, u64::from(session.state == state))
            })
        });
        writer.gauges("bmpd_session_state", "1 for the state that the session is in.", states)?;
        let help = "Since when the session is in its state, by the wall's clock.";
        let since = self.sessions(|session| seconds(session.state_since.0));
        writer.gauges("bmpd_session_state_timestamp_seconds", help, since)?;
        let help = "The number of the connection, or of the next one while there is none.";
        writer.gauges("bmpd_session_generation", help, self.sessions(|s| s.generation))?;
        let help = "Routes still to be sent on this connection.";
        writer.gauges("bmpd_session_routes_to_send", help, self.sessions(|s| s.routes_to_send))?;
        let help = "Bytes encoded and not yet taken by the system.";
        writer.gauges("bmpd_session_buffered_bytes", help, self.sessions(|s| s.bytes_buffered))?;
        let help = "Bytes in the system's send queue that the station has not acknowledged.";
        let unacknowledged = self.sessions(|session| session.bytes_unacknowledged);
        writer.gauges("bmpd_session_unacknowledged_bytes", help, unacknowledged)?;
        let help = "How long the station has taken nothing while there was something to send.";
        let blocked = self.sessions(|session| session.blocked.map_or(0.0, |Span(ms)| seconds(ms)));
        writer.gauges("bmpd_session_blocked_seconds", help, blocked)?;
        let help = "Parameters that were configured and wait for a reset.";
        let pending = self.sessions(|session| session.pending.len() as u64);
        writer.gauges("bmpd_session_pending_parameters", help, pending)?;
        let help = "Routers that the station is to be sent and that are there: a connection each.";
        writer.gauges("bmpd_session_legs", help, self.sessions(|s| s.legs_wanted))?;
        let help = "Connections of the session that are up, one for each router.";
        writer.gauges("bmpd_session_legs_up", help, self.sessions(|s| s.legs_up))?;
        let peers = self.sessions.iter().flat_map(|(session, _)| {
            session.monitored.iter().map(|monitored| {
                let labels = and(of_session(&session.id), "family", &*monitored.family);
                (labels, monitored.peers)
            })
        });
        writer.gauges("bmpd_session_peers", "Peers that the station is sent.", peers)
    }

    fn session_counters(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let messages = self.sessions.iter().flat_map(|(_, counted)| {
            let sent = &counted.sent;
            [
                ("initiation", sent.initiation),
                ("peer-up", sent.peer_up),
                ("peer-down", sent.peer_down),
                ("route-monitoring", sent.route_monitoring),
                ("statistics-report", sent.statistics_report),
                ("route-mirroring", sent.route_mirroring),
                ("termination", sent.termination),
                ("unknown", sent.unknown),
            ]
            .map(|(kind, count)| (and(of_session(&counted.id), "type", kind), count))
        });
        let help = "BMP messages sent, by type (RFC 7854 section 4).";
        writer.counters("bmpd_session_sent_messages", help, messages)?;
        let help = "Bytes that the system has taken.";
        writer.counters("bmpd_session_sent_bytes", help, self.counted(|s| s.sent.bytes))?;
        let announced = self.counted(|counted| counted.sent.routes_announced);
        writer.counters("bmpd_session_announced_routes", "Routes announced.", announced)?;
        let withdrawn = self.counted(|counted| counted.sent.routes_withdrawn);
        writer.counters("bmpd_session_withdrawn_routes", "Routes withdrawn.", withdrawn)?;
        let ends = self.counted(|counted| counted.sent.end_of_rib);
        writer.counters("bmpd_session_end_of_ribs", "End-of-RIBs sent.", ends)?;
        let resent = self.counted(|counted| counted.sent.neighbors_resent);
        let help =
            "Neighbors sent from the beginning again: the station had fallen too far behind.";
        writer.counters("bmpd_session_resent_neighbors", help, resent)?;
        let lost = self.counted(|counted| counted.sent.messages_lost);
        let help =
            "Messages to be passed on as they came that were left out: the station was too slow.";
        writer.counters("bmpd_session_lost_messages", help, lost)?;
        let connections = self.counted(|counted| counted.connections);
        writer.counters("bmpd_session_connections", "Connections that came up.", connections)?;
        let failed = self.counted(|counted| counted.failed_attempts);
        let help = "Attempts to connect that failed.";
        writer.counters("bmpd_session_failed_attempts", help, failed)?;
        let resets = self.counted(|counted| counted.resets);
        writer.counters("bmpd_session_resets", "Resets by command.", resets)?;
        let downs = self.sessions.iter().flat_map(|(_, counted)| {
            counted.downs.iter().map(|down| {
                (and(of_session(&counted.id), "reason", down.reason.word()), down.count)
            })
        });
        writer.counters("bmpd_session_downs", "Connections that ended, by reason.", downs)?;
        let blocks = self.counted(|counted| counted.blocked_times);
        let help = "Writes for which the system had no room.";
        writer.counters("bmpd_session_blocked_writes", help, blocks)?;
        let blocked = self.counted(|counted| seconds(counted.blocked_for.0));
        let help = "Time in which the system had no room.";
        writer.counters("bmpd_session_blocked_writes_seconds", help, blocked)?;
        let help = "Bytes that the station sent, which BMP does not provide for.";
        writer.counters("bmpd_session_ignored_bytes", help, self.counted(|s| s.bytes_ignored))?;
        let help = "BGP sessions of neighbors that came and went before their Peer Up was sent.";
        let skipped = self.counted(|counted| counted.neighbor_sessions_skipped);
        writer.counters("bmpd_session_skipped_neighbor_sessions", help, skipped)?;
        let unknown_peers = self.counted(|counted| counted.unknown_peers_refused);
        let help = "Connections of others to the port of a passive session, which were refused.";
        writer.counters("bmpd_session_refused_unknown_peers", help, unknown_peers)
    }

    fn neighbors(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let all = || self.neighbors.iter();
        let up = all().map(|neighbor| {
            let is_up = neighbor.state == NeighborState::Established;
            (of_neighbor(&neighbor.id), u64::from(is_up))
        });
        writer.gauges("bmpd_neighbor_up", "1 while the BGP session is established.", up)?;
        let states = all().flat_map(|neighbor| {
            NeighborState::ALL.map(|state| {
                let labels = and(of_neighbor(&neighbor.id), "state", NeighborState::word(state));
                (labels, u64::from(neighbor.state == state))
            })
        });
        let help = "1 for the state that the neighbor is in (RFC 4271 section 8.2.2).";
        writer.gauges("bmpd_neighbor_state", help, states)?;
        let since = all().map(|n| (of_neighbor(&n.id), seconds(n.since.0)));
        let help = "When the neighbor last went up or down, by the wall's clock.";
        writer.gauges("bmpd_neighbor_timestamp_seconds", help, since)?;
        let routes = all().flat_map(|neighbor| {
            neighbor.families.iter().map(|family| {
                (and(of_neighbor(&neighbor.id), "family", &*family.name), family.routes)
            })
        });
        writer.gauges("bmpd_neighbor_routes", "Routes in its Adj-RIB-In.", routes)?;
        let ends = all().flat_map(|neighbor| {
            neighbor.families.iter().map(|family| {
                let labels = and(of_neighbor(&neighbor.id), "family", &*family.name);
                (labels, u64::from(family.end_of_rib))
            })
        });
        let help = "1 once its End-of-RIB came, or it has gone quiet without one.";
        writer.gauges("bmpd_neighbor_end_of_rib", help, ends)?;
        let kept = all().map(|n| (of_neighbor(&n.id), u64::from(n.restarting.is_some())));
        let help = "1 while its routes are kept because it restarts (RFC 4724).";
        writer.gauges("bmpd_neighbor_restarting", help, kept)?;
        let exceeded = all().map(|n| (of_neighbor(&n.id), u64::from(n.maximum_routes_exceeded)));
        let help = "1 while it has more routes than maximum-routes, or was ended for that.";
        writer.gauges("bmpd_neighbor_maximum_routes_exceeded", help, exceeded)?;
        let updates = all().map(|neighbor| (of_neighbor(&neighbor.id), neighbor.updates));
        writer.counters("bmpd_neighbor_updates", "UPDATE messages in this session.", updates)?;
        let faulty = all().map(|n| (of_neighbor(&n.id), n.updates_treated_as_withdraw));
        let help = "UPDATE messages in this session that were treated as withdrawals (RFC 7606).";
        writer.counters("bmpd_neighbor_updates_treated_as_withdraw", help, faulty)?;
        let faulty = all().map(|n| (of_neighbor(&n.id), n.routes_treated_as_withdraw));
        let help = "Routes in this session that were treated as withdrawn (RFC 7606).";
        writer.counters("bmpd_neighbor_routes_treated_as_withdraw", help, faulty)?;
        let announced = all().map(|n| (of_neighbor(&n.id), n.routes_announced));
        let help = "Routes announced in this session.";
        writer.counters("bmpd_neighbor_announced_routes", help, announced)?;
        let withdrawn = all().map(|n| (of_neighbor(&n.id), n.routes_withdrawn));
        let help = "Routes withdrawn in this session that were in its Adj-RIB-In.";
        writer.counters("bmpd_neighbor_withdrawn_routes", help, withdrawn)?;
        let unknown = all().map(|n| (of_neighbor(&n.id), n.unknown_routes_withdrawn));
        let help = "Routes withdrawn in this session that were not in its Adj-RIB-In.";
        writer.counters("bmpd_neighbor_unknown_withdrawn_routes", help, unknown)?;
        let discarded = all().map(|n| (of_neighbor(&n.id), n.attributes_discarded));
        let help = "Path attributes in this session that were discarded (RFC 7606).";
        writer.counters("bmpd_neighbor_discarded_attributes", help, discarded)?;
        let unused = all().map(|n| (of_neighbor(&n.id), n.updates_not_negotiated));
        let help = "UPDATE messages in this session with a family that was not negotiated, which is ignored.";
        writer.counters("bmpd_neighbor_not_negotiated_updates", help, unused)?;
        let sessions = all().map(|n| (of_neighbor(&n.id), n.established_count));
        let help = "BGP sessions that came up since bmpd started.";
        writer.counters("bmpd_neighbor_sessions", help, sessions)
    }

    fn routers(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let all = || self.routers.iter().map(|router| (of_router(&router.id), router));
        let up = all().map(|(labels, router)| (labels, u64::from(router.state.is_up())));
        writer.gauges("bmpd_router_up", "1 while the router's BMP session is established.", up)?;
        let states = all().flat_map(|(labels, router)| {
            RouterState::ALL.map(|state| {
                let labels = and(labels.clone(), "state", RouterState::word(state));
                (labels, u64::from(router.state == state))
            })
        });
        writer.gauges("bmpd_router_state", "1 for the state that the router is in.", states)?;
        let help = "Since when the router is in its state, by the wall's clock.";
        let since = all().map(|(labels, router)| (labels, seconds(router.since.0)));
        writer.gauges("bmpd_router_state_timestamp_seconds", help, since)?;
        let help = "Peers of the router that are up.";
        let peers = all().map(|(labels, router)| (labels, router.peers_up));
        writer.gauges("bmpd_router_peers", help, peers)?;
        let routes = all().flat_map(|(labels, router)| {
            router.tables.iter().map(move |table| {
                let labels = and(labels.clone(), "view", &*table.view);
                (and(labels, "family", &*table.family), table.routes)
            })
        });
        writer.gauges("bmpd_router_routes", "Routes in the router's tables.", routes)?;
        let help = "Memory of the router's tables.";
        let memory = all().map(|(labels, router)| (labels, router.memory));
        writer.gauges("bmpd_router_table_memory_bytes", help, memory)?;
        let received = || all().filter_map(|(labels, router)| Some((labels, router.received?)));
        let messages = received().flat_map(|(labels, received)| {
            [
                ("initiation", received.initiation),
                ("peer-up", received.peer_up),
                ("peer-down", received.peer_down),
                ("route-monitoring", received.route_monitoring),
                ("statistics-report", received.statistics_report),
                ("route-mirroring", received.route_mirroring),
                ("termination", received.termination),
                ("unknown", received.unknown),
            ]
            .map(|(kind, count)| (and(labels.clone(), "type", kind), count))
        });
        let help = "BMP messages received on this connection, by type (RFC 7854 section 4).";
        writer.counters("bmpd_router_received_messages", help, messages)?;
        let bytes = received().map(|(labels, received)| (labels, received.bytes));
        writer.counters("bmpd_router_received_bytes", "Bytes on this connection.", bytes)?;
        let faults = received().flat_map(|(labels, received)| {
            [
                ("unreadable-update", received.unreadable_updates),
                ("malformed", received.malformed),
                ("without-peer", received.without_peer),
            ]
            .map(|(fault, count)| (and(labels.clone(), "fault", fault), count))
        });
        let help = "Messages on this connection that were not taken as they should be, by fault.";
        writer.counters("bmpd_router_faults", help, faults)?;
        let connections = all().map(|(labels, router)| (labels, router.connections));
        let help = "Connections of the router since bmpd started.";
        writer.counters("bmpd_router_connections", help, connections)
    }

    /// A figure of every publisher.
    fn published<'a, V: 'a>(
        &'a self,
        value: impl Fn(&PublisherReport) -> V + 'a,
    ) -> impl Iterator<Item = (Labels, V)> + 'a {
        self.publishers.iter().map(move |report| (of_publisher(&report.id), value(report)))
    }

    fn publishers(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let up = self.published(|publisher| u64::from(publisher.state.is_up()));
        writer.gauges("bmpd_publisher_up", "1 while brokers acknowledge records.", up)?;
        let states = self.publishers.iter().flat_map(|publisher| {
            PublisherState::ALL.map(|state| {
                let labels = and(of_publisher(&publisher.id), "state", PublisherState::word(state));
                (labels, u64::from(publisher.state == state))
            })
        });
        writer.gauges(
            "bmpd_publisher_state",
            "1 for the state that the publisher is in.",
            states,
        )?;
        let help = "Since when the publisher is in its state, by the wall's clock.";
        let since = self.published(|publisher| seconds(publisher.since.0));
        writer.gauges("bmpd_publisher_state_timestamp_seconds", help, since)?;
        let help = "Routers that are published and that are there.";
        writer.gauges("bmpd_publisher_routers", help, self.published(|p| p.routers_there))?;
        let help = "Those of which every record of the present generation is acknowledged.";
        let synchronised = self.published(|publisher| publisher.routers_synchronised);
        writer.gauges("bmpd_publisher_routers_synchronised", help, synchronised)?;
        let help = "Routes still to be sent.";
        writer.gauges(
            "bmpd_publisher_routes_to_send",
            help,
            self.published(|p| p.routes_to_send),
        )?;
        let help = "Records sent that no broker has acknowledged.";
        let records = self.published(|publisher| publisher.in_flight_records);
        writer.gauges("bmpd_publisher_in_flight_records", help, records)?;
        let bytes = self.published(|publisher| publisher.in_flight_bytes);
        writer.gauges("bmpd_publisher_in_flight_bytes", "What they take.", bytes)?;
        let help = "How many bytes may be sent without an acknowledgement.";
        writer.gauges("bmpd_publisher_window_bytes", help, self.published(|p| p.window))?;
        let help = "How long nothing was acknowledged while there were records in flight.";
        let unacknowledged = self.published(|publisher| {
            publisher.unacknowledged_for.map_or(0.0, |Span(ms)| seconds(ms))
        });
        writer.gauges("bmpd_publisher_unacknowledged_seconds", help, unacknowledged)?;
        let help = "Time from sending a record to its acknowledgement: the mean of the last second that had any.";
        let latency = self.publishers.iter().filter_map(|publisher| {
            Some((of_publisher(&publisher.id), publisher.latency? as f64 / 1e6))
        });
        writer.gauges("bmpd_publisher_latency_seconds", help, latency)?;
        let help = "Parameters that were configured and wait for a reset.";
        let pending = self.published(|publisher| publisher.pending.len() as u64);
        writer.gauges("bmpd_publisher_pending_parameters", help, pending)?;
        let help = "Records acknowledged.";
        let records = self.published(|publisher| publisher.acknowledged_records);
        writer.counters("bmpd_publisher_records_acknowledged", help, records)?;
        let help = "Bytes in records acknowledged, without what the protocol of Kafka adds.";
        let bytes = self.published(|publisher| publisher.acknowledged_bytes);
        writer.counters("bmpd_publisher_bytes_acknowledged", help, bytes)?;
        let help = "How often the window was full.";
        let blocks = self.published(|publisher| publisher.blocked_times);
        writer.counters("bmpd_publisher_blocks", help, blocks)?;
        let help = "Time in which the window was full.";
        let blocked = self.published(|publisher| seconds(publisher.blocked_for.0));
        writer.counters("bmpd_publisher_blocked_seconds", help, blocked)?;
        let help =
            "How often it was in doubt which records brokers have: all routes were sent again.";
        writer.counters("bmpd_publisher_doubts", help, self.published(|p| p.doubts))?;
        let help = "How often records that were not acknowledged in time were sent again.";
        writer.counters("bmpd_publisher_rewinds", help, self.published(|p| p.rewinds))?;
        let help = "Producers started: the first one, one for each reset and for each doubt.";
        writer.counters("bmpd_publisher_producers", help, self.published(|p| p.producers))
    }
}
