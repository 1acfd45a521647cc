//! End-to-end tests (“journeys”): they use the real window as a person does, with mouse and keyboard, on real speech.
//!
//! They need Xvfb, xdotool, `tauri-driver` and WebKit's driver, which `cargo xtask setup --tests` and `cargo xtask
//! test` provide. With `MEETMEMO_PICTURES=DIR` they save screenshots to that folder.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic")]

mod archive;
mod benchmark;
mod everyday;
mod export;
mod interruptions;
mod meetings;
mod model_server;
mod models;
mod organise;
mod safety;
mod screen_states;
mod search;
mod speakers;
mod summary;
mod test_app;
mod web_page;
