//! Shows progress on standard error while a command waits for work.

use crate::print;
use app::view::{JobStatus, JobView, ProgressView, WorkStep};
use app::{App, JobId};
use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::task::JoinHandle;
use transcript::AudioTime;

/// How often progress is read and a terminal is updated.
const INTERVAL: Duration = Duration::from_secs(1);
/// Without a terminal, a line is written each time this many more percent are done.
const STEP_PERCENT: u32 = 10;

/// Shows the progress of `jobs` until it is dropped; with an empty list, of all jobs that are being worked on.
pub(crate) struct ProgressDisplay(JoinHandle<()>);

impl ProgressDisplay {
    pub(crate) fn start(app: &App, jobs: Vec<JobId>) -> Self {
        let app = app.clone();
        Self(tokio::spawn(async move {
            let mut printed = HashMap::new();
            loop {
                tokio::time::sleep(INTERVAL).await;
                // An error is ignored; the next time may succeed.
                let running = running(&app, &jobs).await.unwrap_or_default();
                for job in running {
                    show(&job, &mut printed);
                }
            }
        }))
    }
}

impl Drop for ProgressDisplay {
    fn drop(&mut self) {
        self.0.abort();
        if std::io::stderr().is_terminal() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

async fn running(app: &App, jobs: &[JobId]) -> anyhow::Result<Vec<JobView>> {
    if jobs.is_empty() {
        return app.list(Some(JobStatus::Processing), None).await;
    }
    let mut found = Vec::new();
    for id in jobs {
        found.extend(app.job(*id).await?.filter(|job| job.status == JobStatus::Processing));
    }
    Ok(found)
}

fn show(job: &JobView, printed: &mut HashMap<JobId, u32>) {
    let Some(progress) = job.progress else { return };
    let step = match job.workflow_state {
        Some(WorkStep::Diarizing) => "detecting speakers, ",
        Some(WorkStep::Aligning) => "finishing, ",
        _ => "",
    };
    let text = format!("{}: {step}{}", job.title, text_of(&progress));
    if std::io::stderr().is_terminal() {
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", print::without_control_chars(&text));
        return;
    }
    let percent = match progress.share {
        Some(share) => (share * 100.0) as u32,
        None => progress.audio_done_ms / 60_000,
    };
    let step = percent / STEP_PERCENT;
    if printed.insert(job.id, step) != Some(step) {
        print::note(&text);
    }
}

/// “0:12:30 of 0:48:10 · about 6 min left · 6.2× real time”, without the parts that are not known.
fn text_of(progress: &ProgressView) -> String {
    let mut parts = vec![match progress.audio_total_ms {
        Some(total) => {
            format!("{} of {}", AudioTime::from_ms(progress.audio_done_ms), AudioTime::from_ms(total))
        }
        None => AudioTime::from_ms(progress.audio_done_ms).to_string(),
    }];
    parts.extend(progress.left_ms.map(|left| match (left / 60_000.0).round() as u64 {
        0 => "less than a minute left".to_owned(),
        minutes if minutes < 90 => format!("about {minutes} min left"),
        minutes => format!("about {} h left", (minutes + 30) / 60),
    }));
    parts.extend(
        progress
            .real_time_factor
            .filter(|f| *f > 0.0)
            .map(|factor| format!("{:.1}× real time", 1.0 / factor)),
    );
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_text_has_the_parts_that_are_known() {
        let known = ProgressView {
            audio_done_ms: 750_000,
            audio_total_ms: Some(2_890_000),
            real_time_factor: Some(0.16),
            left_ms: Some(342_400.0),
            share: Some(0.22),
        };
        assert_eq!(text_of(&known), "0:12:30 of 0:48:10 · about 6 min left · 6.2× real time");
        let unknown = ProgressView { audio_total_ms: None, real_time_factor: None, left_ms: None, ..known };
        assert_eq!(text_of(&unknown), "0:12:30");
    }
}
