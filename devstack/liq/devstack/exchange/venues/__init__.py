"""One folder a venue: `dialect.py`, how it talks, and `fixtures/`, messages with their meaning."""
