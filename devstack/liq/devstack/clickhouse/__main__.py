"""`python -m liq.devstack.clickhouse`: see `app`."""

import sys


def main() -> int:
    """Run the server; without the engine, print what to install and return 1."""
    try:
        from liq.devstack.clickhouse import app  # noqa: PLC0415 - the engine is an optional extra
    except ModuleNotFoundError as missing:
        sys.stderr.write(
            f"embedded ClickHouse: the package {missing.name} is not installed;"
            " install liquidation-engine[devstack].\n"
        )
        return 1
    return app.main()


if __name__ == "__main__":
    raise SystemExit(main())
