//! The catalogue: the models that can be downloaded, with their languages, sizes, hashes and addresses.
//!
//! The bundled data is `data/catalogue.json`; `data/README.md` says where it comes from and how a model is added. An
//! organisation's own file has the same format and is added to it ([`Catalogue::with`]). What the catalogue says about
//! a model only helps to choose one: the engine reads from the model what it can do.

mod check;
mod model;

use crate::identity::{ModelId, Sha256, Slug};
use check::check_model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;
use ureq::http::Uri;

pub use model::{Capabilities, File, Model, Speed, Timestamps};

const BUNDLED: &str = include_str!("../data/catalogue.json");
/// The format version that this program reads.
const FORMAT: u32 = 1;

/// Why a text is not a valid catalogue. Each text is a clause to follow the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// Not JSON, or a field is missing, unknown or of the wrong type.
    #[error("it is not a catalogue of models: there is an error in line {line}, column {column}")]
    Syntax {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The error of the JSON parser.
        #[source]
        source: serde_json::Error,
    },
    /// Another format version.
    #[error("it has format {0}, and this program reads format 1")]
    Format(u32),
    /// A host that is not a valid address.
    #[error("“{0}” is not the address of a host: it must begin with https:// or http://, then a name")]
    Host(String),
    /// Neither the catalogue nor a model has a host.
    #[error("it names no host to download from")]
    NoHost,
    /// Two models have the same slug.
    #[error("the model “{0}” is in it twice")]
    SlugTwice(Slug),
    /// Two files have the same id.
    #[error("two files in it would both be installed as “{0}”")]
    FileTwice(ModelId),
    /// A field of a model is invalid.
    #[error("the model “{slug}” cannot be used: {why}")]
    Model {
        /// The model's slug.
        slug: Slug,
        /// A clause that says what is invalid.
        why: String,
    },
}

/// A downloadable file of the catalogue, with its model.
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

    /// The file's address at each host, in the order they are tried.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.model.hosts.iter().map(|host| format!("{host}/{}", self.path())).collect()
    }

    /// The request for [`crate::download()`].
    #[must_use]
    pub fn download_request(&self) -> DownloadRequest {
        DownloadRequest {
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

/// A list of downloadable models.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    as_of: String,
    hosts: Vec<String>,
    models: Vec<Model>,
}

/// The catalogue's JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    format: u32,
    as_of: String,
    hosts: Vec<String>,
    models: Vec<Model>,
}

impl Catalogue {
    /// The catalogue that is compiled into the program.
    #[must_use]
    pub fn bundled() -> Self {
        Self::parse(BUNDLED).expect("a test parses the bundled catalogue")
    }

    /// Parses and checks the JSON text of a catalogue.
    ///
    /// # Errors
    /// The first error that is found.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let data: Data = serde_json::from_str(text).map_err(|source| CatalogueError::Syntax {
            line: source.line(),
            column: source.column(),
            source,
        })?;
        if data.format != FORMAT {
            return Err(CatalogueError::Format(data.format));
        }
        let hosts = data.hosts.into_iter().map(checked_host).collect::<Result<Vec<_>, _>>()?;
        let mut models = data.models;
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
            check_model(model).map_err(|why| CatalogueError::Model { slug: model.slug.clone(), why })?;
        }
        let catalogue = Self { as_of: data.as_of, hosts, models };
        catalogue.check_names()?;
        Ok(catalogue)
    }

    /// The JSON text that [`Self::parse`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let models = self.models.iter().cloned().map(|mut model| {
            if model.hosts == self.hosts {
                model.hosts.clear();
            }
            model
        });
        let data = Data {
            format: FORMAT,
            as_of: self.as_of.clone(),
            hosts: self.hosts.clone(),
            models: models.collect(),
        };
        serde_json::to_string_pretty(&data).expect("texts and numbers can be written")
    }

    /// Merges another catalogue into this one; each model keeps the hosts of its catalogue. A model of the other
    /// catalogue replaces the one with the same slug, with all its files.
    ///
    /// # Errors
    /// If files of two models have the same id.
    pub fn with(mut self, other: Self) -> Result<Self, CatalogueError> {
        let replaced: BTreeSet<Slug> = other.models.iter().map(|model| model.slug.clone()).collect();
        self.models.retain(|model| !replaced.contains(&model.slug));
        // An organisation's own models are listed first.
        self.models.splice(0..0, other.models);
        self.check_names()?;
        Ok(self)
    }

    /// The date of the data, as in `2026-08-17`.
    #[must_use]
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// All models, in the order of the file.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model with this slug.
    #[must_use]
    pub fn model(&self, slug: &Slug) -> Option<&Model> {
        self.models.iter().find(|model| model.slug == *slug)
    }

    /// The files of all models.
    pub fn files(&self) -> impl Iterator<Item = Offer<'_>> {
        self.models.iter().flat_map(|model| model.files.iter().map(move |file| Offer { model, file }))
    }

    /// The file with this model id.
    #[must_use]
    pub fn file(&self, id: &ModelId) -> Option<Offer<'_>> {
        self.files().find(|offer| stem(&offer.file.file_name) == Some(id.as_str()))
    }

    /// The file with this hash, whatever its name.
    #[must_use]
    pub fn by_content(&self, sha256: &Sha256) -> Option<Offer<'_>> {
        self.files().find(|offer| offer.file.sha256.as_ref() == Some(sha256))
    }

    fn check_names(&self) -> Result<(), CatalogueError> {
        let mut slugs = BTreeSet::new();
        if let Some(twice) = self.models.iter().find(|model| !slugs.insert(&model.slug)) {
            return Err(CatalogueError::SlugTwice(twice.slug.clone()));
        }
        // Some file systems ignore case.
        let mut ids = BTreeSet::new();
        for id in self.files().map(|offer| offer.file.id()) {
            if !ids.insert(id.as_str().to_lowercase()) {
                return Err(CatalogueError::FileTwice(id));
            }
        }
        Ok(())
    }
}

/// The stem of a model's file name; `None` if it does not end with `.gguf` or `.bin`.
pub(crate) fn stem(file_name: &str) -> Option<&str> {
    file_name.strip_suffix(".gguf").or_else(|| file_name.strip_suffix(".bin"))
}

/// Checks the base address of a host or mirror; returns it without a trailing slash.
pub(crate) fn checked_host(host: String) -> Result<String, CatalogueError> {
    let trimmed = host.trim_end_matches('/');
    let fits = Uri::from_str(trimmed).is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|name| !name.is_empty())
            && uri.query().is_none()
    });
    if fits && !trimmed.contains('#') { Ok(trimmed.to_owned()) } else { Err(CatalogueError::Host(host)) }
}

/// A file to download, made by [`Offer::download_request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadRequest {
    /// The id that the model will have.
    pub id: ModelId,
    /// The name that the file will have.
    pub file_name: String,
    /// Base addresses of hosts, without a trailing slash, in the order they are tried.
    pub hosts: Vec<String>,
    /// Path below each host, without a leading slash.
    pub path: String,
    /// Size of the file, if known.
    pub byte_size: Option<u64>,
    /// Hash of the file, if known.
    pub sha256: Option<Sha256>,
    /// Slug of the catalogue's model.
    pub slug: Option<Slug>,
}
