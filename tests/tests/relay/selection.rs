//! Which routers bmpd accepts and how, and what of them a session is sent.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tests::addresses::{free_port, loopback};
use tests::bgp::{Family, end_of_rib};
use tests::bmp::View;
use tests::bmp::message::{self, flag, monitoring};
use tests::daemon;
use tests::neighbor::{Neighbor, Options};
use tests::netns::Netns;
use tests::relay::example::{Example, simple, simple_up};
use tests::relay::{Plan, Router, Summary};
use tests::station::{Mode, Setup, Station};
use tests::table::Table;
use tests::wait::{holds_for, wait_for};

use super::{QUIET, announcement, global};

const TIMEOUT: Duration = Duration::from_secs(30);

#[test]
fn a_session_is_sent_the_routers_that_it_monitors() {
    let plan = Plan {
        routers: &[("edge1", ""), ("edge2", "")],
        session: "monitor.routers = [\"edge2\"]",
        ..Plan::default()
    };
    let lab = plan.start();
    let [first, second] = ["edge1", "edge2"].map(|name| lab.connect(name));
    for router in [&first, &second] {
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    }
    lab.early.wait_leg("edge2").wait_known(&second.summary());
    lab.wait_state("edge1", "established");
    holds_for("one connection", QUIET, || match lab.early.connections().len() {
        1 => Ok(()),
        n => Err(format!("{n} connections")),
    });
    // Another selection is in effect with a reload.
    let config = lab.config.replace("[\"edge2\"]", "[\"edge1\"]");
    lab.daemon.rewrite_config(&config);
    lab.daemon.bmpctl(&["reload"]).done();
    lab.early.wait_leg("edge1").wait_known(&first.summary());
    let gone = lab.early.legs("edge2").pop().unwrap();
    gone.wait_end(TIMEOUT);
    lab.early.assert_legal();
}

#[test]
fn a_session_is_sent_the_views_that_it_monitors() {
    let post_policy = View::In { post: true };
    let lab = Plan {
        session: "monitor.views = [\"adj-rib-in-post-policy\", \"loc-rib\"]",
        ..Plan::default()
    };
    let mut lab = lab.start();
    let router = lab.dial("edge1");
    let mut example = Example::new("edge1", 1);
    router.send(example.dump());
    router.send((0..300).flat_map(|_| example.change()).collect::<Vec<u8>>());
    let mut expected = router.summary();
    for (who, up) in &mut expected.peers {
        let is_loc_rib = who.router_id.is_some();
        up.tables.retain(|(view, _), _| is_loc_rib || *view == post_policy);
    }
    lab.early.wait_leg("edge1").wait_known(&expected);
    lab.start_late().wait_leg("edge1").wait_known(&expected);
    lab.early.assert_legal();
    lab.late.assert_legal();
}

/// RFC 9069 section 4.2: the station must know that it is not sent all of it.
#[test]
fn a_loc_rib_of_which_a_session_is_sent_some_families_has_the_f_flag() {
    let plan = Plan { session: "monitor.families = [\"ipv4-unicast\"]", ..Plan::default() };
    let mut lab = plan.start();
    let router = lab.connect("edge1");
    let loc_rib = message::loc_rib(0, 65_000, [192, 0, 2, 254].into());
    let routes = announcement(&["198.51.100.0/24", "2001:db8::/32"], 1);
    router.send([simple(&loc_rib, &routes), simple(&global(1), &routes)].concat());
    let early = lab.early.wait_leg("edge1");
    let late = lab.start_late().wait_leg("edge1");
    for leg in [&early, &late] {
        leg.wait_router("one route of each", |s| {
            let of = |header, view: View| {
                let tables = &s.peer(header)?.tables;
                let table = tables.get(&(view, Family::IPV4))?;
                (tables.len() == 1 && table.routes.len() == 1 && table.has_ended).then_some(())
            };
            of(&loc_rib, View::Loc { filtered: true }).and(of(&global(1), View::In { post: false }))
        });
        leg.router(|s| {
            let flags = s.ups.iter().filter(|up| up[6] == 3).map(|up| up[7]);
            assert_eq!(flags.collect::<Vec<_>>(), [flag::FILTERED]);
        });
        leg.assert_legal();
    }
}

#[test]
fn a_connection_to_a_station_can_begin_with_the_address_of_its_router() {
    let lab = Plan {
        routers: &[("edge1", ""), ("edge2", "")],
        session: "identity = \"proxy-v2\"",
        proxy: true,
        ..Plan::default()
    };
    let lab = lab.start();
    for name in ["edge1", "edge2"] {
        let router = lab.connect(name);
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        let leg = lab.early.wait_leg(name);
        leg.wait_known(&router.summary());
        let proxied = leg.proxied().unwrap();
        assert_eq!(proxied.source.ip(), lab.address(name));
        assert_eq!(proxied.source, router.local());
    }
    lab.early.assert_legal();
}

#[test]
fn bmpd_can_connect_to_a_router_and_does_so_again_when_the_connection_is_lost() {
    let address = loopback();
    let listener = Router::listen(SocketAddr::new(address, 0));
    let port = listener.local_addr().unwrap().port();
    let lines = format!(
        "address = \"{address}\"\nmode = \"active\"\ntcp.connect-port = {port}\nhold-time = 60\n\
         retry.initial = 1"
    );
    let lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    let router = Router::accept(&listener);
    let dump = simple(&global(1), &announcement(&["198.51.100.0/24"], 1));
    router.send([message::initiation_of("edge1"), dump.clone()].concat());
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    lab.wait_state("edge1", "established");
    router.close();
    let router = Router::accept(&listener);
    router.send([message::initiation_of("edge1"), dump].concat());
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_known(&router.summary());
    assert_eq!(lab.early.connections().len(), 1);
    // It accepts none from there.
    let other = Router::connect(address, lab.listen);
    other.wait_closed();
    assert!(!router.is_closed());
}

#[test]
fn a_router_that_cannot_be_reached_is_shown_with_the_reason() {
    let address = loopback();
    let port = free_port(address);
    let lines = format!("address = \"{address}\"\nmode = \"active\"\ntcp.connect-port = {port}");
    let lab = Plan { routers: &[("edge1", &lines)], ..Plan::default() }.start();
    lab.wait_shown("edge1", "refused");
}

#[test]
fn a_router_with_a_key_is_accepted_with_that_key_only() {
    let plan = Plan { routers: &[("edge1", "tcp.md5.key = \"secret\"")], ..Plan::default() };
    let lab = plan.start();
    let address = lab.address("edge1");
    for key in [None, Some("wrong")] {
        let connected = Router::try_connect(address, lab.listen, key, Duration::from_millis(500));
        assert!(connected.is_err(), "connected with {key:?}");
    }
    let router = Router::connect_with(address, lab.listen, Some("secret"));
    router.send(message::initiation_of("edge1"));
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
}

#[test]
fn another_key_ends_the_connection_of_a_router_and_its_stations_notice_nothing() {
    let lab = Plan { routers: &[("edge1", "hold-time = 60")], ..Plan::default() }.start();
    let dump = simple(&global(1), &announcement(&["198.51.100.0/24"], 1));
    let router = lab.connect("edge1");
    router.send(&dump);
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let carried = early.carried();
    let key = "hold-time = 60\ntcp.md5.key = \"secret\"";
    lab.daemon.rewrite_config(&lab.config.replace("hold-time = 60", key));
    lab.daemon.bmpctl(&["reload"]).done();
    router.wait_closed();
    lab.wait_state("edge1", "held");
    let router = Router::connect_with(lab.address("edge1"), lab.listen, Some("secret"));
    router.send(message::initiation_of("edge1"));
    router.send(&dump);
    router.send(monitoring(&global(1), &announcement(&["203.0.113.0/24"], 1)));
    early.wait_known(&router.summary());
    assert_eq!(lab.early.connections().len(), 1);
    assert!(early.carried() - carried < 200, "one route");
}

/// Two routers with one address: they differ in the instance.
#[test]
fn a_router_can_be_in_a_vpn_instance() {
    let addresses = ["192.0.2.1", "192.0.2.7"].map(|address| address.parse().unwrap());
    let netns = Netns::with(&addresses);
    let any = IpAddr::from([0, 0, 0, 0]);
    let listen = SocketAddr::new(any, free_port(any));
    let instance = format!("[[vpn-instance]]\nname = \"blue\"\nnetns = \"{}\"\n", netns.name());
    let routers = [
        ("edge1", ""),
        ("edge2", "address = \"192.0.2.7\"\nvpn-instance = \"blue\""),
        ("edge3", "address = \"192.0.2.7\""),
    ];
    let plan = Plan { routers: &routers, more: &instance, ..Plan::default() };
    let lab = plan.start_at(listen);
    let at = SocketAddr::new(addresses[0], listen.port());
    let inside = netns.run(|| Router::connect(addresses[1], at));
    inside.send(message::initiation_of("edge2"));
    inside.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 2)));
    lab.early.wait_leg("edge2").wait_known(&inside.summary());
    let outside = lab.connect("edge1");
    outside.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.early.wait_leg("edge1").wait_known(&outside.summary());
    lab.wait_state("edge3", "listening");
    assert_eq!(lab.router("edge2")["vpn_instance"], "blue");
    lab.early.assert_legal();
}

#[test]
fn a_router_that_is_shut_down_is_refused_until_it_is_enabled_and_cut_off_when_it_is_shut_down() {
    let lab = Plan { routers: &[("edge1", "shutdown = true")], ..Plan::default() }.start();
    lab.wait_state("edge1", "shutdown");
    let router = lab.dial("edge1");
    router.wait_closed();
    let enabled = lab.config.replace("shutdown = true", "shutdown = false");
    lab.daemon.rewrite_config(&enabled);
    lab.daemon.bmpctl(&["reload"]).done();
    lab.wait_state("edge1", "listening");
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    lab.daemon.rewrite_config(&lab.config);
    lab.daemon.bmpctl(&["reload"]).done();
    router.wait_closed();
    early.wait_end(TIMEOUT);
    lab.wait_state("edge1", "shutdown");
}

#[test]
fn a_router_that_is_removed_takes_its_legs_with_it_and_one_that_is_added_is_accepted() {
    let lab = Plan { routers: &[("edge1", ""), ("edge2", "")], ..Plan::default() }.start();
    let routers = ["edge1", "edge2"].map(|name| {
        let router = lab.connect(name);
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        lab.early.wait_leg(name).wait_known(&router.summary());
        router
    });
    let legs = ["edge1", "edge2"].map(|name| lab.early.wait_leg(name));
    // The first is removed, a third is new.
    let new = loopback();
    let old = lab.address("edge1").to_string();
    let config = lab.config.replace("\"edge1\"", "\"edge3\"").replace(&old, &new.to_string());
    let carried = legs[1].carried();
    lab.daemon.rewrite_config(&config);
    lab.daemon.bmpctl(&["reload"]).done();
    routers[0].wait_closed();
    legs[0].wait_end(TIMEOUT);
    let third = Router::connect(new, lab.listen);
    third.send(message::initiation_of("edge3"));
    third.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 3)));
    lab.early.wait_leg("edge3").wait_known(&third.summary());
    assert_eq!((legs[1].carried(), legs[1].end()), (carried, None));
    assert!(!routers[1].is_closed());
    lab.early.assert_legal();
}

/// bmpd is a router of its own beside those that it is sent.
#[test]
fn bmpd_with_neighbors_of_its_own_is_one_router_more() {
    let (bgp, peer) = (daemon::bgp_listen(), loopback());
    let more = format!(
        "[bmp]\nsystem-name = \"ourselves\"\n\n{}{}",
        daemon::bgp(bgp),
        daemon::neighbor(peer, 65_001)
    );
    let mut lab = Plan { more: &more, ..Plan::default() }.start();
    let neighbor = Neighbor::connect(&Options::new(peer, 65_001), bgp);
    neighbor.send_all(&Table::of(65_001, 200, 50));
    let router = lab.connect("edge1");
    // The same peer as bmpd's.
    let header = message::header(0, 0, peer, 65_001);
    router.send(simple(&header, &announcement(&["198.51.100.0/24"], 1)));
    let ours = lab.early.wait_leg("ourselves");
    ours.wait_router("the neighbor's routes", |s| (s.routes_held() == 250).then_some(()));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    let before = ours.carried();
    lab.daemon.bmpctl(&["reset", "session", "all", "--router", "edge1"]).done();
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    assert_eq!((ours.carried(), ours.end()), (before, None));
    lab.daemon.bmpctl(&["reset", "session", "all", "--router", "local"]).done();
    ours.wait_end(TIMEOUT);
    let again = lab.early.wait_leg("ourselves");
    again.wait_router("the neighbor's routes", |s| (s.routes_held() == 250).then_some(()));
    let late = lab.start_late();
    late.wait_leg("ourselves").wait_known(&again.known());
    late.wait_leg("edge1").wait_known(&router.summary());
    let shown = lab.daemon.bmpctl(&["show", "router"]);
    assert!(["local", "edge1"].iter().all(|name| shown.done().contains(name)), "{shown}");
    lab.early.assert_legal();
}

#[test]
fn a_relay_without_neighbors_is_no_router_of_its_own() {
    let lab = Plan::default().start();
    holds_for("no connection", QUIET, || match lab.early.connections().len() {
        0 => Ok(()),
        n => Err(format!("{n} connections")),
    });
    lab.wait_state("edge1", "listening");
}

#[test]
fn show_router_has_the_peers_and_the_routes_of_each_view() {
    let lab = Plan::default().start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24", "2001:db8::/32"], 1)));
    let post = global(1).with(flag::POST_POLICY);
    router.send(monitoring(&post, &announcement(&["198.51.100.0/24"], 1)));
    router.send(monitoring(&post, &end_of_rib(Family::IPV4)));
    router.send(simple_up(&global(2)));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
    let shown = lab.router("edge1");
    assert_eq!((&shown["peers_up"], &shown["system_name"]), (&2.into(), &"edge1".into()));
    let tables = shown["tables"].as_array().unwrap();
    let routes = |view: &str, family: &str| {
        let of = |table: &&serde_json::Value| table["view"] == view && table["family"] == family;
        tables.iter().find(of).map(|table| table["routes"].as_u64().unwrap())
    };
    assert_eq!(routes("adj-rib-in-pre-policy", "ipv4-unicast"), Some(1), "{shown}");
    assert_eq!(routes("adj-rib-in-pre-policy", "ipv6-unicast"), Some(1), "{shown}");
    assert_eq!(routes("adj-rib-in-post-policy", "ipv4-unicast"), Some(1), "{shown}");
    assert_eq!(shown["received"]["peer_up"], 2, "{shown}");
}

/// The address of a router is not who it is: what it says of itself is what stations are sent.
#[test]
fn the_name_in_the_configuration_does_not_change_what_a_router_calls_itself() {
    let lab = Plan { routers: &[("rack 7 left", "")], ..Plan::default() }.start();
    let router = lab.dial("rack 7 left");
    router.send(message::initiation_of("pe1.example.net"));
    let known = lab.early.wait_leg("pe1.example.net");
    known.wait_known(&router.summary());
    assert_eq!(known.router(Summary::system_name).as_deref(), Some("pe1.example.net"));
    lab.wait_state("rack 7 left", "established");
}

/// What is superseded is dropped when the router pauses, and counts no longer, for the limit neither.
#[test]
fn the_memory_of_a_router_is_that_of_its_tables_once_it_pauses() {
    let lab = Plan { log: "info", ..Plan::default() }.start();
    let router = lab.connect("edge1");
    router.send(simple(&global(1), Table::of(65_001, 5_000, 0).bytes()));
    let early = lab.early.wait_leg("edge1");
    early.wait_known(&router.summary());
    let memory = || lab.router("edge1")["memory"].as_u64().unwrap();
    let once = memory();
    // Without a pause in between.
    let table = |n: u32| monitoring(&global(1), Table::of(70_000 + n, 5_000, 0).bytes());
    let tables: Vec<Vec<u8>> = (0..10).map(table).collect();
    for round in 0..100 {
        router.send(&tables[round % 10]);
    }
    early.wait_known(&router.summary());
    wait_for("the memory of one table", TIMEOUT, || match memory() {
        now if now < 2 * once => Ok(()),
        now => Err(format!("{now} bytes, {once} for the first table")),
    });
}

#[test]
fn a_change_of_the_views_of_a_session_is_in_effect_with_its_next_connection() {
    let lab = Plan { session: "monitor.views = [\"adj-rib-in-pre-policy\"]", ..Plan::default() };
    let lab = lab.start();
    let router = lab.dial("edge1");
    router.send(Example::new("edge1", 1).dump());
    let of_view = |wanted: View, has_loc_rib: bool| {
        let mut expected = router.summary();
        // A Loc-RIB is a peer of its own.
        expected.peers.retain(|who, _| has_loc_rib || who.router_id.is_none());
        for (who, up) in &mut expected.peers {
            let is_loc_rib = who.router_id.is_some();
            up.tables.retain(|(view, _), _| is_loc_rib || *view == wanted);
        }
        expected
    };
    lab.early.wait_leg("edge1").wait_known(&of_view(View::In { post: false }, false));
    for (text, view, has_loc_rib) in [
        ("\"adj-rib-out-post-policy\"", View::Out { post: true }, false),
        ("\"loc-rib\", \"adj-rib-in-post-policy\"", View::In { post: true }, true),
    ] {
        lab.daemon.rewrite_config(&lab.config.replace("\"adj-rib-in-pre-policy\"", text));
        let before = lab.early.wait_leg("edge1");
        lab.daemon.bmpctl(&["reload"]).done();
        assert!(before.end().is_none(), "a reload leaves it");
        lab.daemon.bmpctl(&["reset", "session", "all"]).done();
        wait_for("the other views", TIMEOUT, || {
            let leg = lab.early.leg("edge1").ok_or("no connection")?;
            let difference = of_view(view, has_loc_rib).difference(&leg.known());
            difference.map_or(Ok(()), Err)
        });
    }
    lab.early.assert_legal();
}

#[test]
fn a_passive_session_has_a_connection_of_the_station_for_each_router() {
    let (station, ours) = (loopback(), loopback());
    let at = SocketAddr::new(ours, free_port(ours));
    let more = format!(
        "[[session]]\naddress = \"{station}\"\nmode = \"passive\"\ntcp.listen-port = {}\n\
         tcp.source-address = \"{ours}\"\n",
        at.port()
    );
    let names = ["edge1", "edge2"];
    let plan = Plan { routers: &[("edge1", ""), ("edge2", "")], more: &more, ..Plan::default() };
    let lab = plan.start();
    let routers = names.map(|name| {
        let router = lab.connect(name);
        router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
        lab.early.wait_leg(name).wait_known(&router.summary());
        router
    });
    let station = Station::passive(station, Mode::Keeping, Setup::of_routers());
    station.dial_until_taken(at);
    station.dial_until_taken(at);
    for (name, router) in names.into_iter().zip(&routers) {
        station.wait_leg(name).wait_known(&router.summary());
    }
    // There is no router for a third one; when one connection ends the next is for its router.
    if let Ok(third) = station.dial(at) {
        third.wait_end(TIMEOUT);
    }
    station.wait_leg("edge2").close();
    station.legs("edge2")[0].wait_end(TIMEOUT);
    wait_for("a connection for the second router", TIMEOUT, || {
        if station.leg("edge2").is_none() {
            station.dial(at).map_err(|e| e.to_string())?;
        }
        let leg = station.leg("edge2").ok_or("none yet")?;
        leg.known().difference(&routers[1].summary()).map_or(Ok(()), Err)
    });
    assert!(station.leg("edge1").is_some(), "it is not disturbed");
}

#[test]
fn a_router_may_have_an_ipv6_address() {
    let port = free_port(Ipv6Addr::LOCALHOST.into());
    let listen = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port);
    let plan = Plan { routers: &[("edge1", "address = \"::1\"")], ..Plan::default() };
    let lab = plan.start_at(listen);
    let router = Router::connect(Ipv6Addr::LOCALHOST.into(), listen);
    router.send(message::initiation_of("edge1"));
    router.send(simple(&global(1), &announcement(&["198.51.100.0/24"], 1)));
    lab.early.wait_leg("edge1").wait_known(&router.summary());
}

#[test]
fn no_more_routers_of_a_prefix_are_accepted_than_configured() {
    let lines = "prefix = \"127.0.0.0/8\"\nmaximum-routers = 2\nhold-time = 0";
    let lab = Plan { routers: &[("no name", lines)], ..Plan::default() }.start();
    let connect = |name: &str| {
        let router = Router::connect(loopback(), lab.listen);
        let _ = router.try_send(&message::initiation_of(name));
        router
    };
    let (first, second) = (connect("leaf1"), connect("leaf2"));
    for name in ["leaf1", "leaf2"] {
        lab.early.wait_leg(name);
    }
    connect("leaf3").wait_closed();
    assert!(!first.is_closed() && !second.is_closed());
    // One that is gone makes room.
    first.close();
    wait_for("a third router", TIMEOUT, || {
        let third = connect("leaf3");
        let until = std::time::Instant::now() + Duration::from_secs(1);
        while std::time::Instant::now() < until && !third.is_closed() {
            if lab.early.leg("leaf3").is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err("refused".to_owned())
    });
}
