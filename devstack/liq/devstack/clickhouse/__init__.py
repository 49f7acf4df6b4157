"""The ClickHouse engine behind its own HTTP interface, as one process.

It is a laptop's ClickHouse: the real engine (chDB) with real MergeTree parts on disk, spoken to as
one speaks to a server, so that no client needs to know the difference. It is not a server for
others: one user, no replication, no Keeper, and SQL runs with the rights of the user who started
it, files included. It therefore answers on the loopback address only, unless told otherwise.

Where it differs from a server:

* Inserts are always synchronous: what is acknowledged is stored. `async_insert` changes nothing.
* `INSERT ... SELECT ... FROM input(...)` with data, ClickHouse's own block compression
  (`compress=1`, `decompress=1`) and brotli are refused with an error.
* A query id is returned but not known to the engine, so KILL QUERY cannot name it. A streamed
  query ends when its client goes; one that is computed whole runs to its end.
* No progress headers. The summary of a streamed answer covers its first block.
* Formats with something around the rows (Arrow, Parquet, JSON, CSVWithNames ...) are computed
  whole before they are sent; Native, JSONEachRow, CSV, TabSeparated and RowBinary are streamed.
* The cluster parts of ClickHouse are not in the engine: Replicated tables, Keeper, query_log.
"""
