"""The server program: options, checks, start, and serving until a signal."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from liq.devstack.clickhouse.access import Credentials
from liq.devstack.clickhouse.engine import Engine
from liq.devstack.clickhouse.errors import ClickHouseError
from liq.devstack.clickhouse.handler import ClickHouseHandler
from liq.devstack.clickhouse.server import ClickHouseServer, Services
from liq.devstack.ports import LOOPBACK
from liq.devstack.warehouse import PASSWORD_VARIABLE
from liq.runtime.environment import environment

_GRACE_SECONDS: Final = 10.0


class StartError(Exception):
    """The server cannot start; the message names the remedy."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; return the exit code: 0 after a stop, 1 if it cannot start."""
    options = _arguments().parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    stop = threading.Event()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    try:
        _serve(options, stop)
    except StartError as problem:
        sys.stderr.write(f"embedded ClickHouse: {problem}.\n")
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m liq.devstack.clickhouse",
        description="The ClickHouse engine behind its HTTP interface, for one laptop. Its user's "
        f"password is in {PASSWORD_VARIABLE}.",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data-dir", type=Path, required=True, help="created if it is missing")
    parser.add_argument("--database", required=True, help="created; the default one")
    parser.add_argument("--user", required=True, help="the only user")
    return parser


def _serve(options: argparse.Namespace, stop: threading.Event) -> None:
    """Check the options, start the server, and serve until `stop` is set."""
    password = environment().get(PASSWORD_VARIABLE)
    if not password:
        raise StartError(f"{PASSWORD_VARIABLE} is not set; set it to the password of the user")
    credentials = Credentials(options.user, password)
    with _bind(options.port) as server, _open_engine(options.data_dir) as engine:
        engine.create_database(options.database)
        server.services = Services(engine, credentials, options.database)
        threading.Thread(
            target=server.serve_forever, args=(0.1,), name="accept", daemon=True
        ).start()
        stop.wait()
        server.shutdown()
        if not server.finish_requests(_GRACE_SECONDS):
            logging.getLogger(__name__).warning("a statement still runs; it is cut off")
            # Closing the engine during a statement is not safe. Ending the process is, because
            # acknowledged inserts are on disk.
            os._exit(0)


def _bind(port: int) -> ClickHouseServer:
    try:
        return ClickHouseServer(LOOPBACK, port, ClickHouseHandler)
    except OSError as problem:
        raise StartError(f"cannot listen on port {port}: {problem}") from problem


def _open_engine(data_directory: Path) -> Engine:
    if "?" in str(data_directory):
        raise StartError("--data-dir must not contain a question mark; choose another directory")
    try:
        data_directory.mkdir(parents=True, exist_ok=True)
        return Engine(data_directory.resolve())
    except OSError as problem:
        raise StartError(f"cannot use --data-dir {data_directory}: {problem}") from problem
    except ClickHouseError as problem:
        raise StartError(
            f"cannot open --data-dir {data_directory}; is another process using it?"
            f" The engine says: {problem}"
        ) from problem
