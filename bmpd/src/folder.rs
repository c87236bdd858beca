//! The folder of the control socket: creating it, and who else can replace files in it.
#![forbid(unsafe_code)]

use std::fs::{self, DirBuilder, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// Everybody may traverse it; only the owner may create files in it.
const MODE: u32 = 0o755;

/// In a directory with this bit only the owner of an entry, the directory's owner and root can remove or rename the
/// entry (inode(7), the sticky bit).
const STICKY: u32 = 0o1000;

/// A folder that bmpd has created. It is removed on drop if it is empty: a failed start as root leaves nothing owned by
/// root.
#[derive(Debug)]
pub(crate) struct MadeFolder(PathBuf);

impl MadeFolder {
    /// Keeps the folder on drop.
    pub(crate) fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for MadeFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Creates a folder that does not exist, owned by this user and group if given. An existing one is left unchanged: it
/// may belong to any user.
///
/// # Errors
///
/// Those of mkdir(2), open(2), fchmod(2) and fchown(2).
pub(crate) fn make(folder: &Path, owner: Option<(u32, u32)>) -> io::Result<Option<MadeFolder>> {
    if folder.as_os_str().is_empty() || fs::symlink_metadata(folder).is_ok() {
        return Ok(None);
    }
    if let Some(above) = folder.parent() {
        DirBuilder::new().recursive(true).mode(MODE).create(above)?;
    }
    // Only this one: a folder that another process has created meanwhile is not ours.
    match DirBuilder::new().mode(MODE).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        made => made?,
    }
    let made = MadeFolder(folder.to_owned());
    // Through its descriptor, so that it cannot be replaced meanwhile.
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    let open = File::options().read(true).custom_flags(flags).open(folder)?;
    // Independent of the umask: all users of the socket must be able to reach it.
    open.set_permissions(Permissions::from_mode(MODE))?;
    if let Some((user, group)) = owner {
        fchown(&open, Some(user), Some(group))?;
    }
    Ok(Some(made))
}

/// Who else can replace the files that bmpd makes in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Others {
    /// Everybody: the folder is writable by all and has no sticky bit.
    Replace(PathBuf),
    /// Some: a sentence for people.
    Some(String),
}

/// Finds who else can replace what bmpd creates in this folder, or prevent its creation: by the mode and owner of the
/// folder and of those above it. `None`: only root.
pub(crate) fn others(folder: &Path) -> Option<Others> {
    // A path that does not exist is reported when a file is created there.
    let folder = match folder.as_os_str().is_empty() {
        true => fs::canonicalize("."),
        false => fs::canonicalize(folder),
    };
    let folder = folder.ok()?;
    folder.ancestors().find_map(|above| {
        let found = fs::metadata(above).ok()?;
        others_by(above, &found, above == folder, geteuid().as_raw())
    })
}

/// The same for one folder: the one of the socket itself, or one above it.
fn others_by(folder: &Path, found: &Metadata, is_its_own: bool, user: u32) -> Option<Others> {
    let (mode, owner, shown) = (found.mode(), found.uid(), folder.display());
    let (all, group) = (mode & 0o002 != 0, mode & 0o020 != 0 && found.gid() != 0);
    let advice = "[control] socket can name a place in a folder that only root and bmpd can write to, such as \
                  /run/bmpd";
    let sentence = if all && mode & STICKY == 0 {
        if is_its_own {
            return Some(Others::Replace(folder.to_owned()));
        }
        format!(
            "everybody can replace what is in {shown}, the folder of the control socket as well"
        )
    } else if owner != 0 && owner != user {
        format!("{shown} is of user {owner}, who can replace the control socket")
    } else if mode & STICKY != 0 {
        if !is_its_own || !(all || group) {
            return None;
        }
        format!(
            "other users can make files in {shown}, and so keep bmpd from making its control socket"
        )
    } else if group {
        format!(
            "members of the group {} can write to {shown} and replace the control socket",
            found.gid()
        )
    } else {
        return None;
    };
    Some(Others::Some(format!("{sentence}: {advice}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_replace_the_socket_is_known_by_mode_owner_and_sticky_bit() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("run");
        fs::create_dir(&folder).unwrap();
        let found = |mode: u32, is_its_own: bool, user: u32| {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            others_by(&folder, &fs::metadata(&folder).unwrap(), is_its_own, user)
        };
        let owner = fs::metadata(&folder).unwrap().uid();
        let has = |others: Option<Others>, text: &str| match others {
            Some(Others::Some(sentence)) => assert!(sentence.contains(text), "{sentence}"),
            other => panic!("{other:?} instead of {text:?}"),
        };
        assert_eq!(found(0o755, true, owner), None);
        assert_eq!(found(0o700, false, owner), None);
        assert_eq!(found(0o777, true, owner), Some(Others::Replace(folder.clone())));
        has(found(0o777, false, owner), "everybody can replace");
        // As /tmp.
        has(found(0o1777, true, owner), "other users can make files");
        assert_eq!(found(0o1777, false, owner), None);
        if owner == 0 {
            std::os::unix::fs::chown(&folder, Some(1), Some(1)).unwrap();
            has(found(0o755, true, 2), "is of user 1");
            assert_eq!(found(0o755, true, 1), None);
            has(found(0o775, true, 1), "members of the group 1");
            has(found(0o755, false, 0), "is of user 1");
        }
    }

    #[test]
    fn a_folder_that_was_made_goes_when_nothing_is_in_it() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("run/bmpd");
        let made = make(&folder, None).unwrap().unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o7777, MODE);
        assert!(make(&folder, None).unwrap().is_none());
        drop(made);
        assert!(!folder.exists());
        let made = make(&folder, None).unwrap().unwrap();
        fs::write(folder.join("other"), "").unwrap();
        drop(made);
        assert!(folder.join("other").exists());
    }
}
