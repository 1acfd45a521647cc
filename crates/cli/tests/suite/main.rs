//! The real program on real speech, as people and scripts use it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;
mod importing;
mod transcribing;
