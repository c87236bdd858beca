//! Samples as the documentation of each daemon has them, and what is nasty.

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
            "18  not used: neighbor eth0 interface remote-as external\n",
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
            "this neighbor is disabled there",
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
            "it listens at port 1790",
            "maximum-routes.limit = 90\nmaximum-routes.action = \"shutdown\"\n",
            "26  bmpd knows neighbors by their addresses: this one has none",
            "without an IP address: bmpd looks up no host names",
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

/// Lines that look like what the readers look for.
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
