//! The configuration in effect.

use serde::{Deserialize, Serialize};

use super::status::RefusedReload;
use crate::names::{PublisherName, Selector};

/// The configuration in effect, defaults filled in, keys masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReport {
    /// The file that it was read from.
    pub file: String,
    /// The files that it includes, in their order.
    pub included: Vec<String>,
    /// The last reload, if it was refused.
    pub refused_reload: Option<RefusedReload>,
    /// True if the file has another text than the one in effect; `None` if it cannot be read, or not in time.
    pub file_differs: Option<bool>,
    /// The tables of the file, in its order.
    pub sections: Vec<ConfigSection>,
}

/// One table of the configuration, such as `[bmp]` or one `[[session]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigSection {
    /// Its heading, such as `session` or `bgp.neighbor`.
    pub name: String,
    /// True if there can be several of them: `[[session]]`.
    pub repeated: bool,
    /// Its keys, in the order of the documentation.
    pub settings: Vec<ConfigSetting>,
}

impl ConfigSection {
    /// True if the key distinguishes this table from others of its kind.
    pub fn is_name(&self, key: &str) -> bool {
        match self.name.as_str() {
            "session" => matches!(key, "address" | "vpn-instance" | "alias"),
            "vpn-instance" | "publisher" => key == "name",
            "router" => matches!(key, "name" | "prefix" | "vpn-instance"),
            "bgp.neighbor" => matches!(key, "address" | "prefix" | "vpn-instance"),
            _ => false,
        }
    }
}

/// One key with what is in effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigSetting {
    /// The key, such as `tcp.connect-port`.
    pub key: String,
    /// The value in effect; `None` if there is none.
    pub value: Option<ConfigValue>,
    /// The value as configured, where another one is in effect until a reset or a restart.
    pub pending: Option<PendingValue>,
}

/// What a setting will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingValue {
    /// The value; `None` if there will be none. It can be the same again: another key, or a file that now
    /// holds something else.
    pub value: Option<ConfigValue>,
    /// What puts it into effect.
    pub until: Until,
}

/// What a setting that is pending waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Until {
    /// A reset of these sessions, or their next connection.
    Reset(Selector),
    /// A reset of this publisher, or of all.
    ResetPublisher(Option<PublisherName>),
    /// Another start of bmpd.
    Restart,
}

/// A value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigValue {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<ConfigValue>),
    /// A table, such as one of `initiation-message`.
    Table(Vec<(String, ConfigValue)>),
    /// A key, which is never shown.
    Secret,
}
