PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

unexport PYTHONDONTWRITEBYTECODE # else every process that starts compiles all that it imports

.PHONY: help install demo test prove bench bench-large bench-dispatch faults check format clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(INSTALLED) ## make the environment

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN)/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: $(INSTALLED) ## run the main job on the sample, in a store of its own
	$(RUN)/callplan demo

test: export TEST_SCENARIOS ?= 15
test: $(INSTALLED) ## run the tests, of the long ones some, others each time
	$(RUN)/pytest --numprocesses 4 --dist worksteal

prove: $(INSTALLED) ## run all tests, hold the planner against the oracle 50,000 times, lose 200 ledgers twice (an hour)
	$(RUN)/pytest --numprocesses 4 --dist worksteal
	TEST_EXAMPLES=50000 TEST_RECOVERIES=200 $(RUN)/pytest --numprocesses 2 tests/transforms/test_rules.py \
		tests/transforms/test_replanning_rules.py tests/transforms/test_every_clock_change.py \
		tests/flows/test_recovery_in_random_lives.py

bench: $(VENV)/.measuring ## measure the planner beside its peers
	$(RUN)/python -m tests.benchmarks.planner

bench-large: $(VENV)/.measuring ## measure planning 100 million contacts
	$(RUN)/python -m tests.benchmarks.planner --large

bench-dispatch: $(VENV)/.measuring ## measure the dispatcher against a provider on this machine (up to twenty minutes)
	$(RUN)/python -m tests.benchmarks.dispatch

faults: $(INSTALLED) ## try the dispatcher's faults (some four hours of two cores, can be resumed)
	$(RUN)/python -m tests.faults

$(VENV)/.measuring: $(INSTALLED)
	$(RUN)/pip install --quiet --no-compile --disable-pip-version-check --constraint constraints.txt --editable '.[dev,bench]'
	touch $@

check: $(INSTALLED) ## check format, lint and types
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy

format: $(INSTALLED) ## format and mend what can be mended
	$(RUN)/ruff format .
	$(RUN)/ruff check --fix .

clean: ## remove the environment and everything generated, but not your store
	rm -rf $(VENV) data/store-demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
