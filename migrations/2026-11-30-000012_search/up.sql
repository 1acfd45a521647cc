-- Full-text search. What is searched stands in tables of their own, so that storing a transcript costs nothing, no table
-- is rewritten, and only what is current is in an index. Triggers keep them right in the transaction of each change.
-- Meetings that are here already are indexed in the background (Store::index_for_search).
--
-- The functions in SQL are not STRICT, because the server puts only such ones in place in a query.
--
-- Words are cut, folded and stemmed by the functions below and not by a text search configuration: its parser depends on
-- the locale of the database, takes a clause of Chinese for one word, and leaves out the most common words. No
-- extension is needed. store/src/search/words.rs cuts words in the same way; a test compares the two.

-- Which rules, of which server, the rows of search_meetings were made with. Rows of another edition are made anew.
CREATE FUNCTION meetmemo_search_edition() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT current_setting('server_version_num')::integer / 10000 * 1000 + 1
$$;

-- Lower case, by Unicode and not by the locale of the database wherever the server can.
DO $do$
BEGIN
    EXECUTE format(
        'CREATE FUNCTION meetmemo_search_lower(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS %L',
        CASE WHEN EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu')
            THEN 'SELECT lower($1 COLLATE pg_catalog."und-x-icu")' ELSE 'SELECT lower($1)' END
    );
END
$do$;

-- The words of a text, in order and in lower case. Scripts without spaces between words give a word for each character:
-- it and the one after it.
CREATE FUNCTION meetmemo_search_words(text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    plain text;
    words text[];
BEGIN
    IF octet_length($1) = char_length($1) THEN
        plain := regexp_replace(lower($1 COLLATE "C"), '[^a-z0-9]+' COLLATE "C", ' ', 'g');
        RETURN array_remove(string_to_array(plain, ' '), '');
    END IF;
    plain := regexp_replace(
        meetmemo_search_lower(normalize($1, NFC)) COLLATE "C",
        '[\u0001-/:-@[-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb-\u00bf\u00d7\u00f7\u02c2-\u02df\u037e\u0387\u055a-\u055f\u0589\u05be\u05c0\u05c3\u05f3\u05f4\u060c\u061b\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e4f\u0e5a\u0e5b\u104a-\u104f\u1680\u17d4-\u17d6\u17d8-\u17da\u2000-\u200b\u200e-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufe10-\ufe1f\ufe30-\ufe6f\ufeff\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\uffe0-\uffff\U0001f000-\U0001faff]+',
        ' ', 'g'
    );
    words := array_remove(string_to_array(plain, ' '), '');
    IF plain !~ '[\u0e01-\u0eff\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]' THEN
        RETURN words;
    END IF;
    RETURN (
        SELECT array_agg(piece ORDER BY word.n, run.n, at)
        FROM unnest(words) WITH ORDINALITY word (text, n),
            regexp_matches(
                word.text,
                '[\u0e01-\u0eff\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]+|[^\u0e01-\u0eff\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]+',
                'g'
            ) WITH ORDINALITY run (text, n),
            LATERAL (
                SELECT substr(run.text[1], at, 2) AS piece, at
                FROM generate_series(1, char_length(run.text[1])) at
                WHERE meetmemo_search_is_run(run.text[1])
                UNION ALL
                SELECT run.text[1], 0 WHERE NOT meetmemo_search_is_run(run.text[1])
            ) cut
    );
END
$$;

-- Whether a word begins with a character of a script without spaces between words.
CREATE FUNCTION meetmemo_search_is_run(text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT $1 ~ '^[\u0e01-\u0eff\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]'
$$;

-- A word in lower case without accents.
CREATE FUNCTION meetmemo_search_fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length($1) = char_length($1) OR meetmemo_search_is_run($1) THEN $1
        ELSE replace(replace(replace(replace(replace(
            translate(
                normalize(
                    regexp_replace(
                        normalize($1, NFD),
                        '[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u200c\u200d]+',
                        '', 'g'
                    ),
                    NFC
                ),
                'øłđðħıŧŀŋſ', 'olddhitlns'
            ),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'), 'ĳ', 'ij')
    END
$$;

-- The stemmer for a language (BCP 47).
CREATE FUNCTION meetmemo_search_stemmer(language text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce((
        SELECT dictname::text FROM pg_catalog.pg_ts_dict
        WHERE dictnamespace = 'pg_catalog'::regnamespace AND dictname = CASE lower(split_part(language, '-', 1))
            WHEN 'ar' THEN 'arabic_stem' WHEN 'ca' THEN 'catalan_stem' WHEN 'da' THEN 'danish_stem'
            WHEN 'de' THEN 'german_stem' WHEN 'el' THEN 'greek_stem' WHEN 'en' THEN 'english_stem'
            WHEN 'es' THEN 'spanish_stem' WHEN 'et' THEN 'estonian_stem' WHEN 'eu' THEN 'basque_stem'
            WHEN 'fi' THEN 'finnish_stem' WHEN 'fr' THEN 'french_stem' WHEN 'ga' THEN 'irish_stem'
            WHEN 'hi' THEN 'hindi_stem' WHEN 'hu' THEN 'hungarian_stem' WHEN 'hy' THEN 'armenian_stem'
            WHEN 'id' THEN 'indonesian_stem' WHEN 'it' THEN 'italian_stem' WHEN 'lt' THEN 'lithuanian_stem'
            WHEN 'nb' THEN 'norwegian_stem' WHEN 'ne' THEN 'nepali_stem' WHEN 'nl' THEN 'dutch_stem'
            WHEN 'nn' THEN 'norwegian_stem' WHEN 'no' THEN 'norwegian_stem' WHEN 'pt' THEN 'portuguese_stem'
            WHEN 'ro' THEN 'romanian_stem' WHEN 'ru' THEN 'russian_stem' WHEN 'sr' THEN 'serbian_stem'
            WHEN 'sv' THEN 'swedish_stem' WHEN 'ta' THEN 'tamil_stem' WHEN 'tr' THEN 'turkish_stem'
            WHEN 'yi' THEN 'yiddish_stem'
        END
    ), 'simple')
$$;

-- What a word is indexed as: its stem. A word with accents has two: those who search may leave accents out, and stemmers
-- know endings only with them. The most common words of a language, which its dictionary leaves out, stay as they are.
-- The first 40 characters count.
CREATE FUNCTION meetmemo_search_lexemes(stemmer regdictionary, word text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN octet_length(word) = char_length(word) THEN ARRAY[coalesce((ts_lexize(stemmer, left(word, 40)))[1], left(word, 40))]
        ELSE ARRAY[
            meetmemo_search_fold(coalesce((ts_lexize(stemmer, left(word, 40)))[1], left(word, 40))),
            coalesce(
                (ts_lexize(stemmer, meetmemo_search_fold(left(word, 40))))[1], meetmemo_search_fold(left(word, 40))
            )
        ]
    END
$$;

-- What a word of a query may be indexed as, in meetings of these stemmers.
CREATE FUNCTION meetmemo_search_query_lexemes(stemmers text[], word text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT lexeme)
    FROM unnest(stemmers) stemmer,
        unnest(meetmemo_search_lexemes(('pg_catalog.' || stemmer)::regdictionary, word)) lexeme
    WHERE lexeme <> ''
$$;

-- A folded word with up to two of its first seven letters left out, one for short words. Words that differ by a typo
-- have one of these in common.
CREATE FUNCTION meetmemo_search_deletions(folded text) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT array_agg(DISTINCT CASE i
        WHEN 0 THEN word
        WHEN j THEN left(word, i - 1) || substr(word, i + 1)
        ELSE left(word, i - 1) || substr(word, i + 1, j - i - 1) || substr(word, j + 1)
    END)
    FROM (SELECT left(folded, 7) AS word) beginning,
        generate_series(0, char_length(word)) i, generate_series(i, char_length(word)) j
    WHERE i = j OR i > 0 AND char_length(folded) > 4
$$;

-- One row for each meeting that can be found.
CREATE TABLE search_meetings (
    job_id UUID PRIMARY KEY REFERENCES jobs (id) ON DELETE CASCADE,
    edition INTEGER NOT NULL,
    -- Name of the dictionary in pg_catalog.
    stemmer TEXT NOT NULL,
    -- When it was recorded, or imported if that is not known.
    sorted_at TIMESTAMPTZ NOT NULL,
    -- Whether it is in the trash. Here as well, because a search for common words looks at all rows.
    trashed BOOLEAN NOT NULL,
    -- Everything that is said, titled, noted or named in the meeting, without positions.
    words TSVECTOR NOT NULL,
    -- Whether its words are in search_words.
    -- In no index, so that a change of it does not write the words into theirs again.
    counted BOOLEAN NOT NULL DEFAULT FALSE
) WITH (fillfactor = 70, toast_tuple_target = 128);
CREATE INDEX search_meetings_by_word ON search_meetings USING gin (words) WITH (fastupdate = off);
CREATE INDEX search_meetings_by_stemmer ON search_meetings (stemmer);

-- Where the words stand. Part 0 is what begins in the first two minutes of the current transcript, part 1 what begins in
-- the next two, and so on, each with the segments of the next part up to its tenth word, so that phrases across the border are
-- found. -1 is the title, -2 the names of speakers, -10 the first 5 000 words of the note, -11 the next 5 000.
CREATE TABLE search_passages (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    words TSVECTOR NOT NULL,
    -- The segments of the transcript or the speakers, and the position of the last word of each.
    source_ids UUID[] NOT NULL,
    last_positions SMALLINT[] NOT NULL,
    -- How many of the segments begin in this part.
    own_segments SMALLINT NOT NULL,
    PRIMARY KEY (job_id, part)
) WITH (toast_tuple_target = 8160);
ALTER TABLE search_passages ALTER COLUMN words SET STORAGE MAIN;
CREATE INDEX search_passages_by_word ON search_passages USING gin (words) WITH (fastupdate = off);

-- The words of all meetings, as people write them, in lower case: for suggestions, beginnings and compounds. Made in the
-- background; counts never fall.
CREATE TABLE search_words (
    word TEXT COLLATE "C" PRIMARY KEY,
    -- Without accents.
    folded TEXT COLLATE "C" NOT NULL,
    -- In how many meetings it occurs, about.
    meetings INTEGER NOT NULL,
    deletions TEXT[] NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX search_words_by_folded ON search_words (folded);
CREATE INDEX search_words_by_ending ON search_words (reverse(folded) COLLATE "C");
CREATE INDEX search_words_by_deletion ON search_words USING gin (deletions);

-- What a transaction has changed. Its commit applies and removes it, so nobody ever sees a row.
CREATE TABLE search_changes (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id UUID NOT NULL,
    -- NULL: everything.
    part INTEGER
);

-- Makes the rows of a meeting anew: all of them, or those of some parts (-10: all of the note) if the others are there.
-- The row of the meeting is locked first, as by all who change it: one transaction at a time makes these rows, and the
-- next one sees what it wrote.
CREATE FUNCTION meetmemo_search_refresh(job uuid, parts integer[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    meeting record;
    known record;
    dictionary regdictionary;
BEGIN
    PERFORM FROM jobs WHERE id = job FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT coalesce(j.title, j.file_name) AS title, j.current_transcript_id AS transcript,
        coalesce(j.recorded_at, j.created_at AT TIME ZONE 'UTC') AS sorted_at,
        j.trashed_at IS NOT NULL AS trashed, meetmemo_search_stemmer(t.language) AS stemmer
    INTO meeting
    FROM jobs j LEFT JOIN transcripts t ON t.id = j.current_transcript_id WHERE j.id = job;
    SELECT stemmer, edition INTO known FROM search_meetings WHERE job_id = job;
    IF parts IS NOT NULL AND (known IS NULL OR known.edition <> meetmemo_search_edition()) THEN
        -- It is indexed in the background, and that sees this change.
        RETURN;
    END IF;
    IF known.stemmer IS DISTINCT FROM meeting.stemmer THEN
        parts := NULL;
    END IF;
    dictionary := ('pg_catalog.' || meeting.stemmer)::regdictionary;

    WITH spoken AS MATERIALIZED (
        SELECT (s.start_ms / 120000)::integer AS part, s.start_ms, s.id, meetmemo_search_words(s.text) AS words
        FROM segments s
        WHERE s.transcript_id = meeting.transcript AND (
            parts IS NULL OR s.start_ms >= (SELECT min(p) FROM unnest(parts) p WHERE p >= 0) * 120000::bigint
            AND s.start_ms < (SELECT max(p) + 2 FROM unnest(parts) p WHERE p >= 0) * 120000::bigint
        )
    ),
    segment AS MATERIALIZED (
        SELECT part, id, words, row_number() OVER (ORDER BY start_ms, id) AS n,
            sum(cardinality(words)) OVER (PARTITION BY part ORDER BY start_ms, id) - cardinality(words) AS words_before
        FROM spoken WHERE words <> '{}'
    ),
    source AS (
        SELECT part, id, words, n, TRUE AS own FROM segment
        UNION ALL
        SELECT part - 1, id, words, n, FALSE FROM segment
        WHERE words_before < 10 AND EXISTS (SELECT FROM segment earlier WHERE earlier.part = segment.part - 1)
        UNION ALL
        SELECT -1, NULL, meetmemo_search_words(meeting.title), 0, TRUE
        UNION ALL
        SELECT -2, s.id, meetmemo_search_words(coalesce(p.name, s.name)), s.number, TRUE
        FROM speakers s LEFT JOIN people p ON p.id = s.person_id
        WHERE s.job_id = job AND s.present AND s.shown_as = s.id AND coalesce(p.name, s.name) IS NOT NULL
        UNION ALL
        SELECT -10 - chunk, NULL, words[chunk * 5000 + 1:chunk * 5000 + 5020], 0, TRUE
        FROM (SELECT meetmemo_search_words(text) AS words FROM notes WHERE job_id = job) note,
            generate_series(0, (cardinality(words) - 1) / 5000) chunk
        WHERE words <> '{}'
    ),
    placed AS MATERIALIZED (
        SELECT part, id, words, n, own,
            sum(cardinality(words)) OVER (PARTITION BY part ORDER BY n ROWS UNBOUNDED PRECEDING) AS last
        FROM source WHERE parts IS NULL OR greatest(part, -10) = ANY (parts)
    ),
    word AS MATERIALIZED (
        SELECT part, word, last - cardinality(words) + place AS position
        FROM placed, unnest(words) WITH ORDINALITY each (word, place)
        -- A vector holds a megabyte, and no speech has so many words in two minutes.
        WHERE last - cardinality(words) + place <= 6000
    ),
    stem AS MATERIALIZED (
        SELECT word, meetmemo_search_lexemes(dictionary, word) AS lexemes FROM (SELECT DISTINCT word FROM word) once
    ),
    vector AS (
        SELECT part, string_agg('''' || lexeme || ''':' || position, ' ')::tsvector AS words
        FROM word JOIN stem USING (word), unnest(lexemes) lexeme
        WHERE lexeme <> '' GROUP BY part
    ),
    made AS MATERIALIZED (
        SELECT part, v.words, p.source_ids, p.last_positions, p.own_segments FROM vector v JOIN (
            SELECT part, coalesce(array_agg(id ORDER BY n) FILTER (WHERE id IS NOT NULL), '{}') AS source_ids,
                array_agg(least(last, 6000)::smallint ORDER BY n) AS last_positions,
                (count(*) FILTER (WHERE own))::smallint AS own_segments
            FROM placed GROUP BY part
        ) p USING (part)
    ),
    written AS (
        INSERT INTO search_passages AS old (job_id, part, words, source_ids, last_positions, own_segments)
        SELECT job, part, words, source_ids, last_positions, own_segments FROM made
        ON CONFLICT (job_id, part) DO UPDATE SET
            words = excluded.words, source_ids = excluded.source_ids, last_positions = excluded.last_positions,
            own_segments = excluded.own_segments
        WHERE (old.words, old.source_ids, old.last_positions, old.own_segments)
            IS DISTINCT FROM (excluded.words, excluded.source_ids, excluded.last_positions, excluded.own_segments)
    )
    DELETE FROM search_passages old
    WHERE job_id = job AND (parts IS NULL OR greatest(part, -10) = ANY (parts))
        AND NOT EXISTS (SELECT FROM made WHERE made.part = old.part);

    INSERT INTO search_meetings AS old (job_id, edition, stemmer, sorted_at, trashed, words)
    SELECT job, meetmemo_search_edition(), meeting.stemmer, meeting.sorted_at, meeting.trashed,
        coalesce(array_to_tsvector(array_agg(lexeme)), '')
    FROM (
        -- A vector holds a megabyte.
        SELECT lexeme, sum(octet_length(lexeme)) OVER (ORDER BY lexeme COLLATE "C") AS bytes
        FROM (
            SELECT DISTINCT lexeme FROM search_passages, unnest(tsvector_to_array(words)) lexeme WHERE job_id = job
        ) once
    ) sized
    WHERE bytes < 1000000
    ON CONFLICT (job_id) DO UPDATE SET
        edition = excluded.edition, stemmer = excluded.stemmer, sorted_at = excluded.sorted_at, trashed = excluded.trashed,
        words = excluded.words, counted = old.counted AND parts IS NOT NULL
    WHERE parts IS NULL OR (old.sorted_at, old.words) IS DISTINCT FROM (excluded.sorted_at, excluded.words);
END
$$;

CREATE FUNCTION meetmemo_search_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
BEGIN
    -- The trigger runs for each change, and the first run applies all that there are by then. Rows that are removed are
    -- still read until the transaction ends, so each further run would take longer the more there are.
    IF NEW.id <= nullif(current_setting('meetmemo.search_applied', TRUE), '')::bigint THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('meetmemo.search_applied', (SELECT max(id)::text FROM search_changes), TRUE);
    -- In one order, so that no two wait for each other.
    PERFORM FROM jobs WHERE id IN (SELECT job_id FROM search_changes) ORDER BY id FOR NO KEY UPDATE;
    FOR changed IN
        WITH taken AS (DELETE FROM search_changes RETURNING job_id, part)
        SELECT job_id, CASE WHEN count(*) = count(part) THEN array_agg(DISTINCT part) END AS parts
        FROM taken GROUP BY job_id ORDER BY job_id
    LOOP
        PERFORM meetmemo_search_refresh(changed.job_id, changed.parts);
    END LOOP;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER meetmemo_search_apply AFTER INSERT ON search_changes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION meetmemo_search_apply();

-- Segments of a version that is not current are not searched, so the work on a recording does not pay for this.
CREATE FUNCTION meetmemo_search_segments() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed_version uuid;
    changed_job uuid;
BEGIN
    IF current_setting('meetmemo.restoring', true) = 'on' THEN
        RETURN NULL;
    END IF;
    FOR changed_version IN SELECT DISTINCT transcript_id FROM changed LOOP
        SELECT j.id INTO changed_job FROM transcripts t JOIN jobs j ON j.id = t.job_id
        WHERE t.id = changed_version AND j.current_transcript_id = t.id;
        IF changed_job IS NOT NULL THEN
            INSERT INTO search_changes (job_id, part)
            SELECT DISTINCT changed_job, (start_ms / 120000)::integer - n FROM changed, generate_series(0, 1) n
            WHERE transcript_id = changed_version;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
CREATE FUNCTION meetmemo_search_changed_segments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO search_changes (job_id, part)
        SELECT DISTINCT j.id, (bucket / 120000)::integer - n
        FROM before b FULL JOIN after a USING (id)
        JOIN transcripts t ON t.id IN (a.transcript_id, b.transcript_id)
        JOIN jobs j ON j.id = t.job_id AND j.current_transcript_id = t.id,
            unnest(ARRAY[a.start_ms, b.start_ms]) bucket, generate_series(0, 1) n
        WHERE (a.transcript_id, a.start_ms, a.text) IS DISTINCT FROM (b.transcript_id, b.start_ms, b.text)
            AND bucket IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_search_added AFTER INSERT ON segments REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION meetmemo_search_segments();
CREATE TRIGGER meetmemo_search_removed AFTER DELETE ON segments REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION meetmemo_search_segments();
CREATE TRIGGER meetmemo_search_changed AFTER UPDATE ON segments REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION meetmemo_search_changed_segments();

-- Notes that parts of a meeting have changed. Arguments: the column with the id of the meeting, and the part.
CREATE FUNCTION meetmemo_search_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO search_changes (job_id, part)
        SELECT DISTINCT (changed ->> TG_ARGV[0])::uuid, TG_ARGV[1]::integer
        FROM unnest(ARRAY[
            CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
        ]) changed
        WHERE changed IS NOT NULL;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_search_added AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION meetmemo_search_row('id');
CREATE TRIGGER meetmemo_search_version AFTER UPDATE OF current_transcript_id ON jobs FOR EACH ROW
    WHEN (OLD.current_transcript_id IS DISTINCT FROM NEW.current_transcript_id)
    EXECUTE FUNCTION meetmemo_search_row('id');
CREATE TRIGGER meetmemo_search_title AFTER UPDATE OF title, file_name, recorded_at, created_at ON jobs FOR EACH ROW
    WHEN (
        (OLD.title, OLD.file_name, OLD.recorded_at, OLD.created_at)
        IS DISTINCT FROM (NEW.title, NEW.file_name, NEW.recorded_at, NEW.created_at)
    ) EXECUTE FUNCTION meetmemo_search_row('id', '-1');
CREATE TRIGGER meetmemo_search AFTER INSERT OR DELETE OR UPDATE OF job_id, name, person_id, shown_as, present ON speakers
    FOR EACH ROW EXECUTE FUNCTION meetmemo_search_row('job_id', '-2');
CREATE TRIGGER meetmemo_search AFTER INSERT OR DELETE OR UPDATE OF job_id, text ON notes
    FOR EACH ROW EXECUTE FUNCTION meetmemo_search_row('job_id', '-10');

CREATE FUNCTION meetmemo_search_trash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE search_meetings SET trashed = NEW.trashed_at IS NOT NULL WHERE job_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_search_trash AFTER UPDATE OF trashed_at ON jobs FOR EACH ROW
    WHEN ((OLD.trashed_at IS NULL) <> (NEW.trashed_at IS NULL)) EXECUTE FUNCTION meetmemo_search_trash();

CREATE FUNCTION meetmemo_search_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO search_changes (job_id, part) SELECT DISTINCT job_id, -2 FROM speakers WHERE person_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_search AFTER UPDATE OF name ON people FOR EACH ROW
    WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION meetmemo_search_person();

CREATE FUNCTION meetmemo_search_language() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('meetmemo.restoring', true) IS DISTINCT FROM 'on' THEN
        INSERT INTO search_changes (job_id) SELECT id FROM jobs WHERE id = NEW.job_id AND current_transcript_id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetmemo_search AFTER UPDATE OF language ON transcripts FOR EACH ROW
    WHEN (OLD.language IS DISTINCT FROM NEW.language) EXECUTE FUNCTION meetmemo_search_language();
