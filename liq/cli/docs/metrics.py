"""docs/metrics.md: every metric."""

from typing import Final

from liq.cli.docs.page import code, table
from liq.runtime.metrics import ALL_METRICS

HEAD: Final = """# Metrics

Every worker serves these on `/metrics` of its `HTTP_PORT`, with the process's own memory, CPU
time and file handles (`process_*`). `python -m liq.cli.docs` makes this page from
`liq.runtime.metrics`.

"""


def metrics_page() -> str:
    """Return the text of docs/metrics.md."""
    rows = []
    for metric in ALL_METRICS:
        [family] = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the library has no other way
        rows.append((code(family.name + suffix), family.type, labels, family.documentation))
    return HEAD + table(("metric", "kind", "labels", "meaning"), rows)
