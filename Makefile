# The front door. Every target sets up what it needs in .venv, once; nothing else has to be installed than Python >= 3.11.
#
#   PYTHON=python3.12   the interpreter that makes .venv
#   WORKERS=2           how many processes run the tests

PYTHON  ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= 2
VENV    ?= .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --disable-pip-version-check
PYTEST  := $(BIN)/python -m pytest -n $(WORKERS)

.DEFAULT_GOAL := help
.PHONY: help demo bench test check lint types contracts format browser clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1	/' | expand -t 20

demo: $(VENV)/.runtime ## denoise a large photograph in a fixed memory budget; pictures go to out/
	@$(BIN)/atrous demo

bench: $(VENV)/.bench ## measure a tour of layers beside PyTorch, ONNX Runtime, OpenVINO, JAX and SciPy, on a quiet machine
	@$(BIN)/atrous bench tour

test: $(VENV)/.dev browser ## run all tests
	@$(PYTEST)

check: browser lint types contracts ## format, lint, strict types, import contracts, and the tests that are not slow
	@echo "==> tests (the slow ones are left to 'make test')"
	@$(PYTEST) -m "not slow"

lint: $(VENV)/.dev ## format and lint with ruff, changing nothing
	@echo "==> format and lint"
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev ## strict types with mypy
	@echo "==> types"
	@$(BIN)/mypy

contracts: $(VENV)/.dev ## which part may import which, with import-linter
	@echo "==> import contracts"
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## put the sources in the house's format, and write what the docs take from it
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .
	@$(BIN)/python docs/modules.py
	@$(BIN)/python docs/networks.py
	@$(BIN)/python docs/inspect_schema.py
	@$(BIN)/python docs/gallery.py
	@$(BIN)/python -m tests.importers.conformance

# The page of `atrous explore` is tested in Chromium, which pip does not bring.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then \
		echo "==> installing Debian's chromium, for the tests of the page"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core && exit 0; \
	fi; \
	echo "==> there is no Chromium here: the tests of the page that 'atrous explore' shows will be skipped." >&2; \
	echo "    To run them: apt-get install chromium (Debian), or install Google Chrome." >&2

clean: ## remove the environment, the outputs and all caches in this folder
	rm -rf .venv out build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.base:
	@test -n "$(PYTHON)" || { echo "atrous needs Python 3.11 or later; none was found. Install it, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "==> making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "python -m venv failed. On Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.base pyproject.toml
	@echo "==> installing atrous and what it runs on (numpy, llvmlite, onnx, ...)"
	@$(PIP) install -qq --editable .
	@touch $@

$(VENV)/.bench: $(VENV)/.base pyproject.toml
	@echo "==> installing atrous and the libraries that it is measured with (torch, onnxruntime, openvino, jax, scipy): some minutes, once"
	@$(PIP) install -qq --editable '.[bench]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.dev: $(VENV)/.base pyproject.toml
	@echo "==> installing atrous with its test tools and peers (pytest, mypy, torch, onnxruntime, ...): some minutes, once"
	@$(PIP) install -qq --editable '.[dev]'
	@touch $@ $(VENV)/.runtime
