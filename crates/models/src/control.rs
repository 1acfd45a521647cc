//! How far something long has come, and how it is stopped.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Stops a download or an import, from any thread. Clones stop the same one.
#[derive(Clone, Default)]
pub struct Cancel {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    cancelled: bool,
    /// What to do at once when it happens, such as closing a connection that is waited for.
    hooks: BTreeMap<u64, Box<dyn FnOnce() + Send>>,
    next_hook: u64,
}

impl Cancel {
    /// Not cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Stops it. What is under way ends within moments, and what is there of a download stays.
    pub fn cancel(&self) {
        let hooks = {
            let mut state = self.state();
            state.cancelled = true;
            std::mem::take(&mut state.hooks)
        };
        self.shared.changed.notify_all();
        for (_, hook) in hooks {
            hook();
        }
    }

    /// Whether it was stopped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Waits this long, or until it is cancelled; whether it was.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let state = self.state();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, time, |state| !state.cancelled)
            .unwrap_or_else(PoisonError::into_inner);
        state.cancelled
    }

    /// Does `hook` when it is cancelled, at once if it is already, and not after what is returned has been dropped.
    pub(crate) fn on_cancel(&self, hook: impl FnOnce() + Send + 'static) -> Hook<'_> {
        let mut state = self.state();
        let number = state.next_hook;
        if state.cancelled {
            drop(state);
            hook();
        } else {
            state.next_hook += 1;
            state.hooks.insert(number, Box::new(hook));
        }
        Hook { cancel: self, number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "Cancel({})", self.is_cancelled())
    }
}

/// Forgets what was to be done on cancel.
pub(crate) struct Hook<'a> {
    cancel: &'a Cancel,
    number: u64,
}

impl Drop for Hook<'_> {
    fn drop(&mut self) {
        self.cancel.state().hooks.remove(&self.number);
    }
}

/// What is being done with the bytes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// What is there is read again.
    Checking,
    /// Bytes come from a host.
    Downloading,
    /// Bytes come from another file of this computer.
    Copying,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Bytes done in this stage, with those from before.
    pub done_bytes: u64,
    /// Of how many; none: the host does not say.
    pub total_bytes: Option<u64>,
    /// Smoothed over some seconds; none: too early to say.
    pub bytes_per_second: Option<f64>,
    /// At that speed.
    pub left: Option<Duration>,
    /// The host the bytes come from.
    pub host: Option<String>,
}

/// How often progress is told at most.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// A speed is worth this much of what was measured in the last so many seconds.
const SMOOTHED_OVER_SECONDS: f64 = 3.0;
/// Before that a speed says nothing.
const FIRST_SPEED_AFTER: Duration = Duration::from_millis(300);

/// Turns counts of bytes into progress.
pub(crate) struct Meter<'a> {
    tell: &'a mut dyn FnMut(&Progress),
    progress: Progress,
    begun: Instant,
    last: Instant,
    last_bytes: u64,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(tell: &'a mut dyn FnMut(&Progress), stage: Stage) -> Self {
        let now = Instant::now();
        let progress = Progress {
            stage,
            done_bytes: 0,
            total_bytes: None,
            bytes_per_second: None,
            left: None,
            host: None,
        };
        Self { tell, progress, begun: now, last: now, last_bytes: 0 }
    }

    /// A stage begins, or another host: there are `done_bytes` already, and their speed is not counted.
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
        (self.tell)(&self.progress);
    }

    /// Of how many bytes, as soon as that is known.
    pub(crate) fn expect(&mut self, total_bytes: Option<u64>) {
        self.progress.total_bytes = total_bytes;
    }

    /// So many bytes are there now.
    pub(crate) fn at(&mut self, done_bytes: u64) {
        self.progress.done_bytes = done_bytes;
        let now = Instant::now();
        let finished = self.progress.total_bytes == Some(done_bytes);
        if now - self.last < TELL_EVERY && !finished {
            return;
        }
        self.measure(now, done_bytes);
        (self.tell)(&self.progress);
    }

    fn measure(&mut self, now: Instant, done_bytes: u64) {
        let seconds = (now - self.last).as_secs_f64();
        if seconds > 0.0
            && (self.progress.bytes_per_second.is_some() || now - self.begun >= FIRST_SPEED_AFTER)
        {
            let speed = done_bytes.saturating_sub(self.last_bytes) as f64 / seconds;
            let share = 1.0 - (-seconds / SMOOTHED_OVER_SECONDS).exp();
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_waits_is_woken_by_a_cancel() {
        let cancel = Cancel::new();
        assert!(!cancel.wait(Duration::from_millis(1)));
        let other = cancel.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        cancel.cancel();
        assert!(waiting.join().unwrap());
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn a_hook_is_called_once_at_the_cancel_and_not_after_it_is_dropped() {
        let calls = Arc::new(AtomicUsize::new(0));
        let count = |calls: &Arc<AtomicUsize>| {
            let calls = Arc::clone(calls);
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let cancel = Cancel::new();
        drop(cancel.on_cancel(count(&calls)));
        let _kept = cancel.on_cancel(count(&calls));
        cancel.cancel();
        cancel.cancel();
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        let _late = cancel.on_cancel(count(&calls));
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn progress_tells_speed_and_time_left() {
        let mut told = Vec::new();
        let mut tell = |progress: &Progress| told.push(progress.clone());
        let mut meter = Meter::new(&mut tell, Stage::Downloading);
        meter.begin(Stage::Downloading, 100, Some(1100), Some("example.org"));
        let begun = meter.begun;
        meter.measure(begun + Duration::from_secs(1), 200);
        meter.measure(begun + Duration::from_secs(2), 300);
        let progress = meter.progress.clone();
        assert!((progress.bytes_per_second.unwrap() - 100.0).abs() < 1e-6);
        assert!((progress.left.unwrap().as_secs_f64() - 8.0).abs() < 1e-6);
        meter.at(1100);
        assert_eq!(told.last().unwrap().done_bytes, 1100);
        assert_eq!(told[0].host.as_deref(), Some("example.org"));
    }
}
