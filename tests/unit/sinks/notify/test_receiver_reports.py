"""Notices of receivers that were disabled: to the others, in words without markup."""

from liq.sinks.notify.messages import compose
from liq.sinks.notify.notices import Kind, ReceiverReport, read_notice, receiver_notice
from liq.sinks.notify.selection import Selection
from tests.support.notify_rules import ENVIRONMENT, WHOLE, rules

REPORT = ReceiverReport(
    name="desk",
    disabled_at_ms=1_783_500_000_000,
    failing_since_ms=1_783_500_000_000 - 90 * 60_000,
    reason="it answers 503 <b>*_@everyone",
)
RULES = rules(
    WHOLE
    + """
  - name: receivers
    when: {receiver: disabled}
    to: [desk, phone]
""",
    ENVIRONMENT,
)


def test_a_report_goes_to_the_others_and_survives_the_ledger() -> None:
    made = receiver_notice(REPORT)
    assert Selection(RULES).select(made) == {"phone": "receivers"}
    assert read_notice(Kind.RECEIVER, made.document) == made
    assert made.id == "receiver-disabled-desk-1783500000000"


def test_its_message_says_what_to_do_and_holds_no_markup() -> None:
    message = compose(receiver_notice(REPORT), rule="receivers")
    assert message.title == "Receiver desk: disabled"
    assert "disabled after 1 h 30 min of failures: it answers 503" in message.text
    assert "`liq notify enable desk`" in message.text
    assert message.is_warning
    assert not set("<*@") & set(message.text)
