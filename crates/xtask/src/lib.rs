//! What `cargo xtask` and the benchmarks (`crates/bench`) share: where the checkout's folders are, what the machine
//! needs, and how the app is built and called.

#![allow(clippy::print_stdout, reason = "set-up says on the terminal what it does")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

pub mod app;
pub mod checkout;
pub mod command;
pub mod setup;
