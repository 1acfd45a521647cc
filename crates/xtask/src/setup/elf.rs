//! Reads which shared libraries a Linux program or library needs.
//!
//! Reads only the dynamic section of 64-bit little-endian ELF files, as in the PostgreSQL packages. Symbols, versions
//! and search paths are left to the loader.

use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;

/// The names (`DT_NEEDED`) of the libraries that the loader must find for `file`.
pub(crate) fn needed(file: &Path) -> Result<Vec<String>> {
    let bytes = fs::read(file).with_context(|| format!("could not read {}", file.display()))?;
    parse(&bytes).with_context(|| format!("{} is not an ELF file that can be read", file.display()))
}

fn parse(bytes: &[u8]) -> Result<Vec<String>> {
    // e_ident: magic, 64-bit class, little endian.
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        bail!("not a 64-bit little-endian ELF header");
    }
    let headers_at = u64_at(bytes, 32)?;
    let header_size = u64::from(u16_at(bytes, 54)?);
    let header_count = u64::from(u16_at(bytes, 56)?);
    let mut loads = Vec::new();
    let mut dynamic = None;
    for index in 0..header_count {
        let at = headers_at + index * header_size;
        let (offset, address, size) =
            (u64_at(bytes, at + 8)?, u64_at(bytes, at + 16)?, u64_at(bytes, at + 32)?);
        match u32_at(bytes, at)? {
            PT_LOAD => loads.push((offset, address, size)),
            PT_DYNAMIC => dynamic = Some((offset, size)),
            _ => {}
        }
    }
    let Some((dynamic_at, dynamic_size)) = dynamic else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    let mut strings_address = None;
    for entry in 0..dynamic_size / 16 {
        let at = dynamic_at + entry * 16;
        let value = u64_at(bytes, at + 8)?;
        match u64_at(bytes, at)? {
            DT_NULL => break,
            DT_NEEDED => names.push(value),
            DT_STRTAB => strings_address = Some(value),
            _ => {}
        }
    }
    let strings_address = strings_address.context("no string table")?;
    let strings_at = loads
        .iter()
        .find(|(_, address, size)| (*address..address + size).contains(&strings_address))
        .map(|(offset, address, _)| offset + (strings_address - address))
        .context("the string table is in no segment")?;
    names.into_iter().map(|name| string_at(bytes, strings_at + name)).collect()
}

fn array_at<const N: usize>(bytes: &[u8], at: u64) -> Result<[u8; N]> {
    usize::try_from(at)
        .ok()
        .and_then(|at| bytes.get(at..)?.first_chunk::<N>())
        .copied()
        .with_context(|| format!("ends before offset {at}"))
}

fn u16_at(bytes: &[u8], at: u64) -> Result<u16> {
    array_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: u64) -> Result<u32> {
    array_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: u64) -> Result<u64> {
    array_at(bytes, at).map(u64::from_le_bytes)
}

fn string_at(bytes: &[u8], at: u64) -> Result<String> {
    let rest =
        usize::try_from(at).ok().and_then(|at| bytes.get(at..)).context("a name lies outside the file")?;
    let end = rest.iter().position(|byte| *byte == 0).context("a name has no end")?;
    String::from_utf8(rest[..end].to_vec()).context("a name is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
    #[test]
    fn this_test_program_needs_the_c_library() {
        let names = needed(&std::env::current_exe().unwrap()).unwrap();
        assert!(names.iter().any(|name| name.starts_with("libc.")), "{names:?}");
    }

    #[test]
    fn anything_else_is_refused_with_a_reason() {
        for bytes in [&b""[..], b"MZ", b"\x7fELF\x02\x01", &[0x7f; 4096]] {
            assert!(parse(bytes).is_err());
        }
        assert!(needed(Path::new("no such file")).unwrap_err().to_string().contains("no such file"));
    }
}
