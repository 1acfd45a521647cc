//! `meetmemo search`.

use crate::arguments::Search;
use crate::print;
use anyhow::Result;
use app::view::{FoundMeeting, Passage, SearchOrder, SearchRequest, SearchResults};
use app::{App, Typing};
use std::process::ExitCode;

/// Prints what a search finds. Completes the search index first, if the archive is from before search existed.
pub(crate) async fn search(app: &App, search: Search, json: bool) -> Result<ExitCode> {
    app.complete_search_index(&|left| {
        print::note(&format!("Search is being prepared: {left} meetings left."));
    })
    .await?;
    let request = SearchRequest {
        text: text_with_filters(&search),
        sort: if search.newest_first { SearchOrder::Date } else { SearchOrder::Relevance },
        offset: search.skip,
        limit: search.limit,
    };
    let results = app.search(&request, Typing::Finished).await?;
    print_remarks(&results);
    if json {
        print::json(&results.meetings);
        return Ok(ExitCode::SUCCESS);
    }
    results.meetings.iter().for_each(print_meeting);
    Ok(ExitCode::SUCCESS)
}

/// The options as words of the search.
fn text_with_filters(search: &Search) -> String {
    let mut text = search.query.join(" ");
    let mut add = |name: &str, value: &String| {
        // A quotation mark would end the value.
        let value = value.replace(['"', '“', '”', '„', '«', '»'], " ");
        text.push_str(&format!(" {name}:\"{value}\""));
    };
    search.speaker.iter().for_each(|name| add("speaker", name));
    search.tag.iter().for_each(|name| add("tag", name));
    let single = [
        ("from", &search.from),
        ("to", &search.to),
        ("folder", &search.folder),
        ("language", &search.language),
    ];
    single
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
        .for_each(|(name, value)| add(name, value));
    text
}

/// What the user should know about the results, on standard error.
fn print_remarks(results: &SearchResults) {
    results.hints.iter().for_each(|hint| print::note(hint));
    match (&results.suggestion, results.widened) {
        (Some(text), true) => {
            print::note(&format!("Nothing was found as written. These are the results for: {text}"))
        }
        (Some(text), false) => print::note(&format!("Did you mean: {text}")),
        (None, _) if results.total == 0 => {
            print::note(
                "Nothing was found. Try fewer or other words, or the beginning of one, such as budg*.",
            );
        }
        (None, _) => {}
    }
    if let Some(count) = results.best_of_newest {
        print::note(&format!(
            "These words are very common: the best of the newest {count} meetings come first."
        ));
    }
    let shown = u32::try_from(results.meetings.len()).unwrap_or(u32::MAX);
    if results.total > shown {
        let about = if results.total_is_exact { "" } else { "at least " };
        print::note(&format!(
            "{shown} of {about}{} meetings. --limit and --skip show others.",
            results.total
        ));
    }
}

fn print_meeting(meeting: &FoundMeeting) {
    let day = meeting.recorded_at.as_deref().map_or(String::new(), app::view::recorded_in_words);
    print::line(&format!(
        "{}  {:>8}  {}  {day}",
        print::short(meeting.job_id),
        print::duration(meeting.duration_ms),
        marked(&meeting.title, &meeting.title_marks)
    ));
    for passage in &meeting.passages {
        print_passage(passage);
    }
    if meeting.more > 0 {
        print::line(&format!("          … and {} more", meeting.more));
    }
}

fn print_passage(passage: &Passage) {
    let place = match passage.start_ms {
        Some(ms) => print::duration(Some(ms)),
        None => "note".to_owned(),
    };
    let speaker = passage.speaker.as_deref().map_or(String::new(), |name| format!("{name}: "));
    print::line(&format!("  {place:>8}  {speaker}{}", marked(&passage.text, &passage.marks)));
}

/// The text with `*` around its marked parts.
fn marked(text: &str, marks: &[(u32, u32)]) -> String {
    let mut result = String::with_capacity(text.len() + 2 * marks.len());
    for (at, character) in (0_u32..).zip(text.chars().map(Some).chain([None])) {
        let borders = marks.iter().filter(|(from, to)| *from == at || *to == at).count();
        result.extend(std::iter::repeat_n('*', borders));
        result.extend(character);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_shown_with_stars() {
        assert_eq!(marked("der Übergang", &[(4, 12)]), "der *Übergang*");
        assert_eq!(marked("a b c", &[(0, 1), (4, 5)]), "*a* b *c*");
        assert_eq!(marked("", &[]), "");
    }
}
