//! What the work on a recording has done so far: progress, what is left, what it took.

use crate::transcribe::language_vote::{Early, Vote};
use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Instant;
use store::{Progress, Spent};
use transcript::AudioTime;

/// What this run is doing, for progress and its end.
pub(super) struct Account {
    pub(super) began: Instant,
    /// Windows handed to decoders and not yet back, by index: where they begin.
    pub(super) in_flight: HashMap<u32, AudioTime>,
    /// How far cutting is.
    pub(super) cut_to: AudioTime,
    /// From where and when this run has recognised anything itself.
    pub(super) first_new: Option<(AudioTime, Instant)>,
    pub(super) total_ms: Option<u32>,
    pub(super) read: Option<(u64, Option<String>)>,
    /// Seconds of work per second of audio in this computer's earlier runs with the same model.
    usual: Option<f64>,
    /// The search for the language, until it is settled.
    pub(super) search: Option<Search>,
}

/// The language of a recording is not settled yet.
pub(super) struct Search {
    /// The language of each window that is recognised, `None` where nothing was said.
    pub(super) found: HashMap<u32, Option<String>>,
    /// The windows that are to settle it, once the reader has named them.
    pub(super) windows: Option<Vec<Early>>,
    /// Where the reader waits for the answer.
    pub(super) answer: mpsc::Sender<Vote>,
}

/// Milliseconds of audio after which a run's own speed counts as much as that of earlier runs.
const LEARNT_MS: f64 = 60_000.0;
/// A run over less audio than this, in milliseconds, says little about the next.
const TELLING_MS: u32 = 10_000;

impl Account {
    pub(super) fn new(total_ms: Option<u32>, usual: Option<f64>) -> Self {
        Self {
            began: Instant::now(),
            in_flight: HashMap::new(),
            cut_to: AudioTime::ZERO,
            first_new: None,
            total_ms,
            read: None,
            usual,
            search: None,
        }
    }

    /// Everything before this moment is done.
    fn done_to(&self) -> AudioTime {
        self.in_flight.values().copied().min().unwrap_or(self.cut_to)
    }

    /// Seconds of work per second of audio so far, and over how many milliseconds of audio.
    fn measured(&self) -> Option<(f64, u32)> {
        let (from, at) = self.first_new?;
        let audio = self.done_to().since(from);
        (audio > 0).then(|| (at.elapsed().as_secs_f64() * 1000.0 / f64::from(audio), audio))
    }

    /// What the words took.
    pub(super) fn spent(&self, audio_ms: i64) -> Spent {
        let telling = self.measured().filter(|(_, audio)| *audio >= TELLING_MS);
        Spent {
            audio_ms,
            work_ms: i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX),
            real_time_factor: telling.map(|(factor, _)| factor),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        let done = self.done_to();
        let measured = self.measured();
        let total = self.total_ms.map(|total| total.max(done.as_ms()));
        // This run's speed and the usual one, weighed by how much audio this run's is about.
        let expected = match (measured, self.usual) {
            (Some((own, audio)), Some(usual)) => {
                let weight = f64::from(audio) / (f64::from(audio) + LEARNT_MS);
                Some(own * weight + usual * (1.0 - weight))
            }
            (Some((own, _)), None) => Some(own),
            (None, usual) => usual,
        };
        let left = total.map(|total| f64::from(total - done.as_ms()));
        Progress {
            done: i64::from(done.as_ms()),
            total: total.map(i64::from),
            real_time_factor: measured.map(|(own, _)| own),
            left_ms: left.zip(expected).map(|(audio, factor)| (audio * factor).round() as i64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A run that has recognised `audio_ms` of a minute in `work`.
    fn account(usual: Option<f64>, audio_ms: u32, work: Duration) -> Account {
        let mut account = Account::new(Some(60_000), usual);
        if audio_ms > 0 {
            let begun = Instant::now().checked_sub(work).expect("the clock has run for a minute");
            account.first_new = Some((AudioTime::ZERO, begun));
            account.cut_to = AudioTime::from_ms(audio_ms);
        }
        account
    }

    #[test]
    fn what_is_left_is_learnt_from_earlier_runs_and_then_from_this_one() {
        assert_eq!(account(None, 0, Duration::ZERO).progress().left_ms, None, "nothing is known yet");
        // A computer that usually takes half the time of the recording.
        assert_eq!(account(Some(0.5), 0, Duration::ZERO).progress().left_ms, Some(30_000));
        // This run takes as long as the recording. After half a minute that counts for a third.
        let left = account(Some(0.5), 30_000, Duration::from_secs(30)).progress().left_ms.unwrap_or(0);
        assert!((19_900..20_100).contains(&left), "{left}");
        let left = account(None, 30_000, Duration::from_secs(30)).progress().left_ms.unwrap_or(0);
        assert!((29_900..30_100).contains(&left), "{left}");
        let done = account(Some(0.5), 60_000, Duration::from_secs(60)).progress();
        assert_eq!((done.left_ms, done.done), (Some(0), 60_000));
    }
}
