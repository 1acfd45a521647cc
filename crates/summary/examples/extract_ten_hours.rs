//! Prints how long the extract of ten hours takes: `cargo run --release -p summary --example extract_ten_hours`.
//!
//! The meeting is generated: 11 000 sentences, 95 000 words with the frequencies of Zipf's law.

use std::io::Write;

#[path = "../tests/generated/mod.rs"]
mod generated;

fn main() -> std::io::Result<()> {
    let meeting = generated::meeting(11_000, 1);
    let words: usize = meeting.segments.iter().map(|segment| segment.text.split(' ').count()).sum();
    let hours = meeting.segments.last().map_or(0.0, |last| last.span.end.as_secs_f64() / 3600.0);
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} segments, {words} words, {hours:.1} hours", meeting.segments.len())?;
    for _ in 0..3 {
        let start = generated::processor_time();
        let summary = summary::extract(&meeting, "summary", "job");
        let statements: usize = summary.sections.iter().map(|section| section.statements.len()).sum();
        writeln!(
            out,
            "{statements} statements in {:.2} s of processor time",
            (generated::processor_time() - start).as_secs_f64()
        )?;
    }
    Ok(())
}
