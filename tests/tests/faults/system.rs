//! What the system can do: no descriptors, no memory, no disk, another clock.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::Value;
use tests::addresses::loopback;
use tests::ctl::Running;
use tests::daemon::{self, Daemon, binary, run};
use tests::faults::neighbors::{dial, flood, garbage};
use tests::faults::{Footprint, Ground, Terms, json};
use tests::neighbor::{Neighbor, Options};
use tests::random::Random;
use tests::scratch::Scratch;
use tests::wait::wait_for;

use super::{LINES, TIMEOUT};

/// Changes how many descriptors a bmpd may have; returns what it was.
fn allow_descriptors(daemon: &Daemon, current: u64) -> u64 {
    let pid = i32::try_from(daemon.pid()).ok().and_then(Pid::from_raw);
    let limits = fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let maximum = line.split_whitespace().nth(1).unwrap().parse().ok();
    let limit = Rlimit { current: Some(current), maximum };
    prlimit(pid, Resource::Nofile, limit).unwrap().current.unwrap()
}

/// The number that the next descriptor of a bmpd at rest would have: with fewer it can have none.
fn first_free(daemon: &Daemon) -> u64 {
    Footprint::of(daemon);
    let used =
        |number: &u64| Path::new(&format!("/proc/{}/fd/{number}", daemon.pid())).is_symlink();
    (0..).find(|number| !used(number)).unwrap()
}

#[test]
fn without_descriptors_what_runs_goes_on_and_the_rest_is_served_when_there_are_some() {
    let nobody = loopback();
    let session = daemon::session(nobody, 1, None);
    let ground = Ground::start(Terms { tables: &session, ..Terms::default() });
    let begun = Instant::now();
    ground.thrice(super::SMALL, |ground| {
        let allowed = allow_descriptors(&ground.daemon, first_free(&ground.daemon));
        let lines = ["cannot accept BGP connections", "cannot accept control connections"];
        let logged = lines.map(|line| ground.logged(line));
        // They wait in the system's queues.
        let neighbors: Vec<_> = (0..5).map(|_| dial(ground).unwrap()).collect();
        let mut status = Running::start(&mut ground.daemon.bmpctl_command(&["show", "status"]));
        for (line, before) in lines.iter().zip(logged) {
            wait_for(line, TIMEOUT, || {
                if ground.logged(line) > before { Ok(()) } else { Err(ground.daemon.log()) }
            });
        }
        for _ in 0..10 {
            ground.flows();
        }
        wait_for("an attempt without a descriptor", TIMEOUT, || {
            ground.flows();
            let found = ground.logged("Too many open files") > 0;
            if found { Ok(()) } else { Err(ground.daemon.log()) }
        });
        allow_descriptors(&ground.daemon, allowed);
        let (code, text, _) = status.wait_exit();
        assert!(code == 0 || code == 5, "{code}: {text}");
        drop(neighbors);
        drop(ground.connect());
    });
    // One line for each time that it began; a descriptor that comes back in between makes it another time.
    ground.assert_logged("cannot accept BGP connections", LINES);
    ground.assert_logged("cannot accept control connections", LINES);
    let log = ground.daemon.log();
    let attempts: u64 = log
        .lines()
        .filter_map(|line| line.split_once("are accepted again, after ")?.1.split(' ').next())
        .map(|count| count.parse::<u64>().unwrap())
        .sum();
    // Two listeners, twice a second: however long it took, they have not spun.
    let most = (begun.elapsed().as_secs() + 1) * 2 * 2;
    assert!(attempts >= 6 && attempts <= most, "{attempts} attempts: {log}");
}

/// A bmpd that the system allows so many bytes of memory.
fn with_memory(bytes: u64) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(format!("--data={bytes}")).arg("--core=0").arg(binary("bmpd"));
    command
}

/// The limit of the tables is what keeps bmpd below that of the system.
#[test]
fn below_the_limit_of_the_system_a_flood_ends_its_neighbor_and_not_bmpd() {
    let ground = Ground::start(Terms {
        bgp: "memory-limit = 64",
        command: Some(with_memory(192 << 20)),
        ..Terms::default()
    });
    let before = ground.begin();
    assert_eq!(flood(&ground), Some((6, 8)));
    ground.wait_reason("memory-limit is 64 MiB");
    ground.assert_undisturbed(&before);
}

/// Without it the system's limit is the end of bmpd: what starts it again finds everything in order.
#[test]
fn a_bmpd_that_the_system_gives_no_more_memory_ends_and_can_be_started_again() {
    let mut ground =
        Ground::start(Terms { command: Some(with_memory(96 << 20)), ..Terms::default() });
    assert_eq!(flood(&ground), None);
    let status = ground.daemon.wait_exit();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status}");
    // Said by the one that wanted it, and with a backtrace once more.
    ground.assert_logged("memory allocation of", 2);
    ground.start_again();
    ground.flows();
    ground.wait_witnessed();
}

/// A file system of a few pages, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Self {
        fs::create_dir(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64k", "none"]).arg(&at);
        run(&mut mount, TIMEOUT).done();
        Self(at)
    }

    /// Takes all the room that there is, and that in the last page of the log.
    fn fill(&self, log: &Path) -> PathBuf {
        let path = self.0.join("filling");
        let mut filling = File::create(&path).unwrap();
        while filling.write_all(&[0; 512]).is_ok() {}
        let mut log = File::options().append(true).open(log).unwrap();
        while log.write_all(b"\n").is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_log_whose_disk_is_full_costs_its_lines_and_goes_on_when_there_is_room() {
    let folder = Scratch::new();
    let disk = SmallDisk::mount(folder.join("disk"));
    let log = disk.0.join("log");
    let mut command = Command::new("sh");
    let exec = format!("exec \"$0\" \"$@\" 2>>\"{}\"", log.display());
    command.arg("-c").arg(exec).arg(binary("bmpd"));
    let ground = Ground::start(Terms { command: Some(command), ..Terms::default() });
    let filling = disk.fill(&log);
    let before = ground.begin();
    let mut random = Random::new(5);
    for _ in 0..5 {
        garbage(&ground, &mut random);
    }
    ground.assert_undisturbed(&before);
    ground.wait_reason("NOTIFICATION");
    fs::remove_file(filling).unwrap();
    let counter = ground.counter.ip().to_string();
    ground.daemon.bmpctl(&["reset", "session", &counter]).done();
    wait_for("the lines that were lost to be reported", TIMEOUT, || {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let is_reported = text.contains("lines of the log are lost") && text.contains("reset by");
        if is_reported { Ok(()) } else { Err(text) }
    });
    ground.assert_undisturbed(&before);
    drop(ground);
}

/// The library that makes up a clock for a program, from Debian's package faketime.
fn library() -> PathBuf {
    let mut files = Command::new("dpkg");
    let files = run(files.args(["-L", "libfaketime"]), TIMEOUT);
    let found = files.done().lines().find(|line| line.ends_with("libfaketimeMT.so.1"));
    PathBuf::from(found.unwrap_or_else(|| panic!("no library: {files}")))
}

/// A bmpd whose wall's clock is as far from the machine's as the file says.
fn with_clock(file: &Path) -> Command {
    let mut command = Command::new(binary("bmpd"));
    command
        .env("LD_PRELOAD", library())
        .env("FAKETIME_TIMESTAMP_FILE", file)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    command
}

/// Seconds since 1970 of a time as bmpctl prints it.
fn seconds(time: &Value) -> i64 {
    let mut date = Command::new("date");
    let output = run(date.args(["+%s", "-d"]).arg(time.as_str().unwrap()), TIMEOUT);
    output.done().trim().parse().unwrap()
}

#[test]
fn a_clock_that_is_set_back_changes_what_is_stamped_and_no_timer_and_no_age() {
    const BACK: i64 = 36_000;
    let folder = Scratch::new();
    let clock = folder.write("clock", "+0\n");
    let ground = Ground::start(Terms { command: Some(with_clock(&clock)), ..Terms::default() });
    let before = ground.begin();
    // Its hold timer would not survive ten hours, and must not wait for ten hours either.
    let mut options = Options::new(ground.culprit, 65002);
    options.open.hold_time = 3;
    let quick = Neighbor::connect(&options, ground.listen);
    let counter = ground.counter.ip();
    let started = json(&ground.daemon, &["show", "status"])["status"].clone();
    folder.write("clock", format!("-{BACK}\n"));
    let now = json(&ground.daemon, &["show", "status"])["status"].clone();
    assert_eq!(now["started"], started["started"]);
    for age in [&now["uptime"], &now["configured_ago"], &ground.session(counter)["age"]] {
        assert!((0.0..1000.0).contains(&age.as_f64().unwrap()), "{now}");
    }
    // The stamps of what happens from now on are those of the clock.
    ground.daemon.bmpctl(&["reset", "session", &counter.to_string()]).done();
    ground.counter.wait_connection(2).wait_complete(ground.bystander.ip(), TIMEOUT);
    let last_down = ground.session(counter)["last_down"].clone();
    let since = seconds(&now["started"]) - seconds(&last_down["at"]);
    assert!((BACK - 1000..=BACK).contains(&since), "{since} s: {last_down}");
    assert!(last_down["ago"].as_f64().unwrap() < 1000.0, "{last_down}");
    // Timers go on as they were: those that end something, and those that begin something.
    assert_eq!(ground.neighbor(ground.culprit)["state"], "established");
    let keepalives = quick.received().keepalives;
    wait_for("two more KEEPALIVEs", TIMEOUT, || match quick.received().keepalives {
        now if now >= keepalives + 2 => Ok(()),
        now => Err(format!("{now}")),
    });
    quick.fall_silent();
    let received = quick.wait_closed(Duration::from_secs(20));
    assert_eq!(received.notification.map(|(code, _, _)| code), Some(4));
    ground.counter.latest().unwrap().close();
    ground.counter.wait_connection(3);
    ground.assert_undisturbed(&before);
    folder.write("clock", "+0\n");
    ground.assert_undisturbed(&before);
}
