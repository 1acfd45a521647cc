//! Measurements that are too large for tests: benchmarks that compare the app with programs that do the same work, and a
//! corpus of generated and damaged media files. Started by `cargo xtask bench` and `cargo xtask corpus`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program prints its results")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

mod args;
mod bench;
mod corpus;

use crate::args::Command;
use anyhow::Result;
use std::env;
use std::process::ExitCode;
use xtask::checkout::Checkout;
use xtask::setup::{self, Purpose};

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

/// Returns whether every goal was met.
fn perform(command: &Command) -> Result<bool> {
    if matches!(command, Command::Help) {
        println!("{}", args::USAGE);
        return Ok(true);
    }
    let checkout = Checkout::find()?;
    setup::set_up(&checkout, Purpose::Bench)?;
    match command {
        Command::Help => Ok(true),
        Command::Bench(options) => bench::bench(&checkout, options),
        Command::Corpus(options) => corpus::corpus(&checkout, options),
    }
}
