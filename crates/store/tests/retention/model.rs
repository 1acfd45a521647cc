//! Random archives, and what a clean-up of them must remove, computed without SQL.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use store::testing::TestDatabase;
use store::{CleanupPlan, CleanupQuestion, ExportId, JobId, LibraryId, RetentionRules};

/// The app's folder of exports.
pub(crate) const EXPORTS: &str = "/data/my exports";

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Ours,
    Other,
    ServerEdition,
}

/// From when an age counts, instead of `created_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Created,
    /// Hours before the moment of the clean-up.
    Hours(i64),
    Unknown,
}

#[derive(Debug, Clone)]
struct Export {
    id: ExportId,
    owner: Owner,
    status: &'static str,
    path: &'static str,
    age: i64,
    from: From,
}

#[derive(Debug, Clone)]
struct Meeting {
    id: JobId,
    owner: Owner,
    status: &'static str,
    pinned: bool,
    /// Hours before the moment of the clean-up.
    age: i64,
    from: From,
    audio_removed: bool,
    audio_restored: From,
    has_transcript: bool,
    /// Whether the audio lies in the folder of the meeting.
    own_folder: bool,
    /// Kind and state of a task.
    task: Option<(&'static str, &'static str)>,
    exports: Vec<Export>,
}

/// An archive, the rules, and the clock at the moment of a clean-up.
#[derive(Debug, Clone)]
pub(crate) struct Archive {
    pub(crate) at: DateTime<Utc>,
    pub(crate) confirmed: bool,
    library: LibraryId,
    /// Hours from the last moment that was believed to the clean-up.
    since_trusted: i64,
    restored: bool,
    job_hours: Option<u32>,
    audio_days: Option<u32>,
    export_hours: Option<u32>,
    meetings: Vec<Meeting>,
}

/// What a clean-up does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    meetings: BTreeSet<JobId>,
    audio: BTreeSet<JobId>,
    /// With those that go with their meeting.
    exports: BTreeSet<ExportId>,
    questions: Vec<&'static str>,
}

impl Expected {
    pub(crate) fn of(plan: &CleanupPlan) -> Self {
        Self {
            meetings: plan.meetings.iter().map(|meeting| meeting.id).collect(),
            audio: plan.audio.iter().map(|meeting| meeting.id).collect(),
            exports: plan.exports.iter().map(|export| export.id).collect(),
            questions: plan.questions.iter().map(|question| question.as_str()).collect(),
        }
    }
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![6 => Just(Owner::Ours), 1 => Just(Owner::Other), 1 => Just(Owner::ServerEdition)]
}

fn age() -> impl Strategy<Value = i64> {
    prop_oneof![4 => 0_i64..400, 2 => 400_i64..5_000, 1 => -200_i64..0, 1 => 50_000_i64..200_000]
}

fn from() -> impl Strategy<Value = From> {
    prop_oneof![6 => Just(From::Created), 1 => age().prop_map(From::Hours), 1 => Just(From::Unknown)]
}

fn status() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("completed"), 3 => Just("failed"), 1 => Just("pending"), 1 => Just("processing"), 1 => Just("theirs")]
}

fn task() -> impl Strategy<Value = Option<(&'static str, &'static str)>> {
    let kind = prop::sample::select(vec!["diarize", "export"]);
    let state = prop::sample::select(vec!["waiting", "running", "done", "failed"]);
    prop::option::weighted(0.3, (kind, state))
}

fn export() -> impl Strategy<Value = Export> {
    let path = prop::sample::select(vec![
        "/data/my exports/a.pdf",
        "/data/my exports/b.pdf",
        "/data/my exports/folder/a.pdf",
        "/data/my exports 2/a.pdf",
        "/home/anna/a.pdf",
        "/data/my exports/..",
    ]);
    (owner(), status(), path, age(), from()).prop_map(|(owner, status, path, age, from)| Export {
        id: ExportId::new(),
        owner,
        status,
        path,
        age,
        from,
    })
}

fn meeting() -> impl Strategy<Value = Meeting> {
    let exports = prop::collection::vec(export(), 0..3);
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.9));
    (owner(), status(), age(), from(), from(), flags, task(), exports).prop_map(
        |(owner, status, age, from, audio_restored, flags, task, exports)| Meeting {
            id: JobId::new(),
            owner,
            status,
            pinned: flags.0 && flags.1,
            age,
            from,
            audio_removed: flags.0 && !flags.1,
            audio_restored,
            has_transcript: flags.2,
            own_folder: flags.3,
            task: task.filter(|_| status != "pending"),
            exports,
        },
    )
}

/// Random archives with random rules and clocks.
pub(crate) fn archives() -> impl Strategy<Value = Archive> {
    let since_trusted =
        prop_oneof![5 => 0_i64..600, 2 => 600_i64..3_000, 1 => Just(90_000), 2 => -90_000_i64..0];
    let rules = (
        prop::option::weighted(0.7, 1_u32..2_000),
        prop::option::weighted(0.6, prop_oneof![2 => 1_u32..15, 1 => 15_u32..100]),
        prop::option::weighted(0.8, 1_u32..300),
    );
    let meetings =
        (prop::collection::vec(meeting(), 0..14), prop::bool::weighted(0.4)).prop_map(|(meetings, plain)| {
            if plain { meetings.into_iter().map(Meeting::plain).collect() } else { meetings }
        });
    let year = prop_oneof![3 => Just(2026), 1 => Just(1999), 1 => Just(2099)];
    (year, since_trusted, rules, meetings, any::<bool>(), prop::bool::weighted(0.2)).prop_map(
        |(year, since_trusted, rules, meetings, confirmed, restored)| Archive {
            at: format!("{year}-05-03T10:00:00Z").parse().expect("a moment"),
            confirmed,
            library: LibraryId::new(),
            since_trusted,
            restored,
            job_hours: rules.0,
            audio_days: rules.1,
            export_hours: rules.2,
            meetings,
        },
    )
}

/// The age in hours; `None` if it is not known.
fn hours(age: i64, from: From) -> Option<i64> {
    match from {
        From::Created => Some(age),
        From::Hours(hours) => Some(hours),
        From::Unknown => None,
    }
}

fn is_over(status: &str) -> bool {
    status == "completed" || status == "failed"
}

impl Meeting {
    /// The same meeting with nothing that protects it.
    fn plain(self) -> Self {
        Self {
            owner: Owner::Ours,
            status: "completed",
            pinned: false,
            from: From::Created,
            audio_removed: false,
            audio_restored: From::Created,
            has_transcript: true,
            own_folder: true,
            task: None,
            exports: self.exports.into_iter().map(|export| Export { status: "failed", ..export }).collect(),
            ..self
        }
    }

    fn exports_are_at_rest(&self) -> bool {
        self.exports.iter().all(|export| is_over(export.status))
    }

    fn has_open_task(&self, kinds: &[&str]) -> bool {
        self.status == "pending" && kinds.contains(&"transcribe")
            || self
                .task
                .is_some_and(|(kind, state)| kinds.contains(&kind) && matches!(state, "waiting" | "running"))
    }

    fn is_protected(&self) -> bool {
        self.owner != Owner::Ours
            || self.pinned
            || !is_over(self.status)
            || self.has_open_task(&["transcribe", "diarize", "export"])
            || !self.exports_are_at_rest()
    }

    fn path(&self) -> String {
        let folder = if self.own_folder { self.id.to_string() } else { "elsewhere".to_owned() };
        format!("{folder}/audio.wav")
    }

    fn audio_age(&self) -> Option<i64> {
        let age = hours(self.age, self.from)?;
        match self.audio_restored {
            From::Created => Some(age),
            From::Hours(hours) => Some(age.min(hours)),
            From::Unknown => None,
        }
    }
}

impl Archive {
    pub(crate) fn rules(&self) -> RetentionRules {
        RetentionRules {
            library: self.library,
            job_retention_hours: self.job_hours,
            audio_retention_days: self.audio_days,
            export_retention_hours: self.export_hours,
            trash_retention_days: None,
            exports_folder: EXPORTS.to_owned(),
        }
    }

    /// What a clean-up must do.
    pub(crate) fn expected(&self) -> Expected {
        let is_old =
            |age: Option<i64>, limit: Option<i64>| age.zip(limit).is_some_and(|(age, limit)| age >= limit);
        let job_limit = self.job_hours.map(i64::from);
        let audio_limit = self.audio_days.map(|days| i64::from(days) * 24);
        let export_limit = self.export_hours.map(i64::from);
        let mut expected = Expected {
            meetings: BTreeSet::new(),
            audio: BTreeSet::new(),
            exports: BTreeSet::new(),
            questions: Vec::new(),
        };
        for meeting in &self.meetings {
            let goes = !meeting.is_protected() && is_old(hours(meeting.age, meeting.from), job_limit);
            let may_lose_audio = !meeting.is_protected()
                && !meeting.audio_removed
                && meeting.has_transcript
                && meeting.own_folder;
            if goes {
                expected.meetings.insert(meeting.id);
            } else if may_lose_audio && is_old(meeting.audio_age(), audio_limit) {
                expected.audio.insert(meeting.id);
            }
            let exporting = meeting.has_open_task(&["export"]) || !meeting.exports_are_at_rest();
            for export in meeting.exports.iter().filter(|export| is_own(export)) {
                let is_due = is_old(hours(export.age, export.from), export_limit);
                if goes || !meeting.pinned && !exporting && is_over(export.status) && is_due {
                    expected.exports.insert(export.id);
                }
            }
        }
        expected.questions = self.questions(&expected);
        expected
    }

    /// Counts the cases that this archive has.
    pub(crate) fn tally(&self, seen: &mut BTreeMap<&'static str, u32>) {
        let expected = self.expected();
        let job_limit = self.job_hours.map_or(i64::MAX, i64::from);
        let export_limit = self.export_hours.map_or(i64::MAX, i64::from);
        let stays = |export: &Export| !expected.exports.contains(&export.id) && export.age >= export_limit;
        let nothing =
            expected.meetings.is_empty() && expected.audio.is_empty() && expected.exports.is_empty();
        let cases = [
            ("a meeting goes", !expected.meetings.is_empty()),
            ("only audio goes", !expected.audio.is_empty()),
            ("an export goes", !expected.exports.is_empty()),
            ("an export stays although it is old", self.exports().any(|(_, export)| stays(export))),
            (
                "a protected meeting is old",
                self.meetings.iter().any(|meeting| meeting.is_protected() && meeting.age >= job_limit),
            ),
            ("nothing is asked and something goes", !nothing && expected.questions.is_empty()),
        ];
        let questions = expected.questions.iter().map(|question| (*question, true));
        for (case, applies) in cases.into_iter().chain(questions) {
            *seen.entry(case).or_default() += u32::from(applies);
        }
    }

    fn questions(&self, expected: &Expected) -> Vec<&'static str> {
        let ours = || self.meetings.iter().filter(|meeting| meeting.owner == Owner::Ours);
        let nothing =
            expected.meetings.is_empty() && expected.audio.is_empty() && expected.exports.is_empty();
        let undated = ours()
            .any(|meeting| meeting.from == From::Unknown || meeting.audio_restored == From::Unknown)
            || self.exports().any(|(_, export)| export.owner == Owner::Ours && export.from == From::Unknown);
        let with_audio = ours().filter(|meeting| !meeting.audio_removed);
        let losing = with_audio.clone().filter(|meeting| {
            expected.meetings.contains(&meeting.id) || expected.audio.contains(&meeting.id)
        });
        let most = |going: usize, all: usize| all >= 4 && going * 2 > all;
        [
            (self.since_trusted < 0 && (!nothing || undated), CleanupQuestion::ClockBehind),
            (self.is_ahead() && (!nothing || undated), CleanupQuestion::ClockAhead),
            (self.restored && !nothing, CleanupQuestion::Restored),
            (most(expected.meetings.len(), ours().count()), CleanupQuestion::MostMeetings),
            (
                !expected.audio.is_empty() && most(losing.count(), with_audio.count()),
                CleanupQuestion::MostAudio,
            ),
        ]
        .into_iter()
        .filter_map(|(applies, question)| applies.then_some(question.as_str()))
        .collect()
    }

    /// Whether there are more than 30 days between two of these: the moment that was believed, those at which rows were
    /// written since, and the clean-up.
    fn is_ahead(&self) -> bool {
        let meetings = self.meetings.iter().map(|meeting| meeting.age);
        let exports = self.exports().map(|(_, export)| export.age);
        let mut ages: Vec<i64> = meetings.chain(exports).chain([0]).collect();
        ages.retain(|age| (0..self.since_trusted).contains(age));
        ages.push(self.since_trusted);
        ages.sort_unstable();
        self.since_trusted > 0 && ages.windows(2).any(|pair| pair[1] - pair[0] > 30 * 24)
    }

    fn exports(&self) -> impl Iterator<Item = (&Meeting, &Export)> {
        self.meetings.iter().flat_map(|meeting| meeting.exports.iter().map(move |export| (meeting, export)))
    }

    pub(crate) fn meetings_left(&self, expected: &Expected) -> Vec<String> {
        let left = self.meetings.iter().filter(|meeting| !expected.meetings.contains(&meeting.id));
        sorted(left.map(|meeting| meeting.id.to_string()))
    }

    pub(crate) fn without_audio(&self, expected: &Expected) -> Vec<String> {
        let left = self.meetings.iter().filter(|meeting| !expected.meetings.contains(&meeting.id));
        let without = left.filter(|meeting| meeting.audio_removed || expected.audio.contains(&meeting.id));
        sorted(without.map(|meeting| meeting.id.to_string()))
    }

    pub(crate) fn exports_left(&self, expected: &Expected) -> Vec<String> {
        let left = self.exports().filter(|(meeting, export)| {
            !expected.meetings.contains(&meeting.id) && !expected.exports.contains(&export.id)
        });
        sorted(left.map(|(_, export)| export.id.to_string()))
    }

    /// The files that are noted for removal.
    pub(crate) fn files(&self, expected: &Expected) -> Vec<String> {
        let going = |id: &JobId| expected.meetings.contains(id) || expected.audio.contains(id);
        let audio = self.meetings.iter().filter(|meeting| going(&meeting.id)).map(Meeting::path);
        let left: Vec<&Export> = self
            .exports()
            .filter(|(meeting, export)| {
                !expected.meetings.contains(&meeting.id) && !expected.exports.contains(&export.id)
            })
            .map(|(_, export)| export)
            .filter(|export| export.owner == Owner::Ours)
            .collect();
        let exports = self.exports().map(|(_, export)| export);
        let gone = exports.filter(|export| expected.exports.contains(&export.id));
        let files = gone.filter(|export| !left.iter().any(|other| other.path == export.path));
        let all: BTreeSet<String> = audio.chain(files.map(|export| export.path.to_owned())).collect();
        all.into_iter().collect()
    }

    /// Ids of the meetings that must never go.
    pub(crate) fn protected(&self) -> Vec<String> {
        sorted(
            self.meetings
                .iter()
                .filter(|meeting| meeting.is_protected())
                .map(|meeting| meeting.id.to_string()),
        )
    }

    /// A query for those of them that are in the archive with the audio that they had.
    pub(crate) fn protected_sql(&self) -> String {
        let protected = self.meetings.iter().filter(|meeting| meeting.is_protected());
        let rows: Vec<String> =
            protected.map(|meeting| format!("('{}'::uuid, {})", meeting.id, meeting.audio_removed)).collect();
        match rows.is_empty() {
            true => "SELECT id FROM jobs WHERE FALSE".to_owned(),
            false => format!(
                "SELECT j.id FROM jobs j JOIN (VALUES {}) p (id, removed) ON p.id = j.id
                WHERE (j.audio_removed_at IS NOT NULL) = p.removed",
                rows.join(", ")
            ),
        }
    }

    /// Statements that replace the rows of a database with this archive.
    pub(crate) fn sql(&self) -> String {
        let at = |age: i64| format!("'{}'", (self.at - TimeDelta::hours(age)).to_rfc3339());
        let from = |from: From| match from {
            From::Created => "NULL".to_owned(),
            From::Hours(hours) => at(hours),
            From::Unknown => "'infinity'".to_owned(),
        };
        let owner = |owner: Owner| match owner {
            Owner::Ours => format!("'{}'", self.library.uuid()),
            Owner::Other => "'00000000-0000-4000-8000-00000000000a'".to_owned(),
            Owner::ServerEdition => "NULL".to_owned(),
        };
        // Under this clock no row is marked by the trigger.
        let mut sql = "DELETE FROM jobs; DELETE FROM pending_removals;
            UPDATE retention_state SET trusted_at = '1970-01-01', restored_at = NULL, questions = NULL;"
            .to_owned();
        for m in &self.meetings {
            let (id, created) = (m.id, at(m.age));
            sql.push_str(&format!(
                "INSERT INTO jobs (id, file_name, file_path, status, created_at, updated_at, library_id, byte_size,
                    pinned, retention_from, audio_removed_at, audio_restored_at)
                VALUES ('{id}', 'a.wav', '{}', '{}', {created}, {created}, {}, 10, {}, {}, {}, {});",
                m.path(),
                m.status,
                owner(m.owner),
                m.pinned,
                from(m.from),
                if m.audio_removed { created.as_str() } else { "NULL" },
                from(m.audio_restored),
            ));
            if m.has_transcript {
                sql.push_str(&format!(
                    "INSERT INTO transcripts (id, job_id, version, status, engine, model, settings)
                        VALUES ('{id}', '{id}', 1, 'complete', 'e', 'm', '{{}}');
                    UPDATE jobs SET current_transcript_id = '{id}' WHERE id = '{id}';"
                ));
            }
            for e in &m.exports {
                let created = at(e.age);
                sql.push_str(&format!(
                    "INSERT INTO export_jobs (id, job_id, export_type, status, file_path, created_at, updated_at,
                        library_id, retention_from)
                    VALUES ('{}', '{id}', 'pdf_transcript', '{}', '{}', {created}, {created}, {}, {});",
                    e.id,
                    e.status,
                    e.path,
                    owner(e.owner),
                    from(e.from),
                ));
            }
            if let Some((kind, state)) = m.task {
                sql.push_str(&format!(
                    "INSERT INTO tasks (kind, subject, job_id, state, lease_token, leased_until, machine_id)
                    VALUES ('{kind}', gen_random_uuid(), '{id}', '{state}', gen_random_uuid(), now(), gen_random_uuid());"
                ));
            }
        }
        // The touch of the update above is undone, so that the moments of the rows are those of the model.
        sql.push_str(&format!(
            "BEGIN; SET LOCAL meetmemo.restoring = 'on'; UPDATE jobs SET updated_at = created_at; COMMIT;
            UPDATE retention_state SET trusted_at = {}, restored_at = {};",
            at(self.since_trusted),
            if self.restored { "now()" } else { "NULL" },
        ));
        sql
    }
}

/// Whether an export lies in the app's own folder on this computer.
fn is_own(export: &Export) -> bool {
    export.owner == Owner::Ours && matches!(export.path, "/data/my exports/a.pdf" | "/data/my exports/b.pdf")
}

fn sorted(ids: impl Iterator<Item = String>) -> Vec<String> {
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

/// All rows that a clean-up may change.
pub(crate) async fn all_rows(database: &TestDatabase) -> Vec<String> {
    let rows = ["jobs", "tasks", "transcripts", "export_jobs", "pending_removals"]
        .map(|table| format!("SELECT '{table} ' || to_jsonb(t)::text FROM {table} t"));
    database.column(&format!("{} ORDER BY 1", rows.join(" UNION ALL "))).await.unwrap()
}
