"""The office: the leader selects notices, stores them in the ledger and runs the couriers.

A standby process has an office, too, which only waits. A process claims the lead when the consumer
group assigns partitions to it, and loses the lead when another process claims it in the ledger.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final

from aiokafka.errors import KafkaError

from liq.runtime.health import Health
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS
from liq.runtime.retry import Backoff, BackoffPolicy
from liq.runtime.settings import Settings
from liq.schemas.codec import encode
from liq.schemas.records import Undelivered
from liq.schemas.units import SECOND_MS
from liq.sinks.notify.clock import now_ms
from liq.sinks.notify.courier import STOP_SECONDS, Courier
from liq.sinks.notify.desk import Desk, Found
from liq.sinks.notify.ledger import REFRESH_SECONDS, Ledger
from liq.sinks.notify.ledger_records import (
    Enabled,
    LedgerRecord,
    ReceiverState,
    Settled,
    apply_to_states,
    encode_entry,
    withdraw_notice,
)
from liq.sinks.notify.notices import Notice
from liq.sinks.notify.outbox import Entry
from liq.sinks.notify.rules import Receiver, Rules
from liq.sinks.notify.senders import Sender, new_sender

CONDITION: Final = "ledger"
#: The key of refused records without a receiver.
NOBODY: Final = b"-"
FORGET_SECONDS: Final = 60
#: After this number of consecutive failed reads, the ledger is read from its beginning again.
MAX_FAILURES: Final = 5
#: Longer than Kafka takes to remove a member and assign its partitions to another member.
RECLAIM_SECONDS: Final = 45.0
BACKOFF: Final = BackoffPolicy(first_seconds=0.25, longest_seconds=10.0)
log = get_logger(__name__)


class Office:
    """The ledger, desk and couriers of one process."""

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        health: Health,
        make_sender: Callable[[Receiver], Sender] = new_sender,
    ) -> None:
        self._settings, self._rules, self._health = settings, rules, health
        self._make_sender = make_sender
        self._ledger = Ledger(settings, settings.worker_slot)
        self._lock = asyncio.Lock()
        self._assigned = asyncio.Event()
        self._assigned_anew = asyncio.Event()
        self._leads = asyncio.Event()
        self._waiting_changed = asyncio.Event()
        self._ended = asyncio.Event()
        self._error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        # The newest time of arrival, which never decreases, and that of entries being appended.
        self._newest_ms = 0
        self._taking_ms: int | None = None
        self._forgot_ms = 0
        self._failures = 0
        self._couriers: dict[str, Courier] = {}
        self._sending: list[asyncio.Task[None]] = []
        self._desk = Desk(rules)
        health.require(CONDITION, "not connected yet")

    async def open(self) -> None:
        """Connect to the ledger, and start the office's task.

        Raises:
            KafkaError: the brokers do not answer.
        """
        await self._ledger.open()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="notify-office")

    def assign(self, *, has_partitions: bool) -> None:
        """Record whether the consumer group has assigned partitions to this process."""
        if has_partitions:
            self._assigned.set()
            self._assigned_anew.set()
        else:
            self._assigned.clear()

    async def close(self) -> None:
        """Finish the attempts in progress within a time limit, and disconnect."""
        for courier in self._couriers.values():
            courier.stop()
        if self._sending:
            await asyncio.wait(self._sending, timeout=STOP_SECONDS)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._ledger.close()

    async def wait_for_end(self) -> None:
        """Wait until an unexpected error ends the office, and raise it."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    async def keep_undelivered(self, record: Undelivered) -> None:
        """Send a record to the topic of undelivered messages."""
        topic = self._settings.topics.undelivered
        await self._ledger.send(topic, record.receiver.encode() or NOBODY, encode(record))

    async def take(self, found: Sequence[Found]) -> None:
        """Process records of the topics; return when the ledger has the selected notices."""
        await self._leads.wait()
        if self._error is not None:
            raise self._error
        async with self._lock:
            arrived_ms = self._now_ms()
            notices = [pair for each in found for pair in self._desk.notices_of(each, arrived_ms)]
            await self._enter(notices, arrived_ms)

    async def _run(self) -> None:
        backoff = Backoff(BACKOFF)
        try:
            while True:
                await self._assigned.wait()
                try:
                    await self._lead()
                    backoff.reset()
                except KafkaError as error:
                    self._note_failure(error)
                    await asyncio.sleep(backoff.next_seconds())
                else:
                    await self._stand_by()
        except Exception as error:
            # The error also ends `take`, which waits for the lead, and the worker.
            self._error = error
            self._leads.set()
            self._ended.set()
            raise

    async def _stand_by(self) -> None:
        """Wait for a new assignment after another process has claimed the lead.

        A process that was frozen may believe for some seconds that it still has partitions. Without
        a new assignment within `RECLAIM_SECONDS`, the process that claimed the lead is gone.
        """
        self._health.set(CONDITION, holds=True, reason="stands by")
        log.info("notify_stands_by")
        with suppress(TimeoutError):
            async with asyncio.timeout(RECLAIM_SECONDS if self._assigned.is_set() else None):
                await self._assigned_anew.wait()

    async def _lead(self) -> None:
        """Lead until the partitions are revoked or another process claims the lead."""
        records = await self._ledger.take_lead()
        self._failures = 0
        async with self._lock:
            self._restore(records)
        advancing = asyncio.create_task(self._advance(), name="notify-advance")
        tasks = {*self._sending, advancing}
        self._leads.set()
        self._health.set(CONDITION, holds=True, reason="leads")
        try:
            while self._assigned.is_set() and self._ledger.is_leading:
                done, _ = await asyncio.wait(
                    tasks, timeout=REFRESH_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
                tasks -= done
                await self._follow()
                if self._ledger.is_leading:
                    self._assigned_anew.clear()
        finally:
            self._leads.clear()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._couriers, self._sending = {}, []

    def _restore(self, records: Iterable[LedgerRecord]) -> None:
        """Rebuild the state from the ledger's records, and start the couriers."""
        self._desk = Desk(self._rules)
        states: dict[str, ReceiverState] = {}
        for record in records:
            if isinstance(record, Entry):
                self._newest_ms = max(self._newest_ms, record.arrived_ms)
                self._desk.restore(record)
            elif isinstance(record, Settled):
                self._desk.outbox.settle(record.receiver, record.message_id, record.at_ms)
            else:
                apply_to_states(states, record)
        self._desk.outbox.advance(self._now_ms())
        topic = self._settings.topics.undelivered
        for name, lane in self._desk.outbox.lanes.items():
            sender = self._make_sender(lane.receiver)
            courier = Courier(lane, sender, self._ledger, self._health, dead_letter_topic=topic)
            if name in states:
                courier.restore(states[name])
            self._couriers[name] = courier
            self._sending.append(asyncio.create_task(_work(courier, sender), name=f"send-{name}"))

    async def _follow(self) -> None:
        """Apply new records of the ledger, and process what is due by time."""
        try:
            records = await self._ledger.refresh()
        except KafkaError as error:
            self._desk.listen_again()
            self._failures += 1
            if self._failures >= MAX_FAILURES:
                # A recreated ledger must be read from its beginning, with a new claim.
                raise
            self._note_failure(error)
            return
        self._failures = 0
        self._health.set(CONDITION, holds=True, reason="leads")
        for record in records:
            if isinstance(record, Entry):
                self._desk.outbox.add(record)
            elif isinstance(record, Settled):
                self._desk.outbox.settle(record.receiver, record.message_id, record.at_ms)
            elif isinstance(record, Enabled) and record.name in self._couriers:
                self._couriers[record.name].enable(record.at_ms)
        async with self._lock:
            now = self._now_ms()
            reports = (each.report for each in self._couriers.values())
            due = self._desk.notices_due(filter(None, reports), now)
            await self._enter([(notice, now) for notice in due], now)
            await self._forget(now)

    async def _enter(self, notices: Iterable[tuple[Notice, int]], arrived_ms: int) -> None:
        """Add the selected notices to the ledger, then to the outbox. Requires the lock."""
        entries = self._desk.select(notices, arrived_ms)
        if not entries:
            return
        self._taking_ms = arrived_ms
        await self._ledger.append([encode_entry(entry) for entry in entries])
        self._desk.add(entries)
        self._taking_ms = None
        self._wake()

    async def _advance(self) -> None:
        """Release messages when their folding delay ends."""
        while True:
            due_ms = self._desk.outbox.due_ms
            wait_seconds = None if due_ms is None else max(0, due_ms - now_ms()) / SECOND_MS
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_seconds):
                    await self._waiting_changed.wait()
            self._waiting_changed.clear()
            now = now_ms()
            # Entries that are still being appended arrived before this moment.
            self._desk.outbox.advance(now if self._taking_ms is None else min(now, self._taking_ms))
            for courier in self._couriers.values():
                courier.wake()

    async def _forget(self, now: int) -> None:
        """Withdraw old entries from the ledger, to keep it small."""
        if now - self._forgot_ms < FORGET_SECONDS * SECOND_MS:
            return
        self._forgot_ms = now
        receivers = list(self._rules.receivers)
        forgotten = self._desk.outbox.forget(now)
        if withdrawn := [each for name in forgotten for each in withdraw_notice(name, receivers)]:
            await self._ledger.append(withdrawn)

    def _wake(self) -> None:
        self._waiting_changed.set()
        for courier in self._couriers.values():
            courier.wake()

    def _now_ms(self) -> int:
        self._newest_ms = max(self._newest_ms, now_ms())
        return self._newest_ms

    def _note_failure(self, error: KafkaError) -> None:
        ERRORS.labels("ledger").inc()
        self._health.set(CONDITION, holds=False, reason=f"the ledger cannot be read: {error!r}")
        log.warning("ledger_unreadable", error=repr(error))


async def _work(courier: Courier, sender: Sender) -> None:
    """Run a courier, and close its sender afterwards."""
    try:
        await courier.run()
    finally:
        await sender.close()
