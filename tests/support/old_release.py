"""Workers of an older release, from the history of this repository."""

import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

from liq.devstack.ports import LOOPBACK, free_port
from liq.devstack.probe import answers_http
from liq.devstack.supervisor import Child, Supervisor
from liq.runtime.settings import Settings
from tests.conftest import WAIT_SECONDS
from tests.support.paths import ROOT

#: The release whose state must be readable; it has no package `liq` around its folders.
COMMIT: Final = "e5e5d9a"
ROOMS: Final = ("liq", "producers", "processors", "runtime", "schemas", "sinks")
#: A release of the present layout, whose workers commit only offsets of records that they handled.
RECENT_COMMIT: Final = "1ae410ad"
START: Final = "from liq.main import app; app()"
#: The settings of a test that such a worker knows.
KNOWN: Final = ("KAFKA_BOOTSTRAP_SERVERS", "TOPIC_NAMESPACE", "TOPIC_PARTITIONS")


def recent_release(folder: Path) -> dict[str, str]:
    """Unpack the recent release into a folder; return the environment of its workers."""
    rooms = unpack_old_release(folder, RECENT_COMMIT)
    return {"PYTHONPATH": os.pathsep.join(map(str, [rooms, *(rooms / room for room in ROOMS[1:])]))}


def unpack_old_release(folder: Path, commit: str = COMMIT) -> Path:
    """Write the folders of the older release into a folder; skip the test without git history."""
    archived = subprocess.run(
        ("git", "-C", str(ROOT), "archive", commit, *ROOMS),
        capture_output=True,
        check=False,
    )
    if archived.returncode != 0:
        pytest.skip(f"needs commit {commit} of the repository's history (a full clone)")
    with tarfile.open(fileobj=BytesIO(archived.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def start_old_detector(supervisor: Supervisor, rooms: Path, settings: Settings, slot: str) -> str:
    """Start a detecting worker of the older release; return its name once it is ready."""
    port, name = free_port(), f"old-detect-{slot}"
    shown = settings.masked()
    supervisor.start(
        Child(
            name=name,
            command=(sys.executable, "-c", START, "process", "detect"),
            environment={
                **{setting: shown[setting] for setting in KNOWN},
                "PYTHONPATH": str(rooms),
                "WORKER_SLOT": slot,
                "HTTP_PORT": str(port),
            },
            is_ready=lambda: answers_http(f"http://{LOOPBACK}:{port}/readyz"),
            ready_seconds=WAIT_SECONDS,
        )
    )
    return name
