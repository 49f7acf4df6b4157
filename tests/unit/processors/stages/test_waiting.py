"""Which partitions the market's detection waits for: told once, and not while a log is read up."""

from liq.processors.stages.waiting import WAITING_MS, WaitingSources, waiting_status

SECONDS = WAITING_MS // 1_000
CLOCK = 1_783_000_000


def test_a_partition_at_rest_is_waited_for_when_others_go_on() -> None:
    sources = WaitingSources([0, 1, 2])
    assert sources.note(2, 0, {0: CLOCK, 1: CLOCK, 2: CLOCK}) == []
    begun = []
    for second in range(1, 2 * SECONDS):
        clocks = {0: CLOCK + second, 1: CLOCK + second, 2: CLOCK}
        begun += [(second, each) for each in sources.note(second % 2, second * 1_000, clocks)]
    assert begun == [(SECONDS, 2)]
    assert sources.waiting == (2,)


def test_a_partition_that_was_never_heard_of_is_waited_for_after_as_long() -> None:
    sources = WaitingSources([0, 1])
    begun = [
        (second, each)
        for second in range(1, 2 * SECONDS)
        for each in sources.note(0, second * 1_000, {0: CLOCK + second, 1: 0})
    ]
    assert begun == [(SECONDS + 1, 1)]


def test_a_pipeline_at_rest_waits_for_nobody() -> None:
    sources = WaitingSources([0, 1])
    clocks = {0: CLOCK, 1: CLOCK}
    sources.note(0, 1_000, clocks)
    assert sources.note(0, 10_000_000, clocks) == []


def test_a_worker_that_catches_up_waits_for_nobody() -> None:
    """One partition is read hours ahead of another, and both are heard of."""
    sources = WaitingSources([0, 1])
    for second in range(1, 10):
        source = second % 2
        assert sources.note(source, second * 1_000, {0: CLOCK + second * 3_600, 1: CLOCK}) == []


def test_an_episode_ends_near_the_furthest_clock_and_the_next_one_is_told_again() -> None:
    sources = WaitingSources([0, 1])
    told = []
    at_ms = 1_000_000
    for clocks in (
        {0: CLOCK, 1: CLOCK},
        {0: CLOCK + 100, 1: CLOCK},
        {0: CLOCK + 200, 1: CLOCK},
        {0: CLOCK + 300, 1: CLOCK + 299},
        {0: CLOCK + 400, 1: CLOCK + 299},
    ):
        told.append(sources.note(0, at_ms, clocks))
        at_ms += 100_000
    assert told == [[], [1], [], [], [1]]


def test_a_clock_of_the_broker_that_steps_back_is_survived() -> None:
    sources = WaitingSources([0, 1])
    clocks = {0: CLOCK + 100, 1: CLOCK}
    sources.note(0, 50_000, clocks)
    assert sources.note(0, 10_000, clocks) == []
    assert sources.note(0, 50_000 + WAITING_MS, clocks) == [1]


def test_the_record_says_which_partition_and_since_when() -> None:
    def status(clock: int) -> tuple[str, int | None]:
        found = waiting_status(
            1, {0: CLOCK, 1: clock}, topic="t.events", exchange="all", connection="a:market"
        )
        return found.detail, found.from_ms

    detail, since_ms = status(CLOCK - 40)
    assert "partition 1 of t.events has said nothing for 40 s while others go on" in detail
    assert since_ms == (CLOCK - 40) * 1_000
    detail, since_ms = status(0)
    assert "partition 1 of t.events has never said anything" in detail
    assert since_ms is None
