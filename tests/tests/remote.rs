//! `bmpctl --host`: the command on another host, by ssh.
//!
//! Most of it has a program in the place of ssh, which runs the command through a shell as sshd does. One test has the
//! real ones, both of them on a machine of its own.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::addresses::{free_port, loopback};
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, binary, run};
use tests::machine::Machine;
use tests::person::public;
use tests::scratch::Scratch;
use tests::terminal::{PLAIN_SHELL, Terminal};
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(60);

/// Sessions that keep their state.
const CONFIG: &str = r#"
[[session]]
address = "10.1.1.1"
tcp.connect-port = 9
shutdown = true

[[session]]
address = "10.1.1.1"
alias = "it's $HOME; west"
tcp.connect-port = 9
shutdown = true
"#;

/// An alias that a shell would read otherwise.
const ALIAS: &str = "it's $HOME; west";

/// As ssh: options, the host, and the command, which a shell of that host reads. How it goes depends on the host.
const SSH: &str = r#"#!/bin/sh
for word; do printf '%s\n' "$word"; done > "$SSH_ARGUMENTS"
while :; do
  case $1 in
    -o | -p) shift 2 ;;
    --) break ;;
    *) shift ;;
  esac
done
shift
host=$1
shift
unset BMPD_SOCKET
case $host in
  away | *@away) echo "ssh: connect to host away port 22: Connection refused" >&2; exit 255 ;;
  bare) PATH=/nowhere; exec /bin/sh -c "$*" ;;
  broken) exit 126 ;;
  far) exec sleep 600 ;;
  *) exec /bin/sh -c "$*" ;;
esac
"#;

/// A bmpd on this host, which all hosts are.
struct Desk {
    scratch: Scratch,
    daemon: Daemon,
}

impl Desk {
    fn new() -> Self {
        let scratch = Scratch::new();
        let daemon = Daemon::start(&scratch, CONFIG);
        let folder = scratch.join("programs");
        fs::create_dir(&folder).unwrap();
        scratch.write("programs/ssh", SSH);
        fs::set_permissions(folder.join("ssh"), Permissions::from_mode(0o755)).unwrap();
        Self { scratch, daemon }
    }

    fn path(&self) -> OsString {
        let mut path = self.scratch.join("programs").into_os_string();
        path.push(":");
        path.push(binary("bmpctl").parent().unwrap());
        path.push(":/usr/bin:/bin");
        path
    }

    fn arguments_file(&self) -> PathBuf {
        self.scratch.join("arguments")
    }

    /// The arguments that ssh was last run with.
    fn arguments(&self) -> Vec<String> {
        fs::read_to_string(self.arguments_file()).unwrap().lines().map(str::to_owned).collect()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.daemon.bmpctl_command(words);
        command.env("PATH", self.path()).env("SSH_ARGUMENTS", self.arguments_file());
        command.env("HOME", self.scratch.path());
        command
    }

    #[track_caller]
    fn bmpctl(&self, words: &[&str]) -> Output {
        run(&mut self.command(words), TIMEOUT)
    }

    /// What can be typed behind these words, as fish is given it.
    fn completed(&self, words: &[&str]) -> Output {
        let mut command = self.command(&["--", "bmpctl"]);
        run(command.args(words).env("COMPLETE", "fish"), TIMEOUT)
    }
}

/// A text without its numbers: some are ages.
fn shape(text: &str) -> String {
    let words = text.split_whitespace();
    words
        .map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_command_runs_on_another_host_with_its_output_and_its_exit_code() {
    let desk = Desk::new();
    let cases: &[(&[&str], i32)] = &[
        (&["show", "session"], 0),
        (&["show", "session", "10.1.1.1", "--alias", ALIAS], 0),
        (&["display", "bmp", "session", "10.1.1.1", "alias", ALIAS, "verbose"], 0),
        (&["--json", "show", "session"], 0),
        (&["-q", "reload"], 0),
        (&["reset", "session", "10.1.1.2"], 3),
        (&["reset", "session", "10.1.1.2", "--json"], 3),
        (&["reset", "sesion", "all"], 2),
        (&["reset", "session", "10.1.1.1", "--alias", "a\nb"], 2),
        (&["--version"], 0),
        (&["help", "show"], 0),
        (&[], 2),
    ];
    for (words, code) in cases {
        let here = desk.bmpctl(words);
        for host in [&["-H", "edge1"][..], &["-Hadmin@edge1"], &["--host=edge1:2222"]] {
            let there = desk.bmpctl(&[host, words].concat());
            assert_eq!(there.status, *code, "{host:?} {words:?}: {there}");
            assert_eq!((shape(&there.stdout), &there.stderr), (shape(&here.stdout), &here.stderr));
        }
    }
    // It can stand wherever other options can.
    let line = ["show", "-qH", "edge1", "session", "10.1.1.9"];
    assert_eq!(desk.bmpctl(&line).status, 3);
    let socket = desk.daemon.socket().display().to_string();
    let remote = desk.arguments().last().unwrap().clone();
    assert_eq!(remote, format!("exec bmpctl --socket {socket} show -q session 10.1.1.9"));
    // The one that is typed is meant, and no other goes along.
    let missing = desk.bmpctl(&["-H", "edge1", "show", "session", "--socket", "/nowhere"]);
    assert!(missing.status == 5 && missing.stderr.contains("no bmpd at /nowhere"), "{missing}");
    assert_eq!(desk.arguments().last().unwrap(), "exec bmpctl show session --socket /nowhere");
}

#[test]
fn ssh_gets_the_host_behind_its_options_and_a_terminal_only_where_it_is_needed() {
    let desk = Desk::new();
    let arguments = |words: &[&str]| {
        desk.bmpctl(words);
        let mut arguments = desk.arguments();
        arguments.pop();
        arguments
    };
    // No terminal is there.
    for words in [&["show", "session"][..], &["reset", "session", "10.1.1.9", "--wait"]] {
        let with_host = [&["-H", "root@[2001:db8::1]:2222"], words].concat();
        let expected = ["-x", "-T", "-n", "-p", "2222", "--", "root@2001:db8::1"];
        assert_eq!(arguments(&with_host), expected);
    }
    // One that asks has the answer of standard input.
    let confirm = ["-H", "edge1", "reset", "session", "10.1.1.1", "10.1.1.9", "--confirm"];
    assert_eq!(arguments(&confirm), ["-x", "-T", "--", "edge1"]);
    let socket = desk.daemon.socket();
    let (path, file) = (desk.path(), desk.arguments_file());
    let terminal = Terminal::open(
        &desk.scratch,
        [100, 30],
        PLAIN_SHELL,
        [
            ("PATH", path.as_os_str()),
            ("BMPD_SOCKET", socket.as_os_str()),
            ("SSH_ARGUMENTS", file.as_os_str()),
        ],
    );
    terminal.wait_screen("a prompt", |screen| screen.ends_with('$'));
    let has = |option: &str| desk.arguments().iter().any(|word| word == option);
    terminal.enter("bmpctl -H edge1 show session; echo done=$?");
    terminal.wait_screen("the table", |screen| screen.contains("done=0"));
    assert!(has("-T") && has("-n") && !has("-t"), "{:?}", desk.arguments());
    terminal.enter("bmpctl -H edge1 show session --watch=200ms");
    terminal.wait_screen("the first look", |screen| screen.contains("Ctrl-C ends"));
    assert!(has("-t") && !has("-n"), "{:?}", desk.arguments());
    terminal.press(&["C-c"]);
    terminal.wait_screen("the screen of before", |screen| screen.contains("done=0"));
    // What it says about itself can be read: standard error is no terminal.
    terminal.enter("bmpctl -H edge1 reset session 10.1.1.9 --wait 2>/dev/null; echo end=$?");
    terminal.wait_screen("its end", |screen| screen.contains("end=3"));
    assert!(has("-T") && !has("-t"), "{:?}", desk.arguments());
}

#[test]
fn a_host_that_does_not_answer_is_reported_with_what_to_do() {
    let desk = Desk::new();
    let said = |words: &[&str], code: i32, expected: &str| {
        let output = desk.bmpctl(words);
        assert_eq!(output.status, code, "{words:?}: {output}");
        assert!(output.stderr.contains(expected), "{words:?}: {output}");
        output
    };
    let away =
        said(&["-H", "admin@away:2222", "show", "session"], 5, "`ssh -p 2222 admin@away true`");
    assert!(
        away.stderr.starts_with("ssh: connect to host away port 22: Connection refused\nbmpctl: ")
    );
    said(&["-H", "bare", "show", "session"], 5, "there is no bmpctl on bare: install it there");
    said(&["-H", "broken", "show", "session"], 5, "bmpctl on broken cannot be executed");
    let line = ["-H", "away", "--json", "show", "session"];
    let error: Value = serde_json::from_str(&desk.bmpctl(&line).stdout).unwrap();
    assert_eq!((&error["kind"], &error["exit_code"]), (&"error".into(), &5.into()), "{error}");
    assert_eq!(error["reason"], "not-reachable");
    let stream = desk.bmpctl(&["-H", "away", "--json", "monitor"]);
    assert_eq!(stream.stdout.lines().count(), 1, "{stream}");

    let mut without = desk.command(&["-H", "edge1", "show", "session"]);
    let without = run(without.env("PATH", "/nowhere"), TIMEOUT);
    assert!(
        without.status == 5 && without.stderr.contains("install OpenSSH's client"),
        "{without}"
    );

    fs::remove_file(desk.arguments_file()).unwrap();
    said(&["-H", "-oProxyCommand=id", "show", "session"], 2, "could be read as an option");
    said(&["-H", "admin@-edge1", "show", "session"], 2, "could be read as an option");
    said(&["-H", "", "show", "session"], 2, "write [USER@]HOST[:PORT]");
    said(&["-H", "edge1:ssh", "show", "session"], 2, "1 to 65535");
    said(&["-H", "edge1", "-H", "edge2", "show", "session"], 2, "given once");
    said(&["show", "session", "-H"], 2, "a value is required for '--host");
    said(&["reset", "bmp", "session", "all", "-H", "edge1"], 2, "put --host,");
    let json = desk.bmpctl(&["-H", "a b", "--json", "show", "session"]);
    let error: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((json.status, &error["reason"]), (2, &"usage".into()), "{json}");
    assert!(!desk.arguments_file().exists(), "ssh was run: {:?}", desk.arguments());
}

#[test]
fn signals_end_ssh_and_end_bmpctl_as_they_would_have_ended_it() {
    let desk = Desk::new();
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut command = desk.command(&["-H", "far", "monitor"]);
        let mut child = command.stdin(Stdio::null()).spawn().unwrap();
        wait_until("ssh to run", TIMEOUT, || desk.arguments_file().exists());
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
        let status =
            wait_for("the end", TIMEOUT, || child.try_wait().unwrap().ok_or_else(String::new));
        assert_eq!(status.signal(), Some(signal.as_raw()), "{signal:?}: {status}");
        fs::remove_file(desk.arguments_file()).unwrap();
    }
    // What it prints comes as it is printed.
    let monitor = Running::start(&mut desk.command(&["-H", "edge1", "monitor", "--json"]));
    wait_until("an event", TIMEOUT, || {
        desk.daemon.bmpctl(&["reload"]).done();
        !monitor.stdout().is_empty()
    });
}

#[test]
fn completion_has_the_names_of_the_other_host_and_never_waits_long_for_it() {
    let desk = Desk::new();
    let sessions = desk.completed(&["-H", "edge1", "reset", "session", ""]);
    assert!(sessions.done().contains("10.1.1.1\tShutdown"), "{sessions}");
    let arguments = desk.arguments();
    assert!(arguments.contains(&"BatchMode=yes".to_owned()), "{arguments:?}");
    let alias = desk.completed(&["reset", "session", "10.1.1.1", "--host", "edge1", "--alias", ""]);
    assert!(alias.done().starts_with(&format!("{ALIAS}\t")), "{alias}");

    // Verbs and options are those of this bmpctl: no host is asked.
    fs::remove_file(desk.arguments_file()).unwrap();
    let verbs = desk.completed(&["-H", "edge1", "rel"]);
    assert!(verbs.done().starts_with("reload\t"), "{verbs}");
    assert_eq!(desk.completed(&["-H", "edge1", "--socket", ""]).done(), "");
    assert!(!desk.arguments_file().exists());

    for host in ["away", "bare", "far"] {
        let none = desk.completed(&["-H", host, "reset", "session", ""]);
        assert!(!none.done().contains("10.1.1.1") && none.stderr.is_empty(), "{none}");
    }

    fs::create_dir(desk.scratch.join(".ssh")).unwrap();
    desk.scratch.write(".ssh/config", "Host edge7 *.lab\n");
    desk.scratch.write(".ssh/known_hosts", "edge8.example,192.0.2.8 ssh-ed25519 AAAA\n");
    let hosts = desk.completed(&["-H", ""]);
    let all: Vec<&str> = hosts.done().lines().collect();
    assert!(
        ["192.0.2.8", "edge7", "edge8.example"].iter().all(|host| all.contains(host)),
        "{all:?}"
    );
    let hosts = desk.completed(&["--host", "admin@"]);
    assert!(hosts.done().lines().any(|line| line == "admin@edge7"), "{hosts}");
}

/// A program that runs until it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Who logs in: a user that every host has, with a shell on this machine.
const NOBODY: u32 = 65534;

/// A machine with sshd, where `nobody` can log in from root's account by key, and with a bmpd at which it has level 1.
struct Lab {
    machine: Machine,
    scratch: Scratch,
    daemon: Daemon,
    _sshd: Ended,
}

impl Lab {
    fn new() -> Self {
        let scratch = Scratch::new();
        public(&scratch);
        let socket = scratch.join("bmpd.sock");
        let control = format!(
            "[control]\nsocket = \"{}\"\nusers = {{ \"{NOBODY}\" = 1 }}\n",
            socket.display()
        );
        let daemon = Daemon::start(&scratch, &(CONFIG.to_owned() + &control));
        let machine = Machine::new(&scratch);
        let passwd = fs::read_to_string(machine.etc().join("passwd")).unwrap();
        let others = passwd.lines().filter(|line| !line.starts_with("nobody:"));
        let others: String = others.map(|line| format!("{line}\n")).collect();
        let nobody = format!("nobody:x:{NOBODY}:{NOBODY}:nobody:/:/bin/sh\n");
        fs::write(machine.etc().join("passwd"), others + &nobody).unwrap();
        for (folder, mode) in
            [(machine.run().join("sshd"), 0o755), (machine.etc().join("ssh"), 0o755)]
        {
            fs::create_dir_all(&folder).unwrap();
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
        }
        let key = |name: &str| {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(scratch.join(name));
            run(&mut keygen, TIMEOUT).done();
            fs::read_to_string(scratch.join(format!("{name}.pub"))).unwrap()
        };
        let (host, user) = (key("host"), key("user"));
        let (address, folder) = (loopback(), scratch.path().display());
        let port = free_port(address);
        scratch.write("authorized_keys", user);
        scratch.write("known_hosts", format!("edge1 {host}"));
        let sshd = format!(
            "ListenAddress {address}:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\n"
        );
        let ssh = format!(
            "Host edge1\n HostName {address}\n Port {port}\n HostKeyAlias edge1\n User nobody\n IdentitiesOnly yes\n \
             IdentityFile {folder}/user\n UserKnownHostsFile {folder}/known_hosts\n StrictHostKeyChecking yes\n"
        );
        fs::write(machine.etc().join("ssh/sshd_config"), sshd).unwrap();
        fs::write(machine.etc().join("ssh/ssh_config"), ssh).unwrap();
        let mut sshd = machine.command("/usr/sbin/sshd");
        let log = fs::File::create(scratch.join("sshd.log")).unwrap();
        sshd.args(["-D", "-e"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let sshd = Ended(sshd.spawn().unwrap());
        let lab = Self { machine, scratch, daemon, _sshd: sshd };
        wait_for("sshd to let nobody in", TIMEOUT, || {
            let tried = run(lab.machine.command("ssh").args(["edge1", "true"]), TIMEOUT);
            let log = || fs::read_to_string(lab.scratch.join("sshd.log")).unwrap_or_default();
            if tried.status == 0 { Ok(()) } else { Err(format!("{tried}{}", log())) }
        });
        lab
    }

    /// bmpctl as root types it on this machine.
    fn bmpctl(&self, words: &[&str]) -> Output {
        run(self.machine.command("bmpctl").args(words), TIMEOUT)
    }
}

#[test]
fn a_command_goes_through_a_real_sshd_and_has_the_level_of_the_user_there() {
    let lab = Lab::new();
    let here = lab.bmpctl(&["show", "session"]);
    let there = lab.bmpctl(&["-H", "edge1", "show", "session"]);
    assert_eq!((shape(here.done()), &*there.stderr), (shape(there.done()), ""));
    let alias = ["show", "session", "10.1.1.1", "--alias", ALIAS, "-H", "edge1"];
    assert!(lab.bmpctl(&alias).done().contains("west"));
    assert_eq!(lab.bmpctl(&["-H", "edge1", "show", "session", "10.1.1.9"]).status, 3);
    let refused = lab.bmpctl(&["-H", "edge1", "reset", "session", "all"]);
    assert!(refused.status == 4 && refused.stderr.contains("nobody (pid "), "{refused}");
    let unknown = lab.bmpctl(&["-H", "unknown@edge1", "show", "session"]);
    assert!(
        unknown.status == 5 && unknown.stderr.contains("`ssh unknown@edge1 true`"),
        "{unknown}"
    );

    let mut completed = lab.machine.command("bmpctl");
    completed.args(["--", "bmpctl", "-H", "edge1", "reset", "session", ""]).env("COMPLETE", "fish");
    // The first one may be late on a busy machine; people press the key again then.
    wait_for("the sessions there", TIMEOUT, || {
        let found = run(&mut completed, TIMEOUT);
        if found.stdout.contains("10.1.1.1\tShutdown") { Ok(()) } else { Err(found.to_string()) }
    });

    // A terminal there, with the keys and the size of this one.
    let mut line = OsString::new();
    let command = lab.machine.command("bmpctl");
    for word in [command.get_program()].into_iter().chain(command.get_args()) {
        line.push("'");
        line.push(OsStr::from_bytes(
            &word
                .as_bytes()
                .iter()
                .flat_map(|byte| match byte {
                    b'\'' => b"'\\''".to_vec(),
                    byte => vec![*byte],
                })
                .collect::<Vec<u8>>(),
        ));
        line.push("' ");
    }
    let script = lab
        .scratch
        .write("bmpctl-of-machine", format!("#!/bin/sh\nexec {} \"$@\"\n", line.to_str().unwrap()));
    let terminal = Terminal::open(&lab.scratch, [100, 30], PLAIN_SHELL, []);
    terminal.wait_screen("a prompt", |screen| screen.ends_with('$'));
    terminal.enter(&format!(
        "sh {} -H edge1 show session --watch=200ms; echo end=$?",
        script.display()
    ));
    terminal.wait_screen("the first look", |screen| {
        screen.contains("Ctrl-C ends") && screen.contains("10.1.1.1")
    });
    terminal.press(&["C-c"]);
    let screen = terminal.wait_screen("its end", |screen| screen.contains("end=0"));
    assert!(!screen.contains("Connection to"), "{screen}");

    // The socket itself, forwarded.
    let forwarded = lab.scratch.join("forwarded.sock");
    let mut ssh = lab.machine.command("ssh");
    ssh.args(["-N", "-o", "ExitOnForwardFailure=yes", "-L"]);
    ssh.arg(format!("{}:/run/bmpd/bmpd.sock", forwarded.display())).arg("edge1");
    let _ssh = Ended(ssh.stdin(Stdio::null()).spawn().unwrap());
    wait_until("the socket", TIMEOUT, || forwarded.exists());
    let through = |words: &[&str]| {
        let mut bmpctl = Command::new(binary("bmpctl"));
        run(bmpctl.args(words).arg("--socket").arg(&forwarded), TIMEOUT)
    };
    assert_eq!(shape(through(&["show", "session"]).done()), shape(here.done()));
    let refused = through(&["reset", "session", "all"]);
    assert!(refused.status == 4 && refused.stderr.contains("nobody (pid "), "{refused}");
    assert!(lab.daemon.log().contains("caller=nobody (pid "));
}
