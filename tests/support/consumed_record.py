"""A record as a sink's consumer returns it, for tests that insert without Kafka."""

from dataclasses import dataclass

from liq.schemas.headers import Headers


@dataclass(frozen=True)
class Record:
    """The fields of a record that the sink uses."""

    value: bytes
    offset: int
    topic: str = "events"
    partition: int = 0
    timestamp: int = 1_783_500_000_000
    headers: Headers = ()
