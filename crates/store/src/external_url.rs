//! The address of a configured server: parsing, display without the password, and environment variables. The parts that
//! a form shows are in `parts`, passwords and `.pgpass` in `password`.

mod parts;
mod password;

pub use parts::ExternalParts;
pub use password::Password;

use crate::error::StoreError;
use crate::managed::PORT;
use crate::timeouts::CONNECT_TIMEOUT;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode};

/// Encryption and verification of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not encrypted: for sockets and this computer.
    Off,
    /// Encrypted if the server supports it, not verified.
    IfOffered,
    /// Encrypted, not verified.
    Unverified,
    /// Encrypted, certificate verified, any host name.
    Chain,
    /// Encrypted, certificate and host name verified.
    Full,
}

impl Tls {
    /// libpq's word for it, the value of `sslmode`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "disable",
            Self::IfOffered => "prefer",
            Self::Unverified => "require",
            Self::Chain => "verify-ca",
            Self::Full => "verify-full",
        }
    }
}

/// A connection without traffic for this time is probed. If no answer comes for the same time again, it counts as dead.
const LINK_IDLE: Duration = Duration::from_secs(15);

/// The address of a configured PostgreSQL server: a `postgresql://` URL or `key=value` pairs, with libpq's `sslmode`
/// (`disable`, `prefer`, `require`, `verify-ca`, `verify-full`) and `sslrootcert`. Without `sslmode`, the connection to
/// a server on this computer is not encrypted, and any other server must have a valid certificate (`verify-full`).
#[derive(Debug, Clone)]
pub struct ExternalUrl {
    pub(crate) config: Box<tokio_postgres::Config>,
    pub(crate) tls: Tls,
    pub(crate) root_certificate: Option<PathBuf>,
}

impl FromStr for ExternalUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        // The parser takes the text after the first @ for the host. With a second @, part of the password would be
        // shown.
        if text.contains("://") && text.matches('@').count() > 1 {
            return Err(StoreError::Address(
                "it has more than one @; one in a user name or a password is written %40".to_owned(),
            ));
        }
        let (plain, mode, root) = take_tls_options(text);
        let mut config: tokio_postgres::Config =
            plain.parse().map_err(|error| StoreError::Address(parse_error(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(StoreError::Address("it names no host".to_owned()));
        }
        if config.get_dbname().is_none() {
            return Err(StoreError::Address("it names no database".to_owned()));
        }
        let is_local = config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            #[cfg(unix)]
            Host::Unix(_) => true,
        }) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
        let tls = match mode.as_deref() {
            None if is_local => Tls::Off,
            None | Some("verify-full") => Tls::Full,
            Some("disable") => Tls::Off,
            Some("allow" | "prefer") => Tls::IfOffered,
            Some("require") => Tls::Unverified,
            Some("verify-ca") => Tls::Chain,
            Some(_) => {
                return Err(StoreError::Address(
                    "its sslmode is none of disable, prefer, require, verify-ca and verify-full".to_owned(),
                ));
            }
        };
        config.ssl_mode(match tls {
            Tls::Off => SslMode::Disable,
            Tls::IfOffered => SslMode::Prefer,
            _ => SslMode::Require,
        });
        // Several hosts are tried one after the other within the timeout.
        let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        config.connect_timeout(CONNECT_TIMEOUT / hosts).application_name("meetmemo");
        // Detects dead network links. A listening connection may be idle for hours, and the system's default keepalive
        // would notice only after two hours. A stopped server is noticed by the limits in `timeouts`.
        config
            .keepalives_idle(LINK_IDLE)
            .keepalives_interval(LINK_IDLE / 3)
            .keepalives_retries(3)
            .tcp_user_timeout(LINK_IDLE);
        Ok(Self { config: Box::new(config), tls, root_certificate: root.map(PathBuf::from) })
    }
}

impl ExternalUrl {
    /// Host, port and database name for messages; never the password.
    pub fn display_name(&self) -> String {
        let host = self.config.get_hosts().first().map(host_name).unwrap_or_default();
        let port = self.config.get_ports().first().copied().unwrap_or(PORT);
        format!("“{}” on {host}:{port}", self.config.get_dbname().unwrap_or_default())
    }

    /// The role; without one in the address the name of the user's account, as in libpq.
    pub(crate) fn user(&self) -> String {
        let account = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
        self.config.get_user().map_or_else(account, str::to_owned)
    }

    /// Names and values of the environment variables with which `psql` and the like connect to the same database.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("PGHOST", self.config.get_hosts().first().map(host_name).unwrap_or_default()),
            ("PGPORT", self.config.get_ports().first().copied().unwrap_or(PORT).to_string()),
            ("PGDATABASE", self.config.get_dbname().unwrap_or_default().to_owned()),
            ("PGSSLMODE", self.tls.word().to_owned()),
        ];
        if let Some(user) = self.config.get_user() {
            variables.push(("PGUSER", user.to_owned()));
        }
        if let Some(password) = self.config.get_password() {
            variables.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
        }
        if let Some(root) = &self.root_certificate {
            variables.push(("PGSSLROOTCERT", root.display().to_string()));
        }
        variables
    }
}

/// The name of a host, or the path of a socket's folder.
pub(crate) fn host_name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// Says what is wrong with an address without quoting it: in a malformed address any part may belong to the password.
fn parse_error(error: &tokio_postgres::Error) -> String {
    let message = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    // Only the names of known options are safe to show; other messages of the library quote the address.
    match message.strip_prefix("invalid value for option `").and_then(|rest| rest.strip_suffix('`')) {
        Some(option) => format!("its {option} is not valid"),
        None if message.starts_with("unknown option") => "it has an option that is not known".to_owned(),
        None => "it cannot be read; in a user name or a password, letters such as @ : / ? % are written %40 %3A %2F %3F %25"
            .to_owned(),
    }
}

/// Removes `sslmode` and `sslrootcert` from an address and returns their values: the client library supports neither
/// all modes nor the certificate file.
fn take_tls_options(text: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut root) = (None, None);
    let mut is_other = |key: &str, value: String| match key {
        "sslmode" => {
            mode = Some(value);
            false
        }
        "sslrootcert" => {
            root = Some(value);
            false
        }
        _ => true,
    };
    let plain = if text.contains("://") {
        // A password may contain a question mark.
        let (account, location) = text.split_at(text.find('@').unwrap_or(0));
        let (location, query) = location.split_once('?').unwrap_or((location, ""));
        let address = format!("{account}{location}");
        let rest: Vec<&str> = query
            .split('&')
            .filter(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                !pair.is_empty() && is_other(key, percent_decoded(value))
            })
            .collect();
        if rest.is_empty() { address } else { format!("{address}?{}", rest.join("&")) }
    } else {
        text.split_whitespace()
            .filter(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                is_other(key, value.trim_matches('\'').to_owned())
            })
            .collect::<Vec<_>>()
            .join(" ")
    };
    (plain, mode, root)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|h| std::str::from_utf8(h).ok())
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_remote_server_needs_a_valid_certificate_unless_the_address_says_otherwise() {
        for (address, tls) in [
            ("postgresql://u:p@localhost/db", Tls::Off),
            ("postgresql://u:p@127.0.0.1:5433/db", Tls::Off),
            ("host=/run/postgresql dbname=db", Tls::Off),
            ("postgresql://u:p@db.example/db", Tls::Full),
            ("host=localhost hostaddr=192.0.2.1 dbname=db", Tls::Full),
            ("postgresql://u:p@db.example/db?sslmode=require", Tls::Unverified),
            ("postgresql://u:p@db.example/db?sslmode=disable&connect_timeout=3", Tls::Off),
            ("host=db.example dbname=db sslmode=verify-ca", Tls::Chain),
        ] {
            assert_eq!(address.parse::<ExternalUrl>().unwrap().tls, tls, "{address}");
        }
    }

    #[test]
    fn the_certificate_file_may_have_any_name() {
        let url: ExternalUrl = "postgresql://h.example/db?sslrootcert=%2Fetc%2Fmy%20ca.pem".parse().unwrap();
        assert_eq!(url.root_certificate, Some(PathBuf::from("/etc/my ca.pem")));
    }

    #[test]
    fn an_invalid_address_is_refused() {
        for bad in [
            "nonsense",
            "postgresql://h.example",
            "postgresql://h/db?sslmode=maybe",
            "host=h port=x dbname=d",
            "",
        ] {
            assert!(matches!(bad.parse::<ExternalUrl>(), Err(StoreError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn no_part_of_a_password_is_in_an_error_or_a_name() {
        for address in [
            "postgresql://anna:se@cret@db.example/meetings",
            "postgresql://anna:x/cret@y@db.example/meetings",
            "postgresql://anna:secret",
            "postgresql://anna:secret/meetings",
            "postgresql:/anna:secret@db.example/meetings",
            "POSTGRESQL://anna:secret@db.example/meetings",
            "mysql://anna:secret@db.example/meetings",
            "postgresql://anna:%ffsecret@db.example/meetings?secret",
            "postgresql://anna:%zzsecret@db.example:secret/meetings",
            "postgresql://anna:x@db.example/meetings?secret=1",
            "postgresql://anna:x@db.example/meetings?sslmode=secret",
            "host=db.example dbname=meetings password=a secret",
            "host=db.example dbname=meetings password=a secret=x",
            "host=db.example dbname=meetings password='a secret",
            "host=db.example dbname=meetings port=secret",
            "secret",
        ] {
            let refused = address.parse::<ExternalUrl>().expect_err(address).to_string();
            let (why, _) = refused.split_once(" It looks like").unwrap();
            assert!(!why.contains("cret") && !why.contains("anna"), "{address}: {refused}");
        }
        for password in ["se?cret", "se?sslmode=x&&cret", "se/cret", "se:cret", "se%40cret"] {
            let address = format!("postgresql://anna:{password}@db.example/meetings?sslmode=require");
            let url: ExternalUrl = address.parse().unwrap();
            assert_eq!(url.config.get_password(), Some(percent_decoded(password).as_bytes()), "{address}");
            assert_eq!(
                (url.tls, url.display_name()),
                (Tls::Unverified, "“meetings” on db.example:5432".to_owned())
            );
        }
    }

    #[test]
    fn the_name_shown_has_no_password() {
        let url: ExternalUrl = "postgresql://anna:secret@db.example:6000/meetings".parse().unwrap();
        assert_eq!(url.display_name(), "“meetings” on db.example:6000");
    }
}
