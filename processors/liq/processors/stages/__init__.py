"""The stages: batches of Kafka messages in, records out. They know Kafka messages, and no Faust."""
