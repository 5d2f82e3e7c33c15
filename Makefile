# The front doors of a checkout. A machine needs Python 3.11 or newer with venv, and make; nothing else.
# Everything is installed into .venv from the hash-pinned locks. PYTHON= chooses the interpreter, ARGS= is passed on.

PYTHON ?= python3
UV ?= uv
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
RUN := $(VENV)/run.stamp
DEV := $(VENV)/dev.stamp
COMPILE = $(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate \
	--universal --python-version 3.11 --exclude-newer "3 days" --extra demo --group build $(ARGS)

.DEFAULT_GOAL := help
.PHONY: demo serve test faults lint bench interop lock clean help
.NOTPARALLEL:
.DELETE_ON_ERROR:

demo: $(RUN)  ## run the scenarios against an embedded registry (ARGS="NAME")
	@$(BIN)/sanquan demo $(ARGS)

serve: $(RUN)  ## start the API and the pages (ARGS="--port 9000")
	@$(BIN)/sanquan serve $(ARGS)

test: $(DEV)  ## run the tests (ARGS="-k merkle")
	@$(BIN)/python -m pytest -q -n auto --ignore=tests/bench $(ARGS)

faults: $(DEV)  ## kill, stop and starve a process that appends (ARGS="--count 500")
	@$(BIN)/python -m tests.faults $(ARGS)

lint: $(DEV)  ## check style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports

bench: $(DEV)  ## measure
	@$(BIN)/python -m tests.bench $(ARGS)
	@$(BIN)/python -m tests.bench.ledger

interop: $(DEV)  ## open what is signed here with golang.org/x/mod; needs Go, else says so
	@$(BIN)/python -m tests.interop

# Both locks must pin the same versions (tests/deploy checks it), so that one .venv serves every target.
lock:  ## pin the dependencies with hashes; needs uv (ARGS="--upgrade" for newer versions)
	@command -v "$(UV)" >/dev/null || { echo "make lock needs uv; set UV=/path/to/uv if it is elsewhere." >&2; exit 1; }
	@$(COMPILE) --group test --group lint pyproject.toml -o requirements-dev.lock
	@$(COMPILE) --constraint requirements-dev.lock pyproject.toml -o requirements.lock

clean:  ## remove the environment and caches; data folders stay
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks build dist
	@find api ledger registry tests -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

# An environment without a working pip (a broken-off start, an interpreter that went away) is made anew.
define prepare
@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Sanquan needs Python 3.11 or newer, but '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1)." >&2; \
		echo "Choose another one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }; \
	echo "Preparing $(VENV) from $(1); this happens once." >&2; \
	"$(PYTHON)" -m venv --clear $(VENV); }
@$(PIP) install --require-hashes -r $(1)
@$(PIP) install --no-deps --no-build-isolation --editable .
endef

$(RUN): requirements.lock pyproject.toml
	$(call prepare,requirements.lock)
	@touch $(RUN)

# requirements-dev.lock holds all of requirements.lock: what it installs serves demo and serve too.
$(DEV): requirements-dev.lock requirements.lock pyproject.toml
	$(call prepare,requirements-dev.lock)
	@touch $(RUN) $(DEV)
