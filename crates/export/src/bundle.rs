//! The row of bundles in the table of formats. The caller makes them, because they hold the recording.

use crate::error::ExportError;
use crate::format::{Format, FormatGroup, Needs, OptionName, ReceiptPlace};

/// The key of bundles.
pub const BUNDLE: &str = "bundle";

pub(crate) static FORMAT: Format = Format {
    key: BUNDLE,
    extension: "zip",
    media_type: "application/zip",
    label: "Bundle",
    purpose: "The meeting with its recording, to keep or to import elsewhere",
    group: FormatGroup::Data,
    needs: Needs::Transcript,
    options: &[OptionName::Times, OptionName::Note, OptionName::Language],
    receipt: ReceiptPlace::None,
    render: |_, _, _| Err(ExportError::NeedsRecording),
};
