//! What a file is, by its first bytes: a speech model, or something else that a sentence names.
//!
//! Of a GGUF the metadata and the table of tensors are read, of whisper.cpp's `.bin` the heads of all tensors; both
//! say how long the file has to be, so that a download that ended early is noticed. No number in a file decides how
//! much memory is taken. Leaves out what the engine reads: whether the tensors are those of the architecture.

mod ggml;
mod gguf;
mod sniff;
mod source;

use crate::context::Context;
use source::Source;
use std::fs::File;
use std::io;
use std::path::Path;

pub use sniff::Foreign;

/// `general.architecture` of the models that turn speech into words, as the engine knows them (`arch/*/model.cpp`
/// in transcribe.cpp 0.4).
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
/// Those that tell speakers apart and write no words.
pub const SPEAKER_ARCHITECTURES: [&str; 1] = ["sortformer"];

/// What is in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The usual form, of this version.
    Gguf(u32),
    /// The older form of whisper.cpp.
    Ggml,
}

impl Kind {
    /// How the names of such files end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gguf(_) => "gguf",
            Self::Ggml => "bin",
        }
    }
}

/// What a model says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The form of the file.
    pub kind: Kind,
    /// `general.architecture`, one of [`SPEECH_ARCHITECTURES`] or [`SPEAKER_ARCHITECTURES`].
    pub architecture: String,
    /// `general.name`.
    pub name: Option<String>,
    /// `stt.variant`: which of the models of one architecture.
    pub variant: Option<String>,
    /// `general.languages`, as the model calls them; empty: it does not say.
    pub languages: Vec<String>,
    /// The length of the file.
    pub byte_size: u64,
    /// Of Whisper: how much it encodes at once, and where the file says so.
    pub(crate) context: Option<Context>,
}

impl Header {
    /// How many seconds of sound it encodes at once; none if it does not say, as only Whisper in GGUF does, or
    /// contradicts itself.
    #[must_use]
    pub fn context_s(&self) -> Option<u32> {
        self.context.as_ref().and_then(Context::seconds)
    }

    /// Whether it writes words. Otherwise it tells speakers apart.
    #[must_use]
    pub fn recognises_words(&self) -> bool {
        SPEECH_ARCHITECTURES.contains(&self.architecture.as_str())
    }
}

/// Why a file is no speech model. Each is a clause that makes sense after the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum HeaderError {
    /// Zero bytes long.
    #[error("the file is empty")]
    Empty,
    /// A folder, a device, a pipe.
    #[error("it is not a file")]
    NotAFile,
    /// Something else, known or not.
    #[error("{0}")]
    Foreign(Foreign),
    /// A sound GGUF of another kind of model.
    #[error(
        "it is a model of the architecture “{0}”, which is none for speech that this program knows: a language \
         model, a model for pictures, or one that is newer than this program"
    )]
    OtherArchitecture(String),
    /// A sound model that has to do with speech but writes no words.
    #[error("it is a model that helps others, “{0}”, and recognises no words by itself")]
    Auxiliary(String),
    /// A form this program does not read.
    #[error("it is a GGUF of version {0}, and versions 2 and 3 can be read: convert the model anew")]
    Version(u32),
    /// Made for processors of the other byte order.
    #[error("it is a GGUF for processors of another byte order: get the usual, little-endian one")]
    ByteOrder,
    /// The header says there should be more.
    #[error("it is incomplete: {} of {} are there, as after a download that was stopped", size(*.found), size(*.needed))]
    Truncated {
        /// Bytes there.
        found: u64,
        /// Bytes needed, as far as could be read.
        needed: u64,
    },
    /// It ends inside its header.
    #[error("it is incomplete: it ends after {}, before its header does", size(*.0))]
    TruncatedHeader(u64),
    /// Its header contradicts itself.
    #[error("it is damaged: {0}. Get it once more")]
    Damaged(&'static str),
    /// The file could not be opened, or the disk failed while reading.
    #[error("{}", io_clause(.0))]
    Io(#[source] io::Error),
}

/// A size for people, with decimal units as in file managers.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

/// What a failure of the disk means, in words.
pub(crate) fn io_clause(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "the file does not exist",
        io::ErrorKind::PermissionDenied => "the file may not be read: permission denied",
        _ => "the file could not be read: the disk or network reported an error",
    }
}

/// Reads what a file is.
///
/// # Errors
/// If it is not a whole speech model, with a clause that says what it is instead.
pub fn read(path: &Path) -> Result<Header, HeaderError> {
    // Before it is opened, because opening a pipe waits for who writes.
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
    let mut source = Source::new(file, length);
    let head = source.head()?;
    let header = if head.starts_with(b"GGUF") {
        gguf::read(&mut source)?
    } else if head.starts_with(&ggml::MAGIC.to_le_bytes()) {
        ggml::read(&mut source)?
    } else if head.len() < 4 && (b"GGUF".starts_with(&head) || ggml::MAGIC.to_le_bytes().starts_with(&head)) {
        return Err(HeaderError::TruncatedHeader(length));
    } else {
        return Err(HeaderError::Foreign(sniff::foreign(&head)));
    };
    known_architecture(header)
}

fn known_architecture(header: Header) -> Result<Header, HeaderError> {
    let architecture = header.architecture.as_str();
    if SPEECH_ARCHITECTURES.contains(&architecture) || SPEAKER_ARCHITECTURES.contains(&architecture) {
        return Ok(header);
    }
    // Voice activity and voice prints: known to the engine, used for nothing by themselves.
    if matches!(architecture, "silero_vad" | "ecapa_tdnn") {
        return Err(HeaderError::Auxiliary(header.architecture));
    }
    let shown = architecture.chars().filter(|character| !character.is_control()).take(40).collect();
    Err(HeaderError::OtherArchitecture(shown))
}
