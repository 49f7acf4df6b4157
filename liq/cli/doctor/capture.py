"""The frames of a listening session as a capture, without account addresses."""

import gzip
from pathlib import Path
from typing import BinaryIO, Final, cast

from liq.cli.doctor.pseudonyms import Pseudonyms
from liq.runtime.errors import ConfigurationError
from liq.schemas.capture import CaptureLine
from liq.schemas.codec import encode

MAX_CAPTURE_BYTES: Final = 512 * 1_048_576
GZIP_ENDING: Final = ".gz"


class CaptureWriter:
    """A writer of capture lines to a new file, gzipped if its name ends in `.gz`.

    It writes at most `max_bytes` (before compression); `left_out` counts the frames beyond.
    """

    def __init__(
        self, path: Path, pseudonyms: Pseudonyms, max_bytes: int = MAX_CAPTURE_BYTES
    ) -> None:
        """Create the file.

        Raises:
            ConfigurationError: the file exists already, or cannot be created.
        """
        self.path = path
        self.frames = 0
        self.left_out = 0
        self._pseudonyms = pseudonyms
        self._room_bytes = max_bytes
        try:
            raw = path.open("xb")
        except FileExistsError as error:
            raise ConfigurationError(
                f"--capture {path} exists already; give the name of a new file."
            ) from error
        except OSError as error:
            raise ConfigurationError(
                f"--capture {path} cannot be written ({error.strerror}); give another name."
            ) from error
        self._raw = raw
        is_gzip = path.name.endswith(GZIP_ENDING)
        self._file = cast(BinaryIO, gzip.GzipFile(fileobj=raw, mode="wb")) if is_gzip else raw

    @property
    def replaced(self) -> int:
        """The number of accounts with a pseudonym in the file."""
        return len(self._pseudonyms)

    def write(
        self, exchange: str, feed: str, received_at_ns: int, frame: bytes, rates: str = ""
    ) -> None:
        """Write a frame and its rates; bytes that are not UTF-8 become replacement characters."""
        text = self._pseudonyms.replace(frame.decode("utf-8", errors="replace"))
        line = encode(
            CaptureLine(
                received_at_ns=received_at_ns,
                exchange=exchange,
                feed=feed,
                frame=text,
                rates=rates,
            )
        )
        if len(line) >= self._room_bytes:
            self.left_out += 1
            return
        self._room_bytes -= len(line) + 1
        self._file.write(line + b"\n")
        self.frames += 1

    def close(self) -> None:
        """Complete the file."""
        self._file.close()
        self._raw.close()
