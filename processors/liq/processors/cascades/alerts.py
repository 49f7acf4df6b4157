"""The records that tell of a cascade."""

from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from heapq import nsmallest

from liq.processors.cascades.cascade import Change, Decision, OpenCascade, level_of
from liq.processors.cascades.excitation import Excitation
from liq.processors.cascades.explain import explain, explain_link
from liq.processors.cascades.ring import CELL_TENTHS
from liq.processors.cascades.rules import LaneRules
from liq.processors.cascades.totals import Totals
from liq.schemas.records import CascadeAlert, CascadeAnalysis, CascadeShare, ScoreParts
from liq.schemas.units import HALF_SECOND_MS, HOUR_SECONDS, SECOND_MS
from liq.schemas.vocabulary import AlertType, Level, NoBranching, Side

ID_CHARACTERS = 32
SHARES_TOLD = 20
CENT_POWER = Decimal(-2)
LEVELS = (Level.MINOR, Level.MODERATE, Level.MAJOR, Level.EXTREME)
TYPES = {
    Change.WATCH: AlertType.WATCH,
    Change.STARTED: AlertType.DETECTED,
    Change.ESCALATED: AlertType.ESCALATED,
    Change.UPDATED: AlertType.UPDATED,
    Change.ENDED: AlertType.ENDED,
}


def digest(*parts: object) -> str:
    """An identifier made of some values."""
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:ID_CHARACTERS]


def usd(cents: int) -> Decimal:
    """Cents as dollars."""
    return Decimal(cents).scaleb(CENT_POWER)


def alert(  # noqa: PLR0913, PLR0917 - a decision, and what it is about
    rules: LaneRules,
    detector: str,
    asset: str,
    side: Side,
    decision: Decision,
    excitation: Excitation | None,
) -> CascadeAlert:
    """The record of a decision; `detector` names algorithm and configuration.

    `excitation` is the gauge of that side of the asset; the market has none. A cascade's name is
    the same whenever the same log is read with the same configuration.
    """
    cascade, moment, totals = decision.cascade, decision.moment, decision.totals
    kind = TYPES[decision.change]
    if cascade is None:
        name = digest(detector, rules.scope, asset, side, kind, decision.tick)
        sequence, onset, level = 0, decision.tick, level_of(moment.score)
    else:
        name = cascade_id(rules, detector, asset, side, cascade)
        sequence, onset, level = cascade.sequence, cascade.onset, cascade.level
        cascade.sequence += 1
        if decision.change is Change.ENDED:
            level = level_of(cascade.peak.score)
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
        timestamp_ms=(decision.tick + 1) * SECOND_MS,
        event_count=totals.count,
        total_value_usd=usd(totals.cents),
        long_ratio=round(longs / max(1, moment.cents + moment.other_cents), 4),
        exchanges=tuple(sorted(totals.groups)),
        symbols=tuple(sorted(totals.symbols)),
        risk_score=moment.score,
        score_parts=ScoreParts(*moment.parts),
        basic_risk_score=moment.basic,
        price_first=totals.first[1] if totals.first else Decimal(0),
        price_last=totals.last[1] if totals.last else Decimal(0),
        largest_event_ids=tuple(event_id for _, event_id in totals.largest),
        detector=detector,
        ended_at_ms=(
            (cascade.last_hot + 1) * SECOND_MS
            if cascade is not None and decision.change is Change.ENDED
            else None
        ),
        notify=decision.change not in (Change.UPDATED, Change.WATCH),
        level=LEVELS[level],
        analysis=_analysis(decision, totals, excitation),
    )
    return replace(made, explanation=explain(made, rules.window_seconds))


def cascade_id(
    rules: LaneRules, detector: str, asset: str, side: Side, cascade: OpenCascade
) -> str:
    """Return a cascade's id, which is a function of the log and the detector."""
    return digest(detector, rules.scope, asset, side, cascade.started)


def link(child: CascadeAlert, parent_id: str, tick: int) -> CascadeAlert:
    """Return the record that links an asset's cascade to a market cascade.

    Its numbers are those of `child`, a record of that cascade; `tick` is the second of the link.
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


def _analysis(decision: Decision, totals: Totals, excitation: Excitation | None) -> CascadeAnalysis:
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
            )
            for name, total in largest[:SHARES_TOLD]
        ),
        complete_share=round(totals.complete / max(1, totals.count), 4),
        largest_usd=usd(-totals.largest[0][0]) if totals.largest else Decimal(0),
        peak_second_usd=usd(cascade.peak_second_cents if cascade else 0),
        peak_ten_seconds_usd=usd(cascade.peak_short_cents if cascade else 0),
        peak_window_usd=usd(cascade.peak_window_cents if cascade else moment.cents),
        last_event_ms=totals.last[0] if totals.last else 0,
        late_count=cascade.late if cascade else 0,
        endogenous_share=share,
        first_generation=first_generation,
        branching_ratio=None if ratio is None else round(ratio, 4),
        no_branching=no_ratio,
        leader=leader,
        lead_ms=lead_ms,
    )


def _leader(totals: Totals) -> tuple[str | None, int | None]:
    """Who was first, and by how many milliseconds; nobody where two were, or only one is."""
    firsts = nsmallest(2, ((total.first, name) for name, total in totals.groups.items()))
    match firsts:
        case [(first, name), (second, _)] if first < second:
            return name, (second - first) * HALF_SECOND_MS
        case _:
            return None, None
