//! TLS, SASL and permissions: who may write what, and what becomes of those who may not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;
use tests::addresses::loopback;
use tests::chain::{Chain, Identity};
use tests::faults::json;
use tests::kafka::{Broker, Listener, Reader, Security, Topic};
use tests::relay::{Lab, Plan};
use tests::scratch::Scratch;
use tests::wait::wait_for;

use super::{Fleet, TIMEOUT, TWO};

/// A publisher with this name and to a topic of this name; the lines are further ones.
fn publisher(name: &str, server: &str, lines: &str) -> String {
    format!(
        "[[publisher]]\nname = \"{name}\"\ntopic = \"{name}\"\n\
         kafka.bootstrap-servers = [\"{server}\"]\n{lines}\n"
    )
}

/// `kafka.tls` that trusts the root, without and with a client certificate.
fn tls(chain: &Chain, client: Option<&Identity>) -> String {
    let mut lines = format!("kafka.tls.ca = \"{}\"\n", chain.root.display());
    if let Some(client) = client {
        lines += &format!(
            "kafka.tls.certificate = \"{}\"\nkafka.tls.private-key = \"{}\"\n",
            client.certificate.display(),
            client.key.display()
        );
    }
    lines
}

fn sasl(mechanism: &str, user: &str, password: &str) -> String {
    format!(
        "kafka.sasl.mechanism = \"{mechanism}\"\nkafka.sasl.user = \"{user}\"\n\
         kafka.sasl.password = \"{password}\"\n"
    )
}

fn start(more: &str) -> Lab {
    Plan { routers: TWO, more, ..Plan::default() }.start()
}

/// Waits until a publisher is in this state, with this reason of its last error if there is one.
#[track_caller]
fn wait_publisher(lab: &Lab, name: &str, state: &str, reason: Option<&str>) -> Value {
    wait_for(&format!("publisher {name} to be {state} for {reason:?}"), TIMEOUT, || {
        let shown = json(&lab.daemon, &["show", "publisher", name])["publishers"][0].clone();
        let is_met = shown["state"] == state
            && reason.is_none_or(|reason| shown["last_error"]["reason"] == reason);
        if is_met { Ok(shown) } else { Err(shown.to_string()) }
    })
}

/// Waits until the topic of each of these publishers has what the routers have sent.
#[track_caller]
fn wait_topics(broker: &Broker, fleet: &Fleet<'_>, names: &[&str]) {
    for name in names {
        fleet.wait_published(&mut Topic::of(Reader::start(broker, name)));
    }
}

/// None of these texts is in what bmpd and bmpctl print.
#[track_caller]
fn assert_secret(lab: &Lab, secrets: &[&str]) {
    let mut texts = vec![lab.daemon.log()];
    for arguments in
        [&["show", "config"][..], &["show", "publisher"], &["show", "publisher", "all"]]
    {
        for form in [&[][..], &["--json"]] {
            texts.push(lab.daemon.bmpctl(&[arguments, form].concat()).to_string());
        }
    }
    for (text, secret) in texts.iter().flat_map(|text| secrets.iter().map(move |s| (text, s))) {
        assert!(!text.contains(secret), "{secret}\n{text}");
    }
    assert!(texts.iter().any(|text| text.contains("kafka.sasl.password")), "{texts:?}");
}

#[test]
fn users_write_with_every_mechanism_and_nobody_without_the_password() {
    let users = [("plain", "secret-of-plain")];
    let security = Security { plain_users: &users, ..Security::default() };
    let broker = Broker::start_secured(&security, &[]);
    let (chain, server) = (broker.chain(), broker.bootstrap_of(Listener::SaslSsl));
    broker.set_scram_user("scram", "secret-of-scram");
    let names = ["plain", "scram256", "scram512", "mutual"];
    for name in names.iter().chain(&["wrong", "strange"]) {
        broker.create_topic(name, 1, &[]);
    }
    let file = broker.folder().join("password");
    std::fs::write(&file, "secret-of-scram\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).unwrap();
    let from_file = format!(
        "kafka.sasl.mechanism = \"scram-sha-512\"\nkafka.sasl.user = \"scram\"\n\
         kafka.sasl.password-file = \"{}\"\n",
        file.display()
    );
    let own = tls(chain, None);
    let with = |name: &str, sasl: &str| publisher(name, &server, &(own.clone() + sasl));
    let mutual = broker.bootstrap_of(Listener::Ssl);
    let more = [
        with("plain", &sasl("plain", "plain", "secret-of-plain")),
        with("scram256", &sasl("scram-sha-256", "scram", "secret-of-scram")),
        with("scram512", &from_file),
        with("wrong", &sasl("scram-sha-256", "scram", "secret-of-nobody")),
        publisher("mutual", &mutual, &tls(chain, Some(&chain.client))),
        publisher("strange", &mutual, &tls(chain, Some(&chain.strange_client))),
    ];
    let lab = start(&more.concat());
    let mut fleet = Fleet::connect(&lab);
    wait_topics(&broker, &fleet, &names);
    for name in names {
        wait_publisher(&lab, name, "established", None);
    }
    wait_publisher(&lab, "wrong", "connecting", Some("authentication-failed"));
    wait_publisher(&lab, "strange", "connecting", Some("tls"));

    // What it may do is taken away, and given back.
    broker.deny_write("scram", "scram256");
    fleet.change(20);
    wait_publisher(&lab, "scram256", "stalled", Some("not-authorized"));
    wait_publisher(&lab, "scram512", "established", None);
    fleet.wait_at_station();
    broker.allow_write("scram", "scram256");
    let mut topic = Topic::of(Reader::start(&broker, "scram256"));
    for known in fleet.wait_published(&mut topic) {
        assert_eq!(known.generations.len(), 2, "{:?}", known.generations);
    }
    wait_publisher(&lab, "scram256", "established", Some("not-authorized"));
    for name in ["wrong", "strange"] {
        assert_eq!(broker.end_offsets(name), [0]);
    }
    assert_secret(&lab, &["secret-of"]);
}

#[test]
fn a_broker_whose_certificate_is_not_valid_is_sent_nothing() {
    let users = [("plain", "secret-of-plain")];
    let security = Security {
        identity: |chain| &chain.expired,
        sasl_identity: |chain| &chain.wrong_name,
        plain_users: &users,
    };
    let broker = Broker::start_secured(&security, &[]);
    for name in ["expired", "misnamed"] {
        broker.create_topic(name, 1, &[]);
    }
    let chain = broker.chain();
    let (own, mutual) = (tls(chain, None), tls(chain, Some(&chain.client)));
    let user = sasl("plain", "plain", "secret-of-plain");
    let more = [
        publisher("expired", &broker.bootstrap_of(Listener::Ssl), &mutual),
        publisher("misnamed", &broker.bootstrap_of(Listener::SaslSsl), &(own + &user)),
    ];
    let lab = start(&more.concat());
    let fleet = Fleet::connect(&lab);
    for name in ["expired", "misnamed"] {
        let shown = wait_publisher(&lab, name, "connecting", Some("tls"));
        let text = shown["last_error"]["text"].as_str().unwrap();
        assert!(text.contains("certificate"), "{text}");
        assert_eq!(
            (&shown["acknowledged_records"], broker.end_offsets(name)),
            (&0.into(), vec![0])
        );
    }
    fleet.wait_at_station();
    assert_secret(&lab, &["secret-of"]);
}

#[test]
fn a_server_without_tls_is_sent_no_plain_text() {
    let scratch = Scratch::new();
    let chain = Chain::new(&scratch, loopback());
    let listener = TcpListener::bind(SocketAddr::new(loopback(), 0)).unwrap();
    let server = listener.local_addr().unwrap().to_string();
    let received = Arc::new(Mutex::new(vec![]));
    let its = Arc::clone(&received);
    thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut bytes = vec![0; 4096];
            let count = stream.read(&mut bytes).unwrap_or(0);
            bytes.truncate(count);
            its.lock().unwrap().push(bytes);
            // An answer of Kafka's to the first request, as of a broker that speaks no TLS.
            let _ = stream.write_all(&[0, 0, 0, 10, 0, 0, 0, 1, 0, 35, 0, 0, 0, 0]);
        }
    });
    let lines = tls(&chain, None) + &sasl("plain", "user", "secret-of-user");
    let lab = start(&publisher("bus", &server, &lines));
    let _fleet = Fleet::connect(&lab);
    wait_publisher(&lab, "bus", "connecting", Some("tls"));
    wait_for("a second attempt", TIMEOUT, || {
        let count = received.lock().unwrap().len();
        if count >= 2 { Ok(()) } else { Err(format!("{count} connections")) }
    });
    for bytes in received.lock().unwrap().iter() {
        // A handshake record of TLS.
        assert!(bytes.starts_with(&[0x16, 3]), "{bytes:02x?}");
    }
}
