#!/usr/bin/env bash
# The fault suite on Apache Kafka, in two halves side by side: they wait more than they compute.
# FAULT_SHARE=1 (the default) is the long form, 0.04 the short one of CI. The long form writes the
# table in docs/delivery.md. Needs Java 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
export KAFKA=apache FAULT_SHARE=${FAULT_SHARE:-1} FAULT_RECORD=${FAULT_RECORD:-.liq/faults.jsonl}
mkdir -p "$(dirname "$FAULT_RECORD")"
rm -f "$FAULT_RECORD"

half() { # PORTS FILE...: ranges of their own keep one from picking a port that the other picked
    FREE_PORTS=$1 "$python" -m pytest -p no:cacheprovider --durations=10 "${@:2}"
}
faults=tests/faults/test
second_log=$(mktemp)
second=
trap '[ -z "$second" ] || kill "$second" 2> /dev/null || true; rm -f "$second_log"' EXIT
half 26000-31999 ${faults}_{groups,brokers,soak}.py > "$second_log" 2>&1 &
second=$!
failed=0
half 20000-25999 ${faults}_{kills,link,clickhouse,surroundings,retention}.py \
    ${faults}_{faust_holes,worker_kills,sink_kills}.py || failed=1
wait "$second" || failed=1
second=
cat "$second_log"
[ "$FAULT_SHARE" != 1 ] || "$python" -m tests.faults.table
[ "$failed" = 0 ]
