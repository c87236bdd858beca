//! Connections of routers that a proxy carries or that are encrypted, and connections to stations that recognise routers
//! by an address or a port.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::bmp::message::initiation_of;
use tests::chain::{CLIENT_NAME, Chain, Identity};
use tests::daemon::bgp_listen;
use tests::edge::Program;
use tests::relay::example::simple;
use tests::relay::{Lab, Plan, Router};
use tests::scratch::Scratch;
use tests::station::{Mode, Setup, Station};
use tests::wait::{wait_for, wait_until};

use super::{announcement, global};

const TIMEOUT: Duration = Duration::from_secs(30);

const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The header of a connection from there to here.
fn header(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let (IpAddr::V4(from), IpAddr::V4(to)) = (source.ip(), destination.ip()) else {
        panic!("{source} {destination}")
    };
    let ports = [source.port(), destination.port()].map(u16::to_be_bytes).concat();
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", &from.octets()[..], &to.octets(), &ports].concat()
}

/// A router's first messages.
fn dump(name: &str) -> Vec<u8> {
    [initiation_of(name), simple(&global(1), &announcement(&["198.51.100.0/24"], 1))].concat()
}

#[test]
fn a_proxy_carries_the_connections_of_routers() {
    let mut lab = Plan {
        routers: &[("edge1", ""), ("edge2", "")],
        relay: "proxies = [\"127.0.0.1\", \"192.0.2.0/24\"]",
        ..Plan::default()
    }
    .start();
    let mut routers = vec![];
    for (name, piece) in [("edge1", 1), ("edge2", 1000)] {
        let router = Router::connect(PROXY, lab.listen);
        let source = SocketAddr::new(lab.address(name), 4711);
        router.send_unrecorded(&header(source, lab.listen));
        router.send_in_pieces(&dump(name), piece);
        lab.early.wait_leg(name).wait_known(&router.summary());
        assert_eq!(lab.router(name)["remote"], source.to_string());
        routers.push((name, router));
    }
    // Who is no proxy needs no header, and must not send one.
    let direct = lab.connect("edge1");
    direct.send(simple(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    lab.early.wait_leg("edge1").wait_known(&direct.summary());
    let (_, edge2) = routers.pop().unwrap();
    lab.start_late().wait_leg("edge2").wait_known(&edge2.summary());
    lab.early.assert_legal();
}

#[test]
fn what_is_no_header_of_a_known_router_is_refused_and_delays_nobody() {
    let lab =
        Plan { relay: "proxies = [\"127.0.0.1\"]\ninitiation-timeout = 2", ..Plan::default() }
            .start();
    let unknown = SocketAddr::new(loopback(), 1);
    let own = SocketAddr::new(lab.address("edge1"), 1);
    let good = header(own, lab.listen);
    let mut udp = good.clone();
    udp[13] = 0x12;
    let mut short = good.clone();
    short[15] = 11;
    let local = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0".to_vec();
    let mut long = good.clone();
    [long[14], long[15]] = [0xff, 0xff];
    let cases: [(&str, Vec<u8>, &str); 8] = [
        (
            "no header",
            dump("edge1"),
            "it does not begin with a header of the PROXY protocol, version 2",
        ),
        (
            "version 1",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
            "version 1; version 2 is needed",
        ),
        ("an unknown address", header(unknown, lab.listen), "no [[router]] has this address"),
        ("one of its own", local, "no [[router]] has this address"),
        ("UDP", udp, "family and protocol 0x12"),
        ("cut short", short, "11 bytes of addresses"),
        ("too long", long, "65535 bytes after the first 16"),
        ("half of one", good[..9].to_vec(), "no header of the PROXY protocol came within 2 s"),
    ];
    for (what, bytes, expected) in &cases {
        let router = Router::connect(PROXY, lab.listen);
        // bmpd may have closed it meanwhile.
        let _ = router.try_send(bytes);
        router.wait_closed();
        wait_for(&format!("{what} in the log"), TIMEOUT, || {
            let log = lab.daemon.log();
            if log.contains(expected) { Ok(()) } else { Err(log) }
        });
    }
    let router = Router::connect(PROXY, lab.listen);
    router.send_unrecorded(&good);
    router.send(dump("edge1"));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
}

/// stunnel as the TLS client that the router is, or has in front of it. It connects from the router's address.
struct Tunnel {
    at: SocketAddr,
    _program: Program,
}

impl Tunnel {
    fn new(scratch: &Scratch, lab: &Lab, chain: &Chain, client: Option<&Identity>) -> Self {
        let at = SocketAddr::new(PROXY, free_port(PROXY));
        let name = format!("stunnel-{}", at.port());
        let identity = client.map_or(String::new(), |identity| {
            format!("cert = {}\nkey = {}\n", identity.certificate.display(), identity.key.display())
        });
        let config = format!(
            "foreground = yes\npid =\n[bmp]\nclient = yes\naccept = {at}\nconnect = {}\nlocal = {}\n\
             CAfile = {}\nverifyChain = yes\n{identity}",
            lab.listen,
            lab.address("edge1"),
            chain.root.display(),
        );
        let path = scratch.write(&format!("{name}.conf"), config);
        let mut command = std::process::Command::new("stunnel");
        command.arg(path);
        let program = Program::start(command, &scratch.join(format!("{name}.log")));
        wait_until("stunnel", TIMEOUT, || std::net::TcpStream::connect(at).is_ok());
        Self { at, _program: program }
    }

    fn connect(&self) -> Router {
        Router::connect(PROXY, self.at)
    }
}

/// The lines for a router with TLS.
fn tls(chain: &Chain) -> String {
    format!(
        "tls.ca = \"{}\"\ntls.certificate = \"{}\"\ntls.private-key = \"{}\"\n",
        chain.root.display(),
        chain.server.certificate.display(),
        chain.server.key.display(),
    )
}

#[test]
fn a_router_with_tls_needs_a_certificate_of_its_authority() {
    let scratch = Scratch::new();
    let chain = Chain::new(&scratch, PROXY);
    let lines = format!("{}tls.client-name = \"{CLIENT_NAME}\"", tls(&chain));
    let mut lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    let good = Tunnel::new(&scratch, &lab, &chain, Some(&chain.client));
    // Those that send nothing do not keep the router out, whether they come before or after.
    let mut silent = Vec::from([(); 5].map(|()| lab.dial("edge1")));
    let router = good.connect();
    silent.extend([(); 5].map(|()| lab.dial("edge1")));
    router.send(dump("edge1"));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let before = early.carried();

    let nobody = Tunnel::new(&scratch, &lab, &chain, None);
    let strange = Tunnel::new(&scratch, &lab, &chain, Some(&chain.strange_client));
    for (tunnel, expected) in [
        (&nobody, "the peer has sent no certificate, and tls.ca asks for one"),
        (&strange, "the peer's certificate is signed by an unknown authority"),
    ] {
        let refused = tunnel.connect();
        let _ = refused.try_send(&dump("edge1"));
        refused.wait_closed();
        wait_for(expected, TIMEOUT, || {
            let log = lab.daemon.log();
            if log.contains(expected) { Ok(()) } else { Err(log) }
        });
    }
    // Without TLS nothing is read, and what runs is not disturbed.
    let plain = lab.dial("edge1");
    let _ = plain.try_send(&dump("edge1"));
    wait_for("the reason", TIMEOUT, || {
        let log = lab.daemon.log();
        if log.contains("the peer does not speak TLS on this port") { Ok(()) } else { Err(log) }
    });
    router.send(tests::bmp::message::monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_known(&router.summary());
    assert!(early.carried() > before);
    assert_eq!(lab.early.connections().len(), 1);
    lab.start_late().wait_leg("edge1").wait_known(&router.summary());
}

#[test]
fn the_certificate_of_a_router_must_have_the_configured_name() {
    let scratch = Scratch::new();
    let chain = Chain::new(&scratch, PROXY);
    let lines = format!("{}tls.client-name = \"edge1.example\"", tls(&chain));
    let lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    let tunnel = Tunnel::new(&scratch, &lab, &chain, Some(&chain.client));
    let router = tunnel.connect();
    let _ = router.try_send(&dump("edge1"));
    router.wait_closed();
    let expected = format!(
        "the peer's certificate has the wrong name: expected edge1.example, it is for {CLIENT_NAME}"
    );
    wait_for(&expected, TIMEOUT, || {
        let log = lab.daemon.log();
        if log.contains(&expected) { Ok(()) } else { Err(log) }
    });
    assert_eq!(lab.early.connections().len(), 0);
}

/// The header comes before TLS, the routers are those of a prefix, and a whole example passes.
#[test]
fn a_bmpd_can_be_the_station_of_another_one_with_tls_and_the_proxy_protocol() {
    let scratch = Scratch::new();
    let listen = bgp_listen();
    let chain = Chain::new(&scratch, listen.ip());
    let session = format!(
        "[[session]]\naddress = \"{}\"\ntcp.connect-port = {}\nretry.initial = 1\nidentity = \
         \"proxy-v2\"\ntls.ca = \"{}\"\ntls.certificate = \"{}\"\ntls.private-key = \"{}\"\n",
        listen.ip(),
        listen.port(),
        chain.root.display(),
        chain.client.certificate.display(),
        chain.client.key.display(),
    );
    let routers = [("edge1", ""), ("edge2", "")];
    let near = Plan { routers: &routers, more: &session, ..Plan::default() }.start();
    let lines = format!("prefix = \"127.0.0.0/8\"\n{}", tls(&chain));
    let plan = Plan {
        routers: &[("no name", &lines)],
        relay: "proxies = [\"127.0.0.1\"]",
        ..Plan::default()
    };
    let mut far = plan.start_at(listen);
    let mut example = tests::relay::example::Example::new("edge1", 3);
    let router = near.dial("edge1");
    router.send(example.dump());
    let other = near.connect("edge2");
    other.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    far.early.wait_leg("edge1");
    router.send((0..500).flat_map(|_| example.change()).collect::<Vec<u8>>());
    far.start_late();
    for station in [&far.early, &far.late] {
        station.wait_leg("edge1").wait_known(&router.summary());
        station.wait_leg("edge2").wait_known(&other.summary());
        station.assert_legal();
    }
    assert_eq!(far.router("edge1")["remote"], router.local().to_string());
}

#[test]
fn a_router_that_bmpd_connects_to_can_have_tls() {
    let scratch = Scratch::new();
    let chain = Chain::new(&scratch, PROXY);
    let address = loopback();
    let listener = Router::listen(SocketAddr::new(address, 0));
    let lines = format!(
        "address = \"{address}\"\nmode = \"active\"\ntcp.connect-port = {}\nretry.initial = 1\n{}",
        listener.local_addr().unwrap().port(),
        tls(&chain)
    );
    let lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    // It speaks no TLS.
    let router = Router::accept(&listener);
    router.send(dump("edge1"));
    lab.wait_shown("edge1", "the peer does not speak TLS on this port");
}

/// Two routers with a route each.
fn two(lab: &Lab) -> BTreeMap<&'static str, Router> {
    ["edge1", "edge2"]
        .into_iter()
        .map(|name| {
            let router = lab.dial(name);
            router.send(dump(name));
            (name, router)
        })
        .collect()
}

#[test]
fn a_station_can_know_routers_by_their_own_addresses() {
    let lab = Plan {
        routers: &[("edge1", ""), ("edge2", "")],
        session: "identity = \"source-address\"",
        ..Plan::default()
    }
    .start();
    for (name, router) in two(&lab) {
        let leg = lab.early.wait_leg(name);
        leg.wait_known(&router.summary());
        assert_eq!(leg.remote.ip(), lab.address(name));
    }
    lab.early.assert_legal();
}

#[test]
fn a_station_can_know_routers_by_addresses_of_a_list() {
    let lab = Plan {
        routers: &[("edge1", ""), ("edge2", ""), ("edge3", "")],
        session: "identity = \"source-address\"\nsource-addresses = [\"127.99.0.8/31\"]",
        ..Plan::default()
    }
    .start();
    let routers = two(&lab);
    let of = |name: &str| {
        let leg = lab.early.wait_leg(name);
        leg.wait_known(&routers[name].summary());
        leg.remote.ip()
    };
    let (one, two) = (of("edge1"), of("edge2"));
    let mut both = [one, two];
    both.sort();
    assert_eq!(both, [8, 9].map(|n| IpAddr::from([127, 99, 0, n])));
    // The third one finds none, and the others go on.
    let third = lab.connect("edge3");
    third.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    wait_for("the reason", TIMEOUT, || {
        let shown = lab.daemon.bmpctl(&["show", "session", &lab.early.ip().to_string()]).text();
        match shown.contains("other routers have all source-addresses") {
            true => Ok(()),
            false => Err(shown),
        }
    });
    // A router keeps its address.
    lab.daemon
        .bmpctl(&["reset", "session", &lab.early.ip().to_string(), "--router", "edge1"])
        .done();
    wait_until("edge1 again", TIMEOUT, || lab.early.legs("edge1").len() == 2);
    assert_eq!(of("edge1"), one);
    lab.early.assert_legal();
}

#[test]
fn a_station_can_know_routers_by_ports() {
    let setup =
        || Station::listen_with(SocketAddr::new(PROXY, 0), Mode::Keeping, Setup::of_routers());
    let stations = [setup(), setup()];
    let session = |ports: [u16; 2], more: &str| {
        format!(
            "[[session]]\naddress = \"127.0.0.1\"\n{more}retry.initial = 1\nidentity = \"port\"\nports = {{ edge1 = {}, \
             edge2 = {} }}\n",
            ports[0], ports[1]
        )
    };
    let ports = [stations[0].port(), stations[1].port()];
    let more = session(ports, "tcp.connect-port = 1\n");
    let routers = [("edge1", ""), ("edge2", ""), ("edge3", "")];
    let lab = Plan { routers: &routers, more: &more, ..Plan::default() }.start();
    let third = lab.connect("edge3");
    third.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.early.wait_leg("edge3");
    let routers = two(&lab);
    for (station, (name, router)) in stations.iter().zip(&routers) {
        station.wait_leg(name).wait_known(&router.summary());
        station.assert_legal();
    }
    // The third one has no port, and is not sent.
    let shown = lab.daemon.bmpctl(&["show", "session", "127.0.0.1", "--json"]);
    let shown = shown.done();
    assert!(shown.contains("edge1") && !shown.contains("edge3"), "{shown}");

    // A station that connects does so to a port for each router.
    let (station, ours) = (loopback(), loopback());
    let ports = [free_port(ours), free_port(ours)];
    let more = session(
        ports,
        &format!(
            "mode = \"passive\"\ntcp.listen-port = {}\ntcp.source-address = \"{ours}\"\n",
            free_port(ours)
        ),
    );
    let more = more.replace("127.0.0.1", &station.to_string());
    let lab =
        Plan { routers: &[("edge1", ""), ("edge2", "")], more: &more, ..Plan::default() }.start();
    let routers = two(&lab);
    let station = Station::passive(station, Mode::Keeping, Setup::of_routers());
    for (port, (name, router)) in ports.iter().zip(&routers) {
        lab.early.wait_leg(name);
        let connection = station.dial_until_taken(SocketAddr::new(ours, *port));
        connection.wait_known(&router.summary());
    }
    station.assert_legal();
}
