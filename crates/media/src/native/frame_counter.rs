//! Counts frames whose sample rate may change, at the rate of the first of them.

/// A number of frames at the rate of the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FrameCounter {
    /// Rate of the first frame; 0 before it.
    pub(super) rate: u32,
    /// Frames before the current stretch, at `rate`.
    before: u64,
    /// Frames of the current stretch, at its own rate.
    stretch: u64,
    /// Rate of the current stretch; 0 if there is none.
    stretch_rate: u32,
}

impl FrameCounter {
    /// A counter that stands at `position`, counted at `rate`.
    pub(super) fn at(rate: u32, position: u64) -> Self {
        Self { rate, before: position, stretch: 0, stretch_rate: 0 }
    }

    pub(super) fn add(&mut self, rate: u32, frames: u64) {
        if self.rate == 0 {
            self.rate = rate;
        }
        if self.stretch_rate != rate {
            *self = Self { rate: self.rate, before: self.position(), stretch: 0, stretch_rate: rate };
        }
        self.stretch = self.stretch.saturating_add(frames);
    }

    /// Moves the count by `frames` at the rate of the current stretch, not below its start.
    pub(super) fn shift(&mut self, frames: i64) {
        self.stretch = self.stretch.saturating_add_signed(frames);
    }

    /// Frames in all, at `rate`.
    pub(super) fn position(&self) -> u64 {
        let stretch = match self.stretch_rate {
            0 => 0,
            same if same == self.rate => self.stretch,
            other => {
                let exact = u128::from(self.stretch) * u128::from(self.rate) + u128::from(other / 2);
                u64::try_from(exact / u128::from(other)).unwrap_or(u64::MAX)
            }
        };
        self.before.saturating_add(stretch)
    }
}
