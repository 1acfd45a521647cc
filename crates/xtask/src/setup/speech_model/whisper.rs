//! Converts Whisper models from the CTranslate2 format to the GGUF layout that `transcribe-cpp` 0.4 loads.
//!
//! Vectors, position embeddings and the tables of the frontend are F32, convolutions F16, matrices Q8_0. CTranslate2
//! keeps query, key and value of an attention in one matrix; here each is a tensor of its own.

mod header;

use super::ctranslate2::{Halves, Model};
use super::frontend;
use super::gguf::{self, BLOCK, Encoding, Numbers, Tensor};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value as Json;
use std::collections::HashMap;

/// The files that a model is converted from.
pub(super) struct Original {
    /// `model.bin` of CTranslate2.
    pub(super) model: Vec<u8>,
    /// `config.json` of CTranslate2.
    pub(super) config: Json,
    /// `tokenizer.json` of the Python package `tokenizers`.
    pub(super) tokenizer: Json,
    /// The tokens by number. There may be more than the model has embeddings.
    pub(super) vocabulary: Vec<String>,
}

/// Number of tokens of an English-only model; multilingual models have more.
const ENGLISH_ONLY_TOKENS: usize = 51_864;

/// The content of the GGUF file of the model `name`, such as `whisper-base`, with an encoder context of `context_s`
/// seconds.
pub(super) fn convert(original: &Original, name: &str, context_s: u32) -> Result<Vec<u8>> {
    let model = Model::read(&original.model)?;
    let sizes = Sizes::of(&model)?;
    let tokens = Tokens::of(original, sizes.vocabulary)?;
    let keys = header::keys(original, &sizes, &tokens, name, context_s)?;
    let tensors = Layout::of(&model, &sizes)?;
    Ok(gguf::file(&keys, &tensors))
}

struct Sizes {
    encoder: Side,
    decoder: Side,
    vocabulary: usize,
    width: usize,
    mels: u32,
}

/// Encoder or decoder.
struct Side {
    layers: u32,
    heads: u32,
    /// Width of the feed-forward layers.
    inner: usize,
    positions: usize,
}

impl Sizes {
    fn of(model: &Model<'_>) -> Result<Self> {
        let side = |side: &str| -> Result<Side> {
            let there = |layer: &u32| model.has(&format!("{side}/layer_{layer}/ffn/linear_0/weight"));
            Ok(Side {
                layers: u32::try_from((0..).take_while(there).count())?,
                heads: model.number(&format!("{side}/num_heads"))?,
                inner: dimension(model, &format!("{side}/layer_0/ffn/linear_0/weight"), 0)?,
                positions: dimension(model, &format!("{side}/position_encodings/encodings"), 0)?,
            })
        };
        let embeddings = "decoder/embeddings/weight";
        let mels = dimension(model, "encoder/conv1/weight", 1)?;
        ensure!(matches!(mels, 80 | 128), "the model takes {mels} mel bands: Whisper's take 80 or 128");
        Ok(Self {
            encoder: side("encoder")?,
            decoder: side("decoder")?,
            vocabulary: dimension(model, embeddings, 0)?,
            width: dimension(model, embeddings, 1)?,
            mels: u32::try_from(mels)?,
        })
    }
}

fn dimension(model: &Model<'_>, name: &str, which: usize) -> Result<usize> {
    let shape = model.halves(name)?.shape;
    shape
        .get(which)
        .copied()
        .with_context(|| format!("{name} of the model has only {} dimensions", shape.len()))
}

struct Tokens {
    /// The text of each token; as many as the model has embeddings.
    texts: Vec<String>,
    numbers: HashMap<String, usize>,
    merges: Vec<String>,
}

impl Tokens {
    fn of(original: &Original, count: usize) -> Result<Self> {
        let mut texts = original.vocabulary.clone();
        ensure!(texts.len() >= count, "the vocabulary has {} tokens for {count} embeddings", texts.len());
        texts.truncate(count);
        // The vocabulary has placeholders for added tokens.
        for added in list(&original.tokenizer["added_tokens"], "added_tokens")? {
            let number = added["id"].as_u64().and_then(|number| usize::try_from(number).ok());
            let (Some(number), Some(text)) = (number, added["content"].as_str()) else {
                bail!("an added token of the tokenizer is not as expected: {added}");
            };
            if let Some(token) = texts.get_mut(number) {
                text.clone_into(token);
            }
        }
        let numbers = texts.iter().enumerate().map(|(number, text)| (text.clone(), number)).collect();
        let merges = list(&original.tokenizer["model"]["merges"], "merges")?;
        let merges = merges.iter().map(merge).collect::<Result<_>>()?;
        Ok(Self { texts, numbers, merges })
    }

    fn number(&self, text: &str) -> Result<usize> {
        self.numbers.get(text).copied().with_context(|| format!("the model has no token {text}"))
    }

    fn is_multilingual(&self) -> bool {
        self.texts.len() > ENGLISH_ONLY_TOKENS
    }

    /// The codes of the languages, in the order of their tokens.
    fn languages(&self) -> Result<Vec<String>> {
        if !self.is_multilingual() {
            return Ok(vec!["en".into()]);
        }
        let languages = self.texts.get(self.number("<|en|>")?..self.number("<|translate|>")?);
        let languages =
            languages.context("the language tokens are not between `<|en|>` and `<|translate|>`")?;
        let code = |token: &String| {
            let code = token.strip_prefix("<|").and_then(|rest| rest.strip_suffix("|>"));
            code.map(str::to_owned).with_context(|| format!("{token} is not a language token"))
        };
        languages.iter().map(code).collect()
    }
}

/// A merge of two token parts as text `a b`. The JSON has it as `["a", "b"]`, in the older form as `"a b"`.
fn merge(pair: &Json) -> Result<String> {
    if let Some(pair) = pair.as_str() {
        return Ok(pair.to_owned());
    }
    match pair.as_array().map(Vec::as_slice) {
        Some([Json::String(first), Json::String(second)]) => Ok(format!("{first} {second}")),
        _ => bail!("a merge of the tokenizer is not as expected: {pair}"),
    }
}

fn list<'a>(json: &'a Json, what: &str) -> Result<&'a [Json]> {
    json.as_array().map(Vec::as_slice).with_context(|| format!("there is no list of {what}"))
}

/// The tensors of a model in the order of the file.
struct Layout<'a, 'm> {
    model: &'m Model<'a>,
    width: usize,
    tensors: Vec<Tensor<'a>>,
}

impl<'a> Layout<'a, '_> {
    fn of(model: &Model<'a>, sizes: &Sizes) -> Result<Vec<Tensor<'a>>> {
        let mut layout = Layout { model, width: sizes.width, tensors: Vec::new() };
        let filters = frontend::mel_filters(sizes.mels);
        let bins = filters.len() / sizes.mels as usize;
        layout.floats("frontend.mel_filterbank", vec![sizes.mels as usize, bins], filters);
        layout.floats("frontend.window", vec![frontend::FRAME as usize], frontend::window());

        layout.pair("enc.conv.0", "encoder/conv1")?;
        layout.pair("enc.conv.1", "encoder/conv2")?;
        layout.whole("enc.pos_emb.weight", "encoder/position_encodings/encodings")?;
        layout.norm("enc.final_norm", "encoder")?;
        for layer in 0..sizes.encoder.layers {
            let (name, source) = (format!("enc.blocks.{layer}"), format!("encoder/layer_{layer}"));
            layout.norm(&format!("{name}.norm_attn"), &format!("{source}/self_attention"))?;
            layout.self_attention(&format!("{name}.attn"), &format!("{source}/self_attention"))?;
            layout.feed_forward(&name, &source)?;
        }

        layout.whole("dec.token_embd.weight", "decoder/embeddings/weight")?;
        layout.whole("dec.pos_emb.weight", "decoder/position_encodings/encodings")?;
        layout.norm("dec.final_norm", "decoder")?;
        for layer in 0..sizes.decoder.layers {
            let (name, source) = (format!("dec.blocks.{layer}"), format!("decoder/layer_{layer}"));
            layout.norm(&format!("{name}.norm_self"), &format!("{source}/self_attention"))?;
            layout.self_attention(&format!("{name}.self_attn"), &format!("{source}/self_attention"))?;
            layout.norm(&format!("{name}.norm_cross"), &format!("{source}/attention"))?;
            layout.cross_attention(&format!("{name}.cross_attn"), &format!("{source}/attention"))?;
            layout.feed_forward(&name, &source)?;
        }
        Ok(layout.tensors)
    }

    fn floats(&mut self, name: &str, shape: Vec<usize>, numbers: Vec<f32>) {
        self.tensors.push(Tensor { name: name.into(), shape, numbers: Numbers::Floats(numbers) });
    }

    fn put(&mut self, name: String, weights: Halves<'a>) -> Result<()> {
        let encoding = match weights.shape.as_slice() {
            _ if name.contains("pos_emb") => Encoding::F32,
            [_] => Encoding::F32,
            [_, _, _] => Encoding::F16,
            [_, columns] if columns.is_multiple_of(BLOCK) => Encoding::Q8_0,
            other => bail!("{name} has the shape {other:?}: its rows are no whole blocks of {BLOCK}"),
        };
        self.tensors.push(Tensor {
            name,
            shape: weights.shape,
            numbers: Numbers::Halves(weights.data, encoding),
        });
        Ok(())
    }

    fn whole(&mut self, name: &str, source: &str) -> Result<()> {
        let weights = self.model.halves(source)?;
        self.put(name.into(), weights)
    }

    fn pair(&mut self, name: &str, source: &str) -> Result<()> {
        self.whole(&format!("{name}.weight"), &format!("{source}/weight"))?;
        self.whole(&format!("{name}.bias"), &format!("{source}/bias"))
    }

    fn norm(&mut self, name: &str, source: &str) -> Result<()> {
        self.whole(&format!("{name}.weight"), &format!("{source}/layer_norm/gamma"))?;
        self.whole(&format!("{name}.bias"), &format!("{source}/layer_norm/beta"))
    }

    fn feed_forward(&mut self, name: &str, source: &str) -> Result<()> {
        self.norm(&format!("{name}.norm_ffn"), &format!("{source}/ffn"))?;
        self.pair(&format!("{name}.ffn.fc1"), &format!("{source}/ffn/linear_0"))?;
        self.pair(&format!("{name}.ffn.fc2"), &format!("{source}/ffn/linear_1"))
    }

    /// `linear_0` holds query, key and value; `linear_1` is the output projection.
    fn self_attention(&mut self, name: &str, source: &str) -> Result<()> {
        self.split(name, &format!("{source}/linear_0"), &["q", "k", "v"])?;
        self.pair(&format!("{name}.out"), &format!("{source}/linear_1"))
    }

    /// `linear_0` holds the query, `linear_1` key and value; `linear_2` is the output projection.
    fn cross_attention(&mut self, name: &str, source: &str) -> Result<()> {
        self.split(name, &format!("{source}/linear_0"), &["q"])?;
        self.split(name, &format!("{source}/linear_1"), &["k", "v"])?;
        self.pair(&format!("{name}.out"), &format!("{source}/linear_2"))
    }

    /// Splits a matrix into parts of equal height. Whisper's key projection has no bias; CTranslate2 stores zeros for it.
    fn split(&mut self, name: &str, source: &str, parts: &[&str]) -> Result<()> {
        let weights = self.model.halves(&format!("{source}/weight"))?;
        let biases = self.model.halves(&format!("{source}/bias"))?;
        let rows = parts.len() * self.width;
        ensure!(
            weights.shape == [rows, self.width] && biases.shape == [rows],
            "{source} of the model has the shapes {:?} and {:?}",
            weights.shape,
            biases.shape
        );
        for (i, part) in parts.iter().enumerate() {
            let bias = biases.rows(i * self.width, self.width)?;
            self.put(format!("{name}.{part}.weight"), weights.rows(i * self.width, self.width)?)?;
            if *part != "k" {
                self.put(format!("{name}.{part}.bias"), bias)?;
            } else if bias.data.chunks(2).any(|half| !matches!(half, [0, 0 | 0x80])) {
                bail!("the keys of {source} have a bias");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ctranslate2::testing::{Written, model_file};
    use super::super::gguf::Value;
    use super::super::gguf::testing::{Stored, read};
    use super::*;
    use half::f16;
    use serde_json::json;

    const WIDTH: u32 = 32;
    const MELS: u32 = 80;

    /// Gives the value of all weights in a row: from the variable's name and the row number.
    type Fill = fn(&str, u32) -> f32;

    fn plain(name: &str, row: u32) -> f32 {
        // The keys have no bias.
        let keys = if name.contains("self_attention/linear_0") {
            WIDTH..2 * WIDTH
        } else if name.contains("/attention/linear_1") {
            0..WIDTH
        } else {
            0..0
        };
        if name.ends_with("/bias") && keys.contains(&row) { 0.0 } else { 1.0 + (row / WIDTH) as f32 }
    }

    /// One layer in encoder and decoder, with `tokens` tokens.
    fn variables(tokens: u32, fill: Fill) -> Vec<Written> {
        let mut all = Vec::new();
        let mut put = |name: &str, shape: &[u32]| {
            let columns: u32 = shape[1..].iter().product();
            let numbers = (0..shape[0]).flat_map(|row| vec![fill(name, row); columns as usize]);
            let data = numbers.flat_map(|number| f16::from_f32(number).to_le_bytes()).collect();
            all.push(Written { name: name.into(), shape: shape.to_vec(), element: 4, data });
        };
        let mut linear = |name: &str, outputs: u32, inputs: &[u32]| {
            put(&format!("{name}/weight"), &[&[outputs], inputs].concat());
            put(&format!("{name}/bias"), &[outputs]);
        };
        linear("encoder/conv1", WIDTH, &[MELS, 3]);
        linear("encoder/conv2", WIDTH, &[WIDTH, 3]);
        for side in ["encoder", "decoder"] {
            let layer = format!("{side}/layer_0");
            linear(&format!("{layer}/self_attention/linear_0"), 3 * WIDTH, &[WIDTH]);
            linear(&format!("{layer}/self_attention/linear_1"), WIDTH, &[WIDTH]);
            linear(&format!("{layer}/ffn/linear_0"), 2 * WIDTH, &[WIDTH]);
            linear(&format!("{layer}/ffn/linear_1"), WIDTH, &[2 * WIDTH]);
        }
        linear("decoder/layer_0/attention/linear_0", WIDTH, &[WIDTH]);
        linear("decoder/layer_0/attention/linear_1", 2 * WIDTH, &[WIDTH]);
        linear("decoder/layer_0/attention/linear_2", WIDTH, &[WIDTH]);
        for norm in [
            "encoder",
            "encoder/layer_0/self_attention",
            "encoder/layer_0/ffn",
            "decoder",
            "decoder/layer_0/self_attention",
            "decoder/layer_0/attention",
            "decoder/layer_0/ffn",
        ] {
            put(&format!("{norm}/layer_norm/gamma"), &[WIDTH]);
            put(&format!("{norm}/layer_norm/beta"), &[WIDTH]);
        }
        put("encoder/position_encodings/encodings", &[12, WIDTH]);
        put("decoder/position_encodings/encodings", &[6, WIDTH]);
        put("decoder/embeddings/weight", &[tokens, WIDTH]);
        for side in ["encoder", "decoder"] {
            all.push(integer(&format!("{side}/num_heads"), 2, &[2, 0]));
        }
        all
    }

    fn integer(name: &str, element: u8, data: &[u8]) -> Written {
        Written { name: name.into(), shape: Vec::new(), element, data: data.to_vec() }
    }

    fn original(variables: &[Written], vocabulary: Vec<String>, added: &[(usize, &str)]) -> Original {
        let added: Vec<Json> =
            added.iter().map(|(id, content)| json!({"id": id, "content": content})).collect();
        Original {
            model: model_file(variables),
            config: json!({"suppress_ids": [1, 2], "suppress_ids_begin": [0, 7]}),
            tokenizer: json!({"added_tokens": added, "model": {"merges": ["a b", ["c", "d"]]}}),
            vocabulary,
        }
    }

    /// A model with ten tokens: four of speech, the end, and the decoder's control tokens.
    const SPECIAL: [(usize, &str); 6] = [
        (4, "<|endoftext|>"),
        (5, "<|startoftranscript|>"),
        (6, "<|translate|>"),
        (7, "<|transcribe|>"),
        (8, "<|startofprev|>"),
        (9, "<|notimestamps|>"),
    ];

    fn small(variables: &[Written]) -> Original {
        let vocabulary = ["a", "b", "c", "d", "", "", "", "", "", "", "one too many"].map(str::to_owned);
        original(variables, vocabulary.to_vec(), &SPECIAL)
    }

    fn f32s(stored: &Stored) -> Vec<f32> {
        stored.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }

    /// The first number of a matrix in Q8_0.
    fn first_of_blocks(stored: &Stored) -> f32 {
        let scale = f16::from_le_bytes([stored.data[0], stored.data[1]]).to_f32();
        scale * f32::from(stored.data[2].cast_signed())
    }

    #[test]
    fn a_small_model_has_the_keys_and_tensors_that_the_library_expects() {
        let file = convert(&small(&variables(10, plain)), "whisper-none", 16).unwrap();
        let (keys, tensors) = read(&file);

        let text = |text: &str| Value::Text(text.into());
        let expected = [
            ("general.name", text("whisper-none")),
            ("general.repo_url", text("https://huggingface.co/openai/whisper-none")),
            ("general.languages", Value::Texts(vec!["en".into()])),
            ("stt.capability.translate", Value::Bool(false)),
            ("stt.whisper.encoder.n_layers", Value::U32(1)),
            ("stt.whisper.decoder.n_heads", Value::U32(2)),
            ("stt.whisper.encoder.d_model", Value::U32(WIDTH)),
            ("stt.whisper.encoder.ffn_dim", Value::U32(2 * WIDTH)),
            ("stt.whisper.encoder.max_source_positions", Value::U32(12)),
            ("stt.whisper.decoder.max_target_positions", Value::U32(6)),
            ("stt.whisper.decoder.vocab_size", Value::U32(10)),
            ("stt.whisper.no_timestamps_token_id", Value::U32(9)),
            ("stt.whisper.begin_suppress_tokens", Value::Integers(vec![0, 7])),
            ("stt.frontend.n_samples", Value::U32(256_000)),
            ("stt.frontend.nb_max_frames", Value::U32(1600)),
            ("stt.frontend.chunk_length", Value::U32(16)),
            ("tokenizer.ggml.eos_token_id", Value::U32(4)),
            ("tokenizer.ggml.merges", Value::Texts(vec!["a b".into(), "c d".into()])),
            ("tokenizer.ggml.token_type", Value::Integers(vec![1, 1, 1, 1, 3, 3, 3, 3, 3, 3])),
        ];
        for (key, value) in expected {
            assert_eq!(keys.get(key), Some(&value), "{key}");
        }
        let Value::Texts(tokens) = &keys["tokenizer.ggml.tokens"] else { panic!("no tokens") };
        assert_eq!((tokens.len(), &*tokens[3], &*tokens[4]), (10, "d", "<|endoftext|>"));

        let (width, mels) = (u64::from(WIDTH), u64::from(MELS));
        let expected: [(&str, &[u64], Encoding); 10] = [
            ("frontend.mel_filterbank", &[mels, 201], Encoding::F32),
            ("enc.conv.0.weight", &[width, mels, 3], Encoding::F16),
            ("enc.pos_emb.weight", &[12, width], Encoding::F32),
            ("enc.final_norm.bias", &[width], Encoding::F32),
            ("enc.blocks.0.attn.k.weight", &[width, width], Encoding::Q8_0),
            ("enc.blocks.0.ffn.fc2.weight", &[width, 2 * width], Encoding::Q8_0),
            ("dec.token_embd.weight", &[10, width], Encoding::Q8_0),
            ("dec.blocks.0.norm_cross.weight", &[width], Encoding::F32),
            ("dec.blocks.0.cross_attn.v.bias", &[width], Encoding::F32),
            ("dec.blocks.0.cross_attn.out.weight", &[width, width], Encoding::Q8_0),
        ];
        for (name, shape, encoding) in expected {
            let stored = &tensors[name];
            assert_eq!((stored.shape.as_slice(), stored.encoding), (shape, encoding as u32), "{name}");
        }
        // Parts of one matrix of CTranslate2.
        for (name, number) in [
            ("enc.blocks.0.attn.q.weight", 1.0),
            ("enc.blocks.0.attn.k.weight", 2.0),
            ("enc.blocks.0.attn.v.weight", 3.0),
            ("dec.blocks.0.cross_attn.q.weight", 1.0),
            ("dec.blocks.0.cross_attn.k.weight", 1.0),
            ("dec.blocks.0.cross_attn.v.weight", 2.0),
        ] {
            let found = first_of_blocks(&tensors[name]);
            assert!((found - number).abs() < 0.01, "{name}: {found}");
        }
        assert_eq!(f32s(&tensors["enc.blocks.0.attn.v.bias"]), [3.0; 32]);
        assert!(!tensors.contains_key("enc.blocks.0.attn.k.bias"));
        assert!(!tensors.contains_key("dec.blocks.0.cross_attn.k.bias"));
        assert_eq!(tensors.len(), 52);
    }

    #[test]
    fn flags_that_whisper_does_not_use_change_nothing() {
        let mut variables = variables(10, plain);
        let without = convert(&small(&variables), "whisper-none", 16).unwrap();
        for flag in ["decoder/alibi_use_positive_positions", "decoder/scale_alibi"] {
            variables.insert(0, integer(flag, 1, &[0]));
        }
        assert_eq!(convert(&small(&variables), "whisper-none", 16).unwrap(), without);
    }

    #[test]
    fn a_multilingual_model_lists_its_languages() {
        let count = u32::try_from(ENGLISH_ONLY_TOKENS).unwrap() + 1;
        let vocabulary = (0..count).map(|i| i.to_string()).collect();
        let (before, after) = SPECIAL.split_at(2);
        let mut added = before.to_vec();
        added.extend([(6, "<|en|>"), (7, "<|de|>"), (8, "<|yue|>")]);
        added.extend(after.iter().map(|(number, text)| (number + 3, *text)));
        let original = original(&variables(count, |_, _| 0.0), vocabulary, &added);
        let (keys, tensors) = read(&convert(&original, "whisper-none", 30).unwrap());
        let languages = ["en", "de", "yue"].map(str::to_owned).to_vec();
        assert_eq!(keys["general.languages"], Value::Texts(languages));
        assert_eq!(keys["stt.capability.lang_detect"], Value::Bool(true));
        assert_eq!(keys["stt.frontend.n_samples"], Value::U32(480_000));
        assert!(tensors["dec.token_embd.weight"].data.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn an_incomplete_model_is_refused() {
        let complete = variables(10, plain);
        convert(&small(&complete), "whisper-none", 16).unwrap();
        for left_out in 0..complete.len() {
            let mut variables = variables(10, plain);
            let name = variables.remove(left_out).name;
            let error = format!("{:#}", convert(&small(&variables), "whisper-none", 16).unwrap_err());
            assert!(error.contains(&name), "{name}: {error}");
        }
    }

    #[test]
    fn a_truncated_file_is_refused() {
        let whole = small(&variables(10, plain));
        for length in (0..whole.model.len()).step_by(97) {
            let mut cut = small(&[]);
            cut.model = whole.model[..length].to_vec();
            assert!(convert(&cut, "whisper-none", 16).is_err(), "{length} of {} bytes", whole.model.len());
        }
    }

    #[test]
    fn weights_of_another_kind_of_model_are_refused() {
        let error = |variables: &[Written]| {
            format!("{:#}", convert(&small(variables), "whisper-none", 16).unwrap_err())
        };
        let keys = error(&variables(10, |_, _| 1.0));
        assert!(keys.contains("have a bias"), "{keys}");
        for (name, shape, problem) in [
            ("encoder/conv1/weight", vec![1, 4_000_000, 1], "mel bands"),
            ("encoder/layer_0/self_attention/linear_0/weight", vec![8, 4, 96], "shapes"),
            ("decoder/embeddings/weight", vec![320], "dimensions"),
            ("decoder/layer_0/ffn/linear_1/weight", vec![64, 8, 2, 2], "whole blocks"),
            ("decoder/layer_0/ffn/linear_1/weight", vec![128, 16], "whole blocks"),
        ] {
            let mut variables = variables(10, plain);
            let variable = variables.iter_mut().find(|variable| variable.name == name).unwrap();
            variable.data.resize(2 * shape.iter().product::<u32>() as usize, 0);
            variable.shape = shape;
            let error = error(&variables);
            assert!(error.contains(problem), "{name}: {error}");
        }
    }

    #[test]
    fn tokens_that_do_not_fit_the_model_are_refused() {
        let variables = variables(10, plain);
        let refused = |change: fn(&mut Original), problem: &str| {
            let mut original = small(&variables);
            change(&mut original);
            let error = format!("{:#}", convert(&original, "whisper-none", 16).unwrap_err());
            assert!(error.contains(problem), "{error}");
        };
        refused(|it| it.vocabulary.truncate(9), "9 tokens for 10 embeddings");
        refused(|it| it.tokenizer["added_tokens"] = json!([{"id": -1, "content": "x"}]), "added token");
        refused(|it| it.tokenizer["added_tokens"] = json!([]), "no token <|endoftext|>");
        refused(|it| it.tokenizer["model"]["merges"] = json!([["a"]]), "merge");
        refused(|it| it.config = json!({}), "no list of suppress_ids");
        refused(|it| it.config["suppress_ids"] = json!([1e9, 0.5]), "no whole numbers");
    }
}
