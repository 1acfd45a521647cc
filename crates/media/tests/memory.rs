//! Memory does not grow with the length of a recording. This test has a process of its own, so that the numbers are its
//! own.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]

use media::{Reader, Tools};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

/// The peak resident memory so far, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn two_hours_need_no_more_memory_than_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.wav");
    // A header and a sparse body: two hours at 16 kHz, of which the last second is written.
    let bytes: u32 = 2 * 3600 * 32_000;
    let mut file = File::create(&path).unwrap();
    let header = [
        b"RIFF".as_slice(),
        &(bytes + 36).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0",
        &16_000_u32.to_le_bytes(),
        &32_000_u32.to_le_bytes(),
        b"\x02\0\x10\0data",
        &bytes.to_le_bytes(),
    ];
    file.write_all(&header.concat()).unwrap();
    file.seek(SeekFrom::Start(44 + u64::from(bytes) - 32_000)).unwrap();
    file.write_all(&[0x10; 32_000]).unwrap();

    let mut reader = Reader::open(&path, &Tools::none()).unwrap();
    let mut after_a_minute = 0;
    let mut last = 0.0;
    while let Some(samples) = reader.read().unwrap() {
        last = samples[samples.len() - 1];
        if after_a_minute == 0 && samples.len() as u64 * 1000 > 0 && reader.position() >= 60 * 16_000 {
            after_a_minute = peak_kib();
        }
    }
    assert_eq!(reader.position(), 2 * 3600 * 16_000);
    assert_eq!(reader.shortfall(), None);
    assert!(last > 0.1);
    let grown = peak_kib() - after_a_minute;
    assert!(grown < 1024, "{grown} KiB more than after a minute");
}
