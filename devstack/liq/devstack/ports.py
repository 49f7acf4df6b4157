"""Free TCP ports on this machine, and errors for taken ones."""

import random
import re
import socket
from collections import deque

from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
SETTING = "FREE_PORTS"
# Below the ranges of ephemeral ports of Linux (32768+), macOS and the BSDs (49152+), so that no
# outgoing connection can occupy a port between the check and its use.
DEFAULT_RANGE = "20000-31999"
ATTEMPTS = 100
MOST_PORTS = 65_536
# Ports that were picked lately, and on which perhaps nothing listens yet: fewer than a range has.
_promised: deque[int] = deque(maxlen=ATTEMPTS // 2)


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Return whether a server could listen on a port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: an earlier server's connections in TIME_WAIT do not block the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports() -> range:
    """Return the range of ports to pick from: FREE_PORTS of the environment (`20000-31999`).

    Stacks that start at the same time need disjoint ranges to never pick the same port.

    Raises:
        ConfigurationError: the value is not such a range.
    """
    text = environment().get(SETTING) or DEFAULT_RANGE
    found = re.fullmatch(r"(\d{4,5})-(\d{4,5})", text)
    ports = range(int(found[1]), int(found[2]) + 1) if found else range(0)
    if len(ports) < ATTEMPTS or ports.stop > MOST_PORTS:
        raise ConfigurationError(
            f"{SETTING}={text} is no range of {ATTEMPTS} ports or more; write {DEFAULT_RANGE}."
        )
    return ports


def free_port(host: str = LOOPBACK) -> int:
    """Return a port on which no process listens.

    Raises:
        ConfigurationError: a hundred random ports are all taken.
    """
    ports = free_ports()
    for port in random.sample(ports, ATTEMPTS):
        if port not in _promised and is_free(port, host):
            _promised.append(port)
            return port
    raise ConfigurationError(
        f"Found no free port on {host} between {ports.start} and {ports.stop - 1}; set {SETTING} "
        "to another range, or choose the ports in the settings."
    )


def choose_port(wanted: int, setting: str, host: str = LOOPBACK) -> int:
    """Return the wanted port if it is free; for 0, any free port.

    Raises:
        ConfigurationError: the wanted port is taken; the message names the setting.
    """
    if wanted == 0:
        return free_port(host)
    if not is_free(wanted, host):
        raise ConfigurationError(
            f"Port {wanted} on {host} is taken. Stop what listens there, or set {setting} to "
            "another port, or to 0 to pick a free one."
        )
    _promised.append(wanted)
    return wanted
