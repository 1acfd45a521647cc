//! The bundled catalogue, and texts that are not valid catalogues.

use models::catalogue::{Speed, Timestamps};
use models::{Catalogue, CatalogueError, header};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::LazyLock;
use ureq::http::Uri;

static BUNDLED: LazyLock<Catalogue> = LazyLock::new(Catalogue::bundled);

#[test]
fn the_bundled_catalogue_has_70_models_in_370_files() {
    assert_eq!(BUNDLED.models().len(), 70);
    assert_eq!(BUNDLED.files().count(), 370);
    let unknown: Vec<_> = BUNDLED.files().filter(|offer| offer.file.sha256.is_none()).collect();
    assert_eq!(unknown.len(), 3);
    assert!(
        unknown
            .iter()
            .all(|offer| offer.model.architecture == "sortformer" && offer.file.byte_size.is_none())
    );
    for model in BUNDLED.models() {
        let known = header::SPEECH_ARCHITECTURES.iter().chain(&header::SPEAKER_ARCHITECTURES);
        assert!(known.clone().any(|name| *name == model.architecture), "{}", model.slug);
        assert_eq!(model.hosts, ["https://huggingface.co", "https://hf-mirror.com"]);
        assert_eq!(model.languages.is_empty(), model.architecture == "sortformer", "{}", model.slug);
    }
    let titles: BTreeSet<_> = BUNDLED.models().iter().map(|model| &model.title).collect();
    assert_eq!(titles.len(), 70, "two models have the same title");
}

#[test]
fn a_file_is_found_by_its_stem_and_by_its_hash() {
    let id = "whisper-large-v3-turbo-Q8_0".parse().unwrap();
    let offer = BUNDLED.file(&id).unwrap();
    assert_eq!(offer.model.title, "Whisper large-v3-turbo");
    assert_eq!(offer.model.capabilities.timestamps, Timestamps::Segment);
    let found = BUNDLED.by_content(&offer.file.sha256.unwrap()).unwrap();
    assert_eq!(found.file.id(), id);
    assert_eq!(
        offer.addresses()[0],
        format!(
            "https://huggingface.co/handy-computer/whisper-large-v3-turbo-gguf/resolve/{}/{}",
            offer.model.revision.as_deref().unwrap(),
            "whisper-large-v3-turbo-Q8_0.gguf"
        )
    );
    // The hub has these in a folder, under file names that other files of the catalogue have.
    let bundle =
        BUNDLED.file(&"multitalker-parakeet-streaming-0.6b-v1-bundle-Q8_0".parse().unwrap()).unwrap();
    assert!(bundle.addresses()[0].ends_with("/bundle/multitalker-parakeet-streaming-0.6b-v1-Q8_0.gguf"));
    // Without a revision the newest is used.
    let sortformer = BUNDLED.file(&"diar_streaming_sortformer_4spk-v2.1-F16".parse().unwrap()).unwrap();
    assert!(sortformer.addresses()[1].contains("/resolve/main/"));
    assert_eq!(sortformer.model.capabilities.max_speakers, Some(4));
}

#[test]
fn every_address_is_valid_and_unique() {
    let mut addresses = BTreeSet::new();
    for offer in BUNDLED.files() {
        for address in offer.addresses() {
            let uri: Uri = address.parse().unwrap();
            assert_eq!(uri.scheme_str(), Some("https"));
            assert!(uri.host().is_some() && uri.query().is_none(), "{address}");
            assert!(addresses.insert(address));
        }
    }
    assert_eq!(addresses.len(), 740);
}

#[test]
fn speed_depends_on_parameters_and_architecture() {
    for (slug, speed) in [
        ("whisper-tiny", Speed::Fast),
        ("whisper-small", Speed::Medium),
        ("whisper-large-v3-turbo", Speed::Medium),
        ("whisper-large-v3", Speed::Slow),
        ("parakeet-tdt-0.6b-v3", Speed::Fast),
        ("parakeet-tdt-1.1b", Speed::Medium),
        ("moonshine-streaming-medium", Speed::Fast),
        ("Voxtral-Small-24B-2507", Speed::Slow),
    ] {
        assert_eq!(BUNDLED.model(&slug.parse().unwrap()).unwrap().speed(), speed, "{slug}");
    }
}

#[test]
fn a_written_catalogue_is_read_back_unchanged() {
    assert_eq!(Catalogue::parse(&BUNDLED.to_json()).unwrap(), *BUNDLED);
    let both = Catalogue::bundled().with(Catalogue::parse(&own("")).unwrap()).unwrap();
    assert_eq!(Catalogue::parse(&both.to_json()).unwrap(), both);
}

/// An organisation's catalogue with one model; `change` replaces a text, as in `old => new`.
fn own(change: &str) -> String {
    let text = r#"{"format": 1, "as_of": "2026-09-01", "hosts": ["https://models.example.org/speech/"], "models": [
        {"slug": "ours", "title": "Ours", "family": "Whisper", "architecture": "whisper", "parameters_millions": 38,
         "languages": ["en", "pt-BR"],
         "capabilities": {"translates": false, "detects_language": false, "streams": false, "timestamps": "word"},
         "licence": "MIT", "hub_id": "team/ours",
         "files": [{"file_name": "ours.gguf", "quantisation": "F16", "byte_size": 12,
                    "sha256": "a8bf3de2b393bd14ead5a858c3748d5e3b07a20fdeabdd3b498fba4f463fa929",
                    "word_error_rate": 3.5}]}]}"#;
    match change.split_once(" => ") {
        Some((old, new)) => {
            assert!(text.contains(old), "{old}");
            text.replace(old, new)
        }
        None => text.to_owned(),
    }
}

#[test]
fn an_own_catalogue_keeps_its_hosts_and_replaces_models() {
    let both = Catalogue::bundled().with(Catalogue::parse(&own("")).unwrap()).unwrap();
    assert_eq!(both.models().len(), 71);
    let offer = both.file(&"ours".parse().unwrap()).unwrap();
    assert_eq!(offer.addresses(), ["https://models.example.org/speech/team/ours/resolve/main/ours.gguf"]);
    let instead = Catalogue::parse(&own("\"ours\", => \"whisper-tiny\",")).unwrap();
    assert_eq!(Catalogue::bundled().with(instead).unwrap().models().len(), 70);
    let clash = Catalogue::parse(&own("ours.gguf => Whisper-Tiny-Q8_0.gguf")).unwrap();
    assert!(matches!(Catalogue::bundled().with(clash), Err(CatalogueError::FileTwice(_))));
}

#[test]
fn invalid_fields_are_refused_with_an_error_text() {
    for (change, clause) in [
        ("\"format\": 1 => \"format\": 2", "it has format 2"),
        ("https://models => ftp://models", "“ftp://models.example.org/speech/” is not the address of a host"),
        ("[\"https://models.example.org/speech/\"] => []", "it names no host"),
        (
            "ours.gguf => ../ours.gguf",
            "the model “ours” cannot be used: ../ours.gguf: this is not a file name",
        ),
        ("ours.gguf => .gguf", "the model “ours” cannot be used: .gguf: this is not a file name"),
        ("ours.gguf => ours.exe", "the model “ours” cannot be used: ours.exe: this is not a file name"),
        ("ours.gguf => a.part.gguf", "the model “ours” cannot be used: a.part.gguf: this is not a file name"),
        ("team/ours => team/../../x", "the model “ours” cannot be used: “team/../../x” is not a repository"),
        (
            "team/ours => team/ours?x=y",
            "the model “ours” cannot be used: “team/ours?x=y” is not a repository",
        ),
        ("12, => 0,", "the model “ours” cannot be used: ours.gguf: its size is 0"),
        (
            "3.5 => 100.5",
            "the model “ours” cannot be used: ours.gguf: an error rate of 100.5 % is not possible",
        ),
        ("3.5 => -1", "the model “ours” cannot be used: ours.gguf: an error rate of -1 % is not possible"),
        ("a8bf3de2 => a8bf3deg", "it is not a catalogue of models: there is an error in line 7"),
        ("pt-BR => Portuguese", "the model “ours” cannot be used: “Portuguese” is not a language"),
        ("pt-BR => en", "the model “ours” cannot be used: the language “en” is in it twice"),
        ("\"word\" => \"letter\"", "it is not a catalogue"),
        ("\"title\" => \"name\"", "it is not a catalogue"),
        ("\"Ours\" => \" \"", "the model “ours” cannot be used: its title is empty"),
        (
            "parameters_millions\": 38 => parameters_millions\": 0",
            "the model “ours” cannot be used: it has no param",
        ),
    ] {
        let message = Catalogue::parse(&own(change)).unwrap_err().to_string();
        assert!(message.starts_with(clause), "{change}: {message}");
    }
    let model = own("");
    let (start, end) = (model.find("\n        {").unwrap(), model.rfind("]}").unwrap());
    let twice = format!("{},{}]}}", &model[..end], &model[start..end]);
    assert!(matches!(Catalogue::parse(&twice), Err(CatalogueError::SlugTwice(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_changed_text_is_parsed_or_refused(
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>()), 1..6),
        cut in any::<Option<proptest::sample::Index>>(),
    ) {
        let mut letters: Vec<char> = own("").chars().collect();
        for (place, letter) in changes {
            let place = place.index(letters.len());
            letters[place] = letter;
        }
        if let Some(cut) = cut {
            letters.truncate(cut.index(letters.len()));
        }
        let text: String = letters.into_iter().collect();
        match Catalogue::parse(&text) {
            Ok(catalogue) => {
                prop_assert_eq!(Catalogue::parse(&catalogue.to_json()).unwrap(), catalogue.clone());
                for offer in catalogue.files() {
                    prop_assert!(!offer.file.id().as_str().contains('/'));
                    for address in offer.addresses() {
                        prop_assert!(address.parse::<Uri>().is_ok(), "{}", address);
                    }
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_model_of_the_catalogue_can_be_written_alone(which in any::<proptest::sample::Index>()) {
        let model = &BUNDLED.models()[which.index(70)];
        let text = serde_json::json!({
            "format": 1, "as_of": "2026-08-17", "hosts": ["http://127.0.0.1:8000"], "models": [model]
        });
        let alone = Catalogue::parse(&text.to_string()).unwrap();
        prop_assert_eq!(&alone.models()[0], model);
    }
}
