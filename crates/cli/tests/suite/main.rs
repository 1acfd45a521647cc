//! The real program on real speech, as people and scripts use it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it measured")]

mod cases;
mod common;
mod importing;
mod models;
mod neural;
mod speakers;
mod transcribing;
