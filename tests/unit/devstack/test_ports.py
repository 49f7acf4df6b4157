"""Ports: a free one can be bound, a taken one is refused with the setting's name."""

import socket
from collections.abc import Iterator

import pytest

from liq.devstack.ports import LOOPBACK, choose_port, free_port, free_ports, is_free
from liq.runtime.errors import ConfigurationError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_free_port_can_be_bound() -> None:
    port = free_port()
    with socket.create_server((LOOPBACK, port)):
        assert not is_free(port)


def test_ports_that_are_picked_together_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens on the first when the second is picked."""
    monkeypatch.setenv("FREE_PORTS", "21000-21099")
    wanted = choose_port(21_050, "WEB_PORT")
    picked = [wanted, *(free_port() for _ in range(40))]
    assert len(set(picked)) == len(picked)


def test_free_ports_are_outside_the_range_of_outgoing_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FREE_PORTS", raising=False)
    assert free_port() in free_ports()
    assert free_ports().stop <= 32_768


def test_a_range_of_ports_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FREE_PORTS", "21000-21099")
    assert 21_000 <= free_port() <= 21_099


@pytest.mark.parametrize("text", ["21000", "21000-21050", "31000-21000", "65000-65600", "a-b"])
def test_what_is_no_range_of_ports_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("FREE_PORTS", text)
    with pytest.raises(ConfigurationError, match=rf"FREE_PORTS={text} .* write 20000-31999"):
        free_port()


def test_a_taken_port_is_named_with_its_setting(taken_port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"Port {taken_port} .* set EMBEDDED_KAFKA_PORT"):
        choose_port(taken_port, "EMBEDDED_KAFKA_PORT")


def test_a_wanted_port_is_kept_and_zero_picks_one() -> None:
    wanted = free_port()
    assert choose_port(wanted, "EMBEDDED_KAFKA_PORT") == wanted
    assert choose_port(0, "EMBEDDED_KAFKA_PORT") in free_ports()


def test_connections_of_an_earlier_server_do_not_take_its_port() -> None:
    """The side that closes first keeps the port in TIME_WAIT; a restart must still get it."""
    port = free_port()
    with socket.create_server((LOOPBACK, port)) as server:
        client = socket.create_connection((LOOPBACK, port))
        connection, _ = server.accept()
        connection.close()
        client.close()
    assert is_free(port)
