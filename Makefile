# Targets with a sentence each; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPEED ?= max
LIVE ?=
# Processes that share the tests, a file at a time; the longest files come first.
TEST_PROCESSES ?= 2
IN_PARALLEL = -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder
APACHE_TESTS ?= tests/integration
WORKERS_FORM ?= long
# Tests that another broker changes nothing about.
ON_EMBEDDED_ONLY := $(addprefix --ignore tests/integration/, \
	devstack/clickhouse devstack/test_stack.py packaging)
PACKAGES := liq processors producers runtime schemas sinks
CORE_TESTS := tests/golden $(wildcard tests/*/processors/cascades tests/*/processors/normalizers) \
	tests/unit/cli/commands/test_offline_detect.py
COMPILED := PYTHONPATH=build/compiled:. PYTHONSAFEPATH=1 $(BIN)/python
# Anything that changes what is installed.
INSTALL_INPUTS := pyproject.toml devstack/pyproject.toml schemas/pyproject.toml constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo dev test test-unit test-apache test-docker test-faults lint format types imports check bench bench-check bench-against bench-workers eval eval-check wheel test-compiled clean

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

install: $(VENV)/installed ## Make the virtual environment with the pinned dependencies.

$(VENV)/installed: $(INSTALL_INPUTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt \
		--editable ./schemas --editable ./devstack --editable '.[devstack,dev]'
	@touch $@

demo: install ## Play recorded liquidations through the whole engine and show what SQL says; SPEED=60 plays at 60x, LIVE=1 over websockets.
	@$(BIN)/liq demo --speed $(SPEED) $(if $(LIVE),--live)

dev: install ## Start the embedded broker and ClickHouse and all workers, and keep them up until Ctrl-C.
	@$(BIN)/liq dev

test: install ## Run every test that Python alone can run, on the embedded broker; what was left out stands at the end.
	$(BIN)/pytest $(IN_PARALLEL)

test-unit: install ## Run the tests that start no process.
	$(BIN)/pytest -m "not integration and not faults"

test-apache: install ## Run the integration tests on Apache Kafka (needs Java 17 and Maven); APACHE_TESTS=... runs some.
	KAFKA=apache $(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) $(APACHE_TESTS) $(ON_EMBEDDED_ONLY)

test-docker: install ## Run the integration tests on Kafka in a container; CLICKHOUSE_URL=... names a ClickHouse server for them.
	KAFKA=docker $(BIN)/pytest -p no:cacheprovider $(IN_PARALLEL) tests/integration $(ON_EMBEDDED_ONLY)

test-compiled: wheel ## Run the core's tests on the compiled wheel, compare it with plain Python, and hold the detector's cost against its limits.
	rm -rf build/compiled
	$(BIN)/python -m pip install --quiet --no-deps --target build/compiled dist/*.whl
	$(COMPILED) -c "import liq.processors.cascades.lane as a, liq.processors.normalizers.reading as b; \
		assert a.__file__.endswith('.so') and b.__file__.endswith('.so'), (a.__file__, b.__file__)"
	$(BIN)/python tests/support/normalizer_results.py > build/plain.txt
	$(COMPILED) tests/support/normalizer_results.py | diff build/plain.txt -
	$(COMPILED) -m pytest -p no:cacheprovider $(CORE_TESTS)
	$(COMPILED) -m benchmarks.detector --rounds 5 --check

test-faults: install ## Kill, freeze, cut and starve the whole pipeline on Apache Kafka; FAULT_FORM=short is the short form of CI.
	PYTHON=$(BIN)/python tests/faults/run.sh

lint: install ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: install ## Rewrite the code in the project's style.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install ## Check types, strictly.
	$(BIN)/mypy

imports: install ## Check that no room imports what it may not.
	$(BIN)/lint-imports

check: lint types imports ## Everything that needs no running process.

wheel: install ## Build dist/*.whl with the pure core compiled (needs a C compiler); the checkout stays pure Python.
	rm -rf build/source dist
	mkdir -p build/source
	cp -r pyproject.toml README.md LICENSE $(PACKAGES) build/source
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist ./schemas ./devstack
	# While hatch-mypyc runs mypy finds no pyproject.toml, which says where the imports are.
	MYPYPATH=processors:schemas HATCH_BUILD_HOOK_ENABLE_MYPYC=true \
		$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist build/source

bench: install ## Run the side-by-side measurements.
	@for name in normalizers detector producer clickhouse_sink clickhouse_queries; do \
		echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

bench-against: install ## Compare processor time with another checkout: OTHER=folder with an environment of its own.
	$(BIN)/python -m benchmarks.against $(OTHER) --check

bench-workers: install ## Measure whole workers on Apache Kafka beside plain loops (needs Java 17 and Maven); WORKERS_FORM=short is CI's form.
	$(BIN)/python -m benchmarks.workers --form $(WORKERS_FORM) --check

bench-check: install ## Hold normalizers, detector and ClickHouse questions against the limits of their measurements.
	$(BIN)/python -m benchmarks.normalizers --check
	$(BIN)/python -m benchmarks.detector --check
	$(BIN)/python -m benchmarks.clickhouse_queries

eval-check: install ## Play six synthetic days to the cascade detector; fails when it misses a limit.
	$(BIN)/python -m benchmarks.detection --seeds 6 --only-ours --check

eval: install ## Compare cascade detectors over 30 synthetic days; writes docs/detection.md's tables.
	$(BIN)/python -m benchmarks.detection --write docs/detection.md

clean: ## Remove what `make` made: the environment, data of the embedded stack, caches.
	rm -rf $(VENV) .liq build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
