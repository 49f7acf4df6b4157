"""`liq doctor`: a check of the venues' feeds, and of Kafka, ClickHouse and the clock.

`listening` connects with the live producer's own code and counts (`observations`), `judgement`
gives each feed a verdict. `kafka`, `warehouse` and `clock` check the environment. `capture` writes
frames without account addresses (`pseudonyms`). `report` prints. `examination` runs all checks.
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
