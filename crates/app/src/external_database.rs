//! Choosing the database: the form for a server of one's own, its connection test, and the way back to the private server.
//!
//! Nothing here returns or logs a password. Changes apply when the archive is opened again. The types that the window shows
//! are in `view`.

pub(crate) mod view;

use crate::LocalApp;
use crate::data_folder::DataFolder;
use crate::secrets::{FoundPassword, PasswordPlaces, PasswordSource};
use crate::settings::{self, DATABASE_VARIABLES, Settings};
use crate::user_error::{ErrorCode, capitalised, user_error};
use anyhow::{Context, Result};
use store::{Database, ExternalUrl, Password, TestStep};
use view::{ConnectionStep, ConnectionStepState, DatabaseAddress, DatabaseChoice};

impl LocalApp {
    /// Which database the settings choose now, with the place of the password. Never asks the user to unlock anything.
    ///
    /// # Errors
    /// If the settings or the address are invalid.
    pub async fn database_choice(&self) -> Result<DatabaseChoice> {
        let settings = self.settings_now()?;
        let fixed_by = self.fixed_by();
        let Some(address) = &settings.database_url else {
            return Ok(DatabaseChoice { address: None, password_from: None, password_note: None, fixed_by });
        };
        let url: ExternalUrl = address.parse()?;
        let located = PasswordPlaces::new(&settings, &self.data).locate(&url).await;
        let (password_from, password_note) = match located {
            Ok(found) => (found.source, password_note(&found, &self.data)),
            Err(error) => (PasswordSource::Nowhere, Some(sentence(&error))),
        };
        Ok(DatabaseChoice {
            address: Some(url.parts().into()),
            password_from: Some(password_from),
            password_note,
            fixed_by,
        })
    }

    /// Tests the connection to the archive that is in use.
    ///
    /// # Errors
    /// For an invalid address, or a folder that the private server cannot use.
    pub async fn test_archive_connection(&self) -> Result<Vec<ConnectionStep>> {
        match self.configured_database()? {
            Database::External(url) => Ok(self.test(url, None).await),
            private => Ok(store::test_connection(&private).await.into_iter().map(Into::into).collect()),
        }
    }

    /// Tests the connection to an address as `database_url` has it. A password that is not in it is looked for as usual.
    ///
    /// # Errors
    /// For an invalid address.
    pub async fn test_connection_to(&self, address: &str) -> Result<Vec<ConnectionStep>> {
        Ok(self.test(address.parse()?, None).await)
    }

    /// Tests the connection to a candidate. Without a password the one that is stored for this address is used.
    ///
    /// # Errors
    /// For an invalid address.
    pub async fn test_candidate(
        &self,
        address: &DatabaseAddress,
        password: Option<&Password>,
    ) -> Result<Vec<ConnectionStep>> {
        let url = address.to_text()?.parse()?;
        let known = self.settings_now().ok().and_then(|settings| password_in_settings(&settings, &url));
        Ok(self.test(url, password.or(known.as_ref())).await)
    }

    async fn test(&self, url: ExternalUrl, password: Option<&Password>) -> Vec<ConnectionStep> {
        if let Some(password) = password {
            return run_test(url.with_password(password)).await;
        }
        match PasswordPlaces::new(&self.settings, &self.data).find(&url).await {
            Ok(found) => {
                let known = match &found.password {
                    Some(password) => url.with_password(password),
                    None => url,
                };
                let mut steps = run_test(known).await;
                if let Some(step) = password_step(&mut steps) {
                    step.message = [Some(step.message.clone()), came_from(&found), found.note]
                        .into_iter()
                        .flatten()
                        .collect::<Vec<_>>()
                        .join(" ");
                }
                steps
            }
            // The archive would not be opened, whatever the server answers.
            Err(error) => {
                let mut steps = run_test(url).await;
                fail_password(&mut steps, &error);
                steps
            }
        }
    }

    /// Uses the server at `address` from the next start on. A password is kept in the key store of the system, or in the
    /// data folder if there is none; without one, what is stored stays.
    ///
    /// # Errors
    /// For an invalid address, if the address is given by an option or the environment, or if something cannot be stored.
    pub async fn save_external_database(
        &self,
        address: &DatabaseAddress,
        password: Option<&Password>,
    ) -> Result<DatabaseChoice> {
        self.refuse_if_fixed()?;
        let text = address.to_text()?;
        let settings = self.settings_now()?;
        let url = text.parse()?;
        // The new address contains no password, so one in the old address would be lost.
        let known = password_in_settings(&settings, &url);
        if let Some(password) = password.or(known.as_ref()) {
            PasswordPlaces::new(&settings, &self.data).keep(&url, password).await?;
        }
        self.change_settings(move |document| document["database_url"] = toml_edit::value(text)).await?;
        self.database_choice().await
    }

    /// Uses the private server from the next start on, and removes the stored password of the configured one. That server
    /// and its data stay as they are.
    ///
    /// # Errors
    /// If the address is given by an option or the environment, or if something cannot be stored.
    pub async fn use_private_database(&self) -> Result<DatabaseChoice> {
        self.refuse_if_fixed()?;
        let settings = self.settings_now()?;
        if let Some(address) = &settings.database_url
            && let Ok(url) = address.parse::<ExternalUrl>()
        {
            PasswordPlaces::new(&settings, &self.data).forget(&url).await?;
        }
        self.change_settings(|document| drop(document.remove("database_url"))).await?;
        self.database_choice().await
    }

    /// The settings as the files and the environment have them now.
    fn settings_now(&self) -> Result<Settings> {
        Settings::read(self.data.path(), |name| std::env::var(name).ok(), self.command_line())
    }

    async fn change_settings(
        &self,
        change: impl FnOnce(&mut toml_edit::DocumentMut) + Send + 'static,
    ) -> Result<()> {
        let folder = self.data.path().to_owned();
        tokio::task::spawn_blocking(move || settings::edit(&folder, change))
            .await
            .context("the settings could not be changed")?
    }

    /// What overrides `database_url` in the settings file.
    fn fixed_by(&self) -> Option<String> {
        if self.command_line().database_url.is_some() {
            return Some("--database-url".to_owned());
        }
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        DATABASE_VARIABLES.into_iter().find(is_set).map(str::to_owned)
    }

    fn refuse_if_fixed(&self) -> Result<()> {
        match self.fixed_by() {
            None => Ok(()),
            Some(by) => Err(user_error(
                ErrorCode::WrongState,
                format!(
                    "The address of the database is given by {by}, which overrides the settings. Start MeetMemo without it to choose a database here."
                ),
            )),
        }
    }
}

/// The password that the address in the settings contains, if it is that of `url`.
fn password_in_settings(settings: &Settings, url: &ExternalUrl) -> Option<Password> {
    let old: ExternalUrl = settings.database_url.as_ref()?.parse().ok()?;
    if old.pgpass_fields() == url.pgpass_fields() { old.password() } else { None }
}

async fn run_test(url: ExternalUrl) -> Vec<ConnectionStep> {
    store::test_connection(&Database::External(url)).await.into_iter().map(Into::into).collect()
}

fn password_step(steps: &mut [ConnectionStep]) -> Option<&mut ConnectionStep> {
    let tried = |step: &&mut ConnectionStep| {
        step.step == TestStep::Password.word() && step.state != ConnectionStepState::Skipped
    };
    steps.iter_mut().find(tried)
}

/// Makes the step `password` fail with `error`, and skips what follows.
fn fail_password(steps: &mut [ConnectionStep], error: &anyhow::Error) {
    let Some(at) = steps.iter().position(|step| step.step == TestStep::Password.word()) else { return };
    if steps[at].state == ConnectionStepState::Skipped {
        return;
    }
    steps[at].state = ConnectionStepState::Failed;
    steps[at].message = sentence(error);
    steps[at].action = Some("Correct the file, or the setting that names it.".to_owned());
    for step in &mut steps[at + 1..] {
        step.state = ConnectionStepState::Skipped;
        step.message = "Not tested, because the step “password” failed.".to_owned();
        step.action = None;
    }
}

/// Where a password came from, as a sentence.
fn came_from(found: &FoundPassword) -> Option<String> {
    let file = || found.file.as_deref().map(crate::file_names::shown_path).unwrap_or_default();
    match found.source {
        PasswordSource::Address | PasswordSource::Nowhere => None,
        PasswordSource::KeyStore => Some("The password came from the key store of your system.".to_owned()),
        PasswordSource::PasswordFile | PasswordSource::Pgpass | PasswordSource::DataFolder => {
            Some(format!("The password came from {}.", file()))
        }
    }
}

/// What the form says about the password.
fn password_note(found: &FoundPassword, data: &DataFolder) -> Option<String> {
    let place = match found.source {
        PasswordSource::Address => Some(
            "The password is part of the address. Save the address here to move it into the key store."
                .to_owned(),
        ),
        PasswordSource::DataFolder => Some(format!(
            "This system has no key store, so the password is in the file {}, which only you can read.",
            crate::file_names::shown_path(&data.path().join("database-password"))
        )),
        PasswordSource::PasswordFile | PasswordSource::Pgpass => came_from(found),
        PasswordSource::KeyStore | PasswordSource::Nowhere => None,
    };
    let parts: Vec<String> = [place, found.note.clone()].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

fn sentence(error: &anyhow::Error) -> String {
    let text = capitalised(&format!("{error:#}"));
    if text.ends_with('.') { text } else { format!("{text}.") }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::{SettingsLayer, StartOptions};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use view::TlsMode;

    async fn app(data: &Path, command_line: Option<&str>) -> LocalApp {
        let settings =
            SettingsLayer { database_url: command_line.map(Into::into), ..SettingsLayer::default() };
        LocalApp::prepare(StartOptions {
            data_dir: Some(data.to_owned()),
            settings,
            program: Some("/nonexistent".into()),
            ..StartOptions::default()
        })
        .await
        .unwrap()
    }

    fn form() -> DatabaseAddress {
        DatabaseAddress {
            host: "db.example".to_owned(),
            port: 6000,
            database: "meetings".to_owned(),
            user: "anna".to_owned(),
            tls: TlsMode::VerifyFull,
            root_certificate: Some("/etc/ca.pem".to_owned()),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_choice_is_saved_without_its_password_and_taken_back() {
        let data = tempfile::tempdir().unwrap();
        let (settings, kept) = (data.path().join("settings.toml"), data.path().join("database-password"));
        let app = app(data.path(), None).await;
        assert_eq!(app.database_choice().await.unwrap().address, None);

        let choice = app.save_external_database(&form(), Some(&"geheim".into())).await.unwrap();
        assert_eq!((choice.address, choice.password_from), (Some(form()), Some(PasswordSource::DataFolder)));
        assert!(choice.password_note.unwrap().contains("has no key store"));
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::read_to_string(&kept).unwrap().contains("geheim"));
        let text = fs::read_to_string(&settings).unwrap();
        assert!(text.contains("# MeetMemo's settings.") && !text.contains("geheim"), "{text}");

        // A change of another part keeps the password.
        let without_check = DatabaseAddress { tls: TlsMode::Require, ..form() };
        let choice = app.save_external_database(&without_check, None).await.unwrap();
        assert_eq!(choice.password_from, Some(PasswordSource::DataFolder));

        let choice = app.use_private_database().await.unwrap();
        assert_eq!((choice.address, choice.password_from), (None, None));
        assert!(!kept.exists() && !fs::read_to_string(&settings).unwrap().contains("\ndatabase_url"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_password_in_the_settings_moves_to_where_passwords_are_kept() {
        let data = tempfile::tempdir().unwrap();
        let app = app(data.path(), None).await;
        let settings = data.path().join("settings.toml");
        fs::write(&settings, "database_url = 'postgresql://anna:geheim@db.example:6000/meetings'\n").unwrap();
        let choice = app.database_choice().await.unwrap();
        assert_eq!(choice.password_from, Some(PasswordSource::Address));
        assert!(!format!("{choice:?}").contains("geheim"));

        let choice = app.save_external_database(&choice.address.unwrap(), None).await.unwrap();
        assert_eq!(choice.password_from, Some(PasswordSource::DataFolder));
        assert!(!fs::read_to_string(&settings).unwrap().contains("geheim"));

        // The password of one server is not given to another.
        let elsewhere = DatabaseAddress { host: "elsewhere.example".to_owned(), ..form() };
        let choice = app.save_external_database(&elsewhere, None).await.unwrap();
        assert_eq!(choice.password_from, Some(PasswordSource::Nowhere));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_address_from_the_command_line_cannot_be_changed() {
        let data = tempfile::tempdir().unwrap();
        let app = app(data.path(), Some("postgresql://anna:geheim@db.example/meetings")).await;
        assert_eq!(app.database_choice().await.unwrap().fixed_by.as_deref(), Some("--database-url"));
        let refused = app.save_external_database(&form(), None).await.unwrap_err().to_string();
        assert!(refused.contains("--database-url, which overrides the settings"), "{refused}");
        assert!(app.use_private_database().await.is_err());
        let shown = format!("{app:?}");
        assert!(!shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn an_unreadable_password_file_fails_the_password_step_and_skips_the_rest() {
        let step = |step: TestStep, state| ConnectionStep {
            step: step.word().to_owned(),
            state,
            message: String::new(),
            action: None,
        };
        let mut steps: Vec<_> =
            TestStep::ALL.into_iter().map(|name| step(name, ConnectionStepState::Ok)).collect();
        fail_password(&mut steps, &anyhow::anyhow!("the file is open to others"));
        let states: Vec<_> = steps.iter().map(|step| step.state).collect();
        assert_eq!(states[..4], [ConnectionStepState::Ok; 4]);
        assert_eq!(states[4], ConnectionStepState::Failed);
        assert_eq!(states[5..], [ConnectionStepState::Skipped; 6]);
        assert_eq!(steps[4].message, "The file is open to others.");
    }
}
