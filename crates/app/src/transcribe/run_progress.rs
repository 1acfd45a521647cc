//! The state of a run over a recording: its progress, the time that is left, and what it cost.

use crate::transcribe::language_vote::{EarlyWindow, Vote};
use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Instant;
use store::{TaskProgress, TranscriptionCost};
use transcript::AudioTime;

/// How far a run is.
pub(super) struct RunProgress {
    began: Instant,
    /// Windows that are with a decoder: index and start.
    pub(super) in_flight: HashMap<u32, AudioTime>,
    /// The end of the last window that was cut.
    pub(super) cut_to: AudioTime,
    /// The first window that this run recognises itself: its start, and when that was.
    pub(super) first_new: Option<(AudioTime, Instant)>,
    /// Length of the recording, in milliseconds; from its header until it has been read.
    pub(super) total_ms: Option<u32>,
    /// Once the recording has been read: its samples, and a note about missing or damaged audio.
    pub(super) read: Option<(u64, Option<String>)>,
    /// Seconds of work per second of audio in earlier runs with the same model on this computer.
    usual_factor: Option<f64>,
    /// The search for the language, until it is settled.
    pub(super) search: Option<LanguageSearch>,
}

/// The state of the search for the language.
pub(super) struct LanguageSearch {
    /// The language of each recognised window, by index; `None` for one without words.
    pub(super) found: HashMap<u32, Option<String>>,
    /// The voting windows, once the reader has named them.
    pub(super) windows: Option<Vec<EarlyWindow>>,
    /// Sends the result to the reader.
    pub(super) vote: mpsc::Sender<Vote>,
}

/// Milliseconds of audio after which the speed of this run counts as much as that of earlier runs.
const EQUAL_WEIGHT_MS: f64 = 60_000.0;
/// Milliseconds of audio below which the speed of a run is not stored for later runs.
const MIN_MEASURED_MS: u32 = 10_000;

impl RunProgress {
    /// `total_ms` is the length of the recording, `usual_factor` seconds of work per second of audio in earlier runs.
    pub(super) fn new(total_ms: Option<u32>, usual_factor: Option<f64>) -> Self {
        Self {
            began: Instant::now(),
            in_flight: HashMap::new(),
            cut_to: AudioTime::ZERO,
            first_new: None,
            total_ms,
            read: None,
            usual_factor,
            search: None,
        }
    }

    /// The moment of the recording before which everything is recognised.
    fn done_to(&self) -> AudioTime {
        self.in_flight.values().copied().min().unwrap_or(self.cut_to)
    }

    /// Seconds of work per second of audio in this run, and the milliseconds of audio that were measured.
    fn measured(&self) -> Option<(f64, u32)> {
        let (from, at) = self.first_new?;
        let audio = self.done_to().since(from);
        (audio > 0).then(|| (at.elapsed().as_secs_f64() * 1000.0 / f64::from(audio), audio))
    }

    /// What recognising the words has cost.
    pub(super) fn cost(&self, audio_ms: i64) -> TranscriptionCost {
        let measured = self.measured().filter(|(_, audio)| *audio >= MIN_MEASURED_MS);
        TranscriptionCost {
            audio_ms,
            work_ms: i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX),
            real_time_factor: measured.map(|(factor, _)| factor),
        }
    }

    /// The progress to store with the task.
    pub(super) fn task_progress(&self) -> TaskProgress {
        let done = self.done_to();
        let measured = self.measured();
        let total = self.total_ms.map(|total| total.max(done.as_ms()));
        // The mean of this run's speed and the usual one, weighted by how much audio this run has measured.
        let expected = match (measured, self.usual_factor) {
            (Some((own, audio)), Some(usual)) => {
                let weight = f64::from(audio) / (f64::from(audio) + EQUAL_WEIGHT_MS);
                Some(own * weight + usual * (1.0 - weight))
            }
            (Some((own, _)), None) => Some(own),
            (None, usual) => usual,
        };
        let left = total.map(|total| f64::from(total - done.as_ms()));
        TaskProgress {
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

    /// The progress of a run that has recognised `audio_ms` of a recording of one minute in `work`.
    fn run(usual: Option<f64>, audio_ms: u32, work: Duration) -> TaskProgress {
        let mut run = RunProgress::new(Some(60_000), usual);
        if audio_ms > 0 {
            let begun = Instant::now().checked_sub(work).expect("the clock has run for a minute");
            run.first_new = Some((AudioTime::ZERO, begun));
            run.cut_to = AudioTime::from_ms(audio_ms);
        }
        run.task_progress()
    }

    #[test]
    fn the_time_left_is_estimated_from_earlier_runs_and_then_from_this_one() {
        assert_eq!(run(None, 0, Duration::ZERO).left_ms, None, "no speed is known yet");
        // This computer usually takes half the time of the recording.
        assert_eq!(run(Some(0.5), 0, Duration::ZERO).left_ms, Some(30_000));
        // This run takes as long as the recording. After half a minute its speed has a weight of one third.
        let left = run(Some(0.5), 30_000, Duration::from_secs(30)).left_ms.unwrap_or(0);
        assert!((19_900..20_100).contains(&left), "{left}");
        let left = run(None, 30_000, Duration::from_secs(30)).left_ms.unwrap_or(0);
        assert!((29_900..30_100).contains(&left), "{left}");
        let done = run(Some(0.5), 60_000, Duration::from_secs(60));
        assert_eq!((done.left_ms, done.done), (Some(0), 60_000));
    }
}
