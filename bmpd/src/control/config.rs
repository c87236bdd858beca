//! `show config`: what runs, and beside it what is configured and waits.
//!
//! The file says what is configured. What a session runs with is in its task, and what bmpd as a whole
//! was started with is in the world; where they differ the setting is pending.

use shared::names::{Selector, SessionId};
use shared::request::Level;
use shared::response::{ConfigReport, ConfigSection, ConfigValue, Response, Setting, Until};

use super::show;
use crate::bgp;
use crate::config::setting::{self, Effect, integer, list, path, text};
use crate::config::{
    Account, Bmp, Config, Control, Http, Levels, Place, Process, VpnInstance, route_distinguisher,
};
use crate::daemon::World;
use crate::session::{Sets, bmp_settings, session_settings};

/// Tells the configuration in effect.
pub(super) async fn run(world: &World) -> Response {
    let config = world.config();
    // One that a reload has ended since is gone.
    let sessions = config.sessions.iter().filter_map(|session| world.session(&session.id));
    let sets = show::all(sessions.map(|s| async move { s.sets().await })).await;
    let sets: Vec<Sets> = sets.into_iter().flatten().collect();
    let mut sections = vec![bmp(&config.bmp, &sets)];
    sections.extend(sets.iter().map(session));
    sections.extend(config.vpn_instances.iter().map(|instance| vpn_instance(instance, &sets)));
    sections.extend(neighbors(&config));
    sections.push(control(&config.control, &world.control_configured()));
    sections.extend(process(&config.process, &world.process_configured()));
    sections.extend(http(&config.http, &world.http_configured()));
    let file = world.config_path().display().to_string();
    Response::Config(ConfigReport {
        file,
        refused_reload: world.refused_reload(),
        file_differs: world.file_differs().await,
        sections,
    })
}

fn section(name: &str, repeated: bool, settings: Vec<Setting>) -> ConfigSection {
    ConfigSection { name: name.to_owned(), repeated, settings }
}

/// What makes effective what waits in these sessions.
fn reset<'a>(waiting: impl IntoIterator<Item = &'a SessionId>, all: Selector) -> Until {
    let mut waiting = waiting.into_iter();
    match (waiting.next(), waiting.next()) {
        (Some(one), None) => Until::Reset(Selector::One(one.clone())),
        _ => Until::Reset(all),
    }
}

/// `[bmp]`: a session tells its station the names once, with the Initiation.
fn bmp(configured: &Bmp, sets: &[Sets]) -> ConfigSection {
    let names = |bmp: &Bmp| (bmp.system_name.clone(), bmp.system_description.clone());
    let waits = |set: &&Sets| names(&set.running.bmp) != names(&set.configured.bmp);
    let waiting = || sets.iter().filter(waits);
    let until =
        reset(waiting().map(|set| &set.running.session.id), Selector::All { vpn_instance: None });
    let (running, configured) = match waiting().next() {
        Some(set) => (&set.running.bmp, &set.configured.bmp),
        None => (configured, configured),
    };
    let settings =
        setting::report(bmp_settings(running).to_vec(), bmp_settings(configured).to_vec(), &until);
    section("bmp", false, settings)
}

fn session(Sets { running, configured }: &Sets) -> ConfigSection {
    let until = Until::Reset(Selector::One(running.session.id.clone()));
    let (running, configured) =
        (session_settings(&running.session), session_settings(&configured.session));
    section("session", true, setting::report(running, configured, &until))
}

/// `[[vpn-instance]]`. Neighbors have moved with a reload; a session that is up stays where it is.
fn vpn_instance(instance: &VpnInstance, sets: &[Sets]) -> ConfigSection {
    let waits = |set: &&Sets| {
        let (running, configured) = (&set.running.session, &set.configured.session);
        running.id.vpn_instance.as_ref() == Some(&instance.name)
            && running.place != configured.place
    };
    let waiting = || sets.iter().filter(waits);
    let until = reset(
        waiting().map(|set| &set.running.session.id),
        Selector::All { vpn_instance: Some(instance.name.clone()) },
    );
    let (running, configured) = match waiting().next() {
        Some(set) => (&set.running.session.place, &set.configured.session.place),
        None => (&instance.place, &instance.place),
    };
    let settings = setting::report(
        instance_settings(instance, running),
        instance_settings(instance, configured),
        &until,
    );
    section("vpn-instance", true, settings)
}

/// The keys of `[[vpn-instance]]`, which stands for this place.
fn instance_settings(instance: &VpnInstance, place: &Place) -> Vec<setting::Setting> {
    let one = |key, value| setting::Setting::new(key, Effect::Connection, value);
    let (device, netns): (Option<ConfigValue>, Option<ConfigValue>) = match place {
        Place::Public => (None, None),
        Place::Device(device) => (text(device), None),
        Place::Namespace(netns) => (None, path(netns)),
    };
    let distinguisher = instance.route_distinguisher.map(route_distinguisher);
    vec![
        one("name", text(&instance.name)),
        one("device", device),
        one("netns", netns),
        one("route-distinguisher", distinguisher.and_then(text)),
        one("listen", list(&instance.listen)),
    ]
}

/// `[bgp]` and each `[[bgp.neighbor]]`. A reload puts all of it into effect.
fn neighbors(config: &Config) -> Vec<ConfigSection> {
    let Some(bgp) = &config.bgp else { return Vec::new() };
    let mut common = bgp::common_settings(bgp.asn, bgp.router_id).to_vec();
    common.push(setting::Setting::new("listen", Effect::Connection, list(&bgp.listen)));
    common.push(bgp::memory_limit(bgp.memory_limit));
    common.extend(bgp::pending_settings(bgp.pending));
    let common = section("bgp", false, setting::in_effect(common));
    let neighbors = bgp
        .neighbors
        .iter()
        .map(|neighbor| section("bgp.neighbor", true, setting::in_effect(bgp::settings(neighbor))));
    std::iter::once(common).chain(neighbors).collect()
}

/// `[control]`: the socket and its limits are made once, when bmpd starts; levels follow every reload.
fn control(running: &Control, configured: &Control) -> ConfigSection {
    let settings =
        setting::report(control_settings(running), control_settings(configured), &Until::Restart);
    section("control", false, settings)
}

/// The keys of `[control]`.
fn control_settings(control: &Control) -> Vec<setting::Setting> {
    let Control { socket, group, levels, clients } = control;
    let Levels { users, groups, others } = levels;
    let running = |key, value| setting::Setting::new(key, Effect::Running, value);
    let at_start = |key, value| setting::Setting::new(key, Effect::Connection, value);
    vec![
        at_start("socket", path(socket)),
        at_start("group", group.as_ref().and_then(text)),
        running("users", accounts(users)),
        running("groups", accounts(groups)),
        running("others", integer(others.number())),
        at_start("maximum-clients", integer(clients.all)),
        at_start("maximum-clients-per-user", integer(clients.per_user)),
        at_start("maximum-monitors", integer(clients.monitors)),
        at_start("maximum-monitors-per-user", integer(clients.monitors_per_user)),
    ]
}

/// `[process]`, if there is something in it: whom bmpd runs as is settled when it starts.
fn process(running: &Process, configured: &Process) -> Option<ConfigSection> {
    let user = |process: &Process| {
        let user = process.user.as_ref().and_then(text);
        vec![setting::Setting::new("user", Effect::Connection, user)]
    };
    let settings = setting::report(user(running), user(configured), &Until::Restart);
    let is_there = running.user.is_some() || configured.user.is_some();
    is_there.then(|| section("process", false, settings))
}

/// `[http]`, if there is something in it: where bmpd listens is settled when it starts.
fn http(running: &Http, configured: &Http) -> Option<ConfigSection> {
    let settings = |http: &Http| {
        let at_start = |key, value| setting::Setting::new(key, Effect::Connection, value);
        vec![
            at_start("listen", list(&http.listen)),
            at_start("maximum-connections", integer(http.connections)),
        ]
    };
    let is_there = !(running.listen.is_empty() && configured.listen.is_empty());
    let settings = setting::report(settings(running), settings(configured), &Until::Restart);
    is_there.then(|| section("http", false, settings))
}

/// Users or groups with their levels; `None` if there are none.
fn accounts(levels: &[(Account, Level)]) -> Option<ConfigValue> {
    let entry = |(account, level): &(Account, Level)| {
        let name = match account {
            Account::Id(id) => id.to_string(),
            Account::Name(name) => name.clone(),
        };
        (name, ConfigValue::Integer(level.number().into()))
    };
    (!levels.is_empty()).then(|| ConfigValue::Table(levels.iter().map(entry).collect()))
}
