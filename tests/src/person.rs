//! Other users of this host: programs run as another user.
//!
//! Users and groups are numbers here, and need not exist. Only root can become another user.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use rustix::fs::{Gid, Uid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use crate::daemon::{Daemon, binary};
use crate::scratch::Scratch;

/// The user of a process, its group, and its supplementary groups.
#[derive(Debug, Clone, Copy)]
pub struct Person {
    /// The user.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
    /// The supplementary groups.
    pub groups: &'static [u32],
}

impl Person {
    /// A program run by this person (setpriv(1)); it becomes the program, so the process is the same.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--reuid").arg(self.uid.to_string()).arg("--regid").arg(self.gid.to_string());
        match self.groups {
            [] => command.arg("--clear-groups"),
            groups => {
                let list: Vec<String> = groups.iter().map(ToString::to_string).collect();
                command.arg("--groups").arg(list.join(","))
            }
        };
        command.arg("--").arg(program.as_ref());
        command
    }

    /// Does something as this person, on a thread of its own, whose credentials only it has.
    ///
    /// # Panics
    /// When that panics, or the caller is not root.
    #[track_caller]
    pub fn act<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let become_it = || {
            let groups: Vec<Gid> = self.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
            set_thread_groups(&groups)?;
            set_thread_gid(Gid::from_raw(self.gid))?;
            set_thread_uid(Uid::from_raw(self.uid))
        };
        let done = thread::scope(|scope| {
            let acting = || {
                become_it().unwrap_or_else(|e| panic!("cannot become {self:?}: {e}"));
                act()
            };
            scope.spawn(acting).join()
        });
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// bmpctl run by this person against this bmpd; the folder was made [`public`].
    pub fn bmpctl(&self, scratch: &Scratch, daemon: &Daemon, args: &[&str]) -> Command {
        let mut command = self.command(scratch.join("bmpctl"));
        command.env("BMPD_SOCKET", daemon.socket()).env("LC_ALL", "C").args(args);
        command
    }
}

/// Opens the folder to all users, and puts both programs there, which may be out of reach elsewhere.
///
/// # Panics
/// When that cannot be done, and when the caller is not root.
pub fn public(scratch: &Scratch) {
    assert!(rustix::process::geteuid().is_root(), "run as root: nobody else can be somebody else");
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755))
        .unwrap_or_else(|e| panic!("cannot open {}: {e}", scratch.path().display()));
    for name in ["bmpctl", "bmpd"] {
        let (from, to) = (binary(name), scratch.join(name));
        // A link where that is possible: they are large. One that is there is of an earlier call, and a copy
        // over it would be one over the program itself.
        if !to.exists() && fs::hard_link(&from, &to).is_err() {
            fs::copy(&from, &to).unwrap_or_else(|e| panic!("cannot copy {}: {e}", from.display()));
        }
    }
}
