//! Started as root, bmpd becomes the user of its configuration and keeps the capabilities that the
//! configuration needs. Everything goes on working, what it gave up is gone, and it says what it lacks.

use std::fs::{self, File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::daemon::{Daemon, Output, bgp, binary, neighbor, run, session};
use tests::neighbor::{Neighbor, Options};
use tests::netns::{Netns, device_of};
use tests::person::{Person, public};
use tests::process::status_of_all_threads;
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::table::Table;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

/// A user that every Debian has, and what it is to have.
const USER: &str = "daemon";
const UID: u32 = 1;
const BIND: u64 = 1 << 10;
const ADMIN: u64 = 1 << 21;

const KEY: &str = "rosebud-of-privileges";

/// A bmpd that root starts, with its socket in a folder that is not there yet.
struct Place {
    scratch: Scratch,
    daemon: Daemon,
    socket: PathBuf,
}

impl Place {
    #[track_caller]
    fn start(scratch: Scratch, config: &str) -> Self {
        public(&scratch);
        let socket = scratch.join("run/bmpd.sock");
        let text = Self::whole(&socket, config);
        // Whatever mask its parent has left it.
        let mut bmpd = Command::new("sh");
        bmpd.args(["-c", "umask 077; exec \"$@\"", "sh"]).arg(scratch.join("bmpd"));
        let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &text, "debug");
        let place = Self { scratch, daemon, socket };
        wait_for("bmpd to answer", TIMEOUT, || {
            assert!(place.daemon.exited().is_none(), "{}", place.daemon.log());
            let output = place.bmpctl(&["show", "session"]);
            if output.status == 0 { Ok(()) } else { Err(format!("{output}{}", place.daemon.log())) }
        });
        place
    }

    fn whole(socket: &std::path::Path, config: &str) -> String {
        let socket = socket.display();
        format!("{config}\n[control]\nsocket = \"{socket}\"\n[process]\nuser = \"{USER}\"\n")
    }

    fn rewrite(&self, config: &str) {
        self.daemon.rewrite_config(&Self::whole(&self.socket, config));
    }

    #[track_caller]
    fn bmpctl(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary("bmpctl"));
        run(command.args(args).env("BMPD_SOCKET", &self.socket).env("LC_ALL", "C"), TIMEOUT)
    }

    /// That it is the user, can be nobody else, and has these capabilities: in every thread.
    #[track_caller]
    fn assert_has(&self, capabilities: u64, names: &[&str]) {
        let status = |field| status_of_all_threads(self.daemon.pid(), field);
        for field in ["Uid:", "Gid:"] {
            assert_eq!(status(field), "1\t1\t1\t1", "{field}");
        }
        assert_eq!(status("Groups:"), "1");
        for (field, expected) in [
            ("CapEff:", capabilities),
            ("CapPrm:", capabilities),
            ("CapInh:", 0),
            ("CapBnd:", 0),
            ("CapAmb:", 0),
        ] {
            assert_eq!(u64::from_str_radix(&status(field), 16).unwrap(), expected, "{field}");
        }
        assert_eq!(status("NoNewPrivs:"), "1");
        let answer = self.bmpctl(&["show", "status", "--json"]);
        let answer: Value = serde_json::from_str(answer.done()).unwrap();
        let status = &answer["status"];
        assert_eq!((&status["user"], &status["uid"]), (&USER.into(), &UID.into()), "{status}");
        assert_eq!(status["capabilities"], serde_json::json!(names), "{status}");
    }
}

#[test]
fn root_becomes_the_user_with_one_capability_and_everything_works() {
    let station = Station::listen(loopback(), Mode::Keeping);
    let (peer, at) = (loopback(), SocketAddr::new(loopback(), 179));
    let with_key =
        neighbor(peer, 65001).trim_end().to_owned() + &format!("\nmd5.key = \"{KEY}\"\n");
    let config = |listen: &str| {
        let bgp = bgp(at).replace(&format!("[\"{at}\"]"), listen);
        [&*session(station.ip(), station.port(), None), &bgp, &with_key].concat()
    };
    let one = format!("[\"{at}\"]");
    let place = Place::start(Scratch::new(), &config(&one));
    place.assert_has(BIND, &["CAP_NET_BIND_SERVICE"]);
    let page = place.bmpctl(&["show", "status"]);
    for line in ["User:              daemon\n", "Capabilities:      CAP_NET_BIND_SERVICE\n"] {
        assert!(page.done().contains(line), "{page}");
    }
    let folder = fs::metadata(place.socket.parent().unwrap()).unwrap();
    assert_eq!((folder.uid(), folder.mode() & 0o7777), (UID, 0o755));
    let socket = fs::metadata(&place.socket).unwrap();
    assert_eq!((socket.uid(), socket.mode() & 0o7777), (UID, 0o660));

    let options = Options { md5: Some(KEY.to_owned()), ..Options::new(peer, 65001) };
    let speaker = Neighbor::connect(&options, at);
    speaker.send_all(&Table::full(300, 30));
    station.wait_connection(1).wait_routes(peer, &speaker.expected(), TIMEOUT);
    place.bmpctl(&["reset", "session", "all", "--wait=20s"]).done();
    station.wait_connection(2).wait_routes(peer, &speaker.expected(), TIMEOUT);

    // A port that a reload brings can be had with the same capability.
    let later = SocketAddr::new(loopback(), 180);
    place.rewrite(&config(&format!("[\"{at}\", \"{later}\"]")));
    place.bmpctl(&["reload"]).done();
    assert!(std::net::TcpStream::connect(later).is_ok());

    // What it would take another one for is reported when it is planned, when it is done, and by the session.
    let netns = "[[vpn-instance]]\nname = \"blue\"\nnetns = \"blue\"\n\n[[session]]\naddress = \
                 \"10.1.1.1\"\nvpn-instance = \"blue\"\ntcp.connect-port = 11019\n\n";
    let blue = Netns::new();
    let netns = netns.replace("netns = \"blue\"", &format!("netns = \"{}\"", blue.name()));
    place.rewrite(&format!("{netns}{}", config(&one)));
    let gave_up = "bmpd needs CAP_SYS_ADMIN for it, and gave it up at its start, when its configuration \
                   did not need it: restart bmpd";
    for args in [&["reload", "--dry-run"][..], &["reload"]] {
        let output = place.bmpctl(args);
        assert!(output.done().contains(gave_up) || output.stderr.contains(gave_up), "{output}");
    }
    wait_for("the session to say why", TIMEOUT, || {
        let page = place.bmpctl(&["show", "session", "--verbose"]);
        if page.stdout.contains(gave_up) { Ok(()) } else { Err(page.to_string()) }
    });
    // To be another user takes a restart, too.
    let other = Place::whole(&place.socket, &config(&one)).replace("\"daemon\"", "\"nobody\"");
    place.daemon.rewrite_config(&other);
    let output = place.bmpctl(&["reload"]);
    assert!(output.done().contains("process.user daemon -> nobody"), "{output}");
    let pending = place.bmpctl(&["show", "config", "--pending"]);
    assert!(
        pending.done().contains("[process]\nuser = \"daemon\"  # pending: \"nobody\""),
        "{pending}"
    );

    // It removes its socket, and comes again where it was before.
    assert!(place.daemon.terminate().success());
    assert!(!place.socket.exists());
    let Place { scratch, .. } = place;
    let again = Place::start(scratch, &config(&one));
    again.assert_has(BIND, &["CAP_NET_BIND_SERVICE"]);
}

#[test]
fn a_configuration_that_needs_nothing_keeps_nothing_and_a_device_needs_nothing() {
    let netns = Netns::new();
    let [near, far] = netns.veth_to_host();
    let station = Station::listen_in(&netns, SocketAddr::new(far, 0), Mode::Counting);
    let config = format!(
        "[[vpn-instance]]\nname = \"red\"\ndevice = \"{}\"\n\n{}",
        device_of(near),
        session(far, station.port(), None)
            .replace("[[session]]\n", "[[session]]\nvpn-instance = \"red\"\ntcp.dscp = 48\n"),
    );
    let place = Place::start(Scratch::new(), &config);
    place.assert_has(0, &[]);
    station.wait_connection(1);
    let page = place.bmpctl(&["show", "status"]);
    assert!(page.done().contains("Capabilities:      none\n"), "{page}");

    // A port below 1024 is refused as a whole, with the reason.
    let at = SocketAddr::new(loopback(), 179);
    place.rewrite(&format!("{config}{}", bgp(at)));
    let output = place.bmpctl(&["reload"]);
    assert_eq!(output.status, 1, "{output}");
    assert!(
        output.stderr.contains("bmpd needs CAP_NET_BIND_SERVICE for it, and gave it up"),
        "{output}"
    );
    assert!(output.stderr.contains("nothing was changed"), "{output}");
    // A session that cannot listen says it for itself.
    let passive = loopback();
    let ours = loopback();
    place.rewrite(&format!(
        "{config}[[session]]\naddress = \"{passive}\"\nmode = \"passive\"\ntcp.listen-port = 179\n\
         tcp.source-address = \"{ours}\"\n"
    ));
    let output = place.bmpctl(&["reload"]);
    output.done();
    assert!(output.stderr.contains("bmpd needs CAP_NET_BIND_SERVICE for it"), "{output}");
    wait_for("the reason", TIMEOUT, || {
        let page = place.bmpctl(&["show", "session", &passive.to_string()]);
        let says = "Permission denied; bmpd needs CAP_NET_BIND_SERVICE for it, and gave it up at its start";
        // However the page breaks its lines.
        let words = page.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.contains(says) { Ok(()) } else { Err(page.to_string()) }
    });
}

/// `[process] user` that comes later finds what the bmpd before has left.
#[test]
fn what_an_earlier_bmpd_has_left_as_another_user_is_named() {
    let scratch = Scratch::new();
    public(&scratch);
    let folder = scratch.join("run");
    let socket = folder.join("bmpd.sock");
    let start = || {
        let text = Place::whole(&socket, "");
        let bmpd = Command::new(scratch.join("bmpd"));
        let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &text, "info");
        assert_eq!(daemon.wait_exit().code(), Some(1));
        daemon.log()
    };
    fs::create_dir(&folder).unwrap();
    let log = start();
    let says = format!("cannot make files in {} as user {UID}: [control] socket", folder.display());
    assert!(log.contains(&says), "{log}");
    chown(&folder, Some(UID), Some(UID)).unwrap();
    let lock = folder.join("bmpd.sock.lock");
    File::create(&lock).unwrap().set_permissions(Permissions::from_mode(0o600)).unwrap();
    let log = start();
    let says = format!("{} is of user 0, and bmpd runs as user {UID} now", lock.display());
    assert!(log.contains(&says), "{log}");
}

#[test]
fn a_namespace_keeps_what_it_takes_to_enter_it() {
    let address = loopback();
    let netns = Netns::with(&[address]);
    let station = Station::listen_in(&netns, SocketAddr::new(address, 0), Mode::Counting);
    let config = format!(
        "[[vpn-instance]]\nname = \"blue\"\nnetns = \"{}\"\n\n{}",
        netns.name(),
        session(address, station.port(), None)
            .replace("[[session]]\n", "[[session]]\nvpn-instance = \"blue\"\n"),
    );
    let place = Place::start(Scratch::new(), &config);
    place.assert_has(ADMIN, &["CAP_SYS_ADMIN"]);
    station.wait_connection(1);
}

#[test]
fn nobody_but_root_becomes_somebody_else() {
    let scratch = Scratch::new();
    public(&scratch);
    let config = |user: &str| scratch.write("bmpd.toml", format!("[process]\nuser = \"{user}\"\n"));
    let starts =
        |mut bmpd: Command, user: &str| run(bmpd.arg("--config").arg(config(user)), TIMEOUT);
    let other = Person { uid: 54_100, gid: 54_100, groups: &[] };
    let refused = starts(other.command(scratch.join("bmpd")), "daemon");
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains("only root can become another user"), "{refused}");
    let unknown = starts(Command::new(scratch.join("bmpd")), "no-such-user");
    assert_eq!(unknown.status, 1, "{unknown}");
    assert!(unknown.stderr.contains("this host has no user no-such-user"), "{unknown}");
}

#[test]
fn whoever_starts_with_more_than_it_needs_gives_it_up() {
    let scratch = Scratch::new();
    public(&scratch);
    let own = scratch.join("own");
    fs::create_dir(&own).unwrap();
    chown(&own, Some(UID), Some(UID)).unwrap();
    let config = format!(
        "[control]\nsocket = \"{}\"\n[process]\nuser = \"{UID}\"\n",
        own.join("bmpd.sock").display()
    );
    // As a service manager would start it.
    let mut bmpd = Command::new("setpriv");
    bmpd.args(["--reuid=1", "--regid=1", "--clear-groups"]);
    bmpd.args(["--inh-caps=+net_bind_service,+sys_admin"]);
    bmpd.args(["--ambient-caps=+net_bind_service,+sys_admin", "--"]).arg(scratch.join("bmpd"));
    let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", &config, "debug");
    wait_until("the socket", TIMEOUT, || own.join("bmpd.sock").exists());
    for field in ["CapEff:", "CapPrm:", "CapInh:", "CapAmb:"] {
        let value = status_of_all_threads(daemon.pid(), field);
        assert_eq!(u64::from_str_radix(&value, 16).unwrap(), 0, "{field}");
    }
    // Nobody of the same user looks at its memory, which holds keys.
    let memory = format!("/proc/{}/mem", daemon.pid());
    let same = Person { uid: UID, gid: UID, groups: &[] };
    let error = same.act(|| File::open(&memory)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    assert!(File::open(&memory).is_ok(), "root may");
}

#[test]
fn what_only_root_can_read_is_reported_at_the_start() {
    let scratch = Scratch::new();
    let key = scratch.write("session.key", KEY);
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let station = Station::listen(loopback(), Mode::Counting);
    let config = session(station.ip(), station.port(), None).trim_end().to_owned()
        + "\ntcp.md5.key-file = \"session.key\"\n";
    let place = Place::start(scratch, &config);
    let log = place.daemon.log();
    assert!(log.contains("WARN bmpd's user cannot read the configuration any more"), "{log}");
    assert!(log.contains("session.key cannot be read") && !log.contains(KEY), "{log}");
}

/// Another user who is quick: from before the socket is there until after it is gone connecting never succeeds, though
/// bmpd starts with the most open of all masks, and nobody ever sees a mode that allows it.
#[test]
fn nobody_gets_in_before_the_socket_has_its_mode() {
    let scratch = Scratch::new();
    public(&scratch);
    let socket = scratch.join("bmpd.sock");
    let stop = AtomicBool::new(false);
    let other = Person { uid: 54_100, gid: 54_100, groups: &[] };
    let (modes, refused) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut modes = std::collections::BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                if let Ok(found) = fs::symlink_metadata(&socket) {
                    modes.insert(found.mode() & 0o7777);
                }
            }
            modes
        });
        let attempts = scope.spawn(|| {
            other.act(|| {
                let mut refused = 0;
                while !stop.load(Ordering::Relaxed) {
                    match UnixStream::connect(&socket) {
                        Ok(_) => panic!("another user has connected"),
                        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                            refused += 1;
                        }
                        // It is not there.
                        Err(_) => {}
                    }
                }
                refused
            })
        });
        for _ in 0..10 {
            let mut bmpd = Command::new("sh");
            bmpd.args(["-c", "umask 0; exec \"$@\"", "sh"]).arg(scratch.join("bmpd"));
            let daemon = Daemon::spawn_by(bmpd, &scratch, "bmpd", "", "warn");
            daemon.wait_ready();
            assert!(daemon.terminate().success());
        }
        stop.store(true, Ordering::Relaxed);
        (watch.join().unwrap(), attempts.join().unwrap())
    });
    assert!(refused > 0, "nobody has tried");
    assert!(
        modes.contains(&0o660) && modes.iter().all(|mode| [0o600, 0o660].contains(mode)),
        "{modes:?}"
    );
}
