//! The NOTIFICATION with which a session ends when the tables do not take what its neighbor has sent.
//!
//! The tables do not depend on BGP sessions: what they refuse is an error of the neighbor only here.

use crate::routers::{Full, Refused};
use crate::wire::malformed::Malformed;
use crate::wire::notification::{Code, Notification};

/// RFC 7606 sections 3 and 5.3.
pub(super) fn malformed(malformed: &Malformed) -> Notification {
    match malformed {
        Malformed::AttributeList => Code::MalformedAttributeList.into(),
        Malformed::Multiprotocol { attribute } => {
            Notification::new(Code::OptionalAttribute, attribute)
        }
        Malformed::Routes(_) => Code::InvalidNetworkField.into(),
    }
}

/// RFC 4486 section 4.
pub(super) fn full(Full: Full) -> Notification {
    Code::OutOfResources.into()
}

/// Either of them.
pub(super) fn refused(refused: &Refused) -> Notification {
    match refused {
        Refused::Malformed(error) => malformed(error),
        Refused::Full => full(Full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::family::Family;

    #[test]
    fn what_cannot_be_read_has_the_code_that_the_rfcs_prescribe() {
        let attribute = vec![0x80, 14, 0];
        let refusals = [
            (
                Malformed::AttributeList.into(),
                "NOTIFICATION 3/1 (UPDATE Message Error, Malformed Attribute List)",
            ),
            (
                Malformed::Multiprotocol { attribute }.into(),
                "NOTIFICATION 3/9 (UPDATE Message Error, Optional Attribute Error), data 800e00",
            ),
            (
                Malformed::Routes(Family::IPV4_UNICAST).into(),
                "NOTIFICATION 3/10 (UPDATE Message Error, Invalid Network Field)",
            ),
            (Refused::Full, "NOTIFICATION 6/8 (Cease, Out of Resources)"),
        ];
        for (refusal, text) in refusals {
            assert_eq!(refused(&refusal).to_string(), text);
        }
    }
}
