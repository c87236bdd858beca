//! `docs/conformance.md`: no row without a test, or without a reason why there is none.

use tests::documents::{sources, text};

/// True if it is a test and not only a function.
fn is_test(all: &str, name: &str) -> bool {
    let Some(at) = all.find(&format!("fn {name}(")) else { return false };
    // Attributes stand right before it.
    let before = all[..at].lines().rev().take(4).collect::<Vec<_>>();
    before.iter().any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
}

#[test]
fn every_row_has_a_test_or_a_reason() {
    let all: String = ["tests/tests", "bmpd/src"].map(sources).concat();
    let document = text("docs/conformance.md");
    let named = |text: &str| -> Vec<String> {
        let words = text.split('`').skip(1).step_by(2);
        words.filter(|word| word.matches('_').count() >= 3).map(str::to_owned).collect()
    };
    for name in named(&document) {
        assert!(is_test(&all, &name), "{name} is no test");
    }
    let mut rows = 0;
    for row in
        document.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| tests |"))
    {
        let columns: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [_, _, _, tests] = &columns[..] else { panic!("four columns: {row}") };
        let has_reason = tests.strip_prefix("none: ").is_some_and(|reason| reason.len() > 20);
        assert!(has_reason || !named(tests).is_empty(), "neither a test nor a reason: {row}");
        rows += 1;
    }
    assert!(rows > 45, "{rows}");
}

#[test]
fn what_is_no_test_is_not_taken_for_one() {
    let all =
        "#[test]\nfn a_b_c_d() {}\nfn helper_of_it_all() {}\n\n\n\n\nfn last_of_them_all() {}";
    assert!(
        is_test(all, "a_b_c_d") && !is_test(all, "last_of_them_all") && !is_test(all, "x_y_z_w")
    );
}
