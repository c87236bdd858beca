//! A machine as the documents take it to be: both programs in `/usr/local/bin`, the configuration file
//! and the socket at their default places.
//!
//! It is this machine with a mount namespace around each command, in which `/etc`, `/run` and
//! `/usr/local` are folders of the test: what a command writes there stays there, and a command of a
//! document can be run as it is written. It needs root and util-linux's `unshare`.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::daemon::{self, binary};
use crate::scratch::Scratch;

/// Enters the folders and becomes the program. `mount` needs the places to be there; they are made below
/// folders of the test.
const ENTER: &str = r#"set -e
root=$1; shift
mount --bind "$root/bmpd" "$root/etc/bmpd"
mount --bind "$root/bmpd" "$root/run/bmpd"
for program in bmpd bmpctl; do mount --bind "$root/programs/$program" "$root/local/bin/$program"; done
mount --bind "$root/cron" /var/spool/cron 2>/dev/null || :
mount --rbind "$root/local" /usr/local
mount --rbind "$root/etc" /etc
mount --rbind "$root/run" /run
exec "$@"
"#;

/// The machine.
#[derive(Debug)]
pub struct Machine {
    root: PathBuf,
}

impl Machine {
    /// Sets it up in `scratch`, in which a [`daemon::Daemon`] has its configuration file `bmpd.toml` and
    /// its socket `bmpd.sock`: they are at their default places in it.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[track_caller]
    pub fn new(scratch: &Scratch) -> Self {
        let root = scratch.join("machine");
        for folder in ["run/bmpd", "local/bin", "cron/crontabs", "programs", "home"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--one-file-system", "/etc"]).arg(&root);
        daemon::run(&mut copy, Duration::from_secs(60)).done();
        let made = fs::create_dir_all(root.join("etc/bmpd"))
            .and_then(|()| std::os::unix::fs::symlink(scratch.path(), root.join("bmpd")));
        made.unwrap_or_else(|e| panic!("cannot set up {}: {e}", root.display()));
        for program in ["bmpd", "bmpctl"] {
            let place = root.join("local/bin").join(program);
            let link = root.join("programs").join(program);
            File::create(&place)
                .and_then(|file| file.set_permissions(Permissions::from_mode(0o755)))
                .and_then(|()| std::os::unix::fs::symlink(binary(program), link))
                .unwrap_or_else(|e| panic!("{}: {e}", place.display()));
        }
        Self { root }
    }

    /// The folder that is `/etc` of the machine.
    pub fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }

    /// The folder that is `/usr/local` of the machine.
    pub fn local(&self) -> PathBuf {
        self.root.join("local")
    }

    /// The folder that is `/run` of the machine.
    pub fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// A command that runs a program on the machine. The process is the program itself. Its environment
    /// does not contain the location of bmpd, and has a home of its own.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "enter"]);
        command.arg(&self.root).arg(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("HOME", self.root.join("home"));
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// A command that runs a line of the shell on the machine, in this folder.
    pub fn shell(&self, line: &str, folder: &Path) -> Command {
        let mut command = self.command("sh");
        command.args(["-c", line]).current_dir(folder);
        command
    }
}
