//! The words that exports add to what was said, in each [`LabelLanguage`]: one JSON file per language in `labels/`.

use crate::options::LabelLanguage;
use serde::Deserialize;
use std::sync::LazyLock;

/// The labels of one language. `{…}` stands for a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Labels {
    /// Language tag (BCP 47) of these labels.
    pub(crate) tag: String,
    pub(crate) transcript: String,
    pub(crate) contents: String,
    pub(crate) file: String,
    pub(crate) recorded: String,
    pub(crate) duration: String,
    pub(crate) language: String,
    pub(crate) speaker: String,
    pub(crate) speakers: String,
    pub(crate) engine: String,
    /// A remark about the recording.
    pub(crate) remark: String,
    /// What users wrote about the meeting.
    pub(crate) note: String,
    pub(crate) summary: String,
    /// How a summary without a language model was made.
    pub(crate) summary_of_sentences: String,
    /// `Written by the language model {model}. Check it against the recording.`
    pub(crate) summary_of_model: String,
    /// A summary has no statements.
    pub(crate) no_summary: String,
    /// `Who: {name}`: who does it.
    pub(crate) owner: String,
    /// `By: {when}`: when it must be done.
    pub(crate) due: String,
    /// A user changed a statement.
    pub(crate) edited: String,
    /// A statement has no source in the transcript.
    pub(crate) no_source: String,
    pub(crate) share: String,
    pub(crate) speaking_time: String,
    pub(crate) words: String,
    pub(crate) turns: String,
    pub(crate) confidence: String,
    /// `Page {page} of {pages}`
    pub(crate) page: String,
    pub(crate) unknown_speaker: String,
    pub(crate) no_words: String,
    /// `also {names}`: other people who speak at the same time.
    pub(crate) also: String,
    /// Heading of the receipt.
    pub(crate) receipt: String,
    pub(crate) meeting: String,
    pub(crate) recording: String,
    pub(crate) version: String,
    pub(crate) model: String,
    pub(crate) exported: String,
    /// Hash of the passages.
    pub(crate) content: String,
    /// `Check this file with “meetmemo verify-export”, or drop it on the window of MeetMemo.`
    pub(crate) verify: String,
    /// Why a passage is doubtful.
    pub(crate) doubt_repetition: String,
    pub(crate) doubt_invented: String,
    pub(crate) doubt_garbled: String,
    /// A word of which the engine is unsure.
    pub(crate) doubt_confidence: String,
    /// Explains the marks of doubtful passages.
    pub(crate) doubt_legend: String,
    /// `Characters that no font here has: {characters}.`
    pub(crate) missing_characters: String,
    /// Names of the months, January first.
    pub(crate) months: [String; 12],
    /// A date with time: `{day} {month} {year}, {time} ({offset})`
    pub(crate) date_time: String,
    pub(crate) find: String,
    pub(crate) find_previous: String,
    pub(crate) find_next: String,
    pub(crate) play: String,
    /// A button to open the user's own copy of the recording.
    pub(crate) choose_recording: String,
    /// A browser lacks the codec of the sound.
    pub(crate) cannot_play: String,
}

impl LabelLanguage {
    /// What stands in place of the name of a speaker who is not known.
    pub fn unknown_speaker(self) -> &'static str {
        &self.labels().unknown_speaker
    }
}

macro_rules! labels {
    ($($language:ident $tag:literal),*) => {
        impl LabelLanguage {
            /// All languages.
            pub const ALL: &[Self] = &[$(Self::$language),*];

            /// The labels of this language.
            pub(crate) fn labels(self) -> &'static Labels {
                match self {
                    $(Self::$language => {
                        static LABELS: LazyLock<Labels> = LazyLock::new(|| {
                            serde_json::from_str(include_str!(concat!("../labels/", $tag, ".json")))
                                .expect("a test reads every language")
                        });
                        &LABELS
                    })*
                }
            }
        }
    };
}

labels!(English "en", German "de", French "fr", Spanish "es", Italian "it", Portuguese "pt", Dutch "nl");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_labels() {
        for language in LabelLanguage::ALL {
            assert!(!language.labels().transcript.is_empty(), "{language:?}");
        }
    }
}
