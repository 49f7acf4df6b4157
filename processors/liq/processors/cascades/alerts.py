"""The alert records of cascades, and the ids in them."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from heapq import nsmallest

from liq.processors.cascades.cascade import Change, Decision, Moment, OpenCascade, level_of
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.explain import explain, explain_link
from liq.processors.cascades.forward import Pace, continue_probability, expected_more_cents
from liq.processors.cascades.prices import Quote, Span, followed
from liq.processors.cascades.ring import CELL_TENTHS, SHORT_SECONDS
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.sampling import estimate
from liq.processors.cascades.totals import Totals
from liq.schemas.records import (
    CascadeAlert,
    CascadeAnalysis,
    CascadeEstimate,
    CascadeEvents,
    CascadePrice,
    CascadeShare,
    ScoreParts,
)
from liq.schemas.units import HALF_SECOND_MS, HOUR_SECONDS, SECOND_MS
from liq.schemas.vocabulary import AlertType, Level, NoBranching, PriceKind, Scope, Side

ID_CHARACTERS = 32
SHARES_TOLD = 20
CENT_POWER = Decimal(-2)
BASIS_POINTS = 10_000
LEVELS = (Level.MINOR, Level.MODERATE, Level.MAJOR, Level.EXTREME)
TYPES = {
    Change.WATCH: AlertType.WATCH,
    Change.STARTED: AlertType.DETECTED,
    Change.ESCALATED: AlertType.ESCALATED,
    Change.UPDATED: AlertType.UPDATED,
    Change.ENDED: AlertType.ENDED,
}


def digest(*parts: object) -> str:
    """Return an id: the first 32 hex digits of the SHA-256 of the values."""
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:ID_CHARACTERS]


def usd(cents: int) -> Decimal:
    """Convert cents to dollars."""
    return Decimal(cents).scaleb(CENT_POWER)


def alert(  # noqa: PLR0913, PLR0917 - a decision, and what it is about
    rules: LaneRules,
    detector: str,
    asset: str,
    side: Side,
    decision: Decision,
    excitation: Excitation | None,
    blind: tuple[str, ...] = (),
) -> CascadeAlert:
    """Return the record of a decision, and increment the sequence number of its cascade.

    `detector` identifies algorithm and configuration. `excitation` is the gauge of that side of the
    asset, None for the market. `blind` are the venues that were blind at the tick. Reading the same
    log with the same configuration yields the same cascade id.
    """
    cascade, moment, totals = decision.cascade, decision.moment, decision.totals
    kind = TYPES[decision.change]
    if cascade is None:
        name = digest(detector, rules.scope, asset, side, kind, decision.tick)
        sequence, onset = 0, decision.tick
    else:
        name = cascade_id(rules, detector, asset, side, cascade)
        sequence, onset = cascade.sequence, cascade.onset
        cascade.sequence += 1
    ended_at_ms = (
        (cascade.last_hot + 1) * SECOND_MS
        if cascade is not None and decision.change is Change.ENDED
        else None
    )
    decided_at_ms = (decision.tick + 1) * SECOND_MS
    price = _price(followed(totals.prices))
    probability, expected = _ahead(rules, decision)
    longs = moment.cents if side is Side.LONG else moment.other_cents
    made = CascadeAlert(
        alert_id=digest(name, sequence),
        cascade_id=name,
        sequence=sequence,
        type=kind,
        scope=rules.scope,
        asset=asset,
        side=side,
        started_at_ms=onset * SECOND_MS,
        timestamp_ms=decided_at_ms,
        event_count=totals.count,
        total_value_usd=usd(totals.cents),
        long_ratio=round(longs / max(1, moment.cents + moment.other_cents), 4),
        exchanges=tuple(sorted(totals.groups)),
        symbols=tuple(sorted(totals.symbols)),
        risk_score=moment.score,
        score_parts=ScoreParts(*moment.parts),
        basic_risk_score=moment.basic,
        price_first=price.first if price else _any_price(totals, min),
        price_last=price.now if price else _any_price(totals, max),
        largest_event_ids=tuple(event_id for _, event_id in totals.largest),
        detector=detector,
        ended_at_ms=ended_at_ms,
        notify=decision.change not in (Change.UPDATED, Change.WATCH),
        level=LEVELS[level_of(moment.score)],
        analysis=_analysis(rules, decision, totals, excitation),
        price=price,
        usd_per_second=usd(moment.short_cents // SHORT_SECONDS),
        estimate=_estimate(rules, totals, onset * SECOND_MS),
        blind=blind,
        events=CascadeEvents(
            asset=asset,
            side=side,
            from_ms=_first_ms(rules, decision, onset),
            to_ms=ended_at_ms or decided_at_ms,
            received_before_ms=decided_at_ms,
        ),
        end_reason=decision.end_reason,
        continue_probability=probability,
        expected_more_usd=expected,
    )
    return replace(made, explanation=explain(made, rules.window_seconds))


def _ahead(rules: LaneRules, decision: Decision) -> tuple[float | None, Decimal | None]:
    """Return the probability of going on and the dollars expected within 60 s; None for an end."""
    if decision.change is Change.ENDED:
        return None, None
    moment = decision.moment
    pace = Pace(moment.short_cents, moment.cents, moment.surprise.quick_nats, moment.short_weight)
    probability = continue_probability(rules.scope, pace, decision.totals.cents)
    return probability, usd(expected_more_cents(rules.scope, pace))


def cascade_id(
    rules: LaneRules, detector: str, asset: str, side: Side, cascade: OpenCascade
) -> str:
    """Return a cascade's id: a function of the log and the detector alone."""
    return digest(detector, rules.scope, asset, side, cascade.started)


def link(child: CascadeAlert, parent_id: str, tick: int) -> CascadeAlert:
    """Return the record that links an asset's cascade to a market cascade.

    The link repeats the numbers of `child`, a record of the asset's cascade. `tick` is the second
    of the link.
    """
    return replace(
        child,
        alert_id=digest(child.cascade_id, AlertType.LINKED, parent_id),
        type=AlertType.LINKED,
        timestamp_ms=(tick + 1) * SECOND_MS,
        notify=False,
        parent_id=parent_id,
        explanation=explain_link(child, parent_id),
    )


def _first_ms(rules: LaneRules, decision: Decision, onset: int) -> int:
    """Return the start of the counted events (UTC, ms): the onset, or a watch's window."""
    first = onset if decision.cascade is not None else decision.tick - rules.window_seconds + 1
    return first * SECOND_MS


def _price(span: Span | None) -> CascadePrice | None:
    if span is None:
        return None
    (series, first_ms, first), (_, now_ms, now) = span.first, span.last
    _, exchange, symbol, kind = series
    return CascadePrice(
        kind=PriceKind(kind),
        exchange=exchange,
        symbol=symbol,
        first=first,
        first_ms=first_ms,
        now=now,
        now_ms=now_ms,
        move_bps=round(float(now / first - 1) * BASIS_POINTS, 2),
    )


def _any_price(totals: Totals, which: Callable[[Iterable[Quote]], Quote]) -> Decimal:
    """Return the first or last price of any series, for totals that no one series represents."""
    quotes = [quote for span in totals.prices.values() for quote in (span.first, span.last)]
    return which(quotes)[2] if quotes else Decimal(0)


def _estimate(rules: LaneRules, totals: Totals, onset_ms: int) -> CascadeEstimate | None:
    """Estimate the dollars of an asset's cascade; None for the market: beats have no venue sums."""
    if rules.scope is Scope.MARKET:
        return None
    found = estimate(totals.groups, totals.cents, onset_ms)
    if found is None:
        return None
    return CascadeEstimate(
        value_usd=usd(found.cents),
        low_usd=usd(found.low_cents),
        high_usd=usd(found.high_cents),
        not_estimated=found.not_estimated,
    )


def _analysis(
    rules: LaneRules, decision: Decision, totals: Totals, excitation: Excitation | None
) -> CascadeAnalysis:
    moment, cascade = decision.moment, decision.cascade
    largest = sorted(totals.groups.items(), key=lambda item: (-item[1].cents, item[0]))
    share, first_generation = None, None
    if cascade is not None and cascade.generations:
        share = round(1 - cascade.first_generation / cascade.generations, 4)
        first_generation = round(cascade.first_generation, 2)
    ratio: float | None = None
    no_ratio: NoBranching | None = NoBranching.MARKET_WIDE
    if excitation is not None:
        ratio, no_ratio = excitation.ratio, excitation.no_ratio
    leader, lead_ms = _leader(totals)
    return CascadeAnalysis(
        surprise=round(moment.surprise.nats, 2),
        surprise_window_seconds=moment.surprise.window_seconds,
        normal_per_hour=round(moment.rate * HOUR_SECONDS, 2),
        times_normal=round(moment.short_weight / CELL_TENTHS / moment.surprise.expected_short, 1),
        cell_count=totals.cells,
        shares=tuple(
            CascadeShare(
                name=name,
                first_ms=total.first * HALF_SECOND_MS,
                cell_count=total.cells,
                value_usd=usd(total.cents),
                usd_share=round(total.cents / max(1, totals.cents), 4),
            )
            for name, total in largest[:SHARES_TOLD]
        ),
        complete_share=round(totals.complete / max(1, totals.count), 4),
        largest_usd=usd(-totals.largest[0][0]) if totals.largest else Decimal(0),
        peak_second_usd=usd(cascade.peak_second_cents if cascade else 0),
        peak_ten_seconds_usd=usd(cascade.peak_short_cents if cascade else 0),
        peak_window_usd=usd(cascade.peak_window_cents if cascade else moment.cents),
        last_event_ms=totals.latest_ms,
        late_count=cascade.late if cascade else 0,
        endogenous_share=share,
        first_generation=first_generation,
        branching_ratio=None if ratio is None else round(ratio, 4),
        no_branching=no_ratio,
        leader=leader,
        lead_ms=lead_ms,
        usd_times_normal=_usd_times_normal(rules, moment),
    )


def _usd_times_normal(rules: LaneRules, moment: Moment) -> float:
    normal = max(rules.least_hourly_cents, moment.hourly_cents) * SHORT_SECONDS / HOUR_SECONDS
    return round(moment.short_cents / normal, 1)


def _leader(totals: Totals) -> tuple[str | None, int | None]:
    """Return the group that was first and its lead in ms; None for a tie or a single group."""
    firsts = nsmallest(2, ((total.first, name) for name, total in totals.groups.items()))
    match firsts:
        case [(first, name), (second, _)] if first < second:
            return name, (second - first) * HALF_SECOND_MS
        case _:
            return None, None
