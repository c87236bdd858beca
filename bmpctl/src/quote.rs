//! Words of a command as a shell reads them, of another host as well.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The words as one line of which a shell makes the same words again.
///
/// sshd gives the line to the login shell of the user (sshd(8), "Login process"), which can be one of POSIX, fish,
/// or csh. Within single quotes each of them takes every byte as it is but these, which stand outside with a
/// backslash before them: the quote itself; the backslash, which fish reads there; and `!`, which csh reads there.
pub(crate) fn line<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> OsString {
    let mut line = Vec::new();
    for word in words {
        if !line.is_empty() {
            line.push(b' ');
        }
        append(&mut line, word.as_bytes());
    }
    OsString::from_vec(line)
}

fn append(line: &mut Vec<u8>, word: &[u8]) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./:@,+-".contains(byte);
    if !word.is_empty() && word.iter().all(is_plain) {
        line.extend_from_slice(word);
        return;
    }
    let mut rest = word;
    loop {
        let end = rest.iter().position(|byte| matches!(byte, b'\'' | b'\\' | b'!'));
        let end = end.unwrap_or(rest.len());
        let (quoted, after) = rest.split_at(end);
        if !quoted.is_empty() || word.is_empty() {
            line.push(b'\'');
            line.extend_from_slice(quoted);
            line.push(b'\'');
        }
        let Some((special, after)) = after.split_first() else { break };
        line.extend_from_slice(&[b'\\', *special]);
        if after.is_empty() {
            break;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn quoted(word: &str) -> String {
        line([OsStr::new(word)]).into_string().unwrap()
    }

    #[test]
    fn what_needs_no_quotes_has_none() {
        for word in ["reset", "--alias", "2001:db8::1", "/run/bmpd.sock", "10.1.1.1"] {
            assert_eq!(quoted(word), word);
        }
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("two words"), "'two words'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("'"), "\\'");
        assert_eq!(quoted("--wait=5m"), "'--wait=5m'");
    }

    #[test]
    fn a_shell_makes_the_same_words_of_it_whatever_bytes_they_have() {
        let every: Vec<u8> = (1..=255).collect();
        let mut words: Vec<OsString> =
            every.iter().map(|byte| OsString::from_vec(vec![*byte])).collect();
        words.push(OsString::from_vec(every));
        let further =
            ["", "-n", "$(id)", "a;b", "~", "*", "=ls", "!!", "\\'", "{a,b}", "#", "zürich"];
        words.extend(further.map(OsString::from));
        let line = line(words.iter().map(OsString::as_os_str));
        let mut command = OsString::from("printf '%s\\0' ");
        command.push(line);
        // Where another shell is installed, as the tests need it, it must agree.
        for shell in ["sh", "bash", "zsh", "fish"] {
            let output = match Command::new(shell).arg("-c").arg(&command).output() {
                Ok(output) => output,
                Err(_) if shell != "sh" => continue,
                Err(error) => panic!("{shell}: {error}"),
            };
            let got: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
            let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(got[..got.len() - 1], expected, "{shell}");
        }
    }
}
