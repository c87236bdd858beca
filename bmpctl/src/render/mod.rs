//! Answers as text for people.

mod canvas;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod config_check;
pub(crate) mod display;
pub(crate) mod event;
mod failure;
mod humanize;
pub(crate) mod instance;
pub mod json;
pub(crate) mod log;
pub(crate) mod neighbor;
pub(crate) mod page;
pub(crate) mod progress;
pub(crate) mod publisher;
pub(crate) mod publisher_wait;
pub(crate) mod rate;
pub(crate) mod reload;
pub(crate) mod reset;
pub(crate) mod route;
pub(crate) mod router;
mod screen;
pub(crate) mod session;
pub(crate) mod statistics;
pub(crate) mod status;
mod stderr;
mod table;

pub(crate) use self::screen::{Screen, Tone, is_terminal};
pub(crate) use self::stderr::{error, in_one_line};
