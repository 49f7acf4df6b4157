"""Loaders: from our Kafka topics into places where people look things up."""
