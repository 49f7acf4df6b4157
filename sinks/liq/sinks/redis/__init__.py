"""The hot state in Redis: open cascades, last liquidations, sums, alerts and venues."""
