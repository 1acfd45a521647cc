//! The built-in voice encoder: the GE2E network (Wan et al., “Generalized end-to-end loss for speaker verification”,
//! 2018) with the weights of resemblyzer, three LSTM layers of 256 over 1.6 s of mel power spectrogram.
//!
//! The matrices are multiplied by candle; what happens between them at each step is written here, because going over
//! the numbers once is several times faster than an operation for each sign in the formulas.

use super::mel::{BANDS, HOP, Mel};
use super::{DiarizeError, VoiceEncoder};
use crate::capacity::cores;
use candle_core::{CpuStorage, Device, Storage, Tensor, safetensors};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread;

/// What the network is called in [`super::Voice::encoder`]. Vectors of other weights need another name.
pub(super) const NAME: &str = "GE2E";
/// Frames the network hears.
const FRAMES: usize = 160;
/// Width of each layer, and of a voice.
const WIDTH: usize = 256;
/// The four gates of a cell.
const GATES: usize = 4 * WIDTH;
const LAYERS: usize = 3;
/// Windows that go through the network together: as many as keep the multiplication busy while the state of all stays
/// in the cache.
const TOGETHER: usize = 32;

/// The GE2E voice encoder.
pub struct Ge2e {
    mel: Mel,
    layers: Vec<Layer>,
    /// Transposed, 256 by 256, and its bias.
    linear: (Tensor, Tensor),
}

/// A layer of the recurrent network.
struct Layer {
    /// Transposed: inputs by gates.
    input: Tensor,
    /// Transposed: 256 by gates.
    recurrent: Tensor,
    /// Both biases.
    bias: Tensor,
}

impl Ge2e {
    /// Loads `voice/ge2e.safetensors` below the program's resources, 6 MB.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub fn load(resources: &Path) -> Result<Self, DiarizeError> {
        let path = resources.join("voice").join("ge2e.safetensors");
        if !path.is_file() {
            return Err(DiarizeError::ModelMissing { path });
        }
        let unusable = |error: candle_core::Error| {
            tracing::warn!(%error, "the voice model cannot be used");
            DiarizeError::ModelUnusable { path: PathBuf::from(&path) }
        };
        let tensors = safetensors::load(&path, &Device::Cpu).map_err(unusable)?;
        Self::with(&tensors).map_err(unusable)
    }

    fn with(tensors: &HashMap<String, Tensor>) -> candle_core::Result<Self> {
        let tensor = |name: &str, shape: &[usize]| -> candle_core::Result<Tensor> {
            let tensor = tensors
                .get(name)
                .ok_or_else(|| candle_core::Error::Msg(format!("there is no tensor {name}")))?;
            if tensor.dims() != shape || tensor.dtype() != candle_core::DType::F32 {
                return Err(candle_core::Error::Msg(format!("{name} is {:?}", tensor.dims())));
            }
            Ok(tensor.clone())
        };
        let layer = |number: usize| -> candle_core::Result<Layer> {
            let inputs = if number == 0 { BANDS } else { WIDTH };
            let named = |part: &str, shape: &[usize]| tensor(&format!("lstm.{part}_l{number}"), shape);
            Ok(Layer {
                input: named("weight_ih", &[GATES, inputs])?.t()?.contiguous()?,
                recurrent: named("weight_hh", &[GATES, WIDTH])?.t()?.contiguous()?,
                bias: (named("bias_ih", &[GATES])? + named("bias_hh", &[GATES])?)?,
            })
        };
        Ok(Self {
            mel: Mel::new(),
            layers: (0..LAYERS).map(layer).collect::<candle_core::Result<_>>()?,
            linear: (
                tensor("linear.weight", &[WIDTH, WIDTH])?.t()?.contiguous()?,
                tensor("linear.bias", &[WIDTH])?,
            ),
        })
    }

    /// The voices of a few windows, on this thread.
    fn voices(&self, windows: &[&[f32]]) -> candle_core::Result<Vec<Vec<f32>>> {
        let count = windows.len();
        // Time first, so that the windows of one step lie side by side.
        let mut inputs = vec![0.0; FRAMES * count * BANDS];
        for (number, window) in windows.iter().enumerate() {
            let mel = self.mel.spectrogram(window, FRAMES);
            for (time, frame) in mel.chunks_exact(BANDS).enumerate() {
                inputs[(time * count + number) * BANDS..][..BANDS].copy_from_slice(frame);
            }
        }
        let mut states = Tensor::from_vec(inputs, (FRAMES * count, BANDS), &Device::Cpu)?;
        for layer in &self.layers {
            states = layer.run(&states, count)?;
        }
        let last = states.narrow(0, (FRAMES - 1) * count, count)?;
        let (weight, bias) = &self.linear;
        let voices: Vec<Vec<f32>> = last.matmul(weight)?.broadcast_add(bias)?.relu()?.to_vec2()?;
        Ok(voices.into_iter().map(super::unit).collect())
    }
}

impl Layer {
    /// Its states at all steps, each for `count` windows, from what it is given at all steps.
    fn run(&self, inputs: &Tensor, count: usize) -> candle_core::Result<Tensor> {
        // What does not depend on the step before is multiplied at once.
        let inputs = inputs.matmul(&self.input)?.broadcast_add(&self.bias)?;
        let mut states = Vec::with_capacity(FRAMES * count * WIDTH);
        let mut cells = vec![0.0_f32; count * WIDTH];
        let mut last: Option<Tensor> = None;
        let (inputs, _) = inputs.storage_and_layout();
        let inputs = numbers(&inputs)?;
        for given in inputs.chunks_exact(count * GATES) {
            let remembered = last.take().map(|state| state.matmul(&self.recurrent)).transpose()?;
            let begin = states.len();
            match &remembered {
                Some(remembered) => {
                    let (storage, _) = remembered.storage_and_layout();
                    step(given, Some(numbers(&storage)?), &mut cells, &mut states);
                }
                None => step(given, None, &mut cells, &mut states),
            }
            last = Some(Tensor::from_slice(&states[begin..], (count, WIDTH), &Device::Cpu)?);
        }
        Tensor::from_vec(states, (FRAMES * count, WIDTH), &Device::Cpu)
    }
}

/// One step of a layer: gates in PyTorch's order (input, forget, cell, output), from the sum of what is given and what
/// comes from the state before.
fn step(given: &[f32], remembered: Option<&[f32]>, cells: &mut [f32], states: &mut Vec<f32>) {
    for (window, cells) in cells.chunks_exact_mut(WIDTH).enumerate() {
        let gates = &given[window * GATES..][..GATES];
        let mut sums = [0.0_f32; GATES];
        match remembered {
            Some(remembered) => {
                let remembered = &remembered[window * GATES..][..GATES];
                for (sum, (a, b)) in sums.iter_mut().zip(gates.iter().zip(remembered)) {
                    *sum = a + b;
                }
            }
            None => sums.copy_from_slice(gates),
        }
        let (input, rest) = sums.split_at(WIDTH);
        let (forget, rest) = rest.split_at(WIDTH);
        let (candidate, output) = rest.split_at(WIDTH);
        let begin = states.len();
        states.resize(begin + WIDTH, 0.0);
        let state = &mut states[begin..];
        for i in 0..WIDTH {
            cells[i] = sigmoid(forget[i]) * cells[i] + sigmoid(input[i]) * tanh(candidate[i]);
            state[i] = sigmoid(output[i]) * tanh(cells[i]);
        }
    }
}

/// The numbers of a whole tensor on the processor.
fn numbers(storage: &Storage) -> candle_core::Result<&[f32]> {
    match storage {
        Storage::Cpu(CpuStorage::F32(numbers)) => Ok(numbers),
        _ => Err(candle_core::Error::Msg("a tensor that is not on the processor".to_owned())),
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// The exponential function, within 3·10⁻⁷ of its value: a power of two, and Taylor's polynomial for the rest. Unlike
/// the one of the standard library it has no branches, so that several are computed at once.
fn exp(x: f32) -> f32 {
    // Adding this rounds to a whole number, which then is in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // The logarithm of two in two parts, so that the rest is exact.
    let r = (x - whole * 0.693_145_75) - whole * 1.428_606_8e-6;
    let polynomial =
        1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    polynomial * power
}

impl VoiceEncoder for Ge2e {
    fn name(&self) -> &'static str {
        NAME
    }

    fn window(&self) -> usize {
        FRAMES * HOP
    }

    /// On all cores. The same windows in the same order give the same bits on the same kind of processor.
    fn embed(&mut self, windows: &[&[f32]]) -> Result<Vec<Vec<f32>>, DiarizeError> {
        let failed = |error: candle_core::Error| {
            tracing::warn!(%error, "voices could not be computed");
            DiarizeError::Failed { what: NAME.to_owned() }
        };
        let parts: Vec<&[&[f32]]> = windows.chunks(TOGETHER).collect();
        let share = parts.len().div_ceil(cores()).max(1);
        let this = &*self;
        let work = |parts: &[&[&[f32]]]| -> candle_core::Result<Vec<Vec<f32>>> {
            let voices: candle_core::Result<Vec<_>> = parts.iter().map(|part| this.voices(part)).collect();
            Ok(voices?.into_iter().flatten().collect())
        };
        let voices: candle_core::Result<Vec<_>> = thread::scope(|scope| {
            let others: Vec<_> =
                parts.chunks(share).skip(1).map(|parts| scope.spawn(move || work(parts))).collect();
            let first = parts.chunks(share).next().map(work);
            let others = others.into_iter().map(|thread| match thread.join() {
                Ok(voices) => voices,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            first.into_iter().chain(others).collect()
        });
        Ok(voices.map_err(failed)?.into_iter().flatten().collect())
    }
}

impl std::fmt::Debug for Ge2e {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ge2e").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_functions_are_those_of_the_library() {
        for i in -2000..=2000 {
            let x = i as f32 / 50.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-7, "exp({x}) = {}", exp(x));
            assert!((tanh(x) - x.tanh()).abs() < 5e-7, "tanh({x}) = {}", tanh(x));
        }
        for x in [f32::NEG_INFINITY, -1e9, 1e9, f32::INFINITY] {
            assert!((0.0..=1.0).contains(&sigmoid(x)) && (-1.0..=1.0).contains(&tanh(x)), "{x}");
        }
    }
}
