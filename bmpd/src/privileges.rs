//! The privileges of bmpd: its user, and its capabilities (capabilities(7)).
//!
//! ```text
//!   started as root, [process] user ──> folder of the socket ──> user, its groups ─┐
//!   started as root, no user ──> everything is kept, with a warning                │
//!   started as non-root ────────────────────────────────────────────────────────────┴─> capabilities:
//!                          what the configuration needs, no other; none can be regained
//! ```
//!
//! This happens at the start, while there is one thread: capabilities belong to a thread, and a new thread inherits
//! them from the thread that creates it. Nothing is done as root that another user could exploit: of all the paths in
//! the configuration root creates one folder, if it is missing, without following a link. Sockets are created
//! afterwards, with the capabilities that are kept, as a reload may open them, too.
//!
//! TCP MD5, TCP-AO, DSCP, GTSM and the like need no capability; nor does binding to a device since Linux
//! 5.7. What is kept is therefore at most three: ports below 1024, network namespaces, and, for the addresses of
//! routers or devices on an old kernel, CAP_NET_RAW.
#![forbid(unsafe_code)]

use std::ffi::CString;
use std::fs;
use std::io;

use nix::unistd::{
    Gid, Group, Uid, User, getegid, geteuid, getgrouplist, setgroups, setresgid, setresuid,
};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs,
};

use crate::config::{self, Account, Config, Identity, Place, Source};
use crate::folder;
use crate::net;
use crate::net::capability::{Capability, Missing, note_dropped};

/// The first port that every user may bind, unless the host sets another one (ip(7), ip_unprivileged_port_start).
const UNPRIVILEGED_PORT_START: u16 = 1024;

/// The first Linux in which every user may bind an unbound socket to a device.
const DEVICES_FOR_ALL: (u32, u32) = (5, 7);

/// Why bmpd does not start.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// Only root can change the user.
    #[error(
        "[process] user is {user}, and only root can become another user: start bmpd as root or as {user}, or \
         remove the key"
    )]
    NotRoot {
        /// As configured.
        user: Account,
    },
    /// There is no such user.
    #[error("[process] user: this host has no user {user}: `useradd --system {user}` makes one")]
    NoUser {
        /// As configured.
        user: Account,
    },
    /// The name service has failed.
    #[error(
        "[process] user: the user database does not say who {user} is: {}",
        net::describe(error)
    )]
    Unknown {
        /// As configured.
        user: Account,
        /// The system's error.
        error: io::Error,
    },
    /// The system has refused a step.
    #[error("cannot {step}: {}", net::describe(error))]
    Refused {
        /// What was to be done.
        step: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// Another thread exists already.
    #[error("there is more than one thread already: only one of them would drop its capabilities")]
    Threads,
    /// Dropped privileges can be regained.
    #[error("the user was changed, but root privileges could be regained: bmpd exits")]
    NotForGood,
}

/// The first port that every user may bind here: container engines set 0. A network namespace of a VPN instance has a
/// setting of its own, so that with one of those the default applies.
fn unprivileged_port_start(config: &Config) -> u16 {
    let in_namespace =
        |instance: &config::VpnInstance| matches!(instance.place, Place::Namespace(_));
    if config.vpn_instances.iter().any(in_namespace) {
        return UNPRIVILEGED_PORT_START;
    }
    let set = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    set.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(UNPRIVILEGED_PORT_START)
}

/// The capabilities that a configuration needs, and why. Ports below `privileged_below` need one.
fn needs(config: &Config, privileged_below: u16) -> Vec<(Capability, String)> {
    let mut needs = Vec::new();
    let bgp = std::iter::once(None)
        .chain(config.vpn_instances.iter().map(|instance| Some(instance.name.clone())))
        .flat_map(|instance| config::listening(config, &instance))
        .map(|address| address.port());
    let stations = config.sessions.iter().flat_map(config::Session::listen_ports);
    let stations = stations.map(std::num::NonZeroU16::get);
    let routers = config::router_listeners(config).into_iter().map(|id| id.address.port());
    let http = config.http.listen.iter().map(|address| address.port());
    // 0 is a port that the system chooses.
    let mut ports = bgp.chain(stations).chain(routers).chain(http);
    if let Some(port) = ports.find(|port| (1..privileged_below).contains(port)) {
        needs.push((Capability::NetBindService, format!("listening at port {port}")));
    }
    for instance in &config.vpn_instances {
        if let Place::Namespace(path) = &instance.place {
            let what =
                format!("VPN instance {}: the network namespace {}", instance.name, path.display());
            needs.push((Capability::SysAdmin, what));
            break;
        }
    }
    let of_router = |session: &&config::Session| session.identity == Identity::RouterAddress;
    if let Some(session) = config.sessions.iter().find(of_router) {
        let what = format!("identity = \"source-address\" of the session {}", session.id);
        needs.push((Capability::NetRaw, what));
    }
    if !devices_are_for_all() {
        let of_instance = config.vpn_instances.iter().find_map(|instance| match &instance.place {
            Place::Device(device) => Some(device.clone()),
            Place::Public | Place::Namespace(_) => None,
        });
        let of_session = || {
            let sessions = config.sessions.iter().map(|session| &session.tcp.source);
            let routers = config.routers.iter().map(|router| &router.tcp.source);
            sessions.chain(routers).find_map(|source| match source {
                Some(Source::Interface(device)) => Some(device.clone()),
                Some(Source::Address(_)) | None => None,
            })
        };
        if let Some(device) = of_instance.or_else(of_session) {
            needs.push((Capability::NetRaw, format!("the device {device}")));
        }
    }
    needs
}

/// What a new configuration needs that was dropped; a sentence each, for the report of the reload.
pub(crate) fn lacking(config: &Config) -> Vec<String> {
    let has = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    let missing = needs(config, unprivileged_port_start(config))
        .into_iter()
        .filter(|(capability, _)| capability.was_dropped() && !has.contains(capability.set()));
    missing.map(|(capability, what)| format!("{what}: {}", Missing(capability))).collect()
}

/// The user ID of bmpd, and the names of its capabilities.
pub(crate) fn held() -> (u32, Vec<String>) {
    let effective = capabilities(None).map_or(CapabilitySet::empty(), |sets| sets.effective);
    let names = effective.iter_names().map(|(name, _)| format!("CAP_{name}")).collect();
    (geteuid().as_raw(), names)
}

/// Switches to the user of the configuration, and drops every capability that it does not need. To be called once,
/// before there is another thread. Returns warnings; a sentence each.
///
/// # Errors
///
/// The privileges could not be dropped; bmpd must not run.
pub fn drop_privileges(config: &Config) -> Result<Vec<String>, PrivilegeError> {
    let threads = fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 {
        return Err(PrivilegeError::Threads);
    }
    let mut warnings = Vec::new();
    let is_root = geteuid().is_root();
    match &config.process.user {
        None if is_root => warnings.push(
            "bmpd runs as root and keeps every capability: [process] user says whom it becomes"
                .to_owned(),
        ),
        None => keep(config, &mut warnings)?,
        Some(account) => {
            let user = look_up(account)?;
            if is_root && !user.uid.is_root() {
                become_user(&user, config)?;
                keep(config, &mut warnings)?;
                // Root must not be regained, whatever else has failed.
                if setresuid(Uid::from_raw(0), Uid::from_raw(0), Uid::from_raw(0)).is_ok() {
                    return Err(PrivilegeError::NotForGood);
                }
            } else if is_root {
                warnings.push("[process] user is root: bmpd keeps every capability".to_owned());
            } else if user.uid == geteuid() {
                keep(config, &mut warnings)?;
            } else {
                return Err(PrivilegeError::NotRoot { user: account.clone() });
            }
        }
    }
    refused("set no_new_privs", set_no_new_privs(true))?;
    // Excludes memory from core dumps, and from other processes of this user (ptrace(2)). Set last: every change of
    // user and capabilities resets it.
    refused("forbid core dumps", set_dumpable_behavior(DumpableBehavior::NotDumpable))?;
    Ok(warnings)
}

/// True if this kernel needs no capability for binding to a device.
fn devices_are_for_all() -> bool {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= DEVICES_FOR_ALL,
        _ => true,
    }
}

/// Blocks, as nothing runs yet. It must not create a thread.
fn look_up(account: &Account) -> Result<User, PrivilegeError> {
    let found = match account {
        Account::Id(uid) => User::from_uid(Uid::from_raw(*uid)),
        Account::Name(name) => User::from_name(name),
    };
    let found = found
        .map_err(|error| PrivilegeError::Unknown { user: account.clone(), error: error.into() })?;
    found.ok_or_else(|| PrivilegeError::NoUser { user: account.clone() })
}

/// Changes from root to the user and its groups, and keeps every permitted capability.
fn become_user(user: &User, config: &Config) -> Result<(), PrivilegeError> {
    if let Some(folder) = config.control.socket.parent() {
        let owner = Some((user.uid.as_raw(), user.gid.as_raw()));
        let made = folder::make(folder, owner);
        if let Some(made) = refused("make the folder of the control socket", made)? {
            // It belongs to the user, even if this start fails.
            made.keep();
        }
    }
    let name = CString::new(user.name.as_str()).map_err(io::Error::from);
    let name = refused("read the user's name", name)?;
    let groups = getgrouplist(&name, user.gid).map_err(io::Error::from);
    let mut groups = refused("list the user's groups", groups)?;
    // So that it can set the group of the socket (chown(2)). Nothing else belongs to that group.
    let group = config.control.group.as_ref().and_then(|group| match group {
        Account::Id(gid) => Some(Gid::from_raw(*gid)),
        Account::Name(name) => Group::from_name(name).ok().flatten().map(|group| group.gid),
    });
    groups.extend(group.filter(|group| !groups.contains(group) && group.as_raw() != 0));
    refused("keep capabilities over the change of user", set_keep_capabilities(true))?;
    // bmpd executes no program. If it ever did, the program would gain no capability, whatever its file allows.
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        match capability_is_in_bounding_set(one) {
            // It requires CAP_SETPCAP, which root in a container may lack; no_new_privs has the same effect.
            Ok(true) => drop(remove_capability_from_bounding_set(one)),
            Ok(false) => {}
            // Beyond the last capability of this kernel.
            Err(_) => break,
        }
    }
    let system = |done: nix::Result<()>| done.map_err(io::Error::from);
    refused("leave root's groups", system(setgroups(&groups)))?;
    refused("leave root's group", system(setresgid(user.gid, user.gid, user.gid)))?;
    refused("become the user", system(setresuid(user.uid, user.uid, user.uid)))?;
    refused("go on without root", set_keep_capabilities(false))?;
    match (geteuid() == user.uid, getegid() == user.gid) {
        (true, true) => Ok(()),
        _ => Err(PrivilegeError::NotForGood),
    }
}

/// Keeps of the permitted capabilities those that the configuration needs.
fn keep(config: &Config, warnings: &mut Vec<String>) -> Result<(), PrivilegeError> {
    let had = refused("read the capabilities", capabilities(None))?.permitted;
    let mut kept = CapabilitySet::empty();
    for (capability, what) in needs(config, unprivileged_port_start(config)) {
        match had.contains(capability.set()) {
            true => kept |= capability.set(),
            false => warnings.push(format!("{what}: {}", Missing(capability))),
        }
    }
    // The ambient set as well, which only executed programs would inherit.
    refused("clear the ambient set", clear_ambient_capability_set())?;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    refused("drop capabilities", set_capabilities(None, sets))?;
    note_dropped(had - kept);
    Ok(())
}

fn refused<T, E: Into<io::Error>>(
    step: &'static str,
    done: Result<T, E>,
) -> Result<T, PrivilegeError> {
    done.map_err(|error| PrivilegeError::Refused { step, error: error.into() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn needed(text: &str) -> Vec<Capability> {
        let config = config::parse(text, Path::new("f")).unwrap();
        needs(&config, UNPRIVILEGED_PORT_START)
            .into_iter()
            .map(|(capability, _)| capability)
            .collect()
    }

    const BGP: &str = "bgp = { as = 1, router-id = '1.1.1.1', listen = ";

    #[test]
    fn a_configuration_needs_what_it_uses_and_nothing_else() {
        assert_eq!(needed(""), []);
        assert_eq!(needed(&format!("{BGP}['[::]:179'] }}")), [Capability::NetBindService]);
        assert_eq!(needed(&format!("{BGP}['[::]:1179', '0.0.0.0:1180'] }}")), []);
        let station = "session = [{ address = '10.1.1.1', mode = 'passive', tcp = { listen-port = ";
        assert_eq!(needed(&format!("{station}1023 }} }}]")), [Capability::NetBindService]);
        let md5 = format!("{station}11019, md5.key = 'k', dscp = 9 }} }}]");
        assert_eq!(needed(&md5), []);
        let active = "session = [{ address = '10.1.1.1', tcp = { connect-port = 179 } }]";
        assert_eq!(needed(active), []);

        let netns = "vpn-instance = [{ name = 'blue', netns = 'blue' }]\n";
        assert_eq!(needed(netns), [Capability::SysAdmin]);
        // bmpd listens in it only if it has neighbors.
        let neighbor =
            ", neighbor = [{ address = '10.1.1.2', remote-as = 1, vpn-instance = 'blue' }]";
        let both = [Capability::NetBindService, Capability::SysAdmin];
        assert_eq!(needed(&format!("{netns}{BGP}[]{neighbor} }}")), both);
        // If the kernel of the test is new enough.
        let device = "vpn-instance = [{ name = 'red', device = 'vrf-red' }]";
        let expected: &[Capability] =
            if devices_are_for_all() { &[] } else { &[Capability::NetRaw] };
        assert_eq!(needed(device), expected);
    }

    #[test]
    fn a_port_that_every_user_may_bind_needs_no_capability() {
        let config = config::parse(&format!("{BGP}['[::]:179'] }}"), Path::new("f")).unwrap();
        let count = |privileged_below| needs(&config, privileged_below).len();
        assert_eq!([count(0), count(179), count(180)], [0, 0, 1]);
    }

    #[test]
    fn nothing_is_lacking_where_nothing_was_dropped() {
        let config =
            config::parse("vpn-instance = [{ name = 'blue', netns = 'blue' }]", Path::new("f"));
        assert_eq!(lacking(&config.unwrap()), [""; 0]);
        let text = Missing(Capability::SysAdmin).to_string();
        assert_eq!(text, "bmpd needs CAP_SYS_ADMIN for it (capabilities(7))");
    }
}
