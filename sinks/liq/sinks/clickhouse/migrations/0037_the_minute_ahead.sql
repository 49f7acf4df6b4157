-- What a record says of the minute ahead.
ALTER TABLE cascades
    ADD COLUMN IF NOT EXISTS continue_probability Nullable(Float64) COMMENT 'Probability of as much again, and at least $250k, within 60 s; null for ends' AFTER end_reason,
    ADD COLUMN IF NOT EXISTS expected_more_usd Nullable(Decimal(76, 12)) COMMENT 'Dollars expected within 60 s; null for ends' AFTER continue_probability;
