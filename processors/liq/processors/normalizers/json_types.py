"""What the JSON parser makes of numbers."""

from typing import Final

# To be asked for as members of this set. `int | float` means the same to Python, but code that was
# compiled ahead of time takes it for a float: 30000 becomes 30000.0, 2^53 + 1 loses its last digit.
JSON_NUMBERS: Final = frozenset((int, float))
