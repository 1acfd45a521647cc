//! A file that is decoded by `ffmpeg`, on our time line.

use crate::date;
use crate::error::MediaError;
use crate::ffmpeg::{Description, Ffmpeg, Stamp, Wanted};
use crate::native::{About, Tags};
use crate::timeline::{Placement, SILENCE_RUN, Timeline};
use std::collections::VecDeque;
use std::path::Path;

/// A file read by `ffmpeg`: mono at the rate that was asked for.
pub(crate) struct External {
    ffmpeg: Ffmpeg,
    name: &'static str,
    description: Description,
    rate: f64,
    timeline: Timeline,
    /// Decoded, and not yet known of which frame.
    raw: Vec<f32>,
    /// Frames whose samples have not come.
    stamps: VecDeque<Stamp>,
    /// Seconds of the frames so far, and samples that were taken for them.
    stamped: f64,
    taken: u64,
    /// What waits for its place on the time line, as that was told.
    waiting: VecDeque<Vec<f32>>,
    /// Samples of silence still to be given, and the sound behind them.
    silence: u64,
    sound: Option<Vec<f32>>,
    /// What [`samples`](Self::samples) shows.
    samples: Vec<f32>,
    /// `ffmpeg` gives nothing more, and all it gave waits for its place.
    ended: bool,
    drained: bool,
    /// Samples given.
    given: u64,
    /// Silence between sound, in seconds.
    inserted: f64,
    /// When the first sound was to be heard, in seconds.
    first: Option<f64>,
}

impl External {
    /// Starts `program` on the file at `path`, and decodes the first of its sound. With `wanted.from_s`, the first of what is
    /// there: where that is, [`first`](Self::first) says.
    ///
    /// # Errors
    /// Why there is no sound.
    pub(crate) fn open(
        program: &Path,
        path: &Path,
        name: &'static str,
        demuxer: &str,
        wanted: Wanted,
    ) -> Result<Self, MediaError> {
        let mut ffmpeg = Ffmpeg::start(program, path, demuxer, wanted)?;
        let mut begun = ffmpeg.next()?;
        let channels = ffmpeg.description().channels.filter(|channels| *channels > 2);
        if !begun && wanted.channel.is_none() && channels.is_some() {
            // So many channels have no layout that can be mixed.
            ffmpeg = Ffmpeg::start(program, path, demuxer, Wanted { all_of: channels, ..wanted })?;
            begun = ffmpeg.next()?;
        }
        if !begun {
            return Err(ffmpeg.log().failure(name));
        }
        let placement = Placement { continuous: wanted.from_s > 0, ..Placement::default() };
        let mut external = Self {
            name,
            description: ffmpeg.description(),
            rate: f64::from(wanted.rate),
            timeline: Timeline::new(placement),
            raw: ffmpeg.samples().to_vec(),
            stamps: VecDeque::new(),
            stamped: 0.0,
            taken: 0,
            waiting: VecDeque::new(),
            silence: 0,
            sound: None,
            samples: Vec::new(),
            ended: false,
            drained: false,
            given: 0,
            inserted: 0.0,
            first: None,
            ffmpeg,
        };
        while external.waiting.is_empty() && !external.drained {
            external.advance()?;
        }
        Ok(external)
    }

    /// Gives what comes next; `false` at the end.
    ///
    /// # Errors
    /// If `ffmpeg` hangs.
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        loop {
            self.samples.clear();
            if self.silence > 0 {
                let run = self.silence.min((SILENCE_RUN * self.rate) as u64 + 1);
                self.silence -= run;
                self.samples.resize(run as usize, 0.0);
            } else if let Some(sound) = self.sound.take() {
                self.samples = sound;
            } else if !self.settle() {
                if self.drained {
                    return Ok(false);
                }
                self.advance()?;
            }
            if !self.samples.is_empty() {
                self.given += self.samples.len() as u64;
                return Ok(true);
            }
        }
    }

    /// What the last [`next`](Self::next) gave.
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// When the first sound was to be heard, in seconds.
    pub(crate) fn first(&self) -> f64 {
        self.first.unwrap_or(0.0)
    }

    /// Whether sound is elsewhere than its timestamps say, so that these do not lead to it.
    pub(crate) fn is_corrected(&self) -> bool {
        self.timeline.has_moved() || self.inserted > 0.0
    }

    /// Puts what has waited longest in its place, if that is known.
    fn settle(&mut self) -> bool {
        let Some(fit) = self.timeline.settle(self.drained) else { return false };
        let Some(mut sound) = self.waiting.pop_front() else { return false };
        if self.given > 0 {
            self.inserted += fit.silence;
        }
        self.silence = (fit.silence * self.rate).round() as u64;
        sound.drain(..((fit.drop * self.rate).round() as usize).min(sound.len()));
        self.sound = Some(sound);
        true
    }

    /// Takes the samples of one frame, or more of them from `ffmpeg`.
    fn advance(&mut self) -> Result<(), MediaError> {
        if self.stamps.is_empty() && !self.raw.is_empty() {
            self.stamps = self.ffmpeg.frames();
            if self.stamps.is_empty() {
                // It does not tell.
                self.stamps.push_back(Stamp { at: f64::NAN, duration: self.raw.len() as f64 / self.rate });
            }
        }
        if let Some(Stamp { at, duration }) = self.stamps.front().copied() {
            let end = ((self.stamped + duration) * self.rate).round() as u64;
            let len = usize::try_from(end.saturating_sub(self.taken)).unwrap_or(usize::MAX);
            if len <= self.raw.len() || self.ended {
                self.stamps.pop_front();
                self.stamped += duration;
                let len = len.min(self.raw.len());
                self.taken += len as u64;
                self.hear(at - self.description.start, len);
                return Ok(());
            }
        }
        if self.ended {
            // Its change of rate gave a few more than the frames have.
            let left = self.raw.len();
            self.hear(f64::NAN, left);
            self.drained = true;
        } else if self.ffmpeg.next()? {
            self.raw.extend_from_slice(self.ffmpeg.samples());
        } else {
            self.ended = true;
        }
        Ok(())
    }

    /// So many samples, with this timestamp, wait for their place.
    fn hear(&mut self, at: f64, len: usize) {
        if len == 0 {
            return;
        }
        if at.is_finite() {
            self.first.get_or_insert(at);
        }
        let sound = self.raw.drain(..len);
        if self.timeline.hear(at, len as f64 / self.rate, true)
            && let Some(last) = self.waiting.back_mut()
        {
            last.extend(sound);
        } else {
            self.waiting.push_back(sound.collect());
        }
    }

    pub(crate) fn about(&self) -> About {
        let description = self.description.clone();
        let mut tags = Tags::default();
        if let Some(title) = &description.title {
            tags.add_title(title);
        }
        tags.add_date(description.date.as_deref().and_then(date::parse));
        About {
            container: self.name,
            codec: description.codec.as_deref().map_or_else(|| self.name.to_owned(), name_of_ffmpeg),
            sample_rate: description.sample_rate.unwrap_or(0),
            channels: description.channels.unwrap_or(0),
            duration: description.duration_ms.map(|ms| f64::from(ms) / 1000.0),
            tags,
        }
    }

    /// Streams of sound in the file.
    pub(crate) fn streams(&self) -> usize {
        self.description.streams
    }

    /// Ends early, damaged, lost.
    pub(crate) fn losses(&self, ended: bool) -> (bool, bool, f64) {
        let read = self.given as f64 / self.rate;
        let stated = self.description.duration_ms.map_or(0.0, |ms| f64::from(ms) / 1000.0);
        // A picture may go on behind the sound.
        let short = !self.description.others && stated - read > 1.0 + stated * 0.01;
        let early = ended && (short || self.ffmpeg.has_failed());
        let damaged = self.ffmpeg.log().errors > 0;
        (early, damaged, if damaged { self.inserted } else { 0.0 })
    }
}

/// The codecs people meet most, by the names `ffmpeg` gives them.
fn name_of_ffmpeg(codec: &str) -> String {
    match codec {
        "wmav1" | "wmav2" | "wmapro" | "wmavoice" | "wmalossless" => "WMA",
        "amrnb" | "amr_nb" => "AMR",
        "amrwb" | "amr_wb" => "AMR-WB",
        "ac3" => "AC-3",
        "eac3" => "E-AC-3",
        "dts" => "DTS",
        "mp3" | "mp3float" => "MP3",
        "mp2" | "mp2float" => "MP2",
        "aac" | "aac_latm" => "AAC",
        "opus" => "Opus",
        "vorbis" => "Vorbis",
        "flac" => "FLAC",
        "alac" => "Apple Lossless",
        "wavpack" => "WavPack",
        "ape" => "Monkey's Audio",
        "tta" => "True Audio",
        "speex" => "Speex",
        other if other.starts_with("pcm_") => "PCM",
        other if other.starts_with("adpcm_") => "ADPCM",
        other => return other.to_uppercase(),
    }
    .to_owned()
}
