//! Parts of the sound of a file: recordings in which each person has a channel or a track.

/// Which part of the sound of a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Part {
    /// All that belongs together, as one.
    #[default]
    All,
    /// One channel, counted from 0, of the track that players take: silence where it has no such channel. Of the same
    /// length as [`All`](Self::All), sample for sample, where the file has one track.
    Channel(u16),
    /// One of the tracks that belong together, counted from 0, on the time line of [`All`](Self::All), up to its own
    /// end. `Track(0)` of a file without such tracks is all of it.
    Track(u16),
}
