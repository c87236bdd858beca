//! The shells: the script that each of them runs, what that script passes on, and what it gets back.

mod answer;
mod bash;
mod elvish;
mod fish;
mod zsh;

use std::ffi::OsStr;
use std::path::Path;

use self::answer::{FILES, tabbed};
use super::candidates::{Found, complete};

/// A shell that completes what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shell {
    /// GNU bash, 4.4 or later; nothing else is needed.
    Bash,
    /// zsh with its completion system.
    Zsh,
    /// fish, 3.1 or later.
    Fish,
    /// elvish, 0.19 or later.
    Elvish,
}

impl Shell {
    /// The shell with this name or path.
    pub(super) fn named(name: &OsStr) -> Option<Self> {
        Some(match Path::new(name).file_name()?.to_str()? {
            "bash" => Self::Bash,
            "zsh" => Self::Zsh,
            "fish" => Self::Fish,
            "elvish" => Self::Elvish,
            _ => return None,
        })
    }

    /// The script that the shell is to run.
    pub fn script(self) -> &'static str {
        match self {
            Self::Bash => bash::SCRIPT,
            Self::Zsh => zsh::SCRIPT,
            Self::Fish => fish::SCRIPT,
            Self::Elvish => elvish::SCRIPT,
        }
    }

    /// What the script gets for what it passed on.
    pub(super) fn answer(self, mut passed: Vec<String>) -> String {
        if self == Self::Bash {
            return bash::answer(&passed);
        }
        // The other shells pass on the words, the last one up to the cursor.
        let Some(current) = passed.pop() else { return String::new() };
        match (complete(&passed, &current), self) {
            (Found::Files, _) => FILES.to_owned(),
            (Found::Candidates(found), Self::Zsh) => zsh::candidates(&found, &current),
            (Found::Candidates(found), _) => tabbed(&found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_is_known_by_its_name_and_by_its_path() {
        assert_eq!(Shell::named(OsStr::new("bash")), Some(Shell::Bash));
        assert_eq!(Shell::named(OsStr::new("/usr/bin/zsh")), Some(Shell::Zsh));
        for other in ["", "1", "tcsh", "/"] {
            assert_eq!(Shell::named(OsStr::new(other)), None);
        }
    }

    #[test]
    fn every_shell_completes_verbs_with_what_they_mean() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let found = Shell::Fish.answer(words(&["bmpctl", "re"]));
        assert!(
            found.starts_with(
                "reset\tReset BMP sessions, the BMP connections of routers, or publishers\nreload\t"
            ),
            "{found}"
        );
        assert_eq!(Shell::Elvish.answer(words(&["bmpctl", "re"])), found);
        let found = Shell::Zsh.answer(words(&["bmpctl", "show", "vers"]));
        assert_eq!(found, "version:Show the versions of bmpctl and bmpd\n");
        let found = Shell::Bash.answer(words(&["9", " :=", "bmpctl show vers"]));
        assert_eq!(found, "version\n");
        assert_eq!(Shell::Fish.answer(words(&["bmpctl", "--socket", ""])), FILES);
    }
}
