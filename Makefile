# Everything runs in $(VENV), which the first target that needs it makes. A stamp per set of packages
# is renewed when pyproject.toml changes, so a second call starts at once.
VENV ?= .venv
PYTHON ?= $(shell .ci/python)
VERSIONS ?= 3.11 3.12 3.13 3.14
ARGS ?=

BIN := $(VENV)/bin
RUN := $(BIN)/python -m

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check format lint types layers coverage docs docs-check site schema bench bench-quick soak mutations fuzz load \
	interop interop-quick clean

help: ## print these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-13s %s\n", $$1, $$2 }'

demo: $(VENV)/.demo ## fine-tune the embedded model on the Zen of Python and sample from it
	$(BIN)/tinkex demo $(ARGS)

test: $(VENV)/.test ## run tests/ and property_tests/ (ARGS="-k promise" and the like are passed on)
	$(RUN) pytest $(ARGS)

test-all: ## run the tests on every Python of VERSIONS that the machine has, each in its own environment
	@status=0; for version in $(VERSIONS); do \
		if python=$$(.ci/python $$version); then \
			echo "== Python $$version: $$python"; \
			$(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON="$$python" || status=1; \
		else \
			echo "== Python $$version: not on this machine, skipped"; \
		fi; \
	done; exit $$status

check: lint types layers coverage docs-check site ## everything that must hold: style, types, layers, tests, coverage, docs

format: $(VENV)/.dev ## rewrite the sources in the project's format and mend what ruff can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lint: $(VENV)/.dev ## formatting and lint rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy and pyright, both strict
	$(RUN) mypy
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(RUN) pyright --warnings --pythonpath $(BIN)/python

layers: $(VENV)/.dev ## imports point downwards only
	$(BIN)/lint-imports --no-logo

# `make test` goes through httpx, this through the other transport, so that both have passed the whole suite.
coverage: $(VENV)/.dev ## the tests over the fast transport, with every branch of the pure layers covered
	TINKEX_TRANSPORT=fast HYPOTHESIS_PROFILE=ci $(RUN) coverage run -m pytest
	$(RUN) coverage report

docs: $(VENV)/.dev ## write the generated pages of docs/
	$(BIN)/python docs/generate.py

docs-check: $(VENV)/.dev ## the generated pages say what the code says
	$(BIN)/python docs/generate.py --check

site: $(VENV)/.dev ## the documents as a site, in .cache/site; a warning is an error
	$(RUN) sphinx --quiet --fail-on-warning --keep-going docs .cache/site

schema: .cache/schema/bin/python ## write the protobuf messages from tinkex_py/wire/protobuf/schema.proto
	.cache/schema/bin/python .ci/schema.py

# The compiler needs a protobuf of its own age, hence an environment of its own.
.cache/schema/bin/python: | $(BIN)/python
	$(BIN)/python -m venv .cache/schema
	$@ -m pip install --quiet --disable-pip-version-check 'grpcio-tools==1.71.2' 'setuptools<81'

bench: $(VENV)/.bench ## this client beside the official SDK, and the embedded engine (5-10 minutes)
	$(RUN) tests.benchmarks $(ARGS)

bench-quick: $(VENV)/.bench ## a selection of the above (a minute)
	$(RUN) tests.benchmarks --quick $(ARGS)

soak: $(VENV)/.test ## play 10,000 programs under faults, and look that broken runtimes are found (ARGS="--count 500")
	$(RUN) property_tests.simulation $(ARGS)

mutations: $(VENV)/.test ## only look that runtimes broken on purpose are found
	$(RUN) property_tests.simulation --mutations

fuzz: $(VENV)/.test ## every decoder and the server under a fuzzer (ARGS="--seconds 300"; it takes atheris)
	@$(RUN) pip install --quiet --disable-pip-version-check atheris
	$(RUN) tests.fuzz $(ARGS)

load: $(VENV)/.test ## 1,000 samples at once and training for half an hour; memory and files stay flat
	$(RUN) tests.load $(ARGS)

interop-quick: $(VENV)/.test ## the embedded engine, through this client and the official SDK's last release
	$(RUN) tests.interop quick

interop: $(VENV)/.test ## the same program on every client and server there is, in environments made for it
	$(RUN) tests.interop

clean: ## remove caches and build products (the environments stay)
	rm -rf .cache .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist htmlcov
	find tinkex_py tests property_tests docs -type d -name __pycache__ -prune -exec rm -rf {} +

# An environment whose Python is gone, a dangling link, holds nothing: it is made anew in its place.
$(shell test -x $(BIN)/python || rm -f $(VENV)/.demo $(VENV)/.test $(VENV)/.bench $(VENV)/.dev)

$(BIN)/python:
	@set -e; python="$(PYTHON)"; test -n "$$python"; version=$$("$$python" --version); \
	echo "Making $(VENV) with $$version"; \
	"$$python" -m venv $(if $(wildcard $(VENV)/pyvenv.cfg),--clear) $(VENV)

# Each set holds the one before it, so a larger one marks the smaller ones as present.
# The demo's set is that of docs/start.md, which goes on from it to `tinkex serve`.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing what the demo needs"
	@$(RUN) pip install --quiet --disable-pip-version-check --editable '.[serve,cli]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(BIN)/python
	@echo "Installing what the tests need"
	@$(RUN) pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(VENV)/.demo $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	@echo "Installing what the benchmarks need"
	@$(RUN) pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $(VENV)/.demo $(VENV)/.test $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing what the checks need"
	@$(RUN) pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(VENV)/.demo $(VENV)/.test $(VENV)/.bench $@
