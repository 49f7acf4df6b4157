"""Running sums are what one gets by adding up again, whatever came when."""

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from liq.processors.cascades.prices import NO_SERIES
from liq.processors.cascades.ring import Ring, weight_of

MIDDLE = 60
REFERENCE_BITS = 20
VENUES = ("a", "b", "c")
ANY_PRICE = Decimal(1)

steps = st.lists(
    st.tuples(
        st.integers(0, 40),  # seconds that pass
        st.integers(0, MIDDLE - 1),  # age of the liquidation
        st.sampled_from(VENUES),
        st.integers(0, 1),
        st.integers(1, 10**9),
    ),
    max_size=80,
)


def weight(cents: int) -> int:
    doublings = cents.bit_length() - REFERENCE_BITS
    return 10 + 4 * doublings if doublings >= 0 else max(2, 10 + 2 * doublings)


def cells_of(
    held: list[tuple[int, str, int, int]], now: int, width: int
) -> dict[tuple[int, str, int], int]:
    found: dict[tuple[int, str, int], int] = {}
    for second, name, half, value in held:
        if now - width < second <= now:
            found[second, name, half] = found.get((second, name, half), 0) + value
    return found


@given(steps)
def test_sums_are_those_of_the_liquidations_in_the_windows(
    taken: list[tuple[int, int, str, int, int]],
) -> None:
    ring = Ring(MIDDLE, REFERENCE_BITS)
    now = 1_000
    held: list[tuple[int, str, int, int]] = []
    for passed, age, venue, part, cents in taken:
        now += passed
        ring.advance(now)
        quote = NO_SERIES, now, ANY_PRICE
        ring.add(now - age, (venue, "X", part), cents, quote, (-cents, ""), complete=0)
        held.append((now - age, venue, part, cents))

        middle = cells_of(held, now, MIDDLE)
        for width, tenths in (
            (10, weight_of(ring.short_buckets)),
            (MIDDLE, weight_of(ring.middle_buckets)),
            (300, weight_of(ring.buckets)),
        ):
            assert tenths == sum(map(weight, cells_of(held, now, width).values()))
        assert ring.middle_cents == sum(middle.values())
        assert ring.groups() == Counter(venue for _, venue, _ in middle)
        assert ring.short_groups() == len({key[1] for key in cells_of(held, now, 10)})
        seconds: dict[int, int] = {}
        for (second, _, _), value in middle.items():
            seconds[second] = seconds.get(second, 0) + value
        assert ring.busiest_short_cents() == max(
            (
                sum(value for second, value in seconds.items() if end - 10 < second <= end)
                for end in seconds
            ),
            default=0,
        )
        fresh = Ring(MIDDLE, REFERENCE_BITS)
        fresh.restore(ring.now, list(ring.buckets))
        assert (fresh.middle_cents, fresh.middle_count) == (ring.middle_cents, ring.middle_count)
        assert fresh.middle_buckets == ring.middle_buckets
        assert len(ring.buckets) <= 300
