//! The models that can be had: names, languages, sizes, hashes, addresses.
//!
//! The bundled data is `data/catalogue.json`; `data/README.md` says where it comes from and how a model is added. An
//! organisation's own file has the same form and is put beside it ([`Catalogue::with`]). What is said here about a
//! model is for choosing: what it can do, the engine reads from the model.

use crate::identity::{self, ModelId, Sha256, Slug};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use ureq::http::Uri;

const BUNDLED: &str = include_str!("../data/catalogue.json");
/// The form of the data that this program reads.
const FORMAT: u32 = 1;

/// Why a text is no catalogue. Each is a clause that makes sense after the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not JSON, or a field that is missing, unknown or of another type.
    #[error("it is not a catalogue of models: something is wrong in line {line}, column {column}")]
    Form {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the reader of the text said.
        #[source]
        source: serde_json::Error,
    },
    /// Made for another version of this program.
    #[error("it is of format {0}, and this program reads format 1")]
    Format(u32),
    /// No host, or one that is no address.
    #[error("“{0}” is not an address of a host: it begins with https:// or http:// and a name")]
    Host(String),
    /// Nothing could be downloaded.
    #[error("it names no host to download from")]
    NoHost,
    /// Two models of one slug.
    #[error("the model “{0}” is in it twice")]
    SlugTwice(Slug),
    /// Two files would be installed under one name.
    #[error("two files in it would both be installed as “{0}”")]
    FileTwice(ModelId),
    /// Something about one model cannot be right.
    #[error("the model “{slug}” cannot be used: {why}")]
    Model {
        /// Which.
        slug: Slug,
        /// A clause.
        why: String,
    },
}

/// The finest times that a model gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Timestamps {
    /// None: the times are those of the windows it is given.
    None,
    /// Of phrases.
    Segment,
    /// Of words.
    Word,
    /// Of parts of words.
    Token,
}

/// What a model is said to be able to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Writes English, whatever is spoken.
    pub translates: bool,
    /// Finds out by itself which language is spoken.
    pub detects_language: bool,
    /// Made for words as they are spoken.
    pub streams: bool,
    /// The finest times it gives.
    pub timestamps: Timestamps,
    /// How many speakers it tells apart at most; none: it does not, but writes words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tells_speakers: Option<u32>,
}

/// How long a model takes for an hour, roughly and compared with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speed {
    /// For any computer.
    Fast,
    /// For a computer with some cores, or patience.
    Medium,
    /// For a graphics processor, or a night.
    Slow,
}

impl Speed {
    /// Computed from the number of parameters and what the family does with them.
    ///
    /// The parameters count in full where a decoder that attends to everything before runs once per word (Whisper,
    /// Canary, language models), by a quarter where each moment of sound passes the encoder once and little follows
    /// (transducer and CTC models: Parakeet, GigaAM, SenseVoice, MedASR, Granite NAR and CTC, Sortformer), and by half
    /// in Moonshine, which computes only as long as the speech is instead of whole windows of 30 s. Up to 200 million
    /// such parameters are fast, up to 1,000 million medium, more are slow.
    #[must_use]
    pub fn of(architecture: &str, parameters_millions: u32) -> Self {
        let quarters = match architecture {
            "parakeet"
            | "gigaam"
            | "sensevoice"
            | "medasr"
            | "granite_speech_nar"
            | "granite_speech5_ctc"
            | "sortformer" => 1,
            "moonshine" | "moonshine_streaming" => 2,
            _ => 4,
        };
        match u64::from(parameters_millions) * quarters / 4 {
            0..=200 => Self::Fast,
            201..=1000 => Self::Medium,
            _ => Self::Slow,
        }
    }
}

/// One file of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The name it is installed under; its stem is the model's id.
    pub file_name: String,
    /// Where it is at the hub, if not under its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How its numbers are stored, as in `Q8_0`.
    pub quantisation: String,
    /// Its size; none: taken from the hub at the first download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_size: Option<u64>,
    /// Its hash; none: taken from the hub at the first download.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The published word error rate on the model's test set, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word_error_rate: Option<f64>,
    /// The published diarization error rate on the model's test set, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diarization_error_rate: Option<f64>,
    /// What sets it apart from the files of the same quantisation, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl File {
    /// What the file is called once it is here: the stem of its name.
    #[must_use]
    pub fn id(&self) -> ModelId {
        stem(&self.file_name)
            .and_then(|stem| stem.parse().ok())
            .expect("names of files are validated when parsed")
    }
}

/// A model, of which there are several files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What it is called in commands and links.
    pub slug: Slug,
    /// What it is called by people.
    pub title: String,
    /// What people call all of its kind.
    pub family: String,
    /// `general.architecture` of its files.
    pub architecture: String,
    /// How many parameters it has.
    pub parameters_millions: u32,
    /// The languages it knows, BCP 47; empty where language does not matter.
    pub languages: Vec<String>,
    /// What it is said to be able to do.
    pub capabilities: Capabilities,
    /// The name of its licence.
    pub licence: String,
    /// A sentence for those who might be caught out by the licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence_note: Option<String>,
    /// What the error rates of its files were measured on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_set: Option<String>,
    /// The model its files were made from, at the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_model: Option<String>,
    /// Where its files are at the hub.
    pub hub_id: String,
    /// Which state of that; none: the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The hosts it can be had from, in the order they are tried; empty in the data: those of the catalogue.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Its files.
    pub files: Vec<File>,
}

impl Model {
    /// How long it takes, compared with the others.
    #[must_use]
    pub fn speed(&self) -> Speed {
        Speed::of(&self.architecture, self.parameters_millions)
    }
}

/// A file of the catalogue with the model it is of.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// The model.
    pub model: &'a Model,
    /// The file.
    pub file: &'a File,
}

impl Offer<'_> {
    /// The path below every host: `<hub id>/resolve/<revision, or main>/<file>`.
    #[must_use]
    pub fn path(&self) -> String {
        let revision = self.model.revision.as_deref().unwrap_or("main");
        let file = self.file.path.as_deref().unwrap_or(&self.file.file_name);
        format!("{}/resolve/{revision}/{file}", self.model.hub_id)
    }

    /// Everywhere it can be had, in the order it is tried.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.model.hosts.iter().map(|host| format!("{host}/{}", self.path())).collect()
    }

    /// What a download needs to know.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            id: self.file.id(),
            file_name: self.file.file_name.clone(),
            hosts: self.model.hosts.clone(),
            path: self.path(),
            byte_size: self.file.byte_size,
            sha256: self.file.sha256,
            slug: Some(self.model.slug.clone()),
        }
    }
}

/// Models that can be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    as_of: String,
    hosts: Vec<String>,
    models: Vec<Model>,
}

/// The data as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    as_of: String,
    hosts: Vec<String>,
    models: Vec<Model>,
}

impl Catalogue {
    /// The one that comes with the program.
    #[must_use]
    pub fn bundled() -> Self {
        Self::parse(BUNDLED).expect("a test parses the bundled catalogue")
    }

    /// Reads the text of a catalogue and looks it over.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let written: Written = serde_json::from_str(text).map_err(|source| CatalogueError::Form {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        if written.format != FORMAT {
            return Err(CatalogueError::Format(written.format));
        }
        let hosts = written.hosts.into_iter().map(checked_host).collect::<Result<Vec<_>, _>>()?;
        let mut models = written.models;
        for model in &mut models {
            let own = std::mem::take(&mut model.hosts);
            model.hosts = if own.is_empty() {
                hosts.clone()
            } else {
                own.into_iter().map(checked_host).collect::<Result<_, _>>()?
            };
            if model.hosts.is_empty() {
                return Err(CatalogueError::NoHost);
            }
            check(model).map_err(|why| CatalogueError::Model { slug: model.slug.clone(), why })?;
        }
        let catalogue = Self { as_of: written.as_of, hosts, models };
        catalogue.check_names()?;
        Ok(catalogue)
    }

    /// The text that [`Self::parse`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let models = self.models.iter().cloned().map(|mut model| {
            if model.hosts == self.hosts {
                model.hosts.clear();
            }
            model
        });
        let written = Written {
            format: FORMAT,
            as_of: self.as_of.clone(),
            hosts: self.hosts.clone(),
            models: models.collect(),
        };
        serde_json::to_string_pretty(&written).expect("texts and numbers can be written")
    }

    /// Both together, each model with its own hosts. A model that is in both is taken from the other.
    ///
    /// # Errors
    /// If files of two models would be installed under one name.
    pub fn with(mut self, other: Self) -> Result<Self, CatalogueError> {
        let replaced: BTreeSet<Slug> = other.models.iter().map(|model| model.slug.clone()).collect();
        self.models.retain(|model| !replaced.contains(&model.slug));
        // Whoever keeps a catalogue of their own wants to see it first.
        self.models.splice(0..0, other.models);
        self.check_names()?;
        Ok(self)
    }

    /// The day its facts are of, as in `2026-08-17`.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// All models, in the order of the data.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// One model.
    #[must_use]
    pub fn model(&self, slug: &Slug) -> Option<&Model> {
        self.models.iter().find(|model| model.slug == *slug)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = Offer<'_>> {
        self.models.iter().flat_map(|model| model.files.iter().map(move |file| Offer { model, file }))
    }

    /// One file, by the id it has once it is installed.
    #[must_use]
    pub fn file(&self, id: &ModelId) -> Option<Offer<'_>> {
        self.files().find(|offer| stem(&offer.file.file_name) == Some(id.as_str()))
    }

    /// The file with this content, whatever somebody has called it.
    #[must_use]
    pub fn by_content(&self, sha256: &Sha256) -> Option<Offer<'_>> {
        self.files().find(|offer| offer.file.sha256.as_ref() == Some(sha256))
    }

    fn check_names(&self) -> Result<(), CatalogueError> {
        let mut slugs = BTreeSet::new();
        if let Some(twice) = self.models.iter().find(|model| !slugs.insert(&model.slug)) {
            return Err(CatalogueError::SlugTwice(twice.slug.clone()));
        }
        // File systems may not tell upper from lower case.
        let mut ids = BTreeMap::new();
        for id in self.files().map(|offer| offer.file.id()) {
            if ids.insert(id.as_str().to_lowercase(), ()).is_some() {
                return Err(CatalogueError::FileTwice(id));
            }
        }
        Ok(())
    }
}

/// The stem of a name that ends as models do.
pub(crate) fn stem(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".gguf").or_else(|| file_name.strip_suffix(".bin"))
}

/// A host, or a mirror's base, without a slash at the end.
pub(crate) fn checked_host(host: String) -> Result<String, CatalogueError> {
    let trimmed = host.trim_end_matches('/');
    let fits = Uri::from_str(trimmed).is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|name| !name.is_empty())
            && uri.query().is_none()
    });
    if fits && !trimmed.contains('#') { Ok(trimmed.to_owned()) } else { Err(CatalogueError::Host(host)) }
}

/// Whether this is `a/b` or longer, of safe names.
fn is_safe_path(path: &str) -> bool {
    path.split('/').all(identity::is_safe_name)
}

/// BCP 47 in the simple form that is used: `en`, `haw`, `pt-BR`, `zh-Hant`.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase()))
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A clause about the first thing that cannot be right.
fn check(model: &Model) -> Result<(), String> {
    let texts = [
        ("title", Some(&model.title)),
        ("family", Some(&model.family)),
        ("architecture", Some(&model.architecture)),
        ("licence", Some(&model.licence)),
        ("licence_note", model.licence_note.as_ref()),
        ("test_set", model.test_set.as_ref()),
        ("base_model", model.base_model.as_ref()),
    ];
    for (name, text) in texts {
        if text.is_some_and(|text| text.trim().is_empty() || text.chars().any(char::is_control)) {
            return Err(format!("its {name} is empty or has signs in it that cannot be shown"));
        }
    }
    if model.parameters_millions == 0 {
        return Err("it has no parameters".to_owned());
    }
    if let Some(tag) = model.languages.iter().find(|tag| !is_language(tag)) {
        return Err(format!("“{tag}” is not a language: write it as in en or pt-BR"));
    }
    let mut languages = BTreeSet::new();
    if let Some(tag) = model.languages.iter().find(|tag| !languages.insert(*tag)) {
        return Err(format!("the language “{tag}” is in it twice"));
    }
    if model.capabilities.tells_speakers == Some(0) {
        return Err("it cannot tell no speakers apart: leave the number out".to_owned());
    }
    if !is_safe_path(&model.hub_id) {
        return Err(format!("“{}” is not a place at the hub", model.hub_id));
    }
    if let Some(revision) = model.revision.as_ref().filter(|revision| !identity::is_safe_name(revision)) {
        return Err(format!("“{revision}” is not a revision"));
    }
    if model.files.is_empty() {
        return Err("it has no files".to_owned());
    }
    model
        .files
        .iter()
        .try_for_each(|file| check_file(file).map_err(|why| format!("{}: {why}", file.file_name)))
}

fn check_file(file: &File) -> Result<(), String> {
    let named = identity::is_safe_name(&file.file_name)
        && stem(&file.file_name).is_some_and(|stem| stem.parse::<ModelId>().is_ok());
    if !named {
        return Err(
            "this is not the name of a model's file: it ends with .gguf or .bin and has no slash".to_owned()
        );
    }
    if let Some(path) = file.path.as_ref().filter(|path| !is_safe_path(path)) {
        return Err(format!("“{path}” is not a path at the hub"));
    }
    if !identity::is_safe_name(&file.quantisation) {
        return Err(format!("“{}” is not a quantisation", file.quantisation));
    }
    if file.byte_size == Some(0) {
        return Err("its size is 0".to_owned());
    }
    for rate in [file.word_error_rate, file.diarization_error_rate].into_iter().flatten() {
        if !(0.0..=100.0).contains(&rate) {
            return Err(format!("an error rate of {rate} % cannot be"));
        }
    }
    if file.note.as_ref().is_some_and(|note| note.trim().is_empty() || note.chars().any(char::is_control)) {
        return Err("its note is empty or has signs in it that cannot be shown".to_owned());
    }
    Ok(())
}

/// A file to download; made by [`crate::catalogue::Offer::wanted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it will be called.
    pub id: ModelId,
    /// The name it is installed under.
    pub file_name: String,
    /// Hosts it can be had from, without a slash at the end, in the order they are tried.
    pub hosts: Vec<String>,
    /// The path below each host, without a slash first.
    pub path: String,
    /// Its size, if known.
    pub byte_size: Option<u64>,
    /// Its hash, if known.
    pub sha256: Option<Sha256>,
    /// The model of the catalogue it is.
    pub slug: Option<Slug>,
}
