//! Real speech, real engine processes.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]
#![allow(clippy::print_stderr, reason = "what was measured is said")]
#![cfg(target_os = "linux")]

mod decoders;
mod diarize;
mod neural;
mod recognition;
mod recordings;
mod speaker_models;
mod windows;
