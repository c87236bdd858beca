//! Says that this bmpd is the simulated one.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=simulation");
}
