"""Logins inside addresses, hidden wherever a text leaves the process.

Libraries repeat the address that they could not use in their errors: a proxy's, with its user and
password. Such texts become log lines, reasons of health and records on a topic.
"""

import re

# As far as the host. A stream such as wss://host/ws/btcusdt@forceOrder has no login.
_LOGIN = re.compile(r"(?<=://)[^\s/@]*@")
HIDDEN = "***@"


def without_logins(text: str) -> str:
    """The text with user and password of every address replaced."""
    return _LOGIN.sub(HIDDEN, text)
