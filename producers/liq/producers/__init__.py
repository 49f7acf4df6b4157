"""Frames into Kafka, byte for byte, from exchanges or from recorded captures."""
