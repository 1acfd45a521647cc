//! Tracks that belong together, as one of them sees the others.
//!
//! Each has a demuxer of its own: however badly they are interleaved, nothing has to be kept for another track. In
//! Matroska and fragments it comes across the packets of all. What these say about time is the same for each, so they
//! agree on it without knowing one another. In other MP4 files the header alone places tracks, and the others are hidden.

use crate::timeline::Clock;
use symphonia::core::formats::Track;
use symphonia::core::packet::Packet;

/// Sound may begin this much later than its packet, in seconds: what an encoder put in front is cut off.
const DELAY: f64 = 1.0;
/// Later than any moment of a recording, in seconds.
const EVER: f64 = 1e12;

/// The tracks, and the time they have in common.
pub(super) struct Company {
    members: Vec<Member>,
    pub(super) clock: Clock,
    /// Up to where the file itself says that there is sound, in seconds.
    stated: f64,
    /// A packet came. That what is stated holds for the first one is not sure: a file that was cut from a longer one may
    /// state the end of that.
    begun: bool,
}

struct Member {
    id: u32,
    /// Seconds per unit of its timestamps.
    tick: f64,
    /// Added to them by the container, in seconds.
    moved: f64,
}

impl Company {
    /// The tracks with these numbers, `moved` by their container. `None` if there is none.
    pub(super) fn new(
        ids: &[u32],
        tracks: &[Track],
        moved: impl Fn(&Track) -> f64,
        stated: f64,
    ) -> Option<Self> {
        let member = |track: &Track| Member {
            id: track.id,
            tick: track.time_base.map_or(0.0, f64::from),
            moved: moved(track),
        };
        let members: Vec<_> = tracks.iter().filter(|track| ids.contains(&track.id)).map(member).collect();
        (!members.is_empty()).then_some(Self { members, clock: Clock::default(), stated, begun: false })
    }

    pub(super) fn tracks(&self) -> Vec<u32> {
        self.members.iter().map(|member| member.id).collect()
    }

    /// A packet of any track came.
    pub(super) fn hear(&mut self, packet: &Packet) {
        if let Some(member) = self.members.iter().find(|member| member.id == packet.track_id) {
            // What the container moved by so much did not begin so late by itself.
            let stated = if self.begun || member.moved > 0.0 { self.stated } else { 0.0 };
            self.begun = true;
            self.clock.hear(packet.pts.get() as f64 * member.tick + member.moved, stated);
        }
    }

    /// Up to where silence is believed, in seconds.
    pub(super) fn reached(&self) -> f64 {
        self.clock.now.max(self.stated) + DELAY
    }

    /// From now on timestamps are taken for what they are: whoever enters without marks has not seen what was before.
    pub(super) fn believe(&mut self) {
        self.clock.now = EVER;
    }
}
