"""The input files of an import: plain, gzip, lz4, or the members of a zip, line by line."""

import fnmatch
import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import lz4.frame

from liq.processors.archives import FileHead, Line
from liq.runtime.errors import ConfigurationError

GZIP: Final = b"\x1f\x8b"
LZ4: Final = b"\x04\x22\x4d\x18"
ZIP: Final = b"PK\x03\x04"
PARQUET: Final = b"PAR1"
# A line of a node's fills is a whole block, and the largest block known had 11,279 liquidations.
MAX_LINE_BYTES: Final = 64 * 1024 * 1024
FINGERPRINT_BYTES: Final = 64 * 1024
# Patterns of files beside the data in folders and zips.
PASSED_OVER: Final = (".*", "*.txt", "*.md", "*.CHECKSUM", "MD5SUMS", "*.unfinished", "README*")

_DAMAGED: Final = (EOFError, OSError, RuntimeError, zlib.error, zipfile.BadZipFile)


class DamagedFileError(Exception):
    """The rest of a file cannot be read; the message has the reason."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file, or a member of a zip file, to import."""

    path: Path
    member: str = ""

    @property
    def label(self) -> str:
        """The path, with the member's name."""
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def size_bytes(self) -> int:
        """The bytes of the whole file on the disk."""
        return self.path.stat().st_size

    @property
    def is_parquet(self) -> bool:
        """Whether this is a Parquet file."""
        with self.path.open("rb") as file:
            return not self.member and file.read(len(PARQUET)) == PARQUET

    def fingerprint(self) -> str:
        """Return a digest that identifies the file: of its name, size, beginning and end."""
        size = self.size_bytes
        digest = hashlib.blake2b(digest_size=16)
        with self.path.open("rb") as file:
            digest.update(file.read(FINGERPRINT_BYTES))
            file.seek(max(0, size - FINGERPRINT_BYTES))
            digest.update(file.read(FINGERPRINT_BYTES))
        name = f"{self.path.name}/{self.member}" if self.member else self.path.name
        return f"{name} {size} {digest.hexdigest()}"

    def head(self) -> FileHead:
        """Return the first two lines.

        Raises:
            DamagedFileError: they cannot be read.
        """
        first, second = b"", b""
        for line in self.lines():
            if line.number == 1:
                first = line.content
            else:
                second = line.content
                break
        return FileHead(self.label, first, second)

    def lines(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
        """Yield the lines; `progress` receives the position in the file on the disk.

        Raises:
            DamagedFileError: the compressed stream is damaged or cut off, or a line has no end.
        """
        with self.path.open("rb") as raw:
            try:
                with _decompressed(raw, self.member) as stream:
                    number = 0
                    while content := stream.readline(MAX_LINE_BYTES + 1):
                        number += 1
                        if len(content) > MAX_LINE_BYTES:
                            raise DamagedFileError(
                                f"line {number} is longer than {MAX_LINE_BYTES:,} bytes"
                            )
                        progress(raw.tell())
                        yield Line(number, content.rstrip(b"\r\n"))
            except _DAMAGED as error:
                raise DamagedFileError(str(error) or "the file is cut off") from error


def find_files(paths: list[Path]) -> list[InputFile]:
    """Return the files of some paths: files, members of zips, and all files of folders, by name.

    Raises:
        ConfigurationError: a path cannot be read, or there is no file.
    """
    found: list[InputFile] = []
    for path in paths:
        try:
            inside = sorted(each for each in path.rglob("*") if each.is_file() and _is_data(each))
            for each in inside if path.is_dir() else (path,):
                found += _inputs(each)
        except (OSError, zipfile.BadZipFile) as error:
            raise ConfigurationError(
                f"Cannot read {path} ({error}); give archives, or a folder of them."
            ) from error
    if not found:
        raise ConfigurationError(f"There is no file to import in {', '.join(map(str, paths))}.")
    return found


def _inputs(path: Path) -> list[InputFile]:
    with path.open("rb") as file:
        if file.read(len(ZIP)) != ZIP:
            return [InputFile(path)]
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    return [InputFile(path, name) for name in names if _is_data(Path(name))]


def _is_data(path: Path) -> bool:
    return not any(fnmatch.fnmatch(path.name, pattern) for pattern in PASSED_OVER)


@contextmanager
def _decompressed(raw: BinaryIO, member: str) -> Iterator[BinaryIO]:
    magic = raw.read(len(LZ4))
    raw.seek(0)
    if member:
        with zipfile.ZipFile(raw) as archive, archive.open(member) as stream:
            yield io.BufferedReader(stream)  # type: ignore[type-var]
    elif magic.startswith(GZIP):
        with gzip.GzipFile(fileobj=raw) as stream:
            yield stream  # type: ignore[misc]
    elif magic == LZ4:
        with lz4.frame.open(raw) as stream:
            yield stream
    else:
        yield raw
