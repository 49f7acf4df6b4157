import pytest

from liq.sinks.clickhouse.outside_reads import outside_reads

FUNCTIONS = ("file", "url", "s3", "numbers", "view", "format", "executable", "brandNew")


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("SELECT 1", []),
        ("SELECT * FROM file('x')", ["file"]),
        ("SELECT * FROM FILE ('x'), url\n(\n'y')", ["FILE", "url"]),
        ('SELECT * FROM "url"(1)', ["url"]),
        ("SELECT * FROM `url` /* a */ -- b\n # c\n (1)", ["url"]),
        ("SELECT * FROM brandNew(1)", ["brandNew"]),
        ("SELECT * FROM view(SELECT * FROM s3('x'))", ["s3"]),
        ("SELECT 'it\\'s', url('x')", ["url"]),
        ("SELECT 'it''s', url('x')", ["url"]),
        ("SELECT $a$ ' $a$, url('x')", ["url"]),
        ("SELECT 'url(1)', \"url\", `file` FROM numbers(3) -- url(1)", []),
        ("SELECT $$ url(1) $$, format('{}', file) /* s3(1) */", []),
        ("SELECT url FROM t WHERE (url = 1)", []),
        ("SELECT * FROM cascade_events(cascade_id = 'file(1)')", []),
    ],
)
def test_functions_that_read_outside_are_found_however_they_are_written(
    question: str, found: list[str]
) -> None:
    assert outside_reads(question, FUNCTIONS) == found
