//! COPY on a connection whose search path leads to the tables: the archive's own, or those of a staging schema.

use super::rows_text::{Section, append_section, first_line};
use super::tables::{Owner, TABLES, Table, column_list, columns_of_t, quoted};
use crate::Result;
use crate::error::StoreError;
use crate::ids::JobId;
use futures_util::{SinkExt, StreamExt};
use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use tokio_postgres::Client;
use uuid::Uuid;

/// Columns of each table, in the order of the catalogue. A table that does not exist has none.
pub(super) type Columns = HashMap<String, Vec<String>>;

/// Sets everything that changes how values are written as text.
pub(super) async fn set_formats(client: &Client) -> Result<()> {
    let settings =
        "SET client_encoding TO 'UTF8'; SET datestyle TO 'ISO, YMD'; SET intervalstyle TO 'iso_8601';
        SET bytea_output TO 'hex'; SET extra_float_digits TO 1; SET TIME ZONE 'UTC'";
    Ok(client.batch_execute(settings).await?)
}

/// The columns of all tables in the current schema.
pub(super) async fn columns(client: &Client) -> Result<Columns> {
    let rows = client
        .query(
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = current_schema() AND is_generated = 'NEVER'
             ORDER BY table_name, ordinal_position",
            &[],
        )
        .await?;
    let mut columns = Columns::new();
    for row in rows {
        columns.entry(row.get(0)).or_default().push(row.get(1));
    }
    Ok(columns)
}

/// The rows of each of `meetings` as text, in their order. One statement for each table.
pub(super) async fn meetings_text(
    client: &Client,
    columns: &Columns,
    schema_step: &str,
    meetings: &[JobId],
) -> Result<Vec<Vec<u8>>> {
    let mut texts: BTreeMap<Uuid, Vec<u8>> =
        meetings.iter().map(|meeting| (meeting.uuid(), first_line(schema_step))).collect();
    // COPY takes no parameters; a setting of the session does. The subquery reads it once, not for each row.
    let ids = meetings.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    client.execute("SELECT set_config('meetmemo.backup', $1, false)", &[&format!("{{{ids}}}")]).await?;
    for table in &TABLES {
        let (Some(meeting), Some(columns)) = (table.meeting(), columns.get(table.name)) else { continue };
        let sql = format!(
            "COPY (SELECT {meeting}, {} FROM {}
             WHERE {meeting} = ANY ((SELECT current_setting('meetmemo.backup')::uuid[])::uuid[])
             ORDER BY {meeting}, {}) TO STDOUT",
            columns_of_t(columns),
            table.from(),
            table.order(),
        );
        let mut current: Option<(Uuid, Vec<u8>)> = None;
        let mut finish = |done: Option<(Uuid, Vec<u8>)>| {
            if let Some((meeting, rows)) = done
                && let Some(text) = texts.get_mut(&meeting)
            {
                append_section(text, table, columns, &rows);
            }
        };
        let mut stream = pin!(client.copy_out(&sql).await?);
        let mut line = Vec::new();
        while let Some(chunk) = stream.next().await {
            for part in chunk?.split_inclusive(|byte| *byte == b'\n') {
                line.extend_from_slice(part);
                if !part.ends_with(b"\n") {
                    continue;
                }
                let (meeting, row) = meeting_of(&line)?;
                match &mut current {
                    Some((same, rows)) if *same == meeting => rows.extend_from_slice(row),
                    _ => finish(current.replace((meeting, row.to_vec()))),
                }
                line.clear();
            }
        }
        finish(current);
    }
    Ok(meetings.iter().filter_map(|meeting| texts.remove(&meeting.uuid())).collect())
}

/// The rows that belong to no meeting, as text.
pub(super) async fn archive_text(client: &Client, columns: &Columns, schema_step: &str) -> Result<Vec<u8>> {
    let mut text = first_line(schema_step);
    for table in TABLES.iter().filter(|table| table.belongs_to == Owner::Archive) {
        let Some(columns) = columns.get(table.name) else { continue };
        let sql = format!(
            "COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT",
            columns_of_t(columns),
            table.from(),
            table.order()
        );
        let mut stream = pin!(client.copy_out(&sql).await?);
        let mut rows = Vec::new();
        while let Some(chunk) = stream.next().await {
            rows.extend_from_slice(&chunk?);
        }
        append_section(&mut text, table, columns, &rows);
    }
    Ok(text)
}

/// The meeting in the first field of a row, and the row without that field.
fn meeting_of(line: &[u8]) -> Result<(Uuid, &[u8])> {
    let broken = || StoreError::BackupRows("the server sent a row without its meeting".to_owned());
    let end = line.iter().position(|byte| *byte == b'\t').ok_or_else(broken)?;
    let meeting = std::str::from_utf8(&line[..end]).ok().and_then(|id| Uuid::parse_str(id).ok());
    Ok((meeting.ok_or_else(broken)?, &line[end + 1..]))
}

/// Loads a section into its table of the current schema.
pub(super) async fn load(client: &Client, section: &Section<'_>, known: &Columns) -> Result<()> {
    let Table { name, .. } = section.table;
    let columns = known.get(*name).map(Vec::as_slice).unwrap_or_default();
    if let Some(unknown) = section.columns.iter().find(|column| !columns.contains(column)) {
        return Err(StoreError::BackupRows(format!("the table {name} has no column {unknown}")));
    }
    let sql = format!("COPY {} ({}) FROM STDIN", quoted(name), column_list(&section.columns));
    let mut sink = pin!(client.copy_in(&sql).await?);
    // Large meetings are sent in parts.
    for part in section.rows.chunks(1 << 20) {
        sink.send(bytes::Bytes::copy_from_slice(part)).await?;
    }
    sink.finish().await?;
    Ok(())
}
