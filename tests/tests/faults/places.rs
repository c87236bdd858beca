//! Namespaces and devices that vanish and come back: what was in them is down with a reason, and up again by
//! itself, in the new one.

use std::net::{IpAddr, SocketAddr};

use tests::addresses::{free_port, loopback, port_of_all_addresses};
use tests::bmp::Mode;
use tests::faults::{Footprint, Ground, Terms, json};
use tests::neighbor::{Neighbor, Options};
use tests::netns::{Namespace, Netns, Wire};
use tests::random::Random;
use tests::station::{Setup, Station};
use tests::table::Attributes;
use tests::wait::wait_for;

use super::TIMEOUT;

/// What lives in the VPN instance `red`: a neighbor, a station that bmpd connects to and one that connects.
struct Red {
    neighbor: IpAddr,
    listen: SocketAddr,
    active: SocketAddr,
    passive: IpAddr,
    passive_at: SocketAddr,
}

impl Red {
    fn config(&self, place: &str, tcp: &str) -> String {
        let Self { neighbor, listen, active, passive, passive_at } = self;
        let tcp = format!("retry.initial = 1\nretry.maximum = 2\n{tcp}\n");
        format!(
            "[[vpn-instance]]\nname = \"red\"\n{place}\nlisten = [\"{listen}\"]\n\n\
             [[bgp.neighbor]]\naddress = \"{neighbor}\"\nvpn-instance = \"red\"\nremote-as = 65003\n\
             passive = true\n\n\
             [[session]]\naddress = \"{}\"\nvpn-instance = \"red\"\ntcp.connect-port = {}\n{tcp}\
             monitor.all-vpn-instances = true\n\n\
             [[session]]\naddress = \"{passive}\"\nalias = \"passive\"\nvpn-instance = \"red\"\n\
             mode = \"passive\"\ntcp.listen-port = {}\n{tcp}monitor.all-vpn-instances = true\n\n",
            active.ip(),
            active.port(),
            passive_at.port()
        )
    }

    /// All of them connect, and the stations are sent the neighbor.
    #[track_caller]
    fn live(&self, namespace: &Namespace) -> (Neighbor, [Station; 2]) {
        let setup = || Setup { namespace: Some(namespace.clone()), ..Setup::default() };
        let active = Station::listen_with(self.active, Mode::Keeping, setup());
        let passive = Station::passive(self.passive, Mode::Keeping, setup());
        let options =
            Options { namespace: Some(namespace.clone()), ..Options::new(self.neighbor, 65003) };
        let mut options = options;
        options.open.hold_time = 6;
        let neighbor = Neighbor::connect(&options, self.listen);
        let prefix = "198.51.100.0/24".parse().unwrap();
        neighbor.announce(&[prefix], &Attributes::sample(65003, &mut Random::new(1)));
        let from_passive = passive.dial_until_taken(self.passive_at);
        for connection in [active.wait_connection(1), from_passive] {
            connection.wait_routes(self.neighbor, &neighbor.expected(), TIMEOUT);
        }
        (neighbor, [active, passive])
    }

    /// Both sessions say that their place is not there.
    #[track_caller]
    fn wait_gone(&self, ground: &Ground, reason: &str) {
        wait_for(&format!("the reason {reason} of both"), TIMEOUT, || {
            let shown = json(&ground.daemon, &["show", "session", "--vpn-instance", "red"]);
            let sessions = shown["sessions"].as_array().unwrap();
            let is_gone = |s: &&serde_json::Value| s["last_failure"]["reason"] == reason;
            if sessions.iter().filter(is_gone).count() == 2 {
                Ok(())
            } else {
                Err(shown.to_string())
            }
        });
        let instance = json(&ground.daemon, &["show", "vpn-instance", "red"]);
        assert_eq!(instance["vpn_instances"][0]["present"], false, "{instance}");
    }
}

#[test]
fn a_namespace_that_vanishes_lets_go_of_everything_and_comes_back_with_it() {
    let name = format!("bmpd-gone-{}", std::process::id());
    let (here, there) = (loopback(), loopback());
    let red = Red {
        neighbor: there,
        listen: SocketAddr::new(here, 1790),
        active: SocketAddr::new(there, 11019),
        passive: loopback(),
        passive_at: SocketAddr::new(here, 11020),
    };
    let tables = red.config(&format!("netns = \"{name}\""), "");
    let ground = Ground::start(Terms { tables: &tables, ..Terms::default() });
    let before = ground.begin();
    red.wait_gone(&ground, "no-namespace");
    let virgin = Footprint::of(&ground.daemon);
    for _ in 0..2 {
        let netns = Netns::named(&name);
        let living = red.live(netns.namespace());
        // Loopback lives on in it as long as somebody has a socket there: they go first.
        drop(living);
        drop(netns);
        red.wait_gone(&ground, "no-namespace");
        virgin.wait_back(&ground.daemon, None, TIMEOUT).unwrap();
    }
    // Another one in the same moment.
    let netns = Netns::named(&name);
    let living = red.live(netns.namespace());
    drop(netns);
    let netns = Netns::named(&name);
    drop(living);
    let living = red.live(netns.namespace());
    drop((living, netns));
    red.wait_gone(&ground, "no-namespace");
    virgin.wait_back(&ground.daemon, None, TIMEOUT).unwrap();
    ground.assert_undisturbed(&before);
    ground.assert_logged("not listening for BGP", 5);
}

#[test]
fn a_device_that_vanishes_takes_its_sessions_down_and_brings_them_back() {
    let (far, wire) = (Netns::new(), Wire::new());
    let [near_end, far_end] = wire.addresses;
    let port = port_of_all_addresses();
    let red = Red {
        neighbor: far_end,
        listen: SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), port),
        active: SocketAddr::new(far_end, 11019),
        passive: far_end,
        passive_at: SocketAddr::new(near_end, free_port(loopback())),
    };
    let tcp = "tcp.connect-timeout = 1\n\
               tcp.keepalive = { idle = 1, interval = 1, count = 2 }\ntcp.user-timeout = 2";
    let tables = red.config(&format!("device = \"{}\"", wire.device()), tcp);
    let ground = Ground::start(Terms { tables: &tables, ..Terms::default() });
    let before = ground.begin();
    red.wait_gone(&ground, "no-device");
    let virgin = Footprint::of(&ground.daemon);
    let red = Red { listen: SocketAddr::new(near_end, port), ..red };
    for _ in 0..2 {
        wire.lay(&far);
        let living = red.live(far.namespace());
        // No FIN and no NOTIFICATION is sent: keepalives and hold timers notice it.
        wire.cut();
        wait_for("the neighbor to be down", TIMEOUT, || {
            let shown = json(&ground.daemon, &["show", "neighbor", "--vpn-instance", "red"]);
            let up = shown["neighbors"][0]["state"] == "established";
            if up { Err(shown.to_string()) } else { Ok(()) }
        });
        red.wait_gone(&ground, "no-device");
        virgin.wait_back(&ground.daemon, None, TIMEOUT).unwrap();
        drop(living);
    }
    ground.assert_undisturbed(&before);
}
