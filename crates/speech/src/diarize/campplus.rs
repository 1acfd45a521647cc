//! The built-in voice encoder: CAM++ (Wang et al., “CAM++: A fast and efficient network for speaker verification using
//! context-aware masking”, 2023) of 3D-Speaker, trained on Chinese and English, 7 million weights under the Apache
//! licence 2.0.
//!
//! A small residual network over time and frequency (the head), then densely connected layers along time (the tail).
//! Each of these adds 32 channels to those before it, masked by the mean over the window. Mean and standard deviation
//! over the window become a vector of 192 numbers.
//!
//! Consecutive windows overlap, so an excerpt of several windows goes through the head once, and each window through
//! the tail on its own.

use super::filter_bank::{self, BANDS, FilterBank, HOP};
use super::nn::{Dense, Norm, View, on_all_cores, rectify, sigmoid};
use super::weights::{WeightError, Weights};
use super::{DiarizeError, VoiceEncoder, add, unit};
use std::ops::Range;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// Samples in a window: 1.5 s.
const WINDOW: usize = SAMPLE_RATE as usize * 3 / 2;
/// Channels of the residual network.
const PLANES: usize = 32;
/// Factor by which the residual network reduces the number of frequencies.
const COARSER: usize = 8;
/// Taps of the first layer along time, which takes every second frame.
const FIRST_TAPS: usize = 5;
/// Channels of the first layer along time.
const FIRST: usize = 128;
/// Number of layers and dilation of their taps, for each block.
const BLOCKS: [(usize, usize); 3] = [(12, 1), (24, 2), (16, 2)];
/// Taps of the layers in blocks.
const TAPS: usize = 3;
/// Channels that each layer adds.
const GROWTH: usize = 32;
/// Channels within each layer.
const INNER: usize = 128;
/// Length of an embedding.
const WIDTH: usize = 192;

/// The CAM++ voice encoder.
pub struct CamPlusPlus {
    bank: FilterBank,
    entry: Plane,
    residual: Vec<Residual>,
    exit: Plane,
    first: Dense,
    blocks: Vec<Block>,
    norm: Norm,
    last: Dense,
    last_norm: Norm,
}

/// Two convolutions whose result is added to their input.
struct Residual {
    first: Plane,
    second: Plane,
    /// Applied to the input before the addition, if the shape changes.
    shortcut: Option<Dense>,
    /// Step between input frequencies.
    stride: usize,
}

/// Layers that add channels, and a transition that halves the number of channels.
struct Block {
    layers: Vec<Layer>,
    norm: Norm,
    transit: Dense,
    dilation: usize,
}

/// A layer of a block: a convolution whose outputs are masked by the context.
struct Layer {
    norm: Norm,
    inner: Dense,
    local: Dense,
    /// The two layers that compute the mask from the means of the window.
    context: [Dense; 2],
}

impl CamPlusPlus {
    /// The name of the network in [`super::VoiceEmbedding::encoder`]. Other weights need another name.
    pub const NAME: &'static str = "CAM++";

    /// Loads `speakers/campplus.safetensors` in the program's resources, 14 MB.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub fn load(resources: &Path) -> Result<Self, DiarizeError> {
        Weights::load(resources, "campplus.safetensors", Self::from_weights)
    }

    fn from_weights(weights: &Weights) -> Result<Self, WeightError> {
        let plane = |name: &str, channels: usize, norm: &str| {
            let dense = Dense::new(weights, &format!("head.{name}.weight"), PLANES, &[channels, 3, 3])?
                .normed(weights, &format!("head.{norm}"))?;
            Ok::<_, WeightError>(Plane::new(dense, channels))
        };
        let residual = |layer: usize, number: usize| {
            let name = format!("layer{layer}.{number}");
            let shortcut = format!("head.{name}.shortcut");
            Ok::<_, WeightError>(Residual {
                first: plane(&format!("{name}.conv1"), PLANES, &format!("{name}.bn1"))?,
                second: plane(&format!("{name}.conv2"), PLANES, &format!("{name}.bn2"))?,
                shortcut: (number == 0)
                    .then(|| {
                        Dense::new(weights, &format!("{shortcut}.0.weight"), PLANES, &[PLANES, 1, 1])?
                            .normed(weights, &format!("{shortcut}.1"))
                    })
                    .transpose()?,
                stride: if number == 0 { 2 } else { 1 },
            })
        };
        let numbers = [(1, 0), (1, 1), (2, 0), (2, 1)];
        let mut channels = FIRST;
        let mut blocks = Vec::new();
        for (number, (layers, dilation)) in BLOCKS.into_iter().enumerate() {
            let mut block = Vec::new();
            for layer in 1..=layers {
                block.push(Layer::new(
                    weights,
                    &format!("xvector.block{}.tdnnd{layer}", number + 1),
                    channels,
                )?);
                channels += GROWTH;
            }
            let transit = format!("xvector.transit{}", number + 1);
            blocks.push(Block {
                layers: block,
                norm: Norm::new(weights, &format!("{transit}.nonlinear.batchnorm"), channels)?,
                transit: Dense::new(
                    weights,
                    &format!("{transit}.linear.weight"),
                    channels / 2,
                    &[channels, 1],
                )?,
                dilation,
            });
            channels /= 2;
        }
        Ok(Self {
            bank: FilterBank::new(),
            entry: plane("conv1", 1, "bn1")?,
            residual: numbers
                .into_iter()
                .map(|(layer, number)| residual(layer, number))
                .collect::<Result<_, _>>()?,
            exit: plane("conv2", PLANES, "bn2")?,
            first: Dense::new(
                weights,
                "xvector.tdnn.linear.weight",
                FIRST,
                &[PLANES * BANDS / COARSER, FIRST_TAPS],
            )?
            .normed(weights, "xvector.tdnn.nonlinear.batchnorm")?
            .reordered(first_order),
            blocks,
            norm: Norm::new(weights, "xvector.out_nonlinear.batchnorm", channels)?,
            last: Dense::new(weights, "xvector.dense.linear.weight", WIDTH, &[2 * channels, 1])?,
            last_norm: Norm::new(weights, "xvector.dense.nonlinear.batchnorm", WIDTH)?,
        })
    }

    /// The embeddings of the windows of an excerpt, which start every `hop` samples.
    fn embed_excerpt(&self, samples: &[f32], hop: usize) -> Vec<Vec<f32>> {
        let (bands, frames) = self.bank.bands(samples);
        let values = self.head(&bands, frames);
        let windows = samples.len().saturating_sub(WINDOW) / hop + 1;
        let length = frames_of(WINDOW).min(values.len() / FIRST);
        let first = |number: usize| (number * hop / (2 * HOP)).min(values.len() / FIRST - length);
        let window = |number: usize| &values[first(number) * FIRST..][..length * FIRST];
        self.tail((0..windows).flat_map(window).copied().collect(), length)
    }

    /// The network over time and frequency, and the first layer along time: half as many frames × 128.
    fn head(&self, bands: &[f32], frames: usize) -> Vec<f32> {
        let mut image = Image::new(BANDS, frames, 1);
        for (row, band) in bands.chunks_exact(frames).enumerate() {
            image.row_mut(row).copy_from_slice(band);
        }
        let mut image = self.entry.convolve(&image, 1);
        rectify(&mut image.values);
        for residual in &self.residual {
            let mut inner = residual.first.convolve(&image, residual.stride);
            rectify(&mut inner.values);
            let mut sum = residual.second.convolve(&inner, 1);
            for row in 0..sum.height {
                let input = image.row(row * residual.stride);
                let shortcut = residual.shortcut.as_ref().map(|shortcut| shortcut.of_rows(input));
                add(sum.row_mut(row), shortcut.as_deref().unwrap_or(input));
            }
            rectify(&mut sum.values);
            image = sum;
        }
        let mut image = self.exit.convolve(&image, 2);
        rectify(&mut image.values);
        // One row per frame, with zero padding before the first and after the last.
        let width = image.height * PLANES;
        let padding = FIRST_TAPS / 2;
        let mut columns = vec![0.0; (frames + 2 * padding) * width];
        for row in 0..image.height {
            for (frame, values) in image.row(row).chunks_exact(PLANES).enumerate() {
                columns[(frame + padding) * width + row * PLANES..][..PLANES].copy_from_slice(values);
            }
        }
        let taps = View { numbers: &columns, start: 0, row: 2 * width, column: 1 };
        let mut values = self.first.of_view(taps, frames.div_ceil(2));
        rectify(&mut values);
        values
    }

    /// The embeddings of windows. `values` holds the outputs of the head for them, one window after the other:
    /// `frames` × 128 each.
    fn tail(&self, mut values: Vec<f32>, frames: usize) -> Vec<Vec<f32>> {
        let rows = values.len() / FIRST;
        let mut channels = FIRST;
        for block in &self.blocks {
            let width = channels + block.layers.len() * GROWTH;
            let mut grown = vec![0.0; rows * width];
            for (into, from) in grown.chunks_exact_mut(width).zip(values.chunks_exact(channels)) {
                into[..channels].copy_from_slice(from);
            }
            for (number, layer) in block.layers.iter().enumerate() {
                let added = layer.added_channels(&grown, width, frames, block.dilation);
                for (into, from) in grown.chunks_exact_mut(width).zip(added.chunks_exact(GROWTH)) {
                    into[channels + number * GROWTH..][..GROWTH].copy_from_slice(from);
                }
            }
            values = block.transit.of_rows(&block.norm.rectified(&grown, width));
            channels = values.len() / rows;
        }
        let values = self.norm.rectified(&values, channels);
        let vector = |window: &[f32]| {
            let means = means(window, channels);
            let deviations = deviations(window, &means);
            // The published network has no rectifier here, although its layer is called “nonlinear”.
            unit(self.last_norm.apply(&self.last.of_rows(&[means, deviations].concat())))
        };
        values.chunks_exact(frames * channels).map(vector).collect()
    }
}

impl Layer {
    fn new(weights: &Weights, name: &str, channels: usize) -> Result<Self, WeightError> {
        let mask = |number: usize, outputs: usize, inputs: usize| {
            let name = format!("{name}.cam_layer.linear{number}");
            Dense::new(weights, &format!("{name}.weight"), outputs, &[inputs, 1])?
                .biased(weights, &format!("{name}.bias"))
        };
        Ok(Self {
            norm: Norm::new(weights, &format!("{name}.nonlinear1.batchnorm"), channels)?,
            inner: Dense::new(weights, &format!("{name}.linear1.weight"), INNER, &[channels, 1])?
                .normed(weights, &format!("{name}.nonlinear2.batchnorm"))?,
            local: Dense::new(
                weights,
                &format!("{name}.cam_layer.linear_local.weight"),
                GROWTH,
                &[INNER, TAPS],
            )?
            .reordered(|input| (input % INNER) * TAPS + input / INNER),
            context: [mask(1, INNER / 2, INNER)?, mask(2, GROWTH, INNER / 2)?],
        })
    }

    /// The 32 channels that the layer adds, for each frame. `values` holds windows of `frames` frames one after the
    /// other; each frame is a row of `width` numbers, which begins with the layer's input channels.
    fn added_channels(&self, values: &[f32], width: usize, frames: usize, dilation: usize) -> Vec<f32> {
        let mut inner = self.inner.of_rows(&self.norm.rectified(values, width));
        rectify(&mut inner);
        let mut result = Vec::with_capacity(values.len() / width * GROWTH);
        for window in inner.chunks_exact(frames * INNER) {
            // The network adds the mean of the window and the mean of each hundred frames. A window is shorter than
            // that, so both are the same.
            let mut context = means(window, INNER);
            context.iter_mut().for_each(|mean| *mean *= 2.0);
            let mut hidden = self.context[0].of_rows(&context);
            rectify(&mut hidden);
            let mut mask = self.context[1].of_rows(&hidden);
            mask.iter_mut().for_each(|mask| *mask = sigmoid(*mask));
            for frame in self.local.convolve_frames(window, TAPS, dilation).chunks_exact(GROWTH) {
                result.extend(frame.iter().zip(&mask).map(|(value, mask)| value * mask));
            }
        }
        result
    }
}

/// Channels over frequency and time, with zero padding on all sides: (height + 2) × (width + 2) × channels.
struct Image {
    values: Vec<f32>,
    height: usize,
    width: usize,
    channels: usize,
}

impl Image {
    fn new(height: usize, width: usize, channels: usize) -> Self {
        Self { values: vec![0.0; (height + 2) * (width + 2) * channels], height, width, channels }
    }

    /// The range of row `number` in the values, without the padding at its ends.
    fn range(&self, number: usize) -> Range<usize> {
        let first = ((number + 1) * (self.width + 2) + 1) * self.channels;
        first..first + self.width * self.channels
    }

    fn row(&self, number: usize) -> &[f32] {
        &self.values[self.range(number)]
    }

    fn row_mut(&mut self, number: usize) -> &mut [f32] {
        let range = self.range(number);
        &mut self.values[range]
    }
}

/// A convolution of three by three taps.
struct Plane {
    /// For each of the three rows of taps, a layer over three columns and their channels.
    rows: [Dense; 3],
}

impl Plane {
    /// From a layer whose inputs are channels × 3 × 3.
    fn new(dense: Dense, channels: usize) -> Self {
        let row = |down: usize| {
            let order = |input: usize| (input % channels) * 9 + down * 3 + input / channels;
            dense.part(3 * channels, order, down == 0)
        };
        Self { rows: [row(0), row(1), row(2)] }
    }

    /// The convolution at every `stride`th row of `image`.
    fn convolve(&self, image: &Image, stride: usize) -> Image {
        let (width, channels) = (image.width, image.channels);
        let mut result = Image::new((image.height - 1) / stride + 1, width, PLANES);
        for number in 0..result.height {
            for (down, taps) in self.rows.iter().enumerate() {
                let start = (number * stride + down) * (width + 2) * channels;
                let view = View { numbers: &image.values, start, row: channels, column: 1 };
                taps.add_to(view, result.row_mut(number));
            }
        }
        result
    }
}

impl VoiceEncoder for CamPlusPlus {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn window(&self) -> usize {
        WINDOW
    }

    /// Uses all cores. The same excerpt gives the same bits on the same kind of processor.
    ///
    /// The head processes the excerpt as a whole, which takes half the time of processing each window. So the mean that
    /// is subtracted from each band is that of the excerpt.
    fn embed(&mut self, excerpts: &[&[f32]], hop: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError> {
        let this = &*self;
        Ok(on_all_cores(excerpts, |excerpt| this.embed_excerpt(excerpt, hop)))
    }
}

impl std::fmt::Debug for CamPlusPlus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CamPlusPlus").finish_non_exhaustive()
    }
}

/// The number of frames that the head outputs for so many samples: one for two of the filter bank.
fn frames_of(samples: usize) -> usize {
    filter_bank::frames(samples).div_ceil(2)
}

/// The index in the file (planes × frequencies × taps) of input `(tap · frequencies + frequency) · 32 + plane` of the
/// first layer along time.
fn first_order(input: usize) -> usize {
    let (frequencies, width) = (BANDS / COARSER, PLANES * BANDS / COARSER);
    let (tap, frequency, plane) = (input / width, input % width / PLANES, input % PLANES);
    (plane * frequencies + frequency) * FIRST_TAPS + tap
}

/// The means of the columns of `values`, whose rows have `width` numbers.
fn means(values: &[f32], width: usize) -> Vec<f32> {
    let count = (values.len() / width).max(1);
    let mut means = vec![0.0; width];
    values.chunks_exact(width).for_each(|row| add(&mut means, row));
    means.iter_mut().for_each(|mean| *mean /= count as f32);
    means
}

/// The sample standard deviations of the columns of `values`, whose means are `means`.
fn deviations(values: &[f32], means: &[f32]) -> Vec<f32> {
    let count = values.len() / means.len();
    let mut squares = vec![0.0; means.len()];
    for row in values.chunks_exact(means.len()) {
        for (square, (value, mean)) in squares.iter_mut().zip(row.iter().zip(means)) {
            *square += (value - mean).powi(2);
        }
    }
    squares.iter_mut().for_each(|square| *square = (*square / count.saturating_sub(1).max(1) as f32).sqrt());
    squares
}
