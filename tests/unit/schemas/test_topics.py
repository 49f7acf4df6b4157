"""What the specs say of topics: who reads them, their codec, and Kafka's settings."""

from liq.schemas.topics import Cleanup, Compression, Topics

TOPICS = Topics("t")
SPECS = {spec.name: spec for spec in TOPICS.specs(("okx", "bybit"))}


def test_the_public_topics_are_those_that_other_programs_read() -> None:
    public = {name for name, spec in SPECS.items() if spec.is_public}
    assert public == {
        "t.events", "t.large", "t.watch", "t.cascades", "t.feeds", "t.status",
    }  # fmt: skip


def test_public_topics_have_a_codec_that_every_client_reads() -> None:
    for name, spec in SPECS.items():
        wanted = Compression.GZIP if spec.is_public else Compression.LZ4
        assert (spec.compression, TOPICS.compression(name)) == (wanted, wanted)
        # Whatever the cluster's default is, brokers keep the codec of the producer.
        assert spec.configs.get("compression.type") == ("producer" if spec.is_public else None)


def test_topics_of_other_namespaces_and_unknown_ones_have_the_internal_codec() -> None:
    assert TOPICS.compression("other.events") is Compression.LZ4
    assert Topics("other").compression("other.events") is Compression.GZIP
    assert TOPICS.compression(TOPICS.probe) is Compression.LZ4


def test_the_broker_stamps_the_logs_whose_order_in_time_matters() -> None:
    stamped = {
        name
        for name, spec in SPECS.items()
        if spec.configs.get("message.timestamp.type") == "LogAppendTime"
    }
    assert stamped == {"t.raw.okx", "t.raw.bybit", "t.events", "t.pulse"}


def test_compacted_topics_close_their_segments_early_enough_to_be_compacted() -> None:
    for spec in SPECS.values():
        segments = (spec.configs.get("segment.bytes"), spec.configs.get("segment.ms"))
        is_compacted = spec.cleanup is Cleanup.COMPACT
        assert segments == (("2097152", "3600000") if is_compacted else (None, None))


def test_every_trade_of_a_venue_is_kept_for_an_hour_and_in_segments_that_close() -> None:
    [tape] = [spec for spec in TOPICS.specs(("hyperliquid", "okx")) if "trades" in spec.name]
    assert (tape.name, tape.is_public) == ("t.raw.hyperliquid-trades", False)
    assert tape.configs["retention.ms"] == "3600000"
    # With Kafka's default of seven days, a segment and its trades would stay for that long.
    assert tape.configs["segment.ms"] == "600000"
    short = [spec for spec in SPECS.values() if "segment.ms" in spec.configs]
    assert {spec.cleanup for spec in short} == {Cleanup.COMPACT}
