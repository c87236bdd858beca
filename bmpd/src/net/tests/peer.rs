//! Supplementary groups of this process, as a socket of its own reports them.

use std::collections::BTreeSet;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use super::super::peer;

/// The groups of this thread in /proc.
fn own_groups() -> BTreeSet<u32> {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    line.split_whitespace().map(|group| group.parse().unwrap()).collect()
}

#[test]
fn the_peer_has_the_groups_of_its_process() {
    let (one, _other) = UnixStream::pair().unwrap();
    let groups: BTreeSet<u32> = peer::groups(one.as_fd()).unwrap().into_iter().collect();
    assert_eq!(groups, own_groups());
}

/// Only this thread's credentials change: setgroups(2) is the system's, for one thread.
#[test]
fn a_peer_can_be_in_more_groups_than_there_is_room_for_at_first() {
    let many: BTreeSet<u32> = (100_000..100_300).collect();
    let ids: Vec<_> = many.iter().map(|gid| rustix::fs::Gid::from_raw(*gid)).collect();
    let thread = std::thread::spawn(move || {
        if rustix::thread::set_thread_groups(&ids).is_err() {
            println!("not tested: only root can join groups");
            return None;
        }
        let (one, _other) = UnixStream::pair().unwrap();
        Some(peer::groups(one.as_fd()).unwrap())
    });
    if let Some(groups) = thread.join().unwrap() {
        assert_eq!(groups.into_iter().collect::<BTreeSet<_>>(), many);
    }
}

#[test]
fn a_socket_without_a_peer_is_an_error() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(peer::groups(socket.as_fd()).is_err());
}
