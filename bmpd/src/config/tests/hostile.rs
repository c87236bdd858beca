//! Hostile files: no panic, no endless work, nothing unescaped.

use std::time::Duration;

use proptest::prelude::*;

use super::super::FILE_MAX;
use super::{EXAMPLE, parsed};

#[test]
fn hostile_files_of_the_greatest_size_end_soon() {
    let begin = std::time::Instant::now();
    for text in [
        format!("x = {}", "[".repeat(FILE_MAX / 2)),
        format!("{}x = 1", "a.".repeat(FILE_MAX / 8)),
        format!("[bgp]\nlisten = [{}]", "'',".repeat(FILE_MAX / 8)),
        "[[session]]\naddress='10.1.1.1'\ntcp.connect-port=1\n".repeat(FILE_MAX / 100),
        "[[session]]\nadress='10.1.1.1'\nalias=1\n".repeat(FILE_MAX / 50),
        "x = ,\n".repeat(FILE_MAX / 10),
        ",".repeat(FILE_MAX),
        format!("[bmp]\nsystem-name = '{}'", "x".repeat(FILE_MAX)),
        format!("[bmp]\n'{}' = 1", "\u{1}".repeat(FILE_MAX)),
        format!("[bmp]\nsystem-name = \"{}", "\\u0001".repeat(FILE_MAX / 8)),
    ] {
        let error = parsed(&text).unwrap_err();
        let shown = error.to_string();
        assert!(shown.len() < 20_000, "{}", shown.len());
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
    }
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

/// What must hold for any text.
fn outcome_is_sound(text: &str) -> Result<(), TestCaseError> {
    if let Err(error) = parsed(text) {
        prop_assert!(!error.problems().is_empty());
        let shown = error.to_string();
        prop_assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        let lines = text.split('\n').count();
        prop_assert!(error.line().is_some_and(|line| (1..=lines).contains(&line)));
        prop_assert!(error.column().is_some_and(|column| column >= 1));
    }
    Ok(())
}

/// Pieces that make a mutation of the example interesting.
fn piece() -> impl Strategy<Value = String> {
    let words = "\n|\"|'|[|]|{|}|=|.|,|#|0|-1|99999999999999999999999999999999999999999|1.5|nan|true|\
                 1979-05-27|fe80::1|\"\"|[[session]]|alias = \"aa\"|_public_|\u{0}|\u{1b}|é|\u{202e}|\
                 retry.initial = 900|families = []|listen = []|tcp = {}|bgp|port = 0";
    let words: Vec<String> = words.split('|').map(str::to_owned).collect();
    prop_oneof![3 => proptest::sample::select(words), 1 => ".{0,8}"]
}

proptest! {
    #[test]
    fn no_text_makes_parse_panic(text in any::<String>()) {
        outcome_is_sound(&text)?;
    }

    #[test]
    fn no_mutation_of_the_example_makes_parse_panic(
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0usize..12, piece()), 1..6)
    ) {
        let mut chars: Vec<char> = EXAMPLE.chars().collect();
        for (at, cut, piece) in cuts {
            let at = at.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, piece.chars());
        }
        outcome_is_sound(&String::from_iter(chars))?;
    }
}
