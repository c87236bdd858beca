//! `bmpctl display bmp session`: the layout that users of routers with the manual's command know.

use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::bmp::Mode;
use tests::daemon::{Daemon, bgp, bgp_listen, neighbor, session};
use tests::neighbor::{Neighbor, Options};
use tests::scratch::Scratch;
use tests::station::Station;
use tests::table::Table;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The text with a `#` for each number and age.
fn blanked(text: &str) -> String {
    let mut blank = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let mut words = Vec::new();
        for word in line.split(' ') {
            let bare = word.trim_end_matches([',', ')']).trim_end_matches("(s");
            let is_value = bare.starts_with(|c: char| c.is_ascii_digit())
                && bare.chars().all(|c| c.is_ascii_digit() || "hms".contains(c));
            words.push(if is_value { word.replacen(bare, "#", 1) } else { word.to_owned() });
        }
        blank.push_str(&words.join(" "));
        if lines.peek().is_some() {
            blank.push('\n');
        }
    }
    blank
}

#[test]
fn the_layout_is_that_of_routers() {
    let scratch = Scratch::new();
    let (address, down, peer) = (loopback(), loopback(), loopback());
    let station = Station::listen(address, Mode::Counting);
    let listen = bgp_listen();
    let off = session(down, free_port(down), None);
    let config = [
        session(address, station.port(), Some("aa")),
        off.trim_end().to_owned() + "\nshutdown = true\n\n",
        bgp(listen),
        neighbor(peer, 65001),
    ]
    .concat();
    let daemon = Daemon::start(&scratch, &config);
    let speaker = Neighbor::connect(&Options::new(peer, 65001), listen);
    speaker.send_all(&Table::full(100, 10));
    station.wait_connection(1).wait_complete(peer, TIMEOUT);
    daemon.wait_state(address, Some("aa"), "Established");
    daemon.wait_state(down, None, "Shutdown");

    let short = daemon.bmpctl(&["display", "bmp", "session"]);
    let text = short.done();
    assert!(
        text.starts_with("Total number of BMP session : 2\n Session in up state : 1\n"),
        "{text}"
    );
    let headings = "  Session          Alias      State      Age            VPN";
    assert_eq!(text.lines().nth(2), Some(headings));
    let row = |of: &str| text.lines().find(|line| line.contains(of)).unwrap().to_owned();
    let up = row(&address.to_string());
    assert_eq!((&up[2..19].trim_end(), up[19..30].trim_end()), (&&*address.to_string(), "aa"));
    assert_eq!((up[30..41].trim_end(), &up[56..]), ("Up", "_public_"));
    assert_eq!(row(&down.to_string())[19..41].trim(), "Down");

    let one = ["display", "bmp", "session", &address.to_string(), "alias", "aa", "verbose"];
    let details = daemon.bmpctl(&one);
    let local = station.latest().unwrap().remote;
    assert_eq!(
        blanked(details.done()),
        format!(
            "\
BMP session {address}, port #
    Alias name: aa
    Current state: Up, Age: #
    VPN-instance name: _public_
    Local address: {}, Local port: #
    Statistics timeout: #(s)
    ConnectRetry Timer Remainder: #(s)
    Statistics-report Timer Remainder: #(s)
    Send Route Monitoring messages: #
    Send Statistics Report messages: #
    Send Peer Down Notification messages: #
    Send Peer Up Notification messages: #
    Send Initiation messages: #
    Send Termination messages: #
    Send Trace Route messages: #
  BGP ipv4-family unicast :
  {peer} (in pre-policy)
  BGP ipv6-family unicast :
  {peer} (in pre-policy)",
            local.ip()
        ),
        "{details}"
    );
    for fact in [
        format!(", port {}\n", station.port()),
        format!("Local port: {}\n", local.port()),
        "Statistics timeout: 3600(s)\n".to_owned(),
        "Send Peer Up Notification messages: 1\n".to_owned(),
        "Send Initiation messages: 1\n".to_owned(),
    ] {
        assert!(details.stdout.contains(&fact), "{fact:?}: {details}");
    }
    let stopped = daemon.bmpctl(&["display", "bmp", "session", &down.to_string(), "verbose"]);
    assert!(
        stopped.done().contains("    Current state: Down (Reason: Manual Stop), Age: "),
        "{stopped}"
    );
    assert!(stopped.stdout.contains("    Local address: 0.0.0.0, Local port: 0\n"), "{stopped}");

    // The same sessions as JSON, and a session that does not exist.
    let json: serde_json::Value =
        serde_json::from_str(daemon.bmpctl(&["--json", "display", "bmp", "session"]).done())
            .unwrap();
    assert_eq!(
        (&json["kind"], json["sessions"].as_array().unwrap().len()),
        (&"sessions".into(), 2)
    );
    let unknown = daemon.bmpctl(&["display", "bmp", "session", &address.to_string(), "verbose"]);
    assert_eq!(unknown.status, 3, "{unknown}");
}
