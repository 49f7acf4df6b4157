"""The Python types of JSON numbers."""

from typing import Final

# Check membership in this set instead of `int | float`: code compiled by mypyc converts such a
# value to a float, so 30000 becomes 30000.0, and 2^53 + 1 loses its last digit.
JSON_NUMBERS: Final = frozenset((int, float))
