//! `cargo xtask`: prepares the machine, and builds, runs, tests and packages the app.
//!
//! What only this project knows is here; compiling is cargo's work, the page npm's, the layout of packages Tauri's.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal: what it prints is its result"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

mod args;
mod bindings;
mod bundle;
mod run;
mod test;
mod window;

use crate::args::Command;
use anyhow::Result;
use std::env;
use std::process::ExitCode;
use xtask::checkout::Checkout;
use xtask::setup::{self, For};
use xtask::{app, command};

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
            setup::set_up(&checkout, if tests { For::Tests } else { For::Window })?;
            println!("setup: everything is in place ({})", checkout.resources.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { files } if files.is_empty() => {
            window::needs_a_display()?;
            setup::set_up(&checkout, For::Window)?;
            window::show(&checkout)
        }
        Command::Run { files } => {
            setup::set_up(&checkout, For::Run)?;
            run::run(&checkout, &files)
        }
        Command::Test { external_server, arguments } => {
            setup::set_up(&checkout, For::Tests)?;
            test::test(&checkout, external_server, &arguments)
        }
        Command::Bindings => {
            setup::compilers(&checkout)?;
            bindings::write(&checkout)
        }
        Command::Bundle { recording } => {
            setup::set_up(&checkout, if recording.is_some() { For::Trial } else { For::Window })?;
            bundle::bundle(&checkout, recording.as_deref())
        }
        Command::Bench { name, arguments } => {
            let mut bench = app::cargo(&checkout);
            bench.args(["run", "--quiet", "--package", "bench", "--", name]).args(&arguments);
            Ok(if command::succeeds(&mut bench)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
