//! Reads real files through the public interface.
//!
//! The fixtures are a synthetic signal, encoded by `ffmpeg`, which has to be installed. The project's recordings in
//! `../shared` are read too, where present.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed assumption is a failed test")]

mod broken;
mod cases;
mod dates_and_titles;
mod fixtures;
mod formats;
mod mutations;
mod playback;
mod stream_selection;
mod tracks;
