//! What is too large for a test: benchmarks of the app beside programs that do the same work, and a corpus of files as
//! programs and accidents make them. `cargo xtask bench` and `cargo xtask corpus` start it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: what it prints is its result"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

mod args;
mod bench;
mod corpus;

use crate::args::Command;
use anyhow::Result;
use std::env;
use std::process::ExitCode;
use xtask::checkout::Checkout;
use xtask::setup::{self, For};

/// Exit code for wrong usage.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = match args::parse(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\n\n{}", args::USAGE);
            return ExitCode::from(USAGE);
        }
    };
    match perform(&command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tells whether every goal was met.
fn perform(command: &Command) -> Result<bool> {
    if matches!(command, Command::Help) {
        println!("{}", args::USAGE);
        return Ok(true);
    }
    let checkout = Checkout::find()?;
    setup::set_up(&checkout, For::Bench)?;
    match command {
        Command::Help => Ok(true),
        Command::Bench(asked) => bench::bench(&checkout, asked),
        Command::Corpus(asked) => corpus::corpus(&checkout, asked),
    }
}
