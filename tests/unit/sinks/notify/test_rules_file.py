"""The file of rules: what it says, and every mistake with its line."""

import re
from datetime import time
from decimal import Decimal
from pathlib import Path

import pytest

from liq.runtime.errors import ConfigurationError
from liq.schemas.vocabulary import AlertType, FeedEvent, Level, Side
from liq.sinks.notify.describing import describe_receiver, describe_rule
from liq.sinks.notify.rules import (
    AlertConditions,
    Channel,
    DetectorConditions,
    FeedConditions,
    LiquidationConditions,
)
from liq.sinks.notify.rules_file import load_rules
from tests.support.notify_rules import ENVIRONMENT, SECRET, WHOLE, one_rule, rules
from tests.support.paths import ROOT


def test_a_file_is_read_whole() -> None:
    found = rules(WHOLE)
    desk, phone = found.receivers["desk"], found.receivers["phone"]
    assert (desk.channel, phone.channel) == (Channel.WEBHOOK, Channel.APPRISE)
    assert (desk.fold, phone.fold) == (False, True)
    assert not desk.allow_internal
    assert not desk.follow_redirects
    cascades, large, venues, detector = found.rules
    assert cascades.receivers == ("desk", "phone")
    assert cascades.cool_down_ms == 600_000
    assert cascades.quiet_hours is not None
    assert cascades.quiet_hours.start == time(23)
    assert isinstance(cascades.conditions, AlertConditions)
    assert cascades.conditions.assets == {"BTC", "ETH"}
    assert cascades.conditions.level is Level.MODERATE
    assert cascades.conditions.dollars == Decimal(1_000_000)
    assert cascades.conditions.types == {
        AlertType.DETECTED, AlertType.ESCALATED, AlertType.ENDED,
    }  # fmt: skip
    assert large.conditions == LiquidationConditions(side=Side.LONG, dollars=Decimal(5_000_000))
    assert isinstance(venues.conditions, FeedConditions)
    assert FeedEvent.STALE in venues.conditions.events
    assert FeedEvent.LOST not in venues.conditions.events
    assert detector.conditions == DetectorConditions(patience_seconds=60)


def test_no_secret_shows_itself() -> None:
    shown = repr(rules(WHOLE))
    for secret in (SECRET, ENVIRONMENT["CHAT"], "hooks.example.com", "abcdefg"):
        assert secret not in shown


@pytest.mark.parametrize(
    ("before", "after", "line", "sentence"),
    [
        ("level: moderate", "level: moderat", 12, "did you mean moderate?"),
        ("to: phone", "to: fone", 21, "'fone' is no receiver; did you mean phone?"),
        ("secret: ${SECRET}", "secret: ${NOT_SET}", 5, "NOT_SET is not set in the environment"),
        ("secret: ${SECRET}", f"secret: {SECRET}", 5, "set the secret NAME in the environment"),
        ("    secret: ${SECRET}\n", "", 4, "lacks a secret"),
        ("https://hooks", "ftp://hooks", 4, "an address like https://"),
        ("https://hooks", "https://me:pw@hooks", 4, "holds no login"),
        ("apprise: ${CHAT}", "apprise: tgram://123/456", 7, "write ${NAME}"),
        ("dollars: 1_000_000", "dollars: lots", 14, "a number from 0"),
        ("dollars: 1_000_000", "dollars: .nan", 14, "a number from 0"),
        ("cool_down_minutes", "cooldown_minutes", 16, "did you mean cool_down_minutes?"),
        ('from: "23:00"', 'from: "24:00"', 17, "written 22:30"),
        ("Europe/Berlin", "Europe/Atlantis", 17, "no time zone"),
        ("Europe/Berlin", "../../etc/passwd", 17, "no time zone"),
        ("{subject} {price}", "{subject.__class__}", 18, "subject.__class__"),
        ("[dead, gap]", "[deaf, gap]", 23, "is one of"),
        ("detector: behind", "detector: gone", 26, "detector is: behind"),
        ("{detector: behind, seconds: 60}", "{seconds: 60}", 26, "exactly one of"),
        ("detector: behind, seconds: 60", "receiver: gone", 26, "receiver is: disabled"),
        ("name: venues", "name: large", 22, "there twice"),
        ("name: venues", "name: Venues!", 22, "a-z, 0-9 and -"),
        ("link: https", "link: javascript", 1, "link is an address"),
        ("to: phone", "to: &anchor phone\n    template: *anchor", 22, "aliases are not read"),
        ("to: phone", "to: " + "[" * 20 + "]" * 20, 21, "nested more than"),
        ("to: phone", "to: [phone", 22, "not YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    before: str, after: str, line: int, sentence: str
) -> None:
    assert before in WHOLE
    with pytest.raises(ConfigurationError) as raised:
        rules(WHOLE.replace(before, after, 1))
    [mistake] = [text for text in str(raised.value).splitlines() if "rules.yaml:" in text]
    assert f"rules.yaml:{line}:" in mistake
    assert sentence in mistake


def test_rules_about_receivers_alone_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing is told"):
        one_rule("{receiver: disabled}")


def test_all_mistakes_are_found_at_once() -> None:
    wrong = WHOLE.replace("moderate", "bad").replace("to: phone", "to: fone")
    with pytest.raises(ConfigurationError) as raised:
        rules(wrong)
    assert str(raised.value).count("rules.yaml:") == 2


def test_a_wrong_secret_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as raised:
        rules(WHOLE, {**ENVIRONMENT, "SECRET": "whsec_c2hvcnQ="})
    assert "24 to 64 bytes" in str(raised.value)
    assert "c2hvcnQ" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"- 1", b"a" * 300_000, b"receivers: 1"])
def test_what_is_no_file_of_rules_is_refused_with_a_sentence(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match="rules"):
        load_rules(str(path), {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="NOTIFY_RULES"):
        load_rules(str(tmp_path / "none.yaml"), {})


def test_the_example_of_the_deployment_is_right() -> None:
    path = ROOT / "deploy" / "notify.example.yaml"
    environment = {"DESK_SECRET": SECRET, "PHONE_URL": "tgram://123456789:abcdefg_hijklmnop/1/"}
    found = load_rules(str(path), environment)
    assert [rule.name for rule in found.rules] == [
        "cascades", "big-cascades", "whales", "feeds", "detector", "receivers",
    ]  # fmt: skip


def test_the_documented_rules_are_right() -> None:
    page = (ROOT / "docs" / "notify.md").read_text()
    [text] = re.findall(r"```yaml\n(link.*?)```", page, re.DOTALL)
    found = rules(
        text, {"DESK_SECRET": SECRET, "PHONE_URL": "tgram://123456789:abcdefg_hijklmnop/1/"}
    )
    assert found.rules[0].cool_down_ms == 600_000


def test_what_is_said_of_a_file_shows_no_secret() -> None:
    found = rules(WHOLE)
    rows = [describe_receiver(each) for each in found.receivers.values()]
    rows += [describe_rule(each) for each in found.rules]
    text = repr(rows)
    assert "https://hooks.example.com" in text
    assert "detection behind or silent for 60 s" in text
    for secret in (SECRET, "/liq", "abcdefg", "12315544"):
        assert secret not in text
