"""Paradex: its history for the local exchange, and fixtures."""
