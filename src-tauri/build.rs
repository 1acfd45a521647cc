//! Build script of `meetmemo-desktop`, the package at the top of the repository: prepares Tauri's context.

use std::path::Path;

fn main() {
    // Without a built page the program still compiles and shows this placeholder. `cargo xtask setup` builds the page.
    let page = Path::new("ui/dist/index.html");
    if !page.exists() {
        let text = "<!doctype html><title>MeetMemo</title><p>Build the page first: cargo xtask setup";
        std::fs::create_dir_all("ui/dist")
            .and_then(|()| std::fs::write(page, text))
            .expect("ui/dist can be written");
    }
    println!("cargo:rerun-if-changed=ui/dist");
    let attributes =
        tauri_build::Attributes::new().capabilities_path_pattern("./src-tauri/capabilities/**/*");
    tauri_build::try_build(attributes).expect("tauri.conf.json and src-tauri/capabilities are valid");
}
