//! Progress of a download, an import or a check.

use std::time::{Duration, Instant};

/// What is happening to the bytes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The file is read and hashed.
    Checking,
    /// Bytes arrive from a host.
    Downloading,
    /// A file of this computer is copied.
    Copying,
}

/// The state of a running operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The current stage.
    pub stage: Stage,
    /// Bytes done in this stage, including those of an earlier, interrupted attempt.
    pub done_bytes: u64,
    /// Total bytes; `None` if the host does not say.
    pub total_bytes: Option<u64>,
    /// Speed, smoothed over some seconds; `None` at the beginning.
    pub bytes_per_second: Option<f64>,
    /// Estimated time left at that speed.
    pub left: Option<Duration>,
    /// The host that sends the bytes.
    pub host: Option<String>,
}

/// Shortest time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);
/// Time constant of the exponential smoothing of the speed, in seconds.
const SMOOTHING_SECONDS: f64 = 3.0;
/// A speed measured over less time than this is not reported.
const FIRST_SPEED_AFTER: Duration = Duration::from_millis(300);

/// Turns byte counts into [`Progress`] and reports it to a callback.
pub(crate) struct Meter<'a> {
    report: &'a mut dyn FnMut(&Progress),
    progress: Progress,
    begun: Instant,
    last: Instant,
    last_bytes: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(report: &'a mut dyn FnMut(&Progress), stage: Stage) -> Self {
        let now = Instant::now();
        let progress = Progress {
            stage,
            done_bytes: 0,
            total_bytes: None,
            bytes_per_second: None,
            left: None,
            host: None,
        };
        Self { report, progress, begun: now, last: now, last_bytes: 0 }
    }

    /// Begins a stage, or the same stage with another host. `done_bytes` are there already and do not count for the
    /// speed.
    pub(crate) fn begin(
        &mut self,
        stage: Stage,
        done_bytes: u64,
        total_bytes: Option<u64>,
        host: Option<&str>,
    ) {
        let speed = self.progress.bytes_per_second.filter(|_| self.progress.stage == stage);
        self.progress = Progress {
            stage,
            done_bytes,
            total_bytes,
            bytes_per_second: speed,
            left: None,
            host: host.map(str::to_owned),
        };
        self.begun = Instant::now();
        self.last = self.begun;
        self.last_bytes = done_bytes;
        (self.report)(&self.progress);
    }

    /// Sets the total, once it is known.
    pub(crate) fn set_total(&mut self, total_bytes: Option<u64>) {
        self.progress.total_bytes = total_bytes;
    }

    /// Sets the bytes done, and reports if the last report is long enough ago or the total is reached.
    pub(crate) fn set_done(&mut self, done_bytes: u64) {
        self.progress.done_bytes = done_bytes;
        let now = Instant::now();
        let finished = self.progress.total_bytes == Some(done_bytes);
        if now - self.last < REPORT_INTERVAL && !finished {
            return;
        }
        self.measure(now, done_bytes);
        (self.report)(&self.progress);
    }

    fn measure(&mut self, now: Instant, done_bytes: u64) {
        let seconds = (now - self.last).as_secs_f64();
        if seconds > 0.0
            && (self.progress.bytes_per_second.is_some() || now - self.begun >= FIRST_SPEED_AFTER)
        {
            let speed = done_bytes.saturating_sub(self.last_bytes) as f64 / seconds;
            let share = 1.0 - (-seconds / SMOOTHING_SECONDS).exp();
            let smoothed = match self.progress.bytes_per_second {
                Some(before) => before + (speed - before) * share,
                None => speed,
            };
            self.progress.bytes_per_second = Some(smoothed);
        }
        if self.progress.bytes_per_second.is_some() || now - self.begun >= FIRST_SPEED_AFTER {
            self.last = now;
            self.last_bytes = done_bytes;
        }
        self.progress.left = match (self.progress.total_bytes, self.progress.bytes_per_second) {
            (Some(total), Some(speed)) if speed >= 1.0 => {
                Duration::try_from_secs_f64(total.saturating_sub(done_bytes) as f64 / speed).ok()
            }
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_reports_speed_and_time_left() {
        let mut reports = Vec::new();
        let mut report = |progress: &Progress| reports.push(progress.clone());
        let mut meter = Meter::new(&mut report, Stage::Downloading);
        meter.begin(Stage::Downloading, 100, Some(1100), Some("example.org"));
        let begun = meter.begun;
        meter.measure(begun + Duration::from_secs(1), 200);
        meter.measure(begun + Duration::from_secs(2), 300);
        let progress = meter.progress.clone();
        assert!((progress.bytes_per_second.unwrap() - 100.0).abs() < 1e-6);
        assert!((progress.left.unwrap().as_secs_f64() - 8.0).abs() < 1e-6);
        meter.set_done(1100);
        assert_eq!(reports.last().unwrap().done_bytes, 1100);
        assert_eq!(reports[0].host.as_deref(), Some("example.org"));
    }
}
