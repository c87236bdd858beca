//! Samples from the documentation of each daemon, and hostile input.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::{self, Config, Peers};

const FRR: &str = "\
frr version 8.4
hostname edge1
router bgp 65000
 bgp router-id 192.0.2.1
 neighbor UP peer-group
 neighbor UP remote-as 65001
 neighbor UP password s3 cret\"
 neighbor UP timers 10 30
 neighbor 198.51.100.2 peer-group UP
 neighbor 198.51.100.2 description the first \\ of them
 neighbor 2001:db8::2 remote-as internal
 neighbor 2001:db8::2 update-source 2001:db8::1
 neighbor 203.0.113.9 remote-as 65009
 neighbor 203.0.113.9 ebgp-multihop 3
 neighbor 203.0.113.9 strict-capability-match
 neighbor 203.0.113.9 timers connect 10
 neighbor 203.0.113.9 maximum-prefix 20
 neighbor eth0 interface remote-as external
 bgp listen range 10.9.0.0/16 peer-group UP
 !
 address-family ipv4 unicast
  neighbor 198.51.100.2 maximum-prefix 1000 80 warning-only
  neighbor 2001:db8::3 remote-as 65003
  neighbor 2001:db8::3 maximum-prefix 600 restart 10
  neighbor 198.51.100.2 route-map IN in
 exit-address-family
 !
 address-family ipv6 unicast
  neighbor 2001:db8::2 activate
  neighbor 2001:db8::2 maximum-prefix 700 restart 10
  neighbor 203.0.113.9 activate
  neighbor 203.0.113.9 maximum-prefix 30 warning-only force
 exit-address-family
 !
 bmp targets COLLECTORS
  bmp stats interval 60000
  bmp mirror
  bmp monitor ipv4 unicast pre-policy
  bmp monitor ipv6 unicast post-policy
  bmp connect 10.1.1.1 port 11019 min-retry 1000 max-retry 2500
  bmp connect 10.1.1.1 port 11020 min-retry 100 max-retry 200 source-interface lo
  bmp connect collector.example port 5000 min-retry 100 max-retry 200
 exit
exit
!
router bgp 65000 vrf red
 neighbor 192.0.2.77 remote-as 65077
exit
!
line vty
 neighbor 9.9.9.9 remote-as 1
";

const BIRD: &str = "\
# a comment with protocol bgp x { }
router id 192.0.2.1;
/* and /* one
   of two lines */
include \"more.conf\";
function f(int a) { if a = 1 then { return true; } return false; }
template bgp up {
  local 192.0.2.1 as 65000;
  hold time 30;
  password \"s3 cret; {\";
  ipv4 { import all; export none; add paths rx; import limit 1000 action restart; };
}
protocol bgp first from up {
  neighbor 198.51.100.2 as 65001;
  description \"the first\";
  multihop 3;
  bfd on;
}
protocol bgp {
  local as 65000;
  neighbor range 10.9.0.0/16 as 65002;
  vrf \"red\";
  ipv4 { receive limit 500 action block; };
  ipv6 { import filter { if net ~ [ ::/0 ] then accept; }; import limit 70; };
  mvpn4 { };
}
protocol bgp off from up { disabled; neighbor 192.0.2.9 as 1; }
protocol bmp collector {
  station address ip 10.1.1.1 port 11019;
  monitoring rib in pre_policy;
  monitoring rib in post_policy;
  tx buffer limit 1024;
}
";

const GOBGP: &str = "\
[global.config]
as = 65000
router-id = \"192.0.2.1\"
port = 1790
[[peer-groups]]
[peer-groups.config]
peer-group-name = \"up\"
peer-as = 65001
auth-password = \"s3cret\"
[[peer-groups.afi-safis]]
[peer-groups.afi-safis.config]
afi-safi-name = \"ipv4-unicast\"
[peer-groups.afi-safis.prefix-limit.config]
max-prefixes = 90
[peer-groups.afi-safis.add-paths.config]
receive = true
[[neighbors]]
[neighbors.config]
neighbor-address = \"198.51.100.2\"
peer-group = \"up\"
[neighbors.timers.config]
hold-time = 30.0
[neighbors.ebgp-multihop.config]
enabled = true
multihop-ttl = 3
[[neighbors]]
[neighbors.config]
neighbor-interface = \"eth0\"
[[dynamic-neighbors]]
[dynamic-neighbors.config]
prefix = \"10.9.0.0/16\"
peer-group = \"up\"
[[bmp-servers]]
[bmp-servers.config]
address = \"10.1.1.1\"
port = 11019
route-monitoring-policy = \"both\"
statistics-timeout = 3600
[[bmp-servers]]
[bmp-servers.config]
address = \"collector.example\"
";

/// The output, and what our check makes of it.
#[track_caller]
fn imported(dialect: Dialect, text: &str) -> (String, Config) {
    let output = import(dialect, text.as_bytes()).unwrap();
    let config = config::parse(&output, Path::new("f"));
    (output.clone(), config.unwrap_or_else(|error| panic!("{error}\n{output}")))
}

#[track_caller]
fn has(output: &str, lines: &[&str]) {
    for line in lines {
        assert!(output.contains(line), "{line}\n{output}");
    }
}

#[test]
fn a_configuration_of_frr_is_one_of_ours() {
    let (output, config) = imported(Dialect::Frr, FRR);
    let bgp = config.bgp.unwrap();
    assert_eq!((bgp.asn, bgp.neighbors.len(), config.sessions.len()), (65_000, 6, 2), "{output}");
    has(
        &output,
        &[
            "address = \"198.51.100.2\"\nremote-as = 65001\ndescription = ",
            "hold-time = 30\n",
            "md5.key = 's3 cret\"'\n",
            "maximum-routes.limit = 1000\nmaximum-routes.action = \"warn\"\n",
            "maximum-routes.limit = 600\nmaximum-routes.action = \"restart\"\nmaximum-routes.restart-after = 600\n",
            "maximum-routes.limit = 30\nmaximum-routes.action = \"warn\"\n",
            "30 here: ipv4-unicast had 20, or another action\n",
            "and ipv4-unicast had none: left out, 700 elsewhere\n",
            "22  bmpd counts all routes, those that policy dropped here too",
            "22  bmpd warns of no share of the limit: threshold 80\n",
            "16  not used: neighbor 203.0.113.9 timers connect 10\n",
            "address = \"2001:db8::2\"\nremote-as = 65000\n",
            "families = [\"ipv4-unicast\", \"ipv6-unicast\"]\n",
            "source-address = \"2001:db8::1\"\n",
            "multihop = 3\n",
            "prefix = \"10.9.0.0/16\"\nremote-as = 65001\n",
            "[[vpn-instance]]\nname = \"red\"\ndevice = \"red\"\n",
            "address = \"192.0.2.77\"\nvpn-instance = \"red\"\n",
            "retry.initial = 1\nretry.maximum = 3\nstatistics-timer = 60\n",
            "alias = \"COLLECTORS\"\ntcp.connect-port = 11020\ntcp.source-interface = \"lo\"\n",
            "15  not used: neighbor 203.0.113.9 strict-capability-match\n",
            "bmpd does not mirror messages",
            "before policy alone: bmp monitor ipv6 unicast post-policy\n",
            "which address has collector.example?",
            "18  not supported: bmpd knows neighbors by their addresses, not by interface: neighbor eth0 interface remote-as external\n",
            "monitor.families = [\"ipv4-unicast\", \"ipv6-unicast\"]\n",
            "#   neighbor route-map: 25\n",
            "#   line vty: ",
            "retry.initial is 1 s here, 100 ms there",
            "# address = \"collector.example\"\n",
        ],
    );
    assert!(!output.contains("9.9.9.9"), "{output}");
}

#[test]
fn a_configuration_of_bird_is_one_of_ours() {
    let (output, config) = imported(Dialect::Bird, BIRD);
    let bgp = config.bgp.unwrap();
    assert_eq!((bgp.asn, bgp.neighbors.len(), config.sessions.len()), (65_000, 2, 1), "{output}");
    assert!(matches!(bgp.neighbors[1].peers, Peers::Prefix { .. }), "{:?}", bgp.neighbors[1].peers);
    has(
        &output,
        &[
            "address = \"198.51.100.2\"\nremote-as = 65001\ndescription = \"the first\"\n",
            "md5.key = \"s3 cret; {\"\n",
            "add-path = [\"ipv4-unicast\"]\n",
            "prefix = \"10.9.0.0/16\"\nvpn-instance = \"red\"\nremote-as = 65002\n",
            "5  another file is included",
            "maximum-routes.limit = 1000\nmaximum-routes.action = \"restart\"\nmaximum-routes.restart-after = 60\n",
            "maximum-routes.limit = 500\nmaximum-routes.action = \"warn\"\n",
            "so it only warns: receive limit 500 action block\n",
            "500 here: ipv6-unicast had 70, or another action\n",
            "not used: bfd on\n",
            "bmpd has no counterpart: mvpn4 { ... }\n",
            "this neighbor is shut down there",
            "import in a channel: 11, 24",
            "#   function: 6\n",
            "before policy alone: monitoring rib in post_policy\n",
            "not used: tx buffer limit 1024\n",
        ],
    );
}

#[test]
fn a_configuration_of_gobgp_is_one_of_ours() {
    let (output, config) = imported(Dialect::Gobgp, GOBGP);
    let bgp = config.bgp.unwrap();
    assert_eq!((bgp.asn, bgp.neighbors.len(), config.sessions.len()), (65_000, 2, 1), "{output}");
    has(
        &output,
        &[
            "address = \"198.51.100.2\"\nremote-as = 65001\n",
            "hold-time = 30\nmd5.key = \"s3cret\"\nmultihop = 3\n",
            "add-path = [\"ipv4-unicast\"]\n",
            "statistics-timer = 3600\n",
            "before policy alone, not both",
            "listen = [\"[::]:1790\", \"0.0.0.0:1790\"]\n",
            "maximum-routes.limit = 90\nmaximum-routes.action = \"shutdown\"\n",
            "26  bmpd knows neighbors by their addresses: this one has none",
            "bmpd looks up no host names: which address has collector.example?",
            "not used: neighbors.config.neighbor-interface = eth0\n",
        ],
    );
}

#[test]
fn what_our_check_refuses_is_a_comment_with_the_reason() {
    let text = "router bgp 65000\n neighbor 192.0.2.2 remote-as 0\n neighbor 192.0.2.3 remote-as 1\n \
                neighbor 192.0.2.3 timers 1 2\n neighbor 192.0.2.4 remote-as 2\n";
    let (output, config) = imported(Dialect::Frr, text);
    assert_eq!(config.bgp.unwrap().neighbors.len(), 1, "{output}");
    has(&output, &["# line 2, which bmpd cannot take: ", "# line 3, which bmpd cannot take: "]);
    has(&output, &["# address = \"192.0.2.3\"\n", "our router ID was not found"]);
}

/// How many neighbors there are, and how many sessions run.
fn active(config: &Config) -> (usize, usize) {
    let neighbors = config.bgp.as_ref().map_or(0, |bgp| bgp.neighbors.len());
    (neighbors, config.sessions.iter().filter(|session| !session.shutdown).count())
}

#[test]
fn what_is_shut_down_there_is_not_opened_here() {
    let frr = |lines: &str| {
        format!("router bgp 1\n bgp router-id 192.0.2.1\n neighbor 192.0.2.2 remote-as 2\n{lines}")
    };
    let gobgp = |at: &str| {
        format!(
            "[global.config]\nas = 1\nrouter-id = '192.0.2.1'\n[[peer-groups]]\n[peer-groups.config]\n\
             peer-group-name = 'g'\npeer-as = 2\n{}[[neighbors]]\n[neighbors.config]\n\
             neighbor-address = '192.0.2.2'\npeer-group = 'g'\n{}",
            if at == "group" { "admin-down = true\n" } else { "" },
            if at == "neighbor" { "admin-down = true\n" } else { "" },
        )
    };
    let bird = |template: &str, own: &str| {
        format!(
            "router id 192.0.2.1; template bgp t {{ local as 1; {template} }}\n\
             protocol bgp from t {{ neighbor 192.0.2.2 as 2; {own} }}"
        )
    };
    let cases = [
        (Dialect::Frr, frr(" neighbor 192.0.2.2 shutdown\n"), 0),
        (Dialect::Frr, frr(" neighbor 192.0.2.2 shutdown message for the night\n"), 0),
        (Dialect::Frr, frr(" neighbor g shutdown\n neighbor 192.0.2.2 peer-group g\n"), 0),
        (Dialect::Frr, frr(" bgp shutdown\n"), 0),
        (Dialect::Frr, frr(" bgp default shutdown\n"), 0),
        (Dialect::Frr, frr(" bgp default shutdown\n no neighbor 192.0.2.2 shutdown\n"), 1),
        (Dialect::Frr, frr(" neighbor 192.0.2.2 shutdown rtt 100\n"), 1),
        (Dialect::Frr, frr(""), 1),
        (Dialect::Bird, bird("", "disabled;"), 0),
        (Dialect::Bird, bird("disabled yes;", ""), 0),
        (Dialect::Bird, bird("disabled;", "disabled off;"), 1),
        (Dialect::Gobgp, gobgp("neighbor"), 0),
        (Dialect::Gobgp, gobgp("group"), 0),
        (Dialect::Gobgp, gobgp(""), 1),
    ];
    for (dialect, text, expected) in cases {
        let (output, config) = imported(dialect, &text);
        assert_eq!(active(&config).0, expected, "{text}\n{output}");
        if expected == 0 {
            has(&output, &["# address = \"192.0.2.2\"\n", "this neighbor is shut down there"]);
        }
    }
    let station = "protocol bmp { disabled; station address ip 10.1.1.1 port 1; }";
    let (output, config) = imported(Dialect::Bird, station);
    assert_eq!((config.sessions.len(), active(&config).1), (1, 0), "{output}");
    // GoBGP listens nowhere, or at one address.
    let (output, config) =
        imported(Dialect::Gobgp, &gobgp("").replace("as = 1\n", "as = 1\nport = -1\n"));
    assert_eq!(config.bgp.unwrap().listen, [], "{output}");
    let one = gobgp("").replace("as = 1\n", "as = 1\nlocal-address-list = ['192.0.2.1']\n");
    let (output, config) = imported(Dialect::Gobgp, &one);
    assert_eq!(config.bgp.unwrap().listen, ["192.0.2.1:179".parse().unwrap()], "{output}");
}

#[test]
fn another_as_of_ours_and_roles_are_named() {
    let gobgp = "[global.config]\nas = 65005\nrouter-id = '192.0.2.1'\n[[neighbors]]\n[neighbors.config]\n\
                 neighbor-address = '192.0.2.2'\npeer-as = 1\nlocal-as = 65000\n";
    let wanted =
        "our AS is 65000 towards this neighbor there, and bmpd has one for all: its OPEN has 65005";
    has(&imported(Dialect::Gobgp, gobgp).0, &[wanted, "#     4  our AS is"]);
    let frr = "router bgp 65005\n neighbor 192.0.2.2 remote-as 1\n neighbor 192.0.2.2 local-as 65000 no-prepend\n";
    has(&imported(Dialect::Frr, frr).0, &[wanted]);
    let bird = "protocol bgp { local as 65005; neighbor 192.0.2.1 as 1; }\n\
                protocol bgp { local as 65000; local role customer; neighbor 192.0.2.2 as 1; }";
    has(
        &imported(Dialect::Bird, bird).0,
        &[wanted, "#     2  not used: role customer, of: local role customer\n"],
    );
    // iBGP has the AS of the router that it is in.
    let frr = "router bgp 1\n neighbor 192.0.2.2 remote-as 2\nrouter bgp 5 vrf red\n neighbor 192.0.2.3 remote-as internal\n";
    has(&imported(Dialect::Frr, frr).0, &["vpn-instance = \"red\"\nremote-as = 5\n", "AS 5 here"]);
}

#[test]
fn what_cannot_be_a_neighbor_or_a_station_is_named_with_its_line() {
    // Nothing else is in these files.
    for (dialect, text, expected) in [
        (
            Dialect::Frr,
            "router bgp 1\n neighbor eth0 interface remote-as external\n neighbor eth0 description x\n",
            "#     2  not supported: bmpd knows neighbors by their addresses, not by interface: neighbor eth0 interface \
             remote-as external\n#\n# Not taken over, as bmpd has nothing of the kind, with the lines:\n#   neighbor eth0: 3\n",
        ),
        (
            Dialect::Bird,
            "protocol bgp { local as 1; neighbor fe80::1%eth0 as 2; }",
            "#     1  not supported: bmpd knows neighbors by their addresses, without interface",
        ),
        (
            Dialect::Gobgp,
            "[global.config]\nas = 1\n[[neighbors]]\n[neighbors.config]\nneighbor-interface = 'eth0'\n",
            "#     5  not used: neighbors.config.neighbor-interface = eth0",
        ),
        (
            Dialect::Frr,
            "router bgp 1\n bmp targets a\n  bmp listener 0.0.0.0 port 5\n",
            "#     3  a station that connects needs its address in a passive [[session]]",
        ),
    ] {
        let (output, config) = imported(dialect, text);
        assert_eq!(active(&config), (0, 0), "{output}");
        has(&output, &[expected]);
    }
    let external =
        "router bgp 1\n neighbor 192.0.2.2 remote-as external\n neighbor 192.0.2.2 password x\n";
    let (output, config) = imported(Dialect::Frr, external);
    assert_eq!(active(&config), (0, 0), "{output}");
    has(
        &output,
        &[
            "#     2  remote-as is external there: bmpd needs the number of its AS\n",
            "# line 2, which needs the number of its AS as remote-as\n# [[bgp.neighbor]]\n",
            "# remote-as = NUMBER\n# md5.key = \"x\"\n",
        ],
    );
}

#[test]
fn values_that_become_others_are_named() {
    let text = "router bgp 1\n bmp targets a\n  bmp stats interval 5000\n  \
                bmp connect 10.1.1.1 port 1 min-retry 1500 max-retry 90000000\n  \
                bmp connect collector.example port 5000\n";
    let (output, config) = imported(Dialect::Frr, text);
    assert_eq!(active(&config), (0, 1), "{output}");
    has(
        &output,
        &[
            "#     4  statistics-timer is 15 s here, 5000 ms there: whole seconds from 15 to 65535 are allowed\n",
            "#     4  retry.initial is 2 s here, 1500 ms there",
            "#     4  retry.maximum is 86400 s here, 90000000 ms there",
            "#     5  bmpd looks up no host names: which address has collector.example?\n",
            "# line 5, which bmpd cannot take: ",
            "# address = \"collector.example\"\n# tcp.connect-port = 5000\n",
        ],
    );
}

#[test]
fn families_have_the_names_of_each_daemon() {
    let frr = "router bgp 1\n no bgp default ipv4-unicast\n bgp default ipv6-unicast\n neighbor 192.0.2.2 remote-as 2\n \
               address-family link-state\n  neighbor 192.0.2.2 activate\n exit\n \
               address-family ipv4 rtfilter\n  neighbor 192.0.2.2 activate\n exit-address-family\n \
               address-family vpnv4 unicast\n  neighbor 192.0.2.2 activate\n";
    let (output, _) = imported(Dialect::Frr, frr);
    has(
        &output,
        &[
            "families = [\"ipv6-unicast\", \"link-state\", \"vpnv4-unicast\"]\n",
            "#     8  bmpd has no family ipv4 rtfilter\n",
            "#   neighbor activate: 9\n",
        ],
    );
    for words in ["link-state", "link-state link-state", "ls"] {
        assert_eq!(family(words), Some("link-state"));
    }
    assert_eq!(family("l3vpn-ipv6-flowspec"), Some("vpnv6-flowspec"));
}

/// True if the output has a note about this line of the file.
fn names_line(output: &str, line: usize) -> bool {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    let is_in = |range: &str| match range.split_once('-') {
        Some((first, last)) => number(first)
            .zip(number(last))
            .is_some_and(|(first, last)| (first..=last).contains(&line)),
        None => number(range) == Some(line),
    };
    output.lines().filter_map(|row| row.strip_prefix("# ")).any(|row| {
        let noted = row.trim_start().split_once("  ").and_then(|(at, _)| number(at));
        let listed = row.strip_prefix("  ").and_then(|row| row.rsplit_once(": "));
        noted == Some(line) || listed.is_some_and(|(_, lines)| lines.split(", ").any(is_in))
    })
}

#[test]
fn a_word_that_nobody_knows_is_named_wherever_it_stands() {
    const UNKNOWN: &str = "zzunknown";
    let texts_to_the_end = ["password", "description"];
    for (index, line) in FRR.lines().enumerate() {
        if texts_to_the_end.iter().any(|word| line.contains(word)) {
            continue;
        }
        let mut lines: Vec<String> = FRR.lines().map(str::to_owned).collect();
        lines[index] = format!("{line} {UNKNOWN}");
        let (output, _) = imported(Dialect::Frr, &lines.join("\n"));
        let is_comment = line.trim_start().starts_with('!');
        assert!(is_comment || names_line(&output, index + 1), "{line}\n{output}");
        let mut lines: Vec<String> = FRR.lines().map(str::to_owned).collect();
        let indent = if line.starts_with(' ') { " " } else { "" };
        lines.insert(index + 1, format!("{indent}{UNKNOWN} 1"));
        let (output, _) = imported(Dialect::Frr, &lines.join("\n"));
        assert!(names_line(&output, index + 2), "{line}\n{output}");
    }
    // Behind each word, and as a statement of its own.
    for (at, mark) in BIRD.match_indices([';', '}']) {
        let before = &BIRD[..at];
        let line = 1 + before.matches('\n').count();
        let is_text = before.matches('"').count() % 2 == 1 || line == 1;
        if is_text || (mark == "}" && line == 4) {
            continue;
        }
        for insert in [format!(" {UNKNOWN}"), format!("; {UNKNOWN}")] {
            let text = format!("{before}{insert}{}", &BIRD[at..]);
            let output = import(Dialect::Bird, text.as_bytes()).unwrap();
            assert!(names_line(&output, line), "line {line}: {insert}\n{output}");
        }
    }
    for (index, line) in GOBGP.lines().enumerate().filter(|(_, line)| line.starts_with('[')) {
        let mut lines: Vec<String> = GOBGP.lines().map(str::to_owned).collect();
        lines.insert(index + 1, format!("{UNKNOWN} = 1"));
        let (output, _) = imported(Dialect::Gobgp, &lines.join("\n"));
        assert!(output.contains(UNKNOWN) && names_line(&output, index + 2), "{line}\n{output}");
    }
}

#[test]
fn long_values_and_long_files_have_a_limit() {
    let long = "x".repeat(300);
    let text = format!(
        "router bgp 1\n neighbor 192.0.2.2 remote-as 2\n neighbor 192.0.2.2 description {long}\n"
    );
    let (output, _) = imported(Dialect::Frr, &text);
    has(&output, &["#     3  not used: the description has 300 bytes; 256 are taken over\n"]);
    let bird = format!("protocol bgp {{ neighbor 192.0.2.2 as 2; description \"{long}\"; }}");
    has(&imported(Dialect::Bird, &bird).0, &["#     1  not understood: description xxx"]);
    let many = ";".repeat(2_000_001);
    let error = import(Dialect::Bird, many.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("more than 2000000 words"), "{error}");
}

/// Sizes at which a reader that compares everything with everything does not end in the time that a test has.
#[test]
fn the_time_of_an_import_is_linear() {
    let chain: String = (1..200_000)
        .map(|n| format!(" neighbor g{n} peer-group\n neighbor g{n} peer-group g{}\n", n - 1))
        .collect();
    let text = format!("router bgp 1\n neighbor 192.0.2.2 remote-as 2\n{chain}");
    let (output, config) = imported(Dialect::Frr, &text);
    assert_eq!(active(&config), (1, 0));
    has(&output, &["#   a peer group in a peer group: 3, 5, 7"]);
    let templates: String =
        (1..100_000).map(|n| format!("template bgp t{n} from t{} {{ }}\n", n - 1)).collect();
    let text = format!(
        "template bgp t0 {{ local as 1; }}\n{templates}protocol bgp from t99999 {{ neighbor 192.0.2.2 as 2; }}"
    );
    assert_eq!(active(&imported(Dialect::Bird, &text).1), (1, 0));
    let neighbors = "[[neighbors]]\n[neighbors.config]\nneighbor-interface = 'e'\n".repeat(60_000);
    assert_eq!(import(Dialect::Gobgp, neighbors.as_bytes()), Err(ImportError::TooMuch));
    // A name for each of many sessions with one station.
    let stations = "  bmp connect 10.1.1.1 port 1\n".repeat(3_000);
    let (_, config) = imported(Dialect::Frr, &format!("router bgp 1\n bmp targets a\n{stations}"));
    assert_eq!(config.sessions.len(), 3_000);
}

#[test]
fn what_is_no_configuration_is_said_to_be_none() {
    let error = |dialect, bytes: &[u8]| import(dialect, bytes).unwrap_err().to_string();
    for dialect in [Dialect::Frr, Dialect::Bird, Dialect::Gobgp] {
        assert!(error(dialect, b"").contains("is it the right file"));
        assert_eq!(
            error(dialect, b"a\nb \xff"),
            "line 2: this is no text in UTF-8: is it a configuration?"
        );
        assert!(error(dialect, &vec![b'x'; FILE_MAX + 1]).contains("larger than 16 MiB"));
    }
    let bird = |text: &str| error(Dialect::Bird, text.as_bytes());
    assert_eq!(bird("\n/* x"), "line 2: this comment has no end: */ is missing");
    assert_eq!(bird("protocol bgp {\n"), "line 1: this block has no end: } is missing");
    assert_eq!(bird("\n\n}"), "line 3: this } closes nothing");
    assert_eq!(bird("password \"x\n\";"), "line 1: this text has no end: \" is missing");
    assert!(bird(&"{".repeat(100_000)).contains("more than 64 deep"));
    let yaml = error(Dialect::Gobgp, b"global:\n  config:\n    as: 65000\n");
    assert!(yaml.starts_with("line 1: this is no TOML: "), "{yaml}");
}

/// Lines similar to what the readers parse.
fn pieces(of: &'static str) -> impl Strategy<Value = String> {
    let lines: Vec<&str> = of.lines().collect();
    let line = prop_oneof![
        4 => prop::sample::select(lines),
        1 => prop::sample::select(vec!["}", "{", "\"", "neighbor", "bmp", "[[neighbors]]", "\u{7}#\r"]),
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #[test]
    fn whatever_is_read_what_is_written_is_good(
        text in prop_oneof![pieces(FRR), pieces(BIRD), pieces(GOBGP), "\\PC{0,200}"],
    ) {
        for dialect in [Dialect::Frr, Dialect::Bird, Dialect::Gobgp] {
            if let Ok(output) = import(dialect, text.as_bytes()) {
                let parsed = config::parse(&output, Path::new("f"));
                prop_assert!(parsed.is_ok(), "{}\n{output}", parsed.unwrap_err());
            }
        }
    }
}
