//! `meetmemo-desktop`: the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    // Must come first: in these modes the executable is another program.
    if let Some(code) = shell::run_hidden_command() {
        return code;
    }
    shell::run(tauri::generate_context!())
}
