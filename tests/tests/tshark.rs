//! tshark finds nothing wrong with what bmpd sends, and sees the same messages as the station.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tests::addresses::loopback;
use tests::bmp::{Kind, Mode};
use tests::programs::scene::whole_session;
use tests::programs::tshark::Capture;
use tests::scratch::Scratch;
use tests::station::Station;

#[test]
fn a_whole_session_is_dissected_without_a_fault() {
    let scratch = Scratch::new();
    let station = Station::listen(loopback(), Mode::Keeping);
    let capture = Capture::start(&scratch, SocketAddr::new(station.ip(), station.port()));
    let connection = whole_session(&scratch, &station);
    let captured = capture.stop();

    assert_eq!(captured.faults(), [""; 0]);
    let carried = captured.connections();
    assert_eq!(carried.len(), 1, "connections");
    connection.look(|record| {
        assert!(carried[0].1.raw == record.raw, "the capture has other bytes than the station");
        let code = |kind: Kind| match kind {
            Kind::RouteMonitoring => 0,
            Kind::StatisticsReport => 1,
            Kind::PeerDown => 2,
            Kind::PeerUp => 3,
            Kind::Initiation => 4,
            Kind::Termination => 5,
            Kind::RouteMirroring => 6,
            Kind::Unknown(other) => other,
        };
        let received: BTreeMap<u8, u64> =
            record.messages.iter().map(|(kind, count)| (code(*kind), *count)).collect();
        assert_eq!(captured.messages(), received);
        assert!((0..=5).all(|kind| received.contains_key(&kind)), "{received:?}");
    });
}
