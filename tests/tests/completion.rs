//! Completion in real shells, in a terminal: what an operator sees after a tab.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tests::daemon::{Daemon, Output, binary, run};
use tests::scratch::Scratch;
use tests::station::{Mode, Station};
use tests::terminal::Terminal;
use tests::wait::{wait_for, wait_until};

const TIMEOUT: Duration = Duration::from_secs(30);

/// After this long without what should come the key is pressed again.
const AGAIN: Duration = Duration::from_secs(3);

/// What is typed where nothing more is to come: what stands on the screen then came from what was typed.
const MARK: &str = "MARK";

/// Sessions that keep their state, in three instances; one more that is up is added by [`Desk::new`].
const CONFIG: &str = r#"
[[vpn-instance]]
name = "red"
device = "lo"

[[vpn-instance]]
name = "blue net"
device = "lo"

[[vpn-instance]]
name = "empty"
device = "lo"
"#;

const SESSIONS: [(&str, &str, &str); 8] = [
    ("", "10.1.1.1", ""),
    ("", "10.1.1.1", "aa"),
    ("", "10.1.1.1", "west coast"),
    ("", "2001:db8::1", ""),
    ("", "2001:db8::1", "six"),
    ("red", "10.9.9.1", ""),
    ("red", "10.9.9.1", "rr"),
    ("blue net", "10.8.8.1", ""),
];

fn session(vpn_instance: &str, address: &str, alias: &str) -> String {
    let mut text = format!(
        "\n[[session]]\naddress = \"{address}\"\ntcp.connect-port = 9\nshutdown = true\n\
         description = \"at {address}\"\n"
    );
    for (key, value) in [("vpn-instance", vpn_instance), ("alias", alias)] {
        if !value.is_empty() {
            text += &format!("{key} = \"{value}\"\n");
        }
    }
    text
}

fn config() -> String {
    let neighbor = "\n[bgp]\nas = 65000\nrouter-id = \"192.0.2.1\"\nlisten = []\n\n\
         [[bgp.neighbor]]\naddress = \"192.0.2.7\"\nremote-as = 65001\npassive = true\n";
    let sessions = SESSIONS.iter().map(|(vpn, address, alias)| session(vpn, address, alias));
    CONFIG.to_owned() + &sessions.collect::<String>() + neighbor
}

fn completions(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../completions").join(name)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Bash,
    Zsh,
    Fish,
    Elvish,
}

const SHELLS: [Shell; 4] = [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish];

/// A shell in a terminal, with the completion where its users put it.
struct Desk {
    shell: Shell,
    terminal: Terminal,
}

impl Desk {
    /// Opens a shell that finds bmpd at `socket`.
    fn new(shell: Shell, scratch: &Scratch, socket: &Path) -> Self {
        let copy = |name: &str, to: &str| {
            let to = scratch.join(to);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(completions(name), to).unwrap();
        };
        let write = |to: &str, text: &str| {
            fs::create_dir_all(scratch.join(to).parent().unwrap()).unwrap();
            scratch.write(to, text);
        };
        let program = match shell {
            Shell::Bash => {
                let source = format!("PS1='> '\nsource {}\n", completions("bmpctl.bash").display());
                write("bashrc", &source);
                "bash --noprofile --rcfile $HOME/bashrc"
            }
            Shell::Zsh => {
                copy("_bmpctl", "site-functions/_bmpctl");
                let text = "PS1='> '\nfpath=($HOME/site-functions $fpath)\n\
                            autoload -Uz compinit && compinit -u -D\n";
                write(".zshrc", text);
                "zsh -d"
            }
            Shell::Fish => {
                copy("bmpctl.fish", "config/fish/completions/bmpctl.fish");
                let text = "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n\
                            function fish_prompt; echo -n '> '; end\n\
                            function fish_right_prompt; end\n\
                            bind \\cg 'commandline \"\"; clear; commandline -f repaint'\n";
                write("config/fish/config.fish", text);
                "fish"
            }
            Shell::Elvish => {
                copy("bmpctl.elv", "config/elvish/lib/bmpctl.elv");
                let text = "use bmpctl\nset edit:prompt = { put '> ' }\n\
                            set edit:rprompt = { put '' }\n\
                            set edit:completion:binding[Ctrl-G] = { edit:close-mode }\n\
                            set edit:insert:binding[Ctrl-G] = { set edit:current-command = ''; \
                            e:clear > /dev/tty; edit:redraw &full=$true }\n";
                write("config/elvish/rc.elv", text);
                "elvish"
            }
        };
        let bin = binary("bmpctl");
        let mut path = OsString::from(bin.parent().unwrap());
        path.push(":/usr/local/bin:/usr/bin:/bin");
        let (config, data, state) =
            (scratch.join("config"), scratch.join("data"), scratch.join("state"));
        let terminal = Terminal::open(
            scratch,
            [120, 50],
            program,
            [
                ("PATH", path.as_os_str()),
                ("BMPD_SOCKET", socket.as_os_str()),
                ("HOME", scratch.path().as_os_str()),
                ("XDG_CONFIG_HOME", config.as_os_str()),
                ("XDG_DATA_HOME", data.as_os_str()),
                ("XDG_STATE_HOME", state.as_os_str()),
                ("LC_ALL", "C.UTF-8".as_ref()),
                ("INPUTRC", "/dev/null".as_ref()),
            ],
        );
        let desk = Self { shell, terminal };
        desk.terminal.wait_screen("a prompt", |screen| screen.ends_with('>'));
        desk
    }

    /// Types a line on an empty screen.
    fn type_line(&self, line: &str) {
        // The first key ends lists and menus.
        self.terminal.press(match self.shell {
            Shell::Bash | Shell::Zsh => &["C-u", "C-l"],
            Shell::Fish | Shell::Elvish => &["C-g", "C-g"],
        });
        self.terminal.wait_screen("an empty screen", |screen| screen == ">");
        self.terminal.type_text(&format!("bmpctl {line}"));
        let typed = format!("> bmpctl {line}");
        let is_there = |screen: &str| screen.starts_with(typed.trim_end());
        self.terminal.wait_screen("what was typed", is_there);
    }

    fn tab(&self) {
        // bash shows a list after the second.
        self.terminal.press(if self.shell == Shell::Bash { &["Tab", "Tab"] } else { &["Tab"] });
    }

    /// What can be typed behind `line`: the list must hold every one of these.
    #[track_caller]
    fn list(&self, line: &str, all: &[&str]) -> String {
        let what = format!("{:?} to list {all:?} behind {line:?}", self.shell);
        let tab = || self.tab();
        self.comes_of(line, tab, &what, |screen| {
            let rest = screen.replace(&format!("> bmpctl {line}"), "");
            all.iter().all(|one| rest.contains(one))
        })
    }

    /// Types the line and presses the keys until the screen is as it should be. A completion that had no
    /// answer in time shows nothing, and on a busy machine that happens; people press the key again then.
    #[track_caller]
    fn comes_of(
        &self,
        line: &str,
        keys: impl Fn(),
        what: &str,
        condition: impl Fn(&str) -> bool,
    ) -> String {
        let mut pressed: Option<Instant> = None;
        wait_for(what, TIMEOUT, || {
            if pressed.is_none_or(|at| at.elapsed() > AGAIN) {
                self.type_line(line);
                keys();
                pressed = Some(Instant::now());
            }
            let screen = self.terminal.screen();
            if condition(&screen) { Ok(screen) } else { Err(screen) }
        })
    }

    /// What the line becomes with one tab where only one thing can stand.
    #[track_caller]
    fn inserts(&self, line: &str, becomes: &str) {
        let expected = format!("> bmpctl {becomes}");
        let what = format!("{:?} to make {becomes:?} of {line:?}", self.shell);
        let first = |screen: &str| screen.lines().next().unwrap_or_default().trim_end().to_owned();
        let tab = || self.terminal.press(&["Tab"]);
        self.comes_of(line, tab, &what, |screen| first(screen) == expected);
    }

    /// Nothing is added to the line, and nothing is said.
    #[track_caller]
    fn is_silent(&self, line: &str) {
        self.type_line(line);
        self.tab();
        self.terminal.type_text(MARK);
        let screen =
            self.terminal.wait_screen("the keys to be read", |screen| screen.contains(MARK));
        // elvish has its own word for it.
        let screen = screen.trim_start_matches("error: no candidates\n");
        assert_eq!(screen, format!("> bmpctl {line}{MARK}"), "{:?}", self.shell);
    }
}

/// Does the same with every shell, each at its own desk.
fn with_shells(shells: &[Shell], socket: &Path, check: impl Fn(&Desk) + Sync) {
    thread::scope(|scope| {
        for shell in shells {
            let check = &check;
            scope.spawn(move || {
                let scratch = Scratch::new();
                check(&Desk::new(*shell, &scratch, socket));
            });
        }
    });
}

/// None of these is in the list: the screen without the line that was typed.
#[track_caller]
fn lacks(screen: &str, none: &[&str]) {
    let list: Vec<&str> = screen.lines().filter(|line| !line.starts_with('>')).collect();
    for one in none {
        assert!(list.iter().all(|line| !line.contains(one)), "{one} is in\n{screen}");
    }
}

#[test]
fn live_addresses_aliases_and_instances_are_listed() {
    let scratch = Scratch::new();
    let station = Station::listen(tests::addresses::loopback(), Mode::Keeping);
    let up = tests::daemon::session(station.ip(), station.port(), None);
    let daemon = Daemon::start(&scratch, &(config() + "\n" + &up));
    daemon.wait_state(station.ip(), None, "Established");
    let address = station.ip().to_string();
    with_shells(&SHELLS, daemon.socket(), |desk| {
        let list = desk.list("reset session ", &["10.1.1.1", "2001:db8::1", &address, "all"]);
        lacks(&list, &["10.9.9.1", "10.8.8.1", "--socket"]);
        for line in list.lines().skip(1) {
            if line.contains("10.1.1.1") {
                assert!(line.contains("Shutdown: at 10.1.1.1; alias aa"), "{list}");
            }
            if line.contains(&address) {
                assert!(line.contains("Established"), "{list}");
            }
        }
        let list = desk.list("reset session 10.1.1.1 --alias ", &["aa", "west", "Shutdown"]);
        lacks(&list, &["six", "rr", "10.9.9.1"]);
        let list = desk.list("reset session --vpn-instance red ", &["10.9.9.1", "all"]);
        lacks(&list, &["10.1.1.1", "10.8.8.1", "2001"]);
        let list = desk.list("show session --vpn-instance ", &["red", "blue", "2 sessions"]);
        lacks(&list, &["empty"]);
        desk.list("show neighbor --vpn-instance ", &["red", "blue", "empty"]);
        let list = desk.list("show statistics --alias ", &["aa", "six", "10.1.1.1"]);
        lacks(&list, &["rr"]);
        desk.inserts("show neighbor 1", "show neighbor 192.0.2.7");
        desk.inserts("show vpn-instance r", "show vpn-instance red");
        desk.inserts(
            "clear statistics --vpn-instance=red 10.9.9.1 --alias ",
            "clear statistics --vpn-instance=red 10.9.9.1 --alias rr",
        );
        let with_socket = format!("--socket {} show vpn-instance e", daemon.socket().display());
        desk.inserts(&with_socket, &format!("{with_socket}mpty"));
    });
}

#[test]
fn the_grammar_of_the_manual_completes() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config());
    with_shells(&SHELLS, daemon.socket(), |desk| {
        let list =
            desk.list("reset bmp session ", &["vpn-instance", "10.1.1.1", "2001:db8::1", "all"]);
        lacks(&list, &["10.9.9.1", "verbose", "--socket"]);
        desk.inserts("reset bmp session 10.1.1.1 ", "reset bmp session 10.1.1.1 alias");
        let list = desk.list("reset bmp session 10.1.1.1 alias ", &["aa", "west"]);
        lacks(&list, &["six", "rr"]);
        desk.list("reset bmp session vpn-instance ", &["red", "blue"]);
        let list = desk.list("reset bmp session vpn-instance red ", &["10.9.9.1", "all"]);
        lacks(&list, &["10.1.1.1", "vpn-instance"]);
        desk.is_silent("reset bmp session 10.1.1.1 alias aa ");
        desk.list("display bmp session ", &["vpn-instance", "10.1.1.1", "verbose"]);
        desk.list("display bmp session 10.1.1.1 ", &["alias", "verbose"]);
        desk.inserts(
            "display bmp session 10.1.1.1 alias aa ",
            "display bmp session 10.1.1.1 alias aa verbose",
        );
    });
}

#[test]
fn names_with_spaces_and_addresses_with_colons_are_inserted_as_they_must_be_typed() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config());
    with_shells(&SHELLS, daemon.socket(), |desk| {
        let alias = match desk.shell {
            Shell::Elvish => "'west coast'",
            Shell::Bash | Shell::Zsh | Shell::Fish => "west\\ coast",
        };
        let reset = "reset session 10.1.1.1 --alias ";
        desk.inserts(&format!("{reset}w"), &format!("{reset}{alias}"));
        let instance =
            alias.replace("west coast", "blue net").replace("west\\ coast", "blue\\ net");
        desk.inserts("show vpn-instance b", &format!("show vpn-instance {instance}"));
        // What was inserted counts for what comes next.
        let quoted = "reset session --vpn-instance 'blue net' 10.";
        desk.inserts(quoted, "reset session --vpn-instance 'blue net' 10.8.8.1");
        desk.inserts("show session 2", "show session 2001:db8::1");
        desk.inserts("show session 2001:d", "show session 2001:db8::1");
        desk.inserts("show session 2001:db8::", "show session 2001:db8::1");
        desk.inserts("show session 2001:DB8::", "show session 2001:DB8::1");
        desk.inserts("show session 2001:db8::1 --alias ", "show session 2001:db8::1 --alias six");
        desk.inserts(
            "reset bmp session 2001:db8::1 alias s",
            "reset bmp session 2001:db8::1 alias six",
        );
        if desk.shell != Shell::Elvish {
            desk.inserts(&format!("{reset}\"west c"), &format!("{reset}\"west coast\""));
            let equals = "reset session 10.1.1.1 --alias=";
            desk.inserts(&format!("{equals}w"), &format!("{equals}west\\ coast"));
        }
    });
}

#[test]
fn what_a_reload_brings_is_there_at_the_next_key() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config());
    let live = [Shell::Bash, Shell::Zsh, Shell::Fish];
    with_shells(&live, daemon.socket(), |desk| desk.is_silent("reset session 172.16."));
    daemon.rewrite_config(&(config() + &session("", "172.16.0.1", "")));
    daemon.bmpctl(&["reload"]).done();
    with_shells(&live, daemon.socket(), |desk| {
        desk.inserts("reset session 172.16.", "reset session 172.16.0.1");
    });
}

#[test]
fn verbs_and_options_complete_while_bmpd_is_away_and_nothing_is_said() {
    let scratch = Scratch::new();
    let nowhere = scratch.join("nowhere.sock");
    with_shells(&SHELLS, &nowhere, |desk| {
        desk.list("re", &["reset", "reload", "Apply the configuration file"]);
        desk.list("show ", &["session", "neighbor", "vpn-instance", "status"]);
        desk.inserts("reset session --vpn", "reset session --vpn-instance");
        desk.list("reset session all --stagger ", &["500ms", "2s", "1m"]);
        desk.inserts("reset session ", "reset session all");
        desk.is_silent("reset session 10.1.1.1 --alias ");
        desk.is_silent("reset bmp session vpn-instance ");
        // Files are the shell's own business.
        let folder = scratch.path().display().to_string();
        fs::write(&nowhere, "").unwrap();
        let line = format!("show session --socket {folder}/nowh");
        desk.inserts(&line, &format!("{line}ere.sock"));
    });
}

/// What the script of fish would get.
fn ask(socket: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(binary("bmpctl"));
    command.env("COMPLETE", "fish").env("BMPD_SOCKET", socket).args(["--", "bmpctl"]).args(words);
    run(&mut command, TIMEOUT)
}

#[test]
fn a_bmpd_that_accepts_and_says_nothing_is_not_waited_for() {
    let scratch = Scratch::new();
    let socket = scratch.join("silent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let held = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // Until the other side has gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let output = ask(&socket, &["reset", "session", ""]);
    let took = output.took;
    println!("with a bmpd that says nothing a key takes {took:?}");
    assert_eq!(output.done(), "all\tevery session of every VPN instance\n");
    assert_eq!(output.stderr, "");
    assert!(took < Duration::from_secs(10), "{took:?}");
    held.join().unwrap();
}

#[test]
fn a_bmpd_that_forbids_it_is_not_spoken_of() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config());
    let mut command = Command::new(binary("bmpctl"));
    if rustix::process::geteuid().is_root() {
        // As somebody else, who can reach the folder but is not in the socket's group.
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).unwrap();
        let bmpctl = scratch.join("bmpctl");
        fs::copy(binary("bmpctl"), &bmpctl).unwrap();
        command = Command::new(bmpctl);
        command.uid(65534).gid(65534);
    } else {
        fs::set_permissions(daemon.socket(), Permissions::from_mode(0o000)).unwrap();
    }
    command.env("COMPLETE", "fish").env("BMPD_SOCKET", daemon.socket());
    command.args(["--", "bmpctl", "reset", "session", ""]);
    let output = run(&mut command, TIMEOUT);
    assert_eq!(output.done(), "all\tevery session of every VPN instance\n");
    assert_eq!(output.stderr, "");
}

#[test]
fn a_thousand_sessions_are_there_at_a_key() {
    let scratch = Scratch::new();
    let few = Daemon::start_as(&scratch, "few", &config(), "warn");
    let many: String =
        (0..1000).map(|n| session("", &format!("10.2.{}.{}", n / 250, n % 250 + 1), "")).collect();
    let many = Daemon::start_as(&scratch, "many", &many, "warn");
    for (what, daemon, sessions) in [("few", &few, 2), ("a thousand", &many, 1000)] {
        wait_until("every state to be known", TIMEOUT, || {
            let output = ask(daemon.socket(), &["reset", "session", ""]);
            output.done().matches("\tShutdown").count() == sessions
        });
        let mut times: Vec<Duration> =
            (0..31).map(|_| ask(daemon.socket(), &["reset", "session", ""]).took).collect();
        times.sort();
        println!(
            "a key with {what} sessions: {:?} in the middle, {:?} at most",
            times[15], times[30]
        );
    }
}

#[test]
fn the_variable_of_another_program_does_no_harm() {
    let scratch = Scratch::new();
    let daemon = Daemon::start(&scratch, &config());
    for value in ["", "1", "bash"] {
        let mut command = daemon.bmpctl_command(&["show", "vpn-instance", "--json"]);
        let with = run(command.env("COMPLETE", value), TIMEOUT);
        assert_eq!(with.text(), daemon.bmpctl(&["show", "vpn-instance", "--json"]).text());
    }
}
