//! Sound decoded in this process.

mod codecs;
mod company;
mod enter;
mod guard;
mod prepare;
mod tags;

use crate::containers::matroska::Clusters;
use crate::error::MediaError;
use crate::index::{MOST_MARKS, Mark, Marks, checksum};
use crate::mono;
use crate::resample::RATES;
use crate::sniff::Container;
use crate::source::{FileSource, Patch, Position, View, read_at};
use crate::timeline::Timeline;
use codecs::Choice;
use company::Company;
use guard::{Failure, guard};
use prepare::{Prepared, STRIDE, ogg_placement};
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
/// Silence given at once, in seconds.
const SILENCE_RUN: f64 = 0.25;
/// A stated duration may exceed what was read by this, plus half a percent, in seconds.
const SLACK: f64 = 0.75;
/// Bytes between two bare frames that are no loss: room for [`STRIDE`] and a header.
const BETWEEN_FRAMES: u64 = 2 * STRIDE as u64;
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
    interleaved: Vec<f32>,
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
    frames: Option<Frames>,
    end: Stated,
    /// Tracks of sound in the file.
    sound_tracks: usize,
    /// Those that belong together, the own among them.
    company: Option<Company>,
    ended: bool,
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

/// Where a stream of bare frames stands in its file.
struct Frames {
    /// Where the last frame ended, if there was one.
    last: Option<u64>,
    /// What of the last header tells sample rate and channels; nothing for ADTS, whose headers are not passed on.
    signal: Option<[u8; 3]>,
    adts: bool,
    file: File,
    /// Frames the header states, and how many of them are padding at the end.
    stated: u64,
    padding: u32,
    /// Added to timestamps, if the demuxer was started in the middle and counts from there.
    moved: Option<i64>,
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
        let frames_file = again()?;
        let source = FileSource::new(again()?, len, prepared.view.clone()).map_err(MediaError::Io)?;
        let position = source.position();
        let mut format = demuxer(source).map_err(|failure| prepared.refusal(failure))?;

        let mut tags = Tags::default();
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
        let rate = choice.params().sample_rate.filter(|r| RATES.contains(r)).unwrap_or(SAMPLE_RATE);
        let placement = prepared.placement(&track, format.tracks().len(), company.is_some());
        let frames = match container {
            Container::Mpeg(stream) => Some(Frames {
                last: None,
                signal: None,
                adts: stream.adts,
                file: frames_file,
                stated: track.num_frames.unwrap_or(u64::MAX),
                padding: track.padding.unwrap_or(0),
                moved: None,
            }),
            _ => None,
        };
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
            interleaved: Vec::new(),
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
            frames,
            end,
            sound_tracks,
            company,
            ended: false,
            heard: false,
            failures: 0,
            panics: 0,
            passed: 0,
            losses: Losses { ends_early: prepared.cut, ..Losses::default() },
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
            if self.ended {
                return Ok(false);
            }
            self.advance()?;
        }
    }

    /// Decodes until there is sound, so that a file without any is refused when it is opened.
    pub(crate) fn start(&mut self) -> Result<(), MediaError> {
        while !self.heard && !self.ended {
            self.advance()?;
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
                self.go_through(packet)
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
                self.finish();
                return Ok(None);
            }
            Err(Failure::Reset) => {
                self.restart();
                return Ok(None);
            }
            Err(Failure::Io(error)) => return Err(MediaError::Io(error)),
            Err(Failure::EndOfFile) => {
                // WAV is read to where the file ends, whatever its header says; that was looked at when opening.
                self.losses.ends_early |= self.container != Container::Wave;
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
        if let Some(company) = &mut self.company {
            company.hear(&packet);
        }
        if packet.track_id != self.track {
            let end = packet.pts.saturating_add(packet.dur).get() as f64 * self.tick_of(packet.track_id);
            self.end.seen = self.end.seen.max(end);
            return Ok(None);
        }
        if let Some(moved) = self.frames.as_ref().and_then(|frames| frames.moved) {
            packet.pts = packet.pts.get().saturating_add(moved).into();
        }
        Ok(Some(packet))
    }

    /// Puts what the packet holds, and what was lost in front of it, where it belongs.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn go_through(&mut self, packet: Packet) -> Result<(), MediaError> {
        let between = self.between_frames(&packet);
        if between > 0.0 {
            self.lose(between);
        }
        self.decode(packet)
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
        let at = (packet.pts.get() as f64 + packet.trim_start.get() as f64) * self.tick;
        let duration = packet.dur.get() as f64 * self.tick;
        // An empty packet means "conceal a loss" to Opus, for as long as its buffer is.
        if packet.data.is_empty() {
            self.fail();
            return Ok(());
        }
        if self.frames.as_mut().is_some_and(|frames| frames.changes(&packet.data)) {
            // The decoder keeps to the sample rate of its first packet; joined files may have several.
            self.renew_decoder();
        }
        let decoder = &mut self.decoder;
        let interleaved = &mut self.interleaved;
        let decoded = guard(|| {
            let buffer = decoder.decode(&packet)?;
            buffer.copy_to_vec_interleaved::<f32>(interleaved);
            Ok((buffer.spec().rate(), buffer.spec().channels().count(), buffer.frames()))
        });
        let refused = match decoded {
            Ok((_, _, 0)) => {
                self.fail();
                return Ok(());
            }
            Ok((rate, channels, _)) if RATES.contains(&rate) && channels > 0 => {
                self.accept(at, rate, channels);
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
            self.lose(if duration <= LONGEST_PACKET { duration } else { 0.0 });
        }
        self.fail();
        Ok(())
    }

    /// Mixes what was decoded and puts it where it belongs.
    fn accept(&mut self, at: f64, rate: u32, channels: usize) {
        match self.origin.wish.channel {
            Some(wanted) => mono::pick(&self.interleaved, channels, usize::from(wanted), &mut self.mono),
            None => mono::mix(&self.interleaved, channels, &mut self.mono),
        }
        self.failures = 0;
        if !self.heard {
            self.about.channels = u16::try_from(channels).unwrap_or(u16::MAX);
        }
        let keep = self.place(at, rate, self.mono.len());
        self.mono.truncate(keep.end);
        self.mono.drain(..keep.start);
        self.held = !self.mono.is_empty();
        self.heard |= self.held;
    }

    /// Finds the place of `len` frames on the time line: leaves silence to be given before them, and says which to keep.
    fn place(&mut self, at: f64, rate: u32, len: usize) -> Range<usize> {
        let frames = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        if let Some(company) = &self.company {
            self.timeline.has_reached(company.reached());
        }
        let fit = self.timeline.place(at - self.closed(), len as f64 / f64::from(rate));
        if rate != self.rate {
            // Silence that is still waiting was counted at the old rate.
            self.silence = (self.silence as f64 * f64::from(rate) / f64::from(self.rate)) as u64;
            self.rate = rate;
        }
        self.silence += frames(fit.silence) as u64;
        // These leave out nothing by intention; Matroska and MP4 may pause.
        if fit.silence > 0.0 && self.heard && matches!(self.container, Container::Flac | Container::Ogg) {
            self.losses.damaged = true;
            self.losses.lost += fit.silence;
        }
        let end = len - frames(fit.drop_end).min(len);
        frames(fit.drop).min(end)..end
    }

    /// Taken out of the timestamps of all tracks that belong together, in seconds.
    fn closed(&self) -> f64 {
        self.company.as_ref().map_or(0.0, |company| company.clock.closed)
    }

    /// Sound of this length is not there: silence stands for it.
    fn lose(&mut self, seconds: f64) {
        self.losses.damaged = true;
        let silence = self.timeline.lose(seconds);
        self.losses.lost += silence;
        self.silence += (silence * f64::from(self.rate)).round() as u64;
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

    /// Another stream begins in the same file, as in concatenated Ogg files. Its parameters may differ.
    fn restart(&mut self) {
        let wish = Wish { tags: false, core_only: true, ..self.origin.wish };
        let chosen = codecs::choose(self.format.tracks(), self.format.default_track(TrackType::Audio), wish);
        let Some((track, choice, decoder)) = chosen else {
            self.losses.damaged = true;
            self.fail();
            return;
        };
        self.section += 1;
        self.track = track.id;
        self.tick = track.time_base.map_or(0.0, f64::from);
        self.timeline.restart(ogg_placement(&track));
        self.choice = choice;
        self.decoder = decoder;
        // The header that stated a duration was about the first part only.
        self.end.duration = None;
        // Damage can look like a new stream over and over.
        self.fail();
    }

    /// The demuxer has nothing more: compares with what the header stated.
    fn finish(&mut self) {
        self.ended = true;
        let read = self.timeline.cursor();
        let reached = if self.end.of_media { read.max(self.end.seen) } else { read };
        if let Some(stated) = self.end.duration
            && stated - reached > SLACK + stated * 0.005
        {
            self.losses.ends_early = true;
        }
    }

    /// Corrects what demuxers of bare frames trim.
    ///
    /// They cut at the duration of the header, which is an estimate for files without a count, and that of the first
    /// part for concatenated files. Only the padding that the encoder states may go.
    fn trim_sanely(&self, packet: &mut Packet) {
        if let Some(frames) = &self.frames {
            let beyond = packet.pts.saturating_add(packet.dur).get().saturating_sub_unsigned(frames.stated);
            if frames.moved.is_some() {
                // It knows neither the start nor the end.
                packet.trim_start = Duration::ZERO;
                packet.trim_end = Duration::from(beyond.max(0).unsigned_abs());
            }
            if beyond > i64::from(frames.padding) {
                packet.trim_end = Duration::ZERO;
            }
        }
        // Never by more than there is, whatever a granule position says.
        packet.trim_start = packet.trim_start.min(Duration::from(1_u64 << 20));
    }

    /// Seconds that the bytes between the last bare frame and this one stood for.
    ///
    /// These streams have no timestamps: the demuxer counts frames, so a hole would shift all that follows.
    fn between_frames(&mut self, packet: &Packet) -> f64 {
        let Some(frames) = &mut self.frames else { return 0.0 };
        let now = self.position.get();
        let size = packet.data.len() as u64;
        let skipped = match frames.last.replace(now) {
            Some(last) => now.saturating_sub(last).saturating_sub(size),
            None => 0,
        };
        if skipped <= BETWEEN_FRAMES || size == 0 || frames.is_tag(now - size - skipped) {
            return 0.0;
        }
        skipped as f64 / size as f64 * packet.block_dur().get() as f64 * self.tick
    }

    /// Remembers the state in front of `packet`, if it is time to.
    ///
    /// # Errors
    /// Only if the disk fails.
    fn mark(&mut self, packet: &Packet) -> Result<(), MediaError> {
        let position = self.tally.position();
        let waiting = self.silence > 0 || self.held || !self.heard;
        if waiting || packet.data.is_empty() || !self.marks.is_due(position, self.tally.rate) {
            return Ok(());
        }
        let offset = match self.container {
            Container::Mpeg(_) => {
                self.frames.as_ref().map_or(Ok(None), |frames| frames.start_of(packet, self.position.get()))
            }
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
            frame_end: self.frames.as_ref().and_then(|frames| frames.last).unwrap_or(0),
            rate: self.rate,
            shift: state.shift,
            end: state.end,
            cursor: state.cursor,
            silence: state.silence,
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

impl Frames {
    /// Whether the frame has another version, layer, sample rate or number of channels than the one before.
    fn changes(&mut self, frame: &[u8]) -> bool {
        let Some([_, version, rate, mode]) = frame.first_chunk::<4>().filter(|_| !self.adts) else {
            return false;
        };
        let signal = [version & 0x1e, rate & 0x0c, u8::from(mode >> 6 == 3)];
        self.signal.replace(signal).is_some_and(|last| last != signal)
    }

    /// Whether a tag starts near this position: concatenated files have them in the middle.
    fn is_tag(&self, near: u64) -> bool {
        let mut window = [0; 4 * STRIDE];
        let read = read_at(&self.file, near.saturating_sub(2 * STRIDE as u64), &mut window);
        let seen = &window[..read.unwrap_or(0)];
        [b"ID3".as_slice(), b"TAG", b"APETAGEX"].iter().any(|tag| seen.windows(tag.len()).any(|w| w == *tag))
    }

    /// Where in the file the frame of `packet` begins, after which it has been read to `now`. `None` if it cannot be
    /// told, as in a row of tiny equal frames.
    fn start_of(&self, packet: &Packet, now: u64) -> std::io::Result<Option<u64>> {
        /// Of ADTS, with its checksum.
        const LONGEST_HEADER: usize = 9;
        let data = &packet.data;
        let mut window = vec![0; LONGEST_HEADER + STRIDE + data.len()];
        let Some(from) = now.checked_sub(window.len() as u64) else { return Ok(None) };
        let read = read_at(&self.file, from, &mut window)?;
        // The frame ended less than a stride ago.
        let mut found = window[..read]
            .windows(data.len())
            .enumerate()
            .skip(LONGEST_HEADER + 1)
            .filter(|(_, bytes)| *bytes == &**data);
        let (Some((at, _)), None) = (found.next(), found.next()) else { return Ok(None) };
        let is_header = |len: usize, protected: bool| {
            let header = &window[at - len..at];
            header[0] == 0xff && header[1] & 0xf6 == 0xf0 && (header[1] & 1 == 0) == protected
        };
        let header = match self.adts {
            false => 0,
            true if is_header(7, false) => 7,
            true if is_header(9, true) => 9,
            true => return Ok(None),
        };
        Ok(Some(from + (at - header) as u64))
    }
}
