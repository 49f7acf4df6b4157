"""The ClickHouse loader: its tables, its migrations and the worker that fills them."""
