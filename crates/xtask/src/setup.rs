//! Brings a machine to the point where everything can be built and run: system packages, `<target>/resources`, the
//! window's page.
//!
//! Each part looks first and does only what is missing, so a repeat costs milliseconds. Each folder of the resources is
//! made beside its place and renamed, with the versions it was made from written into it.

mod driver;
mod elf;
pub mod files;
mod fonts;
mod licenses;
mod npm;
mod page;
mod pip;
mod postgres;
mod speakers;
mod speech_model;
mod system;

pub use driver::Driver;
pub use npm::read_json;
pub use system::needed_when_installed;

use crate::checkout::Checkout;
use anyhow::{Context, Result};
use std::fs::{self, File, TryLockError};

/// What the machine is prepared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Building the command line and running it, also where there is no display.
    Run,
    /// That, and building the window and showing it.
    Window,
    /// Running, and what benchmarks compare with.
    Bench,
    /// All of that, and what tests use the window with.
    Tests,
    /// The window, and what its package is tried with.
    Trial,
}

impl For {
    fn with_window(self) -> bool {
        !matches!(self, Self::Run | Self::Bench)
    }
}

/// Installs and makes what is missing for `purpose`.
pub fn set_up(checkout: &Checkout, purpose: For) -> Result<()> {
    fs::create_dir_all(&checkout.resources)
        .with_context(|| format!("could not create {}", checkout.resources.display()))?;
    let _only_one = lock(checkout)?;
    system::set_up(purpose)?;
    let lock = npm::Lock::read(checkout)?;
    let mut packages = npm::Packages::of(checkout);
    postgres::set_up(checkout, &lock, &mut packages)?;
    speech_model::set_up(checkout, purpose)?;
    fonts::set_up(checkout, &lock, &mut packages)?;
    speakers::set_up(checkout)?;
    if purpose.with_window() {
        page::set_up(checkout)?;
    }
    licenses::set_up(checkout, purpose.with_window())?;
    packages.clean();
    if purpose == For::Tests {
        Driver::set_up(checkout)?;
    }
    Ok(())
}

/// Installs what the window is compiled with, and nothing else: for commands that need no page and no resources.
pub fn compilers(checkout: &Checkout) -> Result<()> {
    fs::create_dir_all(&checkout.target)
        .with_context(|| format!("could not create {}", checkout.target.display()))?;
    let _only_one = lock(checkout)?;
    system::set_up(For::Window)
}

/// Two commands at once must not fill the same folders. The lock ends with this process.
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
