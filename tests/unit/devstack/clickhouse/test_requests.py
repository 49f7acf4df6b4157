"""What URL, headers, forms and bodies mean."""

import io

import pytest

from liq.devstack.clickhouse.access import Credentials, may_be_web_page
from liq.devstack.clickhouse.bodies import RequestBody
from liq.devstack.clickhouse.errors import ClickHouseError, http_status
from liq.devstack.clickhouse.multipart import Form, boundary_of, parse
from liq.devstack.clickhouse.requests import (
    QueryRequest,
    SessionRequest,
    parse_parameters,
    parse_request,
    split_types,
)


def request(url_query: str, form: Form | None = None, *, accept_encoding: str = "") -> QueryRequest:
    headers = {"accept-encoding": accept_encoding} if accept_encoding else {}
    return parse_request("POST", parse_parameters(url_query), headers, form or Form())


def test_settings_are_what_the_interface_does_not_know() -> None:
    read = request(
        "database=d&max_threads=2&session_id=s&param_x=1&wait_end_of_query=1&query_id=q"
        "&send_progress_in_http_headers=1&enable_http_compression=1&insert_deduplicate=0"
    )
    assert read.settings == {"max_threads": "2", "insert_deduplicate": "0"}
    assert read.parameters == {"x": "1"}
    assert (read.database, read.query_id, read.buffered) == ("d", "q", True)


def test_bytes_of_the_query_survive_the_url() -> None:
    assert request("query=SELECT+%27%FF%00%27").query == b"SELECT '\xff\x00'"


def test_compression_of_answers_needs_the_setting() -> None:
    assert request("", accept_encoding="gzip").accept_encoding == ""
    compressed = request("enable_http_compression=1", accept_encoding="gzip")
    assert compressed.accept_encoding == "gzip"


def test_session() -> None:
    assert request("session_id=s&session_timeout=5&session_check=1").session == SessionRequest(
        "s", 5, must_exist=True, close_after=False
    )
    assert request("session_timeout=5").session is None


@pytest.mark.parametrize(
    ("url_query", "code"),
    [
        ("session_id=s&session_timeout=3601", 374),
        ("session_id=s&session_timeout=soon", 374),
        ("a%3D1%2Cb=2", 408),
        ("param_a%3D1%2Cb=2", 408),
        ("decompress=1", 48),
    ],
)
def test_refused_parameters(url_query: str, code: int) -> None:
    with pytest.raises(ClickHouseError) as refused:
        request(url_query)
    assert refused.value.code == code


def test_a_form_holds_query_parameters_and_external_tables() -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT {x:Int8}\r\n'
        b'--B\r\nContent-Disposition: form-data; name="param_x"\r\n\r\n7\r\n'
        b'--B\r\nContent-Disposition: form-data; name="ext"; filename="e.csv"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n1\r\n\x00\xff--B\n\r\n--B--\r\n"
    )
    form = parse(body, boundary_of("multipart/form-data; boundary=B"))
    read = request("ext_format=CSV&ext_types=UInt8,Decimal(9,+2)", form)
    assert (read.query, read.parameters, dict(read.settings)) == (
        b"SELECT {x:Int8}",
        {"x": "7"},
        {},
    )
    (table,) = read.external_tables
    assert (table.name, table.format, table.structure, table.data) == (
        "ext",
        "CSV",
        "_1 UInt8, _2 Decimal(9, 2)",
        b"1\r\n\x00\xff--B\n",
    )


@pytest.mark.parametrize(
    "body", [b"", b"--B\r\n", b"--B\r\nX: y\r\n\r\nz\r\n--B--", b"--B\r\nz\r\n--B--"]
)
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(ClickHouseError) as refused:
        parse(body, b"B")
    assert refused.value.code == 408


def test_types_are_split_outside_parentheses() -> None:
    assert split_types("UInt8, Map(String, Array(Int8)),Decimal(9,2)") == [
        "UInt8",
        "Map(String, Array(Int8))",
        "Decimal(9,2)",
    ]


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


def test_without_a_password_only_the_user_counts() -> None:
    Credentials("default", None).check({"x-clickhouse-key": "anything"}, {})
    with pytest.raises(ClickHouseError):
        Credentials("default", None).check({"x-clickhouse-user": "other"}, {})


@pytest.mark.parametrize(
    ("headers", "password", "page"),
    [
        ({"host": "127.0.0.1:8123"}, None, False),
        ({"host": "localhost:8123"}, None, False),
        ({"host": "[::1]:8123"}, None, False),
        ({"host": "rebound.example:8123"}, None, True),
        ({"host": "clickhouse.example:8123"}, "secret", False),
        ({"host": "127.0.0.1", "origin": "https://page.example"}, "secret", True),
        ({"host": "127.0.0.1", "sec-fetch-site": "cross-site"}, None, True),
        ({"host": "127.0.0.1", "sec-fetch-site": "none"}, None, False),
    ],
)
def test_web_pages_are_told_from_programs(
    headers: dict[str, str], password: str | None, *, page: bool
) -> None:
    assert may_be_web_page(headers, Credentials("default", password)) is page


def test_an_engine_message_gives_its_code_and_loses_its_wrapper() -> None:
    error = ClickHouseError.from_engine(
        "Streaming query failed: Code: 60. DB::Exception: No table. (UNKNOWN_TABLE)"
    )
    assert (error.code, http_status(error.code)) == (60, 404)
    assert error.body("26.9") == (
        b"Code: 60. DB::Exception: No table. (UNKNOWN_TABLE) (version 26.9)\n"
    )
    assert ClickHouseError.from_engine("out of luck").code == 1001
