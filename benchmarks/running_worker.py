"""The metrics of a running worker."""

import time
from urllib.request import urlopen

MEBIBYTE = 1024 * 1024
POLL_SECONDS = 0.1
NO_PROGRESS_SECONDS = 10.0
RECEIVED = "liq_frames_total"
IN_FLIGHT = "liq_producer_in_flight_records"


class RunningWorker:
    """A worker process with a metrics port."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    def cpu_seconds(self) -> float:
        """Return the processor time since the start."""
        return self.total("process_cpu_seconds_total")

    def resident_mebibytes(self) -> float:
        """Return the resident memory."""
        return self.total("process_resident_memory_bytes") / MEBIBYTE

    def acknowledged_frames(self) -> float:
        """Return the number of a producer's acknowledged frames."""
        return self.total(RECEIVED) - self.total(IN_FLIGHT)

    def wait_for_frames(self, count: int) -> float:
        """Wait until `count` frames are acknowledged; return the time (`time.monotonic`) of that.

        Raises:
            SystemExit: no further frame was acknowledged for ten seconds.
        """
        reached, reached_at = -1.0, time.monotonic()
        while reached < count:
            now = self.acknowledged_frames()
            if now > reached:
                reached, reached_at = now, time.monotonic()
            elif time.monotonic() - reached_at > NO_PROGRESS_SECONDS:
                raise SystemExit(f"{reached:,.0f} of {count:,} frames acknowledged, then none")
            time.sleep(POLL_SECONDS)
        return reached_at

    def total(self, name: str) -> float:
        """Return the sum of a metric over its labels; 0 before the first label."""
        with urlopen(self._url, timeout=10) as answer:  # noqa: S310 - our own process
            lines = answer.read().decode().splitlines()
        if not any(line.startswith(f"# TYPE {name.removesuffix('_total')}") for line in lines):
            raise SystemExit(f"the worker shows no {name}; run this on Linux")
        found = [line for line in lines if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in found)
