//! Sound decoded in this process.

mod codecs;
mod guard;
mod tags;

use crate::containers::{chunked, matroska, mp4, wave};
use crate::error::MediaError;
use crate::mono;
use crate::resample::RATES;
use crate::sniff::Container;
use crate::source::{FileSource, Patch, Position, View};
use crate::timeline::{Fit, Placement, Timeline};
use codecs::Choice;
use guard::{Failure, guard};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::LazyLock;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};
use symphonia::default::register_enabled_formats;
use transcript::SAMPLE_RATE;

pub(crate) use tags::Tags;

/// The demuxers.
static FORMATS: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::default();
    register_enabled_formats(&mut probe);
    // ID3 in front, ID3v1 and APE behind: not needed to decode, so left out where covers would only cost memory.
    probe.register_metadata::<symphonia::default::meta::Id3v2Reader<'_>>();
    probe
});

/// Packets in a row that may give nothing before the rest of the file is given up.
const MOST_FAILURES: u32 = 2_000;
/// Panics of decoder or demuxer that are survived per file.
const MOST_PANICS: u32 = 8;
/// Silence given at once, in seconds.
const SILENCE_RUN: f64 = 0.25;
/// A stated duration may exceed what was read by this, plus half a percent, in seconds.
const SLACK: f64 = 0.75;
/// How exactly the position in a stream of bare frames is known, in bytes.
const STRIDE: usize = 64;
/// Bytes between two bare frames that are no loss: room for [`STRIDE`] and a header.
const BETWEEN_FRAMES: u64 = 2 * STRIDE as u64;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Keep titles and dates. Otherwise they are skipped where possible, and pictures with them.
    pub(crate) tags: bool,
    /// Accept AAC's core without its spectral band replication: sound up to about half the band.
    pub(crate) core_only: bool,
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

/// A decoder on one track of one file.
pub(crate) struct Native {
    container: Container,
    format: Box<dyn FormatReader>,
    choice: Choice,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    tick: f64,
    /// Frames before zero that the demuxer counts as sound.
    timeline: Timeline,
    interleaved: Vec<f32>,
    mono: Vec<f32>,
    rate: u32,
    /// Silence still to be given, in frames at `rate`.
    silence: u64,
    /// `mono` has not been given yet.
    held: bool,
    zeros: Vec<f32>,
    current: Current,
    frames: Option<Frames>,
    end: Stated,
    ended: bool,
    heard: bool,
    failures: u32,
    panics: u32,
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

/// Where a stream of bare frames stands in its file.
struct Frames {
    position: Position,
    /// Where the last frame ended, if there was one.
    last: Option<u64>,
    /// What of the last header tells sample rate and channels; nothing for ADTS, whose headers are not passed on.
    signal: Option<[u8; 3]>,
    adts: bool,
    file: File,
}

impl Native {
    /// Opens the file, chooses a track and decodes until there is sound.
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
        let frames_file = file.try_clone().map_err(MediaError::Io)?;
        let source = FileSource::new(file, len, prepared.view.clone()).map_err(MediaError::Io)?;
        let position = source.position();
        let mut format = guard(|| {
            let stream = MediaSourceStream::new(Box::new(source), Default::default());
            FORMATS.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        })
        .map_err(|failure| prepared.refusal(failure))?;

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
        let rate = choice.params().sample_rate.filter(|r| RATES.contains(r)).unwrap_or(SAMPLE_RATE);
        let placement = prepared.placement(&track, format.tracks().len());
        let frames = match container {
            Container::Mpeg(stream) => {
                Some(Frames { position, last: None, signal: None, adts: stream.adts, file: frames_file })
            }
            _ => None,
        };
        let mut native = Self {
            container,
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
            frames,
            end,
            ended: false,
            heard: false,
            failures: 0,
            panics: 0,
            losses: Losses { ends_early: prepared.cut, ..Losses::default() },
            about,
        };
        native.start()?;
        Ok(native)
    }

    /// What was found out when opening.
    pub(crate) fn about(&self) -> &About {
        &self.about
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
                return Ok(true);
            }
            if self.held {
                self.held = false;
                self.current = Current::Sound;
                return Ok(true);
            }
            if self.ended {
                return Ok(false);
            }
            self.advance()?;
        }
    }

    /// Decodes until there is sound, so that a file without any is refused when it is opened.
    fn start(&mut self) -> Result<(), MediaError> {
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
        let packet = match guard(|| self.format.next_packet()) {
            Ok(Some(packet)) => packet,
            Ok(None) => return self.finish(),
            Err(Failure::Reset) => return self.restart(),
            Err(Failure::Io(error)) => return Err(MediaError::Io(error)),
            Err(Failure::EndOfFile) => {
                // WAV is read to where the file ends, whatever its header says; that was looked at when opening.
                self.losses.ends_early |= self.container != Container::Wave;
                return self.finish();
            }
            Err(Failure::Malformed(detail)) => {
                tracing::debug!(detail, "demuxer skipped damage");
                self.losses.damaged = true;
                return self.fail();
            }
            // What state it left the demuxer in, nobody knows.
            Err(Failure::Panic) => {
                tracing::debug!("demuxer panicked");
                self.losses.ends_early = true;
                self.ended = true;
                return Ok(());
            }
        };
        let seconds = |ticks: f64| ticks * self.tick;
        let end = seconds(packet.pts.get() as f64 + packet.dur.get() as f64);
        if packet.track_id != self.track {
            self.end.seen = self.end.seen.max(end);
            return Ok(());
        }
        let between = self.between_frames(&packet);
        if between > 0.0 {
            self.lose(between);
        }
        self.decode(packet)
    }

    fn decode(&mut self, mut packet: Packet) -> Result<(), MediaError> {
        self.trim_sanely(&mut packet);
        let at = (packet.pts.get() as f64 + packet.trim_start.get() as f64) * self.tick;
        let duration = packet.dur.get() as f64 * self.tick;
        // An empty packet means "conceal a loss" to Opus, for as long as its buffer is.
        if packet.data.is_empty() {
            return self.fail();
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
        let (rate, channels) = match decoded {
            Ok((_, _, 0)) => return self.fail(),
            Ok((rate, channels, _)) if RATES.contains(&rate) && channels > 0 => (rate, channels),
            Ok(_) => return self.undecodable("impossible sample rate", duration),
            Err(Failure::Io(error)) => return Err(MediaError::Io(error)),
            Err(Failure::EndOfFile) => return self.undecodable("packet too short", duration),
            Err(Failure::Malformed(detail)) => return self.undecodable(detail, duration),
            Err(Failure::Reset) => {
                self.decoder.reset();
                return self.undecodable("decoder reset", duration);
            }
            Err(Failure::Panic) => {
                self.panics += 1;
                self.renew_decoder();
                return self.undecodable("decoder panicked", duration);
            }
        };
        mono::mix(&self.interleaved, channels, &mut self.mono);
        self.failures = 0;
        if !self.heard {
            self.about.channels = u16::try_from(channels).unwrap_or(u16::MAX);
        }
        self.place(at, rate);
        Ok(())
    }

    /// Puts what is in `mono` where it belongs.
    fn place(&mut self, at: f64, rate: u32) {
        let frames = |seconds: f64| (seconds * f64::from(rate)).round() as usize;
        let fit: Fit = self.timeline.place(at, self.mono.len() as f64 / f64::from(rate));
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
        let keep = self.mono.len() - frames(fit.drop_end).min(self.mono.len());
        self.mono.truncate(keep);
        self.mono.drain(..frames(fit.drop).min(keep));
        self.held = !self.mono.is_empty();
        self.heard |= self.held;
    }

    fn undecodable(&mut self, detail: &str, duration: f64) -> Result<(), MediaError> {
        tracing::debug!(detail, "packet skipped");
        // MP3 and AAC cannot decode their first packet when the start of the stream was cut off; nothing is lost then.
        if self.heard {
            self.losses.damaged = true;
            self.lose(duration);
        }
        self.fail()
    }

    fn lose(&mut self, seconds: f64) {
        self.losses.damaged = true;
        let silence = self.timeline.lose(seconds);
        self.losses.lost += silence;
        self.silence += (silence * f64::from(self.rate)).round() as u64;
    }

    /// A packet gave nothing; too many of them end the file.
    fn fail(&mut self) -> Result<(), MediaError> {
        self.failures += 1;
        if self.failures > MOST_FAILURES {
            self.losses.ends_early = true;
            self.ended = true;
        }
        Ok(())
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
    fn restart(&mut self) -> Result<(), MediaError> {
        let wish = Wish { tags: false, core_only: true };
        let chosen = codecs::choose(self.format.tracks(), self.format.default_track(TrackType::Audio), wish);
        let Some((track, choice, decoder)) = chosen else {
            self.losses.damaged = true;
            return self.fail();
        };
        self.track = track.id;
        self.tick = track.time_base.map_or(0.0, f64::from);
        self.timeline.restart(ogg_placement(&track));
        self.choice = choice;
        self.decoder = decoder;
        // The header that stated a duration was about the first part only.
        self.end.duration = None;
        // Damage can look like a new stream over and over.
        self.fail()
    }

    fn finish(&mut self) -> Result<(), MediaError> {
        self.ended = true;
        let read = self.timeline.cursor();
        let reached = if self.end.of_media { read.max(self.end.seen) } else { read };
        if let Some(stated) = self.end.duration
            && stated - reached > SLACK + stated * 0.005
        {
            self.losses.ends_early = true;
        }
        Ok(())
    }

    /// Corrects what demuxers of bare frames trim.
    ///
    /// They cut at the duration of the header, which is an estimate for files without a count, and that of the first
    /// part for concatenated files. Only the padding that the encoder states may go.
    fn trim_sanely(&self, packet: &mut Packet) {
        if let Container::Mpeg(_) = self.container {
            let padding = self.format.tracks().first().and_then(|t| t.padding).unwrap_or(0);
            let end = self.format.tracks().first().and_then(|t| t.num_frames).unwrap_or(u64::MAX);
            let beyond = packet.pts.saturating_add(packet.dur).get().saturating_sub_unsigned(end);
            if beyond > i64::from(padding) {
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
        let now = frames.position.get();
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
    fn is_tag(&mut self, near: u64) -> bool {
        let mut window = [0; 4 * STRIDE];
        let start = near.saturating_sub(2 * STRIDE as u64);
        let read = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read(&mut window));
        let seen = &window[..read.unwrap_or(0)];
        [b"ID3".as_slice(), b"TAG", b"APETAGEX"].iter().any(|tag| seen.windows(tag.len()).any(|w| w == *tag))
    }
}

/// What was read of a container before its demuxer saw it.
struct Prepared {
    container: Container,
    view: View,
    movie: Option<mp4::Movie>,
    wave: Option<wave::Wave>,
    matroska: matroska::Info,
    head: Vec<u8>,
    /// The header promises more than there is.
    cut: bool,
}

impl Prepared {
    fn new(file: &File, len: u64, start: u64, container: Container, wish: Wish) -> Result<Self, MediaError> {
        let mut prepared = Self {
            container,
            view: View::default(),
            movie: None,
            wave: None,
            matroska: matroska::Info::default(),
            head: Vec::new(),
            cut: false,
        };
        prepared.read(&mut &*file, len, start, wish).map_err(MediaError::Io)?;
        prepared.check()?;
        Ok(prepared)
    }

    fn read(&mut self, file: &mut &File, len: u64, start: u64, wish: Wish) -> io::Result<()> {
        match self.container {
            Container::Wave => {
                self.wave = wave::read(file, len)?;
                if let Some(wave) = &self.wave {
                    self.view = wave.view.clone();
                    self.cut = wave.missing > 0;
                }
            }
            Container::Mp4 => {
                let movie = mp4::read(&mut io::BufReader::new(file), len)?;
                if !wish.tags {
                    self.view.patches = hide(&movie.metadata);
                }
                self.view.patches.extend(movie.cut.clone());
                self.cut = movie.cut.is_some();
                self.movie = Some(movie);
            }
            Container::Mpeg(stream) => {
                // With a tag in front, the demuxer has to see both; without, what lies before the first frame is noise.
                let tagged = start > 0 && wish.tags;
                self.view.start = if tagged { 0 } else { start + stream.at as u64 };
                self.view.stride = Some(STRIDE);
            }
            Container::Flac | Container::Ogg | Container::Matroska => {
                file.seek(SeekFrom::Start(start))?;
                file.take(64 * 1024).read_to_end(&mut self.head)?;
                self.view.start = start;
                if self.container == Container::Matroska {
                    let mut info = matroska::read(&self.head, start, len);
                    self.cut = info.cut.is_some();
                    self.view.patches = std::mem::take(&mut info.hidden);
                    self.view.patches.extend(info.cut.take());
                    self.matroska = info;
                }
            }
            Container::Aiff => (self.view.patches, self.cut) = chunked::aiff(file, len)?,
            Container::Caf => (self.view.patches, self.cut) = chunked::caf(file, len)?,
        }
        Ok(())
    }

    /// Refuses what no demuxer needs to see.
    fn check(&self) -> Result<(), MediaError> {
        if let Some(movie) = &self.movie {
            let sound = || movie.tracks.iter().filter(|track| track.is_sound());
            if !movie.indexed {
                return Err(MediaError::Incomplete);
            }
            if !movie.tracks.is_empty() && sound().next().is_none() {
                return Err(MediaError::NoAudioTrack);
            }
            if sound().next().is_some() && sound().all(mp4::Track::is_protected) {
                return Err(MediaError::Protected);
            }
        }
        if self.container == Container::Wave && self.wave.is_none() {
            return Err(MediaError::NoSamples);
        }
        if self.container == Container::Ogg {
            let start = &self.head[..self.head.len().min(4096)];
            let has = |magic: &[u8]| start.windows(magic.len()).any(|w| w == magic);
            let known = [b"\x01vorbis".as_slice(), b"OpusHead", b"\x7fFLAC"].iter().any(|magic| has(magic));
            if has(b"Speex   ") && !known {
                return Err(needs_ffmpeg("Speex"));
            }
            if has(b"\x80theora") && !known {
                return Err(MediaError::NoAudioTrack);
            }
            if !known {
                return Err(needs_ffmpeg("This kind of Ogg"));
            }
        }
        Ok(())
    }

    /// Why the demuxer would not have it.
    fn refusal(&self, failure: Failure) -> MediaError {
        match failure {
            Failure::Io(error) => MediaError::Io(error),
            Failure::EndOfFile => MediaError::damaged("it ends within its header"),
            Failure::Malformed(detail) => MediaError::damaged(detail),
            Failure::Reset => MediaError::damaged("reset"),
            Failure::Panic => MediaError::damaged("the demuxer panicked"),
        }
    }

    fn choose(
        &self,
        format: &dyn FormatReader,
        wish: Wish,
    ) -> Result<(Track, Choice, Box<dyn AudioDecoder>), MediaError> {
        // Tracks the demuxer has no codec for are still tracks of sound.
        let unknown = || match self.container {
            Container::Mp4 => {
                let movie = self.movie.as_ref()?;
                let track = movie.tracks.iter().find(|track| track.is_sound())?;
                Some(codecs::name_of_fourcc(track.codec))
            }
            Container::Matroska => codecs::name_of_matroska(&self.head),
            _ => None,
        };
        if let Some(chosen) = codecs::choose(format.tracks(), format.default_track(TrackType::Audio), wish) {
            return Ok(chosen);
        }
        match codecs::undecodable(format.tracks()).or_else(unknown) {
            Some(name) => Err(needs_ffmpeg(&name)),
            None => Err(MediaError::NoAudioTrack),
        }
    }

    fn add_dates(&self, tags: &mut Tags) {
        if let Some(movie) = &self.movie {
            tags.add_movie(movie);
        }
        if let Some(date) = self.wave.as_ref().and_then(|wave| wave.originated.as_deref()) {
            tags.add_date(crate::date::parse(date));
        }
        tags.add_matroska(&self.matroska);
    }

    fn edited(&self, track: &Track) -> Option<mp4::Edited> {
        let movie = self.movie.as_ref()?;
        movie.edited(movie.tracks.iter().find(|t| t.id == track.id)?)
    }

    fn placement(&self, track: &Track, tracks: usize) -> Placement {
        if let Some(edited) = self.edited(track) {
            return Placement {
                shift: edited.lead - edited.start,
                end: edited.length.map(|length| edited.lead + length),
                from_first: false,
                stated: true,
            };
        }
        match self.container {
            Container::Ogg => ogg_placement(track),
            _ => Placement { from_first: tracks == 1, ..Placement::default() },
        }
    }

    /// Seconds, stated or estimated.
    fn duration(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> Option<f64> {
        if let Some(mp4::Edited { lead, length: Some(length), .. }) = self.edited(track) {
            return Some(lead + length);
        }
        // The demuxer was told not to know.
        if let Some(wave) = &self.wave
            && let Some(end) = wave.view.end
        {
            return wave.seconds(end);
        }
        let of_track = track.duration.map(|d| d.get() as f64 * tick);
        let of_media = format.media_info().duration.zip(format.media_info().time_base);
        of_track.or_else(|| of_media.map(|(d, base)| d.get() as f64 * f64::from(base))).filter(|d| *d > 0.0)
    }

    fn stated(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> Stated {
        let guessed = match self.container {
            Container::Mpeg(stream) => !stream.counted,
            // Its own size was wrong; `cut` says what there is to say.
            Container::Wave => true,
            _ => false,
        };
        let duration = if guessed { None } else { self.duration(track, format, tick) };
        Stated { duration, of_media: track.duration.is_none(), seen: 0.0 }
    }
}

/// Where the sound of an Ogg stream starts: its positions count the encoder's delay, and a stream that was cut from a
/// longer one starts anywhere.
fn ogg_placement(track: &Track) -> Placement {
    let start = track.start_ts.max(Timestamp::ZERO).get() as f64;
    // For Opus and nothing else, the demuxer tells the delay but does not apply it.
    let delay = if codecs::is_opus(track) { f64::from(track.delay.unwrap_or(0)) } else { 0.0 };
    let tick = track.time_base.map_or(0.0, f64::from);
    Placement { shift: -(start + delay) * tick, ..Placement::default() }
}

fn needs_ffmpeg(format: &str) -> MediaError {
    MediaError::NeedsFfmpeg { format: format.to_owned() }
}

/// Makes the demuxer see free space where there are titles and pictures, which it would keep.
fn hide(boxes: &[u64]) -> Vec<Patch> {
    boxes.iter().map(|at| Patch { at: at + 4, bytes: b"free".to_vec() }).collect()
}
