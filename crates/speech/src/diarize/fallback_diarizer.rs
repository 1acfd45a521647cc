//! A diarizer with a limited number of speakers, and another one that replaces it if there are more: a model for at
//! most four speakers cannot find six.

use super::{Control, Diarization, DiarizeError, Diarizer, ExpectedSpeakers};

/// A speaker counts with at least this share of all speech, …
const MIN_SHARE: f32 = 0.03;
/// … and at least this much speech in milliseconds.
const MIN_SPEECH_MS: u32 = 5_000;

/// Runs two diarizers on the same samples. Returns the result of `primary`, unless the user states that there are more
/// than `primary_max` speakers, or `fallback` finds more, each with a substantial share of the speech.
pub struct FallbackDiarizer {
    primary: Box<dyn Diarizer>,
    fallback: Box<dyn Diarizer>,
    primary_max: usize,
    /// Whether the result was that of `fallback`.
    fell_back: bool,
}

impl FallbackDiarizer {
    /// `primary` finds at most `primary_max` speakers, `fallback` any number.
    pub fn new(primary: Box<dyn Diarizer>, fallback: Box<dyn Diarizer>, primary_max: u32) -> Self {
        let primary_max = usize::try_from(primary_max).unwrap_or(usize::MAX);
        Self { primary, fallback, primary_max, fell_back: false }
    }

    fn used(&self) -> &dyn Diarizer {
        if self.fell_back { self.fallback.as_ref() } else { self.primary.as_ref() }
    }
}

/// The number of speakers with enough speech to count.
fn substantial_speakers(found: &Diarization) -> usize {
    let mut speech_ms = vec![0_u32; found.embeddings.len()];
    for turn in &found.turns {
        if let Some(speech_ms) = speech_ms.get_mut(turn.speaker as usize) {
            *speech_ms += turn.span.end.as_ms() - turn.span.start.as_ms();
        }
    }
    let total: u32 = speech_ms.iter().sum();
    let min = MIN_SPEECH_MS.max((total as f32 * MIN_SHARE) as u32);
    speech_ms.iter().filter(|ms| **ms >= min).count()
}

impl Diarizer for FallbackDiarizer {
    /// The method of the diarizer whose result was returned; before [`Diarizer::finish`], that of the primary one.
    fn method(&self) -> &'static str {
        self.used().method()
    }

    /// The model of the same diarizer.
    fn model(&self) -> String {
        self.used().model()
    }

    fn push(&mut self, samples: &[f32], control: &dyn Control) -> Result<(), DiarizeError> {
        self.primary.push(samples, control)?;
        self.fallback.push(samples, control)
    }

    fn finish(
        &mut self,
        expected: ExpectedSpeakers,
        control: &dyn Control,
    ) -> Result<Diarization, DiarizeError> {
        let (min, max) = expected.range();
        let other = self.fallback.finish(expected, control)?;
        self.fell_back = min > self.primary_max
            || (max > self.primary_max && substantial_speakers(&other) > self.primary_max);
        if self.fell_back { Ok(other) } else { self.primary.finish(expected, control) }
    }
}

impl std::fmt::Debug for FallbackDiarizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FallbackDiarizer").field("primary_max", &self.primary_max).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::VoiceEmbedding;
    use super::*;
    use crate::engine::NeverCancel;
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

        fn finish(&mut self, _: ExpectedSpeakers, _: &dyn Control) -> Result<Diarization, DiarizeError> {
            let mut turns = Vec::new();
            let mut start = 0;
            for (speaker, seconds) in (0..).zip(self.1) {
                let span = Span::new(AudioTime::from_ms(start), AudioTime::from_ms(start + seconds * 1000));
                turns.push(Turn { span, speaker, confidence: None, overlap: false });
                start += seconds * 1000;
            }
            Ok(Diarization { turns, embeddings: vec![None::<VoiceEmbedding>; self.1.len()] })
        }
    }

    #[test]
    fn the_fallback_is_used_if_more_people_speak_than_the_model_can_find() {
        let exact = |n| ExpectedSpeakers { min: Some(n), max: Some(n) };
        let any = ExpectedSpeakers::default();
        for (voices, expected, method) in [
            (&[60, 60, 60][..], any, "sortformer"),
            (&[60, 60, 60, 60], any, "sortformer"),
            (&[60, 60, 60, 60, 60], any, "voices"),
            // The fifth speaker has too little speech, in seconds or as a share.
            (&[60, 60, 60, 60, 4], any, "sortformer"),
            (&[600, 600, 600, 600, 20], any, "sortformer"),
            (&[60, 60, 60, 60, 60], exact(3), "sortformer"),
            (&[60, 60, 60, 60, 60], ExpectedSpeakers { min: None, max: Some(4) }, "sortformer"),
            (&[60, 60, 60], exact(6), "voices"),
        ] {
            let primary = Box::new(Scripted("sortformer", &[100, 100]));
            let mut diarizer = FallbackDiarizer::new(primary, Box::new(Scripted("voices", voices)), 4);
            assert_eq!(diarizer.method(), "sortformer");
            diarizer.push(&[0.0; 16], &NeverCancel).expect("samples are taken");
            let found = diarizer.finish(expected, &NeverCancel).expect("turns");
            assert_eq!(
                (diarizer.method(), diarizer.model()),
                (method, format!("model of {method}")),
                "{voices:?}"
            );
            assert_eq!(found.embeddings.len(), if method == "voices" { voices.len() } else { 2 });
        }
    }
}
