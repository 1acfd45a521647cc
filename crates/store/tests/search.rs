//! Full-text search on a real database: what is found and in which order, that it stays in step with every change, old
//! archives, restores, hostile input, and what it costs.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may panic, and shows what it measured")]

mod common;
#[path = "search/filters.rs"]
mod filters;
#[path = "search/in_step.rs"]
mod in_step;
#[path = "search/indexing.rs"]
mod indexing;
#[path = "search/quality.rs"]
mod quality;
#[path = "search/world.rs"]
mod world;
