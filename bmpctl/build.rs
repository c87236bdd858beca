//! How bmpctl is linked.
//!
//! A command that is over in a millisecond notices what the system loads for it. The unwinder is the largest
//! part of that: `libgcc_s.so.1` costs a tenth of `bmpctl show session`, and is linked in instead, as gcc's
//! `-static-libgcc` does.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    // Elsewhere Rust brings an unwinder of its own, or another system has another one.
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-lib=static:-bundle=gcc_eh");
    }
}
