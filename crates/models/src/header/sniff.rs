//! Recognises files that are not speech models by their first bytes, to say what they are.

use std::fmt;

/// Formats that are mistaken for usable speech models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFormat {
    /// An HTML or XML page, as a browser saves it when a download needs a sign-in or fails.
    WebPage,
    /// A Git LFS pointer, which git checks out instead of a large file.
    LfsPointer,
    /// Weights in the format of Hugging Face's libraries.
    Safetensors,
    /// PyTorch weights (a ZIP archive or a pickle), or another ZIP archive.
    PyTorch,
    /// A tar archive, such as a model of NVIDIA NeMo.
    Tar,
    /// ONNX.
    Onnx,
    /// TensorFlow Lite.
    TensorFlowLite,
    /// HDF5, as written by Keras and others.
    Hdf5,
    /// A ggml format from before GGUF.
    OldGgml,
    /// Compressed: gzip, 7-Zip, xz, Zstandard or bzip2.
    Compressed,
    /// A media file.
    Audio,
    /// JSON, such as a model's configuration.
    Json,
    /// None of these.
    Unknown,
}

impl fmt::Display for OtherFormat {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::WebPage => {
                "it is a web page, not a model: the download may need a sign-in, or the address of the file instead \
                 of the page"
            }
            Self::LfsPointer => "it only points to the model (Git LFS): download the model itself",
            Self::Safetensors => "it is a model in the safetensors format: get it as GGUF, or convert it",
            Self::PyTorch => "it is an archive or a PyTorch model: get the model as GGUF, or convert it",
            Self::Tar => "it is an archive, such as a NeMo model: get the model as GGUF, or convert it",
            Self::Onnx => "it is a model in the ONNX format: get it as GGUF, or convert it",
            Self::TensorFlowLite => "it is a TensorFlow Lite model: get it as GGUF, or convert it",
            Self::Hdf5 => "it is a model or data in the HDF5 format: get the model as GGUF, or convert it",
            Self::OldGgml => "it is a model in an old ggml format that is no longer supported: get it as GGUF",
            Self::Compressed => "it is compressed: unpack it first",
            Self::Audio => "it is a recording, not a model: import it as a meeting",
            Self::Json => "it is a JSON file, not a model: the name of the model's file ends with .gguf",
            Self::Unknown => "it is not a speech model: those are GGUF files, or .bin files of whisper.cpp",
        })
    }
}

/// The format of a file with these first bytes.
pub(super) fn other_format(head: &[u8]) -> OtherFormat {
    let at = |place: usize, bytes: &[u8]| head.get(place..).is_some_and(|rest| rest.starts_with(bytes));
    let text = beginning_of_text(head);
    if text.starts_with("<!doctype")
        || text.starts_with("<html")
        || text.starts_with("<head")
        || text.starts_with("<?xml")
    {
        return OtherFormat::WebPage;
    }
    if at(0, b"version https://git-lfs") {
        return OtherFormat::LfsPointer;
    }
    // The length of a JSON table (8 bytes, little-endian), then the table.
    if at(8, b"{\"") || (at(8, b"{") && at(6, &[0, 0])) {
        return OtherFormat::Safetensors;
    }
    if at(0, b"PK\x03\x04") || (at(0, &[0x80]) && matches!(head.get(1), Some(2..=5))) {
        return OtherFormat::PyTorch;
    }
    if at(257, b"ustar") {
        return OtherFormat::Tar;
    }
    // The first field is the ONNX version; then follows the producer's name, its version or the graph.
    if at(0, &[0x08])
        && matches!(head.get(1), Some(1..=20))
        && matches!(head.get(2), Some(0x12 | 0x1a | 0x3a))
    {
        return OtherFormat::Onnx;
    }
    if at(4, b"TFL3") {
        return OtherFormat::TensorFlowLite;
    }
    if at(0, b"\x89HDF") {
        return OtherFormat::Hdf5;
    }
    if [b"fmgg", b"tjgg", b"algg"].iter().any(|magic| at(0, *magic)) {
        return OtherFormat::OldGgml;
    }
    let compressed: [&[u8]; 5] =
        [b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh"];
    if compressed.iter().any(|magic| at(0, magic)) {
        return OtherFormat::Compressed;
    }
    let audio: [&[u8]; 8] =
        [b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b"\x1a\x45\xdf\xa3"];
    let mpeg = at(0, &[0xff]) && head.get(1).is_some_and(|byte| byte & 0xe0 == 0xe0);
    if audio.iter().any(|magic| at(0, magic)) || at(4, b"ftyp") || mpeg {
        return OtherFormat::Audio;
    }
    if text.starts_with('{') || text.starts_with('[') {
        return OtherFormat::Json;
    }
    OtherFormat::Unknown
}

/// The first 16 characters in lower case, without a byte order mark and white space before them.
fn beginning_of_text(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    text.trim_start_matches('\u{feff}').trim_start().chars().take(16).collect::<String>().to_lowercase()
}
