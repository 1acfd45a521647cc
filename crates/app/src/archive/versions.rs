//! Versions of a meeting's transcript: transcribe again, look at older ones, compare, make one current.

use crate::App;
use crate::archive::shown::{is_translated, line_view, transcript_facts};
use crate::archive::version_view::{ComparePiece, CompareRow, Comparison, VersionState, VersionView};
use crate::archive::view::{JobView, MeetingPage};
use crate::refusal::{Code, refuse};
use crate::speakers::cast::Cast;
use crate::transcribe::choice::Choice;
use crate::transcribe::language_vote::other_languages;
use anyhow::Result;
use chrono::SecondsFormat;
use store::{JobId, Status, Transcript, TranscriptId, VersionFacts};
use transcript::{AudioTime, Piece, Word};

impl App {
    /// What a meeting was last asked to be transcribed with, or would be.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn choice(&self, id: JobId) -> Result<Choice> {
        self.choice_of(&self.stored_job(id).await?).await
    }

    /// Puts a meeting that has ended back into the queue. A choice that an unfinished version was made with goes on
    /// with that; any other makes a new version. Complete versions stay.
    ///
    /// # Errors
    /// [`Code::NotOffered`] for what the model cannot do, [`Code::WrongState`] while it waits or is worked on, besides
    /// those of [`App::find`].
    pub async fn transcribe_again(&self, id: JobId, choice: &Choice) -> Result<JobView> {
        let job = self.stored_job(id).await?;
        let choice = self.check_choice(choice).await?;
        match self.store.transcribe_again(job.id, &choice.stored()).await? {
            Some(job) => self.view(job).await,
            None => Err(self.wrong_state(job.id, "Cancel that first, or wait until it is done.").await?),
        }
    }

    /// All versions of a meeting, the newest first.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn versions(&self, id: JobId) -> Result<Vec<VersionView>> {
        let job = self.stored_job(id).await?;
        let working = job.status()? == Status::Processing;
        let versions = self.store.versions(job.id).await?;
        let views =
            versions.into_iter().map(|facts| self.version_view(facts, job.current_transcript_id, working));
        Ok(views.collect())
    }

    /// One version of a meeting for reading.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn version_page(&self, id: JobId, version: TranscriptId) -> Result<MeetingPage> {
        let job = self.find(id).await?;
        let version = self.stored_version(id, version).await?;
        let lines = self.store.text_lines(version.id, AudioTime::ZERO).await?;
        let settled_ms = if version.is_complete() { u32::MAX } else { 0 };
        let others = other_languages(&self.store.windows(version.id).await?);
        let facts = transcript_facts(&version, self.room.title(&version.model), &lines, others);
        let cast = Cast::of(self.store.speakers(id).await?);
        let lines = lines.into_iter().map(|line| line_view(line, &cast)).collect();
        Ok(MeetingPage { job, transcript: Some(facts), lines, settled_ms })
    }

    /// Two versions of a meeting, side by side.
    ///
    /// # Errors
    /// [`Code::NotFound`].
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
            rows: compared.rows.into_iter().map(row).collect(),
            equal_words: count(compared.equal),
            left_only: count(compared.left_only),
            right_only: count(compared.right_only),
        })
    }

    /// Makes a complete version the one that is shown, searched and exported.
    ///
    /// # Errors
    /// [`Code::NotFound`], [`Code::WrongState`] for a version that is not complete.
    pub async fn make_current(&self, id: JobId, version: TranscriptId) -> Result<JobView> {
        let version = self.stored_version(id, version).await?;
        if !self.store.make_current(id, version.id).await? {
            return Err(refuse(
                Code::WrongState,
                format!(
                    "Version {} is not complete. Only a complete one can be made current.",
                    version.version
                ),
            ));
        }
        self.find(id).await
    }

    async fn words(&self, id: TranscriptId) -> Result<Vec<Word>> {
        let lines = self.store.segments(id).await?;
        Ok(lines.into_iter().flat_map(|line| line.segment.words).collect())
    }

    async fn stored_version(&self, job: JobId, id: TranscriptId) -> Result<Transcript> {
        self.store.version(job, id).await?.ok_or_else(|| no_version(&id.to_string()))
    }

    /// The version with this id or number, as it is typed on the command line.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn version_called(&self, job: JobId, wanted: &str) -> Result<TranscriptId> {
        if let Ok(id) = wanted.parse::<TranscriptId>() {
            return Ok(self.stored_version(job, id).await?.id);
        }
        let versions = self.store.versions(job).await?;
        let of_number = versions.into_iter().find(|facts| facts.version.version.to_string() == wanted);
        of_number.map(|facts| facts.version.id).ok_or_else(|| no_version(wanted))
    }

    fn version_view(&self, facts: VersionFacts, current: Option<TranscriptId>, working: bool) -> VersionView {
        let VersionFacts { version, words, doubtful_lines, done_ms } = facts;
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
            model_title: self.room.title(&version.model),
            model_here: self.is_here(&version.model, version.model_sha256.as_deref()),
            language_detected: version.language.is_some() && setting("language").is_null(),
            translated: is_translated(&version),
            vocabulary: terms,
            word_times: setting("word_times").as_bool().unwrap_or(true),
            audio_ms: version.audio_ms.map(milliseconds),
            done_ms: if complete { version.audio_ms.map_or(0, milliseconds) } else { milliseconds(done_ms) },
            work_ms: version.work_ms as f64,
            words: u32::try_from(words).unwrap_or(u32::MAX),
            doubtful_lines: u32::try_from(doubtful_lines).unwrap_or(u32::MAX),
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

fn row(row: transcript::Row) -> CompareRow {
    let pieces = |pieces: Vec<Piece>| -> Vec<ComparePiece> {
        pieces.into_iter().map(|Piece { text, changed }| ComparePiece { text, changed }).collect()
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
    refuse(Code::NotFound, format!("There is no version {version} of this meeting."))
}
