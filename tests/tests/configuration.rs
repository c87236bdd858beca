//! The configuration file before it is applied: it is checked, its keys are looked up, editors know its schema; and it can have
//! several files.

use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::addresses::loopback;
use tests::daemon::{Daemon, Output, binary, run, session};
use tests::documents::{blocks, documents, repository, text};
use tests::scratch::Scratch;

const TIMEOUT: Duration = Duration::from_secs(30);

fn bmpd(args: &[&str]) -> Output {
    run(Command::new(binary("bmpd")).args(args), TIMEOUT)
}

/// bmpctl with a socket that nobody listens at.
fn bmpctl_alone(scratch: &Scratch, args: &[&str]) -> Output {
    let mut bmpctl = Command::new(binary("bmpctl"));
    run(bmpctl.args(args).env("BMPD_SOCKET", scratch.join("nobody.sock")), TIMEOUT)
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

const WRONG: &str =
    "[[session]]\nadress = \"10.1.1.1\"\ntcp.connect-port = \"11019\"\n[http]\nport = 80\n";

/// The lines that are found wrong in it, by the name of the file.
fn wrong_lines(file: &str) -> [String; 3] {
    [
        format!("{file}:2:1: session[0].adress: there is no such key; did you mean address? "),
        format!("{file}:3:20: session[0].tcp.connect-port: \"11019\" is a string; "),
        format!("{file}:5:1: http.port: there is no such key; write listen = "),
    ]
}

#[test]
fn the_file_of_the_running_bmpd_is_checked_and_not_applied() {
    let scratch = Scratch::new();
    let (ours, theirs) = (loopback(), loopback());
    let daemon = Daemon::start(&scratch, &session(ours, 9, None));
    let file = daemon.config().display().to_string();
    // What the file will be is checked, not what runs.
    daemon.rewrite_config(&(session(ours, 9, None) + &session(theirs, 9, None)));
    let good = daemon.bmpctl(&["config", "check"]);
    assert!(good.done().starts_with(&format!("{file}: good\n")), "{good}");
    assert!(good.stderr.contains("warning: there are sessions and neither a"), "{good}");
    assert_eq!(daemon.bmpctl(&["config", "check", "--quiet"]).text(), "");
    daemon.rewrite_config(WRONG);
    let bad = daemon.bmpctl(&["config", "check"]);
    assert_eq!((bad.status, bad.stdout.as_str()), (1, ""), "{bad}");
    for line in wrong_lines(&file) {
        assert!(bad.stderr.lines().any(|found| found.starts_with(&line)), "{line}\n{bad}");
    }
    assert!(bad.stderr.contains("\n2 | adress = \"10.1.1.1\"\n  | ^^^^^^\n"), "{bad}");
    let brief = daemon.bmpctl(&["config", "check", "--quiet"]);
    assert_eq!((brief.status, brief.stderr.lines().count()), (1, 3), "{brief}");
    let document = json(&daemon.bmpctl(&["config", "check", "--json"]));
    assert_eq!((&document["kind"], &document["file"]), (&"config-checked".into(), &file.into()));
    let problems = document["problems"].as_array().unwrap();
    let places: Vec<_> = problems.iter().map(|one| (&one["line"], &one["column"])).collect();
    assert_eq!(places, [(&2.into(), &1.into()), (&3.into(), &20.into()), (&5.into(), &1.into())]);
    assert_eq!(problems[0]["key"], "session[0].adress");
    // Nothing of it was applied, and no reload was refused.
    let status = json(&daemon.bmpctl(&["show", "status", "--json"]));
    assert_eq!(status["status"]["refused_reload"], Value::Null);
    assert!(daemon.bmpctl(&["show", "session"]).done().contains(&ours.to_string()));
    fs::remove_file(daemon.config()).unwrap();
    let gone = daemon.bmpctl(&["config", "check"]);
    assert_eq!(gone.status, 1, "{gone}");
    assert!(gone.stderr.contains("cannot be read: No such file or directory"), "{gone}");
}

#[test]
fn another_file_is_checked_without_a_running_bmpd() {
    let scratch = Scratch::new();
    let file = scratch.write("new.toml", WRONG);
    let shown = file.display().to_string();
    let bad = bmpctl_alone(&scratch, &["config", "check", &shown]);
    assert_eq!((bad.status, bad.stdout.as_str()), (1, ""), "{bad}");
    for line in wrong_lines(&shown) {
        assert!(bad.stderr.lines().any(|found| found.starts_with(&line)), "{line}\n{bad}");
    }
    // bmpd finds the same.
    let direct = bmpd(&["--check", "--json", "--config", &shown]);
    assert_eq!(direct.status, 1, "{direct}");
    let mut document = json(&bmpctl_alone(&scratch, &["config", "check", &shown, "--json"]));
    document.as_object_mut().unwrap().remove("kind");
    assert_eq!(document, json(&direct));

    scratch.write("new.toml", "[bmp]\n");
    let good = bmpctl_alone(&scratch, &["config", "check", &shown]);
    assert_eq!(good.done(), format!("{shown}: good\n"), "{good}");
    let missing = bmpctl_alone(&scratch, &["config", "check", "--", "--no-such-file"]);
    assert_eq!(missing.status, 1, "{missing}");
    assert!(missing.stderr.contains("/--no-such-file: cannot be read: No such file"), "{missing}");
    // Without a file it is that of a bmpd, and there is none.
    assert_eq!(bmpctl_alone(&scratch, &["config", "check"]).status, 5);
}

#[test]
fn files_of_a_folder_come_and_go_with_reloads() {
    let scratch = Scratch::new();
    let [first, second, third] = [loopback(), loopback(), loopback()];
    let daemon = Daemon::start(&scratch, "");
    let folder = daemon.config().parent().unwrap().join("bmpd.d");
    let main = fs::read_to_string(daemon.config()).unwrap();
    let main = format!("include = [\"bmpd.d/*.toml\"]\n{main}{}", session(first, 9, None));
    daemon.rewrite_config(&main);
    let refused = daemon.bmpctl(&["reload"]);
    assert_eq!(refused.status, 1, "{refused}");
    let expected =
        format!("{} does not exist; create the folder, or remove this", folder.display());
    assert!(refused.stderr.contains(&expected), "{refused}");

    fs::create_dir(&folder).unwrap();
    let [b, a] = ["20-b.toml", "10-a.toml"].map(|name| folder.join(name));
    fs::write(&b, session(second, 9, None)).unwrap();
    fs::write(folder.join("20-b.toml~"), "not TOML").unwrap();
    daemon.bmpctl(&["reload"]).done();
    let sessions = || {
        let document = json(&daemon.bmpctl(&["show", "session", "--json"]));
        let sessions = document["sessions"].as_array().unwrap().clone();
        let addresses =
            sessions.iter().map(|one| one["id"]["address"].as_str().unwrap().to_owned());
        addresses.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(sessions(), [first, second].map(|address| address.to_string()).into());
    let differs = || json(&daemon.bmpctl(&["show", "config", "--json"]))["file_differs"].clone();
    assert_eq!(differs(), false);

    // A file is added: what runs is another configuration until the reload.
    fs::write(&a, session(third, 9, None)).unwrap();
    assert_eq!(differs(), true);
    let check = daemon.bmpctl(&["config", "check"]);
    assert!(check.done().ends_with(": good, with 2 files that it includes\n"), "{check}");
    let done = daemon.bmpctl(&["reload"]);
    assert!(done.done().contains(&format!("session {third}: started")), "{done}");
    let config = daemon.bmpctl(&["show", "config"]);
    let listed = format!("# and from {}\n# and from {}\n", a.display(), b.display());
    assert!(config.done().contains(&listed), "{config}");
    let document = json(&daemon.bmpctl(&["show", "config", "--json"]));
    assert_eq!(document["included"], serde_json::json!([a, b]));

    // A mistake in one of them changes nothing, and names it.
    fs::write(&b, session(second, 9, None) + "alias = 1\n").unwrap();
    let refused = daemon.bmpctl(&["reload"]);
    assert_eq!(refused.status, 1, "{refused}");
    assert!(refused.stderr.contains(&format!("{}:", b.display())), "{refused}");
    assert_eq!(sessions().len(), 3);

    fs::remove_file(&b).unwrap();
    let done = daemon.bmpctl(&["reload"]);
    assert!(done.done().contains(&format!("session {second}: ended")), "{done}");
    assert_eq!(sessions(), [first, third].map(|address| address.to_string()).into());
}

#[test]
fn both_programs_say_the_same_of_a_key() {
    let scratch = Scratch::new();
    for key in ["session.tcp.mss", "[session] tcp.mss", "hold-time", "bgp.neighbor", "include"] {
        let said = bmpd(&["--explain", key]);
        let asked = bmpctl_alone(&scratch, &["config", "explain", key]);
        assert_eq!(said.done(), asked.done(), "{key}");
    }
    let expected = "\
tcp.mss in [[session]]
  The greatest segment, 88 to 32767 bytes.
  type          whole number of bytes, 88 to 32767
  default       the system's
  takes effect  with a new connection: after a reload it is pending until bmpctl
                reset session
  more          bmpd.toml(5), docs/reload.md, docs/recipes.md
  example:
    [[session]]
    tcp.mss = 1400
";
    assert_eq!(bmpd(&["--explain", "session.tcp.mss"]).done(), expected);
    // As a shell passes it on without quotation marks.
    assert_eq!(bmpd(&["--explain", "[session]", "tcp.mss"]).done(), expected);
    let several = bmpd(&["--explain", "hold-time"]);
    for table in ["bgp.neighbor.hold-time", "router.hold-time"] {
        assert!(several.done().contains(&format!("\n  {table} ")), "{several}");
    }
    let unknown = bmpd(&["--explain", "session.adress"]);
    assert_eq!(unknown.status, 2, "{unknown}");
    assert!(unknown.stderr.contains("did you mean session.address"), "{unknown}");
    let unknown = bmpctl_alone(&scratch, &["config", "explain", "session.adress", "--json"]);
    assert_eq!((unknown.status, &json(&unknown)["reason"]), (2, &"no-such-key".into()));
    let keys = json(&bmpctl_alone(&scratch, &["config", "explain", "tcp.md5", "--json"]));
    let names: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| &key["key"]).collect();
    assert_eq!(names, ["session.tcp.md5", "router.tcp.md5"]);
}

/// A file of TOML as what a validator of JSON schemas takes.
fn as_json(toml: &str) -> Value {
    let table: toml::Table = toml::from_str(toml).unwrap_or_else(|error| panic!("{error}: {toml}"));
    serde_json::to_value(table).unwrap()
}

#[test]
fn good_files_are_valid_by_the_schema_and_wrong_ones_are_not() {
    let schema = bmpd(&["--schema"]).done().to_owned();
    assert_eq!(schema, text("docs/bmpd.schema.json"), "--schema");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut files = vec![
        ("etc/bmpd.toml".to_owned(), text("etc/bmpd.toml")),
        ("pkg/bmpd.toml".to_owned(), text("pkg/bmpd.toml")),
    ];
    for name in documents() {
        let document = text(&name);
        let found = blocks(&document).into_iter().filter(|block| block.language == "toml");
        files.extend(found.map(|block| (format!("{name}:{}", block.line), block.text)));
    }
    assert!(files.len() > 10, "{}", files.len());
    for (place, text) in &files {
        let errors: Vec<String> = validator
            .iter_errors(&as_json(text))
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{place}: {errors:?}");
    }
    for wrong in [
        "x = 1",
        "[session]\naddress = '10.1.1.1'",
        "[[bmp]]",
        "[bmp]\nstatistics-timer = 14",
        "[bmp]\nstatistics-timer = '60'",
        "[bmp]\nsystem_name = 'a'",
        "[[session]]\ntcp.connect-port = 1",
        "[[session]]\naddress = '10.1.1.1'\ntcp.connect-port = 65536",
        "[[session]]\naddress = '10.1.1.1'\nmode = 'pasive'",
        "[[session]]\naddress = '10.1.1.1'\ntcp.md5 = 'a key'",
        "[[session]]\naddress = '10.1.1.1'\nmonitor.families = ['ipv4']",
        "[bgp]\nneighbor = [{ hold-time = 65536 }]",
        "[control]\nusers = { alice = 4 }",
        "include = 'bmpd.d/*.toml'",
    ] {
        assert!(!validator.is_valid(&as_json(wrong)), "{wrong}");
        assert_ne!(Daemon::check(&Scratch::new(), wrong).status, 0, "{wrong}");
    }
}

/// The definition of bmpd's command line with the keys that `--explain` takes, for shells.
fn command_line() -> clap::Command {
    use clap::builder::{PossibleValue, PossibleValuesParser};
    let keys = shared::reference::entries().iter();
    let keys = keys.map(|entry| {
        // fish runs what stands in parentheses, and clap_complete does not quote it.
        let says = entry.summary().split(" (").next().unwrap_or_default();
        let says: String = says.chars().filter(|c| !"()[]'\"`$\\".contains(*c)).collect();
        PossibleValue::new(entry.key.as_str()).help(says)
    });
    let keys = PossibleValuesParser::new(keys.collect::<Vec<_>>());
    bmpd::arguments::command()
        .mut_arg("explain", |arg| arg.value_parser(keys).num_args(1))
        .mut_arg("config", |arg| arg.value_hint(clap::ValueHint::FilePath))
}

/// After a change of the command line or of a key: `BLESS=1 cargo test -p tests --test all configuration`.
#[test]
fn the_completions_of_bmpd_are_those_of_its_command_line() {
    use clap_complete::Shell;
    for (shell, name) in [
        (Shell::Bash, "bmpd.bash"),
        (Shell::Zsh, "_bmpd"),
        (Shell::Fish, "bmpd.fish"),
        (Shell::Elvish, "bmpd.elv"),
    ] {
        let mut made = Vec::new();
        clap_complete::generate(shell, &mut command_line(), "bmpd", &mut made);
        let made = String::from_utf8(made).unwrap();
        let path = repository("completions").join(name);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "completions/{name} is out of date: BLESS=1");
    }
}

#[test]
fn shells_complete_bmpds_options_and_keys() {
    let script = |name: &str| repository("completions").join(name).display().to_string();
    let shell = |program: &str, line: &str| {
        let mut shell = Command::new(program);
        run(shell.args(["-c", line]).env("HOME", "/nonexistent"), TIMEOUT)
    };
    let bash = |words: &str| {
        let line = format!(
            "source {}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _bmpd bmpd \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script("bmpd.bash")
        );
        shell("bash", &line).done().to_owned()
    };
    assert_eq!(bash("bmpd --exp"), "--explain\n");
    assert_eq!(
        bash("bmpd --explain session.tcp.m"),
        "session.tcp.mss\nsession.tcp.md5\nsession.tcp.md5.key\nsession.tcp.md5.key-file\n"
    );
    let fish = |line: &str| {
        shell("fish", &format!("source {}; complete -C '{line}'", script("bmpd.fish")))
            .done()
            .to_owned()
    };
    assert!(fish("bmpd --exp").starts_with("--explain\tSay what a key"), "{}", fish("bmpd --exp"));
    assert!(
        fish("bmpd --explain router.hold").starts_with("router.hold-time\tSeconds that its tables")
    );
    let zsh = format!(
        "autoload -Uz compinit && compinit -u -D; source {}; whence -w _bmpd",
        script("_bmpd")
    );
    assert_eq!(shell("zsh", &zsh).done(), "_bmpd: function\n");
}
