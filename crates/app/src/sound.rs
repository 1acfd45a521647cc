//! Listening to a recording: its sound from any moment, and the file that makes entering it quick.
//!
//! That file lies beside the audio. It is left behind by the first reading to the end, says where the recording can be
//! entered, and is derived: without it listening still works. It goes with the folder of its job.

use crate::App;
use crate::library::Place;
use anyhow::Result;
use media::{Reader, SeekIndex};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use store::JobId;

/// Its name.
const SEEK_INDEX: &str = "audio.seek";
/// Larger than any of ours: what is beyond is not read.
const LONGEST_INDEX: u64 = 1024 * 1024;
/// A recording that was read to another length than now by more than this has other times, in milliseconds.
const SAME_LENGTH_MS: u64 = 50;

/// Recordings whose index is being made anew by this process.
pub(crate) type Renewing = Arc<Mutex<BTreeSet<JobId>>>;

/// A recording to listen to: 16-bit mono. Cheap to clone; holds no open file.
#[derive(Debug, Clone)]
pub struct Sound(media::Sound);

/// A recording that is being listened to.
#[derive(Debug)]
pub struct Listening(media::Listening);

impl App {
    /// A recording to listen to. `None` if its audio is not in this computer's library.
    ///
    /// # Errors
    /// Where the archive fails, or nothing can be decoded.
    pub async fn sound(&self, id: JobId) -> Result<Option<Sound>> {
        let Some(job) = self.store.job(id).await? else { return Ok(None) };
        let Some(place) = self.library.place(&job) else { return Ok(None) };
        let tools = self.tools.clone();
        let duration_ms = job.duration_ms.and_then(|ms| u32::try_from(ms).ok());
        let here = place.clone();
        let found = tokio::task::spawn_blocking(move || {
            let audio = here.audio();
            if !audio.is_file() {
                return Ok(None);
            }
            let index = here.beside(SEEK_INDEX).and_then(|file| read(&file));
            let is_old = index.as_deref().is_some_and(|index| is_old(index, audio));
            let sound = media::Sound::new(audio, &tools, index.as_deref(), duration_ms)?;
            Ok::<_, anyhow::Error>(Some((Sound(sound), is_old)))
        });
        let Some((sound, is_old)) = found.await?? else { return Ok(None) };
        if is_old && let Some(duration_ms) = duration_ms {
            self.renew_index(id, place, duration_ms);
        }
        Ok(Some(sound))
    }

    /// Makes the index of a recording anew, beside whatever else is done, and writes a note where its times are others now.
    fn renew_index(&self, id: JobId, place: Place, duration_ms: u32) {
        let renewing = Arc::clone(&self.renewing);
        if !lock(&renewing).insert(id) {
            return;
        }
        let (app, tools) = (self.clone(), self.tools.clone());
        tokio::spawn(async move {
            let renewed = tokio::task::spawn_blocking(move || renew(&place, &tools, duration_ms));
            let note = match renewed.await {
                Ok(Ok(note)) => note,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the seek index of a recording could not be made anew");
                    None
                }
                Err(error) => {
                    tracing::warn!(%error, "making a seek index ended");
                    None
                }
            };
            if let Some(note) = note
                && let Err(error) = app.store.add_media_note(id, &note).await
            {
                tracing::warn!(%error, "a note about a recording could not be kept");
            }
            lock(&renewing).remove(&id);
        });
    }
}

fn lock(renewing: &Renewing) -> std::sync::MutexGuard<'_, BTreeSet<JobId>> {
    renewing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the index of `audio` was left by an earlier version of the app, whose times may be others, or is damaged.
fn is_old(index: &[u8], audio: &Path) -> bool {
    audio.metadata().is_ok_and(|found| SeekIndex::from_bytes(index, found.len()).is_none())
}

/// Reads a recording to its end and keeps its index. Returns a note if it lasts longer or less long than it did when it
/// was transcribed.
fn renew(place: &Place, tools: &media::Tools, before_ms: u32) -> Result<Option<String>> {
    let mut reader = Reader::open(place.audio(), tools)?;
    while reader.read()?.is_some() {}
    if let Some(index) = reader.seek_index() {
        keep_seek_index(place, &index);
    }
    let now_ms = reader.position() * 1000 / u64::from(transcript::SAMPLE_RATE);
    let moved = now_ms.abs_diff(u64::from(before_ms)) > SAME_LENGTH_MS;
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

impl Sound {
    /// Samples per second.
    pub fn sample_rate(&self) -> u32 {
        self.0.sample_rate()
    }

    /// Samples of the whole recording.
    pub fn frames(&self) -> u64 {
        self.0.frames()
    }

    /// Opens at a sample. Blocks: to be called on a thread that may.
    ///
    /// # Errors
    /// If the audio is gone or can no longer be decoded.
    pub fn listen(&self, from_frame: u64) -> Result<Listening> {
        Ok(Listening(self.0.listen(from_frame)?))
    }
}

impl Listening {
    /// Appends up to about a second of samples to `out`; `false` at the end. Blocks.
    ///
    /// # Errors
    /// If the disk fails or `ffmpeg` hangs.
    pub fn read(&mut self, out: &mut Vec<i16>) -> Result<bool> {
        Ok(self.0.read(out)?)
    }
}

fn read(index: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(index).ok()?.take(LONGEST_INDEX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Keeps the index of a recording beside it. That it cannot be kept is no reason to fail.
pub(crate) fn keep_seek_index(place: &Place, index: &SeekIndex) {
    let Some(file) = place.beside(SEEK_INDEX) else { return };
    let unfinished = file.with_extension("seek.part");
    let kept = fs::write(&unfinished, index.to_bytes()).and_then(|()| fs::rename(&unfinished, &file));
    if let Err(error) = kept {
        tracing::warn!(kind = ?error.kind(), "the seek index of a recording could not be kept");
        // It may not have been written at all.
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

    /// A library with one recording, and its audio.
    fn library() -> (tempfile::TempDir, Place) {
        let library = tempfile::tempdir().unwrap();
        let place = Library::new(library.path().to_owned(), uuid::Uuid::nil().into())
            .place_of("0190a5a0-7cc1-4d3b-8f5e-0123456789ab/audio.wav")
            .unwrap();
        fs::create_dir(place.folder()).unwrap();
        fs::write(place.audio(), wav()).unwrap();
        (library, place)
    }

    #[test]
    fn an_old_index_is_made_anew_and_other_times_are_noted() {
        let (_library, place) = library();
        let audio = place.audio();
        let index = audio.with_file_name(SEEK_INDEX);
        // As the version before wrote them.
        fs::write(&index, b"MMsk\x01\x01 and so on").unwrap();
        assert!(is_old(&fs::read(&index).unwrap(), audio));
        let renewed = |before_ms| renew(&place, &Tools::none(), before_ms).unwrap();
        assert_eq!(renewed(30_000), None);
        assert!(!is_old(&fs::read(&index).unwrap(), audio));
        let note = renewed(33_250).unwrap();
        assert!(note.contains("reads 30.0 s") && note.contains("read 33.2 s"), "{note}");
    }

    #[test]
    fn a_kept_index_is_used_and_a_damaged_one_ignored() {
        let (_library, place) = library();
        let audio = place.audio();
        let bytes = wav();

        let mut reader = Reader::open(audio, &Tools::none()).unwrap();
        while reader.read().unwrap().is_some() {}
        keep_seek_index(&place, &reader.seek_index().unwrap());
        let index = place.beside(SEEK_INDEX).unwrap();
        let kept = read(&index).unwrap();
        assert!(SeekIndex::from_bytes(&kept, bytes.len() as u64).is_some());
        assert_eq!(fs::read_dir(place.folder()).unwrap().count(), 2);

        let expected =
            |frame: usize| bytes[44 + 2 * frame..].as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b));
        for index in [kept.as_slice(), &kept[1..], b"", &[0xff; 5000]] {
            let sound = Sound(media::Sound::new(audio, &Tools::none(), Some(index), Some(1)).unwrap());
            assert_eq!(sound.sample_rate(), 8_000);
            let mut heard = Vec::new();
            assert!(sound.listen(0).unwrap().read(&mut heard).unwrap());
            if sound.frames() > 200_000 {
                heard.clear();
                assert!(sound.listen(200_000).unwrap().read(&mut heard).unwrap());
                assert!(
                    heard.len() >= 2_000 && heard.iter().copied().eq(expected(200_000).take(heard.len()))
                );
            }
        }
    }

    #[test]
    fn where_nothing_can_be_written_nothing_fails() {
        let (_library, place) = library();
        let audio = place.audio();
        let folder = place.folder();
        let mut reader = Reader::open(audio, &Tools::none()).unwrap();
        while reader.read().unwrap().is_some() {}
        let index = reader.seek_index().unwrap();
        // A folder in its place.
        fs::create_dir(folder.join(SEEK_INDEX)).unwrap();
        keep_seek_index(&place, &index);
        fs::remove_dir_all(folder).unwrap();
        keep_seek_index(&place, &index);
    }
}
