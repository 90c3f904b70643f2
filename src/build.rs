//! Links the binary at a fixed address: a worker is a chain of short-lived processes (keeper, hook supervisors), and
//! without relative relocations to write the loader starts each of them sooner (`docs/design/start-up.md`).

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    println!("cargo::rustc-link-arg-bins=-no-pie");
}
