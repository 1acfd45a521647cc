//! Finds PocketSphinx, the built-in engine's C library. Linux only, where it is a package of the distribution.

/// The release whose headers `src/pocketsphinx/ffi.rs` follows, as pkg-config spells it. Release 5.0.0 of 2022, which
/// some distributions have, has another interface (`sphinxbase` is part of it).
const RELEASE: &str = "5prealpha";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    let mut config = pkg_config::Config::new();
    // We print the link lines: pkg-config's also name `sphinxad`, which records from sound devices and would bring
    // libpulse into every process.
    config.cargo_metadata(false);
    for library in ["pocketsphinx", "sphinxbase"] {
        match config.exactly_version(RELEASE).probe(library) {
            Ok(found) => {
                for path in found.link_paths {
                    println!("cargo::rustc-link-search=native={}", path.display());
                }
                println!("cargo::rustc-link-lib=dylib={library}");
            }
            Err(error) => {
                println!(
                    "cargo::error={library} {RELEASE} is needed to build the built-in speech engine; on Debian and \
                     Ubuntu: apt-get install pkg-config libpocketsphinx-dev"
                );
                panic!("{error}");
            }
        }
    }
}
