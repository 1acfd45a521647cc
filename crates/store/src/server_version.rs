//! Which versions of PostgreSQL a configured server may have.

use std::ops::RangeInclusive;

/// The majors that MeetMemo is tested with. Older ones are refused; newer ones are used with a warning.
pub const SUPPORTED_MAJORS: RangeInclusive<u32> = 15..=18;

/// What a version means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionVerdict {
    /// Tested.
    Supported,
    /// Refused.
    TooOld,
    /// Newer than what was tested: used.
    Untested,
}

/// Judges a version as the server reports it, such as `16.14` or `18beta1`. A text that begins with no number counts as
/// untested.
pub fn judge_version(version: &str) -> VersionVerdict {
    let digits = version.find(|c: char| !c.is_ascii_digit()).map_or(version, |end| &version[..end]);
    match digits.parse::<u32>() {
        Ok(major) if major < *SUPPORTED_MAJORS.start() => VersionVerdict::TooOld,
        Ok(major) if SUPPORTED_MAJORS.contains(&major) => VersionVerdict::Supported,
        _ => VersionVerdict::Untested,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_from_15_to_18_are_supported() {
        for (version, verdict) in [
            ("9.6.24", VersionVerdict::TooOld),
            ("14.9 (Debian 14.9-1)", VersionVerdict::TooOld),
            ("15.0", VersionVerdict::Supported),
            ("18beta1", VersionVerdict::Supported),
            ("18.3", VersionVerdict::Supported),
            ("19devel", VersionVerdict::Untested),
            ("unknown", VersionVerdict::Untested),
        ] {
            assert_eq!(judge_version(version), verdict, "{version}");
        }
    }
}
