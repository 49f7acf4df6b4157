"""The expected hot state in Redis, as a plain fold of the log, and a reader of the actual one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import unquote

import orjson
from redis import Redis

from liq.schemas.codec import DecodeError, decode
from liq.schemas.records import CascadeAlert, Liquidation
from liq.schemas.vocabulary import AlertType

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000


@dataclass
class HotState:
    """The sums by (minute, asset, side) and by (hour, asset, level, side), lists and cascades."""

    minutes: Counter[tuple[int, str, str, str]] = field(default_factory=Counter)
    levels: Counter[tuple[int, str, Decimal, str, str]] = field(default_factory=Counter)
    last: list[tuple[int, str]] = field(default_factory=list)
    newest: dict[str, tuple[int, str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    stream: list[str] = field(default_factory=list)


def fold(values: Iterable[bytes], *, from_hour_ms: int = 0) -> HotState:
    """Fold the values of `events` and `cascades`, each id once, from the hour `from_hour_ms` on."""
    state = HotState()
    seen: set[str] = set()
    for value in values:
        try:
            if b'"event_id"' in value:
                event = decode(Liquidation, value)
                hour_ms = event.timestamp_ms // HOUR_MS * HOUR_MS
                if event.event_id not in seen and hour_ms >= from_hour_ms:
                    seen.add(event.event_id)
                    _count(state, event, hour_ms)
            else:
                _follow(state, decode(CascadeAlert, value))
        except DecodeError:
            continue
    state.last.sort()
    return state


def _count(state: HotState, event: Liquidation, hour_ms: int) -> None:
    micro_usd = int((event.value_usd * 1_000_000).to_integral_value())
    minute_ms = event.timestamp_ms // MINUTE_MS * MINUTE_MS
    for name, by in (("count", 1), ("micro_usd", micro_usd)):
        state.minutes[minute_ms, event.base, str(event.side), name] += by
        state.levels[hour_ms, event.base, event.price_level, str(event.side), name] += by
    state.last.append((event.timestamp_ms, event.event_id))


def _follow(state: HotState, alert: CascadeAlert) -> None:
    sequence, _ = state.newest.get(alert.cascade_id, (-1, ""))
    if alert.type is AlertType.LINKED or alert.sequence <= sequence:
        return
    state.newest[alert.cascade_id] = (alert.sequence, str(alert.type))
    state.stream.append(alert.alert_id)
    if alert.type is AlertType.ENDED:
        state.open.discard(alert.cascade_id)
    else:
        state.open.add(alert.cascade_id)


def read(redis: Redis, prefix: str, *, from_hour_ms: int = 0) -> HotState:
    """Read the hot state like other programs, by the key layout of docs/redis.md."""
    client: Any = redis
    state = HotState()
    for key in client.scan_iter(match=f"{prefix}:*", count=1000):
        kind, *rest = key.split(":")[1:]
        if kind in {"minute", "levels"}:
            if int(rest[0]) >= from_hour_ms:
                _read_sums(state, kind, rest, client.hgetall(key))
        elif kind == "cascade":
            found = client.hgetall(key)
            if "sequence" in found:
                state.newest[unquote(rest[0])] = (int(found["sequence"]), found["type"])
    for text in client.zrange(f"{prefix}:last", 0, -1):
        document = orjson.loads(text)
        if document["timestamp_ms"] >= from_hour_ms:
            state.last.append((document["timestamp_ms"], document["event_id"]))
    state.last.sort()
    state.open = set(client.zrange(f"{prefix}:open", 0, -1))
    state.stream = [entry["alert_id"] for _, entry in client.xrange(f"{prefix}:alerts")]
    return state


def _read_sums(state: HotState, kind: str, rest: list[str], sums: dict[str, str]) -> None:
    for name, by in sums.items():
        first, side, unit = name.split(":")
        start_ms = int(rest[0])
        if kind == "minute":
            state.minutes[start_ms, unquote(first), side, unit] += int(by)
        else:
            state.levels[start_ms, unquote(rest[1]), Decimal(first), side, unit] += int(by)


def without_expiry(redis: Redis, prefix: str) -> list[str]:
    """Return the keys without an expiry; the sink must not write any."""
    client: Any = redis
    return [key for key in client.scan_iter(match=f"{prefix}:*") if client.pttl(key) < 0]
