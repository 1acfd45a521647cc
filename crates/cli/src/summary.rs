//! `meetmemo summarize`: the summary of a recording, with the time of each statement.

use crate::print;
use anyhow::Result;
use app::view::SummaryView;
use app::{App, AudioTime, JobId};
use std::process::ExitCode;

/// Makes an extract of a recording, or finds the one of the same transcript, and prints it.
pub(crate) async fn summarize(app: &App, job: JobId, json: bool) -> Result<ExitCode> {
    let view = app.extract(job).await?;
    if json {
        print::json(&view);
    } else {
        print_summary(&view);
    }
    Ok(ExitCode::SUCCESS)
}

fn print_summary(view: &SummaryView) {
    if view.summary.sections.is_empty() {
        print::line("Nothing in this recording can be selected for an extract: too little is said in it.");
    }
    for (index, section) in view.summary.sections.iter().enumerate() {
        if index > 0 {
            print::line("");
        }
        print::line(&section.title);
        for statement in &section.statements {
            let at = statement.sources.first().map(|source| AudioTime::from_ms(source.start_ms).to_string());
            let told = [statement.owner.clone(), statement.due.clone()];
            let told: Vec<String> = told.into_iter().flatten().collect();
            let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) };
            print::line(&format!("  {:>8}  {}{told}", at.unwrap_or_default(), statement.text));
        }
    }
}
