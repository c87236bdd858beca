//! The container image: Podman loads it and runs it as etc/compose/compose.yaml says, between the FRR and the pmbmpd of
//! this machine with the files of that folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tests::daemon::run;
use tests::documents::{repository, text};
use tests::edge::{self, Edge, Program, ROUTE};
use tests::podman::Podman;
use tests::scratch::Scratch;
use tests::wait::wait_for;

use crate::packages::package;

const TIMEOUT: Duration = Duration::from_secs(60);

fn image(package: &Path, folder: &Path) -> PathBuf {
    let mut make = Command::new(repository("pkg/image"));
    let made = run(make.arg(package).arg(folder), Duration::from_secs(280));
    made.done().trim().into()
}

/// The services of the compose file. Ansible brings the parser.
fn services() -> Value {
    let mut python = Command::new("/usr/bin/python3");
    python.args([
        "-c",
        "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)",
    ]);
    let parsed = run(python.arg(repository("etc/compose/compose.yaml")), TIMEOUT);
    serde_json::from_str::<Value>(parsed.done()).unwrap()["services"].clone()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect()
}

/// The folder of the repository that the service has at this place.
fn mounted(service: &Value, target: &str) -> PathBuf {
    let volumes = service["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|volume| volume["target"] == target).unwrap();
    assert_eq!((&volume["type"], &volume["read_only"]), (&"bind".into(), &true.into()));
    repository("etc/compose").join(volume["source"].as_str().unwrap()).canonicalize().unwrap()
}

/// What `docker compose` makes of the service, as options of podman. A key that is not known here is not tested.
fn options(service: &Value) -> Vec<String> {
    let mut options = Vec::new();
    for (key, value) in service.as_object().unwrap() {
        match key.as_str() {
            "image" | "depends_on" | "restart" | "networks" => {}
            "hostname" => options.push(format!("--hostname={}", value.as_str().unwrap())),
            "read_only" => options.push(format!("--read-only={value}")),
            "cap_drop" => {
                options.extend(strings(value).iter().map(|it| format!("--cap-drop={it}")))
            }
            "security_opt" => {
                options.extend(strings(value).iter().map(|it| format!("--security-opt={it}")))
            }
            "sysctls" => options.extend(
                value
                    .as_object()
                    .unwrap()
                    .iter()
                    .map(|(key, value)| format!("--sysctl={key}={value}")),
            ),
            "volumes" => {
                let folder = mounted(service, "/etc/bmpd");
                options.push(format!("--volume={}:/etc/bmpd:ro", folder.display()));
            }
            key => panic!("compose.yaml: {key} is not tested"),
        }
    }
    options
}

#[test]
fn the_services_of_the_compose_file_work_together() {
    let (scratch, edge, podman) = (Scratch::new(), Edge::new(), Podman::start(&Scratch::new()));
    let services = services();
    let tar = image(&package(&scratch), &scratch.join("image"));
    // With its health check, which `podman load` leaves out.
    podman.run(&["pull", &format!("docker-archive:{}", tar.display())]).done();

    for (name, address) in [("bmpd", "192.0.2.1"), ("frr", "192.0.2.2"), ("pmacct", "192.0.2.3")] {
        assert_eq!(services[name]["networks"]["monitoring"]["ipv4_address"], address);
    }
    let frr = mounted(&services["frr"], "/etc/frr");
    assert!(fs::read_to_string(frr.join("daemons")).unwrap().contains("\nbgpd=yes\n"));
    let frr = edge::frr(&scratch, &edge.router, &fs::read_to_string(frr.join("frr.conf")).unwrap());
    edge.host.add_address([192, 0, 2, 3].into());
    let mut pmbmpd = edge.host.namespace().command("pmbmpd");
    pmbmpd.arg("-f").arg(mounted(&services["pmacct"], "/etc/pmacct").join("pmbmpd.conf"));
    let pmbmpd = Program::start(pmbmpd, &scratch.join("pmbmpd"));

    let bmpd = &services["bmpd"];
    let mut arguments = options(bmpd);
    for must in ["--read-only=true", "--cap-drop=ALL", "--security-opt=no-new-privileges:true"] {
        assert!(arguments.iter().any(|option| option == must), "{must}");
    }
    arguments
        .extend(["--detach", "--name=bmpd", bmpd["image"].as_str().unwrap()].map(String::from));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    podman.run_container(&edge.host, &arguments).done();

    let bmpctl = |words: &[&str]| podman.run(&[&["exec", "bmpd", "bmpctl"], words].concat());
    wait_for("the routes at pmbmpd", TIMEOUT, || match pmbmpd.said().matches(ROUTE).count() {
        0 => Err(format!(
            "{}{}{}{}{}",
            podman.run(&["logs", "bmpd"]),
            bmpctl(&["show", "neighbor"]),
            pmbmpd.said(),
            frr[0].said(),
            frr[1].said()
        )),
        _ => Ok(()),
    });
    assert!(bmpctl(&["reset", "session", "192.0.2.3", "--wait=30s"]).done().contains("reset"));
    wait_for("the routes once more", TIMEOUT, || match pmbmpd.said().matches(ROUTE).count() {
        2 => Ok(()),
        _ => Err(pmbmpd.said()),
    });
    let status: Value = serde_json::from_str(bmpctl(&["show", "status", "--json"]).done()).unwrap();
    assert_eq!(status["status"]["capabilities"], Value::Array(Vec::new()), "{status}");
    podman.run(&["healthcheck", "run", "bmpd"]).done();

    podman.run(&["stop", "--time=10", "bmpd"]).done();
    let ended = podman.run(&["inspect", "--format={{.State.ExitCode}}", "bmpd"]);
    assert_eq!(ended.done(), "0\n", "it was killed");
    let log = podman.run(&["logs", "bmpd"]).text();
    assert!(log.ends_with("INFO stopped\n") && !log.contains("CAP_NET_BIND_SERVICE"), "{log}");

    // The other half of the healthcheck: it fails where bmpd does not answer.
    let unhealthy = podman.run_container(
        &edge.host,
        &[
            "--rm",
            "--entrypoint=bmpctl",
            bmpd["image"].as_str().unwrap(),
            "show",
            "status",
            "--quiet",
        ],
    );
    assert_ne!(unhealthy.status, 0, "{unhealthy}");

    // It has publishers.
    let folder = scratch.join("lake");
    fs::create_dir(&folder).unwrap();
    let publisher = "[[publisher]]\nname = \"lake\"\ntopic = \"bmp\"\nkafka.bootstrap-servers = [\"192.0.2.20:9092\"]\n\
         kafka.tls = {}\n[relay]\n";
    fs::write(folder.join("bmpd.toml"), publisher).unwrap();
    let volume = format!("--volume={}:/etc/bmpd:ro", folder.display());
    let check = podman
        .run_container(&edge.host, &["--rm", &volume, bmpd["image"].as_str().unwrap(), "--check"]);
    assert_eq!(check.done(), "/etc/bmpd/bmpd.toml: good\n");
}

#[test]
fn the_image_is_the_same_twice_and_has_nothing_that_is_not_needed() {
    let scratch = Scratch::new();
    let package = package(&scratch);
    let tars = ["one", "two"].map(|name| image(&package, &scratch.join(name)));
    let [one, two] = tars.each_ref().map(|tar| fs::read(tar).unwrap());
    assert!(one == two, "they differ");

    let mut unpack = Command::new("tar");
    run(unpack.arg("-C").arg(scratch.path()).arg("-xf").arg(&tars[0]), TIMEOUT).done();
    let read =
        |path: PathBuf| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let blob = |of: &Value| {
        let digest = of["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
        let path = scratch.join("blobs/sha256").join(&digest);
        let mut sum = Command::new("sha256sum");
        assert!(run(sum.arg(&path), TIMEOUT).done().starts_with(&digest));
        assert_eq!(fs::metadata(&path).unwrap().len(), of["size"]);
        path
    };
    let manifest = read(blob(&read(scratch.join("index.json"))["manifests"][0]));
    let config = read(blob(&manifest["config"]));
    let labels = &config["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(config["config"]["User"], "65532:65532");
    // The version in the compose file is that of the image.
    let version = format!("image: bmpd:{}\n", env!("CARGO_PKG_VERSION"));
    assert!(text("etc/compose/compose.yaml").contains(&version));

    let mut list = Command::new("tar");
    let list =
        run(list.args(["--numeric-owner", "-tvzf"]).arg(blob(&manifest["layers"][0])), TIMEOUT);
    let mut commands = BTreeSet::new();
    for line in list.done().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (mode, owner, path) = (words[0], words[1], words[5]);
        let expected = if path == "./run/bmpd/" { "65532/65532" } else { "0/0" };
        assert_eq!(owner, expected, "{line}");
        assert!(!mode.contains('s'), "it changes the user: {line}");
        assert!(
            mode.starts_with('l') || &mode[8..9] == "-" || path == "./tmp/",
            "everybody may write: {line}"
        );
        if mode.starts_with("-") {
            commands.extend(path.strip_prefix("./usr/bin/").map(str::to_owned));
        }
    }
    assert_eq!(commands, BTreeSet::from(["bmpctl", "bmpd"].map(String::from)));
}
