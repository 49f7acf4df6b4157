"""Exit codes of the child process that runs apprise; any other code is a crash."""

from typing import Final

ACCEPTED: Final = 0
REFUSED: Final = 10
BAD_ADDRESS: Final = 11
NOT_INSTALLED: Final = 12
