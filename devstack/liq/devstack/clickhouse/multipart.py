"""multipart/form-data bodies: plain fields (query, parameters) and files (external tables)."""

import re
from dataclasses import dataclass, field
from email.message import Message

from liq.devstack.clickhouse.errors import ClickHouseError, ErrorCode

_PARAMETER = re.compile(r'\b(name|filename)="((?:[^"\\]|\\.)*)"', re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    """The parts of a form by name; a file's name inside its part is not kept."""

    fields: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a Content-Type header names."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise _broken("the Content-Type names no boundary")
    return boundary.encode("latin-1")


def parse(body: bytes, boundary: bytes) -> Form:
    """Split a complete multipart body.

    Raises:
        ClickHouseError: 408 when the body does not have the form the boundary promises.
    """
    form = Form()
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004 - preamble and an end
        raise _broken("it does not end with its boundary")
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        if not separator:
            raise _broken("a part has no headers")
        disposition = next(
            (
                line.decode("utf-8", "replace")
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-disposition:")
            ),
            "",
        )
        names = {key.lower(): value for key, value in _PARAMETER.findall(disposition)}
        if "name" not in names:
            raise _broken("a part has no name")
        target = form.files if "filename" in names else form.fields
        target[names["name"]] = content
    return form


def _broken(reason: str) -> ClickHouseError:
    return ClickHouseError.named(
        ErrorCode.BAD_REQUEST_PARAMETER, f"The multipart form cannot be read: {reason}."
    )
