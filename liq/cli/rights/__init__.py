"""The rights that every login needs on Kafka and ClickHouse, derived from the code's requests."""
