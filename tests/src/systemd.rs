//! A real systemd, the first process of namespaces of its own, for what only it can show of our units.
//!
//! ```text
//!   unshare ─ mounts: /etc (a copy), /usr/local, /run and the units are the test's
//!      └─ systemd, process 1 ─ a control group of its own
//!            └─ the units under test; the network is that of the test
//! ```
//!
//! Or the whole machine is this one under a layer of its own, in which packages can be installed, with a network of
//! its own ([`Systemd::start_layered`]).
//!
//! It runs as the manager of a container and starts nothing but stubs of the targets that ours are
//! ordered after. It needs root and a control group hierarchy of version 2 that can be mounted.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::daemon::{self, Output, binary};
use crate::scratch::Scratch;
use crate::wait::wait_for;

const TIMEOUT: Duration = Duration::from_secs(60);

/// What systemd orders other units after.
const TARGETS: [&str; 8] =
    ["basic", "sysinit", "shutdown", "sockets", "rescue", "multi-user", "network-online", "timers"];

/// In a mount namespace: the places of the machine, then systemd in the other namespaces.
const ENTER: &str = r#"set -e
root=$1; group=$2
mkdir -p "$root/group" "$root/netns" /run/netns
mount -t cgroup2 cgroup2 "$root/group"
mkdir -p "$root/group/$group"
echo $$ > "$root/group/$group/cgroup.procs"
umount "$root/group"
mount --rbind /run/netns "$root/netns"
for program in bmpd bmpctl; do mount --bind "$root/programs/$program" "$root/local/bin/$program"; done
mount --rbind "$root/local" /usr/local
mount --rbind "$root/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/netns
mount --rbind "$root/netns" /run/netns
exec unshare --mount --pid --fork --kill-child --mount-proc --uts --ipc --cgroup sh -c "$3"
"#;

/// The same, with all of the machine under a layer; the folders that follow are as they are.
const ENTER_LAYER: &str = r#"set -e
root=$1; group=$2; start=$3; shift 3
mkdir -p "$root/group" "$root/layer"
mount -t cgroup2 cgroup2 "$root/group"
mkdir -p "$root/group/$group"
echo $$ > "$root/group/$group/cgroup.procs"
umount "$root/group"
mount -t tmpfs layer "$root/layer"
mkdir "$root/layer/upper" "$root/layer/work" "$root/layer/machine"
machine=$root/layer/machine
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/layer/upper,workdir=$root/layer/work" "$machine"
rm -rf "$machine"/usr/lib/systemd/system/*.wants "$machine"/etc/systemd/system/*.wants "$machine/usr/sbin/policy-rc.d"
cp -r "$root/etc/systemd/stubs" "$machine/etc/systemd/"
mount --rbind /dev "$machine/dev"
mount --rbind /sys "$machine/sys"
for folder; do
  mkdir -p "$machine$folder"
  mount --bind "$folder" "$machine$folder"
done
mount -t tmpfs -o mode=755 tmpfs "$machine/run"
mkdir -p "$machine/run/lock"
exec unshare --mount --net --pid --fork --kill-child --uts --ipc --cgroup chroot "$machine" \
  sh -c "mount -t proc proc /proc && ip link set lo up && $start"
"#;

/// In all of them.
const START: &str = r#"set -e
umount -R /sys/fs/cgroup 2>/dev/null || :
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec env -i container=tests PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  SYSTEMD_UNIT_PATH=/etc/systemd/stubs:/etc/systemd/system \
  /lib/systemd/systemd --system --unit=basic.target --show-status=0 --log-target=null
"#;

/// The machine with its systemd. Everything in it ends with it.
#[derive(Debug)]
pub struct Systemd {
    child: Child,
    /// Process 1, as it is numbered here.
    pid: u32,
    root: PathBuf,
    group: String,
}

impl Systemd {
    /// Starts it in a folder of the test, with both programs in `/usr/local/bin`.
    ///
    /// # Panics
    /// When it does not come up; with its output.
    #[track_caller]
    pub fn start(scratch: &Scratch) -> Self {
        let root = scratch.join("systemd");
        for folder in ["local/bin", "programs"] {
            let path = root.join(folder);
            fs::create_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        }
        let mut copy = Command::new("cp");
        copy.args(["--archive", "--one-file-system", "/etc"]).arg(&root);
        daemon::run(&mut copy, TIMEOUT).done();
        for program in ["bmpd", "bmpctl"] {
            let link = root.join("programs").join(program);
            File::create(root.join("local/bin").join(program))
                .and_then(|_| std::os::unix::fs::symlink(binary(program), link))
                .unwrap_or_else(|e| panic!("{program}: {e}"));
        }
        Self::enter(scratch, root, ENTER, START, &[])
    }

    /// Starts it on a machine that is this one but for what is done there. These folders are shared with it.
    ///
    /// # Panics
    /// When it does not come up; with its output.
    #[track_caller]
    pub fn start_layered(scratch: &Scratch, shared: &[&Path]) -> Self {
        let units = "/etc/systemd/stubs:/etc/systemd/system";
        let start = START.replace(units, &format!("{units}:/usr/lib/systemd/system"));
        Self::enter(scratch, scratch.join("systemd"), ENTER_LAYER, &start, shared)
    }

    #[track_caller]
    fn enter(scratch: &Scratch, root: PathBuf, enter: &str, start: &str, shared: &[&Path]) -> Self {
        let stubs = root.join("etc/systemd/stubs");
        fs::create_dir_all(&stubs).unwrap_or_else(|e| panic!("{}: {e}", stubs.display()));
        for target in TARGETS {
            let text = format!("[Unit]\nDescription={target}\nDefaultDependencies=no\n");
            fs::write(stubs.join(format!("{target}.target")), text)
                .unwrap_or_else(|e| panic!("{target}: {e}"));
        }
        let name = scratch.path().file_name().unwrap_or_default().to_string_lossy();
        let group = format!("tests-{name}");
        let said = File::create(root.join("said")).unwrap_or_else(|e| panic!("said: {e}"));
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", enter, "enter"])
            .arg(&root)
            .args([&group, start])
            .args(shared)
            .stdin(Stdio::null())
            .stdout(said.try_clone().unwrap_or_else(|e| panic!("said: {e}")))
            .stderr(said)
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run unshare: {e}"));
        let mut systemd = Self { child, pid: 0, root, group };
        systemd.pid = wait_for("systemd to be there", TIMEOUT, || systemd.first_process());
        wait_for("systemd to be running", TIMEOUT, || {
            let output = systemd.run("systemctl", &["is-system-running"]);
            if output.stdout.trim() == "running" { Ok(()) } else { Err(output.to_string()) }
        });
        systemd
    }

    fn first_process(&self) -> Result<u32, String> {
        let parent = self.child.id();
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children = children.map_err(|e| e.to_string())?;
        let found = children.split_whitespace().find_map(|pid| {
            let is_it = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim() == "systemd";
            is_it.then(|| pid.parse().ok()).flatten()
        });
        found.ok_or_else(|| fs::read_to_string(self.root.join("said")).unwrap_or_default())
    }

    /// The folder that is `/etc` of the machine.
    pub fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }

    /// A command in the machine, by root.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string()]);
        command.args(["--mount", "--net", "--pid", "--uts", "--ipc", "--cgroup", "--root", "--wd"]);
        command.arg("--");
        command.arg(program);
        command.env_clear().env("LC_ALL", "C.UTF-8").env("SYSTEMD_PAGER", "");
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Runs a program in the machine to its end.
    ///
    /// # Panics
    /// When it cannot be run, or takes longer than a minute.
    #[track_caller]
    pub fn run(&self, program: &str, args: &[&str]) -> Output {
        daemon::run(self.command(program).args(args), TIMEOUT)
    }

    /// A property of a unit (systemctl(1), show).
    ///
    /// # Panics
    /// When systemd cannot be queried.
    #[track_caller]
    pub fn property(&self, unit: &str, name: &str) -> String {
        let said = self.run("systemctl", &["show", "--value", "--property", name, unit]);
        said.done().trim().to_owned()
    }

    /// The main process of a service, as it is numbered here.
    ///
    /// # Panics
    /// When it has none.
    #[track_caller]
    pub fn main_process(&self, unit: &str) -> u32 {
        let inner = self.property(unit, "MainPID");
        let is_it = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
            let inside = fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
            numbers.and_then(|numbers| numbers.split_whitespace().last()) == Some(&*inner)
                && inside.is_some()
                && inside == fs::read_link(format!("/proc/{}/ns/pid", self.pid)).ok()
        };
        let entries = fs::read_dir("/proc").unwrap_or_else(|e| panic!("/proc: {e}"));
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.into_iter().find(is_it).unwrap_or_else(|| panic!("{unit} has no process {inner}"))
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // Everything in it ends with its first process, which ends with this one.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let gone = || !Path::new(&format!("/proc/{}", self.pid)).exists();
        for _ in 0..200 {
            if gone() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Not `daemon::run`, which panics: this may run during a panic.
        let sweep = "mount -t cgroup2 cgroup2 \"$1/group\" && \
                     find \"$1/group/$2\" -depth -type d -exec rmdir {} + ; umount \"$1/group\"";
        let _ = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", sweep, "sweep"])
            .arg(&self.root)
            .arg(&self.group)
            .stderr(Stdio::null())
            .status();
    }
}
