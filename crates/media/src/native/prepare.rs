//! What has to be known of a file before its demuxer sees it, and what the demuxer had better see instead.

use super::codecs::{self, Choice};
use super::guard::Failure;
use super::{Stated, Tags, Wish};
use crate::containers::{chunked, flac, matroska, mp4, wave};
use crate::date;
use crate::error::MediaError;
use crate::sniff::Container;
use crate::source::{Patch, View};
use crate::timeline::Placement;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::RangeInclusive;
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::{FormatReader, Track, TrackFlags, TrackType};
use symphonia::core::units::Timestamp;

/// Tracks that may belong together.
const MOST_TOGETHER: RangeInclusive<usize> = 2..=16;
/// What makes a track another version of the same.
const VERSIONS: TrackFlags = TrackFlags::COMMENTARY
    .union(TrackFlags::HEARING_IMPAIRED)
    .union(TrackFlags::VISUALLY_IMPAIRED)
    .union(TrackFlags::TEXT_DESCRIPTIONS);
/// Silence in a track is believed if the header states that another lasts so long, but none that ends behind this, in
/// seconds.
const LONGEST_STATED: f64 = 12.0 * 3600.0;
/// Bytes of a second in which somebody speaks: 2 kbit/s are less than any codec for speech needs. A small file does not
/// last for hours, whatever it states.
const LEAST_BYTES: f64 = 250.0;

/// What was read of a container before its demuxer saw it.
pub(super) struct Prepared {
    container: Container,
    pub(super) view: View,
    movie: Option<mp4::Movie>,
    wave: Option<wave::Wave>,
    pub(super) matroska: matroska::Info,
    head: Vec<u8>,
    /// The header promises more than there is.
    pub(super) cut: bool,
    /// Where in the file the first frame without a container begins.
    pub(super) first_frame: u64,
}

impl Prepared {
    pub(super) fn new(
        file: &File,
        len: u64,
        start: u64,
        container: Container,
        wish: Wish,
    ) -> Result<Self, MediaError> {
        let mut prepared = Self {
            container,
            view: View::default(),
            movie: None,
            wave: None,
            matroska: matroska::Info::default(),
            head: Vec::new(),
            cut: false,
            first_frame: 0,
        };
        prepared.read(&mut &*file, len, start, wish).map_err(MediaError::Io)?;
        prepared.check()?;
        Ok(prepared)
    }

    fn read(&mut self, file: &mut &File, len: u64, start: u64, wish: Wish) -> io::Result<()> {
        match self.container {
            Container::Wave => {
                self.wave = wave::read(file, len, start)?;
                if let Some(wave) = &self.wave {
                    self.view = wave.view.clone();
                    self.cut = wave.missing > 0 || wave.followed;
                }
            }
            Container::Mp4 => {
                let movie = mp4::read(&mut io::BufReader::new(file), len)?;
                if !wish.tags {
                    self.view.patches.extend(movie.metadata.iter().copied().map(hidden));
                }
                self.view.patches.extend(movie.hidden_tracks(wish.track).map(hidden));
                self.view.patches.extend(movie.cut.clone());
                self.view.patches.extend(movie.damage.iter().cloned());
                self.cut = movie.cut.is_some() || movie.followed;
                self.movie = Some(movie);
            }
            Container::Mpeg(stream) => {
                // With a tag in front, the demuxer has to see both; without, what lies before the first frame is noise.
                self.first_frame = start + stream.at as u64;
                self.view.start = if start > 0 && wish.tags { 0 } else { self.first_frame };
            }
            Container::Flac => {
                self.view.start = start;
                self.view.patches = flac::hidden(!wish.tags, file, start)?;
            }
            Container::Ogg | Container::Matroska => {
                file.seek(SeekFrom::Start(start))?;
                file.take(64 * 1024).read_to_end(&mut self.head)?;
                self.view.start = start;
                if self.container == Container::Matroska {
                    let mut info = matroska::read(&self.head, start, len);
                    self.cut = info.cut;
                    self.view.patches = std::mem::take(&mut info.hidden);
                    self.view.patches.extend(info.unsized_whole.clone().filter(|_| info.cut));
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
            if sound().any(|track| movie.is_rearranged(track)) {
                return Err(needs_ffmpeg("A recording whose pieces were put into another order"));
            }
        }
        if self.container == Container::Wave && self.wave.is_none() {
            return Err(MediaError::NoSamples);
        }
        if self.matroska.is_packed {
            return Err(needs_ffmpeg("Matroska with packed sound"));
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
    pub(super) fn refusal(&self, failure: Failure) -> MediaError {
        match failure {
            Failure::Io(error) => MediaError::Io(error),
            Failure::EndOfFile => MediaError::damaged("it ends within its header"),
            Failure::Malformed(detail) => MediaError::damaged(detail),
            Failure::Unsupported(detail) => match (self.container, &self.wave) {
                (Container::Wave, Some(wave)) => needs_ffmpeg(&codecs::name_of_wave(wave.format)),
                (Container::Aiff | Container::Caf, _) => {
                    needs_ffmpeg(&format!("This kind of {}", self.container.name()))
                }
                _ => MediaError::damaged(detail),
            },
            Failure::Reset => MediaError::damaged("reset"),
            Failure::Panic => MediaError::damaged("the demuxer panicked"),
        }
    }

    pub(super) fn choose(
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
        let default = format.default_track(TrackType::Audio).map(|track| self.corrected(track));
        let tracks: Vec<Track> = format.tracks().iter().map(|track| self.corrected(track)).collect();
        if let Some(chosen) = codecs::choose(&tracks, default.as_ref(), wish) {
            return Ok(chosen);
        }
        match codecs::undecodable(format.tracks()).or_else(unknown) {
            Some(name) => Err(needs_ffmpeg(&name)),
            None => Err(MediaError::NoAudioTrack),
        }
    }

    /// A track with its byte order put right: the demuxer takes uncompressed sound in MP4 for little-endian, unless it has
    /// 16 bits.
    fn corrected(&self, track: &Track) -> Track {
        let mut track = track.clone();
        let listed = self.movie.as_ref().and_then(|movie| movie.tracks.iter().find(|t| t.id == track.id));
        if listed.is_some_and(mp4::Track::is_big_endian) {
            codecs::make_big_endian(&mut track);
        }
        track
    }

    /// How many tracks of sound there are, as far as is known.
    pub(super) fn sound_tracks(&self, format: &dyn FormatReader) -> usize {
        let listed =
            self.movie.as_ref().map_or(0, |movie| movie.tracks.iter().filter(|t| t.is_sound()).count());
        codecs::sound_tracks(format.tracks()).max(listed)
    }

    /// The tracks of sound that belong together, by their numbers in the demuxer: what people said at the same time, and
    /// not the same said twice. Empty if there is only one, or if only the chosen one is to be heard.
    ///
    /// Together are all of them or none: two to sixteen, each of which can be decoded, with no two languages among them
    /// and none that says that it is a commentary or a description of another. A track without a language is of any; in
    /// Matroska, English is what is meant by none. Alternate groups and the “enabled” and “default” flags tell nothing:
    /// recorders set them for the first track alone, whatever is on the others.
    pub(super) fn together(&self, format: &dyn FormatReader, wish: Wish) -> Vec<u32> {
        self.company(format, wish).unwrap_or_default()
    }

    fn company(&self, format: &dyn FormatReader, wish: Wish) -> Option<Vec<u32>> {
        let movie = self.movie.as_ref();
        // The others are hidden. Whoever asks for it knows that it is one of them.
        if let (Some(id), Some(false)) = (wish.track, movie.map(|movie| movie.fragmented)) {
            return Some(vec![id]);
        }
        let listed = match self.container {
            Container::Mp4 => movie?.tracks.iter().filter(|track| track.is_sound()).count(),
            Container::Matroska => self.matroska.sound_tracks?,
            _ => return None,
        };
        if !MOST_TOGETHER.contains(&listed) || codecs::sound_tracks(format.tracks()) != listed {
            return None;
        }
        let tracks = codecs::all_decodable(format.tracks(), wish)?;
        let ids: Vec<u32> = tracks.iter().map(|track| track.id).collect();
        let distinct = (1..ids.len()).all(|i| !ids[..i].contains(&ids[i]));
        let of_movie = |id: &u32| movie.and_then(|movie| movie.tracks.iter().find(|track| track.id == *id));
        let is_version = tracks.iter().any(|track| track.flags.intersects(VERSIONS))
            || ids.iter().filter_map(of_movie).any(|track| track.is_version);
        // One of them is the original of the others.
        let originals = tracks.iter().filter(|t| t.flags.contains(TrackFlags::ORIGINAL_LANGUAGE)).count();
        let is_translated = originals > 0 && originals < tracks.len()
            || differ(ids.iter().filter_map(of_movie).map(mp4::Track::language))
            || differ(tracks.iter().map(|track| language(track)));
        (distinct && !is_version && !is_translated).then_some(ids)
    }

    /// Up to where the header of a file of `len` bytes states that there is sound, in seconds, as far as that is believed.
    pub(super) fn end(&self, format: &dyn FormatReader, len: u64) -> f64 {
        let of_media = || {
            let media = format.media_info();
            media.duration.zip(media.time_base).map_or(0.0, |(d, base)| d.get() as f64 * f64::from(base))
        };
        let stated = match &self.movie {
            // Fragments have times of their own, and the header was written before them.
            Some(movie) if movie.fragmented => 0.0,
            Some(movie) => movie.end(),
            None => of_media(),
        };
        stated.min(LONGEST_STATED).min(len as f64 / LEAST_BYTES)
    }

    /// Where `track` is moved by the container, in seconds.
    pub(super) fn moved(&self, track: &Track) -> f64 {
        self.pieces(track).first().map_or(0.0, |first| first.presented - first.from)
    }

    pub(super) fn add_dates(&self, tags: &mut Tags) {
        if let Some(movie) = &self.movie {
            tags.add_movie(movie);
        }
        if let Some(date) = self.wave.as_ref().and_then(|wave| wave.originated.as_deref()) {
            tags.add_date(date::parse(date));
        }
        tags.add_matroska(&self.matroska);
    }

    /// The pieces of `track` that are heard, by its edit list; none if all of it is.
    pub(super) fn pieces(&self, track: &Track) -> Vec<mp4::Piece> {
        let movie = self.movie.as_ref();
        let listed = movie.and_then(|movie| Some((movie, movie.tracks.iter().find(|t| t.id == track.id)?)));
        listed.map(|(movie, track)| movie.pieces(track)).unwrap_or_default()
    }

    /// Where `track` begins, which is one of so many that the demuxer sees.
    pub(super) fn placement(&self, track: &Track, tracks: usize, is_one_of_several: bool) -> Placement {
        if let Some(first) = self.pieces(track).first() {
            // A stream from which fragments were taken states its own time.
            let from_first = self.fragments().is_some() && first.presented <= 0.0 && tracks == 1;
            return Placement { from_first, ..Placement::default() };
        }
        match self.container {
            Container::Ogg => ogg_placement(track),
            // Their timestamps are positions in the file, counted by the demuxer.
            Container::Wave | Container::Aiff | Container::Caf | Container::Mpeg(_) => {
                Placement { continuous: true, ..Placement::default() }
            }
            // One of several has the time line of all, seen or not.
            _ => Placement { from_first: tracks == 1 && !is_one_of_several, ..Placement::default() },
        }
    }

    /// The movie, if its samples are listed in fragments.
    pub(super) fn fragments(&self) -> Option<&mp4::Movie> {
        self.movie.as_ref().filter(|movie| movie.fragmented)
    }

    /// Channels that the demuxer sees as one.
    pub(super) fn folded(&self) -> Option<u16> {
        self.wave.as_ref().and_then(|wave| wave.folded)
    }

    /// What the demuxer subtracts from the timestamps of the container, in seconds.
    pub(super) fn codec_delay(&self) -> f64 {
        self.matroska.delay as f64 * 1e-9
    }

    /// Something of it is known to be damaged before it is read.
    pub(super) fn is_damaged(&self) -> bool {
        self.movie.as_ref().is_some_and(|movie| !movie.damage.is_empty())
    }

    /// Seconds, stated or estimated.
    pub(super) fn duration(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> Option<f64> {
        if let Some(last) = self.pieces(track).last() {
            return last.end(track.duration.map(|d| d.get() as f64 * tick)).filter(|end| *end > 0.0);
        }
        // The demuxer was told not to know.
        if let Some(wave) = &self.wave
            && let Some(end) = wave.view.end
        {
            return wave.seconds(end);
        }
        // All ones mean that it is not known (ISO/IEC 14496-12, 8.4.2.3).
        let known = track.duration.filter(|d| ![u64::MAX, u64::from(u32::MAX)].contains(&d.get()));
        let of_track = known.map(|d| d.get() as f64 * tick);
        let of_media = format.media_info().duration.zip(format.media_info().time_base);
        of_track.or_else(|| of_media.map(|(d, base)| d.get() as f64 * f64::from(base))).filter(|d| *d > 0.0)
    }

    pub(super) fn stated(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> Stated {
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
pub(super) fn ogg_placement(track: &Track) -> Placement {
    let start = track.start_ts.max(Timestamp::ZERO).get() as f64;
    // For Opus and nothing else, the demuxer tells the delay but does not apply it.
    let delay = if codecs::is_opus(track) { f64::from(track.delay.unwrap_or(0)) } else { 0.0 };
    let tick = track.time_base.map_or(0.0, f64::from);
    Placement { shift: -(start + delay) * tick, counts_samples: true, ..Placement::default() }
}

/// Whether two of them are set and different.
fn differ<T: PartialEq>(languages: impl Iterator<Item = Option<T>>) -> bool {
    let mut set = languages.flatten();
    set.next().is_some_and(|first| set.any(|other| other != first))
}

/// The language of a track, without its region; `None` if it is not said.
fn language(track: &Track) -> Option<String> {
    let tag = track.language.as_deref()?;
    let language = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    // Undetermined, not one of those that have a code, no words at all.
    (!matches!(language.as_str(), "" | "und" | "mis" | "zxx")).then_some(language)
}

fn needs_ffmpeg(format: &str) -> MediaError {
    MediaError::NeedsFfmpeg { format: format.to_owned() }
}

/// Makes the demuxer see free space in place of the box at this position.
fn hidden(at: u64) -> Patch {
    Patch { at: at + 4, bytes: b"free".to_vec() }
}
