"""docs/metrics.md: every metric."""

from typing import Final

from liq.cli.docs.page import code, table
from liq.runtime.exported import ALL_METRICS, BUILD_INFO, OF_WORKER

HEAD: Final = """# Metrics

A worker serves its own on `/metrics` of its `HTTP_PORT`, with the process's memory, CPU time and
file handles (`process_*`). A labelled metric has no series before the first value of its labels.
`python -m liq.cli.docs` makes this page from `liq.runtime.metrics` and `liq.runtime.exported`.

"""


def metrics_page() -> str:
    """Return the text of docs/metrics.md."""
    rows = []
    for metric in ALL_METRICS:
        [family] = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the library has no other way
        workers = ", ".join(
            worker
            for worker, exported in OF_WORKER.items()
            if metric in exported or metric is BUILD_INFO
        )
        everywhere = workers == ", ".join(OF_WORKER)
        rows.append(
            (
                code(family.name + suffix),
                family.type,
                labels,
                "all" if everywhere else workers,
                family.documentation,
            )
        )
    return HEAD + table(("metric", "kind", "labels", "workers", "meaning"), rows)
