//! Cancels a download, an import or a check from another thread.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Cancels an operation from any thread. Clones share one state.
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
    /// Called once on cancel, for example to close a connection that another thread waits for.
    hooks: BTreeMap<u64, Box<dyn FnOnce() + Send>>,
    next_hook: u64,
}

impl Cancel {
    /// Not cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels. The operation ends within moments; the bytes of a partial download stay.
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

    /// Whether [`Self::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.state().cancelled
    }

    /// Waits until the time is over or the operation is cancelled. Returns whether it was cancelled.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let state = self.state();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, time, |state| !state.cancelled)
            .unwrap_or_else(PoisonError::into_inner);
        state.cancelled
    }

    /// Registers `hook` to be called on cancel; calls it at once if that has happened already. Dropping the result
    /// unregisters the hook.
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

/// A registered hook, which is unregistered on drop.
pub(crate) struct Hook<'a> {
    cancel: &'a Cancel,
    number: u64,
}

impl Drop for Hook<'_> {
    fn drop(&mut self) {
        self.cancel.state().hooks.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_cancel_wakes_a_waiting_thread() {
        let cancel = Cancel::new();
        assert!(!cancel.wait(Duration::from_millis(1)));
        let other = cancel.clone();
        let waiting = std::thread::spawn(move || other.wait(Duration::from_secs(600)));
        cancel.cancel();
        assert!(waiting.join().unwrap());
        assert!(cancel.is_cancelled());
    }

    #[test]
    fn a_hook_is_called_once_on_cancel_and_never_after_it_is_dropped() {
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
}
