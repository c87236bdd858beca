//! From the files of `tls` to what rustls works with.
//!
//! All that can be wrong in the files is found here, when the configuration is read, not when a station
//! is connected to. No error shows what is in the file of the key.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, ServerConfig, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, SupportedProtocolVersion};
use zeroize::Zeroizing;

use crate::net::settings::{self, ServerTls, Tls, TlsFile, TlsIdentity, TlsVersion};

/// What is wrong with the files or names of `tls`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The file is no PEM, or only part of one.
    #[error("{} cannot be read as PEM: {what}", file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A file that should have certificates has none.
    #[error("{} holds no certificate: there is no line -----BEGIN CERTIFICATE-----", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A certificate that cannot be understood.
    #[error("certificate {number} in {} cannot be understood: it is damaged, or no X.509", file.display())]
    BadCertificate {
        /// The file.
        file: PathBuf,
        /// Which certificate of the file, counted from 1.
        number: usize,
    },
    /// A file that should have a key has none.
    #[error(
        "{} holds no private key: a line -----BEGIN PRIVATE KEY-----, or the like with RSA or EC, begins \
         one", file.display()
    )]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The key can be used only with a passphrase.
    #[error(
        "the private key in {} is encrypted, and bmpd has nobody to ask for the passphrase: `openssl \
         pkey` writes it without", file.display()
    )]
    EncryptedKey {
        /// The file.
        file: PathBuf,
    },
    /// A key that cannot be understood.
    #[error(
        "the private key in {} cannot be used: it is damaged, or neither RSA (2048 bits or more), ECDSA \
         (P-256, P-384) nor Ed25519", file.display()
    )]
    BadKey {
        /// The file.
        file: PathBuf,
    },
    /// The key does not match the certificate.
    #[error(
        "the private key in {} does not belong to the first certificate in {}",
        key.display(), certificate.display()
    )]
    KeyMismatch {
        /// The file of the key.
        key: PathBuf,
        /// The file of the certificate.
        certificate: PathBuf,
    },
    /// `tls.server-name` or `tls.client-name` is neither a DNS name nor an IP address.
    #[error("{0:?} is neither a DNS name nor an IP address")]
    ServerName(String),
    /// rustls reports another error.
    #[error("TLS cannot be set up: {0}")]
    Other(rustls::Error),
}

/// Converts the configuration into what every connection of the session uses.
///
/// # Errors
///
/// A file or the name in the configuration is wrong; the error names it.
pub(crate) fn check(tls: &Tls) -> Result<Arc<ClientConfig>, SetupError> {
    let authorities = authorities(&tls.ca)?;
    if let Some(name) = &tls.server_name {
        parse_name(name)?;
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(tls.minimum_version))
        .map_err(SetupError::Other)?
        .with_root_certificates(authorities);
    let mut config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(client) => builder.with_client_cert_resolver(certified(client)?),
    };
    // A resumed session would not show the station's certificate again, however the files have changed.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// The configuration with what every connection of the router uses.
///
/// # Errors
///
/// A file or the name in the configuration is wrong; the error names it.
pub(crate) fn check_server(
    ca: TlsFile,
    identity: TlsIdentity,
    client_name: Option<String>,
    minimum_version: TlsVersion,
) -> Result<ServerTls, SetupError> {
    let authorities = Arc::new(authorities(&ca)?);
    if let Some(name) = &client_name {
        parse_name(name)?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider())
        .build()
        .map_err(|error| SetupError::Other(rustls::Error::General(error.to_string())))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions(minimum_version))
        .map_err(SetupError::Other)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(certified(&identity)?);
    // Nothing is kept to resume a session, in which the certificate of the router would not be checked.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    let config = settings::ServerConfig(Arc::new(config));
    Ok(ServerTls { ca, identity, client_name, minimum_version, config })
}

/// Checks files that another library is given.
///
/// # Errors
///
/// A file is wrong; the error names it.
pub(crate) fn check_files(
    ca: Option<&TlsFile>,
    client: Option<&TlsIdentity>,
) -> Result<(), SetupError> {
    ca.map(authorities).transpose()?;
    client.map(certified).transpose()?;
    Ok(())
}

/// Named rather than the process's default, which anything linked into it could set.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn versions(minimum: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static ALL: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];
    match minimum {
        TlsVersion::V1_2 => &ALL,
        TlsVersion::V1_3 => &ALL[..1],
    }
}

fn authorities(ca: &TlsFile) -> Result<RootCertStore, SetupError> {
    let mut authorities = RootCertStore::empty();
    for (index, certificate) in certificates(ca)?.into_iter().enumerate() {
        authorities
            .add(certificate)
            .map_err(|_| SetupError::BadCertificate { file: ca.path.clone(), number: index + 1 })?;
    }
    Ok(authorities)
}

/// Our certificate, as `with_client_auth_cert` makes it, which keeps the key's bytes for itself.
fn certified(identity: &TlsIdentity) -> Result<Arc<SingleCertAndKey>, SetupError> {
    let chain = certificates(&identity.certificate)?;
    let key = Zeroizing::new(private_key(identity)?);
    let certified = ring::sign::any_supported_type(&key)
        .and_then(|key| {
            let certified = CertifiedKey::new(chain, key);
            match certified.keys_match() {
                // A key whose public part is not known cannot be compared.
                Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
                Err(error) => return Err(error),
            }
            Ok(certified)
        })
        .map_err(|error| refused(identity, error))?;
    Ok(Arc::new(SingleCertAndKey::from(certified)))
}

/// The name that the station's certificate must have: the one that is configured, or else the station's
/// address, which the certificate then has to name as an address (RFC 5280 section 4.2.1.6), not as text.
///
/// # Errors
///
/// The configured one is no name; [`check`] has found that before.
pub(crate) fn server_name(tls: &Tls, station: IpAddr) -> Result<ServerName<'static>, SetupError> {
    match &tls.server_name {
        Some(name) => parse_name(name),
        None => Ok(ServerName::from(station)),
    }
}

/// The name that the router's certificate must have, if one is configured.
///
/// # Errors
///
/// It is no name; [`check_server`] has found that before.
pub(crate) fn client_name(tls: &ServerTls) -> Result<Option<ServerName<'static>>, SetupError> {
    tls.client_name.as_deref().map(parse_name).transpose()
}

fn parse_name(name: &str) -> Result<ServerName<'static>, SetupError> {
    ServerName::try_from(name.to_owned()).map_err(|_| SetupError::ServerName(name.to_owned()))
}

/// All certificates of a file, at least one.
fn certificates(file: &TlsFile) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates = CertificateDer::pem_slice_iter(&file.pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| SetupError::Pem { file: file.path.clone(), what: what(&error) })?;
    if certificates.is_empty() {
        return Err(SetupError::NoCertificate { file: file.path.clone() });
    }
    Ok(certificates)
}

fn private_key(client: &TlsIdentity) -> Result<PrivateKeyDer<'static>, SetupError> {
    let file = || client.key_path.clone();
    let bytes = client.key.expose();
    let is_encrypted = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    // PKCS#8 and the older form (RFC 1421 section 4.6.1.1), which leaves the label as it is.
    if is_encrypted(b"BEGIN ENCRYPTED PRIVATE KEY") || is_encrypted(b"Proc-Type: 4,ENCRYPTED") {
        return Err(SetupError::EncryptedKey { file: file() });
    }
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => SetupError::NoKey { file: file() },
        error => SetupError::Pem { file: file(), what: what(&error) },
    })
}

/// What is wrong with a PEM file, without anything of what is in it.
fn what(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::MissingSectionEnd { .. } => "it ends before the line -----END ...-----",
        pem::Error::IllegalSectionStart { .. } => "a line -----BEGIN ...----- is damaged",
        pem::Error::Base64Decode(_) => "what stands between BEGIN and END is no base64",
        _ => "it is damaged",
    }
}

fn refused(client: &TlsIdentity, error: rustls::Error) -> SetupError {
    match error {
        rustls::Error::InconsistentKeys(_) => SetupError::KeyMismatch {
            key: client.key_path.clone(),
            certificate: client.certificate.path.clone(),
        },
        rustls::Error::InvalidCertificate(_) => {
            SetupError::BadCertificate { file: client.certificate.path.clone(), number: 1 }
        }
        // The provider's error for a key that it cannot load; it has no other general errors here.
        rustls::Error::General(_) => SetupError::BadKey { file: client.key_path.clone() },
        error => SetupError::Other(error),
    }
}
