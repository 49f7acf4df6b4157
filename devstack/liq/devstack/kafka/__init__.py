"""Apache Kafka as child processes: KRaft mode, one broker or three, no Docker.

Maven resolves the jars once from the `pom.xml` beside this file into the user's cache. Every node
is both controller and broker, on loopback ports, with its own data directory. `docs/brokers.md`
describes the differences from the other kinds.
"""
