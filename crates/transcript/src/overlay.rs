//! What people have said about the speakers of a meeting, on top of what was found in the sound.
//!
//! Corrections are kept as the list of what was done, oldest first, and what they amount to is worked out from the
//! list. So each can be undone, whatever came of telling the speakers apart again, and none can lose a word.

use crate::{Assigned, Span, Turn};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One correction. `S` is the id of a speaker, `P` that of a known person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SpeakerEdit<S, P> {
    /// A speaker got another name, or none; and is a known person, or not.
    Name {
        /// Who.
        speaker: S,
        /// The name; none: back to the number.
        name: Option<String>,
        /// Whom we know by that name.
        person: Option<P>,
    },
    /// Two speakers are one: everything of `from` is shown as of `into`.
    Merge {
        /// Who is no longer shown.
        from: S,
        /// Who they are.
        into: S,
    },
    /// A speaker who was not found in the sound.
    Add {
        /// Who.
        speaker: S,
        /// The name, if it was given at once.
        name: Option<String>,
    },
    /// Words were given to somebody, or to nobody.
    Assign {
        /// Words whose middle is in one of these.
        spans: Vec<Span>,
        /// Who says them.
        speaker: Option<S>,
        /// Whether that speaker was added for it.
        #[serde(default)]
        added: bool,
    },
}

/// What the corrections of a meeting amount to.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlay<S, P> {
    named: BTreeMap<S, (Option<String>, Option<P>)>,
    merged: BTreeMap<S, S>,
    added: BTreeSet<S>,
    assigned: Vec<Assigned<S>>,
}

impl<S: Copy + Ord, P: Copy> Overlay<S, P> {
    /// What `edits`, the oldest first, amount to.
    pub fn of<'a>(edits: impl IntoIterator<Item = &'a SpeakerEdit<S, P>>) -> Self
    where
        S: 'a,
        P: 'a,
    {
        let mut all = Self {
            named: BTreeMap::new(),
            merged: BTreeMap::new(),
            added: BTreeSet::new(),
            assigned: Vec::new(),
        };
        for edit in edits {
            all.add(edit);
        }
        all
    }

    fn add(&mut self, edit: &SpeakerEdit<S, P>) {
        match edit {
            SpeakerEdit::Name { speaker, name, person } => {
                self.named.insert(self.shown(*speaker), (name.clone(), *person));
            }
            SpeakerEdit::Merge { from, into } => {
                let (from, into) = (self.shown(*from), self.shown(*into));
                if from == into {
                    return;
                }
                self.merged.insert(from, into);
                // Who has no name takes that of who they turn out to be.
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
                self.assigned.extend(spans.iter().map(|span| Assigned { span: *span, speaker: *speaker }));
            }
        }
    }

    /// Who `speaker` is shown as: themselves, or who they were merged into.
    pub fn shown(&self, speaker: S) -> S {
        let mut shown = speaker;
        // Only speakers who are shown as themselves are merged, so this ends.
        while let Some(into) = self.merged.get(&shown) {
            shown = *into;
        }
        shown
    }

    /// The name that was given to who `speaker` is shown as.
    pub fn name(&self, speaker: S) -> Option<&str> {
        self.named.get(&self.shown(speaker))?.0.as_deref()
    }

    /// The known person that who `speaker` is shown as was said to be.
    pub fn person(&self, speaker: S) -> Option<P> {
        self.named.get(&self.shown(speaker))?.1
    }

    /// Whether `speaker` was added by hand.
    pub fn is_added(&self, speaker: S) -> bool {
        self.added.contains(&speaker)
    }

    /// What was given to somebody by hand, the oldest decision first.
    pub fn assigned(&self) -> &[Assigned<S>] {
        &self.assigned
    }
}

/// Two that share less than this part of the time of both are not the same.
const LEAST_SHARED: f64 = 0.2;

/// Which of the speakers of `old` each of those of `new`, numbered from 0, is: those with the most time in common, each
/// once. Both in order of start.
pub fn same_speakers<S: Copy + Ord>(old: &[Turn<S>], new: &[Turn]) -> Vec<Option<S>> {
    let count = new.iter().map(|turn| turn.speaker as usize + 1).max().unwrap_or(0);
    let mut spoken_old: BTreeMap<S, u64> = BTreeMap::new();
    for turn in old {
        *spoken_old.entry(turn.speaker).or_default() += u64::from(turn.span.duration_ms());
    }
    let mut spoken_new = vec![0; count];
    let mut shared: BTreeMap<(u32, S), u64> = BTreeMap::new();
    let mut from = 0;
    for turn in new {
        spoken_new[turn.speaker as usize] += u64::from(turn.span.duration_ms());
        // Stops at a turn that is not over, so that none which overlaps shorter ones is passed.
        while old.get(from).is_some_and(|old| old.span.end <= turn.span.start) {
            from += 1;
        }
        for other in old[from..].iter().take_while(|other| other.span.start < turn.span.end) {
            let both = turn.span.end.min(other.span.end).since(turn.span.start.max(other.span.start));
            *shared.entry((turn.speaker, other.speaker)).or_default() += u64::from(both);
        }
    }
    let mut pairs: Vec<_> = shared.into_iter().collect();
    pairs.sort_by_key(|(_, both)| std::cmp::Reverse(*both));
    let mut same = vec![None; count];
    let mut taken = BTreeSet::new();
    for ((speaker, other), both) in pairs {
        let least = spoken_new[speaker as usize].min(spoken_old.get(&other).copied().unwrap_or(0));
        let place = &mut same[speaker as usize];
        if place.is_none() && both as f64 >= LEAST_SHARED * least as f64 && both > 0 && taken.insert(other) {
            *place = Some(other);
        }
    }
    same
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

    fn turns<S: Copy>(spec: &[(S, u32, u32)]) -> Vec<Turn<S>> {
        spec.iter()
            .map(|(speaker, start, end)| Turn {
                span: span(*start, *end),
                speaker: *speaker,
                confidence: None,
                overlap: false,
            })
            .collect()
    }

    #[test]
    fn merged_speakers_are_shown_as_one_with_the_name_that_either_had() {
        let edits = [
            name(1, "Anna"),
            Edit::Merge { from: 1, into: 2 },
            Edit::Merge { from: 2, into: 3 },
            Edit::Merge { from: 3, into: 1 },
        ];
        let all = Overlay::of(&edits);
        assert_eq!([1, 2, 3, 4].map(|s| all.shown(s)), [3, 3, 3, 4]);
        assert_eq!([1, 2, 3, 4].map(|s| all.name(s)), [Some("Anna"), Some("Anna"), Some("Anna"), None]);
        let before = Overlay::of(&edits[..1]);
        assert_eq!((before.shown(1), before.name(2)), (1, None));
        let both_named =
            [name(1, "Anna"), name(2, "Ben"), Edit::Merge { from: 1, into: 2 }, name(1, "Benjamin")];
        assert_eq!(Overlay::of(&both_named[..3]).name(1), Some("Ben"));
        assert_eq!(Overlay::of(&both_named).name(2), Some("Benjamin"), "named by who they were");
    }

    #[test]
    fn an_edit_survives_the_archive() {
        let edit = Edit::Assign { spans: vec![span(1, 5)], speaker: Some(7), added: true };
        let json = serde_json::to_string(&edit).expect("an edit can be written");
        assert_eq!(json, r#"{"kind":"assign","spans":[{"start":1,"end":5}],"speaker":7,"added":true}"#);
        assert_eq!(serde_json::from_str::<Edit>(&json).expect("and read"), edit);
    }

    #[test]
    fn speakers_are_found_again_by_when_they_speak() {
        let old = turns(&[('a', 0, 1000), ('b', 1000, 1500), ('a', 1500, 3000), ('c', 3000, 3500)]);
        // Numbered otherwise, cut otherwise, one more of them, one gone.
        let new = turns(&[(0, 900, 1600), (1, 0, 900), (1, 1600, 2900), (2, 4000, 5000)]);
        assert_eq!(same_speakers(&old, &new), [Some('b'), Some('a'), None]);
        // One that was two: the one with more of it.
        assert_eq!(same_speakers(&old, &turns(&[(0, 0, 3500)])), [Some('a')]);
        // Two that were one: the one with more of it, and a new one.
        let split = turns(&[(0, 0, 200), (1, 200, 1000), (1, 1500, 3000)]);
        assert_eq!(same_speakers(&old, &split), [None, Some('a')]);
        assert_eq!(same_speakers::<char>(&[], &split), [None, None]);
        assert!(same_speakers(&old, &[]).is_empty());
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
        fn whatever_is_done_everybody_is_shown_as_somebody_who_is_shown_as_themselves(
            edits in prop::collection::vec(any_edit(), 0..40),
        ) {
            let all = Overlay::of(&edits);
            for speaker in 0u8..6 {
                let shown = all.shown(speaker);
                prop_assert_eq!(all.shown(shown), shown);
                prop_assert_eq!(all.name(speaker), all.name(shown));
            }
        }
    }
}
