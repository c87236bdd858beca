//! Texts from outside, as people are shown them.

/// The most characters of a name or description that are shown.
const SHOWN_MAX: usize = 255;

/// True for a format character of Unicode that a terminal does not show: zero-width ones, those that turn the
/// direction of the text, and tags.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A name or description for display: at most 255 characters, invalid UTF-8 replaced, a space for each control
/// character and each one that cannot be seen, none at the ends.
pub fn shown(bytes: &[u8]) -> String {
    // A character has at most four bytes, and one that stands for invalid ones at most three.
    let bytes = bytes.get(..4 * SHOWN_MAX).unwrap_or(bytes);
    let harmless = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    let text: String =
        String::from_utf8_lossy(bytes).chars().take(SHOWN_MAX).map(harmless).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_spaces_and_invalid_utf_8_is_replaced() {
        let cases: [(&[u8], &str); 5] = [
            (b"edge1.example.net", "edge1.example.net"),
            (b"Software, Version 1\r\nSupport: x\r\n", "Software, Version 1  Support: x"),
            (b"\x1b[31mred\x07", "[31mred"),
            (b"a\xffb\xe2\x80\xaec", "a\u{fffd}b c"),
            (b"\0\0", ""),
        ];
        for (bytes, expected) in cases {
            assert_eq!(shown(bytes), expected);
        }
        assert_eq!(shown(&[b'x'; 300]).len(), SHOWN_MAX);
        assert_eq!(shown("ü".repeat(300).as_bytes()).chars().count(), SHOWN_MAX);
    }

    proptest! {
        #[test]
        fn what_is_shown_is_short_and_harmless(bytes in prop::collection::vec(any::<u8>(), 0..1500)) {
            let text = shown(&bytes);
            prop_assert!(text.chars().count() <= SHOWN_MAX);
            prop_assert!(!text.contains(|c: char| c.is_control() || is_invisible(c)));
        }
    }
}
