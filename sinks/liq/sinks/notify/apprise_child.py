"""The child process that sends one message through apprise: JSON on stdin, an exit code as result.

No module imports it. Apprise logs addresses, so its output never leaves this process.
"""

import json
import logging
import sys

from liq.sinks.notify.apprise_codes import ACCEPTED, BAD_ADDRESS, NOT_INSTALLED, REFUSED


def main() -> int:
    """Read a message from stdin, send it, and return the exit code."""
    logging.disable(logging.CRITICAL)
    return hand_over(json.load(sys.stdin))


def hand_over(order: dict[str, str]) -> int:
    """Send a message through apprise; return the exit code."""
    try:
        import apprise  # noqa: PLC0415 - of an extra
    except ImportError:
        return NOT_INSTALLED
    # Texts are data: apprise must not interpret escapes or emoji names in them.
    asset = apprise.AppriseAsset(
        async_mode=False, interpret_escapes=False, interpret_emojis=False, secure_logging=True
    )
    service = apprise.Apprise(asset=asset)
    if not service.add(order["url"]):
        return BAD_ADDRESS
    is_taken = service.notify(
        title=order["title"],
        body=order["text"],
        notify_type=order["type"],
        body_format=apprise.NotifyFormat.TEXT,
    )
    return ACCEPTED if is_taken else REFUSED


if __name__ == "__main__":
    sys.exit(main())
