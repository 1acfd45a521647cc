//! `meetmemo-desktop`: the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: these modes are another program in the same executable.
    if let Some(code) = shell::hidden_mode() {
        return code;
    }
    shell::run(tauri::generate_context!())
}
