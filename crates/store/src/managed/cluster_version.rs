//! Refuses a cluster that another major version of PostgreSQL made: its files cannot be read by this one.
//!
//! The check only reads, so nothing in the folder has changed when the sentence is shown.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Compares the major version that made `cluster` with that of the PostgreSQL installed in `runtime`. Without a cluster,
/// or if one of the versions cannot be found out, there is nothing to refuse here.
pub(super) fn ensure_same_major(cluster: &Path, runtime: &Path) -> Result<(), String> {
    let Ok(made_by) = fs::read_to_string(cluster.join("PG_VERSION")) else { return Ok(()) };
    let made_by = made_by.trim();
    match program_major(runtime) {
        Some(ours) if !made_by.is_empty() && ours != made_by => Err(format!(
            "The archive in {} was made by PostgreSQL {made_by}, and this MeetMemo has PostgreSQL {ours}, which cannot read its files. Nothing was changed. Open it with the MeetMemo that made it, save it there with `meetmemo backup`, and bring it into a new data folder here with `meetmemo restore`.",
            cluster.display()
        )),
        _ => Ok(()),
    }
}

/// The major version of the installed server, such as `16`, as `postgres --version` tells it.
fn program_major(runtime: &Path) -> Option<String> {
    let mut command = Command::new(runtime.join("bin/postgres"));
    let output = command.arg("--version").env_clear().stdin(Stdio::null()).output().ok()?;
    major_of(&String::from_utf8_lossy(&output.stdout))
}

/// `16` of `postgres (PostgreSQL) 16.14`, `18` of `postgres (PostgreSQL) 18beta1`.
fn major_of(version: &str) -> Option<String> {
    let number = version.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(number.chars().take_while(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_the_server_says() {
        assert_eq!(major_of("postgres (PostgreSQL) 16.14\n").as_deref(), Some("16"));
        assert_eq!(major_of("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)").as_deref(), Some("15"));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1").as_deref(), Some("18"));
        assert_eq!(major_of("not a version"), None);
    }
}
