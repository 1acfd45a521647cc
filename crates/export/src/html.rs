//! The transcript as a web page in one file: it needs no network, and no script for reading.
//!
//! A script in the page adds a find box, playing from a line, and the mark of the line that plays. The page's policy
//! (Content-Security-Policy) names the hashes of this script and of the style sheet, so that nothing else runs or is
//! fetched. Every text is escaped; see [`escaped`].

use crate::characters::{printable, separator};
use crate::colours::{DARK, LIGHT, colour_of};
use crate::document::Document;
use crate::error::ExportError;
use crate::format::{Audio, Format, FormatGroup, Needs, OptionName, ReceiptPlace, Rendered, Resources};
use crate::logo::Logo;
use crate::note_markdown::events;
use crate::options::{ExportOptions, Times};
use crate::paragraphs::{FormattedTranscript, ParagraphSegment, VisibleParagraph, single_line};
use crate::sections::{Section, has_doubts, sections};
use crate::summary::Summary;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use transcript::AudioTime;

pub(crate) static FORMAT: Format = Format {
    key: "html",
    extension: "html",
    media_type: "text/html",
    label: "Web page",
    purpose: "To read and listen in any browser",
    group: FormatGroup::Document,
    needs: Needs::Transcript,
    options: &[
        OptionName::Speakers,
        OptionName::Times,
        OptionName::Confidence,
        OptionName::Doubts,
        OptionName::Note,
        OptionName::Summary,
        OptionName::Statistics,
        OptionName::Language,
        OptionName::Contents,
        OptionName::Logo,
        OptionName::Audio,
    ],
    receipt: ReceiptPlace::Token,
    render,
};

const SCRIPT: &str = include_str!("html/script.js");
/// Paragraphs between two reports of progress.
const PARAGRAPHS_PER_REPORT: usize = 64;

fn render(
    document: &Document,
    options: &ExportOptions,
    resources: &Resources<'_>,
) -> Result<Rendered, ExportError> {
    let transcript = FormattedTranscript::new(document, options);
    let logo = resources.logo.map(Logo::read).transpose()?;
    let audio = resources.audio.filter(|_| options.audio);
    let mut page = Page { out: String::new(), transcript: &transcript, lines: 0 };
    page.write(logo.as_ref(), audio, resources)?;
    Ok(page.out.into())
}

/// The page, written from front to back.
struct Page<'a> {
    out: String,
    transcript: &'a FormattedTranscript,
    /// Lines of the transcript so far.
    lines: usize,
}

/// Pushes formatted text to the page. Values in it are numbers, labels, or [`escaped`].
macro_rules! push {
    ($page:expr, $($argument:tt)*) => { _ = write!($page.out, $($argument)*) };
}

impl Page<'_> {
    fn write(
        &mut self,
        logo: Option<&Logo<'_>>,
        audio: Option<Audio<'_>>,
        resources: &Resources<'_>,
    ) -> Result<(), ExportError> {
        let transcript = self.transcript;
        let (labels, options) = (transcript.labels(), &transcript.options);
        let title = transcript.heading();
        let sections = sections(transcript);
        let has_table = options.statistics && !transcript.speakers.is_empty();
        self.head(&title);

        push!(self, "<header>\n");
        if let Some(logo) = logo {
            let picture = STANDARD.encode(logo.bytes);
            push!(self, "<img class=\"logo\" alt=\"\" src=\"data:{};base64,{picture}\">\n", logo.media_type);
        }
        push!(self, "<h1 dir=\"auto\">{}</h1>\n", escaped(&title));
        self.facts(&transcript.metadata_rows(&title));
        push!(self, "</header>\n");
        self.find_form();
        if options.contents && sections.len() > 1 {
            self.contents(&sections, has_table);
        }
        if has_table {
            self.speakers();
        }
        if let Some(note) = &transcript.note {
            push!(
                self,
                "<section id=\"note\" dir=\"auto\" aria-label=\"{0}\">\n<h2>{0}</h2>\n",
                escaped(&labels.note)
            );
            self.note(note);
            push!(self, "</section>\n");
        }

        if let Some(summary) = &transcript.summary {
            self.summary(summary, &sections);
        }

        push!(self, "<main id=\"transcript\"");
        if let Some(tag) = transcript.metadata.valid_language_tag() {
            push!(self, " lang=\"{}\"", escaped(tag));
        }
        push!(self, ">\n<h2 lang=\"{}\">{}</h2>\n", labels.tag, escaped(&labels.transcript));
        if sections.is_empty() {
            push!(self, "<p lang=\"{}\">{}</p>\n", labels.tag, escaped(&labels.no_words));
        }
        self.transcript(&sections, resources)?;
        push!(self, "</main>\n");
        self.receipt();
        self.player(audio);
        push!(self, "<script>{SCRIPT}</script>\n");
        // After everything that was said: the last token in a file is its receipt.
        push!(
            self,
            "<data id=\"meetmemo-receipt\" value=\"{}\" hidden></data>\n",
            transcript.receipt.token()
        );
        push!(self, "</body>\n</html>\n");
        Ok(())
    }

    fn head(&mut self, title: &str) {
        let style = style();
        push!(
            self,
            "<!DOCTYPE html>\n<html lang=\"{}\" dir=\"ltr\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'; \
             script-src 'sha256-{}'; img-src data:; media-src data: blob:; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"generator\" content=\"MeetMemo\">\n<title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n",
            self.transcript.labels().tag,
            hash(&style),
            hash(SCRIPT),
            escaped(title),
        );
    }

    /// Labels and values.
    fn facts(&mut self, rows: &[(&str, String)]) {
        if rows.is_empty() {
            return;
        }
        push!(self, "<dl>\n");
        for (label, value) in rows {
            push!(self, "<div><dt>{}</dt><dd dir=\"auto\">{}</dd></div>\n", escaped(label), escaped(value));
        }
        push!(self, "</dl>\n");
    }

    /// The box to find words. The script shows it.
    fn find_form(&mut self) {
        let labels = self.transcript.labels();
        let [find, previous, next] =
            [&labels.find, &labels.find_previous, &labels.find_next].map(|text| escaped(text));
        push!(
            self,
            "<form id=\"find\" role=\"search\" hidden>\n\
             <input type=\"search\" aria-label=\"{find}\" placeholder=\"{find}\" autocomplete=\"off\">\n\
             <output aria-live=\"polite\"></output>\n\
             <button type=\"button\" value=\"-1\" aria-label=\"{previous}\" title=\"{previous}\">↑</button>\n\
             <button type=\"submit\" value=\"1\" aria-label=\"{next}\" title=\"{next}\">↓</button>\n</form>\n"
        );
    }

    fn contents(&mut self, sections: &[Section<'_>], has_table: bool) {
        let labels = self.transcript.labels();
        push!(
            self,
            "<nav aria-labelledby=\"contents\">\n<h2 id=\"contents\">{}</h2>\n<ul>\n",
            escaped(&labels.contents)
        );
        let has_note = self.transcript.note.is_some();
        for (shown, id, text) in [
            (has_table, "speakers", &labels.speakers),
            (has_note, "note", &labels.note),
            (self.transcript.summary.is_some(), "summary", &labels.summary),
            (true, "transcript", &labels.transcript),
        ] {
            if shown {
                push!(self, "<li><a href=\"#{id}\">{}</a>", escaped(text));
                if id == "transcript" {
                    push!(self, "\n<ul>\n");
                    for (index, section) in sections.iter().enumerate() {
                        push!(self, "<li><a href=\"#section-{index}\">{}</a></li>\n", section.start);
                    }
                    push!(self, "</ul>\n");
                }
                push!(self, "</li>\n");
            }
        }
        push!(self, "<li><a href=\"#receipt\">{}</a></li>\n</ul>\n</nav>\n", escaped(&labels.receipt));
    }

    /// The table of the speakers.
    fn speakers(&mut self) {
        let (transcript, labels) = (self.transcript, self.transcript.labels());
        push!(
            self,
            "<section id=\"speakers\" aria-label=\"{0}\">\n<h2>{0}</h2>\n<table>\n<thead>\n<tr>",
            escaped(&labels.speakers)
        );
        for label in [&labels.speaker, &labels.share, &labels.speaking_time, &labels.turns, &labels.words] {
            push!(self, "<th scope=\"col\">{}</th>", escaped(label));
        }
        push!(self, "</tr>\n</thead>\n<tbody>\n");
        for speaker in &transcript.speakers {
            let (colour, percent) = (colour_of(speaker.number) + 1, 100.0 * speaker.share.clamp(0.0, 1.0));
            push!(
                self,
                "<tr><th scope=\"row\" class=\"c{colour}\"><bdi>{}</bdi></th><td>{percent:.0}\u{A0}% \
                 <svg class=\"c{colour}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
                 <rect width=\"{percent:.1}\" height=\"8\"/></svg></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                escaped(&single_line(&speaker.name)),
                AudioTime::from_ms(speaker.speech_ms),
                speaker.turns,
                speaker.words,
            );
        }
        push!(self, "</tbody>\n</table>\n</section>\n");
    }

    /// The note, a text in CommonMark. Its headings begin at the third level.
    fn note(&mut self, note: &str) {
        let lower = |level| match level {
            HeadingLevel::H1 => HeadingLevel::H3,
            HeadingLevel::H2 => HeadingLevel::H4,
            HeadingLevel::H3 => HeadingLevel::H5,
            _ => HeadingLevel::H6,
        };
        let printable = printable(note);
        let events = events(&printable).map(|event| match event {
            Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
                level: lower(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            }),
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
            other => other,
        });
        pulldown_cmark::html::push_html(&mut self.out, events);
    }

    /// The summary. The time of a source leads to the line that begins there.
    fn summary(&mut self, summary: &Summary, sections: &[Section<'_>]) {
        let labels = self.transcript.labels();
        push!(self, "<section id=\"summary\" aria-label=\"{0}\">\n<h2>{0}</h2>\n", escaped(&labels.summary));
        let origin = match summary.sections.is_empty() {
            true => labels.no_summary.clone(),
            false => summary.origin(labels),
        };
        push!(self, "<p class=\"legend\">{}</p>\n", escaped(&origin));
        let paragraphs = sections.iter().flat_map(|section| &section.paragraphs);
        let starts: Vec<AudioTime> =
            paragraphs.flat_map(|paragraph| &paragraph.segments).map(|segment| segment.start).collect();
        for section in &summary.sections {
            push!(self, "<h3 dir=\"auto\">{}</h3>\n", escaped(&single_line(&section.title)));
            for statement in &section.statements {
                push!(self, "<p class=\"block\" dir=\"auto\">");
                for source in &statement.sources {
                    let line = starts.partition_point(|start| *start <= source.start).saturating_sub(1);
                    push!(self, "<a class=\"time\" href=\"#line-{line}\">{}</a> ", source.start);
                }
                push!(self, "<span class=\"lines\">{}", escaped(&single_line(&statement.text)));
                let remarks = statement.remarks(labels);
                if !remarks.is_empty() {
                    push!(self, " <bdi class=\"quiet\">({})</bdi>", escaped(&single_line(&remarks)));
                }
                push!(self, "</span></p>\n");
            }
        }
        push!(self, "</section>\n");
    }

    fn transcript(&mut self, sections: &[Section<'_>], resources: &Resources<'_>) -> Result<(), ExportError> {
        let (transcript, labels) = (self.transcript, self.transcript.labels());
        if has_doubts(sections) {
            let legend = escaped(&labels.doubt_legend);
            push!(self, "<p class=\"legend\" lang=\"{}\"><mark>{legend}</mark></p>\n", labels.tag);
        }
        let has_times = sections.len() > 1;
        let total = sections.iter().map(|section| section.paragraphs.len()).sum();
        let mut done = 0;
        for (index, section) in sections.iter().enumerate() {
            if has_times {
                push!(self, "<h3 id=\"section-{index}\">{}</h3>\n", section.start);
            }
            for paragraph in &section.paragraphs {
                if done % PARAGRAPHS_PER_REPORT == 0 {
                    resources.report(done, total)?;
                }
                done += 1;
                if let Some(name) = &paragraph.speaker {
                    let speaker = paragraph.speaker_index.and_then(|index| transcript.speakers.get(index));
                    let colour = speaker.map_or(0, |speaker| colour_of(speaker.number) + 1);
                    let level = if has_times { 4 } else { 3 };
                    push!(
                        self,
                        "<h{level} class=\"speaker c{colour}\" dir=\"auto\">{}</h{level}>\n",
                        escaped(name)
                    );
                }
                self.paragraph(paragraph);
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, paragraph: &VisibleParagraph<'_>) {
        match self.transcript.options.times {
            Times::None => self.block(None, &paragraph.segments),
            Times::Paragraph => self.block(Some(paragraph.start), &paragraph.segments),
            Times::Segment | Times::Word => {
                for segment in &paragraph.segments {
                    self.block(Some(segment.start), &[segment]);
                }
            }
        }
    }

    /// A paragraph of lines, which begins with a time.
    fn block(&mut self, time: Option<AudioTime>, segments: &[&ParagraphSegment]) {
        push!(self, "<p class=\"block\" dir=\"auto\">");
        if let Some(time) = time {
            push!(self, "<a class=\"time\" href=\"#line-{}\">{time}</a> ", self.lines);
        }
        push!(self, "<span class=\"lines\">");
        let mut before: Option<&str> = None;
        for segment in segments {
            let space = before.map_or("", |before| separator(before, &segment.text));
            push!(
                self,
                "{space}<span class=\"line\" id=\"line-{}\" data-start=\"{}\">",
                self.lines,
                segment.start.as_ms()
            );
            self.segment(segment);
            push!(self, "</span>");
            self.lines += 1;
            before = Some(&segment.text);
        }
        push!(self, "</span></p>\n");
    }

    fn segment(&mut self, segment: &ParagraphSegment) {
        for run in segment.runs().iter() {
            if let Some(time) = run.time {
                push!(
                    self,
                    "<span class=\"word\" data-start=\"{}\"><small>{time}</small>\u{A0}",
                    time.as_ms()
                );
            }
            let words = run.text.trim_end();
            match run.doubt {
                Some(doubt) => {
                    let reason = escaped(doubt.label(&self.transcript.options));
                    push!(self, "<mark title=\"{reason}\">{}</mark>", escaped(words));
                }
                None => self.out.push_str(&escaped(words)),
            }
            if run.time.is_some() {
                push!(self, "</span>");
            }
            self.out.push_str(&escaped(&run.text[words.len()..]));
        }
        if let Some(also) = &segment.also {
            push!(self, " <bdi class=\"quiet\">{}</bdi>", escaped(also));
        }
        if let Some(confidence) = segment.confidence {
            push!(self, " <bdi class=\"quiet\">[{:.0}\u{A0}%]</bdi>", confidence * 100.0);
        }
    }

    fn receipt(&mut self) {
        let labels = self.transcript.labels();
        push!(self, "<footer id=\"receipt\">\n<details>\n<summary>{}</summary>\n", escaped(&labels.receipt));
        self.facts(&self.transcript.receipt_rows());
        push!(self, "<p>{}</p>\n</details>\n</footer>\n", escaped(&labels.verify));
    }

    /// The player: with the sound, or with a button to choose the recording, which the script shows.
    fn player(&mut self, audio: Option<Audio<'_>>) {
        let labels = self.transcript.labels();
        let (recording, play) = (escaped(&labels.recording), escaped(&labels.play));
        let hidden = if audio.is_none() { " hidden" } else { "" };
        push!(self, "<aside id=\"player\" aria-label=\"{recording}\" data-play=\"{play}\"{hidden}>\n");
        match audio {
            Some(audio) => {
                push!(
                    self,
                    "<audio controls preload=\"metadata\" src=\"data:{};base64,",
                    escaped(audio.media_type)
                );
                STANDARD.encode_string(audio.bytes, &mut self.out);
                push!(self, "\"></audio>\n");
            }
            None => {
                let choose = escaped(&labels.choose_recording);
                push!(
                    self,
                    "<audio controls hidden></audio>\n\
                     <label><input type=\"file\" accept=\"audio/*,video/*\">{choose}</label>\n"
                );
            }
        }
        push!(self, "<p role=\"alert\" hidden>{}</p>\n</aside>\n", escaped(&labels.cannot_play));
    }
}

/// `text` for the content of an element or a quoted attribute: it is read as itself, whatever it is.
fn escaped(text: &str) -> String {
    quick_xml::escape::escape(printable(text)).into_owned()
}

/// The style sheet with the colours of the speakers.
fn style() -> String {
    let variables = |colours: [&str; LIGHT.len()]| -> String {
        colours.iter().enumerate().map(|(index, colour)| format!("--c{}:#{colour};", index + 1)).collect()
    };
    let classes: String =
        (1..=LIGHT.len()).map(|number| format!(".c{number}{{--speaker:var(--c{number})}}\n")).collect();
    include_str!("html/style.css")
        .replace("--light-speakers: 0;", &variables(LIGHT))
        .replace("--dark-speakers: 0;", &variables(DARK))
        + &classes
}

/// The hash of `source` in a Content-Security-Policy.
fn hash(source: &str) -> String {
    STANDARD.encode(Sha256::digest(source))
}

#[cfg(test)]
mod tests;
