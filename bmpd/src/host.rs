//! What a configuration asks for and this host does not have.
//!
//! None of it is an error of the file: a device can come later, a kernel can be another one tomorrow. The
//! sessions that need it are down with that reason meanwhile, and whoever checks or reloads the file is
//! told.

use std::path::Path;

use rustix::process::{Resource, getrlimit};

use crate::config::{Authentication, Config, Place};
use crate::net::keys::tcp_ao_supported;

/// Descriptors beside those of sessions and neighbors: listeners, bmpctl, neighbors that connect twice.
const SPARE_DESCRIPTORS: usize = 64;

/// What is missing; a sentence each, together with the file's own warnings.
pub fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = config.warnings.clone();
    let uses_ao = |session: &&crate::config::Session| {
        matches!(session.tcp.authentication, Some(Authentication::Ao(_)))
    };
    let sessions: Vec<String> =
        config.sessions.iter().filter(uses_ao).take(5).map(|s| s.id.to_string()).collect();
    if !sessions.is_empty() && !tcp_ao_supported() {
        warnings.push(format!(
            "this kernel has no TCP-AO (RFC 5925; Linux 6.7 with CONFIG_TCP_AO has): these sessions \
             cannot come up here: {}",
            sessions.join(", ")
        ));
    }
    let neighbors = config.bgp.as_ref().map_or(0, |bgp| bgp.neighbors.len());
    let needed = (config.sessions.len() + neighbors + SPARE_DESCRIPTORS) as u64;
    let limit = getrlimit(Resource::Nofile).maximum;
    if limit.is_some_and(|limit| limit < needed) {
        warnings.push(format!(
            "bmpd may open {} files, and these sessions and neighbors need some {needed}: raise the limit \
             (ulimit -n, LimitNOFILE=)",
            limit.unwrap_or_default()
        ));
    }
    for instance in &config.vpn_instances {
        let missing = match &instance.place {
            Place::Public => false,
            Place::Device(device) => !Path::new("/sys/class/net").join(device).exists(),
            Place::Namespace(path) => !path.exists(),
        };
        if missing {
            warnings.push(format!(
                "VPN instance {}: there is no {} now: its sessions and neighbors wait for it",
                instance.name,
                match &instance.place {
                    Place::Public => String::new(),
                    Place::Device(device) => format!("device {device}"),
                    Place::Namespace(path) => format!("network namespace {}", path.display()),
                }
            ));
        }
    }
    warnings
}
