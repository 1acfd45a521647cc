//! Many channels become one, and many tracks.

/// Loudest sample passed on, as a factor of full scale.
///
/// Float files may exceed full scale legitimately; 18 dB is more than any has by intention, and keeps a damaged
/// value of 1e38 from becoming infinite in the resampler.
const LIMIT: f32 = 8.0;

/// Writes the mean of the `channels` interleaved channels of `interleaved` to `mono`, replacing its content.
///
/// The plain mean, whatever the layout: voices are in the front channels, in one microphone of a recorder, or on
/// either side of a stereo interview, and no fixed weights suit all of them. A silent or low-frequency channel then
/// costs level (6 dB for one silent side of a stereo pair) but never words, since what follows adapts to level. Two sides
/// that are opposite to one another would leave nothing, so one of them is turned.
/// Values that are not finite become zero.
pub(crate) fn mix(interleaved: &[f32], channels: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match channels {
        0 => {}
        1 => mono.extend(interleaved.iter().copied().map(tame)),
        2 => {
            let frames = interleaved.as_chunks::<2>().0;
            let right = 0.5 * sign_of_right(frames);
            mono.extend(frames.iter().map(|[l, r]| 0.5 * tame(*l) + right * tame(*r)));
        }
        n => {
            let scale = 1.0 / n as f32;
            mono.extend(
                interleaved.chunks_exact(n).map(|frame| frame.iter().copied().map(tame).sum::<f32>() * scale),
            );
        }
    }
}

/// Frames of a packet by which it is told whether both sides are opposite.
const ENOUGH_FRAMES: usize = 256;
/// Sides whose correlation is below the first are opposite, and above the second they are not; between them, less and
/// less of one side is taken, so that nothing switches.
const OPPOSITE: [f32; 2] = [-0.95, -0.75];

/// What the right side counts: 1, or down to −1 where both sides are opposite, as from a microphone with a wrong cable. It
/// depends on these frames alone, so a recording sounds the same from wherever it is entered.
fn sign_of_right(frames: &[[f32; 2]]) -> f32 {
    if frames.len() < ENOUGH_FRAMES {
        return 1.0;
    }
    let (mut both, mut left, mut right) = (0.0_f32, 0.0_f32, 0.0_f32);
    for [l, r] in frames {
        let (l, r) = (tame(*l), tame(*r));
        both += l * r;
        left += l * l;
        right += r * r;
    }
    // Most recordings are here.
    if both >= 0.0 {
        return 1.0;
    }
    let correlation = both / (left * right).sqrt();
    let [opposite, not] = OPPOSITE;
    (2.0 * (correlation - opposite) / (not - opposite) - 1.0).clamp(-1.0, 1.0)
}

/// Writes channel `wanted`, counted from 0, of the `channels` interleaved channels of `interleaved` to `mono`, replacing
/// its content; silence of the same length if there is no such channel.
pub(crate) fn pick(interleaved: &[f32], channels: usize, wanted: usize, mono: &mut Vec<f32>) {
    mono.clear();
    if channels == 0 {
        return;
    }
    let frames = interleaved.chunks_exact(channels);
    mono.extend(frames.map(|frame| frame.get(wanted).copied().map_or(0.0, tame)));
}

/// Up to here a sum of tracks is what it is, as a factor of full scale.
const KNEE: f32 = 0.7;

/// Appends `len` samples of all `tracks` together to `out`; each has at most so many, and is silent behind them.
///
/// The sum and not the mean: where each person has a track, one of them speaks and the others are silent, and among
/// sixteen a mean would cost 24 dB. Two things come with that. Some programs write the same sound to several tracks;
/// those that are equal here, sample by sample, count once. And several at a time may exceed full scale: what is louder
/// than [`KNEE`] is bent, the more the louder, and stays below it. Both depend on these samples alone, so a recording
/// sounds the same from wherever it is entered.
pub(crate) fn sum(tracks: &[&[f32]], len: usize, out: &mut Vec<f32>) {
    let from = out.len();
    out.resize(from + len, 0.0);
    let mixed = &mut out[from..];
    for (i, track) in tracks.iter().enumerate() {
        if !tracks[..i].contains(track) {
            for (sum, sample) in mixed.iter_mut().zip(*track) {
                *sum += sample;
            }
        }
    }
    for sample in mixed {
        *sample = bent(*sample);
    }
}

/// Straight up to [`KNEE`], then ever flatter towards full scale.
fn bent(sample: f32) -> f32 {
    let beyond = (sample.abs() - KNEE) / (1.0 - KNEE);
    if beyond <= 0.0 {
        return sample;
    }
    // Nothing but what every processor computes to the same bit.
    (KNEE + (1.0 - KNEE) * beyond / (1.0 + beyond * beyond).sqrt()).copysign(sample)
}

/// Makes a sample finite and bounded.
pub(crate) fn tame(sample: f32) -> f32 {
    // `clamp` passes NaN on, so it has to be asked for.
    if sample.is_finite() { sample.clamp(-LIMIT, LIMIT) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_wild_values_tamed() {
        let mut mono = vec![9.0];
        mix(&[1.0, 0.0, -1.0, -1.0], 2, &mut mono);
        assert_eq!(mono, [0.5, -1.0]);
        mix(&[f32::NAN, f32::INFINITY, 0.25, 1e38], 1, &mut mono);
        assert_eq!(mono, [0.0, 0.0, 0.25, LIMIT]);
        mix(&[0.6; 12], 6, &mut mono);
        assert!(mono.iter().all(|s| (s - 0.6).abs() < 1e-6) && mono.len() == 2);
        mix(&[1.0], 0, &mut mono);
        assert!(mono.is_empty());
    }

    #[test]
    fn opposite_sides_do_not_cancel_out() {
        let tone = |i: u16| (f32::from(i) * 0.3).sin();
        let mut mono = Vec::new();
        let opposite: Vec<f32> = (0..512).flat_map(|i| [tone(i), -0.9 * tone(i)]).collect();
        mix(&opposite, 2, &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.95 * tone(i)).abs() < 1e-3));
        let same: Vec<f32> = (0..512).flat_map(|i| [tone(i), 0.5 * tone(i)]).collect();
        mix(&same, 2, &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.75 * tone(i)).abs() < 1e-3));
        mix(&[0.0; 1024], 2, &mut mono);
        assert_eq!(mono, [0.0; 512]);
    }

    #[test]
    fn tracks_are_added_up_and_stay_within_full_scale() {
        let mut out = vec![9.0];
        sum(&[&[0.25, 0.5], &[0.25, -0.25, 0.125], &[]], 4, &mut out);
        assert_eq!(out, [9.0, 0.5, 0.25, 0.125, 0.0]);
        let loud = |sample: f32| {
            let mut out = Vec::new();
            sum(&[&[0.0], &[sample]], 1, &mut out);
            out[0]
        };
        assert_eq!(loud(KNEE), KNEE);
        assert!(loud(0.71) > 0.709 && loud(1.0) > 0.9 && loud(1.5) > loud(1.4));
        assert!(loud(-2.0) == -loud(2.0) && loud(8.0 * 16.0) <= 1.0);
    }

    #[test]
    fn the_same_sound_on_several_tracks_counts_once() {
        let mut out = Vec::new();
        let speech = [0.25, -0.5, 0.125];
        sum(&[&speech, &speech, &[0.0; 3], &speech], 3, &mut out);
        assert_eq!(out, speech);
    }

    #[test]
    fn one_channel_is_picked_and_one_that_is_not_there_is_silent() {
        let mut mono = vec![9.0];
        let stereo = [1.0, 0.25, -1.0, f32::NAN, 0.5, 1e38];
        pick(&stereo, 2, 0, &mut mono);
        assert_eq!(mono, [1.0, -1.0, 0.5]);
        pick(&stereo, 2, 1, &mut mono);
        assert_eq!(mono, [0.25, 0.0, LIMIT]);
        pick(&stereo, 2, 2, &mut mono);
        assert_eq!(mono, [0.0; 3]);
        pick(&stereo, 1, 0, &mut mono);
        assert_eq!(mono.len(), 6);
        pick(&stereo, 0, 0, &mut mono);
        assert!(mono.is_empty());
    }
}
