//! Signing in: what the server answers to the role and the password.

use super::{Report, TestStep};
use crate::connect::{MANAGED_DATABASE, Target, is_password_missing, root_cause};
use crate::connect_failure::ConnectFailure;
use crate::external_url::ExternalUrl;
use tokio_postgres::Client;
use tokio_postgres::error::{DbError, SqlState};

/// Connects and signs in.
pub(super) async fn sign_in(report: &mut Report, target: &Target) -> Option<Client> {
    match (target.connect_raw(MANAGED_DATABASE).await, target) {
        (Ok(client), Target::Managed(_)) => {
            report.ok(TestStep::Password, "The password in the data folder opens the private server.");
            Some(client)
        }
        (Ok(client), Target::External(url)) => {
            let message = match url.has_password() {
                true => format!("The server lets “{}” in.", url.user()),
                false => format!("The server lets “{}” in without a password.", url.user()),
            };
            report.ok(TestStep::Password, message);
            Some(client)
        }
        (Err(failure), Target::Managed(_)) => {
            report_managed(report, target, failure);
            None
        }
        (Err(ConnectFailure::Postgres(error)), Target::External(url)) => {
            match error.as_db_error() {
                Some(answer) => report_refusal(report, url, answer),
                None if is_password_missing(&error) => report.failed(
                    TestStep::Password,
                    "The server asks for a password, and none is known.",
                    "Put it into a file that database_password_file names, into ~/.pgpass, or enter it in the window's settings.",
                ),
                None => report_no_answer(report, &root_cause(&error)),
            }
            None
        }
        (Err(failure), Target::External(_)) => {
            report_no_answer(report, &target.reason(failure));
            None
        }
    }
}

fn report_managed(report: &mut Report, target: &Target, failure: ConnectFailure) {
    if failure.is(&SqlState::INVALID_CATALOG_NAME) {
        report.ok(TestStep::Password, "The password in the data folder opens the private server.");
        report.failed(
            TestStep::Content,
            "The private server holds no archive yet.",
            "Any other command creates it, such as meetmemo list.",
        );
        return;
    }
    report.failed(
        TestStep::Password,
        format!("The private server does not let MeetMemo in: {}.", target.reason(failure)),
        "Its password is the file database/password in the data folder. Put the file back from a backup, or restore a backup.",
    );
}

/// The connection ended without an answer of the server. `cause` is a clause.
fn report_no_answer(report: &mut Report, cause: &str) {
    report.failed(
        TestStep::Password,
        format!("The server did not complete the sign-in ({cause})."),
        "Look into the server's log; it says why.",
    );
}

fn report_refusal(report: &mut Report, url: &ExternalUrl, answer: &DbError) {
    let (user, database) = (url.user(), url.config.get_dbname().unwrap_or_default());
    let code = answer.code();
    if [SqlState::INVALID_CATALOG_NAME, SqlState::INSUFFICIENT_PRIVILEGE].contains(code) {
        report.ok(TestStep::Password, format!("The server knows “{user}” and accepts the password."));
    }
    if *code == SqlState::INVALID_CATALOG_NAME {
        report.failed(
            TestStep::Content,
            format!("The server has no database “{database}”."),
            "Check the name after the last / of the address, or ask the administrator to create it: docs/external-database.md has the SQL.",
        );
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE {
        report.failed(
            TestStep::Rights,
            format!("“{user}” may not connect to the database “{database}”."),
            "Ask the administrator to run: GRANT CONNECT ON DATABASE … TO …; docs/external-database.md lists all rights.",
        );
    } else {
        let (message, action) = refusal(&user, answer);
        report.failed(TestStep::Password, message, action);
    }
}

/// What a refused sign-in means, and what to do.
fn refusal(user: &str, answer: &DbError) -> (String, &'static str) {
    let said = answer.message();
    let code = answer.code();
    if *code == SqlState::INVALID_PASSWORD {
        return (
            format!("The server refused the password of “{user}”, or knows no such role."),
            "Check the user's name and the password. In an address, letters such as @ : / ? % are written %40 %3A %2F %3F %25.",
        );
    }
    if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION {
        return (
            format!("The server does not let “{user}” in from this computer ({said})."),
            "Ask the administrator for a line in pg_hba.conf for this role, database and computer, and for a role that may log in.",
        );
    }
    if *code == SqlState::TOO_MANY_CONNECTIONS {
        return (
            format!("The server has no connection left ({said})."),
            "Ask for a higher max_connections, or lower db_pool_max_size of each MeetMemo that uses it.",
        );
    }
    if *code == SqlState::CANNOT_CONNECT_NOW {
        return (format!("The server is starting or stopping ({said})."), "Try again in a moment.");
    }
    (format!("The server refused the connection ({said})."), "Look into the server's log; it says why.")
}
