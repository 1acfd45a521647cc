//! The seal notices what it should.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

const PATH: &str = "audio/ab/abcdef";

fn key(number: u8) -> ContentKey {
    ContentKey::from_bytes(&[number; 32]).unwrap()
}

/// Content of which no two chunks are equal.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at.wrapping_mul(31) ^ (at >> 9)) as u8).collect()
}

fn opened(stored: &[u8], path: &str) -> Result<Vec<u8>> {
    key(1).open_text(stored, path)
}

/// Sizes around those at which the number of chunks changes.
const SIZES: [usize; 9] = [
    0,
    1,
    1000,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES,
    3 * CHUNK_BYTES + 17,
    300_000,
];

#[test]
fn content_of_any_size_comes_back_and_the_size_in_the_backup_is_known_before() {
    for bytes in SIZES {
        let content = content(bytes);
        let mut writer = key(1).writer(Vec::new()).unwrap();
        for part in content.chunks(7001) {
            writer.write_all(part).unwrap();
        }
        let written = writer.finish(PATH).unwrap();
        let mut read = Vec::new();
        key(1).reader(content.as_slice(), bytes as u64, PATH).unwrap().read_to_end(&mut read).unwrap();
        for stored in [&written, &read] {
            assert_eq!(opened(stored, PATH).unwrap(), content, "{bytes}");
            assert_eq!(stored.len() as u64, key(1).stored_bytes(bytes as u64), "{bytes}");
            assert_eq!(key(1).content_bytes(stored.len() as u64), Some(bytes as u64), "{bytes}");
        }
        assert_ne!(written, read, "each file has a nonce of its own");
    }
}

#[test]
fn each_size_in_the_backup_belongs_to_one_size_of_content_or_to_none() {
    let mut next = 0;
    for stored in 0..key(1).stored_bytes(3 * CHUNK_BYTES as u64) {
        if let Some(content) = key(1).content_bytes(stored) {
            assert_eq!(content, next, "{stored}");
            next += 1;
        }
    }
    assert_eq!(next, 3 * CHUNK_BYTES as u64);
}

#[test]
fn every_change_of_a_byte_and_every_end_that_is_missing_is_noticed() {
    for bytes in [0, 100, CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 5] {
        let stored = key(1).stored_text(&content(bytes), PATH).unwrap();
        for at in (0..stored.len()).step_by(stored.len() / 60 + 1) {
            let mut changed = stored.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(opened(&changed, PATH).is_err(), "{at} of {bytes}");
            assert!(opened(&stored[..at], PATH).is_err(), "{bytes} cut to {at}");
        }
        // Ends between two chunks, and one byte more.
        for chunk in 0..bytes / CHUNK_BYTES {
            let end = HEADER_BYTES + chunk * SEALED_CHUNK_BYTES;
            assert!(opened(&stored[..end], PATH).is_err(), "{chunk} chunks of {bytes}");
        }
        let longer = [stored.as_slice(), &[0]].concat();
        assert!(opened(&longer, PATH).is_err());
    }
}

#[test]
fn chunks_that_are_moved_left_out_or_repeated_are_noticed() {
    let stored = key(1).stored_text(&content(4 * CHUNK_BYTES), PATH).unwrap();
    let (header, chunks) = stored.split_at(HEADER_BYTES);
    let chunks: Vec<&[u8]> = chunks.chunks(SEALED_CHUNK_BYTES).collect();
    for order in [vec![1, 0, 2, 3], vec![0, 2, 3], vec![0, 0, 1, 2, 3], vec![0, 1, 3, 2], vec![3]] {
        let moved: Vec<u8> =
            header.iter().copied().chain(order.iter().flat_map(|n| chunks[*n].to_vec())).collect();
        assert!(opened(&moved, PATH).is_err(), "{order:?}");
    }
}

#[test]
fn a_file_in_the_place_of_another_or_of_another_backup_is_noticed() {
    let stored = key(1).stored_text(b"the rows of a meeting", PATH).unwrap();
    assert!(opened(&stored, PATH).is_ok());
    assert!(opened(&stored, "audio/ab/abcdee").is_err());
    assert!(key(2).open_text(&stored, PATH).is_err());
    let plain = opened(b"the rows of a meeting, and more of them than a header has bytes", PATH);
    assert!(plain.unwrap_err().to_string().contains("not encrypted"));
}

#[test]
fn content_that_becomes_shorter_while_it_is_read_is_an_error() {
    let mut reader = key(1).reader(&b"short"[..], 6, PATH).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[test]
fn a_backup_without_a_key_leaves_everything_as_it_is() {
    let none = ContentKey::none();
    assert_eq!(none.stored_text(b"x", PATH).unwrap(), b"x");
    assert_eq!(none.open_text(b"x", PATH).unwrap(), b"x");
    assert_eq!((none.stored_bytes(7), none.content_bytes(7)), (7, Some(7)));
}
