//! Typed ids. All are UUIDs: random ones (version 4) where users type the first digits, else ordered by time (version
//! 7).

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $new:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id.
            #[allow(clippy::new_without_default, reason = "each id is new; a default would hide that")]
            pub fn new() -> Self {
                Self(Uuid::$new())
            }

            /// The id as a plain UUID.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl FromSql<sql_types::Uuid, Pg> for $name {
            fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
                <Uuid as FromSql<sql_types::Uuid, Pg>>::from_sql(value).map(Self)
            }
        }

        impl ToSql<sql_types::Uuid, Pg> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
                <Uuid as ToSql<sql_types::Uuid, Pg>>::to_sql(&self.0, out)
            }
        }
    )+};
}

ids! {
    /// A recording: a row of `jobs`.
    JobId = new_v4,
    /// A version of a transcript: a row of `transcripts`.
    TranscriptId = now_v7,
    /// A segment of a transcript: a row of `segments`.
    SegmentId = now_v7,
    /// A speaker of a meeting: a row of `speakers`.
    SpeakerId = now_v7,
    /// An edit of a meeting's speakers: a row of `edits`.
    EditId = now_v7,
    /// A known person: a row of `people`.
    PersonId = now_v7,
    /// An export: a row of `export_jobs`.
    ExportId = new_v4,
    /// Exports that were asked for together: a row of `export_batches`.
    BatchId = now_v7,
    /// A summary of a meeting: a row of `summaries`.
    SummaryId = now_v7,
    /// A task: a row of `tasks`.
    TaskId = new_v4,
    /// A folder of meetings: a row of `folders`.
    FolderId = now_v7,
    /// A tag: a row of `tags`.
    TagId = now_v7,
    /// A library folder. Computers that share a database have one each.
    LibraryId = now_v7,
    /// A computer.
    MachineId = now_v7,
}
