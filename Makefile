# Every target sets itself up: it needs only a Python >= 3.11 and, once, the package index.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup lock

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

# The first interpreter that is new enough and can create a virtual environment.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

setup: $(READY)  ## create .venv from the locked, hash-checked requirements

$(READY): requirements.lock
	@test -n "$(PYTHON)" || { echo "Byleave needs Python 3.11 or newer with its venv module." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@
