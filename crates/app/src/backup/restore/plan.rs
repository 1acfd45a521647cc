//! What a restore brings back of the meetings in a backup.
//!
//! A preview needs no rows: the list of meetings in the backup (its manifest) says all that is compared with the archive.
//! Backups of older versions lack a part of that, and damaged ones the list itself; then the rows are loaded, as for the
//! restore.

use super::super::layout::{ContentHash, ObjectName};
use super::audio::WantedAudio;
use super::{Restore, RestoreScope};
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use std::collections::{HashMap, HashSet};
use store::{Job, JobId, PlannedMeeting};
use tokio::task::block_in_place;

/// What comes back.
pub(super) struct Plan {
    /// The meetings of the scope, also those that are in the archive.
    pub(super) chosen: Vec<PlannedMeeting>,
    /// The audio, by the id that its meeting has in the backup.
    pub(super) audio: Vec<(JobId, WantedAudio)>,
    with_audio: HashSet<JobId>,
}

impl Plan {
    fn new(chosen: Vec<PlannedMeeting>, audio: Vec<(JobId, WantedAudio)>) -> Self {
        let with_audio = audio.iter().map(|(id, _)| *id).collect();
        Self { chosen, audio, with_audio }
    }

    /// The meetings of the archive whose audio comes back, with their ids in the archive.
    pub(super) fn audio_back(&self) -> impl Iterator<Item = (&PlannedMeeting, JobId)> {
        self.chosen
            .iter()
            .filter_map(|meeting| Some((meeting, meeting.in_archive?)))
            .filter(|(meeting, _)| self.has_audio(meeting.id))
    }

    pub(super) fn has_audio(&self, meeting: JobId) -> bool {
        self.with_audio.contains(&meeting)
    }
}

impl Restore<'_> {
    /// The meetings of the backup compared with the archive, without their rows. `None` if the rows are needed.
    pub(super) async fn listed_meetings(&self) -> Result<Option<Vec<PlannedMeeting>>> {
        let Some(header) = self.selection.header.as_ref().filter(|_| !self.options.salvage) else {
            return Ok(None);
        };
        if matches!(self.options.scope, RestoreScope::Table(_)) {
            return Ok(None);
        }
        let listed = &self.selection.listed;
        let Some(files): Option<Vec<_>> = listed.iter().map(|meeting| meeting.file.as_ref()).collect() else {
            return Ok(None);
        };
        store::ensure_known_step(&header.schema_step)?;
        let keys: Vec<(JobId, Option<String>)> =
            listed.iter().zip(&files).map(|(meeting, file)| (meeting.id, file.sha256.clone())).collect();
        let in_archive = self.app.store.find_in_archive(&keys).await?;
        let meetings = listed.iter().zip(files).zip(in_archive);
        Ok(Some(
            meetings
                .map(|((meeting, file), in_archive)| PlannedMeeting {
                    id: meeting.id,
                    title: meeting.title.clone(),
                    untitled: false,
                    file_path: file.path.clone(),
                    file_hash: file.sha256.clone(),
                    library_id: None,
                    in_archive,
                })
                .collect(),
        ))
    }

    /// What comes back of `meetings`.
    pub(super) async fn plan(&self, meetings: Vec<PlannedMeeting>) -> Result<Plan> {
        let chosen = self.choose(meetings)?;
        let audio = self.wanted_audio(&chosen).await?;
        Ok(Plan::new(chosen, audio))
    }

    /// The meetings that the scope names.
    fn choose(&self, meetings: Vec<PlannedMeeting>) -> Result<Vec<PlannedMeeting>> {
        let RestoreScope::Meeting(prefix) = &self.options.scope else { return Ok(meetings) };
        let digits: String = prefix.chars().filter(|c| *c != '-').collect::<String>().to_ascii_lowercase();
        let fits = |meeting: &PlannedMeeting| meeting.id.uuid().simple().to_string().starts_with(&digits);
        let chosen: Vec<PlannedMeeting> = meetings.into_iter().filter(fits).collect();
        match chosen.as_slice() {
            [] => Err(user_error(
                ErrorCode::NotFound,
                format!(
                    "The backup has no meeting with the id {prefix}. `meetmemo restore {} --dry-run` lists them.",
                    self.view.place
                ),
            )),
            [_] => Ok(chosen),
            _ => Err(user_error(
                ErrorCode::Ambiguous,
                format!(
                    "Several meetings of the backup have an id that begins with {prefix}. Give more of it."
                ),
            )),
        }
    }

    /// The audio to bring back for each of `chosen`: of those that the archive lacks, and of those whose file is gone.
    async fn wanted_audio(&self, chosen: &[PlannedMeeting]) -> Result<Vec<(JobId, WantedAudio)>> {
        if matches!(&self.options.scope, RestoreScope::Table(table) if table != "jobs") {
            return Ok(Vec::new());
        }
        let explicit = matches!(self.options.scope, RestoreScope::Meeting(_));
        let present: Vec<JobId> = chosen.iter().filter_map(|meeting| meeting.in_archive).collect();
        let jobs = self.app.store.jobs_by_id(&present).await?;
        let jobs: HashMap<JobId, &Job> = jobs.iter().map(|job| (job.id, job)).collect();
        let mut wanted = Vec::new();
        for meeting in chosen {
            let Some(hash) = self.audio_of(meeting) else { continue };
            let Some(bytes) = self.selection.objects.get(&ObjectName::audio(&hash)).copied().flatten() else {
                continue;
            };
            let path = match meeting.in_archive {
                None => meeting.file_path.clone(),
                Some(id) => match jobs.get(&id) {
                    Some(job) if block_in_place(|| self.lacks_audio(job, &hash, bytes, explicit)) => {
                        job.file_path.clone()
                    }
                    _ => continue,
                },
            };
            let Some(to) = self.app.library.parse_file_path(&path) else { continue };
            wanted.push((meeting.id, WantedAudio { title: meeting.title.clone(), hash, bytes, to }));
        }
        Ok(wanted)
    }

    /// The audio of a meeting in the backup.
    pub(super) fn audio_of(&self, meeting: &PlannedMeeting) -> Option<ContentHash> {
        let named = self.selection.audio.get(&meeting.id).cloned();
        named.or_else(|| ContentHash::parse(meeting.file_hash.as_deref()?))
    }

    /// Whether the audio of a meeting of the archive is missing or, if a user asked for this meeting, altered.
    fn lacks_audio(&self, job: &Job, hash: &ContentHash, bytes: u64, explicit: bool) -> bool {
        let Some(folder) = self.app.library.registered_folder(job) else { return false };
        if job.audio_removed_at.is_some() && !explicit {
            return false;
        }
        match std::fs::metadata(folder.audio()) {
            Err(_) => true,
            Ok(_) if explicit => {
                !crate::import::hash::hash_of(folder.audio()).is_ok_and(|present| present == hash.as_str())
            }
            Ok(metadata) => metadata.len() != bytes && job.file_hash.as_deref() == Some(hash.as_str()),
        }
    }
}
