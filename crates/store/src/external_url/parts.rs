//! The parts of an address as a form shows them, without the password.

use super::{ExternalUrl, Tls, host_name};
use crate::Result;
use crate::error::StoreError;
use crate::managed::PORT;
use std::fmt::Write;
use std::path::PathBuf;

/// The parts of an address. Of an address with several hosts only the first is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalParts {
    /// Name or numeric address of the host, or the absolute path of a socket's folder.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Name of the role.
    pub user: String,
    /// Encryption and verification.
    pub tls: Tls,
    /// The certificate authority's file. None: those that the system trusts.
    pub root_certificate: Option<PathBuf>,
}

impl ExternalUrl {
    /// The parts of this address without the password.
    pub fn parts(&self) -> ExternalParts {
        ExternalParts {
            host: self.config.get_hosts().first().map(host_name).unwrap_or_default(),
            port: self.config.get_ports().first().copied().unwrap_or(PORT),
            database: self.config.get_dbname().unwrap_or_default().to_owned(),
            user: self.user(),
            tls: self.tls,
            root_certificate: self.root_certificate.clone(),
        }
    }
}

impl ExternalParts {
    /// The address, a `postgresql://` URL without a password.
    ///
    /// # Errors
    /// [`StoreError::Address`] if a part is missing or cannot be in an address.
    pub fn address(&self) -> Result<String> {
        for (part, name) in [(&self.host, "host"), (&self.database, "database"), (&self.user, "user")] {
            if part.trim().is_empty() {
                return Err(StoreError::Address(format!("it names no {name}")));
            }
            if part.chars().any(char::is_control) {
                return Err(StoreError::Address(format!(
                    "its {name} has a line break or a control character"
                )));
            }
        }
        if self.host.contains(',') {
            return Err(StoreError::Address("it names several hosts; name one".to_owned()));
        }
        if self.port == 0 {
            return Err(StoreError::Address("its port is 0; PostgreSQL usually has 5432".to_owned()));
        }
        let host = match self.host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => encoded(self.host.trim()),
        };
        let mut address = format!(
            "postgresql://{}@{host}:{}/{}?sslmode={}",
            encoded(&self.user),
            self.port,
            encoded(&self.database),
            self.tls.word()
        );
        if let Some(root) = &self.root_certificate {
            let path = root.to_str().ok_or_else(|| {
                StoreError::Address("the path of its certificate is not Unicode".to_owned())
            })?;
            address.push_str("&sslrootcert=");
            address.push_str(&encoded(path));
        }
        // What the parser refuses is refused here and not at the next start.
        address.parse::<ExternalUrl>()?;
        Ok(address)
    }
}

/// `text` percent-encoded, except the letters that no part of a URL gives a meaning.
fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn parts_become_an_address_with_the_same_parts() {
        let plain = ExternalParts {
            host: "db.example".to_owned(),
            port: 5432,
            database: "meetings".to_owned(),
            user: "anna".to_owned(),
            tls: Tls::Full,
            root_certificate: None,
        };
        for parts in [
            plain.clone(),
            ExternalParts { host: "::1".to_owned(), tls: Tls::Off, ..plain.clone() },
            ExternalParts { host: "/run/my sockets".to_owned(), tls: Tls::Off, ..plain.clone() },
            ExternalParts {
                user: "a@b:c/d".to_owned(),
                database: "bücher ?&=#%".to_owned(),
                port: 6000,
                tls: Tls::Chain,
                root_certificate: Some("/etc/my ca&b.pem".into()),
                ..plain.clone()
            },
        ] {
            let address = parts.address().unwrap();
            assert_eq!(address.parse::<ExternalUrl>().unwrap().parts(), parts, "{address}");
        }
        for (wrong, why) in [
            (ExternalParts { host: " ".to_owned(), ..plain.clone() }, "names no host"),
            (ExternalParts { user: String::new(), ..plain.clone() }, "names no user"),
            (ExternalParts { database: "a\nb".to_owned(), ..plain.clone() }, "line break"),
            (ExternalParts { host: "a,b".to_owned(), ..plain.clone() }, "several hosts"),
            (ExternalParts { port: 0, ..plain }, "port is 0"),
        ] {
            let refused = wrong.address().unwrap_err().to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }

    #[test]
    fn the_parts_have_no_password() {
        let url: ExternalUrl = "postgresql://anna:geheim@db.example/meetings".parse().unwrap();
        let parts = url.parts();
        assert!(!format!("{parts:?} {}", parts.address().unwrap()).contains("geheim"));
    }
}
