# Each target makes the virtual environment that it needs. Only a Python >= 3.11 must be there.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup audit bench demo docs messages screenshots test test-long check certify certificate lock sbom

# The two packages that decide and count, and their own tests: these alone must reach each branch.
PURE := segments experiments tests/segments tests/experiments
TWO := --numprocesses=2 --dist=loadfile

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The first interpreter that is new enough and can create a virtual environment.
PYTHON ?= $(shell for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$python; break; }; done)

# The folder that holds the workload, the generated baselines and the peers' adapters.
REFERENCE ?= ../shared/bench
# What benchmarks run in, with the peers beside Byleave, and where Node's packages are if npm is here.
BENCH := build/bench
NODE = $(if $(wildcard $(BENCH)/node_modules),--node $(BENCH))

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/  make \1 #/p' $(MAKEFILE_LIST) | column -t -s '#'

setup: $(READY)  ## create .venv from the hash-checked requirements.lock

demo: $(READY)  ## a site, its server and a finished experiment, on this machine only
	$(BIN)/byleave demo

docs: $(READY)  ## the documentation as pages, in build/docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet docs build/docs

test: $(READY)  ## every test but the long ones; the two pure packages are covered branch by branch
	$(BIN)/python -m pytest $(TWO) --cov --cov-report= $(PURE)
	$(BIN)/coverage report --fail-under=100
	$(BIN)/python -m pytest $(TWO) $(PURE:%=--ignore=%)

test-long: $(READY)  ## the tests that take minutes, with many more generated examples
	HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -m long

check: $(READY)  ## format, lint, types and the layers
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

messages: $(READY)  ## the console's texts for translators, in build/console.pot
	mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping=pyproject.toml --omit-header --no-location \
		--keywords=marked --keywords=translated --output=build/console.pot \
		server/byleave/server/console

screenshots: $(READY)  ## every page, empty and full, light and dark, narrow and wide, in artifacts/screenshots
	$(BIN)/python -m pytest tests/browser -m browser

certify: $(BENCH)/ready check  ## every promise put to the test, which takes hours, in build/scorecard.md
	$(BENCH)/bin/python -m tests.scorecard --reference $(REFERENCE) $(NODE)

bench: $(BENCH)/ready  ## what everything costs, beside references and peers, in docs/reference/performance.md
	$(BENCH)/bin/python -m benchmarks --reference $(REFERENCE) $(NODE)

# The peers stay apart from what the tests run with. Those of Node need npm.
$(BENCH)/ready: requirements.lock benchmarks/peers.txt benchmarks/peers.json
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip --quiet install --require-hashes --requirement requirements.lock
	$(BENCH)/bin/pip --quiet install --requirement benchmarks/peers.txt
	$(BENCH)/bin/pip --quiet install --no-build-isolation --no-deps --editable .
	cp benchmarks/peers.json $(BENCH)/package.json
	-npm install --prefix $(BENCH) --no-audit --no-fund --no-package-lock --silent
	@touch $@

certificate: $(BENCH)/ready  ## how well the statistics keep their promises, in docs/explanation/statistics.md
	$(BENCH)/bin/python -m benchmarks.certificate

sbom: $(READY)  ## a bill of materials of what is locked, in build/sbom.json
	$(PIP) install cyclonedx-bom
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file build/sbom.json requirements.lock

audit: $(READY)  ## known weaknesses of what is locked; needs the network
	$(PIP) install pip-audit
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

lock: $(READY)  ## resolve the newest versions for Python 3.11 to 3.14 into requirements.lock
	$(PIP) install uv
	$(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
		--extra dev --no-strip-extras --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--output-file requirements.lock pyproject.toml
	@! grep '://' requirements.lock

$(READY): requirements.lock
	@test -n "$(PYTHON)" || { echo "Byleave needs Python 3.11 or newer, with venv." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --requirement requirements.lock
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@
