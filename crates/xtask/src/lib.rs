//! The part of `cargo xtask` that the benchmarks (`crates/bench`) also use: the folders of the checkout, the set-up of
//! the machine, and building and calling the app.

#![allow(clippy::print_stdout, reason = "set-up prints its progress on the terminal")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

pub mod app;
pub mod checkout;
pub mod command;
pub mod setup;
