//! One diarizer looked after by another: a model that knows four speakers at most cannot say that there were six.

use super::{Control, Diarization, DiarizeError, Diarizer, Expected};

/// A speaker counts with this share of all speech, …
const FAIR_SHARE: f32 = 0.03;
/// … and at least so much of it, in milliseconds.
const FAIR_MS: u32 = 5_000;

/// Two diarizers on the same samples. The turns are the first one's, unless the other finds more than `most` speakers,
/// each with a fair share of the speech, or the user says that there are more.
pub struct Checked {
    first: Box<dyn Diarizer>,
    check: Box<dyn Diarizer>,
    most: usize,
    /// Whether the turns given were those of `check`.
    checked: bool,
}

impl Checked {
    /// `first` knows at most `most` speakers, `check` any number.
    pub fn new(first: Box<dyn Diarizer>, check: Box<dyn Diarizer>, most: u32) -> Self {
        Self { first, check, most: usize::try_from(most).unwrap_or(usize::MAX), checked: false }
    }

    fn used(&self) -> &dyn Diarizer {
        if self.checked { self.check.as_ref() } else { self.first.as_ref() }
    }
}

/// Speakers who say enough to be one.
fn substantial(found: &Diarization) -> usize {
    let mut speech_ms = vec![0_u32; found.voices.len()];
    for turn in &found.turns {
        if let Some(speech_ms) = speech_ms.get_mut(turn.speaker as usize) {
            *speech_ms += turn.span.end.as_ms() - turn.span.start.as_ms();
        }
    }
    let all: u32 = speech_ms.iter().sum();
    let least = FAIR_MS.max((all as f32 * FAIR_SHARE) as u32);
    speech_ms.iter().filter(|ms| **ms >= least).count()
}

impl Diarizer for Checked {
    /// Whose turns were given; before [`Diarizer::finish`], the first one's word.
    fn method(&self) -> &'static str {
        self.used().method()
    }

    /// Likewise.
    fn model(&self) -> String {
        self.used().model()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        self.first.push(samples, control)?;
        self.check.push(samples, control)
    }

    fn finish(&mut self, expected: Expected, control: &dyn Control) -> Result<Diarization, DiarizeError> {
        let (min, max) = expected.range();
        let check = self.check.finish(expected, control)?;
        self.checked = min > self.most || (max > self.most && substantial(&check) > self.most);
        if self.checked { Ok(check) } else { self.first.finish(expected, control) }
    }
}

impl std::fmt::Debug for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checked").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Voice;
    use super::*;
    use crate::engine::Unattended;
    use transcript::{AudioTime, Span, Turn};

    /// Finds speakers who speak for so many seconds each, one after another.
    struct Scripted(&'static str, &'static [u32]);

    impl Diarizer for Scripted {
        fn method(&self) -> &'static str {
            self.0
        }

        fn model(&self) -> String {
            format!("model of {}", self.0)
        }

        fn push(&mut self, _samples: &[f32], _control: &dyn Control) -> Result<(), DiarizeError> {
            Ok(())
        }

        fn finish(&mut self, _: Expected, _: &dyn Control) -> Result<Diarization, DiarizeError> {
            let mut turns = Vec::new();
            let mut start = 0;
            for (speaker, seconds) in (0..).zip(self.1) {
                let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + seconds * 1000));
                turns.push(Turn { span, speaker, confidence: None, overlap: false });
                start += seconds * 1000;
            }
            Ok(Diarization { turns, voices: vec![None::<Voice>; self.1.len()] })
        }
    }

    #[test]
    fn the_check_wins_where_more_speak_than_the_model_knows() {
        let exact = |n| Expected { min: Some(n), max: Some(n) };
        let any = Expected::default();
        for (voices, expected, method) in [
            (&[60, 60, 60][..], any, "sortformer"),
            (&[60, 60, 60, 60], any, "sortformer"),
            (&[60, 60, 60, 60, 60], any, "voices"),
            // The fifth hardly speaks, for a time or in proportion.
            (&[60, 60, 60, 60, 4], any, "sortformer"),
            (&[600, 600, 600, 600, 20], any, "sortformer"),
            (&[60, 60, 60, 60, 60], exact(3), "sortformer"),
            (&[60, 60, 60, 60, 60], Expected { min: None, max: Some(4) }, "sortformer"),
            (&[60, 60, 60], exact(6), "voices"),
        ] {
            let first = Box::new(Scripted("sortformer", &[100, 100]));
            let mut checked = Checked::new(first, Box::new(Scripted("voices", voices)), 4);
            assert_eq!(checked.method(), "sortformer");
            checked.push(&[0.0; 16], &Unattended).expect("samples are taken");
            let found = checked.finish(expected, &Unattended).expect("turns");
            assert_eq!(
                (checked.method(), checked.model()),
                (method, format!("model of {method}")),
                "{voices:?}"
            );
            assert_eq!(found.voices.len(), if method == "voices" { voices.len() } else { 2 });
        }
    }
}
