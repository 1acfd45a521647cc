//! Real files through the public interface.
//!
//! Fixtures are made here: a synthetic signal, encoded by `ffmpeg`, which has to be installed. Where the project's
//! recordings in `../shared` are present, they are read too.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed assumption is a failed test")]

mod broken;
mod cases;
mod formats;
mod listening;
mod mutations;
mod parts;
mod signal;
mod times;
mod tracks;
