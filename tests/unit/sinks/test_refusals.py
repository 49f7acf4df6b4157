"""How many records may be refused, and that repeated storing counts each of them once."""

import pytest

from liq.runtime.errors import ConfigurationError
from liq.schemas.headers import Headers
from liq.sinks.refusals import Refusal, Refusals


class Record:
    topic = "liquidations.events"
    partition = 0
    timestamp = 0
    value = b"x"
    headers: Headers = ()

    def __init__(self, offset: int) -> None:
        self.offset = offset


def refusals(count: int) -> list[Refusal]:
    return [Refusal(Record(offset), "why", f"number {offset}") for offset in range(count)]


def test_a_record_that_is_refused_at_every_repetition_counts_once() -> None:
    found = Refusals(batch_count=200, max_share=0.5)
    for _ in range(5):
        found.add(refusals(60))
    assert [refusal.record.offset for refusal in found.found] == list(range(60))


@pytest.mark.parametrize(("batch_count", "refused"), [(99, 99), (200, 100), (1000, 500)])
def test_few_or_a_small_share_of_refused_records_are_no_reason_to_stop(
    batch_count: int, refused: int
) -> None:
    found = Refusals(batch_count, max_share=0.5)
    found.add(refusals(refused))
    assert len(found.found) == refused


@pytest.mark.parametrize(("batch_count", "refused"), [(100, 100), (200, 101), (1000, 501)])
def test_a_large_share_stops_the_sink_with_the_first_reason(batch_count: int, refused: int) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"^{refused} of {batch_count} .* the first: number 0\. Nothing"
    ):
        Refusals(batch_count, max_share=0.5).add(refusals(refused))
