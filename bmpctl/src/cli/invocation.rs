//! What a command line asks for, whichever grammar it was written in.

use std::path::PathBuf;
use std::time::Duration;

use shared::names::{RouterId, Selector};
use shared::request::{
    CheckSubject, Query, ResetPublisher, ShowRoutes, WhichEvents, WhichLegs, WhichSessions,
};
use shared::response::{LogLevel, SessionReport};

/// What holds for every command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The socket, if one was named.
    pub socket: Option<PathBuf>,
    /// True to print JSON.
    pub json: bool,
    /// True to print nothing but failures.
    pub quiet: bool,
    /// How long bmpd may be silent, or how long to wait for what is waited for; none if it was not given.
    pub timeout: Option<Duration>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `reset session`.
    ResetSession {
        /// Which.
        legs: WhichLegs,
        /// The time between one leg and the next.
        stagger: Duration,
        /// How long to wait for the sessions to be synchronised, if at all.
        wait: Option<Duration>,
        /// True to ask before anything is done.
        confirm: bool,
    },
    /// `reset session --dry-run`.
    PlanReset {
        /// Which.
        legs: WhichLegs,
        /// The time between one leg and the next, unless all are reset at once.
        stagger: Option<Duration>,
    },
    /// `reset router`.
    ResetRouter {
        /// Which; `None` is all.
        router: Option<RouterId>,
    },
    /// `reset publisher`.
    ResetPublisher {
        /// Which.
        reset: ResetPublisher,
        /// The time between one publisher and the next.
        stagger: Duration,
        /// How long to wait for the publishers to be synchronised, if at all.
        wait: Option<Duration>,
    },
    /// `reset publisher --dry-run`.
    PlanPublisherReset {
        /// Which.
        reset: ResetPublisher,
        /// The time between one publisher and the next, unless all are reset at once.
        stagger: Option<Duration>,
    },
    /// `reload`.
    Reload {
        /// Print what would be done, and do nothing.
        dry_run: bool,
    },
    /// `config check`.
    CheckConfig {
        /// The file; `None` is that of the bmpd that runs.
        file: Option<PathBuf>,
    },
    /// `config explain`.
    ExplainConfig {
        /// The key or the table, as it was typed.
        key: String,
    },
    /// `clear statistics`.
    ClearStatistics(WhichSessions),
    /// `log level`, without a level.
    ShowLog,
    /// `log level`.
    SetLog {
        /// The level; `None` is that of bmpd's command line.
        level: Option<LogLevel>,
        /// For how long; `None` is for good.
        lasts: Option<Duration>,
    },
    /// `show`.
    Show {
        /// What.
        what: Query,
        /// How.
        form: Form,
        /// The time from one look to the next, if there is to be more than one.
        watch: Option<Duration>,
    },
    /// `show route`.
    ShowRoutes {
        /// Which.
        show: ShowRoutes,
        /// How.
        form: Form,
    },
    /// `show session --check`.
    CheckSession {
        /// Which.
        which: WhichSessions,
        /// How.
        form: Form,
    },
    /// `check`.
    Check(CheckSubject),
    /// `wait session`.
    WaitSession {
        /// Which.
        which: WhichSessions,
        /// For what.
        goal: Goal,
    },
    /// `display bmp session`.
    Display {
        /// Which.
        selector: Selector,
        /// True for every detail.
        verbose: bool,
    },
    /// `monitor`.
    Monitor(WhichEvents),
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Every route and End-of-RIB was sent.
    Synchronised,
    /// There is a connection.
    Up,
    /// There is no connection.
    Down,
}

impl Goal {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Synchronised, Self::Up, Self::Down];

    /// As it is typed, and as JSON has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Synchronised => "synchronised",
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// That of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|goal| goal.word() == word)
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Synchronised => "The station was sent every route and End-of-RIB",
            Self::Up => "There is a connection with the station",
            Self::Down => "There is no connection with the station",
        }
    }

    /// True if a session has reached it.
    pub fn is_reached_by(self, session: &SessionReport) -> bool {
        match self {
            Self::Synchronised => session.synchronised,
            Self::Up => session.state.is_up(),
            Self::Down => !session.state.is_up(),
        }
    }
}

/// What of an answer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A row for each.
    Table,
    /// A page for each.
    Page,
    /// What waits to be in effect.
    Pending,
    /// The versions of both programs.
    Versions,
}
