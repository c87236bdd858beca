//! The HTTP server for programs: the API and its description, events as they happen, health.

mod api;
mod events;
mod health;

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tests::addresses::{free_port, loopback};

const TIMEOUT: Duration = Duration::from_secs(60);

fn place() -> SocketAddr {
    let address = loopback();
    SocketAddr::new(address, free_port(address))
}

/// The table of the configuration.
fn http(place: SocketAddr) -> String {
    format!("[http]\nlisten = [\"{place}\"]\n")
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A connection from this address.
fn connect(from: IpAddr, place: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(from, 0).into()).unwrap();
    socket.connect(&place.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    stream
}

/// Sends a request, and reads until the connection is closed; `None` if there was no answer.
fn try_ask(mut stream: TcpStream, request: &str) -> Option<Answer> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    // What came before a reset is an answer, too.
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}

/// The answer to a request with further fields, each of which ends with a line feed.
#[track_caller]
fn ask(place: SocketAddr, method: &str, target: &str, fields: &str) -> Answer {
    let fields = fields.replace('\n', "\r\n");
    let host = if fields.contains("Host:") { "" } else { "Host: localhost\r\n" };
    let request = format!("{method} {target} HTTP/1.1\r\n{host}{fields}\r\n");
    let stream = TcpStream::connect(place).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    try_ask(stream, &request).unwrap_or_else(|| panic!("no answer to {request}"))
}

#[track_caller]
fn get(place: SocketAddr, target: &str) -> Answer {
    ask(place, "GET", target, "")
}
