//! Sound decoded in this process.

mod codecs;
mod company;
mod enter;
mod frames;
mod guard;
mod prepare;
mod tags;

use crate::containers::matroska::{self, Clusters, Next};
use crate::containers::mp4::{self, Piece};
use crate::error::MediaError;
use crate::index::{MOST_MARKS, Mark, Marks, checksum};
use crate::mono;
use crate::resample::RATES;
use crate::sniff::Container;
use crate::source::{FileSource, Patch, Position, View};
use crate::timeline::{Fit, Placement, SILENCE_RUN, Timeline};
use codecs::Choice;
use company::Company;
use frames::FramesReader;
use guard::{Failure, guard};
use prepare::{Prepared, ogg_placement};
use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Duration;
use transcript::SAMPLE_RATE;

pub(crate) use tags::Tags;

/// Packets in a row that may give nothing before the rest of the file is given up.
const MOST_FAILURES: u32 = 2_000;
/// Panics of decoder or demuxer that are survived per file.
const MOST_PANICS: u32 = 100;
/// No packet of any codec lasts longer, in seconds: FLAC's longest has 65535 frames. What claims more is not believed.
const LONGEST_PACKET: f64 = 10.0;
/// A stated duration may exceed what was read by this, plus half a percent, in seconds.
const SLACK: f64 = 0.75;
/// Elements of Matroska gone through for one mark: an hour of film between two of them has some 500,000.
const MOST_ELEMENTS: usize = 20_000;

/// What was found out about a file before decoding.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) container: &'static str,
    pub(crate) codec: String,
    pub(crate) sample_rate: u32,
    pub(crate) channels: u16,
    /// Seconds, as stated or estimated.
    pub(crate) duration: Option<f64>,
    pub(crate) tags: Tags,
}

/// How to open a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Wish {
    /// Keep titles and dates. Otherwise they are skipped where possible, and pictures with them.
    pub(crate) tags: bool,
    /// Accept AAC's core without its spectral band replication: sound up to about half the band.
    pub(crate) core_only: bool,
    /// Give this channel of the track, counted from 0, and not the mean of all.
    pub(crate) channel: Option<u16>,
    /// This track, by its number in the demuxer, and not the one that players take. It may have no sound.
    pub(crate) track: Option<u32>,
}

/// What is missing or wrong in what was given.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Losses {
    /// The file ended, or could not be read on, before it was due.
    pub(crate) ends_early: bool,
    /// Something in between was damaged.
    pub(crate) damaged: bool,
    /// How much of it, in seconds, where known.
    pub(crate) lost: f64,
}

/// What was opened, so that it can be opened again.
struct Origin {
    file: File,
    len: u64,
    start: u64,
    wish: Wish,
    /// How the demuxer sees it.
    view: View,
    /// Makes the size of a Matroska file unknown.
    unsized_whole: Option<Patch>,
}

/// A decoder on one track of one file.
pub(crate) struct Native {
    container: Container,
    origin: Origin,
    format: Box<dyn FormatReader>,
    choice: Choice,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Seconds per unit of its timestamps.
    tick: f64,
    timeline: Timeline,
    /// Pieces of the track that are heard, by its edit list; empty if all of it is.
    pieces: Vec<Piece>,
    /// The tracks of an MP4 file that is made of fragments; empty for all others.
    fragments: Vec<mp4::Track>,
    /// The packet that was decoded last, channel by channel.
    decoded: Vec<Vec<f32>>,
    /// Channels that are decoded as one, and samples of a frame that is not complete.
    folded: Option<u16>,
    unfinished: Vec<f32>,
    /// What waits for its place on the time line, in the order in which that was told.
    waiting: VecDeque<Run>,
    /// Used buffers of runs.
    spare: Vec<Vec<f32>>,
    mono: Vec<f32>,
    /// Sample rate of `mono`, or before there is any, that of the header.
    rate: u32,
    /// Silence still to be given, in frames at `rate`.
    silence: u64,
    /// `mono` has not been given yet.
    held: bool,
    zeros: Vec<f32>,
    current: Current,
    /// How far the file has been read, which is ahead of what the demuxer gives.
    position: Position,
    /// What was given so far.
    tally: Tally,
    marks: Marks,
    /// How many streams followed the first one in the same file.
    section: u32,
    clusters: Option<Clusters>,
    /// What the demuxer of Matroska subtracts from timestamps, in seconds.
    codec_delay: f64,
    end: Stated,
    /// Tracks of sound in the file.
    sound_tracks: usize,
    /// Those that belong together, the own among them.
    company: Option<Company>,
    ended: bool,
    /// The end of the file was reached, and not yet compared with what was stated.
    unchecked: bool,
    /// Timestamp of the last packet of any track, in seconds.
    last_read: f64,
    /// The last cluster or appended file of Matroska where reading began that did not begin at the start.
    went_on: u64,
    /// Timestamp of the first packet of an Opus stream in Ogg, if it is less than 0; `None` before there is one.
    before: Option<i64>,
    /// What is to be left out of the end of the packet, if it is the last.
    padding: Duration,
    /// The next sound is the first behind damage.
    behind_damage: bool,
    /// There was sound.
    heard: bool,
    /// Packets in a row that gave nothing.
    failures: u32,
    panics: u32,
    /// Bytes of packets that were not decoded.
    passed: u64,
    losses: Losses,
    about: About,
}

/// What was decoded, or lost, and waits for its place.
struct Run {
    rate: u32,
    /// Mono; nothing if it was lost.
    samples: Vec<f32>,
    /// Silence that belongs before it stands for sound that was lost.
    behind_damage: bool,
    /// Samples to be left out of its end, if nothing follows.
    padding: usize,
}

/// What [`Native::samples`] shows.
#[derive(Debug, Clone, Copy)]
enum Current {
    Silence(usize),
    Sound,
}

/// When the file should end.
#[derive(Debug, Clone, Copy, Default)]
struct Stated {
    /// Seconds, if the header knows and does not guess.
    duration: Option<f64>,
    /// The duration is that of all tracks, so another track may explain it.
    of_media: bool,
    /// End of the last packet of any track, in seconds.
    seen: f64,
}

/// Counts frames at the rate of the first of them.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// 0 before there is any.
    rate: u32,
    /// Of earlier runs.
    before: u64,
    /// Of the run that goes on, at its own rate.
    run: u64,
    run_rate: u32,
}

impl Tally {
    fn add(&mut self, rate: u32, frames: u64) {
        if self.rate == 0 {
            self.rate = rate;
        }
        if self.run_rate != rate {
            *self = Self { rate: self.rate, before: self.position(), run: 0, run_rate: rate };
        }
        self.run = self.run.saturating_add(frames);
    }

    /// Frames in all.
    fn position(&self) -> u64 {
        let run = match self.run_rate {
            0 => 0,
            same if same == self.rate => self.run,
            other => {
                let exact = u128::from(self.run) * u128::from(self.rate) + u128::from(other / 2);
                u64::try_from(exact / u128::from(other)).unwrap_or(u64::MAX)
            }
        };
        self.before.saturating_add(run)
    }
}

impl Native {
    /// Opens the file, chooses a track and decodes until there is sound. A track that was asked for is not decoded yet: it
    /// may begin hours later.
    ///
    /// # Errors
    /// `NeedsFfmpeg` if the container is readable but the codec is not decoded here; else why there is no sound.
    pub(crate) fn open(
        file: File,
        len: u64,
        start: u64,
        container: Container,
        wish: Wish,
    ) -> Result<Self, MediaError> {
        let prepared = Prepared::new(&file, len, start, container, wish)?;
        let again = || file.try_clone().map_err(MediaError::Io);
        let source = FileSource::new(again()?, len, prepared.view.clone()).map_err(MediaError::Io)?;
        let mut position = source.position();
        let mut tags = Tags::default();
        let mut format = match container {
            Container::Mpeg(_) => {
                if wish.tags
                    && let Ok(mut tagged) = demuxer(source)
                {
                    tags.read(&mut *tagged);
                }
                position = Position::default();
                frames(again()?, len, prepared.first_frame, None, &position)
            }
            _ => demuxer(source),
        }
        .map_err(|failure| prepared.refusal(failure))?;
        if wish.tags {
            tags.read(&mut *format);
        }
        prepared.add_dates(&mut tags);

        let (track, choice, decoder) = prepared.choose(&*format, wish)?;
        let id = track.id;
        let tick = track.time_base.map_or(0.0, f64::from);
        let end = prepared.stated(&track, &*format, tick);
        let about = About {
            container: container.name(),
            codec: choice.name(container),
            sample_rate: choice.params().sample_rate.unwrap_or(0),
            channels: choice
                .params()
                .channels
                .as_ref()
                .map_or(0, |c| u16::try_from(c.count()).unwrap_or(u16::MAX)),
            duration: prepared.duration(&track, &*format, tick),
            tags,
        };
        let sound_tracks = prepared.sound_tracks(&*format);
        let together = prepared.together(&*format, wish);
        let moved = |track: &Track| prepared.moved(track);
        let company = Company::new(&together, format.tracks(), moved, prepared.end(&*format, len));
        let unfolded = |rate: u32| rate / u32::from(prepared.folded().unwrap_or(1));
        let rate =
            choice.params().sample_rate.map(unfolded).filter(|r| RATES.contains(r)).unwrap_or(SAMPLE_RATE);
        let placement = prepared.placement(&track, format.tracks().len(), company.is_some());
        let pieces = prepared.pieces(&track);
        let fragments = prepared.fragments().map(|movie| movie.tracks.clone()).unwrap_or_default();
        let clusters = prepared.matroska.body.map(Clusters::new);
        let unsized_whole = prepared.matroska.unsized_whole.clone();
        let origin = Origin { file, len, start, wish, view: prepared.view.clone(), unsized_whole };
        let mut native = Self {
            container,
            origin,
            format,
            choice,
            decoder,
            track: id,
            tick,
            timeline: Timeline::new(placement),
            pieces,
            fragments,
            decoded: Vec::new(),
            folded: prepared.folded(),
            unfinished: Vec::new(),
            waiting: VecDeque::new(),
            spare: Vec::new(),
            mono: Vec::new(),
            rate,
            silence: 0,
            held: false,
            zeros: Vec::new(),
            current: Current::Sound,
            position,
            tally: Tally::default(),
            marks: Marks::new(most_marks(if company.is_some() { sound_tracks } else { 1 })),
            section: 0,
            clusters,
            codec_delay: prepared.codec_delay(),
            end,
            sound_tracks,
            company,
            ended: false,
            unchecked: false,
            last_read: 0.0,
            went_on: 0,
            before: None,
            padding: Duration::ZERO,
            behind_damage: false,
            heard: false,
            failures: 0,
            panics: 0,
            passed: 0,
            losses: Losses { ends_early: prepared.cut, damaged: prepared.is_damaged(), lost: 0.0 },
            about,
        };
        if wish.track.is_none() {
            native.start()?;
        }
        Ok(native)
    }

    /// Opens one of the tracks that belong [`together`](Self::together) with this one. `file` is the same one, opened
    /// anew: who has a clone of it moves its cursor.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn open_track(&self, file: File, track: u32) -> Result<Self, MediaError> {
        let Origin { len, start, wish, .. } = self.origin;
        Self::open(file, len, start, self.container, Wish { track: Some(track), ..wish })
    }

    /// The tracks that belong together, in the order of the file; empty if there is only this one.
    pub(crate) fn together(&self) -> Vec<u32> {
        self.company.as_ref().map(Company::tracks).unwrap_or_default()
    }

    /// What was found out when opening.
    pub(crate) fn about(&self) -> &About {
        &self.about
    }

    /// How many tracks of sound the file has.
    pub(crate) fn sound_tracks(&self) -> usize {
        self.sound_tracks
    }

    /// Whether the stated length is an estimate from a few bitrates, or missing.
    pub(crate) fn length_is_a_guess(&self) -> bool {
        let counted = !matches!(self.container, Container::Mpeg(stream) if !stream.counted);
        !counted || self.about.duration.is_none()
    }

    /// What was lost so far; all of it after the end.
    pub(crate) fn losses(&self) -> Losses {
        self.losses
    }

    /// The samples of the last [`next`](Self::next): mono at [`rate`](Self::rate).
    pub(crate) fn samples(&self) -> &[f32] {
        match self.current {
            Current::Silence(n) => &self.zeros[..n],
            Current::Sound => &self.mono,
        }
    }

    /// Sample rate of the last run. It may change from run to run.
    pub(crate) fn rate(&self) -> u32 {
        self.rate
    }

    /// Frames given so far, at the rate of the first of them.
    pub(crate) fn position(&self) -> u64 {
        self.tally.position()
    }

    /// Where to enter what was read so far.
    pub(crate) fn marks(&self) -> &[Mark] {
        self.marks.all()
    }

    /// Decodes on; `false` at the end.
    ///
    /// # Errors
    /// Only if the disk fails. Damage is skipped, see [`losses`](Self::losses).
    pub(crate) fn next(&mut self) -> Result<bool, MediaError> {
        loop {
            if self.silence > 0 {
                let most = (f64::from(self.rate) * SILENCE_RUN) as u64;
                let n = self.silence.min(most.max(1));
                self.silence -= n;
                self.zeros.resize(self.zeros.len().max(n as usize), 0.0);
                self.current = Current::Silence(n as usize);
                self.tally.add(self.rate, n);
                return Ok(true);
            }
            if self.held {
                self.held = false;
                self.current = Current::Sound;
                self.tally.add(self.rate, self.mono.len() as u64);
                return Ok(true);
            }
            if self.settle(self.ended) {
                continue;
            }
            if self.ended {
                self.compare_with_header();
                return Ok(false);
            }
            self.advance()?;
        }
    }

    /// Decodes until there is sound, so that a file without any is refused when it is opened.
    pub(crate) fn start(&mut self) -> Result<(), MediaError> {
        while !self.heard {
            if !self.settle(self.ended) {
                if self.ended {
                    break;
                }
                self.advance()?;
            }
        }
        if self.heard {
            // The decoder knows better than the header.
            self.about.sample_rate = self.rate;
            Ok(())
        } else if self.losses.damaged || self.losses.ends_early {
            Err(MediaError::damaged("not one packet could be decoded"))
        } else {
            Err(MediaError::NoSamples)
        }
    }

    /// One packet further: leaves silence, sound, or neither to be given.
    fn advance(&mut self) -> Result<(), MediaError> {
        match self.fetch()? {
            Some(packet) => {
                self.mark(&packet)?;
                self.decode(packet)
            }
            None => Ok(()),
        }
    }

    /// The next packet of the track. `None` if something else came, or the end.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn fetch(&mut self) -> Result<Option<Packet>, MediaError> {
        let mut packet = match guard(|| self.format.next_packet()) {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                if !self.go_on_behind(false)? {
                    self.finish();
                }
                return Ok(None);
            }
            Err(Failure::Reset) => {
                self.restart();
                return Ok(None);
            }
            Err(Failure::Io(error)) => return Err(MediaError::Io(error)),
            Err(Failure::EndOfFile | Failure::Malformed(_) | Failure::Panic)
                if self.go_on_behind(true)? =>
            {
                return Ok(None);
            }
            Err(Failure::EndOfFile) => {
                // These are read to where the file ends, whatever their header says; that was looked at when opening.
                self.losses.ends_early |= !matches!(self.container, Container::Wave | Container::Matroska);
                self.finish();
                return Ok(None);
            }
            Err(Failure::Malformed(detail) | Failure::Unsupported(detail)) => {
                tracing::debug!(detail, "demuxer skipped damage");
                self.losses.damaged = true;
                self.fail();
                return Ok(None);
            }
            // What state it left the demuxer in, nobody knows.
            Err(Failure::Panic) => {
                tracing::debug!("demuxer panicked");
                self.losses.ends_early = true;
                self.ended = true;
                return Ok(None);
            }
        };
        if let Some(track) = self.fragments.iter().find(|track| track.id == packet.track_id) {
            self.behind_damage |= packet.track_id == self.track && track.is_behind_loss(packet.pts.get());
            packet.pts = track.stated(packet.pts.get()).into();
        }
        if let Some(company) = &mut self.company {
            company.hear(&packet);
        }
        self.last_read = packet.pts.get() as f64 * self.tick_of(packet.track_id);
        if packet.track_id != self.track {
            let end = packet.pts.saturating_add(packet.dur).get() as f64 * self.tick_of(packet.track_id);
            self.end.seen = self.end.seen.max(end);
            return Ok(None);
        }
        Ok(Some(packet))
    }

    /// Goes on in a Matroska file where the demuxer cannot: behind damage, and where a file was appended. `false` if there
    /// is nothing more.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn go_on_behind(&mut self, damaged: bool) -> Result<bool, MediaError> {
        let Some(mut clusters) = self.clusters.clone() else { return Ok(false) };
        let unit = self.format.media_info().time_base.map_or(0.0, f64::from);
        let stated = self.last_read + self.codec_delay;
        let moment = (stated.max(0.0) / unit.max(1e-12)).ceil() as u64;
        let file = &self.origin.file;
        let last = clusters.before(file, moment, usize::MAX).map_err(MediaError::Io)?;
        let from = last.unwrap_or(self.origin.start).max(self.went_on) + 1;
        let (offset, went_on) = match matroska::next(file, from).map_err(MediaError::Io)? {
            // That at the very start is where reading began.
            Some(Next::Cluster(offset)) if last.is_some() => {
                let began = self.begin_at_cluster(offset)?;
                self.renew_decoder();
                (offset, began)
            }
            Some(Next::File(offset)) if self.begin_file(offset)? => {
                self.went_on = offset;
                return Ok(true);
            }
            Some(Next::File(offset)) => (offset, false),
            Some(Next::Cluster(_)) | None => return Ok(false),
        };
        self.went_on = offset;
        self.losses.damaged |= damaged || !went_on;
        self.behind_damage = went_on;
        Ok(went_on)
    }

    /// Begins with the file that was appended at this byte. `false` if there is nothing to be heard in it.
    fn begin_file(&mut self, start: u64) -> Result<bool, MediaError> {
        let Origin { len, wish, .. } = self.origin;
        let prepared = Prepared::new(&self.origin.file, len, start, self.container, wish);
        let Ok(prepared) = prepared else { return Ok(false) };
        let source = self.source(prepared.view.clone()).map_err(MediaError::Io)?;
        let position = source.position();
        let Ok(format) = demuxer(source) else { return Ok(false) };
        self.format = format;
        self.position = position;
        self.clusters = prepared.matroska.body.map(Clusters::new);
        self.codec_delay = prepared.codec_delay();
        self.origin.view = prepared.view;
        self.origin.unsized_whole = prepared.matroska.unsized_whole;
        self.restart();
        Ok(true)
    }

    /// Frames at `rate` that last so many units of the track's timestamps.
    fn frames_in(&self, units: Duration, rate: u32) -> usize {
        (units.get() as f64 * self.tick * f64::from(rate)).round() as usize
    }

    /// Seconds per unit of the timestamps of any track.
    fn tick_of(&self, track: u32) -> f64 {
        let track = self.format.tracks().iter().find(|t| t.id == track);
        track.and_then(|t| t.time_base).map_or(0.0, f64::from)
    }

    /// # Errors
    /// Only if the disk fails.
    fn decode(&mut self, mut packet: Packet) -> Result<(), MediaError> {
        self.trim_sanely(&mut packet);
        let at = self.timestamp(&packet);
        let duration = packet.dur.get() as f64 * self.tick;
        // An empty packet means "conceal a loss" to Opus, for as long as its buffer is.
        if packet.data.is_empty() {
            // Frames without a container stand for what was between them.
            if matches!(self.container, Container::Mpeg(_)) {
                self.lose(at, duration);
            }
            self.fail();
            return Ok(());
        }
        let decoder = &mut self.decoder;
        let channels = &mut self.decoded;
        let decoded = guard(|| {
            let buffer = decoder.decode(&packet)?;
            buffer.copy_to_vecs_planar::<f32>(channels);
            Ok((buffer.spec().rate(), buffer.frames()))
        });
        let decoded = match self.folded {
            Some(channels) => decoded.map(|(rate, frames)| self.unfold(rate, frames, channels)),
            None => decoded,
        };
        let refused = match decoded {
            Ok((_, 0)) => {
                self.fail();
                return Ok(());
            }
            Ok((rate, _)) if RATES.contains(&rate) && !self.decoded.is_empty() => {
                self.accept(at, rate);
                return Ok(());
            }
            Ok(_) => "impossible sample rate",
            Err(Failure::Io(error)) => return Err(MediaError::Io(error)),
            Err(Failure::EndOfFile) => "packet too short",
            Err(Failure::Malformed(detail) | Failure::Unsupported(detail)) => detail,
            Err(Failure::Reset) => {
                self.decoder.reset();
                "reset"
            }
            Err(Failure::Panic) => {
                self.panics += 1;
                self.renew_decoder();
                "panic"
            }
        };
        tracing::debug!(detail = refused, "packet skipped");
        // MP3 and AAC cannot decode their first packet when the start of the stream was cut off; nothing is lost then.
        if self.heard {
            self.lose(at, if duration <= LONGEST_PACKET { duration } else { 0.0 });
        }
        self.fail();
        Ok(())
    }

    /// Takes what was decoded as one channel for what it is: one sample of each of `channels` in turn. Returns rate
    /// and frames. What does not make a whole frame is left to the next packet.
    fn unfold(&mut self, rate: u32, samples: usize, channels: u16) -> (u32, usize) {
        if let Some(only) = self.decoded.first() {
            self.unfinished.extend_from_slice(only);
        }
        let channels = usize::from(channels);
        let frames = self.unfinished.len() / channels;
        let whole = self.unfinished.drain(..frames * channels);
        let whole = whole.as_slice();
        self.decoded = (0..channels)
            .map(|channel| whole.iter().skip(channel).step_by(channels).copied().collect())
            .collect();
        // A packet with less than one frame is not a failed one.
        (rate / channels as u32, frames.max(usize::from(samples > 0)))
    }

    /// Mixes what was decoded and lets it wait for its place.
    fn accept(&mut self, at: f64, rate: u32) {
        let mut mono = self.spare.pop().unwrap_or_default();
        match self.origin.wish.channel {
            Some(wanted) => mono::pick(&mut self.decoded, usize::from(wanted), &mut mono),
            None => mono::mix(&mut self.decoded, &mut mono),
        }
        self.failures = 0;
        if !self.heard {
            self.about.channels = u16::try_from(self.decoded.len()).unwrap_or(u16::MAX);
        }
        if self.pieces.is_empty() {
            self.hear(at, rate, mono);
            return;
        }
        for piece in 0..self.pieces.len() {
            let (at, range) = self.pieces[piece].of(at, mono.len(), rate);
            if !range.is_empty() {
                let mut part = self.spare.pop().unwrap_or_default();
                part.clear();
                part.extend_from_slice(&mono[range]);
                self.hear(at, rate, part);
            }
        }
        self.spare.push(mono);
    }

    /// Sound with this timestamp waits for its place.
    fn hear(&mut self, at: f64, rate: u32, samples: Vec<f32>) {
        self.stay_together();
        let padding = self.frames_in(self.padding, rate);
        let may_join = self.waiting.back().is_some_and(|last| last.rate == rate && last.padding == 0);
        let duration = samples.len() as f64 / f64::from(rate);
        let is_one = self.timeline.hear(at - self.closed(), duration, may_join);
        if let Some(last) = self.waiting.back_mut().filter(|_| is_one) {
            last.samples.extend_from_slice(&samples);
            last.padding = padding;
            last.behind_damage |= std::mem::take(&mut self.behind_damage);
            self.spare.push(samples);
            return;
        }
        let behind_damage = std::mem::take(&mut self.behind_damage);
        self.waiting.push_back(Run { rate, samples, behind_damage, padding });
    }

    /// Silence is believed as far as the tracks that belong together have come.
    fn stay_together(&mut self) {
        if let Some(company) = &self.company {
            self.timeline.has_reached(company.reached());
        }
    }

    /// Puts what has waited longest in its place, if that is known by now: leaves silence, sound, or neither to be given.
    /// With `all`, nothing that comes is waited for.
    fn settle(&mut self, all: bool) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        if first.padding > 0 && self.waiting.len() == 1 && !all {
            return false;
        }
        let Some(fit) = self.timeline.settle(all) else { return false };
        let Some(mut run) = self.waiting.pop_front() else { return false };
        if self.waiting.is_empty() && self.ended {
            run.samples.truncate(run.samples.len().saturating_sub(run.padding));
        }
        let keep = self.put(fit, run.rate, run.samples.len());
        // These leave out nothing by intention; Matroska and MP4 may pause.
        let is_whole = matches!(self.container, Container::Flac | Container::Ogg);
        if run.behind_damage || (is_whole && fit.silence > 0.0 && self.heard) {
            self.losses.damaged = true;
            self.losses.lost += fit.silence;
        }
        let old = std::mem::replace(&mut self.mono, run.samples);
        self.spare.push(old);
        self.mono.truncate(keep.end);
        self.mono.drain(..keep.start);
        self.held = !self.mono.is_empty();
        self.heard |= self.held;
        true
    }

    /// Leaves the silence to be given that belongs before `len` frames, and says which of these to keep.
    fn put(&mut self, fit: Fit, rate: u32, len: usize) -> Range<usize> {
        let frames = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        if rate != self.rate {
            // Silence that is still waiting was counted at the old rate.
            self.silence = (self.silence as f64 * f64::from(rate) / f64::from(self.rate)) as u64;
            self.rate = rate;
        }
        self.silence += frames(fit.silence) as u64;
        frames(fit.drop).min(len)..len
    }

    /// Taken out of the timestamps of all tracks that belong together, in seconds.
    fn closed(&self) -> f64 {
        self.company.as_ref().map_or(0.0, |company| company.clock.closed)
    }

    /// Sound of this length, with this timestamp, is not there: silence stands for it.
    fn lose(&mut self, at: f64, seconds: f64) {
        self.losses.damaged = true;
        let of_piece = |piece: &Piece| (at + seconds).min(piece.to) - at.max(piece.from);
        let heard = match &*self.pieces {
            [] => seconds,
            pieces => pieces.iter().map(of_piece).filter(|seconds| *seconds > 0.0).sum(),
        };
        self.stay_together();
        self.timeline.lose(heard);
        self.waiting.push_back(Run { rate: self.rate, samples: Vec::new(), behind_damage: true, padding: 0 });
    }

    /// A packet gave nothing; too many of them end the file.
    fn fail(&mut self) {
        self.failures += 1;
        if self.failures > MOST_FAILURES {
            self.losses.ends_early = true;
            self.ended = true;
        }
    }

    fn renew_decoder(&mut self) {
        match self.choice.decoder() {
            Some(decoder) if self.panics <= MOST_PANICS => self.decoder = decoder,
            _ => {
                self.losses.ends_early = true;
                self.ended = true;
            }
        }
    }

    /// Another stream begins in the same file, as in joined files. Its parameters may differ.
    fn restart(&mut self) {
        self.section += 1;
        if !self.take_track() {
            self.losses.damaged = true;
        }
        // The header that stated a duration was about the first part only.
        self.end.duration = None;
        // Damage can look like a new stream over and over.
        self.fail();
    }

    /// Takes the track that the demuxer now has, with timestamps of its own. `false` if none can be decoded.
    fn take_track(&mut self) -> bool {
        let wish = Wish { tags: false, core_only: true, ..self.origin.wish };
        let chosen = codecs::choose(self.format.tracks(), self.format.default_track(TrackType::Audio), wish);
        let Some((track, choice, decoder)) = chosen else { return false };
        self.track = track.id;
        self.tick = track.time_base.map_or(0.0, f64::from);
        let placement = match self.container {
            Container::Ogg => ogg_placement(&track),
            Container::Mpeg(_) => Placement { continuous: true, ..Placement::default() },
            _ => Placement { from_first: true, ..Placement::default() },
        };
        self.timeline.restart(placement);
        self.before = None;
        self.choice = choice;
        self.decoder = decoder;
        true
    }

    /// The demuxer has nothing more.
    fn finish(&mut self) {
        self.ended = true;
        self.unchecked = true;
    }

    /// Compares what was read to the end with what the header stated.
    fn compare_with_header(&mut self) {
        if !std::mem::take(&mut self.unchecked) {
            return;
        }
        let read = self.timeline.cursor();
        let reached = if self.end.of_media { read.max(self.end.seen) } else { read };
        if let Some(stated) = self.end.duration
            && stated - reached > SLACK + stated * 0.005
        {
            self.losses.ends_early = true;
        }
    }

    /// Corrects what demuxers trim.
    ///
    /// That of Ogg cuts wherever a page states a position that is earlier than its sound, as pages without a position do;
    /// only behind the last packet there may be padding.
    fn trim_sanely(&mut self, packet: &mut Packet) {
        self.padding = Duration::ZERO;
        if self.container == Container::Ogg {
            // Where it leaves nothing, the page has no position.
            self.padding = if packet.dur.is_zero() { Duration::ZERO } else { packet.trim_end };
            packet.dur = packet.dur.saturating_add(packet.trim_end);
            packet.trim_end = Duration::ZERO;
        }
        // Never by more than there is, whatever a granule position says.
        packet.trim_start = packet.trim_start.min(Duration::from(1_u64 << 20));
    }

    /// When the sound of a packet begins by its timestamp, in seconds.
    ///
    /// An Opus stream in Ogg begins at 0 with what its encoder put in front (RFC 7845, 4.3), whatever its first page says.
    fn timestamp(&mut self, packet: &Packet) -> f64 {
        let pts = packet.pts.get();
        let before = *self.before.get_or_insert(match self.container {
            Container::Ogg if self.choice.is_opus() => pts.min(0),
            _ => 0,
        });
        (pts.saturating_sub(before) as f64 + packet.trim_start.get() as f64) * self.tick
    }

    /// Remembers the state in front of `packet`, if it is time to.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn mark(&mut self, packet: &Packet) -> Result<(), MediaError> {
        let position = self.tally.position();
        let waiting = self.silence > 0 || self.held || !self.heard || !self.waiting.is_empty();
        if waiting || packet.data.is_empty() || !self.marks.is_due(position, self.tally.rate) {
            return Ok(());
        }
        let offset = match self.container {
            Container::Matroska => {
                let at = packet.pts.get() as f64 * self.tick;
                self.cluster_before(at, MOST_ELEMENTS)
            }
            _ => Ok(Some(self.position.get().min(self.origin.len))),
        };
        let Some(offset) = offset.map_err(MediaError::Io)? else { return Ok(()) };
        let state = self.timeline.state();
        let mark = Mark {
            position,
            section: self.section,
            pts: packet.pts.get(),
            crc: checksum(&packet.data),
            offset,
            rate: self.rate,
            state,
            clock: self.company.as_ref().map(|company| company.clock).unwrap_or_default(),
        };
        self.marks.add(mark, self.tally.rate);
        Ok(())
    }
}

/// How many marks are kept of each of so many tracks: all of them together stay within a bound.
fn most_marks(tracks: usize) -> usize {
    (2 * MOST_MARKS / tracks.max(1)).min(MOST_MARKS)
}

/// A demuxer of frames without a container that begins at byte `base` of the file; see [`FramesReader::new`].
fn frames(
    file: File,
    len: u64,
    base: u64,
    first: Option<i64>,
    position: &Position,
) -> Result<Box<dyn FormatReader>, Failure> {
    let view = View { start: base, ..View::default() };
    let source = FileSource::new(file, len, view).map_err(Failure::Io)?;
    guard(|| {
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        let reader: Box<dyn FormatReader> =
            Box::new(FramesReader::new(stream, base, len, first, position.clone())?);
        Ok(reader)
    })
}

/// A demuxer on what `source` shows, whatever it is.
fn demuxer(source: FileSource) -> Result<Box<dyn FormatReader>, Failure> {
    guard(|| {
        let stream = MediaSourceStream::new(Box::new(source), Default::default());
        symphonia::default::get_probe().probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
    })
}
