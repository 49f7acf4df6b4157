"""What the kernel says of a process."""

import pytest

from benchmarks.workers.processes import cpu_ticks, status_mebibytes

STAT = "42 (a (b) c) S 1 42 42 0 -1 4194560 9 0 0 0 150 25 7 8 20 0 3 0 100 1000 10"
STATUS = "Name:\tpython\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\n"


def test_processor_time_is_found_behind_any_name() -> None:
    assert cpu_ticks(STAT) == 175


def test_sizes_are_mebibytes() -> None:
    assert status_mebibytes(STATUS, "VmHWM") == 200
    assert status_mebibytes(STATUS, "VmRSS") == 100
    with pytest.raises(ValueError, match="VmSwap"):
        status_mebibytes(STATUS, "VmSwap")
