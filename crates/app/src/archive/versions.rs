//! Versions of a meeting's transcript: transcribe again, read older ones, compare two, make one current.
//!
//! An unfinished version is continued only if engine, model, SHA-256 of the model and settings (window cuts, language,
//! translation, vocabulary, threads, device) are equal to what is asked for; else a new version is begun. A complete
//! version is never overwritten.

use crate::App;
use crate::archive::to_view::{is_translated, segment_view, transcript_info};
use crate::archive::version_view::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};
use crate::archive::view::{JobView, MeetingPage};
use crate::organisation::require_not_trashed;
use crate::retention::require_audio;
use crate::speakers::meeting_speakers::MeetingSpeakers;
use crate::transcribe::language_vote::other_languages;
use crate::transcribe::options::TranscriptionOptions;
use crate::user_error::{ErrorCode, user_error};
use anyhow::Result;
use chrono::SecondsFormat;
use store::{JobId, Status, Transcript, TranscriptId, VersionSummary};
use transcript::{AudioTime, TextRun, Word};

impl App {
    /// The transcription options last requested for a meeting; the defaults if none were.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn transcription_options(&self, id: JobId) -> Result<TranscriptionOptions> {
        self.options_of(&self.stored_job(id).await?).await
    }

    /// Queues a completed or failed meeting to be transcribed with `options`. An unfinished version that was made with
    /// the same options is continued, else a new version is made. Complete versions stay.
    ///
    /// # Errors
    /// [`ErrorCode::NotOffered`] for what the model cannot do, [`ErrorCode::WrongState`] while the meeting waits or is
    /// worked on, if it is in the trash and if its audio was removed, besides those of [`App::find`].
    pub async fn transcribe_again(&self, id: JobId, options: &TranscriptionOptions) -> Result<JobView> {
        let job = self.stored_job(id).await?;
        require_not_trashed(&job)?;
        require_audio(&job)?;
        let options = self.check_options(options).await?;
        match self.store.transcribe_again(job.id, &options.stored()).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(job.id, "Cancel that first, or wait until it is done.").await?),
        }
    }

    /// All versions of a meeting, newest first.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn versions(&self, id: JobId) -> Result<Vec<VersionView>> {
        let job = self.stored_job(id).await?;
        let working = job.status()? == Status::Processing;
        let versions = self.store.versions(job.id).await?;
        let views = versions
            .into_iter()
            .map(|summary| self.version_view(summary, job.current_transcript_id, working));
        Ok(views.collect())
    }

    /// One version of a meeting for reading.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn version_page(&self, id: JobId, version: TranscriptId) -> Result<MeetingPage> {
        let job = self.find(id).await?;
        let version = self.stored_version(id, version).await?;
        let segments = self.store.segment_texts(version.id, AudioTime::ZERO).await?;
        let settled_ms = if version.is_complete() { u32::MAX } else { 0 };
        let others = other_languages(&self.store.transcript_windows(version.id).await?);
        let info = transcript_info(&version, self.models.title(&version.model), &segments, others);
        let speakers = MeetingSpeakers::new(self.store.speakers(id).await?);
        let segments = segments.into_iter().map(|segment| segment_view(segment, &speakers)).collect();
        Ok(MeetingPage { job, transcript: Some(info), segments, settled_ms })
    }

    /// Compares two versions of a meeting.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn compare_versions(
        &self,
        id: JobId,
        left: TranscriptId,
        right: TranscriptId,
    ) -> Result<Comparison> {
        let views = self.versions(id).await?;
        let (left, right) = (self.stored_version(id, left).await?, self.stored_version(id, right).await?);
        let (left_words, right_words) = (self.words(left.id).await?, self.words(right.id).await?);
        let compared =
            tokio::task::spawn_blocking(move || transcript::compare(&left_words, &right_words)).await?;
        let view = |version: &Transcript| {
            let view = views.iter().find(|view| view.id == version.id);
            view.cloned().ok_or_else(|| no_version(&version.id.to_string()))
        };
        Ok(Comparison {
            left: view(&left)?,
            right: view(&right)?,
            rows: compared.rows.into_iter().map(row_view).collect(),
            equal_words: count(compared.equal),
            left_only: count(compared.left_only),
            right_only: count(compared.right_only),
        })
    }

    /// Makes a complete version the current one, which is shown and exported.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::WrongState`] for a version that is not complete.
    pub async fn make_current(&self, id: JobId, version: TranscriptId) -> Result<JobView> {
        let version = self.stored_version(id, version).await?;
        if !self.store.make_current(id, version.id).await? {
            return Err(user_error(
                ErrorCode::WrongState,
                format!(
                    "Version {} is not complete. Only a complete one can be made current.",
                    version.version
                ),
            ));
        }
        self.find(id).await
    }

    async fn words(&self, id: TranscriptId) -> Result<Vec<Word>> {
        let segments = self.store.segments(id).await?;
        Ok(segments.into_iter().flat_map(|stored| stored.segment.words).collect())
    }

    async fn stored_version(&self, job: JobId, id: TranscriptId) -> Result<Transcript> {
        self.store.version(job, id).await?.ok_or_else(|| no_version(&id.to_string()))
    }

    /// The version with this id or number, as typed on the command line.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn find_version(&self, job: JobId, wanted: &str) -> Result<TranscriptId> {
        if let Ok(id) = wanted.parse::<TranscriptId>() {
            return Ok(self.stored_version(job, id).await?.id);
        }
        let versions = self.store.versions(job).await?;
        let of_number = versions.into_iter().find(|summary| summary.version.version.to_string() == wanted);
        of_number.map(|summary| summary.version.id).ok_or_else(|| no_version(wanted))
    }

    fn version_view(
        &self,
        summary: VersionSummary,
        current: Option<TranscriptId>,
        working: bool,
    ) -> VersionView {
        let VersionSummary { version, words, doubtful_segments, done_ms } = summary;
        let setting = |name: &str| version.settings.get(name).cloned().unwrap_or_default();
        let state = match (version.is_complete(), version.is_running() && working, &version.error_message) {
            (true, ..) => VersionState::Complete,
            (_, true, _) => VersionState::Running,
            (_, _, Some(_)) => VersionState::Failed,
            _ => VersionState::Unfinished,
        };
        let complete = version.is_complete();
        let terms: Vec<String> = serde_json::from_value(setting("vocabulary")).unwrap_or_default();
        let at = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        VersionView {
            id: version.id,
            number: version.version,
            current: current == Some(version.id),
            state,
            model_title: self.models.title(&version.model),
            model_here: self.is_model_available(&version.model, version.model_sha256.as_deref()),
            language_detected: version.language.is_some() && setting("language").is_null(),
            translated: is_translated(&version),
            vocabulary: terms,
            word_times: setting("word_times").as_bool().unwrap_or(true),
            audio_ms: version.audio_ms.map(milliseconds),
            done_ms: if complete { version.audio_ms.map_or(0, milliseconds) } else { milliseconds(done_ms) },
            work_ms: version.work_ms as f64,
            words: u32::try_from(words).unwrap_or(u32::MAX),
            doubtful_segments: u32::try_from(doubtful_segments).unwrap_or(u32::MAX),
            created_at: at(version.created_at),
            completed_at: version.completed_at.map(at),
            error_message: version.error_message,
            engine: version.engine,
            model: version.model,
            model_sha256: version.model_sha256,
            language: version.language,
            device: version.device,
        }
    }
}

fn row_view(row: transcript::ComparisonRow) -> CompareRow {
    let pieces = |pieces: Vec<TextRun>| -> Vec<ComparePiece> {
        pieces.into_iter().map(|TextRun { text, changed }| ComparePiece { text, changed }).collect()
    };
    let changed = row.left.iter().chain(&row.right).any(|piece| piece.changed);
    CompareRow { start_ms: row.start.as_ms(), left: pieces(row.left), right: pieces(row.right), changed }
}

fn milliseconds(ms: i64) -> u32 {
    u32::try_from(ms).unwrap_or(0)
}

fn count(words: usize) -> u32 {
    u32::try_from(words).unwrap_or(u32::MAX)
}

fn no_version(version: &str) -> anyhow::Error {
    user_error(ErrorCode::NotFound, format!("There is no version {version} of this meeting."))
}
