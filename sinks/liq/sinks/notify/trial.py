"""A test message to one receiver."""

from decimal import Decimal
from secrets import token_hex

from liq.schemas.codec import encode
from liq.schemas.records import CascadeAlert, ScoreParts
from liq.schemas.vocabulary import AlertType, Level, Scope, Side
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.http_client import Verdict
from liq.sinks.notify.messages import Message, compose
from liq.sinks.notify.notices import Kind, read_notice
from liq.sinks.notify.rules import Receiver
from liq.sinks.notify.senders import new_sender

ASSET = "TEST"


def trial_message(at_ms: int, name: str) -> Message:
    """Return the message of a fictitious cascade of the asset TEST."""
    alert = CascadeAlert(
        alert_id=f"test-{name}",
        cascade_id=f"test-{name}",
        sequence=0,
        type=AlertType.DETECTED,
        scope=Scope.ASSET,
        asset=ASSET,
        side=Side.LONG,
        started_at_ms=at_ms - 30_000,
        timestamp_ms=at_ms,
        event_count=42,
        total_value_usd=Decimal(1_234_567),
        long_ratio=0.97,
        exchanges=("test",),
        symbols=("TESTUSDT",),
        risk_score=50.0,
        score_parts=ScoreParts(speed=0.5, volume=0.5, imbalance=0.97, concentration=0.5),
        basic_risk_score=50.0,
        price_first=Decimal(100),
        price_last=Decimal(98),
        largest_event_ids=(),
        detector="test",
        level=Level.MODERATE,
        explanation="A test of notifications; no cascade.",
    )
    template = "A test of notifications, no cascade:\n{sentence}"
    return compose(read_notice(Kind.ALERT, encode(alert)), rule="test", template=template)


async def attempt(receiver: Receiver) -> tuple[bool, str]:
    """Send one test message; return whether it was delivered, and a sentence."""
    sender = new_sender(receiver)
    try:
        answer = await sender.send(trial_message(now_ms(), token_hex(8)))
    finally:
        await sender.close()
    return answer.verdict is Verdict.DELIVERED, f"{answer.sentence} ({answer.label})"
