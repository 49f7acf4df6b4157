#!/usr/bin/env bash
# The fault suite on Apache Kafka, in four parts side by side: they wait more than they compute.
# FAULT_SHARE=1 (the default) is the long form, which writes the table in docs/delivery.md;
# FAULT_SHARE=0.04 runs every loop about once. FAULT_FORM=short runs that of one case of each kind,
# as CI does. Needs Java 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
if [ "${FAULT_FORM:-}" = short ]; then
    cases=(-m short_form)
    FAULT_SHARE=0.04
fi
export KAFKA=apache CLICKHOUSE=server FAULT_SHARE=${FAULT_SHARE:-1} FAULT_RECORD=${FAULT_RECORD:-.liq/faults.jsonl}
mkdir -p "$(dirname "$FAULT_RECORD")"
rm -f "$FAULT_RECORD"

part() { # PORTS FILE...: ranges of their own keep one from picking a port that another picked
    FREE_PORTS=$1 "$python" -m pytest -p no:cacheprovider --durations=10 \
        ${cases[@]+"${cases[@]}"} "${@:2}"
}
logs=$(mktemp -d)
trap 'kill $(jobs -p) 2> /dev/null || true; rm -rf "$logs"' EXIT
faults=tests/faults/test
part 20000-22999 ${faults}_{kills,surroundings,retention,producer_clocks,upgrade,alerts}.py > "$logs/1" 2>&1 &
part 23000-25999 ${faults}_{groups,brokers,bad_input,notify_kills,redis_kills}.py > "$logs/2" 2>&1 &
part 26000-28999 ${faults}_{clickhouse,link,soak,faust_holes,worker_kills,sink_kills}.py \
    > "$logs/3" 2>&1 &
part 29000-31999 ${faults}_{topic_operations,growth,mirror,drill_commands}.py > "$logs/4" 2>&1 &
failed=0
for job in $(jobs -p); do
    wait "$job" || failed=1
done
cat "$logs"/*
[ "$FAULT_SHARE" != 1 ] || "$python" -m tests.faults.table
[ "$failed" = 0 ]
