"""The development stack for a laptop: Kafka, ClickHouse and workers as child processes."""
