"""A lock that allows one stack per data directory."""

import fcntl
import os
from pathlib import Path

from liq.runtime.errors import ConfigurationError

FILE_NAME = "stack.lock"


class DirectoryLock:
    """The lock of a data directory, held until `close`.

    The lock belongs to the open file, not to the process. A guard that inherits the descriptor
    keeps the directory locked until the last child of a killed stack has ended.
    """

    def __init__(self, directory: Path) -> None:
        """Acquire the lock.

        Raises:
            ConfigurationError: another stack holds it, or the directory is not writable.
        """
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = (directory / FILE_NAME).open("a+")
        except OSError as error:
            raise ConfigurationError(
                f"Cannot write to {directory} ({error.strerror}); set EMBEDDED_DATA_DIR to a "
                "directory of your own."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise ConfigurationError(
                f"Another stack (process {holder}) uses {directory} or is still ending there. "
                "Stop it, or set EMBEDDED_DATA_DIR to another directory."
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def fileno(self) -> int:
        """Return the descriptor that holds the lock."""
        return self._file.fileno()

    def close(self) -> None:
        """Release the lock, unless a process that inherited it still runs."""
        self._file.close()
