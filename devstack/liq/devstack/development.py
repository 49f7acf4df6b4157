"""`liq dev`: the whole engine until Ctrl-C, optionally with a recording that plays through it."""

import asyncio
import gzip
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liq.cli.console import err, out
from liq.cli.exchanges import configured_exchanges
from liq.devstack.demo import metric_total
from liq.devstack.options import StackOptions, load_stack_options
from liq.devstack.ports import LOOPBACK, choose_port, free_port
from liq.devstack.stack import Stack
from liq.devstack.starting import starting
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.logs import configure_logging
from liq.runtime.settings import Settings, load_settings
from liq.runtime.topics import ensure_topics
from liq.sinks.clickhouse.installation import install

#: The default ports of the stack; fixed, so that bookmarks and other programs keep working.
KAFKA_PORT: Final = 9092
CLICKHOUSE_PORT: Final = 8123
WORKERS: Final = {
    "reference": ("reference",),
    "normalize": ("process", "normalize"),
    "detect": ("process", "detect"),
    "sink": ("sink", "clickhouse"),
    "serve": ("serve",),
}
PLAYER: Final = "player"
PLAY_DIRECTORY: Final = "live"
SENT: Final = "liq_frames_total"
PAST_SECONDS: Final = 600.0
WATCH_SECONDS: Final = 1.0
#: Seconds between two lines about the recording.
TELL_SECONDS: Final = 60.0
_RECEIVED: Final = re.compile(rb'"received_at_ns":\s*(\d+)')


@dataclass(frozen=True, slots=True)
class Recording:
    """The recording to play, and the speed: a multiple of the recorded pace.

    Frames received before `since_ns` are played at once, so that the page starts with a history.
    """

    capture: Path
    speed: str
    since_ns: int = 0


@dataclass(frozen=True, slots=True)
class _Player:
    """The player's metrics port, and the number of its frames."""

    port: int
    frames: int


def run_development(recording: Recording | None) -> None:
    """Run the whole engine until KeyboardInterrupt.

    With a recording, broker and ClickHouse start empty and have their own directory.

    Raises:
        ConfigurationError: a setting prevents the start, such as a taken port or a used directory.
        DependencyError: a process died.
    """
    say = starting()
    options, web_port = _options(is_fresh=recording is not None)
    configure_logging(load_settings(log_level="WARNING"), worker="dev")
    with Stack(options, is_fresh=recording is not None, say=say) as stack:
        stack.environment["WEB_PORT"] = str(web_port)
        settings = load_settings(**{name.lower(): text for name, text in stack.environment.items()})
        say("topics and tables")
        asyncio.run(ensure_topics(settings, configured_exchanges(settings)))
        install(settings)
        workers = dict(WORKERS)
        if recording is not None:
            # The contracts of the recording are known; exchanges would return the present ones.
            del workers["reference"]
        ports = stack.start_workers(workers)
        _tell(settings, options, ports)
        try:
            player = None
            if recording is not None:
                say("the recording")
                player = _play(stack, options.embedded_data_dir, recording)
            _watch(stack, player)
        except KeyboardInterrupt:
            err.print("Stopping ...")


def _options(*, is_fresh: bool) -> tuple[StackOptions, int]:
    """Return the stack's options with fixed ports, and the page's port; all of them are free.

    Raises:
        ConfigurationError: a port is taken, or a recording would play into existing brokers.
    """
    options = load_stack_options()
    if is_fresh and (options.kafka_bootstrap_servers or options.clickhouse_url):
        raise ConfigurationError(
            "A recording plays through a broker and a ClickHouse of its own; unset "
            "KAFKA_BOOTSTRAP_SERVERS and CLICKHOUSE_URL, or use `liq replay`."
        )
    fixed = {"embedded_kafka_port": KAFKA_PORT, "embedded_clickhouse_port": CLICKHOUSE_PORT}
    options = options.model_copy(
        update={name: port for name, port in fixed.items() if name not in options.model_fields_set}
    )
    if is_fresh:
        directory = options.embedded_data_dir / PLAY_DIRECTORY
        options = options.model_copy(update={"embedded_data_dir": directory})
    if not options.kafka_bootstrap_servers:
        choose_port(options.embedded_kafka_port, "EMBEDDED_KAFKA_PORT")
    if not options.clickhouse_url:
        choose_port(options.embedded_clickhouse_port, "EMBEDDED_CLICKHOUSE_PORT")
    settings = load_settings()
    return options, choose_port(settings.web_port, "WEB_PORT", settings.web_host)


def _tell(settings: Settings, options: StackOptions, ports: dict[str, int]) -> None:
    out.print(f"Kafka       {settings.kafka_bootstrap_servers}", highlight=False)
    out.print(f"ClickHouse  {settings.clickhouse_url}", highlight=False)
    for name, port in ports.items():
        out.print(f"{name:<11} http://{LOOPBACK}:{port}/metrics", highlight=False)
    shell = f"set -a; . {options.embedded_data_dir}/stack.env"
    out.print(f"In another shell: {shell}; liq watch", highlight=False)
    out.print(f"The page: http://{settings.web_host}:{settings.web_port}", highlight=False)
    out.print("Ctrl-C ends everything.")


def _play(stack: Stack, directory: Path, recording: Recording) -> _Player:
    """Publish the frames before the recording's `since_ns`, and start playing the others."""
    past, rest = directory / "past.jsonl", directory / "rest.jsonl"
    frames = _split(recording, past, rest)
    stack.start_task("past", "replay", str(past), "--end-silence-seconds", "0")
    if code := stack.supervisor.wait_for_end("past", PAST_SECONDS):
        raise DependencyError(f"The recording's past ended with exit code {code}; see its log.")
    port = free_port()
    stack.start_task(
        PLAYER,
        *("replay", str(rest), "--speed", recording.speed),
        environment={"HTTP_HOST": LOOPBACK, "HTTP_PORT": str(port)},
    )
    return _Player(port, frames)


def _split(recording: Recording, past: Path, rest: Path) -> int:
    """Split a capture at `since_ns` into two files; return the number of frames in the second."""
    count = 0
    opener = gzip.open if recording.capture.suffix == ".gz" else open
    with (
        opener(recording.capture, "rb") as lines,
        past.open("wb") as before,
        rest.open("wb") as after,
    ):
        for line in lines:
            found = _RECEIVED.search(line)
            is_rest = found is None or int(found[1]) >= recording.since_ns
            (after if is_rest else before).write(line)
            count += is_rest
    return count


def _watch(stack: Stack, player: _Player | None) -> None:
    """Check the processes for ever, and print the progress of the recording.

    Raises:
        DependencyError: a process died.
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    told_at = time.monotonic()
    while True:
        stack.supervisor.check()
        if player is not None and stack.supervisor.has_ended(PLAYER):
            code = stack.supervisor.wait_for_end(PLAYER, WATCH_SECONDS)
            if code != 0:
                raise DependencyError(f"The player ended with exit code {code}; see its log.")
            out.print("The recording is over; the page stays until Ctrl-C.")
            player = None
        elif player is not None and time.monotonic() > told_at + TELL_SECONDS:
            told_at = time.monotonic()
            sent = metric_total(player.port, SENT)
            out.print(f"{sent:,.0f} of {player.frames:,} frames are played.", highlight=False)
        time.sleep(WATCH_SECONDS)
