//! Changes to the bytes of files that no encoder makes: cutting, padding, damage, added tags, and replaced MP4 boxes.

/// The byte range between two fractions (0 to 1) of the length.
fn range(bytes: &[u8], from: f64, to: f64) -> std::ops::Range<usize> {
    let at = |part: f64| ((bytes.len() as f64 * part) as usize).min(bytes.len());
    at(from)..at(to).max(at(from))
}

/// Replaces a range with zeros, as an unreadable disk or an incomplete download does.
pub(super) fn zeroed(mut bytes: Vec<u8>, from: f64, to: f64) -> Vec<u8> {
    let range = range(&bytes, from, to);
    bytes[range].fill(0);
    bytes
}

/// Deletes a range.
pub(super) fn deleted(mut bytes: Vec<u8>, from: f64, to: f64) -> Vec<u8> {
    let range = range(&bytes, from, to);
    bytes.drain(range);
    bytes
}

/// Replaces a range with noise.
pub(super) fn noisy(mut bytes: Vec<u8>, from: f64, to: f64) -> Vec<u8> {
    let range = range(&bytes, from, to);
    let noise = noise(range.len());
    bytes[range].copy_from_slice(&noise);
    bytes
}

/// Keeps only the beginning, as after an interrupted copy.
pub(super) fn cut(mut bytes: Vec<u8>, at: f64) -> Vec<u8> {
    bytes.truncate(range(&bytes, 0.0, at).end);
    bytes
}

pub(super) fn with_in_front(bytes: Vec<u8>, front: &[u8]) -> Vec<u8> {
    [front, &bytes].concat()
}

pub(super) fn with_behind(mut bytes: Vec<u8>, behind: &[u8]) -> Vec<u8> {
    bytes.extend_from_slice(behind);
    bytes
}

/// Pseudo-random bytes, the same in every run.
pub(super) fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// An ID3v2 tag with this many bytes of padding.
pub(super) fn id3(padding: usize) -> Vec<u8> {
    let size = |shift: usize| (padding >> shift & 0x7f) as u8;
    let mut tag = vec![b'I', b'D', b'3', 4, 0, 0, size(21), size(14), size(7), size(0)];
    tag.resize(10 + padding, 0);
    tag
}

/// An APEv2 tag for the end of a file.
pub(super) fn ape() -> Vec<u8> {
    let mut item = vec![1, 0, 0, 0, 0, 0, 0, 0];
    item.extend(b"Title\0x");
    let mut footer = b"APETAGEX".to_vec();
    footer.extend(2000_u32.to_le_bytes());
    footer.extend((item.len() as u32 + 32).to_le_bytes());
    footer.extend(1_u32.to_le_bytes());
    footer.extend([0; 12]);
    item.extend(footer);
    item
}

/// An ID3v1 tag.
pub(super) fn id3v1() -> Vec<u8> {
    let mut tag = b"TAGMeeting".to_vec();
    tag.resize(128, 0);
    tag
}

/// Inserts a chunk of odd length, with its padding byte, before the samples of a WAV file.
pub(super) fn odd_chunk(mut wav: Vec<u8>) -> Vec<u8> {
    let chunk = b"junk\x05\0\0\0abcde\0";
    if wav.len() > 44 {
        wav.splice(36..36, chunk.iter().copied());
        let size = (wav.len() - 8) as u32;
        wav[4..8].copy_from_slice(&size.to_le_bytes());
    }
    wav
}

/// Sets the size of the samples in the header of a WAV file.
pub(super) fn data_size(mut wav: Vec<u8>, size: u32) -> Vec<u8> {
    if let Some(field) = wav.get_mut(40..44) {
        field.copy_from_slice(&size.to_le_bytes());
    }
    wav
}

/// One edit of an edit list: its duration, and its start in the track; `None` is an empty edit (silence).
pub(super) type Edit = (f64, Option<f64>);

/// Replaces the edit list of an MP4 file with one track, whose index must be at the end. Times of the movie are in
/// milliseconds, those of the track in units of `1 / rate` seconds.
pub(super) fn with_edits(mp4: Vec<u8>, edits: &[Edit], rate: f64) -> Vec<u8> {
    let mut list = vec![0; 4];
    list.extend((edits.len() as u32).to_be_bytes());
    for (length, start) in edits {
        list.extend(((length * 1000.0) as u32).to_be_bytes());
        list.extend(start.map_or(-1, |start| (start * rate) as i32).to_be_bytes());
        list.extend(1_u16.to_be_bytes());
        list.extend(0_u16.to_be_bytes());
    }
    replaced(&mp4, &[b"moov", b"trak", b"edts", b"elst"], &list).unwrap_or(mp4)
}

/// The boxes in `bytes`, with the content of the box at the path `path` replaced.
fn replaced(bytes: &[u8], path: &[&[u8; 4]], content: &[u8]) -> Option<Vec<u8>> {
    let [name, rest @ ..] = path else { return Some(content.to_vec()) };
    let mut at = 0;
    loop {
        let head = bytes.get(at..at + 8)?;
        let size = usize::try_from(u32::from_be_bytes(*head.first_chunk()?)).ok()?;
        let end = at.checked_add(size).filter(|end| size >= 8 && *end <= bytes.len())?;
        if head[4..] == name[..] {
            let inside = replaced(&bytes[at + 8..end], rest, content)?;
            let size = u32::try_from(inside.len() + 8).ok()?;
            return Some([&bytes[..at], &size.to_be_bytes(), &name[..], &inside, &bytes[end..]].concat());
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_list_replaces_another() {
        let boxed = |name: &[u8; 4], inside: &[u8]| {
            [&(inside.len() as u32 + 8).to_be_bytes(), &name[..], inside].concat()
        };
        let file = |list: &[u8]| {
            let trak =
                boxed(b"trak", &[boxed(b"tkhd", &[7]), boxed(b"edts", &boxed(b"elst", list))].concat());
            [boxed(b"ftyp", &[1, 2]), boxed(b"moov", &trak)].concat()
        };
        let changed = with_edits(file(&[9; 20]), &[(1.5, None), (2.0, Some(1.0))], 10.0);
        let list = [
            [0, 0, 0, 0, 0, 0, 0, 2].as_slice(),
            &[0, 0, 5, 220, 255, 255, 255, 255, 0, 1, 0, 0],
            &[0, 0, 7, 208, 0, 0, 0, 10, 0, 1, 0, 0],
        ];
        assert_eq!(changed, file(&list.concat()));
    }
}
