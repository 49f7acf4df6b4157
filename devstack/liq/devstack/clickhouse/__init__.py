"""The ClickHouse engine behind an HTTP interface, as one process, for a laptop with only Python.

The engine is the real one (chDB), with MergeTree parts on disk. The interface supports what
`liq demo`, `liq dev` and clickhouse-connect need; `clickhouse_server` supports more. It listens on
loopback, requires a password, and its SQL cannot read files or other hosts.

The differences from a server are:

* Inserts are always synchronous: an acknowledged insert is stored.
* Results are computed completely before they are sent, and are not compressed.
* Compressed bodies, forms, sessions and external tables are rejected with an error.
* A query id is returned but unknown to the engine, so KILL QUERY cannot name it, and a query runs
  to its end when its client disconnects.
* There is one user, and no replication, Keeper or query_log.
"""
