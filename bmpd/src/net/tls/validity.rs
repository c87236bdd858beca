//! From when to when certificates are valid.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::net::settings::TlsFile;

/// From when to when a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: SystemTime,
    pub(crate) until: SystemTime,
}

impl Validity {
    /// That of a certificate; `None` if it cannot be read.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let validity = parsed.validity();
        let time = |seconds: i64| Some(UNIX_EPOCH + Duration::from_secs(seconds.try_into().ok()?));
        Some(Self {
            from: time(validity.not_before.timestamp())?,
            until: time(validity.not_after.timestamp())?,
        })
    }

    /// That of the first certificate of a file.
    pub(crate) fn of_file(file: &TlsFile) -> Option<Self> {
        let certificate = CertificateDer::pem_slice_iter(&file.pem).next()?.ok()?;
        Self::of(&certificate)
    }
}
