//! bgpkit-parser as a reader of records: another one's parser of OpenBMP headers and BMP messages.
//!
//! What was found out with 0.23:
//! - It reads the collector hash and the router hash over, and compares no length with what is there:
//!   [`tests::kafka::OpenBmp`] does that, and that nothing follows the message is checked here.
//! - Of the types of messages it knows those of RFC 7854.

use std::net::Ipv4Addr;

use bgpkit_parser::parser::bmp::messages::{BmpMessage, BmpMessageBody, InitiationTlvType};
use bgpkit_parser::parser::bmp::openbmp::OpenBmpHeader;
use bgpkit_parser::parser::bmp::{parse_bmp_msg, parse_openbmp_header};
use tests::kafka::OpenBmp;
use tests::kafka::openbmp::md5;

/// What it finds in a record's value.
#[track_caller]
pub(crate) fn bgpkit(value: &[u8]) -> (OpenBmpHeader, BmpMessage) {
    let mut rest = value.to_vec().into();
    let header = parse_openbmp_header(&mut rest).unwrap_or_else(|e| panic!("{e}: {value:02x?}"));
    let message = parse_bmp_msg(&mut rest).unwrap_or_else(|e| panic!("{e}: {value:02x?}"));
    assert!(rest.is_empty(), "{} bytes are left", rest.len());
    (header, message)
}

#[test]
fn a_record_is_the_same_to_both_parsers() {
    let value = [
        b"OBMP\x01\x07\x00\x53\x00\x00\x00\x10\x80\x0c",
        &1_700_000_000_u32.to_be_bytes()[..],
        &500_000_u32.to_be_bytes(),
        &md5(b"name"),
        b"\0\x04name",
        &[0x5a; 16],
        &[192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        b"\0\x01g",
        &[0, 0, 0, 1],
        &[3, 0, 0, 0, 16, 4, 0, 1, 0, 1, b'd', 0, 2, 0, 1, b'n'],
    ]
    .concat();
    let ours = OpenBmp::parse(&value).unwrap();
    let (header, message) = bgpkit(&value);
    assert_eq!(header.router_ip, ours.router);
    assert_eq!(header.router_ip, Ipv4Addr::new(192, 0, 2, 1));
    assert_eq!((&*header.admin_id, header.router_group.as_deref()), ("name", Some("g")));
    assert_eq!((ours.admin_id, ours.group), ("name", "g"));
    assert_eq!((header.header_len, header.msg_len), (83, 16));
    assert_eq!((header.timestamp, ours.time.as_secs_f64()), (1_700_000_000.5, 1_700_000_000.5));
    let BmpMessageBody::InitiationMessage(initiation) = message.message_body else {
        panic!("{message:?}");
    };
    let tlvs: Vec<_> = initiation.tlvs.iter().map(|t| (t.info_type, &*t.info)).collect();
    let expected = [(InitiationTlvType::SysDescr, "d"), (InitiationTlvType::SysName, "n")];
    assert_eq!(tlvs, expected);
}
