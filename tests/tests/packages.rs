//! The Debian package: it is installed, the quick start followed as it is written, upgraded, removed and purged, on
//! this machine under a layer of its own, so that nothing of it stays. `pkg/check` does the same in a fresh Debian.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::daemon::{binary, run};
use tests::documents::{repository, text};
use tests::scratch::Scratch;
use tests::systemd::Systemd;

const TIMEOUT: Duration = Duration::from_secs(280);

/// A root that is this machine's with a layer above it, in which `$1` and the temporary files of tests are as
/// they are; then the rest of the words.
const ENTER: &str = r#"set -eu
repository=$1; temporary=$2; layer=$3; shift 3
mount -t tmpfs layer "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
root=$layer/root
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
for folder in "$repository" "$temporary"; do
  mkdir -p "$root$folder"
  mount --bind "$folder" "$root$folder"
done
ip link set lo up
exec chroot "$root" "$@"
"#;

/// What follows runs on this machine under the layer.
fn inside(repository: &Path, scratch: &Scratch, layer: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "--net", "--pid", "--fork"]);
    command.args(["--kill-child", "sh", "-c", ENTER, "enter"]);
    command.arg(repository).arg(scratch.path()).arg(layer);
    command
}

/// Makes the package of the programs that the tests run.
pub(crate) fn package(scratch: &Scratch) -> PathBuf {
    let folder = scratch.join("package");
    let programs = binary("bmpd").parent().unwrap().to_owned();
    let mut make = Command::new(repository("pkg/deb"));
    run(make.arg(&folder).env("BMPD_BIN_DIR", programs), TIMEOUT).done();
    let mut found = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let package = found.next().unwrap();
    assert_eq!(found.next(), None);
    package
}

#[test]
fn the_quick_start_can_be_followed_and_what_is_removed_is_gone() {
    let scratch = Scratch::new();
    let package = package(&scratch);
    let layer = scratch.join("layer");
    fs::create_dir(&layer).unwrap();
    let root = repository("").canonicalize().unwrap();
    let mut walk = inside(&root, &scratch, &layer);
    let output = run(walk.arg(root.join("pkg/walk")).arg(&package), TIMEOUT);
    assert!(output.done().ends_with("pkg/walk: all as the page says\n"), "{output}");
    assert!(output.stdout.contains("session 127.0.0.1: reset"), "{output}");
}

/// apt takes the package from what `pkg/repository` makes, and nothing that was changed since.
#[test]
fn apt_installs_the_package_from_a_signed_repository() {
    let scratch = Scratch::new();
    let package = package(&scratch);
    let keys = scratch.join("keys");
    fs::create_dir(&keys).unwrap();
    fs::set_permissions(&keys, Permissions::from_mode(0o700)).unwrap();
    let mut gpg = Command::new("gpg");
    gpg.env("GNUPGHOME", &keys).args(["--batch", "--quiet", "--pinentry-mode=loopback"]);
    gpg.args(["--passphrase=", "--quick-generate-key", "packages@bmpd.invalid", "ed25519"]);
    run(&mut gpg, TIMEOUT).done();
    let mut make = Command::new(repository("pkg/repository"));
    make.arg(scratch.join("apt")).arg(&package);
    make.env("GNUPGHOME", &keys).env("KEY", "packages@bmpd.invalid");
    run(&mut make, TIMEOUT).done();
    // Its agent would stay.
    let mut stop = Command::new("gpgconf");
    run(stop.env("GNUPGHOME", &keys).args(["--kill", "all"]), TIMEOUT).done();

    let script = r#"set -eu
export DEBIAN_FRONTEND=noninteractive
cp "$1/bmpd.asc" /etc/apt/keyrings/
echo "deb [signed-by=/etc/apt/keyrings/bmpd.asc] file:$1 stable main" > /etc/apt/bmpd.list
apt() { apt-get -qq -o Dir::Etc::sourcelist=/etc/apt/bmpd.list -o Dir::Etc::sourceparts=- "$@"; }
apt update
apt install -y --no-install-recommends bmpd
bmpctl --version
echo >> "$1/dists/stable/main/binary-$(dpkg --print-architecture)/Packages"
rm "$1"/dists/stable/main/binary-*/Packages.gz
rm -r /var/lib/apt/lists
! apt update 2>&1 || echo "taken though it was changed"
"#;
    let layer = scratch.join("layer");
    fs::create_dir(&layer).unwrap();
    let root = repository("").canonicalize().unwrap();
    let output = run(
        inside(&root, &scratch, &layer)
            .args(["sh", "-c", script, "install"])
            .arg(scratch.join("apt")),
        TIMEOUT,
    );
    assert!(output.done().contains(&format!("bmpctl {}", env!("CARGO_PKG_VERSION"))), "{output}");
    assert!(!output.text().contains("taken though"), "{output}");
    assert!(output.text().contains("Hash Sum mismatch"), "{output}");
}

/// The same with a systemd, which starts, restarts and stops the units as they are installed.
#[test]
fn systemd_runs_what_is_installed_until_it_is_removed() {
    let scratch = Scratch::new();
    let package = package(&scratch);
    let root = repository("").canonicalize().unwrap();
    let systemd = Systemd::start_layered(&scratch, &[&root, scratch.path()]);
    let mut walk = systemd.command(root.join("pkg/walk").to_str().unwrap());
    let output = run(walk.arg(&package), TIMEOUT);
    assert!(output.done().ends_with("pkg/walk: all as the page says\n"), "{output}");
}

#[test]
fn the_package_has_what_the_documents_say() {
    let scratch = Scratch::new();
    let package = package(&scratch);
    let mut list = Command::new("dpkg-deb");
    let list = run(list.arg("--contents").arg(&package), TIMEOUT);
    let there = |path: &str| list.done().lines().any(|line| line.ends_with(&format!(" ./{path}")));
    for page in fs::read_dir(repository("docs/man")).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        let section = name.rsplit('.').next().unwrap();
        assert!(there(&format!("usr/share/man/man{section}/{name}.gz")), "{name}: {list}");
    }
    for path in
        ["usr/bin/bmpd", "usr/bin/bmpctl", "etc/bmpd/bmpd.toml", "usr/lib/sysusers.d/bmpd.conf"]
    {
        assert!(there(path), "{path}: {list}");
    }
    let mut unit = Command::new("dpkg-deb");
    let folder = scratch.join("unpacked");
    run(unit.arg("--extract").arg(&package).arg(&folder), TIMEOUT).done();
    let unit = fs::read_to_string(folder.join("usr/lib/systemd/system/bmpd.service")).unwrap();
    let ours = text("etc/systemd/bmpd.service");
    assert_eq!(unit, ours.replace("/usr/local/bin/bmpd", "/usr/bin/bmpd"));
    assert_ne!(unit, ours);
    let mut check = Command::new(binary("bmpd"));
    let file = folder.join("etc/bmpd/bmpd.toml");
    assert!(
        run(check.arg("--check").arg("--config").arg(file), TIMEOUT).done().ends_with(": good\n")
    );
}

/// What lintian(1) finds is fixed, or has its reason in pkg/debian/lintian-overrides.
#[test]
fn lintian_finds_nothing_in_the_package() {
    let scratch = Scratch::new();
    let mut lintian = Command::new("lintian");
    lintian.args(["--allow-root", "--fail-on", "error,warning", "--profile", "debian"]);
    let found = run(lintian.arg(package(&scratch)), TIMEOUT);
    let lines = found.stdout.lines().filter(|line| line.starts_with(['E', 'W']));
    assert_eq!((found.status, lines.count()), (0, 0), "{found}");
}

/// Source, place and mode of each asset in a list of bmpd's Cargo.toml.
fn assets(list: &str) -> Vec<Vec<String>> {
    let manifest = text("bmpd/Cargo.toml");
    let (_, from) = manifest.split_once(&format!("[package.metadata.{list}]")).unwrap();
    let (_, from) = from.split_once("assets = [\n").unwrap();
    let (rows, _) = from.split_once("\n]\n").unwrap();
    rows.lines()
        .map(|row| {
            let words = row.split('"').skip(1).step_by(2).map(str::to_owned);
            words.filter(|word| word != "bmpd" && word != "noreplace").collect()
        })
        .collect()
}

#[test]
fn the_rpm_has_what_the_package_of_debian_has() {
    let mut debian = assets("deb");
    // What is Debian's alone.
    debian.retain(|asset| !asset[0].contains("lintian"));
    for asset in &mut debian {
        // zsh looks elsewhere there, and nothing compresses pages and moves changes.
        asset[1] = format!("/{}", asset[1].replace("vendor-completions", "site-functions"));
        asset[1] = asset[1].replace("/bmpd/changelog", "/bmpd/");
        if let Some(pages) = asset[0].strip_prefix("../docs/man/*") {
            asset[0] = format!("../target/staged/man/*{pages}.gz");
        }
        let path = asset[0].trim_start_matches("../");
        let is_made = path.starts_with("target/") || path.contains('*');
        assert!(is_made || repository(path).exists(), "{path}");
    }
    assert!(debian.len() > 15);
    let mut rpm = assets("generate-rpm");
    rpm.retain(|asset| !asset[1].starts_with("/usr/share/licenses/"));
    assert_eq!(rpm, debian);
}
