//! BIRD and FRR that receive routes, and are asked what they have: to compare what bmpd shows of the same neighbor.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Process, TIMEOUT, ask, command, folder, write};
use crate::addresses::{free_port, loopback};
use crate::scratch::Scratch;
use crate::wait::wait_for;

/// What is shown of a route, in one form for all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The AS path.
    pub as_path: Vec<u32>,
    /// The first next hop.
    pub next_hop: String,
    /// `igp`, `egp` or `incomplete`.
    pub origin: String,
    /// MED.
    pub med: Option<u64>,
    /// Communities, sorted; `None` where the program was not asked for them.
    pub communities: Option<Vec<String>>,
    /// Large communities, sorted.
    pub large_communities: Option<Vec<String>>,
}

/// The routes of a table by prefix.
pub type Table = BTreeMap<String, Seen>;

/// A program that only receives. Killed when dropped.
#[derive(Debug)]
pub struct TableOf {
    folder: PathBuf,
    /// Where it listens.
    pub listens: SocketAddr,
    _process: Process,
}

impl TableOf {
    /// BIRD, for a neighbor at this address.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn bird(scratch: &Scratch, neighbor: IpAddr, asn: u32) -> Self {
        let (folder, listens) = place(scratch, "bird-table");
        let address = listens.ip();
        write(
            &folder.join("bird.conf"),
            &format!(
                "log stderr all;\nrouter id 192.0.2.250;\nprotocol device {{ }}\n\
                 protocol bgp n {{\n  local {address} port {port} as 65000;\n  neighbor {neighbor} as {asn};\n\
                 strict bind on;\n  passive on;\n  multihop;\n\
                 ipv4 {{ import all; export none; }};\n  ipv6 {{ import all; export none; }};\n}}\n",
                port = listens.port(),
            ),
        );
        let mut bird = command("bird");
        bird.args(["-f", "-c", "bird.conf", "-s", "bird.ctl", "-P", "bird.pid"]);
        let mut process = Process::spawn("bird", &folder, &mut bird);
        process.wait_ready(|_| birdc(&folder, &["show", "status"]).map(drop));
        Self { folder, listens, _process: process }
    }

    /// FRR, for a neighbor at this address.
    ///
    /// # Panics
    /// When it does not come up; with its log.
    #[track_caller]
    pub fn frr(scratch: &Scratch, neighbor: IpAddr, asn: u32) -> Self {
        let (folder, listens) = place(scratch, "frr-table");
        let address = listens.ip();
        write(&folder.join("vtysh.conf"), "");
        write(
            &folder.join("bgpd.conf"),
            &format!(
                "log stdout debugging\nrouter bgp 65000\n bgp router-id 192.0.2.251\n\
                 no bgp ebgp-requires-policy\n no bgp default ipv4-unicast\n\
                 neighbor {neighbor} remote-as {asn}\n neighbor {neighbor} passive\n\
                 neighbor {neighbor} ebgp-multihop\n neighbor {neighbor} disable-connected-check\n\
                 address-family ipv4 unicast\n  neighbor {neighbor} activate\n exit-address-family\n\
                 address-family ipv6 unicast\n  neighbor {neighbor} activate\n exit-address-family\n"
            ),
        );
        let mut frr = command("bgpd");
        frr.args(["-Z", "-S", "-P", "0", "-f", "bgpd.conf", "-i", "bgpd.pid"])
            .args(["-l", &address.to_string(), "-p", &listens.port().to_string()])
            .arg("--vty_socket")
            .arg(&folder);
        let mut process = Process::spawn("bgpd", &folder, &mut frr);
        process.wait_ready(|_| vtysh(&folder, "show version").map(drop));
        Self { folder, listens, _process: process }
    }

    /// Waits until BIRD has this many routes.
    ///
    /// # Panics
    /// When it has not in time.
    #[track_caller]
    pub fn wait_count(&self, routes: u64) {
        wait_for("BIRD to have the routes", TIMEOUT * 3, || {
            let shown = birdc(&self.folder, &["show", "route", "count"])?;
            let total = format!("Total: {routes} of {routes} routes");
            if shown.contains(&total) { Ok(()) } else { Err(shown) }
        });
    }

    /// A command of `birdc`.
    pub fn birdc_command(&self, words: &[&str]) -> Command {
        let mut birdc = command("birdc");
        birdc.arg("-s").arg(self.folder.join("bird.ctl")).args(words);
        birdc
    }

    /// What BIRD has, once it has this many routes.
    ///
    /// # Panics
    /// When it has not in time.
    #[track_caller]
    pub fn of_bird(&self, routes: usize) -> Table {
        wait_for("BIRD to have the routes", TIMEOUT, || {
            let shown = birdc(&self.folder, &["show", "route", "all"])?;
            let table = read_bird(&shown);
            if table.len() == routes { Ok(table) } else { Err(format!("{} routes", table.len())) }
        })
    }

    /// What FRR has, once it has this many routes. It is not asked for communities, which it shows for one route at a time.
    ///
    /// # Panics
    /// When it has not in time.
    #[track_caller]
    pub fn of_frr(&self, routes: usize) -> Table {
        wait_for("FRR to have the routes", TIMEOUT, || {
            let mut table = Table::new();
            for family in ["ipv4", "ipv6"] {
                let shown = vtysh(&self.folder, &format!("show bgp {family} unicast json"))?;
                let shown: Value = serde_json::from_str(&shown).map_err(|e| e.to_string())?;
                let routes = shown["routes"].as_object().ok_or("no routes")?;
                table.extend(
                    routes.iter().map(|(prefix, paths)| (prefix.clone(), of_frr(&paths[0]))),
                );
            }
            if table.len() == routes { Ok(table) } else { Err(format!("{} routes", table.len())) }
        })
    }
}

fn place(scratch: &Scratch, name: &str) -> (PathBuf, SocketAddr) {
    let address = loopback();
    (folder(scratch, name), SocketAddr::new(address, free_port(address)))
}

fn birdc(folder: &Path, words: &[&str]) -> Result<String, String> {
    ask(command("birdc").arg("-s").arg(folder.join("bird.ctl")).args(words))
}

fn vtysh(folder: &Path, line: &str) -> Result<String, String> {
    let mut vtysh = command("vtysh");
    vtysh.arg("--vty_socket").arg(folder).arg("--config_dir").arg(folder);
    ask(vtysh.args(["-d", "bgpd", "-c", line]).current_dir(folder))
}

/// Reads `birdc show route all`.
fn read_bird(shown: &str) -> Table {
    let mut table = Table::new();
    let mut last: Option<String> = None;
    for line in shown.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if !line.starts_with(char::is_whitespace) && first.contains('/') {
            let seen = Seen {
                communities: Some(Vec::new()),
                large_communities: Some(Vec::new()),
                ..Seen::default()
            };
            table.insert(first.to_owned(), seen);
            last = Some(first.to_owned());
            continue;
        }
        let Some((name, value)) = line.trim().split_once(": ") else { continue };
        let Some(seen) = last.as_ref().and_then(|last| table.get_mut(last)) else { continue };
        let numbers = || value.split_whitespace().filter_map(|one| one.parse().ok());
        // (65000,1) (65000,2), in each of them perhaps blanks.
        let lists = || {
            let mut lists: Vec<String> = value
                .split(')')
                .map(|one| one.trim().trim_start_matches('(').replace(", ", ":").replace(',', ":"))
                .filter(|one| !one.is_empty())
                .collect();
            lists.sort();
            Some(lists)
        };
        match name {
            "BGP.as_path" => seen.as_path = numbers().collect(),
            "BGP.next_hop" => {
                seen.next_hop = value.split_whitespace().next().unwrap_or_default().to_owned();
            }
            "BGP.origin" => seen.origin = value.trim().to_lowercase(),
            "BGP.med" => seen.med = value.trim().parse().ok(),
            "BGP.community" => seen.communities = lists(),
            "BGP.large_community" => seen.large_communities = lists(),
            _ => {}
        }
    }
    table
}

fn of_frr(path: &Value) -> Seen {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Seen {
        as_path: text(&path["path"])
            .split_whitespace()
            .filter_map(|one| one.parse().ok())
            .collect(),
        next_hop: text(&path["nexthops"][0]["ip"]),
        origin: text(&path["origin"]).to_lowercase(),
        med: path["metric"].as_u64(),
        communities: None,
        large_communities: None,
    }
}
