//! Tests with real speech and real engine processes.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue should panic")]
#![allow(clippy::print_stderr, reason = "tests print what they measure")]
#![cfg(target_os = "linux")]

mod built_in_model;
mod decoders;
mod diarize;
mod fixture_model;
mod recordings;
mod sortformer;
mod windows;
