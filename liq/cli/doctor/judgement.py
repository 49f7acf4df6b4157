"""The verdict on a feed, as pure functions of its counts."""

from typing import Final

from liq.cli.doctor.findings import Finding, Level, summary
from liq.cli.doctor.observations import FeedSeen
from liq.schemas.vocabulary import RejectReason

# One reconnect within a minute is usual; more are a finding.
MAX_ENDS: Final = 2
SLOW_ANSWER_SECONDS: Final = 5.0
MOST_OF: Final = 0.5
# Latency and batching delay frames by less; a larger offset is a wrong clock.
CLOCK_WARNING_MS: Final = 1_000
# Beyond this, the log replaces the producer's time with its own.
CLOCK_FAILED_MS: Final = 5_000
MAX_SHOWN_CHARACTERS: Final = 160
# Rejections that are intended; unknown contracts have their own finding.
BY_DESIGN: Final = frozenset(
    {
        RejectReason.UNKNOWN_INSTRUMENT,
        RejectReason.UNSUPPORTED_INSTRUMENT,
        RejectReason.UNSUPPORTED_QUOTE,
        RejectReason.NOT_A_LIQUIDATION,
    }
)


def judge(seen: FeedSeen, seconds: float, clock_ms: int | None) -> Finding:
    """Return the verdict on a feed after listening for some seconds.

    `clock_ms` is the offset of this host's clock by the median of all clocks. A venue whose offset
    differs from it has a wrong clock itself.
    """
    if not seen.is_reached:
        return Finding(Level.NOT_REACHED, _not_reached(seen))
    findings = _answers(seen)
    if seen.accepted or not findings:
        findings += _connections(seen)
    findings += [*_silence(seen, seconds), *_frames(seen), *_clock(seen, clock_ms)]
    return summary(findings) if findings else Finding(Level.OK, _well(seen, seconds))


def _not_reached(seen: FeedSeen) -> str:
    reason = _shortened(seen.ends[-1]) if seen.ends else "no answer in the time given"
    return (
        f"Not reached: {reason}. Check the address ({seen.feed.address_setting}), the network, "
        "a proxy or firewall, and whether the venue serves this country."
    )


def _connections(seen: FeedSeen) -> list[Finding]:
    if not seen.end_count:
        return []
    reason = _shortened(seen.ends[-1])
    times = "once" if seen.end_count == 1 else f"{seen.end_count} times"
    if not seen.is_up:
        text = f"Connected, but not subscribed at the end; ended {times}, the last time: {reason}."
        return [Finding(Level.FAILED, text)]
    if seen.end_count > MAX_ENDS:
        text = f"The connection does not last: it ended {times}, the last time: {reason}."
        return [Finding(Level.FAILED, text)]
    return [Finding(Level.WARNING, f"The connection ended {times}: {reason}.")]


def _answers(seen: FeedSeen) -> list[Finding]:
    findings = []
    names, accepted, refused = seen.names, seen.accepted, seen.refused
    if refused:
        name, reason = next(iter(refused.items()))
        findings.append(
            Finding(
                Level.WARNING if accepted else Level.FAILED,
                f"The venue refuses {len(refused)} of {len(names)} subscriptions, such as {name}: "
                f"{_shortened(reason)}.",
            )
        )
    if silent := seen.unanswered:
        findings.append(
            Finding(
                Level.WARNING if accepted else Level.FAILED,
                f"The venue does not answer {len(silent)} of {len(names)} subscriptions, such as "
                f"{min(silent)}; its address or dialect may have changed.",
            )
        )
    if waiting := len(names) - len(accepted) - len(refused) - len(seen.unanswered):
        is_down = not accepted and seen.end_count
        text = (
            f"{waiting} of {len(names)} subscriptions are still to be sent or answered, at the "
            "venue's pace; listen longer with --seconds."
        )
        if not is_down:
            findings.append(Finding(Level.WARNING, text))
    if (seen.answer_seconds or 0) > SLOW_ANSWER_SECONDS:
        text = f"Subscriptions were answered only after {seen.answer_seconds:.0f} s."
        findings.append(Finding(Level.WARNING, text))
    return findings


def _silence(seen: FeedSeen, seconds: float) -> list[Finding]:
    is_long = not seen.frames and seconds >= seen.feed.silence_seconds
    moved = [
        Finding(Level.WARNING, f"The feed went on at another address: {_shortened(detail)}.")
        for detail in seen.moves
    ]
    if not (seen.accepted and (seen.is_stale or is_long)):
        return moved
    text = (
        f"Subscribed, and silent for longer than the usual {seen.feed.silence_seconds:.0f} s: "
        "the address or the channel may be retired."
    )
    return [*moved, Finding(Level.WARNING, text)]


def _frames(seen: FeedSeen) -> list[Finding]:
    findings = []
    unread = {reason: count for reason, count in seen.rejected.items() if reason not in BY_DESIGN}
    if unread:
        count = sum(unread.values())
        reason = max(unread, key=unread.__getitem__)
        is_most = count > MOST_OF * (seen.events + seen.rejected_count)
        findings.append(
            Finding(
                Level.FAILED if is_most else Level.WARNING,
                f"{count} entries cannot be read, mostly {reason}: "
                f"{_shortened(seen.details[reason])}. Send a --capture to the maintainers.",
            )
        )
    if seen.unknown_contracts:
        known = len(seen.known_symbols)
        total = known + len(seen.unknown_contracts)
        findings.append(
            Finding(
                Level.WARNING,
                f"The contract sizes of {len(seen.unknown_contracts)} of {total} symbols are not "
                "known; `liq instruments refresh` lists them.",
            )
        )
    return findings


def _clock(seen: FeedSeen, clock_ms: int | None) -> list[Finding]:
    if seen.offset_ms is None or clock_ms is None:
        return []
    off_ms = seen.offset_ms - clock_ms
    if abs(off_ms) <= CLOCK_FAILED_MS:
        return []
    word = "behind" if off_ms > 0 else "ahead of"
    text = f"The venue dates its frames {abs(off_ms) / 1_000:.1f} s {word} the other clocks."
    return [Finding(Level.WARNING, text)]


def _well(seen: FeedSeen, seconds: float) -> str:
    if seen.frames:
        return f"Reads well: {seen.events} events of {seen.frames} frames."
    usual = seen.feed.silence_seconds
    return f"Subscribed; no data in {seconds:.0f} s, and silences of up to {usual:.0f} s are usual."


def _shortened(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[:MAX_SHOWN_CHARACTERS] + "..."
