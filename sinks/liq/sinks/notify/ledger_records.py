"""Records of the ledger: selected notices, settled messages, claims, states of receivers.

Keys: `notice/ID`, `told/RECEIVER/ID`, `receiver/NAME`, `enable/NAME` and `claim`. A record without
a value withdraws the previous one. Any writer to the topic may write anything, so readers ignore
undecodable records.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from liq.schemas.codec import DecodeError
from liq.sinks.notify.notices import Kind, read_notice
from liq.sinks.notify.outbox import Entry

VERSION: Final = 1
CLAIM_KEY: Final = b"claim"
MAX_ERROR_CHARACTERS: Final = 300
Encoded = tuple[bytes, bytes | None]


class Outcome(StrEnum):
    """The outcome of a settled message."""

    SENT = "sent"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Claim:
    """A process's claim to lead; the process with the highest epoch leads."""

    epoch: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A message to a receiver that was delivered or given up, at a time (UTC, ms)."""

    receiver: str
    message_id: str
    at_ms: int
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverState:
    """The state of a failing receiver; times are UTC in ms.

    `disabled_at_ms` is None while the receiver is enabled. `definition` is a digest of the
    receiver's address and keys; the state is void if they change.
    """

    name: str
    definition: str
    failing_since_ms: int
    disabled_at_ms: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Recovered:
    """A receiver that accepts messages again."""

    name: str


@dataclass(frozen=True, slots=True)
class Enabled:
    """An operator's order to enable a receiver that was disabled by this time (UTC, ms)."""

    name: str
    at_ms: int


LedgerRecord = Claim | Entry | Settled | ReceiverState | Recovered | Enabled


def encode_claim(claim: Claim) -> Encoded:
    """Return a claim as key and value."""
    return CLAIM_KEY, orjson.dumps({"v": VERSION, "epoch": claim.epoch, "worker": claim.worker})


def encode_entry(entry: Entry) -> Encoded:
    """Return an entry as key and value."""
    document = {
        "v": VERSION,
        "kind": entry.notice.kind,
        "arrived_ms": entry.arrived_ms,
        "published_ms": entry.published_ms,
        "selected": dict(entry.selected),
        "document": entry.notice.document.decode("utf-8", errors="strict"),
    }
    return _notice_key(entry.notice.id), orjson.dumps(document)


def encode_settled(settled: Settled) -> Encoded:
    """Return a settled message as key and value."""
    document = {"v": VERSION, "at_ms": settled.at_ms, "outcome": settled.outcome}
    return _told_key(settled.receiver, settled.message_id), orjson.dumps(document)


def encode_state(state: ReceiverState) -> Encoded:
    """Return a receiver's state as key and value."""
    document = {
        "v": VERSION,
        "definition": state.definition,
        "failing_since_ms": state.failing_since_ms,
        "disabled_at_ms": state.disabled_at_ms,
        "reason": state.reason[:MAX_ERROR_CHARACTERS],
    }
    return b"receiver/" + state.name.encode(), orjson.dumps(document)


def encode_enabled(enabled: Enabled) -> Encoded:
    """Return the enabling of a receiver as key and value."""
    document = {"v": VERSION, "at_ms": enabled.at_ms}
    return b"enable/" + enabled.name.encode(), orjson.dumps(document)


def withdraw_receiver(name: str) -> Encoded:
    """Return the withdrawal of a receiver's state."""
    return b"receiver/" + name.encode(), None


def withdraw_notice(notice_id: str, receivers: list[str]) -> list[Encoded]:
    """Return the withdrawals of a notice and of its settled messages."""
    return [
        (_notice_key(notice_id), None),
        *((_told_key(receiver, notice_id), None) for receiver in receivers),
    ]


def decode_record(key: bytes | None, value: bytes | None) -> LedgerRecord | None:
    """Parse a record of the ledger; return None for a withdrawal and an undecodable record."""
    try:
        kind, _, rest = (key or b"").decode("ascii").partition("/")
        if value is None:
            return Recovered(rest) if kind == "receiver" else None
        read = _READERS.get(kind)
        return None if read is None else read(rest, orjson.loads(value))
    except (DecodeError, KeyError, TypeError, ValueError):
        return None


def _claim(_rest: str, document: dict[str, Any]) -> Claim:
    return Claim(_integer(document["epoch"]), str(document["worker"]))


def _entry(_rest: str, document: dict[str, Any]) -> Entry:
    selected = {str(name): str(rule) for name, rule in dict(document["selected"]).items()}
    return Entry(
        notice=read_notice(Kind(document["kind"]), str(document["document"]).encode()),
        arrived_ms=_integer(document["arrived_ms"]),
        published_ms=_integer(document["published_ms"]),
        selected=selected,
    )


def _settled(rest: str, document: dict[str, Any]) -> Settled:
    receiver, _, message_id = rest.partition("/")
    return Settled(
        receiver=receiver,
        message_id=message_id,
        at_ms=_integer(document["at_ms"]),
        outcome=Outcome(document["outcome"]),
    )


def _state(name: str, document: dict[str, Any]) -> ReceiverState:
    disabled_at_ms = document["disabled_at_ms"]
    return ReceiverState(
        name=name,
        definition=str(document["definition"]),
        failing_since_ms=_integer(document["failing_since_ms"]),
        disabled_at_ms=None if disabled_at_ms is None else _integer(disabled_at_ms),
        reason=str(document["reason"]),
    )


def _enabled(name: str, document: dict[str, Any]) -> Enabled:
    return Enabled(name, _integer(document["at_ms"]))


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise TypeError("expected an integer")
    return value


def _notice_key(notice_id: str) -> bytes:
    return b"notice/" + notice_id.encode()


def _told_key(receiver: str, message_id: str) -> bytes:
    return b"told/" + f"{receiver}/{message_id}".encode()


_READERS: Final[Mapping[str, Callable[[str, Any], LedgerRecord]]] = {
    "claim": _claim,
    "notice": _entry,
    "told": _settled,
    "receiver": _state,
    "enable": _enabled,
}


def apply_to_states(states: dict[str, ReceiverState], record: LedgerRecord) -> None:
    """Apply a record to the states of receivers, by name."""
    if isinstance(record, ReceiverState):
        states[record.name] = record
    elif isinstance(record, Recovered):
        states.pop(record.name, None)
    elif isinstance(record, Enabled):
        state = states.get(record.name)
        if state is not None and (state.disabled_at_ms or 0) <= record.at_ms:
            del states[record.name]
