//! FRR, BIRD and GoBGP as monitored routers: through bmpd a station knows the same of them as without it.

use std::time::Duration;

use tests::bgp::Family;
use tests::race::Program;
use tests::random::Random;
use tests::relay::Scene;
use tests::table::{Attributes, Prefixes};

/// How long a program may take to do something, on a busy machine.
pub(super) const TIMEOUT: Duration = Duration::from_secs(90);

/// A program's tables, changes of them, and a neighbor of it that goes and comes back, for an early and a late station.
#[track_caller]
fn is_relayed(program: Program, router: &str) {
    let mut scene = Scene::start(program, router);
    let name = scene.name();
    let early = scene.lab.early.wait_leg(&name);
    for n in 0..2 {
        scene.announce(n, 300, 100);
    }
    scene.wait_equal(&early);

    // Some go, some get other attributes, some are new.
    let gone: Vec<_> = scene.speakers[0].expected().into_keys().step_by(3).collect();
    scene.speakers[0].withdraw(&gone);
    scene.speakers[1].withdraw(&gone[..20]);
    let mut random = Random::new(11);
    let changed: Vec<_> = scene.speakers[1].expected().into_keys().step_by(4).collect();
    scene.speakers[1].announce(&changed, &Attributes::sample(65_002, &mut random));
    let mut prefixes = Prefixes::new(Family::IPV6);
    let new: Vec<_> = (0..250).map(|_| prefixes.next(&mut random)).collect();
    scene.speakers[0].announce(&new, &Attributes::sample(65_001, &mut random));
    scene.wait_equal(&early);

    // A neighbor goes and comes back with less.
    drop(scene.speakers.remove(1));
    scene.wait_equal(&early);
    early.wait_router("the Peer Down", |s| (!s.downs.is_empty()).then_some(()));
    scene.speakers.push(scene.connect(1));
    scene.announce(1, 50, 20);
    scene.wait_equal(&early);

    scene.lab.start_late();
    let late = scene.lab.late.wait_leg(&name);
    scene.wait_equal(&late);
    scene.wait_alike(&early, &late);
    assert_eq!(scene.lab.early.connections().len(), 1);
    scene.lab.early.assert_legal();
    scene.lab.late.assert_legal();
}

#[test]
fn what_frr_sends_reaches_early_and_late_stations() {
    is_relayed(Program::Frr, "address = \"127.0.0.1\"");
}

#[test]
fn what_bird_sends_reaches_early_and_late_stations() {
    is_relayed(Program::Bird2, "address = \"127.0.0.1\"");
}

#[test]
fn what_bird_3_sends_reaches_early_and_late_stations() {
    is_relayed(Program::Bird3, "address = \"127.0.0.1\"");
}

#[test]
fn what_gobgp_sends_reaches_early_and_late_stations() {
    is_relayed(Program::Gobgp, "prefix = \"127.0.0.0/8\"");
}
