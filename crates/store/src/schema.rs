//! The tables as the migrations leave them; a test compares this file with a real database.

diesel::table! {
    jobs (id) {
        id -> Uuid,
        #[max_length = 255]
        file_name -> Varchar,
        file_path -> Text,
        #[max_length = 64]
        file_hash -> Nullable<Varchar>,
        #[max_length = 50]
        status -> Varchar,
        error_message -> Nullable<Text>,
        #[max_length = 50]
        workflow_state -> Nullable<Varchar>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        title -> Nullable<Text>,
        duration_ms -> Nullable<BigInt>,
        recorded_at -> Nullable<Timestamptz>,
        recorded_offset_s -> Nullable<Integer>,
        byte_size -> Nullable<BigInt>,
        media_format -> Nullable<Text>,
        media_note -> Nullable<Text>,
        library_id -> Nullable<Uuid>,
        requested_language -> Nullable<Text>,
        requested_model -> Nullable<Text>,
        current_transcript_id -> Nullable<Uuid>,
        requested_translate -> Bool,
        requested_vocabulary -> Nullable<Text>,
        requested_speakers_min -> Nullable<Integer>,
        requested_speakers_max -> Nullable<Integer>,
        pinned -> Bool,
        audio_removed_at -> Nullable<Timestamptz>,
        audio_restored_at -> Nullable<Timestamptz>,
        retention_from -> Nullable<Timestamptz>,
        folder_id -> Nullable<Uuid>,
        favourite -> Bool,
        trashed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    folders (id) {
        id -> Uuid,
        parent_id -> Nullable<Uuid>,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    summaries (id) {
        id -> Uuid,
        job_id -> Uuid,
        transcript_id -> Nullable<Uuid>,
        kind -> Text,
        template -> Nullable<Text>,
        engine -> Text,
        model -> Nullable<Text>,
        language -> Nullable<Text>,
        content -> Jsonb,
        passages -> Binary,
        created_at -> Timestamptz,
        revision -> Integer,
        edited_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    tags (id) {
        id -> Uuid,
        name -> Text,
        colour -> Text,
    }
}

diesel::table! {
    meeting_tags (job_id, tag_id) {
        job_id -> Uuid,
        tag_id -> Uuid,
    }
}

diesel::table! {
    notes (job_id) {
        job_id -> Uuid,
        text -> Text,
        revision -> Integer,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    export_jobs (id) {
        id -> Uuid,
        job_id -> Uuid,
        #[max_length = 50]
        export_type -> Varchar,
        #[max_length = 50]
        status -> Varchar,
        progress -> Nullable<Integer>,
        error_message -> Nullable<Text>,
        file_path -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        note -> Nullable<Text>,
        library_id -> Nullable<Uuid>,
        retention_from -> Nullable<Timestamptz>,
        options -> Nullable<Jsonb>,
        file_sha256 -> Nullable<Text>,
        passages -> Nullable<Bytea>,
        batch_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    export_batches (id) {
        id -> Uuid,
        library_id -> Uuid,
        target -> Text,
        is_zip -> Bool,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        error_message -> Nullable<Text>,
    }
}

diesel::table! {
    tasks (id) {
        id -> Uuid,
        kind -> Text,
        subject -> Uuid,
        job_id -> Uuid,
        library_id -> Nullable<Uuid>,
        parameters -> Jsonb,
        state -> Text,
        priority -> Integer,
        lease_token -> Nullable<Uuid>,
        leased_until -> Nullable<Timestamptz>,
        machine_id -> Nullable<Uuid>,
        attempts -> Integer,
        done -> BigInt,
        total -> Nullable<BigInt>,
        real_time_factor -> Nullable<Double>,
        left_ms -> Nullable<BigInt>,
        started_at -> Nullable<Timestamptz>,
        heartbeat_at -> Nullable<Timestamptz>,
        error_message -> Nullable<Text>,
        created_at -> Timestamptz,
        cancelled_by_trash -> Bool,
    }
}

diesel::table! {
    transcripts (id) {
        id -> Uuid,
        job_id -> Uuid,
        version -> Integer,
        #[max_length = 50]
        status -> Varchar,
        error_message -> Nullable<Text>,
        engine -> Text,
        model -> Text,
        #[max_length = 64]
        model_sha256 -> Nullable<Varchar>,
        language -> Nullable<Text>,
        settings -> Jsonb,
        audio_ms -> Nullable<BigInt>,
        work_ms -> BigInt,
        created_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
        machine_id -> Nullable<Uuid>,
        real_time_factor -> Nullable<Double>,
        device -> Nullable<Text>,
    }
}

diesel::table! {
    transcript_windows (transcript_id, window_index) {
        transcript_id -> Uuid,
        window_index -> Integer,
        start_ms -> BigInt,
        end_ms -> BigInt,
        language -> Nullable<Text>,
        other_language -> Nullable<Text>,
    }
}

diesel::table! {
    segments (id) {
        id -> Uuid,
        transcript_id -> Uuid,
        window_index -> Nullable<Integer>,
        start_ms -> BigInt,
        end_ms -> BigInt,
        text -> Text,
        words -> Jsonb,
        doubt -> Nullable<Text>,
        speaker_id -> Nullable<Uuid>,
        overlap -> Bool,
        by_hand -> Bool,
    }
}

diesel::table! {
    people_settings (id) {
        id -> Bool,
        enabled -> Bool,
        automatic -> Bool,
        agreed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    people (id) {
        id -> Uuid,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    speakers (id) {
        id -> Uuid,
        job_id -> Uuid,
        number -> Integer,
        name -> Nullable<Text>,
        person_id -> Nullable<Uuid>,
        shown_as -> Uuid,
        present -> Bool,
        voice -> Nullable<Bytea>,
        voice_encoder -> Nullable<Text>,
        voice_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    diarizations (job_id) {
        job_id -> Uuid,
        method -> Nullable<Text>,
        model -> Nullable<Text>,
        error_message -> Nullable<Text>,
        note -> Nullable<Text>,
        expected_min -> Nullable<Integer>,
        expected_max -> Nullable<Integer>,
        work_ms -> BigInt,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    turns (id) {
        id -> BigInt,
        job_id -> Uuid,
        start_ms -> BigInt,
        end_ms -> BigInt,
        speaker_id -> Uuid,
        confidence -> Nullable<Float>,
        overlap -> Bool,
    }
}

diesel::table! {
    edits (id) {
        id -> Uuid,
        job_id -> Uuid,
        position -> BigInt,
        edit -> Jsonb,
        undone -> Bool,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    person_voices (id) {
        id -> Uuid,
        person_id -> Uuid,
        refused -> Bool,
        voice -> Bytea,
        voice_encoder -> Text,
        voice_ms -> BigInt,
        job_id -> Nullable<Uuid>,
        speaker_id -> Nullable<Uuid>,
        sample_start_ms -> Nullable<BigInt>,
        sample_end_ms -> Nullable<BigInt>,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    pending_removals (library_id, file_path) {
        library_id -> Uuid,
        file_path -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    retention_state (id) {
        id -> Bool,
        trusted_at -> Timestamptz,
        last_run_at -> Nullable<Timestamptz>,
        restored_at -> Nullable<Timestamptz>,
        questions -> Nullable<Text>,
        questions_at -> Nullable<Timestamptz>,
    }
}

/// `tsvector`.
#[derive(diesel::sql_types::SqlType)]
#[diesel(postgres_type(name = "tsvector"))]
pub struct Tsvector;

diesel::table! {
    use diesel::sql_types::*;
    use super::Tsvector;

    search_meetings (job_id) {
        job_id -> Uuid,
        edition -> Integer,
        stemmer -> Text,
        sorted_at -> Timestamptz,
        trashed -> Bool,
        words -> Tsvector,
        counted -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::Tsvector;

    search_passages (job_id, part) {
        job_id -> Uuid,
        part -> Integer,
        words -> Tsvector,
        source_ids -> Array<Uuid>,
        last_positions -> Array<SmallInt>,
        own_segments -> SmallInt,
    }
}

diesel::table! {
    search_words (word) {
        word -> Text,
        folded -> Text,
        meetings -> Integer,
        deletions -> Array<Text>,
    }
}

diesel::table! {
    search_changes (id) {
        id -> BigInt,
        job_id -> Uuid,
        part -> Nullable<Integer>,
    }
}

diesel::table! {
    meetmemo_archive (id) {
        id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(jobs, people, speakers);
diesel::joinable!(meeting_tags -> jobs (job_id));
diesel::joinable!(meeting_tags -> tags (tag_id));
diesel::allow_tables_to_appear_in_same_query!(jobs, meeting_tags, tags);
