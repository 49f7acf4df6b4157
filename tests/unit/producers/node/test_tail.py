"""Following the files of a node: rotation, partial lines, restarts, archives, cursors."""

import os
from collections.abc import Iterable
from pathlib import Path

import lz4.frame
import pytest

from liq.producers.node import (
    Batch,
    NotATreeError,
    Positions,
    Tail,
    beginning,
    find_tree,
    merged,
)
from liq.producers.node import hours as hours_module
from liq.producers.node.positions import FOLLOWED_HOURS, Hour, Place, check_of
from liq.producers.node.tail import starting_positions
from tests.support.node_files import (
    START_SECONDS,
    append,
    block,
    both_fills,
    hour_file,
    liquidation_block,
    owner,
    pair,
    quiet_block,
)

NOW_MS = (START_SECONDS + 10_000) * 1_000
LIMIT = 1_048_576


class Reader:
    """A producer's way of reading; what it published and left as cursors outlives it."""

    def __init__(self, tree: Path, *, limit_bytes: int = LIMIT) -> None:
        self.tree = tree
        self.limit_bytes = limit_bytes
        self.published: list[bytes] = []
        self.cursors: list[str] = []
        self.batches: list[Batch] = []
        self.start(Positions())

    def start(self, positions: Positions) -> None:
        self.tail = Tail(self.tree, positions, self.limit_bytes)

    def restart(self) -> None:
        """Go on with what a new process finds in the log."""
        self.start(merged(self.cursors))

    def read(self, *, most: int | None = None) -> list[bytes]:
        """Read to the end, or publish so many messages and stop at once; returns what is new."""
        before = len(self.published)
        while True:
            batch = self.tail.read(NOW_MS)
            self.batches.append(batch)
            for message in batch.messages:
                if most is not None and len(self.published) - before == most:
                    return self.published[before:]
                self.published.append(message.value)
                self.cursors.append(Positions({message.hour: message.place}).encode())
            self.cursors.append(batch.positions.encode())
            if not batch.lines and not batch.damage:
                return self.published[before:]

    @property
    def damage(self) -> list[str]:
        return [sentence for batch in self.batches for sentence in batch.damage]


def lines(numbers: Iterable[int]) -> list[bytes]:
    return [liquidation_block(number) for number in numbers]


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_lines_with_liquidations_are_read_byte_for_byte(reader: Reader) -> None:
    append(hour_file(reader.tree), quiet_block(1), *lines([2, 3]), quiet_block(4))
    assert reader.read() == lines([2, 3])
    assert reader.read() == []


def test_a_partial_line_waits_for_its_end(reader: Reader) -> None:
    [line] = lines([1])
    append(hour_file(reader.tree), line[:100], end=b"")
    assert reader.read() == []
    append(hour_file(reader.tree), line[100:])
    assert reader.read() == [line]


def test_hours_are_read_in_their_order(reader: Reader) -> None:
    append(hour_file(reader.tree, 10), *lines([2]))
    append(hour_file(reader.tree, 9), *lines([1]))
    assert reader.read() == lines([1, 2])
    append(hour_file(reader.tree, 11), *lines([3]))
    assert reader.read() == lines([3])


def test_the_last_line_of_an_hour_needs_no_newline(reader: Reader) -> None:
    append(hour_file(reader.tree, 9), *lines([1]), end=b"")
    assert reader.read() == []
    append(hour_file(reader.tree, 10), *lines([2]))
    assert reader.read() == lines([1, 2])
    append(hour_file(reader.tree, 9), b"")
    assert reader.read() == []


def test_a_restart_goes_on_behind_the_last_message(reader: Reader) -> None:
    append(hour_file(reader.tree), *lines(range(10)))
    reader.read(most=4)
    reader.restart()
    assert reader.read() == lines(range(4, 10))
    reader.restart()
    assert reader.read() == []


def test_a_restart_within_a_divided_line_goes_on_with_its_next_piece(tmp_path: Path) -> None:
    line = block(1, [one for number in range(40) for one in both_fills(number)])
    append(hour_file(tmp_path), line, *lines([2]))
    whole = Reader(tmp_path, limit_bytes=4_000)
    expected = whole.read()
    assert len(expected) > 5
    for most in range(len(expected)):
        reader = Reader(tmp_path, limit_bytes=4_000)
        reader.read(most=most)
        reader.restart()
        reader.read()
        assert reader.published == expected


def test_a_node_that_starts_again_from_an_older_block_repeats_nothing(reader: Reader) -> None:
    append(hour_file(reader.tree), *lines(range(5)))
    reader.read()
    again = [liquidation_block(number, written="59") for number in range(2, 5)]
    append(hour_file(reader.tree), *again, *lines([5]))
    assert reader.read() == lines([5])
    assert sum(batch.repeated for batch in reader.batches) == 3


def test_a_line_that_a_killed_node_left_is_told_and_its_block_read_when_it_comes_again(
    reader: Reader,
) -> None:
    first, second = lines([1, 2])
    append(hour_file(reader.tree), first[:-20], end=b"")
    append(hour_file(reader.tree), first, second)
    assert reader.read() == [first[:-20], first, second]


def test_lines_that_are_written_late_into_a_former_hour_are_read(reader: Reader) -> None:
    append(hour_file(reader.tree, 9), *lines([1]))
    append(hour_file(reader.tree, 10), *lines([3]))
    reader.read()
    append(hour_file(reader.tree, 9), *lines([2]))
    reader.restart()
    assert reader.read() == lines([2])


def test_a_file_that_was_made_again_is_read_from_its_beginning(reader: Reader) -> None:
    append(hour_file(reader.tree), *lines(range(5)))
    reader.read()
    hour_file(reader.tree).write_bytes(b"")
    append(hour_file(reader.tree), *lines([7]))
    assert reader.read() == lines([7])
    append(hour_file(reader.tree), *lines(range(8, 20)))
    reader.restart()
    assert reader.read() == lines(range(8, 20))


@pytest.mark.parametrize("is_renamed", [True, False])
@pytest.mark.parametrize("is_restarted", [True, False])
@pytest.mark.parametrize(
    ("numbers", "new"),
    [
        (range(3, 12), range(6, 12)),  # longer than before, from an older block
        (range(10, 18), range(10, 18)),  # longer, without the blocks before
        (range(4, 9), range(6, 9)),  # of equal length
    ],
)
def test_a_file_that_was_replaced_is_read_from_its_beginning(
    reader: Reader, numbers: range, new: range, *, is_restarted: bool, is_renamed: bool
) -> None:
    path = hour_file(reader.tree)
    append(path, *(liquidation_block(number, seconds=number) for number in range(1, 6)))
    first = reader.read()
    if is_restarted:
        reader.restart()
    again = [liquidation_block(number, seconds=number, written="59") for number in numbers]
    other = path.with_name("copy") if is_renamed else path
    other.write_bytes(b"")
    append(other, *again)
    other.replace(path)
    os.utime(path, (START_SECONDS, START_SECONDS))  # the file system's clock may stand still
    expected = [line for number, line in zip(numbers, again, strict=True) if number in new]
    # A new process does not know the lines of the former one: their fills come again.
    found = reader.read()
    assert [line for line in found if line in expected] == expected
    assert len(found) == len(again if is_restarted else expected)
    append(path, *lines([20]))
    assert reader.read() == lines([20])
    reader.restart()
    assert reader.read() == []
    assert len(first) == 5


def test_a_file_that_was_replaced_and_an_archive_is_read_from_its_beginning(
    reader: Reader,
) -> None:
    archive = hour_file(reader.tree, suffix=".lz4")
    for numbers in (range(5), range(3, 10), range(20, 22)):
        archive.write_bytes(lz4.frame.compress(b"\n".join(lines(numbers))))
        reader.read()
        assert reader.read() == []
    assert reader.published == lines([*range(10), 20, 21])


def test_a_file_that_is_only_touched_is_not_read_again(reader: Reader) -> None:
    path = hour_file(reader.tree)
    append(path, *lines(range(3)), b"")
    reader.read()
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)
    assert reader.read() == []
    assert {batch.positions.places[Hour(20251010, 21)].version for batch in reader.batches} == {0}
    reader.restart()
    assert reader.read() == []


def test_cursors_of_an_earlier_release_are_read(reader: Reader) -> None:
    append(hour_file(reader.tree), *lines(range(4)))
    reader.read(most=2)
    without = [cursor.partition("#")[0] for cursor in reader.cursors]
    assert without != reader.cursors
    reader.start(merged(without))
    assert reader.read() == lines([2, 3])
    hour_file(reader.tree).write_bytes(b"")
    append(hour_file(reader.tree), *lines(range(2, 20)))
    assert reader.read() == lines([*range(4, 20)])


def test_a_line_that_goes_on_behind_a_cursor_is_no_other_file(reader: Reader) -> None:
    path = hour_file(reader.tree, 9)
    append(path, *lines([1]), end=b"")
    append(hour_file(reader.tree, 10), *lines([2]))
    reader.read()
    for more in (b"\n", b"\n", lines([3])[0] + b"\n"):
        append(path, more, end=b"")
        reader.read()
        reader.restart()
        assert reader.read() == []
    assert reader.published == lines([1, 2, 3])


def test_an_hour_that_is_compressed_meanwhile_is_not_read_again(reader: Reader) -> None:
    plain = hour_file(reader.tree)
    append(plain, *lines(range(3)))
    reader.read()
    append(plain, *lines([3]))
    hour_file(reader.tree, suffix=".lz4").write_bytes(lz4.frame.compress(plain.read_bytes()))
    plain.unlink()
    assert reader.read() == lines([3])
    reader.restart()
    assert reader.read() == []


def test_archives_are_read_whole(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hours_module, "CHUNK_BYTES", 3_000)
    monkeypatch.setattr(hours_module, "STEP_BYTES", 1_000)
    for hour in range(3):
        text = b"\n".join(lines(range(hour * 100, hour * 100 + 50)))
        hour_file(reader.tree, hour, ".lz4").write_bytes(lz4.frame.compress(text))
    expected = [line for hour in range(3) for line in lines(range(hour * 100, hour * 100 + 50))]
    assert reader.read(most=70) == expected[:70]
    reader.restart()
    assert reader.read() == expected[70:]


def test_an_archive_that_is_still_being_copied_is_read_as_far_as_it_goes(reader: Reader) -> None:
    archive = hour_file(reader.tree, 9, ".lz4")
    content = lz4.frame.compress(
        b"\n".join(lines(range(9_000))), block_size=lz4.frame.BLOCKSIZE_MAX64KB
    )
    archive.write_bytes(content[: len(content) // 2])
    append(hour_file(reader.tree, 10), *lines([9_000]))
    some = reader.read()
    assert some[-1:] == lines([9_000])
    assert 1_000 < len(some) < 9_000
    [damage] = reader.damage
    assert "9.lz4" in damage
    archive.write_bytes(content)
    reader.read()
    assert sorted(reader.published) == sorted(lines(range(9_001)))


def test_a_line_without_an_end_is_cut_off_and_passed_over(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hours_module, "CHUNK_BYTES", 2_000)
    monkeypatch.setattr(hours_module, "STEP_BYTES", 1_000)
    monkeypatch.setattr(hours_module, "MAX_LINE_BYTES", 4_000)
    [line] = lines([1])
    endless = line + b" " * 20_000
    append(hour_file(reader.tree), endless, *lines([2]))
    cut, good = reader.read()
    assert endless.startswith(cut)
    assert good == lines([2])[0]
    append(hour_file(reader.tree), endless)
    reader.read()
    append(hour_file(reader.tree), *lines([3]))
    assert reader.read() == lines([3])
    assert reader.batches[-1].positions.places[Hour(20251010, 21)].version == 0


def test_missing_blocks_are_told_also_over_a_restart(reader: Reader) -> None:
    append(hour_file(reader.tree), quiet_block(1))
    reader.read()
    hour_file(reader.tree).unlink()
    append(hour_file(reader.tree, 22), quiet_block(9_000, seconds=900))
    reader.restart()
    reader.read()
    [hole] = [hole for batch in reader.batches for hole in batch.holes]
    assert (hole.from_ms, hole.to_ms) == (START_SECONDS * 1_000, (START_SECONDS + 900) * 1_000)


def test_fills_by_line_are_read(reader: Reader) -> None:
    append(hour_file(reader.tree), pair(1, is_liquidation=False), pair(2), pair(3))
    assert reader.read() == [pair(2), pair(3)]


def test_positions_are_those_of_a_day_at_most(reader: Reader) -> None:
    for hour in range(24):
        append(hour_file(reader.tree, hour), *lines([hour]))
    other = reader.tree / "20251011"
    other.mkdir()
    append(other / "0", *lines([24]))
    assert reader.read() == lines(range(25))
    positions = merged(reader.cursors)
    assert len(positions.places) == FOLLOWED_HOURS
    assert positions.first == Hour(20251010, 1)
    assert len(positions.encode()) < 1_024
    reader.restart()
    assert reader.read() == []


def test_where_to_begin(tmp_path: Path) -> None:
    assert not starting_positions(tmp_path, None)
    append(hour_file(tmp_path, 9), *lines([1]))
    append(hour_file(tmp_path, 10), *lines([2]), end=b"\n")
    append(hour_file(tmp_path, 10), b"partial", end=b"")
    end = len(lines([2])[0]) + 1
    newest = Place(offset=end, check=check_of(lines([2])[0]))
    assert starting_positions(tmp_path, None).places == {Hour(20251010, 10): newest}
    oldest = starting_positions(tmp_path, None, is_oldest=True)
    assert oldest.places == {Hour(20251010, 9): Place()}
    assert starting_positions(tmp_path, Hour(20251010, 10)).places == {Hour(20251010, 10): Place()}


@pytest.mark.parametrize(
    "inside", ["", "hourly", "node_fills/hourly", "data/node_fills_by_block/hourly"]
)
def test_the_folder_of_days_is_found(tmp_path: Path, inside: str) -> None:
    (tmp_path / inside / "20251010").mkdir(parents=True)
    assert find_tree(tmp_path) == tmp_path / inside


def test_a_folder_without_days_or_with_two_forms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotATreeError, match="holds no fills"):
        find_tree(tmp_path)
    for tree in ("node_fills", "node_fills_by_block"):
        (tmp_path / tree / "hourly").mkdir(parents=True)
    with pytest.raises(NotATreeError, match="several forms"):
        find_tree(tmp_path)


def test_another_producers_place_is_the_beginning_of_its_hour(reader: Reader) -> None:
    assert not beginning([])
    append(hour_file(reader.tree, 9), *lines([1]))
    append(hour_file(reader.tree, 10), *lines([2]))
    reader.read()
    assert beginning(reader.cursors).places == {Hour(20251010, 10): Place()}


@pytest.mark.parametrize("text", ["", "x", "time=1,20251010=5", "20251010/1=5", owner(1)])
def test_a_cursor_of_another_form_says_nothing(text: str) -> None:
    assert not merged([text])
