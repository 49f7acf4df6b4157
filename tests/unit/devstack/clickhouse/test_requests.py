"""What URL, headers and bodies mean."""

import io

import pytest

from liq.devstack.clickhouse.access import Credentials
from liq.devstack.clickhouse.bodies import RequestBody
from liq.devstack.clickhouse.errors import ClickHouseError, http_status
from liq.devstack.clickhouse.requests import QueryRequest, parse_parameters, parse_request


def request(url_query: str, method: str = "POST", **headers: str) -> QueryRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_request(method, parse_parameters(url_query), named)


def test_settings_are_what_the_interface_does_not_know() -> None:
    read = request(
        "database=d&max_threads=2&session_id=s&param_x=1&wait_end_of_query=1&query_id=q"
        "&send_progress_in_http_headers=1&enable_http_compression=1&insert_deduplicate=0"
    )
    assert read.settings == {"max_threads": "2", "insert_deduplicate": "0"}
    assert read.parameters == {"x": "1"}
    assert (read.database, read.query_id) == ("d", "q")


def test_database_and_format_may_stand_in_headers() -> None:
    read = request("", x_clickhouse_database="d", x_clickhouse_format="CSV")
    assert (read.database, read.default_format) == ("d", "CSV")


def test_a_get_is_read_only() -> None:
    assert request("query=SELECT+1", method="GET").settings == {"readonly": "2"}


def test_bytes_of_the_query_survive_the_url() -> None:
    assert request("query=SELECT+%27%FF%00%27").query == b"SELECT '\xff\x00'"


@pytest.mark.parametrize(
    ("url_query", "headers", "code"),
    [
        ("a%3D1%2Cb=2", {}, 408),
        ("param_a%3D1%2Cb=2", {}, 408),
        ("decompress=1", {}, 48),
        ("", {"content_encoding": "lz4"}, 48),
        ("", {"content_type": "multipart/form-data; boundary=b"}, 48),
    ],
)
def test_what_is_refused(url_query: str, headers: dict[str, str], code: int) -> None:
    with pytest.raises(ClickHouseError) as refused:
        request(url_query, **headers)
    assert refused.value.code == code


def body_of(data: bytes, **headers: str) -> RequestBody:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RequestBody(io.BytesIO(data), named)


def test_bodies_of_known_length_and_in_chunks() -> None:
    assert b"".join(body_of(b"abcdef", content_length="4")) == b"abcd"
    chunked = b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nnext request"
    assert b"".join(body_of(chunked, transfer_encoding="chunked")) == b"abc0123456789"


@pytest.mark.parametrize(
    ("data", "headers"),
    [
        (b"abc", {"content_length": "4"}),
        (b"4\r\nabc", {"transfer_encoding": "chunked"}),
        (b"3\r\nabc\r\n", {"transfer_encoding": "chunked"}),
        (b"-3\r\nabc\r\n", {"transfer_encoding": "chunked"}),
        (b"", {"transfer_encoding": "chunked"}),
    ],
)
def test_a_body_cut_short_is_an_error(data: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(ClickHouseError) as refused:
        list(body_of(data, **headers))
    assert refused.value.code == 33
    assert not body_of(data, **headers).drain(1000)


def test_draining_leaves_the_next_request_in_place() -> None:
    stream = io.BytesIO(b"abcdefGET")
    assert RequestBody(stream, {"content-length": "6"}).drain(1000)
    assert stream.read() == b"GET"
    assert not body_of(b"x" * 2000, content_length="2000").drain(1000)


BASIC = {"authorization": "Basic ZGVmYXVsdDpzZWNyZXQ="}  # default:secret


@pytest.mark.parametrize(
    ("headers", "url", "accepted"),
    [
        (BASIC, {}, True),
        ({"authorization": "Basic ZGVmYXVsdDp3cm9uZw=="}, {}, False),
        ({"authorization": "Basic %%%"}, {}, False),
        ({"authorization": "Bearer secret"}, {}, False),
        ({"x-clickhouse-user": "default", "x-clickhouse-key": "secret"}, {}, True),
        ({"x-clickhouse-key": "secret"}, {}, True),
        ({"x-clickhouse-user": "other", "x-clickhouse-key": "secret"}, {}, False),
        ({}, {"user": "default", "password": "secret"}, True),
        ({}, {"password": "sécret\udcff"}, False),
        ({}, {}, False),
    ],
)
def test_credentials(headers: dict[str, str], url: dict[str, str], *, accepted: bool) -> None:
    credentials = Credentials("default", "secret")
    if accepted:
        credentials.check(headers, url)
    else:
        with pytest.raises(ClickHouseError) as refused:
            credentials.check(headers, url)
        assert (refused.value.code, http_status(516)) == (516, 403)


def test_an_engine_message_gives_its_code_and_loses_its_wrapper() -> None:
    error = ClickHouseError.from_engine(
        "Streaming query failed: Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)"
    )
    assert (error.code, http_status(error.code)) == (60, 404)
    assert error.body("26.9") == (
        b"Code: 60. DB::Exception: No table. (UNKNOWN_TABLE) (version 26.9)\n"
    )
    assert ClickHouseError.from_engine("out of luck").code == 1001
