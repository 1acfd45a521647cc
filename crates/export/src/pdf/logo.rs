//! The logo as an image of the file.

use crate::ExportError;
use crate::logo::Logo;
use printpdf::{DictItem, ExternalStream, ExternalXObject, XObject};
use std::collections::BTreeMap;
use std::io::Cursor;

/// Most pixels of a logo: a square of 4000.
const MAX_PIXELS: usize = 16_000_000;

/// `logo` as an image. A JPEG is embedded as it is, a PNG as its pixels.
///
/// # Errors
/// [`ExportError::LogoDamaged`].
pub(super) fn image(logo: &Logo<'_>) -> Result<XObject, ExportError> {
    let stream = if logo.media_type == "image/jpeg" { jpeg(logo)? } else { png(logo)? };
    Ok(XObject::External(ExternalXObject { stream, width: None, height: None, dpi: None }))
}

fn damaged(reason: impl ToString) -> ExportError {
    ExportError::LogoDamaged { reason: reason.to_string() }
}

fn jpeg(logo: &Logo<'_>) -> Result<ExternalStream, ExportError> {
    let components = jpeg_components(logo.bytes).ok_or_else(|| damaged("its frame cannot be read"))?;
    let mut dict = dictionary(logo.width, logo.height, components)?;
    dict.insert("Filter".to_owned(), name("DCTDecode"));
    if components == 4 {
        // Programs that write JPEG with four colours invert them, as Photoshop does.
        let inverted = [1, 0, 1, 0, 1, 0, 1, 0].map(DictItem::Int).to_vec();
        dict.insert("Decode".to_owned(), DictItem::Array(inverted));
    }
    Ok(ExternalStream { dict, content: logo.bytes.to_vec(), compress: false })
}

/// The number of colours of a JPEG: from its frame header (ITU-T T.81, B.2.2).
fn jpeg_components(bytes: &[u8]) -> Option<u8> {
    let mut at = 2;
    loop {
        let [0xFF, marker] = *bytes.get(at..at + 2)? else { return None };
        match marker {
            // Fill bytes, and markers without a segment.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD8 => at += 2,
            // SOF0 to SOF15, but for DHT, JPG and DAC.
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => return bytes.get(at + 9).copied(),
            _ => at += 2 + usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?])),
        }
    }
}

fn png(logo: &Logo<'_>) -> Result<ExternalStream, ExportError> {
    if logo.width.saturating_mul(logo.height) > MAX_PIXELS {
        return Err(damaged("it has more than 16 million pixels"));
    }
    let mut decoder = png::Decoder::new(Cursor::new(logo.bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = reader.output_buffer_size().ok_or_else(|| damaged("it is too large"))?;
    let mut pixels = vec![0; size];
    let info = reader.next_frame(&mut pixels).map_err(damaged)?;
    pixels.truncate(info.buffer_size());
    let (width, height) = (info.width as usize, info.height as usize);
    let channels = info.color_type.samples();
    let has_alpha = channels % 2 == 0;
    let colours = if has_alpha { channels - 1 } else { channels };
    let components = u8::try_from(colours).map_err(damaged)?;
    let mut dict = dictionary(width, height, components)?;
    if has_alpha {
        let content: Vec<u8> = pixels.chunks_exact(channels).map(|pixel| pixel[colours]).collect();
        let mask = ExternalStream { dict: dictionary(width, height, 1)?, content, compress: true };
        dict.insert("SMask".to_owned(), DictItem::Stream { stream: mask });
        pixels = pixels.chunks_exact(channels).flat_map(|pixel| &pixel[..colours]).copied().collect();
    }
    Ok(ExternalStream { dict, content: pixels, compress: true })
}

/// The dictionary of an image (ISO 32000, 8.9.5) with 8 bits for each of its `components`.
fn dictionary(
    width: usize,
    height: usize,
    components: u8,
) -> Result<BTreeMap<String, DictItem>, ExportError> {
    let space = match components {
        1 => "DeviceGray",
        3 => "DeviceRGB",
        4 => "DeviceCMYK",
        _ => return Err(damaged("it has an unknown number of colours")),
    };
    let size = |pixels: usize| i64::try_from(pixels).map(DictItem::Int).map_err(damaged);
    Ok(BTreeMap::from([
        ("Type".to_owned(), name("XObject")),
        ("Subtype".to_owned(), name("Image")),
        ("Width".to_owned(), size(width)?),
        ("Height".to_owned(), size(height)?),
        ("BitsPerComponent".to_owned(), DictItem::Int(8)),
        ("ColorSpace".to_owned(), name(space)),
    ]))
}

fn name(name: &str) -> DictItem {
    DictItem::Name(name.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_of_a_jpeg_tells_its_colours() {
        // SOI, a comment, a frame of 3 colours.
        let jpeg = b"\xFF\xD8\xFF\xFE\x00\x04hi\xFF\xC2\x00\x11\x08\x00\x10\x00\x20\x03\x01";
        assert_eq!(jpeg_components(jpeg), Some(3));
        for length in 0..jpeg.len() - 1 {
            assert_eq!(jpeg_components(&jpeg[..length]), None, "{length} bytes");
        }
        assert_eq!(jpeg_components(b"\xFF\xD8\xFF\xDA\x00\x02ab"), None);
    }
}
