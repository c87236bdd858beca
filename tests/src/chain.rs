//! Certificates for TLS between bmpd and its stations, made anew for each test.
//!
//! A root, an intermediate below it, and what either has signed: good and bad servers, a client. All
//! are written as PEM files into the test's folder, where bmpd's configuration can name them.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ProtocolVersion, RootCertStore, ServerConfig};

use crate::scratch::Scratch;

/// A certificate with what belongs to it, as files and as values.
#[derive(Debug)]
pub struct Identity {
    /// The certificate and the intermediate, in this order: a PEM file.
    pub certificate: PathBuf,
    /// The private key (PKCS #8): a PEM file, readable by its owner alone.
    pub key: PathBuf,
    /// The certificate and the intermediate.
    pub chain: Vec<CertificateDer<'static>>,
    private: PrivatePkcs8KeyDer<'static>,
}

/// The certificates of one test.
#[derive(Debug)]
pub struct Chain {
    /// The root's certificate: a PEM file, for bmpd to trust.
    pub root: PathBuf,
    /// Another root, which has signed nothing here: a PEM file.
    pub other_root: PathBuf,
    /// The intermediate's certificate: a PEM file.
    pub intermediate: PathBuf,
    /// A server with the station's address and its name.
    pub server: Identity,
    /// The same server, but expired.
    pub expired: Identity,
    /// A server with another name and another address.
    pub wrong_name: Identity,
    /// A server that signed itself.
    pub self_signed: Identity,
    /// A client: bmpd.
    pub client: Identity,
    /// A client that the other root has signed.
    pub strange_client: Identity,
    root_der: CertificateDer<'static>,
}

/// The name in the server's certificate, beside its address.
pub const SERVER_NAME: &str = "station.example";

/// The name in the client's certificate.
pub const CLIENT_NAME: &str = "bmpd.example";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn key() -> KeyPair {
    KeyPair::generate().expect("a key can be made")
}

fn authority(name: &str, under: Option<&Issuer>) -> Issuer {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = match under {
        Some(under) => CertifiedIssuer::signed_by(params, key(), under),
        None => CertifiedIssuer::self_signed(params, key()),
    };
    issuer.expect("an authority can be made")
}

fn leaf(name: &str, addresses: &[IpAddr], purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names.extend(addresses.iter().map(|a| SanType::IpAddress(*a)));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params
}

impl Identity {
    fn new(
        scratch: &Scratch,
        file: &str,
        params: &CertificateParams,
        under: Option<&Issuer>,
    ) -> Self {
        let key = key();
        let certificate = match under {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        let certificate = certificate.expect("a certificate can be made");
        let mut pem = certificate.pem();
        let mut chain = vec![certificate.der().clone()];
        if let Some(issuer) = under {
            pem += &issuer.pem();
            chain.push(issuer.der().clone());
        }
        let path = scratch.write(&format!("{file}.key.pem"), key.serialize_pem());
        restrict(&path);
        Self {
            certificate: scratch.write(&format!("{file}.pem"), pem),
            key: path,
            chain,
            private: PrivatePkcs8KeyDer::from(key.serialize_der()),
        }
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        self.private.clone_key().into()
    }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
}

impl Chain {
    /// Makes them for a station at `address`.
    ///
    /// # Panics
    /// When a file cannot be written.
    pub fn new(scratch: &Scratch, address: IpAddr) -> Self {
        use ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
        let root = authority("Root of the test", None);
        let intermediate = authority("Intermediate of the test", Some(&root));
        let other = authority("Another root", None);
        let server = leaf(SERVER_NAME, &[address], ServerAuth);
        let mut expired = server.clone();
        expired.not_before = date_time_ymd(2001, 1, 1);
        expired.not_after = date_time_ymd(2002, 1, 1);
        let elsewhere = [IpAddr::from([192, 0, 2, 1])];
        let wrong = leaf("elsewhere.example", &elsewhere, ServerAuth);
        let client = leaf(CLIENT_NAME, &[], ClientAuth);
        let signed = |file: &str, params| Identity::new(scratch, file, params, Some(&intermediate));
        Self {
            server: signed("server", &server),
            expired: signed("expired", &expired),
            wrong_name: signed("wrong-name", &wrong),
            self_signed: Identity::new(scratch, "self-signed", &server, None),
            client: signed("client", &client),
            strange_client: Identity::new(scratch, "strange-client", &client, Some(&other)),
            root: scratch.write("root.pem", root.pem()),
            other_root: scratch.write("other-root.pem", other.pem()),
            intermediate: scratch.write("intermediate.pem", intermediate.pem()),
            root_der: root.der().clone(),
        }
    }

    /// A store that trusts this root alone.
    ///
    /// # Panics
    /// When the root is invalid.
    pub fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.root_der.clone()).expect("the root can be trusted");
        roots
    }

    /// The configuration of a station with this identity, for [`crate::station::Setup::tls`].
    ///
    /// # Panics
    /// When rustls does not accept the certificates.
    pub fn station(&self, identity: &Identity, demands: Demands) -> Arc<ServerConfig> {
        self.station_of(identity, demands, &[ProtocolVersion::TLSv1_3, ProtocolVersion::TLSv1_2])
    }

    /// The same with these versions of TLS only.
    ///
    /// # Panics
    /// When rustls does not accept the certificates.
    pub fn station_of(
        &self,
        identity: &Identity,
        demands: Demands,
        versions: &[ProtocolVersion],
    ) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: Vec<_> = rustls::ALL_VERSIONS
            .iter()
            .copied()
            .filter(|supported| versions.contains(&supported.version))
            .collect();
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .expect("a version of TLS");
        let builder = match demands {
            Demands::Nothing => builder.with_no_client_auth(),
            Demands::Client => {
                let roots = Arc::new(self.roots());
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder.with_client_cert_verifier(verifier.expect("a root"))
            }
        };
        let config = builder.with_single_cert(identity.chain.clone(), identity.private());
        Arc::new(config.expect("a certificate and its key"))
    }
}

/// What a station requires of bmpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demands {
    /// No certificate.
    Nothing,
    /// A certificate that chains to the root.
    Client,
}

#[cfg(test)]
mod tests {
    //! A station that takes any client would let the tests of client certificates pass.

    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, StreamOwned};

    use super::*;
    use crate::addresses::loopback;
    use crate::bmp::{Kind, Mode};
    use crate::station::{End, Setup, Station};

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// Sends an Initiation as bmpd would, and returns the result.
    fn send(chain: &Chain, station: &Station, client: Option<&Identity>) -> Result<(), String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(chain.roots());
        let config = match client {
            Some(id) => builder.with_client_auth_cert(id.chain.clone(), id.private()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let name = ServerName::from(station.ip());
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect((station.ip(), station.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        let initiation = [3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'];
        stream.write_all(&initiation).map_err(|e| e.to_string())?;
        // In TLS 1.3 a certificate that was rejected is reported only by the first read.
        match stream.read(&mut [0; 1]) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            other => return Err(format!("{other:?}")),
        }
        stream.conn.send_close_notify();
        stream.flush().map_err(|e| e.to_string())
    }

    fn station(tls: Arc<ServerConfig>, address: IpAddr) -> Station {
        let setup = Setup { tls: Some(tls), ..Setup::default() };
        Station::listen_with(SocketAddr::new(address, 0), Mode::Keeping, setup)
    }

    #[test]
    fn the_right_station_is_trusted_and_receives_the_client_certificate() {
        let (scratch, address) = (Scratch::new(), loopback());
        let chain = Chain::new(&scratch, address);
        let pair = station(chain.station(&chain.server, Demands::Client), address);
        send(&chain, &pair, Some(&chain.client)).unwrap();
        let connection = pair.wait_connection(1);
        assert_eq!(connection.wait_end(TIMEOUT).1, End::Closed);
        connection.look(|record| assert_eq!(record.count(Kind::Initiation), 1));
        assert_eq!(connection.handshake().unwrap().client, chain.client.chain);
        for client in [None, Some(&chain.strange_client)] {
            assert!(send(&chain, &pair, client).is_err());
            let ended = pair.latest().unwrap().wait_end(TIMEOUT).1;
            assert!(matches!(&ended, End::Broken(why) if why.contains("handshake")), "{ended:?}");
        }
        let old = [ProtocolVersion::TLSv1_2];
        let old = station(chain.station_of(&chain.server, Demands::Nothing, &old), address);
        send(&chain, &old, None).unwrap();
        let handshake = old.wait_connection(1).handshake().unwrap();
        assert_eq!(handshake.version, Some(ProtocolVersion::TLSv1_2));
    }
}
