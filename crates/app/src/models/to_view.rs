//! Makes a `ModelView`: from the catalogue, from the capabilities that the model reported, and with a recommendation.

use crate::LocalApp;
use crate::models::view::{ModelSource, ModelSpeed, ModelState, ModelView};
use crate::transcribe::engine_selection::{NEVER_LOADED, stored_capabilities};
use crate::transcribe::options::{BUILT_IN, BUILT_IN_TITLE};
use models::catalogue::{Model, Offer, Speed, Timestamps};
use models::{Catalogue, Installed, ModelId};
use speech::Capabilities;
use std::path::PathBuf;

/// Working memory in bytes of one decoder besides the model file, for models that are not installed.
const WORKING_MEMORY: u64 = 300 << 20;

impl LocalApp {
    pub(super) fn installed_view(&self, installed: &Installed) -> ModelView {
        let state =
            ModelState::Installed { file: installed.file.display().to_string(), linked: installed.linked };
        let offer = self
            .models
            .0
            .catalogue
            .file(&installed.id)
            .or_else(|| self.models.0.catalogue.by_content(&installed.sha256));
        let mut view = match offer {
            Some(offer) => ModelView { id: installed.id.to_string(), ..offered_view(&offer, state) },
            None => ModelView {
                family: installed.architecture.clone(),
                state,
                ..unknown_model_view(installed.id.as_str())
            },
        };
        view.source = match installed.source {
            models::Source::Catalogue => ModelSource::Catalogue,
            models::Source::Imported => ModelSource::Imported,
        };
        view.byte_size = Some(installed.byte_size);
        view.sha256 = Some(installed.sha256.to_string());
        match stored_capabilities(installed) {
            Some(found) => apply_capabilities(&mut view, &found),
            None if view.telling_speakers => {}
            None => {
                view.state = ModelState::Damaged { message: NEVER_LOADED.to_owned() };
            }
        }
        view
    }

    pub(super) fn damaged_view(&self, id: &ModelId, why: String) -> ModelView {
        let state = ModelState::Damaged { message: why };
        match self.models.0.catalogue.file(id) {
            Some(offer) => offered_view(&offer, state),
            None => ModelView { state, ..unknown_model_view(id.as_str()) },
        }
    }
}

/// Replaces what the catalogue says by what the model reported.
fn apply_capabilities(view: &mut ModelView, found: &Capabilities) {
    view.languages.clone_from(&found.languages);
    view.detects_language = found.detects_language;
    view.translates = found.translates;
    view.vocabulary = found.vocabulary;
    view.word_times = found.word_times;
    view.memory_bytes = Some(found.shared_bytes.saturating_add(found.memory_bytes));
}

/// The device that computes the model, if it is not the processor; and a note, if a graphics processor could not be
/// used.
pub(super) fn device_and_note(found: &Capabilities) -> (Option<String>, Option<String>) {
    let on_processor = found.device.is_empty() || found.device.eq_ignore_ascii_case("cpu");
    let note = (found.fell_back || (on_processor && speech::Device::GPU_SUPPORTED)).then(|| {
        "No graphics processor could be used; speech models run on the processor. A newer driver may help.".to_owned()
    });
    ((!on_processor).then(|| found.device.clone()), note)
}

/// The included model: as in the catalogue, apart from its state, size and title.
pub(super) fn built_in(catalogue: &Catalogue) -> ModelView {
    let spec = speech::built_in::spec_at(PathBuf::new());
    let offer = catalogue
        .files()
        .find(|offer| offer.model.slug.as_str() == BUILT_IN && offer.file.quantisation == "Q8_0");
    let mut view = match &offer {
        Some(offer) => offered_view(offer, ModelState::BuiltIn),
        None => ModelView { state: ModelState::BuiltIn, ..unknown_model_view(BUILT_IN) },
    };
    apply_capabilities(&mut view, &speech::built_in::capabilities(&spec));
    ModelView {
        id: BUILT_IN.to_owned(),
        title: BUILT_IN_TITLE.to_owned(),
        group: BUILT_IN.to_owned(),
        byte_size: Some(speech::built_in::BYTE_SIZE),
        memory_bytes: Some(speech::built_in::BYTE_SIZE + WORKING_MEMORY),
        sha256: None,
        licence: Some("MIT".to_owned()),
        preferred: true,
        source: ModelSource::BuiltIn,
        ..view
    }
}

/// A model of which only the id is known.
pub(super) fn unknown_model_view(id: &str) -> ModelView {
    ModelView {
        id: id.to_owned(),
        title: id.to_owned(),
        group: id.to_owned(),
        family: String::new(),
        parameters: None,
        quantisation: None,
        byte_size: None,
        memory_bytes: None,
        sha256: None,
        languages: Vec::new(),
        detects_language: false,
        translates: false,
        vocabulary: false,
        word_times: false,
        word_error_rate: None,
        test_set: None,
        speed: None,
        real_time_factor: None,
        licence: None,
        licence_note: None,
        fits: true,
        recommended: false,
        preferred: true,
        telling_speakers: false,
        source: ModelSource::Imported,
        state: ModelState::Available,
    }
}

/// A model as the catalogue describes it.
pub(super) fn offered_view(offer: &Offer<'_>, state: ModelState) -> ModelView {
    let Offer { model, file } = offer;
    let capabilities = &model.capabilities;
    let millions = model.parameters_millions;
    ModelView {
        id: file.id().to_string(),
        title: model.title.clone(),
        group: model.slug.to_string(),
        family: model.family.clone(),
        parameters: Some(match millions {
            0..1000 => format!("{millions}M"),
            _ => format!("{:.1}B", f64::from(millions) / 1000.0),
        }),
        quantisation: Some(file.quantisation.clone()),
        byte_size: file.byte_size,
        memory_bytes: file.byte_size.map(|bytes| bytes.saturating_add(WORKING_MEMORY)),
        sha256: file.sha256.as_ref().map(ToString::to_string),
        languages: model.languages.clone(),
        detects_language: capabilities.detects_language,
        translates: capabilities.translates,
        // The catalogue does not say; only the model itself does.
        vocabulary: false,
        word_times: matches!(capabilities.timestamps, Timestamps::Word | Timestamps::Token),
        word_error_rate: file.word_error_rate,
        test_set: model.test_set.clone(),
        speed: Some(match model.speed() {
            Speed::Fast => ModelSpeed::Fast,
            Speed::Medium => ModelSpeed::Medium,
            Speed::Slow => ModelSpeed::Slow,
        }),
        real_time_factor: None,
        licence: Some(model.licence.clone()),
        licence_note: model.licence_note.clone(),
        fits: true,
        recommended: false,
        preferred: preferred(model).is_some_and(|preferred| preferred == file.file_name),
        telling_speakers: capabilities.max_speakers.is_some(),
        source: ModelSource::Catalogue,
        state,
    }
}

/// The name of the file of a model that is offered first: at half the size of the full one hardly worse; of large
/// models, one that is smaller still.
fn preferred(model: &Model) -> Option<&str> {
    let order: &[&str] = match model.parameters_millions {
        0..1200 => &["Q8_0", "Q6_K", "Q5_K_M", "F16"],
        _ => &["Q5_K_M", "Q4_K_M", "Q6_K", "Q8_0"],
    };
    let named = order.iter().find_map(|wanted| model.files.iter().find(|file| file.quantisation == **wanted));
    named.or(model.files.first()).map(|file| file.file_name.as_str())
}

/// Marks the model recommended for this computer: of the models that know at least 25 languages, have no special
/// licence conditions, fit into memory and are fast enough here, the one with the lowest published word error rate.
pub(super) fn recommend(models: &mut [ModelView], cores: usize, with_gpu: bool) {
    let slowest = match cores {
        _ if with_gpu => ModelSpeed::Slow,
        0..4 => ModelSpeed::Fast,
        _ => ModelSpeed::Medium,
    };
    let best = models
        .iter_mut()
        .filter(|view| {
            let useful = view.preferred && view.fits && view.source != ModelSource::BuiltIn;
            useful && view.licence_note.is_none() && view.languages.len() >= 25
        })
        .filter(|view| view.speed.is_some_and(|speed| speed <= slowest))
        .min_by(|a, b| {
            let rate = |view: &ModelView| view.word_error_rate.unwrap_or(f64::INFINITY);
            rate(a).total_cmp(&rate(b))
        });
    if let Some(view) = best {
        view.recommended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn offers() -> Vec<ModelView> {
        let catalogue = Catalogue::bundled();
        catalogue.files().map(|offer| offered_view(&offer, ModelState::Available)).collect()
    }

    #[test]
    fn one_model_is_recommended_and_a_better_one_for_a_stronger_computer() {
        let recommended = |cores, with_gpu| {
            let mut models = offers();
            recommend(&mut models, cores, with_gpu);
            let mut all: Vec<ModelView> = models.into_iter().filter(|view| view.recommended).collect();
            assert_eq!(all.len(), 1, "{cores} cores");
            all.remove(0)
        };
        let (weak, strong, gpu) = (recommended(2, false), recommended(8, false), recommended(2, true));
        let rate = |view: &ModelView| view.word_error_rate.expect("published");
        assert!(rate(&weak) >= rate(&strong) && rate(&strong) >= rate(&gpu));
        for view in [weak, strong, gpu] {
            assert!(view.languages.len() >= 25 && view.licence_note.is_none() && !view.telling_speakers);
        }
    }

    #[test]
    fn each_model_has_one_file_that_is_offered_first() {
        let offers = offers();
        let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
        for view in &offers {
            *groups.entry(view.group.as_str()).or_default() += usize::from(view.preferred);
        }
        assert!(groups.len() >= 70 && groups.values().all(|preferred| *preferred == 1), "{groups:?}");
    }
}
