//! What has to be known of a container beyond what the demuxers tell.
//!
//! Edit lists, dates and copy protection of MP4; the sizes that recorders leave unfinished in WAV, AIFF and CAF; dates
//! in Matroska; pictures and seek tables in FLAC; what is really an MPEG audio stream. Readers here take bytes of the head of a file or seek with a budget, and
//! answer "unknown" rather than fail: a damaged file may still be playable.

pub(crate) mod chunked;
pub(crate) mod flac;
pub(crate) mod matroska;
pub(crate) mod mp4;
pub(crate) mod mpeg;
pub(crate) mod wave;

/// Big- and little-endian numbers at a position, if there are enough bytes.
pub(crate) mod at {
    fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
        bytes.get(at..at.checked_add(N)?)?.try_into().ok()
    }

    pub(crate) fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
        array(bytes, at).map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
        array(bytes, at).map(u16::from_le_bytes)
    }

    pub(crate) fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
        array(bytes, at).map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
        array(bytes, at).map(u32::from_le_bytes)
    }

    pub(crate) fn u64_be(bytes: &[u8], at: usize) -> Option<u64> {
        array(bytes, at).map(u64::from_be_bytes)
    }

    pub(crate) fn u64_le(bytes: &[u8], at: usize) -> Option<u64> {
        array(bytes, at).map(u64::from_le_bytes)
    }

    pub(crate) fn tag(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
        array(bytes, at)
    }
}
