"""Parsing of YAML that collects all mistakes of a file, each with its line."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from liq.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    import yaml

MAX_FILE_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 12
MAX_MISTAKES: Final = 20
NEEDS_YAML: Final = "Notifications need more packages: pip install 'liquidation-engine[notify]'."
_TAG: Final = "tag:yaml.org,2002:"
Word = TypeVar("Word", bound=StrEnum)


class Mistakes:
    """The mistakes in a file, each with its line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: list[tuple[int, str]] = []

    def add(self, node: Any, text: str) -> None:
        """Record a mistake at a node of the file."""
        self._found.append((node.start_mark.line + 1, text))

    def check(self) -> None:
        """Raise ConfigurationError if a mistake was recorded."""
        if not self._found:
            return
        lines = [f"{self._path}:{line}: {text}" for line, text in sorted(self._found)]
        shown, left = lines[:MAX_MISTAKES], len(lines) - MAX_MISTAKES
        if left > 0:
            shown.append(f"and {left} more")
        raise ConfigurationError("The rules of notifications are wrong:\n  " + "\n  ".join(shown))


def read_yaml(text: str, path: str) -> "yaml.Node | None":
    """Parse a file into nodes; return None for an empty file.

    Aliases and deep nesting are rejected, because they let a small file expand without limit.

    Raises:
        ConfigurationError: the file is not such YAML, or PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise ConfigurationError(NEEDS_YAML) from error

    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            mark = event.start_mark
            line = 1 if mark is None else mark.line + 1
            if isinstance(event, yaml.AliasEvent):
                raise ConfigurationError(f"{path}:{line}: write it out; aliases are not read")
            if depth > MAX_DEPTH:
                raise ConfigurationError(f"{path}:{line}: nested more than {MAX_DEPTH} deep")
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML: {error}") from error


class YamlReader:
    """A converter of nodes to values; for a wrong node it records a mistake, with a default."""

    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes

    def mapping(
        self, node: Any, what: str, *, known: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Return a mapping's nodes by key; with `known`, every other key is a mistake."""
        if node.id != "mapping":
            self._mistakes.add(node, f"{what} is a mapping (`name: value`)")
            return {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            if key.id != "scalar":
                self._mistakes.add(key, f"a key of {what} is a name")
            elif known is not None and key.value not in known:
                self._mistakes.add(
                    key, f"{key.value!r} is unknown in {what}{hint(key.value, known)}"
                )
            elif key.value in found:
                self._mistakes.add(key, f"{key.value!r} is there twice")
            else:
                found[key.value] = value
        return found

    def items(self, node: Any, what: str) -> list[Any]:
        """Return a sequence's nodes; a single value counts as a sequence of one."""
        if node.id == "sequence":
            return list(node.value)
        if node.id == "scalar" and not self._is_null(node):
            return [node]
        self._mistakes.add(node, f"{what} is a list")
        return []

    def text(self, node: Any, what: str, *, default: str = "") -> str:
        """Return a text; a number or a word like `yes` is returned as written."""
        if node.id != "scalar" or self._is_null(node):
            self._mistakes.add(node, f"{what} is a text")
            return default
        return str(node.value)

    def number(
        self, node: Any, what: str, *, least: Decimal, most: Decimal, default: Decimal
    ) -> Decimal:
        """Return a number between two bounds, both included."""
        written = node.value.replace("_", "") if node.id == "scalar" else ""
        try:
            number = Decimal(written)
        except InvalidOperation:
            number = Decimal("nan")
        if not number.is_finite() or not least <= number <= most:
            self._mistakes.add(node, f"{what} is a number from {least:f} to {most:f}")
            return default
        return number

    def number_of(
        self, found: Mapping[str, Any], key: str, least: float, most: float, default: float
    ) -> float:
        """Return the number under a key of a mapping; the default if the key is missing."""
        if key not in found:
            return default
        number = self.number(
            found[key], key, least=Decimal(str(least)), most=Decimal(str(most)), default=Decimal(0)
        )
        return float(number)

    def flag(self, node: Any, what: str, *, default: bool) -> bool:
        """Return true or false."""
        if node.id == "scalar" and node.tag == f"{_TAG}bool":
            return str(node.value).lower() in {"true", "yes", "on"}
        self._mistakes.add(node, f"{what} is true or false")
        return default

    def word(self, node: Any, what: str, words: Mapping[str, Word]) -> Word | None:
        """Return the value of a word, case-insensitively; None after a mistake."""
        written = str(node.value).lower() if node.id == "scalar" else ""
        if written in words:
            return words[written]
        allowed = ", ".join(words)
        self._mistakes.add(node, f"{what} is one of: {allowed}{hint(written, words)}")
        return None

    def words(self, node: Any, what: str, words: Mapping[str, Word]) -> frozenset[Word]:
        """Return a list of words as a set."""
        found = (self.word(item, f"each of {what}", words) for item in self.items(node, what))
        return frozenset(word for word in found if word is not None)

    def texts(self, node: Any, what: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(self.text(item, f"each of {what}") for item in self.items(node, what))

    def _is_null(self, node: Any) -> bool:
        return bool(node.tag == f"{_TAG}null")


def hint(written: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` if a known word is similar, else an empty text."""
    near = difflib.get_close_matches(written, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
