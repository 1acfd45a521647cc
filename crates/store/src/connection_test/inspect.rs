//! What a signed-in client asks the server: rights, version, encoding, extensions, pooler and content.
//!
//! All questions are simple queries of constants, which also work behind a pooler.

use super::{Report, TestStep};
use crate::connect::{Target, is_pooled};
use crate::database_owner::{self, Content, Owner};
use crate::error::StoreError;
use crate::server_version::{VersionVerdict, judge_version};
use serde::Deserialize;
use tokio_postgres::{Client, SimpleQueryMessage};

/// One row with one JSON document: [`Facts`].
const FACTS: &str = "
    SELECT json_build_object(
        'role', current_user,
        'database', current_database(),
        'version', current_setting('server_version'),
        'encoding', current_setting('server_encoding'),
        'schema', current_schema(),
        'may_create_tables', coalesce(has_schema_privilege(current_schema(), 'CREATE'), FALSE),
        'may_create_schemas', has_database_privilege(current_database(), 'CREATE'),
        'may_create_temporary_tables', has_database_privilege(current_database(), 'TEMPORARY'),
        'is_superuser', (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
        'is_read_only', pg_is_in_recovery() OR current_setting('default_transaction_read_only')::boolean,
        'trigrams', CASE
            WHEN EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN 'installed'
            WHEN EXISTS (SELECT FROM pg_available_extension_versions WHERE name = 'pg_trgm' AND trusted)
                THEN 'installable'
            WHEN EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN 'by_administrator'
            ELSE 'missing' END,
        'foreign_tables', (
            SELECT coalesce(json_agg(relname || ' (of ' || pg_get_userbyid(relowner) || ')' ORDER BY relname), '[]')
            FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = current_schema() AND relkind IN ('r', 'p', 'v')
                AND NOT pg_has_role(relowner, 'USAGE'))
    )::text";

/// Whether case conversion works beyond ASCII. Only for databases that store UTF-8.
const LOWER_CASE: &str = "SELECT (lower('Ä') = 'ä')::text";

/// What the server says about itself and the role.
#[derive(Debug, Deserialize)]
struct Facts {
    role: String,
    database: String,
    version: String,
    encoding: String,
    /// `None`: no schema of the search path exists or may be used.
    schema: Option<String>,
    may_create_tables: bool,
    may_create_schemas: bool,
    may_create_temporary_tables: bool,
    is_superuser: bool,
    is_read_only: bool,
    trigrams: Trigrams,
    /// Tables of the schema whose owner's rights the role does not have, with the owner.
    foreign_tables: Vec<String>,
}

/// The state of the extension `pg_trgm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Trigrams {
    Installed,
    /// By a role that may create schemas.
    Installable,
    /// By a superuser only.
    ByAdministrator,
    Missing,
}

/// Asks for everything that a connection can tell.
pub(super) async fn inspect(report: &mut Report, target: &Target, client: &Client) {
    let facts = match ask(client, FACTS).await {
        Ok(rows) => rows.concat(),
        Err(error) => {
            let why = StoreError::from(error);
            report.failed(
                TestStep::Rights,
                format!("The server does not describe itself. {why}"),
                SERVER_LOG,
            );
            return;
        }
    };
    let facts: Facts = match serde_json::from_str(&facts) {
        Ok(facts) => facts,
        Err(error) => {
            report.failed(
                TestStep::Rights,
                format!("The server describes itself in an unknown way ({error})."),
                "Check that it is PostgreSQL and not a program with the same protocol.",
            );
            return;
        }
    };
    let owner = content(report, client, &facts).await;
    rights(report, &facts, owner.as_ref());
    version(report, &facts);
    encoding(report, client, &facts).await;
    extensions(report, &facts);
    pooler(report, target).await;
}

/// The action for an unexpected error of the server.
const SERVER_LOG: &str = "Look into the server's log; it says why.";

/// The first column of each row.
async fn ask(client: &Client, sql: &'static str) -> Result<Vec<String>, tokio_postgres::Error> {
    let answer = client.simple_query(sql).await?;
    let rows = answer.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    Ok(rows.collect())
}

async fn content(report: &mut Report, client: &Client, facts: &Facts) -> Option<Owner> {
    let found = async {
        let tables = ask(client, database_owner::TABLES).await?;
        let columns = ask(client, database_owner::CONTRACT_COLUMNS).await?;
        let has_steps = tables.iter().any(|table| table == database_owner::STEPS_TABLE);
        let steps = if has_steps { ask(client, database_owner::STEPS).await? } else { Vec::new() };
        Content { tables, columns, steps }.owner()
    };
    let name = &facts.database;
    match found.await {
        Ok(owner) => {
            match &owner {
                Owner::Nobody => report.ok(TestStep::Content, format!("The database “{name}” is empty; MeetMemo creates its tables in it.")),
                Owner::MeetMemo => report.ok(TestStep::Content, format!("The database “{name}” holds an archive of MeetMemo.")),
                Owner::ServerEdition => report.ok(
                    TestStep::Content,
                    format!("The database “{name}” belongs to the server edition; MeetMemo adds its own tables and keeps both."),
                ),
                Owner::NewerMeetMemo { step } => report.failed(
                    TestStep::Content,
                    format!("The archive in “{name}” was made by a newer MeetMemo (schema step {step})."),
                    "Update MeetMemo.",
                ),
                Owner::Stranger { tables } => report.failed(
                    TestStep::Content,
                    format!("The database “{name}” holds other tables already ({tables})."),
                    "Give MeetMemo a database of its own; createdb makes an empty one.",
                ),
            }
            Some(owner)
        }
        Err(error) => {
            report.failed(
                TestStep::Content,
                format!("The tables of “{name}” cannot be examined. {error}"),
                "Give the role the rights that docs/external-database.md lists.",
            );
            None
        }
    }
}

fn rights(report: &mut Report, facts: &Facts, owner: Option<&Owner>) {
    let (role, database) = (&facts.role, &facts.database);
    let fails = |report: &mut Report, message: String, action: &str| {
        report.failed(TestStep::Rights, message, format!("{action} docs/external-database.md has the SQL."));
    };
    if facts.is_read_only {
        return fails(
            report,
            "The server does not accept changes: it is a standby, or default_transaction_read_only is on."
                .to_owned(),
            "Use the address of the primary server.",
        );
    }
    let Some(schema) = &facts.schema else {
        return fails(
            report,
            format!("“{role}” may use no schema of the database “{database}”."),
            "Ask the administrator for USAGE and CREATE on the schema public.",
        );
    };
    if !facts.may_create_tables {
        return fails(
            report,
            format!("“{role}” may not create tables in the schema “{schema}”."),
            "Ask the administrator for USAGE and CREATE on that schema.",
        );
    }
    let is_shared = matches!(owner, Some(Owner::MeetMemo | Owner::ServerEdition));
    if is_shared && !facts.foreign_tables.is_empty() {
        let some: Vec<&str> = facts.foreign_tables.iter().take(4).map(String::as_str).collect();
        return fails(
            report,
            format!(
                "“{role}” does not own {} and could not update them with a new MeetMemo.",
                some.join(", ")
            ),
            "Sign in as their owner, or ask the administrator to make the role a member of the owner.",
        );
    }
    for (may, what) in
        [(facts.may_create_schemas, "CREATE"), (facts.may_create_temporary_tables, "TEMPORARY")]
    {
        if !may {
            return fails(
                report,
                format!(
                    "“{role}” lacks the right {what} on the database “{database}”, without which no backup can be restored into it."
                ),
                "Ask the administrator for it.",
            );
        }
    }
    match facts.is_superuser {
        true => report.ok_but(
            TestStep::Rights,
            format!("“{role}” may do everything: it is a superuser, which is more than MeetMemo needs."),
            "A role with few rights is safer; docs/external-database.md has the SQL.",
        ),
        false => report.ok(
            TestStep::Rights,
            format!("“{role}” has the rights that MeetMemo needs, and is no superuser."),
        ),
    }
}

fn version(report: &mut Report, facts: &Facts) {
    let version = &facts.version;
    match judge_version(version) {
        VersionVerdict::Supported => report.ok(TestStep::Version, format!("The server is PostgreSQL {version}.")),
        VersionVerdict::Untested => report.ok_but(
            TestStep::Version,
            format!("The server is PostgreSQL {version}, which is newer than this MeetMemo was tested with (15 to 18)."),
            "Make a backup before you use it, and look for a newer MeetMemo.",
        ),
        VersionVerdict::TooOld => report.failed(
            TestStep::Version,
            format!("The server is PostgreSQL {version}. MeetMemo needs 15 or newer."),
            "Ask for a server with PostgreSQL 15 to 18.",
        ),
    }
}

async fn encoding(report: &mut Report, client: &Client, facts: &Facts) {
    let encoding = &facts.encoding;
    if encoding != "UTF8" {
        return report.failed(
            TestStep::Encoding,
            format!("The database stores text as {encoding}, which lacks the letters of most languages."),
            "Create one that stores UTF-8: createdb --encoding=UTF8 --template=template0 NAME.",
        );
    }
    match ask(client, LOWER_CASE).await {
        Ok(answer) if answer == ["true"] => report.ok(TestStep::Encoding, "The database stores UTF-8."),
        Ok(_) => report.ok_but(
            TestStep::Encoding,
            "The database stores UTF-8, but its locale knows upper and lower case of English letters only, so a search tells Ä from ä.",
            "Create the database with another locale: createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=und NAME.",
        ),
        Err(error) => {
            report.failed(TestStep::Encoding, StoreError::from(error).to_string(), SERVER_LOG);
        }
    }
}

fn extensions(report: &mut Report, facts: &Facts) {
    let by_role = facts.is_superuser || facts.may_create_schemas;
    match facts.trigrams {
        Trigrams::Installed => report.ok(TestStep::Extensions, "The extension pg_trgm is installed."),
        Trigrams::Installable if by_role => {
            report.ok(TestStep::Extensions, "The extension pg_trgm is available; MeetMemo may install it.")
        }
        Trigrams::ByAdministrator if facts.is_superuser => {
            report.ok(TestStep::Extensions, "The extension pg_trgm is available; MeetMemo may install it.")
        }
        Trigrams::Installable | Trigrams::ByAdministrator => report.failed(
            TestStep::Extensions,
            format!("The extension pg_trgm is not installed, and “{}” may not install it.", facts.role),
            "Ask the administrator to run in this database: CREATE EXTENSION pg_trgm.",
        ),
        Trigrams::Missing => report.failed(
            TestStep::Extensions,
            "The server does not have the extension pg_trgm.",
            "Ask the administrator to install PostgreSQL's additional modules (package postgresql-contrib).",
        ),
    }
}

async fn pooler(report: &mut Report, target: &Target) {
    let Target::External(url) = target else {
        return report.skipped(TestStep::Pooler, "Nothing stands between MeetMemo and the private server.");
    };
    match is_pooled(url).await {
        Ok(false) => report.ok(TestStep::Pooler, "Each connection has a server process of its own."),
        Ok(true) => report.failed(
            TestStep::Pooler,
            "A connection pool shares the server's connections between transactions, as PgBouncer does. MeetMemo's locks would not hold there.",
            "Use the server's own port, or set the pool to session mode (pool_mode = session).",
        ),
        Err(failure) => report.failed(
            TestStep::Pooler,
            format!("A second connection could not be opened: {}.", target.reason(failure)),
            "MeetMemo needs at least 5 connections. Look into the server's log, and at the limits of the role and the server.",
        ),
    }
}
