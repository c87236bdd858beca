//! The capabilities (capabilities(7)) that sockets can need, and the message where one is missing.

use std::fmt;
use std::sync::OnceLock;

use rustix::thread::CapabilitySet;

/// The capabilities that bmpd dropped when it started.
static DROPPED: OnceLock<CapabilitySet> = OnceLock::new();

/// Notes the capabilities that bmpd has dropped. It is called once, at the start: they cannot be regained.
pub(crate) fn note_dropped(capabilities: CapabilitySet) {
    let _ = DROPPED.set(capabilities);
}

/// A capability that a configuration can need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capability {
    /// CAP_NET_BIND_SERVICE: ports below 1024.
    NetBindService,
    /// CAP_SYS_ADMIN: another network namespace (setns(2)).
    SysAdmin,
    /// CAP_NET_RAW: connections from addresses of others, and binding to a device before Linux 5.7.
    NetRaw,
}

impl Capability {
    pub(crate) const fn set(self) -> CapabilitySet {
        match self {
            Capability::NetBindService => CapabilitySet::NET_BIND_SERVICE,
            Capability::SysAdmin => CapabilitySet::SYS_ADMIN,
            Capability::NetRaw => CapabilitySet::NET_RAW,
        }
    }

    /// True if bmpd dropped it when it started, as its configuration then did not need it.
    pub(crate) fn was_dropped(self) -> bool {
        DROPPED.get().is_some_and(|dropped| dropped.contains(self.set()))
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Capability::NetBindService => "CAP_NET_BIND_SERVICE",
            Capability::SysAdmin => "CAP_SYS_ADMIN",
            Capability::NetRaw => "CAP_NET_RAW",
        })
    }
}

/// A capability that is missing, as the end of a sentence.
pub(crate) struct Missing(pub(crate) Capability);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing(capability) = self;
        match capability.was_dropped() {
            true => write!(
                f,
                "bmpd needs {capability} for it, and gave it up at its start, when its configuration did not \
                 need it: restart bmpd"
            ),
            false => write!(f, "bmpd needs {capability} for it (capabilities(7))"),
        }
    }
}
