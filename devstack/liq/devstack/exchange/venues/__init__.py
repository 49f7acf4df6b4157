"""One folder per venue: `dialect.py`, its protocol; `fixtures/`, messages with their meaning."""
