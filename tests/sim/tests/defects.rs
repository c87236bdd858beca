//! The deliberate defects of `defects/` apply to the code as it is; `defects/run` shows that they are found.

use std::path::Path;
use std::process::Command;

#[test]
fn every_defect_still_applies() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.join("../..");
    let is_checkout =
        Command::new("git").args(["rev-parse", "--git-dir"]).current_dir(&root).output();
    if !is_checkout.is_ok_and(|output| output.status.success()) {
        eprintln!("cannot run: without a git checkout nothing says whether a patch applies");
        return;
    }
    let mut patches = 0;
    for entry in std::fs::read_dir(here.join("defects")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "patch") {
            patches += 1;
            let mut apply = Command::new("git");
            apply.args(["apply", "--check"]).arg(&path).current_dir(&root);
            let output = apply.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(patches >= 40, "{patches}");
}
