//! What a file is that is no model of ours, by its first bytes.

use std::fmt;

/// Kinds of files that people take for models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// What a browser saves when a download needed a log-in or was an error.
    WebPage,
    /// What git checks out where its large files are not.
    LfsPointer,
    /// Weights as Hugging Face's libraries keep them.
    Safetensors,
    /// Weights of PyTorch: an archive or a pickle.
    PyTorch,
    /// An archive of NVIDIA NeMo, or another tar.
    Tar,
    /// Microsoft's exchange format.
    Onnx,
    /// TensorFlow Lite.
    TensorFlowLite,
    /// Keras and others.
    Hdf5,
    /// Forms of ggml before GGUF.
    OldGgml,
    /// Packed: gzip, 7-Zip, xz, Zstandard, bzip2.
    Packed,
    /// A recording.
    Audio,
    /// JSON, such as a model's configuration.
    Json,
    /// Nothing known.
    Unknown,
}

impl fmt::Display for Foreign {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::WebPage => {
                "it is a web page, not a model: the download may need a log-in, or another address than that of the page"
            }
            Self::LfsPointer => "it only points to the model (Git LFS): download the model itself",
            Self::Safetensors => "it is a model in the form safetensors: get it as GGUF, or convert it",
            Self::PyTorch => "it is an archive, or a model of PyTorch: get the model as GGUF, or convert it",
            Self::Tar => "it is an archive, such as a model of NeMo: get the model as GGUF, or convert it",
            Self::Onnx => "it is a model in the form ONNX: get it as GGUF, or convert it",
            Self::TensorFlowLite => "it is a model of TensorFlow Lite: get it as GGUF, or convert it",
            Self::Hdf5 => "it is a model or data in the form HDF5: get the model as GGUF, or convert it",
            Self::OldGgml => "it is a model in a form of ggml that is no longer read: get it as GGUF",
            Self::Packed => "it is packed: unpack it first",
            Self::Audio => "it is a recording, not a model: import it as a meeting",
            Self::Json => "it is a text of settings, not a model: the model's file ends with .gguf",
            Self::Unknown => "it is not a speech model: those are GGUF files, or .bin files of whisper.cpp",
        })
    }
}

pub(super) fn foreign(head: &[u8]) -> Foreign {
    let at = |place: usize, bytes: &[u8]| head.get(place..).is_some_and(|rest| rest.starts_with(bytes));
    let text = beginning_of_text(head);
    if text.starts_with("<!doctype")
        || text.starts_with("<html")
        || text.starts_with("<head")
        || text.starts_with("<?xml")
    {
        return Foreign::WebPage;
    }
    if at(0, b"version https://git-lfs") {
        return Foreign::LfsPointer;
    }
    // The length of a table in JSON, then the table.
    if at(8, b"{\"") || (at(8, b"{") && at(6, &[0, 0])) {
        return Foreign::Safetensors;
    }
    if at(0, b"PK\x03\x04") || (at(0, &[0x80]) && matches!(head.get(1), Some(2..=5))) {
        return Foreign::PyTorch;
    }
    if at(257, b"ustar") {
        return Foreign::Tar;
    }
    // A version of ONNX as the first field, then the name of what wrote it, or its graph.
    if at(0, &[0x08])
        && matches!(head.get(1), Some(1..=20))
        && matches!(head.get(2), Some(0x12 | 0x1a | 0x3a))
    {
        return Foreign::Onnx;
    }
    if at(4, b"TFL3") {
        return Foreign::TensorFlowLite;
    }
    if at(0, b"\x89HDF") {
        return Foreign::Hdf5;
    }
    if [b"fmgg", b"tjgg", b"algg"].iter().any(|magic| at(0, *magic)) {
        return Foreign::OldGgml;
    }
    let packed: [&[u8]; 5] = [b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh"];
    if packed.iter().any(|magic| at(0, magic)) {
        return Foreign::Packed;
    }
    let audio: [&[u8]; 8] =
        [b"RIFF", b"RF64", b"fLaC", b"OggS", b"ID3", b"FORM", b"caff", b"\x1a\x45\xdf\xa3"];
    let mpeg = at(0, &[0xff]) && head.get(1).is_some_and(|byte| byte & 0xe0 == 0xe0);
    if audio.iter().any(|magic| at(0, magic)) || at(4, b"ftyp") || mpeg {
        return Foreign::Audio;
    }
    if text.starts_with('{') || text.starts_with('[') {
        return Foreign::Json;
    }
    Foreign::Unknown
}

/// The first characters in lower case, without what may stand before them.
fn beginning_of_text(head: &[u8]) -> String {
    let text = String::from_utf8_lossy(head);
    text.trim_start_matches('\u{feff}').trim_start().chars().take(16).collect::<String>().to_lowercase()
}
