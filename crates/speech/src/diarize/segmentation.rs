//! The segmentation network, which finds who speaks when within ten seconds: pyannote's segmentation-3.0 (Bredin,
//! “pyannote.audio 2.1 speaker diarization pipeline”, 2023; powerset loss of Plaquet and Bredin, “Powerset multi-class
//! cross entropy loss for neural speaker diarization”, 2023), 1.5 million weights under the MIT licence.
//!
//! Band-pass filters with learnt edges (SincNet), two convolutions, four bidirectional LSTM layers, and three linear
//! layers. For each frame, the network gives the probabilities of seven classes: nobody, one of three local speakers,
//! or two of them. The numbers of local speakers are valid within one window only.

use super::DiarizeError;
use super::nn::{Dense, EPSILON, Lstm, View, add_product, exp, on_all_cores};
use super::weights::{WeightError, Weights};
use std::f64::consts::TAU;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// Samples in a window: ten seconds.
pub(super) const WINDOW: usize = 10 * SAMPLE_RATE as usize;
/// Frames in a window.
pub(super) const FRAMES: usize = 589;
/// Samples from the start of one frame to the next.
pub(super) const STEP: usize = 270;
/// The sample in the middle of the first frame.
pub(super) const MIDDLE: usize = 495;
/// Number of classes: nobody, speakers 0, 1 and 2, 0 with 1, 0 with 2, 1 with 2.
pub(super) const CLASSES: usize = 7;
/// Windows that are processed together: enough for fast multiplication, few enough that their states stay in the cache.
const GROUP: usize = 8;

/// Number of filters in the first layer; half of them are even functions, half of them odd.
const FILTERS: usize = 80;
/// Samples in a filter.
const FILTER_WIDTH: usize = 251;
/// Samples from one position of a filter to the next.
const STRIDE: usize = 10;
/// Output channels of each convolution.
const CHANNELS: usize = 60;
/// Taps of a convolution.
const TAPS: usize = 5;
/// Steps of a max-pooling.
const POOL: usize = 3;
/// Number of LSTM layers.
const LAYERS: usize = 4;
/// Size of the state of one direction of an LSTM layer.
const STATE: usize = 128;
/// Slope of the leaky rectifiers for negative values.
const LEAK: f32 = 0.01;

/// The network.
pub struct Segmentation {
    /// [`FILTERS`] × [`FILTER_WIDTH`], and the sum of each filter.
    filters: Vec<f32>,
    sums: Vec<f32>,
    /// Weight and bias of the normalisation of the samples.
    sample_norm: (f32, f32),
    /// Weights and biases, by channel, of the normalisation after each of the first three layers.
    norms: [(Vec<f32>, Vec<f32>); 3],
    convolutions: [Dense; 2],
    layers: Vec<[Lstm; 2]>,
    linear: [Dense; 2],
    classes: Dense,
}

impl Segmentation {
    /// Loads `speakers/segmentation-3.0.safetensors` in the program's resources, 3 MB.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub fn load(resources: &Path) -> Result<Self, DiarizeError> {
        Weights::load(resources, "segmentation-3.0.safetensors", Self::from_weights)
    }

    fn from_weights(weights: &Weights) -> Result<Self, WeightError> {
        let filters = filters(weights)?;
        let norm = |number: usize, channels: usize| {
            let named = |part: &str| weights.tensor(&format!("sincnet.norm1d.{number}.{part}"), &[channels]);
            Ok::<_, WeightError>((named("weight")?, named("bias")?))
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
            let direction = |backwards| Lstm::new(weights, number, inputs, STATE, backwards);
            Ok::<_, WeightError>([direction(false)?, direction(true)?])
        };
        let single = |name: &str| weights.tensor(name, &[1]).map(|numbers| numbers[0]);
        Ok(Self {
            sums: filters.chunks_exact(FILTER_WIDTH).map(|filter| filter.iter().sum()).collect(),
            filters,
            sample_norm: (single("sincnet.wav_norm1d.weight")?, single("sincnet.wav_norm1d.bias")?),
            norms: [norm(0, FILTERS)?, norm(1, CHANNELS)?, norm(2, CHANNELS)?],
            convolutions: [convolution(1, FILTERS)?, convolution(2, CHANNELS)?],
            layers: (0..LAYERS).map(layer).collect::<Result<_, _>>()?,
            linear: [linear("linear.0", STATE, 2 * STATE)?, linear("linear.1", STATE, STATE)?],
            classes: linear("classifier", CLASSES, STATE)?,
        })
    }

    /// The class probabilities of the windows of ten seconds of `samples`, 16 kHz mono, that start at `starts`: for
    /// each window 589 frames of seven probabilities, for nobody, each of three local speakers, and each pair of them.
    /// `starts` must be in order, and multiples of ten. Uses all cores; the same windows in the same order give the
    /// same bits on the same kind of processor.
    ///
    /// # Panics
    /// If a window does not lie within the samples.
    pub fn class_probabilities(&self, samples: &[f32], starts: &[usize]) -> Vec<Vec<f32>> {
        let groups: Vec<&[usize]> = starts.chunks(GROUP).collect();
        on_all_cores(&groups, |starts| self.group_probabilities(samples, starts))
            .into_iter()
            .flatten()
            .collect()
    }

    fn group_probabilities(&self, samples: &[f32], starts: &[usize]) -> Vec<Vec<f32>> {
        let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return Vec::new() };
        // Windows share most of their samples, so these are filtered once, and normalised afterwards.
        let shared = &samples[*first..last + WINDOW];
        let filtered = self.filtered(shared);
        let count = starts.len();
        let columns = (shared.len() - FILTER_WIDTH) / STRIDE + 1;
        // Frames × windows × channels.
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

    /// The outputs of each filter for `samples`: [`FILTERS`] rows.
    fn filtered(&self, samples: &[f32]) -> Vec<f32> {
        let columns = (samples.len() - FILTER_WIDTH) / STRIDE + 1;
        let mut result = vec![0.0; FILTERS * columns];
        let shifted = View { numbers: samples, start: 0, row: 1, column: STRIDE };
        add_product(View::rows(&self.filters, FILTER_WIDTH), shifted, FILTER_WIDTH, &mut result, columns);
        result
    }

    /// The input of the LSTM layers for the window `samples`, whose filter outputs start at column `from` of
    /// `filtered`: [`CHANNELS`] × [`FRAMES`].
    fn features(&self, samples: &[f32], filtered: &[f32], columns: usize, from: usize) -> Vec<f32> {
        let count = (WINDOW - FILTER_WIDTH) / STRIDE + 1;
        let (mean, variance) = moments(samples);
        // Equivalent to normalising the samples before filtering, because filtering is linear.
        let scale = self.sample_norm.0 / (variance + EPSILON).sqrt();
        let shift = self.sample_norm.1 - scale * mean;
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
            let convolved = convolution.convolve_channels(&values, count, TAPS);
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

/// The filters of SincNet (Ravanelli and Bengio, 2018) as in asteroid's `ParamSincFB`: band passes between learnt
/// edges, the first half even and the second odd, under half of a Hamming window on either side.
fn filters(weights: &Weights) -> Result<Vec<f32>, WeightError> {
    /// The lowest edge and the narrowest band in hertz.
    const MIN_HZ: f64 = 50.0;
    const HALF: usize = FILTER_WIDTH / 2;
    let named =
        |part: &str| weights.tensor(&format!("sincnet.conv1d.0.filterbank.{part}"), &[FILTERS / 2, 1]);
    let rate = f64::from(SAMPLE_RATE);
    let bands = named("low_hz_")?.into_iter().zip(named("band_hz_")?).map(|(low, band)| {
        let low = MIN_HZ + f64::from(low).abs();
        (low, (low + MIN_HZ + f64::from(band).abs()).clamp(MIN_HZ, rate / 2.0))
    });
    let bands: Vec<(f64, f64)> = bands.collect();
    let mut filters = Vec::with_capacity(FILTERS * FILTER_WIDTH);
    for odd in [false, true] {
        for (low, high) in &bands {
            let left = (0..HALF).map(|i| {
                let time = TAU * (i as f64 - HALF as f64) / rate;
                let hamming = 0.54 - 0.46 * (TAU * i as f64 / (FILTER_WIDTH - 1) as f64).cos();
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

/// Mean and variance, computed in 64 bits.
fn moments(values: &[f32]) -> (f32, f32) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    (mean as f32, variance as f32)
}

/// Normalises each channel of `values` (channels × `count`) to mean 0 and variance 1, applies weight and bias, then the
/// leaky rectifier.
fn norm(values: &mut [f32], count: usize, (weight, bias): &(Vec<f32>, Vec<f32>)) {
    for (channel, (weight, bias)) in values.chunks_exact_mut(count).zip(weight.iter().zip(bias)) {
        let (mean, variance) = moments(channel);
        let scale = weight / (variance + EPSILON).sqrt();
        channel.iter_mut().for_each(|value| *value = (*value - mean) * scale + bias);
    }
    leak(values);
}

/// The leaky rectifier.
fn leak(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(LEAK * *value));
}

/// Replaces the scores of the classes by their probabilities (softmax).
fn to_probabilities(classes: &mut [f32]) {
    let greatest = classes.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    classes.iter_mut().for_each(|class| *class = exp(*class - greatest));
    let sum: f32 = classes.iter().sum();
    classes.iter_mut().for_each(|class| *class /= sum);
}
