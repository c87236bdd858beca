//! The schema in the repository is that of what `--json` prints.
//!
//! After a change that is meant: `BLESS=1 cargo test -p bmpctl --test schema`. Fields may be added; who
//! removes or renames one breaks scripts.

use std::path::Path;

use bmpctl::render::json::Document;
use schemars::generate::SchemaSettings;

#[test]
fn the_schema_is_that_of_the_documents() {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    schema.insert("title".to_owned(), "What bmpctl prints with --json".into());
    let generated = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bmpctl.schema.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is out of date: BLESS=1 cargo test -p bmpctl --test schema",
        path.display()
    );
}
