"""Apache Kafka as child processes: KRaft mode, one broker or three, no Docker.

The jars are resolved once by Maven from the `pom.xml` beside this file and kept in the user's
cache. Every node is controller and broker at once, on loopback ports, with a data directory of
its own. `docs/brokers.md` says how it differs from the other kinds.
"""
