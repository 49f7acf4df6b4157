"""Recorded producers: captures and rejected frames into Kafka, at any pace."""
