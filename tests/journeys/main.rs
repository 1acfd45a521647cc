//! Journeys through the real window, on real speech: what a person does, from the first minute on.
//!
//! `MEETMEMO_PICTURES=DIR` keeps pictures of what was seen.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic")]

mod figures;
mod journeys;
mod models;
mod safety;
mod speakers;
mod stage;
mod states;
