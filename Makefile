# Everything a fresh machine needs is Python 3.11 or newer and make.
# `make demo` and `make test` set up on their first run and do not again until the lock changes.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
BIN := .venv/bin
READY := .venv/.handsel-installed
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	if command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$p; break; fi; done)

.PHONY: help setup demo up test faults bench check format lock

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## install into .venv what requirements.lock names, with hashes

demo: $(READY) ## one campaign from invitation to payment on the local stack
	$(BIN)/handsel demo $(ARGS)

up: $(READY) ## start the local stack and stay; Ctrl-C ends it
	$(BIN)/handsel up $(ARGS)

test: $(READY) ## every test; browser tests need Chromium
	@infra/ci/chromium.sh
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(READY) ## the long fault run: kills every part while 200 collaborations live
	HANDSEL_FAULT_COLLABORATIONS=200 HANDSEL_FAULT_CELLS=3 $(BIN)/pytest -n 0 -m faults tests/faults $(ARGS)

bench: $(READY) ## measure, beside the floor of the same minute
	$(BIN)/python -m benchmarks $(ARGS)

check: $(READY) ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY) ## write requirements.lock anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
		--extra local --extra test --no-emit-index-url --no-header pyproject.toml -o requirements.lock

$(READY): requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "Handsel needs Python 3.11 or newer; none was found." >&2; exit 1; fi
	@if [ ! -x $(BIN)/python ]; then echo "Making .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv .venv; fi
	@if [ ! -x $(BIN)/uv ]; then $(BIN)/python -m pip install --quiet --disable-pip-version-check uv || true; fi
	@echo "Installing requirements.lock into .venv"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock || \
		{ echo "uv could not; trying pip"; $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
