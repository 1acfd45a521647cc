//! `cargo xtask setup`: prepares the machine for building and running. It installs system packages, fills
//! `<target>/resources` and builds the window's page.
//!
//! Each part does only what is missing, so a repeat costs milliseconds. Each folder of the resources is made under a
//! temporary name and renamed; a file in it records the versions that it was made from.

mod diarization_models;
mod elf;
pub mod files;
mod fonts;
mod licenses;
mod npm;
mod page;
mod pip;
mod postgres;
mod postgres_client;
mod python_readers;
mod speech_model;
mod system_packages;
mod tauri_driver;

pub use npm::read_json;
pub use system_packages::package_dependencies;
pub use tauri_driver::TauriDriver;

use crate::checkout::Checkout;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};

/// The purpose that the machine is prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Building and running the command line, also without a display.
    Run,
    /// `Run`, and building and showing the window.
    Window,
    /// `Run`, and the programs that benchmarks compare with.
    Bench,
    /// All tests, including the journeys.
    Tests,
    /// `Window`, and trying the package in a fresh system.
    Trial,
}

impl Purpose {
    fn with_window(self) -> bool {
        !matches!(self, Self::Run | Self::Bench)
    }
}

/// Installs and makes everything that is missing for `purpose`.
pub fn set_up(checkout: &Checkout, purpose: Purpose) -> Result<()> {
    fs::create_dir_all(&checkout.resources)
        .with_context(|| format!("could not create {}", checkout.resources.display()))?;
    let _only_one = lock(checkout)?;
    system_packages::set_up(purpose)?;
    let lock = npm::Lock::read(checkout)?;
    let mut packages = npm::Packages::of(checkout);
    postgres::set_up(checkout, &lock, &mut packages)?;
    speech_model::set_up(checkout, purpose)?;
    fonts::set_up(checkout, &lock, &mut packages)?;
    diarization_models::set_up(checkout)?;
    if purpose.with_window() {
        page::set_up(checkout)?;
    }
    licenses::set_up(checkout, purpose.with_window())?;
    packages.clean();
    if purpose == Purpose::Tests {
        TauriDriver::set_up(checkout)?;
        postgres_client::set_up(checkout)?;
        python_readers::set_up(checkout)?;
    }
    Ok(())
}

/// Installs only the system packages that compiling the window needs, for commands without page and resources.
pub fn compilers(checkout: &Checkout) -> Result<()> {
    fs::create_dir_all(&checkout.target)
        .with_context(|| format!("could not create {}", checkout.target.display()))?;
    let _only_one = lock(checkout)?;
    system_packages::set_up(Purpose::Window)
}

/// Locks the target folder's set-up, so that two commands do not fill the same folders. The lock is released on drop.
fn lock(checkout: &Checkout) -> Result<File> {
    let path = checkout.target.join("setup.lock");
    let file = File::create(&path).with_context(|| format!("could not create {}", path.display()))?;
    if let Err(error) = file.try_lock() {
        if matches!(error, TryLockError::WouldBlock) {
            println!("setup: waiting for another setup of this target folder");
        }
        file.lock().with_context(|| format!("could not lock {}", path.display()))?;
    }
    Ok(file)
}
