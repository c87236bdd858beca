//! Sockets in namespaces and on devices. The tests create what they need with `ip` and delete it.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::Domain;

use super::*;
use crate::config::Source;
use crate::net::place::{SocketError, socket};

/// A network namespace of the test's own.
struct Namespace(String);

impl Namespace {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bmpd-test-{}-{number}", std::process::id());
        ip(&["netns", "add", &name]);
        let namespace = Self(name);
        ip(&["-n", &namespace.0, "link", "set", "lo", "up"]);
        namespace
    }

    fn place(&self) -> Place {
        Place::Namespace(PathBuf::from("/run/netns").join(&self.0))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.0]).status();
    }
}

fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().expect("`ip` (iproute2) is needed");
    assert!(
        output.status.success(),
        "`ip {}` failed: {}\nThis test makes a network namespace: IT NEEDS ROOT (CAP_SYS_ADMIN, \
         CAP_NET_ADMIN).",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Two namespaces with a cable between them: 10.9.9.1 on `left`, 10.9.9.2 on `right`.
fn cable() -> (Namespace, Namespace) {
    let (one, other) = (Namespace::new(), Namespace::new());
    ip(&[
        "-n", &one.0, "link", "add", "left", "type", "veth", "peer", "name", "right", "netns",
        &other.0,
    ]);
    for (namespace, device, address) in
        [(&one, "left", "10.9.9.1/24"), (&other, "right", "10.9.9.2/24")]
    {
        ip(&["-n", &namespace.0, "address", "add", address, "dev", device]);
        ip(&["-n", &namespace.0, "link", "set", device, "up"]);
    }
    (one, other)
}

#[tokio::test]
async fn a_socket_lives_in_its_namespace_and_the_runtime_stays_where_it_is() {
    let own = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let before = own();
    let namespace = Namespace::new();
    let address = SocketAddr::new(LOOPBACK, 0);
    let listener = listen(address, &namespace.place(), ListenOptions::default()).await.unwrap();
    let address = listener.local_addr().unwrap();

    let ours = connect(address, &namespace.place(), &options()).await.unwrap();
    assert!(carries(&ours, &accept(&listener).await, SOON).await);
    let error = connect_here(address, &options()).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED), "{error}");
    assert_eq!(own(), before);
}

#[tokio::test]
async fn two_namespaces_can_have_the_same_address_and_port() {
    let (one, other) = (Namespace::new(), Namespace::new());
    let any = SocketAddr::new(LOOPBACK, 179);
    let first = listen(any, &one.place(), ListenOptions::default()).await.unwrap();
    let second = listen(any, &other.place(), ListenOptions::default()).await.unwrap();
    let ours = connect(any, &other.place(), &options()).await.unwrap();
    assert!(carries(&ours, &accept(&second).await, SOON).await);
    assert!(tokio::time::timeout(WHILE, first.accept()).await.is_err());
}

#[tokio::test]
async fn an_interface_is_looked_up_in_the_namespace() {
    let (one, other) = cable();
    let any = "0.0.0.0:0".parse().unwrap();
    let listener = listen(any, &other.place(), ListenOptions::default()).await.unwrap();
    let there = SocketAddr::new("10.9.9.2".parse().unwrap(), listener.local_addr().unwrap().port());
    let from = |interface: &str| Options {
        source: Some(Source::Interface(interface.to_owned())),
        ..options()
    };
    // Until the cable is seen to be there at both ends segments are lost, and sent again after a second.
    let left = Options { connect_timeout: SOON, ..from("left") };
    let ours = connect(there, &one.place(), &left).await.unwrap();
    assert_eq!(ours.local_addr().unwrap().ip(), "10.9.9.1".parse::<IpAddr>().unwrap());
    assert!(carries(&ours, &accept(&listener).await, SOON).await);

    // The way out is that of the interface, even if it leads nowhere.
    connect(there, &one.place(), &from("lo")).await.unwrap_err();
    let error = connect(there, &one.place(), &from("right")).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{error}");
}

#[tokio::test]
async fn a_socket_is_bound_to_the_device_of_its_place_or_to_the_interface_that_is_configured() {
    let (listener, address) = listener(&[]).await;
    let bound = |stream: &TcpStream| socket2::SockRef::from(stream).device().unwrap();
    let place = Place::Device("lo".to_owned());
    let ours = connect(address, &place, &options()).await.unwrap();
    assert_eq!(bound(&ours).as_deref(), Some(&b"lo"[..]));
    assert!(carries(&ours, &accept(&listener).await, SOON).await);

    let interface = Options { source: Some(Source::Interface("lo".to_owned())), ..options() };
    let elsewhere = Place::Device("no-such-if".to_owned());
    let ours = connect(address, &elsewhere, &interface).await.unwrap();
    assert_eq!(bound(&ours).as_deref(), Some(&b"lo"[..]));
}

#[tokio::test]
async fn a_device_that_is_not_there_is_named() {
    let place = Place::Device("no-such-if".to_owned());
    let error = socket(&place, Domain::IPV4).await.unwrap_err();
    assert!(matches!(error, SocketError::NoDevice { .. }), "{error:?}");
    assert_eq!(error.to_string(), "there is no device no-such-if");
    assert_eq!(error.io().raw_os_error(), Some(libc::ENODEV));
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named_with_the_command_that_makes_it() {
    let place = Place::Namespace("/run/netns/no-such-ns".into());
    let error = socket(&place, Domain::IPV4).await.unwrap_err();
    assert!(matches!(error, SocketError::NoNamespace { .. }), "{error:?}");
    assert_eq!(
        error.to_string(),
        "there is no network namespace /run/netns/no-such-ns: make it with `ip netns add no-such-ns`"
    );
    let place = Place::Namespace("/proc/0/ns/net".into());
    let error = socket(&place, Domain::IPV4).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no network namespace /proc/0/ns/net");
}

#[tokio::test]
async fn what_is_no_network_namespace_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let other_kind = PathBuf::from("/proc/self/ns/uts");
    for path in [file, fifo, other_kind, folder.path().to_owned()] {
        let place = Place::Namespace(path.clone());
        let made = tokio::time::timeout(SOON, socket(&place, Domain::IPV4)).await.unwrap();
        let error = made.unwrap_err();
        assert!(matches!(error, SocketError::NotANamespace { .. }), "{path:?}: {error:?}");
        assert_eq!(error.to_string(), format!("{} is not a network namespace", path.display()));
    }
}

#[test]
fn without_the_capability_the_error_names_it() {
    let namespace = Namespace::new();
    let place = namespace.place();
    // Capabilities are a thread's, and those that it starts have no more.
    let without = std::thread::spawn(move || {
        let none = rustix::thread::CapabilitySets {
            effective: rustix::thread::CapabilitySet::empty(),
            permitted: rustix::thread::CapabilitySet::empty(),
            inheritable: rustix::thread::CapabilitySet::empty(),
        };
        rustix::thread::set_capabilities(None, none).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(socket(&place, Domain::IPV4)).unwrap_err()
    });
    let error = without.join().unwrap();
    assert!(matches!(error, SocketError::NotPermitted { .. }), "{error:?}");
    assert!(error.to_string().contains("bmpd needs CAP_SYS_ADMIN"), "{error}");
}
