//! Where the local socket is.

use std::path::PathBuf;
use std::sync::OnceLock;

/// The socket of a bmpd that runs for the system.
pub const SYSTEM: &str = "/run/bmpd/bmpd.sock";

/// The socket of a bmpd that an ordinary user runs: in `$XDG_RUNTIME_DIR`, if that is set.
fn of_user() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).join("bmpd/bmpd.sock"))
}

/// Where bmpd listens unless its configuration has another path: [`SYSTEM`], or for an ordinary user
/// with a runtime folder there. It is the same for as long as the process runs, whatever user it becomes.
pub fn default_path() -> PathBuf {
    static FIRST: OnceLock<PathBuf> = OnceLock::new();
    FIRST.get_or_init(for_this_user).clone()
}

fn for_this_user() -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return PathBuf::from(SYSTEM);
    }
    of_user().unwrap_or_else(|| PathBuf::from(SYSTEM))
}

/// Where bmpctl connects by default: the user's own bmpd if it runs one, else
/// [`SYSTEM`].
pub fn default_path_of_client() -> PathBuf {
    if !rustix::process::geteuid().is_root()
        && let Some(path) = of_user().filter(|path| path.exists())
    {
        return path;
    }
    PathBuf::from(SYSTEM)
}
