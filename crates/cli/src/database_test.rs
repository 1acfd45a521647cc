//! `meetmemo database test`: the connection to a database, step by step.

use crate::exit::exit_code;
use crate::print;
use anyhow::Result;
use app::LocalApp;
use app::view::ConnectionStepState;
use std::process::ExitCode;

/// Tests the connection to `address`, or to the archive in use. The exit code is 0 if no step fails.
pub(crate) async fn database_test(local: &LocalApp, address: Option<&str>, json: bool) -> Result<ExitCode> {
    let steps = match address {
        Some(address) => local.test_connection_to(address).await?,
        None => local.test_archive_connection().await?,
    };
    if json {
        print::json(&steps);
    }
    for step in steps.iter().filter(|_| !json) {
        let mark = match step.state {
            ConnectionStepState::Ok => "ok     ",
            ConnectionStepState::Failed => "failed ",
            ConnectionStepState::Skipped => "skipped",
        };
        let action = step.action.as_ref().map(|action| format!(" {action}")).unwrap_or_default();
        print::line(&format!("{mark}  {:<11}  {}{action}", step.step, print::sentence(&step.message)));
    }
    Ok(exit_code(steps.iter().all(|step| step.state != ConnectionStepState::Failed)))
}
