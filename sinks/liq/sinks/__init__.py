"""Sinks: from our Kafka topics into places where people look things up or are told.

`destination` is the contract that such a place implements, `worker` runs one between Kafka and its
client, `registry` lists them. docs/adding-a-destination.md shows how to write one.
"""
