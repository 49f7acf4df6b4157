-- The key begins with the hour, and ClickHouse 26.7 derives no condition on the hour from one on
-- `timestamp`: an hour of a month read every granule of the month. The smallest and largest time of each
-- granule prune them for every query that bounds `timestamp`. `FINAL` stays right, because `timestamp`
-- is a part of the key: copies of a row have the same one.
ALTER TABLE liquidations
    ADD INDEX IF NOT EXISTS timestamp_range timestamp TYPE minmax GRANULARITY 1;

-- In the background, for the parts that are there.
ALTER TABLE liquidations
    MATERIALIZE INDEX timestamp_range;
