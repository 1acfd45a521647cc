//! The settings, and the only place that reads them.
//!
//! Later sources override earlier ones: defaults, `settings.toml` in the data folder (`file`), environment
//! (`environment`), command line.

mod environment;
mod file;
mod preferences;
mod read;
mod values;

pub(crate) use environment::DATABASE_VARIABLES;
pub use export::Paper;
pub use file::replace_file;
pub(crate) use file::{edit, write_transcription_defaults};
pub use preferences::Preferences;
pub use values::{Settings, SettingsLayer, Theme};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::fs;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn a_new_folder_gets_the_defaults_and_a_file_that_states_them() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap(),
            Settings::default()
        );
        let written = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        // Every setting in the file is valid once its # is removed.
        let enabled: String = written
            .lines()
            .filter(|l| l.contains(" = "))
            .map(|l| l.trim_start_matches("# ").to_owned() + "\n")
            .collect();
        let layer: SettingsLayer = toml::from_str(&enabled).unwrap();
        let all = Settings::default().with(layer);
        assert_eq!(all.paper, Paper::A4);
        assert_eq!((all.db_pool_min_size, all.db_pool_max_size), (5, 20));
    }

    #[test]
    fn the_command_line_overrides_the_environment_which_overrides_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(
            dir.path().join("settings.toml"),
            "database_url = 'file'\npaper = 'letter'\nlanguage = 'en'",
        )
        .unwrap();
        let environment = |name: &str| match name {
            "DATABASE_URL" => Some("plain".to_owned()),
            "MEETMEMO_LANGUAGE" => Some("de".to_owned()),
            _ => None,
        };
        let read = |layer| Settings::read(dir.path(), environment, layer).unwrap();
        let settings = read(SettingsLayer::default());
        assert_eq!(settings.database_url.as_deref(), Some("plain"));
        assert_eq!((settings.language.as_deref(), settings.paper), (Some("de"), Paper::Letter));
        let settings = read(SettingsLayer { database_url: Some("line".into()), ..SettingsLayer::default() });
        assert_eq!(settings.database_url.as_deref(), Some("line"));
    }

    #[test]
    fn meetmemo_database_url_overrides_database_url() {
        let both = |name: &str| name.ends_with("DATABASE_URL").then(|| name.to_owned());
        let layer = SettingsLayer::from_environment(both).unwrap();
        assert_eq!(layer.database_url.as_deref(), Some("MEETMEMO_DATABASE_URL"));
    }

    #[test]
    fn writing_preferences_keeps_the_rest_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("settings.toml"), "# mine\npaper = 'letter' # US\n").unwrap();
        let dark = Preferences { theme: Theme::Dark, notify: false };
        dark.write(dir.path()).unwrap();
        let text = fs::read_to_string(dir.path().join("settings.toml")).unwrap();
        assert!(text.starts_with("# mine\npaper = 'letter' # US\n"), "{text}");
        let settings = Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap();
        assert_eq!((settings.paper, settings.theme, settings.notify), (Paper::Letter, Theme::Dark, false));
        let mut left: Vec<_> =
            fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["settings.lock", "settings.toml"], "no draft is left");
    }

    #[test]
    fn an_invalid_setting_is_refused_and_named_without_its_value() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("settings.toml"), "db_pool_max_siz = 3").unwrap();
        let error =
            format!("{:#}", Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap_err());
        assert!(error.contains("settings.toml is not valid") && error.contains("db_pool_max_siz"), "{error}");
        for line in [
            "database_url = postgresql://anna:secret@host/db",
            "database_url = 'postgresql://anna:secret@host",
        ] {
            fs::write(dir.path().join("settings.toml"), format!("paper = 'a4'\n{line}\n")).unwrap();
            let read = Settings::read(dir.path(), nothing, SettingsLayer::default()).unwrap_err();
            let changed = Preferences { theme: Theme::Dark, notify: false }.write(dir.path()).unwrap_err();
            for error in [format!("{read:#}"), format!("{changed:#}")] {
                assert!(error.contains("line 2: ") && !error.contains("secret"), "{error}");
            }
        }
        let error = SettingsLayer::from_environment(|n| (n == "MEETMEMO_DECODERS").then(|| "two".to_owned()))
            .unwrap_err();
        assert_eq!(error.to_string(), "MEETMEMO_DECODERS must be a whole number, not “two”");
    }
}
