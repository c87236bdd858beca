//! TLS with a server of rustls in a thread, whose certificates are made for the test.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
};

use super::*;
use crate::config::{Tls, TlsFile, TlsIdentity, TlsVersion};
use crate::net::queue;
use crate::net::stream::Stream;
use crate::net::tls::{SetupError, TlsError, TlsStream, cause, check, handshake, server_name};

/// The connection of a test server.
type Peer = StreamOwned<ServerConnection, std::net::TcpStream>;

static TLS12: &SupportedProtocolVersion = &rustls::version::TLS12;
static TLS13: &SupportedProtocolVersion = &rustls::version::TLS13;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for these names, with changes.
    fn issue(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// What trusts this authority, and nothing else.
    fn trusted(&self) -> Tls {
        Tls {
            ca: file("ca.pem", self.0.pem()),
            client: None,
            server_name: None,
            minimum_version: TlsVersion::V1_2,
        }
    }
}

/// A certificate and its key, both PEM.
struct Issued {
    certificate: String,
    key: String,
}

impl Issued {
    fn client(&self) -> TlsIdentity {
        TlsIdentity {
            certificate: file("our.pem", self.certificate.clone()),
            key_path: "our.key".into(),
            key: Secret::new(self.key.clone()),
        }
    }
}

fn file(path: &str, pem: impl Into<Vec<u8>>) -> TlsFile {
    TlsFile { path: path.into(), pem: pem.into().into() }
}

/// A server's side, which demands certificates of `clients` if there is such an authority.
fn server(
    issued: &Issued,
    versions: &[&'static SupportedProtocolVersion],
    clients: Option<&Authority>,
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.0.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![
        rustls::pki_types::CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap(),
    ];
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    builder.with_single_cert(chain, key).unwrap()
}

/// A server that accepts one connection and does that with it.
fn serve<T: Send + 'static>(
    config: ServerConfig,
    then: impl FnOnce(Peer) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    serve_tcp(move |tcp| {
        let tls = ServerConnection::new(Arc::new(config)).unwrap();
        then(StreamOwned::new(tls, tcp))
    })
}

fn serve_tcp<T: Send + 'static>(
    then: impl FnOnce(std::net::TcpStream) -> T + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = std::net::TcpListener::bind((LOOPBACK, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(SOON)).unwrap();
        then(tcp)
    });
    (address, thread)
}

/// Shakes hands and reads until the end.
fn read_to_end(mut peer: Peer) -> std::io::Result<Vec<u8>> {
    let mut received = Vec::new();
    peer.read_to_end(&mut received).map(|_| received)
}

async fn shake_hands(address: SocketAddr, tls: &Tls) -> Result<TlsStream, TlsError> {
    let tcp = connect_here(address, &options()).await.unwrap();
    let name = server_name(tls, address.ip()).unwrap();
    handshake(tcp, &check(tls).unwrap(), name, SOON).await
}

/// Writes all, as a session does.
async fn write_all(stream: &mut Stream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() || stream.wants_write() {
        stream.writable().await?;
        let written =
            if bytes.is_empty() { stream.flush().map(|()| 0) } else { stream.try_write(bytes) };
        match written {
            Ok(n) => bytes = &bytes[n..],
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until the end.
async fn read_all(stream: &mut Stream) -> std::io::Result<Vec<u8>> {
    let mut received = Vec::new();
    loop {
        stream.readable().await?;
        let mut some = [0; 100];
        match stream.try_read(&mut some) {
            Ok(0) => return Ok(received),
            Ok(n) => received.extend_from_slice(&some[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// The text of the failure of a handshake with a server that has this certificate.
async fn failure(issued: &Issued, tls: &Tls) -> String {
    let (address, thread) = serve(server(issued, &[TLS13, TLS12], None), read_to_end);
    let error = shake_hands(address, tls).await.unwrap_err();
    assert!(thread.join().unwrap().is_err(), "the server is sent an alert");
    error.to_string()
}

#[tokio::test]
async fn a_station_with_a_good_certificate_is_spoken_with() {
    for version in [TLS12, TLS13] {
        let authority = Authority::new("good");
        let issued = authority.issue(&["127.0.0.1"], |_| {});
        let (address, thread) = serve(server(&issued, &[version], None), read_to_end);
        let tls = shake_hands(address, &authority.trusted()).await.unwrap();
        let mut stream = Stream::Tls(Box::new(tls));
        write_all(&mut stream, b"hello").await.unwrap();
        stream.begin_close();
        stream.begin_close();
        write_all(&mut stream, b"").await.unwrap();
        assert!(stream.try_write(b"more").is_err());
        // Without close_notify this would be an error.
        assert_eq!(thread.join().unwrap().unwrap(), b"hello");
    }
}

#[tokio::test]
async fn a_stream_without_tls_is_used_the_same_way() {
    let (address, thread) = serve_tcp(|mut tcp| {
        let mut received = [0; 5];
        tcp.read_exact(&mut received).unwrap();
        tcp.write_all(&received).unwrap();
    });
    let mut stream = Stream::Plain(connect_here(address, &options()).await.unwrap());
    write_all(&mut stream, b"hello").await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), b"hello");
    stream.begin_close();
    thread.join().unwrap();
}

#[tokio::test]
async fn what_comes_with_the_end_of_the_handshake_is_readable_at_once() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let (address, thread) = serve(server(&issued, &[TLS12], None), |mut peer| {
        // With TLS 1.2 the server sends the last handshake message: this goes with it.
        peer.conn.writer().write_all(b"x").unwrap();
        while peer.conn.is_handshaking() || peer.conn.wants_write() {
            peer.conn.complete_io(&mut peer.sock).unwrap();
        }
        peer
    });
    let tls = shake_hands(address, &authority.trusted()).await.unwrap();
    let mut stream = Stream::Tls(Box::new(tls));
    let peer = thread.join().unwrap();
    let received = async {
        loop {
            stream.readable().await.unwrap();
            match stream.try_read(&mut [0; 10]) {
                Ok(n) => return n,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
    };
    assert_eq!(tokio::time::timeout(SOON, received).await.unwrap(), 1);
    drop(peer);
}

#[tokio::test]
async fn what_a_station_sends_is_read_to_its_end() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let sent: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    let expected = sent.clone();
    let (address, thread) = serve(server(&issued, &[TLS13], None), move |mut peer| {
        peer.write_all(&sent).unwrap();
        peer.conn.send_close_notify();
        peer.flush().unwrap();
    });
    let tls = shake_hands(address, &authority.trusted()).await.unwrap();
    let mut stream = Stream::Tls(Box::new(tls));
    let received = tokio::time::timeout(SOON, read_all(&mut stream)).await.unwrap().unwrap();
    assert!(received == expected);
    thread.join().unwrap();
}

#[tokio::test]
async fn a_close_without_close_notify_is_an_end() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let (address, thread) = serve(server(&issued, &[TLS13], None), |mut peer| {
        peer.write_all(b"x").unwrap();
    });
    let tls = shake_hands(address, &authority.trusted()).await.unwrap();
    let mut stream = Stream::Tls(Box::new(tls));
    let received = tokio::time::timeout(SOON, read_all(&mut stream)).await.unwrap().unwrap();
    assert_eq!(received, b"x");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let issued = Authority::new("theirs").issue(&["127.0.0.1"], |_| {});
    let text = failure(&issued, &Authority::new("ours").trusted()).await;
    assert!(text.contains("is signed by an unknown authority"), "{text}");
}

#[tokio::test]
async fn any_of_several_authorities_will_do() {
    let (one, other) = (Authority::new("one"), Authority::new("other"));
    let issued = other.issue(&["127.0.0.1"], |_| {});
    let (address, thread) = serve(server(&issued, &[TLS13], None), read_to_end);
    let mut tls = one.trusted();
    tls.ca.pem = [&tls.ca.pem[..], other.0.pem().as_bytes()].concat().into();
    drop(shake_hands(address, &tls).await.unwrap());
    let _ = thread.join().unwrap();
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused_with_the_date() {
    let authority = Authority::new("good");
    let expired = authority.issue(&["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 2, 3);
    });
    let text = failure(&expired, &authority.trusted()).await;
    assert_eq!(text, "the peer's certificate has expired on 2020-02-03T00:00:00Z");
    let future = authority.issue(&["127.0.0.1"], |params| {
        params.not_before = rcgen::date_time_ymd(3000, 1, 1);
        params.not_after = rcgen::date_time_ymd(3001, 1, 1);
    });
    let text = failure(&future, &authority.trusted()).await;
    assert!(text.contains("is not yet valid, but from 3000-01-01T00:00:00Z"), "{text}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_with_both_names() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["station.example", "192.0.2.1"], |_| {});
    let text = failure(&issued, &authority.trusted()).await;
    let expected = "the peer's certificate has the wrong name: expected 127.0.0.1, it is for \
                    station.example, 192.0.2.1";
    assert_eq!(text, expected);

    let mut tls = authority.trusted();
    tls.server_name = Some("other.example".to_owned());
    let text = failure(&issued, &tls).await;
    assert!(text.contains("expected other.example, it is for station.example"), "{text}");

    tls.server_name = Some("station.example".to_owned());
    let (address, thread) = serve(server(&issued, &[TLS13], None), read_to_end);
    drop(shake_hands(address, &tls).await.unwrap());
    let _ = thread.join().unwrap();

    let nameless = authority.issue(&[], |_| {});
    let text = failure(&nameless, &authority.trusted()).await;
    assert!(text.contains("it is for no name at all"), "{text}");
}

#[tokio::test]
async fn a_certificate_that_is_not_a_servers_is_refused_with_the_reason() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let text = failure(&issued, &authority.trusted()).await;
    assert!(text.contains("it is that of an authority (CA:TRUE)"), "{text}");
    let issued = authority.issue(&["127.0.0.1"], |params| {
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ClientAuth);
    });
    let text = failure(&issued, &authority.trusted()).await;
    assert!(text.contains("lacks serverAuth"), "{text}");
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_it_is_demanded() {
    for version in [TLS12, TLS13] {
        let authority = Authority::new("good");
        let issued = authority.issue(&["127.0.0.1"], |_| {});
        let server = server(&issued, &[version], Some(&authority));
        let (address, thread) = serve(server, read_to_end);
        let mut tls = authority.trusted();
        tls.client = Some(authority.issue(&["bmpd"], |_| {}).client());
        let mut stream = Stream::Tls(Box::new(shake_hands(address, &tls).await.unwrap()));
        write_all(&mut stream, b"hello").await.unwrap();
        stream.begin_close();
        write_all(&mut stream, b"").await.unwrap();
        assert_eq!(thread.join().unwrap().unwrap(), b"hello");
    }
}

#[tokio::test]
async fn a_demanded_certificate_that_is_missing_or_not_accepted_is_reported() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let unknown = Authority::new("unknown").issue(&["bmpd"], |_| {});
    for (client, expected) in [
        (None, "the peer demands a client certificate, and none is configured"),
        (Some(unknown.client()), "it does not know the authority that signed it"),
    ] {
        let mut tls = authority.trusted();
        tls.client = client;

        // The handshake itself fails.
        let (address, thread) = serve(server(&issued, &[TLS12], Some(&authority)), read_to_end);
        let error = shake_hands(address, &tls).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        thread.join().unwrap().unwrap_err();

        // The first read fails.
        let (address, thread) = serve(server(&issued, &[TLS13], Some(&authority)), read_to_end);
        let mut stream = Stream::Tls(Box::new(shake_hands(address, &tls).await.unwrap()));
        let error = tokio::time::timeout(SOON, read_all(&mut stream)).await.unwrap().unwrap_err();
        assert!(cause(&error).unwrap().to_string().contains(expected), "{error}");
        thread.join().unwrap().unwrap_err();

        // Or a write, which still has the reason.
        let (address, thread) = serve(server(&issued, &[TLS13], Some(&authority)), read_to_end);
        let mut stream = Stream::Tls(Box::new(shake_hands(address, &tls).await.unwrap()));
        thread.join().unwrap().unwrap_err();
        let endless = async {
            loop {
                if let Err(error) = write_all(&mut stream, &[0; 1000]).await {
                    break error;
                }
            }
        };
        let error = tokio::time::timeout(SOON, endless).await.unwrap();
        assert!(cause(&error).unwrap().to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_station_without_a_version_that_is_allowed_is_refused() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let mut tls = authority.trusted();
    tls.minimum_version = TlsVersion::V1_3;
    let (address, thread) = serve(server(&issued, &[TLS12], None), read_to_end);
    let error = shake_hands(address, &tls).await.unwrap_err();
    assert!(matches!(error, TlsError::NoCommonVersion), "{error:?}");
    thread.join().unwrap().unwrap_err();
}

#[tokio::test]
async fn a_station_without_tls_is_said_to_have_none() {
    let authority = Authority::new("good");
    for greeting in ["220 ready\r\n", "SSH-2.0-x\r\n", "\x03\x00\x00\x00\x06\x04"] {
        let (address, thread) = serve_tcp(move |mut tcp| {
            tcp.write_all(greeting.as_bytes()).unwrap();
            let _ = tcp.read(&mut [0; 1000]);
            tcp
        });
        let error = shake_hands(address, &authority.trusted()).await.unwrap_err();
        assert!(matches!(error, TlsError::NotTls), "{error:?}");
        thread.join().unwrap();
    }
}

#[tokio::test]
async fn a_station_that_closes_or_says_nothing_is_said_to() {
    let authority = Authority::new("good");
    let (address, thread) = serve_tcp(|mut tcp| {
        let _ = tcp.read(&mut [0; 1000]);
    });
    let error = shake_hands(address, &authority.trusted()).await.unwrap_err();
    assert!(matches!(error, TlsError::Closed), "{error:?}");
    thread.join().unwrap();

    let (address, thread) = serve_tcp(|mut tcp| while tcp.read(&mut [0; 1000]).unwrap_or(0) > 0 {});
    let tls = authority.trusted();
    let tcp = connect_here(address, &options()).await.unwrap();
    let name = server_name(&tls, address.ip()).unwrap();
    let before = Instant::now();
    let timeout = Duration::from_secs(1);
    let error = handshake(tcp, &check(&tls).unwrap(), name, timeout).await.unwrap_err();
    assert!(before.elapsed() >= timeout);
    assert!(error.to_string().contains("did not finish the TLS handshake within 1 s"), "{error}");
    thread.join().unwrap();
}

#[tokio::test]
async fn a_slow_reader_gets_all_and_no_more_than_the_buffer_waits_for_it() {
    let authority = Authority::new("good");
    let issued = authority.issue(&["127.0.0.1"], |_| {});
    let (go, went) = std::sync::mpsc::channel();
    let (address, thread) = serve(server(&issued, &[TLS13], None), move |mut peer| {
        while peer.conn.is_handshaking() {
            peer.conn.complete_io(&mut peer.sock).unwrap();
        }
        went.recv().unwrap();
        let mut received = Vec::new();
        let mut some = vec![0; 256 * 1024];
        loop {
            match peer.read(&mut some).unwrap() {
                0 => return received,
                n => received.extend_from_slice(&some[..n]),
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    let tls = shake_hands(address, &authority.trusted()).await.unwrap();
    let mut stream = Stream::Tls(Box::new(tls));
    let sent: Vec<u8> = (0..16_000_000_u32).map(|n| (n % 251) as u8).collect();

    // Until the system takes no more for a while.
    let mut taken = 0;
    loop {
        let room = tokio::time::timeout(WHILE, stream.writable()).await;
        match room.map(|room| room.and_then(|()| stream.try_write(&sent[taken..]))) {
            Ok(Ok(n)) => taken += n,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Ok(Err(error)) => panic!("{error}"),
            Err(_) => break,
        }
    }
    assert!(taken > 0 && taken < sent.len(), "{taken}");
    assert!(stream.wants_write());
    let given = queue::acknowledged(stream.tcp()) + queue::unacknowledged(stream.tcp());
    assert!(taken as u64 <= given + 64 * 1024, "{taken} were taken, the system was given {given}");
    assert_eq!(stream.try_write(b"x").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);

    go.send(()).unwrap();
    write_all(&mut stream, &sent[taken..]).await.unwrap();
    stream.begin_close();
    write_all(&mut stream, b"").await.unwrap();
    assert!(thread.join().unwrap() == sent);
}

/// The objection to a configuration.
fn objection(tls: &Tls) -> String {
    check(tls).unwrap_err().to_string()
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let authority = Authority::new("good");
    let mut tls = authority.trusted();
    for (pem, expected) in [
        (String::new(), "ca.pem holds no certificate"),
        (KeyPair::generate().unwrap().serialize_pem(), "ca.pem holds no certificate"),
        (authority.0.pem()[..200].to_owned(), "ca.pem cannot be read as PEM: it ends before"),
        (authority.0.pem().replace("\nMI", "\n!!"), "ca.pem cannot be read as PEM: what stands"),
        (
            authority.0.pem() + &pem::encode(&pem::Pem::new("CERTIFICATE", b"junk")),
            "certificate 2 in ca.pem cannot be understood",
        ),
    ] {
        tls.ca = file("ca.pem", pem);
        let text = objection(&tls);
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_client_certificate_needs_the_key_that_belongs_to_it() {
    let authority = Authority::new("good");
    let (ours, other) = (authority.issue(&["bmpd"], |_| {}), authority.issue(&["bmpd"], |_| {}));
    let mut tls = authority.trusted();
    tls.client = Some(ours.client());
    check(&tls).unwrap();
    for (key, expected) in [
        (
            other.key.clone(),
            "the private key in our.key does not belong to the first certificate in our.pem",
        ),
        (String::new(), "our.key holds no private key"),
        (ours.certificate.clone(), "our.key holds no private key"),
        (
            ours.key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
            "the private key in our.key is encrypted",
        ),
        (
            pem::encode(&pem::Pem::new("PRIVATE KEY", b"junk")),
            "the private key in our.key cannot be used",
        ),
        (ours.key[..100].to_owned(), "our.key cannot be read as PEM"),
    ] {
        tls.client = Some(TlsIdentity { key: Secret::new(key), ..ours.client() });
        let text = objection(&tls);
        assert!(text.starts_with(expected), "{text}");
    }
}

#[test]
fn a_key_in_the_older_form_of_elliptic_curves_is_read() {
    let authority = Authority::new("good");
    let ours = authority.issue(&["bmpd"], |_| {});
    // PKCS#8 is that form (RFC 5915) after 29 bytes that identify the curve, for P-256.
    let pkcs8 = pem::parse(&ours.key).unwrap();
    let sec1 = pem::encode(&pem::Pem::new("EC PRIVATE KEY", &pkcs8.contents()[29..]));
    let mut tls = authority.trusted();
    tls.client = Some(TlsIdentity { key: Secret::new(sec1), ..ours.client() });
    check(&tls).unwrap();
}

#[test]
fn a_server_name_is_a_name_or_an_address() {
    let mut tls = Authority::new("good").trusted();
    for name in ["station.example", "192.0.2.1", "2001:db8::1"] {
        tls.server_name = Some(name.to_owned());
        check(&tls).unwrap();
        assert_eq!(server_name(&tls, LOOPBACK).unwrap().to_str(), name);
    }
    tls.server_name = Some("not a name".to_owned());
    assert!(matches!(check(&tls).unwrap_err(), SetupError::ServerName(_)));
    tls.server_name = None;
    assert_eq!(server_name(&tls, LOOPBACK).unwrap().to_str(), "127.0.0.1");
}
