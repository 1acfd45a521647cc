//! The layers of the diarization networks. Numbers are 32-bit floats, matrices are stored row by row.
//!
//! Matrices are multiplied by the crate `gemm`, which uses the widest vector instructions of the processor. Everything
//! between the multiplications is written here, because a single pass over the numbers is several times faster than one
//! pass for each operation of a formula. No layer starts threads, so that the order of sums, and with it every bit of
//! the result, depends on the shapes alone; [`on_all_cores`] distributes independent inputs.

use super::weights::{WeightError, Weights};
use crate::capacity::cores;
use std::thread;

/// A view of numbers as a matrix, whose rows may overlap: row `i`, column `j` is at index
/// `start + i · row + j · column`.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) numbers: &'a [f32],
    pub(super) start: usize,
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<'a> View<'a> {
    /// A matrix with `columns` columns, stored row by row.
    pub(super) fn rows(numbers: &'a [f32], columns: usize) -> Self {
        Self { numbers, start: 0, row: columns, column: 1 }
    }

    /// Whether `rows` rows and `columns` columns lie within the numbers.
    fn holds(&self, rows: usize, columns: usize) -> bool {
        self.start + (rows - 1) * self.row + (columns - 1) * self.column < self.numbers.len()
    }
}

/// Adds the product of `a` (`rows` × `inner`) and `b` (`inner` × `columns`) to `sum`, `rows` × `columns`, row by row.
///
/// # Panics
/// If one of the matrices is too small.
pub(super) fn add_product(a: View<'_>, b: View<'_>, inner: usize, sum: &mut [f32], columns: usize) {
    let rows = sum.len() / columns.max(1);
    if rows == 0 || inner == 0 {
        return;
    }
    assert!(sum.len() == rows * columns && a.holds(rows, inner) && b.holds(inner, columns));
    let stride = |stride: usize| {
        isize::try_from(stride).expect("a stride fits into isize, like the length of a slice")
    };
    // SAFETY: all numbers of the three matrices lie within their slices, as asserted above, and `sum` is borrowed
    // exclusively.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            sum.as_mut_ptr(),
            1,
            stride(columns),
            true,
            a.numbers.as_ptr().add(a.start),
            stride(a.column),
            stride(a.row),
            b.numbers.as_ptr().add(b.start),
            stride(b.column),
            stride(b.row),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// A fully connected layer `y = W·x + b`. A convolution is one too, applied to each window of its input.
pub(super) struct Dense {
    /// Outputs × inputs.
    weight: Vec<f32>,
    inputs: usize,
    /// One per output.
    bias: Vec<f32>,
}

impl Dense {
    /// A layer with the weights `name`, of `outputs` × the shape `inputs`, and without a bias.
    pub(super) fn new(
        weights: &Weights,
        name: &str,
        outputs: usize,
        inputs: &[usize],
    ) -> Result<Self, WeightError> {
        let shape: Vec<usize> = [&[outputs], inputs].concat();
        let weight = weights.tensor(name, &shape)?;
        Ok(Self { weight, inputs: inputs.iter().product(), bias: vec![0.0; outputs] })
    }

    /// This layer with the bias `name`.
    pub(super) fn biased(mut self, weights: &Weights, name: &str) -> Result<Self, WeightError> {
        self.bias = weights.tensor(name, &[self.bias.len()])?;
        Ok(self)
    }

    /// This layer followed by the batch normalisation `name`, in one layer.
    pub(super) fn normed(mut self, weights: &Weights, name: &str) -> Result<Self, WeightError> {
        let norm = Norm::new(weights, name, self.bias.len())?;
        for (output, weights) in self.weight.chunks_exact_mut(self.inputs).enumerate() {
            weights.iter_mut().for_each(|weight| *weight *= norm.scale[output]);
            self.bias[output] = self.bias[output] * norm.scale[output] + norm.shift[output];
        }
        Ok(self)
    }

    /// This layer with its input `order(i)` as input `i`.
    pub(super) fn reordered(self, order: impl Fn(usize) -> usize) -> Self {
        self.part(self.inputs, order, true)
    }

    /// A layer with `inputs` inputs, whose input `i` is input `order(i)` of this one; with its bias or without.
    pub(super) fn part(&self, inputs: usize, order: impl Fn(usize) -> usize, is_biased: bool) -> Self {
        let rows = self.weight.chunks_exact(self.inputs);
        let weight = rows.flat_map(|row| (0..inputs).map(|i| row[order(i)]).collect::<Vec<_>>()).collect();
        let bias = if is_biased { self.bias.clone() } else { vec![0.0; self.bias.len()] };
        Self { weight, inputs, bias }
    }

    /// The outputs (count × outputs) for each row of `rows` (count × inputs).
    pub(super) fn of_rows(&self, rows: &[f32]) -> Vec<f32> {
        self.of_view(View::rows(rows, self.inputs), rows.len() / self.inputs)
    }

    /// The outputs for `count` rows of a view.
    pub(super) fn of_view(&self, rows: View<'_>, count: usize) -> Vec<f32> {
        let mut result = vec![0.0; count * self.bias.len()];
        self.add_to(rows, &mut result);
        result
    }

    /// Adds the outputs for each row of a view to the rows of `sum` (count × outputs).
    pub(super) fn add_to(&self, rows: View<'_>, sum: &mut [f32]) {
        let outputs = self.bias.len();
        sum.chunks_exact_mut(outputs).for_each(|row| super::add(row, &self.bias));
        let transposed = View { numbers: &self.weight, start: 0, row: 1, column: self.inputs };
        add_product(rows, transposed, self.inputs, sum, outputs);
    }

    /// A convolution along time of `input` (frames × channels), with taps that are `dilation` frames apart and zero
    /// padding: frames × outputs. The inputs of the layer are taps × channels.
    pub(super) fn convolve_frames(&self, input: &[f32], taps: usize, dilation: usize) -> Vec<f32> {
        let (channels, outputs) = (self.inputs / taps, self.bias.len());
        let frames = input.len() / channels;
        let mut result = self.bias.repeat(frames);
        for tap in 0..taps {
            // The input frames of a tap are later or earlier than its output frames by this difference.
            let (later, earlier) = (tap * dilation, taps / 2 * dilation);
            let from = later.saturating_sub(earlier).min(frames);
            let to = earlier.saturating_sub(later).min(frames);
            let count = frames - from.max(to);
            let shifted = View::rows(&input[from * channels..], channels);
            let weight = View { numbers: &self.weight, start: tap * channels, row: 1, column: self.inputs };
            add_product(shifted, weight, channels, &mut result[to * outputs..][..count * outputs], outputs);
        }
        result
    }

    /// A convolution along time of `input` (channels × `count`) without padding: outputs × (`count` − `taps` + 1). The
    /// inputs of the layer are channels × taps.
    ///
    /// Unlike in [`Dense::convolve_frames`], each channel is contiguous, as the pooling and normalisation of the
    /// segmentation network need it.
    pub(super) fn convolve_channels(&self, input: &[f32], count: usize, taps: usize) -> Vec<f32> {
        let (channels, steps) = (self.inputs / taps, count + 1 - taps);
        let mut result: Vec<f32> =
            self.bias.iter().flat_map(|bias| std::iter::repeat_n(*bias, steps)).collect();
        for tap in 0..taps {
            let weight = View { numbers: &self.weight, start: tap, row: self.inputs, column: taps };
            let shifted = View { numbers: input, start: tap, row: count, column: 1 };
            add_product(weight, shifted, channels, &mut result, steps);
        }
        result
    }
}

/// A batch normalisation: `y = scale·x + shift` for each channel.
pub(super) struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

/// The number that PyTorch adds to a variance before it takes the square root.
pub(super) const EPSILON: f32 = 1e-5;

impl Norm {
    pub(super) fn new(weights: &Weights, name: &str, channels: usize) -> Result<Self, WeightError> {
        let named = |part: &str| weights.tensor(&format!("{name}.{part}"), &[channels]);
        let (mean, variance) = (named("running_mean")?, named("running_var")?);
        let is_affine = weights.has(&format!("{name}.weight"));
        let (weight, bias) = if is_affine {
            (named("weight")?, named("bias")?)
        } else {
            (vec![1.0; channels], vec![0.0; channels])
        };
        let scale: Vec<f32> = weight
            .iter()
            .zip(&variance)
            .map(|(weight, variance)| weight / (variance + EPSILON).sqrt())
            .collect();
        let shift = bias
            .iter()
            .zip(mean.iter().zip(&scale))
            .map(|(bias, (mean, scale))| bias - mean * scale)
            .collect();
        Ok(Self { scale, shift })
    }

    /// Normalises the first channels of each row of `rows`, which have `width` numbers, then sets negative values to
    /// zero.
    pub(super) fn rectified(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut result = Vec::with_capacity(rows.len() / width * self.scale.len());
        for row in rows.chunks_exact(width) {
            let normed = row.iter().zip(self.scale.iter().zip(&self.shift));
            result.extend(normed.map(|(value, (scale, shift))| (value * scale + shift).max(0.0)));
        }
        result
    }

    /// Normalises a single row.
    pub(super) fn apply(&self, row: &[f32]) -> Vec<f32> {
        row.iter()
            .zip(self.scale.iter().zip(&self.shift))
            .map(|(x, (scale, shift))| x * scale + shift)
            .collect()
    }
}

/// Sets negative values to zero (ReLU).
pub(super) fn rectify(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = value.max(0.0));
}

/// Number of steps of an LSTM whose inputs are multiplied together, so that the result stays in the cache of a core.
const STEPS: usize = 32;

/// One direction of an LSTM layer.
pub(super) struct Lstm {
    input: Dense,
    /// Transposed: width × gates.
    recurrent: Vec<f32>,
    width: usize,
    backwards: bool,
}

impl Lstm {
    /// Layer `number` of the LSTM, with `inputs` numbers per step and a state of `width` numbers.
    pub(super) fn new(
        weights: &Weights,
        number: usize,
        inputs: usize,
        width: usize,
        backwards: bool,
    ) -> Result<Self, WeightError> {
        let gates = 4 * width;
        let name = |part: &str| format!("lstm.{part}_l{number}{}", if backwards { "_reverse" } else { "" });
        let mut input =
            Dense::new(weights, &name("weight_ih"), gates, &[inputs])?.biased(weights, &name("bias_ih"))?;
        let other = weights.tensor(&name("bias_hh"), &[gates])?;
        input.bias.iter_mut().zip(other).for_each(|(bias, other)| *bias += other);
        let recurrent = weights.tensor(&name("weight_hh"), &[gates, width])?;
        let recurrent = (0..width).flat_map(|i| recurrent.iter().skip(i).step_by(width).copied()).collect();
        Ok(Self { input, recurrent, width, backwards })
    }

    /// Runs `count` sequences side by side, and writes their states to `states`, whose rows have `stride` numbers, at
    /// `offset` of each row. Both `inputs` and `states` hold one row per sequence for the first step, then for the
    /// second, and so on.
    pub(super) fn run(&self, inputs: &[f32], count: usize, states: &mut [f32], stride: usize, offset: usize) {
        let (gates, row) = (4 * self.width, count * self.input.inputs);
        let steps = inputs.len() / row;
        let (mut state, mut cell) = (vec![0.0; count * self.width], vec![0.0; count * self.width]);
        let recurrent = View::rows(&self.recurrent, gates);
        let mut done = 0;
        while done < steps {
            let together = STEPS.min(steps - done);
            let first = if self.backwards { steps - done - together } else { done };
            // The products with the inputs do not depend on the previous step.
            let mut sums = self.input.of_rows(&inputs[first * row..][..together * row]);
            for step in 0..together {
                let step = if self.backwards { together - 1 - step } else { step };
                let sums = &mut sums[step * count * gates..][..count * gates];
                add_product(View::rows(&state, self.width), recurrent, self.width, sums, gates);
                let sequences = state.chunks_exact_mut(self.width).zip(cell.chunks_exact_mut(self.width));
                for (sequence, (state, cell)) in sequences.enumerate() {
                    self.step(&sums[sequence * gates..][..gates], cell, state);
                    let row = ((first + step) * count + sequence) * stride + offset;
                    states[row..][..self.width].copy_from_slice(state);
                }
            }
            done += together;
        }
    }

    /// One step, with the gates in PyTorch's order: input, forget, cell, output.
    fn step(&self, sums: &[f32], cell: &mut [f32], state: &mut [f32]) {
        let (input, rest) = sums.split_at(self.width);
        let (forget, rest) = rest.split_at(self.width);
        let (candidate, output) = rest.split_at(self.width);
        let (cell, state) = (&mut cell[..self.width], &mut state[..self.width]);
        for i in 0..self.width {
            cell[i] = sigmoid(forget[i]) * cell[i] + sigmoid(input[i]) * tanh(candidate[i]);
            state[i] = sigmoid(output[i]) * tanh(cell[i]);
        }
    }
}

pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

fn tanh(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp(2.0 * x))
}

/// The exponential function with a relative error of at most 3·10⁻⁷: a power of two times a Taylor polynomial of the
/// remainder. Unlike that of the standard library, it has no branches, so that the compiler can vectorise it.
pub(super) fn exp(x: f32) -> f32 {
    // Adding this number rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    // The logarithm of two is subtracted in two parts, so that the remainder is exact.
    let r = (x - whole * 0.693_145_75) - whole * 1.428_606_8e-6;
    let polynomial =
        1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r / 720.0)))));
    let power = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    polynomial * power
}

/// Runs `work` on each of `items`, on all cores. The results are in the order of the items.
pub(super) fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let share = items.len().div_ceil(cores()).max(1);
    let work = &work;
    thread::scope(|scope| {
        let others: Vec<_> = items
            .chunks(share)
            .skip(1)
            .map(|items| scope.spawn(move || items.iter().map(work).collect::<Vec<R>>()))
            .collect();
        let mut results: Vec<R> = items.chunks(share).take(1).flatten().map(work).collect();
        for thread in others {
            match thread.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_functions_agree_with_the_standard_library() {
        for i in -2000..=2000 {
            let x = i as f32 / 50.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-7, "exp({x}) = {}", exp(x));
            assert!((tanh(x) - x.tanh()).abs() < 5e-7, "tanh({x}) = {}", tanh(x));
        }
        for x in [f32::NEG_INFINITY, -1e9, 1e9, f32::INFINITY] {
            assert!((0.0..=1.0).contains(&sigmoid(x)) && (-1.0..=1.0).contains(&tanh(x)), "{x}");
        }
    }

    #[test]
    fn products_are_added_with_any_strides() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 2.0, 1.0, 0.0, 3.0];
        let mut sum = [1.0; 4];
        add_product(View::rows(&a, 3), View::rows(&b, 2), 3, &mut sum, 2);
        assert_eq!(sum, [6.0, 12.0, 15.0, 24.0]);
        // `a` transposed is 3 × 2.
        let mut sum = [0.0; 3];
        let transposed = View { numbers: &a, start: 0, row: 1, column: 3 };
        add_product(transposed, View::rows(&[10.0, 1.0], 1), 2, &mut sum, 1);
        assert_eq!(sum, [14.0, 25.0, 36.0]);
        add_product(View::rows(&[], 0), View::rows(&[], 1), 0, &mut [], 1);
    }

    #[test]
    fn a_convolution_of_channels_is_the_sum_of_its_taps() {
        let layer = Dense { weight: vec![1.0, 2.0, 10.0, 20.0], inputs: 4, bias: vec![0.5] };
        // Two channels of four steps, two taps.
        let result = layer.convolve_channels(&[1.0, 2.0, 3.0, 4.0, 0.1, 0.2, 0.3, 0.4], 4, 2);
        let expected = [5.0 + 5.0, 8.0 + 8.0, 11.0 + 11.0];
        assert!(result.iter().zip(expected).all(|(a, b)| (a - b - 0.5).abs() < 1e-5), "{result:?}");
    }

    #[test]
    fn a_convolution_of_frames_is_padded_with_zeros() {
        // One channel, three taps, and two outputs, of which the second has twice the weights.
        let layer =
            Dense { weight: vec![1.0, 10.0, 100.0, 2.0, 20.0, 200.0], inputs: 3, bias: vec![0.5, 0.0] };
        let outputs = |frames: &[f32], dilation| -> Vec<f32> {
            layer.convolve_frames(frames, 3, dilation).chunks_exact(2).map(|row| row[0] - 0.5).collect()
        };
        assert_eq!(outputs(&[1.0, 2.0, 3.0, 4.0], 1), [210.0, 321.0, 432.0, 43.0]);
        assert_eq!(outputs(&[1.0, 2.0, 3.0, 4.0], 2), [310.0, 420.0, 31.0, 42.0]);
        // Fewer frames than the distance of a tap.
        assert_eq!(outputs(&[3.0], 2), [30.0]);
        assert_eq!(layer.convolve_frames(&[3.0], 3, 2)[1], 60.0);
    }

    #[test]
    fn the_inputs_of_a_layer_can_be_reordered() {
        let layer = Dense { weight: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], inputs: 3, bias: vec![1.0, 2.0] };
        let part = layer.part(2, |input| 2 - input, false);
        assert_eq!(part.of_rows(&[1.0, 10.0, 0.0, 1.0]), [23.0, 56.0, 2.0, 5.0]);
        assert_eq!(layer.reordered(|input| 2 - input).of_rows(&[1.0, 0.0, 0.0]), [4.0, 8.0]);
    }

    #[test]
    fn work_on_all_cores_keeps_the_order() {
        let items: Vec<usize> = (0..37).collect();
        assert_eq!(on_all_cores(&items, |i| i * 2), (0..37).map(|i| i * 2).collect::<Vec<_>>());
        assert!(on_all_cores(&[], |i: &usize| *i).is_empty());
    }
}
