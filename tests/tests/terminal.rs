//! `bmpctl reset session all --wait` in a real terminal (tmux).

use std::collections::BTreeSet;
use std::time::Duration;

use tests::daemon::binary;
use tests::lab::{Lab, Plan};
use tests::neighbor::Neighbor;
use tests::station::{Mode, Pace};
use tests::table::Table;
use tests::terminal::{PLAIN_SHELL, Terminal};
use tests::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(120);

fn lab(aliases: &[Option<&str>], ipv4: u64, ipv6: u64) -> (Lab, Neighbor) {
    let lab = Plan { aliases, mode: Mode::Counting, log: "info", ..Plan::default() }.start();
    let neighbor = lab.connect();
    neighbor.send_all(&Table::full(ipv4, ipv6));
    for station in &lab.stations {
        station.wait_connection(1).wait_complete(lab.peer, TIMEOUT);
    }
    (lab, neighbor)
}

fn terminal(lab: &Lab, width: u32, height: u32) -> Terminal {
    let bmpctl = binary("bmpctl");
    let socket = lab.daemon.socket().as_os_str();
    let variables = [("BMPD_SOCKET", socket), ("C", bmpctl.as_os_str())];
    let terminal = Terminal::open(&lab.scratch, [width, height], PLAIN_SHELL, variables);
    wait_for("the shell", TIMEOUT, || {
        let rows = terminal.rows();
        if rows == ["$"] { Ok(()) } else { Err(rows.join("\n")) }
    });
    terminal
}

/// The rows of bars: how many percent they show.
fn percents(rows: &[String]) -> Vec<u64> {
    let bars = rows.iter().filter(|row| row.contains('[') && row.contains('%'));
    bars.filter_map(|row| row.split('%').next()?.split(' ').next_back()?.parse().ok()).collect()
}

/// Waits for the end of the command, and returns the lines that it has left behind, and its exit code.
#[track_caller]
fn wait_end(terminal: &Terminal) -> (Vec<String>, String) {
    wait_for("the shell to ask for another command", TIMEOUT, || {
        let rows = terminal.rows();
        // Not the prompt at which the command was typed.
        let is_typed = terminal.lines().iter().any(|line| line.contains("--wait"));
        let is_asking = rows.last().is_some_and(|row| row == "$");
        if is_typed && is_asking { Ok(()) } else { Err(rows.join("\n")) }
    });
    terminal.enter("echo code=$?.");
    let lines = wait_for("the command to end", TIMEOUT, || {
        let lines = terminal.lines();
        let ended = lines.iter().any(|line| line.starts_with("code="));
        if ended { Ok(lines) } else { Err(lines.join("\n")) }
    });
    let code = lines.iter().find(|line| line.starts_with("code=")).unwrap().clone();
    let begin = lines.iter().position(|line| line.contains("--wait")).unwrap();
    let end = lines.iter().position(|line| line.starts_with("code=")).unwrap();
    let left = lines[begin + 1..end].iter();
    let left = left.filter(|line| !line.starts_with("$ ")).cloned();
    (left.collect(), code)
}

#[test]
fn a_full_table_is_seen_to_be_sent_and_the_screen_is_left_clean() {
    let (lab, _neighbor) = lab(&[None, Some("aa"), Some("bb")], 1_000_000, 200_000);
    for (station, pace) in lab.stations.iter().zip([3_000_000, 2_500_000, 2_000_000]) {
        station.pace(Pace::Slow(pace));
    }
    let terminal = terminal(&lab, 100, 24);
    terminal.enter("$C reset session all --wait");
    let mut seen: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); 3];
    let mut step = |what: &str, until: u64| {
        wait_for(what, TIMEOUT, || {
            let rows = terminal.rows();
            let now = percents(&rows);
            if now.len() != 3 {
                return Err(rows.join("\n"));
            }
            for (seen, now) in seen.iter_mut().zip(&now) {
                assert!(seen.last().is_none_or(|last| last <= now), "it goes back: {rows:?}");
                assert!(*now < 100, "{rows:?}");
                seen.insert(*now);
            }
            let widest = rows.iter().map(|row| row.chars().count()).max();
            // How fast they move can be said after a moment.
            let is_whole = |row: &&String| row.contains(" routes/s ") && row.ends_with(" left");
            let whole = rows.iter().filter(is_whole).count();
            if whole == 3 && now.iter().all(|now| *now >= until) {
                Ok((rows, widest.unwrap()))
            } else {
                Err(rows.join("\n"))
            }
        })
    };
    let (rows, _) = step("the bars to move", 8);
    // The command, what it is about, three bars and how it stands in all, at their places.
    assert_eq!(rows.len(), 6, "{rows:?}");
    assert!(rows[5].starts_with("0 of 3 done, 3 Synchronising; waiting for "), "{rows:?}");
    terminal.resize([80, 20]);
    let (rows, widest) = step("the bars to move on in a smaller terminal", 16);
    assert!(widest < 80, "{rows:?}");
    assert_eq!(rows.len(), 6, "something was left behind: {rows:?}");
    terminal.resize([120, 30]);
    let (rows, _) = step("the bars to move on in a wide terminal", 24);
    assert_eq!(rows.len(), 6, "something was left behind: {rows:?}");
    assert!(seen.iter().all(|seen| seen.len() >= 3), "{seen:?}");
    for station in &lab.stations {
        station.pace(Pace::Full);
    }
    let (left, code) = wait_end(&terminal);
    assert_eq!(code, "code=0.", "{left:?}");
    assert_eq!(left.len(), 4, "what it is about, and one line a session: {left:#?}");
    for name in ["", " alias aa", " alias bb"] {
        let begin = format!("session {}{name}: synchronised, 1200000 routes in ", lab.address);
        let line = left.iter().find(|line| line.starts_with(&begin));
        assert!(line.is_some_and(|line| line.ends_with("s (generation 2)")), "{left:#?}");
    }
    assert!(terminal.has_cursor());
    let recording = terminal.recording();
    assert!(
        recording.contains(" 100% [========") && recording.contains("] 1200000 routes"),
        "no bar has come to its end"
    );
}

#[test]
fn a_terminal_that_is_made_narrower_than_the_lines_shows_each_once() {
    let (lab, _neighbor) = lab(&[None, Some("aa")], 400_000, 100_000);
    for station in &lab.stations {
        station.pace(Pace::Slow(2_000_000));
    }
    let terminal = terminal(&lab, 100, 24);
    terminal.enter("$C reset session all --wait");
    let shown = |what: &str, width: usize, until: u64| {
        wait_for(what, TIMEOUT, || {
            let rows = terminal.rows();
            let now = percents(&rows);
            let summaries = rows.iter().filter(|row| row.starts_with("0 of 2 done")).count();
            let fits = rows.iter().all(|row| row.chars().count() < width);
            // The command may have been scrolled away when the terminal broke the lines.
            let right = now.len() == 2 && summaries == 1 && (4..=5).contains(&rows.len()) && fits;
            if right && now.iter().all(|now| *now >= until) { Ok(()) } else { Err(rows.join("\n")) }
        });
    };
    shown("the bars to move", 80, 8);
    terminal.resize([50, 24]);
    shown("the bars to move on in a narrow terminal", 50, 16);
    terminal.resize([100, 24]);
    shown("the bars to move on in a wide terminal", 80, 24);
    for station in &lab.stations {
        station.pace(Pace::Full);
    }
    wait_for("the sessions to be synchronised, and nothing else to be seen", TIMEOUT, || {
        let rows = terminal.rows();
        let done =
            rows.iter().filter(|row| row.contains(": synchronised, 500000 routes in ")).count();
        let others = rows.len() - done;
        let prompt = rows.last().is_some_and(|row| row == "$");
        // The command, what it is about and the prompt.
        if done == 2 && prompt && others <= 3 { Ok(()) } else { Err(rows.join("\n")) }
    });
}

#[test]
fn more_sessions_than_rows_are_shown_in_part_and_ctrl_c_leaves_the_screen_clean() {
    let names: Vec<String> = (0..30).map(|n| format!("s{n:02}")).collect();
    let aliases: Vec<Option<&str>> = names.iter().map(|name| Some(name.as_str())).collect();
    let (mut lab, _neighbor) = lab(&aliases, 800, 200);
    for station in &mut lab.stations[5..] {
        station.kill();
    }
    let terminal = terminal(&lab, 100, 15);
    terminal.enter("$C reset session all --wait=10m");
    let rows = wait_for("the sessions to fail", TIMEOUT, || {
        let rows = terminal.rows();
        let summary = rows.last().is_some_and(|row| row.starts_with("5 of 30 done, "));
        let waiting =
            rows.iter().filter(|row| row.contains("waiting for the next attempt")).count();
        if summary && waiting > 0 { Ok(rows) } else { Err(rows.join("\n")) }
    });
    assert!(rows.len() <= 15, "{rows:?}");
    let bars = rows.iter().filter(|row| row.starts_with(&lab.address.to_string())).count();
    assert_eq!(bars, 12, "{rows:?}");
    terminal.press(&["C-c"]);
    let (left, code) = wait_end(&terminal);
    assert_eq!(code, "code=130.", "{left:#?}");
    assert_eq!(left.iter().filter(|line| line.contains(": synchronised, 1000 routes")).count(), 5);
    let said =
        left.iter().position(|line| line.starts_with("bmpctl: interrupted: the reset continues"));
    let said = said.unwrap_or_else(|| panic!("{left:#?}"));
    // What it is about, those that were reset, then each of the others once, and nothing of the bars.
    assert_eq!(said, 6, "{left:#?}");
    let others = left[said + 1..].iter().filter(|line| line.starts_with("  session "));
    assert_eq!(others.count(), 25, "{left:#?}");
    assert!(!left.iter().any(|line| line.contains(" of 30 done")), "{left:#?}");
    assert!(terminal.has_cursor());
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let (lab, _neighbor) = lab(&[None], 800, 200);
    let terminal = terminal(&lab, 100, 24);
    terminal.enter("TERM=dumb $C reset session all --wait");
    let (left, code) = wait_end(&terminal);
    assert_eq!(code, "code=0.", "{left:?}");
    assert!(left[0].contains(": reset, now connecting to "), "{left:?}");
    assert!(left.last().unwrap().contains(": synchronised, 1000 routes in "), "{left:?}");
    let recording = terminal.recording();
    let own = recording.split("--wait").nth(1).unwrap().split("code=").next().unwrap();
    assert!(!own.contains("\u{1b}[1A") && !own.contains("\u{1b}[J"), "{own:?}");
}
