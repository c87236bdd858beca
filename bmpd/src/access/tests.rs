//! Authorization, a caller at a time, and name services that fail.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// bmpd's own user.
const OWN: u32 = 990;
/// The group of the socket.
const SOCKET: u32 = 500;

const ALICE: u32 = 1000;
const BOB: u32 = 1001;
const OTHER: u32 = 1002;

/// The entries of the fake name service: alice, bob; noc 600, netops 700, bmp 500.
const FAKE: NameService = NameService {
    user_id: |name| Ok([("alice", ALICE), ("bob", BOB)].iter().find(|e| e.0 == name).map(|e| e.1)),
    group_id: |name| {
        Ok([("noc", 600), ("netops", 700), ("bmp", SOCKET)]
            .iter()
            .find(|e| e.0 == name)
            .map(|e| e.1))
    },
    user_name: |uid| Ok((uid == ALICE).then(|| "alice".to_owned())),
    group_name: |gid| Ok((gid == SOCKET).then(|| "bmp".to_owned())),
};

fn control(text: &str) -> crate::config::Control {
    crate::config::parse(&format!("[control]\n{text}"), Path::new("f")).unwrap().control
}

fn access(text: &str, name_service: NameService) -> Access {
    let control = control(text);
    let group = SocketGroup {
        account: control.group.unwrap_or(Account::Id(SOCKET)),
        file_gid: SOCKET,
        gid: Some(SOCKET),
    };
    let access =
        Access::new(SocketFile::none(Path::new("/nonexistent/socket")), group, control.levels);
    Access { name_service, own_uid: OWN, ..access }
}

/// The level of a caller, and why.
async fn level(access: &Access, uid: u32, groups: &[u32]) -> (u8, String) {
    let caller = access.caller(&PeerCredentials::with(Some(uid), groups.iter().copied())).await;
    (caller.level().number(), caller.reason().to_string())
}

#[tokio::test]
async fn without_a_mapping_root_own_user_and_group_may_and_nobody_else() {
    let access = access("", FAKE);
    let is = async |uid, groups: &[u32], expected: (u8, &str)| {
        assert_eq!(level(&access, uid, groups).await, (expected.0, expected.1.to_owned()));
    };
    is(0, &[], (3, "root")).await;
    is(OWN, &[], (3, "bmpd's own user")).await;
    is(ALICE, &[100, SOCKET], (2, "group of the socket")).await;
    is(ALICE, &[100, 600], (0, "others in [control]")).await;
    // Root's group is not root.
    is(ALICE, &[0], (0, "others in [control]")).await;
    let nobody = access.caller(&PeerCredentials::with(None, [SOCKET, 0])).await;
    assert_eq!((nobody.level(), nobody.reason()), (Level::Visit, &Reason::Unknown));
}

#[tokio::test]
async fn an_entry_of_the_user_counts_before_groups_and_the_highest_group_counts() {
    let text = "group = 'bmp'\nusers = { alice = 1, 1001 = 0, root = 0 }\n\
                groups = { noc = 1, netops = 3, later = 2 }\nothers = 1\n";
    let access = access(text, FAKE);
    let is = async |uid, groups: &[u32], expected: (u8, &str)| {
        assert_eq!(level(&access, uid, groups).await, (expected.0, expected.1.to_owned()));
    };
    is(0, &[], (3, "root")).await;
    is(ALICE, &[SOCKET, 700], (1, "user alice in [control]")).await;
    is(BOB, &[SOCKET, 700], (0, "user 1001 in [control]")).await;
    is(OTHER, &[600, 700, SOCKET], (3, "group netops in [control]")).await;
    is(OTHER, &[600, SOCKET], (2, "group of the socket")).await;
    is(OTHER, &[600], (1, "group noc in [control]")).await;
    is(OTHER, &[], (1, "others in [control]")).await;
}

#[tokio::test]
async fn the_group_of_the_socket_can_have_another_level_and_a_user_two_entries() {
    for listed in ["bmp", "500"] {
        let access = access(&format!("group = 'bmp'\ngroups = {{ {listed} = 1 }}"), FAKE);
        let expected = (1, format!("group {listed} in [control]"));
        assert_eq!(level(&access, ALICE, &[SOCKET]).await, expected);
    }
    let access = access("users = { alice = 2, 1000 = 1 }", FAKE);
    assert_eq!(level(&access, ALICE, &[]).await.0, 1);
}

#[tokio::test]
async fn members_of_a_listed_group_below_others_have_the_level_of_their_group() {
    let access = access("groups = { noc = 0 }\nothers = 1", FAKE);
    assert_eq!(level(&access, ALICE, &[600]).await, (0, "group noc in [control]".to_owned()));
    assert_eq!(level(&access, ALICE, &[]).await.0, 1);
}

#[tokio::test]
async fn newer_levels_count_at_once() {
    let access = access("", FAKE);
    assert_eq!(level(&access, ALICE, &[]).await.0, 0);
    let changed = access.change(control("users = { alice = 2 }").levels);
    assert!(changed.unwrap_err().contains("/nonexistent/socket"));
    assert_eq!(level(&access, ALICE, &[]).await.0, 2);
}

#[tokio::test]
async fn a_caller_is_authorized_again_only_after_a_change_of_levels() {
    let access = access("users = { alice = 2 }", FAKE);
    let caller = access.caller(&PeerCredentials::with(Some(ALICE), [])).await;
    let watched = access.levels.subscribe();
    let _ = access.change(control("users = { alice = 2 }").levels);
    assert!(!watched.has_changed().unwrap());
    assert_eq!(access.again(&caller).await, caller);
    let _ = access.change(control("").levels);
    assert!(watched.has_changed().unwrap());
    assert_eq!(access.again(&caller).await.level(), Level::Visit);
}

#[tokio::test]
async fn a_refused_caller_is_sent_the_group_that_gives_no_more_than_needed() {
    let missing_group = async |text: &str, uid, groups: &[u32], needed| {
        let access = access(text, FAKE);
        let caller = access.caller(&PeerCredentials::with(Some(uid), groups.iter().copied())).await;
        access.group_for(needed, &caller).await
    };
    let (one, two) = (Level::Monitoring, Level::Configuration);
    // By its name, also where none is configured.
    assert_eq!(missing_group("", OTHER, &[], two).await.as_deref(), Some("bmp"));
    let text = "group = 'bmp'\nusers = { alice = 1 }\ngroups = { noc = 1, netops = 3, later = 1 }";
    assert_eq!(missing_group(text, OTHER, &[], one).await.as_deref(), Some("noc"));
    assert_eq!(missing_group(text, OTHER, &[600], two).await.as_deref(), Some("bmp"));
    assert_eq!(missing_group(text, OTHER, &[], Level::Management).await.as_deref(), Some("netops"));
    // Her own entry counts, whatever group she joins.
    assert_eq!(missing_group(text, ALICE, &[], two).await, None);
    assert_eq!(
        missing_group("groups = { 500 = 1, 0 = 2, later = 2 }", OTHER, &[], two).await,
        None
    );
    assert_eq!(
        missing_group("groups = { 777 = 2, 500 = 0 }", OTHER, &[], two).await.as_deref(),
        Some("777")
    );
}

#[tokio::test]
async fn a_caller_is_reported_with_its_level_and_why() {
    let access = access("groups = { netops = 2 }", FAKE);
    let report = access.caller(&PeerCredentials::with(Some(ALICE), [700])).await.report();
    assert_eq!(report.name, "alice (pid 4711)");
    assert_eq!(report.level, Level::Configuration);
    assert_eq!(report.because, "group netops in [control]");
    let report = access.caller(&PeerCredentials::with(Some(BOB), [])).await.report();
    assert_eq!(report.name, "uid 1001 (pid 4711)");
}

/// Like an unreachable server: it never answers.
fn never<T>() -> T {
    loop {
        std::thread::park();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_service_that_does_not_answer_stops_neither_root_nor_numbers() {
    /// How often a name was looked up.
    static ASKED: AtomicU32 = AtomicU32::new(0);
    fn failing_id(_: &str) -> io::Result<Option<u32>> {
        ASKED.fetch_add(1, Ordering::Relaxed);
        never()
    }
    let failing = NameService {
        user_id: failing_id,
        group_id: failing_id,
        user_name: |_| never(),
        group_name: |_| never(),
    };
    let access = access("users = { alice = 2, 1001 = 1 }\nothers = 1", failing);
    let root = access.caller(&PeerCredentials::with(Some(0), [])).await;
    assert_eq!(
        (root.level(), root.to_string()),
        (Level::Management, "uid 0 (pid 4711)".to_owned())
    );
    assert_eq!(ASKED.load(Ordering::Relaxed), 0, "root does not wait for names of others");
    assert_eq!(level(&access, BOB, &[]).await.0, 1);
    assert_ne!(ASKED.load(Ordering::Relaxed), 0, "for others they are asked for");
    // No caller is alice until that name was looked up.
    assert_eq!(level(&access, ALICE, &[]).await, (1, "others in [control]".to_owned()));
}

#[tokio::test]
async fn what_was_known_counts_while_the_name_service_fails_and_names_that_come_later_do_then() {
    /// 0: there is no alice yet; 1: alice exists; 2: look-ups fail; 3: alice was removed.
    static TIME: AtomicU32 = AtomicU32::new(0);
    let changing = NameService {
        user_id: |name| match (TIME.load(Ordering::Relaxed), name) {
            (1, "alice") => Ok(Some(ALICE)),
            (2, _) => Err(io::Error::other("the server is down")),
            _ => Ok(None),
        },
        ..FAKE
    };
    let access = access("users = { alice = 2 }", changing);
    for (time, expected) in [(0, 0), (1, 2), (2, 2), (3, 0)] {
        TIME.store(time, Ordering::Relaxed);
        // As if the last look-up were long ago.
        access.known.lock().await.asked = None;
        assert_eq!(level(&access, ALICE, &[]).await.0, expected, "at {time}");
    }
}

#[test]
fn the_socket_is_open_to_all_only_if_somebody_beyond_its_group_has_a_level() {
    let group = |name: &str, file_gid, gid| SocketGroup {
        account: if name.is_empty() {
            Account::Id(file_gid)
        } else {
            Account::Name(name.to_owned())
        },
        file_gid,
        gid,
    };
    let own = group("", SOCKET, Some(SOCKET));
    let bmp = group("bmp", SOCKET, Some(SOCKET));
    let who_connects =
        |group: &SocketGroup, text: &str| WhoConnects::of(&control(text).levels, group);
    for (group, text) in [
        (&own, ""),
        (&own, "groups = { 500 = 1 }"),
        (&own, "users = { alice = 0 }\ngroups = { noc = 0 }"),
        (&bmp, "groups = { bmp = 3 }"),
        (&bmp, "groups = { 500 = 3 }"),
    ] {
        assert_eq!(who_connects(group, text), WhoConnects::Group, "{text}");
    }
    for (group, text) in [
        (&own, "others = 1"),
        (&own, "users = { alice = 1 }"),
        (&own, "groups = { noc = 1 }"),
        (&bmp, "groups = { noc = 1 }"),
        // Its members are not those that the file admits.
        (&group("bmp", 0, Some(SOCKET)), ""),
        (&group("bmp", 0, None), ""),
    ] {
        assert_eq!(who_connects(group, text), WhoConnects::All, "{text}");
    }
}
