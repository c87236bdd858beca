//! Events as a stream: a client that connects again misses no event, and one that reads nothing costs nothing.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;

use serde_json::Value;
use shared::frame::{self, Kind};
use shared::request::{Operation, Request};
use socket2::SockRef;
use tests::addresses::loopback;
use tests::ctl::Running;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor};
use tests::documents::block;
use tests::lab::Plan;
use tests::scratch::Scratch;
use tests::wait::wait_until;

use super::{connect, get, http, place, try_ask};

/// A message.
#[derive(Debug, Clone, PartialEq)]
struct Message {
    id: Option<u64>,
    data: Value,
}

/// A client that reads messages, and skips what is none.
struct Reader {
    lines: BufReader<TcpStream>,
}

impl Reader {
    fn new(place: SocketAddr, from: IpAddr, query: &str, fields: &str) -> Self {
        Self::of(connect(from, place), query, fields)
    }

    fn of(mut stream: TcpStream, query: &str, fields: &str) -> Self {
        let request = format!(
            "GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{fields}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(lines.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        Self { lines }
    }

    /// The next message; `None` if the stream has ended.
    fn next(&mut self) -> Option<Message> {
        let mut id = None;
        loop {
            let mut line = String::new();
            // The lengths of chunks are lines of their own, and nothing else ends with CR LF.
            if self.lines.read_line(&mut line).unwrap() == 0 || line == "0\r\n" {
                return None;
            }
            if let Some(number) = line.strip_prefix("id: ") {
                id = Some(number.trim_end().parse().unwrap());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(Message { id, data: serde_json::from_str(data).unwrap() });
            }
        }
    }

    /// The messages up to this one.
    fn until(&mut self, is_last: impl Fn(&Value) -> bool) -> Vec<Message> {
        let mut messages = Vec::new();
        loop {
            let message = self.next().unwrap_or_else(|| panic!("the end after {messages:?}"));
            messages.push(message.clone());
            if is_last(&message.data) {
                return messages;
            }
        }
    }
}

fn is_command(command: &str) -> impl Fn(&Value) -> bool {
    move |event| event["event"] == "command" && event["command"] == command
}

fn ids(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.id.unwrap()).collect()
}

#[test]
fn a_client_that_connects_again_continues_without_a_gap() {
    let place = place();
    let lab = Plan { aliases: &[None, Some("aa")], more: &http(place), ..Plan::default() }.start();
    lab.daemon.wait_state(lab.address, None, "Established");
    lab.daemon.wait_state(lab.address, Some("aa"), "Established");
    let mut reader = Reader::new(place, loopback(), "?since=1h", "");
    lab.daemon.bmpctl(&["reload"]).done();
    let seen = reader.until(is_command("reload"));
    assert_eq!(seen[0].data["event"], "started", "{seen:?}");
    let last = seen.last().unwrap().id.unwrap();
    drop(reader);
    let monitors = || get(place, "/api/v1/status").json()["status"]["monitors"].clone();
    wait_until("its place to be free", super::TIMEOUT, || monitors() == 0);

    // Meanwhile something happens.
    lab.daemon.bmpctl(&["reset", "session", &lab.station(), "--wait=30s"]).done();
    lab.daemon.bmpctl(&["clear", "statistics"]).done();
    let again = format!("Last-Event-ID: {last}\r\n");
    let mut reader = Reader::new(place, loopback(), "?since=1h", &again);
    let missed = reader.until(is_command("clear statistics all"));
    let all = get(place, &format!("/api/v1/events?after={last}")).json();
    let kept: Vec<u64> =
        all["events"].as_array().unwrap().iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(ids(&missed), kept[..missed.len()]);
    assert_eq!(kept[0], last + 1, "without a gap: {all}");
    assert_eq!(all["dropped"], 0, "{all}");

    // Only one session.
    let query = format!("?since=1h&session={}&alias=aa", lab.station());
    let mut one = Reader::new(place, loopback(), &query, "");
    let event = one.next().unwrap();
    assert_eq!(event.data["session"]["alias"], "aa", "{event:?}");

    // With the last event they end.
    lab.daemon.signal(rustix::process::Signal::TERM);
    let end = reader.until(|event| event["event"] == "stopping");
    assert!(end.last().unwrap().id.is_some() && reader.next().is_none());
    assert!(lab.daemon.wait_exit().success());
}

/// Neighbors with descriptions, which a reload changes: an event of some 50 KiB.
fn described(place: SocketAddr, listen: SocketAddr, letter: char) -> String {
    let neighbors = (1..=100).map(|n| {
        let text = letter.to_string().repeat(200);
        let neighbor = neighbor(format!("192.0.2.{n}").parse().unwrap(), 65001);
        format!("{}\ndescription = \"{text}\"\n\n", neighbor.trim_end())
    });
    http(place) + &bgp(listen) + &neighbors.collect::<String>()
}

#[test]
fn a_client_that_does_not_read_delays_nobody_and_each_event_is_sent_or_counted() {
    let scratch = Scratch::new();
    let place = place();
    let listen = bgp_listen();
    let texts = ['a', 'b'].map(|letter| described(place, listen, letter));
    let daemon = Daemon::start(&scratch, &texts[0]);
    let slow = connect(loopback(), place);
    SockRef::from(&slow).set_recv_buffer_size(4096).unwrap();
    let mut slow = Reader::of(slow, "", "");
    let before = daemon.rss_kib();
    let request = frame::encode(Kind::Request, &Request::from(Operation::Reload)).unwrap();
    // Large events: they may be more than the buffers of the system have room for.
    let reloads = 30;
    for n in 1..=reloads {
        daemon.rewrite_config(&texts[n % 2]);
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        stream.write_all(&request).unwrap();
        frame::read(&mut stream).unwrap();
    }
    assert_eq!(get(place, "/api/v1/status").status, 200);
    let grown = daemon.rss_kib().saturating_sub(before);
    assert!(grown < 30_000, "bmpd has grown by {grown} KiB");
    daemon.bmpctl(&["clear", "statistics"]).done();
    let (mut received, mut lost) = (0, 0);
    for message in slow.until(is_command("clear statistics all")) {
        match message.data["kind"].as_str() {
            Some("event") => received += 1,
            Some("events-lost") => lost += message.data["count"].as_u64().unwrap(),
            _ => panic!("{message:?}"),
        }
    }
    assert_eq!(received + lost, 2 * reloads as u64 + 1, "{lost} lost");
    println!("{received} received, {lost} lost, {grown} KiB");
}

#[test]
fn streams_are_fewer_than_connections_so_that_others_have_a_place() {
    let scratch = Scratch::new();
    let place = place();
    let _daemon = Daemon::start(&scratch, &(http(place) + "maximum-connections = 16\n"));
    let request =
        "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n";
    let froms: Vec<IpAddr> = (0..5).map(|_| loopback()).collect();
    let mut streams = Vec::new();
    for from in &froms[..4] {
        streams.extend((0..2).map(|_| Reader::new(place, *from, "", "")));
        let refused = try_ask(connect(*from, place), request).unwrap();
        assert_eq!(
            (refused.status, refused.field("retry-after")),
            (503, Some("10")),
            "{refused:?}"
        );
    }
    let refused = try_ask(connect(froms[4], place), request).unwrap();
    assert_eq!(refused.status, 503, "there are half as many: {refused:?}");
    assert_eq!(get(place, "/health").status, 200);
    drop(streams.pop());
    wait_until("a place to be free", super::TIMEOUT, || {
        let mut stream = connect(froms[4], place);
        stream.write_all(request.as_bytes()).unwrap();
        let mut begin = [0; 12];
        std::io::Read::read_exact(&mut stream, &mut begin).unwrap();
        begin == *b"HTTP/1.1 200"
    });
}

#[test]
fn the_program_of_the_document_prints_events() {
    let scratch = Scratch::new();
    let place = place();
    let lab = Plan { more: &http(place), ..Plan::default() }.start();
    let program = block("docs/http.md", "python").replace("127.0.0.1:11080", &place.to_string());
    let program = scratch.write("events.py", program);
    let running = Running::start(Command::new("python3").arg(program));
    running.wait_line(&["Z session established every route was sent"]);
    lab.daemon.bmpctl(&["reset", "session", &lab.station()]).done();
    running.wait_line(&["Z session connecting reset by "]);
}
