//! BIRD and FRR restart gracefully (RFC 4724), or not; and their last words (RFC 9003).

use std::time::{Duration, Instant};

use tests::bgp;
use tests::programs::bird::Bird;
use tests::programs::frr::Frr;
use tests::programs::scene::{Scene, TIMEOUT};
use tests::programs::{Announced, Connects, Link, Speaker, Terms, bmpd_listens, sample};
use tests::scratch::Scratch;
use tests::station::Connection;
use tests::wait::{holds_for, wait_until};

/// A scene with a neighbor that asks for so many seconds when it restarts.
fn restarting<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
    connects: Connects,
    seconds: Option<u16>,
) -> (Scene<S>, Connection) {
    let link = Link::new(bmpd_listens(), 65001, connects);
    let terms = Terms { graceful_restart: seconds, ..Terms::default() };
    let start = |scratch: &Scratch, link, announced| start(scratch, link, terms, announced);
    let scene = Scene::start_with(link, "", true, start, sample(65001, 60, 30, 1));
    scene.wait_routes();
    let connection = scene.station.wait_connection(1);
    connection.wait_complete(scene.speaker.ip(), TIMEOUT);
    (scene, connection)
}

/// Another table: a third of the routes is gone, some are new.
fn changed(speaker: &impl Speaker) -> Announced {
    let mut n = 0;
    let mut announced = speaker.announced().clone();
    announced.retain(|_, _| {
        n += 1;
        n % 3 != 0
    });
    announced.extend(sample(65001, 20, 10, 2));
    announced
}

fn counts(connection: &Connection) -> (usize, usize) {
    connection.look(|record| (record.peer_ups.len(), record.peer_downs.len()))
}

/// It is killed and comes back with another table: the station is sent no Peer Down, and holds the new
/// table and nothing else in the end.
#[track_caller]
fn comes_back<S: Speaker>(
    start: impl Fn(&Scratch, Link, Terms, Announced) -> S,
    again: impl Fn(&mut S),
    connects: Connects,
) {
    let (mut scene, connection) = restarting(start, connects, Some(60));
    let before = scene.speaker.expected();
    let address = scene.speaker.ip();
    scene.speaker.kill();
    scene.wait_shown(&["restarting: its routes are kept"]);
    holds_for("silence about the restart", Duration::from_secs(1), || {
        let held = connection.look(|record| record.peer(address).map(|peer| peer.routes.clone()));
        if held.as_ref() == Some(&before) { Ok(()) } else { Err(connection.summary()) }
    });
    scene.speaker.change(changed(&scene.speaker));
    again(&mut scene.speaker);
    scene.wait_routes();
    connection.wait_complete(address, TIMEOUT);
    assert_eq!(counts(&connection), (2, 0), "{}", connection.summary());
    scene.station.assert_legal();
}

#[test]
fn bird_that_is_killed_and_recovers_is_not_down() {
    comes_back(Bird::start_with, Bird::recover, Connects::Program);
}

#[test]
fn bird_that_is_killed_and_recovers_is_not_down_when_bmpd_connects() {
    comes_back(Bird::start_with, Bird::recover, Connects::Bmpd);
}

#[test]
fn frr_that_is_killed_and_comes_back_is_not_down() {
    comes_back(Frr::start_with, Frr::start_again, Connects::Program);
}

#[test]
fn frr_that_is_killed_and_comes_back_is_not_down_when_bmpd_connects() {
    comes_back(Frr::start_with, Frr::start_again, Connects::Bmpd);
}

#[test]
fn bird_that_comes_back_when_both_connect_is_not_down() {
    comes_back(Bird::start_with, Bird::recover, Connects::Both);
}

/// Without `-R` its OPEN does not say that anything was kept: the old routes go at once, without a Peer
/// Down all the same.
#[test]
fn bird_that_comes_back_without_recovery_is_not_down_either() {
    comes_back(Bird::start_with, Bird::start_again, Connects::Program);
}

/// Reason 4: it was killed, and so said nothing.
#[track_caller]
fn is_down<S: Speaker>(
    start: impl Fn(&Scratch, Link, Terms, Announced) -> S,
    seconds: Option<u16>,
) {
    let (mut scene, connection) = restarting(start, Connects::Program, seconds);
    let killed = Instant::now();
    scene.speaker.kill();
    scene.wait_down(&connection);
    let took = killed.elapsed();
    if let Some(seconds) = seconds {
        assert!(took >= Duration::from_secs(seconds.into()), "{took:?}");
    }
    connection.look(|record| {
        let down = &record.peer_downs[0];
        assert_eq!((down.reason, down.data.len()), (4, 0));
    });
    scene.speaker.change(changed(&scene.speaker));
    scene.speaker.start_again();
    scene.wait_routes();
    assert_eq!(counts(&connection), (2, 1));
    scene.station.assert_legal();
}

#[test]
fn bird_without_graceful_restart_is_down_at_once() {
    is_down(Bird::start_with, None);
}

#[test]
fn frr_without_graceful_restart_is_down_at_once() {
    is_down(Frr::start_with, None);
}

#[test]
fn bird_that_is_not_back_in_time_is_down_as_it_went() {
    is_down(Bird::start_with, Some(3));
}

#[test]
fn frr_that_is_not_back_in_time_is_down_as_it_went() {
    is_down(Frr::start_with, Some(3));
}

/// Its words reach people and, whole, the station.
#[track_caller]
fn says<S: Speaker>(
    start: impl FnOnce(&Scratch, Link, Terms, Announced) -> S,
    disable: impl FnOnce(&mut S, &str),
    enable: impl FnOnce(&mut S),
    words: &str,
) {
    let (mut scene, connection) = restarting(start, Connects::Program, Some(60));
    disable(&mut scene.speaker, words);
    let down =
        connection.wait("the Peer Down", TIMEOUT, |record| record.peer_downs.last().cloned());
    assert_eq!(down.reason, 3);
    let message = bgp::split_message(&mut &down.data[..]).unwrap();
    let length = u8::try_from(words.len()).unwrap();
    let said = [&[6, 2, length][..], words.as_bytes()].concat();
    assert_eq!((message.kind, message.body), (bgp::kind::NOTIFICATION, &said[..]));
    scene.wait_shown(&[&format!("Administrative Shutdown): \"{words}\"")]);
    enable(&mut scene.speaker);
    scene.wait_routes();
    // It is known how it went down the last time.
    wait_until("the words to be shown of a neighbor that is up", TIMEOUT, || {
        let shown = scene.shown();
        shown.contains("Established") && shown.contains(words)
    });
    scene.station.assert_legal();
}

#[test]
fn the_last_words_of_bird_are_shown_and_passed_on() {
    let words = "Wartung bis 04:00, Frag die Kollegen: größer als gedacht";
    says(Bird::start_with, Bird::disable_with, Bird::enable, words);
}

#[test]
fn the_last_words_of_frr_are_shown_and_passed_on() {
    says(Frr::start_with, Frr::disable_with, Frr::enable, "TICKET-4711 back at 04:00");
}

/// RFC 9003: 255 bytes. BIRD takes no more than the 128 of RFC 8203.
#[test]
fn last_words_of_the_greatest_length_are_passed_on() {
    says(Frr::start_with, Frr::disable_with, Frr::enable, &"0123456789abcdef".repeat(16)[1..]);
}

/// Both ends connect at once, and each has graceful restart: a second connection of a neighbor that is
/// up means that it has restarted (RFC 4724 section 5), which one that has just lost a collision has not.
/// `ups` as in `scene::survives_collisions`.
#[track_caller]
fn is_up_once<S: Speaker>(start: impl Fn(&Scratch, Link, Terms, Announced) -> S, ups: usize) {
    let link = Link::new(bmpd_listens(), 65001, Connects::Both);
    let terms = || Terms { graceful_restart: Some(60), ..Terms::default() };
    for router_id in [[192, 0, 2, 1], [192, 0, 2, 255]] {
        let link = Link { router_id: router_id.into(), ..link };
        let start = |scratch: &Scratch, link, announced| start(scratch, link, terms(), announced);
        let mut scene = Scene::start_frozen(link, true, start, sample(65001, 20, 10, 1));
        scene.speaker.thaw();
        scene.wait_routes();
        let connection = scene.station.wait_connection(1);
        connection.wait_complete(scene.speaker.ip(), TIMEOUT);
        let begun = counts(&connection);
        holds_for("one session", Duration::from_secs(3), || {
            let now = counts(&connection);
            if now == begun { Ok(()) } else { Err(format!("{begun:?} {now:?}")) }
        });
        assert!(begun.0 <= ups && begun.1 == 0, "{begun:?}");
        let log = scene.daemon.log();
        assert!(!log.contains("has connected anew"), "{log}");
        scene.station.assert_legal();
    }
}

#[test]
fn bird_with_graceful_restart_is_up_once_when_both_connect() {
    is_up_once(Bird::start_with, 1);
}

#[test]
fn frr_with_graceful_restart_is_up_once_when_both_connect() {
    // It closes the connection that it kept as well, and connects again: a restart of its own making.
    is_up_once(Frr::start_with, 2);
}
