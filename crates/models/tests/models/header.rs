//! Reading headers, including hostile ones.

use crate::gguf_builder::{Gguf, PUBLISHED, TRIMMED, Value};
use models::header::{self, Kind, OtherFormat};
use models::{Header, HeaderError};
use proptest::prelude::*;
use std::fs;
use std::path::Path;

fn read(bytes: &[u8]) -> Result<Header, HeaderError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, bytes).unwrap();
    header::read(&path)
}

#[test]
fn the_header_of_a_speech_model_is_read() {
    for version in [2, 3] {
        let mut gguf = Gguf::of("parakeet");
        gguf.version = version;
        let bytes = gguf.bytes();
        let header = read(&bytes).unwrap();
        assert_eq!(header.kind, Kind::Gguf(version));
        assert_eq!(header.architecture, "parakeet");
        assert_eq!(header.name.as_deref(), Some("A small model"));
        assert_eq!(header.variant.as_deref(), Some("small"));
        assert_eq!(header.languages, ["en", "de"]);
        assert_eq!(header.byte_size, bytes.len() as u64);
        assert!(header.recognises_words());
    }
    assert!(!read(&Gguf::of("sortformer").bytes()).unwrap().recognises_words());
}

#[test]
fn the_whisper_fixture_is_read() {
    let Some(path) = testing::shared("models/fixture-whisper.gguf") else { return };
    let header = header::read(&path).unwrap();
    assert_eq!(header.architecture, "whisper");
    assert_eq!(header.variant.as_deref(), Some("whisper-tiny.en"));
    assert_eq!(header.languages, ["en"]);
    assert_eq!(header.context_s(), Some(30));
    // A truncated file is detected, with the missing length.
    let whole = fs::read(&path).unwrap();
    let needed = whole.len() as u64;
    match read(&whole[..whole.len() - 4096]).unwrap_err() {
        HeaderError::Truncated { found, needed: n } => {
            assert_eq!(found, needed - 4096);
            assert!(n <= needed && n > found);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn an_encoder_context_is_known_only_if_all_numbers_agree() {
    let of = |architecture, numbers| Gguf::of(architecture).with_context(numbers);
    for (numbers, seconds) in [
        (PUBLISHED, Some(30)),
        (TRIMMED, Some(16)),
        ([160_000, 1_000, 10], Some(10)),
        ([480_000, 3_000, 16], None),
        ([480_000, 1_600, 30], None),
        ([256_000, 3_000, 30], None),
        ([0, 0, 0], None),
        ([u32::MAX; 3], None),
    ] {
        assert_eq!(read(&of("whisper", numbers).bytes()).unwrap().context_s(), seconds, "{numbers:?}");
        assert_eq!(read(&of("parakeet", numbers).bytes()).unwrap().context_s(), None);
    }
    assert_eq!(read(&Gguf::of("whisper").bytes()).unwrap().context_s(), None);
    // The architecture comes last, and the version is the older one.
    let mut turned = of("whisper", PUBLISHED);
    turned.version = 2;
    turned.values.rotate_left(1);
    assert_eq!(read(&turned.bytes()).unwrap().context_s(), Some(30));
    for number in 4..7 {
        let mut without = of("whisper", PUBLISHED);
        without.values.remove(number);
        assert_eq!(read(&without.bytes()).unwrap().context_s(), None, "without {number}");
        for other in [
            Value::I32(30),
            Value::U64(30),
            Value::Text("30"),
            Value::Texts(vec!["30"]),
            Value::F32s(vec![30.0]),
        ] {
            let mut wrong = of("whisper", PUBLISHED);
            wrong.values[number].1 = other;
            assert_eq!(read(&wrong.bytes()).unwrap().context_s(), None, "another type of {number}");
        }
        for again in [Value::U32(30), Value::I32(30)] {
            let mut twice = of("whisper", PUBLISHED);
            let key = twice.values[number].0;
            twice.values.push((key, again));
            assert_eq!(read(&twice.bytes()).unwrap().context_s(), None, "twice {number}");
        }
    }
}

#[test]
fn other_file_formats_are_recognised() {
    let mut tar = vec![0; 600];
    tar[257..262].copy_from_slice(b"ustar");
    let cases: [(&[u8], OtherFormat); 20] = [
        (b"<!DOCTYPE html><html>", OtherFormat::WebPage),
        (b"\xef\xbb\xbf\n <HTML lang=en>", OtherFormat::WebPage),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa", OtherFormat::LfsPointer),
        (b"\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}", OtherFormat::Safetensors),
        (b"PK\x03\x04rest of an archive", OtherFormat::PyTorch),
        (b"\x80\x02}q\0.", OtherFormat::PyTorch),
        (&tar, OtherFormat::Tar),
        (b"\x08\x08\x12\x07pytorch", OtherFormat::Onnx),
        (b"\x1c\0\0\0TFL3", OtherFormat::TensorFlowLite),
        (b"\x89HDF\r\n\x1a\n", OtherFormat::Hdf5),
        (b"tjgg\x01\0\0\0", OtherFormat::OldGgml),
        (b"\x1f\x8b\x08\0", OtherFormat::Compressed),
        (b"RIFF\0\0\0\0WAVEfmt ", OtherFormat::Audio),
        (b"ID3\x04\0", OtherFormat::Audio),
        (b"\xff\xfb\x90\x64", OtherFormat::Audio),
        (b"\0\0\0\x20ftypM4A ", OtherFormat::Audio),
        (b"{\n  \"model_type\": \"whisper\"", OtherFormat::Json),
        (b"hello", OtherFormat::Unknown),
        (b"\0", OtherFormat::Unknown),
        (&[0; 64], OtherFormat::Unknown),
    ];
    for (bytes, kind) in cases {
        match read(bytes) {
            Err(HeaderError::OtherFormat(found)) => assert_eq!(found, kind, "{bytes:?}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }
    assert!(matches!(read(b""), Err(HeaderError::Empty)));
    assert!(matches!(header::read(&std::env::temp_dir()), Err(HeaderError::NotAFile)));
    assert!(matches!(header::read(Path::new("/nowhere/model.gguf")), Err(HeaderError::Io(_))));
}

#[test]
fn each_refusal_has_its_error_text() {
    let cases = [
        (
            read(&Gguf::of("llama").bytes()),
            "it is a model of the architecture “llama”, which is not a speech model",
        ),
        (read(&Gguf::of("silero_vad").bytes()), "it is the auxiliary model “silero_vad”"),
        (read(b"<!doctype html>"), "it is a web page, not a model: the download may need"),
        (read(b"GG"), "it is incomplete: it ends after 2 bytes, within its header"),
        (read(b"GGUF\x01\0\0\0"), "it is a GGUF file of version 1"),
        (read(b"GGUF\0\0\0\x03"), "it is a GGUF file for processors of another byte order"),
        (read(b""), "the file is empty"),
    ];
    for (result, clause) in cases {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(clause), "{message}");
    }
    let whole = Gguf::of("whisper").bytes();
    let message = read(&whole[..whole.len() - 100]).unwrap_err().to_string();
    assert!(
        message.starts_with("it is incomplete: ") && message.ends_with("as after an interrupted download"),
        "{message}"
    );
}

#[test]
fn a_file_truncated_anywhere_is_refused() {
    let whole = Gguf::of("whisper").with_context(PUBLISHED).bytes();
    // The last tensor has 20 bytes, and padding follows.
    let needed = whole.len() - 12;
    for length in 0..needed {
        assert!(read(&whole[..length]).is_err(), "{length} of {needed}");
    }
    assert!(read(&whole[..needed]).is_ok());
}

#[test]
fn false_numbers_in_a_header_cost_no_memory_and_no_time() {
    let whole = Gguf::of("whisper").bytes();
    let at = |place: usize, value: &[u8]| {
        let mut bytes = whole.clone();
        bytes[place..place + value.len()].copy_from_slice(value);
        bytes
    };
    let huge = u64::MAX.to_le_bytes();
    // Counts of tensors and of values, the length of the first key, of its value, and of the last list.
    let list = whole.windows(21).position(|window| window == b"tokenizer.ggml.tokens").unwrap() + 21 + 8;
    for place in [8, 16, 24, 24 + 8 + 20 + 4, list] {
        for value in
            [huge, (1_u64 << 62).to_le_bytes(), (1_u64 << 40).to_le_bytes(), (1_u64 << 20).to_le_bytes()]
        {
            assert!(read(&at(place, &value)).is_err(), "{place}");
        }
    }
    let mut deep = Gguf::of("whisper");
    deep.tensors.push(("too.large", vec![1 << 62, 1 << 62], 0, 0));
    assert!(matches!(read(&deep.bytes()), Err(HeaderError::Damaged(_))));
    let mut far = Gguf::of("whisper");
    far.tensors.push(("not.there", vec![1 << 40], 0, 0));
    assert!(matches!(read(&far.bytes()), Err(HeaderError::Truncated { .. })));
    let mut odd = Gguf::of("whisper");
    odd.values.push(("general.alignment", Value::U32(33)));
    assert!(matches!(read(&odd.bytes()), Err(HeaderError::Damaged(_))));
    let mut empty = Gguf::of("whisper");
    empty.tensors.clear();
    assert!(matches!(read(&empty.bytes()), Err(HeaderError::Damaged(_))));
    let mut nameless = Gguf::of("whisper");
    nameless.values.remove(0);
    assert!(matches!(read(&nameless.bytes()), Err(HeaderError::Damaged(_))));
}

/// A whisper.cpp model with one encoder and one decoder layer; every tensor has one weight.
fn ggml(vocabulary: i32) -> Vec<u8> {
    let mut file = 0x6767_6d6c_u32.to_le_bytes().to_vec();
    for number in [vocabulary, 1500, 8, 2, 1, 448, 8, 2, 1, 80, 1] {
        file.extend(number.to_le_bytes());
    }
    file.extend(80_i32.to_le_bytes());
    file.extend(201_i32.to_le_bytes());
    file.resize(file.len() + 80 * 201 * 4, 0);
    file.extend(2_i32.to_le_bytes());
    for word in ["a", "bc"] {
        file.extend((word.len() as u32).to_le_bytes());
        file.extend(word.as_bytes());
    }
    for _ in 0..11 + 15 + 24 {
        file.extend([1_i32, 1, 0, 1].map(i32::to_le_bytes).as_flattened());
        file.extend(b"t\0\0\0\0");
    }
    file
}

#[test]
fn whisper_cpp_models_are_read_and_truncated_ones_are_refused() {
    let whole = ggml(51_864);
    let header = read(&whole).unwrap();
    assert_eq!((header.kind, header.architecture.as_str()), (Kind::Ggml, "whisper"));
    assert_eq!(header.languages, ["en"]);
    assert!(read(&ggml(51_865)).unwrap().languages.is_empty());
    for length in (0..whole.len()).rev().step_by(97).chain(whole.len() - 60..whole.len()) {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    assert!(matches!(read(&ggml(7)), Err(HeaderError::OtherArchitecture(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn changed_bytes_never_make_the_reader_panic(
        changes in proptest::collection::vec((0_usize..700, any::<u8>()), 1..8),
        of_whisper_cpp in any::<bool>(),
    ) {
        let gguf = || Gguf::of("whisper").with_context(PUBLISHED).bytes();
        let mut bytes = if of_whisper_cpp { ggml(51_865) } else { gguf() };
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        if let Err(error) = read(&bytes) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn arbitrary_bytes_never_make_the_reader_panic(head in 0_usize..3, rest in proptest::collection::vec(any::<u8>(), 0..600)) {
        let heads: [&[u8]; 3] = [b"GGUF\x03\0\0\0", b"lmgg", b""];
        let _ = read(&[heads[head], rest.as_slice()].concat());
    }
}
