//! Tests of the catalogue, the models folder, headers, imports and downloads through the public API.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall panic")]

mod catalogue;
mod download;
mod download_process;
mod folder;
mod gguf_builder;
mod header;
mod http_server;
mod import;
mod trim;
