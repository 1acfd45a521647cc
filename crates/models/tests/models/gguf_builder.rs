//! Builds small GGUF files.

/// A metadata value.
pub(crate) enum Value {
    Text(&'static str),
    Texts(Vec<&'static str>),
    U32(u32),
    I32(i32),
    U64(u64),
    F32s(Vec<f32>),
}

/// The content of a GGUF file.
pub(crate) struct Gguf {
    pub(crate) version: u32,
    pub(crate) values: Vec<(&'static str, Value)>,
    /// Name, dimensions, type, bytes.
    pub(crate) tensors: Vec<(&'static str, Vec<u64>, u32, u64)>,
}

impl Gguf {
    /// A model of this architecture with two tensors.
    pub(crate) fn of(architecture: &'static str) -> Self {
        Self {
            version: 3,
            values: vec![
                ("general.architecture", Value::Text(architecture)),
                ("general.name", Value::Text("A small model")),
                ("general.languages", Value::Texts(vec!["en", "de"])),
                ("stt.variant", Value::Text("small")),
                ("stt.layers", Value::U32(2)),
                ("stt.filters", Value::F32s(vec![0.5; 7])),
                ("tokenizer.ggml.tokens", Value::Texts(vec!["a", "bc", ""])),
            ],
            tensors: vec![("encoder.weight", vec![32, 4], 8, 136), ("decoder.bias", vec![5], 0, 20)],
        }
    }

    /// Adds the numbers of an encoder context, in the place and order of published files.
    pub(crate) fn with_context(mut self, [samples, frames, seconds]: [u32; 3]) -> Self {
        let numbers = [
            ("stt.frontend.chunk_length", Value::U32(seconds)),
            ("stt.frontend.n_samples", Value::U32(samples)),
            ("stt.frontend.nb_max_frames", Value::U32(frames)),
        ];
        self.values.splice(4..4, numbers);
        self
    }

    /// The bytes of the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(self.version.to_le_bytes());
        file.extend((self.tensors.len() as u64).to_le_bytes());
        file.extend((self.values.len() as u64).to_le_bytes());
        for (key, value) in &self.values {
            text(&mut file, key);
            match value {
                Value::Text(value) => {
                    file.extend(8_u32.to_le_bytes());
                    text(&mut file, value);
                }
                Value::Texts(values) => {
                    file.extend(9_u32.to_le_bytes());
                    file.extend(8_u32.to_le_bytes());
                    file.extend((values.len() as u64).to_le_bytes());
                    values.iter().for_each(|value| text(&mut file, value));
                }
                Value::U32(value) => {
                    file.extend(4_u32.to_le_bytes());
                    file.extend(value.to_le_bytes());
                }
                Value::I32(value) => {
                    file.extend(5_u32.to_le_bytes());
                    file.extend(value.to_le_bytes());
                }
                Value::U64(value) => {
                    file.extend(10_u32.to_le_bytes());
                    file.extend(value.to_le_bytes());
                }
                Value::F32s(values) => {
                    file.extend(9_u32.to_le_bytes());
                    file.extend(6_u32.to_le_bytes());
                    file.extend((values.len() as u64).to_le_bytes());
                    values.iter().for_each(|value| file.extend(value.to_le_bytes()));
                }
            }
        }
        let mut offset = 0_u64;
        for (name, dimensions, kind, size) in &self.tensors {
            text(&mut file, name);
            file.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|dimension| file.extend(dimension.to_le_bytes()));
            file.extend(kind.to_le_bytes());
            file.extend(offset.to_le_bytes());
            offset = (offset + size).next_multiple_of(32);
        }
        file.resize(file.len().next_multiple_of(32), 0);
        let mut state = 1_u64;
        for (_, _, _, size) in &self.tensors {
            for _ in 0..*size {
                // Pseudo-random, so that no two parts of the file are alike.
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                file.push((state >> 56) as u8);
            }
            file.resize(file.len().next_multiple_of(32), 0);
        }
        file
    }
}

/// Encoder context of published models and of our copies: samples, frames and seconds.
pub(crate) const PUBLISHED: [u32; 3] = [480_000, 3_000, 30];
pub(crate) const TRIMMED: [u32; 3] = [256_000, 1_600, 16];

/// Positions of the numbers of the encoder context.
pub(crate) fn context_places(bytes: &[u8]) -> [usize; 3] {
    ["stt.frontend.n_samples", "stt.frontend.nb_max_frames", "stt.frontend.chunk_length"].map(|key| {
        let place = bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
        place + key.len() + 4
    })
}

/// The same file with another encoder context.
pub(crate) fn with_context(bytes: &[u8], numbers: [u32; 3]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, number) in context_places(&bytes).into_iter().zip(numbers) {
        bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

/// A Whisper model of this size with the published encoder context.
pub(crate) fn published(megabytes: u64) -> Vec<u8> {
    let mut gguf = Gguf::of("whisper").with_context(PUBLISHED);
    gguf.tensors.push(("encoder.large", vec![1024, 256, megabytes], 0, megabytes << 20));
    gguf.bytes()
}

/// A Whisper model of this size without an encoder context.
pub(crate) fn model(megabytes: u64) -> Vec<u8> {
    let mut gguf = Gguf::of("whisper");
    gguf.tensors.push(("encoder.large", vec![1024, 256, megabytes], 0, megabytes << 20));
    gguf.bytes()
}

fn text(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.as_bytes());
}
