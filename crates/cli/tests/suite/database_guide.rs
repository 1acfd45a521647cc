//! `docs/database.md`: every command and every statement on it works, and its tables, columns and indexes are those of a
//! real database.

use crate::common::{MeetMemo, Said, resources};
use crate::database::{only_private, with_postgres_tools};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use store::managed::KeeperCommand;
use store::testing::TestDatabase;

const PAGE: &str = include_str!("../../../../docs/database.md");

/// The first words of commands that cannot run in a test: they need another computer, Docker, or another server.
const NOT_RUN: [&str; 5] = ["export", "cp", "docker", "ssh", "meetmemo --database-url"];

/// The fenced blocks of the page in this language.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in PAGE.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found.into_iter().filter(|(found, _)| found == language).map(|(_, text)| text).collect()
}

fn database() -> (TestDatabase, tokio::runtime::Runtime) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let program = env!("CARGO_BIN_EXE_meetmemo").into();
    let keeper = KeeperCommand { program, arguments: vec!["database-server".to_owned()] };
    (runtime.block_on(TestDatabase::new(keeper)).unwrap(), runtime)
}

/// Rows of which every query on the page finds one.
const SAMPLE: &str = "
    INSERT INTO jobs (id, file_name, file_path, file_hash, status, workflow_state, title, error_message, duration_ms,
        created_at)
    VALUES
        ('018f4e5e-0000-7000-8000-000000000001', 'talk.m4a', 'a', '01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b',
            'completed', 'done', 'Budget', NULL, 3600000, now() - interval '60 days'),
        ('018f4e5e-0000-7000-8000-000000000002', 'talk.m4a', 'b', repeat('2', 64), 'failed', 'transcribing', NULL,
            'there was not enough memory', 1000, now() - interval '1 hour'),
        ('018f4e5e-0000-7000-8000-000000000003', 'new.wav', 'c', repeat('3', 64), 'pending', 'queued', NULL, NULL, 1000, now());
    INSERT INTO export_jobs (id, job_id, export_type, status, file_path, created_at) VALUES
        (gen_random_uuid(), '018f4e5e-0000-7000-8000-000000000001', 'pdf_transcript', 'completed', '/x.pdf', now() - interval '3 days');
    INSERT INTO transcripts (id, job_id, version, status, engine, model, settings) VALUES
        ('018f4e5e-0000-7000-8000-00000000000a', '018f4e5e-0000-7000-8000-000000000001', 1, 'complete', 'e', 'm', '{}');
    UPDATE jobs SET current_transcript_id = '018f4e5e-0000-7000-8000-00000000000a' WHERE file_path = 'a';
    INSERT INTO segments (id, transcript_id, start_ms, end_ms, text, words) VALUES
        (gen_random_uuid(), '018f4e5e-0000-7000-8000-00000000000a', 0, 900, 'The budget is agreed.', '[]');";

#[test]
fn every_statement_on_the_page_runs_and_finds_rows() {
    let (database, runtime) = database();
    runtime.block_on(database.execute(SAMPLE)).unwrap();
    let statements = blocks("sql");
    assert!(statements.len() >= 12, "{}", statements.len());
    for statement in statements {
        let query = statement.trim().strip_suffix(';').unwrap_or_else(|| panic!("no semicolon: {statement}"));
        let count = format!("SELECT count(*) FROM ({query}) AS found");
        let rows =
            runtime.block_on(database.column(&count)).unwrap_or_else(|error| panic!("{error}: {statement}"));
        assert_ne!(rows, ["0"], "it finds nothing: {statement}");
    }
}

#[test]
fn every_command_on_the_page_runs() {
    only_private!();
    let Some(path) = with_postgres_tools() else { return };
    let app = MeetMemo::new();
    // As an archive that somebody uses: a recording, the server running.
    let work = tempfile::tempdir().unwrap();
    let recording = work.path().join("talk.wav");
    testing::write_wav(&recording, &testing::silence(1.0));
    app.import(&recording);
    let programs = Path::new(env!("CARGO_BIN_EXE_meetmemo")).parent().unwrap().to_owned();
    let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path))).unwrap();
    let commands = blocks("sh");
    assert!(commands.len() >= 9, "{}", commands.len());
    for block in commands {
        let output = Command::new("bash")
            .args(["-e", "-u", "-o", "pipefail", "-c", &block])
            .current_dir(work.path())
            .env("PATH", &path)
            .env("MEETMEMO_DATA_DIR", app.data())
            .env("MEETMEMO_RESOURCES", resources())
            .env_remove("DATABASE_URL")
            .env_remove("MEETMEMO_DATABASE_URL")
            .output()
            .unwrap();
        let said: Said = output.into();
        assert_eq!(said.code, 0, "{block}\n{}{}", said.out, said.err);
    }
    assert!(std::fs::metadata(work.path().join("meetings.dump")).unwrap().len() > 1000);
    assert!(std::fs::read_to_string(work.path().join("jobs.csv")).unwrap().contains("talk.wav"));
}

#[test]
fn only_what_needs_another_computer_is_not_run() {
    for block in blocks("console") {
        for line in block.lines() {
            let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("no prompt: {line}"));
            assert!(NOT_RUN.iter().any(|word| command.starts_with(word)), "a test can run this: {command}");
        }
    }
    let languages: BTreeSet<&str> = PAGE.lines().filter_map(|line| line.strip_prefix("```")).collect();
    assert_eq!(languages, BTreeSet::from(["", "console", "sh", "sql"]));
}

/// The cells of the rows of tables on the page, without their heading, below `section`.
fn rows(section: &str) -> Vec<Vec<String>> {
    let text = PAGE.split_once(&format!("\n{section}\n")).unwrap_or_else(|| panic!("no {section}")).1;
    text.lines()
        .take_while(|line| !line.starts_with('#'))
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect()
        })
        .collect()
}

#[test]
fn the_tables_columns_and_indexes_on_the_page_are_those_of_the_database() {
    let (database, runtime) = database();
    let column = |sql: &str| runtime.block_on(database.column(sql)).unwrap();
    let of_database = column(
        "SELECT c.relname || '.' || a.attname || ': '
            || replace(replace(replace(format_type(a.atttypid, a.atttypmod), 'character varying', 'varchar'),
                'timestamp without time zone', 'timestamp'), 'timestamp with time zone', 'timestamptz')
            || CASE WHEN a.attnotnull THEN '' ELSE ', may be empty' END
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped",
    );
    let mut of_page = BTreeSet::new();
    for table in PAGE.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')) {
        for row in rows(&format!("### `{table}`")) {
            assert!(row.len() == 3 && !row[2].is_empty() && row[2] != "TODO", "{table}: {row:?}");
            assert!(
                of_page.insert(format!("{table}.{}: {}", row[0], row[1])),
                "{table}: {row:?} is there twice"
            );
        }
    }
    assert_eq!(of_page, of_database.into_iter().collect());

    let of_database =
        column("SELECT indexname || ' on ' || tablename FROM pg_indexes WHERE schemaname = 'public'");
    let of_page: BTreeSet<String> =
        rows("## Indexes").iter().map(|row| format!("{} on {}", row[0], row[1])).collect();
    assert_eq!(of_page, of_database.into_iter().collect());
}
