//! What the sources must not have, unsafe code outside of `bmpd/src/net`, and must have: the tests that
//! SECURITY.md names.
//!
//! The compiler refuses it where `forbid` stands, and no attribute further in can allow it again. Here is seen
//! that it stands everywhere else, so that a new module is not forgotten.

use tests::documents::{repository, sources, text};

const FORBIDDEN: &str = "#![forbid(unsafe_code)]";

#[test]
fn unsafe_code_is_forbidden_everywhere_but_in_net() {
    for root in ["bmpctl/src/lib.rs", "bmpctl/src/main.rs", "shared/src/lib.rs", "bmpd/src/main.rs"]
    {
        assert!(text(root).lines().any(|line| line == FORBIDDEN), "{root}: {FORBIDDEN}");
    }
    let library = text("bmpd/src/lib.rs");
    let modules: Vec<&str> = library
        .lines()
        .filter_map(|line| {
            let declared = line.strip_prefix("pub ").unwrap_or(line);
            declared.strip_prefix("mod ")?.strip_suffix(';')
        })
        .collect();
    assert!(modules.len() > 12 && modules.contains(&"net"), "{modules:?}");
    for module in modules {
        let file = [format!("bmpd/src/{module}.rs"), format!("bmpd/src/{module}/mod.rs")]
            .into_iter()
            .find(|name| repository(name).exists())
            .unwrap();
        let is_forbidden = text(&file).lines().any(|line| line == FORBIDDEN);
        assert_eq!(is_forbidden, module != "net", "{file}: {FORBIDDEN}");
    }
}

#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let document = text("SECURITY.md");
    let all: String = ["tests/tests", "bmpd/src", "bmpctl/src", "shared/src"].map(sources).concat();
    let named: Vec<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.matches('_').count() >= 3)
        .collect();
    assert!(named.len() > 25, "{named:?}");
    for name in named {
        assert!(all.contains(&format!("fn {name}(")), "SECURITY.md names {name}, which is no test");
    }
}
