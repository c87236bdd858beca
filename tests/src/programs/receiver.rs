//! A stand-in for bmpd, with which the fixtures of the BGP programs are tested.
//!
//! It accepts or makes connections until one has received what the test waits for.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::{BMPD_AS, Connects, Link, TIMEOUT};
use crate::bgp::{self, Family, Open, Routes, Update, difference, kind};
use crate::wait::wait_for;

/// One end of BGP sessions that only listens.
pub(super) struct Receiver {
    link: Link,
    listener: Option<TcpListener>,
    stream: Option<TcpStream>,
    bytes: Vec<u8>,
    pub(super) routes: Routes,
    pub(super) end_of_rib: Vec<Family>,
    /// Code and subcode.
    pub(super) notification: Option<[u8; 2]>,
    pub(super) connections: u32,
}

impl Receiver {
    pub(super) fn new(link: Link) -> Self {
        let listener = (link.connects != Connects::Bmpd).then(|| {
            let listener = TcpListener::bind(link.bmpd).unwrap();
            listener.set_nonblocking(true).unwrap();
            listener
        });
        Self {
            link,
            listener,
            stream: None,
            bytes: vec![],
            routes: Routes::new(),
            end_of_rib: vec![],
            notification: None,
            connections: 0,
        }
    }

    fn connect(&mut self) -> Result<(), String> {
        let failed = |e: std::io::Error| format!("connecting: {e}");
        let mut stream = match &self.listener {
            Some(listener) => listener.accept().map_err(failed)?.0,
            None => TcpStream::connect_timeout(&self.link.program, Duration::from_secs(1))
                .map_err(failed)?,
        };
        stream.set_nonblocking(false).map_err(failed)?;
        stream.set_read_timeout(Some(Duration::from_millis(50))).map_err(failed)?;
        let SocketAddr::V4(_) = self.link.bmpd else { panic!("IPv4 only") };
        let open = Open { router_id: "192.0.2.254".parse().unwrap(), ..Open::of(BMPD_AS) };
        stream.write_all(&open.encode()).map_err(failed)?;
        self.stream = Some(stream);
        self.bytes.clear();
        self.routes.clear();
        self.end_of_rib.clear();
        self.notification = None;
        Ok(())
    }

    /// Reads what there is; an error means that there is no connection.
    fn listen(&mut self) -> Result<(), String> {
        if self.stream.is_none() {
            self.connect()?;
        }
        let mut buffer = [0; 65536];
        let stream = self.stream.as_mut().unwrap();
        let n = match stream.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock) => return Ok(()),
            Err(_) => 0,
        };
        if n == 0 {
            self.stream = None;
            return Err("closed".to_owned());
        }
        self.bytes.extend_from_slice(&buffer[..n]);
        while let Some(head) = self.bytes.get(16..18) {
            let length = usize::from(u16::from_be_bytes([head[0], head[1]]));
            if self.bytes.len() < length {
                break;
            }
            let whole: Vec<u8> = self.bytes.drain(..length).collect();
            let message = bgp::split_message(&mut &whole[..])?;
            match message.kind {
                kind::OPEN => {
                    assert_eq!(Open::parse(message.body)?.asn, self.link.asn);
                    stream.write_all(&bgp::message(kind::KEEPALIVE, &[])).unwrap();
                    self.connections += 1;
                }
                kind::UPDATE => {
                    let update = Update::parse(message.body)?;
                    update.apply(&mut self.routes)?;
                    self.end_of_rib.extend(update.end_of_rib);
                }
                kind::NOTIFICATION => {
                    self.notification = Some([message.body[0], message.body[1]]);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Reads until it has exactly these routes.
    #[track_caller]
    pub(super) fn wait_routes(&mut self, expected: &Routes) {
        wait_for("the routes", TIMEOUT, || {
            self.listen()?;
            difference(expected, &self.routes).map_or(Ok(()), Err)
        });
    }

    /// Reads until the connection is gone.
    #[track_caller]
    pub(super) fn wait_closed(&mut self) {
        wait_for("the end", TIMEOUT, || match self.listen() {
            Err(e) if e == "closed" => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}

mod tests {
    use super::*;
    use crate::bgp::Prefix;
    use crate::programs::{
        Announced, Speaker, bird::Bird, bmpd_listens, exabgp::Exabgp, frr::Frr, gobgp::Gobgp,
        sample,
    };
    use crate::scratch::Scratch;

    /// A table, changes to it, a crash and a restart.
    #[track_caller]
    fn try_out<S: Speaker>(start: impl FnOnce(&Scratch, Link, Announced) -> S, connects: Connects) {
        let scratch = Scratch::new();
        let link = Link::new(bmpd_listens(), 4_200_000_001, connects);
        let mut receiver = Receiver::new(link);
        let mut speaker = start(&scratch, link, sample(link.asn, 12, 6, 1));
        receiver.wait_routes(&speaker.expected());

        let prefixes: Vec<Prefix> = speaker.announced().keys().copied().step_by(3).collect();
        speaker.withdraw(&prefixes);
        receiver.wait_routes(&speaker.expected());
        speaker.announce(sample(link.asn, 5, 5, 2));
        // Others than before for those that stay.
        speaker.announce(
            sample(link.asn, 12, 6, 3)
                .into_values()
                .zip(speaker.announced().keys())
                .map(|(a, p)| (*p, a))
                .collect(),
        );
        receiver.wait_routes(&speaker.expected());

        speaker.kill();
        receiver.wait_closed();
        speaker.start_again();
        receiver.wait_routes(&speaker.expected());
        speaker.stop();
        receiver.wait_closed();
        assert_eq!(receiver.connections, 2);
    }

    #[test]
    fn bird_connects() {
        try_out(Bird::start, Connects::Program);
    }

    #[test]
    fn bird_waits() {
        try_out(Bird::start, Connects::Bmpd);
    }

    #[test]
    fn frr_connects() {
        try_out(Frr::start, Connects::Program);
    }

    #[test]
    fn frr_waits() {
        try_out(Frr::start, Connects::Bmpd);
    }

    #[test]
    fn gobgp_connects() {
        try_out(Gobgp::start, Connects::Program);
    }

    #[test]
    fn gobgp_waits() {
        try_out(Gobgp::start, Connects::Bmpd);
    }

    #[test]
    fn exabgp_connects() {
        try_out(Exabgp::start, Connects::Program);
    }

    #[test]
    fn exabgp_waits() {
        try_out(Exabgp::start, Connects::Bmpd);
    }
}
