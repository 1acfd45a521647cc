//! The text of rows: a comment with the migration step, then sections of `COPY table (column, …) FROM stdin;`, lines, and `\.`, as `pg_dump` writes them.
//!
//! A line is one row: COPY escapes line breaks inside values. What a backup holds is not trusted: a section must name a
//! table of a backup, and columns are quoted again before they reach the server.

use super::tables::{Table, column_list, find, quoted};
use crate::Result;
use crate::error::StoreError;
use crate::ids::JobId;

/// The rows of one table.
pub(super) struct Section<'a> {
    pub(super) table: &'static Table,
    pub(super) columns: Vec<String>,
    /// Whole lines, each with its line feed.
    pub(super) rows: &'a [u8],
}

/// The end of a section.
const END: &[u8] = b"\\.\n";

/// Beginning of the first line.
const FIRST_LINE: &str = "-- MeetMemo rows, schema step ";

/// The first line of rows at this migration step.
pub(super) fn first_line(schema_step: &str) -> Vec<u8> {
    format!("{FIRST_LINE}{schema_step}\n").into_bytes()
}

/// The migration step that the text of rows was written at; `None` if it is no such text.
pub fn schema_step_of(text: &[u8]) -> Option<String> {
    let step = std::str::from_utf8(split_line(text).0).ok()?.strip_prefix(FIRST_LINE)?;
    step.bytes().all(|byte| byte.is_ascii_digit()).then(|| step.to_owned())
}

/// The meeting whose rows the text holds; `None` if it holds those that belong to none.
///
/// # Errors
/// [`StoreError::BackupRows`] if the text has another shape.
pub fn meeting_in(text: &[u8]) -> Result<Option<JobId>> {
    for section in sections(text)? {
        let id = section.columns.iter().position(|column| column == "id");
        if section.table.name == "jobs" {
            let row = split_line(section.rows).0;
            let value = id.and_then(|id| row.split(|byte| *byte == b'\t').nth(id));
            return Ok(value.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok()));
        }
    }
    Ok(None)
}

/// Appends a section with `rows` to `text`; nothing if there are no rows.
pub(super) fn append_section(text: &mut Vec<u8>, table: &Table, columns: &[String], rows: &[u8]) {
    if rows.is_empty() {
        return;
    }
    let header = format!("COPY {} ({}) FROM stdin;\n", quoted(table.name), column_list(columns));
    text.extend_from_slice(header.as_bytes());
    text.extend_from_slice(rows);
    text.extend_from_slice(END);
}

/// The sections of `text`.
///
/// # Errors
/// [`StoreError::BackupRows`] if the text has another shape.
pub(super) fn sections(text: &[u8]) -> Result<Vec<Section<'_>>> {
    let mut sections = Vec::new();
    let mut rest = text;
    if rest.starts_with(FIRST_LINE.as_bytes()) {
        rest = split_line(rest).1;
    }
    while !rest.is_empty() {
        let (header, rows) = split_line(rest);
        let (table, columns) = parse_header(header)?;
        let mut length = 0;
        loop {
            let (line, after) = split_line(&rows[length..]);
            if line == b"\\." {
                rest = after;
                break;
            }
            if after.is_empty() && !rows.ends_with(b"\n") || rows.len() == length {
                return Err(StoreError::BackupRows(format!("the rows of {} have no end", table.name)));
            }
            length += line.len() + 1;
        }
        sections.push(Section { table, columns, rows: &rows[..length] });
    }
    Ok(sections)
}

/// The first line without its line feed, and the rest.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

fn parse_header(line: &[u8]) -> Result<(&'static Table, Vec<String>)> {
    let parse = || {
        let line = std::str::from_utf8(line).ok()?;
        let (table, columns) = line.strip_prefix("COPY ")?.strip_suffix(") FROM stdin;")?.split_once(" (")?;
        let unquoted = |name: &str| Some(name.strip_prefix('"')?.strip_suffix('"')?.replace("\"\"", "\""));
        let columns = columns.split(", ").map(unquoted).collect::<Option<Vec<_>>>()?;
        Some((find(&unquoted(table)?)?, columns))
    };
    parse().ok_or_else(|| StoreError::BackupRows("they are not in the form of a backup".to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn sections_come_back_as_they_were_written() {
        let (jobs, people) = (find("jobs").unwrap(), find("people").unwrap());
        let columns = ["id".to_owned(), "na\"me".to_owned()];
        let mut text = first_line("20261130000009");
        append_section(&mut text, jobs, &columns, b"1\ta\\nb\n2\t\\\\.\n");
        append_section(&mut text, people, &columns, b"");
        append_section(&mut text, people, &columns[..1], b"\n");
        assert_eq!(schema_step_of(&text).unwrap(), "20261130000009");
        let read = sections(&text).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].table.name, read[0].rows), ("jobs", &b"1\ta\\nb\n2\t\\\\.\n"[..]));
        assert_eq!(read[0].columns, columns);
        assert_eq!((read[1].table.name, read[1].rows), ("people", &b"\n"[..]));
    }

    #[test]
    fn text_of_another_shape_is_refused() {
        for text in [
            "nonsense\n",
            "COPY \"pg_authid\" (\"rolname\") FROM stdin;\nx\n\\.\n",
            "COPY \"jobs\" (\"id\") FROM stdin;\n1\n",
            "COPY \"jobs\" (\"id\") FROM stdin;\n1",
            "COPY \"jobs\" (\"id\") FROM stdin;",
            "COPY \"jobs\" (\"id\") FROM PROGRAM 'x';\n\\.\n",
            "COPY \"jobs\" (id); DROP TABLE jobs; (\"id\") FROM stdin;\n\\.\n",
        ] {
            assert!(sections(text.as_bytes()).is_err(), "{text}");
        }
    }
}
