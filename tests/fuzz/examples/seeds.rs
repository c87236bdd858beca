//! Makes seeds of what a neighbor has sent, byte by byte from its OPEN on: `seeds FOLDER CAPTURE...`.
//!
//! The captures that the corpus began with are of BIRD, FRR, GoBGP and ExaBGP ([`tests::tap`]). Frames are made
//! of every kind of request, and of answers.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use shared::event::{Event, EventKind};
use shared::frame::{self, Kind};
use shared::names::{NeighborId, Selector, SessionId};
use shared::request::{
    Operation, Query, Request, ResetSession, SetLog, WhichInstances, WhichNeighbors,
};
use shared::response::{Failure, LogLevel, NeighborState, Response};
use shared::time::Timestamp;
use tests::bgp::{self, kind};

/// The longest seed.
const MAX: usize = 2048;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().ok_or("seeds FOLDER CAPTURE...")?;
    let folder = Path::new(&folder);
    for path in arguments {
        let name = Path::new(&path).file_name().ok_or("a file")?.to_string_lossy().into_owned();
        of_capture(folder, &name, &fs::read(&path)?)?;
    }
    of_frames(folder)
}

fn write(folder: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    if bytes.len() <= MAX {
        fs::create_dir_all(folder.join(target))?;
        fs::write(folder.join(target).join(name), bytes)?;
    }
    Ok(())
}

fn of_capture(folder: &Path, name: &str, mut bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let mut conversation = vec![7];
    let mut number = 0;
    while !bytes.is_empty() {
        let message = bgp::split_message(&mut bytes)?;
        number += 1;
        let name = format!("{name}-{number:03}");
        match message.kind {
            kind::OPEN => write(folder, "open", &name, message.body)?,
            kind::NOTIFICATION => write(folder, "notification", &name, message.body)?,
            kind::UPDATE => {
                for options in [0, 4] {
                    let seed = [&[options], message.body].concat();
                    write(folder, "update", &format!("{name}-{options}"), &seed)?;
                }
            }
            _ => {}
        }
        if conversation.len() + message.whole.len() < MAX {
            conversation.push(message.kind);
            conversation.extend_from_slice(&(message.body.len() as u16).to_be_bytes());
            conversation.extend_from_slice(message.body);
        }
    }
    write(folder, "conversation", name, &conversation)
}

fn of_frames(folder: &Path) -> Result<(), Box<dyn Error>> {
    let id = SessionId {
        vpn_instance: Some("mgmt".parse()?),
        address: "10.1.1.1".parse()?,
        alias: Some("aa".parse()?),
    };
    let one = || Selector::One(id.clone());
    let neighbor = NeighborId { vpn_instance: None, address: "192.0.2.2".parse()? };
    let requests = [
        Request::Operation(Operation::ResetSession(ResetSession {
            selector: one(),
            stagger: 1000,
            follow: true,
        })),
        Request::Query(Query::ResetPlan(Selector::All { vpn_instance: None })),
        Request::Query(Query::ReloadPlan),
        Request::Operation(Operation::ClearStatistics(one())),
        Request::Operation(Operation::SetLog(SetLog {
            level: Some(LogLevel::Debug),
            lasts: Some(600_000),
        })),
        Request::Query(Query::Log),
        Request::Query(Query::Session(one())),
        Request::Query(Query::Neighbor(WhichNeighbors {
            address: Some(neighbor.address),
            vpn_instance: id.vpn_instance.clone(),
        })),
        Request::Query(Query::VpnInstance(WhichInstances(None))),
        Request::Query(Query::Config),
        Request::Query(Query::Status),
        Request::Query(Query::Directory),
        Request::Monitor,
    ];
    for (number, request) in requests.iter().enumerate() {
        let bytes = old(frame::encode(Kind::Request, request)?);
        write(folder, "frames", &format!("request-{number:02}"), &bytes)?;
    }
    let what = EventKind::Neighbor {
        id: neighbor,
        from: Some(NeighborState::OpenSent),
        to: Some(NeighborState::Established),
        why: "both sides agree".to_owned(),
    };
    let at = Timestamp(1_700_000_000_005);
    let responses = [
        Response::Failed(Failure::Other("it cannot be".to_owned())),
        Response::Events { events: vec![Event { at, what }], lost: 3 },
    ];
    for (number, response) in responses.iter().enumerate() {
        let bytes = old(frame::encode(Kind::Response, response)?);
        write(folder, "frames", &format!("response-{number:02}"), &bytes)?;
    }
    write(folder, "frames", "refusal", &old(frame::refusal("no")))
}

/// With a version that stands for the one of today.
fn old(mut frame: Vec<u8>) -> Vec<u8> {
    frame[4..6].fill(0);
    frame
}
