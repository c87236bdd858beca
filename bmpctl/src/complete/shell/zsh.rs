//! zsh: candidates as `_describe` takes them. zsh quotes what it inserts, and filters as its user likes it.

use clap_complete::CompletionCandidate;

use super::answer::parts;

pub(super) const SCRIPT: &str = r##"#compdef bmpctl
# Completion of bmpctl for zsh. Put this file as _bmpctl into a folder of $fpath, such as
# /usr/local/share/zsh/site-functions, or source it after compinit.

_bmpctl() {
    local -a found
    found=("${(@f)$(COMPLETE=zsh command bmpctl -- "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    [[ -n "${found[1]}" ]] || return 1
    # The value of an option is a word of its own.
    [[ "$PREFIX" == --*=* ]] && compset -P 1 '*='
    if [[ "${found[1]}" == $'\tfiles' ]]; then
        _files
    else
        _describe -V 'bmpctl' found
    fi
}

if [[ "${funcstack[1]}" == _bmpctl ]]; then
    _bmpctl "$@"
else
    compdef _bmpctl bmpctl
fi
"##;

/// `value:description`, one a line.
pub(super) fn candidates(found: &[CompletionCandidate], current: &str) -> String {
    let option = match current.split_once('=') {
        Some((option, _)) if option.starts_with("--") => format!("{option}="),
        _ => String::new(),
    };
    let line = |candidate| {
        let (value, description) = parts(candidate);
        let value = value.strip_prefix(&option).unwrap_or(&value);
        let value = value.replace('\\', "\\\\").replace(':', "\\:");
        match description {
            Some(description) => format!("{value}:{}\n", description.replace('\\', "\\\\")),
            None => format!("{value}\n"),
        }
    };
    found.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_and_backslashes_of_a_value_are_kept_apart_from_the_description() {
        let address = CompletionCandidate::new("2001:db8::1").help(Some("Idle: a\\b".into()));
        assert_eq!(candidates(&[address], ""), "2001\\:db8\\:\\:1:Idle: a\\\\b\n");
        let value = CompletionCandidate::new("--alias=a b");
        assert_eq!(candidates(&[value], "--alias="), "a b\n");
    }
}
