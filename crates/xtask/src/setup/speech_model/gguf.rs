//! Writes a GGUF file, version 3, with numbers in F32, F16 and Q8_0.
//!
//! The bytes are identical to those that the Python package `gguf` 0.19.0 writes for the same keys and tensors.

use half::f16;

/// Alignment of tensor data in bytes.
const ALIGNMENT: usize = 32;

/// Numbers per block of Q8_0.
pub(super) const BLOCK: usize = 32;

/// A value of the header.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    Text(String),
    Integers(Vec<i32>),
    Texts(Vec<String>),
}

/// GGUF's value types.
mod kind {
    pub(super) const U32: u32 = 4;
    pub(super) const I32: u32 = 5;
    pub(super) const F32: u32 = 6;
    pub(super) const BOOL: u32 = 7;
    pub(super) const STRING: u32 = 8;
    pub(super) const ARRAY: u32 = 9;
}

/// Storage type of a tensor, with ggml's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    F32 = 0,
    F16 = 1,
    /// Blocks of 32 numbers: a scale in F16, then 8 bits per number. Each row has whole blocks.
    Q8_0 = 8,
}

/// The numbers of a tensor, row by row.
#[derive(Debug, Clone)]
pub(super) enum Numbers<'a> {
    /// 32-bit floats, stored as F32.
    Floats(Vec<f32>),
    /// 16-bit floats, little endian, and their storage type.
    Halves(&'a [u8], Encoding),
}

impl Numbers<'_> {
    fn encoding(&self) -> Encoding {
        match self {
            Self::Floats(_) => Encoding::F32,
            Self::Halves(_, encoding) => *encoding,
        }
    }

    fn stored_bytes(&self) -> usize {
        match self {
            Self::Floats(numbers) => 4 * numbers.len(),
            Self::Halves(halves, Encoding::F32) => 2 * halves.len(),
            Self::Halves(halves, Encoding::F16) => halves.len(),
            Self::Halves(halves, Encoding::Q8_0) => halves.len() / (2 * BLOCK) * (2 + BLOCK),
        }
    }
}

/// A tensor with its name.
#[derive(Debug, Clone)]
pub(super) struct Tensor<'a> {
    pub(super) name: String,
    /// The last dimension is contiguous. The file lists the dimensions in reverse order.
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers<'a>,
}

/// The content of a file with these keys and tensors, in this order.
pub(super) fn file(keys: &[(String, Value)], tensors: &[Tensor<'_>]) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    put_u32(&mut file, 3);
    put_length(&mut file, tensors.len());
    put_length(&mut file, keys.len());
    for (key, value) in keys {
        put_text(&mut file, key);
        put_value(&mut file, value);
    }
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut file, &tensor.name);
        put_u32(&mut file, u32::try_from(tensor.shape.len()).unwrap_or(u32::MAX));
        for length in tensor.shape.iter().rev() {
            put_length(&mut file, *length);
        }
        put_u32(&mut file, tensor.numbers.encoding() as u32);
        put_length(&mut file, offset);
        offset += tensor.numbers.stored_bytes().next_multiple_of(ALIGNMENT);
    }
    pad(&mut file);
    file.reserve_exact(offset);
    let floats = Floats::new();
    for tensor in tensors {
        match &tensor.numbers {
            Numbers::Floats(numbers) => file.extend(numbers.iter().flat_map(|number| number.to_le_bytes())),
            Numbers::Halves(halves, Encoding::F32) => {
                file.extend(halves.chunks_exact(2).flat_map(|half| floats.of(half).to_le_bytes()));
            }
            Numbers::Halves(halves, Encoding::F16) => file.extend_from_slice(halves),
            Numbers::Halves(halves, Encoding::Q8_0) => {
                let mut block = [0.0; BLOCK];
                for halves in halves.chunks_exact(2 * BLOCK) {
                    for (number, half) in block.iter_mut().zip(halves.chunks_exact(2)) {
                        *number = floats.of(half);
                    }
                    let (scale, numbers) = q8_0(&block);
                    file.extend_from_slice(&scale);
                    file.extend_from_slice(&numbers);
                }
            }
        }
        pad(&mut file);
    }
    file
}

/// Quantises a block to Q8_0: the scale in F16, and the numbers divided by the scale, rounded half away from zero.
fn q8_0(block: &[f32; BLOCK]) -> ([u8; 2], [u8; BLOCK]) {
    let mut largest = 0.0_f32;
    for number in block {
        let size = number.abs();
        if size > largest {
            largest = size;
        }
    }
    let scale = largest / 127.0;
    let inverse = if scale == 0.0 { 0.0 } else { 1.0 / scale };
    let mut rounded = [0; BLOCK];
    for (byte, number) in rounded.iter_mut().zip(block) {
        *byte = ((number * inverse).round() as i8).cast_unsigned();
    }
    (f16::from_f32(scale).to_le_bytes(), rounded)
}

/// Table of all 16-bit floats as 32-bit floats, which is faster than converting each number in unoptimised builds.
struct Floats(Vec<f32>);

impl Floats {
    fn new() -> Self {
        Self((0..=u16::MAX).map(|bits| f16::from_bits(bits).to_f32()).collect())
    }

    /// The number of two bytes, little endian.
    fn of(&self, half: &[u8]) -> f32 {
        self.0[usize::from(half[0]) | usize::from(half[1]) << 8]
    }
}

fn put_value(file: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U32(number) => {
            put_u32(file, kind::U32);
            put_u32(file, *number);
        }
        Value::F32(number) => {
            put_u32(file, kind::F32);
            file.extend(number.to_le_bytes());
        }
        Value::Bool(truth) => {
            put_u32(file, kind::BOOL);
            file.push(u8::from(*truth));
        }
        Value::Text(text) => {
            put_u32(file, kind::STRING);
            put_text(file, text);
        }
        Value::Integers(numbers) => {
            put_array(file, kind::I32, numbers.len());
            file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        Value::Texts(texts) => {
            put_array(file, kind::STRING, texts.len());
            for text in texts {
                put_text(file, text);
            }
        }
    }
}

fn put_array(file: &mut Vec<u8>, kind: u32, length: usize) {
    put_u32(file, self::kind::ARRAY);
    put_u32(file, kind);
    put_length(file, length);
}

fn put_text(file: &mut Vec<u8>, text: &str) {
    put_length(file, text.len());
    file.extend_from_slice(text.as_bytes());
}

fn put_u32(file: &mut Vec<u8>, number: u32) {
    file.extend(number.to_le_bytes());
}

fn put_length(file: &mut Vec<u8>, length: usize) {
    file.extend((length as u64).to_le_bytes());
}

fn pad(file: &mut Vec<u8>) {
    file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
}

#[cfg(test)]
pub(super) mod testing {
    //! Reads written files.

    use super::*;
    use std::collections::BTreeMap;

    /// A tensor in a file, with the shape in the order of [`Tensor`].
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in super::super) struct Stored {
        pub(in super::super) shape: Vec<u64>,
        pub(in super::super) encoding: u32,
        pub(in super::super) data: Vec<u8>,
    }

    struct Reader<'a>(&'a [u8]);

    impl Reader<'_> {
        fn bytes<const N: usize>(&mut self) -> [u8; N] {
            let (taken, rest) = self.0.split_first_chunk().unwrap();
            self.0 = rest;
            *taken
        }
        fn u32(&mut self) -> u32 {
            u32::from_le_bytes(self.bytes())
        }
        fn u64(&mut self) -> u64 {
            u64::from_le_bytes(self.bytes())
        }
        fn text(&mut self) -> String {
            let length = usize::try_from(self.u64()).unwrap();
            let (text, rest) = self.0.split_at(length);
            self.0 = rest;
            String::from_utf8(text.to_vec()).unwrap()
        }
        fn value(&mut self) -> Value {
            match self.u32() {
                kind::U32 => Value::U32(self.u32()),
                kind::F32 => Value::F32(f32::from_le_bytes(self.bytes())),
                kind::BOOL => Value::Bool(self.bytes() == [1]),
                kind::STRING => Value::Text(self.text()),
                kind::ARRAY => match (self.u32(), self.u64()) {
                    (kind::I32, n) => {
                        Value::Integers((0..n).map(|_| i32::from_le_bytes(self.bytes())).collect())
                    }
                    (kind::STRING, n) => Value::Texts((0..n).map(|_| self.text()).collect()),
                    other => panic!("an array of {other:?}"),
                },
                other => panic!("a value of type {other}"),
            }
        }
    }

    /// The keys and tensors of a file.
    pub(in super::super) fn read(file: &[u8]) -> (BTreeMap<String, Value>, BTreeMap<String, Stored>) {
        let mut rest = Reader(file);
        assert_eq!(rest.bytes(), *b"GGUF");
        assert_eq!(rest.u32(), 3);
        let (tensors, keys) = (rest.u64(), rest.u64());
        let keys: BTreeMap<_, _> = (0..keys).map(|_| (rest.text(), rest.value())).collect();
        let infos: Vec<_> = (0..tensors)
            .map(|_| {
                let name = rest.text();
                let mut shape: Vec<u64> = (0..rest.u32()).map(|_| rest.u64()).collect();
                shape.reverse();
                (name, shape, rest.u32(), usize::try_from(rest.u64()).unwrap())
            })
            .collect();
        let data = &file[(file.len() - rest.0.len()).next_multiple_of(ALIGNMENT)..];
        let mut end = 0;
        let tensors = infos.into_iter().map(|(name, shape, encoding, offset)| {
            assert_eq!(offset, end, "{name}");
            let count = usize::try_from(shape.iter().product::<u64>()).unwrap();
            let bytes = match encoding {
                0 => 4 * count,
                1 => 2 * count,
                8 => count / 32 * 34,
                other => panic!("encoding {other}"),
            };
            end = (offset + bytes).next_multiple_of(ALIGNMENT);
            (name, Stored { shape, encoding, data: data[offset..offset + bytes].to_vec() })
        });
        let tensors = tensors.collect();
        assert_eq!(end, data.len());
        (keys, tensors)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(numbers: &[f32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| f16::from_f32(*number).to_le_bytes()).collect()
    }

    #[test]
    fn a_written_file_can_be_read() {
        let keys = [
            ("a.text".to_owned(), Value::Text("Ġé".into())),
            ("a.number".into(), Value::U32(7)),
            ("a.float".into(), Value::F32(-0.5)),
            ("a.truth".into(), Value::Bool(true)),
            ("a.integers".into(), Value::Integers(vec![-1, 2])),
            ("a.texts".into(), Value::Texts(vec!["".into(), "x".into()])),
        ];
        let stored = halves(&[1.0; 64]);
        let tensor = |name: &str, shape: &[usize], numbers| Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            numbers,
        };
        let tensors = [
            tensor("floats", &[3], Numbers::Floats(vec![0.0, 1.0, 2.0])),
            tensor("widened", &[2, 32], Numbers::Halves(&stored, Encoding::F32)),
            tensor("halves", &[1, 2, 32], Numbers::Halves(&stored, Encoding::F16)),
            tensor("blocks", &[2, 32], Numbers::Halves(&stored, Encoding::Q8_0)),
        ];
        let (read_keys, read_tensors) = testing::read(&file(&keys, &tensors));
        assert_eq!(read_keys, keys.into_iter().collect());
        assert_eq!(read_tensors["floats"].data, [0.0_f32, 1.0, 2.0].map(f32::to_le_bytes).concat());
        assert_eq!(read_tensors["widened"].data, [1.0_f32; 64].map(f32::to_le_bytes).concat());
        assert_eq!((&read_tensors["halves"].data, &read_tensors["halves"].shape), (&stored, &vec![1, 2, 32]));
        let block = [f16::from_f32(1.0 / 127.0).to_le_bytes().as_slice(), &[127; 32]].concat();
        assert_eq!(read_tensors["blocks"].data, block.repeat(2));
    }

    #[test]
    fn numbers_are_rounded_half_away_from_zero() {
        let mut block = [0.0; BLOCK];
        // With 127 as the largest number the scale is 1.
        let cases = [
            (127.0, 127),
            (0.5, 1),
            (-0.5, -1),
            (1.5, 2),
            (2.5, 3),
            (-2.5, -3),
            (0.499_999_97, 0),
            (-126.4, -126),
            (-126.6, -127),
        ];
        for (number, (from, _)) in block.iter_mut().zip(cases) {
            *number = from;
        }
        let (scale, rounded) = q8_0(&block);
        assert_eq!(scale, f16::ONE.to_le_bytes());
        for (byte, (from, to)) in rounded.iter().zip(cases) {
            assert_eq!(byte.cast_signed(), to, "{from}");
        }
    }

    #[test]
    fn the_scale_belongs_to_the_number_furthest_from_zero() {
        let mut block = [0.25; BLOCK];
        block[7] = -1.0;
        let (scale, rounded) = q8_0(&block);
        assert_eq!(scale, f16::from_f32(1.0 / 127.0).to_le_bytes());
        assert_eq!((rounded[7].cast_signed(), rounded[8].cast_signed()), (-127, 32));
        assert_eq!(q8_0(&[0.0; BLOCK]), ([0; 2], [0; BLOCK]));
    }
}
