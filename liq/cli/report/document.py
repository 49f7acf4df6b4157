"""One HTML file that loads nothing: its styles, scripts and data are in it. Pure.

Its content security policy allows exactly these styles and scripts, by their hashes.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Any, Final

#: What would end a script element early, or make the browser read past its end.
_ENDS: Final = ("</script", "<script", "</style", "<!--", "\r")
#: Characters that HTML understands and JSON can escape.
_ESCAPES: Final = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&"})


def document(
    *, title: str, body: str, styles: Sequence[str], scripts: Sequence[str], data: Any
) -> str:
    """Return the file. `body` is markup; `data` becomes the JSON of the element `data`.

    Raises:
        ValueError: a style or script has text that ends its element, or a number is not finite.
    """
    for text in (*styles, *scripts):
        if found := next((end for end in _ENDS if end in text.lower()), None):
            raise ValueError(f"A style or script contains {found!r}.")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(styles, scripts)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n"
        f"{''.join(f'<style>{style}</style>' for style in styles)}</head>\n<body>{body}\n"
        f'<script type="application/json" id="data">{embedded_json(data)}</script>\n'
        f"{''.join(f'<script>{script}</script>' for script in scripts)}</body></html>\n"
    )


def policy(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """Return the content security policy that allows these inline styles and scripts alone."""
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; "
        "base-uri 'none'; form-action 'none'"
    )


def embedded_json(data: Any) -> str:
    """Return JSON in ASCII that is text and nothing else inside a script element.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(data, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _hashes(texts: Sequence[str]) -> str:
    digests = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
