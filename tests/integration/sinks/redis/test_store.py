"""The script in a real Redis: each event counts once, whatever comes again, fails or is lost."""

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from redis import Redis
from redis.exceptions import ConnectionError as NotConnectedError
from redis.exceptions import RedisError

from liq.runtime.errors import ConfigurationError
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, FeedStatus
from liq.schemas.vocabulary import AlertType, FeedEvent, Scope
from liq.sinks.destination import FailureKind
from liq.sinks.redis.destination import RedisDestination
from tests.support.hot_log import HotLog, HotReader
from tests.support.hot_state import HOUR_MS, fold, read, without_expiry
from tests.support.paths import DOCS
from tests.support.redis_server import RedisServer, needs_redis, running_redis
from tests.support.sample_records import STARTED_AT_MS, alert, liquidation

pytestmark = [pytest.mark.integration, needs_redis]

EVENTS = ("liquidations.events", 0), ("liquidations.events", 1)
CASCADES = ("liquidations.cascades", 0)
FEEDS = ("liquidations.feeds", 0)
HOURS = 2


def made_settings(server: RedisServer, **changes: Any) -> Settings:
    options = {
        "redis_url": server.url,
        "redis_prefix": f"t{secrets.token_hex(6)}",
        "redis_hours": HOURS,
        **changes,
    }
    return Settings(**options)


@pytest.fixture
def hot(redis_server: RedisServer) -> Settings:
    return made_settings(redis_server)


@pytest.fixture
def redis(redis_server: RedisServer) -> Redis:
    return redis_server.client()


def event(number: int, minutes: int = 0, **changes: Any) -> bytes:
    time_ms = STARTED_AT_MS + minutes * 60_000 + number
    made = replace(liquidation(number), timestamp_ms=time_ms, received_at_ms=time_ms + 40)
    return encode(replace(made, **changes))


def step(cascade: int, sequence: int, *, ends: bool = False, **changes: Any) -> bytes:
    made = replace(
        alert(cascade),
        alert_id=f"{cascade}-{sequence}",
        cascade_id=f"cascade-{cascade}",
        sequence=sequence,
        type=AlertType.ENDED if ends else AlertType.UPDATED,
        parent_id=None,
        timestamp_ms=STARTED_AT_MS + 14 * HOUR_MS + sequence,
    )
    return encode(replace(made, **changes))


def run(work: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(work())  # type: ignore[arg-type] # a coroutine function


# Of an event: its number (a repeat is the same event at another offset) and how far it lies ahead.
pieces = st.one_of(
    st.tuples(st.just("event"), st.integers(0, 14), st.integers(0, 1)),
    st.tuples(st.just("step"), st.integers(0, 3), st.booleans()),
)
deeds = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 2), st.integers(1, 9)),
    st.tuples(st.sampled_from(("restart", "lose_all", "go_back", "cut_off", "late")), st.just(0)),
)

SEVEN = [("event", number, 0) for number in (0, 1, 2, 1, 3, 4, 2)]


@settings(max_examples=30)
@given(log=st.lists(pieces, min_size=8, max_size=40), plan=st.lists(deeds, max_size=25))
@example(log=SEVEN, plan=[("deliver", 0, 3), ("lose_all", 0), ("deliver", 0, 2)])
@example(log=SEVEN, plan=[("deliver", 0, 3), ("go_back", 0), ("deliver", 0, 2), ("go_back", 0)])
@example(log=SEVEN, plan=[("late", 0), ("deliver", 0, 3), ("restart", 0), ("deliver", 0, 4)])
@example(log=SEVEN, plan=[("deliver", 0, 2), ("cut_off", 0), ("lose_all", 0), ("cut_off", 0)])
def test_the_state_is_the_fold_of_the_log_whatever_happens(
    redis_server: RedisServer, log: list[Any], plan: list[Any]
) -> None:
    made = filled(log)
    options = made_settings(redis_server)

    async def work() -> None:
        with redis_server.client() as redis:
            await follow(options, redis, made, plan)

    run(work)
    values = [value for found in made.values.values() for value, _ in found]
    with redis_server.client() as redis:
        prefix = options.redis_prefix
        clock_ms = int(redis.hget(f"{prefix}:sink", "clock_ms") or 0)
        visible_ms = (clock_ms - HOURS * HOUR_MS) // HOUR_MS * HOUR_MS
        found = read(redis, prefix, from_hour_ms=visible_ms)
        wanted = fold(values, from_hour_ms=visible_ms)
        assert +found.minutes == +wanted.minutes
        assert +found.levels == +wanted.levels
        assert found.last == wanted.last
        assert (found.newest, found.open) == (wanted.newest, wanted.open)
        assert sorted(found.stream) == sorted(set(wanted.stream))
        assert without_expiry(redis, prefix) == []
        for key in redis.scan_iter(match=f"{prefix}:*"):
            redis.delete(key)


def filled(log: list[Any]) -> HotLog:
    """Return a log of these pieces. The later events leave the hours of the first behind."""
    made = HotLog()
    for partition in (*EVENTS, CASCADES):
        made.values[partition], made.names[partition] = [], "a"
    sequences: dict[int, int] = {}
    for place, (kind, number, more) in enumerate(log):
        if kind == "event":
            made.append(EVENTS[more], event(number, minutes=12 * number), 1_800_000_000_000)
        else:
            sequence = sequences.get(number, 0)
            sequences[number] = sequence + (place % 3 > 0)  # some steps are published again
            made.append(CASCADES, step(number, sequence, ends=more and place % 3 > 0))
    return made


async def follow(options: Settings, redis: Redis, log: HotLog, plan: list[Any]) -> None:
    """Deliver the log as a plan says, with mishaps; then all that is left."""
    reader = HotReader(options, log)
    await reader.resume()
    kept = saved(redis, options.redis_prefix)
    late: list[tuple[HotReader, list[Any]]] = []
    for deed in plan:
        match deed:
            case ("deliver", place, count):
                await reader.deliver((*EVENTS, CASCADES)[place], count)
            case ("restart", _):
                await reader.destination.close()
                reader = HotReader(options, log)
                await reader.resume()
            case ("lose_all", _):
                restore(redis, options.redis_prefix, {})
            case ("go_back", _):
                restore(redis, options.redis_prefix, kept)
                kept = saved(redis, options.redis_prefix)
            case ("cut_off", _):
                await cut_off(reader)
            case ("late", _):
                # A process that lost its partitions still has a batch to store.
                other = HotReader(options, log)
                await other.resume()
                late.append((other, log.records(EVENTS[0], other.offsets[EVENTS[0]], 5)))
    for other, records in late:
        await other.store(records)
        await other.destination.close()
    await reader.drain()
    # What late processes did to a state that was lost in between shows with the next record.
    await reader.destination.close()
    reader = HotReader(options, log)
    await reader.resume()
    await reader.drain()
    await reader.destination.close()


async def cut_off(reader: HotReader) -> None:
    """Store some records, and lose Redis's answer to it: the loop calls `flush` again."""
    destination = reader.destination
    script, places = destination._script, dict(destination._stored)
    count = 0

    async def silent(**options: Any) -> Any:
        nonlocal count
        count += 1
        answer = await script(**options)
        if count == 1 and answer[0] == "stored":
            raise NotConnectedError("the answer was lost")
        return answer

    destination._script = silent  # type: ignore[assignment]
    try:
        await reader.deliver(EVENTS[0], 3)
    except NotConnectedError as error:
        failure = destination.classify(error)
        assert failure is not None
        assert failure.kind is FailureKind.RETRY
        assert destination._stored == places
        await destination.flush()
        reader.offsets[EVENTS[0]] = max(
            reader.offsets[EVENTS[0]], destination._stored[EVENTS[0]][1]
        )
    finally:
        destination._script = script


def saved(redis: Any, prefix: str) -> dict[str, tuple[bytes, int]]:
    with Redis(port=redis.connection_pool.connection_kwargs["port"]) as raw:
        client: Any = raw
        return {
            key.decode(): (client.dump(key), client.pexpiretime(key))
            for key in client.scan_iter(match=f"{prefix}:*")
        }


def restore(redis: Any, prefix: str, state: dict[str, tuple[bytes, int]]) -> None:
    """Go back to an earlier state, as a Redis does that lost its last second, or its disk."""
    with Redis(port=redis.connection_pool.connection_kwargs["port"]) as raw:
        for key in list(raw.scan_iter(match=f"{prefix}:*")):
            raw.delete(key)
        for key, (value, expires_at_ms) in state.items():
            raw.restore(key, expires_at_ms, value, absttl=True)


async def stored(options: Settings, log: HotLog) -> HotReader:
    reader = HotReader(options, log)
    await reader.resume()
    await reader.drain()
    return reader


async def test_a_log_that_was_made_again_is_counted_from_its_beginning(
    hot: Settings, redis: Redis
) -> None:
    log = HotLog()
    for number in range(5):
        log.append(EVENTS[0], event(number))
    await (await stored(hot, log)).destination.close()
    log.values[EVENTS[0]] = []
    log.names[EVENTS[0]] = "b"
    for number in range(3, 8):
        log.append(EVENTS[0], event(number))
    reader = await stored(hot, log)
    await reader.destination.close()
    assert read(redis, hot.redis_prefix).minutes == fold(map(event, range(8))).minutes


async def test_lists_and_the_stream_are_bounded_and_the_newest_stay(
    redis_server: RedisServer, redis: Redis
) -> None:
    options = made_settings(redis_server, redis_last_count=10, redis_alerts_count=7)
    log = HotLog()
    for number in range(300):
        log.append(EVENTS[0], event(number, base="BTC"))
        log.append(CASCADES, step(number, 0))
    await (await stored(options, log)).destination.close()
    prefix = options.redis_prefix
    state = read(redis, prefix)
    assert [number for number, _ in state.last] == [STARTED_AT_MS + n for n in range(290, 300)]
    assert redis.zcard(f"{prefix}:last:BTC") == 10
    assert state.stream == [f"{number}-0" for number in range(293, 300)]


async def test_memory_stops_growing_when_hours_have_passed(hot: Settings, redis: Redis) -> None:
    """Keys of an hour expire together; nothing older than the kept hours is taken in again."""
    log = HotLog()
    for hour in range(12):
        for number in range(40):
            log.append(EVENTS[0], event(100 * hour + number, minutes=60 * hour), 1_900_000_000_000)
    reader = await stored(hot, log)
    prefix = hot.redis_prefix
    hours = sorted(int(key.split(":")[2]) for key in redis.scan_iter(match=f"{prefix}:seen:*"))
    now_ms = int(redis.time()[0]) * 1000
    for hour_ms in hours:
        ends = {
            redis.pexpiretime(key)
            for kind in ("seen", "levels", "minute")
            for key in redis.scan_iter(match=f"{prefix}:{kind}:*")
            if hour_ms <= int(key.split(":")[2]) < hour_ms + HOUR_MS
        }
        assert len(ends) == 1
        assert 0 < ends.pop() - now_ms <= (2 * HOURS + 1) * HOUR_MS
    before = redis.dbsize()
    log.append(EVENTS[0], event(7, minutes=0), 1_900_000_000_000)
    await reader.drain()
    await reader.destination.close()
    assert redis.dbsize() == before
    assert "7" not in {name for _, name in read(redis, prefix).last}


async def test_hostile_names_stay_apart_and_inside_their_part_of_a_key(
    hot: Settings, redis: Redis
) -> None:
    names = [
        "A:B",
        "A%3AB",
        "A B",
        "*",
        "{x}",
        "\r\nFLUSHALL",
        "比特币",
        "\u202e",
        'a"b',
        "a\\b",
        "ä",
    ]
    log = HotLog()
    values = [event(number, base=name) for number, name in enumerate(names)]
    for value in values:
        log.append(EVENTS[0], value)
    status = FeedStatus(
        exchange="o:k*x", feed="a:b", connection="c\nd", event=FeedEvent.CONNECTED,
        timestamp_ms=STARTED_AT_MS,
    )  # fmt: skip
    log.append(FEEDS, encode(status))
    await (await stored(hot, log)).destination.close()
    state = read(redis, hot.redis_prefix)
    assert state.minutes == fold(values).minutes
    assert state.levels == fold(values).levels
    keys = set(redis.scan_iter(match=f"{hot.redis_prefix}:*"))
    assert all(character.isascii() and character.isprintable() for key in keys for character in key)
    assert not [key for key in keys if set(key) & set(" *?[]{}\\\"'")]
    assert redis.hkeys(f"{hot.redis_prefix}:venue:o%3Ak%2Ax") == ["a%3Ab:c%0Ad"]


async def test_sums_are_exact_and_do_not_overflow(hot: Settings, redis: Redis) -> None:
    """Beyond 2^53 a number of Lua would be wrong; beyond 2^63 a sum stays where it is."""
    log = HotLog()
    worth = [Decimal("9999999999.999999"), Decimal("0.000001"), Decimal("0.0000005")] * 3
    values = [
        event(number, value_usd=value, base="BTC", price_level=Decimal(1), side="LONG")
        for number, value in enumerate(worth)
    ]
    for value in values:
        log.append(EVENTS[0], value)
    reader = await stored(hot, log)
    key = f"{hot.redis_prefix}:minute:{STARTED_AT_MS // 60_000 * 60_000}"
    assert redis.hget(key, "BTC:LONG:micro_usd") == str(3 * 10**16)
    redis.hset(key, "BTC:LONG:micro_usd", str(2**63 - 10))
    log.append(EVENTS[0], event(50, value_usd=Decimal(1), base="BTC", side="LONG"))
    await reader.drain()
    await reader.destination.close()
    assert redis.hget(key, "BTC:LONG:micro_usd") == str(2**63 - 1)
    assert redis.hget(key, "BTC:LONG:count") == "10"


async def test_a_link_sets_the_parent_once_and_an_ended_cascade_stays_ended(
    hot: Settings, redis: Redis
) -> None:
    log = HotLog()
    link = step(1, 1, type=AlertType.LINKED, parent_id="market", alert_id="link")
    for value in (step(1, 0), step(1, 1), link, link, step(1, 2, ends=True), step(1, 1), link):
        log.append(CASCADES, value)
    await (await stored(hot, log)).destination.close()
    prefix = hot.redis_prefix
    found: Any = redis.hgetall(f"{prefix}:cascade:cascade-1")
    assert (found["sequence"], found["type"], found["parent_id"]) == (
        "2", "CASCADE_ENDED", "market",
    )  # fmt: skip
    assert orjson.loads(found["record"])["alert_id"] == "1-2"
    assert read(redis, prefix).stream == ["1-0", "1-1", "link", "1-2"]
    assert not redis.exists(f"{prefix}:open")


async def test_records_that_cannot_be_stored_are_refused_and_kept(
    hot: Settings, redis: Redis
) -> None:
    log = HotLog()
    bad = [
        b"{",
        event(1, value_usd=Decimal(10) ** 12),
        event(2, base="x" * 200),
        event(3, timestamp_ms=10**17),
        encode(replace(CascadeAlert(**vars_of(alert())), sequence=-1)),
    ]
    for value in bad[:-1]:
        log.append(EVENTS[0], value)
    log.append(CASCADES, bad[-1])
    log.append(EVENTS[0], event(5))
    reader = HotReader(hot, log)
    await reader.resume()
    refused = list((await reader.deliver(EVENTS[0], 100)).found)
    refused += (await reader.deliver(CASCADES, 100)).found
    for _ in range(2):
        await reader.destination.keep_refused(refused)
    await reader.destination.close()
    assert [each.reason for each in refused] == [
        "undecodable_record",
        *["beyond_the_hot_state"] * 4,
    ]
    entries: Any = redis.zrange(f"{hot.redis_prefix}:refused", 0, -1)
    assert len(entries) == 5
    assert read(redis, hot.redis_prefix).minutes == fold([event(5)]).minutes
    assert redis.pttl(f"{hot.redis_prefix}:refused") > 0


def vars_of(record: CascadeAlert) -> dict[str, Any]:
    return {name: getattr(record, name) for name in CascadeAlert.__dataclass_fields__}


async def test_the_documented_rights_are_enough(
    hot: Settings, redis_server: RedisServer, redis: Redis
) -> None:
    [rights] = re.findall(r"`~P:\* ([^`]*)`", (DOCS / "redis.md").read_text())
    words = (f"~{hot.redis_prefix}:*", *rights.split())
    client: Any = redis
    client.execute_command("ACL", "SETUSER", "liq", "reset", "on", ">geheim-5", *words)
    login = redis_server.url.replace("://", "://liq:geheim-5@")
    limited = made_settings(redis_server, redis_url=login, redis_prefix=hot.redis_prefix)
    log = HotLog()
    log.append(EVENTS[0], b"{")
    log.append(EVENTS[0], event(1))
    reader = HotReader(limited, log)
    await reader.destination.open()
    await reader.resume()
    refused = await reader.deliver(EVENTS[0], 2)
    await reader.destination.keep_refused(refused.found)
    await reader.destination.close()
    assert read(redis, hot.redis_prefix).minutes == fold([event(1)]).minutes
    foreign = HotReader(made_settings(redis_server, redis_url=login), log)
    with pytest.raises(RedisError) as caught:
        await foreign.resume()
    await foreign.destination.close()
    failure = foreign.destination.classify(caught.value)
    assert failure is not None
    assert (failure.kind, failure.label) == (FailureKind.SETUP, "no_permission")
    assert "geheim-5" not in failure.sentence


async def test_the_newest_word_of_each_connection_stays(hot: Settings, redis: Redis) -> None:
    log = HotLog()
    for number, word in enumerate((FeedEvent.CONNECTED, FeedEvent.LOST, FeedEvent.CONNECTED)):
        for connection in ("c0", "c1"):
            status = FeedStatus(
                exchange="okx", feed="orders", connection=connection, event=word,
                timestamp_ms=STARTED_AT_MS + (5 - number if connection == "c1" else number),
            )  # fmt: skip
            log.append(FEEDS, encode(status))
    await (await stored(hot, log)).destination.close()
    found: Any = redis.hgetall(f"{hot.redis_prefix}:venue:okx")
    assert {name: orjson.loads(text)["event"] for name, text in found.items()} == {
        "orders:c0": "connected", "orders:c1": "connected",
    }  # fmt: skip
    assert orjson.loads(found["orders:c1"])["timestamp_ms"] == STARTED_AT_MS + 5


async def test_a_key_that_is_not_ours_stops_the_sink_with_a_sentence_and_changes_nothing(
    hot: Settings, redis: Redis
) -> None:
    log = HotLog()
    log.append(EVENTS[0], event(1))
    redis.set(f"{hot.redis_prefix}:last", "somebody's")
    reader = HotReader(hot, log)
    await reader.resume()
    with pytest.raises(Exception, match="WRONGTYPE") as caught:
        await reader.deliver(EVENTS[0], 1)
    failure = reader.destination.classify(caught.value)
    assert failure is not None
    assert failure.kind is FailureKind.SETUP
    assert "REDIS_PREFIX" in failure.sentence
    assert list(redis.scan_iter(match=f"{hot.redis_prefix}:*")) == [f"{hot.redis_prefix}:last"]
    redis.delete(f"{hot.redis_prefix}:last")
    await reader.drain()
    await reader.destination.close()
    assert read(redis, hot.redis_prefix).minutes == fold([event(1)]).minutes


def test_the_server_must_be_able_to_hold_the_state(tmp_path: Any) -> None:
    """A login that is refused, an eviction policy, a full memory, another program's keys."""
    words = ("--requirepass", "geheim-17", "--maxmemory", "20mb")
    with running_redis(tmp_path, *words, "--maxmemory-policy", "allkeys-lru") as server:
        login = server.url.replace("://", "://:geheim-17@")

        async def opened(url: str) -> None:
            destination = RedisDestination(Settings(redis_url=SecretStr(url), redis_prefix="x"))
            try:
                await destination.open()
            except ConfigurationError:
                raise
            except Exception as error:
                failure = destination.classify(error)
                assert failure is not None
                raise ValueError(failure.kind, failure.sentence) from error
            finally:
                await destination.close()

        for url in (server.url, server.url.replace("://", "://:falsch-99@")):
            with pytest.raises(ValueError, match="REDIS_URL") as caught:
                asyncio.run(opened(url))
            assert caught.value.args[0] is FailureKind.SETUP
            assert "falsch-99" not in str(caught.value)
        with pytest.raises(ConfigurationError, match="maxmemory-policy to noeviction"):
            asyncio.run(opened(login))
        with Redis.from_url(login) as client:
            client.config_set("maxmemory-policy", "noeviction")
            asyncio.run(opened(login))
            client.hset("x:sink", "layout", "17")
            with pytest.raises(ConfigurationError, match="REDIS_PREFIX"):
                asyncio.run(opened(login))
            client.delete("x:sink")
            client.config_set("maxmemory", "1")

            async def full() -> None:
                log = HotLog()
                log.append(EVENTS[0], event(1))
                reader = HotReader(Settings(redis_url=SecretStr(login), redis_prefix="x"), log)
                await reader.resume()
                with pytest.raises(Exception, match=r"OOM|used memory") as caught:
                    await reader.deliver(EVENTS[0], 1)
                failure = reader.destination.classify(caught.value)
                assert failure is not None
                assert (failure.kind, failure.label) == (FailureKind.SETUP, "out_of_memory")
                client.config_set("maxmemory", "0")
                await reader.drain()
                await reader.destination.close()

            asyncio.run(full())
            assert client.exists("x:sink")


def test_a_market_cascade_has_an_empty_asset(hot: Settings, redis: Redis) -> None:
    async def work() -> None:
        log = HotLog()
        log.append(CASCADES, step(1, 0, scope=Scope.MARKET, asset=""))
        await (await stored(hot, log)).destination.close()

    run(work)
    entries: Any = redis.xrange(f"{hot.redis_prefix}:alerts")
    ((_, fields),) = entries
    assert fields["asset"] == ""
