//! Has the browser app embedded again when its build changed.

fn main() {
    println!("cargo::rerun-if-changed=../web/dist");
}
