//! `show config`: the values in use, and beside them configured ones that are pending.
//!
//! The file has what is configured. What a session runs with is in its task, and what bmpd as a whole was started with
//! is in the world; where they differ the setting is pending.

use std::collections::HashMap;

use shared::frame::FrameError;
use shared::names::{Selector, SessionId, VpnInstanceName};
use shared::response::{ConfigReport, ConfigSection, ConfigSetting, ConfigValue, Response, Until};

use super::answer::{Answer, PART};
use crate::config::setting::{self, Effect, bmp_settings, list, path, text};
use crate::config::{
    self, Bmp, Config, Control, Http, Place, Process, VpnInstance, route_distinguisher,
};
use crate::sinks::kafka::{self, publisher_settings};
use crate::sinks::station::{Sets, session_settings};
use crate::sources::bgp;
use crate::sources::bmp::changes as bmp_source;
use crate::world::{World, all, control_settings, http_settings, process_settings};

/// A table of the configuration; those of a list by their index.
#[derive(Debug, Clone, Copy)]
enum Table {
    Bmp,
    Session(usize),
    Publisher(usize),
    VpnInstance(usize),
    Bgp,
    Neighbor(usize),
    Relay,
    Router(usize),
    /// `[control]`, `[process]` and `[http]`.
    Daemon,
}

/// Sends the configuration in effect.
pub(super) async fn run(world: &World, answer: &Answer<'_>) -> Result<(), FrameError> {
    let config = world.config();
    // What is pending in some session is shown in the tables that all of them share.
    let mut waiting = Waiting::default();
    for some in config.sessions.chunks(PART) {
        answer.prepare(async { waiting.add(&sets(some, world).await) }).await;
    }
    for some in config.publishers.chunks(PART) {
        answer.prepare(async { waiting.add_publishers(&publisher_sets(some, world).await) }).await;
    }
    let neighbors = config.bgp.as_ref().map_or(0, |bgp| bgp.neighbors.len());
    let tables = std::iter::once(Table::Bmp)
        .chain((0..config.sessions.len()).map(Table::Session))
        .chain((0..config.publishers.len()).map(Table::Publisher))
        .chain((0..config.vpn_instances.len()).map(Table::VpnInstance))
        .chain(config.bgp.is_some().then_some(Table::Bgp))
        .chain((0..neighbors).map(Table::Neighbor))
        .chain(config.relay.is_some().then_some(Table::Relay))
        .chain((0..config.routers.len()).map(Table::Router))
        .chain([Table::Daemon]);
    // Once for all parts; the first one reports it.
    let mut file_differs = None;
    answer.prepare(async { file_differs = world.file_differs().await }).await;
    answer.parts(tables, |some| part(some, &config, &waiting, file_differs, world)).await
}

/// A part of the report: these tables, in their order.
async fn part(
    tables: Vec<Table>,
    config: &Config,
    waiting: &Waiting,
    file_differs: Option<bool>,
    world: &World,
) -> Response {
    let mut sections = Vec::with_capacity(tables.len());
    let mut rest = tables.into_iter().peekable();
    while let Some(table) = rest.next() {
        match table {
            Table::Bmp => sections.push(bmp(&config.bmp, &waiting.bmp)),
            Table::Session(first) => {
                // All that follow are queried at once.
                let mut end = first + 1;
                while rest.next_if(|table| matches!(table, Table::Session(_))).is_some() {
                    end += 1;
                }
                let sets = sets(&config.sessions[first..end], world).await;
                sections.extend(sets.iter().map(session));
            }
            Table::Publisher(first) => {
                let mut end = first + 1;
                while rest.next_if(|table| matches!(table, Table::Publisher(_))).is_some() {
                    end += 1;
                }
                let sets = publisher_sets(&config.publishers[first..end], world).await;
                sections.extend(sets.iter().map(publisher));
            }
            Table::VpnInstance(rank) => {
                let instance = &config.vpn_instances[rank];
                sections.push(vpn_instance(instance, waiting.places.get(&instance.name)));
            }
            Table::Bgp => sections.extend(config.bgp.as_ref().map(bgp_section)),
            Table::Neighbor(rank) => {
                let neighbor = config.bgp.as_ref().and_then(|bgp| bgp.neighbors.get(rank));
                sections.extend(neighbor.map(|neighbor| {
                    section("bgp.neighbor", true, setting::in_effect(bgp::settings(neighbor)))
                }));
            }
            Table::Relay => sections.extend(config.relay.as_ref().map(relay_section)),
            Table::Router(rank) => {
                sections.extend(config.routers.get(rank).map(|router| {
                    section("router", true, setting::in_effect(bmp_source::settings(router)))
                }));
            }
            Table::Daemon => {
                sections.push(control(&config.control, &world.control_configured()));
                sections.extend(process(&config.process, &world.process_configured()));
                sections.extend(http(&config.http, &world.http_configured()));
            }
        }
    }
    let file = world.config_path().display().to_string();
    let included = config.included.iter().map(|path| path.display().to_string()).collect();
    Response::Config(ConfigReport {
        file,
        included,
        refused_reload: world.refused_reload(),
        file_differs,
        sections,
    })
}

/// What these sessions run with, without those that a reload has ended since.
async fn sets(sessions: &[config::Session], world: &World) -> Vec<Sets> {
    let sessions = sessions.iter().filter_map(|session| world.session(&session.id));
    let sets = all(sessions.map(|session| async move { session.sets().await })).await;
    sets.into_iter().flatten().collect()
}

/// The same for publishers.
async fn publisher_sets(publishers: &[config::Publisher], world: &World) -> Vec<kafka::Sets> {
    let running = world.publishers.lock().clone();
    let is_of = |one: &config::Publisher| running.iter().find(|found| *found.name() == one.name);
    let found: Vec<_> = publishers.iter().filter_map(is_of).collect();
    let sets = all(found.into_iter().map(kafka::Publisher::sets)).await;
    sets.into_iter().flatten().collect()
}

/// The values in use of the tables that sessions and publishers share, where another value is configured.
#[derive(Debug, Default)]
struct Waiting {
    bmp: Option<Pair<Bmp>>,
    places: HashMap<VpnInstanceName, Pair<Place>>,
}

/// The values of the first pending session or publisher.
#[derive(Debug)]
struct Pair<T> {
    running: T,
    configured: T,
    /// The reset of that one.
    reset: Until,
    /// True if it is not the only one.
    others: bool,
}

impl<T> Pair<T> {
    /// What puts pending values into effect.
    fn until(&self, all: Selector) -> Until {
        match &self.reset {
            reset if !self.others => reset.clone(),
            Until::ResetPublisher(_) => Until::ResetPublisher(None),
            Until::Reset(_) | Until::Restart => Until::Reset(all),
        }
    }
}

impl Waiting {
    /// Adds what is pending in these sessions.
    fn add(&mut self, sets: &[Sets]) {
        for Sets { running, configured } in sets {
            let id = &running.session.id;
            let reset = |id: &SessionId| Until::Reset(Selector::One(id.clone()));
            if names(&running.bmp) != names(&configured.bmp) {
                let pair = self.bmp.take();
                self.bmp = Some(Self::first(pair, &running.bmp, &configured.bmp, reset(id)));
            }
            let (old, new) = (&running.session.place, &configured.session.place);
            if let Some(name) = id.vpn_instance.as_ref().filter(|_| old != new) {
                let pair = self.places.remove(name);
                self.places.insert(name.clone(), Self::first(pair, old, new, reset(id)));
            }
        }
    }

    /// Adds what is pending in these publishers; what is pending in a session, too, is shown as that.
    fn add_publishers(&mut self, sets: &[kafka::Sets]) {
        for kafka::Sets { running, configured } in sets {
            let of_session =
                self.bmp.as_ref().is_some_and(|pair| matches!(pair.reset, Until::Reset(_)));
            if !of_session && names(&running.bmp) != names(&configured.bmp) {
                let reset = Until::ResetPublisher(Some(running.publisher.name.clone()));
                let pair = self.bmp.take();
                self.bmp = Some(Self::first(pair, &running.bmp, &configured.bmp, reset));
            }
        }
    }

    fn first<T: Clone>(
        before: Option<Pair<T>>,
        running: &T,
        configured: &T,
        reset: Until,
    ) -> Pair<T> {
        match before {
            Some(first) => Pair { others: true, ..first },
            None => Pair {
                running: running.clone(),
                configured: configured.clone(),
                reset,
                others: false,
            },
        }
    }
}

/// What each Initiation has.
fn names(bmp: &Bmp) -> (&str, &str) {
    (&bmp.system_name, &bmp.system_description)
}

fn section(name: &str, repeated: bool, settings: Vec<ConfigSetting>) -> ConfigSection {
    ConfigSection { name: name.to_owned(), repeated, settings }
}

/// `[bmp]`: sessions and publishers send the names once, with the Initiation.
fn bmp(configured: &Bmp, waiting: &Option<Pair<Bmp>>) -> ConfigSection {
    let all = Selector::All { vpn_instance: None };
    let (running, configured, until) = match waiting {
        Some(pair) => (&pair.running, &pair.configured, pair.until(all)),
        None => (configured, configured, Until::Reset(all)),
    };
    let settings =
        setting::report(bmp_settings(running).to_vec(), bmp_settings(configured).to_vec(), &until);
    section("bmp", false, settings)
}

fn publisher(kafka::Sets { running, configured }: &kafka::Sets) -> ConfigSection {
    let until = Until::ResetPublisher(Some(running.publisher.name.clone()));
    let (running, configured) =
        (publisher_settings(&running.publisher), publisher_settings(&configured.publisher));
    section("publisher", true, setting::report(running, configured, &until))
}

fn session(Sets { running, configured }: &Sets) -> ConfigSection {
    let until = Until::Reset(Selector::One(running.session.id.clone()));
    let (running, configured) =
        (session_settings(&running.session), session_settings(&configured.session));
    section("session", true, setting::report(running, configured, &until))
}

/// `[[vpn-instance]]`. A reload moves neighbors at once; a session that is up stays where it is.
fn vpn_instance(instance: &VpnInstance, waiting: Option<&Pair<Place>>) -> ConfigSection {
    let all = Selector::All { vpn_instance: Some(instance.name.clone()) };
    let (running, configured, until) = match waiting {
        Some(pair) => (&pair.running, &pair.configured, pair.until(all)),
        None => (&instance.place, &instance.place, Until::Reset(all)),
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

/// `[bgp]`. A reload puts all of it into effect, and `[[bgp.neighbor]]` as well.
fn bgp_section(bgp: &config::Bgp) -> ConfigSection {
    let mut common = bgp::common_settings(bgp.asn, bgp.router_id).to_vec();
    common.push(setting::Setting::new("listen", Effect::Connection, list(&bgp.listen)));
    common.push(bgp::memory_limit(bgp.memory_limit));
    common.extend(bgp::pending_settings(bgp.pending));
    section("bgp", false, setting::in_effect(common))
}

/// `[relay]`. A reload puts all of it into effect, and `[[router]]` as well.
fn relay_section(relay: &config::Relay) -> ConfigSection {
    let mut common = vec![setting::Setting::new("listen", Effect::Connection, list(&relay.listen))];
    common.push(bmp_source::memory_limit(relay.memory_limit));
    common.extend(bmp_source::pending_settings(relay.pending));
    common.push(bmp_source::proxies(&relay.proxies));
    section("relay", false, setting::in_effect(common))
}

/// `[control]`: the socket and its limits are set once, when bmpd starts; levels follow every reload.
fn control(running: &Control, configured: &Control) -> ConfigSection {
    let settings =
        setting::report(control_settings(running), control_settings(configured), &Until::Restart);
    section("control", false, settings)
}

/// `[process]`, if there is something in it: bmpd's user is fixed when it starts.
fn process(running: &Process, configured: &Process) -> Option<ConfigSection> {
    let settings =
        setting::report(process_settings(running), process_settings(configured), &Until::Restart);
    let is_there = running.user.is_some() || configured.user.is_some();
    is_there.then(|| section("process", false, settings))
}

/// `[http]`, if there is something in it: where bmpd listens is fixed when it starts.
fn http(running: &Http, configured: &Http) -> Option<ConfigSection> {
    let is_there = !(running.listen.is_empty() && configured.listen.is_empty());
    let settings =
        setting::report(http_settings(running), http_settings(configured), &Until::Restart);
    is_there.then(|| section("http", false, settings))
}
