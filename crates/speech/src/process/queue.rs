//! The windows waiting for a decoder: a queue that holds a few and makes the one who brings more wait.

use crate::engine::Options;
use crate::windows::Window;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};

/// A window and how to recognise it.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) window: Window,
    pub(super) options: Options,
}

#[derive(Debug)]
pub(super) struct Queue {
    room: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    windows: VecDeque<Work>,
    closed: Option<Closed>,
}

/// Why a queue takes no more windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// The last window has come.
    Finished,
    /// The windows are no longer wanted.
    Cancelled,
}

impl Queue {
    /// A queue that holds up to `room` windows, at least one.
    pub(super) fn new(room: usize) -> Self {
        Self { room: room.max(1), state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds `window`; waits while the queue is full.
    pub(super) fn push(&self, window: Work) -> Result<(), Closed> {
        let mut state = self.state();
        loop {
            if let Some(closed) = state.closed {
                return Err(closed);
            }
            if state.windows.len() < self.room {
                break;
            }
            state = self.wait(state);
        }
        state.windows.push_back(window);
        self.changed.notify_all();
        Ok(())
    }

    /// The next window; waits while there is none. `None` when there will be none any more.
    pub(super) fn pop(&self) -> Option<Work> {
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

    /// Whether the last window has come and gone.
    pub(super) fn is_finished(&self) -> bool {
        let state = self.state();
        state.closed == Some(Closed::Finished) && state.windows.is_empty()
    }

    /// Takes no more windows. When cancelled, those that wait are dropped; that is not taken back.
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
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
