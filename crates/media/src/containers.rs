//! What has to be known of a container beyond what its demuxer reports.
//!
//! - `mp4`: edit lists, times of fragments, dates and copy protection.
//! - `wave`, `aiff_caf`: sizes that recorders leave unfinished.
//! - `matroska`: dates, and where clusters begin.
//! - `flac`: pictures and seek tables, which are hidden.
//! - `mpeg_audio`: frames without a container.
//!
//! The readers here take the first bytes of a file, or seek within a bound. They leave a value unset rather than fail:
//! a damaged file may still be playable.

pub(crate) mod aiff_caf;
pub(crate) mod flac;
pub(crate) mod matroska;
pub(crate) mod mp4;
pub(crate) mod mpeg_audio;
pub(crate) mod wave;

/// Big- and little-endian numbers at a position of `bytes`; `None` if there are not enough bytes.
pub(crate) mod bytes_at {
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
