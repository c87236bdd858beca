//! A host as `--host` names it.

use std::fmt;
use std::num::NonZero;
use std::str::FromStr;

/// `[USER@]HOST[:PORT]`. HOST can be a name of ssh_config(5); an IPv6 address has brackets if a port follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// `[USER@]HOST`, as ssh takes it.
    pub(crate) host: String,
    /// The port of its sshd, unless that is left to ssh.
    pub(crate) port: Option<NonZero<u16>>,
}

/// The id of the option in the grammar.
pub(crate) const HOST: &str = "host";

/// The characters that ssh refuses in a user or host as well, from OpenSSH 9.6 on: both can be put into a proxy command.
const REFUSED: &str = "'`\"$\\;&<>|(){}";

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DestinationError {
    /// Nothing is left that could be one.
    #[error("the host is missing: write [USER@]HOST[:PORT], such as edge1 or admin@edge1:2222")]
    Missing,
    /// ssh would read it as an option, and a proxy command as well.
    #[error("a user or host that begins with `-` could be read as an option")]
    Hyphen,
    /// A shell would read it otherwise, in a proxy command.
    #[error("there is a character in it that no user or host has")]
    Character,
    /// It is not a number of 16 bits.
    #[error("behind the colon stands the port of ssh there, 1 to 65535")]
    Port,
    /// A bracket without the other one, or with something behind it.
    #[error("brackets are for an IPv6 address with a port: [2001:db8::1]:22")]
    Brackets,
}

impl FromStr for Destination {
    type Err = DestinationError;

    fn from_str(text: &str) -> Result<Self, DestinationError> {
        let is_strange = |c: char| {
            c.is_whitespace()
                || c.is_control()
                || c == char::REPLACEMENT_CHARACTER
                || REFUSED.contains(c)
        };
        if text.contains(is_strange) {
            return Err(DestinationError::Character);
        }
        // A user can have an @, as one of a directory service has; a host cannot.
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, text),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(rest) => match rest.split_once(']') {
                Some((host, "")) => (host, None),
                Some((host, rest)) => {
                    (host, Some(rest.strip_prefix(':').ok_or(DestinationError::Brackets)?))
                }
                None => return Err(DestinationError::Brackets),
            },
            None => match place.split_once(':') {
                // More than one is an IPv6 address.
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (place, None),
            },
        };
        if host.is_empty() || user.is_some_and(str::is_empty) {
            return Err(DestinationError::Missing);
        }
        if host.starts_with('-') || text.starts_with('-') {
            return Err(DestinationError::Hyphen);
        }
        let port = port.map(|port| match port.bytes().all(|byte| byte.is_ascii_digit()) {
            true => port.parse().map_err(|_| DestinationError::Port),
            false => Err(DestinationError::Port),
        });
        let host = user.map_or_else(|| host.to_owned(), |user| format!("{user}@{host}"));
        Ok(Self { host, port: port.transpose()? })
    }
}

/// As the arguments of ssh.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(port) = self.port {
            write!(f, "-p {port} ")?;
        }
        f.write_str(&self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_can_have_a_user_and_a_port() {
        let cases = [
            ("edge1", "edge1"),
            ("edge1.example", "edge1.example"),
            ("admin@edge1", "admin@edge1"),
            ("admin@corp.example@edge1:2222", "-p 2222 admin@corp.example@edge1"),
            ("192.0.2.1:22", "-p 22 192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("root@[2001:db8::1]:2222", "-p 2222 root@2001:db8::1"),
            ("fe80::1%eth0", "fe80::1%eth0"),
        ];
        for (text, shown) in cases {
            let host = text.parse::<Destination>().map(|host| host.to_string());
            assert_eq!(host, Ok(shown.to_owned()));
        }
    }

    #[test]
    fn what_ssh_could_misread_is_refused() {
        use DestinationError::{Brackets, Character, Hyphen, Missing, Port};
        let cases = [
            ("", Missing),
            ("@edge1", Missing),
            ("admin@", Missing),
            (":22", Missing),
            ("-oProxyCommand=x", Hyphen),
            ("-l@edge1", Hyphen),
            ("admin@-edge1", Hyphen),
            ("[-edge1]:22", Hyphen),
            ("edge1 reboot", Character),
            ("edge1\n", Character),
            ("edge'1", Character),
            ("$(id)@edge1", Character),
            ("edge1;id", Character),
            ("edge1:", Port),
            ("edge1:+22", Port),
            ("edge1:0", Port),
            ("edge1:65536", Port),
            ("edge1:ssh", Port),
            ("[2001:db8::1", Brackets),
            ("[2001:db8::1]22", Brackets),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Destination>(), Err(why), "{text}");
        }
    }
}
