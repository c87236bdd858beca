//! Podman, with images, containers and processes of its own, which all end with it.
//!
//! ```text
//!   unshare ─ mounts: the control groups of version 2, which crun needs; a tmpfs with images and containers
//!      └─ sh, process 1 of a namespace: conmon and the containers are below it
//! ```
//!
//! Containers join a network namespace of the test. They have no control group of their own, and limits that need no
//! privilege, so that it works where the test itself is in a container. It needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::daemon::{self, Output};
use crate::netns::Netns;
use crate::scratch::Scratch;
use crate::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(90);

const ENTER: &str = r#"set -e
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs podman "$1"
touch "$1/ready"
exec sleep infinity
"#;

/// The engine.
#[derive(Debug)]
pub struct Podman {
    child: Child,
    /// Process 1 of the namespaces, as it is numbered here.
    pid: u32,
    folder: PathBuf,
}

impl Podman {
    /// Sets it up in a folder of the test.
    ///
    /// # Panics
    /// When it does not come up.
    #[track_caller]
    pub fn start(scratch: &Scratch) -> Self {
        let folder = scratch.join("podman");
        fs::create_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"])
            .args(["--mount-proc", "sh", "-c", ENTER, "enter"])
            .arg(&folder)
            .stdin(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run unshare: {e}"));
        let parent = child.id();
        let pid = wait_for("podman's namespaces", TIMEOUT, || {
            let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            let pid: Option<u32> =
                children.ok().and_then(|text| text.split_whitespace().next()?.parse().ok());
            let pid = pid.ok_or_else(|| "there is no process".to_owned())?;
            let ready = format!("/proc/{pid}/root{}/ready", folder.display());
            if Path::new(&ready).exists() { Ok(pid) } else { Err("it is not ready".to_owned()) }
        });
        Self { child, pid, folder }
    }

    /// Runs `podman` with these arguments to its end.
    ///
    /// # Panics
    /// When it cannot be run, or takes too long.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut podman = Command::new("nsenter");
        podman.args(["--target", &self.pid.to_string(), "--mount", "--pid", "podman"]);
        for (option, name) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
            podman.arg(option).arg(self.folder.join(name));
        }
        podman.arg("--network-config-dir").arg(self.folder.join("networks"));
        // Copies of files: an overlay cannot be made on each file system.
        podman.args(["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs"]);
        podman.args(["--events-backend", "none"]).args(arguments);
        // Health checks are run by the test and not by timers of systemd.
        podman.env_clear().env("DISABLE_HC_SYSTEMD", "true").env("HOME", &self.folder);
        podman.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        daemon::run(&mut podman, TIMEOUT)
    }

    /// Runs a container with these options and arguments in a network namespace.
    ///
    /// # Panics
    /// When podman cannot be run.
    #[track_caller]
    pub fn run_container(&self, netns: &Netns, arguments: &[&str]) -> Output {
        let network = format!("--network=ns:/run/netns/{}", netns.name());
        let mut all = vec!["run", "--cgroups=disabled", "--ulimit=nofile=1024:1024"];
        all.extend(["--ulimit=nproc=1024:1024", &network]);
        all.extend(arguments);
        self.run(&all)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
