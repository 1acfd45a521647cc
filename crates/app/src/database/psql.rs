//! Opens `psql` on the archive in a terminal of the desktop.
//!
//! The terminal runs `meetmemo database run -- psql`, so no address and no password is in its arguments or on the screen.

use super::view::PsqlView;
use crate::LocalApp;
use anyhow::Result;
use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Terminals, each with what comes before the command and its arguments.
const TERMINALS: [(&str, &[&str]); 7] = [
    ("x-terminal-emulator", &["-e"]),
    ("gnome-terminal", &["--"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["-x"]),
    ("kitty", &[]),
    ("alacritty", &["-e"]),
    ("xterm", &["-e"]),
];
/// Keeps the terminal open after a failure, so that its reason can be read.
const RUN: &str = r#""$@" || { echo; echo "Press Enter to close."; read -r _; }"#;
/// Stack size in bytes of a thread that waits for a process.
const WAIT_THREAD_STACK: usize = 64 << 10;

impl LocalApp {
    /// Opens `psql` on the archive in a terminal, or says what is missing for that. Blocks briefly.
    ///
    /// # Errors
    /// If the terminal is there and cannot be started.
    pub fn open_psql(&self) -> Result<PsqlView> {
        let beside = self.program.with_file_name("meetmemo");
        let program = if is_program(&beside) { Some(beside) } else { on_path("meetmemo") };
        let shown = program.as_deref().unwrap_or(Path::new("meetmemo"));
        let data = self.data.path();
        let words: [&OsStr; 7] = [
            shown.as_os_str(),
            "--data-dir".as_ref(),
            data.as_os_str(),
            "database".as_ref(),
            "run".as_ref(),
            "--".as_ref(),
            "psql".as_ref(),
        ];
        let command = words.map(|word| quoted(&word.to_string_lossy())).join(" ");
        let view = |opened, message: &str| PsqlView { opened, message: message.to_owned(), command };
        if program.is_none() {
            return Ok(view(false, "The program meetmemo is not installed beside this window."));
        }
        if on_path("psql").is_none() {
            return Ok(view(
                false,
                "The program psql is not installed. On Debian and Ubuntu it is in the package postgresql-client; then this command opens it in a terminal.",
            ));
        }
        let found = TERMINALS.iter().find_map(|(name, before)| Some((on_path(name)?, before)));
        let Some((terminal, before)) = found else {
            return Ok(view(false, "No terminal was found. Enter this command in a terminal of yours."));
        };
        let mut start = Command::new(&terminal);
        start.args(*before).args(["sh", "-c", RUN, "meetmemo"]).args(words);
        if let Some(address) = self.command_line().database_url {
            // Not as an argument, which others could read.
            start.env("MEETMEMO_DATABASE_URL", &*address);
        }
        start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut child = start
            .spawn()
            .map_err(|error| anyhow::anyhow!("{} could not be started: {error}", terminal.display()))?;
        std::thread::Builder::new().stack_size(WAIT_THREAD_STACK).spawn(move || child.wait())?;
        Ok(view(true, "A terminal with psql is open. What you change there is changed at once."))
    }
}

/// A program in a folder of `PATH`. Relative folders do not count, because the working folder would decide.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("/usr/bin/meetmemo"), "/usr/bin/meetmemo");
        assert_eq!(quoted("/home/anna/my data"), "'/home/anna/my data'");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }
}
