//! What the form for the database shows and sends, and the steps of the connection test.

use crate::secrets::PasswordSource;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use store::{ExternalParts, TestOutcome, TestResult, Tls};

/// Encryption of the connection; the words are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// Not encrypted.
    Disable,
    /// Encrypted if the server offers it, not verified.
    Prefer,
    /// Encrypted, not verified.
    Require,
    /// Encrypted, certificate verified, any host name.
    VerifyCa,
    /// Encrypted, certificate and host name verified.
    VerifyFull,
}

impl From<Tls> for TlsMode {
    fn from(tls: Tls) -> Self {
        match tls {
            Tls::Off => Self::Disable,
            Tls::IfOffered => Self::Prefer,
            Tls::Unverified => Self::Require,
            Tls::Chain => Self::VerifyCa,
            Tls::Full => Self::VerifyFull,
        }
    }
}

impl From<TlsMode> for Tls {
    fn from(mode: TlsMode) -> Self {
        match mode {
            TlsMode::Disable => Self::Off,
            TlsMode::Prefer => Self::IfOffered,
            TlsMode::Require => Self::Unverified,
            TlsMode::VerifyCa => Self::Chain,
            TlsMode::VerifyFull => Self::Full,
        }
    }
}

/// The address of a database without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DatabaseAddress {
    /// Name or numeric address of the host, or the absolute path of a socket's folder.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Name of the database.
    pub database: String,
    /// Name of the role.
    pub user: String,
    /// Encryption.
    pub tls: TlsMode,
    /// Path of the certificate authority's file. None: the authorities that the system trusts.
    pub root_certificate: Option<String>,
}

impl From<ExternalParts> for DatabaseAddress {
    fn from(parts: ExternalParts) -> Self {
        Self {
            host: parts.host,
            port: parts.port,
            database: parts.database,
            user: parts.user,
            tls: parts.tls.into(),
            root_certificate: parts.root_certificate.map(|path| path.to_string_lossy().into_owned()),
        }
    }
}

impl DatabaseAddress {
    /// As text for `database_url`.
    pub(super) fn to_text(&self) -> Result<String> {
        let named = self.root_certificate.as_deref().map(str::trim).filter(|path| !path.is_empty());
        let parts = ExternalParts {
            host: self.host.trim().to_owned(),
            port: self.port,
            database: self.database.clone(),
            user: self.user.clone(),
            tls: self.tls.into(),
            root_certificate: named.map(PathBuf::from),
        };
        Ok(parts.address()?)
    }
}

/// Which database is used, for the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DatabaseChoice {
    /// The address of the configured server; null: the private server.
    pub address: Option<DatabaseAddress>,
    /// Where the password of the configured server comes from; null for the private server.
    pub password_from: Option<PasswordSource>,
    /// What the user should know about the password, in sentences: that it is in a file because the system has no key
    /// store, or that a file was ignored.
    pub password_note: Option<String>,
    /// What gives the address and overrides the settings file: `--database-url` or an environment variable. The choice
    /// cannot be changed then.
    pub fixed_by: Option<String>,
}

/// The state of one step of the connection test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "lowercase")]
pub enum ConnectionStepState {
    /// In order.
    Ok,
    /// The archive cannot be used like this.
    Failed,
    /// Not tested: it does not apply, or an earlier step failed.
    Skipped,
}

/// One step of the connection test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ConnectionStep {
    /// `name`, `port`, `tls`, `certificate`, `password`, `rights`, `version`, `encoding`, `extensions`, `pooler` or
    /// `content`.
    pub step: String,
    /// How it ended.
    pub state: ConnectionStepState,
    /// What was found, in sentences.
    pub message: String,
    /// What the user can do, if anything.
    pub action: Option<String>,
}

impl From<TestResult> for ConnectionStep {
    fn from(result: TestResult) -> Self {
        Self {
            step: result.step.word().to_owned(),
            state: match result.outcome {
                TestOutcome::Ok => ConnectionStepState::Ok,
                TestOutcome::Failed => ConnectionStepState::Failed,
                TestOutcome::Skipped => ConnectionStepState::Skipped,
            },
            message: result.message,
            action: result.action,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use store::ExternalUrl;

    #[test]
    fn a_form_becomes_an_address_without_a_password() {
        let form = DatabaseAddress {
            host: " db.example ".to_owned(),
            port: 5432,
            database: "meetings".to_owned(),
            user: "anna".to_owned(),
            tls: TlsMode::VerifyFull,
            root_certificate: Some(" ".to_owned()),
        };
        let text = form.to_text().unwrap();
        assert_eq!(text, "postgresql://anna@db.example:5432/meetings?sslmode=verify-full");
        let shown = DatabaseAddress::from(text.parse::<ExternalUrl>().unwrap().parts());
        let expected =
            DatabaseAddress { host: "db.example".to_owned(), root_certificate: None, ..form.clone() };
        assert_eq!(shown, expected);
        assert!(DatabaseAddress { user: String::new(), ..form }.to_text().is_err());
    }
}
