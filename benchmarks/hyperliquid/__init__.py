"""Measurement of the share of Hyperliquid's liquidations in public feeds, by number of sensors."""
