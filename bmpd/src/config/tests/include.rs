//! Files that belong to a configuration.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::super::*;

/// A folder with `bmpd.toml` and what belongs to it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(main: &str, others: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("bmpd.toml", main);
        for (name, text) in others {
            folder.write(name, text);
        }
        folder
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn load(&self) -> Result<Config, ConfigError> {
        load(&self.0.path().join("bmpd.toml"))
    }

    /// The first line of each problem, without the folder.
    fn faults(&self) -> Vec<String> {
        let error = self.load().unwrap_err();
        let folder = format!("{}/", self.0.path().display());
        error.problems().iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

const ALL: &str = "include = ['bmpd.d/*.toml']\n";

fn session(address: &str) -> String {
    format!("[[session]]\naddress = '{address}'\ntcp.connect-port = 1\n")
}

#[test]
fn files_are_taken_in_the_order_of_their_names_and_lists_are_appended() {
    let main = format!("{ALL}{}[bgp]\nas = 1\nrouter-id = '192.0.2.1'\n", session("10.1.1.1"));
    let neighbor = "[[bgp.neighbor]]\naddress = '192.0.2.2'\nremote-as = 1\n";
    let folder = Folder::new(
        &main,
        &[
            ("bmpd.d/20-b.toml", &session("10.1.1.3")),
            ("bmpd.d/10-a.toml", &(session("10.1.1.2") + neighbor)),
            ("bmpd.d/30-c.toml", "[http]\nlisten = ['127.0.0.1:1']\n"),
            ("bmpd.d/.hidden.toml", "x"),
            ("bmpd.d/10-a.toml~", "x"),
            ("bmpd.d/10-a.toml.dpkg-dist", "x"),
            ("bmpd.d/README", "x"),
        ],
    );
    let config = folder.load().unwrap();
    let addresses: Vec<_> = config.sessions.iter().map(|s| s.id.address.to_string()).collect();
    assert_eq!(addresses, ["10.1.1.1", "10.1.1.2", "10.1.1.3"]);
    assert_eq!(config.bgp.unwrap().neighbors.len(), 1);
    assert_eq!(config.http.listen.len(), 1);
    let names: Vec<_> = config.included.iter().map(|p| p.file_name().unwrap()).collect();
    assert_eq!(names, ["10-a.toml", "20-b.toml", "30-c.toml"]);
}

#[test]
fn a_table_that_is_no_list_is_in_one_file_and_the_error_names_both() {
    let folder = Folder::new(
        &format!("{ALL}[control]\nothers = 1\n"),
        &[
            ("bmpd.d/a.toml", "\n[control]\nothers = 2\n"),
            ("bmpd.d/b.toml", "bmp.system-name = 'a'"),
        ],
    );
    assert_eq!(
        folder.faults(),
        [
            "bmpd.d/a.toml:2:1: control: [control] is on line 2 of bmpd.toml already; a table that is no list can be in \
             one file: move its keys there"
        ]
    );
    let folder =
        Folder::new(ALL, &[("bmpd.d/a.toml", "[bgp]\nas = 1"), ("bmpd.d/b.toml", "bgp = 1")]);
    let expected =
        "bmpd.d/b.toml:1:7: bgp: it is on line 1 of bmpd.d/a.toml already; remove one of them";
    assert!(folder.faults().iter().any(|fault| fault == expected), "{:?}", folder.faults());
}

#[test]
fn what_is_wrong_in_an_included_file_names_that_file_and_its_line() {
    let main = format!("{ALL}{}", session("10.1.1.1"));
    let folder = Folder::new(
        &main,
        &[
            ("bmpd.d/a.toml", &format!("# a\n{}", session("10.1.1.1"))),
            ("bmpd.d/b.toml", &(session("10.1.1.2") + "alias = 3\n")),
        ],
    );
    assert_eq!(
        folder.faults(),
        [
            "bmpd.d/a.toml:3:11: session[1].address: 10.1.1.1 is the same session as session[0] on line 2 of bmpd.toml; \
             give one of them an alias",
            "bmpd.d/b.toml:4:9: session[2].alias: 3 is a whole number; a string is allowed here: write it with quotation \
             marks, \"3\"",
        ]
    );
    // Text that is no TOML, in two files at once.
    folder.write("bmpd.d/a.toml", "x\n");
    folder.write("bmpd.d/b.toml", "\n[y\n");
    let faults = folder.faults();
    assert!(faults[0].starts_with("bmpd.d/a.toml:1:2: this is not TOML"), "{faults:?}");
    assert!(faults[1].starts_with("bmpd.d/b.toml:2:3: this is not TOML"), "{faults:?}");
    assert_eq!(faults.len(), 2);
}

#[test]
fn a_relative_path_is_beside_the_file_that_has_it() {
    let line = "tcp.md5.key-file = 'a.key'\n";
    let folder = Folder::new(
        ALL,
        &[("bmpd.d/a.toml", &(session("10.1.1.1") + line)), ("bmpd.d/a.key", "secret")],
    );
    assert!(folder.load().is_ok());
    fs::remove_file(folder.0.path().join("bmpd.d/a.key")).unwrap();
    folder.write("a.key", "secret");
    assert!(folder.faults()[0].contains("bmpd.d/a.key cannot be read"), "{:?}", folder.faults());
}

#[test]
fn an_entry_that_cannot_be_what_was_meant_says_what_to_write() {
    let place = "bmpd.toml:1:12: include[0]: ";
    for (entry, expected) in [
        (
            "bmpd.d",
            "\"bmpd.d\" does not end in .toml; write \"FILE.toml\", or \"FOLDER/*.toml\" for",
        ),
        ("bmpd.d/*", "\"bmpd.d/*\" does not end in .toml;"),
        ("bmpd.d/", "\"bmpd.d/\" is no file; write \"FILE.toml\", or \"FOLDER/*.toml\""),
        (
            "*/a.toml",
            "\"*/a.toml\" is no pattern that is known; only * is, in the name of the file",
        ),
        ("bmpd.d/[a].toml", "\"bmpd.d/[a].toml\" is no pattern that is known;"),
        ("bmpd.d/*.toml", "bmpd.d does not exist; create the folder, or remove this"),
        ("a.toml", "a.toml cannot be read: No such file or directory"),
        ("*.toml", "\"*.toml\" matches the file that includes it; put the others into a folder"),
        ("bmpd.toml", "\"bmpd.toml\" matches the file that includes it;"),
        ("", "\"\" does not end in .toml"),
    ] {
        let folder = Folder::new(&format!("include = ['{entry}']\n"), &[]);
        let faults = folder.faults();
        let is_it = faults[0].strip_prefix(place).is_some_and(|text| text.starts_with(expected));
        assert!(is_it && faults.len() == 1, "{entry}: {faults:?}");
    }
}

#[test]
fn a_file_that_cannot_be_included_is_named() {
    let folder = Folder::new(ALL, &[("bmpd.d/a.toml", "include = ['b.toml']\n")]);
    assert!(
        folder.faults()[0].contains("bmpd.d/a.toml:1:11: include: an included file cannot include")
    );
    folder.write("bmpd.d/a.toml", "");
    let path = |name: &str| folder.0.path().join(name);
    symlink("nowhere", path("bmpd.d/b.toml")).unwrap();
    assert!(folder.faults()[0].contains("bmpd.d/b.toml cannot be read: No such file"));
    fs::remove_file(path("bmpd.d/b.toml")).unwrap();
    fs::create_dir(path("bmpd.d/b.toml")).unwrap();
    assert!(folder.faults()[0].contains("bmpd.d/b.toml cannot be read: it is no regular file"));
    fs::remove_dir(path("bmpd.d/b.toml")).unwrap();
    // A link to a file elsewhere is that file.
    folder.write("elsewhere", &session("10.1.1.1"));
    symlink("../elsewhere", path("bmpd.d/b.toml")).unwrap();
    assert_eq!(folder.load().unwrap().sessions.len(), 1);
    fs::write(path("bmpd.d/a.toml"), b"\n\xff").unwrap();
    assert!(folder.faults()[0].contains("bmpd.d/a.toml is not UTF-8 on line 2"));
    if !rustix::process::geteuid().is_root() {
        fs::set_permissions(path("bmpd.d/a.toml"), fs::Permissions::from_mode(0o0)).unwrap();
        assert!(folder.faults()[0].contains("Permission denied; let bmpd's user read it"));
    }
}

#[test]
fn number_and_size_of_files_are_limited() {
    let folder =
        Folder::new(ALL, &[("bmpd.d/a.toml", &"#".repeat(FILE_MAX)), ("bmpd.d/b.toml", "")]);
    assert!(folder.load().is_ok());
    folder.write("bmpd.d/b.toml", "#");
    let faults = folder.faults();
    assert!(faults[0].contains("bmpd.d/b.toml makes it more than 4194304 bytes"), "{faults:?}");
    let folder = Folder::new(ALL, &[]);
    for n in 0..=include::FILES_MAX {
        folder.write(&format!("bmpd.d/{n}.toml"), "");
    }
    assert!(folder.faults()[0].contains("more than 1000 files are included"));
    let entries = "'a.toml', ".repeat(65);
    let folder = Folder::new(&format!("include = [{entries}]\n"), &[("a.toml", "")]);
    assert!(folder.faults()[0].contains("there are 65 entries; at most 64 are allowed"));
}

#[test]
fn a_file_that_appears_changes_or_disappears_is_a_difference() {
    let folder = Folder::new(ALL, &[("bmpd.d/a.toml", "")]);
    let main = folder.0.path().join("bmpd.toml");
    let before = folder.load().unwrap().digest;
    assert_eq!(digest_of(&main), Some(before));
    let listed = |name: &str| consists_of(&main).contains(&folder.0.path().join(name));
    assert!(listed("bmpd.toml") && listed("bmpd.d") && listed("bmpd.d/a.toml"));
    folder.write("bmpd.d/b.toml", "");
    let added = digest_of(&main);
    assert_ne!(added, Some(before));
    folder.write("bmpd.d/b.toml", "# changed");
    assert_ne!(digest_of(&main), added);
    fs::remove_file(folder.0.path().join("bmpd.d/b.toml")).unwrap();
    assert_eq!(digest_of(&main), Some(before));
    fs::remove_dir_all(folder.0.path().join("bmpd.d")).unwrap();
    assert_ne!(digest_of(&main), Some(before));
}

#[test]
fn mistakes_of_all_files_are_reported_together() {
    let folder = Folder::new(
        &format!("{ALL}{}alais = 'a'\n[bmp]\nstatistics-timer = 1\nx = 1\n", session("10.1.1.1")),
        &[("bmpd.d/a.toml", "[control]\nothers = 9\nusers = 1\n")],
    );
    let keys: Vec<String> = folder
        .load()
        .unwrap_err()
        .problems()
        .iter()
        .map(|problem| format!("{}:{}", problem.line(), problem.key().unwrap()))
        .collect();
    let expected = [
        "5:session[0].alais",
        "7:bmp.statistics-timer",
        "8:bmp.x",
        "2:control.others",
        "3:control.users",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn a_text_without_a_file_includes_what_is_beside_its_name() {
    let folder = Folder::new("", &[("bmpd.d/a.toml", &session("10.1.1.1"))]);
    let config = parse(ALL, &folder.0.path().join("f")).unwrap();
    assert_eq!((config.sessions.len(), config.digest), (1, 0));
    let nowhere = Path::new("/nonexistent/f");
    assert!(
        parse(ALL, nowhere).unwrap_err().to_string().contains("/nonexistent/bmpd.d does not exist")
    );
}
