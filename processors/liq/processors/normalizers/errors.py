"""The error of an entry or frame that gives no event, and the display of offending values."""

from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.schemas.vocabulary import RejectReason

MAX_SHOWN_CHARACTERS = 48


class EntryError(ValueError):
    """An entry (or a whole frame) gives no event; `normalize` turns it into a `Rejected` record.

    `detail` is a sentence of bounded length. `contract` is the symbol of a contract without known
    metadata, and empty for every other reason.
    """

    def __init__(self, reason: RejectReason, detail: str, contract: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.contract = contract


def unusable(reason: RejectReason, value: object, name: str, wanted: str) -> EntryError:
    """Return the error for a field's value: `missing_field` unless it is a string or a number."""
    fitting = type(value) is str or type(value) in JSON_NUMBERS
    return EntryError(
        reason if fitting else RejectReason.MISSING_FIELD,
        f"{name} is {shown(value)}, not {wanted}.",
    )


def shown(value: object) -> str:
    """Return a value for use in a sentence, shortened to a bounded length."""
    if isinstance(value, str):
        shortened = value[:MAX_SHOWN_CHARACTERS]
        return repr(shortened) + ("..." if len(value) > MAX_SHOWN_CHARACTERS else "")
    if value is None or type(value) is bool or type(value) in JSON_NUMBERS:
        return repr(value)
    return "an array" if isinstance(value, list) else "an object"
