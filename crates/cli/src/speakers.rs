//! `meetmemo speakers` and `meetmemo people`.

use crate::arguments::{People, Speakers};
use crate::exit::exit_code;
use crate::print;
use crate::progress::ProgressDisplay;
use anyhow::Result;
use app::view::{AssignTarget, PeopleView, SpeakersState, SpeakersView, TextSelection};
use app::{App, JobId, WorkScope};
use std::process::ExitCode;
use tokio::sync::watch;
use transcript::AudioTime;

pub(crate) async fn speakers(
    app: &App,
    job: JobId,
    command: Speakers,
    json: bool,
    stop: watch::Receiver<bool>,
) -> Result<ExitCode> {
    let view = match command {
        Speakers::List => app.speakers(job).await?,
        Speakers::Rename { speaker, name } => {
            let speaker = app.find_speaker(job, &speaker).await?;
            app.name_speaker(job, speaker, name.as_deref(), None).await?;
            app.learn_named_voices(job).await?;
            app.speakers(job).await?
        }
        Speakers::Merge { from, into } => {
            let (from, into) = (app.find_speaker(job, &from).await?, app.find_speaker(job, &into).await?);
            app.merge_speakers(job, from, into).await?
        }
        Speakers::Assign { speaker, from, to } => assign(app, job, speaker, from, to).await?,
        Speakers::Undo => app.undo_speakers(job).await?,
        Speakers::Redo => app.redo_speakers(job).await?,
        Speakers::Rerun { speakers, wait } => {
            let queued = app.rerun_speakers(job, speakers.unwrap_or_default()).await?;
            if !wait {
                return print::changed_job(queued, json);
            }
            let display = ProgressDisplay::start(app, Vec::new());
            app.work(&WorkScope::Only(vec![job]), stop).await?;
            drop(display);
            app.speakers(job).await?
        }
    };
    let well = view.state != SpeakersState::Failed;
    if json {
        print::json(&view);
    } else {
        print_speakers(&view);
    }
    Ok(exit_code(well))
}

/// Assigns the segments that begin between two moments, in seconds, to a speaker.
async fn assign(app: &App, job: JobId, speaker: String, from: f64, to: f64) -> Result<SpeakersView> {
    let ms = |seconds: f64| (seconds * 1000.0).round().clamp(0.0, f64::from(u32::MAX)) as u32;
    let page = app.page(job, AudioTime::ZERO).await?;
    let chosen = page.segments.iter().filter(|segment| (ms(from)..ms(to)).contains(&segment.start_ms));
    let chosen: Vec<_> = chosen.map(|segment| segment.id).collect();
    let (Some(from_segment), Some(to_segment)) = (chosen.first().copied(), chosen.last().copied()) else {
        anyhow::bail!(
            "No line begins between {} and {}.",
            AudioTime::from_ms(ms(from)),
            AudioTime::from_ms(ms(to))
        );
    };
    let selection = TextSelection { from_segment, from_char: 0, to_segment, to_char: None };
    let target = match speaker.as_str() {
        "new" => AssignTarget::New,
        "nobody" => AssignTarget::Nobody,
        _ => AssignTarget::Speaker { id: app.find_speaker(job, &speaker).await? },
    };
    app.assign_words(job, &selection, &target).await
}

fn print_speakers(view: &SpeakersView) {
    match view.state {
        SpeakersState::None => {
            print::line("The speakers have not been detected: meetmemo speakers JOB rerun --wait")
        }
        SpeakersState::Waiting => print::line("The speakers will be detected."),
        SpeakersState::Running => print::line("The speakers are being detected."),
        SpeakersState::Done | SpeakersState::Failed => {}
    }
    if let Some(note) = &view.note {
        print::note(&print::sentence(note));
    }
    for speaker in &view.speakers {
        let who = match &speaker.suggestion {
            Some(found) => format!("{} ({}? {} %)", speaker.shown_name(), found.name, found.percent),
            None => speaker.shown_name().to_owned(),
        };
        let pace = speaker.words_per_minute.map_or_else(String::new, |pace| format!("  {pace} words/min"));
        print::line(&format!(
            "{:>3}  {}  {:>3.0} %  {:>5} words{pace}  {who}",
            speaker.number,
            AudioTime::from_ms(speaker.speech_ms),
            speaker.share * 100.0,
            speaker.words,
        ));
    }
    if view.state == SpeakersState::Done && view.speakers.is_empty() {
        print::line("Nobody was heard in this recording.");
    }
    if let Some(undo) = &view.undo {
        print::note(&format!("Last: {undo}. Take it back: meetmemo speakers JOB undo"));
    }
}

pub(crate) async fn people(app: &App, command: People, json: bool) -> Result<ExitCode> {
    let view = match command {
        People::List => app.people().await?,
        People::Rename { person, name } => app.rename_person(app.find_person(&person).await?, &name).await?,
        People::Merge { from, into } => {
            let (from, into) = (app.find_person(&from).await?, app.find_person(&into).await?);
            app.merge_people(from, into).await?
        }
        People::Forget { person } => app.forget_person(app.find_person(&person).await?).await?,
        People::On { automatic } => app.set_people(true, automatic).await?,
        People::Off => app.set_people(false, false).await?,
    };
    if json {
        print::json(&view);
    } else {
        print_people(&view);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_people(view: &PeopleView) {
    if !view.enabled {
        print::line(
            "Voices are not remembered. With your consent, and that of the people: meetmemo people on",
        );
        return;
    }
    if view.people.is_empty() {
        print::line("Nobody is known yet. Name a speaker: meetmemo speakers JOB rename 1 NAME");
    }
    for person in &view.people {
        print::line(&format!(
            "{}  {}: {} voice samples, {} meetings",
            print::short(person.id),
            person.name,
            person.voices,
            person.meetings.len()
        ));
    }
}
