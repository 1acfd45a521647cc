//! Edits that users make to the speakers of a meeting, on top of what diarization found.
//!
//! Edits are stored as a list, oldest first, and their combined effect is computed from the list ([`AppliedEdits`]). So
//! the last one can always be undone, edits survive a new diarization, and no edit can lose a word.
//!
//! Assigned words are stored as time ranges, so they apply to the turns of any diarization and to every version of the
//! transcript.

use crate::{Assignment, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An edit of a meeting's speakers, as stored in the archive. `S` is the id of a speaker, `P` that of a known person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SpeakerEdit<S, P> {
    /// Names a speaker and links them to a known person, or removes both.
    Name {
        /// The speaker.
        speaker: S,
        /// The name; `None` shows the speaker's number again.
        name: Option<String>,
        /// The known person of that name.
        person: Option<P>,
    },
    /// Merges two speakers: everything of `from` is shown as of `into`.
    Merge {
        /// The speaker that is no longer shown.
        from: S,
        /// The speaker shown instead.
        into: S,
    },
    /// Adds a speaker that diarization did not find.
    Add {
        /// The new speaker.
        speaker: S,
        /// The speaker's name, if any.
        name: Option<String>,
    },
    /// Assigns words to a speaker, or to none.
    Assign {
        /// Selects the words whose middle is in one of these.
        spans: Vec<Span>,
        /// Their speaker.
        speaker: Option<S>,
        /// Whether this edit also adds the speaker.
        #[serde(default)]
        added: bool,
    },
}

/// The combined effect of a meeting's edits.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedEdits<S, P> {
    named: BTreeMap<S, (Option<String>, Option<P>)>,
    merged: BTreeMap<S, S>,
    added: BTreeSet<S>,
    assignments: Vec<Assignment<S>>,
}

impl<S: Copy + Ord, P: Copy> AppliedEdits<S, P> {
    /// Applies `edits`, oldest first.
    pub fn new<'a>(edits: impl IntoIterator<Item = &'a SpeakerEdit<S, P>>) -> Self
    where
        S: 'a,
        P: 'a,
    {
        let mut all = Self {
            named: BTreeMap::new(),
            merged: BTreeMap::new(),
            added: BTreeSet::new(),
            assignments: Vec::new(),
        };
        for edit in edits {
            all.add(edit);
        }
        all
    }

    fn add(&mut self, edit: &SpeakerEdit<S, P>) {
        match edit {
            SpeakerEdit::Name { speaker, name, person } => {
                self.named.insert(self.shown_as(*speaker), (name.clone(), *person));
            }
            SpeakerEdit::Merge { from, into } => {
                let (from, into) = (self.shown_as(*from), self.shown_as(*into));
                if from == into {
                    return;
                }
                self.merged.insert(from, into);
                // A speaker without a name takes the name of the one merged into them.
                if self.name(into).is_none()
                    && let Some(named) = self.named.get(&from).cloned()
                {
                    self.named.insert(into, named);
                }
            }
            SpeakerEdit::Add { speaker, name } => {
                self.added.insert(*speaker);
                if name.is_some() {
                    self.named.insert(*speaker, (name.clone(), None));
                }
            }
            SpeakerEdit::Assign { spans, speaker, added } => {
                self.added.extend(speaker.filter(|_| *added));
                self.assignments
                    .extend(spans.iter().map(|span| Assignment { span: *span, speaker: *speaker }));
            }
        }
    }

    /// The speaker that `speaker` is shown as: the one they were merged into, or themselves.
    pub fn shown_as(&self, speaker: S) -> S {
        let mut shown = speaker;
        // This ends: `add` only merges speakers that are shown as themselves, so there is no cycle.
        while let Some(into) = self.merged.get(&shown) {
            shown = *into;
        }
        shown
    }

    /// The name given to the speaker that `speaker` is shown as.
    pub fn name(&self, speaker: S) -> Option<&str> {
        self.named.get(&self.shown_as(speaker))?.0.as_deref()
    }

    /// The known person linked to the speaker that `speaker` is shown as.
    pub fn person(&self, speaker: S) -> Option<P> {
        self.named.get(&self.shown_as(speaker))?.1
    }

    /// Whether a user added `speaker`.
    pub fn is_added(&self, speaker: S) -> bool {
        self.added.contains(&speaker)
    }

    /// Words that users assigned to speakers, oldest first.
    pub fn assignments(&self) -> &[Assignment<S>] {
        &self.assignments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AudioTime;
    use proptest::prelude::*;

    type Edit = SpeakerEdit<u8, u8>;

    fn name(speaker: u8, name: &str) -> Edit {
        Edit::Name { speaker, name: Some(name.to_owned()), person: None }
    }

    fn span(start: u32, end: u32) -> Span {
        Span::new(AudioTime::from_ms(start), AudioTime::from_ms(end))
    }

    #[test]
    fn merged_speakers_are_shown_as_one_with_the_name_of_either() {
        let edits = [
            name(1, "Anna"),
            Edit::Merge { from: 1, into: 2 },
            Edit::Merge { from: 2, into: 3 },
            Edit::Merge { from: 3, into: 1 },
        ];
        let all = AppliedEdits::new(&edits);
        assert_eq!([1, 2, 3, 4].map(|s| all.shown_as(s)), [3, 3, 3, 4]);
        assert_eq!([1, 2, 3, 4].map(|s| all.name(s)), [Some("Anna"), Some("Anna"), Some("Anna"), None]);
        let before = AppliedEdits::new(&edits[..1]);
        assert_eq!((before.shown_as(1), before.name(2)), (1, None));
        let both_named =
            [name(1, "Anna"), name(2, "Ben"), Edit::Merge { from: 1, into: 2 }, name(1, "Benjamin")];
        assert_eq!(AppliedEdits::new(&both_named[..3]).name(1), Some("Ben"));
        assert_eq!(
            AppliedEdits::new(&both_named).name(2),
            Some("Benjamin"),
            "renamed through the merged speaker"
        );
    }

    #[test]
    fn an_edit_keeps_its_stored_form() {
        let edit = Edit::Assign { spans: vec![span(1, 5)], speaker: Some(7), added: true };
        let json = serde_json::to_string(&edit).expect("an edit can be written");
        assert_eq!(json, r#"{"kind":"assign","spans":[{"start":1,"end":5}],"speaker":7,"added":true}"#);
        assert_eq!(serde_json::from_str::<Edit>(&json).expect("and read"), edit);
    }

    fn any_edit() -> impl Strategy<Value = Edit> {
        let speaker = 0u8..6;
        prop_oneof![
            (speaker.clone(), proptest::option::of("[a-z]{1,3}"), any::<Option<u8>>())
                .prop_map(|(speaker, name, person)| Edit::Name { speaker, name, person }),
            (speaker.clone(), speaker.clone()).prop_map(|(from, into)| Edit::Merge { from, into }),
            speaker.clone().prop_map(|speaker| Edit::Add { speaker, name: None }),
            (0u32..9000, proptest::option::of(speaker)).prop_map(|(at, speaker)| Edit::Assign {
                spans: vec![span(at, at + 500)],
                speaker,
                added: false,
            }),
        ]
    }

    proptest! {
        #[test]
        fn every_speaker_is_shown_as_one_that_is_shown_as_itself(
            edits in prop::collection::vec(any_edit(), 0..40),
        ) {
            let all = AppliedEdits::new(&edits);
            for speaker in 0u8..6 {
                let shown = all.shown_as(speaker);
                prop_assert_eq!(all.shown_as(shown), shown);
                prop_assert_eq!(all.name(speaker), all.name(shown));
            }
        }
    }
}
