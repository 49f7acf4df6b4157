"""`liq doctor`: what every venue sends now, and whether what the engine needs is there.

`listening` connects through the live producer's own code and counts (`observations`), `judgement`
gives each feed a verdict; `kafka`, `warehouse` and `clock` look at the surroundings; `capture`
keeps frames without anybody's address (`pseudonyms`); `report` prints. `examination` is the round.
"""

from liq.cli.doctor.capture import CaptureWriter
from liq.cli.doctor.examination import PARTS, VENUES, Report, examine
from liq.cli.doctor.findings import Level, exit_code
from liq.cli.doctor.pseudonyms import Pseudonyms
from liq.cli.doctor.report import document, print_report

__all__ = [
    "PARTS",
    "VENUES",
    "CaptureWriter",
    "Level",
    "Pseudonyms",
    "Report",
    "document",
    "examine",
    "exit_code",
    "print_report",
]
