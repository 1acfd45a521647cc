//! Decodes a file with an installed `ffmpeg`, and places its sound on our time line.
//!
//! `ffmpeg` writes every sample that it decodes, without filling gaps or cutting, and reports the timestamp of each
//! frame (filter `ashowinfo`). The [`Timeline`] decides what the timestamps mean, as for any file. There are no seek
//! marks: playback uses the seeking of `ffmpeg`. Where timestamps jumped they do not lead to a place
//! ([`is_corrected`](FfmpegDecoder::is_corrected)), and playback decodes the file from its start.

mod log;
pub(crate) mod process;

use crate::date;
use crate::error::MediaError;
use crate::native::{Losses, SourceInfo, Tags};
use crate::timeline::{Placement, SILENCE_RUN, Timeline};
use log::{FrameTime, InputDescription};
use process::{FfmpegOptions, FfmpegProcess};
use std::collections::VecDeque;
use std::path::Path;

/// Decodes the first audio stream of a file with `ffmpeg`: mono at the requested rate.
pub(crate) struct FfmpegDecoder {
    ffmpeg: FfmpegProcess,
    /// The usual name of the container.
    name: &'static str,
    description: InputDescription,
    /// Samples per second, as requested.
    rate: u32,
    timeline: Timeline,
    /// Decoded samples that have not been assigned to a frame.
    raw: Vec<f32>,
    /// Times of frames whose samples have not come.
    frame_times: VecDeque<FrameTime>,
    /// Length of the frames so far, in seconds.
    framed_seconds: f64,
    /// Number of samples assigned to these frames.
    framed_samples: u64,
    /// Sound that waits for its place on the time line, in the order in which the time line was given it.
    pending: VecDeque<Vec<f32>>,
    /// Samples of silence still to be given, before `sound`.
    silence: u64,
    /// Placed sound that has not been given.
    sound: Option<Vec<f32>>,
    /// What [`samples`](Self::samples) returns.
    samples: Vec<f32>,
    /// `ffmpeg` has ended.
    ended: bool,
    /// All its samples have been put into `pending`.
    drained: bool,
    /// Number of samples given.
    given: u64,
    /// Silence inserted between sound, in seconds.
    inserted: f64,
    /// Timestamp of the first sound, in seconds.
    first: Option<f64>,
}

impl FfmpegDecoder {
    /// Starts `program` on the file at `path`, and decodes the first sound. With `options.from_s` that is the first
    /// sound behind that time; [`first`](Self::first) says when it is.
    ///
    /// # Errors
    /// Why there is no sound.
    pub(crate) fn open(
        program: &Path,
        path: &Path,
        name: &'static str,
        demuxer: &str,
        options: FfmpegOptions,
    ) -> Result<Self, MediaError> {
        let mut ffmpeg = FfmpegProcess::start(program, path, demuxer, options)?;
        let mut begun = ffmpeg.next()?;
        let channels = ffmpeg.description().channels.filter(|channels| *channels > 2);
        if !begun && options.channel.is_none() && channels.is_some() {
            // For some numbers of channels `ffmpeg` has no layout, and cannot mix them without channel numbers.
            let options = FfmpegOptions { mean_of: channels, ..options };
            ffmpeg = FfmpegProcess::start(program, path, demuxer, options)?;
            begun = ffmpeg.next()?;
        }
        if !begun {
            return Err(ffmpeg.log().failure(name));
        }
        let placement = Placement { continuous: options.from_s > 0, ..Placement::default() };
        let mut decoder = Self {
            name,
            description: ffmpeg.description(),
            rate: options.rate,
            timeline: Timeline::new(placement),
            raw: ffmpeg.samples().to_vec(),
            frame_times: VecDeque::new(),
            framed_seconds: 0.0,
            framed_samples: 0,
            pending: VecDeque::new(),
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
        while decoder.pending.is_empty() && !decoder.drained {
            decoder.advance()?;
        }
        Ok(decoder)
    }

    /// Produces the next run of samples; `false` at the end.
    ///
    /// # Errors
    /// If `ffmpeg` hangs.
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        loop {
            self.samples.clear();
            if self.silence > 0 {
                let run = self.silence.min((SILENCE_RUN * f64::from(self.rate)) as u64 + 1);
                self.silence -= run;
                self.samples.resize(run as usize, 0.0);
            } else if let Some(sound) = self.sound.take() {
                self.samples = sound;
            } else if !self.place_next() {
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

    /// The samples of the last [`next`](Self::next).
    pub(crate) fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Samples per second, as requested.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// Timestamp of the first sound, in seconds.
    pub(crate) fn first(&self) -> f64 {
        self.first.unwrap_or(0.0)
    }

    /// Whether the time line moved sound away from its timestamps, so that these do not lead to it.
    pub(crate) fn is_corrected(&self) -> bool {
        self.timeline.has_moved() || self.inserted > 0.0
    }

    /// Places the first pending sound, if its place is known; `false` if not.
    fn place_next(&mut self) -> bool {
        let Some(fit) = self.timeline.next_fit(self.drained) else { return false };
        let Some(mut sound) = self.pending.pop_front() else { return false };
        if self.given > 0 {
            self.inserted += fit.silence;
        }
        let frames = |seconds: f64| (seconds * f64::from(self.rate)).round();
        self.silence = frames(fit.silence) as u64;
        sound.drain(..(frames(fit.drop) as usize).min(sound.len()));
        self.sound = Some(sound);
        true
    }

    /// Queues the samples of one frame, or fetches more of them from `ffmpeg`.
    fn advance(&mut self) -> Result<(), MediaError> {
        let rate = f64::from(self.rate);
        if self.frame_times.is_empty() && !self.raw.is_empty() {
            self.frame_times = self.ffmpeg.take_frame_times();
            if self.frame_times.is_empty() {
                // `ffmpeg` does not report frames: all samples that came are one.
                let duration = self.raw.len() as f64 / rate;
                self.frame_times.push_back(FrameTime { at: f64::NAN, duration });
            }
        }
        if let Some(FrameTime { at, duration }) = self.frame_times.front().copied() {
            let end = ((self.framed_seconds + duration) * rate).round() as u64;
            let len = usize::try_from(end.saturating_sub(self.framed_samples)).unwrap_or(usize::MAX);
            if len <= self.raw.len() || self.ended {
                self.frame_times.pop_front();
                self.framed_seconds += duration;
                let len = len.min(self.raw.len());
                self.framed_samples += len as u64;
                self.queue_sound(at - self.description.start, len);
                return Ok(());
            }
        }
        if self.ended {
            // Resampling in `ffmpeg` gave a few samples more than the frames have.
            let left = self.raw.len();
            self.queue_sound(f64::NAN, left);
            self.drained = true;
        } else if self.ffmpeg.next()? {
            self.raw.extend_from_slice(self.ffmpeg.samples());
        } else {
            self.ended = true;
        }
        Ok(())
    }

    /// Queues the first `len` raw samples, which have the timestamp `at`, in seconds.
    fn queue_sound(&mut self, at: f64, len: usize) {
        if len == 0 {
            return;
        }
        if at.is_finite() {
            self.first.get_or_insert(at);
        }
        let sound = self.raw.drain(..len);
        if self.timeline.push_sound(at, len as f64 / f64::from(self.rate), true)
            && let Some(last) = self.pending.back_mut()
        {
            last.extend(sound);
        } else {
            self.pending.push_back(sound.collect());
        }
    }

    /// Facts about the file, as `ffmpeg` reports them.
    pub(crate) fn info(&self) -> SourceInfo {
        let description = self.description.clone();
        let mut tags = Tags::default();
        if let Some(title) = &description.title {
            tags.add_title(title);
        }
        tags.add_date(description.date.as_deref().and_then(date::parse));
        SourceInfo {
            container: self.name,
            codec: description.codec.as_deref().map_or_else(|| self.name.to_owned(), codec_name),
            sample_rate: description.sample_rate.unwrap_or(0),
            channels: description.channels.unwrap_or(0),
            duration: description.duration_ms.map(|ms| f64::from(ms) / 1000.0),
            tags,
        }
    }

    /// Number of audio streams in the file.
    pub(crate) fn streams(&self) -> usize {
        self.description.streams
    }

    /// What is missing or damaged. `ended` says that everything has been given.
    pub(crate) fn losses(&self, ended: bool) -> Losses {
        let read = self.given as f64 / f64::from(self.rate);
        let stated = self.description.duration_ms.map_or(0.0, |ms| f64::from(ms) / 1000.0);
        // The stated length may be that of a picture, which goes on behind the sound.
        let short = !self.description.has_other_streams && stated - read > 1.0 + stated * 0.01;
        let damaged = self.ffmpeg.log().errors > 0;
        Losses {
            ends_early: ended && (short || self.ffmpeg.has_failed()),
            damaged,
            lost: if damaged { self.inserted } else { 0.0 },
        }
    }
}

/// The usual name of a codec, by the name that `ffmpeg` gives it.
fn codec_name(codec: &str) -> String {
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
