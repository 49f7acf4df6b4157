"""ClickHouse's own server without Docker: a library from npm that listens for HTTP and TCP.

It has the server's users with rights, error codes, storage that survives kills, Distributed tables
and the Kafka engine. It lacks replicated tables, a Keeper for `ON CLUSTER`, TLS (which requires a
proxy in front), and the creation of users by SQL.
"""
