"""The program: options, checks, start, and the run until a signal or the parent's end."""

import argparse
import errno
import ipaddress
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from liq.devstack.clickhouse.access import Credentials
from liq.devstack.clickhouse.engine import Engine
from liq.devstack.clickhouse.errors import ClickHouseError
from liq.devstack.clickhouse.execution import Executor
from liq.devstack.clickhouse.faults import Faults
from liq.devstack.clickhouse.handler import ClickHouseHandler
from liq.devstack.clickhouse.lifetime import stop_on_signals, stop_with_parent
from liq.devstack.clickhouse.server import ClickHouseServer, Services
from liq.devstack.clickhouse.sessions import Sessions
from liq.runtime.environment import environment

_GRACE_S = 10.0


class StartError(Exception):
    """The server cannot start; the message says what to change."""


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m liq.devstack.clickhouse",
        description="The ClickHouse engine behind its HTTP interface, for one laptop.",
    )
    parser.add_argument("--port", type=int, default=8123, help="0 takes a free one")
    parser.add_argument("--data-dir", type=Path, required=True, help="created if it is missing")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--database", default="liquidations", help="created; the default one")
    parser.add_argument("--user", default="default", help="the only user")
    parser.add_argument(
        "--password-env",
        metavar="NAME",
        help="environment variable that holds the user's password; without it none is asked for",
    )
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="accept a --host that other machines can reach; needs a password",
    )
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="stop when the starting process ends"
    )
    parser.add_argument(
        "--allow-fault-injection", action="store_true", help="serve /__fault, for tests"
    )
    parser.add_argument("--verbose", action="store_true", help="log every request to stderr")
    return parser


def _credentials(options: argparse.Namespace) -> Credentials:
    if options.password_env is None:
        return Credentials(options.user, None)
    password = environment().get(options.password_env)
    if not password:
        raise StartError(
            f"--password-env names {options.password_env}, which is not set; set it to the password"
        )
    return Credentials(options.user, password)


def _check_host(options: argparse.Namespace) -> None:
    try:
        is_local = ipaddress.ip_address(options.host).is_loopback
    except ValueError:
        is_local = options.host == "localhost"
    if is_local:
        return
    if not options.allow_remote:
        raise StartError(
            f"--host {options.host} is not a loopback address, and this server runs SQL with your"
            " rights; use 127.0.0.1, or --allow-remote if other machines are really to reach it"
        )
    if options.password_env is None:
        raise StartError("--allow-remote needs a password; name its variable with --password-env")


def _bind(host: str, port: int) -> ClickHouseServer:
    try:
        return ClickHouseServer(host, port, ClickHouseHandler)
    except OverflowError as problem:
        raise StartError(f"--port {port} is not a port; use 0 to 65535") from problem
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise StartError(
                f"port {port} on {host} is taken; stop what listens there or choose another --port"
            ) from problem
        raise StartError(f"cannot listen on {host} port {port}: {problem}") from problem


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


def _serve(options: argparse.Namespace, stop: threading.Event) -> None:
    """Run from the first check to the clean end."""
    _check_host(options)
    credentials = _credentials(options)
    with _bind(options.host, options.port) as server, _open_engine(options.data_dir) as engine:
        engine.create_database(options.database)
        sessions = Sessions(time.monotonic)
        faults = Faults() if options.allow_fault_injection else None
        executor = Executor(engine, sessions, options.database)
        server.services = Services(engine, executor, credentials, faults)
        threading.Thread(
            target=server.serve_forever, args=(0.1,), name="accept", daemon=True
        ).start()
        _announce(options, server, engine)
        stop.wait()
        server.shutdown()
        if faults is not None:
            faults.clear()
        if not server.finish_requests(_GRACE_S):
            logging.getLogger(__name__).warning("a statement still runs; it is cut off")
            # Closing the engine under a running statement is not safe; ending the process is:
            # what was acknowledged is on disk.
            os._exit(0)
        sessions.close()


def _announce(options: argparse.Namespace, server: ClickHouseServer, engine: Engine) -> None:
    """Say on one line of standard output that requests are answered from now on."""
    port = server.server_address[1]
    host = f"[{options.host}]" if ":" in options.host else options.host
    ready = {
        "event": "clickhouse_ready",
        "url": f"http://{host}:{port}",
        "port": port,
        "database": options.database,
        "data_dir": str(options.data_dir.resolve()),
        "version": engine.version,
        "pid": os.getpid(),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; return the exit code: 0 after a stop, 1 when it cannot start."""
    parent_pid = os.getppid()
    options = _arguments().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    stop = threading.Event()
    stop_on_signals(stop)
    if options.exit_with_parent:
        stop_with_parent(stop, parent_pid)
    try:
        _serve(options, stop)
    except StartError as problem:
        sys.stderr.write(f"embedded ClickHouse: {problem}.\n")
        return 1
    return 0
