//! Command levels: who may do what, decided by the caller's credentials and nothing else.
//!
//! Users and groups are numbers that need not exist; where names matter, those that every Debian has.

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use shared::frame::{self, FrameError, Kind};
use shared::names::Selector;
use shared::request::{Level, Operation, Query, Request, ResetSession};
use shared::response::{Failure, Response};
use tests::addresses::loopback;
use tests::ctl::Running;
use tests::daemon::{Daemon, Output, run, session};
use tests::person::{Person, public};
use tests::scratch::Scratch;
use tests::slow::SlowFile;
use tests::station::{Mode, Station};
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The group of the socket in these tests.
const BMP: u32 = 54_000;
const NOC: u32 = 54_001;
const NETOPS: u32 = 54_002;

const OTHER: Person = Person { uid: 54_100, gid: 54_100, groups: &[] };
/// In the socket's group by a supplementary group only.
const MEMBER: Person = Person { uid: 54_101, gid: 54_101, groups: &[54_900, BMP] };
/// In it by her primary group.
const PRIMARY: Person = Person { uid: 54_102, gid: BMP, groups: &[] };
const WATCHER: Person = Person { uid: 54_103, gid: 54_103, groups: &[NOC] };
const OPERATOR: Person = Person { uid: 54_104, gid: 54_104, groups: &[NOC, NETOPS] };

/// A bmpd with one session, whose `[control]` says this besides the socket.
struct Place {
    scratch: Scratch,
    station: Station,
    daemon: Daemon,
}

impl Place {
    #[track_caller]
    fn start(control: &str) -> Self {
        let scratch = Scratch::new();
        public(&scratch);
        let station = Station::listen(loopback(), Mode::Keeping);
        let daemon = Daemon::start(&scratch, &config(&scratch, &station, control));
        station.wait_connection(1);
        Self { scratch, station, daemon }
    }

    /// Changes what `[control]` says; bmpd does not reload.
    fn rewrite(&self, control: &str) {
        self.daemon.rewrite_config(&config(&self.scratch, &self.station, control));
    }

    #[track_caller]
    fn run(&self, person: Person, args: &[&str]) -> Output {
        run(&mut person.bmpctl(&self.scratch, &self.daemon, args), TIMEOUT)
    }

    /// What a person may do: the highest level whose commands are done. Others must be refused.
    #[track_caller]
    fn level(&self, person: Person) -> u8 {
        let mut level = 0;
        for (needed, args) in [
            (1, ["show", "session"].as_slice()),
            (1, &["show", "neighbor"]),
            (1, &["reload", "--dry-run"]),
            (2, &["reset", "session", "all"]),
            (2, &["reload"]),
        ] {
            let output = self.run(person, args);
            match output.status {
                0 => {
                    assert!(level + 1 >= needed, "{args:?} is allowed, and what needs less is not");
                    level = needed;
                }
                4 => {
                    assert!(
                        level < needed,
                        "{args:?} is refused, and the same level allowed: {output}"
                    );
                    let says = format!("needs level {needed} (");
                    assert!(output.stderr.contains(&says), "{args:?}: {output}");
                }
                _ => panic!("{person:?} {args:?}: {output}"),
            }
        }
        level
    }

    fn mode(&self) -> u32 {
        fs::metadata(self.daemon.socket()).unwrap().permissions().mode() & 0o777
    }

    /// Sends these bytes as a person would who has written a client, and returns all that comes back.
    #[track_caller]
    fn forge(&self, person: Person, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect(person);
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => {}
            // bmpd has not read all of it.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        answer
    }

    /// A connection that this person has made.
    #[track_caller]
    fn connect(&self, person: Person) -> UnixStream {
        let stream = person.act(|| UnixStream::connect(self.daemon.socket())).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// The lines of the log about commands.
    fn commands(&self) -> Vec<String> {
        let log = self.daemon.log();
        log.lines().filter(|line| line.contains(" command=")).map(str::to_owned).collect()
    }
}

fn config(scratch: &Scratch, station: &Station, control: &str) -> String {
    let socket = scratch.join("bmpd.sock");
    let session = session(station.ip(), station.port(), None);
    format!("{session}[control]\nsocket = \"{}\"\n{control}\n", socket.display())
}

#[test]
fn without_a_mapping_root_and_the_group_may_and_nobody_else() {
    let place = Place::start(&format!("group = \"{BMP}\""));
    let found = fs::metadata(place.daemon.socket()).unwrap();
    assert_eq!((place.mode(), found.gid()), (0o660, BMP));
    place.daemon.bmpctl(&["show", "session"]).done();
    place.daemon.bmpctl(&["reset", "session", "all"]).done();
    place.daemon.bmpctl(&["reload"]).done();
    assert_eq!(place.level(MEMBER), 2);
    assert_eq!(place.level(PRIMARY), 2);
    for person in [OTHER, OPERATOR] {
        assert_eq!(place.level(person), 0);
    }
    // The system itself keeps them out; that message is as good as what bmpd says.
    let refused = place.run(OTHER, &["reset", "session", "all"]);
    for says in [
        "needs level 2 (configuration), and you have none",
        &format!("join the group {BMP} and log in again"),
        "[control] in bmpd's configuration",
    ] {
        assert!(refused.stderr.contains(says), "{says}: {refused}");
    }
    let json = place.run(OTHER, &["show", "session", "--json"]);
    assert!(json.stdout.contains("\"not-permitted\"") && json.status == 4, "{json}");
}

#[test]
fn a_socket_that_somebody_opened_by_hand_gives_nobody_a_level() {
    let place = Place::start("");
    fs::set_permissions(place.daemon.socket(), Permissions::from_mode(0o666)).unwrap();
    assert_eq!(place.level(OTHER), 0);
    assert_eq!(place.level(MEMBER), 0);
    // Nor does another group of the file: who asked for it is not known.
    chown(place.daemon.socket(), None, Some(BMP)).unwrap();
    assert_eq!(place.level(MEMBER), 0);
    place.daemon.bmpctl(&["reset", "session", "all"]).done();
}

#[test]
fn groups_and_users_have_the_levels_of_the_file() {
    let restricted = MEMBER.uid;
    let place = Place::start(&format!(
        "group = \"{BMP}\"\n\
         users = {{ \"{restricted}\" = 1, \"{}\" = 2, daemon = 1 }}\n\
         groups = {{ \"{NOC}\" = 1, \"{NETOPS}\" = 2, games = 1 }}",
        54_105
    ));
    assert_eq!(place.mode(), 0o666);
    assert_eq!(place.level(OTHER), 0);
    assert_eq!(place.level(WATCHER), 1);
    assert_eq!(place.level(OPERATOR), 2);
    assert_eq!(place.level(PRIMARY), 2);
    // Her own entry counts, though the group would give more; his, though he is in no group.
    assert_eq!(place.level(MEMBER), 1);
    assert_eq!(place.level(Person { uid: 54_105, ..OTHER }), 2);
    // By their names: the user daemon, the group games.
    assert_eq!(place.level(Person { uid: 1, gid: 54_100, groups: &[] }), 1);
    assert_eq!(place.level(Person { groups: &[60], ..OTHER }), 1);

    let refused = place.run(WATCHER, &["reset", "session", "all"]);
    for says in [
        "needs level 2 (configuration)",
        &format!("uid {} (pid ", WATCHER.uid),
        &format!("has level 1 (group {NOC} in [control])"),
        &format!("join the group {BMP} and log in again"),
        place.daemon.config().to_str().unwrap(),
    ] {
        assert!(refused.stderr.contains(says), "{says}: {refused}");
    }
    let refused = place.run(MEMBER, &["reload"]);
    assert!(refused.stderr.contains(&format!("(user {restricted} in [control])")), "{refused}");
    assert!(!refused.stderr.contains("join the group"), "it would not help: {refused}");
    // Callers are named where they have a name.
    let refused = place.run(Person { uid: 1, ..OTHER }, &["reload"]);
    assert!(refused.stderr.contains("daemon (pid "), "{refused}");
}

#[test]
fn others_can_be_let_in_to_look() {
    let place = Place::start("others = 1");
    assert_eq!(place.mode(), 0o666);
    assert_eq!(place.level(OTHER), 1);
    let refused = place.run(OTHER, &["reset", "session", "all"]);
    assert!(refused.stderr.contains("has level 1 (others in [control])"), "{refused}");
    assert!(
        !refused.stderr.contains("join the group"),
        "root's group is not for joining: {refused}"
    );
}

#[test]
fn a_group_that_cannot_be_had_does_not_keep_bmpd_from_running() {
    let place = Place::start("group = \"no-such-group\"");
    assert_eq!(place.level(OTHER), 0);
    let log = place.daemon.log();
    assert!(log.contains("no-such-group: there is no such group"), "{log}");
}

#[test]
fn bmpds_own_user_may_do_everything_and_its_group_is_that_of_the_socket() {
    let scratch = Scratch::new();
    public(&scratch);
    let home = scratch.join("own");
    fs::create_dir(&home).unwrap();
    let own = Person { uid: 54_200, gid: 54_201, groups: &[BMP] };
    chown(&home, Some(own.uid), Some(own.gid)).unwrap();
    let socket = home.join("bmpd.sock");
    let station = Station::listen(loopback(), Mode::Keeping);
    let session = session(station.ip(), station.port(), None);
    let start = |name: &str, control: &str| {
        let config = format!("{session}[control]\nsocket = \"{}\"\n{control}", socket.display());
        let bmpd = own.command(scratch.join("bmpd"));
        Daemon::spawn_by(bmpd, &scratch, name, &config, "debug")
    };
    let ask = |person: Person, verb: &str| {
        let mut command = person.command(scratch.join("bmpctl"));
        command.arg("--socket").arg(&socket).args([verb, "session"]);
        if verb == "reset" {
            command.arg("all");
        }
        run(&mut command, TIMEOUT)
    };
    let ready = |daemon: &Daemon| {
        wait_for("bmpd to answer", TIMEOUT, || {
            let output = ask(own, "show");
            if output.status == 0 { Ok(()) } else { Err(format!("{output}{}", daemon.log())) }
        });
    };
    let ends = |daemon: Daemon| assert!(daemon.terminate().success());

    let daemon = start("own", "");
    ready(&daemon);
    // Whatever groups she has at the moment.
    assert_eq!(ask(Person { gid: 54_300, groups: &[], ..own }, "reset").status, 0);
    let member = Person { uid: 54_202, gid: 54_202, groups: &[54_201] };
    assert_eq!(ask(member, "reset").status, 0);
    assert_eq!(ask(MEMBER, "reset").status, 4);
    ends(daemon);

    // A group that it is in can be given to the socket by an ordinary user, too.
    let daemon = start("given", &format!("group = \"{BMP}\""));
    ready(&daemon);
    assert_eq!(fs::metadata(&socket).unwrap().gid(), BMP);
    assert_eq!(ask(MEMBER, "reset").status, 0);
    assert_eq!(ask(member, "reset").status, 4);
    ends(daemon);

    // One that it is not in cannot; its members have their level all the same, and only they.
    let daemon = start("refused", &format!("group = \"{NOC}\""));
    ready(&daemon);
    assert!(daemon.log().contains("cannot give the control socket"), "{}", daemon.log());
    assert_eq!(ask(WATCHER, "reset").status, 0);
    for person in [member, MEMBER, OTHER] {
        assert_eq!(ask(person, "show").status, 4);
    }
    ends(daemon);
}

#[test]
fn a_reload_changes_levels_and_who_can_connect() {
    let place = Place::start(&format!("group = \"{BMP}\""));
    assert_eq!((place.mode(), place.level(WATCHER)), (0o660, 0));

    let groups = format!("group = \"{BMP}\"\ngroups = {{ \"{NOC}\" = 1 }}");
    place.rewrite(&groups);
    let plan = place.daemon.bmpctl(&["reload", "--dry-run"]);
    assert!(plan.done().contains(&format!("control.groups.{NOC} none -> 1")), "{plan}");
    assert_eq!((place.mode(), place.level(WATCHER)), (0o660, 0));
    let done = place.daemon.bmpctl(&["reload"]);
    assert!(done.done().contains("bmpd: changed, without interruption"), "{done}");
    assert_eq!((place.mode(), place.level(WATCHER)), (0o666, 1));

    place.rewrite(&groups.replace("= 1", "= 2"));
    place.daemon.bmpctl(&["reload"]).done();
    assert_eq!(place.level(WATCHER), 2);

    // A file that is bad changes nothing.
    place.rewrite(&groups.replace("= 1", "= 4"));
    let bad = place.daemon.bmpctl(&["reload"]);
    assert!(bad.stderr.contains(&format!("control.groups.{NOC}: 4 is not a level")), "{bad}");
    place.rewrite(&groups.replace("= 1", "= 2"));
    assert_eq!(place.level(WATCHER), 2);

    place.rewrite(&format!("group = \"{NOC}\""));
    let done = place.daemon.bmpctl(&["reload"]);
    assert!(done.done().contains("bmpd: needs a restart of bmpd"), "{done}");
    assert!(done.stdout.contains(&format!("control.group {BMP} -> {NOC}")), "{done}");
    // The socket keeps its group until then.
    assert_eq!((place.mode(), place.level(WATCHER), place.level(MEMBER)), (0o660, 0, 2));
    let again = place.daemon.bmpctl(&["reload", "--dry-run"]);
    assert!(again.done().contains("restart of bmpd"), "{again}");
}

#[test]
fn a_reload_takes_a_level_away_also_from_what_is_running() {
    let groups = format!("groups = {{ \"{NOC}\" = 1, \"{NETOPS}\" = 2 }}\n");
    let kept = format!("group = \"{BMP}\"");
    let place = Place::start(&format!("{kept}\n{groups}"));
    // Nobody listens there: a reset is followed for ever. Two of them, so that one waits for its turn.
    let nobody = tests::addresses::free_port(place.station.ip());
    let sessions = [None, Some("second")].map(|alias| session(place.station.ip(), nobody, alias));
    let socket = place.scratch.join("bmpd.sock");
    let control = format!("[control]\nsocket = \"{}\"\n{kept}\n", socket.display());
    let config = format!("{}{control}", sessions.concat());
    place.daemon.rewrite_config(&format!("{config}{groups}"));
    place.daemon.bmpctl(&["reload"]).done();

    let start = |person: Person, args: &[&str]| {
        Running::start(&mut person.bmpctl(&place.scratch, &place.daemon, args))
    };
    let followed = start(OPERATOR, &["reset", "session", "all", "--wait=10m"]);
    followed.wait_line(&["alias second: "]);
    let staggered = start(OPERATOR, &["reset", "session", "all", "--stagger=60m"]);
    staggered.wait_line(&["session "]);
    let watching = start(WATCHER, &["monitor"]);
    let in_json = start(WATCHER, &["monitor", "--json"]);
    let goes_on = start(MEMBER, &["monitor"]);
    wait_until("the monitors to be served", TIMEOUT, || {
        let page = place.daemon.bmpctl(&["show", "status"]);
        page.done().lines().any(|line| line.contains("Monitors:") && line.ends_with(" 3"))
    });

    // One that changes no level ends none of them.
    place.daemon.bmpctl(&["reload"]).done();
    watching.wait_line(&[": reload: 0 changes"]);

    place.daemon.rewrite_config(&config);
    place.daemon.bmpctl(&["reload"]).done();
    for (running, needed, what) in [
        (watching, 1, ""),
        (followed, 2, "the reset continues in bmpd, which reports nothing more about it: "),
        (staggered, 2, "1 session was not reset: "),
    ] {
        let mut running = running;
        let (code, stdout, stderr) = running.wait_exit();
        assert_eq!(code, 4, "{stdout}{stderr}");
        let says = format!("bmpctl: {what}not permitted: the command needs level {needed} (");
        assert!(stderr.contains(&says), "{stdout}{stderr}");
        assert!(stderr.contains("has level 0 (others in [control])"), "{stdout}{stderr}");
    }
    let mut in_json = in_json;
    let (code, stdout, stderr) = in_json.wait_exit();
    assert_eq!((code, &*stderr), (4, ""), "{stdout}");
    let last = stdout.lines().last().unwrap();
    assert!(last.contains("\"not-permitted\""), "{stdout}");
    wait_until("the reset with a stagger to end", TIMEOUT, || {
        let page = place.daemon.bmpctl(&["show", "status"]);
        page.done().contains("Staggered resets:  none\n")
    });
    let log = place.daemon.log();
    let says = "its caller may no longer reset, so it ended after 1 of 2 sessions";
    assert!(log.contains(says), "{log}");
    // Its level is that of the socket's group, which the reload has left alone.
    place.daemon.bmpctl(&["reset", "session", "all"]);
    goes_on.wait_line(&[": reset session all: "]);
}

#[test]
fn a_command_that_had_to_wait_is_refused_if_a_reload_has_taken_the_level_meanwhile() {
    let commands: [&[&str]; 4] = [
        &["reset", "session", "all"],
        &["reset", "session", "all", "--wait=10m"],
        &["reset", "session", "all", "--stagger=60m"],
        &["reload"],
    ];
    for args in commands {
        let place = Place::start(&format!("groups = {{ \"{NETOPS}\" = 2 }}"));
        let whole = fs::read_to_string(place.daemon.config()).unwrap();
        let mut file = SlowFile::instead_of_config(&place.daemon);
        let mut running = Running::start(&mut OPERATOR.bmpctl(&place.scratch, &place.daemon, args));
        file.wait_read(&place.daemon);
        place.rewrite("");
        place.daemon.bmpctl(&["reload"]).done();
        file.finish(&whole);
        let (code, stdout, stderr) = running.wait_exit();
        assert_eq!((code, &*stdout), (4, ""), "{args:?}: {stderr}");
        assert!(stderr.starts_with("bmpctl: not permitted: "), "{args:?}: {stderr}");
        assert_eq!(place.station.connections().len(), 1, "{args:?}");
        let record = |line: &String| line.contains("level 2 is needed, the caller has 0");
        assert!(place.commands().iter().any(record), "{args:?}: {}", place.daemon.log());
    }
}

#[test]
fn who_may_no_longer_watch_gets_whole_frames_and_then_the_refusal() {
    let place = Place::start(&format!("groups = {{ \"{NOC}\" = 1 }}"));
    let mut stream = place.connect(WATCHER);
    stream
        .write_all(&frame::encode(Kind::Request, &Request::Monitor(Default::default())).unwrap())
        .unwrap();
    let mut next = || {
        let (kind, body) = frame::read(&mut stream).unwrap();
        frame::decode::<Response>(kind, &body).unwrap()
    };
    assert!(matches!(next(), Response::Events { .. }));
    // More than the socket has room for while nobody reads: a frame is half written.
    let selector = Selector::All { vpn_instance: Some("nobody".parse().unwrap()) };
    let refused = Request::Operation(Operation::ResetSession(ResetSession {
        legs: selector.into(),
        stagger: 0,
        follow: false,
    }));
    let request = frame::encode(Kind::Request, &refused).unwrap();
    let root = Person { uid: 0, gid: 0, groups: &[] };
    for _ in 0..6000 {
        place.forge(root, &request);
    }
    place.rewrite("");
    place.daemon.bmpctl(&["reload"]).done();
    let refusal = loop {
        match next() {
            Response::Events { .. } => {}
            Response::Failed(failure) => break failure,
            other => panic!("{other:?}"),
        }
    };
    assert!(
        matches!(refusal, Failure::NotPermitted { needed: Level::Monitoring, .. }),
        "{refusal:?}"
    );
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "it was the last: {rest:?}");
}

fn reset_all() -> Request {
    let selector = Selector::All { vpn_instance: None };
    Request::Operation(Operation::ResetSession(ResetSession {
        legs: selector.into(),
        stagger: 0,
        follow: false,
    }))
}

/// The failure in an answer.
#[track_caller]
fn failure(answer: &[u8]) -> Failure {
    let (kind, body) = frame::read(&mut &answer[..]).unwrap();
    assert_eq!(kind, Kind::Response, "{}", String::from_utf8_lossy(&body));
    match frame::decode(kind, &body).unwrap() {
        Response::Failed(failure) => failure,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_forged_client_that_claims_more_gets_the_same_answer() {
    let place = Place::start(&format!(
        "group = \"{BMP}\"\nusers = {{ \"{}\" = 0 }}\ngroups = {{ \"{NOC}\" = 1 }}",
        PRIMARY.uid
    ));
    let before = place.station.connections().len();
    let honest = frame::encode(Kind::Request, &reset_all()).unwrap();
    // With a level, a name or a number behind the request, or in the header's spare byte.
    let claim = |claimed: &[u8]| {
        let mut bytes = [&honest, claimed].concat();
        let length = (bytes.len() - frame::HEADER_LEN) as u32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes
    };
    let mut spare = honest.clone();
    spare[7] = 3;
    let level = frame::encode(Kind::Request, &(reset_all(), Level::Management)).unwrap();
    let response = frame::encode(Kind::Response, &reset_all()).unwrap();
    let mut discriminant = honest.clone();
    discriminant[frame::HEADER_LEN] = 200;
    let forged =
        [claim(&[3]), claim(b"root"), claim(&[0; 4]), level, response, discriminant, claim(&[])];

    for (person, has) in
        [(OTHER, Level::Visit), (PRIMARY, Level::Visit), (WATCHER, Level::Monitoring)]
    {
        for bytes in [&honest, &spare] {
            match failure(&place.forge(person, bytes)) {
                Failure::NotPermitted { needed, has: had, .. } => {
                    assert_eq!((needed, had), (Level::Configuration, has));
                }
                other => panic!("{other:?}"),
            }
        }
        for bytes in &forged {
            let answer = place.forge(person, bytes);
            let (kind, body) = frame::read(&mut &answer[..]).unwrap();
            match kind {
                // A caller of level 1 gets the reason: this cannot be read.
                Kind::Refusal => assert_eq!(has, Level::Monitoring, "{body:?}"),
                Kind::Response | Kind::Part | Kind::Request => match failure(&answer) {
                    Failure::NotPermitted { .. } => {}
                    other => panic!("{other:?}"),
                },
            }
        }
    }
    // Two requests in one connection: the second is not read.
    let look = frame::encode(
        Kind::Request,
        &Request::Query(Query::Session(Selector::All { vpn_instance: None }.into())),
    );
    let two = [look.unwrap(), honest.clone()].concat();
    place.forge(WATCHER, &two);
    assert_eq!(place.station.connections().len(), before, "a session was reset");

    // The same bytes from one who may.
    let answer = place.forge(Person { uid: 0, gid: 0, groups: &[] }, &honest);
    let (kind, body) = frame::read(&mut &answer[..]).unwrap();
    let done: Result<Response, FrameError> = frame::decode(kind, &body);
    assert!(matches!(done, Ok(Response::Reset { .. })), "{done:?}");
    wait_until("the reset", TIMEOUT, || place.station.connections().len() == before + 1);
}

#[test]
fn every_command_above_level_1_is_logged_with_caller_command_and_outcome() {
    let place = Place::start(&format!("group = \"{BMP}\"\ngroups = {{ \"{NOC}\" = 1 }}"));
    place.level(WATCHER);
    let logged = |person: Person, args: &[&str], says: &[&str]| {
        let before = place.commands().len();
        let output = place.run(person, args);
        let mut lines = place.commands().split_off(before);
        let Some(line) = lines.pop() else { panic!("{args:?} is not logged: {output}") };
        assert!(lines.is_empty(), "more than one line: {lines:?} {line}");
        let uid = person.uid.to_string();
        let command = args.join(" ");
        for says in [&*uid, "(pid ", &command].iter().chain(says) {
            assert!(line.contains(says), "{args:?}: no {says} in {line}");
        }
    };
    let address = place.station.ip().to_string();
    logged(MEMBER, &["reset", "session", &address], &["INFO", "1 session"]);
    logged(MEMBER, &["reset", "session", "all"], &["INFO", "1 session"]);
    logged(MEMBER, &["reset", "session", "10.99.99.99"], &["WARN", "no such session"]);
    logged(MEMBER, &["reload"], &["INFO", "0 changes"]);
    place.rewrite("others = 9");
    logged(MEMBER, &["reload"], &["WARN", "control.others"]);
    logged(MEMBER, &["reset", "session", "all"], &["WARN", "control.others"]);
    let refused = ["WARN", "level 2 is needed, the caller has 1 (group 54001 in [control])"];
    logged(WATCHER, &["reset", "session", "all"], &refused);
    logged(WATCHER, &["reload"], &refused);
    logged(WATCHER, &["clear", "statistics", "all"], &refused);
    logged(OTHER, &["reload"], &["WARN", "the caller has 0 (others in [control])"]);
    // Of those that only look only the refused ones.
    logged(OTHER, &["show", "session", "all"], &["WARN", "level 1 is needed"]);
    let before = place.commands().len();
    for args in [&["show", "session"], &["show", "neighbor"], &["reload", "--dry-run"]] {
        place.run(WATCHER, args);
        place.daemon.bmpctl(args);
    }
    assert_eq!(place.commands().len(), before);
}

#[test]
fn refusals_in_a_loop_do_not_fill_the_log() {
    let place = Place::start("users = { \"54105\" = 1 }");
    let look = Request::Query(Query::Session(Selector::All { vpn_instance: None }.into()));
    for _ in 0..15 {
        let answer = place.forge(OTHER, &frame::encode(Kind::Request, &look).unwrap());
        assert!(matches!(failure(&answer), Failure::NotPermitted { .. }));
    }
    assert_eq!(place.commands().len(), 10, "{:?}", place.commands());
    // Those of another user are still logged.
    place.forge(WATCHER, &frame::encode(Kind::Request, &look).unwrap());
    assert_eq!(place.commands().len(), 11, "{:?}", place.commands());
}

#[test]
fn one_user_cannot_take_every_place_at_the_socket() {
    let place = Place::start("others = 1");
    let held: Vec<_> = (0..64).map(|_| place.connect(OTHER)).collect();
    let answer = place.forge(OTHER, &[]);
    let Failure::Busy(text) = failure(&answer) else { panic!("{answer:?}") };
    assert!(text.contains("64 connections of one user"), "{text}");
    let busy = place.run(OTHER, &["show", "session"]);
    assert_eq!(busy.status, 1, "{busy}");
    assert!(busy.stderr.contains("64 connections of one user"), "{busy}");
    // Others are served meanwhile.
    place.run(WATCHER, &["show", "session"]).done();
    place.daemon.bmpctl(&["show", "session"]).done();
    drop(held);
    wait_for("a place", TIMEOUT, || {
        let output = place.run(OTHER, &["show", "session"]);
        if output.status == 0 { Ok(()) } else { Err(output.to_string()) }
    });
}

/// The reports are long, so that most of each does not fit into the buffers of the system.
#[test]
fn users_who_do_not_read_their_reports_cost_little_and_root_and_the_stop_have_room() {
    let scratch = Scratch::new();
    public(&scratch);
    let sessions: String = (0..2000)
        .map(|n| {
            let (third, fourth) = (n / 250, n % 250 + 1);
            format!(
                "[[session]]\naddress = \"127.1.{third}.{fourth}\"\ntcp.connect-port = 9\nshutdown = true\n"
            )
        })
        .collect();
    let socket = scratch.join("bmpd.sock");
    let config = format!("{sessions}[control]\nsocket = \"{}\"\nothers = 1\n", socket.display());
    let daemon = Daemon::start_as(&scratch, "bmpd", &config, "info");
    let before = daemon.peak_rss_kib();
    let request = frame::encode(Kind::Request, &Request::Query(Query::Config)).unwrap();
    let mut held = Vec::new();
    for uid in 54_301..=54_303 {
        let person = Person { uid, gid: uid, groups: &[] };
        held.extend((0..64).map(|_| {
            let mut stream = person.act(|| UnixStream::connect(&socket)).unwrap();
            stream.write_all(&request).unwrap();
            stream
        }));
    }
    for _ in 0..5 {
        daemon.bmpctl(&["show", "status"]).done();
        daemon.bmpctl(&["show", "session"]).done();
    }
    let after = daemon.peak_rss_kib();
    assert!(after < before + 100 * 1024, "from {before} to {after} KiB");
    let begun = std::time::Instant::now();
    assert!(daemon.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    drop(held);
}

#[test]
fn users_without_a_level_who_connect_in_a_loop_keep_nobody_out() {
    let place = Place::start(&format!("users = {{ \"{}\" = 1 }}", WATCHER.uid));
    let address = socket2::SockAddr::unix(place.daemon.socket()).unwrap();
    let ended = std::sync::atomic::AtomicBool::new(false);
    let is_over = || ended.load(std::sync::atomic::Ordering::Relaxed);
    let connect = || {
        OTHER.act(|| {
            while !is_over() {
                let socket =
                    socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
                let socket = socket.unwrap();
                socket.set_nonblocking(true).unwrap();
                let _ = socket.connect(&address);
            }
        });
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(connect);
        }
        let outputs: Vec<_> = (0..20)
            .flat_map(|_| {
                let look = ["show", "session"];
                [place.daemon.bmpctl(&look), place.run(WATCHER, &look)]
            })
            .collect();
        ended.store(true, std::sync::atomic::Ordering::Relaxed);
        for output in outputs {
            output.done();
        }
    });
}

#[test]
fn one_user_cannot_keep_others_from_watching_or_waiting() {
    let place = Place::start(&format!("users = {{ \"{}\" = 2 }}\nothers = 1", MEMBER.uid));
    let ask = |person: Person, request: &Request| {
        let mut stream = place.connect(person);
        stream.write_all(&frame::encode(Kind::Request, request).unwrap()).unwrap();
        let (kind, body) = frame::read(&mut stream).unwrap();
        (stream, frame::decode::<Response>(kind, &body).unwrap())
    };
    let selector = Selector::All { vpn_instance: None };
    let follow = Request::Operation(Operation::ResetSession(ResetSession {
        legs: selector.into(),
        stagger: 0,
        follow: true,
    }));
    // Nobody is there any more: a reset is followed for ever.
    let gone = session(place.station.ip(), tests::addresses::free_port(place.station.ip()), None);
    let running = config(&place.scratch, &place.station, "");
    let control = fs::read_to_string(place.daemon.config()).unwrap();
    let control = &control[running.find("[control]").unwrap()..];
    place.daemon.rewrite_config(&format!("{gone}{control}"));
    for request in [&Request::Monitor(Default::default()), &follow] {
        let held: Vec<_> = (0..16).map(|_| ask(MEMBER, request)).collect();
        assert!(held.iter().all(|(_, answer)| !matches!(answer, Response::Failed(_))), "{held:?}");
        let (_, refused) = ask(MEMBER, request);
        let Response::Failed(Failure::Busy(text)) = refused else { panic!("{refused:?}") };
        assert!(text.contains("16 ") && text.contains("of one user"), "{text}");
        let root = Person { uid: 0, gid: 0, groups: &[] };
        let (_, answer) = ask(root, request);
        assert!(!matches!(answer, Response::Failed(_)), "{answer:?}");
        if *request == Request::Monitor(Default::default()) {
            assert!(!matches!(ask(WATCHER, request).1, Response::Failed(_)));
        }
    }
}
