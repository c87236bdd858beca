//! Keys, and the files that hold them or certificates.
//!
//! No text that is made here contains a key. Files are read here because a configuration that was checked must not fail
//! later: their content is part of the configuration, and a file that has changed is a parameter that has changed.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use zeroize::Zeroizing;

use super::Check;
use crate::config::reading;
use crate::config::schema::{self, Table};
use crate::net::settings::{AoAlgorithm, AoKey, Authentication, TlsFile};
use crate::secret::Secret;

/// The longest key of TCP MD5 and TCP-AO (TCP_MD5SIG_MAXKEYLEN, TCP_AO_MAXKEYLEN).
const KEY_MAX: usize = 80;

/// The most bytes of a file with certificates or keys.
const FILE_MAX: usize = 1 << 20;

/// The most keys in a key chain: a KeyID has eight bits.
const CHAIN_MAX: usize = 256;

impl Check<'_> {
    /// `md5`: a key, here or in a file.
    pub(super) fn md5(&mut self, at: &str, table: &Spanned<Table<schema::Key>>) -> Option<Secret> {
        let Table(key) = table.get_ref();
        self.key(at, table.span(), &key.key, &key.key_file)
    }

    /// `ao`: the key chain of TCP-AO.
    pub(super) fn ao(
        &mut self,
        at: &str,
        tables: &Spanned<Vec<Spanned<Table<schema::AoKey>>>>,
    ) -> Option<Authentication> {
        let list = tables.get_ref();
        if list.is_empty() || list.len() > CHAIN_MAX {
            let text = format!(
                "the chain has {} keys; 1 to {CHAIN_MAX} are allowed, the first is sent with",
                list.len()
            );
            self.refuse(tables.span(), at, text);
            return None;
        }
        let mut keys: Vec<Option<AoKey>> = Vec::new();
        for (index, table) in list.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Table(key) = table.get_ref();
            let mut id = |name: &str, value: &Option<Spanned<schema::Whole>>| {
                let key = format!("{at}.{name}");
                let allowed = format!("{name} = NUMBER, 0 to 255");
                let value = self.required(table.span(), &*key, value, &allowed)?;
                let number = self.whole(&key, value, 0..=255, "")?;
                u8::try_from(number).ok()
            };
            let send_id = id("send-id", &key.send_id);
            let receive_id = id("receive-id", &key.receive_id);
            let algorithm =
                self.optional(&key.algorithm, |check, text| match text.get_ref().as_str() {
                    "hmac-sha-1-96" => Some(AoAlgorithm::HmacSha1),
                    "aes-128-cmac-96" => Some(AoAlgorithm::AesCmac),
                    other => {
                        let wrong = format!(
                            "{} is not an algorithm; \"hmac-sha-1-96\" and \"aes-128-cmac-96\" are \
                             allowed (RFC 5926)",
                            super::value::shown(other)
                        );
                        check.refuse(text.span(), format!("{at}.algorithm"), wrong);
                        None
                    }
                });
            let secret = self.key(&at, table.span(), &key.key, &key.key_file);
            let unique = |id: Option<u8>, of: fn(&AoKey) -> u8| {
                id.is_some_and(|id| keys.iter().flatten().any(|other| of(other) == id))
            };
            for (name, taken, value) in [
                ("send-id", unique(send_id, |key| key.send_id), &key.send_id),
                ("receive-id", unique(receive_id, |key| key.receive_id), &key.receive_id),
            ] {
                if let (true, Some(value)) = (taken, value) {
                    let text = "another key of the chain has the same; each needs its own";
                    self.refuse(value.span(), format!("{at}.{name}"), text);
                }
            }
            keys.push((|| {
                Some(AoKey {
                    send_id: send_id?,
                    receive_id: receive_id?,
                    algorithm: algorithm?.unwrap_or(AoAlgorithm::HmacSha1),
                    key: secret?,
                })
            })());
        }
        keys.into_iter().collect::<Option<Vec<_>>>().map(Authentication::Ao)
    }

    /// `key` or `key-file`: one of the two.
    fn key(
        &mut self,
        at: &str,
        table: std::ops::Range<usize>,
        key: &Option<Spanned<schema::Hidden>>,
        file: &Option<Spanned<String>>,
    ) -> Option<Secret> {
        self.secret(at, table, ("key", KEY_MAX), key, file)
    }

    /// A key or password with this name, or the file that it is in: one of the two.
    pub(super) fn secret(
        &mut self,
        at: &str,
        table: std::ops::Range<usize>,
        (what, longest): (&str, usize),
        key: &Option<Spanned<schema::Hidden>>,
        file: &Option<Spanned<String>>,
    ) -> Option<Secret> {
        let (name, span, secret) = match (key, file) {
            (Some(key), None) => {
                (what.to_owned(), key.span(), Secret::new(key.get_ref().0.as_bytes()))
            }
            (None, Some(file)) => {
                let name = format!("{at}.{what}-file");
                let path = self.path(file);
                let mut bytes = self.read(&name, file, &path)?;
                self.warn_of_readers(&name, &path);
                // An editor ends the last line; that is no part of the key.
                if bytes.last() == Some(&b'\n') {
                    bytes.pop();
                }
                if bytes.last() == Some(&b'\r') {
                    bytes.pop();
                }
                let secret = Secret::taken(bytes).read_from(&path);
                (format!("{what}-file"), file.span(), secret)
            }
            (Some(_), Some(file)) => {
                let text = format!("the {what} is given twice; remove {what} or {what}-file");
                self.refuse(file.span(), format!("{at}.{what}-file"), text);
                return None;
            }
            (None, None) => {
                let text = format!(
                    "is missing; write {what} = \"{}\", or {what}-file = \"FILE\" with the {what} in it",
                    what.to_uppercase()
                );
                self.refuse(table, format!("{at}.{what}"), text);
                return None;
            }
        };
        let length = secret.expose().len();
        if (1..=longest).contains(&length) {
            return Some(secret);
        }
        let text = format!("the {what} has {length} bytes; 1 to {longest} are allowed");
        self.refuse(span, format!("{at}.{name}"), text);
        None
    }

    /// A file with certificates.
    pub(super) fn pem(&mut self, key: &str, value: &Spanned<String>) -> Option<TlsFile> {
        let path = self.path(value);
        // Many sessions have the same file: it is read and held once.
        let pem = match self.pem_files.get(&path) {
            Some(pem) => Arc::clone(pem),
            None => Arc::from(self.read(key, value, &path)?.as_slice()),
        };
        self.pem_files.insert(path.clone(), Arc::clone(&pem));
        Some(TlsFile { path, pem })
    }

    /// A file with a private key.
    pub(super) fn private_key(
        &mut self,
        key: &str,
        value: &Spanned<String>,
    ) -> Option<(PathBuf, Secret)> {
        if value.get_ref().contains("PRIVATE KEY") {
            let text = "it is the key itself; write it to a file and name that here";
            self.refuse(value.span(), key, text);
            return None;
        }
        let path = self.path(value);
        let bytes = self.read(key, value, &path)?;
        self.warn_of_readers(key, &path);
        Some((path, Secret::taken(bytes)))
    }

    /// A relative path starts from the folder of the file that names it.
    fn path(&self, value: &Spanned<String>) -> PathBuf {
        let file = self.source.file(value.span().start);
        file.parent().unwrap_or(Path::new("")).join(value.get_ref())
    }

    fn read(
        &mut self,
        key: &str,
        value: &Spanned<String>,
        path: &Path,
    ) -> Option<Zeroizing<Vec<u8>>> {
        let read = || match reading::read(path, FILE_MAX)? {
            bytes if bytes.len() > FILE_MAX => {
                Err(std::io::Error::other(format!("it has more than {FILE_MAX} bytes")))
            }
            bytes => Ok(bytes),
        };
        match read() {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let text = format!(
                    "{} cannot be read: {}; a file that bmpd's user can read is allowed",
                    path.display(),
                    crate::net::describe(&error)
                );
                self.refuse(value.span(), key, text);
                None
            }
        }
    }

    fn warn_of_readers(&mut self, key: &str, path: &Path) {
        if std::fs::metadata(path).is_ok_and(|found| found.mode() & 0o004 != 0) {
            self.warn(format!(
                "{key}: every user of this host can read {}: chmod o-r",
                path.display()
            ));
        }
    }
}
