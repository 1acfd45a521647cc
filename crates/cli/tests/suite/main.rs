//! Tests of the whole program with real speech, as users and scripts run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it measured")]

mod cases;
mod common;
mod importing;
mod models;
mod neural;
mod speakers;
mod transcribing;
