//! MP4 and QuickTime, ISO/IEC 14496-12: tracks, edit lists, fragments, dates and copy protection.
//!
//! The demuxer ignores edit lists, so the encoder's delay would shift every word by up to 0.1 s. It does not
//! distinguish a file without an index from one that is no movie, does not name codecs that it does not know, sums up
//! durations where fragments state their times, and ends at damage between fragments. [`read`] reads what is needed to
//! correct this.

mod boxes;
mod edit_list;
mod fragments;

use crate::file_view::Patch;
use edit_list::Edit;
use fragments::Fragment;

pub(crate) use boxes::read;
pub(crate) use edit_list::PlayedRange;

/// What the index of a movie says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Movie {
    /// The file has an index (`moov`).
    pub(crate) has_index: bool,
    /// Creation time in seconds since 1904 UTC; 0 if not set.
    pub(crate) created: u64,
    /// QuickTime's creation date, with the UTC offset of the recording device.
    pub(crate) creation_date: Option<String>,
    /// All tracks, in the order of the file.
    pub(crate) tracks: Vec<Track>,
    /// Samples are listed in fragments throughout the file.
    pub(crate) fragmented: bool,
    /// Positions of the boxes with titles and pictures.
    pub(crate) metadata: Vec<u64>,
    /// Corrects the size of a media box that claims to end behind the end of the file.
    pub(crate) truncated_mdat: Option<Patch>,
    /// Another movie was appended. It is not read.
    pub(crate) has_appended_movie: bool,
    /// Show damage between fragments as free space.
    pub(crate) damage_patches: Vec<Patch>,
    /// Units per second of the durations in edit lists.
    timescale: u32,
}

/// One track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Track {
    /// Position of its box in the file.
    pub(crate) at: u64,
    /// Its number, which the demuxer uses too.
    pub(crate) id: u32,
    /// Its kind: `soun`, `vide` …
    pub(crate) handler: [u8; 4],
    /// Its codec: `mp4a`, `alac`, `samr` …
    pub(crate) codec: [u8; 4],
    /// Its sample entry says that uncompressed samples are little-endian.
    is_little_endian: bool,
    /// Units per second of its timestamps.
    timescale: u32,
    /// In units of `timescale`.
    duration: u64,
    edits: Vec<Edit>,
    /// Three letters of five bits each, or a QuickTime language number; 0 if it was not read.
    language: u16,
    /// It is marked as an alternative to another track: a translation, a commentary or a description.
    pub(crate) is_alternative: bool,
    /// Duration of samples in fragments that state none, in units of `timescale`.
    default_duration: u32,
    /// Where fragments begin: one entry for each that does not follow the one before without a gap.
    fragments: Vec<Fragment>,
    /// Length of all fragments so far, in units of `timescale`.
    fragmented_duration: u64,
}

/// Languages that mean "undetermined": two codes of three letters, and a number.
const NO_LANGUAGE: [u16; 3] = [0x55c4, 0x7fff, 0];

impl Track {
    /// Whether it is an audio track.
    pub(crate) fn is_sound(&self) -> bool {
        &self.handler == b"soun"
    }

    /// Its language, if it states one. Only to be compared.
    pub(crate) fn language(&self) -> Option<u16> {
        Some(self.language).filter(|language| !NO_LANGUAGE.contains(language))
    }

    /// Its length as its header states, in seconds; 0 if unknown.
    fn seconds(&self) -> f64 {
        self.duration as f64 / f64::from(self.timescale.max(1))
    }

    /// Whether its samples are uncompressed and big-endian. Codecs other than these four have one byte order.
    ///
    /// QuickTime File Format Specification, “Sound sample descriptions”: an atom `enda` of 1 means little-endian.
    pub(crate) fn is_big_endian(&self) -> bool {
        matches!(&self.codec, b"in24" | b"in32" | b"fl32" | b"fl64") && !self.is_little_endian
    }

    /// Whether its samples are encrypted.
    pub(crate) fn is_protected(&self) -> bool {
        matches!(&self.codec, b"drms" | b"enca")
    }
}

impl Movie {
    /// Positions of the track boxes to hide from the demuxer: every track that is not audio, and all but `wanted`, if
    /// one is given. None of a fragmented file.
    ///
    /// The demuxer reads the samples of all tracks, whole films of them, and looks up each in a list from its
    /// beginning. Phones write a list entry for each picture, so the time for a film would grow with the square of its
    /// length. The demuxer also keeps the lists of all tracks, which is too much where each track has a demuxer of its
    /// own. Fragmented files have short lists, and refer to their tracks in other places too.
    pub(crate) fn hidden_tracks(&self, wanted: Option<u32>) -> impl Iterator<Item = u64> {
        let shown = move |track: &&Track| track.is_sound() && wanted.is_none_or(|id| track.id == id);
        self.tracks.iter().filter(move |track| !self.fragmented && !shown(track)).map(|track| track.at)
    }

    /// When the last audio ends, as the header states, in seconds; 0 if it does not.
    pub(crate) fn end(&self) -> f64 {
        let end = |track: &Track| match self.played_ranges(track).last() {
            Some(last) => last.end(Some(track.seconds())).unwrap_or(0.0),
            None => track.seconds(),
        };
        self.tracks.iter().filter(|track| track.is_sound()).map(end).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    fn element(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes(), kind.as_slice(), body].concat()
    }

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    fn movie(edits: &[u32]) -> Vec<u8> {
        let elst = [&numbers(&[0, edits.len() as u32 / 3]), &numbers(edits)[..]].concat();
        let mdia = [
            element(b"mdhd", &numbers(&[0, 0, 0, 48_000, 480_000, 0])),
            element(b"hdlr", &[&[0; 8], b"soun".as_slice(), &[0; 12]].concat()),
            element(
                b"minf",
                &element(
                    b"stbl",
                    &element(b"stsd", &[&numbers(&[0, 1, 36]), b"mp4a".as_slice(), &[0; 28]].concat()),
                ),
            ),
        ]
        .concat();
        let trak = [
            element(b"tkhd", &numbers(&[0, 0, 0, 7, 0])),
            element(b"edts", &element(b"elst", &elst)),
            element(b"mdia", &mdia),
        ]
        .concat();
        let moov =
            [element(b"mvhd", &numbers(&[0, 3_800_000_000, 0, 1000, 10_000])), element(b"trak", &trak)]
                .concat();
        [element(b"ftyp", b"M4A \0\0\0\0"), element(b"moov", &moov)].concat()
    }

    fn parsed(bytes: &[u8]) -> Movie {
        read(&mut Cursor::new(bytes), bytes.len() as u64).unwrap()
    }

    #[test]
    fn a_box_whose_parent_ends_within_its_header_is_ignored() {
        // A size of 64 bits takes 8 bytes more, which lie behind the parent.
        let keys = [&1u32.to_be_bytes(), b"keys".as_slice()].concat();
        let moov = element(b"moov", &element(b"udta", &element(b"meta", &[&[0; 4], &keys[..]].concat())));
        let movie = parsed(&[element(b"ftyp", b"M4A \0\0\0\0"), moov, 16u64.to_be_bytes().to_vec()].concat());
        assert!(movie.tracks.is_empty());
    }

    #[test]
    fn tracks_and_dates_are_read() {
        let movie = parsed(&movie(&[9_900, 2112, 0x1_0000]));
        assert!(movie.has_index);
        assert_eq!(movie.created, 3_800_000_000);
        let track = &movie.tracks[0];
        assert!(track.is_sound() && !track.is_protected());
        assert_eq!((track.id, &track.codec), (7, b"mp4a"));
        assert_eq!(movie.played_ranges(track), [PlayedRange { presented: 0.0, from: 0.044, to: 9.944 }]);
    }

    #[test]
    fn uncompressed_sound_is_big_endian_unless_its_entry_says_otherwise() {
        let entry = |codec: &[u8; 4], more: &[u8]| {
            let entry = element(codec, &[&[0; 28], more].concat());
            let stsd = element(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], entry.as_slice()].concat());
            let trak = element(b"mdia", &element(b"minf", &element(b"stbl", &stsd)));
            let moov = element(b"moov", &element(b"trak", &trak));
            parsed(&[element(b"ftyp", b"qt  \0\0\0\0"), moov].concat()).tracks[0].is_big_endian()
        };
        let enda = |little: u8| element(b"wave", &element(b"enda", &[0, little]));
        assert!(entry(b"in24", &[]) && entry(b"fl32", &enda(0)));
        assert!(!entry(b"in24", &enda(1)) && !entry(b"sowt", &[]));
    }

    #[test]
    fn language_and_kind_of_a_track_are_read() {
        assert_eq!(parsed(&movie(&[])).tracks[0].language(), None);
        let with = |language: u32, word: &[u8]| {
            let kind = [&[0; 4], b"urn:mpeg:dash:role:2011\0".as_slice(), word].concat();
            let trak = [
                element(b"mdia", &element(b"mdhd", &numbers(&[0, 0, 0, 48_000, 480_000, language << 16]))),
                element(b"udta", &element(b"kind", &kind)),
            ];
            let moov = element(b"moov", &element(b"trak", &trak.concat()));
            let movie = parsed(&moov);
            (movie.tracks[0].language(), movie.tracks[0].is_alternative)
        };
        assert_eq!(with(0x15c7, b"main\0"), (Some(0x15c7), false));
        assert_eq!(with(0x55c4, b"dub\0"), (None, true));
        assert_eq!(with(0x7fff, b""), (None, false));
        assert_eq!(with(2, b"description"), (Some(2), true));
    }

    #[test]
    fn empty_edits_delay_and_impossible_edits_are_ignored() {
        let place = |edits: &[u32]| {
            let movie = parsed(&movie(edits));
            movie.played_ranges(&movie.tracks[0])
        };
        let range = |presented, from, to| PlayedRange { presented, from, to };
        let delayed = place(&[500, u32::MAX, 0x1_0000, 9_500, 0, 0x1_0000]);
        assert_eq!(delayed, [range(0.5, 0.0, 9.5)]);
        assert_eq!(place(&[]), []);
        assert_eq!(place(&[1000, 480_000, 0x1_0000]), []);
        // Two empty edits, a range, a dwell, and an endless range behind a part that was cut out.
        let edits = [
            500,
            u32::MAX,
            0x1_0000,
            250,
            u32::MAX,
            0x1_0000,
            3000,
            0,
            0x1_0000,
            250,
            0,
            0,
            0,
            288_000,
            0x1_0000,
        ];
        assert_eq!(place(&edits), [range(0.75, 0.0, 3.0), range(4.0, 6.0, f64::INFINITY)]);
    }

    #[test]
    fn an_appended_movie_is_detected() {
        let one = movie(&[]);
        let movie = parsed(&[one.clone(), element(b"mdat", &[0; 40]), one].concat());
        assert!(movie.has_appended_movie && movie.tracks.len() == 1);
    }

    #[test]
    fn ranges_in_another_order_are_detected() {
        let rearranged = |edits: &[u32]| {
            let movie = parsed(&movie(edits));
            movie.is_rearranged(&movie.tracks[0])
        };
        assert!(!rearranged(&[1000, 0, 0x1_0000, 1000, 96_000, 0x1_0000]));
        assert!(rearranged(&[1000, 96_000, 0x1_0000, 1000, 0, 0x1_0000]));
        assert!(rearranged(&[1000, 0, 0x1_0000, 1000, 0, 0x1_0000]));
    }

    /// Fragment `number` of track 7, which states this time and has ten samples of `each` units.
    fn fragment(number: u32, stated: u32, each: u32) -> Vec<u8> {
        let traf = [
            element(b"tfhd", &numbers(&[0x2_0008, 7, each])),
            element(b"tfdt", &numbers(&[0, stated])),
            element(b"trun", &numbers(&[0x1, 10, 0])),
        ]
        .concat();
        let moof = [element(b"mfhd", &numbers(&[0, number])), element(b"traf", &traf)].concat();
        [element(b"moof", &moof), element(b"mdat", &[1; 40])].concat()
    }

    fn fragmented(fragments: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = movie(&[]);
        let mvex = element(b"mvex", &element(b"trex", &numbers(&[0, 7, 1, 1024, 0, 0])));
        let moov = bytes.windows(4).position(|w| w == b"moov").unwrap() - 4;
        let size = (bytes.len() - moov + mvex.len()) as u32;
        bytes[moov..moov + 4].copy_from_slice(&size.to_be_bytes());
        [bytes, mvex, fragments.concat()].concat()
    }

    #[test]
    fn fragments_state_their_time() {
        let movie =
            parsed(&fragmented(&[fragment(1, 0, 100), fragment(2, 1000, 100), fragment(6, 5000, 100)]));
        let track = &movie.tracks[0];
        assert_eq!(track.fragments, [Fragment { counted: 2000, stated: 5000, after_loss: true }]);
        assert_eq!([1000, 2000, 2001].map(|pts| track.is_after_loss(pts)), [false, true, false]);
        assert_eq!([0, 1999, 2000, 2500].map(|pts| track.presented_time(pts)), [0, 1999, 5000, 5500]);
        assert_eq!([0, 1999, 5000, 5500].map(|pts| track.demuxer_time(pts)), [0, 1999, 2000, 2500]);
        assert!(movie.damage_patches.is_empty());
    }

    #[test]
    fn damage_between_fragments_is_shown_as_free_space() {
        let fragments = [fragment(1, 0, 100), fragment(2, 1000, 100), fragment(3, 2000, 100)];
        let whole = fragmented(&fragments);
        let second = whole.len() - fragments[1].len() - fragments[2].len();
        // The kind of the box, its size, the kind of the first box in it, its size, the number of samples of the run.
        for at in [4, 1, 12, 8, 70] {
            let mut bytes = whole.clone();
            bytes[second + at] ^= 0x55;
            let movie = parsed(&bytes);
            assert_eq!(movie.damage_patches.len(), 1, "{at}");
            assert_eq!(movie.damage_patches[0].at, second as u64);
            assert_eq!(movie.damage_patches[0].bytes[..4], (fragments[1].len() as u32).to_be_bytes());
            assert_eq!(
                movie.tracks[0].fragments,
                [Fragment { counted: 1000, stated: 2000, after_loss: true }],
                "{at}"
            );
        }
    }

    #[test]
    fn truncated_and_changed_files_do_not_panic() {
        let bytes = movie(&[9_900, 2112, 0x1_0000]);
        for cut in 0..bytes.len() {
            parsed(&bytes[..cut]);
            let mut changed = bytes.clone();
            changed[cut] = 0xff;
            parsed(&changed);
        }
        assert!(!parsed(&element(b"ftyp", b"M4A ")).has_index);
    }
}
