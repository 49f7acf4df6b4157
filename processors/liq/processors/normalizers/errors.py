"""The one way in which an entry of a frame can fail, and how offending values are shown."""

from liq.processors.normalizers.json_types import JSON_NUMBERS
from liq.schemas.vocabulary import RejectReason

MAX_SHOWN_CHARACTERS = 48


class EntryError(ValueError):
    """An entry (or a whole frame) gives no event; becomes one `Rejected` record.

    It never leaves `normalize`. `detail` is a sentence of bounded length. `contract` is the symbol
    of a contract whose metadata is not known, and empty for every other reason.
    """

    def __init__(self, reason: RejectReason, detail: str, contract: str = "") -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.contract = contract


def unusable(reason: RejectReason, value: object, name: str, wanted: str) -> EntryError:
    """The error for a field's value: `missing_field` if it has not even a fitting type."""
    fitting = type(value) is str or type(value) in JSON_NUMBERS
    return EntryError(
        reason if fitting else RejectReason.MISSING_FIELD,
        f"{name} is {shown(value)}, not {wanted}.",
    )


def shown(value: object) -> str:
    """A value as it may appear in a sentence: short whatever the sender put there."""
    if isinstance(value, str):
        shortened = value[:MAX_SHOWN_CHARACTERS]
        return repr(shortened) + ("..." if len(value) > MAX_SHOWN_CHARACTERS else "")
    if value is None or type(value) is bool or type(value) in JSON_NUMBERS:
        return repr(value)
    return "an array" if isinstance(value, list) else "an object"
