"""Several configurations over one log: events are decoded once, and cores share the detectors.

With one configuration or one core, detection runs in this process. Otherwise each child process has
some of the configurations. It receives the events in chunks that are serialized once for all, and
writes its records to files. A full pipe blocks the reader, so that memory stays bounded.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from liq.cli.backtesting.sources import Chunk
from liq.processors.backtesting import Configuration
from liq.processors.cascades import CascadeEngine
from liq.runtime.errors import DependencyError
from liq.schemas.codec import encode

THE_END: Final = b""
JOIN_SECONDS: Final = 600
Sink = Callable[[Chunk], None]


@dataclass(slots=True)
class _Detector:
    """A configuration's detector, and the file of its records, one per line."""

    engine: CascadeEngine
    records: BinaryIO
    place: int = 0

    @classmethod
    def new(cls, configuration: Configuration, path: Path) -> "_Detector":
        return cls(CascadeEngine(configuration.config), path.open("wb"))

    def apply(self, chunk: Chunk) -> None:
        write = self.records.write
        observe = self.engine.observe
        place = self.place
        for event in chunk:
            for alert in observe(event, place):
                write(encode(alert) + b"\n")
            place += 1
        self.place = place

    def finish(self) -> None:
        for alert in self.engine.finish():
            self.records.write(encode(alert) + b"\n")
        self.records.close()


def detect(
    configurations: Sequence[Configuration],
    chunks: Iterable[Chunk],
    folder: Path,
    *,
    processes: int,
    seen: Sink = lambda _: None,
) -> list[Path]:
    """Apply every event to every configuration; return the files of their records, in order.

    `seen` also receives each chunk of the log.

    Raises:
        DependencyError: a child process ended early.
    """
    paths = [folder / f"{number}.jsonl" for number, _ in enumerate(configurations)]
    shares = _shares(list(zip(configurations, paths, strict=True)), processes)
    if len(shares) == 1:
        detectors = [_Detector.new(each, path) for each, path in shares[0]]
        for chunk in chunks:
            seen(chunk)
            for detector in detectors:
                detector.apply(chunk)
        for detector in detectors:
            detector.finish()
    else:
        _detect_aside(shares, chunks, seen)
    return paths


Share = list[tuple[Configuration, Path]]


def _shares(work: Share, processes: int) -> list[Share]:
    count = max(1, min(processes, len(work)))
    return [work[start::count] for start in range(count)]


@dataclass(slots=True)
class _Aside:
    """A child process with some of the configurations."""

    process: SpawnProcess
    pipe: Any

    def send(self, data: bytes) -> None:
        try:
            self.pipe.send_bytes(data)
        except OSError as error:
            raise DependencyError(_died(self.process)) from error


@dataclass(slots=True)
class _Processes:
    """The child processes; those still alive at the end of the block are terminated."""

    shares: Sequence[Share]
    all: list[_Aside] = field(default_factory=list)

    def __enter__(self) -> Self:
        context = get_context("spawn")
        for share in self.shares:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(receiver, share), daemon=True)
            process.start()
            receiver.close()
            self.all.append(_Aside(process, sender))
        return self

    def __exit__(self, *_: object) -> None:
        for aside in self.all:
            aside.pipe.close()
            if aside.process.is_alive():
                aside.process.terminate()
            aside.process.join()


def _detect_aside(shares: Sequence[Share], chunks: Iterable[Chunk], seen: Sink) -> None:
    with _Processes(shares) as processes:
        for chunk in chunks:
            data = pickle.dumps(chunk, pickle.HIGHEST_PROTOCOL)
            for aside in processes.all:
                aside.send(data)
            seen(chunk)
        for aside in processes.all:
            aside.send(THE_END)
        for aside in processes.all:
            aside.process.join(JOIN_SECONDS)
            if aside.process.exitcode != 0:
                raise DependencyError(_died(aside.process))


def _died(process: SpawnProcess) -> str:
    return (
        f"A process of the back-test ended with {process.exitcode} before its work was done; "
        "its reason is above. `--jobs 1` needs least memory."
    )


def _work(pipe: Connection, share: Share) -> None:
    detectors = [_Detector.new(configuration, path) for configuration, path in share]
    for chunk in _received(pipe):
        for detector in detectors:
            detector.apply(chunk)
    for detector in detectors:
        detector.finish()


def _received(pipe: Connection) -> Iterator[Chunk]:
    """Yield the chunks until the end marker; a closed pipe before it is an error."""
    while (data := pipe.recv_bytes()) != THE_END:
        yield pickle.loads(data)  # noqa: S301 - the parent's own bytes
