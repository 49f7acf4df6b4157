"""The paths of the files in the checkout that tests read."""

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
CAPTURES: Final = ROOT / "data" / "captures"
EXAMPLES: Final = ROOT / "schemas" / "liq" / "schemas" / "examples"
GOLDEN: Final = ROOT / "tests" / "golden"
