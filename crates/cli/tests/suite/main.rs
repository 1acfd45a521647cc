//! Tests of the whole program with real speech, as users and scripts run it.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and says what it measured")]

mod backup;
mod cases;
mod cleanup;
mod common;
mod database;
mod database_guide;
mod exports;
mod external;
mod importing;
mod models;
mod neural;
mod organisation;
mod search;
mod security;
mod speakers;
mod sql_strings;
mod transcribing;
