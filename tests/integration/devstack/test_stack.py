"""The embedded stack: parts come up in order, failures have a sentence, nothing is left running."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from liq.devstack.broker import EmbeddedBroker, GivenBroker, choose_broker
from liq.devstack.kafka.cluster import ApacheKafka
from liq.devstack.lock import DirectoryLock
from liq.devstack.options import StackOptions, load_stack_options
from liq.devstack.ports import LOOPBACK
from liq.devstack.probe import answers_http, answers_kafka
from liq.devstack.stack import Stack
from liq.devstack.supervisor import Child, ChildFailure, Supervisor
from liq.runtime.errors import ConfigurationError, DependencyError
from liq.runtime.kafka import new_admin
from liq.runtime.settings import load_settings

pytestmark = pytest.mark.integration

SLEEPS = (sys.executable, "-c", "import time; time.sleep(600)")
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(600)"
)
IGNORES_SIGTERM = (sys.executable, "-c", DEAF)


def is_running(pid: int) -> bool:
    """Whether a process exists and is not merely waiting to be collected."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


def options(directory: Path, **changes: object) -> StackOptions:
    unset = {"kafka": "embedded", "kafka_bootstrap_servers": "", "clickhouse_url": ""}
    return load_stack_options(**{**unset, "embedded_data_dir": directory, **changes})


def test_the_whole_stack_answers_and_ends(tmp_path: Path) -> None:
    with Stack(options(tmp_path)) as stack:
        host, port = stack.environment["KAFKA_BOOTSTRAP_SERVERS"].split(":")
        url = stack.environment["CLICKHOUSE_URL"]
        assert answers_kafka(host, int(port))
        assert answers_http(f"{url}/ping")
        assert stack.environment["KAFKA_EMULATE_LONG_POLL"] == "true"
        shell = (tmp_path / "stack.env").read_text()
        assert f"CLICKHOUSE_URL={url}\n" in shell
        pids = [stack.supervisor.process_id(name) for name in stack.supervisor.names]
        assert len(pids) == 2
    assert not any(map(is_running, pids))
    assert not answers_kafka(host, int(port))
    assert not (tmp_path / "stack.env").exists()


def topics_of(stack: Stack, create: str | None = None) -> set[str]:
    """The topics that the broker holds; one may be added first."""

    async def work() -> set[str]:
        admin = new_admin(load_settings(), "test")
        await admin.start()
        try:
            if create is not None:
                await admin.create_topics([NewTopic(create, 1, 1)])
            return set(await admin.list_topics())
        finally:
            await admin.close()

    with pytest.MonkeyPatch.context() as patch:
        for name, text in stack.environment.items():
            patch.setenv(name, text)
        return asyncio.run(work())


def test_data_outlives_a_stack_unless_a_fresh_one_is_asked_for(tmp_path: Path) -> None:
    with Stack(options(tmp_path), has_clickhouse=False) as stack:
        assert "kept" in topics_of(stack, create="kept")
    with Stack(options(tmp_path), has_clickhouse=False) as stack:
        assert "kept" in topics_of(stack)
    with Stack(options(tmp_path), has_clickhouse=False, is_fresh=True) as stack:
        assert "kept" not in topics_of(stack)


def test_a_killed_parent_leaves_nothing_running(tmp_path: Path) -> None:
    """The stack's own process gets SIGKILL: no handler of ours can run in it."""
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from liq.devstack.options import load_stack_options\n"
        "from liq.devstack.stack import Stack\n"
        "from liq.devstack.supervisor import Child\n"
        "directory = Path(sys.argv[1])\n"
        "with Stack(load_stack_options(embedded_data_dir=directory), has_clickhouse=False,\n"
        "           grace_seconds=1) as stack:\n"
        f"    deaf = {DEAF!r}\n"
        "    log = stack.supervisor.log_path('deaf')\n"
        "    stack.supervisor.start(Child(name='deaf', command=(sys.executable, '-c', deaf),\n"
        "                                 is_ready=lambda: b'deaf' in log.read_bytes()))\n"
        "    pids = [stack.supervisor.process_id(name) for name in stack.supervisor.names]\n"
        "    (directory / 'pids.tmp').write_text(' '.join(map(str, pids)))\n"
        "    (directory / 'pids.tmp').rename(directory / 'pids')\n"
        "    time.sleep(600)\n"
    )
    environment = {**os.environ, "KAFKA": "embedded", "KAFKA_BOOTSTRAP_SERVERS": ""}
    with (tmp_path / "parent.log").open("wb") as log:
        parent = subprocess.Popen(
            (sys.executable, "-c", program, str(tmp_path)),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: (tmp_path / "pids").exists() or parent.poll() is not None)
        pids = [int(text) for text in (tmp_path / "pids").read_text().split()]
        assert len(pids) == 2
        assert all(map(is_running, pids))
    finally:
        parent.kill()
        parent.wait()
    try:
        wait_for(lambda: not any(map(is_running, pids)))
        wait_for(lambda: _can_lock(tmp_path))
    finally:
        for pid in filter(is_running, pids):
            os.kill(pid, signal.SIGKILL)


def test_docker_that_does_not_answer_has_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with (
        pytest.raises(ConfigurationError, match="Docker does not answer"),
        Stack(options(tmp_path, kafka="docker"), has_clickhouse=False),
    ):
        pytest.fail("the stack started")


def _can_lock(directory: Path) -> bool:
    try:
        DirectoryLock(directory).close()
    except ConfigurationError:
        return False
    return True


def test_two_stacks_do_not_share_a_directory(tmp_path: Path) -> None:
    with (
        Stack(options(tmp_path), has_clickhouse=False),
        pytest.raises(ConfigurationError, match=rf"process {os.getpid()}.*EMBEDDED_DATA_DIR"),
        Stack(options(tmp_path), has_clickhouse=False),
    ):
        pytest.fail("the second stack started")


def test_a_taken_port_is_refused_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        with (
            pytest.raises(ConfigurationError, match=f"Port {port} .*EMBEDDED_CLICKHOUSE_PORT"),
            Stack(options(tmp_path, embedded_clickhouse_port=port)),
        ):
            pytest.fail("the stack started")
    assert _can_lock(tmp_path), "what had been started was ended"


def test_a_child_that_dies_is_named_with_its_last_lines(tmp_path: Path) -> None:
    with Stack(options(tmp_path), has_clickhouse=False) as stack:
        os.kill(stack.supervisor.process_id("kafka"), signal.SIGKILL)
        with pytest.raises(ChildFailure, match=r"(?s)kafka was ended by SIGKILL.*noida-db"):
            stack.supervisor.wait_until(lambda: False, 20, "the impossible")


def test_a_child_that_cannot_start_says_why(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        missing = Child(name="ghost", command=("no-such-program",), is_ready=lambda: False)
        with pytest.raises(ChildFailure, match=r"(?s)exit code 127.*cannot start no-such-program"):
            supervisor.start(missing)
        assert supervisor.names == ()


def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    pids: list[int] = []

    with Supervisor(tmp_path) as supervisor:

        def never() -> bool:
            pids.append(supervisor.process_id("slow"))
            return False

        with pytest.raises(ChildFailure, match=r"Waited 0\.2 s for slow to be ready"):
            supervisor.start(Child(name="slow", command=SLEEPS, is_ready=never, ready_seconds=0.2))
        assert not is_running(pids[0])


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    with Supervisor(tmp_path, grace_seconds=0.3) as supervisor:
        log = supervisor.log_path("deaf")
        supervisor.start(
            Child(
                name="deaf", command=IGNORES_SIGTERM, is_ready=lambda: b"deaf" in log.read_bytes()
            )
        )
        assert supervisor.stop("deaf") == {"deaf": -signal.SIGKILL}


def test_what_a_child_started_itself_is_ended_too(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(inner.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with Supervisor(tmp_path) as supervisor:
        log = supervisor.log_path("outer")
        supervisor.start(
            Child(
                name="outer",
                command=(sys.executable, "-c", program),
                is_ready=lambda: log.read_bytes().endswith(b"\n"),
            )
        )
        inner = int(log.read_text())
        assert is_running(inner)
    wait_for(lambda: not is_running(inner))


def test_a_task_may_end_and_its_exit_code_is_given(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(
            Child(
                name="task",
                command=(sys.executable, "-c", "print('done'); raise SystemExit(2)"),
                ends_by_itself=True,
            )
        )
        assert supervisor.wait_for_end("task", 20) == 2
        supervisor.check()
        assert supervisor.log_path("task").read_text() == "done\n"


def test_a_task_that_does_not_end_is_an_error(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(Child(name="task", command=SLEEPS, ends_by_itself=True))
        with pytest.raises(DependencyError, match="task to end"):
            supervisor.wait_for_end("task", 0.1)


def test_a_child_keeps_the_default_sigpipe(tmp_path: Path) -> None:
    """An ignored SIGPIPE would be inherited by the broker and every worker."""
    with Supervisor(tmp_path) as supervisor:
        supervisor.start(
            Child(
                name="shell",
                command=("sh", "-c", "kill -PIPE $$; echo survived"),
                ends_by_itself=True,
            )
        )
        assert supervisor.wait_for_end("shell", 20) == -signal.SIGPIPE


def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        for word in ("one", "two"):
            supervisor.start(Child(name="task", command=("echo", word), ends_by_itself=True))
            supervisor.wait_for_end("task", 20)
    assert (tmp_path / "task.log").read_text() == "two\n"
    assert (tmp_path / "task.previous.log").read_text() == "one\n"


def test_the_environment_chooses_the_broker(tmp_path: Path) -> None:
    with Supervisor(tmp_path) as supervisor:
        given = choose_broker(options(tmp_path, kafka_bootstrap_servers="a:1,b:2"), supervisor)
        assert isinstance(given, GivenBroker)
        assert given.start().environment == {"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2"}
        assert isinstance(choose_broker(options(tmp_path), supervisor), EmbeddedBroker)
        assert isinstance(choose_broker(options(tmp_path, kafka="apache"), supervisor), ApacheKafka)


def test_a_wrong_kind_of_broker_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA", "rabbit")
    with pytest.raises(ConfigurationError, match="KAFKA: Input should be 'embedded'"):
        load_stack_options()
