//! The built-in voice encoder: CAM++ (Wang et al., “CAM++: A fast and efficient network for speaker verification using
//! context-aware masking”, 2023) of 3D-Speaker, trained on Chinese and English, 7 million weights under the Apache
//! licence 2.0.
//!
//! A small residual network over time and frequency, then layers along time that each add 32 channels to those before
//! them, and weigh them by what is heard around. Mean and deviation over the window become a vector of 192 numbers.

use super::fbank::{self, BANDS, FilterBank, HOP};
use super::nn::{Dense, Norm, View, Weights, Wrong, on_all_cores, rectify, sigmoid};
use super::{DiarizeError, VoiceEncoder, add, unit};
use std::ops::Range;
use std::path::Path;
use transcript::SAMPLE_RATE;

/// Samples in a window: 1.5 s.
const WINDOW: usize = SAMPLE_RATE as usize * 3 / 2;
/// Channels of the residual network, and how much coarser its frequencies get.
const PLANES: usize = 32;
const COARSER: usize = 8;
/// Width of the first layer along time; it takes every second frame.
const FIRST_TAPS: usize = 5;
const FIRST: usize = 128;
/// Layers of each block, and how far apart their taps are.
const BLOCKS: [(usize, usize); 3] = [(12, 1), (24, 2), (16, 2)];
const TAPS: usize = 3;
/// Channels that each of them adds, and that it works on.
const GROWTH: usize = 32;
const INNER: usize = 128;
/// Length of a vector.
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

/// Two convolutions that are added to what they are given.
struct Residual {
    first: Plane,
    second: Plane,
    /// What it is given comes through this, if its shape changes.
    shortcut: Option<Dense>,
    /// Frequencies from one to the next.
    stride: usize,
}

/// Layers that add channels, and one that halves their number.
struct Block {
    layers: Vec<Layer>,
    norm: Norm,
    transit: Dense,
    dilation: usize,
}

struct Layer {
    norm: Norm,
    inner: Dense,
    local: Dense,
    /// What the mask is computed from: the mean of the window and that of a hundred frames.
    context: [Dense; 2],
}

impl CamPlusPlus {
    /// What the network is called in [`super::Voice::encoder`]. Vectors of other weights need another name.
    pub const NAME: &'static str = "CAM++";

    /// Loads `speakers/campplus.safetensors` below the program's resources, 14 MB.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub fn load(resources: &Path) -> Result<Self, DiarizeError> {
        Weights::load(resources, "campplus.safetensors", Self::with)
    }

    fn with(weights: &Weights) -> Result<Self, Wrong> {
        let plane = |name: &str, channels: usize, norm: &str| {
            let dense = Dense::new(weights, &format!("head.{name}.weight"), PLANES, &[channels, 3, 3])?
                .normed(weights, &format!("head.{norm}"))?;
            Ok::<_, Wrong>(Plane::new(dense, channels))
        };
        let residual = |layer: usize, number: usize| {
            let name = format!("layer{layer}.{number}");
            let shortcut = format!("head.{name}.shortcut");
            Ok::<_, Wrong>(Residual {
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

    /// The vectors of the windows of a stretch, which begin every `every` samples, of length one.
    fn voices(&self, samples: &[f32], every: usize) -> Vec<Vec<f32>> {
        let (bands, frames) = self.bank.bands(samples);
        let values = self.head(&bands, frames);
        let windows = samples.len().saturating_sub(WINDOW) / every + 1;
        let length = frames_of(WINDOW).min(values.len() / FIRST);
        let first = |number: usize| (number * every / (2 * HOP)).min(values.len() / FIRST - length);
        let window = |number: usize| &values[first(number) * FIRST..][..length * FIRST];
        self.tail((0..windows).flat_map(window).copied().collect(), length)
    }

    /// The network over time and frequency and the first layer along time: every second frame × 128.
    fn head(&self, bands: &[f32], frames: usize) -> Vec<f32> {
        let mut image = Image::new(BANDS, frames, 1);
        for (row, band) in bands.chunks_exact(frames).enumerate() {
            image.row_mut(row).copy_from_slice(band);
        }
        let mut image = self.entry.of(&image, 1);
        rectify(&mut image.values);
        for residual in &self.residual {
            let mut inner = residual.first.of(&image, residual.stride);
            rectify(&mut inner.values);
            let mut sum = residual.second.of(&inner, 1);
            for row in 0..sum.height {
                let given = image.row(row * residual.stride);
                let kept = residual.shortcut.as_ref().map(|shortcut| shortcut.of_rows(given));
                add(sum.row_mut(row), kept.as_deref().unwrap_or(given));
            }
            rectify(&mut sum.values);
            image = sum;
        }
        let mut image = self.exit.of(&image, 2);
        rectify(&mut image.values);
        // Frame by frame, with zeros before the first and behind the last one.
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

    /// The vectors of windows, of which `values` holds what the head made of them, one after the other: `frames` × 128
    /// each.
    fn tail(&self, mut values: Vec<f32>, frames: usize) -> Vec<Vec<f32>> {
        let rows = values.len() / FIRST;
        let mut given = FIRST;
        for block in &self.blocks {
            let width = given + block.layers.len() * GROWTH;
            let mut grown = vec![0.0; rows * width];
            for (into, from) in grown.chunks_exact_mut(width).zip(values.chunks_exact(given)) {
                into[..given].copy_from_slice(from);
            }
            for (number, layer) in block.layers.iter().enumerate() {
                let more = layer.of(&grown, width, frames, block.dilation);
                for (into, from) in grown.chunks_exact_mut(width).zip(more.chunks_exact(GROWTH)) {
                    into[given + number * GROWTH..][..GROWTH].copy_from_slice(from);
                }
            }
            values = block.transit.of_rows(&block.norm.rectified(&grown, width));
            given = values.len() / rows;
        }
        let values = self.norm.rectified(&values, given);
        let vector = |window: &[f32]| {
            let means = means(window, given);
            let deviations = deviations(window, &means);
            // The original has no rectifier here, whatever its layer is called.
            unit(self.last_norm.of(&self.last.of_rows(&[means, deviations].concat())))
        };
        values.chunks_exact(frames * given).map(vector).collect()
    }
}

impl Layer {
    fn new(weights: &Weights, name: &str, channels: usize) -> Result<Self, Wrong> {
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

    /// The channels that it adds to `values`, windows of so many frames one after the other, whose rows are `width` long
    /// and begin with the channels that it is given: as many rows of 32.
    fn of(&self, values: &[f32], width: usize, frames: usize, dilation: usize) -> Vec<f32> {
        let mut inner = self.inner.of_rows(&self.norm.rectified(values, width));
        rectify(&mut inner);
        let mut result = Vec::with_capacity(values.len() / width * GROWTH);
        for window in inner.chunks_exact(frames * INNER) {
            // A window is shorter than the hundred frames that have a mask in common, so their mean is that of the window.
            let mut context = means(window, INNER);
            context.iter_mut().for_each(|mean| *mean *= 2.0);
            let mut hidden = self.context[0].of_rows(&context);
            rectify(&mut hidden);
            let mut mask = self.context[1].of_rows(&hidden);
            mask.iter_mut().for_each(|mask| *mask = sigmoid(*mask));
            for frame in self.local.along_rows(window, TAPS, dilation).chunks_exact(GROWTH) {
                result.extend(frame.iter().zip(&mask).map(|(value, mask)| value * mask));
            }
        }
        result
    }
}

/// Channels over frequency and time, with zeros all around: (height + 2) × (width + 2) × channels.
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

    /// Where the row `number` of the values lies, without the zeros at its ends.
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
    /// For each of three rows of taps a layer over three columns and their channels.
    rows: [Dense; 3],
}

impl Plane {
    /// Of a layer whose inputs are channels × 3 × 3.
    fn new(dense: Dense, channels: usize) -> Self {
        let row = |down: usize| {
            let order = |input: usize| (input % channels) * 9 + down * 3 + input / channels;
            dense.part(3 * channels, order, down == 0)
        };
        Self { rows: [row(0), row(1), row(2)] }
    }

    /// Of every `stride`th row of `image`.
    fn of(&self, image: &Image, stride: usize) -> Image {
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

    /// On all cores. The same stretch gives the same bits on the same kind of processor.
    ///
    /// The residual network hears the stretch as a whole, which takes half the time of hearing each window, and the mean
    /// of each band is that of the stretch.
    fn embed(&mut self, stretches: &[&[f32]], every: usize) -> Result<Vec<Vec<Vec<f32>>>, DiarizeError> {
        let this = &*self;
        Ok(on_all_cores(stretches, |stretch| this.voices(stretch, every)))
    }
}

impl std::fmt::Debug for CamPlusPlus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CamPlusPlus").finish_non_exhaustive()
    }
}

/// Frames that the head makes of so many samples: one for two of the bands.
fn frames_of(samples: usize) -> usize {
    fbank::frames(samples).div_ceil(2)
}

/// Where the input `tap · channels + frequency · 32 + plane` of the first layer along time is in the file, which has
/// planes × frequencies × taps.
fn first_order(input: usize) -> usize {
    let (frequencies, width) = (BANDS / COARSER, PLANES * BANDS / COARSER);
    let (tap, frequency, plane) = (input / width, input % width / PLANES, input % PLANES);
    (plane * frequencies + frequency) * FIRST_TAPS + tap
}

/// The means of the columns of `values`, whose rows are `width` long.
fn means(values: &[f32], width: usize) -> Vec<f32> {
    let count = (values.len() / width).max(1);
    let mut means = vec![0.0; width];
    values.chunks_exact(width).for_each(|row| add(&mut means, row));
    means.iter_mut().for_each(|mean| *mean /= count as f32);
    means
}

/// The deviations of the columns of `values` from their `means`; those of a sample, not of the whole.
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
