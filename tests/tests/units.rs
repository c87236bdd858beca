//! The units of bmpd: systemd itself checks them, and runs bmpd under all of their restrictions. Everything
//! works, and what should be refused is.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tests::addresses::loopback;
use tests::daemon::{bgp, neighbor, run, session};
use tests::documents::{blocks, repository, text};
use tests::machine::Machine;
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::systemd::Systemd;
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(60);

const SERVICE: &str = "bmpd.service";
const SOCKET: &str = "/run/bmpd/bmpd.sock";

/// The greatest exposure that systemd-analyze may find, in tenths: 1.5 is that of a service that may use the
/// network, as a user of its own, with CAP_NET_BIND_SERVICE.
const EXPOSURE_MAX: &str = "15";

const KEY: &str = "rosebud-of-the-unit";

/// Runs what the document says about the installation, up to `systemctl`.
fn install(mut go: impl FnMut(&str)) {
    let document = text("docs/service.md");
    let script = blocks(&document).into_iter().find(|block| block.text.contains("bmpd.service"));
    for line in script.unwrap().text.lines() {
        // The programs are there already.
        if !line.contains("target/release") && !line.starts_with("systemctl") {
            go(line);
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_and_little_exposed() {
    let scratch = Scratch::new();
    let machine = Machine::new(&scratch);
    install(|line| {
        run(&mut machine.shell(line, &repository("")), TIMEOUT).done();
    });
    for unit in ["bmpd.service", "bmpd.socket"] {
        let mut verify = machine.command("systemd-analyze");
        verify.args(["verify", "--man=no"]).arg(Path::new("/etc/systemd/system").join(unit));
        let said = run(&mut verify, TIMEOUT);
        assert_eq!(said.status, 0, "{said}");
        // The one type that a systemd before 253 does not know, for which there is another line.
        let rest: Vec<_> = said
            .stderr
            .lines()
            .filter(|line| !line.ends_with("Failed to parse service type, ignoring: notify-reload"))
            .collect();
        assert_eq!((&*said.stdout, rest), ("", vec![]), "{unit}: {said}");
    }
    let mut security = machine.command("systemd-analyze");
    security.args(["security", "--no-pager", "--offline=true", "--threshold", EXPOSURE_MAX]);
    let said = run(security.arg("/etc/systemd/system/bmpd.service"), TIMEOUT);
    assert_eq!(said.status, 0, "{said}");
}

/// A machine with the units installed, and this configuration.
fn machine(scratch: &Scratch, config: &str) -> Systemd {
    let systemd = Systemd::start(scratch);
    install(|line| {
        let line = format!("cd '{}' && {line}", repository("").display());
        systemd.run("sh", &["-c", &line]).done();
    });
    let etc = systemd.etc();
    fs::create_dir_all(etc.join("bmpd")).unwrap();
    fs::write(etc.join("bmpd/bmpd.toml"), config).unwrap();
    // No journal is here to keep what bmpd says, and nobody waits for half a minute.
    let more = etc.join("systemd/system/bmpd.service.d");
    fs::create_dir_all(&more).unwrap();
    let text = "[Service]\nWatchdogSec=3s\nStandardError=append:/run/bmpd.log\n";
    fs::write(more.join("test.conf"), text).unwrap();
    systemd.run("systemctl", &["daemon-reload"]).done();
    systemd
}

fn log(systemd: &Systemd) -> String {
    systemd.run("cat", &["/run/bmpd.log"]).text()
}

/// Line by line what a process under the unit's restrictions tried, and `refused` or `done`.
const PROBES: &str = r#"
import ctypes, os, socket, mmap
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *args):
    if getattr(libc, name)(*args) == -1:
        raise OSError(ctypes.get_errno(), name)
def write(path):
    with open(path, "w") as file:
        file.write("x")
def port(number):
    with socket.socket() as s:
        s.bind(("127.9.9.9", number))
def setuid_file():
    write("/run/bmpd/probe"); os.chmod("/run/bmpd/probe", 0o4755)
def no_new_processes_of_root():
    assert os.system("su -c true root </dev/null >/dev/null 2>&1") != 0
    raise PermissionError
tries = {
  "write /etc": lambda: write("/etc/bmpd/probe"),
  "write /usr": lambda: write("/usr/probe"),
  "write /var": lambda: write("/var/probe"),
  "write /run": lambda: write("/run/probe"),
  "read /root": lambda: os.listdir("/root"),
  "read shadow": lambda: open("/etc/shadow").read(),
  "see others": lambda: os.listdir("/proc/1"),
  "see the kernel": lambda: open("/proc/kallsyms").read(),
  "write a sysctl": lambda: write("/proc/sys/kernel/hostname"),
  "open memory": lambda: open("/dev/mem").read(1),
  "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1).close(),
  "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).close(),
  "netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
  "enter a namespace": lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0x40000000),
  "make a namespace": lambda: call("unshare", 0x40000000),
  "make a user namespace": lambda: call("unshare", 0x10000000),
  "mount": lambda: call("mount", b"x", b"/run/bmpd", b"tmpfs", 0, 0),
  "become root": lambda: os.setuid(0),
  "leave groups": lambda: os.setgroups([]),
  "trace": lambda: call("ptrace", 16, os.getppid(), 0, 0),
  "writable code": lambda: mmap.mmap(-1, 4096, prot=7).close(),
  "set the clock": lambda: call("settimeofday", ctypes.create_string_buffer(16), 0),
  "set the host's name": lambda: socket.sethostname("x"),
  "realtime": lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)),
  "personality": lambda: call("personality", 8),
  "setuid file": setuid_file,
  "su": no_new_processes_of_root,
  "port 179": lambda: port(179),
  "port 11019": lambda: port(11019),
  "write own folder": lambda: write("/run/bmpd/probe2"),
  "read configuration": lambda: open("/etc/bmpd/bmpd.toml").read(),
}
for name, act in tries.items():
    try:
        act()
        print(name, "done", sep=": ")
    except (OSError, ValueError) as error:
        print(name, "refused", error, sep=": ")
"#;

/// What bmpd must be able to do, of these.
const NEEDED: [&str; 4] = ["port 179", "port 11019", "write own folder", "read configuration"];

#[test]
fn under_systemd_everything_works_and_what_should_be_refused_is() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let (peer, at) = (loopback(), SocketAddr::new(loopback(), 179));
    let with_key =
        neighbor(peer, 65001).trim_end().to_owned() + &format!("\nmd5.key = \"{KEY}\"\n");
    let whole = |more: &str| {
        let process = "[process]\nuser = \"bmpd\"\n";
        [&*session(station.ip(), station.port(), None), &bgp(at), &with_key, more, process].concat()
    };
    let systemd = machine(&scratch, &whole(""));

    // The socket is there before bmpd is, and who connects starts it.
    systemd.run("systemctl", &["start", "bmpd.socket"]).done();
    let stat = || systemd.run("stat", &["--format=%a %U %G %i", SOCKET]).done().to_owned();
    let made = stat();
    assert!(made.starts_with("660 bmpd bmpd "), "{made}");
    assert_eq!(systemd.property(SERVICE, "ActiveState"), "inactive");
    let status = systemd.run("bmpctl", &["show", "status"]);
    for fact in ["User:              bmpd\n", "Capabilities:      CAP_NET_BIND_SERVICE\n"] {
        assert!(status.done().contains(fact), "{status}{}", log(&systemd));
    }
    wait_for("systemd to be notified that it is ready", TIMEOUT, || {
        match systemd.property(SERVICE, "StatusText") {
            text if text == "1 session, 1 neighbor" => Ok(()),
            text => Err(text),
        }
    });
    assert_eq!(stat(), made, "it is the socket that systemd has made");

    // It receives BGP at port 179 with a key, reports it, resets and reloads.
    let options = Options { md5: Some(KEY.to_owned()), ..Options::new(peer, 65001) };
    let speaker = Neighbor::connect(&options, at);
    speaker.send_all(&Table::full(500, 50));
    station.wait_connection(1).wait_routes(peer, &speaker.expected(), TIMEOUT);
    systemd.run("bmpctl", &["reset", "session", "all", "--wait=30s"]).done();
    station.wait_connection(2).wait_routes(peer, &speaker.expected(), TIMEOUT);
    let file = systemd.etc().join("bmpd/bmpd.toml");
    fs::write(&file, whole("description = \"new\"\n")).unwrap();
    let reload = systemd.run("bmpctl", &["reload"]);
    assert!(reload.done().contains("description none -> new"), "{reload}");
    // A place at a privileged port that comes later.
    let later = SocketAddr::new(loopback(), 178);
    let listen =
        |text: String| text.replace(&format!("[\"{at}\"]"), &format!("[\"{at}\", \"{later}\"]"));
    fs::write(&file, listen(whole("description = \"new\"\n"))).unwrap();
    let reload = systemd.run("bmpctl", &["reload"]);
    assert!(reload.done().contains(&format!("{later}")), "{reload}");

    // As the system sees it.
    let main = systemd.main_process(SERVICE);
    let status = fs::read_to_string(format!("/proc/{main}/status")).unwrap();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap_or_default().to_owned()
    };
    assert_ne!(field("Uid:"), "0");
    assert_eq!((&*field("NoNewPrivs:"), &*field("Seccomp:")), ("1", "2"), "{status}");
    for (set, expected) in
        [("CapEff:", 0x400), ("CapPrm:", 0x400), ("CapBnd:", 0x400), ("CapInh:", 0), ("CapAmb:", 0)]
    {
        assert_eq!(u64::from_str_radix(&field(set), 16).unwrap(), expected, "{set} {status}");
    }

    let limits = fs::read_to_string(format!("/proc/{main}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"], "{limits}");
    assert_eq!(systemd.property(SERVICE, "TasksMax"), "1024");
    let bytes = |name| systemd.property(SERVICE, name).parse::<u64>().unwrap();
    assert!(bytes("MemoryHigh") < bytes("MemoryMax"));

    // The same restrictions around a program that tries what bmpd has no use for.
    let unit = text("etc/systemd/bmpd.service");
    let probe: String = unit
        .lines()
        .filter(|line| {
            !["Type=", "Watchdog", "Restart=", "Also="].iter().any(|key| line.starts_with(key))
        })
        .map(|line| match line.starts_with("ExecStart=") {
            true => "Type=oneshot\nExecStart=/usr/bin/python3 /etc/bmpd/probe.py\n\
                     StandardOutput=append:/run/probe.out\nStandardError=append:/run/probe.out\n"
                .to_owned(),
            false => format!("{line}\n"),
        })
        .collect();
    fs::write(systemd.etc().join("systemd/system/probe.service"), probe).unwrap();
    fs::write(systemd.etc().join("bmpd/probe.py"), PROBES).unwrap();
    systemd.run("systemctl", &["daemon-reload"]).done();
    let started = systemd.run("systemctl", &["start", "probe.service"]);
    let tried = systemd.run("cat", &["/run/probe.out"]);
    assert_eq!(started.status, 0, "{started}{tried}");
    assert_eq!(tried.done().lines().count(), PROBES.matches("\n  \"").count(), "{tried}");
    for line in tried.stdout.lines() {
        let (name, outcome) = line.split_once(": ").unwrap();
        let expected = if NEEDED.contains(&name) { "done" } else { "refused" };
        assert!(outcome.starts_with(expected), "{line}\n{tried}");
    }

    // One that hangs is ended and started again; nobody loses the socket.
    let before = systemd.property(SERVICE, "MainPID");
    let process = Pid::from_raw(i32::try_from(main).unwrap()).unwrap();
    kill_process(process, Signal::STOP).unwrap();
    wait_for("systemd to start it again", TIMEOUT, || {
        let now = systemd.property(SERVICE, "MainPID");
        let state = systemd.property(SERVICE, "ActiveState");
        if now != before && now != "0" && state == "active" { Ok(()) } else { Err(state) }
    });
    assert_eq!(systemd.property(SERVICE, "NRestarts"), "1");
    systemd.run("bmpctl", &["show", "status"]).done();
    assert_eq!(stat(), made);

    // It ends on SIGTERM, and the next who connects has another one.
    systemd.run("systemctl", &["stop", SERVICE]).done();
    assert_eq!(systemd.property(SERVICE, "Result"), "success", "{}", log(&systemd));
    assert_eq!(stat(), made, "what systemd has made is systemd's to remove");
    systemd.run("bmpctl", &["show", "session"]).done();
    wait_until("the session again", TIMEOUT, || station.connections().len() >= 3);
    systemd.run("systemctl", &["stop", "bmpd.socket", SERVICE]).done();
    assert_ne!(systemd.run("stat", &[SOCKET]).status, 0);
    assert!(!log(&systemd).contains("panicked"), "{}", log(&systemd));
}

/// At boot addresses can come later than bmpd.
#[test]
fn a_start_that_fails_is_tried_until_it_succeeds() {
    let scratch = Scratch::new();
    let address = loopback();
    let held = TcpListener::bind((address, 0)).unwrap();
    let systemd = machine(&scratch, &bgp(held.local_addr().unwrap()));
    let more = systemd.etc().join("systemd/system/bmpd.service.d/restart.conf");
    fs::write(more, "[Service]\nRestartSec=100ms\n").unwrap();
    systemd.run("systemctl", &["daemon-reload"]).done();
    let start = systemd.run("systemctl", &["start", SERVICE]);
    assert_ne!(start.status, 0, "{start}");
    // More than systemd allows a service by default, and as quickly.
    wait_for("systemd to try again and again", TIMEOUT, || {
        let restarts = systemd.property(SERVICE, "NRestarts");
        if restarts.parse::<u32>().unwrap() >= 8 { Ok(()) } else { Err(restarts) }
    });
    drop(held);
    wait_for("bmpd to run", TIMEOUT, || {
        let state = systemd.property(SERVICE, "ActiveState");
        if state == "active" { Ok(()) } else { Err(state) }
    });
    systemd.run("bmpctl", &["show", "status"]).done();
}

/// Nothing but another file would help.
#[test]
fn a_file_that_cannot_be_used_is_not_tried_again() {
    let scratch = Scratch::new();
    let systemd = machine(&scratch, "nonsense = 1\n");
    let start = systemd.run("systemctl", &["start", SERVICE]);
    assert_ne!(start.status, 0, "{start}");
    let property = |name| systemd.property(SERVICE, name);
    assert_eq!((&*property("ActiveState"), &*property("ExecMainStatus")), ("failed", "78"));
    assert_eq!(property("NRestarts"), "0");
    assert!(log(&systemd).contains("nonsense"), "{}", log(&systemd));
    // With a good one it runs.
    fs::write(systemd.etc().join("bmpd/bmpd.toml"), "").unwrap();
    systemd.run("systemctl", &["start", SERVICE]).done();
    systemd.run("bmpctl", &["show", "status"]).done();
}

#[test]
fn namespaces_need_the_drop_in_and_without_it_the_reason_is_logged() {
    let scratch = Scratch::new();
    let address = loopback();
    let netns = Netns::with(&[address]);
    let station = Station::listen_in(&netns, SocketAddr::new(address, 0), Mode::Keeping);
    let config = format!(
        "[[vpn-instance]]\nname = \"blue\"\nnetns = \"{}\"\n\n{}",
        netns.name(),
        session(address, station.port(), None)
            .replace("[[session]]\n", "[[session]]\nvpn-instance = \"blue\"\n"),
    );
    let systemd = machine(&scratch, &config);
    systemd.run("systemctl", &["start", SERVICE]).done();
    let page = || systemd.run("bmpctl", &["show", "session", "--verbose"]).text();
    wait_for("the reason", TIMEOUT, || {
        let page = page();
        if page.contains("bmpd needs CAP_SYS_ADMIN for it") { Ok(()) } else { Err(page) }
    });
    assert_eq!(station.connections().len(), 0);
    let more = systemd.etc().join("systemd/system/bmpd.service.d/namespaces.conf");
    fs::copy(repository("etc/systemd/bmpd-namespaces.conf"), &more).unwrap();
    systemd.run("systemctl", &["daemon-reload"]).done();
    systemd.run("systemctl", &["restart", SERVICE]).done();
    wait_until("the station in the namespace to be sent it", TIMEOUT, || {
        !station.connections().is_empty()
    });
    let status = systemd.run("bmpctl", &["show", "status"]);
    assert!(status.done().contains("Capabilities:      CAP_SYS_ADMIN\n"), "{status}");
}

/// A listener of systemd's elsewhere than bmpctl looks is a mistake that is reported.
#[test]
fn a_socket_at_another_path_is_refused() {
    let scratch = Scratch::new();
    let systemd = machine(&scratch, "[control]\nsocket = \"/run/bmpd/other.sock\"\n");
    systemd.run("systemctl", &["start", "bmpd.socket"]).done();
    systemd.run("systemctl", &["start", SERVICE]);
    wait_for("the reason", TIMEOUT, || {
        let log = log(&systemd);
        let says = "the service manager listens at /run/bmpd/bmpd.sock, and [control] socket is \
                    /run/bmpd/other.sock";
        if log.contains(says) { Ok(()) } else { Err(log) }
    });
}
