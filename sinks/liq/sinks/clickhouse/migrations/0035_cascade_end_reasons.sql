-- Why a cascade ended.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS end_reason Nullable(String) COMMENT 'quiet; level_shift: its rate became the usual one; time_limit: an hour was over' AFTER caveat;
