//! The ZIP archive that a DOCX is, and the receipt in it.

use crate::receipt::{FoundReceipt, Token, last_token};
use sha2::{Digest, Sha256};
use std::io::{self, Cursor, Read, Write};
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// The part with the token. Its seal counts as zeros when the seal is computed.
pub(super) const RECEIPT_PART: &str = "docProps/custom.xml";
/// Larger files are not ours: ten hours of speech with a comment on every word stay below.
const MAX_CONTENT_BYTES: u64 = 512 << 20;
const MAX_RECEIPT_PART_BYTES: u64 = 1 << 20;
const MAX_PARTS: usize = 1_000;

/// A part: its name in the archive and its content.
pub(super) type Part = (String, Vec<u8>);

/// Fills in the seal of `parts` and packs them, in their order. The seal covers names and contents, not the archive, so
/// that it survives another program's compression.
pub(super) fn pack(mut parts: Vec<Part>) -> Vec<u8> {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by(|a, b| parts[*a].0.cmp(&parts[*b].0));
    let mut seal = Seal::default();
    for index in order {
        let (name, content) = &parts[index];
        seal.add(name, content.len() as u64, |hash| hash.write_all(content)).expect("hashing does not fail");
    }
    let seal = seal.finish();
    for (_, content) in parts.iter_mut().filter(|(name, _)| name == RECEIPT_PART) {
        if let Some(at) = last_token(content).map(|token| token.seal_at) {
            content[at..at + seal.len()].copy_from_slice(seal.as_bytes());
        }
    }
    zipped(&parts).expect("writing to memory does not fail")
}

fn zipped(parts: &[Part]) -> ZipResult<Vec<u8>> {
    // The earliest time that ZIP knows: equal content gives an equal file.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default());
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(name, options)?;
        archive.write_all(content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The receipt in a DOCX; `None` if `bytes` are not one or have none.
pub(crate) fn receipt_in_docx(bytes: &[u8]) -> Option<FoundReceipt> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut custom = Vec::new();
    archive.by_name(RECEIPT_PART).ok()?.take(MAX_RECEIPT_PART_BYTES).read_to_end(&mut custom).ok()?;
    let Token { receipt, seal, seal_at } = last_token(&custom)?;
    let seal = String::from_utf8(seal.to_vec()).ok()?;
    custom[seal_at..seal_at + seal.len()].fill(b'0');
    // A part that cannot be read is one that was altered.
    let found = seal_of(&mut archive, &custom).ok().flatten();
    Some(FoundReceipt { receipt, intact: found == Some(seal) })
}

/// The seal of an archive whose receipt part, without its seal, is `custom`; `None` if the archive is too large.
fn seal_of(archive: &mut ZipArchive<Cursor<&[u8]>>, custom: &[u8]) -> ZipResult<Option<String>> {
    let mut names = archive.file_names().map(|name| Ok(name?.into_owned())).collect::<ZipResult<Vec<_>>>()?;
    names.retain(|name| !name.ends_with('/'));
    if names.len() > MAX_PARTS {
        return Ok(None);
    }
    names.sort();
    let mut left = MAX_CONTENT_BYTES;
    let mut seal = Seal::default();
    for name in names {
        if name == RECEIPT_PART {
            seal.add(&name, custom.len() as u64, |hash| hash.write_all(custom))?;
            continue;
        }
        let part = archive.by_name(&name)?;
        let size = part.size();
        let Some(rest) = left.checked_sub(size) else { return Ok(None) };
        left = rest;
        let mut copied = 0;
        // The size that the archive claims bounds what is unpacked.
        seal.add(&name, size, |hash| {
            copied = io::copy(&mut part.take(size + 1), hash)?;
            Ok(())
        })?;
        if copied != size {
            return Ok(None);
        }
    }
    Ok(Some(seal.finish()))
}

/// SHA-256 over the parts of a file in order of name: for each the lengths, in 8 bytes, and bytes of name and content.
#[derive(Default)]
struct Seal(Sha256);

impl Seal {
    fn add(
        &mut self,
        name: &str,
        size: u64,
        content: impl FnOnce(&mut HashWriter<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.update((name.len() as u64).to_be_bytes());
        self.0.update(name);
        self.0.update(size.to_be_bytes());
        content(&mut HashWriter(&mut self.0))
    }

    fn finish(self) -> String {
        crate::receipt::hex(&self.0.finalize())
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
