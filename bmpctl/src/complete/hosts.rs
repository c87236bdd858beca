//! Hosts that ssh knows by name: those of ssh_config(5), and those of known_hosts that are not hashed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What is read of a file at most: 4 MiB.
const FILE_MAX: u64 = 4 << 20;

/// Every name, once.
pub(super) fn known() -> BTreeSet<String> {
    let own = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".ssh"));
    let file = |name: &str| own.as_ref().map(|folder| text(&folder.join(name))).unwrap_or_default();
    let configs = [file("config"), text(Path::new("/etc/ssh/ssh_config"))];
    let keys = [file("known_hosts"), text(Path::new("/etc/ssh/ssh_known_hosts"))];
    let of_config = configs.iter().flat_map(|text| configured(text));
    of_config.chain(keys.iter().flat_map(|text| with_keys(text))).collect()
}

/// A file that cannot be read has no names.
fn text(path: &Path) -> String {
    let mut bytes = Vec::new();
    if std::fs::metadata(path).is_ok_and(|found| found.is_file())
        && let Ok(file) = File::open(path)
    {
        let _ = file.take(FILE_MAX).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_pattern(name: &str) -> bool {
    name.is_empty() || name.contains(['*', '?', '!'])
}

/// The names of `Host` that are no patterns.
fn configured(text: &str) -> impl Iterator<Item = String> {
    let hosts = text.lines().filter_map(|line| {
        let (keyword, rest) =
            line.trim_start().split_once(|c: char| c.is_whitespace() || c == '=')?;
        keyword.eq_ignore_ascii_case("host").then(|| rest.trim_start_matches([' ', '\t', '=']))
    });
    let names = hosts.flat_map(str::split_whitespace).map(|name| name.trim_matches('"'));
    names.filter(|name| !is_pattern(name)).map(str::to_owned)
}

/// The names of keys (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
fn with_keys(text: &str) -> impl Iterator<Item = String> {
    let fields = text.lines().filter_map(|line| match line.split_whitespace().next()? {
        comment if comment.starts_with('#') => None,
        // A name of a certificate authority or of a revoked key is none to connect to.
        marker if marker.starts_with('@') => None,
        hashed if hashed.starts_with('|') => None,
        names => Some(names),
    });
    fields.flat_map(|names| names.split(',')).filter(|name| !is_pattern(name)).map(|name| {
        // A port is there only if it is not 22; `--host` needs brackets for IPv6 alone.
        match name.strip_prefix('[').and_then(|rest| rest.split_once("]:")) {
            Some((host, port)) if !host.contains(':') => format!("{host}:{port}"),
            _ => name.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_configuration_are_those_of_host_without_patterns() {
        let text = "Host edge1 edge2.example *.lab !bad\n  HostName 192.0.2.1\nhost=\"core\"\n# Host no\nHost *\n";
        assert_eq!(configured(text).collect::<Vec<_>>(), ["edge1", "edge2.example", "core"]);
    }

    #[test]
    fn names_of_keys_have_their_ports() {
        let text = "edge1,192.0.2.1 ssh-ed25519 AAAA\n|1|abc=|def= ssh-rsa AAAA\n[edge2]:2222 ssh-rsa AAAA\n\
                    [2001:db8::1]:2222 ssh-rsa AAAA\n@cert-authority *.lab ssh-rsa AAAA\n# edge3\n";
        let names: Vec<_> = with_keys(text).collect();
        assert_eq!(names, ["edge1", "192.0.2.1", "edge2:2222", "[2001:db8::1]:2222"]);
        assert!(names.iter().all(|name| name.parse::<crate::destination::Destination>().is_ok()));
    }
}
