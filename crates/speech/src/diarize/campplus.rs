//! The built-in voice encoder: CAM++ (Wang et al., “CAM++: A fast and efficient network for speaker verification using
//! context-aware masking”, 2023) of 3D-Speaker, trained on Chinese and English, 7 million weights under the Apache
//! licence 2.0.
//!
//! A small residual network over time and frequency, then layers along time that each add 32 channels to those before
//! them, and weigh them by what is heard around. Mean and deviation over the window become a vector of 192 numbers.

use super::fbank::{BANDS, FilterBank};
use super::nn::{Dense, Norm, Weights, Wrong, on_all_cores, rectify, sigmoid};
use super::{DiarizeError, VoiceEncoder, unit};
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
/// Frames that have a mask in common.
const MASKED: usize = 100;
/// Length of a vector.
const WIDTH: usize = 192;

/// The CAM++ voice encoder.
pub struct CamPlusPlus {
    bank: FilterBank,
    entry: Dense,
    residual: Vec<Residual>,
    exit: Dense,
    first: Dense,
    blocks: Vec<Block>,
    norm: Norm,
    last: Dense,
    last_norm: Norm,
}

/// Two convolutions that are added to what they are given.
struct Residual {
    first: Dense,
    second: Dense,
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
            Dense::new(weights, &format!("head.{name}.weight"), PLANES, &[channels, 3, 3])?
                .normed(weights, &format!("head.{norm}"))
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
            .normed(weights, "xvector.tdnn.nonlinear.batchnorm")?,
            blocks,
            norm: Norm::new(weights, "xvector.out_nonlinear.batchnorm", channels)?,
            last: Dense::new(weights, "xvector.dense.linear.weight", WIDTH, &[2 * channels, 1])?,
            last_norm: Norm::new(weights, "xvector.dense.nonlinear.batchnorm", WIDTH)?,
        })
    }

    /// The vector of a window. Its length is not one.
    fn voice(&self, samples: &[f32]) -> Vec<f32> {
        let (bands, frames) = self.bank.bands(samples);
        let (mut values, frames) = self.head(bands, frames);
        for block in &self.blocks {
            values.reserve_exact(block.layers.len() * GROWTH * frames);
            for layer in &block.layers {
                let more = layer.of(&values, frames, block.dilation);
                values.extend_from_slice(&more);
            }
            values = block.transit.of(&block.norm.rectified(&values, frames), frames);
        }
        let values = self.norm.rectified(&values, frames);
        let mut pooled: Vec<f32> = values.chunks_exact(frames).map(mean).collect();
        let deviations: Vec<f32> =
            values.chunks_exact(frames).zip(&pooled).map(|(row, mean)| deviation(row, *mean)).collect();
        pooled.extend(deviations);
        // The original has no rectifier here, whatever its layer is called.
        self.last_norm.of(&self.last.of(&pooled, 1))
    }

    /// The network over time and frequency and the first layer along time: 128 × frames.
    fn head(&self, bands: Vec<f32>, frames: usize) -> (Vec<f32>, usize) {
        let plane = |layer: &Dense, input: &[f32], height: usize, stride: usize| {
            let (columns, height) = unfold_plane(input, height, frames, stride);
            (layer.of(&columns, height * frames), height)
        };
        let (mut values, mut height) = plane(&self.entry, &bands, BANDS, 1);
        rectify(&mut values);
        for residual in &self.residual {
            let (mut inner, lower) = plane(&residual.first, &values, height, residual.stride);
            rectify(&mut inner);
            let (mut sum, _) = plane(&residual.second, &inner, lower, 1);
            let kept = match &residual.shortcut {
                Some(shortcut) => {
                    shortcut.of(&every(&values, height, frames, residual.stride), lower * frames)
                }
                None => values,
            };
            sum.iter_mut().zip(&kept).for_each(|(sum, kept)| *sum += kept);
            rectify(&mut sum);
            (values, height) = (sum, lower);
        }
        let (mut values, _) = plane(&self.exit, &values, height, 2);
        rectify(&mut values);
        let (columns, frames) = unfold(&values, frames, FIRST_TAPS, 2, 1);
        let mut values = self.first.of(&columns, frames);
        rectify(&mut values);
        (values, frames)
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
            )?,
            context: [mask(1, INNER / 2, INNER)?, mask(2, GROWTH, INNER / 2)?],
        })
    }

    /// The channels that it adds to `values` (channels × `frames`).
    fn of(&self, values: &[f32], frames: usize, dilation: usize) -> Vec<f32> {
        let mut inner = self.inner.of(&self.norm.rectified(values, frames), frames);
        rectify(&mut inner);
        let parts = frames.div_ceil(MASKED);
        let mut context = Vec::with_capacity(INNER * parts);
        for row in inner.chunks_exact(frames) {
            let whole = mean(row);
            context.extend(row.chunks(MASKED).map(|part| whole + mean(part)));
        }
        let mut hidden = self.context[0].of(&context, parts);
        rectify(&mut hidden);
        let mask = self.context[1].of(&hidden, parts);
        let (columns, _) = unfold(&inner, frames, TAPS, 1, dilation);
        let mut local = self.local.of(&columns, frames);
        for (row, mask) in local.chunks_exact_mut(frames).zip(mask.chunks_exact(parts)) {
            for (part, mask) in row.chunks_mut(MASKED).zip(mask) {
                let mask = sigmoid(*mask);
                part.iter_mut().for_each(|value| *value *= mask);
            }
        }
        local
    }
}

impl VoiceEncoder for CamPlusPlus {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn window(&self) -> usize {
        WINDOW
    }

    /// On all cores. The same window gives the same bits on the same kind of processor.
    fn embed(&mut self, windows: &[&[f32]]) -> Result<Vec<Vec<f32>>, DiarizeError> {
        let this = &*self;
        Ok(on_all_cores(windows, |window| unit(this.voice(window))))
    }
}

impl std::fmt::Debug for CamPlusPlus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CamPlusPlus").finish_non_exhaustive()
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

/// The deviation of a sample, not of the whole.
fn deviation(values: &[f32], mean: f32) -> f32 {
    let sum: f32 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (sum / values.len().saturating_sub(1).max(1) as f32).sqrt()
}

/// Of channels × `frames`, for each of `taps` taps that are `dilation` apart a shifted row, with zeros beyond the ends:
/// (channels · taps) × every `stride`th frame.
fn unfold(values: &[f32], frames: usize, taps: usize, stride: usize, dilation: usize) -> (Vec<f32>, usize) {
    let padding = (taps - 1) / 2 * dilation;
    let kept = (frames - 1) / stride + 1;
    let mut columns = vec![0.0; values.len() / frames * taps * kept];
    let mut rows = columns.chunks_exact_mut(kept);
    for row in values.chunks_exact(frames) {
        for (tap, into) in rows.by_ref().take(taps).enumerate() {
            for (i, into) in into.iter_mut().enumerate() {
                if let Some(value) =
                    (i * stride + tap * dilation).checked_sub(padding).and_then(|at| row.get(at))
                {
                    *into = *value;
                }
            }
        }
    }
    (columns, kept)
}

/// Of channels × `height` × `frames`, for each of three by three taps a shifted plane, with zeros beyond the edges:
/// (channels · 9) × every `stride`th row × frames. Returns also the number of rows.
fn unfold_plane(values: &[f32], height: usize, frames: usize, stride: usize) -> (Vec<f32>, usize) {
    let kept = (height - 1) / stride + 1;
    let mut columns = vec![0.0; values.len() / (height * frames) * 9 * kept * frames];
    let mut planes = columns.chunks_exact_mut(kept * frames);
    for plane in values.chunks_exact(height * frames) {
        for down in 0..3 {
            for across in 0..3 {
                let Some(into) = planes.next() else { continue };
                for (i, into) in into.chunks_exact_mut(frames).enumerate() {
                    let Some(y) = (i * stride + down).checked_sub(1).filter(|y| *y < height) else {
                        continue;
                    };
                    let row = &plane[y * frames..][..frames];
                    match across {
                        0 => into[1..].copy_from_slice(&row[..frames - 1]),
                        1 => into.copy_from_slice(row),
                        _ => into[..frames - 1].copy_from_slice(&row[1..]),
                    }
                }
            }
        }
    }
    (columns, kept)
}

/// Every `stride`th row of each plane.
fn every(values: &[f32], height: usize, frames: usize, stride: usize) -> Vec<f32> {
    let planes = values.chunks_exact(height * frames);
    planes.flat_map(|plane| plane.chunks_exact(frames).step_by(stride)).flatten().copied().collect()
}
