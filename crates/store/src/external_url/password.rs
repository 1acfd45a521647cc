//! Passwords of configured servers, and libpq's format of files that hold them (`.pgpass`).
//!
//! Which file is read and who may read it is decided in the crate `app`.

use super::{ExternalUrl, host_name};
use crate::managed::PORT;
use std::fmt;
use tokio_postgres::config::Host;

/// A password. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The password itself. Never log or print it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Password {
    fn from(password: String) -> Self {
        Self(password)
    }
}

impl From<&str> for Password {
    fn from(password: &str) -> Self {
        Self(password.to_owned())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl ExternalUrl {
    /// Whether the address itself contains a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The password that the address itself contains.
    pub fn password(&self) -> Option<Password> {
        self.config.get_password().map(|password| Password(String::from_utf8_lossy(password).into_owned()))
    }

    /// The same address with this password.
    #[must_use]
    pub fn with_password(mut self, password: &Password) -> Self {
        self.config.password(password.reveal());
        self
    }

    /// The password for this address in the text of a `.pgpass` file: lines of
    /// `host:port:database:user:password`, in which `*` stands for anything and a backslash stands before a colon or
    /// backslash. The first line that fits counts. The host of a socket is its folder or `localhost`.
    pub fn password_in(&self, pgpass: &str) -> Option<Password> {
        let [host, port, database, user] = self.pgpass_fields();
        let is_socket = matches!(self.config.get_hosts().first(), Some(Host::Unix(_)));
        pgpass.lines().find_map(|line| {
            let line = line.trim_end_matches('\r');
            if line.starts_with('#') {
                return None;
            }
            let fields = split_line(line);
            let [known_host, known_port, known_database, known_user, password] = fields.as_slice() else {
                return None;
            };
            let fits = |known: &str, ours: &str| known == "*" || unescaped(known) == ours;
            let host_fits = fits(known_host, &host) || is_socket && unescaped(known_host) == "localhost";
            let all_fit = host_fits
                && fits(known_port, &port)
                && fits(known_database, &database)
                && fits(known_user, &user);
            all_fit.then(|| Password(unescaped(password)))
        })
    }

    /// The line of a `.pgpass` file that holds `password` for this address.
    pub fn pgpass_line(&self, password: &Password) -> String {
        let [host, port, database, user] = self.pgpass_fields();
        [host.as_str(), &port, &database, &user, password.reveal()].map(escaped).join(":")
    }

    /// Host, port, database and user: what a password belongs to.
    pub fn pgpass_fields(&self) -> [String; 4] {
        [
            self.config.get_hosts().first().map(host_name).unwrap_or_default(),
            self.config.get_ports().first().copied().unwrap_or(PORT).to_string(),
            self.config.get_dbname().unwrap_or_default().to_owned(),
            self.user(),
        ]
    }
}

/// The first five fields of a line, with their escapes. What follows a fifth colon is left out, as in libpq.
fn split_line(line: &str) -> Vec<&str> {
    let mut fields = Vec::with_capacity(5);
    let (mut start, mut is_escaped) = (0, false);
    for (at, letter) in line.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ':' => {
                fields.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    fields.push(&line[start..]);
    fields.truncate(5);
    fields
}

fn unescaped(field: &str) -> String {
    let mut plain = String::with_capacity(field.len());
    let mut letters = field.chars();
    while let Some(letter) = letters.next() {
        // A backslash at the end stands for itself.
        plain.push(if letter == '\\' { letters.next().unwrap_or('\\') } else { letter });
    }
    plain
}

fn escaped(field: &str) -> String {
    field.replace('\\', "\\\\").replace(':', "\\:")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn url(address: &str) -> ExternalUrl {
        address.parse().unwrap()
    }

    #[test]
    fn the_first_line_that_fits_gives_the_password() {
        let remote = url("postgresql://anna@db.example:6000/meetings?sslmode=require");
        for (file, password) in [
            ("db.example:6000:meetings:anna:right", Some("right")),
            ("# db.example:6000:meetings:anna:comment\n*:*:*:anna:any\n", Some("any")),
            ("other:*:*:*:no\ndb.example:*:meetings:*:second\n*:*:*:*:third", Some("second")),
            ("db.example:6000:meetings:anna:with\\:colon and \\\\", Some("with:colon and \\")),
            ("db.example:6000:meetings:anna:cut:here", Some("cut")),
            ("db.example:6000:meetings:anna:\r\n", Some("")),
            ("db.example:5432:meetings:anna:other port", None),
            ("db.example:6000:meetings:ann:other user", None),
            ("localhost:6000:meetings:anna:other host", None),
            ("db.example:6000:meetings:anna", None),
            ("", None),
        ] {
            assert_eq!(remote.password_in(file), password.map(Password::from), "{file}");
        }
        let socket = url("host=/run/postgresql user=anna dbname=meetings");
        for file in ["localhost:*:*:*:right", "/run/postgresql:5432:meetings:anna:right"] {
            assert_eq!(socket.password_in(file), Some(Password::from("right")), "{file}");
        }
        let odd = url("postgresql://an%3Ana@[::1]:5432/m%5Cx");
        assert_eq!(odd.password_in("\\:\\:1:5432:m\\\\x:an\\:na:right"), Some(Password::from("right")));
    }

    #[test]
    fn a_written_line_is_read_back() {
        for address in ["postgresql://an%3Ana@[::1]:6000/m%5Cx", "host=/tmp/a:b user=anna dbname=m"] {
            let url = url(address);
            for password in ["se:cret", "\\", "a\\:b\\", "*", "ü #"] {
                let password = Password::from(password);
                assert_eq!(url.password_in(&url.pgpass_line(&password)), Some(password), "{address}");
            }
        }
    }

    #[test]
    fn debug_output_of_an_address_and_a_password_does_not_show_it() {
        let secret = url("postgresql://anna:geheim@db.example/meetings");
        let given = url("postgresql://anna@db.example/meetings").with_password(&Password::from("geheim"));
        assert!(secret.has_password() && given.has_password());
        for shown in [format!("{secret:?}"), format!("{given:#?}"), format!("{:?}", Password::from("geheim"))]
        {
            assert!(!shown.contains("geheim"), "{shown}");
        }
    }
}
