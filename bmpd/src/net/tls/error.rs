//! Why TLS with a peer, a station or a router, has failed, and which side has to change what.
//!
//! What the peer sends (its certificate, its alerts) is shown truncated and escaped: it is untrusted.

use std::io;
use std::time::Duration;

use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use crate::net::describe;

/// How many names of a certificate are shown, and how many characters of each.
const NAMES_MAX: usize = 4;
const NAME_MAX: usize = 80;

/// Why there is no TLS with a peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// No certificate in `tls.ca` vouches for the peer's.
    #[error("the peer's certificate is signed by an unknown authority: none that is in tls.ca")]
    UnknownAuthority,
    /// The peer's certificate, or one above it, was valid once.
    #[error("the peer's certificate has expired{}", on(*.0))]
    Expired(Option<UnixTime>),
    /// It will be valid, if the clocks are right.
    #[error("the peer's certificate is not yet valid{}: look at the clocks", from(*.0))]
    NotYetValid(Option<UnixTime>),
    /// The certificate is for other names.
    #[error(
        "the peer's certificate has the wrong name: expected {expected}, it is for {presented}"
    )]
    WrongName {
        /// `tls.server-name`, or the peer's address.
        expected: String,
        /// What the certificate names.
        presented: String,
    },
    /// The certificate cannot be accepted for another reason.
    #[error("the peer's certificate is not accepted: {0}")]
    BadCertificate(String),
    /// The peer has no certificate.
    #[error("the peer has sent no certificate, and tls.ca asks for one")]
    NoCertificate,
    /// The peer requires a certificate of ours, and none is configured.
    #[error(
        "the peer demands a client certificate, and none is configured: set tls.certificate and \
         tls.private-key"
    )]
    CertificateDemanded,
    /// The peer rejects our certificate.
    #[error("the peer refuses our certificate ({0})")]
    CertificateRefused(&'static str),
    /// The versions or algorithms of both sides have nothing in common.
    #[error("no common version of TLS with the peer: it has none that tls.minimum-version allows")]
    NoCommonVersion,
    /// What was received is not TLS.
    #[error("the peer does not speak TLS on this port")]
    NotTls,
    /// The connection ended without an alert.
    #[error("the peer closed the connection during the TLS handshake: it may not speak TLS there")]
    Closed,
    /// The peer does not answer.
    #[error(
        "the peer did not finish the TLS handshake within {} s: it may not speak TLS there",
        .0.as_secs()
    )]
    TimedOut(Duration),
    /// The connection failed.
    #[error("the connection failed during the TLS handshake: {}", describe(.0))]
    Io(io::Error),
    /// Any other alert or failure.
    #[error("TLS with the peer failed: {0}")]
    Other(String),
}

/// The TLS failure that an error of a stream stands for, if it does.
///
/// With TLS 1.3 a peer checks our certificate when the handshake is complete for us (RFC 8446 section 4.4.2.4): its
/// decision arrives as an error of the first read or a write.
pub(crate) fn cause(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}

/// What is known of a connection when it fails.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// True once the peer has sent something that is TLS (its ServerHello).
    pub(super) is_tls: bool,
    /// True if a certificate of ours is configured.
    pub(super) have_certificate: bool,
    /// True if we are the server.
    pub(super) is_server: bool,
}

impl TlsError {
    /// What an error of rustls means.
    pub(super) fn new(error: rustls::Error, now: Circumstances) -> Self {
        use rustls::Error;
        match error {
            Error::InvalidCertificate(error) => Self::certificate(error, now),
            Error::NoCertificatesPresented => TlsError::NoCertificate,
            Error::AlertReceived(alert) => Self::alert(alert, now),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                | PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired,
            ) => TlsError::NoCommonVersion,
            Error::InvalidMessage(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerSentOversizedRecord
            | Error::DecryptError
                if !now.is_tls =>
            {
                TlsError::NotTls
            }
            error => TlsError::Other(shown(&error.to_string())),
        }
    }

    fn certificate(error: CertificateError, now: Circumstances) -> Self {
        match error {
            CertificateError::UnknownIssuer => TlsError::UnknownAuthority,
            CertificateError::Expired => TlsError::Expired(None),
            CertificateError::ExpiredContext { not_after, .. } => {
                TlsError::Expired(Some(not_after))
            }
            CertificateError::NotValidYet => TlsError::NotYetValid(None),
            CertificateError::NotValidYetContext { not_before, .. } => {
                TlsError::NotYetValid(Some(not_before))
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                TlsError::WrongName {
                    expected: expected.to_str().into_owned(),
                    presented: names(&presented),
                }
            }
            CertificateError::BadSignature => TlsError::BadCertificate(
                "its signature is wrong; tls.ca has another authority of the same name".to_owned(),
            ),
            CertificateError::BadEncoding => {
                TlsError::BadCertificate("it is damaged, or no X.509".to_owned())
            }
            CertificateError::InvalidPurpose
            | CertificateError::InvalidPurposeContext { .. } => {
                let (whom, usage) =
                    if now.is_server { ("clients", "clientAuth") } else { ("servers", "serverAuth") };
                TlsError::BadCertificate(format!(
                    "it is not for {whom} (its extended key usage lacks {usage})"
                ))
            }
            // What `openssl req -x509` creates by default.
            CertificateError::Other(error) if error.to_string().contains("CaUsedAsEndEntity") => {
                TlsError::BadCertificate(
                    "it is that of an authority (CA:TRUE), not one that an authority has given to a \
                     server or client"
                        .to_owned(),
                )
            }
            error => TlsError::BadCertificate(shown(&error.to_string())),
        }
    }

    fn alert(alert: AlertDescription, now: Circumstances) -> Self {
        use AlertDescription as Alert;
        match alert {
            Alert::CertificateRequired => TlsError::CertificateDemanded,
            // TLS 1.2 has no alert for it (RFC 5246 section 7.4.6); programs differ.
            Alert::BadCertificate | Alert::NoCertificate if !now.have_certificate => {
                TlsError::CertificateDemanded
            }
            Alert::HandshakeFailure if now.is_tls && !now.have_certificate => {
                TlsError::CertificateDemanded
            }
            Alert::HandshakeFailure if now.is_tls => {
                TlsError::CertificateRefused("its alert says handshake_failure")
            }
            Alert::BadCertificate => TlsError::CertificateRefused("it says that it is bad"),
            Alert::UnsupportedCertificate => {
                TlsError::CertificateRefused("it is of a kind that it does not support")
            }
            Alert::CertificateRevoked => TlsError::CertificateRefused("it says that it is revoked"),
            Alert::CertificateExpired => {
                TlsError::CertificateRefused("it says that it has expired")
            }
            Alert::CertificateUnknown => {
                TlsError::CertificateRefused("it does not say why: certificate_unknown")
            }
            Alert::UnknownCA => {
                TlsError::CertificateRefused("it does not know the authority that signed it")
            }
            Alert::AccessDenied => TlsError::CertificateRefused("access is denied to it"),
            Alert::ProtocolVersion => TlsError::NoCommonVersion,
            Alert::UnrecognisedName => {
                TlsError::Other("the peer does not know the name in tls.server-name".to_owned())
            }
            Alert::HandshakeFailure | Alert::InsufficientSecurity => TlsError::Other(
                "the peer accepts none of the algorithms that are offered".to_owned(),
            ),
            alert => TlsError::Other(format!("the peer ended it with the alert {alert:?}")),
        }
    }
}

impl From<io::Error> for TlsError {
    /// An error of a stream during the handshake.
    fn from(error: io::Error) -> Self {
        match error.downcast::<TlsError>() {
            Ok(error) => error,
            Err(error) => TlsError::Io(error),
        }
    }
}

fn on(time: Option<UnixTime>) -> String {
    time.and_then(date).map(|date| format!(" on {date}")).unwrap_or_default()
}

fn from(time: Option<UnixTime>) -> String {
    time.and_then(date).map(|date| format!(", but from {date}")).unwrap_or_default()
}

fn date(time: UnixTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok()
}

/// The names of a certificate, which rustls gives as `DnsName("a.example")` or `IpAddress(192.0.2.1)`.
fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        return "no name at all (it has no subject alternative name)".to_owned();
    }
    let bare = |name: &String| {
        let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
        shown(inside.unwrap_or(name).trim_matches('"'))
    };
    let mut names: Vec<String> = presented.iter().take(NAMES_MAX).map(bare).collect();
    if presented.len() > NAMES_MAX {
        names.push(format!("{} more", presented.len() - NAMES_MAX));
    }
    names.join(", ")
}

fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(NAME_MAX).flat_map(char::escape_debug).collect();
    if text.chars().nth(NAME_MAX).is_some() {
        shown.push('…');
    }
    shown
}
