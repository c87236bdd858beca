//! Tips for an unknown verb.

use std::net::IpAddr;

use clap::Command;
use shared::response::LogLevel;

use super::{Mistake, is_named, subcommands};

/// Verbs of other programs: behind which words they are typed, how they are spelled, and what does here what they do
/// there.
#[rustfmt::skip]
const FOREIGN: &[(&str, &[&str], &str)] = &[
    ("", &["restart"],
     "`systemctl restart bmpd` restarts bmpd; `bmpctl reset session all` resets the sessions"),
    ("", &["start", "stop"], "systemctl starts and stops bmpd: `systemctl status bmpd`"),
    ("", &["apply", "commit", "refresh", "configure"],
     "did you mean bmpctl reload? It applies the configuration file"),
    ("", &["set", "edit", "add", "delete", "del", "remove", "enable", "disable", "shutdown", "undo", "no"],
     "change the configuration file, then `bmpctl reload`"),
    ("", &["logs", "journal"],
     "`journalctl -u bmpd` has the log; `bmpctl monitor` prints what happens"),
    ("", &["watch", "top", "follow", "tail"],
     "did you mean bmpctl monitor, or bmpctl show session --watch?"),
    ("", &["bmp"], "did you mean bmpctl show session, or bmpctl reset session?"),
    ("", &["bgp", "protocols"], "did you mean bmpctl show neighbor?"),
    ("show", &["bmp", "station", "stations", "collector", "collectors", "server", "servers", "summary"],
     "did you mean bmpctl show session?"),
    ("show", &["bgp", "peer", "peers", "protocol", "protocols"],
     "did you mean bmpctl show neighbor, or bmpctl show route?"),
    ("show", &["rib", "ribs", "table", "tables", "prefix", "prefixes", "ip"],
     "the routes of all tables, or those for a prefix: `bmpctl show route`, `bmpctl show route 192.0.2.0/24`"),
    ("show", &["log", "logs", "logging"],
     "`journalctl -u bmpd` has the log; `bmpctl log level` shows how much is logged"),
    ("show", &["vrf", "vrfs", "vpn", "instance", "instances", "interface", "interfaces"],
     "did you mean bmpctl show vpn-instance?"),
    ("show", &["memory", "uptime", "system", "health", "daemon"], "did you mean bmpctl show status?"),
    ("show", &["running-config", "running"], "did you mean bmpctl show config?"),
    ("show", &["kafka", "topic", "topics", "broker", "brokers"], "did you mean bmpctl show publisher?"),
    ("reset", &["all"],
     "all of what? `bmpctl reset session all`, `bmpctl reset router all` or `bmpctl reset publisher all`"),
    ("reset", &["neighbor", "neighbors", "bgp", "peer", "peers"],
     "bmpctl resets no BGP session: its router can; `bmpctl reset session all` sends all routes to the stations again"),
    ("reset", &["statistics", "counters"], "did you mean bmpctl clear statistics?"),
    ("clear", &["bmp", "bgp", "session", "sessions", "neighbor", "neighbors", "all"],
     "`bmpctl reset session` connects again; `bmpctl clear statistics` resets counters"),
    ("clear", &["counters", "counter", "stats"], "did you mean bmpctl clear statistics?"),
    ("display", &["session", "sessions"], "did you mean bmpctl display bmp session?"),
    ("display", &["bgp", "peer", "peers"], "did you mean bmpctl show neighbor?"),
];

impl Mistake<'_> {
    /// What an unknown verb was probably meant to be, and what there is in its place.
    pub(super) fn tips_of_verb(&self, typed: &str) -> Vec<String> {
        let here = self.here();
        let names: Vec<&str> = subcommands(here).map(Command::get_name).collect();
        let place = match self.path().as_slice() {
            [] => "bmpctl has".to_owned(),
            path => format!("`bmpctl {}` has", path.join(" ")),
        };
        let all = format!("{place}: {}", names.join(", "));
        self.meant_by_verb(typed).into_iter().chain([all]).collect()
    }

    fn meant_by_verb(&self, typed: &str) -> Option<String> {
        let path = self.path();
        let words = path.join(" ");
        let typed = typed.to_ascii_lowercase();
        let foreign = |(of, spelled, _): &&(&str, &[&str], &str)| {
            *of == words && spelled.contains(&typed.as_str())
        };
        if let Some((_, _, answer)) = FOREIGN.iter().find(foreign) {
            return Some((*answer).to_owned());
        }
        let did_you_mean =
            |words: &[&str]| Some(format!("did you mean {}?", self.with(&typed, words)));
        match (path.as_slice(), typed.as_str()) {
            ([], "get" | "list" | "ls" | "describe" | "dump") => return did_you_mean(&["show"]),
            (["log"], level) if LogLevel::ALL.iter().any(|known| known.name() == level) => {
                return did_you_mean(&["level", level]);
            }
            // What a command is for, without which of the things.
            (["reset" | "show" | "display" | "clear", ..], "all")
            | (["reset" | "display", "bmp"], _)
                if typed == "all" || typed.parse::<IpAddr>().is_ok() =>
            {
                return did_you_mean(&["session", &typed]);
            }
            (["reset" | "show"], address) if address.parse::<IpAddr>().is_ok() => {
                return did_you_mean(&["session", address]);
            }
            (["clear"], address) if address.parse::<IpAddr>().is_ok() => {
                return did_you_mean(&["statistics", address]);
            }
            _ => {}
        }
        // What can be shown is often named without `show`, and so is what follows another verb.
        let with_inner = |verb| {
            let inner = subcommands(verb).find(|inner| is_named(inner, &typed))?;
            Some([verb.get_name(), inner.get_name()])
        };
        let mut meant: Vec<[&str; 2]> = subcommands(self.here()).filter_map(with_inner).collect();
        meant.sort_by_key(|[verb, _]| *verb != "show");
        did_you_mean(meant.first()?)
    }
}
