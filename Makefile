# make run   serve the app          make test   run all tests
# make check lint, types, tests     make bench  measure speed
# make sample  draw the sample      make licences  list third-party licences
PYTHON ?= python3
PORT ?= 8501
REQUIREMENTS ?= requirements.txt
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test check lint bench sample licences

help:
	@sed -n 's/^# //p' Makefile

## An environment whose requirements have not changed is left alone.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making $(VENV) ..."; rm -rf $(VENV); \
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; }
@wanted="$$(cat requirements*.txt | cksum)"; stamp="$(VENV)/.installed-$(1)"; \
if [ "$$(cat "$$stamp" 2>/dev/null)" != "$$wanted" ]; then \
	echo "Installing $(1) (the first time this takes some minutes) ..."; \
	$(BIN)/python -m pip install --quiet -r $(1) && echo "$$wanted" > "$$stamp"; \
fi
endef

## Field packs open with less: make run REQUIREMENTS=requirements-field.txt
setup:
	$(call install,$(REQUIREMENTS))

setup-dev: setup
	$(call install,requirements-dev.txt)

## One heap for all threads (glibc): explanations take and free large blocks in several.
run: setup
	@MALLOC_ARENA_MAX=1 $(BIN)/python -m streamlit run app.py --server.port $(PORT)

test: setup-dev
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

check: lint test

bench: setup-dev
	@$(BIN)/python -m tests.benchmarks

## Draw the sample photographs again (the model: data_samples/train_demo_model.py).
sample: setup-dev
	@$(BIN)/python data_samples/synthesize.py

licences: setup-dev
	@$(BIN)/python .ci/third_party_licenses.py
