ALTER TABLE segments DROP COLUMN speaker_id, DROP COLUMN overlap, DROP COLUMN by_hand;
DROP TABLE person_voices, speaker_edits, turns, diarizations, speakers, people, people_settings;
ALTER TABLE jobs DROP COLUMN requested_speakers_min, DROP COLUMN requested_speakers_max, DROP COLUMN speakers_only;
