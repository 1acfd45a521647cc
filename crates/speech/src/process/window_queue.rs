//! The windows that wait for a decoder: a bounded queue, whose `push` blocks while it is full.

use crate::engine::Options;
use crate::windows::Window;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

/// A window with the options to recognise it with.
#[derive(Debug)]
pub(super) struct QueuedWindow {
    pub(super) window: Window,
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) struct Queue {
    capacity: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    windows: VecDeque<QueuedWindow>,
    closed: Option<Closed>,
}

/// Why a queue takes no more windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// The last window has been pushed.
    Finished,
    /// The recognition has been cancelled.
    Cancelled,
}

impl Queue {
    /// A queue that holds up to `capacity` windows, at least one.
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds `window`. Blocks while the queue is full.
    pub(super) fn push(&self, window: QueuedWindow) -> Result<(), Closed> {
        let mut state = self.state();
        loop {
            if let Some(closed) = state.closed {
                return Err(closed);
            }
            if state.windows.len() < self.capacity {
                break;
            }
            state = self.wait(state);
        }
        state.windows.push_back(window);
        self.changed.notify_all();
        Ok(())
    }

    /// Removes the next window. Blocks while the queue is empty; `None` when it is empty and closed.
    pub(super) fn pop(&self) -> Option<QueuedWindow> {
        let mut state = self.state();
        loop {
            if let Some(window) = state.windows.pop_front() {
                self.changed.notify_all();
                return Some(window);
            }
            if state.closed.is_some() {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Whether the queue was closed as finished and all its windows have been removed.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state();
        state.closed == Some(Closed::Finished) && state.windows.is_empty()
    }

    /// Closes the queue. `Cancelled` drops the waiting windows and overrides `Finished`; it cannot be undone.
    pub(super) fn close(&self, why: Closed) {
        let mut state = self.state();
        if why == Closed::Cancelled {
            state.windows.clear();
        }
        if state.closed != Some(Closed::Cancelled) {
            state.closed = Some(why);
        }
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds this lock.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
