//! Who speaks when within ten seconds: pyannote's segmentation-3.0 (Bredin, “pyannote.audio 2.1 speaker diarization
//! pipeline”, 2023; powerset loss of Plaquet and Bredin, “Powerset multi-class cross entropy loss for neural speaker
//! diarization”, 2023), 1.5 million weights under the MIT licence.
//!
//! Filters that are learnt by their edges (SincNet), two convolutions, four bidirectional layers of LSTM, and three linear
//! ones. For each frame it tells how likely each of seven classes is: nobody, one of three speakers, or two of them. A
//! speaker's number means something within one window only.

use super::DiarizeError;
use super::nn::{Dense, EPSILON, Lstm, View, Weights, Wrong, add_product, exp, on_all_cores};
use std::f64::consts::TAU;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// Samples that the network hears at once: ten seconds.
pub(super) const WINDOW: usize = 10 * SAMPLE_RATE as usize;
/// Frames it tells of.
pub(super) const FRAMES: usize = 589;
/// Samples from one frame to the next.
pub(super) const STEP: usize = 270;
/// The sample in the middle of the first frame.
pub(super) const MIDDLE: usize = 495;
/// Classes: nobody, speakers 0, 1 and 2, 0 with 1, 0 with 2, 1 with 2.
pub(super) const CLASSES: usize = 7;
/// Windows that go through the network together: as many as keep the multiplication busy while the state of all stays in
/// the cache.
const TOGETHER: usize = 8;

/// Filters of the first layer, half of them even and half of them odd, their width, and samples from one to the next.
const FILTERS: usize = 80;
const WIDTH: usize = 251;
const STRIDE: usize = 10;
/// Channels behind each of the convolutions.
const CHANNELS: usize = 60;
/// Width of a convolution, and steps of which the greatest is kept.
const TAPS: usize = 5;
const POOL: usize = 3;
const LAYERS: usize = 4;
/// State of one direction of a layer.
const STATE: usize = 128;
/// What becomes of negative values between layers.
const LEAK: f32 = 0.01;

/// The network.
pub struct Segmentation {
    /// [`FILTERS`] by [`WIDTH`], and the sum of each.
    filters: Vec<f32>,
    sums: Vec<f32>,
    /// Weight and bias of the norm of the samples.
    samples: (f32, f32),
    /// Weight and bias of the norm behind each of the first three layers, by channel.
    norms: [(Vec<f32>, Vec<f32>); 3],
    convolutions: [Dense; 2],
    layers: Vec<[Lstm; 2]>,
    linear: [Dense; 2],
    classes: Dense,
}

impl Segmentation {
    /// Loads `speakers/segmentation-3.0.safetensors` below the program's resources, 3 MB.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub fn load(resources: &Path) -> Result<Self, DiarizeError> {
        Weights::load(resources, "segmentation-3.0.safetensors", Self::with)
    }

    fn with(weights: &Weights) -> Result<Self, Wrong> {
        let filters = filters(weights)?;
        let norm = |number: usize, channels: usize| {
            let named = |part: &str| weights.tensor(&format!("sincnet.norm1d.{number}.{part}"), &[channels]);
            Ok::<_, Wrong>((named("weight")?, named("bias")?))
        };
        let convolution = |number: usize, channels: usize| {
            let name = format!("sincnet.conv1d.{number}");
            Dense::new(weights, &format!("{name}.weight"), CHANNELS, &[channels, TAPS])?
                .biased(weights, &format!("{name}.bias"))
        };
        let linear = |name: &str, outputs: usize, inputs: usize| {
            Dense::new(weights, &format!("{name}.weight"), outputs, &[inputs])?
                .biased(weights, &format!("{name}.bias"))
        };
        let layer = |number: usize| {
            let inputs = if number == 0 { CHANNELS } else { 2 * STATE };
            let towards = |backwards| Lstm::new(weights, number, inputs, STATE, backwards);
            Ok::<_, Wrong>([towards(false)?, towards(true)?])
        };
        let single = |name: &str| weights.tensor(name, &[1]).map(|numbers| numbers[0]);
        Ok(Self {
            sums: filters.chunks_exact(WIDTH).map(|filter| filter.iter().sum()).collect(),
            filters,
            samples: (single("sincnet.wav_norm1d.weight")?, single("sincnet.wav_norm1d.bias")?),
            norms: [norm(0, FILTERS)?, norm(1, CHANNELS)?, norm(2, CHANNELS)?],
            convolutions: [convolution(1, FILTERS)?, convolution(2, CHANNELS)?],
            layers: (0..LAYERS).map(layer).collect::<Result<_, _>>()?,
            linear: [linear("linear.0", STATE, 2 * STATE)?, linear("linear.1", STATE, STATE)?],
            classes: linear("classifier", CLASSES, STATE)?,
        })
    }

    /// What is heard in the windows of ten seconds of `samples`, 16 kHz mono, that begin at `starts`: for each of them 589
    /// frames of seven probabilities, for nobody, each of three speakers, and each pair of them. Starts are in order, and
    /// multiples of ten. On all cores; the same windows in the same order give the same bits on the same kind of processor.
    ///
    /// # Panics
    /// If a window does not lie in the samples.
    pub fn hear(&self, samples: &[f32], starts: &[usize]) -> Vec<Vec<f32>> {
        let groups: Vec<&[usize]> = starts.chunks(TOGETHER).collect();
        on_all_cores(&groups, |starts| self.hear_group(samples, starts)).into_iter().flatten().collect()
    }

    fn hear_group(&self, samples: &[f32], starts: &[usize]) -> Vec<Vec<f32>> {
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return Vec::new() };
        // Windows share most of their samples, so they are filtered once, and normed afterwards.
        let shared = &samples[*first..last + WINDOW];
        let filtered = self.filtered(shared);
        let count = starts.len();
        let columns = (shared.len() - WIDTH) / STRIDE + 1;
        // Step by step, the windows side by side.
        let mut inputs = vec![0.0; FRAMES * count * CHANNELS];
        for (window, start) in starts.iter().enumerate() {
            let features =
                self.features(&samples[*start..][..WINDOW], &filtered, columns, (start - first) / STRIDE);
            for (channel, values) in features.chunks_exact(FRAMES).enumerate() {
                for (frame, value) in values.iter().enumerate() {
                    inputs[(frame * count + window) * CHANNELS + channel] = *value;
                }
            }
        }
        for layer in &self.layers {
            let mut states = vec![0.0; FRAMES * count * 2 * STATE];
            for (direction, lstm) in layer.iter().enumerate() {
                lstm.run(&inputs, count, &mut states, 2 * STATE, direction * STATE);
            }
            inputs = states;
        }
        for linear in &self.linear {
            inputs = linear.of_rows(&inputs);
            leak(&mut inputs);
        }
        let mut classes = self.classes.of_rows(&inputs);
        classes.chunks_exact_mut(CLASSES).for_each(to_probabilities);
        let of_window = |window: usize| {
            let frame = move |frame: usize| (frame * count + window) * CLASSES;
            (0..FRAMES).flat_map(|i| &classes[frame(i)..][..CLASSES]).copied().collect()
        };
        (0..count).map(of_window).collect()
    }

    /// `samples` through each filter, [`FILTERS`] rows.
    fn filtered(&self, samples: &[f32]) -> Vec<f32> {
        let columns = (samples.len() - WIDTH) / STRIDE + 1;
        let mut result = vec![0.0; FILTERS * columns];
        let shifted = View { numbers: samples, start: 0, row: 1, column: STRIDE };
        add_product(View::rows(&self.filters, WIDTH), shifted, WIDTH, &mut result, columns);
        result
    }

    /// What the recurrent layers are given for the window `samples`, whose filtered samples begin at column `from` of
    /// `filtered`: [`CHANNELS`] by [`FRAMES`].
    fn features(&self, samples: &[f32], filtered: &[f32], columns: usize, from: usize) -> Vec<f32> {
        let count = (WINDOW - WIDTH) / STRIDE + 1;
        let (mean, variance) = moments(samples);
        // Norming the samples first comes to this, since filtering is linear.
        let scale = self.samples.0 / (variance + EPSILON).sqrt();
        let shift = self.samples.1 - scale * mean;
        let mut pooled = Vec::with_capacity(FILTERS * count / POOL);
        for (row, sum) in filtered.chunks_exact(columns).zip(&self.sums) {
            let of = |value: &f32| (scale * value + shift * sum).abs();
            let triples = row[from..][..count].as_chunks::<POOL>().0;
            pooled.extend(triples.iter().map(|[a, b, c]| of(a).max(of(b)).max(of(c))));
        }
        let mut values = pooled;
        let mut count = count / POOL;
        norm(&mut values, count, &self.norms[0]);
        for (convolution, norms) in self.convolutions.iter().zip(&self.norms[1..]) {
            let convolved = convolution.along(&values, count, TAPS);
            count = count + 1 - TAPS;
            values = Vec::with_capacity(CHANNELS * count / POOL);
            for row in convolved.chunks_exact(count) {
                values.extend(row.as_chunks::<POOL>().0.iter().map(|[a, b, c]| a.max(*b).max(*c)));
            }
            count /= POOL;
            norm(&mut values, count, norms);
        }
        values
    }
}

impl std::fmt::Debug for Segmentation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segmentation").finish_non_exhaustive()
    }
}

/// The filters of SincNet (Ravanelli and Bengio, 2018) as asteroid's `ParamSincFB` has them: band passes between learnt
/// edges, the first half even and the second odd, under half of a Hamming window on either side.
fn filters(weights: &Weights) -> Result<Vec<f32>, Wrong> {
    /// The lowest edge and the narrowest band, in hertz.
    const LEAST: f64 = 50.0;
    const HALF: usize = WIDTH / 2;
    let named =
        |part: &str| weights.tensor(&format!("sincnet.conv1d.0.filterbank.{part}"), &[FILTERS / 2, 1]);
    let rate = f64::from(SAMPLE_RATE);
    let bands = named("low_hz_")?.into_iter().zip(named("band_hz_")?).map(|(low, band)| {
        let low = LEAST + f64::from(low).abs();
        (low, (low + LEAST + f64::from(band).abs()).clamp(LEAST, rate / 2.0))
    });
    let bands: Vec<(f64, f64)> = bands.collect();
    let mut filters = Vec::with_capacity(FILTERS * WIDTH);
    for odd in [false, true] {
        for (low, high) in &bands {
            let left = (0..HALF).map(|i| {
                let time = TAU * (i as f64 - HALF as f64) / rate;
                let hamming = 0.54 - 0.46 * (TAU * i as f64 / (WIDTH - 1) as f64).cos();
                let wave = if odd {
                    (low * time).cos() - (high * time).cos()
                } else {
                    (high * time).sin() - (low * time).sin()
                };
                wave / (time / 2.0) * hamming / (2.0 * (high - low))
            });
            let left: Vec<f32> = left.map(|value| value as f32).collect();
            filters.extend_from_slice(&left);
            filters.push(if odd { 0.0 } else { 1.0 });
            filters.extend(left.iter().rev().map(|value| if odd { -value } else { *value }));
        }
    }
    Ok(filters)
}

/// Mean and variance, summed in 64 bits.
fn moments(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance as f32)
}

/// Each channel of `values` (channels × `count`) with mean 0 and variance 1, then weighted, and leaky where negative.
fn norm(values: &mut [f32], count: usize, (weight, bias): &(Vec<f32>, Vec<f32>)) {
    for (channel, (weight, bias)) in values.chunks_exact_mut(count).zip(weight.iter().zip(bias)) {
        let (mean, variance) = moments(channel);
        let scale = weight / (variance + EPSILON).sqrt();
        channel.iter_mut().for_each(|value| *value = (*value - mean) * scale + bias);
    }
    leak(values);
}

fn leak(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(LEAK * *value));
}

/// Softmax.
fn to_probabilities(classes: &mut [f32]) {
    let greatest = classes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    classes.iter_mut().for_each(|class| *class = exp(*class - greatest));
    let sum: f32 = classes.iter().sum();
    classes.iter_mut().for_each(|class| *class /= sum);
}
