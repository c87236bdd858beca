//! The words and options as clap reads them, and what they mean together.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand};
use shared::names::{Alias, NeighborId, PublisherName, RouterId, Selector, VpnInstanceName};
use shared::request::{
    self, About, Begin, CheckSubject, Condition, CountBy, EventFilter, FAMILIES, OneOrAll,
    PrefixMatch, ShowEvents, ShowRoutes, Since, VIEWS, WantedPrefix, WhichEvents, WhichInstances,
    WhichLegs, WhichNeighbors, WhichPublishers, WhichRouters, WhichSessions,
};
use shared::response::SessionState;
use shared::time::Span;

use super::deferred::Deferred;
use super::global::Global;
use super::invocation::{Command, Form, Goal};
use super::manual;
use super::values::{
    LevelTarget, NeighborTarget, PrefixTarget, PublisherTarget, RouterTarget, Target, count_by,
    goal, interval, lasted, log_level, named, select, session_state, since, up_to_a_day,
    up_to_an_hour,
};

/// Admin command of bmpd, the BMP agent
///
/// It asks the bmpd that runs on this machine over its local socket, with --host that of another one by ssh: it resets
/// BMP sessions, applies the configuration file, and shows what there is. It starts, asks, prints the answer and ends.
#[derive(Debug, Parser)]
#[command(name = "bmpctl", version, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_subcommands = true)]
pub(super) struct Raw {
    #[command(flatten)]
    global: Global,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Reset BMP sessions, the BMP connections of routers, or publishers
    ///
    /// A session is reset towards its station, a router towards bmpd, a publisher towards its brokers. There are two spellings of a reset of sessions
    /// with one meaning: bmpctl's own, and that of the routers' manual.
    #[command(subcommand, arg_required_else_help = true)]
    Reset(Deferred<Reset>),
    /// Apply the configuration file: add, change and remove what differs from what runs
    ///
    /// bmpd reads the file and checks all of it; a bad file changes nothing. Sessions, neighbors, routers and
    /// publishers that are new are started, those that were removed are stopped, and parameters that can change at run time are
    /// applied. A session that runs is not interrupted: parameters of its connection wait for `reset session`, and
    /// `show session` lists them as pending; those of a publisher wait for `reset publisher`. A neighbor whose BGP session needs other parameters is restarted. SIGHUP
    /// does the same.
    Reload(Deferred<Reload>),
    /// Show sessions, routers, publishers, neighbors, events, VPN instances, the configuration, bmpd itself
    ///
    /// Nothing is changed. Tables fold to the width of the terminal; `--json` has everything.
    #[command(arg_required_else_help = true)]
    Show(Deferred<Show>),
    /// Find out what keeps a session, a neighbor or a router from coming up
    ///
    /// One line for each thing that was looked at: ok, or what is wrong with what to do. Nothing is changed. Exit code 1
    /// says that something is wrong.
    #[command(subcommand, arg_required_else_help = true)]
    Check(Deferred<Check>),
    /// Wait until sessions are synchronised, up or down
    ///
    /// Nothing is changed. A reset waits with its own option: `reset session --wait`.
    #[command(subcommand, arg_required_else_help = true)]
    Wait(Deferred<Wait>),
    /// Print what happens as it happens: changes of sessions, routers, neighbors, publishers; commands, reloads
    ///
    /// One line an event, with `--json` one JSON document a line. It goes on until it is interrupted (Ctrl-C) or until bmpd stops (exit code 5). If the reader is too slow events are lost, and the next line says how
    /// many; bmpd never waits for it. It begins with the next event, or with older ones: `--after` continues without a gap
    /// where `show event` or another monitor has ended.
    Monitor(Deferred<Events>),
    /// Check a configuration file, or look up what a key of it means
    ///
    /// The file that is in effect is shown by `show config`; `reload` applies the file as it is.
    #[command(subcommand, arg_required_else_help = true)]
    Config(Deferred<Config>),
    /// Reset counters
    ///
    /// Connections are not touched, and nothing is sent to a station.
    #[command(subcommand, arg_required_else_help = true)]
    Clear(Deferred<Clear>),
    /// Show or set how much bmpd logs
    ///
    /// It is set while bmpd runs: no connection is touched, and the file is not changed.
    #[command(subcommand, arg_required_else_help = true)]
    Log(Deferred<Log>),
    /// Show BMP sessions in the words and the layout of routers
    ///
    /// For those who know the command of the routers. `show session` has more.
    #[command(subcommand, arg_required_else_help = true)]
    Display(Deferred<Display>),
}

// Not documentation: clap would take it for the help of the command.
#[derive(Debug, Args)]
struct Nothing {}

#[derive(Debug, Args)]
struct Reload {
    /// Print what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Subcommand)]
enum Reset {
    /// Reset BMP sessions: apply the configured parameters, connect again, send everything again
    ///
    /// The configuration file is read again. If it is bad, nothing is touched. Otherwise each selected
    /// session ends its connection, takes its parameters from the file, connects at once and sends all
    /// routes again. Other sessions are not touched. `all` skips sessions that are shut down in the
    /// configuration, and names them. A session that is sent several routers has a leg for each of them, a
    /// connection of its own; all of its legs are reset, with `--router` only one. The command ends when the new
    /// connections are under way, with `--wait` when everything was sent.
    #[command(arg_required_else_help = true)]
    Session(Deferred<ResetSession>),
    /// Reset the BMP connections of routers: each sends everything anew
    ///
    /// bmpd ends its connection with the router. On the next one the router sends all that it has: its peers, their
    /// routes, its statistics. This costs the router as much as its first connection did; to send everything to a
    /// station again, use `reset session`, which the router does not notice. `local`, bmpd itself, has no such
    /// connection and cannot be reset.
    #[command(arg_required_else_help = true)]
    Router(Deferred<ResetRouter>),
    /// Reset publishers: apply the configured parameters, and publish everything again
    ///
    /// The configuration file is read again. If it is bad, nothing is touched. Otherwise each selected publisher
    /// takes its parameters from the file, starts a new producer, and publishes all routes of its routers again, as
    /// a new generation of each. Sessions, routers and other publishers are not touched. `all` skips publishers
    /// that are shut down in the configuration, and names them. With `--router` only the generation of that router
    /// is a new one, and the producer goes on. The command ends when the new generations have begun, with `--wait`
    /// when brokers have acknowledged all of them.
    #[command(arg_required_else_help = true)]
    Publisher(Deferred<ResetPublisher>),
    /// Reset BMP sessions, in the grammar of the routers' manual
    ///
    /// It does what `reset session` does, and a command of the manual can be pasted behind `bmpctl`.
    #[command(subcommand, arg_required_else_help = true)]
    Bmp(Deferred<ResetBmp>),
}

#[derive(Debug, Args)]
struct ResetSession {
    /// The VPN instance [default: the public one for an address, every one for `all`]
    ///
    /// Its name has 1 to 31 characters, upper and lower case being different.
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// The stations' addresses (IPv4 or IPv6), or `all` sessions
    #[arg(value_name = "ADDRESS|all", required = true, num_args = 1..)]
    target: Vec<Target>,

    /// The alias of the session; without it an address means the session without alias
    ///
    /// Aliases distinguish several sessions with one station. One has 1 to 31 characters, upper and lower
    /// case being different; quote it if there are spaces in it.
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,

    #[command(flatten)]
    condition: ConditionOptions,

    /// Only the leg that carries this router [default: every leg of a session]
    ///
    /// `show router` lists the names; `local` is bmpd itself with its BGP neighbors. The legs that carry other routers
    /// are not touched, and the router does not notice: bmpd sends what it keeps of it.
    #[arg(long, value_name = "NAME", value_parser = named::<RouterId>(), allow_hyphen_values = true)]
    router: Option<RouterId>,

    /// Reset one after another with this time between two, 1ms to 60m [default: all at once]
    ///
    /// The time is a number of seconds, or has units: 500ms, 2s, 1m30s. Stations and collectors have time to
    /// absorb a table before the next one comes. bmpd goes on also if the command is ended before it is
    /// through: `show status` lists such resets. A newer reset supersedes an older one for the sessions that it has
    /// not reached yet, and resets those first. A reset ends when a reload takes the level of its caller.
    #[arg(long, value_name = "DURATION", value_parser = up_to_an_hour)]
    stagger: Option<Duration>,

    /// Wait until every session is synchronised, at most this long after the last reset, 1ms to 24h [default: 5m]
    ///
    /// `--wait 90s` is the same as `--wait=90s`; the time is a number of seconds, or has units: 90s, 1m30s. A session is synchronised when its
    /// station has been sent every route. On a terminal the progress is shown, elsewhere a line for each
    /// change. With `--stagger` the time begins when the last session has been reset. When it is over the command ends with exit code 6 and says what was reached, with 1 if a
    /// session could not be reset at all. A leg whose router is not connected has nothing to send and is not waited
    /// for. Ctrl-C ends the waiting, not the reset.
    #[arg(long, value_name = "DURATION", value_parser = up_to_a_day, num_args = 0..=1, require_equals = true, default_missing_value = "5m")]
    wait: Option<Duration>,

    /// Print what a reset would do, and do nothing
    ///
    /// The configuration file is read, and what is different in it is listed for each session. With `--stagger`
    /// it says how far apart the sessions would be.
    #[arg(long)]
    dry_run: bool,

    /// Ask before anything is done
    ///
    /// It says how many sessions and routes it is about and reads an answer from standard input; anything other than `y` or
    /// `yes` ends the command with exit code 1, and nothing is reset.
    #[arg(long, conflicts_with_all = ["dry_run", "json", "quiet"])]
    confirm: bool,
}

#[derive(Debug, Args)]
struct ResetRouter {
    /// The router's name, or `all` routers
    ///
    /// Its name has 1 to 63 characters, upper and lower case being different; quote it if there are spaces in it.
    #[arg(value_name = "NAME|all")]
    router: RouterTarget,
}

#[derive(Debug, Args)]
struct ResetPublisher {
    /// The publisher's name, or `all` publishers
    ///
    /// Its name has 1 to 31 characters, upper and lower case being different; quote it if there are spaces in it.
    #[arg(value_name = "NAME|all")]
    publisher: PublisherTarget,

    /// Only what is published of this router [default: every router]
    ///
    /// `show router` lists the names; `local` is bmpd itself with its BGP neighbors. The parameters and the producer
    /// of the publisher stay as they are, and the router does not notice: bmpd sends what it keeps of it.
    #[arg(long, value_name = "NAME", value_parser = named::<RouterId>(), allow_hyphen_values = true)]
    router: Option<RouterId>,

    /// Reset one after another with this time between two, 1ms to 60m [default: all at once]
    ///
    /// The time is a number of seconds, or has units: 500ms, 2s, 1m30s. bmpctl sends the resets itself, each one after
    /// the one before was answered: publishers whose turn has not come when the command is interrupted are not reset.
    #[arg(long, value_name = "DURATION", value_parser = up_to_an_hour)]
    stagger: Option<Duration>,

    /// Wait until every publisher is synchronised, at most this long after the last reset, 1ms to 24h [default: 5m]
    ///
    /// `--wait 90s` is the same as `--wait=90s`; the time is a number of seconds, or has units: 90s, 1m30s. A publisher is synchronised when brokers have
    /// acknowledged every route of the generations that began with the reset. On a terminal the progress is shown,
    /// elsewhere a line for each change. When the time is over the command ends with exit code 6 and says what was
    /// reached, with 1 if a publisher could not be reset at all. A router that leaves meanwhile has nothing to send and
    /// is not waited for. Ctrl-C ends the waiting, not the reset.
    #[arg(long, value_name = "DURATION", value_parser = up_to_a_day, num_args = 0..=1, require_equals = true, default_missing_value = "5m")]
    wait: Option<Duration>,

    /// Print what a reset would do, and do nothing
    ///
    /// The configuration file is read, and what is different in it is listed for each publisher. With `--stagger`
    /// it says how far apart the publishers would be.
    #[arg(long)]
    dry_run: bool,
}

const MANUAL_RESET_USAGE: &str = "bmpctl reset bmp session [vpn-instance NAME] {ADDRESS | all}\n       \
     bmpctl reset bmp session [vpn-instance NAME] ADDRESS alias NAME";

#[derive(Debug, Subcommand)]
enum ResetBmp {
    /// Reset BMP sessions, in the grammar of the routers' manual
    ///
    /// It does what `reset session` does: the configuration file is read again, and each selected session
    /// ends its connection, connects at once and sends all routes again. Names with spaces are quoted.
    #[command(arg_required_else_help = true, override_usage = MANUAL_RESET_USAGE)]
    Session(Deferred<ManualReset>),
}

#[derive(Debug, Args)]
struct ManualReset {
    /// [vpn-instance NAME] {ADDRESS | all}, or [vpn-instance NAME] ADDRESS alias NAME
    #[arg(value_name = "WORD", required = true, num_args = 1.., allow_hyphen_values = true)]
    words: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Display {
    /// Show BMP sessions in the words and the layout of routers
    ///
    /// For those who know the command of the routers. `show session` has more.
    #[command(subcommand, arg_required_else_help = true)]
    Bmp(Deferred<DisplayBmp>),
}

const MANUAL_DISPLAY_USAGE: &str =
    "bmpctl display bmp session [vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]";

#[derive(Debug, Subcommand)]
enum DisplayBmp {
    /// Show BMP sessions in the words and the layout of routers
    ///
    /// Without words: all sessions, one row each. With `--json` it prints what `show session` does.
    #[command(override_usage = MANUAL_DISPLAY_USAGE)]
    Session(Deferred<ManualDisplay>),
}

#[derive(Debug, Args)]
struct ManualDisplay {
    /// [vpn-instance NAME] [ADDRESS [alias NAME]] [verbose]
    #[arg(value_name = "WORD", num_args = 0.., allow_hyphen_values = true)]
    words: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Check a configuration file, and print everything that is wrong with it
    ///
    /// Nothing is applied. Without FILE it is the file of the bmpd that runs, with what it includes, as it is on disk now;
    /// bmpd reads it, since others often may not. With FILE the bmpd that is installed beside bmpctl, or is in PATH, checks
    /// it with the rights of the caller; none has to run. Each problem is a line `file:line:column: key: what`, with the
    /// line of the file below it unless there is `--quiet`. The exit code is 0 if the file can be used, 1 if it cannot.
    Check(Deferred<CheckConfig>),
    /// Say what a key of the configuration file means
    ///
    /// Its type, unit, range and default, what a change of it takes, and an example. A table lists its keys; a name that several
    /// tables have lists these. bmpd is not asked. The exit code is 2 if there is no such key.
    #[command(arg_required_else_help = true)]
    Explain(Deferred<ExplainConfig>),
}

#[derive(Debug, Args)]
struct CheckConfig {
    /// The file [default: that of the bmpd that runs]
    #[arg(value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ExplainConfig {
    /// The key or the table, such as session.tcp.mss, `[session] tcp.mss`, hold-time or bgp.neighbor
    #[arg(value_name = "KEY", required = true, num_args = 1..)]
    key: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Clear {
    /// Reset the counters of `show statistics`
    ///
    /// Without an address for all sessions. Connections are not touched.
    Statistics(Deferred<Selection>),
}

#[derive(Debug, Subcommand)]
enum Log {
    /// Show or set the level of bmpd's log
    ///
    /// Without a level it shows the one in effect, who has set it, and for how long. The default is that of
    /// bmpd's command line, and in effect again when bmpd starts again.
    Level(Deferred<LevelOfLog>),
}

#[derive(Debug, Args)]
struct LevelOfLog {
    /// What is logged: this level and those above it [default: show it]
    #[arg(value_name = "LEVEL", value_parser = log_level())]
    level: Option<LevelTarget>,

    /// For how long, 1ms to 24h; then the default is in effect again [default: for good]
    ///
    /// The time is a number of seconds, or has units: 90s, 10m, 1h30m. Nobody has to remember to set it back.
    #[arg(long = "for", value_name = "DURATION", value_parser = up_to_a_day)]
    lasts: Option<Duration>,
}

#[derive(Debug, Args)]
struct Show {
    #[command(flatten)]
    watch: Watch,

    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Args)]
struct Watch {
    /// Show it again and again, every so many seconds, 100ms to 60m [default: 2]
    ///
    /// `--watch 5` is the same as `--watch=5`; the time is a number of seconds, or has units: 500ms, 1m30s. It goes on until Ctrl-C.
    #[arg(long, value_name = "SECONDS", value_parser = interval, num_args = 0..=1, require_equals = true, default_missing_value = "2")]
    watch: Option<Duration>,
}

// What is shown, and how often: `--watch` can also stand behind it. Not documentation: see Nothing.
#[derive(Debug, Args)]
struct Watched<T: Args> {
    #[command(flatten)]
    shown: T,

    #[command(flatten)]
    watch: Watch,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show BMP sessions: a table, or the page of one session
    ///
    /// Without an address all sessions, one row each; with one everything about that session: its
    /// connection, what it sent, what is pending, why it was last down. A session that is sent several routers has a
    /// leg for each of them, a connection of its own: the table then has how many legs are up and how many there are
    /// to be, and the page has a line for each.
    #[command(alias = "sessions")]
    Session(Deferred<Watched<ShowSession>>),
    /// Show monitored routers: a table, or the page of one router
    ///
    /// Without a name a row for each router that speaks BMP to bmpd, and for `local`, which is bmpd itself with its BGP
    /// neighbors. With a name everything about that router: its connection, why it was last down, its peers and their
    /// tables, what it has sent, and what of that was not understood.
    #[command(alias = "routers")]
    Router(Deferred<Watched<ShowRouter>>),
    /// Show publishers: a table, or the page of one publisher
    ///
    /// Without a name a row for each publisher: its state, its topic, how many of its routers are synchronised, what
    /// brokers have acknowledged and what is in flight. With a name everything about that publisher: its brokers, its
    /// window, its last error, what is pending, and the topic, partition and generation of each router.
    #[command(alias = "publishers")]
    Publisher(Deferred<Watched<ShowPublisher>>),
    /// Show BGP neighbors: a table, or the page of one neighbor
    ///
    /// Without an address all neighbors, one row each; with one everything about it: its BGP session, its
    /// families and routes, its last error, its last malformed UPDATE.
    #[command(alias = "neighbors")]
    Neighbor(Deferred<Watched<ShowNeighbor>>),
    /// Show routes: what the tables have, all of it or for one prefix
    ///
    /// A row for each route in each table; with an address or a prefix everything about the routes for it: in each table the
    /// longest one that covers it, with `--exact` that prefix only, with `--longer` all that it covers, too. The routes are
    /// those that stations are sent, as they were announced, in the order in which they were received. bmpd sends them as
    /// they are read, so a full table can be paged or piped; what changes while it is read may be there twice, the newer
    /// one last. Exit code 3 says that there is no route for the prefix.
    #[command(alias = "routes")]
    Route(Deferred<ShowRoute>),
    /// Show what has happened: changes of sessions, routers, neighbors, publishers; commands, reloads
    ///
    /// The events that `monitor` prints as they happen, the oldest first. bmpd keeps some 4000 of them, so that one that
    /// changes its state all the time does not displace those of others, and none over a restart: the journal has all
    /// (`journalctl --unit bmpd --since -1h`, with `BMPD_SESSION=10.1.1.1` or `BMPD_NEIGHBOR=192.0.2.2` those of one). The last line has the number with which `monitor --after` continues.
    #[command(alias = "events")]
    Event(Deferred<Watched<ShowEvent>>),
    /// Show VPN instances: what they stand for, and what is in them
    ///
    /// One row each, with its device or network namespace and the sessions and neighbors in it.
    #[command(alias = "vpn-instances")]
    VpnInstance(Deferred<Watched<ShowVpnInstance>>),
    /// Show the configuration in effect, with defaults filled in and keys masked
    ///
    /// It is what runs, not what the file says now: `reload --dry-run` shows the difference to the file.
    /// If the last reload was refused, or the file was changed since, that is said first.
    Config(Deferred<Watched<ShowConfig>>),
    /// Show what sessions have counted over all of their connections: a table, or the page of one session
    ///
    /// Without an address for all sessions. `clear statistics` resets them.
    Statistics(Deferred<Watched<ShowStatistics>>),
    /// Show bmpd itself: version, uptime, memory, routes, sessions by state
    ///
    /// A page for a first look, with the last reload if it was refused, and whether the configuration file was
    /// changed since. Exit code 5 says that there is no bmpd to ask.
    Status(Deferred<Watched<Nothing>>),
    /// Show the versions of bmpctl and bmpd
    ///
    /// `bmpctl --version` prints that of bmpctl and does not need bmpd.
    Version(Deferred<Watched<Nothing>>),
}

#[derive(Debug, Args)]
struct ShowSession {
    #[command(flatten)]
    selection: Selection,

    /// Show every detail of each session
    #[arg(long, short)]
    verbose: bool,

    /// Fail with exit code 6 unless every one of them is synchronised
    ///
    /// A session that is shut down, or has no router that it is to be sent, does not count. With `--not-synchronised=10m`
    /// only sessions count that have not been synchronised for so long.
    #[arg(long, conflicts_with = "watch")]
    check: bool,
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Find out what keeps a session from coming up, or from being synchronised
    ///
    /// Its state, the route, the connection, TLS and the dates of certificates, one line each. Nothing is changed: if the
    /// session is down and bmpd connects to the station, a connection is made and closed again, without a BMP message on it.
    #[command(arg_required_else_help = true)]
    Session(Deferred<CheckSession>),
    /// Find out what keeps a neighbor from coming up
    ///
    /// Its state, the route, the connection, the last error, one line each. Nothing is changed: if the neighbor is down and
    /// bmpd connects to it, a connection is made and closed again, without a BGP message on it.
    #[command(arg_required_else_help = true)]
    Neighbor(Deferred<CheckNeighbor>),
    /// Find out what keeps a router from sending BMP
    ///
    /// Its state, its connection, the dates of certificates, the last error, one line each. Nothing is changed.
    #[command(arg_required_else_help = true)]
    Router(Deferred<CheckRouter>),
}

#[derive(Debug, Args)]
struct CheckSession {
    /// The VPN instance [default: the public one]
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// The station's address
    #[arg(value_name = "ADDRESS")]
    target: Target,

    /// The alias of the session; without it an address means the session without alias
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,
}

#[derive(Debug, Args)]
struct CheckNeighbor {
    /// The neighbor's address
    #[arg(value_name = "ADDRESS")]
    address: NeighborTarget,

    /// The VPN instance [default: the public one]
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,
}

#[derive(Debug, Args)]
struct CheckRouter {
    /// The router's name
    #[arg(value_name = "NAME")]
    router: RouterTarget,
}

#[derive(Debug, Subcommand)]
enum Wait {
    /// Wait until BMP sessions are synchronised, up or down
    ///
    /// Nothing is changed. It ends as soon as each of the selected sessions is as wanted, after 5m otherwise, or what
    /// `--timeout` says, with exit code 6. With `--state` or another condition it waits for the sessions that are in that
    /// condition when it begins. Of `all` sessions those are left out that are shut down, or have no router that they are to
    /// be sent.
    Session(Deferred<WaitSession>),
}

#[derive(Debug, Args)]
struct WaitSession {
    #[command(flatten)]
    selection: Selection,

    /// What to wait for
    #[arg(long = "for", value_name = "CONDITION", value_parser = goal(), default_value = "synchronised")]
    goal: Goal,
}

#[derive(Debug, Args)]
struct ShowRouter {
    /// The router's name [default: all]
    ///
    /// It is the one in the configuration, or of a router that has come from a prefix the sysName that it sends.
    #[arg(value_name = "NAME")]
    router: Option<RouterTarget>,
}

#[derive(Debug, Args)]
struct ShowPublisher {
    /// The publisher's name [default: all]
    #[arg(value_name = "NAME")]
    publisher: Option<PublisherTarget>,
}

#[derive(Debug, Args)]
struct ShowNeighbor {
    /// The neighbor's address [default: all]
    #[arg(value_name = "ADDRESS")]
    address: Option<NeighborTarget>,

    /// Only neighbors of this VPN instance
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// Show every detail of each neighbor
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Args)]
struct ShowRoute {
    /// The prefix or the address, such as 192.0.2.0/24 or 2001:db8::1 [default: all routes]
    #[arg(value_name = "PREFIX|ADDRESS")]
    prefix: Option<PrefixTarget>,

    /// Only this prefix, and none that covers it
    #[arg(long, requires = "prefix")]
    exact: bool,

    /// This prefix and all that it covers
    #[arg(long, requires = "prefix", conflicts_with = "exact")]
    longer: bool,

    /// Only routes of the BGP neighbor with this address, of bmpd or of a router
    #[arg(long, value_name = "ADDRESS|all")]
    neighbor: Option<NeighborTarget>,

    /// Only routes of neighbors in this VPN instance
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// Only routes of this router; `local` is bmpd itself with its BGP neighbors
    #[arg(long, value_name = "NAME", value_parser = named::<RouterId>(), allow_hyphen_values = true)]
    router: Option<RouterId>,

    /// Only routes of this view of a router's peers [default: every one that it reports]
    ///
    /// bmpd itself has adj-rib-in-pre-policy: what its neighbors have sent.
    #[arg(long, value_name = "VIEW", value_parser = PossibleValuesParser::new(VIEWS))]
    view: Option<String>,

    /// Only routes of this address family
    #[arg(long, value_name = "FAMILY", value_parser = PossibleValuesParser::new(FAMILIES))]
    family: Option<String>,

    /// At most so many routes; of counted ones so many lines [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Count the routes instead of showing them
    ///
    /// By the last AS number of their AS path, by their neighbor, or by their family; the greatest number comes first.
    #[arg(long, value_name = "WHAT", value_parser = count_by())]
    count_by: Option<CountBy>,

    /// Show the bytes of the NLRI and of the path attributes, in hexadecimal
    #[arg(long, conflicts_with = "count_by")]
    bytes: bool,

    /// Show every attribute of each route
    #[arg(long, short, conflicts_with = "count_by")]
    verbose: bool,
}

impl ShowRoute {
    fn check(self) -> Command {
        let Self { prefix, exact, longer, neighbor, vpn_instance, router, view, family, .. } = self;
        let how = match (exact, longer) {
            (true, _) => PrefixMatch::Exact,
            (_, true) => PrefixMatch::Longer,
            _ => PrefixMatch::Best,
        };
        let is_page =
            self.verbose || self.bytes || (prefix.is_some() && how != PrefixMatch::Longer);
        let show = ShowRoutes {
            prefix: prefix.map(|PrefixTarget(prefix)| WantedPrefix { prefix, how }),
            peers: WhichNeighbors {
                address: neighbor.and_then(|NeighborTarget(address)| address),
                vpn_instance,
            },
            router,
            view,
            family,
            limit: self.limit,
            with_bytes: self.bytes,
            count_by: self.count_by,
        };
        Command::ShowRoutes { show, form: if is_page { Form::Page } else { Form::Table } }
    }
}

#[derive(Debug, Args)]
struct ShowEvent {
    #[command(flatten)]
    events: Events,

    /// At most so many, the newest [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
}

// Not documentation: see Nothing.
#[derive(Debug, Args)]
struct Events {
    /// Only events at most so long ago, or since a time
    ///
    /// A time ago is a number and ms, s, m or h, such as 90s or 1h, a time is written as it is shown,
    /// such as 2026-11-23T08:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = since, conflicts_with = "after")]
    since: Option<Since>,

    /// Only events behind the one with this sequence number
    ///
    /// `show event` has it in its last line, `--json` with every event. Numbers rise over restarts of bmpd: with one of
    /// before the last restart all events since then are shown.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,

    /// Only those of sessions with this station, or `all` of any session
    #[arg(long, value_name = "ADDRESS|all")]
    session: Option<Target>,

    /// The alias of that session; without it an address means the session without alias
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,

    /// The VPN instance of the sessions or neighbors
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// Only those of the neighbors with this address, or `all` of any neighbor
    #[arg(long, value_name = "ADDRESS|all")]
    neighbor: Option<NeighborTarget>,

    /// Only those of this router, and of the connections that carry it
    ///
    /// With `--session` only those of the connections of the session that carry it.
    #[arg(long, value_name = "NAME", value_parser = named::<RouterId>(), allow_hyphen_values = true)]
    router: Option<RouterId>,

    /// Only those of this publisher
    #[arg(long, value_name = "NAME", value_parser = named::<PublisherName>(), allow_hyphen_values = true)]
    publisher: Option<PublisherName>,
}

#[derive(Debug, Args)]
struct ShowVpnInstance {
    /// The VPN instance [default: all, the public one first]
    #[arg(value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    name: Option<VpnInstanceName>,
}

#[derive(Debug, Args)]
struct ShowConfig {
    /// Only what was configured and waits for a reset or a restart
    #[arg(long)]
    pending: bool,
}

#[derive(Debug, Args)]
struct ShowStatistics {
    #[command(flatten)]
    selection: Selection,

    /// Show every counter of each session
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Args)]
struct Selection {
    /// The VPN instance [default: the public one for an address, every one without]
    #[arg(long, value_name = "NAME", value_parser = named::<VpnInstanceName>())]
    vpn_instance: Option<VpnInstanceName>,

    /// The stations' addresses [default: all]
    #[arg(value_name = "ADDRESS", num_args = 0..)]
    target: Vec<Target>,

    /// The alias of the session; without it an address means the session without alias
    #[arg(long, value_name = "NAME", value_parser = named::<Alias>(), allow_hyphen_values = true)]
    alias: Option<Alias>,

    #[command(flatten)]
    condition: ConditionOptions,
}

// Which of the named sessions. Not documentation: see Nothing.
#[derive(Debug, Args)]
struct ConditionOptions {
    /// Only sessions in this state; several are separated by commas
    ///
    /// It is the state that `show session` has: the worst of those of its legs. A reset takes the legs in that state.
    #[arg(long, value_name = "STATE", value_parser = session_state(), value_delimiter = ',')]
    state: Vec<SessionState>,

    /// Only sessions with parameters that wait for a reset
    #[arg(long)]
    pending: bool,

    /// Only sessions that have not been synchronised for this long, 0s to 24h [default: 0s]
    ///
    /// A session is synchronised while its station has been sent every route and End-of-RIB of every peer that is up.
    /// It is not while it is down, and for a moment whenever a peer comes up: give a time that is longer than the
    /// dump of all tables takes, such as `--not-synchronised 10m`.
    #[arg(long, value_name = "DURATION", value_parser = lasted, num_args = 0..=1, require_equals = true, default_missing_value = "0s")]
    not_synchronised: Option<Span>,
}

impl From<ConditionOptions> for Condition {
    fn from(options: ConditionOptions) -> Self {
        let ConditionOptions { state, pending, not_synchronised } = options;
        Self { states: state, pending, not_synchronised }
    }
}

type Refusal = (ErrorKind, String);

fn conflict(text: String) -> Refusal {
    (ErrorKind::ArgumentConflict, text)
}

fn wrong(text: String) -> Refusal {
    (ErrorKind::ValueValidation, text)
}

impl Selection {
    fn check(self) -> Result<WhichSessions, Refusal> {
        let Self { vpn_instance, target, alias, condition } = self;
        let selector = select(vpn_instance, &target, alias).map_err(conflict)?;
        Ok(WhichSessions { selector, condition: condition.into() })
    }
}

impl Raw {
    /// What the words mean together.
    pub(super) fn check(self) -> Result<Command, Refusal> {
        Ok(match self.verb {
            Verb::Reset(Deferred(Reset::Session(Deferred(reset)))) => reset.check()?,
            Verb::Reset(Deferred(Reset::Router(Deferred(ResetRouter { router })))) => {
                let RouterTarget(router) = router;
                Command::ResetRouter { router }
            }
            Verb::Reset(Deferred(Reset::Publisher(Deferred(reset)))) => reset.check()?,
            Verb::Reset(Deferred(Reset::Bmp(Deferred(ResetBmp::Session(Deferred(manual)))))) => {
                let selector = manual::reset(&manual.words).map_err(wrong)?;
                Command::ResetSession {
                    legs: selector.into(),
                    stagger: Duration::ZERO,
                    wait: None,
                    confirm: false,
                }
            }
            Verb::Reload(Deferred(Reload { dry_run })) => Command::Reload { dry_run },
            Verb::Show(Deferred(Show {
                what: What::Session(Deferred(Watched { shown, watch })),
                watch: before,
            })) if shown.check => {
                let ShowSession { selection, verbose, check: _ } = shown;
                if watch.watch.or(before.watch).is_some() {
                    let text = "--check looks once: it cannot be used with --watch";
                    return Err(conflict(text.to_owned()));
                }
                let form = if verbose { Form::Page } else { Form::Table };
                Command::CheckSession { which: selection.check()?, form }
            }
            Verb::Check(Deferred(check)) => Command::Check(check.check()?),
            Verb::Wait(Deferred(Wait::Session(Deferred(WaitSession { selection, goal })))) => {
                Command::WaitSession { which: selection.check()?, goal }
            }
            Verb::Show(Deferred(Show { watch, what })) => what.check(watch)?,
            Verb::Monitor(Deferred(events)) => Command::Monitor(events.check()?),
            Verb::Config(Deferred(Config::Check(Deferred(CheckConfig { file })))) => {
                Command::CheckConfig { file }
            }
            Verb::Config(Deferred(Config::Explain(Deferred(ExplainConfig { key })))) => {
                Command::ExplainConfig { key: key.join(" ") }
            }
            Verb::Clear(Deferred(Clear::Statistics(Deferred(selection)))) => {
                Command::ClearStatistics(selection.check()?)
            }
            Verb::Log(Deferred(Log::Level(Deferred(log)))) => log.check()?,
            Verb::Display(Deferred(Display::Bmp(Deferred(DisplayBmp::Session(Deferred(
                manual,
            )))))) => {
                let (selector, verbose) = manual::display(&manual.words).map_err(wrong)?;
                Command::Display { selector, verbose }
            }
        })
    }
}

impl Check {
    fn check(self) -> Result<CheckSubject, Refusal> {
        let one = || conflict("one is checked at a time: name it instead of `all`".to_owned());
        Ok(match self {
            Check::Session(Deferred(CheckSession { vpn_instance, target, alias })) => {
                match select(vpn_instance, &[target], alias).map_err(conflict)? {
                    Selector::One(id) => CheckSubject::Session(id),
                    Selector::All { .. } | Selector::Several(_) => return Err(one()),
                }
            }
            Check::Neighbor(Deferred(CheckNeighbor { address, vpn_instance })) => {
                let NeighborTarget(address) = address;
                let address = address.ok_or_else(one)?;
                CheckSubject::Neighbor(NeighborId { vpn_instance, address })
            }
            Check::Router(Deferred(CheckRouter { router: RouterTarget(router) })) => {
                CheckSubject::Router(router.ok_or_else(one)?)
            }
        })
    }
}

impl LevelOfLog {
    fn check(self) -> Result<Command, Refusal> {
        match (self.level, self.lasts) {
            (None, None) => Ok(Command::ShowLog),
            (Some(LevelTarget::Default), None) => Ok(Command::SetLog { level: None, lasts: None }),
            (Some(LevelTarget::Level(level)), lasts) => {
                Ok(Command::SetLog { level: Some(level), lasts })
            }
            (None | Some(LevelTarget::Default), Some(_)) => {
                let text = "--for is for a level that is set: name one that is not the default";
                Err(conflict(text.to_owned()))
            }
        }
    }
}

impl Events {
    fn check(self) -> Result<WhichEvents, Refusal> {
        let Self { since, after, session, alias, vpn_instance, neighbor, router, publisher } = self;
        let filter = EventFilter {
            session: session.map(|target| match target {
                Target::All => OneOrAll::All,
                Target::Address(address) => OneOrAll::One(address),
            }),
            alias,
            vpn_instance,
            neighbor: neighbor.map(|NeighborTarget(one)| one.map_or(OneOrAll::All, OneOrAll::One)),
            router,
            publisher,
        };
        let about = About::try_from(filter).map_err(|error| conflict(error.to_string()))?;
        Ok(WhichEvents { about, begin: since.map(Begin::from).or(after.map(Begin::After)) })
    }
}

impl ResetSession {
    fn check(self) -> Result<Command, Refusal> {
        let Self {
            vpn_instance,
            target,
            alias,
            condition,
            router,
            stagger,
            wait,
            dry_run,
            confirm,
        } = self;
        let selector = select(vpn_instance, &target, alias).map_err(conflict)?;
        if stagger.is_some() && router.is_some() && matches!(selector, Selector::One(_)) {
            let text =
                "--stagger is for several legs: one router of one session has nothing to wait for";
            return Err(conflict(text.to_owned()));
        }
        let sessions = WhichSessions { selector, condition: condition.into() };
        let legs = WhichLegs { sessions, router };
        if dry_run {
            return Ok(Command::PlanReset { legs, stagger });
        }
        Ok(Command::ResetSession { legs, stagger: stagger.unwrap_or_default(), wait, confirm })
    }
}

impl ResetPublisher {
    fn check(self) -> Result<Command, Refusal> {
        let Self { publisher: PublisherTarget(publisher), router, stagger, wait, dry_run } = self;
        if stagger.is_some() && publisher.is_some() {
            let text = "--stagger is for several publishers: one has nothing to wait for";
            return Err(conflict(text.to_owned()));
        }
        let reset = request::ResetPublisher { publisher, router };
        if dry_run {
            return Ok(Command::PlanPublisherReset { reset, stagger });
        }
        Ok(Command::ResetPublisher { reset, stagger: stagger.unwrap_or_default(), wait })
    }
}

impl What {
    /// What is asked for, how it is shown, and how often.
    fn check(self, before: Watch) -> Result<Command, Refusal> {
        let form = |is_page| if is_page { Form::Page } else { Form::Table };
        let one = |which: &WhichSessions| matches!(which.selector, Selector::One(_));
        let (what, form, watch): (request::Query, Form, Watch) = match self {
            What::Session(Deferred(Watched { shown, watch })) => {
                let ShowSession { selection, verbose, check: _ } = shown;
                let which = selection.check()?;
                let form = form(verbose || one(&which));
                (request::Query::Session(which), form, watch)
            }
            What::Router(Deferred(Watched { shown: ShowRouter { router }, watch })) => {
                let router = router.and_then(|RouterTarget(router)| router);
                let form = form(router.is_some());
                (request::Query::Router(WhichRouters(router)), form, watch)
            }
            What::Publisher(Deferred(Watched { shown: ShowPublisher { publisher }, watch })) => {
                let publisher = publisher.and_then(|PublisherTarget(publisher)| publisher);
                let form = form(publisher.is_some());
                (request::Query::Publisher(WhichPublishers(publisher)), form, watch)
            }
            What::Neighbor(Deferred(Watched { shown, watch })) => {
                let ShowNeighbor { address, vpn_instance, verbose } = shown;
                let address = address.and_then(|NeighborTarget(address)| address);
                let form = form(verbose || address.is_some());
                (request::Query::Neighbor(WhichNeighbors { address, vpn_instance }), form, watch)
            }
            What::Route(Deferred(route)) if before.watch.is_none() => return Ok(route.check()),
            What::Route(_) => {
                let text = "--watch is not for routes: they are shown once";
                return Err(conflict(text.to_owned()));
            }
            What::Event(Deferred(Watched { shown: ShowEvent { events, limit }, watch })) => {
                let show = ShowEvents { which: events.check()?, limit };
                (request::Query::Event(show), Form::Table, watch)
            }
            What::VpnInstance(Deferred(Watched { shown: ShowVpnInstance { name }, watch })) => {
                let form = form(name.is_some());
                (request::Query::VpnInstance(WhichInstances(name)), form, watch)
            }
            What::Config(Deferred(Watched { shown: ShowConfig { pending }, watch })) => {
                let form = if pending { Form::Pending } else { Form::Page };
                (request::Query::Config, form, watch)
            }
            What::Statistics(Deferred(Watched { shown, watch })) => {
                let ShowStatistics { selection, verbose } = shown;
                let which = selection.check()?;
                let form = form(verbose || one(&which));
                (request::Query::Statistics(which), form, watch)
            }
            What::Status(Deferred(Watched { shown: Nothing {}, watch })) => {
                (request::Query::Status, Form::Page, watch)
            }
            What::Version(Deferred(Watched { shown: Nothing {}, watch })) => {
                (request::Query::Status, Form::Versions, watch)
            }
        };
        Ok(Command::Show { what, form, watch: watch.watch.or(before.watch) })
    }
}
