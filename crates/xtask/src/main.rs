//! `cargo xtask`: prepares the machine, and builds, runs, tests and packages the app.
//!
//! Cargo compiles, npm builds the window's page, and Tauri lays out the package; this program calls them with what is
//! specific to this project. It starts the built programs and reads their JSON, and depends on none of their crates.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program prints its results")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a failed assumption is a failed test"))]

mod args;
mod bindings;
mod bundle;
mod test;
mod transcribe_files;
mod window;

use crate::args::Command;
use anyhow::Result;
use std::env;
use std::process::{self, ExitCode};
use xtask::app::{self, Profile};
use xtask::checkout::Checkout;
use xtask::command;
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
            setup::set_up(&checkout, if tests { Purpose::Tests } else { Purpose::Window })?;
            println!("setup: everything is in place ({})", checkout.resources.display());
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { files, profile } if files.is_empty() => {
            window::check_display()?;
            setup::set_up(&checkout, Purpose::Window)?;
            window::show(&checkout, profile)
        }
        Command::Run { files, profile } => {
            setup::set_up(&checkout, Purpose::Run)?;
            transcribe_files::run(&checkout, &files, profile)
        }
        Command::Test { external_server, arguments } => {
            setup::set_up(&checkout, Purpose::Tests)?;
            test::test(&checkout, external_server.as_ref(), &arguments)
        }
        Command::Bindings => {
            setup::compilers(&checkout)?;
            bindings::write(&checkout)
        }
        Command::Bundle { recording } => {
            setup::set_up(&checkout, if recording.is_some() { Purpose::Trial } else { Purpose::Window })?;
            bundle::bundle(&checkout, recording.as_deref())
        }
        Command::Bench { name, arguments } => {
            // What `bench` measures within its own process must be optimised; `corpus` uses what the tests compiled.
            let profile = if name == "bench" { Profile::Release } else { Profile::Dev };
            let mut bench = process::Command::new(app::build(&checkout, "bench", profile)?);
            bench.arg(name).args(&arguments);
            Ok(if command::succeeds(&mut bench)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}
