//! Users and groups of the system, by the name service that it has (nsswitch.conf(5)): files, LDAP, SSSD.
//!
//! Every lookup may query a remote server and be slow: bmpd runs them in threads of their own, and
//! both sides wait with a timeout ([`within`]).

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User};

/// How many lookups may be pending at once. Each holds a thread.
const UNANSWERED_MAX: usize = 16;

static UNANSWERED: AtomicUsize = AtomicUsize::new(0);

/// The number of the user with this name; `None` if there is none. Blocks.
///
/// # Errors
///
/// Those of getpwnam_r(3): the name service has failed.
pub fn user_id(name: &str) -> io::Result<Option<u32>> {
    found(User::from_name(name), |user| user.uid.as_raw())
}

/// The number of the group with this name; `None` if there is none. Blocks.
///
/// # Errors
///
/// Those of getgrnam_r(3): the name service has failed.
pub fn group_id(name: &str) -> io::Result<Option<u32>> {
    found(Group::from_name(name), |group| group.gid.as_raw())
}

/// The name of the user with this number; `None` if it has none. Blocks.
///
/// # Errors
///
/// Those of getpwuid_r(3): the name service has failed.
pub fn user_name(uid: u32) -> io::Result<Option<String>> {
    found(User::from_uid(Uid::from_raw(uid)), |user| user.name)
}

/// The name of the group with this number; `None` if it has none. Blocks.
///
/// # Errors
///
/// Those of getgrgid_r(3): the name service has failed.
pub fn group_name(gid: u32) -> io::Result<Option<String>> {
    found(Group::from_gid(Gid::from_raw(gid)), |group| group.name)
}

fn found<A, T>(answer: nix::Result<Option<A>>, want: impl FnOnce(A) -> T) -> io::Result<Option<T>> {
    match answer {
        Ok(found) => Ok(found.map(want)),
        // Some services report "not found" so (getpwnam(3), RETURN VALUE).
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The answer to `question` if it comes within `timeout`. A later one is dropped; while many are
/// still pending no lookup is started.
pub fn within<T: Send + 'static>(
    timeout: Duration,
    question: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    struct Place;

    impl Drop for Place {
        fn drop(&mut self) {
            UNANSWERED.fetch_sub(1, Ordering::Relaxed);
        }
    }

    let free = |taken| (taken < UNANSWERED_MAX).then_some(taken + 1);
    UNANSWERED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).ok()?;
    let place = Place;
    let (sender, receiver) = mpsc::sync_channel(1);
    let asking = move || {
        let _place = place;
        // The caller may have stopped waiting.
        let _ = sender.send(question());
    };
    thread::Builder::new().name("accounts".to_owned()).spawn(asking).ok()?;
    receiver.recv_timeout(timeout).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_its_number_and_its_name() {
        assert_eq!(user_id("root").unwrap(), Some(0));
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert_eq!(user_name(0).unwrap().as_deref(), Some("root"));
        assert_eq!(group_name(0).unwrap().as_deref(), Some("root"));
        assert_eq!(user_id("nobody has this name").unwrap(), None);
        assert_eq!(group_name(4_123_456_789).unwrap(), None);
    }

    #[test]
    fn an_answer_that_does_not_come_is_not_waited_for_and_threads_are_counted() {
        let (go, wait) = mpsc::channel::<()>();
        let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
        let hang = |timeout| {
            let wait = std::sync::Arc::clone(&wait);
            within(timeout, move || wait.lock().unwrap().recv().is_ok())
        };
        for _ in 0..UNANSWERED_MAX {
            assert_eq!(hang(Duration::from_millis(1)), None);
        }
        // No thread is free for this one.
        assert_eq!(within(Duration::from_secs(60), || ()), None);
        drop(go);
        let begun = std::time::Instant::now();
        while within(Duration::from_secs(10), || ()).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "no place was given back");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
