//! TCP MD5 on the loopback. Both ends have the same address there: a key is for that of the other end.

use std::net::Ipv6Addr;

use super::*;
use crate::config::Source;
use crate::net::keys::tcp_ao_supported;
use crate::net::options::OptionError;

#[tokio::test]
async fn the_same_key_at_both_ends_connects() {
    let (listener, address) = listener(&[key_of(LOOPBACK, 32, "s3cret")]).await;
    let ours = connect_here(address, &with_md5("s3cret")).await.unwrap();
    let theirs = accept(&listener).await;
    with_md5("s3cret").accepted(&theirs).unwrap();
    assert!(carries(&ours, &theirs, SOON).await);
    assert!(carries(&theirs, &ours, SOON).await);
}

#[tokio::test]
async fn the_same_key_at_both_ends_connects_over_ipv6() {
    let loopback = IpAddr::V6(Ipv6Addr::LOCALHOST);
    // That of IPv4 is left out: one list does for listeners of both families.
    let keys = [key_of(LOOPBACK, 32, "other"), key_of(loopback, 128, "s3cret")];
    let options = ListenOptions { keys: &keys, mss: None };
    let listener = listen((loopback, 0).into(), &Place::Public, options).await.unwrap();
    let address = listener.local_addr().unwrap();
    let ours = connect_here(address, &with_md5("s3cret")).await.unwrap();
    let theirs = accept(&listener).await;
    with_md5("s3cret").accepted(&theirs).unwrap();
    assert!(carries(&ours, &theirs, SOON).await);
    assert!(connect_here(address, &with_md5("other")).await.is_err());
}

#[tokio::test]
async fn a_wrong_key_looks_like_silence_and_the_error_says_so() {
    let (_listener, address) = listener(&[key_of(LOOPBACK, 32, "s3cret")]).await;
    let error = connect_here(address, &with_md5("wr0ng")).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.starts_with("no answer within 1 s; with tcp.md5 "), "{text}");
    for shown in [text, format!("{error:?}")] {
        assert!(!shown.contains("s3cret") && !shown.contains("wr0ng"), "{shown}");
    }
}

#[tokio::test]
async fn a_key_at_one_end_only_does_not_connect() {
    let (_listener, address) = listener(&[key_of(LOOPBACK, 32, "s3cret")]).await;
    let error = connect_here(address, &options()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no answer within 1 s; a side that expects TCP MD5 or TCP-AO looks the same: no key is \
         configured here"
    );

    let (_deaf, address) = listener(&[]).await;
    let error = connect_here(address, &with_md5("s3cret")).await.unwrap_err();
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_looks_like_silence_with_a_key_only() {
    let (listener, address) = listener(&[]).await;
    drop(listener);
    let error = connect_here(address, &options()).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    let error = connect_here(address, &with_md5("s3cret")).await.unwrap_err();
    assert!(error.to_string().ends_with("or nobody listening there"), "{error}");
}

#[tokio::test]
async fn a_prefix_has_a_key_and_the_longest_decides() {
    let five: IpAddr = "127.0.0.5".parse().unwrap();
    let keys = [key_of("127.0.0.0".parse().unwrap(), 8, "of all"), key_of(five, 32, "of one")];
    let (listener, address) = listener(&keys).await;
    let from = |source: IpAddr, key: &str| Options {
        source: Some(Source::Address(source)),
        ..with_md5(key)
    };
    let ours = connect_here(address, &from("127.0.0.9".parse().unwrap(), "of all")).await.unwrap();
    assert!(carries(&ours, &accept(&listener).await, SOON).await);
    connect_here(address, &from(five, "of one")).await.unwrap();
    assert!(connect_here(address, &from(five, "of all")).await.is_err());
}

#[tokio::test]
async fn keys_are_replaced_while_it_listens() {
    let (mut listener, address) = listener(&[key_of(LOOPBACK, 32, "old")]).await;
    let before = connect_here(address, &with_md5("old")).await.unwrap();
    let accepted = accept(&listener).await;

    listener.set_keys(&[key_of(LOOPBACK, 32, "new")]).unwrap();
    assert!(carries(&before, &accepted, SOON).await, "a connection keeps the key that it has");
    assert!(connect_here(address, &with_md5("old")).await.is_err());
    connect_here(address, &with_md5("new")).await.unwrap();

    // The same peer's key, now as that of a prefix: added before the other is deleted.
    listener.set_keys(&[key_of("127.0.0.0".parse().unwrap(), 8, "wide")]).unwrap();
    assert!(connect_here(address, &with_md5("new")).await.is_err());
    connect_here(address, &with_md5("wide")).await.unwrap();

    listener.set_keys(&[]).unwrap();
    assert!(connect_here(address, &with_md5("wide")).await.is_err());
    connect_here(address, &options()).await.unwrap();
    listener.set_keys(&[]).unwrap();
}

#[tokio::test]
async fn a_connection_that_came_before_its_key_is_cut_off() {
    let (listener, address) = listener(&[]).await;
    let ours = connect_here(address, &options()).await.unwrap();
    let theirs = accept(&listener).await;
    with_md5("s3cret").accepted(&theirs).unwrap();
    assert!(!carries(&ours, &theirs, WHILE).await);
}

#[tokio::test]
async fn a_key_that_is_none_is_an_error_that_does_not_show_it() {
    for key in ["", &"k".repeat(81)] {
        let error = connect_here(SocketAddr::new(LOOPBACK, 9), &with_md5(key)).await.unwrap_err();
        assert_eq!(error.to_string(), "cannot set tcp.md5: Invalid argument");
    }
    connect_here(listener(&[key_of(LOOPBACK, 32, &"k".repeat(80))]).await.1, &options())
        .await
        .unwrap_err();

    let (mut listener, _) = listener(&[]).await;
    let keys = [key_of("10.0.0.0".parse().unwrap(), 8, &"k".repeat(81))];
    let error: OptionError = listener.set_keys(&keys).unwrap_err();
    assert_eq!(error.to_string(), "cannot set md5 of 10.0.0.0/8: Invalid argument");
}

#[tokio::test]
async fn more_keys_than_the_system_has_room_for_are_an_error_that_says_what_to_do() {
    let (mut listener, _) = listener(&[]).await;
    let keys: Vec<PeerKey> = (0..1_u32 << 16)
        .map(|n| key_of(Ipv4Addr::from((10 << 24) + n).into(), 32, "s3cret"))
        .collect();
    let error = listener.set_keys(&keys).unwrap_err();
    assert_eq!(error.error.raw_os_error(), Some(libc::ENOMEM));
    assert!(error.to_string().ends_with("than net.core.optmem_max"), "{error}");
}

#[tokio::test]
async fn tcp_ao_is_used_where_the_kernel_has_it_and_refused_where_not() {
    let key = crate::config::AoKey {
        send_id: 1,
        receive_id: 2,
        algorithm: crate::config::AoAlgorithm::HmacSha1,
        key: Secret::new("s3cret"),
    };
    let theirs = crate::config::AoKey { send_id: 2, receive_id: 1, ..key.clone() };
    let ours = Options { authentication: Some(Authentication::Ao(vec![key])), ..options() };
    let authentication = Authentication::Ao(vec![theirs]);
    let keys = [PeerKey { network: LOOPBACK, length: 32, authentication: authentication.clone() }];
    if tcp_ao_supported() {
        let (listener, address) = listener(&keys).await;
        let stream = connect_here(address, &ours).await.unwrap();
        let accepted = accept(&listener).await;
        let signed = Options { authentication: Some(authentication), ..options() };
        signed.accepted(&accepted).unwrap();
        assert!(carries(&stream, &accepted, SOON).await);
        connect_here(address, &options()).await.unwrap_err();
    } else {
        let error = connect_here(SocketAddr::new(LOOPBACK, 9), &ours).await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOPROTOOPT));
        assert!(error.to_string().starts_with("cannot set tcp.ao: "), "{error}");
        assert!(error.to_string().contains("this kernel has no TCP-AO"), "{error}");
        let (mut listener, _) = listener(&[]).await;
        let error = listener.set_keys(&keys).unwrap_err();
        assert!(error.to_string().starts_with("cannot set ao of 127.0.0.1: "), "{error}");
    }
}
