//! Creating the control socket where other processes have left files, or look for it.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

use super::*;

fn control(socket: &Path) -> Control {
    let text = format!("[control]\nsocket = \"{}\"\n", socket.display());
    crate::config::parse(&text, Path::new("f")).unwrap().control
}

fn create(socket: &Path) -> Result<ControlSocket, SocketError> {
    ControlSocket::create(&control(socket), None)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

/// A listener at the same text in another mount namespace has another file, as one has that was made before its folder
/// was moved.
#[tokio::test]
async fn a_listener_whose_file_is_another_one_is_in_nobodys_way() {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, elsewhere) = (scratch.path().join("run"), scratch.path().join("elsewhere"));
    let socket = folder.join("bmpd.sock");
    fs::create_dir(&folder).unwrap();
    let _other = UnixListener::bind(&socket).unwrap();
    fs::rename(&folder, &elsewhere).unwrap();
    fs::create_dir(&folder).unwrap();
    // What a bmpd leaves after SIGKILL.
    drop(UnixListener::bind(&socket).unwrap());
    let ours = create(&socket).unwrap();
    UnixStream::connect(&socket).unwrap();
    UnixStream::connect(elsewhere.join("bmpd.sock")).unwrap();
    drop(ours);
}

#[tokio::test]
async fn a_listener_with_this_file_is_found_whatever_path_it_was_made_at() {
    let scratch = tempfile::tempdir().unwrap();
    let (socket, before) = (scratch.path().join("bmpd.sock"), scratch.path().join("before"));
    let listener = UnixListener::bind(&before).unwrap();
    listener.set_nonblocking(true).unwrap();
    fs::rename(&before, &socket).unwrap();
    assert!(matches!(create(&socket), Err(SocketError::Listened(path)) if path == socket));
    // No connection was made, which would have started the service.
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    UnixStream::connect(&socket).unwrap();
    listener.accept().unwrap();
}

#[tokio::test]
async fn a_start_that_fails_leaves_nothing_behind() {
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("bmpd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    assert!(matches!(create(&socket), Err(SocketError::Listened(_))));
    let left = || {
        let names = fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(left(), ["bmpd.sock"]);
    drop(listener);
    // One that succeeds and ends later leaves nothing, either: its folder included.
    drop(create(&socket).unwrap());
    assert_eq!(left(), Vec::<String>::new());
    let socket = scratch.path().join("run/bmpd.sock");
    let ours = create(&socket).unwrap();
    assert_eq!(mode(socket.parent().unwrap()), 0o755);
    drop(ours);
    assert_eq!(left(), Vec::<String>::new());
}

/// A user with write access to the folder replaces the socket by a link, and waits for a reload.
#[tokio::test]
async fn a_reload_changes_the_mode_of_the_socket_that_was_made_and_of_nothing_else() {
    let scratch = tempfile::tempdir().unwrap();
    let (socket, away) = (scratch.path().join("bmpd.sock"), scratch.path().join("away"));
    let victim = scratch.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::set_permissions(&victim, Permissions::from_mode(0o600)).unwrap();
    let ours = create(&socket).unwrap();
    assert_eq!(mode(&socket), 0o660);
    fs::rename(&socket, &away).unwrap();
    symlink(&victim, &socket).unwrap();
    let text = "[control]\nothers = 1\n";
    let levels = crate::config::parse(text, Path::new("f")).unwrap().control.levels;
    ours.access().change(levels).unwrap();
    assert_eq!((mode(&victim), mode(&away)), (0o600, 0o666));
}

#[tokio::test]
async fn a_folder_in_which_everybody_can_replace_the_socket_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("run");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    let socket = folder.join("bmpd.sock");
    assert!(matches!(create(&socket), Err(SocketError::OpenFolder(found)) if found == folder));
    // As /tmp: what is there is its owner's.
    fs::set_permissions(&folder, Permissions::from_mode(0o1777)).unwrap();
    drop(create(&socket).unwrap());
}

#[test]
fn the_same_place_is_known_through_links_to_folders() {
    let scratch = tempfile::tempdir().unwrap();
    let (run, var) = (scratch.path().join("run"), scratch.path().join("var"));
    fs::create_dir(&run).unwrap();
    symlink(&run, &var).unwrap();
    assert!(is_same_place(&run.join("a"), &var.join("a")));
    assert!(!is_same_place(&run.join("a"), &var.join("b")));
    assert!(!is_same_place(&run.join("a"), &scratch.path().join("a")));
    assert!(!is_same_place(Path::new("/nonexistent/a"), &run.join("a")));
}
