# Each target has a help text; `make` without a target lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPEED ?= max
LIVE ?=
# Number of test processes. Each runs one file at a time, the longest files first. Tests wait a third of
# their time, so three processes keep two cores busy.
TEST_PROCESSES ?= 3
IN_PARALLEL = -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
APACHE_TESTS ?= tests/integration
CLICKHOUSE_TESTS ?= $(addprefix tests/integration/, \
	sinks/clickhouse analytics devstack/clickhouse \
	$(addprefix security/test_, clickhouse.py clickhouse_users.py reader.py hostile_strings.py))
WORKERS_FORM ?= long
# The seed and the length of `make test-chaos`.
SEED ?=
MINUTES ?= 5
SOAK_MINUTES ?= 120
# Tests that do not depend on the kind of broker.
ON_EMBEDDED_ONLY := $(addprefix --ignore tests/integration/, \
	analytics deploy devstack/clickhouse devstack/test_stack.py packaging processors/test_drills.py sinks/redis \
	$(addprefix producers/history/test_, histories.py polling.py) \
	$(addprefix producers/live/test_, adding_a_venue.py amplification.py connections.py frames.py \
		keyed_streams.py limits.py rates.py redirects.py silence.py subscriptions.py) \
	schemas/test_asyncapi_parser.py \
	$(addprefix cli/test_, doctor.py doctor_surroundings.py) \
	$(addprefix security/test_, clickhouse.py clickhouse_users.py hostile_strings.py reader.py secrets.py) \
	$(addprefix sinks/clickhouse/test_, archive.py backup.py migrations.py shards.py) \
	$(addprefix sinks/notify/test_, apprise.py commands.py http_client.py mail.py) \
	$(addprefix web/test_, agents.py page.py pictures.py))
PACKAGES := liq processors producers runtime schemas sinks web
HELM := helm.sh/helm/v4/cmd/helm@v4.3.2
CORE_TESTS := tests/golden $(wildcard tests/*/processors/cascades tests/*/processors/normalizers) \
	tests/unit/cli/commands/test_offline_detect.py tests/property/cli tests/property/test_foreign_records.py \
	tests/property/processors/stages
COMPILED := PYTHONPATH=build/compiled:. PYTHONSAFEPATH=1 $(BIN)/python
# Files whose changes need a new installation.
INSTALL_INPUTS := pyproject.toml devstack/pyproject.toml schemas/pyproject.toml constraints.txt
EXTRAS := agents devstack dev notify redis web
# pip refuses a downloaded file whose hash is not in constraints.txt.
HASHED_INSTALL = $(BIN)/python -m pip install --quiet --require-hashes \
	--constraint constraints.txt --requirement $(VENV)/dependencies.txt

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-slow test-unit test-clickhouse test-apache tools test-deploy test-docker test-faults test-chaos test-soak analysis test-analysis answers dashboards pictures lint format types imports check bench bench-check bench-against bench-workers bench-told bench-web bench-block eval eval-check wheel test-compiled live release release-check clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

install: $(VENV)/installed ## Create the virtual environment with the pinned dependencies.

$(VENV)/installed: $(INSTALL_INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	sed -n '/^pip==/,/[^\\]$$/p' constraints.txt > $(VENV)/pip.txt
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(VENV)/pip.txt
	$(BIN)/python deploy/dependencies.py $(EXTRAS) > $(VENV)/dependencies.txt
	$(HASHED_INSTALL)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation \
		--editable ./schemas --editable ./devstack --editable .
	@touch $@

demo: install ## Play recorded liquidations through the whole engine and show the answers of SQL queries; SPEED=60 plays at 60x, LIVE=1 over websockets, CLICKHOUSE=server on ClickHouse's own server.
	@$(BIN)/liq demo --speed $(SPEED) $(if $(LIVE),--live)

dev: install ## Start a broker, a ClickHouse, all workers and the page, and run them until Ctrl-C; KAFKA=... and CLICKHOUSE=... select other kinds.
	@$(BIN)/liq dev

live: install ## Play recorded liquidations at SPEED=60 times their pace through the whole engine, with the live page, until Ctrl-C.
	@$(BIN)/liq dev --play --speed $(if $(filter max,$(SPEED)),60,$(SPEED))

test: install ## Run the tests that need only Python, on the embedded broker; the output ends with the tests left out.
	SLOW=skip $(BIN)/pytest $(IN_PARALLEL) --ignore tests/integration/deploy

test-slow: install ## Run the slow tests, which `make test` leaves out: each takes more than ten seconds.
	$(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) -m slow

test-unit: install ## Run the unit tests, which start no process.
	$(BIN)/pytest -m "not integration and not faults"

test-clickhouse: install ## Run the ClickHouse tests on ClickHouse's own server (needs npm); CLICKHOUSE_TESTS=... selects some.
	CLICKHOUSE=server $(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) $(CLICKHOUSE_TESTS)

test-apache: install ## Run the integration tests on Apache Kafka (needs Java 17 and Maven); APACHE_TESTS=... selects some.
	KAFKA=apache $(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) $(APACHE_TESTS) $(ON_EMBEDDED_ONLY)

tools: $(BIN)/helm $(BIN)/compose-loader ## Build the tools of `make test-deploy` except Prometheus: Helm and compose-go (needs Go 1.24 or newer).

# Without Go there is no such program, and its tests say so.
$(BIN)/helm: | $(VENV)/installed
	@if command -v go > /dev/null; then GOBIN=$(abspath $(BIN)) go install $(HELM); \
		else echo "There is no Go: Helm is not built."; fi

$(BIN)/compose-loader: $(wildcard tests/support/compose_loader/*) | $(VENV)/installed
	@if command -v go > /dev/null; then go build -C tests/support/compose_loader -o $(abspath $@) .; \
		else echo "There is no Go: the loader of compose files is not built."; fi

test-deploy: install tools ## Check alert rules, dashboards, the chart and compose with Prometheus, Helm and Docker Compose's library.
	$(BIN)/pytest -p no:cacheprovider tests/integration/deploy

test-docker: install ## Run the integration tests on Kafka in a container; CLICKHOUSE_URL=... names a ClickHouse server for them.
	KAFKA=docker $(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) tests/integration $(ON_EMBEDDED_ONLY)

analysis: $(VENV)/analysis-installed ## Install the libraries of docs/analysis.md: pandas, polars, DuckDB, matplotlib, marimo.

$(VENV)/analysis-installed: $(VENV)/installed
	$(BIN)/python deploy/dependencies.py analysis > $(VENV)/dependencies.txt
	$(HASHED_INSTALL)
	@touch $@

test-analysis: analysis ## Run the snippets of docs/analysis.md and the notebook on the recordings.
	$(BIN)/pytest -q tests/integration/analytics/test_ways_in.py

test-compiled: wheel ## Run the core's tests on the compiled wheel, compare it with plain Python, and check the detector's cost against its limits.
	rm -rf build/compiled
	$(BIN)/python -m pip install --quiet --no-deps --target build/compiled dist/*.whl
	$(COMPILED) -c "import liq.processors.cascades.lane as a, liq.processors.normalizers.reading as b; \
		assert a.__file__.endswith('.so') and b.__file__.endswith('.so'), (a.__file__, b.__file__)"
	$(BIN)/python tests/support/normalizer_results.py > build/plain.txt
	$(COMPILED) tests/support/normalizer_results.py | diff build/plain.txt -
	EXAMPLES=all $(COMPILED) -m pytest -p no:cacheprovider $(CORE_TESTS)
	$(COMPILED) -m benchmarks.detector --rounds 5 --check

test-faults: install ## Kill, freeze, cut and starve the whole pipeline on Apache Kafka and a ClickHouse server (needs Java, Maven, npm); FAULT_FORM=short is the short form of CI.
	PYTHON=$(BIN)/python tests/faults/run.sh

answers: analysis ## Detect the recordings' alerts again, and store the results of the views and the cookbook; review the changes.
	$(BIN)/python -m tests.support.analytics_data
	-ANALYTICS_EXPECTED=write $(BIN)/pytest -q tests/integration/analytics -k "what_was_reviewed or printed_one or snippets or notebook"
	$(BIN)/pytest -q tests/golden/test_stored_alerts.py tests/integration/analytics

pictures: install ## Create the pictures of docs/images again, in Chromium, from the recording.
	PICTURES=write $(BIN)/pytest -q -p no:cacheprovider tests/integration/web/test_pictures.py

test-chaos: install ## Inject random faults of every kind (SEED) into the whole pipeline on Apache Kafka and a ClickHouse server for MINUTES=5, and compare the ledgers.
	@[ -n "$(SEED)" ] || { echo "Say which campaign: make test-chaos SEED=1"; exit 2; }
	KAFKA=apache CLICKHOUSE=server SEED=$(SEED) MINUTES=$(MINUTES) $(BIN)/pytest -p no:cacheprovider \
		--show-capture no tests/faults/test_chaos.py

test-soak: install ## Run the whole pipeline on Apache Kafka for SOAK_MINUTES=120, a rebalance every ten, and print the resources of the workers.
	KAFKA=apache SOAK_MINUTES=$(SOAK_MINUTES) $(BIN)/pytest -p no:cacheprovider \
		tests/faults/test_soak.py -k hours

dashboards: install ## Generate Grafana's dashboards from deploy/grafana/boards.
	$(BIN)/python -m deploy.grafana.boards

lint: install ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install ## Format the code in the project's style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install ## Check types, strictly.
	$(BIN)/mypy

imports: install ## Check the import rules between packages.
	$(BIN)/lint-imports

check: lint types imports ## Run all checks that need no running process.

wheel: install ## Build dist/*.whl with the pure core compiled (needs a C compiler); the checkout stays pure Python.
	rm -rf build/source dist
	mkdir -p build/source
	cp -r pyproject.toml README.md LICENSE $(PACKAGES) build/source
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist ./schemas ./devstack
	# While hatch-mypyc runs mypy finds no pyproject.toml, which says where the imports are.
	MYPYPATH=processors:schemas HATCH_BUILD_HOOK_ENABLE_MYPYC=true \
		$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist build/source

release-check: install ## Rehearse the release VERSION=1.2.0 in a copy, including its wheels.
	$(BIN)/python -m deploy.release "$(VERSION)" --dry-run

release: install ## Write the release VERSION=1.2.0 into the files that state a version, and cut the changelog.
	$(BIN)/python -m deploy.release "$(VERSION)"

bench: install ## Run the side-by-side measurements.
	@for name in normalizers detector producer clickhouse_sink clickhouse_queries importing backtest; do \
		echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

bench-against: install ## Compare processor time with another checkout: OTHER=folder with its own environment.
	$(BIN)/python -m benchmarks.against $(OTHER) --check

bench-workers: install ## Measure whole workers on Apache Kafka side by side with plain loops (needs Java 17 and Maven); WORKERS_FORM=short is CI's form, WORKERS='--only delays --load 1,000/s' runs a part.
	$(BIN)/python -m benchmarks.workers --form $(WORKERS_FORM) --check $(WORKERS)

bench-told: install ## Check notifications (50 alerts a second, ten receivers, one dead) and the hot state in Redis against their limits; KAFKA=apache for Apache Kafka.
	$(BIN)/python -m benchmarks.notify --check
	$(BIN)/python -m benchmarks.redis_sink --check

bench-web: install ## Measure the web server under 200 readers at 1,000 liquidations a second, and the page's frames (SECONDS=30).
	$(BIN)/python -m benchmarks.web --seconds $(or $(SECONDS),30) --check
	$(BIN)/python -m benchmarks.web --seconds $(or $(SECONDS),30) --readers 1 --page

bench-check: install ## Check normalizers, detector, imports, back-tests and ClickHouse queries against the limits of their measurements.
	$(BIN)/python -m benchmarks.normalizers --check
	$(BIN)/python -m benchmarks.detector --check
	$(BIN)/python -m benchmarks.importing --check
	$(BIN)/python -m benchmarks.backtest --check
	$(BIN)/python -m benchmarks.clickhouse_queries

bench-block: install ## Check the time from Hyperliquid's largest block to its events on Apache Kafka against its limit, p99 under 2 s (needs Java 17 and Maven).
	$(BIN)/python -m benchmarks.hyperliquid.block --check

eval-check: install ## Run the cascade detector over some synthetic days and the recordings; fail if it misses a limit.
	$(BIN)/python -m benchmarks.detection --first-seed 8000 --seeds 6 --only-ours --short --check

eval: install ## Compare cascade detectors over 30 synthetic days and the recordings, and write docs/evaluation.md's tables.
	$(BIN)/python -m benchmarks.detection --write docs/evaluation.md
	$(BIN)/python -m benchmarks.detection frontier --write docs/evaluation.md

clean: ## Remove what `make` created: the environment, data of the embedded stack, caches.
	rm -rf $(VENV) .liq build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
