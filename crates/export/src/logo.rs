//! The logo beside the title.

use crate::error::ExportError;
use imagesize::ImageType;

/// A PNG or JPEG picture.
pub(crate) struct Logo<'a> {
    /// The content of the file.
    pub(crate) bytes: &'a [u8],
    /// `image/png` or `image/jpeg`.
    pub(crate) media_type: &'static str,
    /// `png` or `jpeg`.
    pub(crate) extension: &'static str,
    /// In pixels; not zero.
    pub(crate) width: usize,
    /// In pixels; not zero.
    pub(crate) height: usize,
}

impl<'a> Logo<'a> {
    /// The picture in `bytes`.
    ///
    /// # Errors
    /// [`ExportError::LogoDamaged`].
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ExportError> {
        let damaged = |reason: &str| ExportError::LogoDamaged { reason: reason.to_owned() };
        let kind = imagesize::image_type(bytes).map_err(|error| damaged(&error.to_string()))?;
        let (media_type, extension) = match kind {
            ImageType::Png => ("image/png", "png"),
            ImageType::Jpeg => ("image/jpeg", "jpeg"),
            _ => return Err(damaged("it is another kind of picture")),
        };
        let size = imagesize::blob_size(bytes).map_err(|error| damaged(&error.to_string()))?;
        if size.width == 0 || size.height == 0 {
            return Err(damaged("it has no pixels"));
        }
        Ok(Self { bytes, media_type, extension, width: size.width, height: size.height })
    }
}
