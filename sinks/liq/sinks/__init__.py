"""Sinks: from Kafka topics into databases and messages to people.

`destination` is the contract of a destination, `worker` runs a destination as the consumer of its
topics, `registry` lists all destinations. docs/adding-a-destination.md shows how to write one.
"""
