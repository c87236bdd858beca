//! Names and addresses, as they come from a command line, a file or a frame.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use shared::names::{Alias, NAME_MAX, PUBLIC_INSTANCE, Shown, StationAddress, VpnInstanceName};

/// What is accepted can be shown, and parses to the same value; what is rejected gives a reason in words that
/// a terminal can show.
pub fn names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(alias) = same_again::<Alias>(&text) {
        is_a_name(alias.as_str());
        assert_eq!(Shown(alias.as_str()).to_string().parse(), Ok(alias));
    }
    if let Some(name) = same_again::<VpnInstanceName>(&text) {
        is_a_name(name.as_str());
        assert_ne!(name.as_str(), PUBLIC_INSTANCE);
        assert_eq!(Shown(name.as_str()).to_string().parse(), Ok(name));
    }
    if let Some(address) = same_again::<StationAddress>(&text) {
        assert!(!address.ip().is_unspecified() && !address.ip().is_multicast());
        assert_eq!(StationAddress::try_from(address.ip()), Ok(address));
    }
}

fn same_again<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Display> + Display + Debug + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let shown = value.to_string();
            match shown.parse::<T>() {
                Ok(again) => assert_eq!(again, value, "{shown:?}"),
                Err(error) => panic!("{value:?} is shown as {shown:?}: {error}"),
            }
            Some(value)
        }
        Err(error) => {
            let why = error.to_string();
            assert!(!why.is_empty() && why.len() < 1000, "{} bytes", why.len());
            assert!(!why.contains(char::is_control), "{why:?}");
            None
        }
    }
}

fn is_a_name(name: &str) {
    assert!((1..=NAME_MAX).contains(&name.chars().count()), "{name:?}");
    assert!(!name.contains(|c: char| c.is_control() || c == '"'), "{name:?}");
}
