"""Carries out the faults of `faults` on one connection."""

import selectors
import socket
import struct
import time
from collections.abc import Iterator

from liq.devstack.clickhouse.faults import FaultKind, FaultRule

_HANG_POLL_S = 0.05


class ConnectionEndedError(ConnectionError):
    """The connection is ended on purpose; nothing more is sent on it."""


def fail_on_arrival(fault: FaultRule, connection: socket.socket, body: Iterator[bytes]) -> None:
    """Do what a fault does before the statement runs; return if it is to run now.

    Raises:
        ConnectionEndedError: The statement is not to run and nobody waits for an answer.
    """
    match fault.kind:
        case FaultKind.RESET_BEFORE:
            reset(connection)
        case FaultKind.RESET_MID_BODY:
            next(body, None)
            reset(connection)
        case FaultKind.HANG_BEFORE:
            _hang(fault, connection)
        case FaultKind.SLOW:
            fault.released.wait(fault.argument)
        case _:
            pass


def fail_after_commit(fault: FaultRule, connection: socket.socket) -> None:
    """Do what a fault does once the statement has taken effect; return if it is to be answered.

    Raises:
        ConnectionEndedError: Nobody is to hear that it worked.
    """
    if fault.kind is FaultKind.RESET_AFTER:
        reset(connection)
    if fault.kind is FaultKind.HANG_AFTER:
        _hang(fault, connection)


def reset(connection: socket.socket) -> None:
    """End a connection with a reset (RST), as a crashing peer or a firewall does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not connection.close(): the handler's files share the descriptor and would keep it open.
    socket.close(connection.detach())
    raise ConnectionEndedError


def _hang(fault: FaultRule, connection: socket.socket) -> None:
    """Be silent until the time is over, the rules are cleared or the client has gone."""
    end_s = time.monotonic() + fault.argument
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        while time.monotonic() < end_s and not fault.released.wait(_HANG_POLL_S):
            if selector.select(0) and not connection.recv(1, socket.MSG_PEEK):
                break
    raise ConnectionEndedError
