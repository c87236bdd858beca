//! kcat, which knows nothing of bmpd, as a reader of a topic.
//!
//! What was found out with 1.7.1 (librdkafka 2.0.2):
//! - It ends as soon as no broker can be reached, whatever its options, as a consumer of a group too: the reader
//!   runs it again.
//! - It reads the partitions that the topic has when it starts.
//! - It writes headers as `name=value` with commas between them: a comma in a value differs from the next
//!   header only in the `=` that follows.
//! - It writes in blocks unless `-u` says otherwise, which costs a system call for every part of a record.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::broker::{Broker, Listener};
use crate::programs::{TIMEOUT, text};
use crate::wait::wait_for;

/// A line of numbers, then key and value, whose lengths it has, then the headers to the end of the line.
const FORMAT: &str = "%p %o %T %K %S\n%k%s%h\n";

/// A record of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The partition's number.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970.
    pub timestamp: i64,
    /// Its key; empty if it has none.
    pub key: Vec<u8>,
    /// Its headers, in order.
    pub headers: Vec<(String, String)>,
    /// Its value. One without (a tombstone) is an error of the reader.
    pub value: Vec<u8>,
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Collected {
    records: Vec<Record>,
    /// Where in `records` each is, by partition and offset.
    places: BTreeMap<(i32, i64), usize>,
    /// What is wrong with the topic. Nothing is read any more.
    error: Option<String>,
    /// kcat as long as it runs; a process that is killed only as long as it is here.
    kcat: Option<Child>,
    is_stopped: bool,
}

impl Collected {
    /// Keeps a record. What was read before must be the same again.
    fn add(&mut self, record: Record) -> io::Result<()> {
        let place = (record.partition, record.offset);
        match self.places.get(&place) {
            Some(index) if self.records[*index] == record => Ok(()),
            Some(index) => Err(invalid(format!(
                "there was another record at this place before, is it another topic of this name?\n\
                 before: {:?}\nnow: {record:?}",
                self.records[*index]
            ))),
            None => {
                self.places.insert(place, self.records.len());
                self.records.push(record);
                Ok(())
            }
        }
    }
}

/// A reader of all partitions of a topic, from their beginning on. It ends when dropped.
///
/// It runs kcat again whenever that ends, from the beginning: it so survives a restart of the broker, and what it
/// reads again must be as before. A topic that was deleted and created again needs a reader of its own.
#[derive(Debug)]
pub struct Reader {
    topic: String,
    log: PathBuf,
    collected: Arc<Mutex<Collected>>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    /// Starts to read, as a client of [`Listener::Plaintext`]: on what secures the broker the reader does not
    /// depend.
    ///
    /// # Panics
    /// When kcat is not installed.
    #[track_caller]
    pub fn start(broker: &Broker, topic: &str) -> Self {
        let mut kcat = consumer(broker, topic);
        let log = broker.folder().join(format!("kcat-{topic}.log"));
        kcat.arg("-u");
        let collected = Arc::new(Mutex::new(Collected::default()));
        let thread = thread::spawn({
            let (collected, log) = (Arc::clone(&collected), log.clone());
            move || {
                while run(&mut kcat, &log, &collected) {
                    thread::sleep(Duration::from_millis(100));
                }
            }
        });
        Self { topic: topic.to_owned(), log, collected, thread: Some(thread) }
    }

    /// Everything up to the present end of the topic, by partition.
    ///
    /// # Panics
    /// When kcat fails, or a record has no value.
    #[track_caller]
    pub fn read_all(broker: &Broker, topic: &str) -> Vec<Record> {
        let mut kcat = consumer(broker, topic);
        kcat.arg("-e").stderr(Stdio::inherit());
        let mut child = spawn(&mut kcat);
        let mut records = vec![];
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        while let Some(record) = next(&mut output).unwrap_or_else(|e| panic!("{topic}: {e}")) {
            records.push(record);
        }
        let status = child.wait().expect("a child can be waited for");
        assert!(status.success(), "kcat failed for {topic}: {status}");
        records.sort_by_key(|record| (record.partition, record.offset));
        records
    }

    /// Ends kcat and runs it again: so it reads partitions that were added.
    ///
    /// # Panics
    /// When kcat cannot be killed.
    #[track_caller]
    pub fn refresh(&self) {
        kill(&mut self.collected());
    }

    fn collected(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().expect("no thread panics with it")
    }

    /// What it has read so far, in the order in which it read it: that of the offsets within each partition.
    ///
    /// # Panics
    /// When what it read is not valid.
    #[track_caller]
    pub fn records(&self) -> Vec<Record> {
        self.with(<[Record]>::to_vec)
    }

    /// The same without a copy.
    ///
    /// # Panics
    /// When what it read is not valid.
    #[track_caller]
    pub fn with<T>(&self, look: impl FnOnce(&[Record]) -> T) -> T {
        let collected = self.collected();
        if let Some(error) = collected.error.clone() {
            drop(collected);
            panic!("{}: {error}", self.topic);
        }
        look(&collected.records)
    }

    /// Waits until there are `count` records or more, and returns all.
    ///
    /// # Panics
    /// When there are not in 60 s, or what it read is not valid.
    #[track_caller]
    pub fn wait_count(&self, count: usize) -> Vec<Record> {
        self.wait(&format!("{count} records"), |records| records.len() >= count);
        self.records()
    }

    /// Waits until the predicate holds for what it has read.
    ///
    /// # Panics
    /// When it does not in 60 s, or what it read is not valid.
    #[track_caller]
    pub fn wait(&self, what: &str, mut predicate: impl FnMut(&[Record]) -> bool) {
        wait_for(&format!("{what} in {}", self.topic), TIMEOUT, || {
            self.with(|records| match predicate(records) {
                true => Ok(()),
                false => Err(format!("{} records", records.len())),
            })
            .map_err(|missing| format!("{missing}\n{}", text(&self.log)))
        });
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Ok(mut collected) = self.collected.lock() {
            collected.is_stopped = true;
            kill(&mut collected);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn kill(collected: &mut Collected) {
    if let Some(kcat) = &mut collected.kcat {
        kcat.kill().unwrap_or_else(|e| panic!("cannot kill kcat: {e}"));
    }
}

/// kcat that reads a topic from its beginning, with the checksums checked.
fn consumer(broker: &Broker, topic: &str) -> Command {
    let properties = [("check.crcs", "true"), ("reconnect.backoff.max.ms", "100")];
    let mut kcat = broker.kcat(Listener::Plaintext, &properties);
    kcat.args(["-C", "-q", "-t", topic, "-o", "beginning", "-f", FORMAT]);
    kcat
}

fn spawn(kcat: &mut Command) -> Child {
    let child = kcat.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    child.unwrap_or_else(|e| panic!("cannot run {kcat:?}: {e}"))
}

/// Runs kcat to its end; whether it is to be run again.
fn run(kcat: &mut Command, log: &PathBuf, collected: &Mutex<Collected>) -> bool {
    let lock = || collected.lock().expect("no thread panics with it");
    let log = File::options().create(true).append(true).open(log);
    kcat.stderr(log.map_or_else(|_| Stdio::null(), Stdio::from));
    let mut output = {
        let mut collected = lock();
        if collected.is_stopped {
            return false;
        }
        let mut child = spawn(kcat);
        let output = child.stdout.take().expect("a pipe");
        collected.kcat = Some(child);
        BufReader::new(output)
    };
    let result = loop {
        match next(&mut output) {
            Ok(Some(record)) => match lock().add(record) {
                Ok(()) => {}
                Err(error) => break Err(error),
            },
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let mut collected = lock();
    if let Some(mut kcat) = collected.kcat.take() {
        let _ = kcat.kill();
        let _ = kcat.wait();
    }
    if let Err(error) = result {
        collected.error = Some(error.to_string());
    }
    !collected.is_stopped && collected.error.is_none()
}

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The next record that kcat writes, if it has not ended. One that it did not write to its end is none.
fn next(output: &mut BufReader<ChildStdout>) -> io::Result<Option<Record>> {
    match whole(output) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        other => other.map(Some),
    }
}

fn whole(output: &mut impl BufRead) -> io::Result<Record> {
    let numbers = line(output)?;
    let parsed: Result<Vec<i64>, _> = numbers.split(' ').map(str::parse).collect();
    let parsed = parsed.map_err(|e| invalid(format!("{numbers:?}: {e}")))?;
    let &[partition, offset, timestamp, key, value] = &*parsed else {
        return Err(invalid(format!("five numbers, not {numbers:?}")));
    };
    let partition = i32::try_from(partition).map_err(|e| invalid(format!("{numbers:?}: {e}")))?;
    // -1 for none.
    let key = bytes(output, usize::try_from(key).unwrap_or(0))?;
    let Ok(value) = usize::try_from(value) else {
        return Err(invalid(format!("no value in partition {partition} at {offset}")));
    };
    let value = bytes(output, value)?;
    let headers = headers(&line(output)?);
    Ok(Record { partition, offset, timestamp, key, headers, value })
}

fn bytes(output: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    output.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// A line without its end.
fn line(output: &mut impl BufRead) -> io::Result<String> {
    let mut line = vec![];
    output.read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    String::from_utf8(line).map_err(|e| invalid(format!("not UTF-8: {e}")))
}

fn headers(line: &str) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = vec![];
    for part in line.split(',') {
        match (part.split_once('='), headers.last_mut()) {
            (Some((name, value)), _) => headers.push((name.to_owned(), value.to_owned())),
            (None, Some((_, value))) => *value += &format!(",{part}"),
            (None, None) => {}
        }
    }
    headers
}
