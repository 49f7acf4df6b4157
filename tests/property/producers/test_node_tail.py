"""Whatever a node and its reader go through, every liquidation is published, and once."""

import tempfile
from pathlib import Path

import lz4.frame
from hypothesis import given, settings
from hypothesis import strategies as st

from liq.producers.node import Positions, Tail, merged
from tests.support.node_files import (
    START_SECONDS,
    append,
    hour_file,
    liquidation_block,
    quiet_block,
)

NOW_MS = (START_SECONDS + 10_000) * 1_000
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 4)),
        st.tuples(st.just("quiet"), st.integers(1, 3)),
        st.tuples(st.just("torn"), st.integers(1, 300)),
        st.tuples(st.just("rotate"), st.just(0)),
        st.tuples(st.just("compress"), st.just(0)),
        st.tuples(st.just("replace"), st.integers(1, 3)),
        st.tuples(st.just("read"), st.integers(0, 3)),
        st.tuples(st.just("kill"), st.integers(0, 3)),
    ),
    max_size=40,
)


class Node:
    """Writes blocks; killed within a line, it begins with that block again."""

    def __init__(self, tree: Path) -> None:
        self.tree, self.hour, self.number = tree, 0, 0
        self.expected: list[bytes] = []

    def write(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.expected.append(liquidation_block(self.number))
            append(hour_file(self.tree, self.hour), self.expected[-1])

    def quiet(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            append(hour_file(self.tree, self.hour), quiet_block(self.number))

    def torn(self, length: int) -> None:
        line = liquidation_block(self.number + 1)
        append(hour_file(self.tree, self.hour), line[:length], end=b"")
        self.write(1)

    def rotate(self, _: int) -> None:
        self.hour += 1

    def replace(self, count: int) -> None:
        plain = hour_file(self.tree, self.hour)
        if plain.exists():
            content = plain.read_bytes()
            copy = plain.with_name("copy")
            append(copy, *(quiet_block(9_000 + number) for number in range(count)))
            append(copy, content, end=b"")
            copy.replace(plain)

    def compress(self, _: int) -> None:
        plain = hour_file(self.tree, self.hour)
        if plain.exists():
            archive = hour_file(self.tree, self.hour, ".lz4")
            archive.write_bytes(lz4.frame.compress(plain.read_bytes()))
            plain.unlink()
        self.hour += 1


class Producer:
    """Publishes; killed after some messages, it goes on with the cursors in its log."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.published: list[bytes] = []
        self.cursors: list[str] = []
        self.tail = Tail(tree, Positions(), 1_048_576)

    def read(self, batches: int) -> None:
        for _ in range(batches):
            self._publish(None)

    def kill(self, most: int) -> None:
        self._publish(most)
        self.tail = Tail(self.tree, merged(self.cursors), 1_048_576)

    def _publish(self, most: int | None) -> None:
        batch = self.tail.read(NOW_MS)
        for message in batch.messages[:most]:
            self.published.append(message.value)
            self.cursors.append(Positions({message.hour: message.place}).encode())
        if most is None or most >= len(batch.messages):
            self.cursors.append(batch.positions.encode())


@settings(deadline=None, max_examples=60)
@given(OPERATIONS)
def test_every_liquidation_is_published_once(operations: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        node, producer = Node(Path(folder)), Producer(Path(folder))
        for name, count in operations:
            getattr(producer if name in {"read", "kill"} else node, name)(count)
        producer.read(len(operations) + 60)
        whole = set(node.expected)
        # What a killed node left of a line is published, too: it is to be rejected.
        published = [line for line in producer.published if line in whole]
        if any(name == "replace" for name, _ in operations):
            # A killed producer does not know the lines that it published before.
            published = list(dict.fromkeys(published))
        assert published == node.expected
        assert all(
            line.startswith(b'{"local_time"') and not line.endswith(b"}")
            for line in producer.published
            if line not in whole
        )
