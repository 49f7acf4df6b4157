"""Benchmarks of whole worker processes on Apache Kafka, beside plain aiokafka loops."""
