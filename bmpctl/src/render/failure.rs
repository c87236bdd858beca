//! What bmpd did not do, and what can be done about it.

use std::collections::BTreeSet;

use shared::names::{PublisherName, RouterId, Selector, SessionId, Shown, VpnInstanceName};
use shared::response::Failure;

use crate::{arguments, permission, suggest};

/// Why bmpd did not do it, and what can be done.
pub(super) fn message(failure: &Failure) -> String {
    match failure {
        Failure::NoSuchSession { selector, existing: _, configured_in: Some(file) } => {
            let what = match selector {
                Selector::One(id) => format!("session {id}"),
                Selector::Several(_) => format!("sessions {selector}"),
                Selector::All { vpn_instance: None } => "a session".to_owned(),
                Selector::All { vpn_instance: Some(name) } => {
                    format!("a session in the VPN instance {}", Shown(name.as_str()))
                }
            };
            format!(
                "bmpd does not run {what} yet: {file}, which has not been applied, has it; bmpctl reload \
                 starts it"
            )
        }
        Failure::NoSuchSession { selector, existing, configured_in: None } => {
            no_such_session(selector, existing)
        }
        Failure::NotPermitted { needed, has, caller, because, group, file } => format!(
            "not permitted: the command needs level {} ({}), and {caller} has level {} ({because}); ask as root \
             or as the user that runs bmpd{}, or let [control] in {file} give the level",
            needed.number(),
            needed.name(),
            has.number(),
            group.as_deref().map(permission::join_group).unwrap_or_default()
        ),
        Failure::NoSuchNeighbor { address, vpn_instance, existing } => {
            let place = match vpn_instance {
                Some(name) => format!(" in the VPN instance {}", Shown(name.as_str())),
                None => String::new(),
            };
            let nearest = suggest::neighbor(*address, vpn_instance.as_ref(), existing);
            let existing = existing.iter().map(ToString::to_string);
            let existing = listed(nearest, existing, "bmpctl show neighbor");
            format!("no neighbor {address}{place}{existing}")
        }
        Failure::NoSuchRouter { router, existing } => {
            let nearest = suggest::router(router, existing);
            let shown = |router: &RouterId| Shown(&router.to_string()).to_string();
            let existing = listed(nearest, existing.iter().map(shown), "bmpctl show router");
            format!("no router {}{existing}", shown(router))
        }
        Failure::NoSuchPublisher { publisher, existing: _, configured_in: Some(file) } => format!(
            "bmpd does not run publisher {} yet: {file}, which has not been applied, has it; bmpctl reload starts it",
            Shown(publisher.as_str())
        ),
        Failure::NoSuchPublisher { publisher, existing, configured_in: None } => {
            let nearest = suggest::publisher(publisher, existing);
            let shown = |name: &PublisherName| Shown(name.as_str()).to_string();
            let existing = listed(nearest, existing.iter().map(shown), "bmpctl show publisher");
            format!("no publisher {}{existing}", shown(publisher))
        }
        Failure::NoSuchVpnInstance { name, existing } => {
            let nearest = suggest::vpn_instance(name, existing);
            let existing = existing.iter().map(|name| Shown(name.as_str()).to_string());
            let existing = listed(nearest, existing, "bmpctl show vpn-instance");
            format!("no VPN instance {}{existing}", Shown(name.as_str()))
        }
        Failure::Configuration(text) => {
            format!("the configuration is bad, so nothing was touched:\n{text}")
        }
        Failure::Stopping => "bmpd is stopping".to_owned(),
        Failure::Busy(text) | Failure::Other(text) => text.clone(),
    }
}

/// How many sessions an error lists.
const LISTED: usize = 10;

fn no_such_session(selector: &Selector, existing: &[SessionId]) -> String {
    if existing.is_empty() {
        return "no session is configured".to_owned();
    }
    let mut text = match selector {
        Selector::All { vpn_instance: Some(name) } => return nothing_in(name, existing),
        Selector::All { vpn_instance: None } => "there is no session".to_owned(),
        Selector::One(id) if id.alias.is_none() && existing.iter().any(|e| is_aliased(e, id)) => {
            return format!(
                "no session {id} without an alias: name the alias{}",
                listed(None, existing.iter().map(arguments::session), "bmpctl show session")
            );
        }
        Selector::One(id) => format!("no session {id}"),
        Selector::Several(_) => format!("no sessions {selector}"),
    };
    let nearest = suggest::session(selector, existing);
    text.push_str(&listed(nearest, existing.iter().map(arguments::session), "bmpctl show session"));
    text
}

/// No session is in a VPN instance: those that have some.
fn nothing_in(name: &VpnInstanceName, existing: &[SessionId]) -> String {
    let instances: BTreeSet<_> =
        existing.iter().filter_map(|id| id.vpn_instance.as_ref()).collect();
    let shown = Shown(name.as_str());
    if instances.is_empty() {
        let listed = listed(None, existing.iter().map(arguments::session), "bmpctl show session");
        return format!(
            "no session is in the VPN instance {shown}, all are in the public one{listed}"
        );
    }
    let nearest = suggest::vpn_instance(name, instances.iter().copied());
    let listed = listed(
        nearest,
        instances.iter().map(|name| Shown(name.as_str()).to_string()),
        "bmpctl show vpn-instance",
    );
    format!("no session is in the VPN instance {shown}{listed}")
}

/// What may have been meant, the things there are, and the command that shows them all.
fn listed(
    nearest: Option<String>,
    existing: impl ExactSizeIterator<Item = String>,
    all: &str,
) -> String {
    let count = existing.len();
    if count == 0 {
        return "; there is none".to_owned();
    }
    let mut text = match nearest {
        Some(nearest) => format!("; {nearest} There are:"),
        None => "; there are:".to_owned(),
    };
    for name in existing.take(LISTED) {
        text.push_str(&format!("\n  {name}"));
    }
    if count > LISTED {
        text.push_str(&format!("\n  and {} more: {all}", count - LISTED));
    }
    text
}

fn is_aliased(existing: &SessionId, wanted: &SessionId) -> bool {
    existing.address == wanted.address && existing.vpn_instance == wanted.vpn_instance
}

#[cfg(test)]
mod tests {
    use shared::request::Level;

    use super::*;

    #[test]
    fn a_refusal_says_which_level_is_needed_and_how_to_get_it() {
        let text = |because: &str, group: Option<&str>| {
            message(&Failure::NotPermitted {
                needed: Level::Configuration,
                has: Level::Monitoring,
                caller: "alice (pid 4711)".to_owned(),
                because: because.to_owned(),
                group: group.map(str::to_owned),
                file: "/etc/bmpd/bmpd.toml".to_owned(),
            })
        };
        assert_eq!(
            text("group noc in [control]", Some("netops")),
            "not permitted: the command needs level 2 (configuration), and alice (pid 4711) has level 1 \
             (group noc in [control]); ask as root or as the user that runs bmpd, join the group netops and \
             log in again, or let [control] in /etc/bmpd/bmpd.toml give the level"
        );
        assert_eq!(
            text("user alice in [control]", None),
            "not permitted: the command needs level 2 (configuration), and alice (pid 4711) has level 1 \
             (user alice in [control]); ask as root or as the user that runs bmpd, or let [control] in \
             /etc/bmpd/bmpd.toml give the level"
        );
    }

    #[test]
    fn an_unknown_router_is_answered_with_the_nearest_and_those_there_are() {
        let existing = ["local", "edge1.example", "core x"].map(|name| name.parse().unwrap());
        let text = |typed: &str| {
            let (router, existing) = (typed.parse().unwrap(), existing.to_vec());
            message(&Failure::NoSuchRouter { router, existing })
        };
        let there = "There are:\n  local\n  edge1.example\n  \"core x\"";
        assert_eq!(text("edge1"), format!("no router edge1; did you mean edge1.example? {there}"));
        assert_eq!(
            text("Core X"),
            format!("no router \"Core X\"; did you mean \"core x\"? {there}")
        );
        assert_eq!(text("zurich"), format!("no router zurich; {}", there.replace('T', "t")));
    }

    #[test]
    fn an_unknown_publisher_is_answered_with_the_nearest_or_with_the_file_that_has_it() {
        let text = |typed: &str, file: Option<&str>| {
            message(&Failure::NoSuchPublisher {
                publisher: typed.parse().unwrap(),
                existing: ["lake", "data bus"].map(|name| name.parse().unwrap()).to_vec(),
                configured_in: file.map(str::to_owned),
            })
        };
        let there = "There are:\n  lake\n  \"data bus\"";
        assert_eq!(text("lak", None), format!("no publisher lak; did you mean lake? {there}"));
        assert_eq!(
            text("a b", Some("/f")),
            "bmpd does not run publisher \"a b\" yet: /f, which has not been applied, has it; bmpctl reload starts it"
        );
        let none = Failure::NoSuchPublisher {
            publisher: "lake".parse().unwrap(),
            existing: Vec::new(),
            configured_in: None,
        };
        assert_eq!(message(&none), "no publisher lake; there is none");
    }

    #[test]
    fn an_unknown_session_is_answered_with_those_there_are() {
        let id = |alias: Option<&str>| SessionId {
            vpn_instance: None,
            address: "10.1.1.1".parse().unwrap(),
            alias: alias.map(|alias| alias.parse().unwrap()),
        };
        let existing = vec![id(Some("aa")), id(Some("b b"))];
        let text = message(&Failure::NoSuchSession {
            selector: Selector::One(id(None)),
            existing,
            configured_in: None,
        });
        assert_eq!(
            text,
            "no session 10.1.1.1 without an alias: name the alias; there are:\n  10.1.1.1 --alias aa\n  10.1.1.1 --alias \"b b\""
        );
    }
}
