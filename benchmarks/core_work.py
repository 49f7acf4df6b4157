"""Processor seconds of one pass over prepared input, in the interpreter that runs this file.

    python core_work.py normalize FRAMES.jsonl PASSES
    python core_work.py detect EVENTS.jsonl PASSES
    python core_work.py records EVENTS.jsonl PASSES
    python core_work.py read FRAMES.jsonl       the numbers of the lines without a rejection

`benchmarks.against` runs it with the interpreters of two checkouts in turn, so it imports only what
both have. Commit e5e5d9a and older have no package `liq` around the rooms.
"""

import base64
import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PREFIX = "liq." if find_spec("liq.processors") else ""


def room(name: str) -> Any:
    """Import a module of this checkout by its name inside `liq`."""
    return import_module(PREFIX + name)


def normalizing(lines: list[bytes]) -> Callable[[], None]:
    """Return the work of normalizing every frame once."""
    core = room("processors.normalizers")
    book = core.load_snapshot()
    config = core.NormalizerConfig(Decimal(100_000), Decimal(100))
    frames = [
        (
            base64.b64decode(line["frame"]),
            core.FrameMetadata(line["exchange"], line["feed"], line["received_at_ms"]),
        )
        for line in map(json.loads, lines)
    ]
    normalize = core.normalize

    def work() -> None:
        for frame, metadata in frames:
            normalize(frame, metadata, book, config)

    return work


def read_lines(lines: list[bytes]) -> list[int]:
    """Return the numbers of the lines whose frames this checkout reads without a rejection."""
    core = room("processors.normalizers")
    book = core.load_snapshot()
    config = core.NormalizerConfig(Decimal(100_000), Decimal(100))
    rejected = room("schemas.records").Rejected
    found = []
    for number, line in enumerate(map(json.loads, lines)):
        metadata = core.FrameMetadata(line["exchange"], line["feed"], line["received_at_ms"])
        results = core.normalize(base64.b64decode(line["frame"]), metadata, book, config)
        if not any(isinstance(result, rejected) for result in results):
            found.append(number)
    return found


def detecting(lines: list[bytes]) -> Callable[[], None]:
    """Return the work of detecting on every event once, assets and market together."""
    core = room("processors.cascades")
    liquidation, decode = room("schemas.records").Liquidation, room("schemas.codec").decode
    events = [decode(liquidation, line) for line in lines]
    config = core.DetectorConfig()

    def work() -> None:
        engine = core.CascadeEngine(config)
        for offset, event in enumerate(events):
            engine.apply(event, offset)
        engine.finish()

    return work


def handling_records(lines: list[bytes]) -> Callable[[], None]:
    """Return the detecting workers' pure work: parse every stored event, detect, encode alerts."""
    core, codec = room("processors.cascades"), room("schemas.codec")
    liquidation, config = room("schemas.records").Liquidation, core.DetectorConfig()
    # Workers without this function parse whole records.
    view = getattr(core, "decode_observation", None)

    def work() -> None:
        engine = core.CascadeEngine(config)
        for offset, line in enumerate(lines):
            if view is None:
                alerts = engine.apply(codec.decode(liquidation, line), offset)
            else:
                alerts = engine.apply_view(view(line), offset)
            for alert in alerts:
                codec.encode(alert)
        for alert in engine.finish():
            codec.encode(alert)

    return work


def main() -> None:
    """Print the processor seconds of PASSES passes, after a pass that warms up caches."""
    name, path, *passes = sys.argv[1:]
    lines = Path(path).read_bytes().splitlines()
    if name == "read":
        print(json.dumps(read_lines(lines)))
        return
    works = {"normalize": normalizing, "detect": detecting, "records": handling_records}
    work = works[name](lines)
    work()
    started = time.process_time()
    for _ in range(int(passes[0])):
        work()
    print(time.process_time() - started)


if __name__ == "__main__":
    main()
