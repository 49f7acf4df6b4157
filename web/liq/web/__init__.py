"""`liq serve`: read-only access to the topics for clients without Kafka."""
