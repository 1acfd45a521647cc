//! Mixes channels to mono, and tracks to one.

/// The largest sample passed on, as a factor of full scale.
///
/// Float files may exceed full scale legitimately; 18 dB is more than any file has on purpose, and keeps a damaged
/// value of 1e38 from becoming infinite in the resampler.
const LIMIT: f32 = 8.0;

/// Writes the mean of all `channels` to `mono`, replacing its content. All channels are as long as the first. Values
/// that are not finite become zero.
///
/// It is the plain mean, whatever the layout: voices are in the front channels, in one microphone of a recorder, or on
/// either side of a stereo interview, and no fixed weights suit all of them. A silent or low-frequency channel then
/// costs level (6 dB for one silent side of a stereo pair) but never words, since what follows adapts to the level. Two
/// sides of opposite polarity would cancel out, so one of them is inverted.
pub(crate) fn mix_channels(channels: &mut [Vec<f32>], mono: &mut Vec<f32>) {
    mono.clear();
    channels.iter_mut().for_each(|channel| sanitize_all(channel));
    match channels {
        [] => {}
        [only] => mono.extend_from_slice(only),
        [left, right] => {
            let sign = 0.5 * sign_of_right(left, right);
            mono.extend(left.iter().zip(&*right).map(|(l, r)| 0.5 * l + sign * r));
        }
        [first, others @ ..] => {
            let scale = 1.0 / (1 + others.len()) as f32;
            mono.extend_from_slice(first);
            for other in others {
                mono.iter_mut().zip(other).for_each(|(sum, sample)| *sum += *sample);
            }
            mono.iter_mut().for_each(|sum| *sum *= scale);
        }
    }
}

/// Fewest frames of a packet by which opposite polarity is detected.
const MIN_FRAMES: usize = 256;
/// Sides whose correlation is below the first value have opposite polarity; above the second they have not. Between the
/// two, the weight of one side changes gradually, so that nothing switches.
const OPPOSITE_CORRELATION: [f32; 2] = [-0.95, -0.75];
/// Number of sums computed side by side, because a single sum would wait for itself at each frame. Frames behind the
/// last full row are ignored.
const LANES: usize = 8;

/// The weight of the right side: 1, or down to −1 where both sides have opposite polarity, as from a microphone with a
/// miswired cable. It depends on these frames alone, so the mix is the same from wherever playback starts.
fn sign_of_right(left: &[f32], right: &[f32]) -> f32 {
    if left.len() < MIN_FRAMES {
        return 1.0;
    }
    let (mut both, mut lefts, mut rights) = ([0.0_f32; LANES], [0.0_f32; LANES], [0.0_f32; LANES]);
    for (left, right) in left.as_chunks::<LANES>().0.iter().zip(right.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            both[lane] += left[lane] * right[lane];
            lefts[lane] += left[lane] * left[lane];
            rights[lane] += right[lane] * right[lane];
        }
    }
    let [both, left, right] = [both, lefts, rights].map(|lanes| lanes.iter().sum::<f32>());
    // The case of most recordings.
    if both >= 0.0 {
        return 1.0;
    }
    let correlation = both / (left * right).sqrt();
    let [opposite, not] = OPPOSITE_CORRELATION;
    (2.0 * (correlation - opposite) / (not - opposite) - 1.0).clamp(-1.0, 1.0)
}

/// Writes channel `wanted`, counted from 0, to `mono`, replacing its content. If there is no such channel, writes
/// silence as long as the first channel.
pub(crate) fn pick_channel(channels: &mut [Vec<f32>], wanted: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match channels.get_mut(wanted) {
        Some(channel) => {
            sanitize_all(channel);
            mono.extend_from_slice(channel);
        }
        None => mono.resize(channels.first().map_or(0, Vec::len), 0.0),
    }
}

/// Sums of tracks are unchanged up to this level, as a factor of full scale.
const KNEE: f32 = 0.7;

/// Appends the sum of all `tracks` to `out`, `len` samples. Tracks are at most as long, and silent behind their end.
///
/// It is the sum and not the mean: where each person has a track, one speaks and the others are silent, and with
/// sixteen tracks a mean would cost 24 dB. Two things follow. Some programs write the same sound to several tracks, so
/// tracks that are equal here, sample by sample, count once. And several voices at a time may exceed full scale, so
/// levels above [`KNEE`] are compressed and stay below full scale. Both depend on these samples alone, so the mix is
/// the same from wherever playback starts.
pub(crate) fn mix_tracks(tracks: &[&[f32]], len: usize, out: &mut Vec<f32>) {
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
        *sample = soft_clipped(*sample);
    }
}

/// Linear up to [`KNEE`], then ever flatter towards full scale.
fn soft_clipped(sample: f32) -> f32 {
    let beyond = (sample.abs() - KNEE) / (1.0 - KNEE);
    if beyond <= 0.0 {
        return sample;
    }
    // Only operations that every processor computes to the same bit.
    (KNEE + (1.0 - KNEE) * beyond / (1.0 + beyond * beyond).sqrt()).copysign(sample)
}

/// Makes a sample finite and limits it to [`LIMIT`].
pub(crate) fn sanitize(sample: f32) -> f32 {
    // `clamp` passes NaN on.
    if sample.is_finite() { sample.clamp(-LIMIT, LIMIT) } else { 0.0 }
}

/// Makes all samples finite and limits them to [`LIMIT`]. Nearly all samples are within it, and checking first is
/// faster.
fn sanitize_all(samples: &mut [f32]) {
    for some in samples.chunks_mut(256) {
        if !some.iter().fold(true, |all, sample| all & (sample.abs() <= LIMIT)) {
            some.iter_mut().for_each(|sample| *sample = sanitize(*sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_wild_values_are_limited() {
        let mut mono = vec![9.0];
        mix_channels(&mut [vec![1.0, -1.0], vec![0.0, -1.0]], &mut mono);
        assert_eq!(mono, [0.5, -1.0]);
        mix_channels(&mut [vec![f32::NAN, f32::INFINITY, 0.25, 1e38]], &mut mono);
        assert_eq!(mono, [0.0, 0.0, 0.25, LIMIT]);
        mix_channels(&mut [vec![0.6; 2], vec![f32::NAN, -1e38]], &mut mono);
        assert_eq!(mono, [0.3, 0.5 * (0.6 - LIMIT)]);
        let mut six = vec![vec![0.6; 2]; 6];
        mix_channels(&mut six, &mut mono);
        assert!(mono.iter().all(|s| (s - 0.6).abs() < 1e-6) && mono.len() == 2);
        mix_channels(&mut [], &mut mono);
        assert!(mono.is_empty());
    }

    #[test]
    fn opposite_channels_do_not_cancel_out() {
        let tone = |i: u16| (f32::from(i) * 0.3).sin();
        let sides = |factor: f32| {
            [(0..512).map(tone).collect(), (0..512).map(|i| factor * tone(i)).collect::<Vec<f32>>()]
        };
        let mut mono = Vec::new();
        mix_channels(&mut sides(-0.9), &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.95 * tone(i)).abs() < 1e-3));
        mix_channels(&mut sides(0.5), &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.75 * tone(i)).abs() < 1e-3));
        mix_channels(&mut [vec![0.0; 512], vec![0.0; 512]], &mut mono);
        assert_eq!(mono, [0.0; 512]);
    }

    #[test]
    fn tracks_are_summed_and_stay_within_full_scale() {
        let mut out = vec![9.0];
        mix_tracks(&[&[0.25, 0.5], &[0.25, -0.25, 0.125], &[]], 4, &mut out);
        assert_eq!(out, [9.0, 0.5, 0.25, 0.125, 0.0]);
        let loud = |sample: f32| {
            let mut out = Vec::new();
            mix_tracks(&[&[0.0], &[sample]], 1, &mut out);
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
        mix_tracks(&[&speech, &speech, &[0.0; 3], &speech], 3, &mut out);
        assert_eq!(out, speech);
    }

    #[test]
    fn a_channel_is_picked_and_a_missing_one_is_silent() {
        let mut mono = vec![9.0];
        let mut stereo = [vec![1.0, -1.0, 0.5], vec![0.25, f32::NAN, 1e38]];
        pick_channel(&mut stereo, 0, &mut mono);
        assert_eq!(mono, [1.0, -1.0, 0.5]);
        pick_channel(&mut stereo, 1, &mut mono);
        assert_eq!(mono, [0.25, 0.0, LIMIT]);
        pick_channel(&mut stereo, 2, &mut mono);
        assert_eq!(mono, [0.0; 3]);
        pick_channel(&mut [], 0, &mut mono);
        assert!(mono.is_empty());
    }
}
