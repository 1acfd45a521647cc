//! `cargo xtask run` without files: the window, on the user's own archive.

use crate::app::{self, Profile};
use crate::checkout::Checkout;
use crate::command;
use anyhow::{Context, Result, bail};
use std::env;
use std::process::{Command, ExitCode};

/// Says so early where a window cannot be shown.
pub(crate) fn needs_a_display() -> Result<()> {
    if !cfg!(target_os = "linux")
        || has_display(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
    {
        return Ok(());
    }
    bail!(
        "there is no display to show the window on (neither WAYLAND_DISPLAY nor DISPLAY is set); `cargo xtask run FILE…` transcribes recordings without one"
    )
}

fn has_display(is_set: impl Fn(&str) -> bool) -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].iter().any(|name| is_set(name))
}

/// Builds the window, shows it, and waits until it is closed.
pub(crate) fn show(checkout: &Checkout) -> Result<ExitCode> {
    let program = app::build(checkout, "meetmemo-desktop", Profile::Dev)?;
    let mut window = Command::new(&program);
    window.env("MEETMEMO_RESOURCES", &checkout.resources);
    let status = window.status().with_context(|| format!("could not start `{}`", command::shown(&window)))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_kind_of_display_will_do() {
        assert!(has_display(|name| name == "DISPLAY"));
        assert!(has_display(|name| name == "WAYLAND_DISPLAY"));
        assert!(!has_display(|_| false));
    }
}
