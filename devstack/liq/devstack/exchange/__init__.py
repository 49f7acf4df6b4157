"""Exchanges on this machine: websocket servers that speak the venues' dialects."""
