"""A small disk that can be filled: a tmpfs, where mounting is permitted."""

import errno
import subprocess
from pathlib import Path
from typing import Final, Self

import pytest

BLOCK: Final = b"\0" * 65_536


class SmallDisk:
    """Mounted while it is used in a `with` statement; the test is skipped where that is refused."""

    def __init__(self, path: Path, mebibytes: int) -> None:
        self.path = path
        self._mebibytes = mebibytes
        self._ballast = path / "ballast"

    def __enter__(self) -> Self:
        self.path.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={self._mebibytes}m", "tmpfs", str(self.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode != 0:
            pytest.skip(f"needs the right to mount a tmpfs: {mounted.stderr.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    def fill(self) -> None:
        """Leave not one block."""
        with self._ballast.open("wb", buffering=0) as file:
            while True:
                try:
                    file.write(BLOCK)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return

    def relieve(self) -> None:
        self._ballast.unlink()
