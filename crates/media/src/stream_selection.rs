//! Selects which channels or tracks of a file are read, for recordings in which each person has one.

/// Which sound of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamSelection {
    /// All channels of all tracks that belong together, mixed to one.
    #[default]
    All,
    /// One channel, counted from 0, of the track that players take; silence if the track has no such channel. If the
    /// file has one track, as long as [`All`](Self::All) to the sample.
    Channel(u16),
    /// One of the tracks that belong together, counted from 0, on the time line of [`All`](Self::All), up to its own
    /// end. In a file without such tracks, `Track(0)` is everything.
    Track(u16),
}
