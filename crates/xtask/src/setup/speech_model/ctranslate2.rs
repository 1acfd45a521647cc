//! Reads Whisper's weights from a `model.bin` of CTranslate2, version 6.
//!
//! Integers are little endian. A string is its length in two bytes, then its bytes, of which the last is 0. Weights are
//! 16-bit floats; other types are not supported. Every size in the file is checked against the remaining bytes before it
//! is used.

use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;

const VERSION: u32 = 6;
const SPECIFICATION: &str = "WhisperSpec";

/// The output layer has no weights of its own: it uses those of the token embeddings.
const TIED: (&str, &str) = ("decoder/projection/weight", "decoder/embeddings/weight");

/// The variables of a model by name.
#[derive(Debug)]
pub(super) struct Model<'a> {
    variables: BTreeMap<&'a str, Variable<'a>>,
}

#[derive(Debug)]
struct Variable<'a> {
    shape: Vec<usize>,
    element: Element,
    data: &'a [u8],
}

/// The element types of variables, by CTranslate2's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    F32 = 0,
    I8 = 1,
    I16 = 2,
    I32 = 3,
    F16 = 4,
}

impl Element {
    fn of(number: u8) -> Option<Self> {
        [Self::F32, Self::I8, Self::I16, Self::I32, Self::F16].into_iter().find(|one| *one as u8 == number)
    }

    fn bytes(self) -> usize {
        match self {
            Self::I8 => 1,
            Self::I16 | Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
        }
    }
}

/// Weights: 16-bit floats, little endian, the last dimension contiguous.
#[derive(Debug, Clone)]
pub(super) struct Halves<'a> {
    /// No dimension is 0.
    pub(super) shape: Vec<usize>,
    /// Two bytes for each number.
    pub(super) data: &'a [u8],
}

impl<'a> Halves<'a> {
    /// The rows from `first` on, `count` of them.
    pub(super) fn rows(&self, first: usize, count: usize) -> Result<Self> {
        let all = self.shape.first().copied().context("a single number has no rows")?;
        ensure!(
            first.checked_add(count).is_some_and(|end| end <= all),
            "{count} rows from {first} of {all}: the model's weights have other sizes than expected"
        );
        let row = self.data.len() / all;
        let mut shape = self.shape.clone();
        shape[0] = count;
        Ok(Self { shape, data: &self.data[first * row..(first + count) * row] })
    }
}

impl<'a> Model<'a> {
    /// Reads a whole `model.bin`.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut rest = Reader(bytes);
        let version = rest.u32()?;
        ensure!(version == VERSION, "the model file has version {version} instead of {VERSION}");
        let specification = rest.string()?;
        ensure!(specification == SPECIFICATION, "the model file holds a {specification}");
        let _revision = rest.u32()?;
        let mut variables = BTreeMap::new();
        for _ in 0..rest.u32()? {
            let name = rest.string()?;
            let variable = rest.variable().with_context(|| format!("could not read {name} of the model"))?;
            ensure!(variables.insert(name, variable).is_none(), "the model file holds {name} twice");
        }
        let mut tied = false;
        for _ in 0..rest.u32()? {
            tied |= (rest.string()?, rest.string()?) == TIED;
        }
        ensure!(rest.0.is_empty(), "the model file has {} bytes too many", rest.0.len());
        ensure!(tied, "the output layer of the model has weights of its own");
        Ok(Self { variables })
    }

    /// Whether there is a variable with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// The weights with this name.
    pub(super) fn halves(&self, name: &str) -> Result<Halves<'a>> {
        let Variable { shape, element, data } = self.variable(name)?;
        ensure!(*element == Element::F16, "{name} of the model has numbers of type {element:?} and not F16");
        ensure!(!data.is_empty(), "{name} of the model is empty");
        Ok(Halves { shape: shape.clone(), data })
    }

    /// The non-negative integer with this name.
    pub(super) fn number(&self, name: &str) -> Result<u32> {
        let Variable { element, data, .. } = self.variable(name)?;
        let number = match (element, *data) {
            (Element::I8, [byte]) => i32::from(i8::from_le_bytes([*byte])),
            (Element::I16, [a, b]) => i32::from(i16::from_le_bytes([*a, *b])),
            (Element::I32, [a, b, c, d]) => i32::from_le_bytes([*a, *b, *c, *d]),
            _ => bail!("{name} of the model is not an integer"),
        };
        u32::try_from(number).with_context(|| format!("{name} of the model is {number}"))
    }

    fn variable(&self, name: &str) -> Result<&Variable<'a>> {
        self.variables.get(name).with_context(|| format!("the model has no {name}"))
    }
}

/// The bytes that have not been read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("the model file ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().context("the model file ends too early")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn size(&mut self) -> Result<usize> {
        Ok(usize::try_from(self.u32()?)?)
    }

    fn string(&mut self) -> Result<&'a str> {
        let length = self.u16()?;
        let bytes = self.take(length.into())?;
        let text = std::str::from_utf8(bytes).context("a name in the model file is not UTF-8")?;
        Ok(text.trim_end_matches('\0'))
    }

    fn variable(&mut self) -> Result<Variable<'a>> {
        let mut shape = Vec::new();
        for _ in 0..self.u8()? {
            shape.push(self.size()?);
        }
        let number = self.u8()?;
        let element = Element::of(number).with_context(|| format!("{number} is not a known element type"))?;
        let bytes = self.size()?;
        let expected = shape.iter().try_fold(element.bytes(), |product, length| product.checked_mul(*length));
        ensure!(expected == Some(bytes), "{shape:?} of {element:?} are not {bytes} bytes");
        Ok(Variable { shape, element, data: self.take(bytes)? })
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! Builds small model files.

    use super::*;

    /// A variable of a model file; `element` is the number of its type.
    pub(in super::super) struct Written {
        pub(in super::super) name: String,
        pub(in super::super) shape: Vec<u32>,
        pub(in super::super) element: u8,
        pub(in super::super) data: Vec<u8>,
    }

    fn string(text: &str) -> Vec<u8> {
        let length = u16::try_from(text.len() + 1).unwrap();
        [&length.to_le_bytes(), text.as_bytes(), &[0]].concat()
    }

    /// The content of a `model.bin` with these variables.
    pub(in super::super) fn model_file(variables: &[Written]) -> Vec<u8> {
        let mut file = VERSION.to_le_bytes().to_vec();
        file.extend(string(SPECIFICATION));
        file.extend(3_u32.to_le_bytes());
        file.extend(u32::try_from(variables.len()).unwrap().to_le_bytes());
        for variable in variables {
            file.extend(string(&variable.name));
            file.push(u8::try_from(variable.shape.len()).unwrap());
            file.extend(variable.shape.iter().flat_map(|length| length.to_le_bytes()));
            file.push(variable.element);
            file.extend(u32::try_from(variable.data.len()).unwrap().to_le_bytes());
            file.extend(&variable.data);
        }
        file.extend(1_u32.to_le_bytes());
        file.extend(string(TIED.0));
        file.extend(string(TIED.1));
        file
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Written, model_file};
    use super::*;

    fn small() -> Vec<u8> {
        let variable = |name: &str, shape: &[u32], element: Element, data: &[u8]| Written {
            name: name.into(),
            shape: shape.to_vec(),
            element: element as u8,
            data: data.to_vec(),
        };
        model_file(&[
            variable("heads", &[], Element::I16, &[8, 0]),
            variable("layer", &[], Element::I16, &[0xff, 0xff]),
            variable("empty", &[4_000_000_000, 0], Element::F16, &[]),
            variable("weights", &[3, 2], Element::F16, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ])
    }

    #[test]
    fn variables_are_found_by_name() {
        let file = small();
        let model = Model::read(&file).unwrap();
        assert_eq!(model.number("heads").unwrap(), 8);
        let weights = model.halves("weights").unwrap();
        assert_eq!((weights.shape.as_slice(), weights.data.len()), ([3, 2].as_slice(), 12));
        let middle = weights.rows(1, 1).unwrap();
        assert_eq!((middle.shape.as_slice(), middle.data), ([1, 2].as_slice(), [5, 6, 7, 8].as_slice()));
        assert!(weights.rows(2, 2).is_err() && weights.rows(usize::MAX, 2).is_err());
        assert!(model.has("layer") && model.number("layer").is_err());
        assert!(!model.has("other") && model.halves("other").is_err());
        assert!(model.halves("heads").is_err() && model.number("weights").is_err());
        assert!(model.halves("empty").is_err());
    }

    #[test]
    fn a_file_that_ends_too_early_or_too_late_is_refused() {
        let file = small();
        for length in 0..file.len() {
            assert!(Model::read(&file[..length]).is_err(), "{length} of {} bytes", file.len());
        }
        assert!(Model::read(&[file, vec![0]].concat()).is_err());
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        for (from, to) in [("WhisperSpec", "WhisperSpek"), ("projection", "projectiom"), ("layer", "heads")] {
            let mut file = small();
            let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
            file[at..at + to.len()].copy_from_slice(to.as_bytes());
            assert!(Model::read(&file).is_err(), "{to}");
        }
        assert!(Model::read(&[&[7], &small()[1..]].concat()).is_err());
    }

    #[test]
    fn no_byte_of_a_file_makes_the_reader_panic_or_reserve_memory() {
        let file = small();
        for at in 0..file.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut changed = file.clone();
                changed[at] = value;
                if let Ok(model) = Model::read(&changed) {
                    let _ = (model.number("heads"), model.halves("weights").and_then(|it| it.rows(1, 2)));
                }
            }
        }
    }
}
