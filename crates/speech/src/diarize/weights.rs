//! Loads the weights of the diarization networks from safetensors files.

use super::DiarizeError;
use half::f16;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::path::Path;

/// The shapes and weights of a network's tensors by name, from a safetensors file with 16-bit or 32-bit floats.
pub(super) struct Weights(HashMap<String, (Vec<usize>, Vec<f32>)>);

/// Why a file does not hold the weights of the network. The text is for the log.
pub(super) type WeightError = String;

impl Weights {
    /// Reads `file` in the folder `speakers` of the program's resources, and builds a network from it with `network`.
    ///
    /// # Errors
    /// [`DiarizeError::ModelMissing`] or [`DiarizeError::ModelUnusable`].
    pub(super) fn load<N>(
        resources: &Path,
        file: &str,
        network: impl FnOnce(&Self) -> Result<N, WeightError>,
    ) -> Result<N, DiarizeError> {
        let path = resources.join("speakers").join(file);
        let bytes = std::fs::read(&path).map_err(|_| DiarizeError::ModelMissing { path: path.clone() })?;
        Self::read(&bytes).and_then(|weights| network(&weights)).map_err(|error| {
            tracing::warn!(%error, "a diarization network cannot be loaded");
            DiarizeError::ModelUnusable { path }
        })
    }

    fn read(bytes: &[u8]) -> Result<Self, WeightError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let read = file.tensors().into_iter().map(|(name, tensor)| {
            let data = tensor.data();
            let numbers: Vec<f32> = match tensor.dtype() {
                Dtype::F32 => data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                Dtype::F16 => data.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
                other => return Err(format!("{name} is of type {other:?}")),
            };
            Ok((name, (tensor.shape().to_vec(), numbers)))
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    /// The tensor `name`, which must have this shape.
    pub(super) fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightError> {
        let (found, numbers) = self.0.get(name).ok_or_else(|| format!("there is no {name}"))?;
        if found == shape { Ok(numbers.clone()) } else { Err(format!("{name} is {found:?}")) }
    }

    /// Whether there is a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_with_a_wrong_name_or_shape_and_damaged_files_are_refused() {
        let header = br#"{"a":{"dtype":"F16","shape":[1,2],"data_offsets":[0,4]}}"#;
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &[0, 0x3c, 0, 0xc0]].concat();
        let weights = Weights::read(&file).expect("a file");
        assert_eq!(weights.tensor("a", &[1, 2]), Ok(vec![1.0, -2.0]));
        assert!(weights.tensor("a", &[2]).is_err() && weights.tensor("b", &[2]).is_err());
        assert!(Weights::read(&file[..file.len() - 1]).is_err() && Weights::read(b"text").is_err());
    }
}
