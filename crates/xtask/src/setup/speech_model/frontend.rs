//! The tables of Whisper's audio frontend: the window function and the mel filters.
//!
//! They are computed in 64 bits and rounded to 32, because the last bits of `exp` and `cos` differ between systems.

/// Samples per second.
pub(super) const RATE: u32 = 16_000;
/// Samples per frame and Fourier transform.
pub(super) const FRAME: u32 = 400;
/// Samples between the starts of frames.
pub(super) const HOP: u32 = 160;

/// A periodic Hann window.
pub(super) fn window() -> Vec<f32> {
    let frame = f64::from(FRAME);
    (0..FRAME)
        .map(|i| (0.5 - 0.5 * (2.0 * std::f64::consts::PI * f64::from(i) / frame).cos()) as f32)
        .collect()
}

/// Slaney's mel filters: one row of `FRAME / 2 + 1` numbers per band, all of equal area.
pub(super) fn mel_filters(bands: u32) -> Vec<f32> {
    filters(&corners(bands))
}

/// Corner frequencies of the filters in Hz, in equal steps of a scale that is linear below 1 kHz and logarithmic above.
/// Each filter ends at the peak of the next.
fn corners(bands: u32) -> Vec<f64> {
    const LINEAR_MELS: f64 = 15.0;
    const LINEAR_HZ: f64 = 1000.0;
    let log_step = 6.4_f64.ln() / 27.0;
    let highest = LINEAR_MELS + (f64::from(RATE) / 2.0 / LINEAR_HZ).ln() / log_step;
    let step = highest / f64::from(bands + 1);
    (0..bands + 2)
        .map(|i| if i == bands + 1 { highest } else { f64::from(i) * step })
        .map(|mel| {
            if mel < LINEAR_MELS {
                mel * 200.0 / 3.0
            } else {
                LINEAR_HZ * (log_step * (mel - LINEAR_MELS)).exp()
            }
        })
        .collect()
}

fn filters(corners: &[f64]) -> Vec<f32> {
    let hz_of_bin = f64::from(RATE) / f64::from(FRAME);
    let mut rows = Vec::new();
    for corner in corners.windows(3) {
        let [begin, peak, end] = [corner[0], corner[1], corner[2]];
        let height = 2.0 / (end - begin);
        for bin in 0..=FRAME / 2 {
            let hz = f64::from(bin) * hz_of_bin;
            // In this order of operations the first number is -0.0, as in NumPy.
            let rising = -(begin - hz) / (peak - begin);
            let falling = (end - hz) / (end - peak);
            let weight = rising.min(falling);
            rows.push((if weight < 0.0 { 0.0 } else { weight } * height) as f32);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_bits_of_the_systems_math_functions_do_not_matter() {
        let corners = corners(80);
        let filters = filters(&corners);
        for (up, down) in [(0, 1), (1, 0)] {
            let moved: Vec<f64> = corners
                .iter()
                .enumerate()
                .map(|(i, hz)| match i % 2 == up {
                    true => hz.next_up().next_up(),
                    false if i % 2 == down && *hz > 0.0 => hz.next_down().next_down(),
                    false => *hz,
                })
                .collect();
            assert_eq!(super::filters(&moved), filters);
        }
    }

    #[test]
    fn each_filter_rises_and_falls_once_and_all_have_one_area() {
        let filters = mel_filters(80);
        assert_eq!(filters.len(), 80 * 201);
        for (band, filter) in filters.chunks(201).enumerate() {
            let hit = filter.iter().filter(|weight| **weight > 0.0).count();
            let (first, last) = (
                filter.iter().position(|weight| *weight > 0.0),
                filter.iter().rposition(|weight| *weight > 0.0),
            );
            assert!(hit > 0 && last.unwrap() - first.unwrap() + 1 == hit, "band {band}");
            if hit > 8 {
                let area = filter.iter().sum::<f32>() * RATE as f32 / FRAME as f32;
                assert!((0.9..1.1).contains(&area), "band {band}: {area}");
            }
        }
    }

    #[test]
    fn the_window_is_periodic() {
        let window = window();
        assert_eq!((window.len(), window[0], window[200]), (400, 0.0, 1.0));
        assert!((1..400).all(|i| (window[i] - window[400 - i]).abs() < 1e-6));
    }
}
