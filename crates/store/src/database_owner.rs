//! Whose database it is: nobody's, ours, the server edition's, or another program's. Decides what may be written.

use crate::Result;
use crate::migrate;

/// Lists the tables of the current schema, one row each.
pub(crate) const TABLES: &str = "
    SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename";

/// diesel's table of applied migrations. It is created before the first migration, so an interrupted start leaves only
/// this table.
pub(crate) const STEPS_TABLE: &str = "__diesel_schema_migrations";

/// Lists the applied migrations. Only for databases that have [`STEPS_TABLE`].
pub(crate) const STEPS: &str =
    "SELECT version::text AS name FROM __diesel_schema_migrations ORDER BY version";

/// The table that marks a database as ours.
pub(crate) const MARKER: &str = "meetmemo_archive";

/// Lists the columns of the published tables: table, name, type, nullability and default.
pub(crate) const CONTRACT_COLUMNS: &str = "
    SELECT table_name || ' ' || column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '')
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END || coalesce(' default ' || column_default, '') AS name
    FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name IN ('jobs', 'export_jobs')
    ORDER BY table_name, ordinal_position";

/// The result of [`CONTRACT_COLUMNS`] for the published contract.
pub(crate) const CONTRACT: [&str; 18] = [
    "export_jobs id uuid not null",
    "export_jobs job_id uuid not null",
    "export_jobs export_type character varying(50) not null",
    "export_jobs status character varying(50) not null default 'pending'::character varying",
    "export_jobs progress integer default 0",
    "export_jobs error_message text",
    "export_jobs file_path text",
    "export_jobs created_at timestamp without time zone not null default now()",
    "export_jobs updated_at timestamp without time zone not null default now()",
    "jobs id uuid not null",
    "jobs file_name character varying(255) not null",
    "jobs file_path text not null",
    "jobs file_hash character varying(64)",
    "jobs status character varying(50) not null default 'pending'::character varying",
    "jobs error_message text",
    "jobs workflow_state character varying(50)",
    "jobs created_at timestamp without time zone not null default now()",
    "jobs updated_at timestamp without time zone not null default now()",
];

/// What was read from a database to find out whose it is.
#[derive(Debug)]
pub(crate) struct Content {
    /// The result of [`TABLES`].
    pub(crate) tables: Vec<String>,
    /// The result of [`CONTRACT_COLUMNS`]; not needed with the table [`MARKER`].
    pub(crate) columns: Vec<String>,
    /// The result of [`STEPS`]; empty without the table.
    pub(crate) steps: Vec<String>,
}

/// Whose database it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// It has no tables.
    Nobody,
    /// Ours, and not newer than this program.
    MeetMemo,
    /// A newer version of this program has migrated it.
    NewerMeetMemo {
        /// The first migration that this program does not have.
        step: String,
    },
    /// The server edition's, or ours after only the first migration: exactly the tables of the contract.
    ServerEdition,
    /// Another program's.
    Stranger {
        /// The names of a few of its tables.
        tables: String,
    },
}

impl Content {
    /// Whose database it is.
    ///
    /// # Errors
    /// If the migrations that are compiled in cannot be read.
    pub(crate) fn owner(&self) -> Result<Owner> {
        let has = |name: &str| self.tables.iter().any(|table| table == name);
        let is_empty = self.tables.iter().all(|table| table == STEPS_TABLE);
        let is_contract =
            self.tables.iter().all(|t| ["jobs", "export_jobs", STEPS_TABLE].contains(&t.as_str()))
                && self.columns == CONTRACT;
        if !has(MARKER) && !is_empty && !is_contract {
            let some: Vec<&str> = self.tables.iter().take(4).map(String::as_str).collect();
            return Ok(Owner::Stranger { tables: some.join(", ") });
        }
        let known = migrate::known_migrations()?;
        if let Some(step) = self.steps.iter().find(|step| !known.contains(*step)) {
            return Ok(Owner::NewerMeetMemo { step: step.clone() });
        }
        Ok(match (has(MARKER), is_empty) {
            (true, _) => Owner::MeetMemo,
            (false, true) => Owner::Nobody,
            (false, false) => Owner::ServerEdition,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn owner(tables: &[&str], columns: &[&str], steps: &[&str]) -> Owner {
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Content { tables: texts(tables), columns: texts(columns), steps: texts(steps) }.owner().unwrap()
    }

    #[test]
    fn the_owner_is_found_by_tables_columns_and_steps() {
        let first = migrate::known_migrations().unwrap().first().unwrap().clone();
        assert_eq!(owner(&[], &[], &[]), Owner::Nobody);
        assert_eq!(owner(&[STEPS_TABLE], &[], &[]), Owner::Nobody);
        assert_eq!(owner(&["export_jobs", "jobs"], &CONTRACT, &[]), Owner::ServerEdition);
        assert_eq!(owner(&[MARKER, "anything", STEPS_TABLE], &[], &[&first]), Owner::MeetMemo);
        let newer = Owner::NewerMeetMemo { step: "99991231".to_owned() };
        assert_eq!(owner(&[MARKER, STEPS_TABLE], &[], &[&first, "99991231"]), newer);
        assert_eq!(owner(&[STEPS_TABLE], &[], &["99991231"]), newer);
        for tables in [&["export_jobs", "jobs", "users"][..], &["jobs"], &["users"]] {
            assert!(matches!(owner(tables, &CONTRACT[..9], &[]), Owner::Stranger { .. }), "{tables:?}");
        }
        assert!(matches!(owner(&["export_jobs", "jobs"], &CONTRACT[..17], &[]), Owner::Stranger { .. }));
    }
}
