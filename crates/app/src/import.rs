//! From files to registered recordings.

pub(crate) mod drop;
mod hash;
pub(crate) mod intake;
pub(crate) mod leftovers;
pub(crate) mod list;
pub(crate) mod options;
