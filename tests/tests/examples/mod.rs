//! Every example of the README, of the documents, of the manual pages and of the help is run: against a
//! bmpd whose sessions and neighbors are those that the examples name.
//!
//! An example does what it says if its exit code is 0, or the one that a comment behind it gives (`# exit
//! code 3`). Nothing is left out silently: what cannot be run here stands in [`ELSEWHERE`] with the reason.

mod collect;
mod started;

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use tests::bgp::Family;
use tests::daemon::{Daemon, binary, run};
use tests::documents::{blocks, repository, text};
use tests::machine::Machine;
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::relay::Router;
use tests::relay::example::Example;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Table;
use tests::wait::wait_until;

use collect::{File, collect};
use started::Started;

const TIMEOUT: Duration = Duration::from_secs(60);

/// What is not run here, by how it begins, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("cargo ", "it builds or installs a program; what it makes is what the tests run"),
    ("bmpctl show publisher lake", "there are no brokers: no publisher is configured"),
    ("bmpctl reset publisher lake", "there are no brokers: no publisher is configured"),
    ("bmpctl -H ", "there is no other host; tests/tests/remote.rs has one"),
    ("ssh -fN ", "there is no other host; tests/tests/remote.rs forwards a socket"),
    ("bmpctl --socket \"$HOME/edge1.sock\"", "the socket of the line before"),
    ("tests/run", "it runs this test"),
    ("pkg/", "it makes a release; tests/tests/packages.rs makes the package and walks through it"),
    ("apt-get ", "tests/tests/packages.rs installs and purges the package"),
    ("curl ", "nobody listens for HTTP there; tests/tests/metrics.rs asks as Prometheus does"),
    ("tests/heart/count", "it counts in a release build; .ci/run runs it"),
    ("install -D target/release/", "there is no release build; the programs are in place already"),
    (
        "systemctl ",
        "there is no running systemd; tests/tests/automation.rs does the like without one, units.rs with one",
    ),
];

/// A session that is sent bmpd itself, as in most of the examples.
fn session(address: IpAddr, port: u16, alias: Option<&str>) -> String {
    let text = tests::daemon::session(address, port, alias);
    format!("{}\nmonitor.routers = [\"local\"]\n\n", text.trim_end())
}

/// What the examples speak of.
struct World {
    netns: [Netns; 2],
    _stations: Vec<Station>,
    _neighbor: Neighbor,
    _router: Router,
    daemon: Daemon,
    machine: Machine,
    /// Where the commands run: it has what the repository has, and a `bmpd.toml`.
    folder: PathBuf,
}

impl World {
    fn new(scratch: &Scratch) -> Self {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let [v4, v6] = [address("10.1.1.1"), address("2001:db8:1::1")];
        // That of the demo, whose screen is in the README.
        let demo = address("127.0.0.1");
        let [ours, theirs] = [address("192.0.2.1"), address("192.0.2.2")];
        let public = Netns::with(&[v4, v6, ours, theirs]);
        let mgmt = Netns::with(&[v6]);
        let listen = |netns, address, port| {
            Station::listen_in(netns, SocketAddr::new(address, port), Mode::Counting)
        };
        let stations = vec![
            listen(&public, v4, 11019),
            listen(&public, v4, 11020),
            listen(&public, v6, 11019),
            listen(&public, demo, 11019),
            listen(&public, demo, 11020),
            listen(&mgmt, v6, 11019),
        ];
        let config = [
            session(v4, 11019, None),
            session(v4, 11020, Some("aa")),
            session(v6, 11019, None),
            session(demo, 11019, None),
            session(demo, 11020, Some("aa")),
            session(v6, 11019, None).replace("address", "vpn-instance = \"mgmt\"\naddress"),
            format!("[[vpn-instance]]\nname = \"mgmt\"\nnetns = \"{}\"\n\n", mgmt.name()),
            format!("[bgp]\nas = 65000\nrouter-id = \"{ours}\"\nlisten = [\"{ours}:179\"]\n\n"),
            format!(
                "[relay]\nlisten = [\"{ours}:11019\"]\n\n[[router]]\nname = \"edge1\"\naddress = \"{theirs}\"\n\n"
            ),
            format!(
                "[[bgp.neighbor]]\naddress = \"{theirs}\"\nremote-as = 65001\npassive = true\n\n"
            ),
        ];
        // A program belongs to the namespace of the thread that starts it.
        let daemon = public.run(|| Daemon::start(scratch, &config.concat()));
        let options = Options::new(theirs, 65001);
        let neighbor = Neighbor::connect_in(&public, &options, SocketAddr::new(ours, 179));
        neighbor.send_table(&Table::full(1_000, 200));
        neighbor.end_of_rib(Family::IPV4);
        neighbor.end_of_rib(Family::IPV6);
        let router = public.run(|| Router::connect(theirs, SocketAddr::new(ours, 11019)));
        let mut example = Example::new("edge1", 1);
        router.send(example.initiation());
        router.send(example.dump());
        let folder = scratch.join("folder");
        fs::create_dir(&folder).unwrap();
        for name in ["completions", "docs", "etc"] {
            symlink(repository(name), folder.join(name)).unwrap();
        }
        let own = format!("[control]\nsocket = \"{}\"\n", folder.join("own.sock").display());
        fs::write(folder.join("bmpd.toml"), own).unwrap();
        // The one of the page about it.
        let page = text("docs/migration.md");
        let frr = blocks(&page).into_iter().find(|block| block.language == "text").unwrap();
        fs::write(folder.join("frr.conf"), frr.text).unwrap();
        let machine = Machine::new(scratch);
        let _stations = stations;
        Self {
            netns: [public, mgmt],
            _stations,
            _neighbor: neighbor,
            _router: router,
            daemon,
            machine,
            folder,
        }
    }

    /// Runs one; an error says what went wrong.
    fn run(&self, line: &str) -> Result<(), String> {
        let (line, expected) = match line.split_once("# exit code ") {
            Some((line, code)) => (line.trim(), code.trim().parse().unwrap()),
            // A script has its comments in it.
            None if line.contains('\n') => (line, 0),
            None => (line.split(" # ").next().unwrap_or(line).trim(), 0),
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"bmpd")
            && !words.contains(&"--check")
            && !words.contains(&"--import")
            && !words.contains(&"--explain")
            && !words.contains(&"--schema")
            && !line.contains("--version")
        {
            return self.run_daemon(line);
        }
        let endless = words.contains(&"monitor") || words.iter().any(|w| w.starts_with("--watch"));
        if words.first() == Some(&"bmpctl") && endless {
            return self.run_stream(line);
        }
        let output = run(&mut self.machine.shell(line, &self.folder), TIMEOUT);
        // A script may have others in it that speak.
        let is_silent =
            !line.contains('\n') && words.iter().any(|word| ["--quiet", "-q"].contains(word));
        if output.status != expected {
            Err(format!("exit code {expected} was expected: {output}"))
        } else if is_silent && expected == 0 && !output.text().is_empty() {
            Err(format!("it was to be quiet: {output}"))
        } else {
            Ok(())
        }
    }

    /// Waits until every station has been sent everything.
    fn wait_synchronised(&self) {
        self.daemon.bmpctl(&["reset", "session", "all", "--wait=60s"]).done();
    }

    /// What a command prints; of one that goes on until it is ended, what it prints of a reset.
    fn printed(&self, line: &str) -> String {
        let (line, _) = line.split_once(" # ").unwrap_or((line, ""));
        if line != "bmpctl monitor" {
            let printed = run(&mut self.machine.shell(line, &self.folder), TIMEOUT).text();
            return self.as_elsewhere(&printed);
        }
        let mut stream = self.begin(line);
        wait_until("it to watch", TIMEOUT, || {
            let status = self.daemon.bmpctl(&["show", "status", "--json"]);
            let status: serde_json::Value = serde_json::from_str(status.done()).unwrap();
            status["status"]["monitors"] == 1
        });
        self.daemon.bmpctl(&["reset", "session", "10.1.1.1", "--wait"]).done();
        let mut printed = String::new();
        let outcome = stream.wait("the end of the reset", |said| {
            printed = said.to_owned();
            said.contains("every route was sent\n")
        });
        outcome.unwrap();
        printed
    }

    /// With the names that a host of its own would have.
    fn as_elsewhere(&self, printed: &str) -> String {
        let [_, mgmt] = &self.netns;
        let uname = rustix::system::uname();
        let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
        let (release, host) = (text(uname.release()), text(uname.nodename()));
        // In a table it must stay as wide.
        let name = format!("{:width$}", "mgmt", width = mgmt.name().len());
        printed
            .replace(&format!("{}\"", mgmt.name()), "mgmt\"")
            .replace(mgmt.name(), &name)
            .replace(&self.daemon.config().display().to_string(), "/etc/bmpd/bmpd.toml")
            .replace(&self.daemon.socket().display().to_string(), "/run/bmpd/bmpd.sock")
            .replace(&format!("Linux {release}"), "Linux 6.1.0-40-amd64")
            .replace(&format!("\"{host}\""), "\"edge1\"")
            .replace(&format!("System name:       {host}\n"), "System name:       edge1\n")
    }

    /// What goes on until it is ended has to say something, and to be there still.
    fn run_stream(&self, line: &str) -> Result<(), String> {
        let mut stream = self.begin(line);
        stream.wait("its first output", |said| {
            // Something has to happen for there to be an event.
            self.daemon.bmpctl(&["reset", "session", "10.1.1.1"]).done();
            !said.is_empty()
        })
    }

    /// bmpd has to answer at its socket, and to exit with 0 when it is stopped.
    fn run_daemon(&self, line: &str) -> Result<(), String> {
        let mut daemon = self.begin(line);
        let socket = self.folder.join("own.sock");
        daemon.wait("its answer", |_| {
            let mut ask = Command::new(binary("bmpctl"));
            let ask = ask.args(["--quiet", "show", "session", "--socket"]).arg(&socket);
            run(ask, TIMEOUT).status == 0
        })?;
        daemon.terminate()
    }

    fn begin(&self, line: &str) -> Started {
        let command = self.machine.shell(&format!("exec {line}"), &self.folder);
        Started::begin(command, &self.folder.join("said"))
    }
}

#[test]
fn every_example_does_what_it_says() {
    let scratch = Scratch::new();
    let world = World::new(&scratch);
    let examples = collect();
    let mut wrong = Vec::new();
    let mut skipped = Vec::new();
    for (line, places) in &examples.commands {
        if let Some((begin, _)) = ELSEWHERE.iter().find(|(begin, _)| line.starts_with(begin)) {
            skipped.push(*begin);
            continue;
        }
        if let Err(reason) = world.run(line) {
            wrong.push(format!("{line}\nin {}\n{reason}", places.join(", ")));
        }
    }
    for (begin, reason) in ELSEWHERE {
        assert!(skipped.contains(begin), "no example begins with {begin:?} any more ({reason})");
    }
    let count = examples.commands.len();
    assert!(count > 50, "only {count} examples were found");
    assert!(wrong.is_empty(), "{} of {count} examples:\n\n{}", wrong.len(), wrong.join("\n"));
}

/// What a command has printed, but for what is another number or moment each time, and units of bytes, which follow
/// from the numbers.
fn shape(text: &str) -> Vec<String> {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let is_number = |word: &str| {
        let mut kinds = word.chars();
        word.contains(|c: char| c.is_ascii_digit())
            && kinds.all(|c| c.is_ascii_digit() || ".,:;+-/%()smhdTZ".contains(c))
    };
    let shown = |word: &str| match is_number(word) {
        true => "#".to_owned(),
        false if UNITS.contains(&word) => "unit".to_owned(),
        false => word.to_owned(),
    };
    // Whether the progress of a reset is seen is a matter of time.
    text.lines()
        .filter(|line| !line.ends_with(": synchronising"))
        .map(|line| line.split_whitespace().map(shown).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn the_reference_prints_what_the_commands_print() {
    let scratch = Scratch::new();
    let world = World::new(&scratch);
    world.wait_synchronised();
    let path = repository("docs/commands.md");
    let page = fs::read_to_string(&path).unwrap();
    let (mut made, mut wrong) = (String::new(), Vec::new());
    let mut rest = &*page;
    while let Some((before, block)) = rest.split_once("\n```console\n$ ") {
        let (block, after) = block.split_once("```\n").unwrap();
        let (line, kept) = block.split_once('\n').unwrap();
        let output = world.printed(line);
        let (mut documented, mut printed) = (shape(kept), shape(&output));
        if line == "bmpctl monitor" {
            // A command and its sessions write their events at the same time.
            documented.sort();
            printed.sort();
        }
        if documented != printed {
            wrong.push(format!("{line}\n{output}"));
        }
        made += &format!("{before}\n```console\n$ {line}\n{output}```\n");
        rest = after;
    }
    made += rest;
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &made).unwrap();
        return;
    }
    let how = "BLESS=1 cargo test -p tests --test all examples::";
    assert!(wrong.is_empty(), "docs/commands.md has another output ({how}):\n{}", wrong.join("\n"));
}

#[test]
fn every_configuration_file_in_a_document_is_good() {
    let scratch = Scratch::new();
    let files = collect().files;
    assert!(files.len() >= 2, "README and bmpd.toml(5) have one each");
    for File { place, text } in files {
        let checked = Daemon::check(&scratch, &text);
        assert_eq!(checked.status, 0, "{place}: {checked}");
        // A part of a file lacks the neighbors or the sessions that are in another part.
        let is_part = |line: &&str| {
            line.starts_with("bmpd: warning: there is no [[session]]:")
                || line
                    .starts_with("bmpd: warning: there are sessions and neither a [[bgp.neighbor]]")
        };
        let others: Vec<&str> = checked.stderr.lines().filter(|line| !is_part(line)).collect();
        assert!(others.is_empty(), "{place}: {others:?}");
    }
}
