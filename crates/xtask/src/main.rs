//! `cargo xtask`: prepares the machine, and builds, runs, tests and measures the app.
//!
//! What only this project knows is here; compiling is cargo's work. Packaging is left out until there is a window.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: what it prints is its result"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

mod app;
mod args;
mod bench;
mod checkout;
mod command;
mod run;
mod setup;
mod test;

use crate::args::Command;
use crate::checkout::Checkout;
use crate::setup::For;
use anyhow::Result;
use std::env;
use std::process::ExitCode;

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
    match perform(command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(command: Command) -> Result<ExitCode> {
    let checkout = Checkout::find()?;
    match command {
        Command::Help => {
            println!("{}", args::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Command::Setup { tests } => {
            setup::set_up(&checkout, if tests { For::Tests } else { For::Run })?;
            println!("setup: everything is in place ({})", checkout.resources.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { files } if files.is_empty() => {
            eprintln!(
                "the window comes with the next version; name recordings to transcribe: cargo xtask run FILE…"
            );
            Ok(ExitCode::from(USAGE))
        }
        Command::Run { files } => {
            setup::set_up(&checkout, For::Run)?;
            run::run(&checkout, &files)
        }
        Command::Test { external_server, arguments } => {
            setup::set_up(&checkout, For::Tests)?;
            test::test(&checkout, external_server, &arguments)
        }
        Command::Bench(bench) => {
            setup::set_up(&checkout, For::Tests)?;
            bench::bench(&checkout, &bench)
        }
    }
}
