//! The grammar of the router's manual, read word by word.
//!
//! - `reset bmp session [vpn-instance NAME] {ADDRESS | all} [alias NAME]`
//! - `display bmp session [vpn-instance NAME] [ADDRESS [alias NAME] [verbose]]`

use std::iter::Peekable;

use shared::names::{Selector, VpnInstanceName};

use super::values::{Target, select};
use crate::suggest;

struct Words<'a, I: Iterator<Item = &'a str>>(Peekable<I>);

impl<'a, I: Iterator<Item = &'a str>> Words<'a, I> {
    fn take(&mut self, keyword: &str) -> bool {
        self.0.next_if_eq(&keyword).is_some()
    }

    fn vpn_instance(&mut self) -> Result<Option<VpnInstanceName>, String> {
        if !self.take("vpn-instance") {
            return Ok(None);
        }
        let name = self.0.next().ok_or("`vpn-instance` must be followed by a name")?;
        let name = name.parse();
        name.map(Some).map_err(|error| format!("this is no name of a VPN instance: {error}"))
    }

    /// `None` at the end.
    fn target(&mut self) -> Result<Option<Target>, String> {
        match self.0.next() {
            None => Ok(None),
            Some("alias") => Err("the address comes before `alias`".to_owned()),
            Some(option) if option.starts_with('-') => Err(no_options(option)),
            Some(word) => word.parse().map(Some).map_err(|error| match nearest(word) {
                Some(nearest) => {
                    format!("{word:?} is an unknown keyword of this command: {nearest}")
                }
                None => format!("{error}"),
            }),
        }
    }

    fn alias(&mut self) -> Result<Option<shared::names::Alias>, String> {
        if !self.take("alias") {
            return Ok(None);
        }
        let name = self.0.next().ok_or("`alias` must be followed by a name")?;
        let name = name.parse();
        name.map(Some).map_err(|error| format!("this is no alias: {error}"))
    }

    fn end(&mut self) -> Result<(), String> {
        match self.0.next() {
            None => Ok(()),
            Some("vpn-instance") => Err("`vpn-instance NAME` comes before the address".to_owned()),
            Some(option) if option.starts_with('-') => Err(no_options(option)),
            Some(keyword @ ("alias" | "verbose" | "all")) => {
                Err(format!("`{keyword}` is an unexpected argument here, or twice"))
            }
            Some(extra) => Err(match nearest(extra) {
                Some(nearest) => {
                    format!("{extra:?} is an unknown keyword of this command: {nearest}")
                }
                None => format!(
                    "{extra:?} is one word too many: an alias is written `alias {extra}`, and a name with \
                     spaces needs quotation marks"
                ),
            }),
        }
    }
}

fn words(words: &[String]) -> Words<'_, impl Iterator<Item = &str>> {
    Words(words.iter().map(String::as_str).peekable())
}

/// Reads what follows `reset bmp session`.
pub(super) fn reset(line: &[String]) -> Result<Selector, String> {
    let mut words = words(line);
    let vpn_instance = words.vpn_instance()?;
    let target = words.target()?.ok_or("an address or `all` is missing")?;
    let alias = words.alias()?;
    words.end()?;
    select(vpn_instance, &[target], alias)
}

/// Reads what follows `display bmp session`: which sessions, and whether in detail.
pub(super) fn display(line: &[String]) -> Result<(Selector, bool), String> {
    let mut words = words(line);
    let vpn_instance = words.vpn_instance()?;
    if words.take("verbose") {
        words.end()?;
        return Ok((Selector::All { vpn_instance }, true));
    }
    let Some(target) = words.target()? else {
        return Ok((Selector::All { vpn_instance }, false));
    };
    let alias = words.alias()?;
    let verbose = words.take("verbose");
    words.end()?;
    Ok((select(vpn_instance, &[target], alias)?, verbose))
}

/// The keyword that was probably meant.
fn nearest(word: &str) -> Option<String> {
    suggest::word(word, &["vpn-instance", "all", "alias", "verbose"])
}

fn no_options(option: &str) -> String {
    format!(
        "{option:?} stands among the manual's words: write `alias NAME` and `vpn-instance NAME` \
         without dashes, and put --host, --socket, --json, --quiet and --timeout before `reset` or `display`; other \
         options belong to `bmpctl reset session` and `bmpctl show session`"
    )
}
