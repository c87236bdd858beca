//! The station is killed and started again, the neighbor is killed and started again, in every order
//! there is: what the station holds in the end is what the neighbor announces.

use std::time::Duration;

use tests::programs::bird::Bird;
use tests::programs::scene::{Scene, TIMEOUT};
use tests::programs::{Connects, Speaker, sample};
use tests::station::End;
use tests::wait::holds_for;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    StationDies,
    StationReturns,
    NeighborDies,
    NeighborReturns,
}
use Step::{NeighborDies, NeighborReturns, StationDies, StationReturns};

/// All orders in which each dies before it returns.
const ORDERS: [[Step; 4]; 6] = [
    [StationDies, StationReturns, NeighborDies, NeighborReturns],
    [StationDies, NeighborDies, StationReturns, NeighborReturns],
    [StationDies, NeighborDies, NeighborReturns, StationReturns],
    [NeighborDies, StationDies, StationReturns, NeighborReturns],
    [NeighborDies, StationDies, NeighborReturns, StationReturns],
    [NeighborDies, NeighborReturns, StationDies, StationReturns],
];

/// The neighbor and the station live through `order`. With `wait_each` bmpd has seen each step before
/// the next one comes; without, they come as fast as they can.
fn go_through(scene: &mut Scene<Bird>, order: [Step; 4], wait_each: bool, seed: u64) {
    let (mut station_lives, mut neighbor_lives) = (true, true);
    for step in order {
        let connections = scene.station.connections().len();
        match step {
            StationDies => {
                scene.station.kill();
                station_lives = false;
            }
            StationReturns => {
                scene.station.revive();
                station_lives = true;
            }
            NeighborDies => {
                scene.speaker.kill();
                neighbor_lives = false;
                // Some routes are gone, some are new, some have changed.
                let mut announced = scene.speaker.announced().clone();
                let mut n = 0;
                announced.retain(|_, _| {
                    n += 1;
                    n % 3 != 0
                });
                announced.extend(sample(65001, 100, 50, seed));
                scene.speaker.change(announced);
            }
            NeighborReturns => {
                scene.speaker.start_again();
                neighbor_lives = true;
            }
        }
        if !wait_each {
            continue;
        }
        if neighbor_lives {
            scene.speaker.wait_established();
        }
        match (station_lives, neighbor_lives) {
            (true, true) => scene.wait_routes(),
            (true, false) => {
                let number = connections + usize::from(step == StationReturns);
                let connection = scene.station.wait_connection(number);
                connection
                    .wait("the Initiation", TIMEOUT, |r| (!r.initiation.is_empty()).then_some(()));
                scene.wait_down(&connection);
            }
            (false, _) => {}
        }
    }
    scene.wait_routes();
    let connection = scene.station.latest().expect("a connection");
    connection.wait_complete(scene.speaker.ip(), TIMEOUT);
}

/// What the station holds is what the neighbor announces, and stays that.
fn check(scene: &Scene<Bird>) {
    let expected = scene.speaker.expected();
    holds_for("the routes", Duration::from_secs(1), || {
        let connection = scene.station.latest().expect("a connection");
        let held = connection.look(|r| r.peer(scene.speaker.ip()).map(|p| p.routes.clone()));
        if held.as_ref() == Some(&expected) { Ok(()) } else { Err(connection.summary()) }
    });
    for connection in scene.station.connections() {
        assert!(matches!(connection.end(), None | Some((_, End::Ours))), "{:?}", connection.end());
    }
    scene.station.assert_legal();
}

/// One bmpd lives through all orders, one after the other.
fn one_bmpd(wait_each: bool) {
    let mut scene = Scene::start(Bird::start, Connects::Program, sample(65001, 300, 150, 1));
    scene.wait_routes();
    for (seed, order) in (2..).zip(ORDERS) {
        go_through(&mut scene, order, wait_each, seed);
    }
    check(&scene);
}

/// A new bmpd for each order: one that connects to its neighbor waits longer after each time that
/// the neighbor went away soon, up to a minute.
fn one_bmpd_each(wait_each: bool) {
    for (seed, order) in (2..).zip(ORDERS) {
        let mut scene = Scene::start(Bird::start, Connects::Bmpd, sample(65001, 300, 150, 1));
        scene.wait_routes();
        go_through(&mut scene, order, wait_each, seed);
        check(&scene);
    }
}

#[test]
fn in_every_order_with_time_in_between() {
    one_bmpd(true);
}

#[test]
fn in_every_order_as_fast_as_possible() {
    one_bmpd(false);
}

#[test]
fn in_every_order_when_bmpd_connects_to_the_neighbor() {
    one_bmpd_each(true);
}

#[test]
fn in_every_order_as_fast_as_possible_when_bmpd_connects_to_the_neighbor() {
    one_bmpd_each(false);
}
