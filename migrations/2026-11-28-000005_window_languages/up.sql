-- The language that the words of a window are in, BCP 47; null where nothing was said.
-- `other_language`: the language that the engine finds in the window by itself, where it is not that of the words.
ALTER TABLE transcript_windows
    ADD COLUMN language TEXT,
    ADD COLUMN other_language TEXT;
