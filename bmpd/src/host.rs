//! What a configuration requires and this host lacks.
//!
//! None of it is an error in the file: a device can be created later, or the kernel replaced. Sessions that need it are
//! down with that reason meanwhile, and checks and reloads of the file report it.
#![forbid(unsafe_code)]

use std::path::Path;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use shared::account;
use shared::request::Level;
use shared::response::ConfigCheck;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::config::{self, Account, Authentication, Config, Control, Neighbor, Place, Tcp};
use crate::net::keys::tcp_ao_supported;
use crate::platform;

/// Descriptors beside those of sessions and neighbors: listeners, bmpctl, neighbors that connect twice.
const SPARE_DESCRIPTORS: usize = 64;

/// The share of its memory that bmpd uses for its tables without `memory-limit`: buffers and reports come on top, and
/// the unit throttles bmpd at 80 percent.
const TABLES_PERCENT: u64 = 70;

/// Timeout of the name service for all users and groups: a reload must not block on an unresponsive one.
const ACCOUNTS_TIMEOUT: Duration = Duration::from_secs(2);

/// How many missing users, and groups, are listed.
const LISTED_MAX: usize = 5;

/// How many look-ups may wait for a file system or a name server at once.
const LOOKS_MAX: usize = 8;

/// Runs a call that may block for ever, such as on an unresponsive file system: `None` if it takes longer than this, or
/// if too many others still wait.
pub(crate) async fn within<T: Send + 'static>(
    time: Duration,
    look: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    static LOOKS: Semaphore = Semaphore::const_new(LOOKS_MAX);
    let until = Instant::now() + time;
    let permit = timeout_at(until, LOOKS.acquire()).await.ok()?.ok()?;
    let looking = move || {
        let _permit = permit;
        look()
    };
    timeout_at(until, tokio::task::spawn_blocking(looking)).await.ok()?.ok()
}

/// The memory limit of all tables, in bytes: `memory-limit`, or a share of the memory available to
/// bmpd; `None` if that is unknown.
pub(crate) fn memory_limit(config: &Config) -> Option<u64> {
    let limits = [
        config.bgp.as_ref().map(|bgp| bgp.memory_limit),
        config.relay.as_ref().map(|relay| relay.memory_limit),
    ];
    if limits.iter().all(Option::is_none) {
        return None;
    }
    match limits.into_iter().flatten().flatten().min() {
        Some(mib) => Some(u64::from(mib) << 20),
        None => platform::memory().map(|bytes| bytes / 100 * TABLES_PERCENT),
    }
}

/// Checks a configuration file, and what it requires of this host.
pub fn check(path: &Path) -> ConfigCheck {
    let file = path.display().to_string();
    match config::load(path) {
        Ok(config) => ConfigCheck {
            file,
            included: config.included.iter().map(|path| path.display().to_string()).collect(),
            problems: Vec::new(),
            more: 0,
            warnings: warnings(&config).into_iter().chain(unused(&config)).collect(),
        },
        Err(error) => {
            let (problems, more) = error.report();
            ConfigCheck { file, included: Vec::new(), problems, more, warnings: Vec::new() }
        }
    }
}

/// What is missing; a sentence each, together with the file's own warnings.
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = config.warnings.clone();
    let uses_ao = |tcp: &Tcp| matches!(tcp.authentication, Some(Authentication::Ao(_)));
    let sessions = config.sessions.iter().filter(|session| uses_ao(&session.tcp));
    let sessions: Vec<String> = sessions.take(5).map(|session| session.id.to_string()).collect();
    let routers = config.routers.iter().filter(|router| uses_ao(&router.tcp));
    let routers: Vec<String> = routers.take(5).map(|router| router.who.to_string()).collect();
    for (what, names) in [("sessions", sessions), ("routers", routers)] {
        if !names.is_empty() && !tcp_ao_supported() {
            warnings.push(format!(
                "this kernel has no TCP-AO (RFC 5925; Linux 6.7 with CONFIG_TCP_AO has): these {what} \
                 cannot come up here: {}",
                names.join(", ")
            ));
        }
    }
    let neighbors = config.bgp.as_ref().map_or(0, |bgp| bgp.neighbors.len());
    // A session has a connection for each router.
    let legs = config.sessions.len() * config.routers.len().max(1);
    let needed = (legs + neighbors + config.routers.len() + SPARE_DESCRIPTORS) as u64;
    let limit = getrlimit(Resource::Nofile).maximum;
    if limit.is_some_and(|limit| limit < needed) {
        warnings.push(format!(
            "bmpd may open {} files, and these sessions and neighbors need some {needed}: raise the limit \
             (ulimit -n, LimitNOFILE=)",
            limit.unwrap_or_default()
        ));
    }
    for instance in &config.vpn_instances {
        let missing = match &instance.place {
            Place::Public => false,
            Place::Device(device) => !Path::new("/sys/class/net").join(device).exists(),
            Place::Namespace(path) => !path.exists(),
        };
        if missing {
            warnings.push(format!(
                "VPN instance {}: there is no {} now: its sessions and neighbors wait for it",
                instance.name,
                match &instance.place {
                    Place::Public => String::new(),
                    Place::Device(device) => format!("device {device}"),
                    Place::Namespace(path) => format!("network namespace {}", path.display()),
                }
            ));
        }
    }
    warnings.extend(accounts(&config.control, config.process.user.as_ref()));
    warnings
}

/// What is allowed and leaves sessions or neighbors with nothing to do; a sentence each, for a check of the file. A
/// reload reports what it ends, so it does not need this.
pub fn unused(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    let neighbors = config.bgp.as_ref().map(|bgp| &*bgp.neighbors).unwrap_or_default();
    if !config.sessions.is_empty() && neighbors.is_empty() && config.routers.is_empty() {
        warnings.push(
            "there are sessions and neither a [[bgp.neighbor]] nor a [[router]], which are the only sources of \
             routes: stations will receive none"
                .to_owned(),
        );
    }
    if !(neighbors.is_empty() && config.routers.is_empty())
        && config.sessions.iter().all(|session| session.shutdown)
    {
        let why = match config.sessions.is_empty() {
            true => "there is no [[session]]",
            false => "every [[session]] is shut down (shutdown = true)",
        };
        warnings.push(format!(
            "{why}: the routes of neighbors and routers will be reported to no station"
        ));
    }
    let is_closed = |neighbor: &&Neighbor| {
        neighbor.passive && config::listening(config, &neighbor.vpn_instance).is_empty()
    };
    let closed: Vec<String> =
        neighbors.iter().filter(is_closed).map(|n| n.peers.to_string()).collect();
    if !closed.is_empty() {
        warnings.push(format!(
            "bmpd waits for these neighbors to connect, and listens nowhere (listen = []): {}",
            listed(&closed)
        ));
    }
    let waits = config.routers.iter().filter(|router| router.active.is_none());
    let waits: Vec<String> = waits.map(|router| router.who.to_string()).collect();
    if !waits.is_empty() && config.relay.as_ref().is_some_and(|relay| relay.listen.is_empty()) {
        warnings.push(format!(
            "bmpd waits for these routers to connect, and listens nowhere ([relay] listen = []): {}",
            listed(&waits)
        ));
    }
    warnings
}

/// Accounts of `[control]` and `[process]` that do not exist, and those that have level 3 whatever is configured. The
/// user of `[process]` may exist on the host that uses the file and not on the one that checks it, so it is no error.
fn accounts(control: &Control, user: Option<&Account>) -> Vec<String> {
    let (group, levels) = (control.group.clone(), control.levels.clone());
    let named = |accounts: &[(Account, Level)]| -> Vec<String> {
        accounts.iter().filter_map(|(account, _)| name(account)).collect()
    };
    let (users, mut groups) = (named(&levels.users), named(&levels.groups));
    groups.extend(group.as_ref().and_then(name));
    let process_user = user.cloned();
    let look_up = move || {
        let missing = |names: Vec<String>, find: fn(&str) -> std::io::Result<Option<u32>>| {
            names.into_iter().filter(|name| matches!(find(name), Ok(None))).collect::<Vec<_>>()
        };
        let is_nobody = match &process_user {
            Some(Account::Name(name)) => matches!(account::user_id(name), Ok(None)),
            Some(Account::Id(id)) => matches!(account::user_name(*id), Ok(None)),
            None => false,
        };
        (missing(users, account::user_id), missing(groups, account::group_id), is_nobody)
    };
    let mut warnings = Vec::new();
    match account::within(ACCOUNTS_TIMEOUT, look_up) {
        Some((users, groups, is_nobody)) => {
            if let Some(user) = user.filter(|_| is_nobody) {
                warnings.push(format!(
                    "[process] user: this host has no user {user} now: bmpd does not start here before there is \
                     one (`useradd --system {user}`)"
                ));
            }
            for (kind, names) in [("user", users), ("group", groups)] {
                if !names.is_empty() {
                    warnings.push(format!(
                        "[control]: this host has no {kind} {} now: what is written of it counts when there \
                         is one",
                        listed(&names)
                    ));
                }
            }
        }
        None => warnings.push(
            "the user database does not answer: whether the users and groups of [control] and [process] exist \
             cannot be said"
                .to_owned(),
        ),
    }
    let root = [Account::Id(0), Account::Name("root".to_owned())];
    let is_root =
        |(user, level): &&(Account, Level)| *level != Level::Management && root.contains(user);
    if let Some((user, _)) = levels.users.iter().find(is_root) {
        warnings.push(format!("[control]: users.{user} does nothing: root always has level 3"));
    }
    warnings
}

fn name(account: &Account) -> Option<String> {
    match account {
        Account::Id(_) => None,
        Account::Name(name) => Some(name.clone()),
    }
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(LISTED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > LISTED_MAX {
        text.push_str(&format!(" and {} more", names.len() - LISTED_MAX));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_control(text: &str) -> Vec<String> {
        let config = config::parse(text, Path::new("f")).unwrap();
        accounts(&config.control, config.process.user.as_ref())
    }

    #[test]
    fn a_file_whose_sessions_have_no_source_is_warned_of() {
        let warned = |text: &str| unused(&config::parse(text, Path::new("f")).unwrap());
        let session = "[[session]]\naddress = '10.1.1.1'\ntcp.connect-port = 1\n";
        let bgp = "[bgp]\nas = 1\nrouter-id = '1.1.1.1'\n";
        let neighbor = "[[bgp.neighbor]]\naddress = '10.0.0.2'\nremote-as = 1\n";
        let begins = |text: &str, expected: &[&str]| {
            let warned = warned(text);
            let fits = warned.len() == expected.len()
                && warned.iter().zip(expected).all(|(warning, begin)| warning.starts_with(begin));
            assert!(fits, "{text}\n{warned:?}");
        };
        begins("", &[]);
        begins(&[session, bgp, neighbor].concat(), &[]);
        begins(session, &["there are sessions and neither a [[bgp.neighbor]]"]);
        begins(&[session, bgp].concat(), &["there are sessions and neither a [[bgp.neighbor]]"]);
        let relay = "[relay]\n[[router]]\nname = 'a'\naddress = '10.0.0.2'\n";
        begins(&[session, relay].concat(), &[]);
        begins(&[bgp, neighbor].concat(), &["there is no [[session]]: "]);
        let deaf =
            [session, "[relay]\nlisten = []\n", relay.trim_start_matches("[relay]\n")].concat();
        begins(&deaf, &["bmpd waits for these routers to connect, and listens nowhere"]);
        let shut = [session, "shutdown = true\n", bgp, neighbor].concat();
        begins(&shut, &["every [[session]] is shut down"]);
        let closed = [session, bgp, "listen = []\n", neighbor, "passive = true\n"].concat();
        begins(&closed, &["bmpd waits for these neighbors to connect, and listens nowhere"]);
    }

    #[test]
    fn a_user_to_become_that_does_not_exist_is_warned_of_by_name_and_by_number() {
        assert_eq!(of_control("process.user = 'root'"), [""; 0]);
        for user in ["no-such-user", "4123456789"] {
            let warned = of_control(&format!("process.user = '{user}'"));
            let begin =
                format!("[process] user: this host has no user {user} now: bmpd does not start");
            assert!(warned.len() == 1 && warned[0].starts_with(&begin), "{warned:?}");
        }
    }

    #[test]
    fn accounts_that_do_not_exist_are_named_and_numbers_need_not_exist() {
        let good =
            "control.users = { daemon = 1, 4123456789 = 2, root = 3 }\ncontrol.group = 'root'\n";
        assert_eq!(of_control(good), [""; 0]);
        let missing = of_control(
            "control = { users = { no-such-a = 1, no-such-b = 2 }, group = 'no-such-group' }",
        );
        assert_eq!(
            missing,
            [
                "[control]: this host has no user no-such-a, no-such-b now: what is written of it counts \
                 when there is one",
                "[control]: this host has no group no-such-group now: what is written of it counts when there \
                 is one",
            ]
        );
        let root = of_control("control.users = { 0 = 1 }");
        assert_eq!(root, ["[control]: users.0 does nothing: root always has level 3"]);
    }
}
