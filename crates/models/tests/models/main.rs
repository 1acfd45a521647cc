//! Catalogue, models folder, headers, imports and downloads as the app uses them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod catalogue;
mod download;
mod folder;
mod gguf;
mod header;
mod import;
mod interrupted;
mod server;
mod trim;
