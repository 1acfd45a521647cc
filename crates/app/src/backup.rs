//! Backups: the rows of the archive and its audio, at one moment, in a folder or in one file.
//!
//! ```text
//! README.txt                                   explains the backup to a person who finds it
//! snapshots/<moment>-<sha256>.jsonl            one backup: its meetings and the objects they need (`manifest`)
//! rows/<2 digits>/<sha256>                     the rows of one meeting, as psql reads them (`store`'s `backup`)
//! audio/<2 digits>/<sha256>                    one original
//! ```
//!
//! Every name contains the SHA-256 of the content, so any change is noticed, and what is unchanged is stored once for all
//! snapshots. A *folder* (`folder`) holds many snapshots. A *file* (`tar_file`) is a POSIX tar archive of the same layout
//! with one snapshot; its last entry holds the SHA-256 of everything before it.
//!
//! A backup with a passphrase (`passphrase`) also has `key.json` and a copy of it in `snapshots/` (`key_file`). All other
//! files but the text for the finder are then encrypted (`sealing`), and names hold the SHA-256 of the content before.
//!
//! - [`create`]: reads the rows in one transaction, copies what is not there yet, writes the manifest last.
//! - [`verify`]: reads objects again and compares them with their names.
//! - [`restore`]: brings meetings back that the archive lacks, in one transaction after their audio is in place.
//! - [`prune`], [`schedule`]: which snapshots of the scheduled backup are kept, and when the next one is due.
//!
//! Not in a backup: speech models, exports, the files of the private server, passwords and addresses of databases.

mod create;
mod damage;
mod folder;
mod key_file;
mod layout;
mod manifest;
mod passphrase;
mod place;
mod prune;
mod restore;
mod schedule;
mod sealing;
mod settings_text;
mod state;
mod tar_file;
mod verify;
pub(crate) mod view;
mod writer;

pub use create::BackupOptions;
pub use folder::backup_folder_in;
pub(crate) use restore::meetings_in;
pub use restore::{RestoreOptions, RestoreScope};
pub use verify::{ReadSubset, VerifyOptions};
pub use view::{BackupPhase, BackupProgress};
