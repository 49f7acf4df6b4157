"""The sending of one receiver's messages: one at a time, in order, each until it is settled.

A courier records each settled message in the ledger before it sends the next one. So after a kill
at most one message has an unknown result, and that message is sent again under the same id.
"""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import Final

from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import (
    NOTIFY_ATTEMPTS,
    NOTIFY_DELIVERY,
    NOTIFY_DISABLED,
    NOTIFY_FAILING,
    NOTIFY_FOLDED,
    NOTIFY_MESSAGES,
    NOTIFY_WAITING,
)
from liq.runtime.retry import Backoff, BackoffPolicy
from liq.schemas.codec import encode
from liq.schemas.records import Undelivered
from liq.schemas.units import SECOND_MS
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.http_client import Answer, Verdict
from liq.sinks.notify.ledger import Ledger
from liq.sinks.notify.ledger_records import (
    Outcome,
    ReceiverState,
    Settled,
    encode_settled,
    encode_state,
    withdraw_receiver,
)
from liq.sinks.notify.messages import Message
from liq.sinks.notify.notices import ReceiverReport
from liq.sinks.notify.outbox import Lane, Waiting
from liq.sinks.notify.senders import Sender

BACKOFF: Final = BackoffPolicy(first_seconds=0.5, longest_seconds=60.0)
#: Waits are split into pieces, so that bounds are checked while a receiver is unavailable.
LONGEST_SLEEP_SECONDS: Final = 1.0
LEASE_POLL_SECONDS: Final = 0.05
#: A message is given up after this number of responses that reject it as invalid.
MAX_REFUSALS: Final = 3
#: A stop waits at most this long for the attempt in progress.
STOP_SECONDS: Final = 5.0
log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The reason for giving up a message: a label and a sentence."""

    reason: str
    detail: str


class Courier:
    """One receiver's sender, with its lane, its state and its readiness condition."""

    def __init__(
        self,
        lane: Lane,
        sender: Sender,
        ledger: Ledger,
        health: Health,
        *,
        dead_letter_topic: str,
    ) -> None:
        self._lane = lane
        self._receiver = lane.receiver
        self._name = lane.receiver.name
        self._sender = sender
        self._ledger = ledger
        self._health = health
        self._dead_letter_topic = dead_letter_topic
        self._state: ReceiverState | None = None
        self._changed = asyncio.Event()
        self._is_stopping = False
        self._show()

    def restore(self, state: ReceiverState) -> None:
        """Continue with the state of an earlier process, unless the receiver has changed."""
        if state.definition == self._receiver.definition:
            self._state = state
            self._show()

    def enable(self, at_ms: int) -> None:
        """Enable the receiver if it was disabled by a time (UTC, ms)."""
        disabled_at_ms = None if self._state is None else self._state.disabled_at_ms
        if disabled_at_ms is not None and disabled_at_ms <= at_ms:
            log.info("receiver_enabled", receiver=self._name)
            self._state = None
            self._show()
            self.wake()

    @property
    def report(self) -> ReceiverReport | None:
        """The report that this receiver is disabled; None while it is enabled."""
        state = self._state
        if state is None or state.disabled_at_ms is None:
            return None
        return ReceiverReport(
            name=self._name,
            disabled_at_ms=state.disabled_at_ms,
            failing_since_ms=state.failing_since_ms,
            reason=state.reason,
        )

    def wake(self) -> None:
        """Wake the courier after a change of its lane."""
        self._changed.set()

    def stop(self) -> None:
        """Finish the attempt in progress, and end."""
        self._is_stopping = True
        self.wake()

    async def run(self) -> None:
        """Send until `stop`."""
        while not self._is_stopping:
            NOTIFY_WAITING.labels(self._name).set(len(self._lane))
            waiting = self._lane.first
            if waiting is None:
                await self._wait_for_change(None)
            else:
                await self._handle(waiting)

    async def _handle(self, waiting: Waiting) -> None:
        """Deliver a message or give it up, and record the outcome in the ledger."""
        message = self._lane.compose(waiting)
        given_up = await self._deliver(waiting, message)
        if given_up is not None:
            if self._is_stopping:
                return
            await self._keep_undelivered(waiting, message, given_up)
        outcome = Outcome.SENT if given_up is None else Outcome.GIVEN_UP
        settled = Settled(
            receiver=self._name, message_id=waiting.id, at_ms=now_ms(), outcome=outcome
        )
        await self._ledger.append([encode_settled(settled)])
        self._lane.settle(waiting.id)
        NOTIFY_MESSAGES.labels(self._name, outcome).inc()
        NOTIFY_FOLDED.labels(self._name).inc(len(waiting.folded))

    async def _deliver(self, waiting: Waiting, message: Message) -> GivenUp | None:
        """Make attempts until the receiver accepts the message; otherwise return the reason."""
        backoff: Backoff | None = None
        refusals = 0
        while True:
            given_up = self._bound_met(waiting)
            if given_up is not None:
                return given_up
            if not await self._may_send():
                return GivenUp("stopped", "the worker stops")
            answer = await self._sender.send(message)
            NOTIFY_ATTEMPTS.labels(self._name, answer.label).inc()
            if answer.verdict is Verdict.DELIVERED:
                await self._recover()
                NOTIFY_DELIVERY.labels(self._name).observe(
                    max(0, now_ms() - waiting.entry.published_ms) / SECOND_MS
                )
                return None
            refusals += answer.verdict is Verdict.REFUSED
            if refusals >= MAX_REFUSALS:
                return GivenUp(answer.label, answer.sentence)
            backoff = backoff or Backoff(BACKOFF)
            seconds = max(backoff.next_seconds(), min(answer.wait_seconds, BACKOFF.longest_seconds))
            await self._fail(answer, attempts=backoff.attempts, retry_in_seconds=seconds)
            await self._pause(waiting, seconds)

    def _bound_met(self, waiting: Waiting) -> GivenUp | None:
        """Return the reason to give up a message now; None without a reason."""
        if self._is_stopping:
            return GivenUp("stopped", "the worker stops")
        if self._state is not None and self._state.disabled_at_ms is not None:
            return GivenUp("receiver_disabled", self._state.reason)
        reason = "" if self._state is None else self._state.reason
        if len(self._lane) > self._receiver.max_waiting:
            return GivenUp("too_many_waiting", f"over {self._receiver.max_waiting} wait; {reason}")
        age_ms = now_ms() - waiting.due_ms
        if age_ms > self._receiver.give_up_seconds * SECOND_MS:
            return GivenUp("too_old", f"{age_ms // SECOND_MS} s after it was due; {reason}")
        return None

    async def _may_send(self) -> bool:
        """Wait for a recent read of the ledger; return False when the worker stops."""
        while not self._ledger.is_fresh:
            if self._is_stopping:
                return False
            await asyncio.sleep(LEASE_POLL_SECONDS)
        return not self._is_stopping

    async def _fail(self, answer: Answer, *, attempts: int, retry_in_seconds: float) -> None:
        """Record a failed attempt, and disable a receiver that failed for too long or is gone."""
        log.warning(
            "message_not_delivered",
            receiver=self._name,
            reason=answer.label,
            detail=answer.sentence,
            attempt=attempts,
            retry_in_seconds=round(retry_in_seconds, 2),
        )
        before = self._state
        state = before or ReceiverState(
            name=self._name,
            definition=self._receiver.definition,
            failing_since_ms=now_ms(),
            disabled_at_ms=None,
            reason=answer.sentence,
        )
        state = replace(state, reason=answer.sentence)
        failed_ms = now_ms() - state.failing_since_ms
        is_over = failed_ms >= self._receiver.disable_seconds * SECOND_MS
        if answer.verdict is Verdict.GONE or is_over:
            state = replace(state, disabled_at_ms=now_ms())
            log.error(
                "receiver_disabled",
                receiver=self._name,
                reason=answer.label,
                detail=answer.sentence,
                failing_seconds=failed_ms // SECOND_MS,
            )
        self._state = state
        self._show()
        if before is None or state.disabled_at_ms is not None:
            await self._ledger.append([encode_state(state)])

    async def _recover(self) -> None:
        """Clear the receiver's failure after a success."""
        if self._state is not None:
            log.info("receiver_recovered", receiver=self._name)
            self._state = None
            self._show()
            await self._ledger.append([withdraw_receiver(self._name)])

    async def _pause(self, waiting: Waiting, seconds: float) -> None:
        """Wait before the next attempt; return early if the message must be given up."""
        ends_at = time.monotonic() + seconds
        while (left := ends_at - time.monotonic()) > 0 and self._bound_met(waiting) is None:
            NOTIFY_WAITING.labels(self._name).set(len(self._lane))
            await self._wait_for_change(min(left, LONGEST_SLEEP_SECONDS))

    async def _wait_for_change(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()

    async def _keep_undelivered(
        self, waiting: Waiting, message: Message, given_up: GivenUp
    ) -> None:
        log.error(
            "message_given_up",
            receiver=self._name,
            message=waiting.id,
            reason=given_up.reason,
            detail=given_up.detail,
        )
        record = Undelivered(
            receiver=self._name,
            message_id=waiting.id,
            reason=given_up.reason,
            detail=given_up.detail,
            timestamp_ms=now_ms(),
            payload=message.body,
        )
        await self._ledger.send(self._dead_letter_topic, self._name.encode(), encode(record))

    def _show(self) -> None:
        """Set the readiness condition and the metrics."""
        state = self._state
        is_disabled = state is not None and state.disabled_at_ms is not None
        NOTIFY_DISABLED.labels(self._name).set(is_disabled)
        NOTIFY_FAILING.labels(self._name).set(state is not None)
        reason = "takes messages"
        if state is not None:
            reason = f"fails: {state.reason}"
        if is_disabled:
            reason = f"disabled, `liq notify enable {self._name}` after mending it; {reason}"
        self._health.set(f"receiver-{self._name}", holds=state is None, reason=reason)
