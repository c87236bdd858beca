//! What the machine itself needs: the floors under what is measured.
//!
//! [`read_neighbors`] is the load without a BMP sender: a receiver that only counts has the same neighbors.
//! [`move_bytes`] is the dump without one: as many bytes go through loopback TCP to as many readers. [`replay`] is
//! that with the stations of the race: they have to count as well, which no sender spares them.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::counter::Counter;
use super::speaker::Speaker;
use crate::bgp::{self, Open, Update, kind};
use crate::table::Table;

const BLOCK: usize = 256 * 1024;

/// From the start of the announcements until all routes of all neighbors have been counted.
pub(super) fn read_neighbors(
    address: IpAddr,
    neighbors: &[(IpAddr, u32)],
    tables: &[Arc<Table>],
    limit: Duration,
) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind(SocketAddr::new(address, 0))?;
    let at = listener.local_addr()?;
    let sinks: Vec<_> = tables
        .iter()
        .map(|table| {
            let (listener, routes) = (listener.try_clone()?, table.routes());
            Ok(thread::spawn(move || count(&listener, routes, limit)))
        })
        .collect::<anyhow::Result<_>>()?;
    let speakers: Vec<Speaker> = neighbors
        .iter()
        .take(tables.len())
        .map(|(address, asn)| Speaker::connect(*address, *asn, at))
        .collect::<anyhow::Result<_>>()?;
    let begun = Instant::now();
    for (speaker, table) in speakers.iter().zip(tables) {
        speaker.announce(table);
    }
    let mut last = begun;
    for sink in sinks {
        last = last.max(sink.join().map_err(|_| anyhow::anyhow!("a sink panicked"))??);
    }
    Ok(last - begun)
}

/// Accepts one neighbor's connection, counts its routes, and returns when all of them were there.
fn count(listener: &TcpListener, routes: u64, limit: Duration) -> anyhow::Result<Instant> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(limit))?;
    let ours = Open { hold_time: 240, ..Open::of(65000) };
    stream.write_all(&[ours.encode(), bgp::message(kind::KEEPALIVE, &[])].concat())?;
    let mut buffer = vec![0; 2 * BLOCK];
    let (mut filled, mut counted) = (0, 0);
    loop {
        let n = stream.read(&mut buffer[filled..]).context("the neighbor says nothing")?;
        ensure!(n > 0, "the neighbor closed after {counted} of {routes} routes");
        filled += n;
        let mut rest = &buffer[..filled];
        while let Some(message) = bgp::split_arrived(&mut rest).map_err(anyhow::Error::msg)? {
            if message.kind == kind::UPDATE {
                let update = Update::parse(message.body).map_err(anyhow::Error::msg)?;
                for reach in update.announced() {
                    let n = bgp::count_nlri(reach.family, reach.nlri);
                    counted += n.map_err(anyhow::Error::msg)?;
                }
            }
        }
        if counted >= routes {
            return Ok(Instant::now());
        }
        let left = rest.len();
        buffer.copy_within(filled - left..filled, 0);
        filled = left;
    }
}

/// From `begun`, which is now, until every one of the stations has counted the routes of this dump.
pub(super) fn replay(
    dump: &Arc<Vec<u8>>,
    stations: &[Counter],
    begun: Instant,
    limit: Duration,
) -> anyhow::Result<Duration> {
    let before: Vec<usize> = stations.iter().map(Counter::connections).collect();
    let mut writing = vec![];
    for station in stations {
        let mut stream = TcpStream::connect(station.address())?;
        stream.set_write_timeout(Some(limit))?;
        let dump = dump.clone();
        writing.push(thread::spawn(move || {
            for block in dump.chunks(BLOCK) {
                stream.write_all(block)?;
            }
            std::io::Result::Ok(stream)
        }));
    }
    let mut last = begun;
    for (station, before) in stations.iter().zip(before) {
        last =
            last.max(station.wait(before, limit, || Ok(()), |connection| connection.complete)?);
    }
    for writer in writing {
        writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
    }
    Ok(last - begun)
}

/// From the first write until each of the readers has read this many bytes.
pub(super) fn move_bytes(bytes: u64, readers: usize) -> anyhow::Result<Duration> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let start = Arc::new(Barrier::new(2 * readers + 1));
    let mut writing = vec![];
    let mut reading = vec![];
    for _ in 0..readers {
        let mut writer = TcpStream::connect(listener.local_addr()?)?;
        let (mut reader, _) = listener.accept()?;
        let begin = start.clone();
        writing.push(thread::spawn(move || {
            let block = vec![0x5a; BLOCK];
            begin.wait();
            let mut left = bytes;
            while left > 0 {
                let n = left.min(BLOCK as u64);
                writer.write_all(&block[..n as usize])?;
                left -= n;
            }
            std::io::Result::Ok(())
        }));
        let begin = start.clone();
        reading.push(thread::spawn(move || {
            let mut block = vec![0; BLOCK];
            begin.wait();
            let mut read = 0;
            while read < bytes {
                let n = reader.read(&mut block)?;
                ensure!(n > 0, "the connection ended too early");
                read += n as u64;
            }
            Ok(Instant::now())
        }));
    }
    let begun = Instant::now();
    start.wait();
    let mut last = begun;
    for reader in reading {
        last = last.max(reader.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??);
    }
    for writer in writing {
        writer.join().map_err(|_| anyhow::anyhow!("a writer panicked"))??;
    }
    Ok(last - begun)
}
