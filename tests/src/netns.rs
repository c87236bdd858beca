//! Network namespaces for a test: made, wired and removed by it.
//!
//! A namespace has a loopback device of its own, so that two of them can have the same addresses,
//! and nothing in it meets what runs outside. It needs root and iproute2's `ip`. A socket keeps the
//! namespace in which it was made, whatever thread uses it: [`Namespace::run`] enters one on a thread
//! that exists for the one call.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::daemon;

/// Another number with each call.
fn number() -> u32 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    TAKEN.fetch_add(1, Ordering::Relaxed)
}

#[track_caller]
fn ip(words: &str) {
    let mut ip = Command::new("ip");
    daemon::run(ip.args(words.split_whitespace()), Duration::from_secs(20)).done();
}

/// A way into a namespace. Clones lead into the same one; it is there as long as one of them is.
#[derive(Debug, Clone)]
pub struct Namespace {
    name: Arc<str>,
    file: Arc<File>,
}

impl Namespace {
    /// Its name, in `ip netns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls `work` on a thread in the namespace: sockets that it makes belong there.
    ///
    /// # Panics
    /// When the namespace cannot be entered, and when `work` panics.
    #[track_caller]
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let network = Some(LinkNameSpaceType::Network);
                move_into_link_name_space(self.file.as_fd(), network)
                    .unwrap_or_else(|e| panic!("cannot enter {}: {e}", self.name));
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// The command that runs a program there. The process is the program itself: `ip` becomes it.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program);
        command
    }
}

/// Runs `work` in the namespace if there is one, and here if not.
pub(crate) fn within<T: Send>(namespace: Option<&Namespace>, work: impl FnOnce() -> T + Send) -> T {
    match namespace {
        Some(namespace) => namespace.run(work),
        None => work(),
    }
}

/// A namespace, which is removed when dropped.
#[derive(Debug)]
pub struct Netns {
    namespace: Namespace,
}

impl Netns {
    /// Makes one, with its loopback device up.
    ///
    /// # Panics
    /// When it cannot be made, as it cannot without root.
    #[expect(clippy::new_without_default, reason = "it makes a namespace; that should be visible")]
    #[track_caller]
    pub fn new() -> Self {
        Self::named(&format!("bmpd-{}-{}", std::process::id(), number()))
    }

    /// Makes one with this name, which must be unused.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        ip(&format!("netns add {name}"));
        let path = PathBuf::from("/run/netns").join(name);
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let netns = Self { namespace: Namespace { name: name.into(), file: file.into() } };
        netns.ip("link set lo up");
        netns
    }

    /// Makes one whose loopback device has these addresses.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn with(addresses: &[IpAddr]) -> Self {
        let netns = Self::new();
        for address in addresses {
            netns.add_address(*address);
        }
        netns
    }

    /// Gives its loopback device an address, usable at once: without duplicate address detection.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn add_address(&self, address: IpAddr) {
        let rest = if address.is_ipv6() { "/128 dev lo nodad" } else { "/32 dev lo" };
        self.ip(&format!("address add {address}{rest}"));
    }

    /// The way into it.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its name, in `ip netns` and bmpd's configuration.
    pub fn name(&self) -> &str {
        self.namespace.name()
    }

    /// Calls `work` in it, see [`Namespace::run`].
    ///
    /// # Panics
    /// As [`Namespace::run`].
    #[track_caller]
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.namespace.run(work)
    }

    /// Runs `ip` in it.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn ip(&self, words: &str) {
        ip(&format!("-n {} {words}", self.name()));
    }

    /// A pair of devices between the namespace that the test runs in and this one; the addresses of
    /// its two ends, the near one first.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn veth_to_host(&self) -> [IpAddr; 2] {
        let wire = Wire::new();
        wire.lay(self);
        wire.addresses
    }

    /// A pair of devices between this namespace and another one; the addresses of its two ends, this
    /// one's first. The devices go with the namespaces.
    ///
    /// # Panics
    /// When it cannot be made.
    #[track_caller]
    pub fn veth_to(&self, other: &Netns) -> [IpAddr; 2] {
        let (names, addresses) = (pair_names(), pair_addresses());
        let [near, far] = &names;
        self.ip(&format!("link add {near} type veth peer name {far} netns {}", other.name()));
        for (netns, device, address) in [(self, near, addresses[0]), (other, far, addresses[1])] {
            netns.ip(&format!("address add {address}/30 dev {device}"));
            netns.ip(&format!("link set {device} up"));
        }
        addresses
    }
}

/// A pair of devices that can come, go and come again with the same names and addresses.
#[derive(Debug)]
pub struct Wire {
    names: [String; 2],
    /// The addresses of its two ends, that of the host first.
    pub addresses: [IpAddr; 2],
}

impl Wire {
    /// Unused names and addresses; there are no such devices yet.
    #[expect(clippy::new_without_default, reason = "each one is another")]
    pub fn new() -> Self {
        Self { names: pair_names(), addresses: pair_addresses() }
    }

    /// The device in the namespace that the test runs in.
    pub fn device(&self) -> &str {
        &self.names[0]
    }

    /// Makes it, between the namespace that the test runs in and this one.
    ///
    /// # Panics
    /// When it cannot.
    #[track_caller]
    pub fn lay(&self, netns: &Netns) {
        let ([near, far], addresses) = (&self.names, self.addresses);
        ip(&format!("link add {near} type veth peer name {far} netns {}", netns.name()));
        ip(&format!("address add {}/30 dev {near}", addresses[0]));
        ip(&format!("link set {near} up"));
        netns.ip(&format!("address add {}/30 dev {far}", addresses[1]));
        netns.ip(&format!("link set {far} up"));
    }

    /// Removes both devices.
    ///
    /// # Panics
    /// When they are not there.
    #[track_caller]
    pub fn cut(&self) {
        ip(&format!("link delete {}", self.names[0]));
    }
}

impl Drop for Netns {
    fn drop(&mut self) {
        // Not `daemon::run`, which panics: this may run during a panic.
        let _ = Command::new("ip").args(["netns", "delete", self.name()]).status();
    }
}

/// Names of devices have 15 characters at most, and those of the host are shared by all tests.
/// The device of the namespace that the test runs in which has this address.
///
/// # Panics
/// When there is none.
#[track_caller]
pub fn device_of(address: IpAddr) -> String {
    let mut ip = Command::new("ip");
    let output = daemon::run(
        ip.args(["-o", "address", "show", "to", &address.to_string()]),
        Duration::from_secs(20),
    );
    let found = output.done().split_whitespace().nth(1).map(str::to_owned);
    found.unwrap_or_else(|| panic!("no device has {address}: {output}"))
}

fn pair_names() -> [String; 2] {
    let (process, number) = (std::process::id(), number());
    ["a", "b"].map(|end| format!("bm{process:x}{end}{number}"))
}

/// The two hosts of a /30 in 100.64.0.0/10: another one for each pair and, as good as, each process.
fn pair_addresses() -> [IpAddr; 2] {
    let subnet = (std::process::id() * 8 + number() % 8) % (1 << 20);
    let base = u32::from(Ipv4Addr::new(100, 64, 0, 0)) + subnet * 4;
    [1, 2].map(|host| Ipv4Addr::from(base + host).into())
}

#[cfg(test)]
mod tests {
    //! Namespaces that are not apart, or a panic in one that is not noticed, would let tests pass that must fail.

    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::path::Path;

    use super::*;

    #[test]
    fn two_namespaces_can_have_the_same_address_and_are_gone_afterwards() {
        let address: IpAddr = "10.1.1.1".parse().unwrap();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        let both = [Netns::with(&[address, v6]), Netns::with(&[address, v6])];
        let listeners =
            both.each_ref().map(|netns| netns.run(|| TcpListener::bind((address, 11019)).unwrap()));
        for (netns, listener) in both.iter().zip(&listeners) {
            let stream = netns.run(|| TcpStream::connect((address, 11019)).unwrap());
            let (_, from) = listener.accept().unwrap();
            assert_eq!(from, stream.local_addr().unwrap());
            netns.run(|| UdpSocket::bind((v6, 0)).unwrap());
            let said =
                daemon::run(netns.namespace().command("true").arg("x"), Duration::from_secs(5));
            said.done();
        }
        assert!(UdpSocket::bind((address, 0)).is_err(), "the address is not here");
        let names = both.each_ref().map(|netns| Path::new("/run/netns").join(netns.name()));
        drop(both);
        assert!(names.iter().all(|name| !name.exists()));
    }

    #[test]
    fn a_namespace_is_removed_when_the_test_panics() {
        let (name, result) = {
            let netns = Netns::new();
            let name = netns.name().to_owned();
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
                netns.run(|| panic!("in the namespace"));
            }));
            (name, result)
        };
        assert!(result.is_err() && !Path::new("/run/netns").join(name).exists());
    }
}
