"""Which assets belong to a partition, by what its log has said."""

import pytest

from liq.processors.cascades.share import Share
from liq.processors.stages.growth import owner_of

ASSETS = [f"A{number}" for number in range(40)]


def share(partition: int = 1) -> Share:
    return Share(partition, owner_of)


def own(of: Share) -> list[str]:
    return [asset for asset in ASSETS if of.counts(asset)]


def test_a_log_that_never_grew_has_every_asset() -> None:
    assert own(share()) == ASSETS


def test_nothing_counts_between_handoff_and_resumption() -> None:
    found = share()
    assert found.hand_off("g", 12)
    assert own(found) == []
    assert found.resume("g", 12)
    assert own(found) == [asset for asset in ASSETS if owner_of(asset, 12) == 1]


def test_a_partition_that_was_added_begins_with_the_resumption() -> None:
    found = share(9)
    assert found.resume("g", 12)
    assert own(found) == [asset for asset in ASSETS if owner_of(asset, 12) == 9]


def test_repeats_and_steps_of_others_change_nothing() -> None:
    found = share()
    found.hand_off("g", 12)
    assert not found.hand_off("g", 12)
    assert found.resume("g", 12)
    assert not found.resume("g", 12)
    assert not found.hand_off("g", 12)
    assert not found.hand_off("", 24)
    assert not found.hand_off("h", 12), "it does not grow"
    assert not found.resume("h", 4)
    assert found.hand_off("h", 24)
    assert found.is_moving


def test_what_a_log_has_said_is_stored_and_read_back() -> None:
    found = share()
    found.hand_off("g", 12)
    assert found.is_changed
    again = share()
    again.restore(found.to_bytes())
    assert (again.count, again.growth, again.is_moving) == (12, "g", True)
    assert not again.is_changed
    assert again.resume("g", 12)
    assert own(again) == [asset for asset in ASSETS if owner_of(asset, 12) == 1]


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b'["12","g",true]', b'[0,"g",true]', b"7"])
def test_what_nobody_of_ours_stored_is_not_known(data: bytes) -> None:
    found = share()
    found.restore(data)
    assert own(found) == ASSETS
