//! Playback: the decoded sound of a recording from any moment on, and the seek index that makes seeking fast.
//!
//! The seek index `audio.seek` lies beside the audio. The first complete read of a recording saves it. It is derived
//! data: playback works without it, more slowly, and it is deleted with the folder of the job. Its format has a
//! version. An index of an earlier version is rebuilt in the background when the recording is played; if the recording
//! now decodes to another length than when it was transcribed, a note in `media_note` says so and asks to transcribe it
//! again.

use crate::App;
use crate::library::RecordingFolder;
use anyhow::Result;
use media::{Reader, SeekIndex};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use store::JobId;

/// Name of the seek index.
const SEEK_INDEX: &str = "audio.seek";
/// Bytes of an index that are read. Ours are smaller.
const MAX_INDEX_BYTES: u64 = 1024 * 1024;
/// Milliseconds by which the length may differ from that at transcription; with more, times in the text may be wrong.
const LENGTH_TOLERANCE_MS: u64 = 50;

/// Recordings whose index this process is rebuilding.
pub(crate) type IndexRebuilds = Arc<Mutex<BTreeSet<JobId>>>;

/// A recording that can be played, as 16-bit mono. Cheap to clone; holds no open file.
#[derive(Debug, Clone)]
pub struct Playback(media::Playback);

/// A recording that is being decoded for playback.
#[derive(Debug)]
pub struct PlaybackStream(media::PlaybackStream);

impl App {
    /// The playback of a recording; `None` if its audio is not in this computer's library.
    ///
    /// # Errors
    /// If the archive fails, or the audio cannot be decoded.
    pub async fn playback(&self, id: JobId) -> Result<Option<Playback>> {
        let Some(job) = self.store.job(id).await? else { return Ok(None) };
        let Some(folder) = self.library.recording_folder(&job) else { return Ok(None) };
        let tools = self.tools.clone();
        let duration_ms = job.duration_ms.and_then(|ms| u32::try_from(ms).ok());
        let audio_folder = folder.clone();
        let found = tokio::task::spawn_blocking(move || {
            let audio = audio_folder.audio();
            if !audio.is_file() {
                return Ok(None);
            }
            let index = audio_folder.beside(SEEK_INDEX).and_then(|file| read(&file));
            let is_old = index.as_deref().is_some_and(|index| is_old(index, audio));
            let sound = media::Playback::new(audio, &tools, index.as_deref(), duration_ms)?;
            Ok::<_, anyhow::Error>(Some((Playback(sound), is_old)))
        });
        let Some((sound, is_old)) = found.await?? else { return Ok(None) };
        if is_old && let Some(duration_ms) = duration_ms {
            self.rebuild_index(id, folder, duration_ms);
        }
        Ok(Some(sound))
    }

    /// Rebuilds the seek index of a recording in the background, and adds a note to the job if the length has changed.
    fn rebuild_index(&self, id: JobId, folder: RecordingFolder, duration_ms: u32) {
        let rebuilds = Arc::clone(&self.index_rebuilds);
        if !lock(&rebuilds).insert(id) {
            return;
        }
        let (app, tools) = (self.clone(), self.tools.clone());
        tokio::spawn(async move {
            let rebuilt = tokio::task::spawn_blocking(move || rebuild(&folder, &tools, duration_ms));
            let note = match rebuilt.await {
                Ok(Ok(note)) => note,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the seek index of a recording could not be rebuilt");
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "rebuilding a seek index ended unexpectedly");
                    None
                }
            };
            if let Some(note) = note
                && let Err(error) = app.store.add_media_note(id, &note).await
            {
                tracing::warn!(%error, "a note about a recording could not be stored");
            }
            lock(&rebuilds).remove(&id);
        });
    }
}

fn lock(rebuilds: &IndexRebuilds) -> std::sync::MutexGuard<'_, BTreeSet<JobId>> {
    rebuilds.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the index of `audio` has an earlier version, whose times may differ, or is damaged.
fn is_old(index: &[u8], audio: &Path) -> bool {
    audio.metadata().is_ok_and(|found| SeekIndex::from_bytes(index, found.len()).is_none())
}

/// Reads a recording to its end and saves its index. Returns a note if its length differs from `before_ms`, the length
/// when it was transcribed.
fn rebuild(folder: &RecordingFolder, tools: &media::Tools, before_ms: u32) -> Result<Option<String>> {
    let mut reader = Reader::open(folder.audio(), tools)?;
    while reader.read()?.is_some() {}
    if let Some(index) = reader.seek_index() {
        save_seek_index(folder, &index);
    }
    let now_ms = reader.position() * 1000 / u64::from(transcript::SAMPLE_RATE);
    let moved = now_ms.abs_diff(u64::from(before_ms)) > LENGTH_TOLERANCE_MS;
    let seconds = |ms: u64| ms as f64 / 1000.0;
    Ok(moved.then(|| {
        format!(
            "this version of MeetMemo reads {:.1} s of sound from the file, and an earlier one read {:.1} s, so words may \
             not be where they are heard. Transcribe the recording again to put that right",
            seconds(now_ms),
            seconds(u64::from(before_ms)),
        )
    }))
}

impl Playback {
    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    /// Number of samples in the recording.
    pub fn frames(&self) -> u64 {
        self.0.frames()
    }

    /// Starts decoding at a sample. Blocks.
    ///
    /// # Errors
    /// If the audio is missing or cannot be decoded.
    pub fn stream_from(&self, from_frame: u64) -> Result<PlaybackStream> {
        Ok(PlaybackStream(self.0.stream_from(from_frame)?))
    }
}

impl PlaybackStream {
    /// Appends up to about one second of samples to `out`; false at the end. Blocks.
    ///
    /// # Errors
    /// If the disk fails or `ffmpeg` hangs.
    pub fn read(&mut self, out: &mut Vec<i16>) -> Result<bool> {
        Ok(self.0.read(out)?)
    }
}

/// The content of a seek index file.
fn read(index: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(index).ok()?.take(MAX_INDEX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Saves the seek index of a recording beside its audio. Errors are only logged.
pub(crate) fn save_seek_index(folder: &RecordingFolder, index: &SeekIndex) {
    let Some(file) = folder.beside(SEEK_INDEX) else { return };
    let unfinished = file.with_extension("seek.part");
    let saved = fs::write(&unfinished, index.to_bytes()).and_then(|()| fs::rename(&unfinished, &file));
    if let Err(error) = saved {
        tracing::warn!(kind = ?error.kind(), "the seek index of a recording could not be saved");
        let _ = fs::remove_file(&unfinished);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use crate::library::Library;
    use media::{Reader, Tools};

    /// Half a minute of a rising tone at 8 kHz.
    fn wav() -> Vec<u8> {
        let samples: Vec<u8> = (0..240_000_i32)
            .flat_map(|i| (((f64::from(i).powi(2) * 4e-6).sin() * 20_000.0) as i16).to_le_bytes())
            .collect();
        let len = samples.len() as u32;
        let head = [
            b"RIFF".as_slice(),
            &(len + 36).to_le_bytes(),
            b"WAVEfmt \x10\0\0\0\x01\0\x01\0",
            &8_000_u32.to_le_bytes(),
            &16_000_u32.to_le_bytes(),
            b"\x02\0\x10\0data",
            &len.to_le_bytes(),
        ];
        [head.concat(), samples].concat()
    }

    /// A library with the folder of one recording.
    fn library() -> (tempfile::TempDir, RecordingFolder) {
        let library = tempfile::tempdir().unwrap();
        let folder = Library::new(library.path().to_owned(), uuid::Uuid::nil().into())
            .parse_file_path("0190a5a0-7cc1-4d3b-8f5e-0123456789ab/audio.wav")
            .unwrap();
        fs::create_dir(folder.path()).unwrap();
        fs::write(folder.audio(), wav()).unwrap();
        (library, folder)
    }

    #[test]
    fn an_old_index_is_rebuilt_and_a_changed_length_is_noted() {
        let (_library, folder) = library();
        let audio = folder.audio();
        let index = audio.with_file_name(SEEK_INDEX);
        // As the previous version wrote it.
        fs::write(&index, b"MMsk\x01\x01 and so on").unwrap();
        assert!(is_old(&fs::read(&index).unwrap(), audio));
        let rebuilt = |before_ms| rebuild(&folder, &Tools::none(), before_ms).unwrap();
        assert_eq!(rebuilt(30_000), None);
        assert!(!is_old(&fs::read(&index).unwrap(), audio));
        let note = rebuilt(33_250).unwrap();
        assert!(note.contains("reads 30.0 s") && note.contains("read 33.2 s"), "{note}");
    }

    #[test]
    fn a_saved_index_is_used_and_a_damaged_one_is_ignored() {
        let (_library, folder) = library();
        let audio = folder.audio();
        let bytes = wav();

        let mut reader = Reader::open(audio, &Tools::none()).unwrap();
        while reader.read().unwrap().is_some() {}
        save_seek_index(&folder, &reader.seek_index().unwrap());
        let index = folder.beside(SEEK_INDEX).unwrap();
        let kept = read(&index).unwrap();
        assert!(SeekIndex::from_bytes(&kept, bytes.len() as u64).is_some());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);

        let expected =
            |frame: usize| bytes[44 + 2 * frame..].as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b));
        for index in [kept.as_slice(), &kept[1..], b"", &[0xff; 5000]] {
            let sound = Playback(media::Playback::new(audio, &Tools::none(), Some(index), Some(1)).unwrap());
            assert_eq!(sound.sample_rate(), 8_000);
            let mut heard = Vec::new();
            assert!(sound.stream_from(0).unwrap().read(&mut heard).unwrap());
            if sound.frames() > 200_000 {
                heard.clear();
                assert!(sound.stream_from(200_000).unwrap().read(&mut heard).unwrap());
                assert!(
                    heard.len() >= 2_000 && heard.iter().copied().eq(expected(200_000).take(heard.len()))
                );
            }
        }
    }

    #[test]
    fn an_index_that_cannot_be_saved_causes_no_error() {
        let (_library, folder) = library();
        let audio = folder.audio();
        let mut reader = Reader::open(audio, &Tools::none()).unwrap();
        while reader.read().unwrap().is_some() {}
        let index = reader.seek_index().unwrap();
        // A folder has its name.
        fs::create_dir(folder.path().join(SEEK_INDEX)).unwrap();
        save_seek_index(&folder, &index);
        fs::remove_dir_all(folder.path()).unwrap();
        save_seek_index(&folder, &index);
    }
}
