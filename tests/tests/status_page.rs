//! The status page, in a real browser.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::bgp::Family;
use tests::daemon::{Output, binary, run, session};
use tests::documents::{repository, text};
use tests::faults::stations::{Manner, Rogue};
use tests::lab::{Lab, Plan};
use tests::neighbor::Neighbor;
use tests::scratch::Scratch;
use tests::table::Table;
use tests::terminal::{PLAIN_SHELL, Terminal};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(90);

fn place() -> SocketAddr {
    let address = loopback();
    SocketAddr::new(address, free_port(address))
}

/// The answer to a browser with this host.
fn get(place: SocketAddr, host: &str) -> String {
    let mut stream = TcpStream::connect(place).unwrap();
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Runs the browser; `more` says what is to come of the page.
fn chromium(scratch: &Scratch, url: &str, more: &[&str]) -> Output {
    let profile = scratch.join("profile");
    let mut chromium = Command::new("chromium");
    chromium
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=9000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .env("HOME", scratch.path())
        .args(more)
        .arg(url);
    run(&mut chromium, TIMEOUT)
}

/// Sessions that are well, behind and down, one of them with an alias that wants to be a script.
struct Sight {
    lab: Lab,
    _stalled: Rogue,
    place: SocketAddr,
}

impl Sight {
    fn new(alias: &str) -> Self {
        let place = place();
        let stalled = Rogue::start(Manner::NeverRead);
        let at = stalled.address();
        let unreachable = SocketAddr::new(loopback(), 9);
        let more = format!("[http]\nlisten = [\"{place}\"]\n")
            + &session(unreachable.ip(), unreachable.port(), Some(alias))
            + &session(at.ip(), at.port(), Some("slow"));
        let bmp = "system-name = \"edge1.example.net\"";
        let lab =
            Plan { aliases: &[None, Some("aa")], more: &more, bmp, ..Plan::default() }.start();
        Self { lab, _stalled: stalled, place }
    }
}

/// A neighbor with a table, all of which was sent twice to the one that is reset.
fn busy(lab: &Lab) -> Neighbor {
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(250_000, 50_000));
    lab.stations[0].wait_connection(1).wait_complete_of(
        lab.peer,
        &[Family::IPV4, Family::IPV6],
        TIMEOUT,
    );
    lab.daemon.bmpctl(&["reset", "session", &lab.station(), "--wait=60s"]).done();
    neighbor
}

#[test]
fn the_page_shows_sessions_neighbors_and_events_and_follows_them() {
    let sight = Sight::new("<b>alert(1)</b>");
    let Sight { lab, place, .. } = &sight;
    let _neighbor = busy(lab);
    let scratch = Scratch::new();
    let output = chromium(&scratch, &format!("http://{place}/"), &["--dump-dom"]);
    let page = output.done();
    for there in [
        "<h1>edge1.example.net</h1>",
        "<b>3 of 4</b><span>sessions up</span>",
        "<b>2 of 4</b><span>synchronised</span>",
        "<b>1 of 1</b><span>neighbors up</span>",
        "<b>300,000</b><span>routes</span>",
        "<td class=\"state good\">Established</td>",
        "<td class=\"state wait\">Synchronising</td>",
        "<progress value=",
        "Connection refused",
        "&lt;b&gt;alert(1)&lt;/b&gt;",
        &format!("reset session {} by root (pid ", lab.station()),
        "(generation 2)",
    ] {
        assert!(page.contains(there), "{there}: {page}");
    }
    assert_eq!(page.matches("<script>").count(), 1, "its own");
    // It has looked again, and put what it saw in its place.
    let looks = page.split("data-looks=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert!(looks.is_some_and(|looks| looks.parse::<u32>().unwrap() >= 2), "{looks:?}: {page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    assert!(!output.stderr.contains("CONSOLE"), "{output}");
}

/// For a person to look at: BLESS keeps the pictures that the documents show.
#[test]
fn there_is_a_picture_of_it_in_light_and_in_dark() {
    let sight = Sight::new("west coast");
    let Sight { lab, place, .. } = &sight;
    let _neighbor = busy(lab);
    let scratch = Scratch::new();
    let [dark, light] = [("dark", "0"), ("light", "1")].map(|(name, scheme)| {
        let dark = format!("--blink-settings=preferredColorScheme={scheme}");
        let more = [&*dark, "--window-size=1200,900"];
        picture(&scratch, &format!("http://{place}/"), &format!("status-page-{name}"), &more)
    });
    assert_ne!(dark, light, "the colors are those that the browser prefers");
}

/// Takes a picture of a page; with BLESS it is kept for the documents.
#[track_caller]
fn picture(scratch: &Scratch, url: &str, name: &str, more: &[&str]) -> Vec<u8> {
    let picture = scratch.join(format!("{name}.png"));
    let shot = format!("--screenshot={}", picture.display());
    chromium(scratch, url, &[&[&*shot, "--hide-scrollbars"], more].concat()).done();
    let picture = std::fs::read(&picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG"), "{name}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(repository(&format!("docs/{name}.png")), &picture).unwrap();
    }
    picture
}

/// A coloured screen as a page: each sequence of colours is a span of the classes that it names.
fn page_of_screen(screen: &str) -> String {
    let mut page = String::from(
        "<!doctype html><meta charset=utf-8><style>body{background:#14181d;margin:18px;color:#d7dce2}\
         pre{font:15px/1.35 'DejaVu Sans Mono',monospace;margin:0}.c1{font-weight:bold}.c2{color:#87909a}\
         .c31{color:#ff6b6b}.c32{color:#5fd38a}.c33{color:#f0c15a}.c36{color:#62c6d8}</style><pre>",
    );
    let mut parts = screen.split("\u{1b}[");
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    page += &text(parts.next().unwrap());
    let mut classes = Vec::new();
    for part in parts {
        let (sequence, rest) = part.split_once('m').unwrap();
        for number in sequence.split(';') {
            match number {
                "" | "0" => classes.clear(),
                // The colour, or the weight, that was before.
                "39" => classes.retain(|class: &String| class.len() < 3),
                "22" => classes.retain(|class: &String| class.len() > 2),
                number => classes.push(format!("c{number}")),
            }
        }
        page += &format!("<span class=\"{}\">{}</span>", classes.join(" "), text(rest));
    }
    page + "</pre>"
}

/// The same of a terminal.
#[test]
fn there_is_a_picture_of_show_session() {
    let sight = Sight::new("west coast");
    let _neighbor = busy(&sight.lab);
    let scratch = Scratch::new();
    let daemon = &sight.lab.daemon;
    let folder = binary("bmpctl").parent().unwrap().display().to_string();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    let variables = [
        ("PATH", std::ffi::OsStr::new(&path)),
        ("BMPD_SOCKET", daemon.socket().as_os_str()),
        ("TERM", std::ffi::OsStr::new("xterm-256color")),
    ];
    let terminal = Terminal::open(&scratch, [110, 48], PLAIN_SHELL, variables);
    terminal.enter("bmpctl show session");
    terminal.wait_screen("all sessions", |screen| screen.contains("4 sessions, 3 up"));
    terminal.enter(&format!("bmpctl show session {}", sight.lab.station()));
    terminal.wait_screen("the page of one", |screen| screen.contains("Still to send:"));
    let screen = terminal.coloured_screen();
    assert!(screen.contains("\u{1b}["), "{screen}");
    let page = scratch.write("screen.html", page_of_screen(&screen));
    let url = format!("file://{}", page.display());
    picture(&scratch, &url, "show-session", &["--window-size=1060,900"]);
}

#[test]
fn nobody_elses_page_can_read_it() {
    let sight = Sight::new("aa");
    let first = |host: &str| get(sight.place, host).lines().next().unwrap().to_owned();
    let at = sight.place;
    for host in
        [&*at.to_string(), "localhost", "LOCALHOST", "localhost:8080", "[::1]:80", "127.0.0.1"]
    {
        assert_eq!(first(host), "HTTP/1.1 200 OK", "{host}");
    }
    for host in
        ["evil.example", "evil.example:11080", "127.0.0.1.evil.example", "", "localhost.evil"]
    {
        assert_eq!(first(host), "HTTP/1.1 421 Misdirected Request", "{host}");
    }
    for host in ["localhost\r\nHost: localhost", "local host", "evil@localhost"] {
        assert_eq!(first(host), "HTTP/1.1 400 Bad Request", "{host}");
    }
    let head = get(at, "localhost").split("\r\n\r\n").next().unwrap().to_owned();
    assert!(head.contains("content-security-policy: default-src 'none';"), "{head}");
    assert!(!head.contains("access-control"), "{head}");
    // What may run and style is what is in the page.
    for (file, key) in [("page.css", "style-src"), ("page.js", "script-src")] {
        let path = repository("bmpd/src/http").join(file);
        let hash = "openssl dgst -sha256 -binary \"$1\" | openssl base64 -A";
        let mut command = Command::new("sh");
        let hash = run(command.args(["-c", hash, "sh"]).arg(&path), TIMEOUT);
        let expected = format!("{key} 'sha256-{}'", hash.done());
        assert!(head.contains(&expected), "{expected}: {head}");
        assert!(
            Path::new(&path).exists() && !text(&format!("bmpd/src/http/{file}")).contains("</")
        );
    }
}

#[test]
fn a_bmpd_without_anything_has_a_page_that_says_so() {
    let scratch = Scratch::new();
    let place = place();
    let config = format!("[http]\nlisten = [\"{place}\"]\n");
    let daemon = tests::daemon::Daemon::start(&scratch, &config);
    let page = get(place, "localhost");
    for there in ["No session is configured.", "No neighbor is there.", " was started</td>"] {
        assert!(page.contains(there), "{page}");
    }
    // A command is an event, which is there a moment later.
    daemon.bmpctl(&["reload"]).done();
    wait_for("the event", TIMEOUT, || {
        let page = get(place, "localhost");
        if page.contains("reload by root (pid ") { Ok(()) } else { Err(page) }
    });
}
