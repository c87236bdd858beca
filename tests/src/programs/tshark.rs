//! tshark as an independent check of what was on the wire.
//!
//! `dumpcap` writes what goes to and comes from one TCP port of one address; `tshark` dissects it
//! afterwards, with the port decoded as BMP.
//!
//! What was found out with 4.0.17:
//! - `dumpcap` reports that it captures before it does, and the kernel hands packets over in blocks:
//!   at both ends a datagram of known bytes is sent to the same port, and the file is waited for to
//!   have it (about 0.6 s). So no packet is missing at the start or at the end.
//! - BMP has no port of its own in tshark: `-d tcp.port==PORT,bmp`, which goes before what the
//!   client's port may stand for. Messages that are cut by segments are put together by default, but
//!   only if the capture has the connection's first one.
//! - A datagram whose port the kernel chose can be that of another protocol to tshark (44818 is
//!   EtherNet/IP), and a malformed one: its output on datagrams is ignored.
//! - It guesses whether AS numbers have two or four bytes, from each AS_PATH alone, and calls it an
//!   *error* where it cannot ("ASN length uncalculated by heuristic"): it has to be configured.
//! - A packet with some hundred messages, as loopback carries them, is a fault of tshark's own
//!   ("saved_layers_len < prefs.gui_max_tree_depth") unless it may go deeper than 500 layers.
//! - Every connection has expert *notes* (SYN, FIN); a RST or a full window is a *warning* about
//!   TCP. What counts here is a malformed packet, an error of any layer, and a warning about BMP or
//!   the BGP in it.
//! - It finds out about ADD-PATH by itself, from each message. In its PDML every NLRI is a field with
//!   all of its bytes, but for EVPN, which has them in parts.
//! - It supports no information after the two OPENs of a Peer Up (RFC 7854 section 4.10, RFC 9069): a
//!   table's name there is "malformed" BGP to it.
//! - It needs root, or capabilities on `dumpcap`: the one program here that does.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use rustix::process::Signal;

use super::{Process, TIMEOUT, command, folder, stdout_of};
use crate::bgp::Family;
use crate::bmp::message::split_messages;
use crate::bmp::{Mode, Record};
use crate::nlri::Seen;
use crate::scratch::Scratch;
use crate::wait::wait_for;

const WARNING: u32 = 0x60_0000;
const ERROR: u32 = 0x80_0000;
const SEQUENCE: u32 = 0x0200_0000;

const BEGIN: &[u8] = b"here begins what the test is about";
const END: &[u8] = b"here ends what the test is about";

/// A capture that is running. It ends when dropped.
#[derive(Debug)]
pub struct Capture {
    station: SocketAddr,
    file: PathBuf,
    process: Process,
}

impl Capture {
    /// Captures what goes to and comes from `station`, from now on.
    ///
    /// # Panics
    /// When it cannot, as it is without root.
    #[track_caller]
    pub fn start(scratch: &Scratch, station: SocketAddr) -> Self {
        let folder = folder(scratch, &format!("capture-{station}"));
        let file = folder.join("capture.pcapng");
        let filter = format!("host {} and port {}", station.ip(), station.port());
        let mut dumpcap = command("dumpcap");
        dumpcap.args(["-q", "-i", "lo", "-f", &filter, "-w"]).arg(&file);
        let mut process = Process::spawn("dumpcap", &folder, &mut dumpcap);
        process.wait_ready(|_| mark(station, &file, BEGIN));
        Self { station, file, process }
    }

    /// Ends the capture.
    ///
    /// # Panics
    /// When packets were lost.
    #[track_caller]
    pub fn stop(mut self) -> Captured {
        wait_for("the end of the capture", TIMEOUT, || mark(self.station, &self.file, END));
        self.process.signal(Signal::INT);
        let log = self.process.log.clone();
        wait_for("dumpcap to end", TIMEOUT, || match self.process.child.try_wait() {
            Ok(Some(_)) => Ok(()),
            other => Err(format!("{other:?}\n{}", self.process.tail())),
        });
        let said = super::text(&log);
        assert!(said.contains("/0 (pcap:0/dumpcap:0/"), "packets were lost\n{said}");
        Captured { port: self.station.port(), file: self.file }
    }
}

/// Sends a mark; an error means that the file does not have it yet.
fn mark(station: SocketAddr, file: &PathBuf, bytes: &[u8]) -> Result<(), String> {
    let from = SocketAddr::new(station.ip(), 0);
    let sent = UdpSocket::bind(from).and_then(|socket| socket.send_to(bytes, station));
    sent.map_err(|e| e.to_string())?;
    let capture = fs::read(file).unwrap_or_default();
    if capture.windows(bytes.len()).any(|window| window == bytes) {
        Ok(())
    } else {
        Err(format!("the mark is not in {} yet", file.display()))
    }
}

/// A finished capture.
#[derive(Debug)]
pub struct Captured {
    port: u16,
    file: PathBuf,
}

impl Captured {
    fn tshark(&self) -> Command {
        let mut tshark = command("tshark");
        tshark
            .arg("-r")
            .arg(&self.file)
            .args(["-d", &format!("tcp.port=={},bmp", self.port)])
            .args(["-o", "bgp.asn_len:4 octet", "-o", "gui.max_tree_depth:100000"])
            .env("HOME", self.file.parent().expect("a folder"));
        tshark
    }

    /// The dissection: the fields of all packets that `filter` matches, a line each.
    #[track_caller]
    pub fn dissect(&self, filter: &str, fields: &[&str]) -> Vec<String> {
        let mut tshark = self.tshark();
        tshark.args(["-Y", filter, "-T", "fields"]);
        for field in fields {
            tshark.args(["-e", field]);
        }
        stdout_of(&mut tshark).lines().map(str::to_owned).collect()
    }

    /// What tshark finds wrong; a line for each packet.
    ///
    /// # Panics
    /// When tshark does not run.
    #[track_caller]
    pub fn faults(&self) -> Vec<String> {
        // epan/proto.h: severities are error 0x800000, warning 0x600000; the group 0x02000000 is
        // "sequence", in which TCP reports resets and full windows.
        let filter = format!("tcp && (_ws.malformed || _ws.expert.severity >= {WARNING})");
        let fields =
            ["frame.number", "_ws.expert.severity", "_ws.expert.group", "_ws.expert.message"];
        let mut faults = Vec::new();
        for line in self.dissect(&filter, &fields) {
            let parts: Vec<&str> = line.split('\t').collect();
            let numbers = |text: &str| -> Vec<u32> {
                text.split(',').filter_map(|n| n.parse().ok()).collect()
            };
            let (severities, groups) = (numbers(parts[1]), numbers(parts[2]));
            let harmless = !severities.is_empty()
                && severities.iter().zip(&groups).all(|(severity, group)| {
                    *severity < WARNING || (*severity < ERROR && *group == SEQUENCE)
                });
            if !harmless {
                faults.push(format!("packet {}: {}", parts[0], parts[3]));
            }
        }
        faults
    }

    /// How many BMP messages of each type there are.
    ///
    /// # Panics
    /// When tshark does not run.
    #[track_caller]
    pub fn messages(&self) -> BTreeMap<u8, u64> {
        let mut messages = BTreeMap::new();
        for line in self.dissect("bmp", &["bmp.type"]) {
            // A packet can hold several messages, whose values tshark lists with commas.
            for kind in line.split(',') {
                *messages.entry(kind.parse().expect("a type")).or_default() += 1;
            }
        }
        messages
    }

    /// Every NLRI that the UPDATEs carried, as tshark cuts them.
    ///
    /// # Panics
    /// When tshark does not run.
    #[track_caller]
    pub fn nlri(&self) -> Seen {
        let mut tshark = self.tshark();
        let dissection = stdout_of(tshark.args(["-Y", "bmp", "-T", "pdml"]));
        let attribute = |line: &str, name: &str| -> Option<String> {
            let (_, rest) = line.split_once(&format!(" {name}=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let mut seen = Seen::default();
        // The family that an attribute names before its NLRI.
        let mut family = Family::IPV4;
        // The field whose children are NLRI: how deep it is, their family, whether they are withdrawn.
        let mut parent: Option<(usize, Family, bool)> = None;
        // An NLRI that has no value, only parts: where it begins, its size, what there is so far.
        let mut parts: Option<(usize, usize, Vec<u8>)> = None;
        let mut depth = 0;
        for line in dissection.lines().map(str::trim_start) {
            if line.starts_with("</field>") {
                depth -= 1;
                if let Some((at, family, gone)) = parent
                    && depth == at + 1
                    && let Some((_, size, mut bytes)) = parts.take()
                {
                    // A label of zero in a withdrawal has no value either.
                    bytes.resize(size, 0);
                    let side = if gone { &mut seen.withdrawn } else { &mut seen.announced };
                    side.entry(family).or_default().insert(bytes);
                }
                parent = parent.filter(|(at, ..)| *at < depth);
                continue;
            }
            if !line.starts_with("<field ") {
                continue;
            }
            let value = || attribute(line, "value").unwrap_or_default();
            let place = |name| {
                attribute(line, name).and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX)
            };
            if let Some((at, family, gone)) = parent
                && depth == at + 1
            {
                if value().is_empty() {
                    parts = Some((place("pos"), place("size"), vec![]));
                } else {
                    let side = if gone { &mut seen.withdrawn } else { &mut seen.announced };
                    side.entry(family).or_default().insert(unhex(&value()));
                }
            } else if let Some((begin, _, bytes)) = &mut parts
                && place("pos") == *begin + bytes.len()
            {
                // The value of some bits of a field is shifted; what they are in is beside it.
                let whole = attribute(line, "unmaskedvalue").unwrap_or_else(value);
                if whole.len() == place("size").saturating_mul(2) {
                    bytes.extend(unhex(&whole));
                }
            }
            let name = attribute(line, "name").unwrap_or_default();
            let number = || u16::from_str_radix(&value(), 16).expect("a number");
            let part = name.strip_prefix("bgp.update.").unwrap_or_default();
            let opens = !line.ends_with("/>");
            match part.strip_prefix("path_attribute.").unwrap_or(part) {
                "mp_reach_nlri.afi" | "mp_unreach_nlri.afi" => family.afi = number(),
                "mp_reach_nlri.safi" | "mp_unreach_nlri.safi" => family.safi = number() as u8,
                "mp_reach_nlri" if opens => parent = Some((depth, family, false)),
                "mp_unreach_nlri" if opens => parent = Some((depth, family, true)),
                "nlri" if opens => parent = Some((depth, Family::IPV4, false)),
                "withdrawn_routes" if opens => parent = Some((depth, Family::IPV4, true)),
                _ => {}
            }
            depth += usize::from(opens);
        }
        seen
    }

    /// What the connections carried to the station: of each the port it came from and a record,
    /// in the order in which they were opened.
    ///
    /// # Panics
    /// When tshark does not run, or a connection ends within a message.
    #[track_caller]
    pub fn connections(&self) -> Vec<(u16, Record)> {
        let opened = format!("tcp.flags.syn == 1 && tcp.dstport == {}", self.port);
        let lines = self.dissect(&opened, &["tcp.stream", "tcp.srcport"]);
        let connections = lines.iter().map(|line| {
            let (stream, port) = line.split_once('\t').expect("two fields");
            let mut tshark = self.tshark();
            let bytes: Vec<u8> =
                stdout_of(tshark.args(["-q", "-z", &format!("follow,tcp,raw,{stream}")]))
                    .lines()
                    // A line of digits is a segment to the station; one from it has a tab before it.
                    .filter(|line| line.bytes().all(|b| b.is_ascii_hexdigit()))
                    .flat_map(unhex)
                    .collect();
            (port.parse().expect("a port"), record(&bytes))
        });
        connections.collect()
    }
}

/// The bytes that these digits are.
fn unhex(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| {
        let pair = str::from_utf8(pair).expect("they are ASCII");
        u8::from_str_radix(pair, 16).expect("two digits")
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// The record of these bytes.
#[track_caller]
fn record(bytes: &[u8]) -> Record {
    let mut record = Record::new(Mode::Keeping);
    for message in split_messages(bytes).unwrap_or_else(|e| panic!("{e}")) {
        record.message(message.whole, Instant::now());
    }
    record
}

#[cfg(test)]
mod tests {
    //! Without a fault that is found, a capture without faults says nothing.

    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use socket2::{Domain, Socket, Type};

    use super::*;
    use crate::addresses::loopback;

    const INITIATION: [u8; 16] = [3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'];
    const TERMINATION: [u8; 12] = [3, 0, 0, 0, 12, 5, 0, 1, 0, 2, 0, 0];

    /// Ports that clients get like any other, though they are those of EtherCAT and EtherNet/IP.
    const FOREIGN: (u16, u16) = (34980, 44818);

    /// Sends the pieces, each in a segment of its own.
    fn captured(scratch: &Scratch, pieces: &[&[u8]]) -> Captured {
        let listener = TcpListener::bind((loopback(), 0)).unwrap();
        let station = listener.local_addr().unwrap();
        let capture = Capture::start(scratch, station);
        let from = loopback();
        let stray = UdpSocket::bind((from, FOREIGN.1)).unwrap();
        stray.send_to(b"what a mark could be like", station).unwrap();
        let sender = Socket::new(Domain::for_address(station), Type::STREAM, None).unwrap();
        sender.bind(&SocketAddr::from((from, FOREIGN.0)).into()).unwrap();
        sender.connect(&station.into()).unwrap();
        let mut sender = TcpStream::from(sender);
        let mut receiver = listener.accept().unwrap().0;
        for piece in pieces {
            sender.write_all(piece).unwrap();
            receiver.read_exact(&mut vec![0; piece.len()]).unwrap();
        }
        drop(sender);
        assert_eq!(receiver.read(&mut [0; 1]).unwrap(), 0);
        capture.stop()
    }

    #[test]
    fn what_is_wrong_is_found() {
        let scratch = Scratch::new();
        // The length of the sysName is more than there is.
        let mut wrong = INITIATION;
        wrong[14] = 9;
        let captured = captured(&scratch, &[&wrong, &TERMINATION]);
        assert_eq!(captured.faults().len(), 1, "{:?}", captured.faults());
    }
}
