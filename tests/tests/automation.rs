//! What docs/automation.md recommends for cron, systemd and Ansible does what it says there. The
//! text is taken from the document and the unit files, so that a change of them is a change of the test.

use std::fs;
use std::net::{IpAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tests::addresses::loopback;
use tests::daemon::{Daemon, run, session};
use tests::documents::{block, blocks, repository, text};
use tests::machine::Machine;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::wait::wait_for;

const DOCUMENT: &str = "docs/automation.md";

/// What a program may take.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A bmpd with two sessions, on a machine as the document takes it to be.
struct Site {
    stations: [Station; 2],
    daemon: Daemon,
    machine: Machine,
    scratch: Scratch,
}

impl Site {
    fn new() -> Self {
        let scratch = Scratch::new();
        let stations = [(); 2].map(|()| Station::listen(loopback(), Mode::Counting));
        let daemon = Daemon::start(&scratch, &sessions(&stations, ""));
        let machine = Machine::new(&scratch);
        let site = Self { stations, daemon, machine, scratch };
        site.wait_generations([1, 1]);
        site
    }

    fn address(&self, n: usize) -> IpAddr {
        self.stations[n].ip()
    }

    /// Waits until the sessions are up and have this many connections behind them.
    #[track_caller]
    fn wait_generations(&self, expected: [u64; 2]) {
        wait_for(&format!("the generations {expected:?}"), TIMEOUT, || {
            let rows = [0, 1].map(|n| self.daemon.session(self.address(n), None));
            let are = rows.each_ref().map(|row| row.number("gen"));
            let up = rows.iter().all(|row| row.cell("state") == "Established");
            if up && are == expected { Ok(()) } else { Err(format!("{rows:?}")) }
        });
    }
}

/// The sessions of both stations, the first with more keys.
fn sessions(stations: &[Station; 2], more: &str) -> String {
    let [one, two] = stations.each_ref().map(|s| session(s.ip(), s.port(), None));
    format!("{}\n{more}\n{two}", one.trim_end())
}

/// The command of the line that the document has for cron, and the whole line.
fn cron_line() -> (String, String) {
    let block = block(DOCUMENT, "cron");
    let mut lines = block.lines().filter(|line| !line.starts_with('#'));
    let line = lines.next().unwrap().to_owned();
    assert_eq!(lines.next(), None, "the document has one line for cron");
    let command = line.splitn(7, ' ').nth(6).unwrap().to_owned();
    (line, command)
}

/// Ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real cron runs the line in the next minute: the sessions are reset and nobody gets mail. Another file
/// has the same line for a bmpd that is not there: cron sends its one line.
#[test]
fn the_line_for_cron_prints_nothing_unless_it_fails() {
    let site = Site::new();
    let (line, _) = cron_line();
    // Every minute, as a test does not wait for the night of a Sunday.
    let rest = line.splitn(6, ' ').nth(5).unwrap();
    let now = format!("* * * * * {rest}\n");
    let folder = site.machine.etc().join("cron.d");
    for other in fs::read_dir(&folder).unwrap() {
        fs::remove_file(other.unwrap().path()).unwrap();
    }
    fs::write(site.machine.etc().join("crontab"), "").unwrap();
    fs::write(folder.join("bmpctl"), &now).unwrap();
    fs::write(folder.join("nobody"), format!("BMPD_SOCKET=/run/nobody.sock\n{now}")).unwrap();

    // cron sends mail through /usr/sbin/sendmail: here it is a program that writes it to a file. The
    // folder with cron itself is then covered, so that cron is copied before.
    let mail = site.scratch.join("mail");
    let sendmail = site.scratch.join("sbin");
    fs::create_dir_all(&mail).unwrap();
    fs::create_dir_all(&sendmail).unwrap();
    let program = format!("#!/bin/sh\ncat > \"$(mktemp '{}'/XXXXXX)\"\n", mail.display());
    fs::write(sendmail.join("sendmail"), program).unwrap();
    fs::set_permissions(sendmail.join("sendmail"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy("/usr/sbin/cron", site.scratch.join("cron")).unwrap();
    let start = format!(
        "mount --bind '{}' /usr/sbin && exec '{}' -f -L 15",
        sendmail.display(),
        site.scratch.join("cron").display()
    );
    let log = fs::File::create(site.scratch.join("cron.log")).unwrap();
    let mut cron = site.machine.shell(&start, Path::new("/"));
    cron.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let cron = Killed(cron.spawn().unwrap());

    let mails = || -> Vec<String> {
        let files = fs::read_dir(&mail).unwrap().map(|entry| entry.unwrap().path());
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    // With a stagger of two seconds in between.
    site.wait_generations([2, 2]);
    let body = wait_for("a mail about the bmpd that is not there", TIMEOUT, || {
        let mails = mails();
        let bodies = mails.iter().filter_map(|mail| mail.split_once("\n\n"));
        let body = bodies.map(|(_, body)| body.to_owned()).find(|body| body.ends_with('\n'));
        body.ok_or_else(|| format!("{mails:?}"))
    });
    drop(cron);
    assert_eq!(body.lines().count(), 1, "{body}");
    assert!(body.starts_with("bmpctl: ") && body.contains("/run/nobody.sock"), "{body}");
    // What had worked wrote none.
    let about = |word: &str| mails().iter().filter(|mail| mail.contains(word)).count();
    assert_eq!(about("To: root"), about("/run/nobody.sock"), "{:?}", mails());
}

#[test]
fn commands_for_cron_say_nothing_when_done_and_one_line_otherwise_however_often_they_run() {
    let site = Site::new();
    let (_, command) = cron_line();
    let go = |line: &str| run(&mut site.machine.shell(line, Path::new("/")), TIMEOUT);
    for time in 1..=2 {
        let said = go(&command);
        assert_eq!((said.status, said.text().as_str()), (0, ""), "{said}");
        site.wait_generations([time + 1, time + 1]);
        let said = go("bmpctl --quiet reload");
        assert_eq!((said.status, said.text().as_str()), (0, ""), "{said}");
        let one = site.address(0);
        let said = go(&format!("bmpctl reload && bmpctl show session {one} --json >/dev/null"));
        assert_eq!(said.done().lines().count(), 1, "{said}");
    }
    site.wait_generations([3, 3]);
    for (line, code) in [
        ("bmpctl --quiet reset session 203.0.113.9", 3),
        ("bmpctl --quiet reset session all --socket /run/nobody.sock", 5),
    ] {
        let said = go(line);
        assert_eq!((said.status, said.stdout.as_str()), (code, ""), "{said}");
        assert_eq!(said.stderr.lines().count(), 1, "{said}");
        assert!(said.stderr.starts_with("bmpctl: "), "{said}");
    }
    site.wait_generations([3, 3]);
    // Neither a bad file nor a station that is late takes more.
    let good = fs::read_to_string(site.daemon.config()).unwrap();
    site.daemon.rewrite_config(&good.replacen("[[session]]\n", "[[session]]\nnonsense = 1\n", 1));
    let bad = ["bmpctl --quiet reload", "bmpctl --quiet reset session all"];
    for line in bad {
        let said = go(line);
        assert_eq!((said.status, said.stdout.as_str()), (1, ""), "{said}");
        assert_eq!(said.stderr.lines().count(), 1, "{said}");
        assert!(said.stderr.contains("nonsense"), "{said}");
    }
    site.daemon.rewrite_config(&good);
    let nobody = TcpListener::bind((site.address(0), 0)).unwrap().local_addr().unwrap().port();
    let ports = site.stations.each_ref().map(Station::port);
    let away = ports.iter().fold(good, |text, port| {
        let from = format!("tcp.connect-port = {port}\n");
        text.replace(&from, &format!("tcp.connect-port = {nobody}\n"))
    });
    site.daemon.rewrite_config(&away);
    let said = go("bmpctl --quiet reset session all --wait=300ms");
    let line = "bmpctl: 2 of 2 sessions are not synchronised after 300ms; bmpd continues\n";
    assert_eq!((said.status, said.stdout.as_str(), &*said.stderr), (6, "", line), "{said}");
}

/// The value of a key in a unit file, which has it once.
fn unit_value(unit: &str, key: &str) -> String {
    let text = text(unit);
    let mut found = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let value = found.next().unwrap_or_else(|| panic!("{unit} has no {key}")).to_owned();
    assert_eq!(found.next(), None, "{unit}: {key}");
    value
}

/// No systemd runs in a container, so that no timer can fire. The rest is real: systemd itself checks the
/// units and the time, enables the timer, and what the service executes is executed as it is written.
#[test]
fn the_units_for_systemd_are_good_and_the_service_resets() {
    let site = Site::new();
    // As the document says it, except that there is no systemd to talk to.
    let script = blocks(&text(DOCUMENT)).into_iter().find(|block| block.text.contains("systemctl"));
    for line in script.unwrap().text.lines() {
        let line = match line.strip_prefix("systemctl ") {
            Some("daemon-reload") => continue,
            Some(rest) => format!("systemctl --root=/ {}", rest.replace(" --now", "")),
            None => line.to_owned(),
        };
        run(&mut site.machine.shell(&line, &repository("")), TIMEOUT).done();
    }
    let wanted = site.machine.etc().join("systemd/system/timers.target.wants/bmpctl-reset.timer");
    assert!(wanted.is_symlink(), "the timer is enabled");

    let units = ["etc/systemd/bmpctl-reset.service", "etc/systemd/bmpctl-reset.timer"];
    for unit in units {
        let installed = Path::new("/etc/systemd/system").join(Path::new(unit).file_name().unwrap());
        let mut verify = site.machine.command("systemd-analyze");
        // The pages that a unit names must be there: those of the repository.
        verify.args(["verify", "--man=yes"]).arg(installed).env("MANPATH", man_path(&site.scratch));
        let said = run(&mut verify, TIMEOUT);
        assert_eq!((said.status, said.text().as_str()), (0, ""), "{unit}: {said}");
    }
    let mut calendar = Command::new("systemd-analyze");
    let when = unit_value(units[1], "OnCalendar");
    let said = run(calendar.args(["calendar", "--iterations=2", &when]), TIMEOUT);
    assert!(said.done().contains("Next elapse: Sun "), "{said}");

    let execute = unit_value(units[0], "ExecStart");
    for time in 1..=2 {
        let said = run(&mut site.machine.shell(&execute, Path::new("/")), TIMEOUT);
        assert_eq!((said.status, said.text().as_str()), (0, ""), "{said}");
        site.wait_generations([time + 1, time + 1]);
    }
}

/// A folder in which man finds the pages.
fn man_path(scratch: &Scratch) -> PathBuf {
    let folder = scratch.join("man");
    for entry in fs::read_dir(repository("docs/man")).unwrap() {
        let page = entry.unwrap().path();
        let section = folder.join(format!("man{}", page.extension().unwrap().to_str().unwrap()));
        fs::create_dir_all(&section).unwrap();
        let place = section.join(page.file_name().unwrap());
        if !place.exists() {
            fs::copy(&page, place).unwrap();
        }
    }
    folder
}

/// The numbers behind `ok=`, `changed=` and `failed=` of the recap.
fn recap(said: &str) -> [u32; 3] {
    let line = said.lines().find(|line| line.contains("unreachable=")).unwrap_or_default();
    ["ok=", "changed=", "failed="].map(|key| {
        let word = line.split_whitespace().find_map(|word| word.strip_prefix(key));
        word.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {key}: {said}"))
    })
}

#[test]
fn the_playbook_changes_what_is_different_and_nothing_the_second_time() {
    let site = Site::new();
    let folder = site.scratch.join("playbook");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("playbook.yml"), block(DOCUMENT, "yaml")).unwrap();
    let file = folder.join("bmpd.toml");
    let now = fs::read_to_string(site.daemon.config()).unwrap();
    let play = |text: &str| {
        fs::write(&file, text).unwrap();
        let mut play = site.machine.command("ansible-playbook");
        play.args(["--connection", "local", "--inventory", "localhost,", "playbook.yml"]);
        play.current_dir(&folder).env("ANSIBLE_NOCOLOR", "1").env("ANSIBLE_BECOME", "0");
        run(&mut play, TIMEOUT)
    };

    // A bad file stops it before anything is touched.
    let bad = play(&format!("{now}\nnonsense = 1\n"));
    assert_ne!(bad.status, 0, "{bad}");
    assert_eq!(fs::read_to_string(site.daemon.config()).unwrap(), now);

    // One session needs another connection, the other one only another text.
    let port = site.stations[0].port();
    let new = now.replace(
        &format!("tcp.connect-port = {port}\n"),
        &format!("tcp.connect-port = {port}\ntcp.keepalive.idle = 30\n"),
    );
    assert_ne!(new, now);
    let first = play(&new);
    assert_eq!(first.status, 0, "{first}");
    assert_eq!(recap(&first.stdout), [3, 3, 0], "{first}");
    site.wait_generations([2, 1]);
    let second = play(&new);
    assert_eq!(second.status, 0, "{second}");
    assert_eq!(recap(&second.stdout), [2, 0, 0], "the reset is skipped: {second}");
    site.wait_generations([2, 1]);
}

#[test]
fn the_program_resets_the_sessions_that_wait_for_it_and_no_other() {
    let site = Site::new();
    let program = site.scratch.write("reset.py", block(DOCUMENT, "python"));
    let go = || {
        let mut python = site.machine.command("python3");
        run(python.arg(&program), TIMEOUT)
    };
    assert_eq!(go().done(), "", "none waits");
    site.daemon.rewrite_config(&sessions(&site.stations, "tcp.keepalive.idle = 30\n"));
    run(&mut site.machine.shell("bmpctl reload", Path::new("/")), TIMEOUT).done();
    let said = go();
    assert_eq!(said.done(), format!("{} local synchronised\n", site.address(0)), "{said}");
    site.wait_generations([2, 1]);
    assert_eq!(go().done(), "", "none waits any more");
    assert!(site.daemon.terminate().success());
    let said = go();
    assert_eq!((said.status, said.stdout.as_str()), (1, ""), "{said}");
    assert!(said.stderr.starts_with("not-reachable: "), "{said}");
}
