//! Why an UPDATE cannot be read.

use super::family::Family;

/// Not all routes of an UPDATE are certain to be found.
///
/// The variant names what is malformed. What follows from it depends on who sent the UPDATE: a BGP session ends (RFC
/// 7606 sections 3 and 5.3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Lengths in the message contradict each other, or an attribute with routes is there twice.
    #[error("its lengths or attributes contradict each other")]
    AttributeList,
    /// MP_REACH_NLRI or MP_UNREACH_NLRI has no family, or a next hop that none of its family is. The whole attribute.
    #[error("attribute {} is malformed", attribute.get(1).copied().unwrap_or_default())]
    Multiprotocol {
        /// The attribute, with its flags.
        attribute: Vec<u8>,
    },
    /// A field cannot be cut into routes of this family.
    #[error("its {0} routes cannot be read")]
    Routes(Family),
}
