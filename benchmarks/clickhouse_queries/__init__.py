"""The benchmark of the cookbook's queries; `python -m benchmarks.clickhouse_queries`."""
