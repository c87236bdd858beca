use std::path::PathBuf;
use std::time::Duration;

use shared::names::{RouterId, Selector};
use shared::request::{Query, ResetPublisher, WhichLegs, WhichPublishers, WhichRouters};

use super::*;

fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once(&"bmpctl").chain(line))
}

fn reset(line: &[&str]) -> Selector {
    match parse(line).unwrap().command {
        Command::ResetSession { legs: WhichLegs { sessions, router: None }, .. } => {
            sessions.selector
        }
        other => panic!("{other:?}"),
    }
}

fn refused(line: &[&str]) -> String {
    let error = parse(line).unwrap_err();
    assert_eq!(error.exit_code(), i32::from(shared::exit::USAGE), "{line:?}");
    error.to_string()
}

#[test]
fn the_definition_is_sound() {
    command().debug_assert();
}

#[test]
fn both_grammars_mean_the_same() {
    let pairs: [(&[&str], &[&str]); 6] = [
        (&["10.1.1.1"], &["10.1.1.1"]),
        (&["all"], &["all"]),
        (&["2001:DB8:1::1"], &["2001:db8:1:0:0:0:0:1"]),
        (&["10.1.1.1", "--alias", "aa"], &["10.1.1.1", "alias", "aa"]),
        (&["--vpn-instance", "red", "all"], &["vpn-instance", "red", "all"]),
        (
            &["--vpn-instance", "red net", "10.1.1.1", "--alias", "\"a b\""],
            &["vpn-instance", "\"red net\"", "10.1.1.1", "alias", "a b"],
        ),
    ];
    for (ours, manual) in pairs {
        let ours = reset(&[&["reset", "session"], ours].concat());
        assert_eq!(ours, reset(&[&["reset", "bmp", "session"], manual].concat()));
    }
}

#[test]
fn a_length_of_time_reads_back_as_it_is_shown() {
    for millis in [1, 500, 1500, 2000, 90_000, 600_000, 3_599_999, 3_600_000] {
        let shown = shared::time::Span(millis).to_string();
        let read = parse(&["reset", "session", "all", "--dry-run", "--stagger", &shown]);
        let legs = WhichLegs::from(Selector::All { vpn_instance: None });
        let stagger = Some(Duration::from_millis(millis));
        assert_eq!(read.unwrap().command, Command::PlanReset { legs, stagger }, "{shown}");
    }
}

#[test]
fn a_stagger_is_a_time_with_a_unit_and_for_several_legs() {
    let stagger = |text: &str| match parse(&["reset", "session", "all", "--stagger", text])
        .unwrap()
        .command
    {
        Command::ResetSession { stagger, .. } => stagger,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        (stagger("500ms"), stagger("2s"), stagger("60m")),
        (Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(3600))
    );
    for wrong in
        ["s", "0s", "61m", "-1s", "2h", "99999999999999999999s", "", "1s1m", "1m1m", "1m5", "1d"]
    {
        refused(&["reset", "session", "all", "--stagger", wrong]);
    }
    let one = ["reset", "session", "10.1.1.1", "--stagger", "1s"];
    assert!(parse(&one).is_ok(), "a session can have many legs");
    assert!(refused(&[&one[..], &["--router", "edge1"]].concat()).contains("for several legs"));
}

#[test]
fn a_reset_can_be_for_the_legs_of_one_router() {
    let router =
        |line: &[&str]| match parse(&[&["reset", "session"], line].concat()).unwrap().command {
            Command::ResetSession { legs, .. } | Command::PlanReset { legs, .. } => legs.router,
            other => panic!("{other:?}"),
        };
    let edge1 = Some(RouterId::Named("edge1".parse().unwrap()));
    assert_eq!(router(&["all", "--router", "edge1"]), edge1);
    assert_eq!(router(&["10.1.1.1", "--router=edge1", "--dry-run"]), edge1);
    assert_eq!(router(&["10.1.1.1", "--router", "local", "--wait"]), Some(RouterId::Local));
    assert_eq!(router(&["10.1.1.1"]), None);
    assert!(refused(&["reset", "session", "all", "--router", "all"]).contains("all of them"));
    assert!(refused(&["reset", "session", "all", "--router", ""]).contains("1 to 63"));
}

#[test]
fn a_router_is_named_or_all_are_meant() {
    let edge1 = || Some(RouterId::Named("edge 1".parse().unwrap()));
    let reset = |name: &str| parse(&["reset", "router", name]).unwrap().command;
    assert_eq!(reset("all"), Command::ResetRouter { router: None });
    assert_eq!(reset("\"edge 1\""), Command::ResetRouter { router: edge1() });
    assert_eq!(reset("local"), Command::ResetRouter { router: Some(RouterId::Local) });
    let show = |line: &[&str]| match parse(&[&["show", "router"], line].concat()).unwrap().command {
        Command::Show { what: Query::Router(WhichRouters(router)), form, .. } => (router, form),
        other => panic!("{other:?}"),
    };
    assert_eq!(show(&[]), (None, Form::Table));
    assert_eq!(show(&["all"]), (None, Form::Table));
    assert_eq!(show(&["edge 1"]), (edge1(), Form::Page));
    refused(&["reset", "router"]);
    assert!(refused(&["show", "router", &"x".repeat(64)]).contains("1 to 63"));
}

#[test]
fn a_publisher_is_named_or_all_are_meant() {
    let parsed = |line: &[&str]| parse(&[&["reset", "publisher"], line].concat()).unwrap().command;
    let reset = |line: &[&str]| match parsed(line) {
        Command::ResetPublisher { reset: ResetPublisher { publisher, router }, stagger, wait } => {
            let [publisher, router] =
                [publisher.map(|name| name.to_string()), router.map(|name| name.to_string())];
            (publisher, router, stagger, wait)
        }
        other => panic!("{other:?}"),
    };
    let some = |name: &str| Some(name.to_owned());
    let (zero, seconds) = (Duration::ZERO, |count| Some(Duration::from_secs(count)));
    assert_eq!(reset(&["all"]), (None, None, zero, None));
    assert_eq!(reset(&["\"data bus\""]), (some("data bus"), None, zero, None));
    assert_eq!(reset(&["local"]), (some("local"), None, zero, None));
    assert_eq!(
        reset(&["lake", "--router", "edge1", "--wait"]),
        (some("lake"), some("edge1"), zero, seconds(300))
    );
    let staggered = reset(&["all", "--stagger", "2s", "--wait=9s"]);
    assert_eq!(staggered, (None, None, Duration::from_secs(2), seconds(9)));
    let all = ResetPublisher { publisher: None, router: Some(RouterId::Local) };
    assert_eq!(
        parsed(&["all", "--router", "local", "--stagger", "2s", "--dry-run"]),
        Command::PlanPublisherReset { reset: all, stagger: seconds(2) }
    );
    let show =
        |line: &[&str]| match parse(&[&["show", "publisher"], line].concat()).unwrap().command {
            Command::Show { what: Query::Publisher(WhichPublishers(publisher)), form, .. } => {
                (publisher.map(|name| name.to_string()), form)
            }
            other => panic!("{other:?}"),
        };
    assert_eq!(show(&[]), (None, Form::Table));
    assert_eq!(show(&["all"]), (None, Form::Table));
    assert_eq!(show(&["lake"]), (some("lake"), Form::Page));
    refused(&["reset", "publisher"]);
    assert!(refused(&["show", "publisher", &"x".repeat(32)]).contains("1 to 31"));
    assert!(refused(&["reset", "publisher", "lake", "--router", "all"]).contains("all"));
    let one = ["reset", "publisher", "lake", "--stagger", "1s"];
    assert!(refused(&one).contains("for several publishers"));
}

#[test]
fn an_alias_with_all_is_a_usage_error() {
    assert!(refused(&["reset", "session", "all", "--alias", "aa"]).contains("name its address"));
    assert!(
        refused(&["reset", "bmp", "session", "all", "alias", "aa"]).contains("name its address")
    );
    assert!(refused(&["show", "session", "--alias", "aa"]).contains("name its address"));
}

#[test]
fn a_wrong_word_is_named_with_the_reason() {
    assert!(refused(&["reset", "session", "::ffff:10.1.1.1"]).contains("10.1.1.1 itself"));
    assert!(refused(&["reset", "session", "fe80::1%eth0"]).contains("zone id"));
    assert!(refused(&["reset", "session", "collector"]).contains("host names are not looked up"));
    assert!(
        refused(&["reset", "session", "--vpn-instance", "_public_", "all"])
            .contains("public instance")
    );
    assert!(refused(&["reset", "session", "10.1.1.1", "--alias", ""]).contains("empty"));
    assert!(
        refused(&["reset", "session", "10.1.1.1", "--alias", &"x".repeat(32)])
            .contains("32 characters")
    );
    assert!(
        refused(&["reset", "session", "10.1.1.1", "--alias", "a\nb"]).contains("control character")
    );
    let words = |words: &[&str]| refused(&[&["reset", "bmp", "session"], words].concat());
    assert!(words(&["vpn-instance"]).contains("followed by a name"));
    assert!(words(&["vpn-instance", "red"]).contains("missing"));
    assert!(words(&["10.1.1.1", "alias"]).contains("followed by a name"));
    assert!(words(&["10.1.1.1", "alias", "two", "words"]).contains("one word too many"));
    assert!(words(&["10.1.1.1", "alias", "_public_ "]).contains("space"));
    assert!(words(&["10.1.1.1", "vpn-instance", "red"]).contains("before the address"));
    assert!(words(&["10.1.1.1", "--alias", "aa"]).contains("alias NAME"));
    assert!(words(&["alias", "aa", "10.1.1.1"]).contains("address comes before"));
    assert!(
        words(&["10.1.1.1", "aa"]).contains("[vpn-instance NAME] {ADDRESS | all}"),
        "its usage"
    );
    assert!(refused(&["reset", "session", "ALL"]).contains("lower case"));
    let red = refused(&["reset", "session", "10.1\u{1b}[31m"]);
    assert!(!red.contains('\u{1b}') && red.contains("control character"), "{red:?}");
}

#[test]
fn a_command_line_with_a_host_is_never_run_here() {
    for line in [
        &["-H", "edge1", "show", "session"][..],
        &["show", "--host=edge1", "session"],
        &["reset", "session", "all", "-Hedge1"],
    ] {
        assert!(refused(line).contains("no place for --host"), "{line:?}");
    }
    assert!(refused(&["show", "session", "-H"]).contains("a value is required for '--host"));
}

#[test]
fn the_socket_can_stand_before_and_behind_the_verb() {
    for line in [&["--socket", "/s", "show", "neighbor"], &["show", "neighbor", "--socket", "/s"]] {
        assert_eq!(parse(line).unwrap().options.socket, Some(PathBuf::from("/s")));
    }
}

#[test]
fn verbs_can_be_cut_short_as_on_a_router() {
    let pairs: [(&[&str], &[&str]); 8] = [
        (&["sh", "sess"], &["show", "session"]),
        (&["res", "r", "all"], &["reset", "router", "all"]),
        (&["res", "p", "all"], &["reset", "publisher", "all"]),
        (&["show", "publishers", "all"], &["show", "publisher"]),
        (&["show", "routers", "all"], &["show", "router"]),
        (&["res", "ses", "all"], &["reset", "session", "all"]),
        (&["disp", "b", "s"], &["display", "bmp", "session"]),
        (&["show", "neighbors", "all"], &["show", "neighbor"]),
    ];
    for (short, whole) in pairs {
        assert_eq!(parse(short).unwrap(), parse(whole).unwrap(), "{short:?}");
    }
    // More than one begins so.
    refused(&["re", "session", "all"]);
}

#[test]
fn options_of_every_command_can_stand_behind_any_word_and_the_last_one_counts() {
    let expected = |line: &[&str]| {
        let Options { socket, json, quiet, timeout } = parse(line).unwrap().options;
        (socket, json, quiet, timeout)
    };
    let words = ["show", "session"];
    let options = ["--socket", "/s", "--json", "-q", "--timeout", "3s"];
    let all = (Some("/s".into()), true, true, Some(Duration::from_secs(3)));
    for place in 0..=words.len() {
        let line = [&words[..place], &options, &words[place..]].concat();
        assert_eq!(expected(&line), all, "{line:?}");
    }
    for commands in [
        &["reset", "session", "all"][..],
        &["clear", "statistics"],
        &["monitor"],
        &["reload"],
        &["log", "level", "debug"],
        &["show", "status"],
    ] {
        let line = [commands, &options].concat();
        assert_eq!(expected(&line), all, "{line:?}");
    }
    let line = ["--timeout", "1s", "show", "--timeout", "2s", "session", "--socket", "/t"];
    assert_eq!(expected(&line), (Some("/t".into()), false, false, Some(Duration::from_secs(2))));
}

#[test]
fn a_watch_can_stand_before_and_behind_what_is_shown() {
    let watch = |line: &[&str]| match parse(line).unwrap().command {
        Command::Show { watch, .. } => watch,
        other => panic!("{other:?}"),
    };
    let seconds = |count| Some(Duration::from_secs(count));
    for what in [
        "session",
        "router",
        "publisher",
        "neighbor",
        "vpn-instance",
        "config",
        "statistics",
        "status",
        "version",
    ] {
        assert_eq!(watch(&["show", what]), None);
        assert_eq!(watch(&["show", "--watch", what]), seconds(2));
        assert_eq!(watch(&["show", what, "--watch=5"]), seconds(5));
        assert_eq!(watch(&["show", "--watch=3", what, "--watch=5"]), seconds(5));
    }
}
