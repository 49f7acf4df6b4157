from liq.processors.stages.state import choose_newest


def test_an_empty_topic_has_no_epoch() -> None:
    assert choose_newest({}) == (0, {})


def test_the_newest_epoch_of_each_asset_wins() -> None:
    entries = {
        b"epoch": b"3",
        b"2|BTC": b"old",
        b"3|BTC": b"new",
        b"2|ETH": b"kept",
    }
    assert choose_newest(entries) == (3, {"BTC": b"new", "ETH": b"kept"})


def test_a_late_write_of_a_frozen_owner_is_not_read() -> None:
    # The old owner (epoch 1) woke up and wrote after the new one (epoch 2).
    entries = {b"2|BTC": b"new", b"1|BTC": b"written by the old owner"}
    assert choose_newest(entries) == (2, {"BTC": b"new"})


def test_a_deleted_snapshot_hides_older_epochs() -> None:
    assert choose_newest({b"1|BTC": b"old", b"2|BTC": None}) == (2, {})


def test_the_claim_alone_raises_the_epoch() -> None:
    assert choose_newest({b"epoch": b"7", b"5|BTC": b"x"}) == (7, {"BTC": b"x"})


def test_an_asset_name_may_hold_the_separator() -> None:
    assert choose_newest({b"1|A|B": b"x"}) == (1, {"A|B": b"x"})
