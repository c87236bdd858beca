//! Publishers, and what became of those that were reset.

use shared::names::{PublisherName, Shown};
use shared::response::{
    PlannedPublisherReset, PublishedRouter, PublisherError, PublisherPlan, PublisherReport,
    PublisherReset, PublisherResetDone, PublisherState, RouterGeneration,
};
use shared::time::Span;

use super::humanize::{age, count, countdown, moment, printable, size};
use super::page::Page;
use super::screen::{Screen, Tone};
use super::session::sent_counts;
use super::table::{Cell, Table, number, text};

/// Where there is none.
pub(crate) const NONE: &str = "No publisher is configured.\n";

/// For this long an error that is over is worth a note.
const RECENT: Span = Span(3_600_000);

fn tone(state: PublisherState) -> Tone {
    match state {
        PublisherState::Established => Tone::Good,
        PublisherState::Synchronising | PublisherState::Connecting => Tone::Busy,
        PublisherState::Stalled => Tone::Bad,
        PublisherState::Shutdown => Tone::Faint,
    }
}

/// A publisher as it is typed.
pub(super) fn shown(name: &PublisherName) -> Shown<'_> {
    Shown(name.as_str())
}

/// A row a publisher.
pub(crate) fn table(publishers: &[PublisherReport], screen: &Screen) -> String {
    if publishers.is_empty() {
        return NONE.to_owned();
    }
    let mut table = Table::new(&[
        text("Publisher"),
        text("State"),
        number("Age"),
        text("Topic").leaves(3),
        number("Routers"),
        number("Acknowledged").leaves(2),
        number("In flight").leaves(1),
        text("Note"),
    ]);
    for publisher in publishers {
        table.row(vec![
            publisher.id.to_string().into(),
            Cell::toned(publisher.state.name(), tone(publisher.state)),
            age(publisher.age).into(),
            printable(&publisher.topic).into(),
            format!("{}/{}", publisher.routers_synchronised, publisher.routers_there).into(),
            publisher.acknowledged_records.to_string().into(),
            size(publisher.in_flight_bytes).into(),
            note(publisher).into(),
        ]);
    }
    let up = publishers.iter().filter(|publisher| publisher.state.is_up()).count();
    let whole = count(publishers.len() as u64, "publisher");
    format!("{}\n{whole}, {up} up\n", table.render(screen))
}

/// What is worth knowing, in a few words; nothing if nothing is.
fn note(publisher: &PublisherReport) -> String {
    let mut parts = Vec::new();
    match &*publisher.pending {
        [] => {}
        [one] => parts.push(format!("pending: {}", one.key)),
        several => parts.push(format!("pending: {} parameters", several.len())),
    }
    parts.extend(publisher.warnings.first().map(|warning| printable(warning)));
    if publisher.state == PublisherState::Shutdown {
        parts.push(printable(&publisher.why));
        return parts.join("; ");
    }
    if let Some(waiting) = publisher.unacknowledged_for.filter(|time| *time >= Span(1000)) {
        parts.push(format!("nothing acknowledged for {}", age(waiting)));
    }
    let worth_it = |error: &&PublisherError| !publisher.state.is_up() || error.ago < RECENT;
    let error = publisher.last_error.as_ref().filter(worth_it);
    parts.extend(error.map(|error| format!("{} {} ago", error.reason.word(), age(error.ago))));
    parts.join("; ")
}

/// A page a publisher.
pub(crate) fn pages(publishers: &[PublisherReport]) -> String {
    if publishers.is_empty() {
        return NONE.to_owned();
    }
    publishers.iter().map(page).collect::<Vec<_>>().join("\n")
}

fn page(publisher: &PublisherReport) -> String {
    let mut page = Page::new(&format!("Publisher {}", shown(&publisher.id)));
    page.line("State", format!("{} ({})", publisher.state.name(), publisher.why));
    page.line("Since", moment(publisher.since, publisher.age));
    page.line_if("Description", publisher.description.as_deref());
    page.line("Brokers", publisher.bootstrap_servers.join(", "));
    page.line("Topic", &publisher.topic);
    page.line(
        "Routers",
        format!("{} of {} synchronised", publisher.routers_synchronised, publisher.routers_there),
    );
    page.line("Still to send", count(publisher.routes_to_send, "route"));
    let records = count(publisher.in_flight_records, "record");
    let (bytes, window) = (size(publisher.in_flight_bytes), size(publisher.window));
    page.line("In flight", format!("{records}, {bytes} of {window}"));
    let waiting = publisher.unacknowledged_for.map(age);
    page.line_if("Unacknowledged", waiting.map(|time| format!("nothing for {time}")));
    let records = count(publisher.acknowledged_records, "record");
    let bytes = size(publisher.acknowledged_bytes);
    page.line("Acknowledged", format!("{records}, {bytes}, since bmpd started"));
    page.line("Latency", publisher.latency.map_or_else(|| "unknown".to_owned(), latency));
    let (times, time) = (count(publisher.blocked_times, "time"), age(publisher.blocked_for));
    page.line("Window full", format!("{times}, {time} in all"));
    page.line("Producers", format!("{} since bmpd started", publisher.producers));
    let doubts = count(publisher.doubts, "time");
    page.line("In doubt", format!("{doubts}: everything was sent again"));
    let rewinds = count(publisher.rewinds, "time");
    page.line("Resent", format!("{rewinds}: what was not acknowledged in time"));
    if !publisher.warnings.is_empty() {
        page.list("Warnings", publisher.warnings.iter().map(|warning| printable(warning)));
    }
    let never = || "never".to_owned();
    page.line("Last error", publisher.last_error.as_ref().map_or_else(never, error));
    let reset = publisher.last_reset.as_ref();
    let reset = reset.map(|reset| format!("by {}, {}", reset.by, moment(reset.at, reset.ago)));
    page.line("Last reset", reset.unwrap_or_else(never));
    let next = publisher.next_snapshot.map(countdown);
    page.line_if("Next snapshot", next.map(|next| format!("in {next}")));
    if !publisher.pending.is_empty() {
        page.list("Pending until a reset", publisher.pending.iter().map(ToString::to_string));
    }
    page.counts("Sent in the present generations", sent_counts(&publisher.sent));
    if !publisher.routers.is_empty() {
        page.list("Routers", publisher.routers.iter().flat_map(router));
    }
    page.into_text()
}

/// A time in microseconds.
fn latency(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros} µs"),
        1000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

fn error(PublisherError { reason, text, at, ago }: &PublisherError) -> String {
    format!("{text} [{}], {}", reason.word(), moment(*at, *ago))
}

/// The lines about a router: where it is published, and how far that is.
fn router(router: &PublishedRouter) -> Vec<String> {
    let name = router.router.to_string();
    let partition = match router.partition {
        Some(partition) => format!("partition {partition}"),
        None => "partition unknown".to_owned(),
    };
    let offset = router.offset.map(|offset| format!(", offset {offset}")).unwrap_or_default();
    let place = format!(
        "{}: topic {}, {partition}{offset}, router hash {}",
        Shown(&name),
        router.topic,
        router.router_hash
    );
    if router.generation == 0 {
        return vec![place, "  no generation has begun yet".to_owned()];
    }
    let is_synchronised = router.synchronised_generation >= router.generation;
    let progress = match is_synchronised {
        true => "synchronised".to_owned(),
        false => format!("not synchronised, {} to send", count(router.routes_to_send, "route")),
    };
    let (generation, acknowledged) = (router.generation, count(router.acknowledged, "record"));
    let sent = count(router.sent.routes_announced, "route");
    vec![
        place,
        format!(
            "  generation {generation} since {} ({}): {progress}",
            moment(router.since, router.age),
            router.why
        ),
        format!("  {sent} sent, {acknowledged} acknowledged"),
    ]
}

/// A line for each publisher that `all` skips.
pub(crate) fn skipped(names: &[PublisherName]) -> String {
    let line = |name| {
        format!("publisher {}: skipped, as it is shut down in the configuration\n", shown(name))
    };
    names.iter().map(line).collect()
}

/// A line for a publisher that was reset; or the sentence of a failure.
pub(crate) fn reset(PublisherReset { id, result }: &PublisherReset) -> Result<String, String> {
    let id = shown(id);
    let PublisherResetDone { new_producer, generations, changes } = match result {
        Ok(done) => done,
        Err(reason) => return Err(format!("publisher {id}: {reason}")),
    };
    let what = match (&**generations, new_producer) {
        ([], true) => {
            "new producer; no router is connected, so there is nothing to send".to_owned()
        }
        ([], false) => "the router is not connected, so there is nothing to send".to_owned(),
        ([one], true) => format!("new producer, sending {}", generation(one)),
        ([one], false) => format!("sending {}", generation(one)),
        (several, true) => {
            format!("new producer, sending {} again", count(several.len() as u64, "router"))
        }
        (several, false) => format!("sending {} again", count(several.len() as u64, "router")),
    };
    let mut line = format!("publisher {id}: reset, {what}");
    if !changes.is_empty() {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        line.push_str(&format!(", new: {}", changes.join(", ")));
    }
    line.push('\n');
    Ok(line)
}

fn generation(RouterGeneration { router, generation }: &RouterGeneration) -> String {
    format!("router {} again (generation {generation})", Shown(&router.to_string()))
}

/// A line for a publisher, its parameters that are different below it; or the sentence of a failure.
pub(crate) fn plan(PublisherPlan { id, result }: &PublisherPlan) -> Result<String, String> {
    let id = shown(id);
    let PlannedPublisherReset { routers, routes, changes } = match result {
        Ok(planned) => planned,
        Err(reason) => return Err(format!("publisher {id}: would not be reset: {reason}")),
    };
    let routers = match &**routers {
        [one] => format!("router {}", Shown(&one.to_string())),
        several => count(several.len() as u64, "router"),
    };
    let new = if changes.is_empty() { "" } else { ", with new parameters:" };
    let routes = count(*routes, "route");
    let mut text = format!("publisher {id}: would send {routers} again, {routes}{new}\n");
    for change in changes {
        text.push_str(&format!("    {change}\n"));
    }
    Ok(text)
}

#[cfg(test)]
pub(super) mod tests {
    use shared::response::{Change, LastReset, PublisherReason, Sent};
    use shared::time::Timestamp;

    use super::*;

    const AT: Timestamp = Timestamp(1_795_420_800_000);

    pub(in crate::render) fn publisher(name: &str) -> PublisherReport {
        PublisherReport {
            id: name.parse().unwrap(),
            description: None,
            state: PublisherState::Established,
            why: "brokers have acknowledged every route".to_owned(),
            since: AT,
            age: Span(61_000),
            bootstrap_servers: vec!["192.0.2.1:9092".to_owned(), "kafka2.example:9092".to_owned()],
            topic: "bmp.raw".to_owned(),
            window: 16 << 20,
            in_flight_records: 0,
            in_flight_bytes: 0,
            unacknowledged_for: None,
            blocked_times: 0,
            blocked_for: Span(0),
            acknowledged_records: 1234,
            acknowledged_bytes: 5 << 20,
            latency: Some(2345),
            producers: 1,
            doubts: 0,
            rewinds: 0,
            warnings: Vec::new(),
            last_error: None,
            pending: Vec::new(),
            last_reset: None,
            next_snapshot: None,
            routers_there: 2,
            routers_synchronised: 2,
            sent: Sent::default(),
            routes_to_send: 0,
            routers: Vec::new(),
        }
    }

    pub(in crate::render) fn published(name: &str, generation: u64) -> PublishedRouter {
        PublishedRouter {
            router: name.parse().unwrap(),
            topic: "bmp.raw".to_owned(),
            partition: Some(3),
            router_hash: "0123456789abcdef0123456789abcdef".to_owned(),
            generation,
            why: "reset by root (pid 7)".to_owned(),
            since: AT,
            age: Span(61_000),
            synchronised_generation: generation,
            sent: Sent { routes_announced: 1200, ..Sent::default() },
            acknowledged: 17,
            offset: Some(4711),
            routes_to_send: 0,
        }
    }

    fn unreachable(ago: u64) -> Option<PublisherError> {
        Some(PublisherError {
            reason: PublisherReason::BrokerUnreachable,
            text: "192.0.2.1:9092: Connection refused".to_owned(),
            at: AT,
            ago: Span(ago),
        })
    }

    fn change(key: &str) -> Change {
        Change { key: key.to_owned(), old: "1".to_owned(), new: "2".to_owned() }
    }

    #[test]
    fn a_row_says_why_a_publisher_is_not_up() {
        let stalled = PublisherReport {
            state: PublisherState::Stalled,
            in_flight_records: 2000,
            in_flight_bytes: 16 << 20,
            unacknowledged_for: Some(Span(61_000)),
            routers_synchronised: 0,
            last_error: unreachable(7_200_000),
            pending: vec![change("kafka.window")],
            ..publisher("b")
        };
        let shut_down = PublisherReport {
            state: PublisherState::Shutdown,
            why: "shut down in the configuration".to_owned(),
            routers_there: 0,
            routers_synchronised: 0,
            acknowledged_records: 0,
            last_error: unreachable(10),
            ..publisher("c")
        };
        let again = PublisherReport { last_error: unreachable(5_000), ..publisher("data bus") };
        let long_ago = PublisherReport { last_error: unreachable(7_200_000), ..publisher("e") };
        let rows = table(&[stalled, shut_down, again, long_ago], &Screen::PLAIN);
        assert_eq!(
            rows,
            "\
Publisher  State          Age  Topic    Routers  Acknowledged  In flight  Note
b          Stalled      1m01s  bmp.raw      0/2          1234   16.0 MiB  pending: kafka.window; nothing acknowledged for 1m01s; broker-unreachable 2h00m ago
c          Shutdown     1m01s  bmp.raw      0/0             0        0 B  shut down in the configuration
data bus   Established  1m01s  bmp.raw      2/2          1234        0 B  broker-unreachable 5s ago
e          Established  1m01s  bmp.raw      2/2          1234        0 B

4 publishers, 2 up
"
        );
        assert_eq!(table(&[], &Screen::PLAIN), NONE);
    }

    #[test]
    fn a_page_has_brokers_errors_and_routers() {
        let behind = PublishedRouter {
            synchronised_generation: 1,
            routes_to_send: 34,
            partition: None,
            offset: None,
            ..published("edge 1", 2)
        };
        let not_begun = PublishedRouter { generation: 0, ..published("local", 0) };
        let full = PublisherReport {
            description: Some("the data lake".to_owned()),
            state: PublisherState::Synchronising,
            why: "reset by root (pid 7)".to_owned(),
            in_flight_records: 1,
            in_flight_bytes: 2048,
            unacknowledged_for: Some(Span(3_000)),
            blocked_times: 3,
            blocked_for: Span(62_000),
            doubts: 1,
            rewinds: 2,
            last_error: unreachable(61_000),
            last_reset: Some(LastReset {
                by: "root (pid 7)".to_owned(),
                at: AT,
                ago: Span(61_000),
            }),
            next_snapshot: Some(Span(60_000)),
            pending: vec![change("kafka.window")],
            routers_synchronised: 1,
            routes_to_send: 34,
            sent: Sent { initiation: 1, bytes: 3456, ..Sent::default() },
            routers: vec![not_begun, published("core", 3), behind],
            ..publisher("lake")
        };
        assert_eq!(
            pages(&[full]),
            "\
Publisher lake
  State:             Synchronising (reset by root (pid 7))
  Since:             1m01s ago (2026-11-23T08:00:00Z)
  Description:       the data lake
  Brokers:           192.0.2.1:9092, kafka2.example:9092
  Topic:             bmp.raw
  Routers:           1 of 2 synchronised
  Still to send:     34 routes
  In flight:         1 record, 2.0 KiB of 16.0 MiB
  Unacknowledged:    nothing for 3s
  Acknowledged:      1234 records, 5.0 MiB, since bmpd started
  Latency:           2.3 ms
  Window full:       3 times, 1m02s in all
  Producers:         1 since bmpd started
  In doubt:          1 time: everything was sent again
  Resent:            2 times: what was not acknowledged in time
  Last error:        192.0.2.1:9092: Connection refused [broker-unreachable], 1m01s ago (2026-11-23T08:00:00Z)
  Last reset:        by root (pid 7), 1m01s ago (2026-11-23T08:00:00Z)
  Next snapshot:     in 1m00s
  Pending until a reset:
    kafka.window 1 -> 2
  Sent in the present generations:
    Initiation:                   1
    Peer Up:                      0
    Peer Down:                    0
    Route Monitoring:             0
    Statistics Report:            0
    Termination:                  0
    Routes announced:             0
    Routes withdrawn:             0
    End-of-RIB:                   0
    Neighbors resent:             0
    Bytes:                     3456
  Routers:
    local: topic bmp.raw, partition 3, offset 4711, router hash 0123456789abcdef0123456789abcdef
      no generation has begun yet
    core: topic bmp.raw, partition 3, offset 4711, router hash 0123456789abcdef0123456789abcdef
      generation 3 since 1m01s ago (2026-11-23T08:00:00Z) (reset by root (pid 7)): synchronised
      1200 routes sent, 17 records acknowledged
    \"edge 1\": topic bmp.raw, partition unknown, router hash 0123456789abcdef0123456789abcdef
      generation 2 since 1m01s ago (2026-11-23T08:00:00Z) (reset by root (pid 7)): not synchronised, 34 routes to send
      1200 routes sent, 17 records acknowledged
"
        );
        assert_eq!(pages(&[]), NONE);
    }

    #[test]
    fn a_latency_has_the_unit_that_fits() {
        assert_eq!([999, 1000, 2_345_678].map(latency), ["999 µs", "1.0 ms", "2.3 s"]);
    }

    #[test]
    fn the_line_of_a_reset_says_what_is_sent_again() {
        let line = |new_producer, routers: &[&str], changes: &[&str]| {
            let generations = routers
                .iter()
                .map(|name| RouterGeneration { router: name.parse().unwrap(), generation: 2 });
            let generations = generations.collect();
            let changes = changes.iter().map(|key| change(key)).collect();
            let done = PublisherResetDone { new_producer, generations, changes };
            reset(&PublisherReset { id: "data bus".parse().unwrap(), result: Ok(done) }).unwrap()
        };
        let begin = "publisher \"data bus\": reset, ";
        assert_eq!(
            line(true, &["a", "b"], &["kafka.window"]),
            format!("{begin}new producer, sending 2 routers again, new: kafka.window 1 -> 2\n")
        );
        assert_eq!(
            line(true, &["a"], &[]),
            format!("{begin}new producer, sending router a again (generation 2)\n")
        );
        assert_eq!(
            line(false, &["edge 1"], &[]),
            format!("{begin}sending router \"edge 1\" again (generation 2)\n")
        );
        assert!(
            line(true, &[], &[]).ends_with("no router is connected, so there is nothing to send\n")
        );
        assert!(
            line(false, &[], &[])
                .ends_with("the router is not connected, so there is nothing to send\n")
        );
        let failed = PublisherReset {
            id: "lake".parse().unwrap(),
            result: Err("it is shut down".to_owned()),
        };
        assert_eq!(reset(&failed), Err("publisher lake: it is shut down".to_owned()));
    }

    #[test]
    fn a_plan_says_how_much_would_be_sent_again() {
        let planned = |routers: &[&str], changes: &[&str]| {
            let planned = PlannedPublisherReset {
                routers: routers.iter().map(|name| name.parse().unwrap()).collect(),
                routes: 1200,
                changes: changes.iter().map(|key| change(key)).collect(),
            };
            plan(&PublisherPlan { id: "lake".parse().unwrap(), result: Ok(planned) }).unwrap()
        };
        assert_eq!(
            planned(&["a", "b"], &["kafka.linger"]),
            "publisher lake: would send 2 routers again, 1200 routes, with new parameters:\n    kafka.linger 1 -> 2\n"
        );
        assert_eq!(
            planned(&["edge 1"], &[]),
            "publisher lake: would send router \"edge 1\" again, 1200 routes\n"
        );
        let failed = PublisherPlan {
            id: "lake".parse().unwrap(),
            result: Err("it is shut down".to_owned()),
        };
        assert_eq!(
            plan(&failed),
            Err("publisher lake: would not be reset: it is shut down".to_owned())
        );
    }
}
