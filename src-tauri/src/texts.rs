//! Texts that the shell shows outside the page, in dialogs and notifications. All other texts are in `ui/src/messages`.

pub(crate) const FINISHED: &str = "The transcript is ready.";
pub(crate) const FAILED: &str = "It could not be transcribed. Open MeetMemo to see why.";
pub(crate) const CHOOSE_FILES: &str = "Add recordings";
pub(crate) const CHOOSE_FOLDER: &str = "Add a folder of recordings";
pub(crate) const RECORDINGS: &str = "Recordings";
pub(crate) const ALL_FILES: &str = "All files";
pub(crate) const SAVE_AS: &str = "Save the transcript";
pub(crate) const CHOOSE_MODEL: &str = "Add a speech model";
pub(crate) const CHOOSE_EXPORT_FOLDER: &str = "Choose a folder for the exports";
pub(crate) const CHOOSE_EXPORT: &str = "Check an exported file";
pub(crate) const CHOOSE_LOGO: &str = "Choose a logo";
pub(crate) const PICTURES: &str = "Pictures";
pub(crate) const CHOOSE_BACKUP_PLACE: &str = "Choose a folder for backups";
pub(crate) const CHOOSE_BACKUP: &str = "Choose a backup";
pub(crate) const BACKUPS: &str = "Backups";
pub(crate) const CHOOSE_PASSPHRASE: &str = "Choose the file with the passphrase";
pub(crate) const CHOOSE_CERTIFICATE: &str = "Choose the certificate of the server";
pub(crate) const MODELS: &str = "Speech models";
