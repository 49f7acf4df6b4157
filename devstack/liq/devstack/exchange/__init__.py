"""Local exchanges: websocket servers that speak the venues' dialects."""
