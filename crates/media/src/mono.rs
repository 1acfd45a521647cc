//! Many channels become one, and many tracks.

/// Loudest sample passed on, as a factor of full scale.
///
/// Float files may exceed full scale legitimately; 18 dB is more than any has by intention, and keeps a damaged
/// value of 1e38 from becoming infinite in the resampler.
const LIMIT: f32 = 8.0;

/// Writes the mean of all `channels`, each as long as the first, to `mono`, replacing its content.
///
/// The plain mean, whatever the layout: voices are in the front channels, in one microphone of a recorder, or on
/// either side of a stereo interview, and no fixed weights suit all of them. A silent or low-frequency channel then
/// costs level (6 dB for one silent side of a stereo pair) but never words, since what follows adapts to level. Two sides
/// that are opposite to one another would leave nothing, so one of them is turned.
/// Values that are not finite become zero.
pub(crate) fn mix(channels: &mut [Vec<f32>], mono: &mut Vec<f32>) {
    mono.clear();
    channels.iter_mut().for_each(|channel| tame_all(channel));
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

/// Frames of a packet by which it is told whether both sides are opposite.
const ENOUGH_FRAMES: usize = 256;
/// Sides whose correlation is below the first are opposite, and above the second they are not; between them, less and
/// less of one side is taken, so that nothing switches.
const OPPOSITE: [f32; 2] = [-0.95, -0.75];
/// Sums that are made side by side, because one sum would wait for itself at each frame. Frames behind the last full
/// row do not count.
const LANES: usize = 8;

/// What the right side counts: 1, or down to −1 where both sides are opposite, as from a microphone with a wrong cable. It
/// depends on these frames alone, so a recording sounds the same from wherever it is entered.
fn sign_of_right(left: &[f32], right: &[f32]) -> f32 {
    if left.len() < ENOUGH_FRAMES {
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
    // Most recordings are here.
    if both >= 0.0 {
        return 1.0;
    }
    let correlation = both / (left * right).sqrt();
    let [opposite, not] = OPPOSITE;
    (2.0 * (correlation - opposite) / (not - opposite) - 1.0).clamp(-1.0, 1.0)
}

/// Writes channel `wanted`, counted from 0, to `mono`, replacing its content; silence of the length of the first if there
/// is no such channel.
pub(crate) fn pick(channels: &mut [Vec<f32>], wanted: usize, mono: &mut Vec<f32>) {
    mono.clear();
    match channels.get_mut(wanted) {
        Some(channel) => {
            tame_all(channel);
            mono.extend_from_slice(channel);
        }
        None => mono.resize(channels.first().map_or(0, Vec::len), 0.0),
    }
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

/// Makes all samples finite and bounded. Nearly all are, and to ask for it first is faster.
fn tame_all(samples: &mut [f32]) {
    for some in samples.chunks_mut(256) {
        if !some.iter().fold(true, |all, sample| all & (sample.abs() <= LIMIT)) {
            some.iter_mut().for_each(|sample| *sample = tame(*sample));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_wild_values_tamed() {
        let mut mono = vec![9.0];
        mix(&mut [vec![1.0, -1.0], vec![0.0, -1.0]], &mut mono);
        assert_eq!(mono, [0.5, -1.0]);
        mix(&mut [vec![f32::NAN, f32::INFINITY, 0.25, 1e38]], &mut mono);
        assert_eq!(mono, [0.0, 0.0, 0.25, LIMIT]);
        mix(&mut [vec![0.6; 2], vec![f32::NAN, -1e38]], &mut mono);
        assert_eq!(mono, [0.3, 0.5 * (0.6 - LIMIT)]);
        let mut six = vec![vec![0.6; 2]; 6];
        mix(&mut six, &mut mono);
        assert!(mono.iter().all(|s| (s - 0.6).abs() < 1e-6) && mono.len() == 2);
        mix(&mut [], &mut mono);
        assert!(mono.is_empty());
    }

    #[test]
    fn opposite_sides_do_not_cancel_out() {
        let tone = |i: u16| (f32::from(i) * 0.3).sin();
        let sides = |factor: f32| {
            [(0..512).map(tone).collect(), (0..512).map(|i| factor * tone(i)).collect::<Vec<f32>>()]
        };
        let mut mono = Vec::new();
        mix(&mut sides(-0.9), &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.95 * tone(i)).abs() < 1e-3));
        mix(&mut sides(0.5), &mut mono);
        assert!(mono.iter().zip(0..).all(|(s, i)| (s - 0.75 * tone(i)).abs() < 1e-3));
        mix(&mut [vec![0.0; 512], vec![0.0; 512]], &mut mono);
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
        let mut stereo = [vec![1.0, -1.0, 0.5], vec![0.25, f32::NAN, 1e38]];
        pick(&mut stereo, 0, &mut mono);
        assert_eq!(mono, [1.0, -1.0, 0.5]);
        pick(&mut stereo, 1, &mut mono);
        assert_eq!(mono, [0.25, 0.0, LIMIT]);
        pick(&mut stereo, 2, &mut mono);
        assert_eq!(mono, [0.0; 3]);
        pick(&mut [], 0, &mut mono);
        assert!(mono.is_empty());
    }
}
