//! From files to registered recordings.

pub(crate) mod drop;
pub(crate) mod intake;
pub(crate) mod leftovers;
pub(crate) mod list;
