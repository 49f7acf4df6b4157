"""Parsing of the rules file: once at start, as a whole, with the line of every mistake."""

import re
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from liq.runtime.errors import ConfigurationError
from liq.schemas.units import MINUTE_MS
from liq.schemas.vocabulary import Level
from liq.sinks.notify.conditions_reader import ConditionsReader
from liq.sinks.notify.rules import (
    CASCADE_ID,
    Channel,
    QuietHours,
    Receiver,
    ReceiverConditions,
    Rule,
    Rules,
)
from liq.sinks.notify.signing import secret_key
from liq.sinks.notify.templates import unknown_names
from liq.sinks.notify.yaml_reader import MAX_FILE_BYTES, Mistakes, YamlReader, hint, read_yaml

MAX_RECEIVERS: Final = 50
MAX_RULES: Final = 200
_is_name: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}").fullmatch
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_is_clock_time: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])").fullmatch
_LEVEL_WORDS: Final = {level.value: level for level in Level}


def load_rules(path: str, environment: Mapping[str, str]) -> Rules:
    """Read and check a rules file; `environment` replaces `${NAME}` in addresses and secrets.

    Raises:
        ConfigurationError: the file is unreadable or has mistakes; the message has a line for each.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read the rules of notifications, {path} ({error.strerror}); set NOTIFY_RULES."
        ) from error
    if len(content) > MAX_FILE_BYTES:
        raise ConfigurationError(f"{path} has over {MAX_FILE_BYTES} bytes, too many for rules.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8.") from error
    return parse_rules(text, path, environment)


def parse_rules(text: str, path: str, environment: Mapping[str, str]) -> Rules:
    """Parse rules from a text; `path` names the file in messages.

    Raises:
        ConfigurationError: the text has mistakes; the message has a line for each.
    """
    root = read_yaml(text, path)
    mistakes = Mistakes(path)
    if root is None:
        raise ConfigurationError(f"{path} is empty; docs/notify.md has an example.")
    rules = _RulesReader(mistakes, environment).read(root)
    mistakes.check()
    return rules


class _RulesReader:
    def __init__(self, mistakes: Mistakes, environment: Mapping[str, str]) -> None:
        self._mistakes = mistakes
        self._reader = YamlReader(mistakes)
        self._conditions = ConditionsReader(self._reader, mistakes)
        self._environment = environment

    def read(self, root: Any) -> Rules:
        found = self._reader.mapping(root, "the file", known=("receivers", "rules", "link"))
        for name in ("receivers", "rules"):
            if name not in found:
                self._mistakes.add(root, f"{name!r} is missing")
        receivers = self._receivers(found["receivers"]) if "receivers" in found else {}
        rules = self._rules(found["rules"], receivers) if "rules" in found else ()
        if rules and all(isinstance(rule.conditions, ReceiverConditions) for rule in rules):
            self._mistakes.add(found["rules"], "rules about receivers alone: nothing is told")
        return Rules(
            receivers=receivers,
            rules=rules,
            link=self._link(found["link"]) if "link" in found else "",
        )

    def _link(self, node: Any) -> str:
        link = self._reader.text(node, "link")
        parts = urlsplit(link.replace(CASCADE_ID, "x"))
        if parts.scheme not in {"http", "https"} or not parts.hostname or "{" in parts.geturl():
            self._mistakes.add(node, f"link is an address with {CASCADE_ID} in it, or without")
        return link

    def _receivers(self, node: Any) -> dict[str, Receiver]:
        nodes = self._reader.mapping(node, "receivers")
        if not nodes:
            self._mistakes.add(node, "there is no receiver")
        if len(nodes) > MAX_RECEIVERS:
            self._mistakes.add(node, f"at most {MAX_RECEIVERS} receivers")
        receivers = {}
        for name, inner in nodes.items():
            if _is_name(name) is None:
                self._mistakes.add(inner, f"{name!r}: a name has a-z, 0-9 and - (40 at most)")
            receiver = self._receiver(name, inner)
            if receiver is not None:
                receivers[name] = receiver
        return receivers

    def _receiver(self, name: str, node: Any) -> Receiver | None:
        what = f"receiver {name}"
        found = self._reader.mapping(
            node,
            what,
            known=(
                "webhook", "secret", "apprise", "fold", "timeout_seconds", "give_up_minutes",
                "disable_hours", "max_waiting", "allow_internal", "follow_redirects",
            ),
        )  # fmt: skip
        channels = [channel for channel in Channel if channel in found]
        if len(channels) != 1:
            self._mistakes.add(node, f"{what} has either webhook or apprise")
            return None
        [channel] = channels
        is_webhook = channel is Channel.WEBHOOK
        if is_webhook and "secret" not in found:
            self._mistakes.add(node, f"{what} lacks a secret, which signs its messages")
        for option in ("secret", "allow_internal", "follow_redirects"):
            if not is_webhook and option in found:
                self._mistakes.add(found[option], f"{option} is for webhooks only")
        address = self._address if is_webhook else self._apprise
        return Receiver(
            name=name,
            channel=channel,
            url=address(found[channel]),
            keys=self._keys(found["secret"]) if "secret" in found else (),
            fold=self._flag(found, "fold", default=not is_webhook),
            timeout_seconds=self._reader.number_of(
                found, "timeout_seconds", 1, 120, 10 if is_webhook else 30
            ),
            give_up_seconds=60 * self._reader.number_of(found, "give_up_minutes", 1, 10_080, 360),
            disable_seconds=3600 * self._reader.number_of(found, "disable_hours", 0.01, 720, 24),
            max_waiting=int(self._reader.number_of(found, "max_waiting", 1, 100_000, 10_000)),
            allow_internal=self._flag(found, "allow_internal", default=False),
            follow_redirects=self._flag(found, "follow_redirects", default=False),
        )

    def _address(self, node: Any) -> SecretStr:
        url = self._with_variables(node, "webhook")
        try:
            parts = urlsplit(url)
            is_address = bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address or parts.scheme not in {"http", "https"}:
            self._mistakes.add(node, "webhook is an address like https://example.com/hook")
        elif parts.username is not None:
            self._mistakes.add(node, "an address holds no login; messages are signed instead")
        return SecretStr(url)

    def _apprise(self, node: Any) -> SecretStr:
        if _VARIABLE.search(self._reader.text(node, "apprise")) is None:
            self._mistakes.add(
                node,
                "an address of apprise is a secret: write ${NAME} and set NAME in the environment",
            )
        url = self._with_variables(node, "apprise")
        if url and "://" not in url:
            self._mistakes.add(node, "apprise is an address like tgram://token/chat")
        return SecretStr(url)

    def _keys(self, node: Any) -> tuple[bytes, ...]:
        """Return the keys of one or several secrets; the first is the newest."""
        keys = []
        for item in self._reader.items(node, "secret"):
            if _VARIABLE.search(self._reader.text(item, "secret")) is None:
                self._mistakes.add(item, "write ${NAME} and set the secret NAME in the environment")
                continue
            secret = self._with_variables(item, "secret")
            try:
                keys += [secret_key(secret)] if secret else []
            except ValueError as error:
                self._mistakes.add(item, f"not a secret of Standard Webhooks: {error}")
        return tuple(keys)

    def _with_variables(self, node: Any, what: str) -> str:
        def value(match: re.Match[str]) -> str:
            name = match[1]
            if not self._environment.get(name):
                self._mistakes.add(node, f"{name} is not set in the environment")
            return self._environment.get(name, "")

        return _VARIABLE.sub(value, self._reader.text(node, what)).strip()

    def _rules(self, node: Any, receivers: Mapping[str, Receiver]) -> tuple[Rule, ...]:
        if node.id != "sequence" or not node.value:
            self._mistakes.add(node, "rules is a list, each `- name: ...`")
            return ()
        if len(node.value) > MAX_RULES:
            self._mistakes.add(node, f"at most {MAX_RULES} rules")
        rules: dict[str, Rule] = {}
        for item in node.value:
            rule = self._rule(item, receivers)
            if rule is None:
                continue
            if rule.name in rules:
                self._mistakes.add(item, f"a rule {rule.name!r} is there twice")
            rules[rule.name] = rule
        return tuple(rules.values())

    def _rule(self, node: Any, receivers: Mapping[str, Receiver]) -> Rule | None:
        found = self._reader.mapping(
            node,
            "a rule",
            known=("name", "when", "to", "cool_down_minutes", "quiet_hours", "template"),
        )
        missing = [name for name in ("name", "when", "to") if name not in found]
        for name in missing:
            self._mistakes.add(node, f"a rule lacks {name!r}")
        if missing:
            return None
        name = self._reader.text(found["name"], "name")
        if _is_name(name) is None:
            self._mistakes.add(found["name"], f"{name!r}: a name has a-z, 0-9 and - (40 at most)")
        conditions = self._conditions.read(found["when"])
        if conditions is None:
            return None
        return Rule(
            name=name,
            conditions=conditions,
            receivers=self._to(found["to"], receivers),
            cool_down_ms=int(
                MINUTE_MS * self._reader.number_of(found, "cool_down_minutes", 0, 1_440, 0)
            ),
            quiet_hours=self._quiet(found["quiet_hours"]) if "quiet_hours" in found else None,
            template=self._template(found["template"]) if "template" in found else "",
        )

    def _to(self, node: Any, receivers: Mapping[str, Receiver]) -> tuple[str, ...]:
        names = self._reader.texts(node, "to")
        for name in names:
            if name not in receivers:
                self._mistakes.add(node, f"{name!r} is no receiver{hint(name, receivers)}")
        return tuple(dict.fromkeys(names))

    def _quiet(self, node: Any) -> QuietHours | None:
        found = self._reader.mapping(
            node, "quiet_hours", known=("from", "to", "timezone", "unless_level")
        )
        missing = [name for name in ("from", "to", "timezone") if name not in found]
        if missing:
            self._mistakes.add(node, f"quiet_hours lacks {', '.join(missing)}")
            return None
        level = None
        if "unless_level" in found:
            level = self._reader.word(found["unless_level"], "unless_level", _LEVEL_WORDS)
        return QuietHours(
            start=self._clock_time(found["from"]),
            end=self._clock_time(found["to"]),
            zone=self._zone(found["timezone"]),
            unless_level=level,
        )

    def _clock_time(self, node: Any) -> time:
        written = self._reader.text(node, "an hour")
        match = _is_clock_time(written)
        if match is None:
            self._mistakes.add(node, "an hour is written 22:30")
            return time(0)
        return time(int(match[1]), int(match[2]))

    def _zone(self, node: Any) -> ZoneInfo:
        name = self._reader.text(node, "timezone")
        try:
            return ZoneInfo(name)
        except (ValueError, OSError, KeyError):  # no such file, or no name of one
            self._mistakes.add(node, f"no time zone {name!r}; one is Europe/Berlin, another UTC")
            return ZoneInfo("UTC")

    def _template(self, node: Any) -> str:
        template = self._reader.text(node, "template")
        unknown = unknown_names(template)
        if unknown:
            self._mistakes.add(node, f"the template has unknown names: {', '.join(unknown)}")
        return template

    def _flag(self, found: Mapping[str, Any], key: str, *, default: bool) -> bool:
        return self._reader.flag(found[key], key, default=default) if key in found else default
