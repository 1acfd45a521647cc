//! Corrects the sizes of truncated and unfinished AIFF and CAF files.
//!
//! Their demuxers want every chunk to be complete, and refuse a file that was cut or whose recorder lost power.

use crate::file_view::{Patch, seek_bounded};
use std::io::{self, Read, Seek};

/// Chunks read before giving up. Only their headers are read.
const MAX_CHUNKS: usize = 256;

/// Patches for an AIFF file of `len` bytes, and whether sound is missing from its end.
pub(crate) fn aiff(file: &mut (impl Read + Seek), len: u64) -> io::Result<(Vec<Patch>, bool)> {
    let small = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        let Some(header) = header::<8>(file, at)? else { break };
        let size = u64::from(u32::from_be_bytes([header[4], header[5], header[6], header[7]]));
        let available = len.saturating_sub(at + 8);
        if &header[..4] == b"SSND" && is_wrong_size(size, available) {
            let patches = vec![
                Patch { at: 4, bytes: small(len.saturating_sub(8)) },
                Patch { at: at + 4, bytes: small(available) },
            ];
            return Ok((patches, size > available));
        }
        at += 8 + size + (size & 1);
    }
    Ok((Vec::new(), false))
}

/// Patches for a CAF file of `len` bytes, and whether sound is missing from its end.
pub(crate) fn caf(file: &mut (impl Read + Seek), len: u64) -> io::Result<(Vec<Patch>, bool)> {
    let mut at = 8_u64;
    for _ in 0..MAX_CHUNKS {
        let Some(header) = header::<12>(file, at)? else { break };
        let [kind @ .., _, _, _, _, _, _, _, _] = &header;
        let size = u64::from_be_bytes(*header.last_chunk().expect("twelve bytes end in eight"));
        let available = len.saturating_sub(at + 12);
        if kind == b"data" && is_wrong_size(size, available) {
            let patch = Patch { at: at + 4, bytes: available.to_be_bytes().to_vec() };
            // −1 means up to the end of the file.
            return Ok((vec![patch], size > available && size != u64::MAX));
        }
        match at.checked_add(12).and_then(|body| body.checked_add(size)) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok((Vec::new(), false))
}

/// Whether the stated size of a sound chunk exceeds the file, or was never filled in.
fn is_wrong_size(size: u64, available: u64) -> bool {
    size > available || (size == 0 && available > 8)
}

fn header<const N: usize>(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[u8; N]>> {
    let mut header = [0; N];
    seek_bounded(file, at)?;
    match file.read_exact(&mut header) {
        Ok(()) => Ok(Some(header)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    #[test]
    fn the_sound_of_a_cut_aiff_ends_where_the_file_ends() {
        let file =
            |size: u8| [b"FORM\0\0\0\x20AIFFCOMM\0\0\0\0SSND\0\0\0".as_slice(), &[size], &[0; 10]].concat();
        let read = |bytes: Vec<u8>| aiff(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
        assert!(read(file(10)).0.is_empty());
        // The position behind a chunk of such a size overflows.
        let far = [b"caff\0\x01\0\0free".as_slice(), &(i64::MAX - 4).to_be_bytes(), &[0; 10]].concat();
        assert!(read(far).0.is_empty());
        for (size, cut) in [(11, true), (0, false)] {
            let (patches, missing) = read(file(size));
            assert_eq!(missing, cut);
            assert_eq!((patches[0].at, patches[0].bytes.as_slice()), (4, [0, 0, 0, 30].as_slice()));
            assert_eq!((patches[1].at, patches[1].bytes.as_slice()), (24, [0, 0, 0, 10].as_slice()));
        }
        assert!(read(b"FORM".to_vec()).0.is_empty());
    }

    #[test]
    fn the_sound_of_a_cut_caf_ends_where_the_file_ends() {
        let file = |size: i64| [b"caff\0\x01\0\0data".as_slice(), &size.to_be_bytes(), &[0; 10]].concat();
        let read = |bytes: Vec<u8>| caf(&mut Cursor::new(&bytes), bytes.len() as u64).unwrap();
        assert!(read(file(10)).0.is_empty());
        for (size, cut) in [(11, true), (i64::MAX, true), (0, false), (-1, false)] {
            let (patches, missing) = read(file(size));
            assert_eq!(missing, cut);
            assert_eq!((patches[0].at, patches[0].bytes.as_slice()), (12, 10_u64.to_be_bytes().as_slice()));
        }
    }
}
