//! NOTIFICATION.

use bmpd::wire::bgp::{self, MAX_LEN_EXTENDED, MessageType};
use bmpd::wire::frame::Frame;
use bmpd::wire::notification::{Code, Notification};

/// A NOTIFICATION goes into a Peer Down as received, and its description fits into a line of a log.
pub fn notification(body: &[u8]) {
    if body.len() > MAX_LEN_EXTENDED - bgp::HEADER_LEN {
        return;
    }
    let notification = Notification::parse(body);
    let mut message = Vec::new();
    bgp::encode(&mut message, MessageType::Notification, body);
    match Frame::find(&message, true) {
        Ok(Some(frame)) => {
            assert_eq!((frame.kind, frame.len), (MessageType::Notification, message.len()));
            assert_eq!(notification.message(), message);
        }
        Ok(None) => panic!("a whole message is not found"),
        Err(refused) => {
            assert!(body.len() < 2, "refused with {refused}");
            assert!(refused.is(Code::BadMessageLength), "refused with {refused}");
        }
    }
    let text = notification.communication();
    if let Some(text) = &text {
        // Each of 255 bytes can become a replacement character of three.
        assert!(!text.is_empty() && text.len() <= 3 * 255, "{} bytes", text.len());
    }
    let shown = notification.to_string();
    assert!(shown.starts_with(&format!("NOTIFICATION {}/", notification.code)), "{shown}");
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert!(shown.len() < 255 * 16, "{} bytes", shown.len());
    // Text in quotation marks ends at the closing mark.
    let quotes = shown.replace("\\\\", "").replace("\\\"", "").matches('"').count();
    assert_eq!(quotes, if text.is_some() { 2 } else { 0 }, "{shown}");
}
