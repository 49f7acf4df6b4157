"""Pages of docs/ that are made from code: `python -m liq.docs` writes them."""

from pathlib import Path

from runtime.metrics import ALL_METRICS

METRICS_PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"

METRICS_HEAD = """# Metrics

Every worker serves these on `/metrics` of its `HTTP_PORT`, with the process's own memory, CPU
time and file handles (`process_*`). Made from `runtime/metrics.py` by `python -m liq.docs`.

| metric | kind | labels | meaning |
|---|---|---|---|
"""


def metrics_page() -> str:
    """docs/metrics.md as it should be."""
    rows = []
    for metric in ALL_METRICS:
        [family] = metric.describe()
        suffix = "_total" if family.type == "counter" else ""
        labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the library has no other way
        rows.append(
            f"| `{family.name}{suffix}` | {family.type} | {labels} | {family.documentation} |"
        )
    return METRICS_HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    METRICS_PAGE.write_text(metrics_page(), encoding="utf-8")
