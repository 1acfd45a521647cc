//! Reads the header of a model file: a speech model, or an error that names what the file is instead.
//!
//! Of a GGUF file the metadata and the table of tensors are read, of a whisper.cpp `.bin` file the headers of all
//! tensors. Both give the length that the file must have, so a truncated download is detected. No number in a file
//! decides how much memory is allocated. Whether the tensors are those of the architecture is left to the engine.

mod ggml;
mod gguf;
mod reader;
mod sniff;

use crate::encoder_context::EncoderContext;
use reader::HeaderReader;
use std::fs::File;
use std::io;
use std::path::Path;

pub use sniff::OtherFormat;

/// `general.architecture` of the speech recognition models that the engine knows (`arch/*/model.cpp` in
/// transcribe.cpp 0.4).
pub const SPEECH_ARCHITECTURES: [&str; 18] = [
    "canary",
    "canary_qwen",
    "cohere_asr",
    "funasr_nano",
    "gigaam",
    "granite_speech",
    "granite_speech5_ctc",
    "granite_speech_nar",
    "medasr",
    "moonshine",
    "moonshine_streaming",
    "moss",
    "parakeet",
    "qwen3_asr",
    "sensevoice",
    "voxtral",
    "voxtral_realtime",
    "whisper",
];
/// `general.architecture` of the diarization models, which recognise no words.
pub const SPEAKER_ARCHITECTURES: [&str; 1] = ["sortformer"];

/// Format of a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// GGUF of this version.
    Gguf(u32),
    /// The older format of whisper.cpp.
    Ggml,
}

impl Kind {
    /// The extension of file names, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gguf(_) => "gguf",
            Self::Ggml => "bin",
        }
    }
}

/// The description of a model in its own file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format of the file.
    pub kind: Kind,
    /// `general.architecture`, one of [`SPEECH_ARCHITECTURES`] or [`SPEAKER_ARCHITECTURES`].
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `stt.variant`: the model among those of one architecture.
    pub variant: Option<String>,
    /// `general.languages`, in the model's own codes; empty if the file has none.
    pub languages: Vec<String>,
    /// Length of the file.
    pub byte_size: u64,
    /// Encoder context of a Whisper model in GGUF.
    pub(crate) context: Option<EncoderContext>,
}

impl Header {
    /// Seconds of audio that the encoder takes at once. `None` if the file does not say (only Whisper files in GGUF
    /// do), or if its numbers contradict each other.
    #[must_use]
    pub fn context_s(&self) -> Option<u32> {
        self.context.as_ref().and_then(EncoderContext::seconds)
    }

    /// Whether this is a speech recognition model. Otherwise it is a diarization model.
    #[must_use]
    pub fn recognises_words(&self) -> bool {
        SPEECH_ARCHITECTURES.contains(&self.architecture.as_str())
    }
}

/// Why a file is not a usable speech model. Each text is a clause to follow the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// The file has no bytes.
    #[error("the file is empty")]
    Empty,
    /// A directory, a device or a pipe.
    #[error("it is not a file")]
    NotAFile,
    /// Another file format.
    #[error("{0}")]
    OtherFormat(OtherFormat),
    /// A valid GGUF file of another kind of model.
    #[error(
        "it is a model of the architecture “{0}”, which is not a speech model that this program knows: it may be a \
         language model, a model for images, or newer than this program"
    )]
    OtherArchitecture(String),
    /// A valid model for speech processing that recognises no words, such as voice activity detection.
    #[error("it is the auxiliary model “{0}”, which recognises no words by itself")]
    Auxiliary(String),
    /// A GGUF version that is not supported.
    #[error(
        "it is a GGUF file of version {0}, and only versions 2 and 3 can be read: convert the model again"
    )]
    Version(u32),
    /// A big-endian GGUF file.
    #[error("it is a GGUF file for processors of another byte order: get the usual, little-endian one")]
    ByteOrder,
    /// The file is shorter than its header says.
    #[error("it is incomplete: {} of {} are there, as after an interrupted download", size(*.found), size(*.needed))]
    Truncated {
        /// Length of the file in bytes.
        found: u64,
        /// Length that it must have at least.
        needed: u64,
    },
    /// The file ends inside its header. Holds its length in bytes.
    #[error("it is incomplete: it ends after {}, within its header", size(*.0))]
    TruncatedHeader(u64),
    /// The header contradicts itself.
    #[error("it is damaged: {0}. Get the file again")]
    Damaged(&'static str),
    /// The file could not be opened, or the disk failed while reading.
    #[error("{}", io_clause(.0))]
    Io(#[source] io::Error),
}

/// A size for messages, in decimal units as in file managers.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// A clause for an I/O error.
pub(crate) fn io_clause(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist",
        io::ErrorKind::PermissionDenied => "the file may not be read: permission denied",
        _ => "the file could not be read: the disk or network reported an error",
    }
}

/// Reads the header of a file.
///
/// # Errors
/// If the file is not a whole speech model; the error says what it is instead.
pub fn read(path: &Path) -> Result<Header, HeaderError> {
    // Checked before opening, because opening a pipe waits for a writer.
    if !std::fs::metadata(path).map_err(HeaderError::Io)?.is_file() {
        return Err(HeaderError::NotAFile);
    }
    let file = File::open(path).map_err(HeaderError::Io)?;
    let length = file.metadata().map_err(HeaderError::Io)?.len();
    read_from(file, length)
}

fn read_from(file: impl io::Read + io::Seek, length: u64) -> Result<Header, HeaderError> {
    if length == 0 {
        return Err(HeaderError::Empty);
    }
    let mut reader = HeaderReader::new(file, length);
    let head = reader.head()?;
    let header = if head.starts_with(b"GGUF") {
        gguf::read(&mut reader)?
    } else if head.starts_with(&ggml::MAGIC.to_le_bytes()) {
        ggml::read(&mut reader)?
    } else if head.len() < 4 && (b"GGUF".starts_with(&head) || ggml::MAGIC.to_le_bytes().starts_with(&head)) {
        return Err(HeaderError::TruncatedHeader(length));
    } else {
        return Err(HeaderError::OtherFormat(sniff::other_format(&head)));
    };
    known_architecture(header)
}

fn known_architecture(header: Header) -> Result<Header, HeaderError> {
    let architecture = header.architecture.as_str();
    if SPEECH_ARCHITECTURES.contains(&architecture) || SPEAKER_ARCHITECTURES.contains(&architecture) {
        return Ok(header);
    }
    // Voice activity detection and voice embeddings: known to the engine, of no use by themselves.
    if matches!(architecture, "silero_vad" | "ecapa_tdnn") {
        return Err(HeaderError::Auxiliary(header.architecture));
    }
    let shown = architecture.chars().filter(|character| !character.is_control()).take(40).collect();
    Err(HeaderError::OtherArchitecture(shown))
}
