"""TCP ports on this machine: free ones, and taken ones said in a sentence."""

import random
import re
import socket

from liq.runtime.environment import environment
from liq.runtime.errors import ConfigurationError

LOOPBACK = "127.0.0.1"
SETTING = "FREE_PORTS"
# Below the ranges from which Linux (32768+), macOS and the BSDs (49152+) take the ports of
# outgoing connections, so that no client can slip onto a port between our check and its use.
DEFAULT_RANGE = "20000-31999"
ATTEMPTS = 100
MOST_PORTS = 65_536


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on that port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections of an earlier server that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports() -> range:
    """The ports that may be picked: `FREE_PORTS` of the environment (`20000-31999`).

    Stacks that start at the same time cannot pick the same port out of ranges of their own.

    Raises:
        ConfigurationError: it is not such a range.
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
    """A port on which nothing listens.

    Raises:
        ConfigurationError: a hundred ports picked at random were all taken.
    """
    ports = free_ports()
    for port in random.sample(ports, ATTEMPTS):
        if is_free(port, host):
            return port
    raise ConfigurationError(
        f"Found no free port on {host} between {ports.start} and {ports.stop - 1}; set {SETTING} "
        "to another range, or choose the ports in the settings."
    )


def choose_port(wanted: int, setting: str, host: str = LOOPBACK) -> int:
    """The wanted port if it is free, or a free one if 0 is wanted.

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
    return wanted
