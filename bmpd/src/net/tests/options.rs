//! The options of a socket after they were set.

use std::os::fd::AsFd;

use socket2::SockRef;

use super::*;
use crate::config::Source;
use crate::net::listen::refuse;
use crate::net::{queue, raw};

/// An option that is a number, as the system has it.
fn number(stream: &TcpStream, level: i32, name: i32) -> i32 {
    let mut value = 0;
    raw::get(stream.as_fd(), level, name, &mut value).unwrap();
    value
}

#[tokio::test]
async fn a_connection_has_what_was_configured() {
    let options = Options {
        mss: Some(1000),
        dscp: Some(48),
        keepalive: Keepalive {
            idle: Duration::from_secs(33),
            interval: Duration::from_secs(7),
            count: 4,
        },
        user_timeout: Some(Duration::from_secs(77)),
        hops: Hops::Ttl(9),
        ..options()
    };
    let (listener, address) = listener(&[]).await;
    let ours = connect_here(address, &options).await.unwrap();
    let theirs = accept(&listener).await;
    options.accepted(&theirs).unwrap();
    for stream in [&ours, &theirs] {
        let socket = SockRef::from(stream);
        assert_eq!(socket.tos_v4().unwrap(), 48 << 2);
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(33));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), 4);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(Duration::from_secs(77)));
        assert_eq!(socket.ttl_v4().unwrap(), 9);
        assert!(socket.tcp_nodelay().unwrap());
        // Ours was announced in the SYN; timestamps take 12 bytes of each segment.
        assert!(socket.tcp_mss().unwrap() <= 1000);
    }
}

#[tokio::test]
async fn a_connection_has_what_was_configured_over_ipv6() {
    let options = Options { dscp: Some(46), hops: Hops::Security(1), ..options() };
    let any = "[::1]:0".parse().unwrap();
    let listener = listen(any, &Place::Public, ListenOptions::default()).await.unwrap();
    let ours = connect_here(listener.local_addr().unwrap(), &options).await.unwrap();
    let theirs = accept(&listener).await;
    options.accepted(&theirs).unwrap();
    options.came_near(&theirs).unwrap();
    for stream in [&ours, &theirs] {
        assert_eq!(SockRef::from(stream).tclass_v6().unwrap(), 46 << 2);
        assert_eq!(SockRef::from(stream).unicast_hops_v6().unwrap(), 255);
        assert_eq!(number(stream, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT), 255);
    }
    assert!(carries(&ours, &theirs, SOON).await);

    let far = Options { hops: Hops::Ttl(64), ..options.clone() };
    let _ours = connect_here(listener.local_addr().unwrap(), &far).await.unwrap();
    assert!(options.came_near(&accept(&listener).await).is_err());
}

#[tokio::test]
async fn a_listener_asks_for_its_greatest_segment() {
    let listen_options = ListenOptions { keys: &[], mss: Some(800) };
    let any = (LOOPBACK, 0).into();
    let listener = listen(any, &Place::Public, listen_options).await.unwrap();
    let ours = connect_here(listener.local_addr().unwrap(), &options()).await.unwrap();
    assert!(SockRef::from(&ours).tcp_mss().unwrap() <= 800);
    for (mss, expected) in [(Some(600), ..=600), (None, ..=32767)] {
        listener.set_mss(mss).unwrap();
        let ours = connect_here(listener.local_addr().unwrap(), &options()).await.unwrap();
        let found = SockRef::from(&ours).tcp_mss().unwrap();
        assert!(expected.contains(&found) && (mss.is_some() || found > 800), "{mss:?} {found}");
    }
}

#[tokio::test]
async fn an_accepted_connection_has_the_ttl_of_the_system_again() {
    let (listener, address) = listener(&[]).await;
    let ours = connect_here(address, &options()).await.unwrap();
    let theirs = accept(&listener).await;
    options().accepted(&theirs).unwrap();
    let of_system = SockRef::from(&ours).ttl_v4().unwrap();
    assert_ne!(of_system, 255);
    assert_eq!(SockRef::from(&theirs).ttl_v4().unwrap(), of_system);
}

#[tokio::test]
async fn ttl_security_takes_what_comes_from_near_and_drops_what_comes_from_far() {
    let (listener, address) = listener(&[]).await;
    let near = Options { hops: Hops::Security(1), ..options() };
    // Ours requires an answer to its SYN with TTL 255, and receives it.
    let ours = connect_here(address, &near).await.unwrap();
    let theirs = accept(&listener).await;
    near.accepted(&theirs).unwrap();
    near.came_near(&theirs).unwrap();
    assert_eq!(number(&theirs, libc::IPPROTO_IP, libc::IP_MINTTL), 255);
    assert!(carries(&ours, &theirs, SOON).await);

    let far = Options { hops: Hops::Ttl(253), ..options() };
    let ours = connect_here(address, &far).await.unwrap();
    let theirs = accept(&listener).await;
    near.accepted(&theirs).unwrap();
    assert_eq!(
        near.came_near(&theirs).unwrap_err().to_string(),
        "it came with TTL 253, and 255 is the least that ttl-security allows"
    );
    assert!(!carries(&ours, &theirs, WHILE).await);

    // Three hops: 253 is the least.
    let ours = connect_here(address, &far).await.unwrap();
    let theirs = accept(&listener).await;
    let nearby = Options { hops: Hops::Security(3), ..options() };
    nearby.accepted(&theirs).unwrap();
    nearby.came_near(&theirs).unwrap();
    assert!(carries(&ours, &theirs, SOON).await);
}

/// The listener answers with TTL 255 as it should; another side need not.
#[tokio::test]
async fn an_answer_from_too_far_away_is_none_and_the_reason_says_what_it_can_be() {
    let far = std::net::TcpListener::bind((LOOPBACK, 0)).unwrap();
    let near = Options { hops: Hops::Security(1), ..options() };
    let error = connect_here(far.local_addr().unwrap(), &near).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no answer within 1 s; with ttl-security that is also what another side looks like that is \
         further away, or has none; a side that expects TCP MD5 or TCP-AO looks the same: no key is \
         configured here"
    );
}

#[tokio::test]
async fn the_source_is_what_the_other_end_sees() {
    let (listener, address) = listener(&[]).await;
    let source = "127.0.0.77".parse().unwrap();
    let options = Options { source: Some(Source::Address(source)), ..options() };
    let _ours = connect_here(address, &options).await.unwrap();
    assert_eq!(accept(&listener).await.peer_addr().unwrap().ip(), source);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_an_error_that_names_it() {
    let address = SocketAddr::new(LOOPBACK, 9);
    let source = Source::Address("192.0.2.77".parse().unwrap());
    let error =
        connect_here(address, &Options { source: Some(source), ..options() }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot set tcp.source-address 192.0.2.77: Cannot assign requested address; this host does \
         not have it"
    );
    assert_eq!(error.raw_os_error(), Some(libc::EADDRNOTAVAIL));

    let source = Source::Interface("no-such-if".to_owned());
    let error =
        connect_here(address, &Options { source: Some(source), ..options() }).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot set tcp.source-interface no-such-if: No such device");
}

#[tokio::test]
async fn a_refused_connection_is_reset() {
    let (listener, address) = listener(&[]).await;
    let ours = connect_here(address, &options()).await.unwrap();
    refuse(accept(&listener).await);
    tokio::time::timeout(SOON, ours.readable()).await.unwrap().unwrap();
    let error = ours.try_read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNRESET));
}

#[tokio::test]
async fn what_was_acknowledged_rises_with_what_the_other_side_takes() {
    let (listener, address) = listener(&[]).await;
    let ours = connect_here(address, &options()).await.unwrap();
    let theirs = accept(&listener).await;
    let before = queue::acknowledged(&ours);
    assert!(carries(&ours, &theirs, SOON).await);
    let deadline = tokio::time::Instant::now() + SOON;
    while queue::acknowledged(&ours) != before + 1 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
