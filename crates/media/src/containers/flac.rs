//! Hides metadata blocks of FLAC (RFC 9639, section 8) from the demuxer: pictures of up to 16 MiB each, which it would
//! keep in memory, and seek tables, which it trusts. A seek table out of order would make it search for ever.

use crate::file_view::{Patch, seek_bounded};
use std::io::{self, Read, Seek};

/// Metadata blocks read before giving up. Only their headers are read.
const MAX_BLOCKS: usize = 128;
const PADDING: u8 = 1;
const SEEK_TABLE: u8 = 3;
const PICTURE: u8 = 6;

/// Patches that turn seek tables into padding, and pictures too if `hide_pictures`. The stream begins at byte `start`.
pub(crate) fn padding_patches(
    hide_pictures: bool,
    file: &mut (impl Read + Seek),
    start: u64,
) -> io::Result<Vec<Patch>> {
    let mut patches = Vec::new();
    let mut at = start + 4;
    for _ in 0..MAX_BLOCKS {
        let mut header = [0; 4];
        seek_bounded(file, at)?;
        match file.read_exact(&mut header) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
        let (last, kind) = (header[0] & 0x80, header[0] & 0x7f);
        if kind == SEEK_TABLE || (hide_pictures && kind == PICTURE) {
            patches.push(Patch { at, bytes: vec![last | PADDING] });
        }
        if last != 0 {
            break;
        }
        at += 4 + u64::from(u32::from_be_bytes([0, header[1], header[2], header[3]]));
    }
    Ok(patches)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

    use super::*;
    use std::io::Cursor;

    #[test]
    fn pictures_and_seek_tables_become_padding() {
        let table = b"fLaC\x83\0\0\x01.";
        assert_eq!(
            padding_patches(false, &mut Cursor::new(table), 0).unwrap(),
            [Patch { at: 4, bytes: vec![0x81] }]
        );
        let file = b"fLaC\x00\0\0\x02..\x06\0\0\x03...\x86\0\0\x01.\xff\xf8";
        let patches = padding_patches(true, &mut Cursor::new(file), 0).unwrap();
        let seen: Vec<_> = patches.iter().map(|p| (p.at, p.bytes.as_slice())).collect();
        assert_eq!(seen, [(10, [1].as_slice()), (17, [0x81].as_slice())]);
        for cut in 0..file.len() {
            padding_patches(true, &mut Cursor::new(&file[..cut]), 0).unwrap();
        }
    }
}
