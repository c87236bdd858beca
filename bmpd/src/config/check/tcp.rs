//! `tcp`, `mode` and `tls` of a session.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::ops::Range;
use std::time::Duration;

use shared::names::StationAddress;
use toml::Spanned;

use super::value::shown;
use super::{Check, seconds_or};
use crate::config::defaults;
use crate::config::model::{Mode, Tcp};
use crate::config::schema::{self, Table, Whole};
use crate::net::settings::{
    Authentication, Keepalive, ServerTls, Source, Tls, TlsIdentity, TlsVersion,
};

/// What Linux accepts for TCP_MAXSEG (TCP_MIN_MSS, MAX_TCP_WINDOW).
const MSS: std::ops::RangeInclusive<u32> = 88..=32767;

impl Check<'_> {
    /// Which side connects, and to which port.
    pub(super) fn mode(
        &mut self,
        at: &str,
        span: Range<usize>,
        session: &schema::Session,
    ) -> Option<Mode> {
        let (tcp_span, connect, listen) = match &session.tcp {
            Some(tcp) => {
                let Table(table) = tcp.get_ref();
                (tcp.span(), &table.connect_port, &table.listen_port)
            }
            None => (span, &None, &None),
        };
        let passive = match session.mode.as_ref().map(|mode| (mode.get_ref().as_str(), mode)) {
            None | Some(("active", _)) => false,
            Some(("passive", _)) => true,
            Some((other, mode)) => {
                let text = format!(
                    "{} is not a mode; \"active\" (bmpd connects) and \"passive\" (the station \
                     connects) are allowed",
                    shown(other)
                );
                self.refuse(mode.span(), format!("{at}.mode"), text);
                return None;
            }
        };
        let (name, port, other) = if passive {
            ("listen-port", listen, connect.as_ref().map(|port| ("connect-port", port)))
        } else {
            ("connect-port", connect, listen.as_ref().map(|port| ("listen-port", port)))
        };
        if let Some((other, port)) = other {
            let text = if passive {
                "a passive session connects nowhere; write tcp.listen-port instead"
            } else {
                "an active session listens nowhere; write mode = \"passive\" too, or remove it"
            };
            self.refuse(port.span(), format!("{at}.tcp.{other}"), text);
            return None;
        }
        let key = format!("{at}.tcp.{name}");
        let allowed = if passive {
            "tcp.listen-port = PORT, 1 to 65535, the port of ours that the station connects to"
        } else {
            "tcp.connect-port = PORT, 1 to 65535: BMP has no port of its own"
        };
        let port: NonZeroU16 =
            self.required(tcp_span, &*key, port, allowed).and_then(|port| self.port(&key, port))?;
        Some(if passive { Mode::Passive(port) } else { Mode::Active(port) })
    }

    /// `tcp`; `stall_timeout` is for the default of the user timeout.
    pub(super) fn tcp(
        &mut self,
        at: &str,
        tcp: &schema::Tcp,
        address: Option<StationAddress>,
        stall_timeout: Duration,
    ) -> Option<Tcp> {
        let at = format!("{at}.tcp");
        let source = self.source(&at, tcp, address);
        let mss = self.mss(&format!("{at}.mss"), &tcp.mss);
        let dscp = self.optional(&tcp.dscp, |check, value| {
            check.whole(&format!("{at}.dscp"), value, 0..=63, "").map(|dscp| dscp as u8)
        });
        let keepalive = match &tcp.keepalive {
            Some(Table(keepalive)) => self.keepalive(&format!("{at}.keepalive"), keepalive),
            None => Some(Keepalive::default()),
        };
        let user = self.seconds(&format!("{at}.user-timeout"), &tcp.user_timeout, 1..=86400);
        let connect = self.seconds(&format!("{at}.connect-timeout"), &tcp.connect_timeout, 1..=300);
        let authentication = self.authentication(&at, tcp);
        Some(Tcp {
            source: source?,
            mss: mss?,
            dscp: dscp?,
            keepalive: keepalive?,
            user_timeout: match user? {
                Some(seconds) => Duration::from_secs(seconds.into()),
                None => defaults::user_timeout(stall_timeout),
            },
            connect_timeout: seconds_or(connect?, defaults::CONNECT_TIMEOUT),
            authentication: authentication?,
        })
    }

    fn authentication(&mut self, at: &str, tcp: &schema::Tcp) -> Option<Option<Authentication>> {
        match (&tcp.md5, &tcp.ao) {
            (None, None) => Some(None),
            (Some(md5), None) => {
                self.md5(&format!("{at}.md5"), md5).map(|key| Some(Authentication::Md5(key)))
            }
            (None, Some(ao)) => self.ao(&format!("{at}.ao"), ao).map(Some),
            (Some(_), Some(ao)) => {
                let text = "a connection has TCP MD5 or TCP-AO (RFC 5925 section 1.1); remove tcp.md5 \
                            or tcp.ao";
                self.refuse(ao.span(), format!("{at}.ao"), text);
                None
            }
        }
    }

    fn source(
        &mut self,
        at: &str,
        tcp: &schema::Tcp,
        address: Option<StationAddress>,
    ) -> Option<Option<Source>> {
        match (&tcp.source_address, &tcp.source_interface) {
            (None, None) => Some(None),
            (Some(source), None) => {
                let key = format!("{at}.source-address");
                let other = address.map(StationAddress::ip);
                self.source_address(&key, source, other).map(|ip| Some(Source::Address(ip)))
            }
            (None, Some(device)) => self
                .device(&format!("{at}.source-interface"), device)
                .map(|device| Some(Source::Interface(device))),
            (Some(_), Some(device)) => {
                let text = "a connection has one source; remove source-address or source-interface";
                self.refuse(device.span(), format!("{at}.source-interface"), text);
                None
            }
        }
    }

    /// An address of ours; `other` is the other end's.
    pub(super) fn source_address(
        &mut self,
        key: &str,
        value: &Spanned<String>,
        other: Option<IpAddr>,
    ) -> Option<IpAddr> {
        let text = value.get_ref();
        let wrong = match text.parse::<StationAddress>() {
            Ok(address) => match other {
                Some(other) if other.is_ipv4() != address.ip().is_ipv4() => format!(
                    "{address} and {other} are not of the same family; an {} address of this host is \
                     allowed",
                    if other.is_ipv4() { "IPv4" } else { "IPv6" }
                ),
                _ => return Some(address.ip()),
            },
            Err(_) => format!(
                "{} cannot be a source; an IPv4 or IPv6 address of this host, not link-local, is \
                 allowed",
                shown(text)
            ),
        };
        self.refuse(value.span(), key, wrong);
        None
    }

    /// A maximum segment size.
    pub(super) fn mss(&mut self, key: &str, value: &Option<Spanned<Whole>>) -> Option<Option<u16>> {
        self.optional(value, |check, value| {
            check.whole(key, value, MSS, " bytes").map(|mss| mss as u16)
        })
    }

    fn keepalive(&mut self, at: &str, keepalive: &schema::Keepalive) -> Option<Keepalive> {
        let default = Keepalive::default();
        let idle = self.seconds(&format!("{at}.idle"), &keepalive.idle, 1..=32767);
        let interval = self.seconds(&format!("{at}.interval"), &keepalive.interval, 1..=32767);
        let count = self.optional(&keepalive.count, |check, value| {
            check.whole(&format!("{at}.count"), value, 1..=127, "").map(|count| count as u8)
        });
        let or = |given: Option<u32>, default: Duration| {
            given.map_or(default, |seconds| Duration::from_secs(seconds.into()))
        };
        Some(Keepalive {
            idle: or(idle?, default.idle),
            interval: or(interval?, default.interval),
            count: count?.unwrap_or(default.count),
        })
    }

    /// `tls`.
    pub(super) fn tls(&mut self, at: &str, table: &Spanned<Table<schema::Tls>>) -> Option<Tls> {
        let at = format!("{at}.tls");
        let Table(tls) = table.get_ref();
        let key = format!("{at}.ca");
        let allowed = "ca = \"FILE\", the certificates that vouch for the station's (PEM)";
        let ca = self
            .required(table.span(), &*key, &tls.ca, allowed)
            .and_then(|file| self.pem(&key, file));
        let client = self.identity_of(&at, table.span(), &tls.certificate, &tls.private_key);
        let server_name = self.optional(&tls.server_name, |check, name| {
            check.server_name(&format!("{at}.server-name"), name)
        });
        let version = self.tls_version(&at, &tls.minimum_version);
        let tls =
            Tls { ca: ca?, client: client?, server_name: server_name?, minimum_version: version? };
        // Unusable files are reported now, not when the session connects.
        match crate::net::tls::check(&tls) {
            Ok(_) => Some(tls),
            Err(error) => {
                self.refuse(table.span(), at, error.to_string());
                None
            }
        }
    }

    /// `tls` of a router: bmpd has a certificate, and so has the router.
    pub(super) fn server_tls(
        &mut self,
        at: &str,
        table: &Spanned<Table<schema::RouterTls>>,
    ) -> Option<ServerTls> {
        let at = format!("{at}.tls");
        let Table(tls) = table.get_ref();
        let key = format!("{at}.ca");
        let allowed = "ca = \"FILE\", the certificates that vouch for the router's (PEM)";
        let ca = self
            .required(table.span(), &*key, &tls.ca, allowed)
            .and_then(|file| self.pem(&key, file));
        let identity = self.identity_of(&at, table.span(), &tls.certificate, &tls.private_key);
        let client_name = self.optional(&tls.client_name, |check, name| {
            check.server_name(&format!("{at}.client-name"), name)
        });
        let version = self.tls_version(&at, &tls.minimum_version);
        let Some(identity) = identity? else {
            let text = "is missing; bmpd is the TLS server of a router: write certificate = \"FILE\" and private-key = \
                        \"FILE\"";
            self.refuse(table.span(), format!("{at}.certificate"), text);
            return None;
        };
        match crate::net::tls::check_server(ca?, identity, client_name?, version?) {
            Ok(tls) => Some(tls),
            Err(error) => {
                self.refuse(table.span(), at, error.to_string());
                None
            }
        }
    }

    fn tls_version(&mut self, at: &str, version: &Option<Spanned<String>>) -> Option<TlsVersion> {
        let Some(version) = version else { return Some(TlsVersion::V1_2) };
        match version.get_ref().as_str() {
            "1.2" => Some(TlsVersion::V1_2),
            "1.3" => Some(TlsVersion::V1_3),
            other => {
                let text = format!("{} is not allowed; \"1.2\" and \"1.3\" are", shown(other));
                self.refuse(version.span(), format!("{at}.minimum-version"), text);
                None
            }
        }
    }

    /// Our certificate and its key, if they are there.
    pub(super) fn identity_of(
        &mut self,
        at: &str,
        table: Range<usize>,
        certificate: &Option<Spanned<String>>,
        private_key: &Option<Spanned<String>>,
    ) -> Option<Option<TlsIdentity>> {
        match (certificate, private_key) {
            (None, None) => Some(None),
            (Some(certificate), Some(key)) => {
                let certificate = self.pem(&format!("{at}.certificate"), certificate);
                let key = self.private_key(&format!("{at}.private-key"), key);
                let (key_path, key) = key?;
                Some(Some(TlsIdentity { certificate: certificate?, key_path, key }))
            }
            (certificate, _) => {
                let (missing, there) = match certificate {
                    Some(_) => ("private-key", "certificate"),
                    None => ("certificate", "private-key"),
                };
                let text = format!("is missing; {there} needs {missing} = \"FILE\" beside it");
                self.refuse(table, format!("{at}.{missing}"), text);
                None
            }
        }
    }

    /// A DNS name or an IP address (RFC 6125, RFC 5280 section 4.2.1.6).
    fn server_name(&mut self, key: &str, value: &Spanned<String>) -> Option<String> {
        let text = value.get_ref();
        if rustls::pki_types::ServerName::try_from(text.as_str()).is_ok() {
            return Some(text.clone());
        }
        let wrong = format!("{} is neither a DNS name nor an IP address", shown(text));
        self.refuse(value.span(), key, wrong);
        None
    }
}
