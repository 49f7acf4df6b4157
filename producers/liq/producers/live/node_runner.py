"""The files of a Hyperliquid node as a feed: each line with liquidations is published once.

The cursor is stored in Kafka. Frames and heartbeats have one key, so they are in one partition, in
the order in which they were sent: the partition has every frame up to a cursor. A producer that was
killed continues behind its last frame.

A node that writes nothing for a minute counts as lost. Blocks that it never wrote are a gap.
"""

import asyncio
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from liq.producers.feeds.frames import MAX_FRAME_BYTES
from liq.producers.feeds.node import NODE_FEED, SILENT_SECONDS
from liq.producers.live.clock import now_ms
from liq.producers.live.context import ConnectionContext
from liq.producers.live.coverage import newest_cursors
from liq.producers.live.liveness import ConnectionActivity
from liq.producers.node import (
    Batch,
    DamagedHourError,
    Message,
    NotATreeError,
    Positions,
    Tail,
    beginning,
    find_tree,
    hour_of,
    merged,
    starting_positions,
)
from liq.runtime.errors import ConfigurationError
from liq.runtime.logs import get_logger
from liq.runtime.metrics import ERRORS, FEED_CONNECTED, NODE_BEHIND, NODE_LINES
from liq.runtime.settings import Settings
from liq.schemas.headers import HEARTBEAT_KEY, FrameHeaders
from liq.schemas.units import SECOND_MS
from liq.schemas.vocabulary import FeedEvent

POLL_SECONDS: Final = 0.2
OLDEST: Final = "oldest"
NEWEST: Final = "newest"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The folder of days that a node writes, and where to begin in it.

    `start` applies if Kafka has no cursor: `newest` (the end of the newest file), `oldest` (the
    first file), or the hour of a file.
    """

    tree: Path
    start: str = NEWEST
    positions: Positions = field(default_factory=Positions)


def node_files(folder: str, start: str) -> NodeFiles:
    """Return the node's files in a folder.

    Raises:
        ConfigurationError: the folder has no fills of a node, or `start` is wrong.
    """
    try:
        if start not in {OLDEST, NEWEST}:
            hour_of(start)
        return NodeFiles(find_tree(Path(folder)), start)
    except NotATreeError as error:
        raise ConfigurationError(f"--node: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"--node: {folder} cannot be read ({error}).") from error
    except ValueError as error:
        raise ConfigurationError(f"--node-from: {error}; nor oldest or newest.") from error


async def resumed(settings: Settings, node: NodeFiles) -> NodeFiles:
    """Return the files with the positions of this producer's cursor, or else those of `start`.

    A producer with a new name (WORKER_SLOT), or beside another producer, begins with the hour of
    the other's cursor. Frames of that hour are then sent twice, with the same event ids.

    Raises:
        ConfigurationError: Kafka refuses the login, or the files cannot be read.
        DependencyError: Kafka does not answer.
    """
    cursors = await newest_cursors(settings, NODE_FEED.exchange, settings.worker_slot)
    positions = merged(cursors.own)
    if not positions and node.start == NEWEST:
        positions = beginning(cursors.others)
    if not positions:
        hour = None if node.start in {OLDEST, NEWEST} else hour_of(node.start)
        try:
            positions = await asyncio.to_thread(
                starting_positions, node.tree, hour, is_oldest=node.start == OLDEST
            )
        except (OSError, DamagedHourError) as error:
            raise ConfigurationError(f"--node: {node.tree} cannot be read ({error}).") from error
    return replace(node, positions=positions)


class NodeRunner:
    """Runner that publishes a node's fills until cancelled."""

    def __init__(self, node: NodeFiles, context: ConnectionContext) -> None:
        self.feed = NODE_FEED
        self._tree = node.tree
        self._done = node.positions.copy()
        self._context = context
        self._clock = context.session.clock
        self._connection = f"{context.slot}:{self.feed.label}:{secrets.token_hex(4)}"
        self._sequence = 0
        self._part = ConnectionActivity((str(node.tree),), self._connection)
        self._activity = context.session.activity.feeds[self.feed.label]
        self._activity.parts.append(self._part)
        self._is_connected = False
        self._is_lost = False
        self._last_lines = self._clock.monotonic()
        self._last_lines_ms = now_ms(self._clock)

    @property
    def cursor(self) -> str:
        """The positions behind the published lines, as header text; empty before the first."""
        return self._done.encode() if self._done else ""

    def renew(self, part: ConnectionActivity | None = None) -> None:
        """Do nothing: every read opens the files again."""

    async def run(self) -> None:
        """Follow the files; report a failure to read, and retry with a back-off."""
        failures = 0
        tail = self._new_tail()
        while True:
            try:
                batch = await asyncio.to_thread(tail.read, now_ms(self._clock))
                await self._take(batch)
                failures = 0
            except OSError as error:
                failures += 1
                await self._note_lost(f"the files cannot be read: {error}")
            except Exception:
                # A fault of one feed must not stop another.
                failures += 1
                ERRORS.labels("feed").inc()
                log.exception("feed_failed", feed=self.feed.label)
                await self._note_lost("the producer failed inside; see its log")
                tail = self._new_tail()
            else:
                if not batch.lines:
                    await asyncio.sleep(POLL_SECONDS)
            if failures:
                backoff = self._context.session.timing.backoff
                await asyncio.sleep(backoff.wait_seconds(failures, self._context.random_source))

    def _new_tail(self) -> Tail:
        return Tail(self._tree, self._done, MAX_FRAME_BYTES)

    async def _take(self, batch: Batch) -> None:
        """Publish the messages of a batch; report damage, holes and silence."""
        now = self._clock.monotonic()
        if batch.lines or not (self._is_connected or self._is_lost):
            await self._note_connected()
        for damage in batch.damage:
            ERRORS.labels("node_file").inc()
            detail = f"{damage}; its rest is read when the file changes"
            await self._context.reporter.tell(
                self.feed, self._connection, FeedEvent.REFUSED, detail
            )
        for message in batch.messages:
            await self._publish(message)
        self._done = batch.positions
        for hole in batch.holes:
            await self._context.reporter.gap(
                self.feed, self._connection, hole.from_ms, "blocks the node never wrote", hole.to_ms
            )
        NODE_LINES.labels("read").inc(batch.lines)
        NODE_LINES.labels("repeated").inc(batch.repeated)
        if batch.lines:
            self._last_lines, self._last_lines_ms = now, now_ms(self._clock)
            activity = self._context.session.activity
            activity.note_data(self.feed.label, now, self._part)
        elif now - self._last_lines >= SILENT_SECONDS:
            await self._note_lost(f"the node has written nothing for {SILENT_SECONDS:.0f} s")
        if self._done.time_ms:
            behind_ms = now_ms(self._clock) - self._done.time_ms
            NODE_BEHIND.set(max(0.0, behind_ms / SECOND_MS))

    async def _publish(self, message: Message) -> None:
        received_at_ns = self._clock.now_ns()
        place = Positions({message.hour: message.place}, self._done.time_ms)
        headers = FrameHeaders(
            self.feed.exchange,
            self.feed.name,
            received_at_ns,
            self._connection,
            self._sequence,
            self._context.session.rates.header((), received_at_ns),
            cursor=place.encode(),
        )
        await self._context.session.publisher.frame(HEARTBEAT_KEY, message.value, headers)
        self._sequence += 1
        self._done.update({message.hour: message.place})
        NODE_LINES.labels("with_liquidations").inc()

    async def _note_connected(self) -> None:
        if self._is_connected:
            return
        self._set_connected(connected=True)
        detail = f"{self._tree} from {self._done.encode() if self._done else 'its first file'}"
        await self._context.reporter.tell(self.feed, self._connection, FeedEvent.CONNECTED, detail)
        self._is_lost = False

    async def _note_lost(self, detail: str) -> None:
        if self._is_lost:
            return
        self._is_lost = True
        self._set_connected(connected=False)
        await self._context.reporter.tell(
            self.feed, self._connection, FeedEvent.LOST, detail, self._last_lines_ms
        )

    def _set_connected(self, *, connected: bool) -> None:
        if connected is self._is_connected:
            return
        self._is_connected = connected
        now = self._clock.monotonic()
        self._activity.set_connected(self._part, connected=connected, now=now)
        FEED_CONNECTED.labels(self.feed.exchange, self.feed.name).set(int(connected))
