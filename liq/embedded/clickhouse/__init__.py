"""The ClickHouse engine behind its own HTTP interface, as one process.

It is a laptop's ClickHouse: the real engine (chDB) with real MergeTree parts on disk, spoken to as
one speaks to a server, so that no client needs to know the difference. It is not a server for
others: one user, no replication, no Keeper, and SQL runs with the rights of the user who started
it, files included. It therefore answers on the loopback address only, unless told otherwise.
"""
