import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import orjson
import pytest

from liq.runtime import health as health_module
from liq.runtime.bounded_http import MAX_CONNECTIONS
from liq.runtime.errors import ConfigurationError
from liq.runtime.health import Health, HealthServer


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    running = HealthServer(health, "127.0.0.1", 0)
    running.start()
    yield running
    running.stop()


def ask(server: HealthServer, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}") as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def test_readiness_needs_every_condition_and_says_which_fails(
    health: Health, server: HealthServer
) -> None:
    health.require("kafka", "waiting for the consumer group")
    health.set("clickhouse", holds=True, reason="answers")
    status, body = ask(server, "/readyz")
    assert status == 503
    assert orjson.loads(body)["conditions"]["kafka"] == {
        "holds": False,
        "reason": "waiting for the consumer group",
    }
    health.set("kafka", holds=True, reason="4 partitions")
    assert ask(server, "/readyz")[0] == 200


def test_a_stuck_loop_is_neither_alive_nor_ready(
    server: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask(server, "/healthz")[0] == 200
    monkeypatch.setattr(health_module, "STALLED_AFTER_SECONDS", 0.0)
    assert ask(server, "/healthz")[0] == 503
    assert ask(server, "/readyz")[0] == 503


def test_metrics_are_served(health: Health, server: HealthServer) -> None:
    health.set("kafka", holds=True, reason="ok")
    status, body = ask(server, "/metrics")
    assert status == 200
    assert b'liq_ready{condition="kafka"} 1.0' in body
    assert b"# HELP liq_consumer_lag_records Records not yet handled." in body


def test_an_unknown_path_is_404(server: HealthServer) -> None:
    assert ask(server, "/nothing")[0] == 404


def test_a_taken_port_is_a_sentence(server: HealthServer) -> None:
    with pytest.raises(ConfigurationError, match="Set HTTP_PORT to a free port"):
        HealthServer(Health(), "127.0.0.1", server.port)


def test_a_question_mark_and_head_are_answered(health: Health, server: HealthServer) -> None:
    health.set("kafka", holds=True, reason="ok")
    assert b"liq_ready" in ask(server, "/metrics?x=1")[1]
    address = f"http://127.0.0.1:{server.port}/readyz"
    with urlopen(Request(address, method="HEAD")) as answer:
        assert (answer.status, answer.read()) == (200, b"")
        assert int(answer.headers["Content-Length"]) > 0


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nX: ", b"GET"])
def test_half_a_request_holds_nothing(server: HealthServer, sent: bytes) -> None:
    threads = threading.active_count()
    with ExitStack() as clients:
        for number in range(300):
            client = clients.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=30)
            )
            client.sendall(sent)
            if number % 100 == 0:
                assert ask(server, "/healthz")[0] == 200
        assert ask(server, "/healthz")[0] == 200
        assert threading.active_count() - threads <= MAX_CONNECTIONS


def test_a_request_that_was_sent_is_answered_whatever_comes_after_it(
    server: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def describe(_: Health) -> bytes:
        begun.set()
        assert go_on.wait(30)
        return b"{}"

    monkeypatch.setattr(Health, "describe", describe)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(ask(server, "/healthz")[0]))
    asking.start()
    assert begun.wait(30)
    with ExitStack() as clients:
        for _ in range(3 * MAX_CONNECTIONS):
            clients.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        assert ask(server, "/metrics")[0] == 200
    go_on.set()
    asking.join(30)
    assert answers == [200]
