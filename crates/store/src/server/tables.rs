//! Figures of tables and indexes.
//!
//! The server determines a size under a lock, and waits while another connection locks the table against readers (VACUUM
//! FULL). The sizes of such tables and indexes are those that the server counted last, because these figures are needed
//! most when something is blocked.

use crate::query::on_connection;
use crate::{Result, Store};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;

/// A table of the archive. Counts are since the statistics of the database began; numbers of rows are estimates.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct TableFigures {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// Bytes on disk, with indexes and long values.
    #[diesel(sql_type = BigInt)]
    pub total_bytes: i64,
    /// Bytes of its indexes.
    #[diesel(sql_type = BigInt)]
    pub index_bytes: i64,
    /// Rows.
    #[diesel(sql_type = BigInt)]
    pub live_rows: i64,
    /// Old versions of rows that VACUUM has not removed yet.
    #[diesel(sql_type = BigInt)]
    pub dead_rows: i64,
    /// Rows that were inserted.
    #[diesel(sql_type = BigInt)]
    pub inserted: i64,
    /// Rows that were updated.
    #[diesel(sql_type = BigInt)]
    pub updated: i64,
    /// Rows that were deleted.
    #[diesel(sql_type = BigInt)]
    pub deleted: i64,
    /// Rows changed since the last ANALYZE.
    #[diesel(sql_type = BigInt)]
    pub changed_since_analyze: i64,
    /// Searches that read the whole table.
    #[diesel(sql_type = BigInt)]
    pub sequential_scans: i64,
    /// Searches that used an index.
    #[diesel(sql_type = BigInt)]
    pub index_scans: i64,
    /// The last VACUUM that somebody ran.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_vacuum: Option<DateTime<Utc>>,
    /// The last VACUUM that the server ran by itself.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_autovacuum: Option<DateTime<Utc>>,
    /// The last ANALYZE that somebody ran.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_analyze: Option<DateTime<Utc>>,
    /// The last ANALYZE that the server ran by itself.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_autoanalyze: Option<DateTime<Utc>>,
}

const TABLES: &str = "
    SELECT
        s.relname::text AS name,
        CASE WHEN closed.is_closed THEN counted.total ELSE pg_total_relation_size(s.relid) END AS total_bytes,
        CASE WHEN closed.is_closed THEN counted.indexes ELSE pg_indexes_size(s.relid) END AS index_bytes,
        s.n_live_tup AS live_rows,
        s.n_dead_tup AS dead_rows,
        s.n_tup_ins AS inserted,
        s.n_tup_upd AS updated,
        s.n_tup_del AS deleted,
        s.n_mod_since_analyze AS changed_since_analyze,
        coalesce(s.seq_scan, 0) AS sequential_scans,
        coalesce(s.idx_scan, 0) AS index_scans,
        s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze
    FROM pg_stat_user_tables s
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM pg_locks l
            WHERE l.relation = s.relid AND l.mode = 'AccessExclusiveLock'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ) AS is_closed
    ) AS closed
    CROSS JOIN LATERAL (
        SELECT
            coalesce(sum(p.relpages) * current_setting('block_size')::bigint, 0)::bigint AS total,
            coalesce(
                sum(p.relpages) FILTER (WHERE p.relkind = 'i') * current_setting('block_size')::bigint, 0
            )::bigint AS indexes
        FROM pg_class p
        WHERE p.oid = s.relid OR p.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = s.relid)
    ) AS counted
    WHERE s.schemaname = current_schema()
    ORDER BY total_bytes DESC, name";

/// An index of the archive.
#[derive(Debug, Clone, PartialEq, diesel::QueryableByName)]
pub struct IndexFigures {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The table that it belongs to.
    #[diesel(sql_type = Text)]
    pub table_name: String,
    /// Bytes on disk.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// Searches that used it since the statistics began.
    #[diesel(sql_type = BigInt)]
    pub scans: i64,
    /// Whether it also ensures that values are unique.
    #[diesel(sql_type = Bool)]
    pub is_unique: bool,
    /// False if a CREATE INDEX or REINDEX was interrupted: the index is not used, and REINDEX repairs it.
    #[diesel(sql_type = Bool)]
    pub is_valid: bool,
    /// The statement that creates it; empty while its table is locked against readers.
    #[diesel(sql_type = Text)]
    pub definition: String,
}

const INDEXES: &str = "
    SELECT
        s.indexrelname::text AS name,
        s.relname::text AS table_name,
        CASE
            WHEN closed.is_closed THEN (
                SELECT p.relpages * current_setting('block_size')::bigint FROM pg_class p WHERE p.oid = s.indexrelid
            )
            ELSE pg_relation_size(s.indexrelid)
        END AS bytes,
        coalesce(s.idx_scan, 0) AS scans,
        i.indisunique AS is_unique,
        i.indisvalid AS is_valid,
        CASE WHEN closed.is_closed THEN '' ELSE pg_get_indexdef(s.indexrelid) END AS definition
    FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid
    CROSS JOIN LATERAL (
        SELECT EXISTS (
            SELECT FROM pg_locks l
            WHERE l.relation IN (s.relid, s.indexrelid) AND l.mode = 'AccessExclusiveLock'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        ) AS is_closed
    ) AS closed
    WHERE s.schemaname = current_schema()
    ORDER BY bytes DESC, name";

impl Store {
    /// The tables of the archive, the largest first.
    pub async fn table_figures(&self) -> Result<Vec<TableFigures>> {
        on_connection!(self, connection => diesel::sql_query(TABLES).load(connection))
    }

    /// The indexes of the archive, the largest first.
    pub async fn index_figures(&self) -> Result<Vec<IndexFigures>> {
        on_connection!(self, connection => diesel::sql_query(INDEXES).load(connection))
    }
}
