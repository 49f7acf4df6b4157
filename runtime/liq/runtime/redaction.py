"""Redaction of logins in addresses, and of keys, in every text that leaves the process.

Errors of libraries contain the address that failed: a proxy's with user and password, or a stream's
with its key. Such texts become log lines, reasons of health conditions, and records on a topic.
"""

import re

# Only before the host: the @ in wss://host/ws/btcusdt@forceOrder does not end a login.
_LOGIN = re.compile(r"(?<=://)[^\s/@]*@")
HIDDEN = "***@"
HIDDEN_KEY = "***"
_keys: set[str] = set()


def hide_key(key: str) -> None:
    """Redact a key from now on; it must be too long to occur in other texts by chance."""
    _keys.add(key)


def without_logins(text: str) -> str:
    """Return a text with the user and password of every address, and every key, replaced."""
    text = _LOGIN.sub(HIDDEN, text)
    for key in _keys:
        text = text.replace(key, HIDDEN_KEY)
    return text
