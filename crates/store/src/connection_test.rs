//! Tests the way to a database step by step and says which step fails and what to do about it.
//!
//! The steps are those of [`TestStep`], in this order. `reach` finds the host, connects and checks encryption and
//! certificate; `sign_in` signs in; `inspect` asks the server for rights, version, encoding, extensions and content. Nothing
//! is written: rights are asked for, not tried.

mod inspect;
mod reach;
mod sign_in;

use crate::connect::Target;
use crate::store::Database;

/// What is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestStep {
    /// The host name leads to an address.
    Name,
    /// Something accepts connections there.
    Port,
    /// The connection is encrypted as the address demands.
    Tls,
    /// The server's certificate is valid.
    Certificate,
    /// The server lets the user in.
    Password,
    /// The role may do what the application does.
    Rights,
    /// The version of PostgreSQL.
    Version,
    /// The encoding is UTF-8.
    Encoding,
    /// Extensions are installed, or can be.
    Extensions,
    /// No pooler shares sessions.
    Pooler,
    /// The database is empty, ours, or the server edition's.
    Content,
}

impl TestStep {
    /// All steps in their order.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Port,
        Self::Tls,
        Self::Certificate,
        Self::Password,
        Self::Rights,
        Self::Version,
        Self::Encoding,
        Self::Extensions,
        Self::Pooler,
        Self::Content,
    ];

    /// The step in one word, as in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Port => "port",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::Password => "password",
            Self::Rights => "rights",
            Self::Version => "version",
            Self::Encoding => "encoding",
            Self::Extensions => "extensions",
            Self::Pooler => "pooler",
            Self::Content => "content",
        }
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestOutcome {
    /// In order.
    Ok,
    /// The archive cannot be used like this.
    Failed,
    /// Not tested: it does not apply, or an earlier step failed.
    Skipped,
}

/// One step with its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// What was tested.
    pub step: TestStep,
    /// How it ended.
    pub outcome: TestOutcome,
    /// What was found; whole sentences. Never contains the password.
    pub message: String,
    /// What the user can do, if anything.
    pub action: Option<String>,
}

/// The results so far.
#[derive(Default)]
struct Report {
    results: Vec<TestResult>,
}

impl Report {
    fn add(
        &mut self,
        step: TestStep,
        outcome: TestOutcome,
        message: impl Into<String>,
        action: Option<String>,
    ) {
        self.results.push(TestResult { step, outcome, message: message.into(), action });
    }

    fn ok(&mut self, step: TestStep, message: impl Into<String>) {
        self.add(step, TestOutcome::Ok, message, None);
    }

    /// In order, with advice.
    fn ok_but(&mut self, step: TestStep, message: impl Into<String>, advice: impl Into<String>) {
        self.add(step, TestOutcome::Ok, message, Some(advice.into()));
    }

    fn failed(&mut self, step: TestStep, message: impl Into<String>, action: impl Into<String>) {
        self.add(step, TestOutcome::Failed, message, Some(action.into()));
    }

    fn skipped(&mut self, step: TestStep, message: impl Into<String>) {
        self.add(step, TestOutcome::Skipped, message, None);
    }

    fn has_failed(&self) -> bool {
        self.results.iter().any(|result| result.outcome == TestOutcome::Failed)
    }

    /// All steps in order; those without a result are skipped because of the first one that failed.
    fn complete(mut self) -> Vec<TestResult> {
        self.results.sort_by_key(|result| result.step);
        let failed = self.results.iter().find(|result| result.outcome == TestOutcome::Failed);
        let reason = failed.map_or_else(
            || "Not tested.".to_owned(),
            |result| format!("Not tested, because the step “{}” failed.", result.step.word()),
        );
        for step in TestStep::ALL {
            if self.results.iter().all(|result| result.step != step) {
                self.skipped(step, reason.clone());
            }
        }
        self.results.sort_by_key(|result| result.step);
        self.results
    }
}

/// Tests the way to `database`. Starts the private server if it is used and not running; writes nothing into a database.
/// Needs tokio's multi-thread runtime. Takes some 20 s at most if the server does not answer.
pub async fn test_connection(database: &Database) -> Vec<TestResult> {
    let mut report = Report::default();
    let target = match database {
        Database::External(url) => {
            reach::reach(&mut report, url).await;
            Target::External(url.clone())
        }
        Database::Managed(cluster) => {
            reach::reach_managed(&mut report, cluster);
            Target::Managed(cluster.clone())
        }
    };
    if !report.has_failed()
        && let Some(client) = sign_in::sign_in(&mut report, &target).await
    {
        inspect::inspect(&mut report, &target, &client).await;
    }
    report.complete()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_after_a_failed_one_are_skipped_because_of_it() {
        let mut report = Report::default();
        report.ok(TestStep::Name, "It is there.");
        report.failed(TestStep::Port, "It is closed.", "Open it.");
        let results = report.complete();
        assert_eq!(results.iter().map(|result| result.step).collect::<Vec<_>>(), TestStep::ALL);
        assert!(results[2..].iter().all(|result| {
            result.outcome == TestOutcome::Skipped && result.message.contains("step “port” failed")
        }));
    }
}
