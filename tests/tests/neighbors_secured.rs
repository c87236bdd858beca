//! Neighbors from packages behind TCP MD5 and GTSM, and what is on the wire of a connection that bmpd
//! makes.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use tests::addresses::loopback;
use tests::bmp::Mode;
use tests::daemon::{self, Daemon};
use tests::netns::Netns;
use tests::programs::bird::Bird;
use tests::programs::frr::Frr;
use tests::programs::scene::{Scene, TIMEOUT};
use tests::programs::tshark::Capture;
use tests::programs::{Announced, Connects, Hops, Link, Speaker, Terms, bmpd_listens, sample};
use tests::scratch::Scratch;
use tests::station::Station;
use tests::wait::{holds_for, wait_for};

const RIGHT: &str = "rosebud-right";
const OTHER: &str = "rosebud-other";

fn with_key(key: &str) -> Terms {
    Terms { password: Some(key.to_owned()), ..Terms::default() }
}

/// A scene in which bmpd has the right key and the neighbor this one.
fn keyed<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
    connects: Connects,
    key: &str,
) -> Scene<S> {
    let link = Link::new(bmpd_listens(), 65001, connects);
    let lines = format!("md5.key = \"{RIGHT}\"");
    let start = |scratch: &Scratch, link, announced| start(scratch, link, with_key(key), announced);
    Scene::start_with(link, &lines, false, start, sample(65001, 20, 10, 1))
}

/// With the right key it is up, whoever connects.
#[track_caller]
fn comes_up<S: Speaker>(start: impl Fn(&Scratch, Link, Terms, Announced) -> S) {
    for connects in [Connects::Program, Connects::Bmpd] {
        let scene = keyed(&start, connects, RIGHT);
        scene.wait_routes();
        scene.station.assert_legal();
    }
}

/// With another one it is down; a side that connects learns why it may be.
#[track_caller]
fn stays_down<S: Speaker>(start: impl Fn(&Scratch, Link, Terms, Announced) -> S) {
    let scenes = [Connects::Program, Connects::Bmpd].map(|connects| keyed(&start, connects, OTHER));
    let reasons = [
        "no connection was made for 15 s; with md5 that is also what a wrong or missing key",
        "no answer within 15 s; with md5 that is also what a wrong or missing key",
    ];
    for (scene, reason) in scenes.iter().zip(reasons) {
        scene.wait_shown(&[reason]);
        assert!(!scene.shown().contains("Established"), "{}", scene.shown());
        let connection = scene.station.wait_connection(1);
        assert!(connection.look(|record| record.peer_ups.is_empty()));
        assert!(!(scene.shown() + &scene.daemon.log()).contains("rosebud"), "a key is shown");
    }
}

#[test]
fn bird_with_the_right_key_comes_up() {
    comes_up(Bird::start_with);
}

#[test]
fn frr_with_the_right_key_comes_up() {
    comes_up(Frr::start_with);
}

#[test]
fn bird_with_another_key_is_down_with_a_reason() {
    stays_down(Bird::start_with);
}

#[test]
fn frr_with_another_key_is_down_with_a_reason() {
    stays_down(Frr::start_with);
}

/// The key changes on both sides, while the neighbor tries to come in all the time.
#[test]
fn a_key_that_changes_with_the_neighbor_s_own_lets_it_in_again() {
    let mut scene = keyed(Bird::start_with, Connects::Program, RIGHT);
    scene.wait_routes();
    let config = fs::read_to_string(scene.daemon.config()).unwrap();
    for (round, key) in [OTHER, RIGHT].into_iter().enumerate() {
        scene.daemon.rewrite_config(&config.replace(RIGHT, key));
        scene.daemon.bmpctl(&["reload"]).done();
        // It has the old key, and goes on trying.
        holds_for("the old key is of no use", Duration::from_secs(3), || {
            let shown = scene.shown();
            if shown.contains("Established") { Err(shown) } else { Ok(()) }
        });
        scene.speaker.stop();
        scene.speaker = Bird::start_with(
            &scene.scratch,
            *scene.speaker.link(),
            with_key(key),
            scene.speaker.announced().clone(),
        );
        scene.wait_routes();
        let connection = scene.station.wait_connection(1);
        connection.look(|record| assert_eq!(record.peer_ups.len(), round + 2));
    }
    scene.station.assert_legal();
}

fn with_hops(hops: Hops) -> Terms {
    Terms { hops: Some(hops), ..Terms::default() }
}

/// Both protect themselves, and are one hop away from each other.
#[track_caller]
fn comes_up_at_one_hop<S: Speaker>(start: impl Fn(&Scratch, Link, Terms, Announced) -> S) {
    for connects in [Connects::Program, Connects::Bmpd] {
        let link = Link::new(bmpd_listens(), 65001, connects);
        let start = |scratch: &Scratch, link, announced| {
            start(scratch, link, with_hops(Hops::Security(1)), announced)
        };
        let announced = sample(65001, 20, 10, 1);
        let scene = Scene::start_with(link, "ttl-security = 1", false, start, announced);
        scene.wait_routes();
        scene.station.assert_legal();
    }
}

#[test]
fn bird_with_ttl_security_comes_up_at_one_hop() {
    comes_up_at_one_hop(Bird::start_with);
}

#[test]
fn frr_with_ttl_security_comes_up_at_one_hop() {
    comes_up_at_one_hop(Frr::start_with);
}

/// Its segments have the TTL of a neighbor that may be far away.
#[track_caller]
fn stays_down_without_it<S: Speaker>(start: impl Fn(&Scratch, Link, Terms, Announced) -> S) {
    let scenes = [Connects::Program, Connects::Bmpd].map(|connects| {
        let link = Link::new(bmpd_listens(), 65001, connects);
        let terms = with_hops(Hops::Ttl(64));
        let start = |scratch: &Scratch, link, announced| start(scratch, link, terms, announced);
        let announced = sample(65001, 20, 10, 1);
        Scene::start_with(link, "ttl-security = 1", false, start, announced)
    });
    scenes[0].wait_shown(&["255 is the least that ttl-security allows"]);
    // Both answer a SYN with TTL 255, whatever their configuration: what fails to come is the OPEN.
    scenes[1].wait_shown(&["no OPEN was received for 15 s; with ttl-security"]);
    for scene in &scenes {
        let connection = scene.station.wait_connection(1);
        assert!(connection.look(|record| record.peer_ups.is_empty()));
        assert!(!scene.shown().contains("Established"), "{}", scene.shown());
    }
}

#[test]
fn bird_without_ttl_security_stays_down_where_bmpd_has_it() {
    stays_down_without_it(Bird::start_with);
}

#[test]
fn frr_without_ttl_security_stays_down_where_bmpd_has_it() {
    stays_down_without_it(Frr::start_with);
}

/// bmpd, a router and BIRD in a namespace each: the router takes one from the TTL. A limit of two hops
/// lets the neighbor in, one of one hop does not.
#[test]
fn a_neighbor_behind_a_router_comes_up_within_the_hops_of_ttl_security() {
    let [near, router, far] = [(); 3].map(|()| Netns::new());
    let [ours, gate] = near.veth_to(&router);
    let [far_gate, theirs] = router.veth_to(&far);
    router.run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap());
    near.ip(&format!("route add {theirs} via {gate}"));
    far.ip(&format!("route add {ours} via {far_gate}"));

    let listen = SocketAddr::new(ours, 1179);
    for connects in [Connects::Program, Connects::Bmpd] {
        let scratch = Scratch::new();
        let station = Station::listen(loopback(), Mode::Keeping);
        let program = SocketAddr::new(theirs, 1179);
        let router_id = [192, 0, 2, 66].into();
        let link = Link { program, asn: 65001, bmpd: listen, connects, router_id };
        let config = |hops: u8| {
            let lines = format!("vpn-instance = \"near\"\nttl-security = {hops}");
            [
                daemon::session(station.ip(), station.port(), None),
                format!(
                    "[[vpn-instance]]\nname = \"near\"\nnetns = \"{}\"\nlisten = [\"{listen}\"]\n\n",
                    near.name()
                ),
                "[bgp]\nas = 65000\nrouter-id = \"192.0.2.254\"\nlisten = []\n\n".to_owned(),
                link.neighbor_with(&lines),
            ]
            .concat()
        };
        let daemon = Daemon::start(&scratch, &config(1));
        let namespace = Some(far.namespace().clone());
        let terms = Terms { namespace, hops: Some(Hops::Security(2)), ..Terms::default() };
        let bird = Bird::start_with(&scratch, link, terms, sample(65001, 20, 10, 1));
        let connection = station.wait_connection(1);
        let reason = match connects {
            Connects::Program => "255 is the least that ttl-security allows",
            _ => "no answer within 15 s; with ttl-security",
        };
        wait_for("the reason", TIMEOUT, || {
            let shown = daemon.bmpctl(&["show", "neighbor"]).done().to_owned();
            if shown.contains(reason) { Ok(()) } else { Err(shown) }
        });
        assert!(connection.look(|record| record.peer_ups.is_empty()));

        daemon.rewrite_config(&config(2));
        daemon.bmpctl(&["reload"]).done();
        connection.wait_routes(theirs, &bird.expected(), TIMEOUT);
        station.assert_legal();
    }
}

/// What a connection of a neighbor is made with is on the wire, in both directions of connecting.
#[test]
fn the_source_address_the_ttl_and_the_greatest_segment_are_on_the_wire() {
    let source = loopback();
    for (connects, lines) in [
        (Connects::Bmpd, format!("source-address = \"{source}\"\nmultihop = 33\nmss = 600")),
        (Connects::Program, "multihop = 33\nmss = 600".to_owned()),
    ] {
        let listen = SocketAddr::new(source, bmpd_listens().port());
        let link = Link::new(listen, 65001, connects);
        let scratch = Scratch::new();
        let at = if connects == Connects::Program { listen } else { link.program };
        let capture = Capture::start(&scratch, at);
        let scene = Scene::start_with(link, &lines, false, Bird::start, sample(65001, 200, 100, 1));
        scene.wait_routes();
        if connects == Connects::Bmpd {
            let socket = tests::sockets::connected(scene.daemon.pid(), link.program).unwrap();
            assert_eq!(socket.local_addr().unwrap().as_socket().unwrap().ip(), source);
            assert_eq!(socket.ttl_v4().unwrap(), 33);
        }
        drop(scene);
        let captured = capture.stop();
        let ours = format!("ip.src == {source} && tcp && !tcp.flags.reset == 1");
        // The answer to a SYN goes out with 255, for the sake of neighbors with GTSM.
        let data = captured.dissect(&format!("{ours} && tcp.len > 0"), &["ip.ttl"]);
        assert!(!data.is_empty() && data.iter().all(|ttl| ttl == "33"), "{data:?}");
        let asked =
            captured.dissect(&format!("{ours} && tcp.flags.syn == 1"), &["tcp.options.mss_val"]);
        assert!(
            !asked.is_empty() && asked.iter().all(|mss| mss == "600"),
            "{connects:?} {asked:?}"
        );
    }
}
