//! Reads what has to be known of a container before its demuxer opens it, and decides what the demuxer is shown.

use super::catch_panic::LibraryError;
use super::codecs::{self, DecoderConfig};
use super::{DecodeOptions, ExpectedEnd, Losses, Tags};
use crate::containers::{aiff_caf, flac, matroska, mp4, wave};
use crate::date;
use crate::error::MediaError;
use crate::file_view::{FileView, Patch};
use crate::sniff::Container;
use crate::timeline::Placement;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use symphonia::core::codecs::audio::AudioDecoder;
use symphonia::core::formats::{FormatReader, Track, TrackType};
use symphonia::core::units::Timestamp;

/// Silence in a track is believed up to the stated end of another track, but not behind this, in seconds.
const MAX_STATED_END: f64 = 12.0 * 3600.0;
/// Least bytes per second of speech: 2 kbit/s are less than any speech codec needs. So a small file does not last for
/// hours, whatever it states.
const MIN_BYTES_PER_SECOND: f64 = 250.0;

/// What was read of a container before its demuxer opens it.
pub(super) struct ContainerInfo {
    pub(super) container: Container,
    pub(super) view: FileView,
    pub(super) movie: Option<mp4::Movie>,
    wave: Option<wave::Wave>,
    pub(super) matroska: matroska::Info,
    head: Vec<u8>,
    /// The header states more sound than the file has.
    pub(super) is_truncated: bool,
    /// First byte of the first bare MPEG frame in the file.
    pub(super) first_frame: u64,
}

impl ContainerInfo {
    pub(super) fn read(
        file: &File,
        len: u64,
        start: u64,
        container: Container,
        options: DecodeOptions,
    ) -> Result<Self, MediaError> {
        let mut container_info = Self {
            container,
            view: FileView::default(),
            movie: None,
            wave: None,
            matroska: matroska::Info::default(),
            head: Vec::new(),
            is_truncated: false,
            first_frame: 0,
        };
        container_info.read_container(&mut &*file, len, start, options).map_err(MediaError::Io)?;
        container_info.check()?;
        Ok(container_info)
    }

    fn read_container(
        &mut self,
        file: &mut &File,
        len: u64,
        start: u64,
        options: DecodeOptions,
    ) -> io::Result<()> {
        match self.container {
            Container::Wave => {
                self.wave = wave::read(file, len, start)?;
                if let Some(wave) = &self.wave {
                    self.view = wave.view.clone();
                    self.is_truncated = wave.missing > 0 || wave.has_appended_file;
                }
            }
            Container::Mp4 => {
                let movie = mp4::read(&mut io::BufReader::new(file), len)?;
                if !options.read_tags {
                    self.view.patches.extend(movie.metadata.iter().copied().map(free_box));
                }
                self.view.patches.extend(movie.hidden_tracks(options.track).map(free_box));
                self.view.patches.extend(movie.truncated_mdat.clone());
                self.view.patches.extend(movie.damage_patches.iter().cloned());
                self.is_truncated = movie.truncated_mdat.is_some() || movie.has_appended_movie;
                self.movie = Some(movie);
            }
            Container::Mpeg(stream) => {
                // To read a tag, symphonia's demuxer has to see both tag and frames. Without a tag, the bytes before
                // the first frame are noise.
                self.first_frame = start + stream.at as u64;
                self.view.start = if start > 0 && options.read_tags { 0 } else { self.first_frame };
            }
            Container::Flac => {
                self.view.start = start;
                self.view.patches = flac::padding_patches(!options.read_tags, file, start)?;
            }
            Container::Ogg | Container::Matroska => {
                file.seek(SeekFrom::Start(start))?;
                file.take(64 * 1024).read_to_end(&mut self.head)?;
                self.view.start = start;
                if self.container == Container::Matroska {
                    let mut info = matroska::read(&self.head, start, len);
                    self.is_truncated = info.is_truncated;
                    self.view.patches = std::mem::take(&mut info.hidden);
                    self.view.patches.extend(info.unknown_size_patch.clone().filter(|_| info.is_truncated));
                    self.matroska = info;
                }
            }
            Container::Aiff => (self.view.patches, self.is_truncated) = aiff_caf::aiff(file, len)?,
            Container::Caf => (self.view.patches, self.is_truncated) = aiff_caf::caf(file, len)?,
        }
        Ok(())
    }

    /// Refuses files without needing their demuxer.
    fn check(&self) -> Result<(), MediaError> {
        if let Some(movie) = &self.movie {
            let sound = || movie.tracks.iter().filter(|track| track.is_sound());
            if !movie.has_index {
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

    /// The error for a file that its demuxer refused.
    pub(super) fn refusal(&self, failure: LibraryError) -> MediaError {
        match failure {
            LibraryError::Io(error) => MediaError::Io(error),
            LibraryError::EndOfFile => MediaError::damaged("it ends within its header"),
            LibraryError::Malformed(detail) => MediaError::damaged(detail),
            LibraryError::Unsupported(detail) => match (self.container, &self.wave) {
                (Container::Wave, Some(wave)) => needs_ffmpeg(&codecs::name_of_wave(wave.format)),
                (Container::Aiff | Container::Caf, _) => {
                    needs_ffmpeg(&format!("This kind of {}", self.container.name()))
                }
                _ => MediaError::damaged(detail),
            },
            LibraryError::Reset => MediaError::damaged("reset"),
            LibraryError::Panic => MediaError::damaged("the demuxer panicked"),
        }
    }

    pub(super) fn choose_track(
        &self,
        format: &dyn FormatReader,
        options: DecodeOptions,
    ) -> Result<(Track, DecoderConfig, Box<dyn AudioDecoder>), MediaError> {
        // Tracks whose codec the demuxer does not know are audio tracks all the same.
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
        if let Some(chosen) = codecs::choose_track(&tracks, default.as_ref(), options) {
            return Ok(chosen);
        }
        match codecs::undecodable_name(format.tracks()).or_else(unknown) {
            Some(name) => Err(needs_ffmpeg(&name)),
            None => Err(MediaError::NoAudioTrack),
        }
    }

    /// The track with its byte order corrected: the demuxer takes uncompressed sound in MP4 for little-endian, unless
    /// it has 16 bits.
    fn corrected(&self, track: &Track) -> Track {
        let mut track = track.clone();
        let listed = self.movie.as_ref().and_then(|movie| movie.tracks.iter().find(|t| t.id == track.id));
        if listed.is_some_and(mp4::Track::is_big_endian) {
            codecs::make_big_endian(&mut track);
        }
        track
    }

    /// Number of audio tracks, as far as is known.
    pub(super) fn sound_tracks(&self, format: &dyn FormatReader) -> usize {
        let listed =
            self.movie.as_ref().map_or(0, |movie| movie.tracks.iter().filter(|t| t.is_sound()).count());
        codecs::sound_tracks(format.tracks()).max(listed)
    }

    /// Up to where the header of a file of `len` bytes states that there is sound, in seconds, limited to what is
    /// believable.
    pub(super) fn stated_end(&self, format: &dyn FormatReader, len: u64) -> f64 {
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
        stated.min(MAX_STATED_END).min(len as f64 / MIN_BYTES_PER_SECOND)
    }

    /// Seconds that the container adds to the timestamps of `track`.
    pub(super) fn time_shift(&self, track: &Track) -> f64 {
        self.played_ranges(track).first().map_or(0.0, |first| first.presented - first.from)
    }

    pub(super) fn add_tags(&self, tags: &mut Tags) {
        if let Some(movie) = &self.movie {
            tags.add_movie(movie);
        }
        if let Some(date) = self.wave.as_ref().and_then(|wave| wave.origination_date.as_deref()) {
            tags.add_date(date::parse(date));
        }
        tags.add_matroska(&self.matroska);
    }

    /// The ranges of `track` that its edit list plays; empty if it plays all of the track.
    pub(super) fn played_ranges(&self, track: &Track) -> Vec<mp4::PlayedRange> {
        let movie = self.movie.as_ref();
        let listed = movie.and_then(|movie| Some((movie, movie.tracks.iter().find(|t| t.id == track.id)?)));
        listed.map(|(movie, track)| movie.played_ranges(track)).unwrap_or_default()
    }

    /// How `track` is placed, which is one of `tracks` tracks that the demuxer sees.
    pub(super) fn placement(&self, track: &Track, tracks: usize, is_one_of_several: bool) -> Placement {
        if let Some(first) = self.played_ranges(track).first() {
            // The first fragments may have been cut off; then the first timestamp is not 0.
            let starts_at_first = self.movie.as_ref().is_some_and(|movie| movie.fragmented)
                && first.presented <= 0.0
                && tracks == 1;
            return Placement { starts_at_first, ..Placement::default() };
        }
        match self.container {
            Container::Ogg => ogg_placement(track),
            // Their timestamps are positions in the file, counted by the demuxer.
            Container::Wave | Container::Aiff | Container::Caf | Container::Mpeg(_) => {
                Placement { continuous: true, ..Placement::default() }
            }
            // A track of a group has the time line of the group, whether or not the demuxer sees the other tracks.
            _ => Placement { starts_at_first: tracks == 1 && !is_one_of_several, ..Placement::default() },
        }
    }

    /// The tracks of a fragmented MP4 file; empty for all other files.
    pub(super) fn fragmented_tracks(&self) -> Vec<mp4::Track> {
        let movie = self.movie.as_ref().filter(|movie| movie.fragmented);
        movie.map(|movie| movie.tracks.clone()).unwrap_or_default()
    }

    /// Losses that are known before the file is read.
    pub(super) fn losses(&self) -> Losses {
        let damaged = self.movie.as_ref().is_some_and(|movie| !movie.damage_patches.is_empty());
        Losses { ends_early: self.is_truncated, damaged, lost: 0.0 }
    }

    /// Number of channels that the demuxer sees as one.
    pub(super) fn interleaved_channels(&self) -> Option<u16> {
        self.wave.as_ref().and_then(|wave| wave.interleaved_channels)
    }

    /// What the demuxer subtracts from the timestamps of the container, in seconds.
    pub(super) fn codec_delay(&self) -> f64 {
        self.matroska.codec_delay as f64 * 1e-9
    }

    /// Length of `track` in seconds, stated or estimated.
    pub(super) fn duration(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> Option<f64> {
        if let Some(last) = self.played_ranges(track).last() {
            return last.end(track.duration.map(|d| d.get() as f64 * tick)).filter(|end| *end > 0.0);
        }
        // The demuxer was shown an unknown size.
        if let Some(wave) = &self.wave
            && let Some(end) = wave.view.end
        {
            return wave.seconds(end);
        }
        // All ones mean an unknown duration (ISO/IEC 14496-12, 8.4.2.3).
        let known = track.duration.filter(|d| ![u64::MAX, u64::from(u32::MAX)].contains(&d.get()));
        let of_track = known.map(|d| d.get() as f64 * tick);
        let of_media = format.media_info().duration.zip(format.media_info().time_base);
        of_track.or_else(|| of_media.map(|(d, base)| d.get() as f64 * f64::from(base))).filter(|d| *d > 0.0)
    }

    pub(super) fn expected_end(&self, track: &Track, format: &dyn FormatReader, tick: f64) -> ExpectedEnd {
        let guessed = match self.container {
            Container::Mpeg(stream) => !stream.counted,
            // Whether a WAV file ends early is in `is_truncated`.
            Container::Wave => true,
            _ => false,
        };
        let duration = if guessed { None } else { self.duration(track, format, tick) };
        ExpectedEnd { duration, is_of_all_tracks: track.duration.is_none(), last_packet_end: 0.0 }
    }
}

/// How an Ogg stream is placed: its positions include the encoder's delay, and a stream that was cut from a longer one
/// starts anywhere.
pub(super) fn ogg_placement(track: &Track) -> Placement {
    let start = track.start_ts.max(Timestamp::ZERO).get() as f64;
    // For Opus alone, the demuxer reports the delay but does not apply it.
    let delay = if codecs::is_opus(track) { f64::from(track.delay.unwrap_or(0)) } else { 0.0 };
    let tick = track.time_base.map_or(0.0, f64::from);
    Placement { shift: -(start + delay) * tick, counts_samples: true, ..Placement::default() }
}

fn needs_ffmpeg(format: &str) -> MediaError {
    MediaError::NeedsFfmpeg { format: format.to_owned() }
}

/// Shows the box at byte `at` as free space.
fn free_box(at: u64) -> Patch {
    Patch { at: at + 4, bytes: b"free".to_vec() }
}
