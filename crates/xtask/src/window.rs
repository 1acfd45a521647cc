//! `cargo xtask run` without files: shows the window with the user's own archive.

use anyhow::{Result, bail};
use std::env;
use std::process::{Command, ExitCode};
use xtask::app::{self, Profile};
use xtask::checkout::Checkout;
use xtask::command;

/// An error if there is no display to show the window on; checked before anything is built.
pub(crate) fn check_display() -> Result<()> {
    if !cfg!(target_os = "linux")
        || has_display(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
    {
        return Ok(());
    }
    bail!(
        "there is no display to show the window on (neither WAYLAND_DISPLAY nor DISPLAY is set); \
         `cargo xtask run FILE…` transcribes recordings without one"
    )
}

fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| is_set(name))
}

/// Builds the window, shows it, and waits until it is closed.
pub(crate) fn show(checkout: &Checkout, profile: Profile) -> Result<ExitCode> {
    let program = app::build(checkout, "meetmemo-desktop", profile)?;
    let mut window = Command::new(&program);
    window.env("MEETMEMO_RESOURCES", &checkout.resources);
    Ok(if command::succeeds(&mut window)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wayland_or_x11_is_a_display() {
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
        assert!(!has_display(|_| false));
    }
}
