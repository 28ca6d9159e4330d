# Needs nothing but make and Python 3.11 or newer. The first call of a target builds .venv from the
# hashed locks; the stamps are named after what they were built from, so a second call installs nothing.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 4

fingerprint = $(shell cat $(1) 2>/dev/null | cksum | cut -d ' ' -f 1)
RUN_LOCKS := requirements/run.txt requirements/build.txt
RUN_STAMP := $(VENV)/.run-$(call fingerprint,pyproject.toml $(RUN_LOCKS))
DEV_STAMP := $(VENV)/.dev-$(call fingerprint,pyproject.toml $(RUN_LOCKS) requirements/dev.txt)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-system system-waiting system-at-life-speed system-computing system-others system-windows soak fuzz bench bench-peers rehearsals tuning decade lint lint-style lint-types lint-imports format lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(RUN_STAMP) ## Two recorded days of a Dutch winter, time-lapsed, in this terminal
	@$(BIN)/v2g demo

# Half of a test's time is waiting: four side by side keep two cores busy.
test: lint ## The gates and every test that needs no root and no foreign peer (10 minutes at most)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not system and not bench" --cov --cov-report=term

# Houses at the speed of life mostly wait, one file beside the other. What only computes runs beside
# them, nice enough not to disturb. Three demos at once need both cores for themselves.
SYSTEM := $(BIN)/python -m pytest -v -m system
AT_LIFE_SPEED := $(patsubst %,tests/system/test_%.py,killed_daemon ocpp_rpc_peer ten_minutes \
	mid_discharge probe)
COMPUTING := $(patsubst %,tests/system/test_%.py,rehearsed_years worth_of_the_years \
	planner_against_milp conformance real_time_market discharge_budgets)
WINDOWS := tests/system/test_demo_windows.py

test-system: $(DEV_STAMP) ## Processes over loopback: long demos, kills, installs, foreign peers
	@failed=; for part in system-waiting system-others system-windows; do \
	  $(MAKE) --no-print-directory --keep-going --jobs=2 $$part || failed="$$failed $$part"; \
	done; test -z "$$failed" || { echo "not passed:$$failed" >&2; exit 1; }

system-waiting: system-at-life-speed system-computing

system-at-life-speed:
	$(SYSTEM) -n 5 --dist loadfile $(AT_LIFE_SPEED)

system-computing:
	nice -n 15 $(SYSTEM) $(COMPUTING)

system-others:
	$(SYSTEM) -n 3 --dist worksteal $(addprefix --ignore=,$(AT_LIFE_SPEED) $(COMPUTING) $(WINDOWS))

system-windows:
	$(SYSTEM) $(WINDOWS)

soak: $(DEV_STAMP) ## Foreign stations with faults on, for an hour (MINUTES=60)
	SOAK_MINUTES=$(or $(MINUTES),60) $(BIN)/python -m pytest -m system tests/system/test_ocpp_rpc_peer.py

fuzz: $(DEV_STAMP) ## A million hostile frames at the OCPP session (FRAMES=1000000)
	$(BIN)/python -m tests.fuzz --frames $(or $(FRAMES),1000000)

bench: $(DEV_STAMP) ## Measure speed and memory and write docs/benchmarks.md
	$(BIN)/python -m tests.benchmarks

bench-peers: $(DEV_STAMP) ## EMHASS and FlexMeasures beside us, each in an environment of its own, into the same page
	$(BIN)/python -m tests.benchmarks.peers

rehearsals: $(DEV_STAMP) ## Six real years, and docs/rehearsals.md from them (YEARS=a folder of such)
	$(BIN)/python -m tests.benchmarks.rehearsals $(if $(YEARS),--years $(YEARS))

tuning: $(DEV_STAMP) ## What each feature of the planner is worth, and docs/tuning.md (TABLES="frontier wear": of these alone)
	$(BIN)/python -m tests.benchmarks.tuning $(if $(TABLES),--only $(TABLES))

decade: $(DEV_STAMP) ## Ten years under a warranty's budgets (YEAR=pge2025 SCALE=1 STOP=1: no price)
	$(BIN)/python -m tests.benchmarks.decade $(or $(YEAR),pge2025) --scale $(or $(SCALE),1) $(if $(STOP),--stop-only)

lint: lint-style lint-types lint-imports ## ruff, mypy --strict and the import contracts

lint-style: $(DEV_STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-types: $(DEV_STAMP)
	$(BIN)/mypy

lint-imports: $(DEV_STAMP)
	$(BIN)/lint-imports

format: $(DEV_STAMP) ## Rewrite the sources as lint-style wants them
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(BIN)/python:
	@for candidate in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    if "$$candidate" -m venv $(VENV); then exit 0; fi; \
	    rm -rf $(VENV); \
	    echo "$$candidate cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1

# The project itself is installed last, with the build backend of the lock and nothing else.
$(RUN_STAMP): | $(BIN)/python
	@if test ! -e $(DEV_STAMP); then \
	  rm -f $(VENV)/.run-* $(VENV)/.dev-* && \
	  $(INSTALL) --require-hashes -r requirements/run.txt -r requirements/build.txt && \
	  $(INSTALL) --no-build-isolation --no-deps -e .; \
	fi
	@touch $@

$(DEV_STAMP): | $(BIN)/python
	@rm -f $(VENV)/.run-* $(VENV)/.dev-*
	$(INSTALL) --require-hashes -r requirements/dev.txt
	$(INSTALL) --no-build-isolation --no-deps -e .
	@touch $@

# The locks are universal; the last loop proves that each platform finds a wheel for every line.
UV_VENV := $(VENV)/uv
UV := $(UV_VENV)/bin/uv
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-strip-extras $(UPGRADE)

lock: $(BIN)/python ## Lock the dependencies again (UPGRADE=--upgrade for the newest)
	@test -x $(UV) || { $(BIN)/python -m venv $(UV_VENV) && $(UV_VENV)/bin/pip install --quiet uv; }
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) --group build -c requirements/run.txt -o requirements/build.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/run.txt -c requirements/build.txt \
	  -o requirements/dev.txt
	@for version in 3.11 3.12 3.13 3.14; do for machine in x86_64 aarch64; do \
	  echo "checking $$version $$machine"; \
	  $(UV) pip install --quiet --dry-run --require-hashes --only-binary :all: --target $(VENV)/none \
	    --python-version $$version --python-platform $$machine-unknown-linux-gnu \
	    -r requirements/dev.txt || exit 1; \
	done; done

clean: ## Remove the virtual environment, caches and build results
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache \
	  .pytest_cache .ruff_cache
