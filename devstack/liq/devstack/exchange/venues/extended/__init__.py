"""Extended: its dialect for the local exchange, and fixtures."""
