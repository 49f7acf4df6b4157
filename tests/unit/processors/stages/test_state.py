from collections.abc import Mapping

import pytest

from liq.processors.stages.state import MAX_EPOCH, RestoredState, sort_entries


def newest(entries: Mapping[bytes, bytes | None]) -> tuple[int, dict[str, bytes]]:
    stored = sort_entries(entries.items())
    return stored.epoch, {name: versions[0] for name, versions in stored.versions.items()}


def test_an_empty_topic_has_no_epoch() -> None:
    assert newest({}) == (0, {})


def test_the_newest_epoch_of_each_asset_wins() -> None:
    entries: dict[bytes, bytes | None] = {
        b"epoch": b"3",
        b"2|BTC": b"old",
        b"10|BTC": b"new",
        b"2|ETH": b"kept",
    }
    assert newest(entries) == (10, {"BTC": b"new", "ETH": b"kept"})
    assert sort_entries(entries.items()).versions["BTC"] == (b"new", b"old")


def test_a_late_write_of_a_frozen_owner_is_not_read() -> None:
    # The old owner (epoch 1) woke up and wrote after the new one (epoch 2).
    assert newest({b"2|BTC": b"new", b"1|BTC": b"of the old owner"}) == (2, {"BTC": b"new"})


def test_a_deleted_snapshot_hides_older_epochs() -> None:
    assert newest({b"1|BTC": b"old", b"2|BTC": None}) == (2, {})
    entries = {b"1|BTC": b"old", b"2|BTC": None, b"3|BTC": b"new"}
    assert sort_entries(entries.items()).versions == {"BTC": (b"new",)}


def test_the_claim_alone_raises_the_epoch() -> None:
    assert newest({b"epoch": b"7", b"5|BTC": b"x"}) == (7, {"BTC": b"x"})


def test_an_asset_name_may_hold_the_separator() -> None:
    assert newest({b"1|A|B": b"x"}) == (1, {"A|B": b"x"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"x"),
        (b"", b"x"),
        (b"BTC", b"x"),
        (b"|BTC", b"x"),
        (b"one|BTC", b"x"),
        (b"-1|BTC", b"x"),
        (b"01|BTC", b"x"),
        (b" 1|BTC", b"x"),
        ("\u0663|BTC".encode(), b"x"),
        (b"%d|BTC" % 10**30, b"x"),
        (b"%d|BTC" % (MAX_EPOCH + 1), b"x"),
        (b"9" * 5_000 + b"|BTC", b"x"),
        (b"9|\xff\xfe", b"x"),
        (b"epoch", b"x"),
        (b"epoch", None),
        (b"epoch", b"1" * 5_000),
    ],
)
def test_a_foreign_key_is_counted_and_changes_nothing(key: bytes | None, value: bytes) -> None:
    stored = sort_entries([(b"2|BTC", b"ours"), (key, value)])
    assert stored.foreign == 1
    assert (stored.epoch, stored.versions) == (2, {"BTC": (b"ours",)})


def test_an_older_snapshot_serves_where_the_newest_is_unreadable() -> None:
    versions = {"BTC": (b"bad", b"good"), "ETH": (b"good",), "SOL": (b"bad", b"bad")}
    state = RestoredState(0, 3, versions)
    tried: list[str] = []

    def restore(snapshots: Mapping[str, bytes]) -> dict[str, str]:
        tried.extend(snapshots)
        return {name: "broken" for name, data in snapshots.items() if data == b"bad"}

    state.restore(restore)
    assert state.snapshots == {"BTC": b"good", "ETH": b"good"}
    assert state.lost == {"SOL": "broken"}
    assert tried == ["BTC", "ETH", "SOL", "BTC", "SOL"]


def test_the_share_of_the_newest_owner_counts() -> None:
    entries: dict[bytes | None, bytes | None] = {
        b"epoch": b"3",
        b"share|2": b"old",
        b"share|3": b"new",
        b"share|4": b"of nobody who has claimed",
        b"share|x": b"foreign",
        b"3|BTC": b"x",
    }
    stored = sort_entries(entries.items())
    assert (stored.epoch, stored.share, stored.foreign) == (3, b"new", 0)
    assert sort_entries({b"share|1": None, b"epoch": b"1"}.items()).share == b""


def test_snapshots_that_were_passed_on_are_no_state_yet() -> None:
    entries: dict[bytes | None, bytes | None] = {b"1|BTC": b"x", b"moved|g|ETH": b"y"}
    stored = sort_entries(entries.items())
    assert (stored.versions, stored.foreign) == ({"BTC": (b"x",)}, 0)
