//! Rebuilds when a migration is added: the steps are compiled in.
fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
