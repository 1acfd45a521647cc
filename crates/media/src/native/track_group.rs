//! Which tracks belong together, and how the decoder of one of them sees the others.
//!
//! Each track has a demuxer of its own, so nothing is buffered for another track, however badly they are interleaved.
//! In Matroska and in fragmented MP4, each demuxer comes across the packets of all tracks. What these say about time is
//! the same for each decoder, so all decoders agree about time without exchanging anything. In other MP4 files the
//! header alone places tracks, and the other tracks are hidden.

use super::container_info::ContainerInfo;
use super::{DecodeOptions, codecs};
use crate::containers::mp4;
use crate::sniff::Container;
use crate::timeline::SharedClock;
use std::ops::RangeInclusive;
use symphonia::core::formats::{FormatReader, Track, TrackFlags};
use symphonia::core::packet::Packet;

/// How many tracks can belong together.
const GROUP_SIZES: RangeInclusive<usize> = 2..=16;
/// Flags of a track that is an alternative to another track.
const ALTERNATIVE_FLAGS: TrackFlags = TrackFlags::COMMENTARY
    .union(TrackFlags::HEARING_IMPAIRED)
    .union(TrackFlags::VISUALLY_IMPAIRED)
    .union(TrackFlags::TEXT_DESCRIPTIONS);
/// Seconds by which sound may begin later than its packet, because the encoder's delay is cut off.
const MAX_DELAY: f64 = 1.0;
/// Later than any moment of a recording, in seconds.
const FOREVER: f64 = 1e12;

/// The tracks, and the time they have in common.
pub(super) struct TrackGroup {
    tracks: Vec<GroupTrack>,
    pub(super) clock: SharedClock,
    /// Up to where the header states that there is sound, in seconds.
    stated_end: f64,
    /// A packet has come. For the first one, the stated end is not trusted: a file that was cut from a longer one may
    /// state the end of the longer one.
    begun: bool,
}

struct GroupTrack {
    id: u32,
    /// Seconds per unit of its timestamps.
    tick: f64,
    /// Seconds that the container adds to its timestamps.
    time_shift: f64,
}

impl TrackGroup {
    /// The tracks with the numbers `ids`. `time_shift` gives the seconds that the container adds to a track's
    /// timestamps. `None` if there are no such tracks.
    pub(super) fn new(
        ids: &[u32],
        tracks: &[Track],
        time_shift: impl Fn(&Track) -> f64,
        stated_end: f64,
    ) -> Option<Self> {
        let track = |track: &Track| GroupTrack {
            id: track.id,
            tick: track.time_base.map_or(0.0, f64::from),
            time_shift: time_shift(track),
        };
        let tracks: Vec<_> = tracks.iter().filter(|track| ids.contains(&track.id)).map(track).collect();
        (!tracks.is_empty()).then_some(Self {
            tracks,
            clock: SharedClock::default(),
            stated_end,
            begun: false,
        })
    }

    /// The numbers of the tracks in the demuxer, in the order of the file.
    pub(super) fn ids(&self) -> Vec<u32> {
        self.tracks.iter().map(|track| track.id).collect()
    }

    /// Takes note of a packet of any track.
    pub(super) fn observe(&mut self, packet: &Packet) {
        if let Some(track) = self.tracks.iter().find(|track| track.id == packet.track_id) {
            // A track that the container itself delays is not part of a longer recording.
            let stated_end = if self.begun || track.time_shift > 0.0 { self.stated_end } else { 0.0 };
            self.begun = true;
            self.clock.observe(packet.pts.get() as f64 * track.tick + track.time_shift, stated_end);
        }
    }

    /// Up to where silence is believed, in seconds.
    pub(super) fn silence_limit(&self) -> f64 {
        self.clock.now.max(self.stated_end) + MAX_DELAY
    }

    /// From now on trusts every timestamp. For a decoder that starts in the middle without marks, and so has not seen
    /// the packets before.
    pub(super) fn trust_timestamps(&mut self) {
        self.clock.now = FOREVER;
    }
}

impl ContainerInfo {
    /// The audio tracks that belong together, by their numbers in the demuxer: those that were recorded at the same
    /// time and are not alternatives to one another. Empty if there is only one, or if only the default track is to be
    /// decoded.
    ///
    /// All audio tracks belong together, or none: there are two to sixteen, each can be decoded, no two have different
    /// languages, and none is marked as a commentary on another or a description of it. A track without a language fits
    /// any language; in Matroska, a missing language means English. Alternate groups and the “enabled” and “default”
    /// flags are ignored: recorders set them for the first track alone, whatever is on the others.
    pub(super) fn track_group_ids(&self, format: &dyn FormatReader, options: DecodeOptions) -> Vec<u32> {
        self.decodable_group(format, options).unwrap_or_default()
    }

    fn decodable_group(&self, format: &dyn FormatReader, options: DecodeOptions) -> Option<Vec<u32>> {
        let movie = self.movie.as_ref();
        // The other tracks are hidden. The caller has checked that this one belongs to the group.
        if let (Some(id), Some(false)) = (options.track, movie.map(|movie| movie.fragmented)) {
            return Some(vec![id]);
        }
        let listed = match self.container {
            Container::Mp4 => movie?.tracks.iter().filter(|track| track.is_sound()).count(),
            Container::Matroska => self.matroska.sound_tracks?,
            _ => return None,
        };
        if !GROUP_SIZES.contains(&listed) || codecs::sound_tracks(format.tracks()) != listed {
            return None;
        }
        let tracks = codecs::all_decodable(format.tracks(), options)?;
        let ids: Vec<u32> = tracks.iter().map(|track| track.id).collect();
        let distinct = (1..ids.len()).all(|i| !ids[..i].contains(&ids[i]));
        let of_movie = |id: &u32| movie.and_then(|movie| movie.tracks.iter().find(|track| track.id == *id));
        let is_alternative = tracks.iter().any(|track| track.flags.intersects(ALTERNATIVE_FLAGS))
            || ids.iter().filter_map(of_movie).any(|track| track.is_alternative);
        // One track is the original of the others.
        let originals = tracks.iter().filter(|t| t.flags.contains(TrackFlags::ORIGINAL_LANGUAGE)).count();
        let is_translated = originals > 0 && originals < tracks.len()
            || differ(ids.iter().filter_map(of_movie).map(mp4::Track::language))
            || differ(tracks.iter().map(|track| language(track)));
        (distinct && !is_alternative && !is_translated).then_some(ids)
    }
}

/// Whether two of the languages are set and different.
fn differ<T: PartialEq>(languages: impl Iterator<Item = Option<T>>) -> bool {
    let mut set = languages.flatten();
    set.next().is_some_and(|first| set.any(|other| other != first))
}

/// The language of a track, without its region; `None` if it states none.
fn language(track: &Track) -> Option<String> {
    let tag = track.language.as_deref()?;
    let language = tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    // Undetermined; without a code of its own; without words.
    (!matches!(language.as_str(), "" | "und" | "mis" | "zxx")).then_some(language)
}
